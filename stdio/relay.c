/* SPDX-License-Identifier: Apache-2.0
 *
 * relay.c - what the client says, and who hears of it
 *
 * Process: mcpgw-stdio, as whoever started it.  Owns: everything of one client.
 * Trusts:  the client to be the user it runs as; its lines for nothing.
 */
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/log.h"
#include "stdio/trip.h"

#define DECODED_MAX	(1024u * 1024)	/* names and the like of one message */

int
relay_init(struct relay *r, int in_fd, int out_fd, const char *socket_path, const char *target,
    const char *start_with)
{
	int	e;

	*r = (struct relay){ .target = target, .start_with = start_with, .in_fd = in_fd };
	lines_init(&r->in);
	out_init(&r->out, out_fd);
	wires_init(&r->wires, socket_path);
	session_init(&r->session);
	buf_init(&r->modern_version, 64);
	arena_init(&r->arena, NULL, 0, DECODED_MAX);
	if ((e = rpc_scan_new(&r->from_client)) != 0 || (e = rpc_answer_new(&r->from_gateway)) != 0)
		relay_fini(r);
	return e;
}

void
relay_fini(struct relay *r)
{
	for (struct trip *t = r->first; t != NULL; t = t->next)
		trip_done(t);
	trips_sweep(r);
	wires_fini(&r->wires);
	session_fini(&r->session);
	lines_fini(&r->in);
	out_fini(&r->out);
	buf_fini(&r->modern_version);
	arena_fini(&r->arena);
	rpc_scan_free(&r->from_client);
	rpc_scan_free(&r->from_gateway);
}

/* --- saying things --------------------------------------------------------------------------------- */

void
relay_say(const char *fmt, ...)
{
	static struct log_repeat	repeat;
	struct pollfd			p = { .fd = STDERR_FILENO, .events = POLLOUT };
	char				text[1024];
	va_list				ap;

	/* A client that does not read our stderr must not stop us. */
	if (!log_repeat_ok(&repeat, 5) || poll(&p, 1, 0) != 1 || (p.revents & POLLOUT) == 0)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_write(LOG_LEVEL_WARNING, NULL, "mcpgw-stdio: %s", text);
}

void
relay_tell(struct relay *r, struct span json)
{
	if (r->client_gone || r->phase >= RELAY_FLUSHES || out_line(&r->out, json) == 0)
		return;
	relay_say("out of memory");
	r->exit_code = EX_OSERR;
	r->phase = RELAY_DONE;
}

void
relay_tell_error(struct relay *r, struct span id, int err, const char *fmt, ...)
{
	struct buf	b;
	char		text[1024];
	va_list		ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	buf_init(&b, 16 * 1024);
	if (reply_put_error(&b, id, err, "%s", text) == 0)
		relay_tell(r, buf_rest(&b));
	buf_fini(&b);
}

const char *
relay_why_away(const struct relay *r, int err)
{
	static char	text[800];

	if (err == E_NOTFOUND)
		snprintf(text, sizeof(text), "mcpgw is not running (no %.200s). Start it: %.400s", r->wires.path,
		    r->start_with);
	else if (err == E_DENIED)
		snprintf(text, sizeof(text), "%.400s: you are not root or in group mcpgw", r->wires.path);
	else
		snprintf(text, sizeof(text), "%.400s: %s", r->wires.path, err_text(err));
	return text;
}

/* --- a line ---------------------------------------------------------------------------------------- */

/* Takes back a request that was not executed yet, or whose connection says all.  False: the gateway must
 * be told. */
static bool
cancel(struct relay *r, struct span id)
{
	for (struct trip *t = r->first; t != NULL; t = t->next) {
		if (t->kind != TRIP_REQUEST || t->state == TRIP_DONE || !span_eq(buf_rest(&t->id), id))
			continue;
		if (!t->modern && (t->state == TRIP_RUNS || t->resuming))
			return false;
		trip_done(t);		/* hanging up is how the modern era cancels (mcp-wire 3.4) */
		return true;
	}
	return r->session.state == SESSION_NONE;	/* over already, and nobody to tell */
}

/* The fields of the modern era.  A notification has no claim of its own; where there is no session it is
 * of the revision of those before it. */
static int
put_fields(struct trip *t, const struct rpc_message *m)
{
	struct relay	*r = t->relay;

	if (message_is_modern(m)) {
		t->modern = true;
		if (m->claim_text.n <= r->modern_version.ceiling) {
			buf_clear(&r->modern_version);
			if (buf_put(&r->modern_version, m->claim_text) != 0)
				buf_clear(&r->modern_version);
		}
		return message_put_fields(&t->fields, m);
	}
	if (t->kind != TRIP_NOTE || r->session.state != SESSION_NONE || r->modern_version.used == 0)
		return 0;
	t->modern = true;
	return message_put_field(&t->fields, "MCP-Protocol-Version", buf_rest(&r->modern_version));
}

static enum trip_kind
kind_of(const struct relay *r, const struct rpc_message *m)
{
	switch (m->kind) {
	case RPC_REQUEST:
		/* A second initialize is the gateway's to refuse. */
		return message_is_handshake(m) && r->session.state == SESSION_NONE ? TRIP_OPEN : TRIP_REQUEST;
	case RPC_ARRAY:
		return TRIP_BATCH;
	default:
		return TRIP_NOTE;
	}
}

static void
send_message(struct relay *r, const struct rpc_message *m)
{
	struct span	 cancels = message_cancels(m);
	enum trip_kind	 kind = kind_of(r, m);
	struct trip	*t;

	if (cancels.n > 0 && cancel(r, cancels))
		return;
	if (trip_new(r, kind, m->text, m->kind == RPC_REQUEST ? m->id : SPAN_NONE, &t) != 0 ||
	    put_fields(t, m) != 0) {
		if (t != NULL)
			trip_done(t);
		if (m->kind == RPC_REQUEST)
			relay_tell_error(r, m->id, E_NOMEM, "mcpgw-stdio is out of memory");
		return;
	}
	t->listen = message_is_listen(m);
	t->initialized = m->kind == RPC_NOTIFICATION && m->method == MCP_NOTE_INITIALIZED && !t->modern;
	if (kind == TRIP_OPEN)
		r->session.state = SESSION_OPENING;
	if (kind == TRIP_NOTE)
		trip_next_note(r);
	else
		trip_go(t);
}

void
relay_take(struct relay *r, struct span line)
{
	struct rpc_message	m;
	struct span		text = span_trim(line);
	int			e;

	if (text.n == 0)
		return;
	e = rpc_scan_whole(r->from_client, text, &r->arena, &m);
	if (e == 0)
		send_message(r, &m);
	else if (e == E_RPC_INVALID || e == E_JSON_DUPLICATE)
		relay_tell_error(r, m.id, E_RPC_INVALID, "not a valid JSON-RPC message: %s", m.why);
	else if (e == E_NOMEM)
		relay_tell_error(r, m.id, E_NOMEM, "the message cannot be read: names too long, or no memory");
	else
		relay_tell_error(r, SPAN_NONE, E_JSON_SYNTAX, "not a line of JSON: %s", m.why);
	arena_reset(&r->arena);
}
