/* SPDX-License-Identifier: Apache-2.0
 *
 * admit.c - what can refuse a call that policy allows: the audit, buckets, the breaker
 *
 * Process: worker.  Owns: nothing; a ticket is the call's.
 * Trusts:  nothing in the client's texts: they are only hashed.
 */
#include "worker/admit.h"

#define PROBE_MS	30000		/* a breaker's half-open try that says nothing for so long is lost */
#define HOLD_RETRY_MS	5000		/* there may be another gateway; this one may be drained for long */

struct span
admit_bucket_key(struct arena *a, const struct span *words, size_t n)
{
	size_t	 bytes = 0;
	char	*key, *at;

	for (size_t i = 0; i < n; i++)
		bytes += words[i].n + 1;
	if ((key = at = arena_alloc(a, bytes)) == NULL)
		return SPAN_NONE;
	for (size_t i = 0; i < n; i++) {
		if (words[i].n > 0)
			memcpy(at, words[i].p, words[i].n);
		at += words[i].n;
		*at++ = '\0';
	}
	return span_make(key, bytes);
}

/* What a call costs, of one bucket.  0, E_LIMITED or E_NOMEM. */
static int
take_from(struct request *rq, uint64_t cost, uint64_t interval_ns, uint32_t burst, const struct span *words, size_t n,
    uint64_t *retry_after_ms)
{
	struct span	key = admit_bucket_key(&rq->x->arena, words, n);
	uint64_t	retry_ns;

	if (key.p == NULL)
		return E_NOMEM;
	switch (limit_take_many(&rq->w->limits, limit_key(&rq->w->limits, key), cost, interval_ns, burst,
	    loop_now_ns(rq->w->loop), &retry_ns)) {
	case LIMIT_OK:
		return 0;
	case LIMIT_FULL:
		metric_add(&rq->w->metrics, METRIC_limit_table_full_total, 1);
		break;
	case LIMIT_CROWDED:
		metric_add(&rq->w->metrics, METRIC_limit_crowded_total, 1);
		break;
	case LIMIT_EMPTY:
		break;
	}
	*retry_after_ms = retry_ns / 1000000 + 1;
	metric_add(&rq->w->metrics, METRIC_calls_limited_total, 1);
	return E_LIMITED;
}

/* Tokens of the agent's bucket, then of the tool's, then of the tenant's: what one of its agents is refused takes
 * nothing from the others.  0, E_LIMITED or E_NOMEM. */
static int
take_tokens(struct request *rq, const struct call_ask *ask, uint64_t cost, uint64_t *retry_after_ms)
{
	const struct snap	*policy = rq->config->policy;
	const struct rec_tenant	*tenant = request_tenant(rq);
	const struct span	 server = snap_text(policy, ask->server->name);
	const struct span	 agents[] = { SPAN_LIT("agent"), rq->who.tenant, rq->who.agent };
	const struct span	 tools[] = { SPAN_LIT("tool"), rq->who.tenant, server, ask->tool };
	const struct rec_agent	*agent = policy_agent_find(policy, rq->who.tenant, rq->who.agent);
	const struct rec_limit	*l;
	int			 e = 0;

	if (agent != NULL && (l = policy_limit_agent(policy, agent)) != NULL)
		e = take_from(rq, cost, l->interval_ns, l->burst, agents, 3, retry_after_ms);
	if (e == 0 && ask->what == CALL_TOOL &&
	    (l = policy_limit_tool(policy, rq->who.tenant, server, ask->tool)) != NULL)
		e = take_from(rq, cost, l->interval_ns, l->burst, tools, 4, retry_after_ms);
	if (e == 0 && tenant != NULL && tenant->interval_ns > 0)
		e = take_from(rq, cost, tenant->interval_ns, tenant->burst, (const struct span []){ SPAN_LIT("tenant"),
		    rq->who.tenant }, 2, retry_after_ms);
	return e;
}

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

int
admit_call(struct request *rq, const struct call_ask *ask, const struct decision *d, struct breaker_ticket *t,
    struct span *text, uint64_t *retry_after_ms)
{
	int	e;

	*retry_after_ms = 0;
	if (rq->w->holds) {
		*text = SPAN_LIT("no calls are taken now: an operator drains the gateway");
		*retry_after_ms = HOLD_RETRY_MS;
		return E_OVERLOAD;
	}
	if (ask->server->flags & SERVER_FLAG_DISABLED) {
		*text = snap_text(rq->config->policy, ask->server->why);
		return E_SERVER;
	}
	if (!spool_may_call(rq->w->spool) &&
	    rq->config->params.audit_on_error != AUDIT_ON_ERROR_CONTINUE) {
		metric_add(&rq->w->metrics, METRIC_calls_unaudited_total, 1);
		return E_AUDIT;
	}
	if ((e = take_tokens(rq, ask, d->cost, retry_after_ms)) != 0)
		return e;
	return admit_again(rq, ask->server, t, retry_after_ms) ? 0 : E_BREAKER;
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
