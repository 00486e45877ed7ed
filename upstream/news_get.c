/* SPDX-License-Identifier: Apache-2.0
 *
 * news_get.c - how a legacy server is listened to: a session of its own, its stream, and subscriptions there
 *
 * Process: worker.  Owns: the session, until it is closed; the one request under way in it.
 * Trusts:  nothing.  What the server answers to a subscription is not asked for more than whether the session
 *          still lives: clients were told what it says it can.
 *
 * A subscription is what somebody wants; what the server knows is brought in line with it, one request after
 * the other.  So who subscribes and unsubscribes a thousand times costs mostly nothing.
 */
#include <stddef.h>
#include <stdlib.h>

#include "lib/bug.h"
#include "lib/log.h"
#include "mcp/bridge.h"
#include "upstream/listen.h"
#include "upstream/news_priv.h"
#include "upstream/reply.h"

#define NEWS_GET_MAGIC	0x3e9e7001u
#define ASK_MS		10000		/* a server that has not answered by then is asked again */
#define PAUSE_MOST_MS	60000

struct news_get {
	uint32_t		 magic;
	struct news		*n;
	struct listen		 listen;
	struct ask		 ask;
	struct buf		 body;
	struct buf		 params;
	char			 id[UPSTREAM_ID_BYTES];
	struct pause		 pause;		/* of subscriptions that fail */
	struct loop_timer	 timer;		/* asking: the deadline; else until the next try */
	bool			 asking, on;	/* what is asked: to subscribe */
	struct news_sub		*about;		/* it is not removed meanwhile */
};

static const struct ask_ops	ask_ops;

static void
session_lost(struct news *n)
{
	peer_session_lost(n->peer, span_of(n->get->listen.session));
	n->get->listen.session[0] = '\0';
	news_restart(n);
}

/* ---- subscriptions ----------------------------------------------------------------------------- */

static int
ask_about(struct news_get *g)
{
	struct ask_request	q = { .version = g->listen.version,
	    .session = span_of(g->listen.session), .body_count = 1, .repeatable = true,
	    .method = g->on ? MCP_RESOURCES_SUBSCRIBE : MCP_RESOURCES_UNSUBSCRIBE };
	int			r;

	buf_clear(&g->body);
	buf_clear(&g->params);
	q.id = upstream_id(g->n->u, g->id);
	peer_route(g->n->peer, &g->n->target, &q);
	if ((r = buf_put_str(&g->params, "{\"uri\":")) != 0 ||
	    (r = json_put_string(&g->params, span_make(g->about->uri, g->about->bytes))) != 0 ||
	    (r = buf_put_str(&g->params, "}")) != 0 ||
	    (r = bridge_write_own(&g->body, q.method, q.id, buf_rest(&g->params), BRIDGE_LEGACY)) != 0)
		return r;
	q.body[0] = buf_rest(&g->body);
	return ask_start(&g->ask, &g->n->u->shared, &ask_ops, &q);
}

static void
try_later(struct news_get *g)
{
	g->asking = false;
	loop_timer_arm(&g->timer, pause_next(&g->pause, loop_now_ms(g->n->u->loop), 0));
	news_settle(g->n);
}

/* One request, if there is anything to say. */
static void
pump(struct news_get *g)
{
	struct news_sub	**at = &g->n->subs;

	if (g->asking || g->timer.armed || g->listen.state != LISTEN_OPEN)
		return;
	while (*at != NULL && (*at)->wanted == (*at)->told) {
		if ((*at)->wanted)
			at = &(*at)->next;
		else
			news_sub_remove(g->n, at);
	}
	if ((g->about = *at) == NULL) {
		news_settle(g->n);
		return;
	}
	g->on = g->about->wanted;
	g->asking = true;
	if (ask_about(g) == 0)
		loop_timer_arm(&g->timer, ASK_MS);
	else
		try_later(g);
}

static void
on_ask_end(struct ask *a, int error)
{
	struct news_get	*g = (struct news_get *)(void *)((char *)a - offsetof(struct news_get, ask));
	unsigned	 status = a->status;

	MAGIC_CHECK(g, NEWS_GET_MAGIC);
	g->asking = false;
	loop_timer_disarm(&g->timer);
	if (error != 0)
		log_debug(LOG_SUBJECT("server", g->n->target.name.p), "a subscription was not taken: %s", a->why);
	ask_fini(a);
	if (status == 404 && error != 0 && g->listen.session[0] != '\0') {
		session_lost(g->n);
		return;
	}
	/* A refusal in words or by status stays one; what did not arrive is said again. */
	if (error != 0 && (status < 400 || status >= 500)) {
		try_later(g);
		return;
	}
	g->pause.failures = 0;
	g->about->told = g->on;
	pump(g);
}

static const struct ask_ops ask_ops = { NULL, on_ask_end, NULL };

static void
on_timer(struct loop_timer *t, void *arg)
{
	struct news_get	*g = arg;

	(void)t;
	MAGIC_CHECK(g, NEWS_GET_MAGIC);
	if (g->asking) {
		ask_fini(&g->ask);
		try_later(g);
	} else
		pump(g);
}

void
news_get_renew(struct news *n)
{
	pump(n->get);
}

/* ---- the stream -------------------------------------------------------------------------------- */

static struct news_get *
get_of(struct listen *li)
{
	struct news_get	*g = (struct news_get *)(void *)((char *)li - offsetof(struct news_get, listen));

	MAGIC_CHECK(g, NEWS_GET_MAGIC);
	return g;
}

static void
on_open(struct listen *li)
{
	struct news_get	*g = get_of(li);

	g->n->lost = 0;
	news_opened(g->n, li->last_event[0] != '\0');
	pump(g);
}

static void
on_settled(struct listen *li)
{
	if (li->state != LISTEN_OPEN)
		news_settle(get_of(li)->n);
}

static void
on_message(struct listen *li, const struct rpc_answer *m)
{
	struct news	*n = get_of(li)->n;

	if (!news_hears(n))
		return;
	if (m->kind == RPC_REQUEST)
		reply_own(n->u, &li->target, li->version, span_of(li->session), m, -32603,
		    "no client request to ask for");
	else
		news_said(n, m);
}

/* 404 is what a server says that does not know the session, but also one that knows no GET at all: as in lane.c. */
static void
on_listen_end(struct listen *li, enum listen_end why)
{
	struct news	*n = get_of(li)->n;

	if (why == LISTEN_OVER) {
		li->session[0] = '\0';
		news_failed(n, 0);
	} else if (why == LISTEN_LOST && li->session[0] != '\0' && n->lost++ == 0)
		session_lost(n);
	else
		news_refused(n);
}

static const struct listen_ops listen_ops = { on_settled, on_message, on_listen_end, on_open };

/* ---- beginning and end ------------------------------------------------------------------------- */

int
news_get_open(struct news *n)
{
	struct news_get	*g;
	int		 r;

	BUG_ON(n->get != NULL);
	if ((g = calloc(1, sizeof(*g))) == NULL)
		return E_NOMEM;
	g->magic = NEWS_GET_MAGIC;
	g->n = n;
	g->pause.most_ms = PAUSE_MOST_MS;
	buf_init(&g->body, 16 * LINK_URI_MAX);
	buf_init(&g->params, 16 * LINK_URI_MAX);
	loop_timer_init(n->u->loop, &g->timer, on_timer, g);
	listen_init(&g->listen, n->u, &listen_ops);
	g->listen.needed = true;
	g->listen.pause.most_ms = PAUSE_MOST_MS;
	n->get = g;
	/* Over HTTP+SSE the session has its stream already. */
	if (peer_sse(n->peer) != NULL) {
		if ((r = listen_join(&g->listen, peer_sse(n->peer), peer_version(n->peer))) == 0)
			on_open(&g->listen);
		return r;
	}
	return listen_start(&g->listen, &n->stream, peer_version(n->peer), peer_session(n->peer));
}

void
news_get_close(struct news *n)
{
	struct news_get	*g = n->get;

	if (g == NULL)
		return;
	n->get = NULL;
	/* It hears no more: not of its own end either. */
	listen_stop(&g->listen);
	if (g->listen.session[0] != '\0') {
		reply_end_session(n->u, &g->listen.target, g->listen.version, span_of(g->listen.session));
		peer_session_lost(n->peer, span_of(g->listen.session));
	}
	loop_timer_disarm(&g->timer);
	if (g->asking)
		ask_fini(&g->ask);
	listen_fini(&g->listen);
	buf_fini(&g->body);
	buf_fini(&g->params);
	g->magic = 0;
	free(g);
}
