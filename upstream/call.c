/* SPDX-License-Identifier: Apache-2.0
 *
 * call.c - one JSON-RPC request to an HTTP upstream, in the upstream's own era: its beginning, its time and its end
 *
 * Process: worker.  Owns: the call, its answer's text until it is freed.  How it goes out is call_way.c's.
 * Trusts:  neither the upstream's answers nor its requests; both are bounded.
 */
#include <stddef.h>
#include <stdlib.h>

#include "upstream/call_priv.h"
#include "upstream/reply.h"
#include "upstream/sse_session.h"

#define SPARE_MAX	64

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

/* The server need not go on.  In the modern era the closed connection says so. */
static void
tell_cancelled(struct upstream_call *c)
{
	struct buf	b;

	if (!c->asking || !call_is_legacy(c) || !ask_was_sent(&c->ask) || c->target->transport == TRANSPORT_JSONRPC)
		return;
	buf_init(&b, 1024);
	if (buf_put_fmt(&b, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\","
	    "\"params\":{\"requestId\":%s}}", c->id) == 0)
		(void)reply_send(c->u, c->target, c->version, span_of(c->session), MCP_NOTE_CANCELLED,
		    buf_rest(&b));
	buf_fini(&b);
}

/* By the request itself, or by what had to come before. */
static void
add_refusal(const struct upstream_call *c, struct upstream_result *r)
{
	const struct ask	*a = c->asking ? &c->ask : peer_refusal(call_peer(c));

	if (a == NULL || (a->status != 401 && a->status != 403))
		return;
	r->refused = a->status;
	r->challenge = span_of(a->challenge);
	r->token_serial = a->token_serial;
}

void
call_deliver(struct upstream_call *c, int error, const char *why)
{
	struct upstream_result	r = { .error = error, .sent = c->sent, .why = span_of(why),
	    .modern = c->version != MCP_VERSION_NONE && !call_is_legacy(c),
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

void
call_arm(struct upstream_call *c, uint64_t ms)
{
	c->until_ms = loop_now_ms(c->u->loop) + ms;
	loop_timer_arm(&c->timer, ms);
}

static void
doubt_stream(const struct upstream_call *c)
{
	struct sse_session	*s = peer_sse(call_peer(c));

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
	call_deliver(c, 0, "");
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
	call_deliver(c, E_TIMEOUT, "no answer in time");
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
	    (r = call_go(c)) != 0) {
		call_free(c);
		return r;
	}
	c->begun_ms = loop_now_ms(u->loop);
	if (!c->about)
		call_arm(c, request->deadline_ms);
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
	if (c->unwanted || !c->asking || !call_is_legacy(c))
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
	if (ms == 0)
		ms = c->request.deadline_ms;
	/* While it is paused none of it goes by. */
	if (c->paused)
		c->until_ms = ms;
	else
		call_arm(c, ms);
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
		call_arm(c, c->until_ms);
}

struct span
upstream_call_id(const struct upstream_call *c)
{
	return span_of(c->id);
}

bool
upstream_call_is_modern(const struct upstream_call *c)
{
	return !call_is_legacy(c);
}

bool
upstream_call_was_sent(const struct upstream_call *c)
{
	return c->sent || (c->asking && ask_was_sent(&c->ask));
}
