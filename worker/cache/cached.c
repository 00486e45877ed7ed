/* SPDX-License-Identifier: Apache-2.0
 *
 * cached.c - calls that are answered by what an equal call was answered with
 *
 * Process: worker.  Owns: flights: a call on its way, and those who wait for it.
 * Trusts:  the operator for which tools' results may be used again; a server only for how long its resources hold.
 *
 * What is kept is the server's own message, which is made into an answer for each client anew.
 */
#include <stdlib.h>

#include "lib/bug.h"
#include "worker/cache/cache.h"
#include "worker/cache/cached.h"
#include "worker/cache/cachekey.h"
#include "worker/call/admit.h"
#include "worker/call/call_priv.h"

#define FLIGHTS		256		/* buckets; a power of two */
#define WAITERS_MAX	4096		/* of one flight */
#define PASS_MS		1000		/* after an answer that cannot be shared nobody waits for one */
#define SWEEP_MS	1000
#define LOOK_MS		10		/* while as many run as may */

struct flight {
	struct flight		*next, **prev;
	struct crypt_digest	 key;
	struct call		*leader;	/* NULL: it is being chosen */
	struct call		*first, **last;
	uint32_t		 count;
};

struct caching {
	struct cache		*kept;
	struct flight		*flights[FLIGHTS];
	struct loop_timer	 sweep;
	size_t			 limit;
	uint64_t		 hints_ms;	/* resources, by their server's word: so long at most */
	size_t			 resources;	/* were kept since the last clearing: else nobody looks for them */
	struct cache_counts	 told;		/* to the metrics */
};

static const struct span no_text = { NULL, 0 };

/* What it holds, for the metrics. */
static void
publish(struct worker *w)
{
	const struct cache_counts	*now = cache_counts(w->caching->kept);

	metric_set(&w->metrics, METRIC_cache_bytes, now->bytes);
	if (now->evicted != w->caching->told.evicted)
		metric_add(&w->metrics, METRIC_cache_evicted_total,
		    (int64_t)(now->evicted - w->caching->told.evicted));
	w->caching->told = *now;
}

static void
on_sweep(struct loop_timer *t, void *arg)
{
	struct worker	*w = arg;

	(void)t;
	if (cache_sweep(w->caching->kept, loop_now_ms(w->loop)))
		loop_timer_arm(&w->caching->sweep, SWEEP_MS);
	publish(w);
}

int
cached_new(struct worker *w)
{
	struct caching	*k = calloc(1, sizeof(*k));
	int		 r;

	if (k == NULL)
		return E_NOMEM;
	if ((r = cache_new(&k->kept)) != 0) {
		free(k);
		return r;
	}
	loop_timer_init(w->loop, &k->sweep, on_sweep, w);
	w->caching = k;
	return 0;
}

void
cached_free(struct worker *w)
{
	struct caching	*k = w->caching;

	w->caching = NULL;
	if (k == NULL)
		return;
	loop_timer_disarm(&k->sweep);
	cache_free(&k->kept);
	free(k);
}

void
cached_set_params(struct worker *w, const struct params *p)
{
	w->caching->limit = p->cache_memory;
	w->caching->hints_ms = p->cache_resources;
	cache_set_limit(w->caching->kept, p->cache_memory);
}

void
cached_stale(struct worker *w, uint64_t profile)
{
	cache_drop(w->caching->kept, profile);
}

void
cached_clear(struct worker *w)
{
	cache_clear(w->caching->kept);
	w->caching->resources = 0;
	publish(w);
}

bool
cached_is_large(const struct call *c, uint64_t bytes)
{
	return bytes > cache_item_max(c->rq->w->caching->kept);
}

/* --- which call, and under which key -------------------------------------------------------------- */

/* What the operator says of this tool; NULL: nothing of keeping. */
static const struct rec_change *
marked(const struct request *rq, const struct call_ask *ask)
{
	const struct rec_change	*c;

	if (ask->what != CALL_TOOL || ask->server->change_count == 0 || ask->task != NULL || ask->tasks != 0)
		return NULL;
	/* A task is asked for. */
	if (ask->from != NULL && rq->msg.task.type != JSON_NONE)
		return NULL;
	c = policy_change_find(rq->config->policy, ask->server, ask->tool);
	return c != NULL && c->cache_ms != 0 ? c : NULL;
}

static bool
may_share(const struct rec_server *server)
{
	return server->isolation == ISOLATION_TENANT;
}

static struct flight *
flight_find(struct caching *k, const struct crypt_digest *key)
{
	struct flight	*f;

	for (f = k->flights[key->bytes[0] & (FLIGHTS - 1)]; f != NULL; f = f->next)
		if (crypt_equal(&f->key, key, sizeof(*key)))
			return f;
	return NULL;
}

/* No text: equal calls are not to wait for each other. */
static void
hit(struct cached *out, const struct cache_item *item)
{
	out->how = item->text.n > 0 ? CACHED_HIT : CACHED_NO;
	out->found = item->text;
	out->modern = item->modern;
}

/* A resource: kept by its server's word, for this caller or for all of the tenant. */
static void
look_resource(struct request *rq, const struct call_ask *ask, struct cached *out)
{
	struct caching		*k = rq->w->caching;
	const uint64_t		 now_ms = loop_now_ms(rq->w->loop);
	struct cache_item	 item;

	for (int shared = 0; shared <= may_share(ask->server); shared++)
		if (cachekey_make(rq, ask, shared != 0, &out->key) == 0 &&
		    cache_find(k->kept, &out->key, now_ms, &item)) {
			hit(out, &item);
			out->ttl_ms = item.until_ms - now_ms;
			metric_add(&rq->w->metrics, METRIC_cache_hits_total, 1);
			return;
		}
	metric_add(&rq->w->metrics, METRIC_cache_misses_total, 1);
}

void
cached_look(struct request *rq, const struct call_ask *ask, struct cached *out)
{
	struct caching		*k = rq->w->caching;
	const struct rec_change	*c;
	const struct flight	*f;
	struct cache_item	 item;

	*out = (struct cached){ .how = CACHED_NO };
	/* What answers an earlier question is never kept (2026-07-28 server/utilities/caching). */
	if (k->limit == 0 || rq->retry.given)
		return;
	out->epoch = cache_epoch(k->kept, ask->server->profile);
	if (ask->what == CALL_RESOURCE && k->resources > 0) {
		look_resource(rq, ask, out);
		return;
	}
	if ((c = marked(rq, ask)) == NULL ||
	    cachekey_make(rq, ask, (c->flags & CHANGE_FLAG_SHARED) != 0 && may_share(ask->server), &out->key) != 0)
		return;
	out->keep_ms = c->cache_ms;
	if (cache_find(k->kept, &out->key, loop_now_ms(rq->w->loop), &item)) {
		hit(out, &item);
	} else if ((f = flight_find(k, &out->key)) == NULL) {
		out->how = CACHED_LEADS;
	} else if (f->count < WAITERS_MAX) {
		out->how = CACHED_WAITS;
	}
	metric_add(&rq->w->metrics, out->how == CACHED_HIT ? METRIC_cache_hits_total :
	    out->how == CACHED_WAITS ? METRIC_cache_waits_total : METRIC_cache_misses_total, 1);
}

/* --- flights -------------------------------------------------------------------------------------- */

static void
flight_free(struct flight *f)
{
	*f->prev = f->next;
	if (f->next != NULL)
		f->next->prev = f->prev;
	crypt_wipe(&f->key, sizeof(f->key));
	free(f);
}

static bool
flight_begin(struct call *c)
{
	struct caching	*k = c->rq->w->caching;
	struct flight	*f = malloc(sizeof(*f)), **at;

	if (f == NULL)
		return false;
	at = &k->flights[c->cached.key.bytes[0] & (FLIGHTS - 1)];
	*f = (struct flight){ .next = *at, .prev = at, .key = c->cached.key, .leader = c, .last = &f->first };
	if (f->next != NULL)
		f->next->prev = &f->next;
	*at = f;
	c->cached.flight = f;
	return true;
}

static void
wait_begin(struct call *c, struct flight *f)
{
	c->cached.flight = f;
	c->cached.next = NULL;
	c->cached.prev = f->last;
	*f->last = c;
	f->last = &c->cached.next;
	f->count++;
	loop_timer_arm(&c->again, c->until_ms - loop_now_ms(c->rq->w->loop));
}

static void
wait_end(struct call *c)
{
	struct flight	*f = c->cached.flight;

	*c->cached.prev = c->cached.next;
	if (c->cached.next != NULL)
		c->cached.next->cached.prev = c->cached.prev;
	else
		f->last = c->cached.prev;
	f->count--;
	c->cached.flight = NULL;
	c->cached.how = CACHED_NO;
	loop_timer_disarm(&c->again);
}

/* It does not wait any more, and goes to its server in the next turn. */
static void
go(struct call *c)
{
	wait_end(c);
	c->cached.left = true;
	loop_timer_arm(&c->again, 0);
}

static void
flight_over(struct flight *f)
{
	while (f->first != NULL)
		go(f->first);
	flight_free(f);
}

/* The next one goes in the place of the first; the others wait on. */
static void
flight_pass_on(struct flight *f)
{
	struct call	*c = f->first;

	if (c == NULL) {
		flight_free(f);
		return;
	}
	go(c);
	c->cached.how = CACHED_LEADS;
	c->cached.flight = f;
	f->leader = c;
}

/* --- answers -------------------------------------------------------------------------------------- */

/* As if its server had said this just now; `said` is borrowed. */
static void
answer_with(struct call *c, const struct rpc_answer *said, bool modern, enum cached_how how)
{
	struct answer_ready	ready;
	int			e;

	c->cached.how = how;
	answer_give(&c->answer, said, modern);
	if (how == CACHED_HIT && c->ask.what == CALL_RESOURCE)
		c->answer.ttl_ms = &c->cached.ttl_ms;
	if ((e = answer_finish(&c->answer, &ready)) != 0)
		call_fail(c, e, false, no_text);
	else
		call_finish(c, &ready);
}

/* By what was found in this very turn. */
static void
answer_kept(struct call *c)
{
	struct worker		*w = c->rq->w;
	struct rpc_answer	 said;
	int			 e;

	if ((e = rpc_answer_whole(w->answer_scan, c->cached.found, &said)) != 0)
		call_fail(c, e, false, no_text);
	else
		answer_with(c, &said, c->cached.modern, CACHED_HIT);
}

bool
cached_join(struct call *c)
{
	struct flight	*f;

	switch (c->cached.how) {
	case CACHED_HIT:
		answer_kept(c);
		return true;
	case CACHED_LEADS:
		if (!flight_begin(c))
			c->cached.how = CACHED_NO;
		return false;
	case CACHED_WAITS:
		f = flight_find(c->rq->w->caching, &c->cached.key);
		BUG_ON(f == NULL);	/* it was there in this very turn */
		wait_begin(c, f);
		return true;
	case CACHED_NO:
	case CACHED_SHARED:
		break;
	}
	return false;
}

/* A result, of a call that nobody was asked anything for, and that is over. */
static bool
is_plain(const struct call *c, const struct answer_ready *ready)
{
	return !ready->is_error && !ready->input_required && !ready->is_task && !c->answer.begun && c->park == NULL &&
	    c->rounds == NULL && c->drive == NULL && !c->drives && c->asks.keys == 0 && c->asks.missing == 0 &&
	    c->task_id.n == 0;
}

static void
keep(struct call *c, struct span text, uint64_t ms)
{
	struct worker	*w = c->rq->w;

	cache_put(w->caching->kept, &(struct cache_item){ .key = &c->cached.key, .tenant = c->rq->who.tenant_hash,
	    .profile = c->ask.server->profile, .epoch = c->cached.epoch,
	    .until_ms = loop_now_ms(w->loop) + ms, .modern = c->answer.modern, .text = text });
	if (!w->caching->sweep.armed && cache_counts(w->caching->kept)->items > 0)
		loop_timer_arm(&w->caching->sweep, SWEEP_MS);
	publish(w);
}

/* What a modern server says of a resource, as long as the operator lets it: absent is 0, and private (2026-07-28
 * server/utilities/caching). */
static void
keep_resource(struct call *c, const struct answer_ready *ready)
{
	struct caching	*k = c->rq->w->caching;
	uint64_t	 ms;

	if (!c->answer.modern || k->limit == 0 || k->hints_ms == 0 || c->rq->retry.given || !is_plain(c, ready) ||
	    json_u64(json_get(ready->answer.result, "ttlMs"), &ms) != 0 || ms == 0 ||
	    cachekey_make(c->rq, &c->ask, may_share(c->ask.server) &&
	    json_is(json_get(ready->answer.result, "cacheScope"), "public"), &c->cached.key) != 0)
		return;
	keep(c, ready->answer.text, ms < k->hints_ms ? ms : k->hints_ms);
	k->resources++;
}

void
cached_settle(struct call *c, const struct answer_ready *ready)
{
	struct flight	*f = c->cached.flight;
	struct call	*waits;

	if (c->ask.what == CALL_RESOURCE && c->cached.how == CACHED_NO)
		keep_resource(c, ready);
	if (c->cached.how != CACHED_LEADS || f == NULL)
		return;
	if (!is_plain(c, ready)) {
		cached_spoil(c);
		return;
	}
	c->cached.flight = NULL;
	keep(c, ready->answer.text, c->cached.keep_ms);
	while ((waits = f->first) != NULL) {
		wait_end(waits);
		answer_with(waits, &ready->answer, c->answer.modern, CACHED_SHARED);
	}
	flight_free(f);
}

void
cached_spoil(struct call *c)
{
	struct flight	*f = c->cached.flight;

	if (f == NULL || c->cached.how != CACHED_LEADS)
		return;
	c->cached.flight = NULL;
	c->cached.how = CACHED_NO;
	keep(c, no_text, c->cached.keep_ms < PASS_MS ? c->cached.keep_ms : PASS_MS);
	flight_over(f);
}

void
cached_end(struct call *c, enum audit_outcome outcome)
{
	struct flight	*f = c->cached.flight;

	if (f == NULL)
		return;
	if (c->cached.how == CACHED_WAITS) {
		wait_end(c);
		return;
	}
	c->cached.flight = NULL;
	/* Its own client's doing, or its own deadline: that says nothing of the server. */
	if (outcome == AUDIT_OUTCOME_CANCELLED || outcome == AUDIT_OUTCOME_TIMEOUT || outcome == AUDIT_OUTCOME_REFUSED)
		flight_pass_on(f);
	else
		flight_over(f);
}

int
cached_go(struct call *c, uint64_t *retry_after_ms)
{
	const uint64_t		now_ms = loop_now_ms(c->rq->w->loop);
	struct limit_said	said;
	int			e;

	if (!c->cached.left)
		return 0;
	/* What it did not need while it waited for another one's answer. */
	if (c->limits != NULL && (e = limits_hold(c->rq, c->limits, &said)) != 0) {
		*retry_after_ms = said.retry_after_ms;
		if (e != E_AGAIN)
			return e;
		if (now_ms >= c->until_ms)
			return c->limits->blocked == 0 ? E_QUOTA_STORE : E_CONCURRENT;
		loop_timer_arm(&c->again, c->until_ms - now_ms < LOOK_MS ? c->until_ms - now_ms : LOOK_MS);
		return E_AGAIN;
	}
	c->cached.left = false;
	if (!admit_again(c->rq, &c->ask, &c->breaker, retry_after_ms))
		return E_BREAKER;
	c->counted = inflight_begin(&c->rq->w->inflight, c->ask.server->profile) == 0;
	return 0;
}

struct span
cached_word(const struct call *c)
{
	return c->cached.how == CACHED_HIT ? SPAN_LIT("kept") : c->cached.how == CACHED_SHARED ? SPAN_LIT("shared") :
	    no_text;
}
