/* SPDX-License-Identifier: Apache-2.0
 *
 * ticketkeys.h - the keys by which workers make tickets of TLS sessions, and take each other's
 */
#ifndef MASTER_TICKETKEYS_H
#define MASTER_TICKETKEYS_H

#include "lib/keyring.h"
#include "lib/loop.h"

struct child;
struct master;

struct ticket_keys {
	struct master		*m;
	struct keyring		 ring;
	int			 fd;		/* of it: a sealed memfd */
	struct loop_timer	 timer;		/* the next key */
};

/* Of a policy that is in force.  E_SYS. */
must_check int	ticket_keys_init(struct ticket_keys *t, struct master *m);
void		ticket_keys_fini(struct ticket_keys *t);
/* tls_ticket_time may be another one. */
void		ticket_keys_changed(struct ticket_keys *t);
void		ticket_keys_send(struct ticket_keys *t, struct child *c);

#endif
