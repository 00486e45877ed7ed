/* SPDX-License-Identifier: Apache-2.0
 *
 * http.c - MCP over HTTP on a free port of the loopback, for the example servers
 *
 * Process: an example server, not in a jail.  Owns: one listener, one connection at a time.
 * Trusts:  nobody: sizes are bounded, and whoever says nothing for a second is left.
 *
 * Each POST holds one message, and its connection ends with the answer (MCP Streamable HTTP, without
 * sessions and without streams).
 */
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "demo/serve.h"
#include "lib/fd.h"

#define REQUEST_MAX	(16u << 20)
#define ANSWER_MAX	(64u << 20)

static int
read_more(int fd, struct buf *in)
{
	char	*room;
	ssize_t	 n;

	if (buf_reserve(in, 4096, &room) != 0 || (n = read(fd, room, 4096)) <= 0)
		return -1;
	buf_commit(in, (size_t)n);
	return 0;
}

/* The number behind Content-Length in a head that ends with an empty line; 0 without one. */
static size_t
body_bytes(struct span head)
{
	static const char	field[] = "\r\nContent-Length:";
	const size_t		n = sizeof(field) - 1;

	for (size_t i = 0; i + n < head.n; i++)
		if (strncasecmp(head.p + i, field, n) == 0)
			return strtoul(head.p + i + n, NULL, 10);
	return 0;
}

/* Reads one request; *body lies in *in. */
static int
read_request(int fd, struct buf *in, struct span *body)
{
	struct span	 all;
	const char	*end;
	size_t		 head, want;

	while (all = buf_rest(in), (end = all.n == 0 ? NULL : memmem(all.p, all.n, "\r\n\r\n", 4)) == NULL)
		if (read_more(fd, in) != 0)
			return -1;
	head = (size_t)(end - all.p) + 4;
	want = body_bytes(span_make(all.p, head));
	while (buf_rest(in).n - head < want)
		if (want > REQUEST_MAX || read_more(fd, in) != 0)
			return -1;
	*body = span_part(buf_rest(in), head, want);
	return 0;
}

static void
serve_one(const struct demo_server *s, int fd)
{
	struct buf	 in, line, out;
	struct span	 body;
	const char	*status = "200 OK";

	buf_init(&in, REQUEST_MAX + 65536);
	buf_init(&line, ANSWER_MAX);
	buf_init(&out, ANSWER_MAX + 256);
	if (read_request(fd, &in, &body) == 0) {
		if (!span_starts(buf_rest(&in), SPAN_LIT("POST ")))
			status = "405 Method Not Allowed";
		else if (demo_answer_one(s, body, &line), buf_rest(&line).n == 0)
			status = "202 Accepted";
		if (buf_put_fmt(&out, "HTTP/1.1 %s\r\nConnection: close\r\nContent-Type: application/json\r\n"
		    "Content-Length: %zu\r\n\r\n", status, buf_rest(&line).n) == 0 &&
		    buf_put(&out, buf_rest(&line)) == 0)
			(void)!fd_write_all(fd, buf_rest(&out));	/* who left does not read it */
	}
	buf_fini(&in);
	buf_fini(&line);
	buf_fini(&out);
}

int
demo_serve_http(const struct demo_server *s)
{
	struct sockaddr_in	at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const struct timeval	patience = { .tv_sec = 1 };
	socklen_t		n = sizeof(at);
	int			fd, listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	(void)signal(SIGPIPE, SIG_IGN);
	if (listener == -1 || bind(listener, (struct sockaddr *)&at, sizeof(at)) == -1 ||
	    listen(listener, 64) == -1 || getsockname(listener, (struct sockaddr *)&at, &n) == -1) {
		perror(s->name);
		return 1;
	}
	printf("http://127.0.0.1:%u/mcp\n", ntohs(at.sin_port));
	fflush(stdout);
	while ((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) != -1) {
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
		serve_one(s, fd);
		close(fd);
	}
	perror(s->name);
	return 1;
}
