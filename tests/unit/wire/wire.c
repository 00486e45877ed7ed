/* SPDX-License-Identifier: Apache-2.0
 *
 * wire.c - client connections in one process with their clients
 */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/fd.h"
#include "tests/unit/wire/wire.h"

static void
on_request(struct exchange *x, void *arg)
{
	struct wire	*w = arg;

	w->requests++;
	w->peer = x->peer;
	w->handler(x, w);
}

void
wire_start(struct wire *w, exchange_fn *handler)
{
	struct conn_params	p = { .head_timeout_ms = 60000, .body_timeout_ms = 60000, .idle_timeout_ms = 60000,
	    .write_timeout_ms = 60000, .max_connections = 50 };
	struct sockaddr_in	a = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t		n = sizeof(a);
	int			fd;

	*w = (struct wire){ .handler = handler, .budget = { .limit = 1 << 20 } };
	cr_assert(eq(int, loop_new(&w->loop), 0));
	cr_assert(eq(int, conn_set_new(w->loop, &p, on_request, w, &w->conns), 0));
	cr_assert(eq(int, accept_new(w->loop, w->conns, &w->accept), 0));
	fd = socket(AF_INET, SOCK_STREAM, 0);
	cr_assert(bind(fd, (struct sockaddr *)&a, n) == 0 && listen(fd, 64) == 0);
	cr_assert(getsockname(fd, (struct sockaddr *)&a, &n) == 0);
	w->port = ntohs(a.sin_port);
	cr_assert(eq(int, accept_add(w->accept, fd, 1, 1), 0));
}

void
wire_stop(struct wire *w)
{
	accept_free(&w->accept);
	conn_set_free(&w->conns);
	cr_expect(eq(sz, w->budget.used, 0), "all body memory came back");
	loop_free(&w->loop);
}

int
wire_connect(struct wire *w)
{
	struct sockaddr_in	a = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) },
	    .sin_port = htons((uint16_t)w->port) };
	int			fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	/* Else single bytes wait for delayed acknowledgements. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	cr_assert(connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0);
	cr_assert(eq(int, fd_set_nonblock(fd), 0));
	wire_settle(w);
	return fd;
}

int
wire_pair(struct wire *w)
{
	int	pair[2];

	cr_assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) == 0);
	cr_assert(eq(int, conn_open(w->conns, pair[0], 3), 0));
	return pair[1];
}

void
wire_settle(struct wire *w)
{
	/* Loopback delivers at once; a few turns cover what one turn leaves to the next. */
	for (int i = 0; i < 8; i++)
		loop_turn(w->loop, false);
}

void
wire_limits(struct wire *w, uint64_t head_ms, uint64_t body_ms, uint64_t idle_ms, uint64_t write_ms)
{
	struct conn_params	p = { .head_timeout_ms = head_ms, .body_timeout_ms = body_ms,
	    .idle_timeout_ms = idle_ms, .write_timeout_ms = write_ms, .max_connections = 50 };

	conn_set_params(w->conns, &p);
}

void
wire_params(struct wire *w, const struct conn_params *p)
{
	conn_set_params(w->conns, p);
}

static void
on_timer(struct loop_timer *t, void *arg)
{
	(void)t;
	(void)arg;
}

void
wire_timer(struct wire *w, struct loop_timer *t, uint64_t ms)
{
	loop_timer_init(w->loop, t, on_timer, w);
	loop_timer_arm(t, ms);
}

void
wire_later(struct wire *w, uint64_t ms)
{
	for (uint64_t at = 0; at < ms; at += 5) {
		usleep(5000);
		wire_settle(w);
	}
}

void
wire_send(struct wire *w, int fd, const void *bytes, size_t n)
{
	size_t	at = 0;
	ssize_t	r;

	for (int tries = 0; at < n && tries < 10000; tries++) {
		if ((r = send(fd, (const char *)bytes + at, n - at, MSG_NOSIGNAL)) > 0)
			at += (size_t)r;
		else if (r == -1 && errno != EAGAIN)
			return;
		wire_settle(w);
	}
}

size_t
wire_receive(struct wire *w, int fd, char *to, size_t room, bool *closed)
{
	struct pollfd	p = { .fd = fd, .events = POLLIN };
	size_t		n = 0;
	ssize_t		r;

	*closed = false;
	for (int quiet = 0; quiet < (n > 0 ? 4 : 20) && n < room - 1; quiet++) {
		wire_settle(w);
		r = recv(fd, to + n, room - 1 - n, 0);
		if (r > 0) {
			n += (size_t)r;
			quiet = -1;
		} else if (r == 0 || (r == -1 && errno != EAGAIN)) {
			*closed = true;
			break;
		} else
			poll(&p, 1, 1);
	}
	to[n] = '\0';
	return n;
}

static const struct exchange_field text_plain = { { "Content-Type", 12 }, { "text/plain", 10 } };

void
handle_hello(struct exchange *x, void *arg)
{
	(void)arg;
	exchange_reply(x, 200, &text_plain, 1, SPAN_LIT("hello"));
}

static void
on_body(struct exchange *x, int err, struct span body, void *arg)
{
	struct wire	*w = arg;

	w->done++;
	w->err = err;
	if (err == 0)
		exchange_reply(x, 200, &text_plain, 1, body);
}

void
handle_echo(struct exchange *x, void *arg)
{
	struct wire	*w = arg;

	exchange_collect_body(x, 1 << 20, &w->budget, NULL, on_body, w);
}

static void
on_gone(void *arg, enum flow_end why)
{
	struct wire	*w = arg;

	w->gone = why;
	w->last = NULL;
}

static const struct flow_source later = { NULL, on_gone };

void
handle_later(struct exchange *x, void *arg)
{
	struct wire	*w = arg;

	w->last = x;
	exchange_serve(x, &later, w);
}

static void
flood(struct wire *w)
{
	static const char	bytes[4096] = { 'x' };

	while (w->last != NULL && w->last->answer.credit >= sizeof(bytes)) {
		flow_give(&w->last->answer, span_make(bytes, sizeof(bytes)));
		w->streamed += sizeof(bytes);
	}
}

static void
flood_more(void *arg, size_t n)
{
	(void)n;
	flood(arg);
}

static const struct flow_source flooding = { flood_more, on_gone };

void
handle_flood(struct exchange *x, void *arg)
{
	struct wire	*w = arg;

	w->last = x;
	exchange_serve(x, &flooding, w);
	exchange_answer(x, 200, NULL, 0, EXCHANGE_STREAM);
	flood(w);
}
