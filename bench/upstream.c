/* SPDX-License-Identifier: Apache-2.0
 *
 * upstream.c - the smallest MCP server over HTTP: never the bottleneck of a measurement
 *
 * Process: bench.  One thread, epoll, keep-alive, 2026-07-28 only.  It answers server/discover,
 * tools/list and tools/call, the last with as many bytes of text as its argument says, and echoes the
 * request's id.  It trusts its peers: they are ours, on loopback.
 *
 * usage: upstream PORT BYTES
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define IN_BYTES	(64 * 1024)

struct conn {
	int	fd;
	size_t	used;
	char	in[IN_BYTES];
	/* what did not fit into the socket */
	char	*out;
	size_t	 out_at, out_bytes;
};

static char	*text;		/* of tools/call's answer */
static size_t	 text_bytes;
static int	 poller;

static const char discover[] =
    "{\"resultType\":\"complete\",\"supportedVersions\":[\"2026-07-28\"],\"capabilities\":{\"tools\":{}},"
    "\"ttlMs\":60000,\"cacheScope\":\"public\"}";
static const char list[] =
    "{\"resultType\":\"complete\",\"tools\":[{\"name\":\"echo\",\"description\":\"Answers.\","
    "\"inputSchema\":{\"type\":\"object\"}}],\"ttlMs\":60000,\"cacheScope\":\"public\"}";

static void
die(const char *what)
{
	perror(what);
	exit(1);
}

static void
conn_close(struct conn *c)
{
	close(c->fd);
	free(c->out);
	free(c);
}

/* Writes what fits; keeps a copy of the rest. */
static void
conn_send(struct conn *c, const char *head, size_t head_bytes, const char *body, size_t body_bytes,
    const char *tail, size_t tail_bytes)
{
	struct iovec	iov[3] = { { (void *)(size_t)head, head_bytes },
			    { (void *)(size_t)body, body_bytes }, { (void *)(size_t)tail, tail_bytes } };
	size_t		total = head_bytes + body_bytes + tail_bytes, at;
	ssize_t		n = c->out_bytes == 0 ? writev(c->fd, iov, 3) : 0;

	if (n < 0)
		n = 0;
	if ((size_t)n == total)
		return;
	c->out = realloc(c->out, c->out_bytes + total);
	if (c->out == NULL)
		die("realloc");
	for (int i = 0, skip = (int)n; i < 3; i++) {
		at = (size_t)skip < iov[i].iov_len ? (size_t)skip : iov[i].iov_len;
		memcpy(c->out + c->out_bytes, (char *)iov[i].iov_base + at, iov[i].iov_len - at);
		c->out_bytes += iov[i].iov_len - at;
		skip -= (int)at;
	}
	epoll_ctl(poller, EPOLL_CTL_MOD, c->fd,
	    &(struct epoll_event){ .events = EPOLLIN | EPOLLOUT, .data.ptr = c });
}

static void
conn_flush(struct conn *c)
{
	ssize_t	n = write(c->fd, c->out + c->out_at, c->out_bytes - c->out_at);

	if (n > 0)
		c->out_at += (size_t)n;
	if (c->out_at == c->out_bytes) {
		c->out_at = c->out_bytes = 0;
		epoll_ctl(poller, EPOLL_CTL_MOD, c->fd,
		    &(struct epoll_event){ .events = EPOLLIN, .data.ptr = c });
	}
}

/* The raw text of the id: our own gateway and load write {"jsonrpc":"2.0","id":N,... */
static size_t
find_id(const char *body, char *id, size_t room)
{
	const char	*p = strstr(body, "\"id\":");
	size_t		 n = 0;

	if (p == NULL)
		return 0;
	for (p += 5; *p != ',' && *p != '}' && *p != '\0' && n + 1 < room; p++)
		id[n++] = *p;
	id[n] = '\0';
	return n;
}

static void
answer(struct conn *c, const char *body)
{
	char		 id[64], head[512];
	const char	*result = text;
	size_t		 result_bytes = text_bytes;
	int		 n, open;

	if (find_id(body, id, sizeof(id)) == 0) {
		n = snprintf(head, sizeof(head), "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n");
		conn_send(c, head, (size_t)n, "", 0, "", 0);
		return;
	}
	if (strstr(body, "\"server/discover\"") != NULL) {
		result = discover;
		result_bytes = sizeof(discover) - 1;
	} else if (strstr(body, "\"tools/list\"") != NULL) {
		result = list;
		result_bytes = sizeof(list) - 1;
	}
	open = snprintf(NULL, 0, "{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":", id);
	n = snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
	    "Content-Length: %zu\r\n\r\n{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":",
	    (size_t)open + result_bytes + 1, id);
	conn_send(c, head, (size_t)n, result, result_bytes, "}", 1);
}

static void
conn_read(struct conn *c)
{
	ssize_t	n = read(c->fd, c->in + c->used, IN_BYTES - 1 - c->used);
	char	*end, *length, *body;
	size_t	 bytes, whole;

	if (n <= 0) {
		conn_close(c);
		return;
	}
	c->used += (size_t)n;
	c->in[c->used] = '\0';
	while ((end = strstr(c->in, "\r\n\r\n")) != NULL) {
		length = strcasestr(c->in, "\r\ncontent-length:");
		bytes = length != NULL && length < end ? strtoul(length + 17, NULL, 10) : 0;
		whole = (size_t)(end + 4 - c->in) + bytes;
		if (whole > c->used)
			break;
		body = end + 4;
		char kept = body[bytes];
		body[bytes] = '\0';
		answer(c, body);
		body[bytes] = kept;
		memmove(c->in, c->in + whole, c->used - whole + 1);
		c->used -= whole;
	}
}

static void
make_text(size_t bytes)
{
	static const char before[] = "{\"resultType\":\"complete\",\"content\":[{\"type\":\"text\",\"text\":\"";
	static const char after[] = "\"}],\"isError\":false}";

	text_bytes = sizeof(before) - 1 + bytes + sizeof(after) - 1;
	if ((text = malloc(text_bytes)) == NULL)
		die("malloc");
	memcpy(text, before, sizeof(before) - 1);
	memset(text + sizeof(before) - 1, 'x', bytes);
	memcpy(text + sizeof(before) - 1 + bytes, after, sizeof(after) - 1);
}

static int
listener(uint16_t port)
{
	struct sockaddr_in	at = { .sin_family = AF_INET, .sin_port = htons(port),
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int			fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) == -1 || listen(fd, 1024) == -1)
		die("listen");
	return fd;
}

int
main(int argc, char **argv)
{
	struct epoll_event	ev[256];
	struct conn		*c;
	int			door, fd, n;

	if (argc != 3) {
		fprintf(stderr, "usage: upstream PORT BYTES\n");
		return 64;
	}
	make_text(strtoul(argv[2], NULL, 10));
	door = listener((uint16_t)atoi(argv[1]));
	poller = epoll_create1(EPOLL_CLOEXEC);
	epoll_ctl(poller, EPOLL_CTL_ADD, door, &(struct epoll_event){ .events = EPOLLIN, .data.ptr = NULL });
	for (;;) {
		n = epoll_wait(poller, ev, 256, -1);
		for (int i = 0; i < n; i++) {
			if ((c = ev[i].data.ptr) != NULL) {
				if (ev[i].events & EPOLLOUT)
					conn_flush(c);
				if (ev[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
					conn_read(c);
				continue;
			}
			while ((fd = accept4(door, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) != -1) {
				if ((c = calloc(1, sizeof(*c))) == NULL)
					die("calloc");
				c->fd = fd;
				epoll_ctl(poller, EPOLL_CTL_ADD, fd,
				    &(struct epoll_event){ .events = EPOLLIN, .data.ptr = c });
			}
		}
	}
}
