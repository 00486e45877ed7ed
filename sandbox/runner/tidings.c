/* SPDX-License-Identifier: Apache-2.0
 *
 * tidings.c - what tools say of no call, on its way to every worker
 *
 * Process: mcpgw-runner.  Owns: one struct tiding per instance and thing, from when it is first told until
 *          it was quiet for a while and every link knows.
 * Trusts:  nothing.  A tool may say the same as often as it likes: it is told at once, and then at most
 *          every LINK_EVENT_QUIET_MS; URIs are bounded, and only those that somebody wants are looked at.
 *
 * Nothing is queued for a link that takes nothing: events stand in one list in the order they were told,
 * and each link knows up to where it has them.  What comes again moves to the end, so a slow link hears it
 * once.
 */
#include <stdlib.h>

#include "mcp/news.h"
#include "sandbox/runner/tidings.h"
#include "sandbox/runner/instance.h"
#include "sandbox/runner/subscribe.h"
#include "sandbox/runner/wlink.h"

struct tiding {
	struct tiding		*next, **prev_next;	/* in the bucket */
	struct tiding		*after, *before;	/* in the list */
	struct link_event	 what;
	uint64_t		 seq;			/* of when it was last told */
	uint64_t		 quiet_ms;		/* until then it is not told again */
	bool			 again;			/* it came once more meanwhile */
	uint32_t		 uri_bytes;
	char			 uri[];
};

static void	tidings_on_timer(struct loop_timer *t, void *arg);

void
tidings_init(struct runner *r)
{
	loop_timer_init(r->loop, &r->tidings.timer, tidings_on_timer, r);
}

/* --- the list ------------------------------------------------------------------------------------ */

static void
list_take(struct tidings *all, struct tiding *e)
{
	if (e->before != NULL)
		e->before->after = e->after;
	else
		all->head = e->after;
	if (e->after != NULL)
		e->after->before = e->before;
	else
		all->tail = e->before;
}

static void
list_put(struct tidings *all, struct tiding *e)
{
	e->after = NULL;
	e->before = all->tail;
	if (all->tail != NULL)
		all->tail->after = e;
	else
		all->head = e;
	all->tail = e;
}

static struct tiding **
bucket_of(struct tidings *all, const struct link_event *what)
{
	uint64_t	mixed = (what->profile ^ what->instance) * UINT64_C(0x9e3779b97f4a7c15);

	return &all->bucket[mixed >> 32 & (TIDING_BUCKETS - 1)];
}

static bool
is_of(const struct tiding *e, const struct link_event *what)
{
	return e->what.profile == what->profile && e->what.instance == what->instance &&
	    e->what.capabilities == what->capabilities;
}

/* *uris: of this instance. */
static struct tiding *
tiding_find(struct tidings *all, const struct link_event *what, struct span uri, size_t *uris)
{
	*uris = 0;
	for (struct tiding *e = *bucket_of(all, what); e != NULL; e = e->next) {
		if (!is_of(e, what))
			continue;
		if (e->what.what == what->what && span_eq(span_make(e->uri, e->uri_bytes), uri))
			return e;
		*uris += e->uri_bytes > 0;
	}
	return NULL;
}

static struct tiding *
tiding_new(struct tidings *all, const struct link_event *what, struct span uri)
{
	struct tiding	*e, **bucket = bucket_of(all, what);

	if ((e = calloc(1, sizeof(*e) + uri.n)) == NULL)
		return NULL;
	e->what = *what;
	e->uri_bytes = (uint32_t)uri.n;
	if (uri.n > 0)
		memcpy(e->uri, uri.p, uri.n);
	if ((e->next = *bucket) != NULL)
		e->next->prev_next = &e->next;
	e->prev_next = bucket;
	*bucket = e;
	list_put(all, e);
	all->count++;
	all->uri_count += uri.n > 0;
	return e;
}

static void
tiding_free(struct tidings *all, struct tiding *e)
{
	if ((*e->prev_next = e->next) != NULL)
		e->next->prev_next = e->prev_next;
	list_take(all, e);
	all->count--;
	all->uri_count -= e->uri_bytes > 0;
	free(e);
}

void
tidings_fini(struct runner *r)
{
	loop_timer_disarm(&r->tidings.timer);
	while (r->tidings.head != NULL)
		tiding_free(&r->tidings, r->tidings.head);
}

/* --- telling ------------------------------------------------------------------------------------- */

void
tidings_tell(struct wlink *l)
{
	struct tidings	*all = &l->r->tidings;
	struct tiding	*e = all->tail;
	char		 payload[sizeof(e->what) + LINK_URI_MAX];

	if (l->told == all->seq)
		return;
	while (e != NULL && e->before != NULL && e->before->seq > l->told)
		e = e->before;
	for (; e != NULL && wlink_has_room(l); e = e->after) {
		memcpy(payload, &e->what, sizeof(e->what));
		memcpy(payload + sizeof(e->what), e->uri, e->uri_bytes);
		wlink_put(l, LINK_EVENT, 0, 0, 0, 0, span_make(payload, sizeof(e->what) + e->uri_bytes));
		l->told = e->seq;
	}
	/* Then the list may have become shorter. */
	if (all->head != NULL && !all->timer.armed)
		loop_timer_arm(&all->timer, LINK_EVENT_QUIET_MS);
}

static void
tiding_tell(struct runner *r, struct tiding *e)
{
	struct tidings	*all = &r->tidings;

	list_take(all, e);
	list_put(all, e);
	e->seq = ++all->seq;
	e->quiet_ms = loop_now_ms(r->loop) + LINK_EVENT_QUIET_MS;
	e->again = false;
	if (!all->timer.armed)
		loop_timer_arm(&all->timer, LINK_EVENT_QUIET_MS);
	for (struct wlink *l = r->links; l != NULL; l = l->next)
		tidings_tell(l);
}

/* Up to where all links that live know. */
static uint64_t
told_to_all(const struct runner *r)
{
	uint64_t	least = r->tidings.seq;

	for (const struct wlink *l = r->links; l != NULL; l = l->next)
		if (!l->dead && l->told < least)
			least = l->told;
	return least;
}

/* Ends the links that are furthest behind, so that the list becomes shorter. */
static void
shed(struct runner *r)
{
	uint64_t	told = told_to_all(r);

	for (struct wlink *l = r->links; l != NULL && told < r->tidings.seq; l = l->next)
		if (l->told == told)
			wlink_die(l, "it does not take what servers tell");
}

static void
tidings_on_timer(struct loop_timer *t, void *arg)
{
	struct runner	*r = arg;
	struct tiding	*e, *after;
	uint64_t	 now = loop_now_ms(r->loop), told = told_to_all(r);

	/* What is told here goes to the end, where the walk ends. */
	for (e = r->tidings.head; e != NULL && e->quiet_ms <= now; e = after) {
		after = e->after;
		if (e->again)
			tiding_tell(r, e);
		else if (e->seq <= told)
			tiding_free(&r->tidings, e);
	}
	if (e != NULL)
		loop_timer_arm(t, e->quiet_ms - now);
}

void
tidings_link_gone(struct runner *r)
{
	if (r->tidings.head != NULL && !r->tidings.timer.armed)
		loop_timer_arm(&r->tidings.timer, LINK_EVENT_QUIET_MS);
}

void
tidings_put(struct runner *r, const struct link_event *what, struct span uri)
{
	struct tidings	*all = &r->tidings;
	size_t		 uris;
	struct tiding	*e = tiding_find(all, what, uri, &uris);

	if (e != NULL && loop_now_ms(r->loop) < e->quiet_ms) {
		e->again = true;
		return;
	}
	if (e == NULL && uri.n > 0 && (uris >= TIDING_URIS || all->uri_count >= TIDING_URIS_ALL)) {
		all->dropped++;
		return;
	}
	if (e == NULL && all->count >= TIDING_MOST)
		shed(r);
	if (e == NULL && (e = tiding_new(all, what, uri)) == NULL) {
		all->dropped++;
		return;
	}
	tiding_tell(r, e);
}

/* --- from a tool --------------------------------------------------------------------------------- */

void
tiding_take(struct instance *i, const struct line *line)
{
	struct server		*s = i->server;
	struct link_event	 what = { .profile = s->hash, .instance = i->key, .capabilities = i->capabilities };
	enum link_event_kind	 kind;
	struct span		 uri;
	struct arena		 a;
	uint64_t		 dropped = s->r->tidings.dropped;

	/* An instance of one call has nobody who would ask it for its lists. */
	if (s->per_call)
		return;
	arena_init(&a, NULL, 0, 16 * LINK_URI_MAX);
	if (mcp_read_news(line->msg.method, line->msg.params, &a, &kind, &uri) == 0 &&
	    (kind != LINK_EVENT_UPDATED || subs_want(s, i->key, uri))) {
		what.what = kind;
		tidings_put(s->r, &what, uri);
	}
	arena_fini(&a);
	if (s->r->tidings.dropped != dropped)
		log_warn_repeat(SERVER_SUBJECT(s), "says that more resources were updated than can be told, "
		    "dropped=%llu", (unsigned long long)s->r->tidings.dropped);
}
