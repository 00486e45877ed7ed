/* SPDX-License-Identifier: Apache-2.0
 *
 * front.c - what a proxy is asked for, and what it answers: SOCKS5, or CONNECT of HTTP
 *
 * Process: mcpgw-egress.  Owns: nothing of its own.
 * Trusts:  no tool.  A request has a size and a deadline, and is read by the same parser as the list it is held
 *          against.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/write.h"
#include "lib/num.h"
#include "sandbox/egress/front.h"
#include "sandbox/egress/socks.h"

#define REQUEST_MS	10000
#define LINGER_MS	1000
#define BODY_MAX	(REACH_NAME_MAX + 512)

void
front_show(struct span bytes, char *to, size_t room)
{
	size_t	n = bytes.n < room - 1 ? bytes.n : room - 1;

	for (size_t i = 0; i < n; i++)
		to[i] = bytes.p[i] > ' ' && bytes.p[i] < 0x7f ? bytes.p[i] : '?';
	to[n] = '\0';
}

static bool
say(struct conn *c, const void *bytes, size_t n)
{
	/* The first bytes to a fresh socket, and few: all of them fit, or it is gone. */
	return send(c->tool_fd, bytes, n, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)n;
}

static void
linger(struct conn *c)
{
	/* Closing with bytes unread would reset the connection, and the answer with it. */
	(void)shutdown(c->tool_fd, SHUT_WR);
	c->state = CONN_LINGER;
	loop_io_arm(&c->tool, LOOP_READ);
	conn_wait(c, LINGER_MS);
}

void
front_on_linger(struct conn *c)
{
	char	room[4096];
	ssize_t	n = recv(c->tool_fd, room, sizeof(room), MSG_DONTWAIT);

	if (n == 0 || (n == -1 && errno != EAGAIN && errno != EINTR))
		conn_end(c, AUDIT_OUTCOME_REFUSED, 0);
}

/* --- HTTP ----------------------------------------------------------------------------------------- */

static bool
http_say(struct conn *c, unsigned status, struct span text)
{
	static const struct exchange_field	fields[] = { { SPAN_LIT("Content-Type"), SPAN_LIT("text/plain") },
	    { SPAN_LIT("Allow"), SPAN_LIT("CONNECT") } };
	static struct block_pool		pool = { .keep = 1 };
	struct http_out_head			h = { .status = status, .framing = HTTP_FRAMING_NONE };
	struct http_queue			q;
	bool					said;

	if (status != 200) {
		h.framing = HTTP_FRAMING_LENGTH;
		h.length = text.n;
		h.close = true;
		h.fields = fields;
		h.n = status == 405 ? 2 : 1;
	}
	http_queue_init(&q, &pool);
	said = http_write_answer(&q, &h) == 0 && http_queue_put(&q, text) == 0 &&
	    http_queue_write(&q, c->tool_fd) == 0;
	http_queue_fini(&q);
	return said;
}

static unsigned
http_status(int error)
{
	switch (error) {
	case E_TIMEOUT:
		return 504;
	case E_NET_NAME:
	case E_NET_CONNECT:
		return 502;
	case E_NET_LIST:
	case E_NET_ADDRESS:
		return 403;
	default:
		return 503;
	}
}

static bool
http_refuse(struct conn *c, int error)
{
	char		room[BODY_MAX];
	struct buf	text;
	bool		said;
	int		r;

	buf_init(&text, sizeof(room));
	if (error == E_NET_LIST)
		r = buf_put_fmt(&text, "%s is not in this server's \"net\"; add it there to let it pass\n",
		    c->object);
	else
		r = buf_put_fmt(&text, "%s: %s\n", c->object, err_text(error));
	said = r == 0 && http_say(c, http_status(error), buf_rest(&text));
	buf_fini(&text);
	return said;
}

/* Malformed, or no CONNECT: it was asked for nothing that could be recorded. */
static void
http_reject(struct conn *c, unsigned status, struct span text)
{
	if (http_say(c, status, text))
		linger(c);
	else
		conn_end(c, AUDIT_OUTCOME_REFUSED, 0);
}

static void
refuse_host(struct conn *c, struct span text, const char *why)
{
	front_show(text, c->object, sizeof(c->object));
	jail_refused(c->jail, span_of(c->object), conn_method(c), E_NET_LIST, why);
	conn_fail(c, AUDIT_OUTCOME_REFUSED, E_NET_LIST);
}

/* HOST:PORT, whose form http/head.c has checked. */
static void
connect_to(struct conn *c, struct span target)
{
	size_t		 colon = target.n;
	uint64_t	 port = 0;
	const char	*why;

	while (colon > 0 && target.p[colon - 1] != ':')
		colon--;
	if (num_u64(span_part(target, colon, target.n), &port) != 0 || port == 0 || port > UINT16_MAX)
		refuse_host(c, target, "the port is a number from 1 to 65535");
	else if (reach_host_parse(span_part(target, 0, colon == 0 ? 0 : colon - 1), &c->to, &why) != 0)
		refuse_host(c, target, why);
	else {
		c->port = (uint16_t)port;
		conn_ask(c);
	}
}

static void
http_read(struct conn *c)
{
	struct span	in = buf_rest(&c->in), target;
	int		r;

	c->front = FRONT_CONNECT;
	if (c->head == NULL) {
		if ((c->head = malloc(sizeof(*c->head))) == NULL) {
			conn_end(c, AUDIT_OUTCOME_REFUSED, E_NOMEM);
			return;
		}
		http_head_init(c->head, HTTP_PROXY_REQUEST);
	}
	if ((r = http_head_parse(c->head, in.p, in.n)) == E_AGAIN)
		return;
	if (r != 0)
		http_reject(c, err_row(r)->http_status, SPAN_LIT("no HTTP request\n"));
	else if (!span_is(http_head_method(c->head), "CONNECT"))
		http_reject(c, 405, SPAN_LIT("this proxy takes CONNECT, and SOCKS5\n"));
	else if (c->head->has_length || c->head->chunked)
		http_reject(c, 400, SPAN_LIT("CONNECT has no body\n"));
	else {
		target = http_head_part(c->head, c->head->target.at, c->head->target.bytes);
		/* Asked first: the target stands in these bytes. */
		c->in.at += c->head->head_bytes;
		connect_to(c, target);
	}
}

/* --- SOCKS ---------------------------------------------------------------------------------------- */

static bool
socks_say(struct conn *c, enum socks_reply reply)
{
	uint8_t	answer[SOCKS_ANSWER_BYTES];

	socks_answer(reply, answer);
	return say(c, answer, sizeof(answer));
}

static enum socks_reply
socks_code(int error)
{
	switch (error) {
	case E_TIMEOUT:
		return SOCKS_EXPIRED;
	case E_NET_NAME:
		return SOCKS_UNREACHABLE;
	case E_NET_CONNECT:
		return SOCKS_REFUSED;
	case E_NET_LIST:
	case E_NET_ADDRESS:
		return SOCKS_NOT_ALLOWED;
	default:
		return SOCKS_FAILED;
	}
}

static void
socks_greet(struct conn *c)
{
	size_t	took;
	int	r = socks_greeting(buf_rest(&c->in), &took);

	if (r == E_AGAIN)
		return;
	if (r != 0) {
		if (r == E_DENIED && say(c, (const uint8_t[]){ SOCKS_VERSION, SOCKS_NO_METHOD }, 2))
			linger(c);
		else
			conn_end(c, AUDIT_OUTCOME_REFUSED, 0);
		return;
	}
	c->in.at += took;
	c->front = FRONT_SOCKS;
	if (!say(c, (const uint8_t[]){ SOCKS_VERSION, 0 }, 2))
		conn_end(c, AUDIT_OUTCOME_REFUSED, 0);
}

static void
socks_read(struct conn *c)
{
	struct socks_request	q;
	size_t			took;
	int			r = socks_request(buf_rest(&c->in), &q, &took);

	if (r == E_AGAIN)
		return;
	if (r == E_DENIED && q.reply == SOCKS_NOT_ALLOWED) {
		refuse_host(c, q.text, q.why);
		return;
	}
	if (r == E_DENIED && q.reply == SOCKS_NO_COMMAND) {
		snprintf(c->object, sizeof(c->object), "socks5:command-%u", q.command);
		jail_refused(c->jail, span_of(c->object), conn_method(c), E_NET_LIST, "CONNECT is all there is");
	}
	if (r != 0) {
		if (r == E_DENIED && socks_say(c, q.reply))
			linger(c);
		else
			conn_end(c, AUDIT_OUTCOME_REFUSED, 0);
		return;
	}
	c->in.at += took;
	c->to = q.host;
	c->port = q.port;
	conn_ask(c);
}

/* --- both ----------------------------------------------------------------------------------------- */

void
front_begin(struct conn *c)
{
	c->state = CONN_FRONT;
	loop_io_arm(&c->tool, LOOP_READ);
	conn_wait(c, REQUEST_MS);
}

void
front_on_readable(struct conn *c)
{
	char	room[4096];
	size_t	left = c->in.ceiling - c->in.used;
	ssize_t	n = recv(c->tool_fd, room, left < sizeof(room) ? left : sizeof(room), MSG_DONTWAIT);

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	/* A head that fills all of it was refused before. */
	if (n <= 0 || buf_put(&c->in, span_make(room, (size_t)n)) != 0) {
		conn_end(c, AUDIT_OUTCOME_REFUSED, 0);
		return;
	}
	if (c->front == FRONT_PROXY && (uint8_t)c->in.data[0] == SOCKS_VERSION)
		socks_greet(c);
	else if (c->front == FRONT_PROXY || c->front == FRONT_CONNECT)
		http_read(c);
	if (c->state == CONN_FRONT && c->front == FRONT_SOCKS)
		socks_read(c);
}

bool
front_accept(struct conn *c)
{
	switch (c->front) {
	case FRONT_TRANSPARENT:
		return true;
	case FRONT_SOCKS:
		return socks_say(c, SOCKS_OK);
	default:
		return http_say(c, 200, SPAN_NONE);
	}
}

bool
front_refuse(struct conn *c, int error)
{
	bool	said = c->front == FRONT_SOCKS ? socks_say(c, socks_code(error)) : http_refuse(c, error);

	if (said)
		linger(c);
	return said;
}
