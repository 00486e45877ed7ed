/* SPDX-License-Identifier: Apache-2.0
 *
 * inquiry_breakers.c - what an operator asks about breakers: of servers, of their endpoints, and of tools
 *
 * Process: worker.  Owns: nothing.
 * Trusts:  the master, which has looked at who asks.
 */
#include "policy/endpoints.h"
#include "worker/call/admit.h"
#include "worker/operator/inquiry_priv.h"

struct breakers {
	struct worker	*w;
	struct span	 tenant, server, endpoint, tool;	/* empty: any; of tools none */
	bool		 reset;
	struct buf	*all, *line;
};

static const char *const state_name[] = {
	[BREAKER_CLOSED] = "closed", [BREAKER_OPEN] = "open", [BREAKER_HALF_OPEN] = "half-open",
};

static bool
put_one(struct breakers *q, const struct rec_server *s, const struct rec_endpoint *e, uint64_t key)
{
	const struct snap	*policy = q->w->config->policy;
	const struct snap	*catalogue = q->w->snaps.current[SNAP_CATALOGUE];
	struct breaker_view	 v;
	struct buf		*b = q->line;
	int			 r;

	breaker_look(&q->w->breakers, key, loop_now_ms(q->w->loop), &v);
	if (q->reset)
		(void)breaker_reset(&q->w->breakers, key);
	if ((r = buf_put_fmt(b, "{\"state\":\"%s\",\"failures\":%u,\"calls\":%u,\"bad\":%u,"
	    "\"retry_ms\":%llu,\"sick\":%u",
	    state_name[v.state], v.failures, v.calls, v.bad, (unsigned long long)v.retry_after_ms,
	    e != NULL && catalogue != NULL && policy_is_sick(catalogue, e->profile))) == 0 &&
	    (r = inquiry_text(b, "tenant", policy_tenant_name(policy, s->tenant))) == 0 &&
	    (r = inquiry_text(b, "server", snap_text(policy, s->name))) == 0 && e != NULL)
		r = inquiry_text(b, "endpoint", snap_text(policy, e->url));
	if (r == 0)
		r = inquiry_text(b, "tool", q->tool);
	return inquiry_line(q->all, b, r);
}

static bool
put_server(struct breakers *q, const struct rec_server *s)
{
	const struct snap		*policy = q->w->config->policy;
	const struct rec_endpoint	*e;

	if (q->tool.n > 0)
		return put_one(q, s, NULL, admit_tool_key(s, q->tool));
	if (s->endpoint_count == 0)
		return q->endpoint.n > 0 || put_one(q, s, NULL, s->profile);
	for (uint32_t i = 0; (e = policy_endpoint_at(policy, s, i)) != NULL; i++)
		if ((q->endpoint.n == 0 || span_eq(q->endpoint, snap_text(policy, e->url))) &&
		    !put_one(q, s, e, e->profile))
			return false;
	return true;
}

void
inquiry_breakers(struct worker *w, struct span what, bool reset, struct buf *all, struct buf *line)
{
	const struct snap		*policy = w->config->policy;
	const struct rec_server		*s;
	struct breakers			 q = { .w = w, .reset = reset, .all = all, .line = line };

	q.tenant = inquiry_part(&what);
	q.server = inquiry_part(&what);
	q.endpoint = inquiry_part(&what);
	q.tool = what;
	for (uint64_t i = 0; (s = SNAP_AT(policy, SERVER, i)) != NULL; i++)
		if ((q.tenant.n == 0 || span_eq(q.tenant, policy_tenant_name(policy, s->tenant))) &&
		    (q.server.n == 0 || span_eq(q.server, snap_text(policy, s->name))) && !put_server(&q, s))
			return;
}
