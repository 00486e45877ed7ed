/* SPDX-License-Identifier: Apache-2.0
 *
 * listens.c - which HTTP servers are listened to, and for whom
 *
 * Process: worker.  Owns: the wishes of each stream.
 * Trusts:  policy alone for who hears a server.
 */
#include <stdlib.h>

#include "lib/log.h"
#include "worker/call/spread.h"
#include "worker/call/users.h"
#include "worker/front/offers.h"
#include "worker/lists/view.h"
#include "worker/streams/fanin.h"
#include "worker/streams/listens.h"

#define HEADERS_MAX	(64 * 1024)

struct listens_wish {
	struct listens_wish	*next;
	struct listens		*of;
	struct news		*news;
	struct news_wait	 wait;
};

/* Clients who are told may ask any worker for it, and this one alone may have heard. */
static void
tell_workers(struct worker *w, enum link_event_kind what, uint64_t profile, uint64_t instance)
{
	struct peer_head	head = { .type = PEER_STALE, .flags = (uint16_t)what, .a = profile, .b = instance };

	for (uint32_t slot = 0; slot < w->workers; slot++)
		if (worker_has_other(w, slot))
			(void)!peers_send(w->peers, slot, 0, &head, SPAN_NONE);
}

static int
on_peer_stale(uint32_t slot, uint32_t incarnation, const struct peer_head *h, struct span payload, void *arg)
{
	(void)slot;
	(void)incarnation;
	if (h->flags >= LINK_EVENT_LIMIT || payload.n > 0)
		return E_FORMAT;
	fanin_stale(arg, (enum link_event_kind)h->flags, h->a, h->b);
	return 0;
}

static void
on_event(enum link_event_kind what, uint64_t profile, uint64_t instance, uint64_t capabilities, struct span uri,
    void *arg)
{
	tell_workers(arg, what, profile, instance);
	fanin_event(arg, what, profile, (struct list_owner){ instance, capabilities }, uri);
}

static void
on_stale(enum link_event_kind what, uint64_t profile, uint64_t instance, void *arg)
{
	fanin_stale(arg, what, profile, instance);
}

void
listens_init(struct worker *w)
{
	static const struct news_ops	ops = { on_event, on_stale };

	news_on(w->upstreams, &ops, w);
	peers_on(w->peers, PEER_STALE, on_peer_stale, w);
}

int
listens_want(struct worker *w, const struct config *config, const struct rec_server *server,
    struct list_owner owner, struct news **out)
{
	struct upstream_target	 target;
	struct arena		 a;
	const char		*why;
	int			 r;

	*out = NULL;
	if (config != w->config || w->draining)
		return E_SERVER;
	arena_init(&a, NULL, 0, HEADERS_MAX);
	if ((r = target_find(config->policy, config->secrets, server, spread_listens_at(w, config->policy, server), &a,
	    &target, &why)) == 0 && (r = users_target(w, server, owner.instance, &target)) == 0)
		r = news_want(w->upstreams, &target, server->tenant, owner.instance, owner.capabilities, out);
	arena_fini(&a);
	return r;
}

static void
on_settled(void *arg)
{
	struct listens_wish	*wish = arg;
	struct listens		*l = wish->of;

	if (--l->left == 0)
		l->ready(l->arg);
}

static void
wish(struct listens *l, const struct request *rq, const struct rec_server *server)
{
	struct listens_wish	*new = calloc(1, sizeof(*new));
	int			 r;

	if (new == NULL)
		return;
	if ((r = listens_want(rq->w, rq->config, server, view_list_instance(rq, server), &new->news)) != 0) {
		if (r == E_FULL)
			log_warn_repeat(NULL, "server %.*s is not listened to: too many are already",
			    SPAN_FMT(snap_text(rq->config->policy, server->name)));
		free(new);
		return;
	}
	new->of = l;
	new->next = l->first;
	l->first = new;
	if (news_is_settled(new->news))
		return;
	l->left++;
	news_wait(new->news, &new->wait, on_settled, new);
}

bool
listens_begin(struct listens *l, const struct request *rq, uint32_t offers, listens_fn *ready, void *arg)
{
	const struct rec_server	*s;
	uint64_t		 at = 0;

	listens_end(l);
	*l = (struct listens){ .ready = ready, .arg = arg };
	while ((s = view_next_server(rq, &at)) != NULL)
		if (s->kind == SERVER_HTTP && (offers_of_server(rq, s) & offers & MCP_OFFER_CHANGES) != 0)
			wish(l, rq, s);
	return l->left == 0;
}

void
listens_end(struct listens *l)
{
	struct listens_wish	*wish;

	while ((wish = l->first) != NULL) {
		l->first = wish->next;
		news_wait_cancel(wish->news, &wish->wait);
		news_let_go(&wish->news);
		free(wish);
	}
	l->left = 0;
}

void
listens_end_unwished(struct worker *w)
{
	if (w->upstreams != NULL)
		news_end_unwished(w->upstreams);
}

void
listens_changed(struct worker *w)
{
	if (w->upstreams != NULL)
		news_end_all(w->upstreams);
}
