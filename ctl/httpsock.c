/* SPDX-License-Identifier: Apache-2.0
 *
 * httpsock.c - one HTTP/1.1 request over the gateway's unix socket
 *
 * Process: mcpgwctl.  Owns: the connection and the answer.
 * Trusts:  the gateway not to lie; lengths are checked all the same.
 *
 * A client of its own, small and blocking: the gateway's codec is written for servers and pools.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "ctl/httpsock.h"
#include "lib/fd.h"

#define READ_BYTES	65536

static int
open_socket(const char *path, int *fd)
{
	struct sockaddr_un	sa = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(sa.sun_path))
		return E_TOOBIG;
	strcpy(sa.sun_path, path);
	if ((*fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) == -1)
		return E_SYS;
	if (connect(*fd, (struct sockaddr *)&sa, sizeof(sa)) == 0)
		return 0;
	if (errno == EACCES || errno == EPERM)
		return E_DENIED;
	return errno == ENOENT || errno == ECONNREFUSED ? E_NOTFOUND : E_SYS;
}

static int
send_request(int fd, struct span target, struct span fields, struct span body)
{
	struct buf	b;
	int		r;

	buf_init(&b, HTTPSOCK_MAX);
	r = buf_put_fmt(&b, "POST %.*s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
	    "Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n"
	    "Content-Length: %zu\r\n", SPAN_FMT(target), body.n);
	if (r == 0 && (r = buf_put(&b, fields)) == 0 && (r = buf_put_str(&b, "\r\n")) == 0)
		r = buf_put(&b, body);
	if (r == 0)
		r = fd_write_all(fd, buf_rest(&b));
	buf_fini(&b);
	/* An answer may come before all was taken: a refusal of the head. */
	return r == E_SYS && errno == EPIPE ? 0 : r;
}

static int
read_all(int fd, struct buf *to)
{
	char	*room;
	ssize_t	 n;
	int	 r;

	for (;;) {
		if ((r = buf_reserve(to, READ_BYTES, &room)) != 0)
			return r;
		n = read(fd, room, READ_BYTES);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return errno == ECONNRESET ? E_CLOSED : E_SYS;
		if (n == 0)
			return 0;
		buf_commit(to, (size_t)n);
	}
}

/* Cuts the next line off *rest, without its line end. */
static bool
take_line(struct span *rest, struct span *line)
{
	const char	*end = rest->n == 0 ? NULL : memmem(rest->p, rest->n, "\r\n", 2);

	if (end == NULL)
		return false;
	*line = span_make(rest->p, (size_t)(end - rest->p));
	*rest = span_part(*rest, line->n + 2, rest->n);
	return true;
}

/* The value, when this line is that field. */
static bool
field_is(struct span line, const char *name, struct span *value)
{
	size_t	n = strlen(name);

	if (line.n <= n || line.p[n] != ':' || !span_eq_nocase(span_part(line, 0, n), span_of(name)))
		return false;
	*value = span_trim(span_part(line, n + 1, line.n));
	return true;
}

/* Joins the chunks in place; the text of a chunk is never behind where it goes to. */
static int
join_chunks(struct span *body)
{
	char		*to = (char *)(uintptr_t)body->p;
	struct span	 rest = *body, line;
	size_t		 used = 0;

	for (;;) {
		unsigned long	 n;
		char		 digits[17] = "";
		char		*end;

		if (!take_line(&rest, &line) || line.n == 0 || line.n >= sizeof(digits))
			return E_FORMAT;
		memcpy(digits, line.p, line.n);
		n = strtoul(digits, &end, 16);
		if (*end != '\0' || n > rest.n)
			return E_FORMAT;
		if (n == 0)
			break;
		memmove(to + used, rest.p, n);
		used += n;
		rest = span_part(rest, n, rest.n);
		if (!take_line(&rest, &line) || line.n != 0)
			return E_FORMAT;
	}
	*body = span_make(to, used);
	return 0;
}

static int
parse(struct http_answer *a)
{
	struct span	rest = buf_rest(&a->raw), line, value;
	size_t		length = 0;
	bool		has_length = false, chunked = false;
	char		status[4] = "";

	if (!take_line(&rest, &line))
		return rest.n == 0 ? E_CLOSED : E_FORMAT;
	if (!span_starts(line, SPAN_LIT("HTTP/1.1 ")) || line.n < 12)
		return E_FORMAT;
	memcpy(status, line.p + 9, 3);
	a->status = (unsigned)strtoul(status, NULL, 10);
	for (;;) {
		if (!take_line(&rest, &line))
			return E_FORMAT;
		if (line.n == 0)
			break;
		if (field_is(line, "content-length", &value)) {
			has_length = true;
			length = strtoul(value.p, NULL, 10);
		} else if (field_is(line, "transfer-encoding", &value)) {
			chunked = span_eq_nocase(value, SPAN_LIT("chunked"));
		} else if (field_is(line, "content-type", &value)) {
			a->events = span_starts(value, SPAN_LIT("text/event-stream"));
		}
	}
	a->body = rest;
	if (chunked)
		return join_chunks(&a->body);
	if (has_length && rest.n != length)
		return rest.n < length ? E_CLOSED : E_FORMAT;
	return 0;
}

int
httpsock_post(const char *socket_path, struct span target, struct span fields, struct span body,
    struct http_answer *out)
{
	int	fd = -1, r;

	*out = (struct http_answer){ 0 };
	buf_init(&out->raw, HTTPSOCK_MAX);
	if ((r = open_socket(socket_path, &fd)) == 0 &&
	    (r = send_request(fd, target, fields, body)) == 0 && (r = read_all(fd, &out->raw)) == 0)
		r = parse(out);
	fd_close(&fd);
	if (r != 0)
		http_answer_fini(out);
	return r;
}

void
http_answer_fini(struct http_answer *a)
{
	buf_fini(&a->raw);
	*a = (struct http_answer){ 0 };
}
