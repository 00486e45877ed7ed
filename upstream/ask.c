/* SPDX-License-Identifier: Apache-2.0
 *
 * ask.c - one JSON-RPC message POSTed to an upstream, and the one answer that has its id
 *
 * Process: worker.  Owns: the answer's text until ask_fini().
 * Trusts:  nothing an upstream says: sizes are bounded, ids compared, text for people is cut and cleaned.
 */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/bug.h"
#include "upstream/ask_head.h"

#define OWN_SCAN_BYTES		(64 * 1024)	/* larger answers are scanned as they come */
#define REFUSAL_MAX		(64 * 1024)	/* of a body with status 400 or over */
#define RESUMES_MAX		8
#define RESUME_MS		1000
#define RESUME_MS_MAX		10000
#define ACCEPT_MS		1000	/* for the end of a POST whose answer is there */

enum media { MEDIA_NONE, MEDIA_JSON, MEDIA_STREAM, MEDIA_OTHER };

static void	start_timer(struct ask *a);

static bool
is_get(const struct ask *a)
{
	return a->request.kind == ASK_STREAM || a->resumes > 0;
}

/* ---- the answer -------------------------------------------------------------------------------- */

/* Text of the upstream goes to people and logs: printable, and not much of it. */
static void
say(struct ask *a, const char *what, struct span theirs)
{
	int	n = snprintf(a->why, sizeof(a->why), "%s%s", what, theirs.n > 0 ? ": " : "");

	for (size_t i = 0; i < theirs.n && i < 120 && (size_t)n + 1 < sizeof(a->why); i++) {
		unsigned char c = (unsigned char)theirs.p[i];

		a->why[n++] = c < 0x20 || c == 0x7f ? ' ' : (char)c;
	}
	/* Not in the middle of a character. */
	while (theirs.n > 120 && n > 0 && ((unsigned char)a->why[n - 1] & 0x80) != 0)
		n--;
	a->why[n] = '\0';
}

static int
hold(struct ask *a, struct span bytes)
{
	struct http_budget	*b = &a->shared->answers;
	size_t			 before = a->text.room;
	char			*room;
	int			 r;

	if (a->text.used + bytes.n > a->text.ceiling)
		return E_TOOBIG;
	/* Before the memory is there: it grows by doubling. */
	if (bytes.n > a->text.room - a->text.used && b->used + a->text.room + bytes.n > b->limit)
		return E_OVERLOAD;
	if ((r = buf_reserve(&a->text, bytes.n, &room)) != 0)
		return r;
	b->used += a->text.room - before;
	return buf_put(&a->text, bytes);
}

static bool
is_ours(const struct ask *a, const struct rpc_answer *m)
{
	return a->request.kind == ASK_POST && m->kind == RPC_RESPONSE && span_eq(m->id, a->request.id);
}

static int
on_event(const struct sse_event *e, void *arg)
{
	struct ask		*a = arg;
	struct rpc_answer	 m;
	int			 r;

	pace_event(&a->pace, loop_now_ms(pool_loop(a->shared->pool)));
	if (a->ops->on_event != NULL)
		return a->ops->on_event(a, e);
	if (!span_is(e->type, "message"))
		return 0;
	if ((r = rpc_answer_whole(a->shared->scan, e->data, &m)) == E_NOMEM)
		return r;
	if (r != 0) {
		say(a, "an event of the server's stream is not MCP", SPAN_NONE);
		return E_UPSTREAM;
	}
	if (m.kind == RPC_RESPONSE) {
		if (!is_ours(a, &m))
			return 0;
		if ((r = hold(a, e->data)) != 0)
			return r;
		a->found = true;
		return E_EOF;
	}
	if (a->ops->on_message != NULL)
		a->ops->on_message(a, &m);
	return 0;
}

static enum media
media_of(const struct http_head *h)
{
	struct span	type = http_head_get(h, HTTP_CONTENT_TYPE);

	if (http_head_count(h, HTTP_CONTENT_ENCODING) > 0 &&
	    !span_eq_nocase(http_head_get(h, HTTP_CONTENT_ENCODING), SPAN_LIT("identity")))
		return MEDIA_OTHER;
	if (type.p == NULL)
		return MEDIA_NONE;
	if (http_media_is(type, "application/json"))
		return MEDIA_JSON;
	return http_media_is(type, "text/event-stream") ? MEDIA_STREAM : MEDIA_OTHER;
}

static void
take_session(struct ask *a, const struct http_head *h)
{
	struct span	s = http_head_get(h, HTTP_MCP_SESSION_ID);

	a->session[0] = '\0';
	if (http_head_count(h, HTTP_MCP_SESSION_ID) != 1 || s.n == 0 || s.n >= sizeof(a->session))
		return;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 0x21 || s.p[i] > 0x7e)
			return;
	memcpy(a->session, s.p, s.n);
	a->session[s.n] = '\0';
}

/* Without memory for it: as if there were none. */
static void
keep_challenge(struct ask *a, struct span challenge)
{
	free(a->challenge);
	a->challenge = challenge.n == 0 || challenge.n > ASK_CHALLENGE_MAX ? NULL : strndup(challenge.p, challenge.n);
}

static int
on_head(struct fetch *f, const struct http_head *h)
{
	struct ask	*a = (struct ask *)(void *)f;
	char		 status[64];

	a->status = h->status;
	if (h->status == 401 || h->status == 403)
		keep_challenge(a, http_head_find(h, "www-authenticate", NULL));
	a->media = (uint8_t)media_of(h);
	take_session(a, h);
	if (a->status >= 300) {
		snprintf(status, sizeof(status), "the server answered HTTP %u", a->status);
		say(a, status, SPAN_NONE);
		a->text.ceiling = REFUSAL_MAX;
		return 0;
	}
	if (a->request.kind == ASK_STREAM && a->media == MEDIA_STREAM) {
		if (a->ops->on_open != NULL)
			a->ops->on_open(a);
		return 0;
	}
	if ((a->request.id.n == 0 && a->request.kind != ASK_STREAM) || a->request.inbox != NULL)
		return 0;
	if (a->request.kind == ASK_STREAM || (a->media != MEDIA_JSON && a->media != MEDIA_STREAM)) {
		snprintf(status, sizeof(status), "the server answered HTTP %u without an MCP message", a->status);
		say(a, status, SPAN_NONE);
		return E_UPSTREAM;
	}
	return 0;
}

static void
drop_text(struct ask *a)
{
	a->shared->answers.used -= a->text.room;
	buf_fini(&a->text);
}

static int
pass_on(struct ask *a, struct span bytes)
{
	if (bytes.n > a->shared->answer_max - a->passed)
		return E_TOOBIG;
	a->passed += bytes.n;
	a->ops->on_bytes(a, bytes);
	return 0;
}

static int
feed_scan(struct ask *a, struct span fresh)
{
	int	r;

	if (a->scan == NULL) {
		if (a->text.used <= OWN_SCAN_BYTES)
			return 0;
		if ((r = rpc_answer_new(&a->scan)) != 0)
			return r;
		fresh = buf_rest(&a->text);
	}
	/* A mistake is found again, and named, at the end. */
	return rpc_scan_feed(a->scan, fresh) == E_NOMEM ? E_NOMEM : 0;
}

/* A stream may stay open, and what its reader holds is counted. */
static int
feed_stream(struct ask *a, struct span bytes)
{
	struct http_budget	*b = &a->shared->answers;
	int			 r = sse_reader_feed(&a->sse, bytes);
	size_t			 room = sse_reader_room(&a->sse);

	if (a->request.kind == ASK_STREAM)
		a->heard_ms = loop_now_ms(pool_loop(a->shared->pool));
	b->used += room - a->sse_bytes;
	if (r == 0 && room > a->sse_bytes && b->used > b->limit)
		r = E_OVERLOAD;
	a->sse_bytes = room;
	return r;
}

static int
on_data(struct fetch *f, struct span bytes)
{
	struct ask	*a = (struct ask *)(void *)f;
	int		 r;

	if (a->status >= 300) {
		/* Of a refusal, what can be shown. */
		return a->media != MEDIA_JSON || a->text.used + bytes.n > REFUSAL_MAX ? 0 : hold(a, bytes);
	}
	if (a->request.inbox != NULL)
		return E_EOF;		/* a word to say that it was accepted */
	if (a->request.id.n == 0 && a->request.kind != ASK_STREAM)
		return 0;
	if (a->media == MEDIA_STREAM)
		return feed_stream(a, bytes);
	if (a->passing)
		return pass_on(a, bytes);
	if ((r = hold(a, bytes)) != 0)
		return r;
	if (!a->request.passes || a->text.used <= ASK_HELD_MAX)
		return feed_scan(a, bytes);
	a->passing = true;
	r = pass_on(a, buf_rest(&a->text));
	drop_text(a);
	return r;
}

static int
parse(struct ask *a)
{
	struct span	text = buf_rest(&a->text);
	int		r;

	if (a->scan != NULL)
		r = rpc_answer_end(a->scan, text, &a->answer);
	else
		r = rpc_answer_whole(a->shared->scan, text, &a->answer);
	a->parsed = r == 0 && a->answer.kind == RPC_RESPONSE;
	return r == E_NOMEM ? r : a->parsed ? 0 : E_UPSTREAM;
}

static void
finish(struct ask *a, int error)
{
	a->running = false;
	pace_fini(&a->pace);
	inbox_leave(&a->seat);
	if (error == E_TOOBIG)
		say(a, "the server's answer is too large", SPAN_NONE);
	else if (error == E_OVERLOAD)
		say(a, "too many large answers are held already", SPAN_NONE);
	else if (error != 0 && a->why[0] == '\0')
		say(a, a->fetch.why != NULL ? a->fetch.why : err_text(error), SPAN_NONE);
	a->ops->on_end(a, error);
}

static void
keep_last_event(struct ask *a, struct span last)
{
	if (last.n == 0 || last.n >= sizeof(a->last_event) || !http_is_value(last))
		return;
	memcpy(a->last_event, last.p, last.n);
	a->last_event[last.n] = '\0';
}

/* The stream was cut before the answer.  Asking for the rest executes nothing. */
static bool
may_resume(const struct ask *a)
{
	return a->request.kind == ASK_POST && a->media == MEDIA_STREAM && a->status == 200 && !a->found &&
	    a->last_event[0] != '\0' && a->request.version != MCP_VERSION_NONE &&
	    !mcp_version_is_modern(a->request.version) && a->resumes < RESUMES_MAX;
}

static void
end_refusal(struct ask *a)
{
	if (a->media == MEDIA_JSON && a->text.used > 0 && parse(a) == 0 && a->answer.is_error) {
		char	status[64];

		/* A JSON-RPC error with our id is an answer, whatever the status. */
		if (is_ours(a, &a->answer)) {
			a->found = true;
			finish(a, 0);
			return;
		}
		snprintf(status, sizeof(status), "the server answered HTTP %u", a->status);
		say(a, status, a->answer.error_message.raw);
	}
	finish(a, E_UPSTREAM);
}

static void
end_answer(struct ask *a)
{
	int	error = parse(a);

	if (error == E_UPSTREAM) {
		say(a, "the server's answer is not MCP", SPAN_NONE);
	} else if (error == 0 && !is_ours(a, &a->answer)) {
		say(a, "the server answered another request", SPAN_NONE);
		error = E_UPSTREAM;
	}
	a->found = a->found || error == 0;
	finish(a, error);
}

static void
on_fetch_end(struct fetch *f, int error)
{
	struct ask	*a = (struct ask *)(void *)f;

	if (a->request.inbox != NULL && (a->found || (error == 0 && a->status < 300))) {
		if (a->found)
			end_answer(a);
		return;
	}
	keep_last_event(a, sse_reader_last_id(&a->sse));
	if ((error == 0 || error == E_UPSTREAM) && a->why[0] == '\0' && may_resume(a)) {
		start_timer(a);
		return;
	}
	if (error != 0) {
		finish(a, error);
		return;
	}
	if (a->status >= 300) {
		end_refusal(a);
		return;
	}
	if (a->request.id.n == 0) {
		finish(a, 0);
		return;
	}
	if (a->passing) {
		a->found = true;
		finish(a, 0);
		return;
	}
	if (a->media == MEDIA_STREAM && !a->found) {
		say(a, "the server's stream ended before the answer", SPAN_NONE);
		finish(a, E_UPSTREAM);
		return;
	}
	end_answer(a);
}

static const struct fetch_ops fetch_ops = { on_head, on_data, on_fetch_end };

/* ---- asking ------------------------------------------------------------------------------------ */

static int
send_it(struct ask *a)
{
	const struct ask_request	*q = &a->request;
	struct fetch_request		 fr = {
		.target = &q->target->pool, .path = q->target->path, .host = q->target->host,
		.fields = a->fields, .repeatable = q->repeatable || is_get(a) || q->kind == ASK_DELETE,
		/* A call that is asked something holds its connection until its answer is there.  A stream would
		 * keep a spare one for itself. */
		.spare = q->id.n == 0 && q->kind != ASK_STREAM,
		.lasting = q->kind == ASK_STREAM || q->method == MCP_SUBSCRIPTIONS_LISTEN,
	};
	int				 r;

	if ((r = ask_head(a, is_get(a))) != 0)
		return r;
	fr.field_count = a->field_count;
	fr.method = span_of(is_get(a) ? "GET" : q->kind == ASK_DELETE ? "DELETE" : "POST");
	if (!is_get(a)) {
		fr.body_count = q->body_count;
		memcpy(fr.body, q->body, sizeof(fr.body));
	}
	sse_reader_fini(&a->sse);
	sse_reader_init(&a->sse, a->shared->answer_max, on_event, a);
	return fetch_start(&a->fetch, a->shared->pool, &fetch_ops, &fr);
}

static void
on_timer(struct loop_timer *t, void *arg)
{
	struct ask	*a = arg;
	int		 r;

	(void)t;
	if (a->request.inbox != NULL) {
		fetch_cancel(&a->fetch);
		end_answer(a);
		return;
	}
	a->resumes++;
	if ((r = send_it(a)) != 0)
		finish(a, r);
}

static void
start_timer(struct ask *a)
{
	uint64_t	ms = a->sse.retry_ms == 0 ? RESUME_MS : a->sse.retry_ms;

	a->reported = true;		/* the request itself went out, whatever comes */
	loop_timer_arm(&a->timer, ms > RESUME_MS_MAX ? RESUME_MS_MAX : ms);
}

int
ask_start(struct ask *a, struct ask_shared *shared, const struct ask_ops *ops, const struct ask_request *request)
{
	int	r;

	memset(a, 0, offsetof(struct ask, fields));
	a->session[0] = a->last_event[0] = a->why[0] = '\0';
	a->shared = shared;
	a->ops = ops;
	a->request = *request;
	a->begun = true;
	keep_last_event(a, request->last_event);
	buf_init(&a->name, HTTP_HEAD_BYTES_MAX / 2);
	buf_init(&a->text, shared->answer_max);
	sse_reader_init(&a->sse, shared->answer_max, on_event, a);
	loop_timer_init(pool_loop(shared->pool), &a->timer, on_timer, a);
	pace_init(&a->pace, pool_loop(shared->pool), &a->fetch);
	if ((r = send_it(a)) != 0)
		return r;
	a->running = true;
	if (request->inbox != NULL)
		inbox_put(request->inbox, &a->seat, request->id);
	return 0;
}

static struct ask *
ask_of(struct inbox_seat *s)
{
	return (struct ask *)(void *)((char *)s - offsetof(struct ask, seat));
}

void
ask_take(struct inbox_seat *s, struct span text)
{
	struct ask	*a = ask_of(s);
	int		 r;

	if (a->found)
		return;
	/* Of a refusal that comes at the same time. */
	buf_clear(&a->text);
	a->text.ceiling = a->shared->answer_max;
	if ((r = hold(a, text)) != 0) {
		fetch_cancel(&a->fetch);
		finish(a, r);
		return;
	}
	a->found = true;
	/* Two connections: the answer may be here before the POST's end, which leaves its connection usable. */
	if (a->fetch.conn != NULL)
		loop_timer_arm(&a->timer, ACCEPT_MS);
	else
		end_answer(a);
}

void
ask_lost(struct inbox_seat *s, const char *why)
{
	struct ask	*a = ask_of(s);

	fetch_cancel(&a->fetch);
	if (a->found) {
		end_answer(a);
		return;
	}
	say(a, why, SPAN_NONE);
	finish(a, ask_was_sent(a) ? E_UPSTREAM : E_SERVER);
}

void
ask_fini(struct ask *a)
{
	if (!a->begun)
		return;
	a->begun = a->running = false;
	loop_timer_disarm(&a->timer);
	pace_fini(&a->pace);
	inbox_leave(&a->seat);
	fetch_cancel(&a->fetch);
	drop_text(a);
	a->shared->answers.used -= a->sse_bytes;
	a->sse_bytes = 0;		/* the reader may be above us */
	buf_fini(&a->name);
	snap_release(&a->tokens);
	free(a->challenge);
	a->challenge = NULL;
	sse_reader_fini(&a->sse);
	rpc_scan_free(&a->scan);
}

bool
ask_was_sent(const struct ask *a)
{
	return a->begun && (a->reported || fetch_was_sent(&a->fetch));
}

const struct rpc_answer *
ask_parsed(const struct ask *a)
{
	return a->parsed ? &a->answer : NULL;
}
