/* SPDX-License-Identifier: Apache-2.0
 *
 * httpsock.c - one HTTP/1.1 request over the gateway's unix socket
 *
 * Process: mcpgwctl.  Owns: the connection and the answer.
 * Trusts:  the gateway not to lie; lengths are checked all the same.
 *
 * The codec is the gateway's; connection and waiting are a blocking client's.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "ctl/httpsock.h"
#include "http/body.h"
#include "http/sse.h"
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

/* Takes the framing off in place: content is never behind where it goes to. */
static int
unframe(struct http_answer *a, const struct http_head *h, struct span in)
{
	char			*to = (char *)(uintptr_t)in.p;
	struct http_body	 b;
	struct span		 data;
	size_t			 used = 0;
	int			 r;

	http_body_init(&b, h, false);
	do {
		r = http_body_feed(&b, &in, &data);
		if (data.n > 0)
			memmove(to + used, data.p, data.n);
		used += data.n;
	} while (r == 0 && in.n > 0);
	if (r == 0 && http_body_close(&b) != 0)
		return E_CLOSED;
	if ((r != 0 && r != E_EOF) || in.n > 0)
		return E_FORMAT;
	a->body = span_make(to, used);
	return 0;
}

static int
take_event(const struct sse_event *e, void *arg)
{
	struct http_answer	*a = arg;

	buf_fini(&a->event);
	buf_init(&a->event, HTTPSOCK_MAX);
	return buf_put(&a->event, e->data);
}

/* The answer ends a stream of events; what came before it is for who reads along. */
static int
take_last_event(struct http_answer *a)
{
	struct sse_reader	reader;
	int			r;

	sse_reader_init(&reader, HTTPSOCK_MAX, take_event, a);
	r = sse_reader_feed(&reader, a->body);
	sse_reader_fini(&reader);
	a->body = buf_rest(&a->event);
	return r;
}

static int
parse(struct http_answer *a)
{
	struct span		in = buf_rest(&a->raw);
	struct http_head	h;
	int			r;

	if (in.n == 0)
		return E_CLOSED;
	http_head_init(&h, HTTP_RESPONSE);
	if ((r = http_head_parse(&h, in.p, in.n)) != 0)
		return r == E_AGAIN ? E_CLOSED : E_FORMAT;
	a->status = h.status;
	if ((r = unframe(a, &h, span_part(in, h.head_bytes, in.n))) != 0)
		return r;
	return http_media_is(http_head_get(&h, HTTP_CONTENT_TYPE), "text/event-stream") ? take_last_event(a) : 0;
}

int
httpsock_post(const char *socket_path, struct span target, struct span fields, struct span body,
    struct http_answer *out)
{
	int	fd = -1, r;

	*out = (struct http_answer){ 0 };
	buf_init(&out->raw, HTTPSOCK_MAX);
	buf_init(&out->event, HTTPSOCK_MAX);
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
	buf_fini(&a->event);
	*a = (struct http_answer){ 0 };
}
