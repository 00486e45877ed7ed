/* SPDX-License-Identifier: Apache-2.0
 *
 * admit.c - what can refuse a call that policy allows: the audit, limits, the breaker
 *
 * Process: worker.  Owns: nothing; what an admission holds is the call's.
 * Trusts:  nothing in the client's texts: they are only hashed.
 */
#include "lib/sum.h"
#include "policy/endpoints.h"
#include "upstream/balance.h"
#include "worker/call/admit.h"
#include "worker/limits/waitroom.h"

#define PROBE_MS	30000		/* a breaker's half-open try that says nothing for so long is lost */
#define ENDPOINT_ERROR_PERCENT	50	/* of one of several, where nobody said otherwise */
#define HOLD_RETRY_MS	5000		/* there may be another gateway; this one may be drained for long */

struct breaker_rules
admit_rules(const struct params *p, const struct snap *policy, const struct rec_server *server)
{
	static const struct rec_balance	 nothing;
	const struct rec_balance	*said = policy_balance_of(policy, server);
	uint64_t			 percent = p->breaker_error_percent;

	if (said == NULL)
		said = &nothing;
	/* One of several is left alone when it is worse than the others may be. */
	if (percent == 0 && server->endpoint_count > 0)
		percent = ENDPOINT_ERROR_PERCENT;
	return (struct breaker_rules){
		.failures = said->failures != 0 ? said->failures : (uint32_t)p->breaker_failures,
		.probes = said->probes != 0 ? said->probes : (uint32_t)p->breaker_probes,
		.error_percent = said->error_percent != 0 ? said->error_percent : (uint32_t)percent,
		.min_calls = said->min_calls != 0 ? said->min_calls : (uint32_t)p->breaker_min_calls,
		.open_ms = said->open_ms != 0 ? said->open_ms : p->breaker_open,
		.window_ms = said->window_ms != 0 ? said->window_ms : p->breaker_window,
		.slow_ms = said->slow_ms != 0 ? said->slow_ms : p->breaker_slow,
		.probe_ms = PROBE_MS,
	};
}

uint64_t
admit_tool_key(const struct rec_server *server, struct span tool)
{
	return sum64_more(server->profile, tool);
}

static bool
has_tool_breaker(const struct request *rq, const struct call_ask *ask)
{
	const struct rec_balance	*said = policy_balance_of(rq->config->policy, ask->server);

	return said != NULL && (said->flags & BALANCE_FLAG_TOOLS) != 0 && ask->what == CALL_TOOL;
}

/* Where a server is at several places, each has its own: spread.c asks it. */
static bool
server_may_call(struct request *rq, const struct rec_server *server, const struct breaker_rules *rules,
    struct breaker_ticket *t, uint64_t *retry_after_ms)
{
	const struct balance_ask	q = { .policy = rq->config->policy, .server = server, .rules = rules };
	uint64_t			now_ms = loop_now_ms(rq->w->loop);

	if (server->endpoint_count == 0)
		return breaker_may_call(&rq->w->breakers, server->profile, now_ms, rules, t, retry_after_ms);
	t->none = true;
	return balance_may_call(rq->w->balance, &q, now_ms, retry_after_ms);
}

bool
admit_again(struct request *rq, const struct call_ask *ask, struct admitted *t, uint64_t *retry_after_ms)
{
	const struct breaker_rules	rules = admit_rules(&rq->config->params, rq->config->policy, ask->server);
	uint64_t			now_ms = loop_now_ms(rq->w->loop);

	*t = (struct admitted){ .server = { .none = true }, .tool = { .none = true }, .begun_ms = now_ms };
	if (server_may_call(rq, ask->server, &rules, &t->server, retry_after_ms)) {
		if (!has_tool_breaker(rq, ask) || breaker_may_call(&rq->w->breakers,
		    admit_tool_key(ask->server, ask->tool), now_ms, &rules, &t->tool, retry_after_ms))
			return true;
		breaker_unknown(&rq->w->breakers, &t->server, now_ms);
	}
	metric_add(&rq->w->metrics, METRIC_breaker_refused_total, 1);
	return false;
}

void
admit_forget(struct worker *w, struct admitted *t)
{
	uint64_t	now_ms = loop_now_ms(w->loop);

	breaker_unknown(&w->breakers, &t->server, now_ms);
	breaker_unknown(&w->breakers, &t->tool, now_ms);
	t->server.none = t->tool.none = true;
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
	if (admit_again(rq, ask, &a->ticket, &a->said.retry_after_ms))
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

	*a = (struct admission){ .ticket = { .server = { .none = true }, .tool = { .none = true } } };
	if (rq->w->holds) {
		a->text = SPAN_LIT("no calls are taken now: an operator drains the gateway");
		a->said.retry_after_ms = HOLD_RETRY_MS;
		return E_OVERLOAD;
	}
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
	cached_look(rq, ask, &a->cached);
	/* Those whose servers are not asked. */
	if (a->cached.how == CACHED_HIT || a->cached.how == CACHED_WAITS)
		return 0;
	/* Nobody overtakes those of its own who wait. */
	if (a->limits != NULL && waitroom_is_due(rq, a->limits, &a->said))
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

static void
fail(struct worker *w, const struct breaker_ticket *t, uint64_t key, const struct breaker_rules *rules)
{
	uint64_t		 now_ms = loop_now_ms(w->loop);
	enum breaker_state	 before;

	if (t->none)
		return;
	before = breaker_state(&w->breakers, key, now_ms);
	breaker_fail(&w->breakers, t, now_ms, rules);
	if (before != BREAKER_OPEN && breaker_state(&w->breakers, key, now_ms) == BREAKER_OPEN)
		metric_add(&w->metrics, METRIC_breaker_opened_total, 1);
}

void
admit_settle(struct request *rq, const struct call_ask *ask, struct admitted *t, int error)
{
	const struct breaker_rules	rules = admit_rules(&rq->config->params, rq->config->policy, ask->server);
	struct worker			*w = rq->w;
	uint64_t			 now_ms = loop_now_ms(w->loop);

	if (error == 0) {
		breaker_ok(&w->breakers, &t->server, now_ms, &rules, now_ms - t->begun_ms);
		breaker_ok(&w->breakers, &t->tool, now_ms, &rules, now_ms - t->begun_ms);
	} else if (!is_servers_fault(ask->server, error)) {
		admit_forget(w, t);
	} else if (t->tool.none || error == E_SERVER) {
		/* Not reached: no tool's fault. */
		fail(w, &t->server, ask->server->profile, &rules);
		breaker_unknown(&w->breakers, &t->tool, now_ms);
	} else {
		fail(w, &t->tool, admit_tool_key(ask->server, ask->tool), &rules);
		breaker_unknown(&w->breakers, &t->server, now_ms);
	}
	t->server.none = t->tool.none = true;
}
