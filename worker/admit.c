/* SPDX-License-Identifier: Apache-2.0
 *
 * admit.c - what can refuse a call that policy allows: the audit, limits, the breaker
 *
 * Process: worker.  Owns: nothing; what an admission holds is the call's.
 * Trusts:  nothing in the client's texts: they are only hashed.
 */
#include "worker/admit.h"
#include "worker/waitroom.h"

#define PROBE_MS	30000		/* a breaker's half-open try that says nothing for so long is lost */

bool
admit_again(struct request *rq, const struct rec_server *server, struct breaker_ticket *t,
    uint64_t *retry_after_ms)
{
	if (breaker_may_call(&rq->w->breakers, server->profile, loop_now_ms(rq->w->loop), PROBE_MS, t,
	    retry_after_ms))
		return true;
	metric_add(&rq->w->metrics, METRIC_breaker_refused_total, 1);
	return false;
}

/* What may be waited for, and last the breaker, whose one try must not be wasted. */
int
admit_waited(struct request *rq, const struct call_ask *ask, struct admission *a)
{
	int	e;

	if (a->limits != NULL && (e = limits_hold(rq, a->limits, &a->said)) != 0) {
		if (e != E_AGAIN)
			limits_give(rq->w, a->limits);
		return e;
	}
	a->said = (struct limit_said){ .retry_after_ms = 0 };
	if (admit_again(rq, ask->server, &a->ticket, &a->said.retry_after_ms))
		return 0;
	admit_undo(rq->w, a);
	return E_BREAKER;
}

void
admit_undo(struct worker *w, struct admission *a)
{
	if (a->limits == NULL)
		return;
	limits_end(w, a->limits, false, 0);
	limits_give(w, a->limits);
	a->limits = NULL;
}

int
admit_call(struct request *rq, const struct call_ask *ask, const struct decision *d, struct admission *a)
{
	int	e;

	*a = (struct admission){ .limits = NULL };
	if (ask->server->flags & SERVER_FLAG_DISABLED) {
		a->text = snap_text(rq->config->policy, ask->server->why);
		return E_SERVER;
	}
	if (!spool_may_call(rq->w->spool) &&
	    rq->config->params.audit_on_error != AUDIT_ON_ERROR_CONTINUE) {
		metric_add(&rq->w->metrics, METRIC_calls_unaudited_total, 1);
		return E_AUDIT;
	}
	if ((e = limits_of(rq, ask, &a->limits)) != 0 ||
	    (a->limits != NULL && (e = limits_charge(rq, a->limits, d->cost, &a->said)) != 0))
		return e;
	/* Nobody overtakes those of its own who wait. */
	if (a->limits != NULL && waitroom_is_due(rq, a->limits))
		return E_AGAIN;
	return admit_waited(rq, ask, a);
}

/* Did the server fail, so that the breaker should know?  A tool's process that dies is the runner's to
 * restart, with a back-off of its own: its breaker counts silence and nonsense only. */
static bool
is_servers_fault(const struct rec_server *server, int error)
{
	if (error == E_SERVER)
		return server->kind == SERVER_HTTP;
	return error == E_TIMEOUT || error == E_UPSTREAM;
}

void
admit_settle(struct request *rq, const struct rec_server *server, struct breaker_ticket *t, int error)
{
	const struct params	*p = &rq->config->params;
	struct worker		*w = rq->w;
	uint64_t		 now_ms = loop_now_ms(w->loop);

	if (error == 0) {
		breaker_ok(&w->breakers, t);
	} else if (is_servers_fault(server, error)) {
		uint64_t		 profile = server->profile;
		enum breaker_state	 before = breaker_state(&w->breakers, profile, now_ms);

		breaker_fail(&w->breakers, t, now_ms, (uint32_t)p->breaker_failures,
		    p->breaker_open);
		if (before != BREAKER_OPEN && breaker_state(&w->breakers, profile, now_ms) == BREAKER_OPEN)
			metric_add(&w->metrics, METRIC_breaker_opened_total, 1);
	} else {
		breaker_unknown(&w->breakers, t, now_ms);
	}
}
