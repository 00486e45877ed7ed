/* SPDX-License-Identifier: Apache-2.0
 *
 * load.c - a load generator that checks every answer
 *
 * Process: bench.  N keep-alive connections, one request at a time on each, ids that never repeat; an
 * answer counts only when its status is 200 and its body holds the request's id and the text asked for.
 *
 * usage: load PORT PATH TOOL CONNECTIONS REQUESTS [KEY]
 * prints: REQUESTS FAILED SECONDS, then p50 and p99 in microseconds
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define IN_BYTES	(2 * 1024 * 1024)

struct conn {
	int		 fd;
	uint64_t	 id, begun;
	size_t		 used, head, whole;	/* whole: 0 until the head is there */
	char		*in;
};

static const char	*path, *tool, *key;
static uint16_t		 port;
static uint64_t		 next_id, done, failed, wanted;
static uint32_t		*times;

static uint64_t
now_us(void)
{
	struct timespec	t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void
die(const char *what)
{
	perror(what);
	exit(1);
}

static int
dial(void)
{
	struct sockaddr_in	to = { .sin_family = AF_INET, .sin_port = htons(port),
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int			fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == -1)
		die("connect");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}

static void
ask(struct conn *c)
{
	char	body[1024], head[2048];
	int	n, m;

	c->id = ++next_id;
	c->used = c->whole = 0;
	n = snprintf(body, sizeof(body), "{\"jsonrpc\":\"2.0\",\"id\":%lu,\"method\":\"tools/call\","
	    "\"params\":{\"name\":\"%s\",\"arguments\":{\"text\":\"hello\"},\"_meta\":{"
	    "\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","
	    "\"io.modelcontextprotocol/clientCapabilities\":{}}}}", (unsigned long)c->id, tool);
	m = snprintf(head, sizeof(head), "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n"
	    "Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n"
	    "%s%s%sMCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: %s\r\n"
	    "Content-Length: %d\r\n\r\n", path, port, key != NULL ? "Authorization: Bearer " : "",
	    key != NULL ? key : "", key != NULL ? "\r\n" : "", tool, n);
	memcpy(head + m, body, (size_t)n);
	c->begun = now_us();
	if (write(c->fd, head, (size_t)(m + n)) != m + n)
		die("write");
}

/* Its own id, and not the first digits of another's. */
static bool
good(const struct conn *c)
{
	char		want[64];
	int		n = snprintf(want, sizeof(want), "\"id\":%lu", (unsigned long)c->id);
	const char	*p = memmem(c->in + c->head, c->whole - c->head, want, (size_t)n);

	return memcmp(c->in, "HTTP/1.1 200", 12) == 0 && p != NULL &&
	    (p[n] == ',' || p[n] == '}') &&
	    memmem(c->in + c->head, c->whole - c->head, "\"isError\":false", 15) != NULL;
}

/* False when the connection is done with. */
static bool
take(struct conn *c)
{
	ssize_t	n = read(c->fd, c->in + c->used, IN_BYTES - 1 - c->used);
	char	*end, *length;

	if (n <= 0) {
		failed++;
		done++;
		close(c->fd);
		c->fd = -1;
		return false;
	}
	c->used += (size_t)n;
	if (c->whole == 0) {
		c->in[c->used] = '\0';
		if ((end = strstr(c->in, "\r\n\r\n")) == NULL)
			return true;
		if ((length = strcasestr(c->in, "\r\ncontent-length:")) == NULL)
			die("an answer without a length");
		c->head = (size_t)(end + 4 - c->in);
		c->whole = c->head + strtoul(length + 17, NULL, 10);
	}
	if (c->used < c->whole)
		return true;
	times[done] = (uint32_t)(now_us() - c->begun);
	if (!good(c)) {
		if (failed++ == 0)
			fprintf(stderr, "%.*s\n", (int)(c->used < 600 ? c->used : 600), c->in);
	}
	done++;
	if (next_id < wanted)
		ask(c);
	return true;
}

static int
by_size(const void *a, const void *b)
{
	uint32_t	x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

int
main(int argc, char **argv)
{
	struct epoll_event	ev[256];
	struct conn		*conns;
	uint64_t		start;
	size_t			count;
	int			poller, n;

	if (argc < 6) {
		fprintf(stderr, "usage: load PORT PATH TOOL CONNECTIONS REQUESTS [KEY]\n");
		return 64;
	}
	port = (uint16_t)atoi(argv[1]);
	path = argv[2];
	tool = argv[3];
	count = strtoul(argv[4], NULL, 10);
	wanted = strtoul(argv[5], NULL, 10);
	key = argc > 6 ? argv[6] : NULL;
	if (count > wanted)
		count = wanted;
	poller = epoll_create1(EPOLL_CLOEXEC);
	conns = calloc(count, sizeof(*conns));
	times = calloc(wanted + count, sizeof(*times));
	if (conns == NULL || times == NULL)
		die("calloc");
	for (size_t i = 0; i < count; i++) {
		conns[i].fd = dial();
		if ((conns[i].in = malloc(IN_BYTES)) == NULL)
			die("malloc");
		epoll_ctl(poller, EPOLL_CTL_ADD, conns[i].fd,
		    &(struct epoll_event){ .events = EPOLLIN, .data.ptr = &conns[i] });
	}
	start = now_us();
	for (size_t i = 0; i < count; i++)
		ask(&conns[i]);
	while (done < wanted) {
		if ((n = epoll_wait(poller, ev, 256, 30000)) == 0) {
			fprintf(stderr, "no answer for 30 s\n");
			return 1;
		}
		for (int i = 0; i < n; i++)
			take(ev[i].data.ptr);
	}
	qsort(times, done, sizeof(*times), by_size);
	printf("%lu %lu %.3f %u %u\n", (unsigned long)done, (unsigned long)failed,
	    (double)(now_us() - start) / 1e6, times[done / 2], times[done * 99 / 100]);
	return failed > 0;
}
