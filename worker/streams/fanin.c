/* SPDX-License-Identifier: Apache-2.0
 *
 * fanin.c - what servers say outside of calls, and what they are asked to say
 *
 * Process: worker.  Owns: this worker's subscriptions, counted; the wish for streams to runners.
 * Trusts:  no server and no runner: an event costs a list that is fetched anew, when somebody wants it.
 *          Clients choose URIs, so hashes are keyed and the table is bounded.
 *
 * A runner forgets what was subscribed to over a stream that ended.  So all is said anew over each new one,
 * and a while after a change of policy, which the runner may hear of later than we; saying it twice does
 * nothing.
 */
#include <stdlib.h>

#include "lib/bug.h"
#include "lib/crypt.h"
#include "lib/sum.h"
#include "worker/cache/cached.h"
#include "worker/streams/fanin.h"
#include "worker/streams/listens.h"
#include "worker/worker.h"

#define BUCKETS		4096		/* a power of two */
#define ANEW_MS		1000		/* from a policy until all is said anew */
#define AGAIN_MS	1000		/* until a lost stream is asked for; twice as long each time */
#define AGAIN_MOST_MS	60000

struct sub {
	struct sub		*next;
	struct link		*link;		/* of a stdio server, or */
	struct news		*news;		/* of an HTTP server: a wish for it */
	struct link_subscription what;
	uint32_t		 count;
	uint32_t		 bytes;
	char			 uri[];
};

struct fanin {
	struct worker		*w;
	struct {
		fanin_fn	*fn;
		void		*arg;
	} listener[FANIN_LISTENERS];
	size_t			 listener_count;
	struct loop_timer	 again;
	uint64_t		 again_ms;	/* the next wait for a stream */
	bool			 anew;		/* all subscriptions are said anew then */
	struct sum_key		 key;
	struct sub		*bucket[BUCKETS];
	size_t			 count, bytes;
};

static void	on_again(struct loop_timer *t, void *arg);

int
fanin_new(struct worker *w, struct fanin **out)
{
	struct fanin	*f;

	*out = NULL;
	if ((f = calloc(1, sizeof(*f))) == NULL)
		return E_NOMEM;
	if (crypt_random(&f->key, sizeof(f->key)) != 0) {
		free(f);
		return E_SYS;
	}
	f->w = w;
	f->again_ms = AGAIN_MS;
	loop_timer_init(w->loop, &f->again, on_again, f);
	*out = f;
	return 0;
}

/* --- events ----------------------------------------------------------------------------------- */

void
fanin_on(struct worker *w, fanin_fn *fn, void *arg)
{
	struct fanin	*f = w->fanin;

	BUG_ON(f->listener_count == FANIN_LISTENERS);
	f->listener[f->listener_count].fn = fn;
	f->listener[f->listener_count++].arg = arg;
}

void
fanin_stale(struct worker *w, enum link_event_kind kind, uint64_t profile, uint64_t instance)
{
	cached_stale(w, profile);
	switch (kind) {
	case LINK_EVENT_TOOLS:
		lists_expire(w->lists, profile, instance, LIST_TOOLS);
		break;
	case LINK_EVENT_PROMPTS:
		lists_expire(w->lists, profile, instance, LIST_PROMPTS);
		break;
	case LINK_EVENT_RESOURCES:
		lists_expire(w->lists, profile, instance, LIST_RESOURCES);
		lists_expire(w->lists, profile, instance, LIST_TEMPLATES);
		break;
	case LINK_EVENT_UPDATED:
	case LINK_EVENT_LIMIT:
		break;
	}
}

void
fanin_event(struct worker *w, enum link_event_kind kind, uint64_t profile, struct list_owner owner,
    struct span uri)
{
	struct fanin	*f = w->fanin;

	fanin_stale(w, kind, profile, owner.instance);
	for (size_t i = 0; i < f->listener_count; i++)
		f->listener[i].fn(kind, profile, owner, uri, f->listener[i].arg);
}

void
fanin_on_link_event(const struct link_event *what, struct span uri, void *arg)
{
	fanin_event(arg, (enum link_event_kind)what->what, what->profile,
	    (struct list_owner){ what->instance, what->capabilities }, uri);
}

/* --- streams to runners ----------------------------------------------------------------------- */

/* A wish: a fanin_keep() or a subscription. */
static void
wish(struct link *l)
{
	(*link_wishes(l))++;
	link_open(l);
}

int
fanin_keep(struct worker *w, struct span tenant)
{
	struct link	*l = worker_link(w, tenant);

	if (l == NULL)
		return E_NOMEM;
	wish(l);
	return 0;
}

void
fanin_let_go(struct worker *w, struct span tenant)
{
	struct link	*l = worker_link(w, tenant);
	uint32_t	*wishes = l == NULL ? NULL : link_wishes(l);

	if (wishes != NULL && *wishes > 0)
		(*wishes)--;
}

static void
say_all(struct fanin *f, struct link *l)
{
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct sub *s = f->bucket[i]; s != NULL && link_is_up(l); s = s->next)
			if (s->link == l)
				link_subscribe(l, true, &s->what, span_make(s->uri, s->bytes));
}

void
fanin_on_link_moved(struct link *l, void *arg)
{
	struct worker	*w = arg;
	struct fanin	*f = w->fanin;

	if (link_is_up(l)) {
		f->again_ms = AGAIN_MS;
		say_all(f, l);
	} else if (*link_wishes(l) > 0 && !f->again.armed) {
		loop_timer_arm(&f->again, f->again_ms);
		if ((f->again_ms *= 2) > AGAIN_MOST_MS)
			f->again_ms = AGAIN_MOST_MS;
	}
}

void
fanin_policy_changed(struct worker *w)
{
	struct fanin	*f = w->fanin;

	if (f->count == 0)
		return;
	f->anew = true;
	loop_timer_arm(&f->again, ANEW_MS);
}

static void
on_again(struct loop_timer *t, void *arg)
{
	struct fanin	*f = arg;
	bool		 anew = f->anew;

	(void)t;
	f->anew = false;
	for (size_t i = 0; i < f->w->link_count && !f->w->draining; i++) {
		struct link	*l = f->w->links[i];

		if (*link_wishes(l) == 0)
			continue;
		if (anew)
			say_all(f, l);
		link_open(l);
	}
}

/* --- subscriptions ---------------------------------------------------------------------------- */

static struct sub **
sub_find(struct fanin *f, uint64_t profile, uint64_t instance, struct span uri)
{
	uint64_t	parts[3] = { profile, instance, hash64(&f->key, uri) };
	struct sub	**at = &f->bucket[hash64(&f->key, span_make(parts, sizeof(parts))) & (BUCKETS - 1)];

	/* Not by capabilities: the runner counts a worker once for a key. */
	for (; *at != NULL; at = &(*at)->next)
		if ((*at)->what.profile == profile && (*at)->what.instance == instance &&
		    span_eq(span_make((*at)->uri, (*at)->bytes), uri))
			break;
	return at;
}

int
fanin_subscribe(struct worker *w, const struct config *config, const struct rec_server *server,
    struct list_owner owner, struct span uri)
{
	struct fanin	*f = w->fanin;
	struct sub	**at, *s;
	struct link	*l = NULL;
	struct news	*n = NULL;
	int		 r;

	if (!link_uri_ok(uri))
		return E_FORMAT;
	if ((s = *(at = sub_find(f, server->profile, owner.instance, uri))) != NULL) {
		s->count++;
		return 0;
	}
	if (f->count >= FANIN_SUBS || uri.n > FANIN_BYTES - f->bytes)
		return E_FULL;
	if (server->kind == SERVER_STDIO &&
	    (l = worker_link(w, policy_tenant_name(config->policy, server->tenant))) == NULL)
		return E_NOMEM;
	if (l == NULL && (r = listens_want(w, config, server, owner, &n)) != 0)
		return r;
	if ((s = calloc(1, sizeof(*s) + uri.n)) == NULL ||
	    (n != NULL && (r = news_subscribe(n, uri)) != 0)) {
		r = s == NULL ? E_NOMEM : r;
		free(s);
		news_let_go(&n);
		return r;
	}
	s->link = l;
	s->news = n;
	s->what = (struct link_subscription){ .profile = server->profile, .instance = owner.instance,
	    .capabilities = (uint32_t)owner.capabilities };
	s->count = 1;
	s->bytes = (uint32_t)uri.n;
	memcpy(s->uri, uri.p, uri.n);
	*at = s;
	f->count++;
	f->bytes += uri.n;
	if (l != NULL) {
		link_subscribe(l, true, &s->what, uri);
		wish(l);
	}
	return 0;
}

struct news *
fanin_news(struct worker *w, uint64_t profile, struct list_owner owner, struct span uri)
{
	struct sub	*s = *sub_find(w->fanin, profile, owner.instance, uri);

	return s == NULL ? NULL : s->news;
}

void
fanin_unsubscribe(struct worker *w, uint64_t profile, struct list_owner owner, struct span uri)
{
	struct fanin	*f = w->fanin;
	struct sub	**at = sub_find(f, profile, owner.instance, uri), *s = *at;

	if (s == NULL || --s->count > 0)
		return;
	*at = s->next;
	f->count--;
	f->bytes -= s->bytes;
	if (s->news != NULL) {
		news_unsubscribe(s->news, uri);
		news_let_go(&s->news);
	} else {
		(*link_wishes(s->link))--;
		link_subscribe(s->link, false, &s->what, uri);
	}
	free(s);
}
