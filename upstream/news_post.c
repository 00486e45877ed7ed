/* SPDX-License-Identifier: Apache-2.0
 *
 * news_post.c - how a modern server is listened to: a subscriptions/listen with all that is subscribed to
 *
 * Process: worker.  Owns: the streams of one or two listens.
 * Trusts:  nothing.  What comes on a listen is not asked whether it was asked for: the worst it can do is to
 *          have a list fetched that did not change.
 *
 * A new listen is acknowledged before the old one ends, so no change falls between them; what both say is told
 * once.  While one is not acknowledged there is no third; a server that never does has that one all the same.
 * (For stdio servers sandbox/runner/listen.c does the same, over one pipe.)
 */
#include <stddef.h>
#include <stdlib.h>

#include "lib/bug.h"
#include "lib/log.h"
#include "mcp/bridge.h"
#include "upstream/news_priv.h"

#define FEED_MAGIC	0xfeed0001u
#define ACK_MS		10000		/* a server that is silent for so long will not acknowledge */
#define PAUSE_MOST_MS	60000
#define BODY_MAX	(2 * LINK_URIS_BYTES + 4 * LINK_URIS_MAX + 4096)
#define RPC_NO_METHOD	(-32601)

struct feed {
	uint32_t		 magic;
	struct news_post	*of;
	struct ask		 ask;
	struct buf		 body;
	char			 id[UPSTREAM_ID_BYTES];
	bool			 running;
};

struct news_post {
	struct news		*n;
	struct feed		 feed[2], *now;	/* the one in force; the other is to take its place */
	bool			 again;		/* the subscriptions changed since the other began */
	bool			 gap;		/* nothing was in force for a time */
	bool			 empty;		/* it acknowledged nothing at all */
	struct pause		 pause;		/* of the other one, while one is in force */
	struct loop_timer	 timer;		/* until the other one must be acknowledged, or begins */
};

static const struct ask_ops	ask_ops;

static struct feed *
other(struct news_post *p)
{
	return p->now == &p->feed[0] ? &p->feed[1] : &p->feed[0];
}

static void
feed_stop(struct feed *f)
{
	if (f->running)
		ask_fini(&f->ask);
	f->running = false;
}

static int
put_uris(struct news *n, struct buf *to)
{
	struct news_sub	**at = &n->subs, *s;
	int		  r;

	while ((s = *at) != NULL) {
		if (!s->wanted) {
			news_sub_remove(n, at);
			continue;
		}
		if ((to->used > 0 && (r = buf_put_str(to, ",")) != 0) ||
		    (r = json_put_string(to, span_make(s->uri, s->bytes))) != 0)
			return r;
		s->told = true;
		at = &s->next;
	}
	return 0;
}

static int
feed_start(struct feed *f)
{
	struct news		*n = f->of->n;
	struct ask_request	 q = { .target = &n->stream, .version = MCP_NEWEST_MODERN,
	    .method = MCP_SUBSCRIPTIONS_LISTEN, .body_count = 1, .repeatable = true };
	struct buf		 uris, params;
	int			 r;

	buf_init(&uris, BODY_MAX);
	buf_init(&params, BODY_MAX);
	buf_clear(&f->body);
	q.id = upstream_id(n->u, f->id);
	if ((r = put_uris(n, &uris)) == 0 && (r = mcp_write_listen_params(&params, buf_rest(&uris))) == 0 &&
	    (r = bridge_write_own(&f->body, q.method, q.id, buf_rest(&params), BRIDGE_MODERN)) == 0) {
		q.body[0] = buf_rest(&f->body);
		if ((r = ask_start(&f->ask, &n->u->shared, &ask_ops, &q)) != 0)
			ask_fini(&f->ask);
	}
	buf_fini(&uris);
	buf_fini(&params);
	f->running = r == 0;
	return r;
}

/* ---- one takes the other's place ---------------------------------------------------------------- */

static void
try_later(struct news_post *p)
{
	p->again = false;
	loop_timer_arm(&p->timer, pause_next(&p->pause, loop_now_ms(p->n->u->loop), 0));
	news_settle(p->n);
}

static int
begin_other(struct news_post *p)
{
	int	r = feed_start(other(p));

	p->again = false;
	if (r == 0)
		loop_timer_arm(&p->timer, ACK_MS);
	return r;
}

static void
promote(struct news_post *p)
{
	feed_stop(p->now);
	p->now = other(p);
	p->pause.failures = 0;
	loop_timer_disarm(&p->timer);
	if (p->gap)
		news_opened(p->n, false);
	p->gap = false;
	if (!p->again)
		news_settle(p->n);
	else if (begin_other(p) != 0)
		try_later(p);
}

static void
on_timer(struct loop_timer *t, void *arg)
{
	struct news_post	*p = arg;

	(void)t;
	if (other(p)->running)
		promote(p);		/* it may well be in force */
	else if (begin_other(p) != 0)
		try_later(p);
}

/* ---- the streams -------------------------------------------------------------------------------- */

static struct feed *
feed_of(struct ask *a)
{
	struct feed	*f = (struct feed *)(void *)((char *)a - offsetof(struct feed, ask));

	MAGIC_CHECK(f, FEED_MAGIC);
	return f;
}

static void
on_message(struct ask *a, const struct rpc_answer *m)
{
	struct feed		*f = feed_of(a);
	struct news_post	*p = f->of;
	struct json_value	 honoured, v;
	struct json_iter	 it;
	struct span		 key;

	if (!news_hears(p->n) || m->kind != RPC_NOTIFICATION)
		return;
	if (m->method != MCP_NOTE_SUBSCRIPTIONS_ACK) {
		news_said(p->n, m);
		return;
	}
	if (f == p->now)
		return;
	honoured = json_get(m->params, "notifications");
	json_iter_init(&it, honoured);
	p->empty = honoured.type == JSON_OBJECT && !json_iter_next(&it, &key, &v);
	promote(p);
}

/* It knows no such thing, and will not. */
static bool
is_refusal(const struct ask *a, int error)
{
	const struct rpc_answer	*m = ask_parsed(a);

	if (m != NULL && m->is_error)
		return m->error_code == RPC_NO_METHOD;
	return error != 0 && (a->status == 404 || a->status == 405);
}

static void
on_ask_end(struct ask *a, int error)
{
	struct feed		*f = feed_of(a);
	struct news_post	*p = f->of;
	bool			 refused = is_refusal(a, error), was_now = f == p->now;
	uint64_t		 retry_ms = a->sse.retry_ms;

	log_debug(LOG_SUBJECT("server", p->n->target.name.p), "its listen ended: %s", error == 0 ? "by the server" :
	    a->why);
	feed_stop(f);
	if (was_now && other(p)->running)
		p->gap = true;
	else if (!was_now && p->now->running)
		try_later(p);
	else if (refused)
		news_refused(p->n);
	else if (was_now && p->empty)
		p->gap = true;		/* until something is subscribed to */
	else
		news_failed(p->n, retry_ms);
}

static const struct ask_ops ask_ops = { on_message, on_ask_end, NULL };

/* ---- for news.c ---------------------------------------------------------------------------------- */

void
news_post_renew(struct news *n)
{
	struct news_post	*p = n->post;

	/* Those of one turn go together. */
	if (other(p)->running)
		p->again = true;
	else if (!p->timer.armed)
		loop_timer_arm(&p->timer, 0);
}

int
news_post_open(struct news *n)
{
	struct news_post	*p;

	BUG_ON(n->post != NULL);
	if ((p = calloc(1, sizeof(*p))) == NULL)
		return E_NOMEM;
	p->n = n;
	p->now = &p->feed[0];
	p->gap = true;
	p->pause.most_ms = PAUSE_MOST_MS;
	loop_timer_init(n->u->loop, &p->timer, on_timer, p);
	for (size_t i = 0; i < 2; i++) {
		p->feed[i].magic = FEED_MAGIC;
		p->feed[i].of = p;
		buf_init(&p->feed[i].body, BODY_MAX);
	}
	n->post = p;
	return begin_other(p);
}

void
news_post_close(struct news *n)
{
	struct news_post	*p = n->post;

	if (p == NULL)
		return;
	n->post = NULL;
	loop_timer_disarm(&p->timer);
	for (size_t i = 0; i < 2; i++) {
		feed_stop(&p->feed[i]);
		buf_fini(&p->feed[i].body);
		p->feed[i].magic = 0;
	}
	free(p);
}
