/* SPDX-License-Identifier: Apache-2.0
 *
 * answer.c - what comes back for a trip: an answer, a stream of messages, or nothing
 *
 * Process: mcpgw-stdio.  Owns: the answer until it is whole.
 * Trusts:  nothing in an answer: what reaches the client was proven to be a message.
 */
#include "stdio/trip.h"

#define UNHEARD_MAX	3
#define RESUME_MS	1000
#define FRUITLESS_MAX	5

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
		sse_reader_init(&t->sse, ANSWER_MAX, answer_event, t);
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
int
answer_event(const struct sse_event *e, void *arg)
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

const struct wire_user answer_user = { on_head, on_body, on_end };
