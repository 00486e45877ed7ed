/* SPDX-License-Identifier: Apache-2.0
 *
 * endings.c - what was begun with a credential that is not good any more
 *
 * Process: worker.  Owns: nothing.
 * Trusts:  the policy and the keys in force.  A credential that ends by the clock ends streams (streams.c, httpsse.c),
 *          and lets a call finish; one that was taken away ends that too.
 */
#include "lib/log.h"
#include "worker/call/call_priv.h"
#include "worker/front/endings.h"
#include "worker/httpsse/httpsse.h"
#include "worker/streams/streams.h"

/* One that merely ended by the clock since then. */
static bool
has_ended(const struct request *rq)
{
	return rq->who.ends_ms != 0 && rq->who.ends_ms <= loop_wall_ms(rq->w->loop);
}

bool
endings_met(struct request *rq)
{
	if (rq->changes == rq->w->changes)
		return false;
	if (!has_ended(rq) && !request_still_holds(rq))
		return true;
	rq->changes = rq->w->changes;
	return false;
}

void
endings_look(struct worker *w)
{
	w->changes++;		/* who waits to begin looks when it does */
	streams_look(w);
	httpsse_look(w);
	/* Each ends in a handler of its own. */
	for (struct call *c = w->running; c != NULL; c = c->run_next) {
		if (c->failed != 0 || c->given_up != 0 || has_ended(c->rq) || request_still_holds(c->rq))
			continue;
		log_info(NULL, "%s: a call ends with its client's credential", c->rq->id_text);
		call_give_up(c, E_REVOKED);
	}
}
