/* SPDX-License-Identifier: Apache-2.0
 *
 * news_said.c - what HTTP servers are to say outside of calls, and what they said
 *
 * Process: worker.  Owns: the subscriptions of every struct news.
 * Trusts:  no server: what it says often is told seldom, and one that says too much is not heard for a while.
 */
#include <stdlib.h>

#include "lib/bug.h"
#include "upstream/news_priv.h"

#define NOISE_MAX	10000		/* messages of one server */
#define NOISE_MS	10000		/* in this time */
#define LISTS		(1u << LINK_EVENT_TOOLS | 1u << LINK_EVENT_PROMPTS | 1u << LINK_EVENT_RESOURCES)

/* ---- subscriptions ----------------------------------------------------------------------------- */

static struct news_sub **
sub_find(struct news *n, struct span uri)
{
	struct news_sub	**at = &n->subs;

	while (*at != NULL && !span_eq(span_make((*at)->uri, (*at)->bytes), uri))
		at = &(*at)->next;
	return at;
}

void
news_sub_remove(struct news *n, struct news_sub **at)
{
	struct news_sub	*s = *at;

	*at = s->next;
	n->sub_count--;
	n->sub_bytes -= s->bytes;
	free(s);
}

static void
renew(struct news *n)
{
	if (n->state == NEWS_GET)
		news_get_renew(n);
	else if (n->state == NEWS_POST)
		news_post_renew(n);
}

int
news_subscribe(struct news *n, struct span uri)
{
	struct news_sub	**at = sub_find(n, uri), *s = *at;

	MAGIC_CHECK(n, NEWS_MAGIC);
	if (s == NULL) {
		if (n->sub_count >= LINK_URIS_MAX || uri.n > LINK_URIS_BYTES - n->sub_bytes)
			return E_FULL;
		if ((s = calloc(1, sizeof(*s) + uri.n)) == NULL)
			return E_NOMEM;
		s->bytes = (uint32_t)uri.n;
		memcpy(s->uri, uri.p, uri.n);
		*at = s;
		n->sub_count++;
		n->sub_bytes += uri.n;
	}
	s->wanted = true;
	if (s->told || (n->state != NEWS_GET && n->state != NEWS_POST))
		return 0;
	news_unsettle(n);
	renew(n);
	return 0;
}

void
news_unsubscribe(struct news *n, struct span uri)
{
	struct news_sub	**at = sub_find(n, uri);

	MAGIC_CHECK(n, NEWS_MAGIC);
	if (*at == NULL)
		return;
	(*at)->wanted = (*at)->changed = false;
	if (n->state != NEWS_GET && n->state != NEWS_POST)
		news_sub_remove(n, at);
	else
		renew(n);
}

/* ---- what is said ------------------------------------------------------------------------------ */

static void
tell_soon(struct news *n)
{
	uint64_t	now = loop_now_ms(n->u->loop);

	if (!n->tell.armed)
		loop_timer_arm(&n->tell, now < n->quiet_ms ? n->quiet_ms - now : 0);
}

void
news_on_tell(struct loop_timer *t, void *arg)
{
	struct news		*n = arg;
	const struct upstream_news *all = &n->u->news;
	unsigned		 changed = n->changed;

	(void)t;
	MAGIC_CHECK(n, NEWS_MAGIC);
	n->changed = 0;
	n->quiet_ms = loop_now_ms(n->u->loop) + LINK_EVENT_QUIET_MS;
	if (all->ops == NULL)
		return;
	for (unsigned kind = 0; kind < LINK_EVENT_LIMIT; kind++)
		if ((changed & LISTS & 1u << kind) != 0)
			all->ops->on_event((enum link_event_kind)kind, n->profile, n->instance, n->capabilities,
			    SPAN_NONE, all->arg);
	for (struct news_sub *s = n->subs; s != NULL; s = s->next) {
		if (!s->changed)
			continue;
		s->changed = false;
		all->ops->on_event(LINK_EVENT_UPDATED, n->profile, n->instance, n->capabilities,
		    span_make(s->uri, s->bytes), all->arg);
	}
}

static void
take(struct news *n, enum link_event_kind what, struct span uri)
{
	bool	any = what != LINK_EVENT_UPDATED;

	if (any)
		n->changed |= 1u << what;
	else
		for (struct news_sub *s = n->subs; s != NULL; s = s->next)
			if (s->wanted && mcp_uri_covers(span_make(s->uri, s->bytes), uri))
				any = s->changed = true;
	if (any)
		tell_soon(n);
}

void
news_opened(struct news *n, bool lossless)
{
	const struct upstream_news	*all = &n->u->news;

	pause_opened(&n->pause, loop_now_ms(n->u->loop));
	if (n->opened && !lossless) {
		n->changed |= LISTS;
		for (struct news_sub *s = n->subs; s != NULL; s = s->next)
			s->changed = s->wanted;
		tell_soon(n);
	} else if (!n->opened && all->ops != NULL) {
		/* Who listens has just come, and has yet to ask; what was asked before may be old by now. */
		for (unsigned kind = 0; kind < LINK_EVENT_LIMIT; kind++)
			if ((LISTS & 1u << kind) != 0)
				all->ops->on_stale((enum link_event_kind)kind, n->profile, n->instance, all->arg);
	}
	n->opened = true;
}

bool
news_hears(struct news *n)
{
	uint64_t	now = loop_now_ms(n->u->loop);

	if (n->noisy)
		return false;
	if (now - n->noise_ms >= NOISE_MS) {
		n->noise_ms = now;
		n->noise = 0;
	}
	if (n->noise++ < NOISE_MAX)
		return true;
	/* Not from inside its stream's reader. */
	n->noisy = true;
	loop_timer_arm(&n->again, 0);
	return false;
}

static int
read_news(const struct rpc_answer *m, struct arena *a, enum link_event_kind *what, struct span *uri)
{
	arena_init(a, NULL, 0, 16 * LINK_URI_MAX);
	return m->kind == RPC_NOTIFICATION ? mcp_read_news(m->method, m->params, a, what, uri) : E_NOTFOUND;
}

void
news_said(struct news *n, const struct rpc_answer *m)
{
	enum link_event_kind	what;
	struct arena		a;
	struct span		uri;

	if (read_news(m, &a, &what, &uri) == 0)
		take(n, what, uri);
	arena_fini(&a);
}

void
news_overheard(struct upstream *u, uint64_t profile, uint64_t instance, const struct rpc_answer *m)
{
	struct news		*n;
	enum link_event_kind	 what;
	struct arena		 a;
	struct span		 uri;

	if (read_news(m, &a, &what, &uri) == 0) {
		if ((n = *news_find(u, profile, instance)) != NULL)
			take(n, what, uri);
		else if (what != LINK_EVENT_UPDATED && u->news.ops != NULL)
			u->news.ops->on_stale(what, profile, instance, u->news.arg);
	}
	arena_fini(&a);
}
