/* SPDX-License-Identifier: Apache-2.0
 *
 * news.c - HTTP servers that are listened to outside of calls: for whom, and since when
 *
 * Process: worker.  Owns: every struct news, a copy of where it leads.
 * Trusts:  no server: one that ends its streams is asked ever less often.
 */
#include <stdlib.h>

#include "lib/bug.h"
#include "lib/log.h"
#include "upstream/news_priv.h"

#define PATIENCE_MS	2000		/* clients wait so long for a server to be listened to */
#define PAUSE_MOST_MS	60000
#define MUTE_MS		(10 * 60000)
#define NOISY_MS	60000		/* one that says too much is not heard for so long */
#define TARGET_MAX	(256 * 1024)
/* Connections of streams are no calls', nor those of lanes: each kind has its own number of them. */
#define STREAM_KEY	UINT64_C(0x6e657773a5a5a5a5)

static void	on_again(struct loop_timer *t, void *arg);
static void	on_patience(struct loop_timer *t, void *arg);
static void	on_linger(struct loop_timer *t, void *arg);
static void	mute(struct news *n);
static void	start(struct news *n);

void
news_on(struct upstream *u, const struct news_ops *ops, void *arg)
{
	u->news.ops = ops;
	u->news.arg = arg;
}

/* ---- one of them ------------------------------------------------------------------------------- */

struct news **
news_find(struct upstream *u, uint64_t profile, uint64_t instance)
{
	uint64_t	 key = (profile ^ instance) * UINT64_C(0x9e3779b97f4a7c15);
	struct news	**at = &u->news.bucket[key >> 32 & (NEWS_BUCKETS - 1)];

	while (*at != NULL && ((*at)->profile != profile || (*at)->instance != instance))
		at = &(*at)->after;
	return at;
}

static void
close_all(struct news *n)
{
	struct news_sub	**at = &n->subs;

	loop_timer_disarm(&n->again);
	peer_wait_cancel(&n->wait);
	news_get_close(n);
	news_post_close(n);
	while (*at != NULL) {
		(*at)->told = false;
		if ((*at)->wanted)
			at = &(*at)->next;
		else
			news_sub_remove(n, at);
	}
}

/* It goes, or hears nothing any more. */
static void
let_server_go(struct news *n)
{
	struct news	**at = news_find(n->u, n->profile, n->instance);

	if (*at == n)
		*at = n->after;
	close_all(n);
	peer_discard(&n->peer);
	origin_unref(&n->origin);
}

static void
news_free(struct news *n)
{
	MAGIC_CHECK(n, NEWS_MAGIC);
	let_server_go(n);
	news_settle(n);
	loop_timer_disarm(&n->again);
	loop_timer_disarm(&n->patience);
	loop_timer_disarm(&n->linger);
	loop_timer_disarm(&n->tell);
	while (n->subs != NULL)
		news_sub_remove(n, &n->subs);
	*(n->prev == NULL ? &n->u->news.first : &n->prev->next) = n->next;
	if (n->next != NULL)
		n->next->prev = n->prev;
	n->u->news.count--;
	arena_fini(&n->arena);
	n->magic = 0;
	free(n);
}

static int
news_new(struct upstream *u, const struct upstream_target *target, uint64_t tenant, uint64_t instance,
    uint64_t capabilities, struct news **out)
{
	struct news	*n, **at = news_find(u, target->server, instance);
	int		 r;

	if ((n = calloc(1, sizeof(*n))) == NULL)
		return E_NOMEM;
	n->magic = NEWS_MAGIC;
	n->u = u;
	n->profile = target->server;
	n->tenant = tenant;
	n->instance = instance;
	n->capabilities = capabilities;
	n->pause.most_ms = PAUSE_MOST_MS;
	arena_init(&n->arena, NULL, 0, TARGET_MAX);
	loop_timer_init(u->loop, &n->again, on_again, n);
	loop_timer_init(u->loop, &n->patience, on_patience, n);
	loop_timer_init(u->loop, &n->linger, on_linger, n);
	loop_timer_init(u->loop, &n->tell, news_on_tell, n);
	if ((n->next = u->news.first) != NULL)
		n->next->prev = n;
	u->news.first = n;
	u->news.count++;
	*at = n;
	if ((r = target_copy(&n->arena, target, &n->target)) == 0 &&
	    (r = peer_find(u, target, instance, capabilities, PEER_LANE_NEWS, &n->peer)) == 0 &&
	    (n->origin = origin_find(u, target->server)) == NULL)
		r = E_NOMEM;
	if (r != 0) {
		news_free(n);
		return r;
	}
	n->stream = n->target;
	n->stream.pool.key ^= STREAM_KEY;
	*out = n;
	return 0;
}

/* Is there room for one more?  One that nobody wishes makes way. */
static bool
make_room(struct upstream *u, uint64_t tenant)
{
	struct news	*theirs = NULL, *any = NULL;
	size_t		 count = 0;

	for (struct news *n = u->news.first; n != NULL; n = n->next) {
		count += n->tenant == tenant;
		if (n->wishes > 0)
			continue;
		any = n;
		if (n->tenant == tenant)
			theirs = n;
	}
	if (count >= NEWS_TENANT_MAX) {
		if (theirs != NULL)
			news_free(theirs);
		return theirs != NULL;
	}
	if (u->news.count < NEWS_MAX)
		return true;
	if (any != NULL)
		news_free(any);
	return any != NULL;
}

/* ---- the way there ----------------------------------------------------------------------------- */

static void
on_peer(void *arg, int error, const char *why)
{
	struct news	*n = arg;

	(void)why;		/* it was logged */
	MAGIC_CHECK(n, NEWS_MAGIC);
	n->state = NEWS_OFF;
	if (error != 0)
		news_failed(n, 0);
	else
		start(n);
}

static void
start(struct news *n)
{
	bool	modern;
	int	r;

	n->state = NEWS_OFF;
	n->noisy = false;
	n->noise = 0;
	if (origin_is_streamless(n->origin)) {
		mute(n);
		return;
	}
	if (!peer_is_ready(n->peer, &n->target)) {
		n->state = NEWS_PREPARING;
		if (peer_wait(n->peer, &n->target, &n->wait, on_peer, n) != 0)
			news_failed(n, 0);
		return;
	}
	modern = mcp_version_is_modern(peer_version(n->peer));
	n->state = modern ? NEWS_POST : NEWS_GET;
	if ((r = modern ? news_post_open(n) : news_get_open(n)) != 0) {
		log_debug(LOG_SUBJECT("server", n->target.name.p), "not listened to: %s", err_text(r));
		news_failed(n, 0);
	}
}

static void
on_again(struct loop_timer *t, void *arg)
{
	struct news	*n = arg;

	MAGIC_CHECK(n, NEWS_MAGIC);
	if (!n->noisy) {
		start(n);
		return;
	}
	log_warn_repeat(LOG_SUBJECT("server", n->target.name.p), "says too much outside of calls: not listened to "
	    "for a while");
	close_all(n);
	n->state = NEWS_OFF;
	n->noisy = false;
	loop_timer_arm(t, NOISY_MS);
	news_settle(n);
}

void
news_failed(struct news *n, uint64_t retry_ms)
{
	close_all(n);
	n->state = NEWS_OFF;
	loop_timer_arm(&n->again, pause_next(&n->pause, loop_now_ms(n->u->loop), retry_ms));
	news_settle(n);
}

void
news_restart(struct news *n)
{
	close_all(n);
	n->state = NEWS_OFF;
	loop_timer_arm(&n->again, 0);
}

static void
mute(struct news *n)
{
	close_all(n);
	n->state = NEWS_MUTE;
	/* Somebody may wish it for longer than that is believed. */
	loop_timer_arm(&n->again, MUTE_MS);
	news_settle(n);
}

void
news_refused(struct news *n)
{
	/* It was there: whoever answers now may not be the server. */
	if (n->opened) {
		news_failed(n, 0);
		return;
	}
	origin_set_streamless(n->origin);
	mute(n);
}

bool
news_is_mute(const struct upstream *u, uint64_t profile)
{
	return origin_streamless_now(u, profile);
}

/* ---- waiting ----------------------------------------------------------------------------------- */

void
news_unsettle(struct news *n)
{
	n->settled = false;
	if (!n->patience.armed)
		loop_timer_arm(&n->patience, PATIENCE_MS);
}

void
news_settle(struct news *n)
{
	struct news_wait	*w;

	n->settled = true;
	loop_timer_disarm(&n->patience);
	while ((w = n->waits) != NULL) {
		n->waits = w->next;
		w->next = NULL;
		w->fn(w->arg);
	}
}

static void
on_patience(struct loop_timer *t, void *arg)
{
	(void)t;
	news_settle(arg);
}

bool
news_is_settled(const struct news *n)
{
	return n->settled;
}

void
news_wait(struct news *n, struct news_wait *w, news_wait_fn *fn, void *arg)
{
	MAGIC_CHECK(n, NEWS_MAGIC);
	BUG_ON(n->settled);
	*w = (struct news_wait){ n->waits, fn, arg };
	n->waits = w;
}

void
news_wait_cancel(struct news *n, struct news_wait *w)
{
	for (struct news_wait **at = &n->waits; *at != NULL; at = &(*at)->next)
		if (*at == w) {
			*at = w->next;
			break;
		}
}

/* ---- wishes ------------------------------------------------------------------------------------ */

int
news_want(struct upstream *u, const struct upstream_target *target, uint64_t tenant, uint64_t instance,
    uint64_t capabilities, struct news **out)
{
	struct news	*n = *news_find(u, target->server, instance);
	int		 r;

	*out = NULL;
	if (n == NULL) {
		if (!make_room(u, tenant))
			return E_FULL;
		if ((r = news_new(u, target, tenant, instance, capabilities, &n)) != 0)
			return r;
		news_unsettle(n);
		loop_timer_arm(&n->again, 0);
	} else if (n->state == NEWS_MUTE && !origin_is_streamless(n->origin)) {
		n->state = NEWS_OFF;
		news_unsettle(n);
		loop_timer_arm(&n->again, 0);
	}
	loop_timer_disarm(&n->linger);
	n->wishes++;
	*out = n;
	return 0;
}

void
news_let_go(struct news **np)
{
	struct news	*n = *np;

	*np = NULL;
	if (n == NULL)
		return;
	MAGIC_CHECK(n, NEWS_MAGIC);
	BUG_ON(n->wishes == 0);
	if (--n->wishes == 0)
		loop_timer_arm(&n->linger, n->state == NEWS_OVER ? 0 : n->u->params.stream_idle_ms);
}

static void
on_linger(struct loop_timer *t, void *arg)
{
	(void)t;
	news_free(arg);
}

void
news_end_all(struct upstream *u)
{
	for (struct news *n = u->news.first; n != NULL; n = n->next) {
		if (n->state == NEWS_OVER)
			continue;
		let_server_go(n);
		n->state = NEWS_OVER;
		n->changed = 0;
		loop_timer_disarm(&n->again);
		loop_timer_disarm(&n->tell);
		/* Those that wait are told in another turn: they may wish anew. */
		loop_timer_arm(&n->patience, 0);
		if (n->wishes == 0)
			loop_timer_arm(&n->linger, 0);
	}
}

void
news_end_unwished(struct upstream *u)
{
	for (struct news *n = u->news.first; n != NULL; n = n->next)
		if (n->wishes == 0)
			loop_timer_arm(&n->linger, 0);
}

void
news_free_all(struct upstream *u)
{
	while (u->news.first != NULL)
		news_free(u->news.first);
}
