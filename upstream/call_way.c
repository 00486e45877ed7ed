/* SPDX-License-Identifier: Apache-2.0
 *
 * call_way.c - a call's way to its server and back: session, lane, request, what is said meanwhile, answer
 *
 * Process: worker.  Owns: nothing beyond the call's.
 * Trusts:  neither the upstream's answers nor its requests; both are bounded.
 */
#include "mcp/capability.h"
#include "upstream/call_priv.h"
#include "upstream/news.h"
#include "upstream/reply.h"
#include "upstream/sse_session.h"

#define REQUESTS_MAX	256	/* of the server, on one call's stream */
#define PROGRESS_TIMES	3

/* ---- the server's own messages ----------------------------------------------------------------- */

/* True when it needs nobody else: a ping, or one more than this call may be asked. */
static bool
answer_request(struct upstream_call *c, const struct rpc_answer *m)
{
	/* A modern server may not ask on a stream; what it says is passed over. */
	if (!call_is_legacy(c))
		return true;
	if (m->method != MCP_PING && c->on_message != NULL && c->server_requests++ < REQUESTS_MAX)
		return false;
	reply_own(c->u, c->target, c->version, span_of(c->session), m, -32601, "Method not found");
	return true;
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
		call_arm(c, until - now);
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

static int	send_call(struct upstream_call *c);

static void
on_peer(void *arg, int error, const char *why)
{
	struct upstream_call	*c = arg;

	MAGIC_CHECK(c, CALL_MAGIC);
	if (error == 0 && (error = call_go(c)) != 0)
		why = err_text(error);
	if (error != 0)
		call_deliver(c, error, why);
}

static void
on_lane_ready(struct lane_seat *s)
{
	struct upstream_call	*c = call_of_seat(s);
	int			 error = call_go(c);

	if (error != 0)
		call_deliver(c, error, err_text(error));
}

static const struct lane_ops lane_ops = { on_lane_ready, on_session_message };

struct peer *
call_peer(const struct upstream_call *c)
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

int
call_go(struct upstream_call *c)
{
	const struct upstream_request	*q = &c->request;
	struct peer			*p;
	int				 r;

	for (;;) {
		p = call_peer(c);
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
	return c->ask.status == 404 && call_is_legacy(c) && c->session[0] != '\0';
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
			if ((error = call_go(c)) != 0)
				call_deliver(c, error, err_text(error));
			return;
		}
	}
	if (error == E_UPSTREAM && endpoint_is_lost(c))
		lose_session(c);
	if (error == E_UPSTREAM && !call_is_legacy(c) && (a->status == 400 || a->status == 404 || a->status == 405))
		peer_doubt(c->peer);
	if (call_is_legacy(c) && parsed != NULL && parsed->is_error && parsed->error_code == -32022)
		peer_doubt(c->peer);
	call_deliver(c, error, error == 0 ? "" : a->why);
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
	struct span			 session = peer_session(call_peer(c));
	struct upstream_mark		 meta = { 0, 0 };
	size_t				 at = 0;
	int				 e;

	c->version = peer_version(call_peer(c));
	if (r->method == MCP_SERVER_DISCOVER && call_is_legacy(c)) {
		c->about = true;
		loop_timer_arm(&c->timer, 0);
		return 0;
	}
	memcpy(c->session, session.p, session.n);
	c->session[session.n] = '\0';
	q.version = c->version;
	q.session = span_make(c->session, session.n);
	q.id = upstream_id(c->u, c->id);
	peer_route(call_peer(c), r->target, &q);
	c->target = q.target;
	if (call_is_legacy(c))
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
