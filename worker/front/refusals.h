/* SPDX-License-Identifier: Apache-2.0
 *
 * refusals.h - credentials that were refused, in the audit: each kind of each client at once, and then counted
 *
 * Of a client's address (an IPv6 one's /64), a reason and an issuer the first refusal is recorded as it comes; those
 * that follow are one record a second, with their number.  So a flood leaves REFUSALS_MAX records a second in a worker,
 * and one more for all clients that found no place.
 */
#ifndef WORKER_FRONT_REFUSALS_H
#define WORKER_FRONT_REFUSALS_H

#include "auth/issuers.h"
#include "worker/front/request.h"

#define REFUSALS_MAX	64

struct refusals;

must_check int	refusals_new(struct worker *w, struct refusals **out);
/* A credential that was shown, and refused with this.  Without one nothing is noted: every client begins so. */
void		refusals_note(struct request *rq, int e, const struct auth_refusal *no);

#endif
