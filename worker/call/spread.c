/* SPDX-License-Identifier: Apache-2.0
 *
 * spread.c - a request to an HTTP server with several endpoints: to which one, and to which one then
 *
 * Process: worker.  Owns: one struct spread per such request that runs; it is its route's.
 * Trusts:  no server for whether a request may run twice: what could have reached a tool is sent again only where the
 *          operator says so (P5).
 */
#include <stdio.h>
#include <stdlib.h>

#include "upstream/balance.h"
#include "worker/call/admit.h"
#include "worker/call/spread.h"
#include "worker/worker.h"

#define ATTEMPTS	2
#define LEAST_MS	5		/* with less time than that nothing is begun */

struct spread {
	struct worker		*w;
	struct route		*r;
	struct route_request	 q;		/* its texts are valid until the route's end */
	struct upstream_request	 up;
	struct balance_pick	 pick;
	struct breaker_rules	 rules;
	struct loop_timer	 timer;		/* until the next attempt */
	uint64_t		 until_ms, avoid;
	uint32_t		 attempts, most, percent;
};

/* A session is where it was made.  Which era a server has is known once it was asked; until then it may be legacy. */
static bool
is_stateful(const struct worker *w, const struct route_request *q)
{
	const struct rec_endpoint	*e;

	if (q->server->transport == TRANSPORT_JSONRPC || q->server->era == ERA_PIN_MODERN)
		return false;
	for (uint32_t i = 0; (e = policy_endpoint_at(q->policy, q->server, i)) != NULL; i++)
		if (upstream_is_modern(w->upstreams, e->profile))
			return false;
	return true;
}

static int
pick(struct spread *s)
{
	struct balance_ask	q = {
		.policy = s->q.policy, .catalogue = s->w->snaps.current[SNAP_CATALOGUE], .server = s->q.server,
		.rules = &s->rules, .hash = s->q.whose != 0 ? s->q.whose : s->q.instance, .avoid = s->avoid,
		.sticky = is_stateful(s->w, &s->q) ? (s->q.instance ^ s->q.capabilities << 48) | 1 : 0,
	};
	int			r = balance_pick(s->w->balance, &q, loop_now_ms(s->w->loop), &s->pick);

	if (r == 0)
		s->avoid |= UINT64_C(1) << s->pick.place;
	if (r == 0 && s->pick.moved)
		metric_add(&s->w->metrics, METRIC_upstream_moved_total, 1);
	return r;
}

static void
end_pick(struct spread *s, enum balance_outcome what)
{
	if (balance_end(s->w->balance, &s->pick, what, loop_now_ms(s->w->loop)))
		metric_add(&s->w->metrics, METRIC_breaker_opened_total, 1);
}

/* To the endpoint that was picked. */
static int
go(struct spread *s)
{
	struct route	*r = s->r;
	struct span	 host = snap_text(s->q.policy, s->pick.at->url_host);
	uint64_t	 now = loop_now_ms(s->w->loop);
	const char	*why;
	int		 e;

	s->attempts++;
	r->attempts = s->attempts;
	snprintf(r->endpoint, sizeof(r->endpoint), "%.*s", SPAN_FMT(host));
	s->up.deadline_ms = s->until_ms > now ? (uint32_t)(s->until_ms - now) : 1;
	if ((e = target_find(s->q.policy, r->secrets, s->q.server, s->pick.at, &r->arena, &r->target, &why)) != 0)
		return e;
	return route_http_target(s->w, &s->q, r, &s->up);
}

static void
on_timer(struct loop_timer *t, void *arg)
{
	struct spread	*s = arg;
	int		 e;

	(void)t;
	if ((e = go(s)) == 0)
		return;
	end_pick(s, e == E_SERVER ? BALANCE_FAILED : BALANCE_UNKNOWN);
	route_http_end(s->r, e, span_of(err_text(e)));
}

int
spread_start(struct worker *w, struct route *r, const struct route_request *q, const struct upstream_request *up)
{
	const struct rec_balance	*said = policy_balance_of(q->policy, q->server);
	struct spread			*s;
	int				 e;

	if ((s = calloc(1, sizeof(*s))) == NULL)
		return E_NOMEM;
	s->w = w;
	s->r = r;
	s->q = *q;
	s->up = *up;
	s->rules = admit_rules(&w->config->params, q->policy, q->server);
	s->until_ms = loop_now_ms(w->loop) + q->deadline_ms;
	s->most = said != NULL && said->attempts != 0 ? said->attempts : ATTEMPTS;
	s->percent = said != NULL && said->retry_percent != 0 ? said->retry_percent :
	    (uint32_t)w->config->params.retry_budget;
	loop_timer_init(w->loop, &s->timer, on_timer, s);
	r->spread = s;
	if ((e = pick(s)) != 0)
		return e == E_NOTFOUND ? E_SERVER : e;
	balance_count(s->pick.of, s->percent);
	return go(s);
}

static enum balance_outcome
outcome_of(const struct upstream_result *result)
{
	switch (result->error) {
	case 0:
		return BALANCE_ANSWERED;
	case E_SERVER:
	case E_TIMEOUT:
		return BALANCE_FAILED;
	case E_UPSTREAM:
		/* Who is refused is no worse a server for it. */
		return result->refused != 0 ? BALANCE_ANSWERED : BALANCE_FAILED;
	default:
		return BALANCE_UNKNOWN;
	}
}

static bool
may_go_again(const struct spread *s, const struct upstream_result *result)
{
	const struct route	*r = s->r;

	if (outcome_of(result) != BALANCE_FAILED || s->attempts >= s->most || r->passing || r->asked ||
	    s->until_ms <= loop_now_ms(s->w->loop) + LEAST_MS)
		return false;
	return !result->sent || s->q.is_list || s->q.repeatable;
}

bool
spread_again(struct route *r, const struct upstream_result *result)
{
	struct spread	*s = r->spread;
	struct balanced	*of = s->pick.of;
	uint64_t	 pause, now = loop_now_ms(s->w->loop);
	bool		 again = of != NULL && may_go_again(s, result);

	if (again && !(again = s->percent > 0 && balance_may_retry(of)))
		metric_add(&s->w->metrics, METRIC_upstream_retries_refused_total, 1);
	end_pick(s, outcome_of(result));
	if (!again)
		return false;
	if (pick(s) != 0) {
		balance_not_retried(of);
		return false;
	}
	metric_add(&s->w->metrics, METRIC_upstream_retries_total, 1);
	pause = balance_pause_ms(s->w->balance, s->attempts + 1);
	if (now + pause + LEAST_MS >= s->until_ms)
		pause = 0;
	loop_timer_arm(&s->timer, pause);
	return true;
}

void
spread_free(struct spread **sp)
{
	struct spread	*s = *sp;

	*sp = NULL;
	if (s == NULL)
		return;
	end_pick(s, BALANCE_UNKNOWN);
	loop_timer_disarm(&s->timer);
	free(s);
}

const struct rec_endpoint *
spread_listens_at(struct worker *w, const struct snap *policy, const struct rec_server *server)
{
	const struct snap		*catalogue = w->snaps.current[SNAP_CATALOGUE];
	const struct rec_endpoint	*e;

	for (uint32_t i = 0; (e = policy_endpoint_at(policy, server, i)) != NULL; i++)
		if (breaker_state(&w->breakers, e->profile, loop_now_ms(w->loop)) != BREAKER_OPEN &&
		    (catalogue == NULL || !policy_is_sick(catalogue, e->profile)))
			return e;
	return policy_endpoint_at(policy, server, 0);
}
