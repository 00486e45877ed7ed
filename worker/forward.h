/* SPDX-License-Identifier: Apache-2.0
 *
 * forward.h - a request that only another worker can serve: a retry of a call parked there, an answer to
 *             what it asked, a stream it keeps (architecture section 6)
 *
 * The whole request goes to that worker, which identifies and judges it anew: nothing that this one found
 * out is believed there.  Its answer comes back as it is given, with the client's credit.
 */
#ifndef WORKER_FORWARD_H
#define WORKER_FORWARD_H

#include "worker/front/request.h"

/* Registers with the peers. */
void		forward_init(struct worker *w);
/* Takes the request; its answer comes by itself.  incarnation 0: whoever has the slot now.  0; E_NOTFOUND:
 * that worker is gone; E_RANGE: it was forwarded to us, so nobody else has it; or what kept it from being sent.
 * After an error the request is still the caller's to answer. */
must_check int	forward_request(struct request *rq, uint32_t slot, uint32_t incarnation);
/* Did it come from another worker? */
bool		forward_is_from_peer(const struct request *rq);
/* To every other worker: the call with this raw id of its session is cancelled; an empty id: all of them are. */
void		forward_cancelled(struct request *rq, struct span id);

#endif
