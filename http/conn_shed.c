/* SPDX-License-Identifier: Apache-2.0
 *
 * conn_shed.c - who has to go when there are too many connections, or they hold too much
 *
 * Process: worker, mcpgw-admin.  Owns: nothing.
 * Trusts:  nobody to go by itself.  Whoever did nothing for the longest time goes first; a request that is being
 *          worked on is nobody's to end here.
 */
#include <stdio.h>
#include <sys/socket.h>

#include "lib/fd.h"
#include "lib/log.h"
#include "http/conn_priv.h"

#define FRESH_MS	1000		/* time for a first byte, however many come */
#define SHAKE_BYTES	(48 * 1024)	/* of OpenSSL, for a handshake that is not done: measured */

void
conn_turn_away(struct conn_set *s, const struct conn *c, int fd)
{
	char		 text[HTTP_ERROR_BYTES], head[256 + HTTP_ERROR_BYTES], address[ADDR_TEXT_MAX] = "a user";
	const struct span body = http_error_body(E_HTTP_CONNECTIONS, text);
	struct addr	 from = { .family = c->family };
	int		 n;

	s->count.refused++;
	memcpy(from.bytes, c->address, sizeof(from.bytes));
	if (c->family != AF_UNIX)
		addr_text(&from, 0, address);
	log_warn_repeat(NULL, "%s has %zu connections here (max_connections_address): one more is refused", address,
	    s->params.max_address);
	if ((s->tls.listeners >> c->listener & 1) != 0)
		return;			/* it would not understand */
	n = snprintf(head, sizeof(head), "HTTP/1.1 %u Too Many Requests\r\nContent-Type: application/json\r\n"
	    "Content-Length: %zu\r\nRetry-After: 1\r\nConnection: close\r\n\r\n%.*s",
	    http_error_status(E_HTTP_CONNECTIONS), body.n, SPAN_FMT(body));
	if (n < 0 || (size_t)n >= sizeof(head) || send(fd, head, (size_t)n, MSG_NOSIGNAL) == -1)
		return;
	/* Closing over unread bytes would reset it away. */
	(void)!recv(fd, s->scratch, sizeof(s->scratch), 0);
}

/* Closes up to n of this state, the oldest first, that have been in it for so long. */
static size_t
close_some(struct conn_set *s, enum conn_state state, size_t n, uint64_t ms)
{
	const uint64_t	now = loop_now_ms(s->loop);
	size_t		closed = 0;

	for (struct conn *c = s->lists[state].oldest; c != NULL && closed < n && now - c->since_ms >= ms; c = c->newer)
		if (!c->dead) {
			conn_die(c, FLOW_GONE);
			closed++;
		}
	s->count.shed += closed;
	return closed;
}

size_t
conn_set_make_room(struct conn_set *s, size_t n)
{
	size_t	closed = close_some(s, CONN_FRESH, n, FRESH_MS);

	closed += close_some(s, CONN_IDLE, n - closed, 0);
	if (closed == 0)
		closed = close_some(s, CONN_SHAKE, n, FRESH_MS);
	if (closed == 0)
		closed = close_some(s, CONN_HEAD, n, FRESH_MS);
	return closed;
}

/* What connections of this state hold, beyond themselves. */
static size_t
held(const struct conn_set *s, enum conn_state state)
{
	switch (state) {
	case CONN_SHAKE:
		return s->lists[state].count * SHAKE_BYTES;
	case CONN_HEAD:
		return s->lists[state].count * HTTP_BLOCK_BYTES;
	default:
		return s->queued;
	}
}

/* Closes those of this state, the oldest first, until they held `over` bytes.  What dies was counted already. */
static size_t
relieve(struct conn_set *s, enum conn_state state, size_t over)
{
	for (struct conn *c = s->lists[state].oldest; c != NULL && over > 0; c = c->newer) {
		const size_t	bytes = state == CONN_SHAKE ? SHAKE_BYTES : state == CONN_HEAD ? HTTP_BLOCK_BYTES :
				    c->counted;

		if (!c->dead) {
			conn_die(c, FLOW_GONE);
			s->count.shed++;
		}
		over -= bytes < over ? bytes : over;
	}
	return over;
}

void
conn_set_relieve(struct conn_set *s)
{
	static const enum conn_state	states[] = { CONN_SHAKE, CONN_HEAD, CONN_WRITE };
	const size_t			most = s->params.memory;
	enum conn_state			first = CONN_WRITE;
	size_t				all = 0, over;

	for (size_t i = 0; i < 3; i++) {
		all += held(s, states[i]);
		if (held(s, states[i]) > held(s, first))
			first = states[i];
	}
	if (most == 0 || all <= most)
		return;
	over = relieve(s, first, all - most);
	for (size_t i = 0; i < 3 && over > 0; i++)
		if (states[i] != first)
			over = relieve(s, states[i], over);
	log_warn_repeat(NULL, "connection_memory is used up: the slowest clients are closed");
}
