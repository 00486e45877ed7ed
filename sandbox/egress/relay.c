/* SPDX-License-Identifier: Apache-2.0
 *
 * relay.c - bytes to the host and back
 *
 * Process: mcpgw-egress.  Owns: what a connection holds in either direction.
 * Trusts:  neither side.  A side is read only when the other has taken all, so a connection holds at most one
 *          read's bytes each way, and none while it is idle.
 *
 * The tool's first bytes are held until it is known that they are no TLS, or TLS that asks for the name which was
 * decided about.  The host's are passed on meanwhile: some speak first.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "lib/log.h"
#include "sandbox/egress/front.h"
#include "sandbox/egress/hello.h"
#include "sandbox/egress/relay.h"

#define READ_BYTES	(64 * 1024)
#define READS_PER_TURN	4
#define IDLE_MS		(60 * 60 * 1000)	/* pools of connections rest for long */
#define HALF_IDLE_MS	(5 * 60 * 1000)		/* one side has said all */
#define LOOK_MS		10000			/* for the whole of a hello, from its first byte */

enum moved { MOVED_ALL, MOVED_WAITS, MOVED_FROM_GONE, MOVED_TO_GONE };

static size_t
pending(const struct way *w)
{
	return w->used - w->at;
}

static void
way_clear(struct way *w)
{
	free(w->held);
	w->held = NULL;
	w->at = w->used = 0;
}

static int
way_hold(struct way *w, struct span bytes)
{
	char	*more = realloc(w->held, w->used + bytes.n);

	if (more == NULL)
		return E_NOMEM;
	w->held = more;
	memcpy(w->held + w->used, bytes.p, bytes.n);
	w->used += bytes.n;
	return 0;
}

/* As many as the socket takes; the rest is left in *bytes. */
static enum moved
send_some(int fd, struct way *w, struct span *bytes)
{
	ssize_t	n;

	while (bytes->n > 0) {
		n = send(fd, bytes->p, bytes->n, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return errno == EAGAIN || errno == EWOULDBLOCK ? MOVED_WAITS : MOVED_TO_GONE;
		w->bytes += (uint64_t)n;
		*bytes = span_part(*bytes, (size_t)n, bytes->n);
	}
	return MOVED_ALL;
}

static enum moved
send_held(int fd, struct way *w)
{
	struct span	rest = span_make(w->held + w->at, pending(w));
	enum moved	m;

	if (rest.n == 0)
		return MOVED_ALL;
	m = send_some(fd, w, &rest);
	w->at = w->used - rest.n;
	if (rest.n == 0)
		way_clear(w);
	return m;
}

/* Reads once and sends on.  *again: there may be more. */
static enum moved
move_once(int from, int to, struct way *w, bool *again)
{
	static char	room[READ_BYTES];
	struct span	bytes;
	ssize_t		n = recv(from, room, sizeof(room), MSG_DONTWAIT);
	enum moved	m;

	*again = false;
	if (n == -1)
		return errno == EAGAIN || errno == EINTR ? MOVED_ALL : MOVED_FROM_GONE;
	if (n == 0) {
		w->ended = true;
		return MOVED_ALL;
	}
	bytes = span_make(room, (size_t)n);
	m = send_some(to, w, &bytes);
	if (m == MOVED_WAITS && way_hold(w, bytes) != 0)
		return MOVED_FROM_GONE;
	*again = m == MOVED_ALL && (size_t)n == sizeof(room);
	return m;
}

static enum moved
move(int from, int to, struct way *w)
{
	enum moved	m = send_held(to, w);
	bool		again = !w->ended;

	for (int i = 0; i < READS_PER_TURN && m == MOVED_ALL && again; i++)
		m = move_once(from, to, w, &again);
	if (m == MOVED_ALL && w->ended && !w->closed) {
		(void)shutdown(to, SHUT_WR);
		w->closed = true;
	}
	return m;
}

static void
wait_more(struct conn *c)
{
	uint64_t	idle = c->out.ended || c->back_in.ended ? HALF_IDLE_MS : IDLE_MS;
	uint64_t	now = loop_now_ms(c->e->loop), until = c->moved_ms + idle;

	if (c->look_until_ms != 0 && c->look_until_ms < until)
		until = c->look_until_ms;
	conn_wait(c, until > now ? until - now : 1);
}

/* What each side is watched for, and whether it is over. */
static void
settle(struct conn *c)
{
	unsigned	tool = 0, host = 0;

	if (c->out.closed && c->back_in.closed) {
		conn_end(c, AUDIT_OUTCOME_OK, 0);
		return;
	}
	if (!c->out.ended && (c->looking || pending(&c->out) == 0))
		tool |= LOOP_READ;
	if (pending(&c->back_in) > 0)
		tool |= LOOP_WRITE;
	if (!c->back_in.ended && pending(&c->back_in) == 0)
		host |= LOOP_READ;
	if (!c->looking && pending(&c->out) > 0)
		host |= LOOP_WRITE;
	loop_io_arm(&c->tool, tool);
	loop_io_arm(&c->host, host);
}

/* A host that goes away after its last byte, as a tool that does, has just ended. */
static void
host_gone(struct conn *c)
{
	conn_end(c, c->back_in.ended ? AUDIT_OUTCOME_OK : AUDIT_OUTCOME_DIED, 0);
}

static void
tool_gone(struct conn *c)
{
	conn_end(c, c->out.ended ? AUDIT_OUTCOME_OK : AUDIT_OUTCOME_CANCELLED, 0);
}

static void
move_out(struct conn *c)
{
	enum moved	m = c->looking ? MOVED_WAITS : move(c->tool_fd, c->host_fd, &c->out);

	if (m == MOVED_FROM_GONE)
		tool_gone(c);
	else if (m == MOVED_TO_GONE)
		host_gone(c);
}

static void
move_in(struct conn *c)
{
	enum moved	m = move(c->host_fd, c->tool_fd, &c->back_in);

	if (m == MOVED_FROM_GONE)
		host_gone(c);
	else if (m == MOVED_TO_GONE)
		tool_gone(c);
}

/* --- the first bytes ------------------------------------------------------------------------------ */

static void
refuse_hello(struct conn *c, const struct hello *h)
{
	static struct log_repeat	repeat;
	char				shown[HELLO_NAME_MAX + 1];

	front_show(span_make(h->name, h->name_bytes), shown, sizeof(shown));
	if (log_repeat_ok(&repeat, 5))
		log_notice(LOG_SUBJECT("server", c->jail->wants.p), "its tool was refused %s: its TLS hello %s%s",
		    c->object, h->kind == HELLO_NAME ? "asks for " : h->kind == HELLO_NO_NAME ? "names no host" :
		    "is malformed", h->kind == HELLO_NAME ? shown : "");
	conn_fail(c, AUDIT_OUTCOME_REFUSED, E_NET_HELLO);
}

static bool
is_wanted_name(const struct conn *c, const struct hello *h)
{
	struct reach_host	asked;

	return reach_host_parse(span_make(h->name, h->name_bytes), &asked, NULL) == 0 && !asked.is_address &&
	    strcmp(asked.name, c->to.name) == 0;
}

/* What is held, once there is enough of it. */
static void
look(struct conn *c)
{
	struct hello	h = { 0 };

	if (c->out.used == 0 && c->out.ended) {
		c->looking = false;
		c->look_until_ms = 0;
		return;
	}
	if (c->out.used < c->look_need && !c->out.ended)
		return;
	hello_look(span_make(c->out.held, c->out.used), &h);
	if (h.kind == HELLO_MORE && !c->out.ended) {
		c->look_need = h.need;
		return;
	}
	if (h.kind != HELLO_PLAIN && !(h.kind == HELLO_NAME && is_wanted_name(c, &h))) {
		refuse_hello(c, &h);
		return;
	}
	c->looking = false;
	c->look_until_ms = 0;
}

static void
hold_more(struct conn *c)
{
	char	room[HELLO_MAX];
	ssize_t	n = recv(c->tool_fd, room, sizeof(room), MSG_DONTWAIT);

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n == -1 || (n > 0 && way_hold(&c->out, span_make(room, (size_t)n)) != 0)) {
		tool_gone(c);
		return;
	}
	c->out.ended = n == 0;
	if (c->look_until_ms == 0) {
		c->look_until_ms = loop_now_ms(c->e->loop) + LOOK_MS;
		wait_more(c);
	}
	look(c);
}

/* --- events --------------------------------------------------------------------------------------- */

void
relay_begin(struct conn *c)
{
	struct span	behind = buf_rest(&c->in);

	c->state = CONN_RELAY;
	c->moved_ms = loop_now_ms(c->e->loop);
	c->looking = !c->to.is_address;
	c->look_need = 1;
	if (!front_accept(c)) {
		tool_gone(c);
		return;
	}
	if (behind.n > 0 && way_hold(&c->out, behind) != 0) {
		conn_end(c, AUDIT_OUTCOME_REFUSED, E_NOMEM);
		return;
	}
	buf_fini(&c->in);
	if (c->looking && c->out.used > 0) {
		c->look_until_ms = c->moved_ms + LOOK_MS;
		look(c);
	}
	if (c->state == CONN_RELAY)
		move_out(c);
	if (c->state != CONN_RELAY)
		return;
	wait_more(c);
	settle(c);
}

void
relay_on_tool(struct conn *c, unsigned what)
{
	c->moved_ms = loop_now_ms(c->e->loop);
	if (what & LOOP_WRITE)
		move_in(c);
	if (c->state == CONN_RELAY && (what & LOOP_READ)) {
		if (c->looking)
			hold_more(c);
		if (c->state == CONN_RELAY)
			move_out(c);
	}
	if (c->state == CONN_RELAY)
		settle(c);
}

void
relay_on_host(struct conn *c, unsigned what)
{
	c->moved_ms = loop_now_ms(c->e->loop);
	if (what & LOOP_WRITE)
		move_out(c);
	if (c->state == CONN_RELAY && (what & LOOP_READ))
		move_in(c);
	if (c->state == CONN_RELAY)
		settle(c);
}

void
relay_on_timer(struct conn *c)
{
	uint64_t	now = loop_now_ms(c->e->loop);

	if (c->look_until_ms != 0 && now >= c->look_until_ms) {
		refuse_hello(c, &(struct hello){ .kind = HELLO_BAD });
		return;
	}
	if (now >= c->moved_ms + (c->out.ended || c->back_in.ended ? HALF_IDLE_MS : IDLE_MS)) {
		conn_end(c, AUDIT_OUTCOME_TIMEOUT, E_TIMEOUT);
		return;
	}
	wait_more(c);
}
