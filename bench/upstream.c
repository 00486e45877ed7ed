/* SPDX-License-Identifier: Apache-2.0
 *
 * upstream.c - bench-upstream PORT: an MCP server over HTTP that is never the bottleneck
 *
 * Speaks 2026-07-28 as far as a gateway needs: server/discover, tools/list, and two tools that answer with
 * arguments.size bytes: fill with one long string, dense with many small values (BENCH_ROW).  One thread, one
 * epoll loop, both texts made once.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "bench/row.h"

#define IN_BYTES	(64u << 10)
#define SIZE_MAX_TEXT	(4u << 20)
#define OPEN_MAX_FDS	4096

struct conn {
	size_t	 used;
	char	*out;			/* what the socket did not take at once */
	size_t	 out_at, out_bytes;
	char	 in[IN_BYTES + 1];
};

static struct conn	*conns[OPEN_MAX_FDS];
static char		*filling;	/* SIZE_MAX_TEXT of text */
static char		*rows;		/* as much of BENCH_ROW, a comma behind each */
static int		 epoll;

static void
conn_end(int fd)
{
	free(conns[fd]->out);
	free(conns[fd]);
	conns[fd] = NULL;
	close(fd);
}

static bool
flush(int fd)
{
	struct conn	*c = conns[fd];
	ssize_t		 n;

	while (c->out_at < c->out_bytes) {
		n = send(fd, c->out + c->out_at, c->out_bytes - c->out_at, MSG_NOSIGNAL);
		if (n == -1)
			return errno == EAGAIN;
		c->out_at += (size_t)n;
	}
	free(c->out);
	c->out = NULL;
	c->out_at = c->out_bytes = 0;
	epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &(struct epoll_event){ EPOLLIN, { .fd = fd } });
	return true;
}

static bool
give(int fd, struct iovec *v, int count)
{
	struct conn	*c = conns[fd];
	size_t		 total = 0, taken;
	ssize_t		 n = writev(fd, v, count);
	char		*to;

	for (int i = 0; i < count; i++)
		total += v[i].iov_len;
	if (n == -1 && errno != EAGAIN)
		return false;
	taken = n == -1 ? 0 : (size_t)n;
	if (taken == total)
		return true;
	c->out_bytes = total - taken;
	to = c->out = malloc(c->out_bytes);
	for (int i = 0; i < count; i++) {
		size_t skip = taken < v[i].iov_len ? taken : v[i].iov_len;

		memcpy(to, (char *)v[i].iov_base + skip, v[i].iov_len - skip);
		to += v[i].iov_len - skip;
		taken -= skip;
	}
	epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &(struct epoll_event){ EPOLLIN | EPOLLOUT, { .fd = fd } });
	return true;
}

static bool
answer(int fd, const char *body)
{
	const char	*method = strstr(body, "\"method\":\""), *id = strstr(body, "\"id\":"), *size;
	char		 head[256], front[512], id_text[64] = "0";
	struct iovec	 v[4];
	size_t		 n = 0, total;
	int		 parts = 2;
	bool		 dense;

	if (id != NULL)
		snprintf(id_text, sizeof(id_text), "%.*s", (int)strcspn(id + 5, ",}"), id + 5);
	if (method == NULL)
		return false;
	method += 10;
	if (strncmp(method, "tools/call\"", 11) == 0) {
		size = strstr(body, "\"size\":");
		n = size == NULL ? 0 : strtoul(size + 7, NULL, 10);
		if (n > SIZE_MAX_TEXT)
			n = SIZE_MAX_TEXT;
		dense = strstr(body, "\"name\":\"dense\"") != NULL;
		v[1].iov_len = (size_t)snprintf(front, sizeof(front), "{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":"
		    "{\"resultType\":\"complete\",\"content\":[%s", id_text, dense ?
		    "],\"structuredContent\":{\"rows\":[" : "{\"type\":\"text\",\"text\":\"");
		/* Whole rows, without the last comma. */
		v[2] = dense ? (struct iovec){ rows, bench_rows_bytes(n) } : (struct iovec){ filling, n };
		v[3] = (struct iovec){ (void *)(size_t)(dense ? "]}}}" : "\"}]}}"), dense ? 4 : 5 };
		parts = 4;
	} else if (strncmp(method, "server/discover\"", 16) == 0) {
		v[1].iov_len = (size_t)snprintf(front, sizeof(front), "{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":"
		    "{\"resultType\":\"complete\",\"supportedVersions\":[\"2026-07-28\"],"
		    "\"capabilities\":{\"tools\":{}},\"ttlMs\":60000,\"cacheScope\":\"public\"}}", id_text);
	} else if (strncmp(method, "tools/list\"", 11) == 0) {
		v[1].iov_len = (size_t)snprintf(front, sizeof(front), "{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":"
		    "{\"resultType\":\"complete\",\"tools\":[{\"name\":\"fill\",\"inputSchema\":"
		    "{\"type\":\"object\"}},{\"name\":\"dense\",\"inputSchema\":{\"type\":\"object\"}}],"
		    "\"ttlMs\":60000,\"cacheScope\":\"public\"}}", id_text);
	} else {
		v[1].iov_len = (size_t)snprintf(front, sizeof(front), "{\"jsonrpc\":\"2.0\",\"id\":%s,\"error\":"
		    "{\"code\":-32601,\"message\":\"no\"}}", id_text);
	}
	v[1].iov_base = front;
	total = v[1].iov_len + (parts == 4 ? v[2].iov_len + v[3].iov_len : 0);
	v[0].iov_base = head;
	v[0].iov_len = (size_t)snprintf(head, sizeof(head),
	    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n", total);
	return give(fd, v, parts);
}

/* Requests that are whole.  False: the connection is over. */
static bool
take_requests(int fd)
{
	struct conn	*c = conns[fd];
	char		*end, *line;
	size_t		 head, length, whole;

	while (c->out == NULL && (end = strstr(c->in, "\r\n\r\n")) != NULL) {
		head = (size_t)(end - c->in) + 4;
		length = 0;
		for (line = c->in; line < end; line = strstr(line, "\r\n") + 2)
			if (strncasecmp(line, "content-length:", 15) == 0)
				length = strtoul(line + 15, NULL, 10);
		whole = head + length;
		if (whole > IN_BYTES)
			return false;
		if (c->used < whole)
			return true;
		{
			char kept = c->in[whole];
			bool ok;

			c->in[whole] = '\0';
			ok = answer(fd, c->in + head);
			c->in[whole] = kept;
			if (!ok)
				return false;
		}
		memmove(c->in, c->in + whole, c->used - whole + 1);
		c->used -= whole;
	}
	return true;
}

static bool
on_event(int fd, uint32_t what)
{
	struct conn	*c = conns[fd];
	ssize_t		 n;

	if (what & EPOLLOUT && !flush(fd))
		return false;
	if (what & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
		n = recv(fd, c->in + c->used, IN_BYTES - c->used, 0);
		if (n == 0 || (n == -1 && errno != EAGAIN))
			return false;
		if (n > 0) {
			c->used += (size_t)n;
			c->in[c->used] = '\0';
		}
	}
	return take_requests(fd);
}

int
main(int argc, char **argv)
{
	struct sockaddr_in	 a = { .sin_family = AF_INET };
	struct epoll_event	 events[64];
	int			 listener, one = 1, n, fd;

	if (argc != 2) {
		fprintf(stderr, "usage: bench-upstream PORT\n");
		return 64;
	}
	filling = malloc(SIZE_MAX_TEXT);
	for (size_t i = 0; i < SIZE_MAX_TEXT; i++)
		filling[i] = "the quick brown fox jumps over the lazy dog. "[i % 45];
	rows = malloc(SIZE_MAX_TEXT);
	for (size_t i = 0; i < SIZE_MAX_TEXT; i++)
		rows[i] = (BENCH_ROW ",")[i % sizeof(BENCH_ROW)];
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	a.sin_port = htons((uint16_t)strtoul(argv[1], NULL, 10));
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(listener, (struct sockaddr *)&a, sizeof(a)) == -1 || listen(listener, 1024) == -1) {
		perror("bench-upstream");
		return 71;
	}
	epoll = epoll_create1(EPOLL_CLOEXEC);
	epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &(struct epoll_event){ EPOLLIN, { .fd = listener } });
	for (;;) {
		n = epoll_wait(epoll, events, 64, -1);
		for (int i = 0; i < n; i++) {
			fd = events[i].data.fd;
			if (fd != listener) {
				if (!on_event(fd, events[i].events))
					conn_end(fd);
				continue;
			}
			while ((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) != -1) {
				if (fd >= OPEN_MAX_FDS || (conns[fd] = calloc(1, sizeof(struct conn))) == NULL) {
					close(fd);
					continue;
				}
				epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &(struct epoll_event){ EPOLLIN, { .fd = fd } });
			}
		}
	}
}
