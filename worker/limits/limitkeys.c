/* SPDX-License-Identifier: Apache-2.0
 *
 * limitkeys.c - what limits and quotas are of, as content that means the same in every worker and generation
 *
 * Process: worker.  Owns: nothing; texts are in the arena it was given.
 * Trusts:  nothing in the client's texts: they are only hashed.
 */
#include <stdio.h>
#include <time.h>

#include "lib/num.h"
#include "worker/limits/limits.h"

#define WORDS_MAX	16
#define AHEAD_PARTS	200		/* half a percent of a quota is what a crash may cost */
#define AHEAD_CALLS	10000
#define AHEAD_MS	1000		/* at least */
#define AHEAD_BYTES	(64 * 1024)

struct span
limits_words(struct arena *a, const struct span *words, size_t n)
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

struct span
limits_address(const struct exchange_peer *p)
{
	if (p->family == AF_UNIX)
		return span_make(&p->uid, sizeof(p->uid));
	return span_make(p->address, p->family == AF_INET ? 4 : 8);
}

/* Two elements that say the same but for their rates are two buckets. */
static struct span
each_content(struct arena *a, const struct snap *policy, const struct rec_limit *l, const struct request *rq,
    const struct call_ask *ask)
{
	const struct rec_agent	*agent = SNAP_AT(policy, AGENT, l->agent);
	const uint64_t		 numbers[] = { l->by, l->interval_ns, l->burst };
	struct span		 words[WORDS_MAX] = { SPAN_LIT("each"), rq->who.tenant,
				     span_make(numbers, sizeof(numbers)),
				     agent == NULL ? SPAN_NONE : snap_text(policy, agent->name),
				     snap_text(policy, l->server), snap_text(policy, l->tool) };
	size_t			 n = 6;

	if (l->by & LIMIT_BY_PRINCIPAL)
		words[n++] = span_make(&rq->who.hash, sizeof(rq->who.hash));
	if (l->by & LIMIT_BY_AGENT)
		words[n++] = rq->who.agent;
	if (l->by & (LIMIT_BY_SERVER | LIMIT_BY_TOOL))
		words[n++] = snap_text(policy, ask->server->name);
	if (l->by & LIMIT_BY_TOOL)
		words[n++] = ask->what == CALL_TOOL ? ask->tool : SPAN_NONE;
	if (l->by & LIMIT_BY_ADDRESS)
		words[n++] = limits_address(&rq->x->peer);
	return limits_words(a, words, n);
}

struct span
limits_content(struct arena *a, const struct snap *policy, const struct rec_limit *l, const struct request *rq,
    const struct call_ask *ask)
{
	const struct rec_agent	*agent;
	const struct span	 tenant = policy_tenant_name(policy, l->tenant);

	switch ((enum limit_of)l->of) {
	case LIMIT_OF_AGENT:
		agent = SNAP_AT(policy, AGENT, l->agent);
		return limits_words(a, (struct span []){ SPAN_LIT("agent"), tenant,
		    agent == NULL ? SPAN_NONE : snap_text(policy, agent->name) }, 3);
	case LIMIT_OF_TOOL:
		return limits_words(a, (struct span []){ SPAN_LIT("tool"), tenant, snap_text(policy, l->server),
		    snap_text(policy, l->tool) }, 4);
	case LIMIT_OF_SERVER:
		return limits_words(a, (struct span []){ SPAN_LIT("server"), tenant, snap_text(policy, l->server) }, 3);
	case LIMIT_OF_TENANT:
		return limits_words(a, (struct span []){ SPAN_LIT("tenant"), tenant }, 2);
	case LIMIT_OF_GATEWAY:
		return limits_words(a, (struct span []){ SPAN_LIT("gateway") }, 1);
	case LIMIT_OF_ADDRESS:
		return SPAN_NONE;
	case LIMIT_OF_EACH:
	default:
		return rq == NULL ? SPAN_NONE : each_content(a, policy, l, rq, ask);
	}
}

/* --- periods of quotas ---------------------------------------------------------------------------- */

struct span
limits_quota_content(struct arena *a, struct span of, const struct rec_quota *q, uint64_t wall_ms, uint64_t *ends_ms)
{
	static const char *const whats[] = { [QUOTA_CALLS] = "calls", [QUOTA_TIME] = "time", [QUOTA_BYTES] = "bytes" };
	const time_t		 local = (time_t)(wall_ms / 1000) + q->zone_s;
	struct tm		 at, end;
	char			 period[32];

	if (q->what >= sizeof(whats) / sizeof(whats[0]) || gmtime_r(&local, &at) == NULL)
		return SPAN_NONE;
	end = (struct tm){ .tm_year = at.tm_year, .tm_mon = at.tm_mon, .tm_mday = at.tm_mday };
	if (q->period == QUOTA_MONTH) {
		snprintf(period, sizeof(period), "%d-%02d", at.tm_year + 1900, at.tm_mon + 1);
		end.tm_mon++;
		end.tm_mday = 1;
	} else {
		snprintf(period, sizeof(period), "%d-%02d-%02d", at.tm_year + 1900, at.tm_mon + 1, at.tm_mday);
		end.tm_mday++;
	}
	*ends_ms = (uint64_t)(timegm(&end) - q->zone_s) * 1000;
	return limits_words(a, (struct span []){ of, span_of(whats[q->what]), span_of(period) }, 3);
}

uint64_t
limits_ahead(const struct rec_quota *q)
{
	const uint64_t	part = q->hard / AHEAD_PARTS;

	switch ((enum quota_what)q->what) {
	case QUOTA_TIME:
		return part < AHEAD_MS ? AHEAD_MS : part;
	case QUOTA_BYTES:
		return part < AHEAD_BYTES ? AHEAD_BYTES : part;
	case QUOTA_CALLS:
	default:
		return part < 1 ? 1 : part > AHEAD_CALLS ? AHEAD_CALLS : part;
	}
}
