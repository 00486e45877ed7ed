/* SPDX-License-Identifier: Apache-2.0
 *
 * trip.c - one message's way to the gateway
 *
 * Process: mcpgw-stdio.  Owns: the message.
 * Trusts:  nobody to be there.
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
#define HEAD_MAX	(32u * 1024)
#define REQUESTS_MAX	(WIRES_MAX - 16)	/* the rest is for notes, and for the session */

/* --- life ------------------------------------------------------------------------------------------ */

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
	sse_reader_init(&t->sse, ANSWER_MAX, answer_event, t);
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
		    t->resuming ? SPAN_NONE : buf_rest(&t->body), &answer_user, t, &t->wire);
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
