/* SPDX-License-Identifier: Apache-2.0
 *
 * limits.c - the limits of one call: charged, held and counted, all of them or none
 *
 * Process: worker.  Owns: what a set holds in shared memory, until limits_end().
 * Trusts:  nothing in shared memory further than its use.
 */
#include <stddef.h>

#include "shm/quota.h"
#include "shm/share.h"
#include "worker/limits/limits.h"

_Static_assert(QUOTA_HARD_MAX == QUOTA_MAX, "what is counted reaches what may be written");

#define CROWDED_MS	1000		/* when to come again, where nobody can say */

struct found {
	const struct rec_limit	*of[LIMITS_OF_CALL];
	size_t			 count;
};

static void
found_add(struct found *f, const struct rec_limit *l)
{
	if (l != NULL && f->count < LIMITS_OF_CALL)
		f->of[f->count++] = l;
}

/* Is an element of "each" about this call? */
static bool
is_about(const struct snap *policy, const struct rec_limit *l, const struct rec_agent *agent,
    const struct call_ask *ask, struct span server)
{
	if (l->of != LIMIT_OF_EACH)
		return true;
	if (l->agent != UINT32_MAX && SNAP_AT(policy, AGENT, l->agent) != agent)
		return false;
	if (l->server.bytes > 0 && !span_eq(snap_text(policy, l->server), server))
		return false;
	return l->tool.bytes == 0 || (ask->what == CALL_TOOL && span_eq(snap_text(policy, l->tool), ask->tool));
}

static void
find(const struct request *rq, const struct call_ask *ask, struct found *f)
{
	const struct snap	*policy = rq->config->policy;
	const struct rec_tenant	*tenant = rq->tenant;
	const struct rec_agent	*agent = policy_agent_of(policy, tenant, rq->who.agent);
	const struct span	 server = snap_text(policy, ask->server->name);
	const struct rec_limit	*l;

	if (agent != NULL)
		found_add(f, policy_limit_agent(policy, agent));
	if (snap_count(policy, SECTION_BUCKET) > 0) {
		if (ask->what == CALL_TOOL)
			found_add(f, policy_limit_tool(policy, rq->who.tenant, server, ask->tool));
		found_add(f, policy_limit_tool(policy, rq->who.tenant, server, SPAN_NONE));
	}
	for (uint32_t i = 0; tenant != NULL && (l = policy_limit_tenant(policy, tenant, i)) != NULL; i++)
		if (is_about(policy, l, agent, ask, server))
			found_add(f, l);
}

static int
quotas_of(struct request *rq, const struct rec_limit *l, struct limit_use *u)
{
	const struct snap	*policy = rq->config->policy;
	const struct rec_quota	*q;
	struct quota_use	*to;

	if (l->quota_count == 0)
		return 0;
	if ((u->quotas = arena_calloc(&rq->x->arena, l->quota_count * sizeof(*u->quotas))) == NULL)
		return E_NOMEM;
	for (uint32_t i = 0; (q = policy_quota(policy, l, i)) != NULL; i++) {
		to = &u->quotas[u->quota_count++];
		to->rec = *q;
		to->content = limits_quota_content(&rq->x->arena, u->content, q, loop_wall_ms(rq->w->loop),
		    &to->ends_ms);
		if (to->content.p == NULL)
			return E_NOMEM;
		to->key = quota_key(&rq->w->quotas, to->content);
		to->ahead = limits_ahead(q);
	}
	return 0;
}

int
limits_of(struct request *rq, const struct call_ask *ask, struct limit_set **out)
{
	const struct snap	*policy = rq->config->policy;
	struct found		 f = { .count = 0 };
	struct limit_set	*set;
	struct limit_use	*u;
	int			 r;

	*out = NULL;
	find(rq, ask, &f);
	if (f.count == 0)
		return 0;
	if ((set = arena_calloc(&rq->x->arena, sizeof(*set) + f.count * sizeof(set->of[0]))) == NULL)
		return E_NOMEM;
	for (size_t i = 0; i < f.count; i++) {
		u = &set->of[set->count++];
		u->content = limits_content(&rq->x->arena, policy, f.of[i], rq, ask);
		u->path = arena_dup(&rq->x->arena, snap_text(policy, f.of[i]->path));
		if (u->content.p == NULL || u->path.p == NULL)
			return E_NOMEM;
		u->interval_ns = f.of[i]->interval_ns;
		u->burst = f.of[i]->burst;
		u->max_concurrent = f.of[i]->max_concurrent;
		if (u->interval_ns > 0)
			u->bucket = limit_key(&rq->w->limits, u->content);
		if (u->max_concurrent > 0)
			u->share = share_key(&rq->w->shares, u->content);
		if ((r = quotas_of(rq, f.of[i], u)) != 0)
			return r;
	}
	*out = set;
	return 0;
}

/* --- buckets -------------------------------------------------------------------------------------- */

static bool
has_tokens(struct worker *w, const struct limit_use *u, uint64_t cost)
{
	const uint64_t	left = limit_left(&w->limits, u->bucket, u->interval_ns, u->burst, loop_now_ns(w->loop));

	return left >= (cost > u->burst ? u->burst : cost);
}

/* 0 or E_LIMITED. */
static int
charge(struct worker *w, struct limit_use *u, uint64_t cost, struct limit_said *said)
{
	const uint64_t	now = loop_now_ns(w->loop);
	uint64_t	retry_ns;

	switch (limit_charge(&w->limits, u->bucket, cost, u->interval_ns, u->burst, now, &u->taken, &retry_ns)) {
	case LIMIT_OK:
		u->charged = true;
		return 0;
	case LIMIT_FULL:
		metric_add(&w->metrics, METRIC_limit_table_full_total, 1);
		break;
	case LIMIT_CROWDED:
		metric_add(&w->metrics, METRIC_limit_crowded_total, 1);
		break;
	case LIMIT_EMPTY:
		break;
	}
	metric_add(&w->metrics, METRIC_calls_limited_total, 1);
	*said = (struct limit_said){ .path = u->path, .retry_after_ms = retry_ns / 1000000 + 1, .most = u->burst,
	    .left = limit_left(&w->limits, u->bucket, u->interval_ns, u->burst, now),
	    .reset_s = retry_ns / 1000000000 + 1 };
	return E_LIMITED;
}

int
limits_charge(struct request *rq, struct limit_set *set, uint64_t cost, struct limit_said *said)
{
	struct worker	*w = rq->w;
	bool		 several = false;
	int		 r = 0;

	for (uint32_t i = 0, n = 0; i < set->count; i++)
		several |= set->of[i].interval_ns > 0 && ++n > 1;
	/* One that looks empty is asked first: what it refuses was then taken of none. */
	for (uint32_t i = 0; several && r == 0 && i < set->count; i++)
		if (set->of[i].interval_ns > 0 && !has_tokens(w, &set->of[i], cost))
			r = charge(w, &set->of[i], cost, said);
	for (uint32_t i = 0; r == 0 && i < set->count; i++)
		if (set->of[i].interval_ns > 0 && !set->of[i].charged)
			r = charge(w, &set->of[i], cost, said);
	if (r != 0)
		limits_give(w, set);
	return r;
}

void
limits_give(struct worker *w, struct limit_set *set)
{
	for (uint32_t i = set == NULL ? 0 : set->count; i-- > 0;) {
		if (!set->of[i].charged)
			continue;
		set->of[i].charged = false;
		(void)limit_give(&w->limits, &set->of[i].taken);
	}
}

/* --- quotas --------------------------------------------------------------------------------------- */

static int
quota_hold(struct request *rq, struct limit_use *u, struct quota_use *q, struct limit_said *said)
{
	const bool		 calls = q->rec.what == QUOTA_CALLS;
	struct worker		*w = rq->w;
	const uint64_t		 wall = loop_wall_ms(w->loop);
	enum quota_verdict	 v;
	uint64_t		 used;
	bool			 wants;

	v = calls ? quota_take(&w->quotas, q->key, 1, q->rec.hard, q->ahead, &wants) :
	    quota_look(&w->quotas, q->key, q->rec.hard, q->ahead, &wants);
	if (wants)
		limits_tell_store(w, q, false);
	if (v == QUOTA_OK) {
		q->counted = calls;
		return 0;
	}
	(void)quota_read(&w->quotas, q->key, &used);
	*said = (struct limit_said){ .path = u->path, .most = q->rec.hard,
	    .left = used < q->rec.hard ? q->rec.hard - used : 0,
	    .retry_after_ms = v == QUOTA_EMPTY && q->ends_ms > wall ? q->ends_ms - wall : CROWDED_MS };
	said->reset_s = (said->retry_after_ms + 999) / 1000;
	return v == QUOTA_EMPTY ? E_QUOTA : E_AGAIN;
}

/* --- all that is held ----------------------------------------------------------------------------- */

void
limits_say_crowded(const struct limit_use *u, struct limit_said *said)
{
	*said = (struct limit_said){ .path = u->path, .most = u->max_concurrent, .retry_after_ms = CROWDED_MS,
	    .reset_s = 1 };
}

/* 0, E_AGAIN or E_QUOTA. */
static int
hold(struct request *rq, struct limit_use *u, struct limit_said *said)
{
	int	r = 0;

	if (u->max_concurrent > 0) {
		if (share_take(&rq->w->shares, u->share, u->max_concurrent) != 0) {
			limits_say_crowded(u, said);
			return E_AGAIN;
		}
		u->held = true;
	}
	for (uint32_t i = 0; r == 0 && i < u->quota_count; i++)
		r = quota_hold(rq, u, &u->quotas[i], said);
	return r;
}

static void
let_go(struct worker *w, struct limit_use *u, bool used)
{
	if (u->held)
		share_give(&w->shares, u->share);
	u->held = false;
	for (uint32_t i = 0; i < u->quota_count; i++) {
		if (u->quotas[i].counted && !used)
			quota_give(&w->quotas, u->quotas[i].key, 1);
		u->quotas[i].counted = false;
	}
}

int
limits_hold(struct request *rq, struct limit_set *set, struct limit_said *said)
{
	uint32_t	i;
	int		r = 0;

	for (i = 0; r == 0 && i < set->count; i++)
		if ((r = hold(rq, &set->of[i], said)) != 0)
			set->blocked = set->of[i].max_concurrent > 0 && !set->of[i].held ? set->of[i].share : 0;
	if (r == 0)
		set->begun_ns = loop_now_ns(rq->w->loop);
	else
		while (i-- > 0)
			let_go(rq->w, &set->of[i], false);
	return r;
}

void
limits_end(struct worker *w, struct limit_set *set, bool sent, uint64_t bytes)
{
	const uint64_t	now = loop_now_ns(w->loop);
	const uint64_t	ms = set != NULL && now > set->begun_ns ? (now - set->begun_ns + 999999) / 1000000 : 0;

	/* One that was never held was answered without its server. */
	sent = sent && set != NULL && set->begun_ns != 0;
	for (uint32_t i = 0; set != NULL && i < set->count; i++) {
		struct limit_use	*u = &set->of[i];

		for (uint32_t k = 0; sent && k < u->quota_count; k++)
			if (u->quotas[k].rec.what != QUOTA_CALLS && quota_add(&w->quotas, u->quotas[k].key,
			    u->quotas[k].rec.what == QUOTA_TIME ? ms : bytes, u->quotas[k].ahead))
				limits_tell_store(w, &u->quotas[k], false);
		let_go(w, u, sent);
	}
}
