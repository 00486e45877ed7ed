/* SPDX-License-Identifier: Apache-2.0
 *
 * loop.c - one turn after the other, until the client is gone
 *
 * Process: mcpgw-stdio.  Owns: nothing.
 * Trusts:  nobody to read: what waits for stdout stops the reading of everything else, so memory is
 *          bounded by the limits below.
 *
 * Requests that wait for an answer never stop the reading of stdin: what would answer a question of the
 * server, or cancel, comes from there.
 */
#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "lib/clock.h"
#include "stdio/trip.h"

#define UNSENT_MAX	(16u * 1024 * 1024)	/* on the way to the gateway: stdin waits */
#define BODIES_MAX	(64u * 1024 * 1024)	/* kept in case the session must be made again */
#define HELD_MAX	(64u * 1024 * 1024)	/* of answers that are not whole */
#define DRAIN_MS	5000
#define END_MS		1000
#define FLUSH_MS	2000
#define LINES_A_TURN	64

#define POLLS_OWN	3			/* stdin, stdout, signals; then the wires */
#define POLLS_MAX	(POLLS_OWN + WIRES_MAX + WIRES_IDLE + 1)

/* --- what may be read ------------------------------------------------------------------------------ */

static bool
may_take(const struct relay *r)
{
	size_t	unsent = 0;

	if (r->phase != RELAY_RUNS || out_is_full(&r->out) || r->session.state == SESSION_OPENING)
		return false;
	for (const struct trip *t = r->first; t != NULL; t = t->next) {
		unsent += trip_unsent(t);
		/* What follows it on stdin follows it at the gateway. */
		if (t->initialized && t->state != TRIP_DONE)
			return false;
	}
	return unsent < UNSENT_MAX;
}

/* When too much is held, only the answer that holds most goes on: it ends, and makes room. */
static const struct trip *
hog_of(const struct relay *r)
{
	const struct trip	*hog = NULL;
	size_t			 held = 0;

	for (const struct trip *t = r->first; t != NULL; t = t->next) {
		held += trip_held(t);
		if (t->state == TRIP_RUNS && (hog == NULL || trip_held(t) > trip_held(hog)))
			hog = t;
	}
	return held > HELD_MAX ? hog : NULL;
}

static void
bodies_bound(struct relay *r)
{
	size_t	kept = 0;

	for (struct trip *t = r->first; t != NULL; t = t->next) {
		trip_let_body_go(t, kept > BODIES_MAX);
		kept += t->body.used;
	}
}

/* --- the end --------------------------------------------------------------------------------------- */

static void
phase_set(struct relay *r, enum relay_phase phase, uint64_t ms)
{
	r->phase = phase;
	r->phase_ends_ms = r->now_ms + ms;
}

/* Nothing more is waited for. */
static void
end_all(struct relay *r, bool tell)
{
	for (struct trip *t = r->first; t != NULL; t = t->next) {
		if (t->state == TRIP_DONE)
			continue;
		if (tell && trip_is_owed(t) && t->kind != TRIP_NOTE)
			trip_fail(t, "stdin was closed before the answer was there");
		else
			trip_done(t);
	}
	phase_set(r, RELAY_ENDS, END_MS);
	if (!session_end(r))
		phase_set(r, RELAY_FLUSHES, FLUSH_MS);
}

static void
drain(struct relay *r)
{
	phase_set(r, RELAY_DRAINS, DRAIN_MS);
	for (struct trip *t = r->first; t != NULL; t = t->next)
		if (t->listen)
			trip_done(t);
}

static void
phase_step(struct relay *r)
{
	bool	late = r->now_ms >= r->phase_ends_ms, owed = false, ending = false;

	for (const struct trip *t = r->first; t != NULL; t = t->next) {
		owed |= trip_is_owed(t);
		ending |= t->kind == TRIP_END && t->state == TRIP_RUNS;
	}
	if (r->phase == RELAY_DRAINS && (late || !owed))
		end_all(r, true);
	else if (r->phase == RELAY_ENDS && (late || !ending))
		phase_set(r, RELAY_FLUSHES, FLUSH_MS);
	if (r->phase == RELAY_FLUSHES && (r->now_ms >= r->phase_ends_ms || out_is_empty(&r->out)))
		r->phase = RELAY_DONE;
}

/* --- a turn ---------------------------------------------------------------------------------------- */

/* Answers whether more bytes are wanted from stdin. */
static bool
lines_take(struct relay *r)
{
	struct span	line;
	int		e;

	for (int i = 0; i < LINES_A_TURN && may_take(r); i++) {
		if ((e = lines_next(&r->in, &line)) == 0) {
			relay_take(r, line);
		} else if (e == E_TOOBIG) {
			relay_tell_error(r, SPAN_NONE, E_JSON_SYNTAX, "a line is longer than %u MiB",
			    LINES_MAX >> 20);
		} else if (e == E_EOF) {
			drain(r);
			return false;
		} else {
			return true;
		}
	}
	return false;
}

static void
in_ready(struct relay *r)
{
	char	*room;
	ssize_t	 n;

	if (lines_room(&r->in, &room) != 0) {
		relay_say("out of memory");
		r->exit_code = EX_OSERR;
		r->phase = RELAY_DONE;
		return;
	}
	n = read(r->in_fd, room, LINES_READ);
	if (n > 0)
		lines_commit(&r->in, (size_t)n);
	else if (n == 0 || (errno != EINTR && errno != EAGAIN && errno != EWOULDBLOCK))
		lines_end(&r->in);
}

static void
signals_ready(struct relay *r, int fd)
{
	char	room[1024];

	if (read(fd, room, sizeof(room)) <= 0)
		return;
	if (r->phase < RELAY_ENDS)
		end_all(r, false);
	else
		r->phase = RELAY_DONE;		/* twice: at once */
}

/* Nobody is owed anything. */
static void
client_gone(struct relay *r)
{
	r->client_gone = true;
	buf_clear(&r->out.queue);
	if (r->phase < RELAY_ENDS)
		end_all(r, false);
}

static void
out_flush_all(struct relay *r)
{
	size_t	before = r->out.queue.used - r->out.queue.at;

	if (out_flush(&r->out) == E_CLOSED) {
		client_gone(r);
	} else if (r->phase == RELAY_FLUSHES && r->out.queue.used - r->out.queue.at < before) {
		r->phase_ends_ms = r->now_ms + FLUSH_MS;
	}
}

static void
timers_run(struct relay *r)
{
	struct trip	*next;

	for (struct trip *t = r->first; t != NULL; t = next) {
		next = t->next;
		if (t->state == TRIP_WAITS_TIME && t->wake_ms <= r->now_ms)
			trip_go(t);
	}
	trip_next_note(r);
}

static int
timeout_ms(const struct relay *r, bool more_lines)
{
	uint64_t	at = UINT64_MAX;

	if (more_lines)
		return 0;
	if (r->phase != RELAY_RUNS)
		at = r->phase_ends_ms;
	for (const struct trip *t = r->first; t != NULL; t = t->next)
		if (t->state == TRIP_WAITS_TIME && t->wake_ms < at)
			at = t->wake_ms;
	if (at == UINT64_MAX)
		return -1;
	return at <= r->now_ms ? 0 : at - r->now_ms > 60000 ? 60000 : (int)(at - r->now_ms);
}

static bool
wire_may_read(const struct relay *r, const struct wire *w, const struct trip *hog)
{
	return !out_is_full(&r->out) && (hog == NULL || w->state == WIRE_IDLE || w->arg == hog);
}

static void
turn(struct relay *r, int signal_fd, bool read_more, bool more_lines)
{
	static struct pollfd	 p[POLLS_MAX];
	static struct wire	*wires[POLLS_MAX];
	const struct trip	*hog = hog_of(r);
	nfds_t			 n = POLLS_OWN;

	p[0] = (struct pollfd){ read_more && !r->in.ended ? r->in_fd : -1, POLLIN, 0 };
	/* Without events too: that it was closed is told always. */
	p[1] = (struct pollfd){ r->client_gone ? -1 : r->out.fd, out_is_empty(&r->out) ? 0 : POLLOUT, 0 };
	p[2] = (struct pollfd){ signal_fd, POLLIN, 0 };
	for (struct wire *w = r->wires.all; w != NULL && n < POLLS_MAX; w = w->next) {
		short events = w->state == WIRE_DEAD ? 0 : wire_events(w, wire_may_read(r, w, hog));

		if (events == 0)
			continue;
		wires[n] = w;
		p[n++] = (struct pollfd){ w->fd, events, 0 };
	}
	if (poll(p, n, timeout_ms(r, more_lines)) == -1)
		return;		/* EINTR; and with ENOMEM the next turn may do better */
	r->now_ms = clock_mono_ms();
	if (p[2].revents != 0)
		signals_ready(r, signal_fd);
	if ((p[1].revents & (POLLERR | POLLHUP | POLLNVAL)) != 0) {
		client_gone(r);
		return;
	}
	for (nfds_t i = POLLS_OWN; i < n; i++)
		if (p[i].revents != 0)
			wire_ready(&r->wires, wires[i], p[i].revents, wire_may_read(r, wires[i], hog));
	if (p[0].revents != 0)
		in_ready(r);
}

int
relay_run(struct relay *r, int signal_fd)
{
	bool	read_more;
	int	e;

	r->now_ms = clock_mono_ms();
	if ((e = wires_try(&r->wires)) == 0) {
		r->seen = true;
	} else if (e == E_NOTFOUND || e == E_DENIED) {
		r->away = true;
		r->exit_code = e == E_DENIED ? EX_NOPERM : EX_UNAVAILABLE;
		relay_say("%s", relay_why_away(r, e));
	}
	while (r->phase != RELAY_DONE) {
		timers_run(r);
		read_more = lines_take(r);
		out_flush_all(r);
		phase_step(r);
		bodies_bound(r);
		trips_sweep(r);
		wires_sweep(&r->wires);
		if (r->phase != RELAY_DONE)
			turn(r, signal_fd, read_more, !read_more && may_take(r));
	}
	out_flush_all(r);
	return r->exit_code;
}
