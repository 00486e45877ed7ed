/* SPDX-License-Identifier: Apache-2.0
 *
 * trip.c - one message's way to the gateway, and what comes back
 *
 * Process: mcpgw-stdio.  Owns: the message, and the answer until it is whole.
 * Trusts:  nothing in an answer: what reaches the client was proven to be a message.
 *
 * What may have been executed is never sent again; see wire.c and mcp-wire 3.1.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "stdio/trip.h"

#define ABSENT_MS	5000	/* a gateway that was there may be away so long: it is being restarted */
#define ABSENT_STEP_MS	100
#define CROWDED_STEP_MS	20
#define UNHEARD_MAX	3
#define RESUME_MS	1000
#define FRUITLESS_MAX	5
#define HEAD_MAX	(32u * 1024)
#define REQUESTS_MAX	(WIRES_MAX - 16)	/* the rest is for notes, and for the session */

/* --- life ------------------------------------------------------------------------------------------ */

static int	on_event(const struct sse_event *e, void *arg);

int
trip_new(struct relay *r, enum trip_kind kind, struct span body, struct span id, struct trip **out)
{
	struct trip	*t;
	int		 e;

	*out = NULL;
	if ((t = calloc(1, sizeof(*t))) == NULL)
		return E_NOMEM;
	t->relay = r;
	t->kind = kind;
	buf_init(&t->body, LINES_MAX);
	buf_init(&t->id, RPC_ID_MAX);
	buf_init(&t->fields, MESSAGE_FIELDS_MAX);
	buf_init(&t->text, ANSWER_MAX);
	buf_init(&t->last_id, HTTP_HEAD_BYTES_MAX);
	buf_init(&t->session_id, HTTP_HEAD_BYTES_MAX);
	sse_reader_init(&t->sse, ANSWER_MAX, on_event, t);
	t->prev = r->last;
	*(r->last == NULL ? &r->first : &r->last->next) = t;
	r->last = t;
	r->trip_count++;
	if ((e = buf_put(&t->body, body)) != 0 || (e = buf_put(&t->id, id)) != 0) {
		trip_done(t);
		return e;
	}
	*out = t;
	return 0;
}

static void
trip_free(struct trip *t)
{
	struct relay	*r = t->relay;

	*(t->prev == NULL ? &r->first : &t->prev->next) = t->next;
	*(t->next == NULL ? &r->last : &t->next->prev) = t->prev;
	r->trip_count--;
	buf_fini(&t->body);
	buf_fini(&t->id);
	buf_fini(&t->fields);
	buf_fini(&t->text);
	buf_fini(&t->last_id);
	buf_fini(&t->session_id);
	sse_reader_fini(&t->sse);
	free(t);
}

void
trip_done(struct trip *t)
{
	if (t->wire != NULL)
		wire_drop(&t->relay->wires, t->wire);
	t->wire = NULL;
	t->state = TRIP_DONE;
	session_trip_done(t);
}

void
trips_sweep(struct relay *r)
{
	struct trip	*next;

	for (struct trip *t = r->first; t != NULL; t = next) {
		next = t->next;
		if (t->state == TRIP_DONE)
			trip_free(t);
	}
}

bool
trip_is_owed(const struct trip *t)
{
	return t->state != TRIP_DONE && !t->listen && t->kind != TRIP_STREAM && t->kind != TRIP_END;
}

size_t
trip_held(const struct trip *t)
{
	return t->text.used + t->sse.line.used + t->sse.data.used;
}

size_t
trip_unsent(const struct trip *t)
{
	return t->state == TRIP_DONE || t->resuming || (t->state == TRIP_RUNS && t->wire->sent) ? 0 :
	    t->body.used + sizeof(*t);
}

void
trip_let_body_go(struct trip *t, bool all)
{
	if (t->state == TRIP_RUNS && t->wire->sent && t->kind != TRIP_OPEN && t->body.used > SMALL_BODY &&
	    (all || t->modern))
		buf_fini(&t->body);
}

void
trip_fail(struct trip *t, const char *fmt, ...)
{
	char	text[800];
	va_list	ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (t->answered)
		;
	else if (t->kind == TRIP_REQUEST || t->kind == TRIP_OPEN || t->kind == TRIP_BATCH)
		relay_tell_error(t->relay, buf_rest(&t->id), E_INTERNAL, "%s", text);
	else if (t->kind == TRIP_NOTE)
		relay_say("a notification or a response is lost: %s", text);
	trip_done(t);
}

void
trip_sleep(struct trip *t, uint64_t ms)
{
	t->state = TRIP_WAITS_TIME;
	t->wake_ms = t->relay->now_ms + ms;
}

/* --- going ----------------------------------------------------------------------------------------- */

static int
put_head(struct trip *t, struct buf *to)
{
	const struct relay	*r = t->relay;
	const bool		 get = t->resuming || t->kind == TRIP_STREAM;
	int			 e;

	if ((e = buf_put_fmt(to, "%s %s HTTP/1.1\r\nHost: localhost\r\n",
	    get ? "GET" : t->kind == TRIP_END ? "DELETE" : "POST", r->target)) != 0)
		return e;
	if (get)
		e = buf_put_str(to, "Accept: text/event-stream\r\n");
	else if (t->kind != TRIP_END)
		e = buf_put_fmt(to, "Content-Type: application/json\r\n"
		    "Accept: application/json, text/event-stream\r\nContent-Length: %zu\r\n", t->body.used);
	if (e == 0 && get)
		e = message_put_field(to, "Last-Event-ID", buf_rest(&t->last_id));
	if (e == 0 && !t->modern && t->kind != TRIP_OPEN && t->kind != TRIP_REOPEN)
		e = session_put_fields(&r->session, to);
	if (e != 0 || (e = buf_put(to, buf_rest(&t->fields))) != 0)
		return e;
	return buf_put_str(to, "\r\n");
}

static void	on_head(void *arg, const struct http_head *h);
static int	on_body(void *arg, struct span bytes);
static void	on_end(void *arg, int err, bool unheard);
static const struct wire_user user = { on_head, on_body, on_end };

/* No connection: wait a little, or that was it. */
static void
not_sent(struct trip *t, int err)
{
	struct relay	*r = t->relay;

	if (t->give_up_ms == 0)
		t->give_up_ms = r->now_ms + ABSENT_MS;
	if ((err == E_AGAIN || (err == E_NOTFOUND && r->seen && !r->away)) && r->now_ms < t->give_up_ms &&
	    r->phase < RELAY_ENDS) {
		trip_sleep(t, err == E_AGAIN ? CROWDED_STEP_MS : ABSENT_STEP_MS);
		return;
	}
	t->give_up_ms = 0;
	if (err == E_FULL) {
		trip_fail(t, "there are %u requests under way already", REQUESTS_MAX);
		return;
	}
	if (!r->away && err != E_AGAIN)
		relay_say("%s", relay_why_away(r, err));
	if (err == E_NOTFOUND || err == E_DENIED) {
		r->away = true;
		r->exit_code = err == E_DENIED ? EX_NOPERM : EX_UNAVAILABLE;
	}
	if (t->kind == TRIP_STREAM)
		stream_ended(t, err);
	else if (t->kind == TRIP_REQUEST || t->kind == TRIP_OPEN || t->kind == TRIP_BATCH ||
	    t->kind == TRIP_NOTE)
		trip_fail(t, "%s", relay_why_away(r, err));
	else
		session_trip_ended(t, err);
}

void
trip_go(struct trip *t)
{
	struct relay	*r = t->relay;
	struct buf	 head;
	int		 e;

	if (!t->modern && !session_may_go(t))
		return;
	t->epoch = r->session.epoch;
	t->status = 0;
	t->type = TYPE_OTHER;
	t->heard = false;
	buf_clear(&t->text);
	buf_init(&head, HEAD_MAX);
	if ((t->kind == TRIP_REQUEST || t->kind == TRIP_BATCH) && r->wires.busy >= REQUESTS_MAX)
		e = E_FULL;
	else if ((e = put_head(t, &head)) == 0)
		e = wires_send(&r->wires, buf_rest(&head),
		    t->resuming ? SPAN_NONE : buf_rest(&t->body), &user, t, &t->wire);
	buf_fini(&head);
	if (e != 0) {
		not_sent(t, e);
		return;
	}
	t->state = TRIP_RUNS;
	t->give_up_ms = 0;
	r->seen = true;
	r->away = false;
	r->exit_code = 0;
}

void
trip_next_note(struct relay *r)
{
	struct trip	*next;

	for (struct trip *t = r->first; t != NULL; t = next) {
		next = t->next;
		if (t->kind != TRIP_NOTE || t->state == TRIP_DONE)
			continue;
		if (t->state != TRIP_WAITS_TURN)
			return;
		trip_go(t);
		if (t->state != TRIP_DONE)
			return;
	}
}

/* --- the answer ------------------------------------------------------------------------------------ */

static void
on_head(void *arg, const struct http_head *h)
{
	struct trip	*t = arg;
	struct span	 type = http_head_get(h, HTTP_CONTENT_TYPE), id = http_head_get(h, HTTP_MCP_SESSION_ID);

	t->status = h->status;
	t->type = http_media_is(type, "application/json") ? TYPE_JSON :
	    h->status == 200 && http_media_is(type, "text/event-stream") ? TYPE_EVENTS : TYPE_OTHER;
	if (t->type == TYPE_EVENTS) {
		sse_reader_fini(&t->sse);
		sse_reader_init(&t->sse, ANSWER_MAX, on_event, t);
	}
	buf_clear(&t->session_id);
	if (id.n > 0 && buf_put(&t->session_id, id) != 0)
		buf_clear(&t->session_id);
}

static int
on_body(void *arg, struct span bytes)
{
	struct trip	*t = arg;
	struct span	 id;
	int		 e;

	if (t->type == TYPE_JSON)
		return buf_put(&t->text, bytes);
	if (t->type == TYPE_OTHER)
		return 0;
	e = sse_reader_feed(&t->sse, bytes);
	if (t->state == TRIP_DONE)
		return 0;
	id = sse_reader_last_id(&t->sse);
	if (e == 0 && id.n > 0 && !span_eq(id, buf_rest(&t->last_id))) {
		buf_clear(&t->last_id);
		t->heard = true;		/* also one without data, that says where we are */
		e = buf_put(&t->last_id, id);
	}
	if (t->sse.retry_ms != 0)
		t->retry_ms = t->sse.retry_ms;
	return e;
}

/* What the client is owed: an error that came without an id gets it. */
static void
deliver(struct trip *t, struct span text, const struct rpc_answer *a)
{
	struct buf	whole;

	t->answered = true;
	if (t->kind == TRIP_OPEN && !a->is_error)
		session_opened(t, a->version);
	if (a->id.n > 0 || t->id.used == 0) {
		relay_tell(t->relay, text);
		return;
	}
	buf_init(&whole, ANSWER_MAX + RPC_ID_MAX + 64);
	if (reply_put_with_id(&whole, buf_rest(&t->id), a) == 0)
		relay_tell(t->relay, buf_rest(&whole));
	else
		relay_tell_error(t->relay, buf_rest(&t->id), E_NOMEM, "out of memory");
	buf_fini(&whole);
}

/* One message of a stream. */
static int
on_event(const struct sse_event *e, void *arg)
{
	struct trip		*t = arg;
	struct rpc_answer	 a;
	bool			 any = t->kind == TRIP_STREAM || t->kind == TRIP_BATCH || t->resuming;

	if (t->state == TRIP_DONE || !span_is(e->type, "message"))
		return 0;
	t->heard = true;
	if (t->kind == TRIP_BATCH && e->data.p[0] == '[') {
		struct json_value	array;

		if (json_parse(e->data, false, &array, NULL) == 0)
			relay_tell(t->relay, e->data);
		return 0;
	}
	switch (reply_judge(t->relay->from_gateway, e->data, buf_rest(&t->id), &a)) {
	case REPLY_OTHER:
		/* What we said by ourselves has no answer that the client knows of. */
		if (t->kind != TRIP_REOPEN && t->kind != TRIP_REOPENED)
			relay_tell(t->relay, e->data);
		break;
	case REPLY_FINAL:
		if (t->kind == TRIP_REOPEN) {
			buf_clear(&t->text);	/* session_trip_ended() looks at it */
			return buf_put(&t->text, e->data);
		}
		if (t->kind == TRIP_STREAM)
			relay_tell(t->relay, e->data);
		else if (!t->answered)
			deliver(t, e->data, &a);
		break;
	case REPLY_FOREIGN:
		if (any)
			relay_tell(t->relay, e->data);
		else
			relay_say("left out: an answer to another request");
		break;
	case REPLY_BAD:
	default:
		relay_say("left out: an event that is no message: %s", a.why);
		break;
	}
	return 0;
}

/* What a status without a message means, for people. */
static const char *
advice(unsigned status)
{
	switch (status) {
	case 401:
	case 403:
		return "you are no agent there: \"peers\" in rules.json may name one for you";
	case 404:
		return "no such server or view, or none that you may use";
	case 413:
		return "the message is larger than max_body allows";
	case 429:
	case 503:
		return "the gateway is busy; try again later";
	default:
		return status >= 500 ? "see the gateway's log" : "is the socket really the gateway's?";
	}
}

static void
request_ended_json(struct trip *t)
{
	struct span		text = buf_rest(&t->text);
	struct rpc_answer	a;
	struct json_value	array;

	if (t->kind == TRIP_BATCH && text.n > 0 && text.p[0] == '[' &&
	    json_parse(text, false, &array, NULL) == 0)
		relay_tell(t->relay, text);
	else if (reply_judge(t->relay->from_gateway, text, buf_rest(&t->id), &a) == REPLY_FINAL)
		deliver(t, text, &a);
	else {
		trip_fail(t, "the gateway answered HTTP %u with something else than the answer: %s", t->status,
		    a.why != NULL ? a.why : advice(t->status));
		return;
	}
	trip_done(t);
}

static bool
may_resume(const struct trip *t)
{
	return !t->modern && t->last_id.used > 0 && t->relay->session.state == SESSION_LIVE &&
	    t->epoch == t->relay->session.epoch && t->relay->phase < RELAY_ENDS;
}

/* A stream's end without the answer: perhaps the rest can be had. */
static void
stream_broke(struct trip *t, int err)
{
	t->fruitless = t->heard ? 0 : t->fruitless + 1;
	if (t->kind == TRIP_BATCH && err == 0) {
		trip_done(t);
	} else if (may_resume(t) && t->fruitless <= FRUITLESS_MAX) {
		t->resuming = true;
		buf_fini(&t->body);
		sse_reader_fini(&t->sse);
		trip_sleep(t, t->retry_ms != 0 ? t->retry_ms : RESUME_MS);
	} else {
		trip_fail(t, "the answer broke off; whether the call was executed is not known");
	}
}

static void
request_ended(struct trip *t, int err)
{
	if (t->answered || (t->kind == TRIP_BATCH && err == 0 && t->status == 202)) {
		trip_done(t);
		return;
	}
	if (err != E_TOOBIG && (t->type == TYPE_EVENTS || (t->resuming && (err != 0 || t->status >= 500)))) {
		stream_broke(t, err);
		return;
	}
	if (err == E_TOOBIG)
		trip_fail(t, "the answer is larger than %u MiB", LINES_MAX >> 20);
	else if (err == E_CLOSED || err == E_SHORT)
		trip_fail(t, "the gateway went away before it had answered; whether the call was executed is "
		    "not known");
	else if (err != 0)
		trip_fail(t, "the gateway's answer cannot be read: %s", err_text(err));
	else if (t->resuming)
		trip_fail(t, "the answer broke off, and HTTP %u is what became of the rest", t->status);
	else if (t->type == TYPE_JSON)
		request_ended_json(t);
	else
		trip_fail(t, "HTTP %u: %s", t->status, advice(t->status));
}

/* Nobody is owed an answer; a refusal is for people. */
static void
note_ended(struct trip *t, int err)
{
	struct relay		*r = t->relay;
	struct rpc_answer	 a;

	if (err != 0)
		trip_fail(t, "%s", err_text(err));
	else if (t->status < 300) {
		if (t->initialized)
			session_ready(r);
		trip_done(t);
	} else if (t->type == TYPE_JSON && rpc_answer_whole(r->from_gateway, buf_rest(&t->text), &a) == 0)
		trip_fail(t, "HTTP %u: %.*s", t->status, SPAN_FMT(a.error_message.raw));
	else
		trip_fail(t, "HTTP %u: %s", t->status, advice(t->status));
}

/* Would a 404 mean that the session is gone, and can it be said again? */
static bool
may_be_forgotten(const struct trip *t)
{
	if (t->modern || t->resuming || t->again_session || t->relay->session.state == SESSION_NONE)
		return false;
	return t->kind == TRIP_STREAM || (t->body.used > 0 &&
	    (t->kind == TRIP_REQUEST || t->kind == TRIP_BATCH || t->kind == TRIP_NOTE));
}

static void
on_end(void *arg, int err, bool unheard)
{
	struct trip	*t = arg;
	bool		 bodyless = t->resuming || t->kind == TRIP_STREAM || t->kind == TRIP_END;

	t->wire = NULL;
	t->state = TRIP_WAITS_TURN;		/* whoever goes on decides */
	if (err == E_CLOSED && unheard && (bodyless || t->body.used > 0) && t->again_wire++ < UNHEARD_MAX) {
		trip_go(t);
		return;
	}
	if (err == 0 && t->status == 404 && may_be_forgotten(t)) {
		session_missing(t);
		return;
	}
	switch (t->kind) {
	case TRIP_REQUEST:
	case TRIP_OPEN:
	case TRIP_BATCH:
		request_ended(t, err);
		break;
	case TRIP_NOTE:
		note_ended(t, err);
		break;
	case TRIP_STREAM:
		stream_ended(t, err);
		break;
	case TRIP_REOPEN:
	case TRIP_REOPENED:
	case TRIP_END:
		session_trip_ended(t, err);
		break;
	}
}
