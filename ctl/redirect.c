/* SPDX-License-Identifier: Apache-2.0
 *
 * redirect.c - where a browser comes back to
 *
 * Process: mcpgwctl.
 * Owns:    the sockets.
 * Trusts:  nobody who connects: any program of this machine may.  What it brings is for mcpgw-scout to judge.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "ctl/out.h"
#include "ctl/redirect.h"
#include "http/head.h"
#include "lib/clock.h"
#include "lib/fd.h"
#include "lib/url.h"

#define PATH	"/callback"
#define ONE_MS	3000	/* a connection may take so long to say what it wants */

static int
listen_at(struct redirect *r, uint16_t port)
{
	struct sockaddr_in	a = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) },
				    .sin_port = htons(port) };
	socklen_t		bytes = sizeof(a);
	const int		one = 1;

	fd_close(&r->fd);
	if ((r->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) == -1 ||
	    setsockopt(r->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == -1 ||
	    bind(r->fd, (struct sockaddr *)&a, bytes) == -1 || listen(r->fd, 8) == -1 ||
	    getsockname(r->fd, (struct sockaddr *)&a, &bytes) == -1) {
		out_error("127.0.0.1:%u, where the browser would come back to: %s", port, strerror(errno));
		fd_close(&r->fd);
		return EX_UNAVAILABLE;
	}
	return ntohs(a.sin_port) == 0 ? EX_OSERR : 0;
}

static uint16_t
port_of(const struct redirect *r)
{
	struct sockaddr_in	a;
	socklen_t		bytes = sizeof(a);

	return getsockname(r->fd, (struct sockaddr *)&a, &bytes) == -1 ? 0 : ntohs(a.sin_port);
}

int
redirect_open(struct redirect *r)
{
	int	e;

	r->fd = r->conn = -1;
	if ((e = listen_at(r, 0)) != 0)
		return e;
	snprintf(r->path, sizeof(r->path), PATH);
	snprintf(r->url, sizeof(r->url), "http://127.0.0.1:%u" PATH, port_of(r));
	return 0;
}

int
redirect_move(struct redirect *r, struct span url)
{
	struct url	u;

	if (span_is(url, r->url))
		return 0;
	if (url.n >= sizeof(r->url) || url_parse(url, &u) != NULL || u.https) {
		out_error("\"redirect_uri\" %.*s: cannot be listened at", (int)(url.n > 200 ? 200 : url.n), url.p);
		return EX_CONFIG;
	}
	snprintf(r->url, sizeof(r->url), "%.*s", SPAN_FMT(url));
	snprintf(r->path, sizeof(r->path), "%.*s", SPAN_FMT(u.target.n == 0 ? SPAN_LIT("/") : u.target));
	return listen_at(r, u.port);
}

static bool
wait_for(int fd, uint64_t until_ms)
{
	struct pollfd	p = { .fd = fd, .events = POLLIN };
	uint64_t	now = clock_mono_ms();

	return now < until_ms && poll(&p, 1, until_ms - now > 60000 ? 60000 : (int)(until_ms - now)) > 0;
}

/* Its head, whole. */
static bool
read_head(struct redirect *r, struct http_head *h)
{
	uint64_t	until = clock_mono_ms() + ONE_MS;
	size_t		have = 0;
	ssize_t		n;
	int		e = E_AGAIN;

	http_head_init(h, HTTP_REQUEST);
	while (e == E_AGAIN && have < sizeof(r->head) && wait_for(r->conn, until)) {
		if ((n = read(r->conn, r->head + have, sizeof(r->head) - have)) <= 0)
			return false;
		have += (size_t)n;
		e = http_head_parse(h, r->head, have);
	}
	return e == 0;
}

int
redirect_wait(struct redirect *r, uint64_t until_ms, struct span *query)
{
	struct http_head	h;

	fd_close(&r->conn);
	while (clock_mono_ms() < until_ms) {
		if (!wait_for(r->fd, until_ms) || (r->conn = accept4(r->fd, NULL, NULL, SOCK_CLOEXEC)) == -1)
			continue;
		if (read_head(r, &h) && h.method == HTTP_GET && span_is(http_head_path(&h), r->path) &&
		    h.query.bytes > 0) {
			*query = http_head_part(&h, h.query.at, h.query.bytes);
			if (query->n > 0 && query->p[0] == '?')
				*query = span_part(*query, 1, query->n);
			return 0;
		}
		redirect_answer(r, false, NULL);
	}
	return EX_TEMPFAIL;
}

void
redirect_answer(struct redirect *r, bool done, const char *text)
{
	char	answer[1024], body[512];

	if (r->conn == -1)
		return;
	snprintf(body, sizeof(body), "%s\n", text == NULL ? "Nothing is here." : text);
	snprintf(answer, sizeof(answer), "HTTP/1.1 %s\r\nContent-Type: text/plain; charset=utf-8\r\n"
	    "Content-Length: %zu\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
	    "Referrer-Policy: no-referrer\r\nConnection: close\r\n\r\n%s",
	    done ? "200 OK" : text == NULL ? "404 Not Found" : "400 Bad Request", strlen(body), body);
	/* A browser that has left does not matter. */
	(void)!send(r->conn, answer, strlen(answer), MSG_NOSIGNAL);
	(void)shutdown(r->conn, SHUT_WR);
	fd_close(&r->conn);
}

void
redirect_close(struct redirect *r)
{
	fd_close(&r->conn);
	fd_close(&r->fd);
}
