/* SPDX-License-Identifier: Apache-2.0
 *
 * secure.h - TLS of this worker's listeners
 */
#ifndef WORKER_FRONT_SECURE_H
#define WORKER_FRONT_SECURE_H

#include "auth/identify.h"
#include "http/exchange.h"
#include "worker/worker.h"

/* Connections of listeners with TLS begin with a handshake from here on.  0, E_NOMEM or E_INTERNAL. */
must_check int	secure_new(struct worker *w);
/* Certificates of the policy in force, and keys of its secrets, for handshakes from now on; what cannot be used leaves
 * those before. */
void		secure_policy_changed(struct worker *w);
/* Keys of tickets, of the master. */
must_check int	secure_take_tickets(struct worker *w, int fd);
/* Says of the certificate in *in, which front_credential() took from x, whether it is believed now. */
void		secure_judge(const struct worker *w, const struct exchange *x, struct auth_in *in);

#endif
