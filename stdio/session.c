/* SPDX-License-Identifier: Apache-2.0
 *
 * session.c - the session of a legacy client, and a new one when the gateway has forgotten it
 *
 * Process: mcpgw-stdio.  Owns: the session's id, and the client's own initialize.
 * Trusts:  a session id to be visible ASCII once it was looked at.
 *
 * A 404 proves that the message was not executed (mcp-wire 3.3), so it goes again, once, in the new
 * session.  Messages that come meanwhile wait for it.
 */
#include <stdio.h>

#include "http/head.h"
#include "stdio/trip.h"

#define VERSION_MAX	64

void
session_init(struct session *s)
{
	*s = (struct session){ .state = SESSION_NONE };
	buf_init(&s->id, HTTP_HEAD_BYTES_MAX / 2);
	buf_init(&s->version, VERSION_MAX);
	buf_init(&s->initialize, LINES_MAX);
	buf_init(&s->initialize_id, RPC_ID_MAX);
}

void
session_fini(struct session *s)
{
	buf_fini(&s->id);
	buf_fini(&s->version);
	buf_fini(&s->initialize);
	buf_fini(&s->initialize_id);
}

int
session_put_fields(const struct session *s, struct buf *to)
{
	int	r;

	if ((r = message_put_field(to, "Mcp-Session-Id", buf_rest(&s->id))) != 0)
		return r;
	return message_put_field(to, "MCP-Protocol-Version", buf_rest(&s->version));
}

static int
buf_set(struct buf *b, struct span to)
{
	buf_clear(b);
	return buf_put(b, to);
}

static struct span
version_text(struct json_value version)
{
	return version.type == JSON_STRING ? span_part(version.raw, 1, version.raw.n - 2) : SPAN_NONE;
}

/* --- again ----------------------------------------------------------------------------------------- */

static void
waiting_fail(struct relay *r, const char *why)
{
	r->session.state = SESSION_LOST;
	for (struct trip *t = r->first; t != NULL; t = t->next)
		if (t->state == TRIP_WAITS_SESSION)
			trip_fail(t, "the gateway has forgotten this session, and there is no new one: %s", why);
}

static void
reopen(struct relay *r)
{
	struct session	*s = &r->session;
	struct trip	*t;

	s->state = SESSION_REOPENING;
	if (s->initialize.used == 0 ||
	    trip_new(r, TRIP_REOPEN, buf_rest(&s->initialize), buf_rest(&s->initialize_id), &t) != 0) {
		waiting_fail(r, "out of memory");
		return;
	}
	trip_go(t);
}

/* Those that waited go with the next turn, in the order in which they came. */
static void
wake(struct relay *r)
{
	for (struct trip *t = r->first; t != NULL; t = t->next)
		if (t->state == TRIP_WAITS_SESSION)
			trip_sleep(t, 0);
}

static void
live_again(struct relay *r)
{
	r->session.state = SESSION_LIVE;
	wake(r);
	if (r->session.ready)
		stream_start(r);
}

/* Our own initialize was answered. */
static void
reopened(struct trip *t, int err)
{
	static const char	 done[] = "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}";
	struct relay		*r = t->relay;
	struct session		*s = &r->session;
	struct rpc_answer	 a = { .kind = RPC_INVALID };
	struct trip		*next;
	char			 why[400];

	trip_done(t);
	if (err != 0) {
		waiting_fail(r, err == E_NOTFOUND || err == E_DENIED ? relay_why_away(r, err) : err_text(err));
		return;
	}
	if (reply_judge(r->from_gateway, buf_rest(&t->text), buf_rest(&t->id), &a) != REPLY_FINAL || a.is_error) {
		snprintf(why, sizeof(why), "HTTP %u %.*s", t->status, SPAN_FMT(span_part(a.error_message.raw, 0, 300)));
		waiting_fail(r, why);
		return;
	}
	if (!span_eq(version_text(a.version), buf_rest(&s->version))) {
		waiting_fail(r, "it now speaks another revision; restart the client");
		return;
	}
	if (buf_set(&s->id, buf_rest(&t->session_id)) != 0) {
		waiting_fail(r, "out of memory");
		return;
	}
	s->epoch++;
	if (!s->ready)
		live_again(r);
	else if (trip_new(r, TRIP_REOPENED, span_of(done), SPAN_NONE, &next) != 0)
		waiting_fail(r, "out of memory");
	else
		trip_go(next);
}

void
session_missing(struct trip *t)
{
	struct session	*s = &t->relay->session;
	bool		 known = s->state == SESSION_LIVE && t->epoch == s->epoch;

	if (t->kind == TRIP_STREAM) {
		trip_done(t);		/* there will be one in the next session */
	} else {
		t->again_session = true;
		t->state = TRIP_WAITS_SESSION;
	}
	if (known)
		reopen(t->relay);
	else if (t->kind != TRIP_STREAM && s->state != SESSION_REOPENING)
		trip_go(t);		/* another has found out before */
}

void
session_trip_ended(struct trip *t, int err)
{
	struct relay	*r = t->relay;

	if (t->kind == TRIP_REOPEN) {
		reopened(t, err);
		return;
	}
	trip_done(t);
	if (t->kind == TRIP_END)
		return;
	if (err == 0 && t->status < 300)
		live_again(r);
	else
		waiting_fail(r, err != 0 ? err_text(err) : "notifications/initialized was refused");
}

/* --- the first time -------------------------------------------------------------------------------- */

void
session_opened(struct trip *t, struct json_value version)
{
	struct session	*s = &t->relay->session;

	if (buf_set(&s->id, buf_rest(&t->session_id)) != 0 ||
	    buf_set(&s->version, version_text(version)) != 0 ||
	    buf_set(&s->initialize, buf_rest(&t->body)) != 0 ||
	    buf_set(&s->initialize_id, buf_rest(&t->id)) != 0) {
		/* Without a header the gateway refuses, and says why. */
		buf_clear(&s->id);
	}
	s->state = SESSION_LIVE;
	s->epoch++;
	wake(t->relay);
}

void
session_trip_done(struct trip *t)
{
	struct session	*s = &t->relay->session;

	if (s->stream == t)
		s->stream = NULL;
	if (t->kind == TRIP_OPEN && s->state == SESSION_OPENING) {
		s->state = SESSION_NONE;
		wake(t->relay);
	}
}

bool
session_may_go(struct trip *t)
{
	struct session	*s = &t->relay->session;

	if (t->resuming) {
		if (s->state == SESSION_LIVE && t->epoch == s->epoch)
			return true;
		trip_fail(t, "the answer broke off, and its session is gone; whether the call was executed is not "
		    "known");
		return false;
	}
	switch (s->state) {
	case SESSION_NONE:
	case SESSION_LIVE:
		return true;
	case SESSION_OPENING:
		if (t->kind == TRIP_OPEN)
			return true;
		break;
	case SESSION_REOPENING:
		if (t->kind == TRIP_REOPEN || t->kind == TRIP_REOPENED)
			return true;
		break;
	case SESSION_LOST:
		t->state = TRIP_WAITS_SESSION;
		reopen(t->relay);
		return false;
	}
	t->state = TRIP_WAITS_SESSION;
	return false;
}

void
session_ready(struct relay *r)
{
	r->session.ready = true;
	stream_start(r);
}

bool
session_end(struct relay *r)
{
	struct trip	*t;

	if (r->session.state != SESSION_LIVE || r->session.id.used == 0 || r->away ||
	    trip_new(r, TRIP_END, SPAN_NONE, SPAN_NONE, &t) != 0)
		return false;
	trip_go(t);
	return t->state == TRIP_RUNS;
}
