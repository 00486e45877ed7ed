/* SPDX-License-Identifier: Apache-2.0
 *
 * call.c - one JSON-RPC request to an HTTP upstream, in the upstream's own era
 *
 * Process: worker.  Owns: the call, its answer's text until it is freed.
 * Trusts:  neither the upstream's answers nor its requests; both are bounded.
 */
#include <stddef.h>
#include <stdlib.h>

#include "lib/bug.h"
#include "mcp/capability.h"
#include "upstream/lane.h"
#include "upstream/news.h"
#include "upstream/reply.h"
#include "upstream/sse_session.h"

#define CALL_MAGIC	0xca110001u
#define SPARE_MAX	64
#define REQUESTS_MAX	256	/* of the server, on one call's stream */
#define PROGRESS_TIMES	3

struct upstream_call {
	uint32_t		 magic;
	struct upstream		*u;
	struct upstream_request	 request;
	struct peer		*peer;		/* lane 0 */
	struct lane_seat	 seat;		/* when it may be asked */
	struct peer_wait	 wait;
	struct loop_timer	 timer;		/* deadline; then a delayed free */
	char			 id[UPSTREAM_ID_BYTES];
	enum mcp_version	 version;	/* the request went out with */
	const struct upstream_target *target;	/* and there; valid while asking */
	unsigned		 server_requests;
	bool			 asking, sent, retried, in_message, unwanted;
	bool			 waits;		/* upstream_call_wait() */
	bool			 paused;	/* upstream_call_pause() */
	bool			 about;		/* answered with what is known: the timer delivers it */
	uint64_t		 begun_ms, until_ms;	/* until: its deadline, while it counts */
	upstream_message_fn	*on_message;
	upstream_done_fn	*done;
	void			*arg;
	struct upstream_call	*next_spare;
	/* Cleared by their own beginnings. */
	struct ask		 ask;
	char			 session[ASK_SESSION_MAX];
};

/* A call is 4 KiB, and every request makes one: a few are kept. */
static struct upstream_call *
call_new(struct upstream *u)
{
	struct upstream_call	*c = u->spare;

	if (c != NULL) {
		u->spare = c->next_spare;
		u->spare_count--;
	} else if ((c = malloc(sizeof(*c))) == NULL)
		return NULL;
	memset(c, 0, offsetof(struct upstream_call, ask));
	c->ask.begun = c->ask.passing = false;
	c->session[0] = '\0';
	c->magic = CALL_MAGIC;
	c->u = u;
	u->call_count++;
	return c;
}

static void
call_free(struct upstream_call *c)
{
	struct upstream	*u = c->u;

	peer_wait_cancel(&c->wait);
	lane_leave(&c->seat, false);
	ask_fini(&c->ask);
	loop_timer_disarm(&c->timer);
	peer_unref(&c->peer);
	u->call_count--;
	c->magic = 0;
	if (u->spare_count >= SPARE_MAX) {
		free(c);
		return;
	}
	c->next_spare = u->spare;
	u->spare = c;
	u->spare_count++;
}

void
upstream_spare_free(struct upstream *u)
{
	struct upstream_call	*c;

	while ((c = u->spare) != NULL) {
		u->spare = c->next_spare;
		free(c);
	}
	u->spare_count = 0;
}

static bool
is_legacy(const struct upstream_call *c)
{
	return !mcp_version_is_modern(c->version);
}

/* The server need not go on.  In the modern era the closed connection says so. */
static void
tell_cancelled(struct upstream_call *c)
{
	struct buf	b;

	if (!c->asking || !is_legacy(c) || !ask_was_sent(&c->ask) || c->target->transport == TRANSPORT_JSONRPC)
		return;
	buf_init(&b, 1024);
	if (buf_put_fmt(&b, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\","
	    "\"params\":{\"requestId\":%s}}", c->id) == 0)
		(void)reply_send(c->u, c->target, c->version, span_of(c->session), MCP_NOTE_CANCELLED,
		    buf_rest(&b));
	buf_fini(&b);
}

static struct peer	*peer_of(const struct upstream_call *c);

/* By the request itself, or by what had to come before. */
static void
add_refusal(const struct upstream_call *c, struct upstream_result *r)
{
	const struct ask	*a = c->asking ? &c->ask : peer_refusal(peer_of(c));

	if (a == NULL || (a->status != 401 && a->status != 403))
		return;
	r->refused = a->status;
	r->challenge = span_of(a->challenge);
	r->token_serial = a->token_serial;
}

/* The last thing done with a call: done() may free it. */
static void
deliver(struct upstream_call *c, int error, const char *why)
{
	struct upstream_result	r = { .error = error, .sent = c->sent, .why = span_of(why),
	    .modern = c->version != MCP_VERSION_NONE && !is_legacy(c),
	    .answer = error == 0 && !c->ask.passing ? &c->ask.answer : NULL };

	loop_timer_disarm(&c->timer);
	if (error == E_UPSTREAM)
		add_refusal(c, &r);
	c->asking = false;
	if (r.answer != NULL)
		lane_answered(&c->seat, r.answer);
	lane_leave(&c->seat, error != 0 && c->sent);
	c->done(c, &r, c->arg);
}

/* ---- the server's own messages ----------------------------------------------------------------- */

/* True when it needs nobody else: a ping, or one more than this call may be asked. */
static bool
answer_request(struct upstream_call *c, const struct rpc_answer *m)
{
	/* A modern server may not ask on a stream; what it says is passed over. */
	if (!is_legacy(c))
		return true;
	if (m->method != MCP_PING && c->on_message != NULL && c->server_requests++ < REQUESTS_MAX)
		return false;
	reply_own(c->u, c->target, c->version, span_of(c->session), m, -32601, "Method not found");
	return true;
}

static void
arm(struct upstream_call *c, uint64_t ms)
{
	c->until_ms = loop_now_ms(c->u->loop) + ms;
	loop_timer_arm(&c->timer, ms);
}

/* Progress is worth as much time again, up to thrice the deadline (parameter call_timeout). */
static void
more_time(struct upstream_call *c)
{
	uint64_t	now = loop_now_ms(c->u->loop), until = now + c->request.deadline_ms;
	uint64_t	most = c->begun_ms + (uint64_t)PROGRESS_TIMES * c->request.deadline_ms;

	if (c->waits || c->paused)
		return;
	until = until < most ? until : most;
	if (until > now)
		arm(c, until - now);
}

static struct upstream_call *
call_of(struct ask *a)
{
	struct upstream_call	*c = (struct upstream_call *)(void *)((char *)a - offsetof(struct upstream_call, ask));

	MAGIC_CHECK(c, CALL_MAGIC);
	return c;
}

static void
take_message(struct upstream_call *c, const struct rpc_answer *m)
{
	if (m->kind == RPC_REQUEST && answer_request(c, m))
		return;
	if (m->kind == RPC_NOTIFICATION && m->method == MCP_NOTE_PROGRESS)
		more_time(c);
	else
		news_overheard(c->u, c->request.target->server, c->request.instance, m);
	if (c->on_message == NULL)
		return;
	c->in_message = true;
	c->on_message(c, m, c->arg);
	c->in_message = false;
}

static void
on_server_message(struct ask *a, const struct rpc_answer *m)
{
	struct upstream_call	*c = call_of(a);

	if (c->unwanted)
		return;
	if (m->kind == RPC_REQUEST && m->method != MCP_PING)
		lane_asks(&c->seat);
	take_message(c, m);
}

static void
on_server_bytes(struct ask *a, struct span bytes)
{
	struct upstream_call	*c = call_of(a);

	if (c->unwanted)
		return;
	c->in_message = true;
	c->request.on_body(c, bytes, c->arg);
	c->in_message = false;
}

static struct upstream_call *
call_of_seat(struct lane_seat *s)
{
	struct upstream_call	*c;

	c = (struct upstream_call *)(void *)((char *)s - offsetof(struct upstream_call, seat));

	MAGIC_CHECK(c, CALL_MAGIC);
	return c;
}

static void
on_session_message(struct lane_seat *s, const struct rpc_answer *m)
{
	take_message(call_of_seat(s), m);
}

/* ---- the way of a call ------------------------------------------------------------------------- */

static int	go(struct upstream_call *c);
static int	send_call(struct upstream_call *c);

static void
on_peer(void *arg, int error, const char *why)
{
	struct upstream_call	*c = arg;

	MAGIC_CHECK(c, CALL_MAGIC);
	if (error == 0 && (error = go(c)) != 0)
		why = err_text(error);
	if (error != 0)
		deliver(c, error, why);
}

static void
on_lane_ready(struct lane_seat *s)
{
	struct upstream_call	*c = call_of_seat(s);
	int			 error = go(c);

	if (error != 0)
		deliver(c, error, err_text(error));
}

static const struct lane_ops lane_ops = { on_lane_ready, on_session_message };

static struct peer *
peer_of(const struct upstream_call *c)
{
	return c->seat.lane != NULL ? lane_peer(&c->seat) : c->peer;
}

/* What comes on a session's own stream must find its call.  Lists are nobody's call: there is no client to be
 * asked.  Over HTTP+SSE all comes there, for others than those that may be asked too. */
static bool
needs_lane(const struct upstream_call *c, const struct peer *p)
{
	return !c->request.is_list && c->request.target->transport != TRANSPORT_JSONRPC &&
	    !mcp_version_is_modern(peer_version(p)) &&
	    ((c->request.capabilities & MCP_CAN_BE_ASKED) != 0 || peer_sse(p) != NULL);
}

/* Sent when the peer and, for one that may be asked, its lane's stream are ready; else when they will be. */
static int
go(struct upstream_call *c)
{
	const struct upstream_request	*q = &c->request;
	struct peer			*p;
	int				 r;

	for (;;) {
		p = peer_of(c);
		if (!peer_is_ready(p, q->target))
			return peer_wait(p, q->target, &c->wait, on_peer, c);
		if (!needs_lane(c, p))
			return send_call(c);
		if (c->seat.lane != NULL)
			break;
		if ((r = lane_take(&c->seat, &lane_ops, c->u, c->peer, q)) != 0)
			return r;
	}
	if ((r = lane_listen(&c->seat, q->target)) != 0)
		return r == E_AGAIN ? 0 : r;
	lane_sent(&c->seat);
	return send_call(c);
}

static void
lose_session(struct upstream_call *c)
{
	if (c->seat.lane != NULL)
		lane_session_lost(&c->seat, span_of(c->session));
	else
		peer_session_lost(c->peer, span_of(c->session));
}

/* 404 proves that it was not executed: the session is looked at before the message (14.7). */
static bool
session_is_lost(const struct upstream_call *c)
{
	return c->ask.status == 404 && is_legacy(c) && c->session[0] != '\0';
}

/* What servers of HTTP+SSE say when the stream that belongs to the endpoint is gone or its credential is of no
 * more worth, or to a message that they cannot read: whether that is so of the next one too is not worth a try. */
static bool
endpoint_is_lost(const struct upstream_call *c)
{
	static const unsigned	lost[] = { 400, 401, 403, 410, 500 };

	for (size_t i = 0; i < sizeof(lost) / sizeof(lost[0]); i++)
		if (c->ask.status == lost[i])
			return c->target->transport == TRANSPORT_SSE;
	return false;
}

static void
on_ask_end(struct ask *a, int error)
{
	struct upstream_call	*c = call_of(a);
	const struct rpc_answer	*parsed = ask_parsed(a);

	if (c->unwanted)
		return;			/* the timer frees it */
	c->sent = ask_was_sent(a);
	if (session_is_lost(c)) {
		c->sent = false;
		lose_session(c);
		if (!c->retried) {
			c->retried = true;
			c->asking = false;
			ask_fini(a);
			if ((error = go(c)) != 0)
				deliver(c, error, err_text(error));
			return;
		}
	}
	if (error == E_UPSTREAM && endpoint_is_lost(c))
		lose_session(c);
	if (error == E_UPSTREAM && !is_legacy(c) && (a->status == 400 || a->status == 404 || a->status == 405))
		peer_doubt(c->peer);
	if (is_legacy(c) && parsed != NULL && parsed->is_error && parsed->error_code == -32022)
		peer_doubt(c->peer);
	deliver(c, error, error == 0 ? "" : a->why);
}

static const struct ask_ops ask_ops = { .on_message = on_server_message, .on_end = on_ask_end,
    .on_bytes = on_server_bytes };

/* The body up to the mark, and other bytes in the mark's place. */
static void
cut(struct ask_request *q, struct span body, size_t *at, struct upstream_mark mark, struct span instead)
{
	q->body[q->body_count++] = span_part(body, *at, mark.at - *at);
	if (instead.n > 0)
		q->body[q->body_count++] = instead;
	*at = (size_t)mark.at + mark.bytes;
}

static int
send_call(struct upstream_call *c)
{
	const struct upstream_request	*r = &c->request;
	struct ask_request		 q = { .method = r->method, .name = r->name,
	    .params = r->params, .param_count = r->param_count, .repeatable = r->repeatable,
	    .deadline_ms = r->told ? r->deadline_ms : 0,
	    .passes = r->on_body != NULL };
	struct span			 session = peer_session(peer_of(c));
	struct upstream_mark		 meta = { 0, 0 };
	size_t				 at = 0;
	int				 e;

	c->version = peer_version(peer_of(c));
	if (r->method == MCP_SERVER_DISCOVER && is_legacy(c)) {
		c->about = true;
		loop_timer_arm(&c->timer, 0);
		return 0;
	}
	memcpy(c->session, session.p, session.n);
	c->session[session.n] = '\0';
	q.version = c->version;
	q.session = span_of(c->session);
	q.id = upstream_id(c->u, c->id);
	peer_route(peer_of(c), r->target, &q);
	c->target = q.target;
	if (is_legacy(c))
		meta = r->modern_meta;
	if (meta.bytes > 0 && meta.at < r->id.at)
		cut(&q, r->body, &at, meta, SPAN_NONE);
	cut(&q, r->body, &at, r->id, q.id);
	if (meta.bytes > 0 && meta.at > r->id.at)
		cut(&q, r->body, &at, meta, SPAN_NONE);
	q.body[q.body_count++] = span_part(r->body, at, r->body.n);
	if ((e = ask_start(&c->ask, &c->u->shared, &ask_ops, &q)) == 0)
		c->asking = true;
	return e;
}

static void
doubt_stream(const struct upstream_call *c)
{
	struct sse_session	*s = peer_sse(peer_of(c));

	if (s != NULL && span_eq(sse_session_name(s), span_of(c->session)))
		sse_session_doubt(s, c->begun_ms);
}

/* A legacy server knows no server/discover: it has said the same in answer to initialize. */
static void
deliver_about(struct upstream_call *c)
{
	struct span	about = peer_about(c->peer);

	c->ask.answer = (struct rpc_answer){ .kind = RPC_RESPONSE, .text = about, .is_error = about.n == 0,
	    .error_code = about.n == 0 ? -32601 : 0,
	    .result = { about.n == 0 ? JSON_NONE : JSON_OBJECT, about } };
	deliver(c, 0, "");
}

static void
on_timer(struct loop_timer *t, void *arg)
{
	struct upstream_call	*c = arg;

	(void)t;
	MAGIC_CHECK(c, CALL_MAGIC);
	if (c->unwanted) {
		call_free(c);
		return;
	}
	if (c->about) {
		deliver_about(c);
		return;
	}
	peer_wait_cancel(&c->wait);
	c->sent = c->asking && ask_was_sent(&c->ask);
	tell_cancelled(c);
	if (c->asking)
		doubt_stream(c);
	ask_fini(&c->ask);
	deliver(c, E_TIMEOUT, "no answer in time");
}

/* ---- for callers ------------------------------------------------------------------------------- */

static bool
marks_fit(const struct upstream_request *r)
{
	const struct upstream_mark	*i = &r->id, *m = &r->modern_meta;

	if (i->bytes == 0 || i->at > r->body.n || i->bytes > r->body.n - i->at || m->at > r->body.n ||
	    m->bytes > r->body.n - m->at)
		return false;
	return m->bytes == 0 || m->at + m->bytes <= i->at || i->at + i->bytes <= m->at;
}

int
upstream_call_start(struct upstream *u, const struct upstream_request *request, upstream_message_fn *on_message,
    upstream_done_fn *done, void *arg, struct upstream_call **out)
{
	struct upstream_call	*c;
	int			 r;

	*out = NULL;
	BUG_ON(!marks_fit(request));
	if ((c = call_new(u)) == NULL)
		return E_NOMEM;
	c->request = *request;
	c->on_message = on_message;
	c->done = done;
	c->arg = arg;
	loop_timer_init(u->loop, &c->timer, on_timer, c);
	if ((r = peer_find(u, request->target, request->instance, request->capabilities, 0, &c->peer)) != 0 ||
	    (r = go(c)) != 0) {
		call_free(c);
		return r;
	}
	c->begun_ms = loop_now_ms(u->loop);
	if (!c->about)
		arm(c, request->deadline_ms);
	*out = c;
	return 0;
}

void
upstream_call_free(struct upstream_call **cp)
{
	struct upstream_call	*c = *cp;

	*cp = NULL;
	if (c == NULL)
		return;
	MAGIC_CHECK(c, CALL_MAGIC);
	lane_leave(&c->seat, c->asking && ask_was_sent(&c->ask));
	tell_cancelled(c);
	c->asking = false;
	if (!c->in_message) {
		call_free(c);
		return;
	}
	/* Inside its own stream's reader: that must come to its end first. */
	c->unwanted = true;
	loop_timer_arm(&c->timer, 0);
}

int
upstream_call_reply(struct upstream_call *c, struct span message)
{
	MAGIC_CHECK(c, CALL_MAGIC);
	if (c->unwanted || !c->asking || !is_legacy(c))
		return E_CLOSED;
	return reply_send(c->u, c->target, c->version, span_of(c->session), MCP_METHOD_NONE, message);
}

void
upstream_call_wait(struct upstream_call *c, uint64_t ms)
{
	MAGIC_CHECK(c, CALL_MAGIC);
	if (c->unwanted)
		return;
	c->waits = ms > 0;
	arm(c, ms > 0 ? ms : c->request.deadline_ms);
}

void
upstream_call_pause(struct upstream_call *c, bool on)
{
	uint64_t	now = loop_now_ms(c->u->loop);

	MAGIC_CHECK(c, CALL_MAGIC);
	if (c->unwanted || !c->asking || c->paused == on)
		return;
	fetch_pause(&c->ask.fetch, on);
	c->paused = on;
	loop_timer_disarm(&c->timer);
	/* What was left of its time when it was paused is left. */
	if (on)
		c->until_ms = c->until_ms > now ? c->until_ms - now : 1;
	else
		arm(c, c->until_ms);
}

struct span
upstream_call_id(const struct upstream_call *c)
{
	return span_of(c->id);
}

bool
upstream_call_is_modern(const struct upstream_call *c)
{
	return !is_legacy(c);
}

bool
upstream_call_was_sent(const struct upstream_call *c)
{
	return c->sent || (c->asking && ask_was_sent(&c->ask));
}
