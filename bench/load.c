/* SPDX-License-Identifier: Apache-2.0
 *
 * load.c - bench-load ADDRESS PATH KEY TOOL SIZE BODY CONNECTIONS SECONDS [PAUSE_MS]: tools/call without pause, or
 *          with one after each answer, every answer checked
 *
 * An address that begins with "tls:" is connected to with TLS, of 1.3 and one cipher, whoever has the certificate.
 * Prints "requests wrong p50_us p99_us".  SIZE: bytes of text in the answer, of rows for the tool dense; BODY:
 * bytes of filling in the request.  An answer is right when it is 200, has the id that was asked with, and SIZE
 * bytes of text or the rows that fit in SIZE bytes.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "bench/row.h"

#define HEAD_ROOM	2048
#define SAMPLES_MAX	4000000

struct conn {
	int		 fd;
	SSL		*ssl;		/* NULL: bytes as they are */
	unsigned	 id;
	unsigned long	 asked_ns;
	char		*in;
	size_t		 used;
};

static struct sockaddr_in	 address;
static SSL_CTX			*tls;		/* NULL: without */
static const char		*path, *key, *tool;
static size_t			 size, in_room;
static char			*filling, *request;
static unsigned			 next_id = 1;
static unsigned			*samples;
static unsigned long		 requests, wrong;

static unsigned long
now_ns(void)
{
	struct timespec	ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (unsigned long)ts.tv_sec * 1000000000ul + (unsigned long)ts.tv_nsec;
}

static bool
conn_ask(struct conn *c)
{
	static char	*body;
	size_t		 body_bytes, n, at = 0;
	ssize_t		 sent;

	if (body == NULL)
		body = malloc(strlen(filling) + HEAD_ROOM);
	c->id = next_id++;
	body_bytes = (size_t)sprintf(body, "{\"jsonrpc\":\"2.0\",\"id\":%u,\"method\":\"tools/call\",\"params\":{"
	    "\"name\":\"%s\",\"arguments\":{\"size\":%zu,\"filling\":\"%s\"},\"_meta\":{"
	    "\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","
	    "\"io.modelcontextprotocol/clientCapabilities\":{}}}}", c->id, tool, size, filling);
	n = (size_t)sprintf(request, "POST %s HTTP/1.1\r\nHost: localhost\r\n%s%s%sContent-Type: application/json\r\n"
	    "Accept: application/json, text/event-stream\r\nMCP-Protocol-Version: 2026-07-28\r\n"
	    "Mcp-Method: tools/call\r\nMcp-Name: %s\r\nContent-Length: %zu\r\n\r\n", path,
	    key[0] == '\0' ? "" : "Authorization: Bearer ", key, key[0] == '\0' ? "" : "\r\n", tool, body_bytes);
	memcpy(request + n, body, body_bytes);
	n += body_bytes;
	c->asked_ns = now_ns();
	while (at < n) {
		sent = c->ssl != NULL ? SSL_write(c->ssl, request + at, (int)(n - at)) :
		    send(c->fd, request + at, n - at, MSG_NOSIGNAL);
		if (c->ssl != NULL && sent <= 0)
			return false;
		if (sent == -1 && errno != EINTR)
			return false;
		at += (size_t)(sent == -1 ? 0 : sent);
	}
	return true;
}

static bool
conn_open(struct conn *c, int epoll)
{
	int	one = 1;

	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	c->used = 0;
	if (connect(c->fd, (struct sockaddr *)&address, sizeof(address)) == -1)
		return false;
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	SSL_free(c->ssl);
	c->ssl = NULL;
	if (tls != NULL && ((c->ssl = SSL_new(tls)) == NULL || SSL_set_fd(c->ssl, c->fd) != 1 ||
	    SSL_connect(c->ssl) != 1))
		return false;
	epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &(struct epoll_event){ EPOLLIN, { .ptr = c } });
	return conn_ask(c);
}

/* Row after row, as they were asked for, and the end of their array. */
static bool
rows_are_right(const char *rows, const char *end)
{
	const size_t	 want = bench_rows_bytes(size);
	const char	*p = rows;

	for (; (size_t)(end - p) >= sizeof(BENCH_ROW) && p < rows + want; p += sizeof(BENCH_ROW))
		if (memcmp(p, BENCH_ROW, sizeof(BENCH_ROW) - 1) != 0)
			return false;
	return p == rows + want + 1 && p[-1] == ']';
}

static bool
is_right(const struct conn *c, const char *body, size_t n)
{
	char		 id[32];
	const char	*text;

	if (strncmp(c->in, "HTTP/1.1 200 ", 13) != 0)
		return false;
	snprintf(id, sizeof(id), "\"id\":%u,", c->id);
	if (strcmp(tool, "dense") == 0)
		return strstr(body, id) != NULL && (text = strstr(body, "\"rows\":[")) != NULL &&
		    rows_are_right(text + 8, body + n);
	if (n < size)
		return false;
	if (strstr(body, id) == NULL || (text = strstr(body, "\"text\":\"")) == NULL)
		return false;
	text += 8;
	return text + size < body + n && text[size] == '"' && memchr(text, '"', size) == NULL;
}

/* Takes a whole chunked body's framing away; how many bytes are left of it. */
static size_t
join_chunks(char *body, size_t n)
{
	char	*from = body, *to = body, *end = body + n, *data;
	size_t	 bytes;

	while (from < end && (bytes = strtoul(from, &data, 16)) > 0 && (size_t)(end - data) >= bytes + 4) {
		memmove(to, data + 2, bytes);
		to += bytes;
		from = data + 2 + bytes + 2;
	}
	*to = '\0';
	return (size_t)(to - body);
}

/* All that OpenSSL has read, which epoll does not tell of. */
static ssize_t
take(struct conn *c)
{
	ssize_t	n, all = 0;

	if (c->ssl == NULL)
		return recv(c->fd, c->in + c->used, in_room - c->used, 0);
	do {
		if ((n = SSL_read(c->ssl, c->in + c->used + all, (int)(in_room - c->used - (size_t)all))) <= 0)
			return all > 0 ? all : -1;
		all += n;
	} while (SSL_pending(c->ssl) > 0);
	return all;
}

static SSL_CTX *
tls_new(void)
{
	SSL_CTX	*ctx = SSL_CTX_new(TLS_client_method());

	if (ctx == NULL || SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) != 1 ||
	    SSL_CTX_set_ciphersuites(ctx, "TLS_AES_256_GCM_SHA384") != 1)
		exit(71);
	return ctx;
}

/* 1: an answer was whole; 0: not yet; -1: the connection is over. */
static int
conn_read(struct conn *c)
{
	ssize_t	 n = take(c);
	char	*end, *line;
	size_t	 head, length = 0;
	bool	 has_length = false;

	if (n <= 0)
		return -1;
	c->used += (size_t)n;
	c->in[c->used] = '\0';
	if ((end = strstr(c->in, "\r\n\r\n")) == NULL)
		return 0;
	head = (size_t)(end - c->in) + 4;
	for (line = c->in; line < end; line = strstr(line, "\r\n") + 2) {
		if (strncasecmp(line, "content-length:", 15) == 0) {
			length = strtoul(line + 15, NULL, 10);
			has_length = true;
		}
	}
	if (has_length ? c->used < head + length :
	    memcmp(c->in + c->used - 5, "0\r\n\r\n", 5) != 0)	/* chunked: its last chunk */
		return 0;
	samples[requests++ % SAMPLES_MAX] = (unsigned)((now_ns() - c->asked_ns) / 1000);
	if (!is_right(c, end + 4, has_length ? c->used - head : join_chunks(end + 4, c->used - head))) {
		if (wrong++ == 0)
			fprintf(stderr, "wrong: %.300s\n", c->in);
	}
	c->used = 0;
	return 1;
}

static int
by_value(const void *a, const void *b)
{
	return (*(const unsigned *)a > *(const unsigned *)b) - (*(const unsigned *)a < *(const unsigned *)b);
}

int
main(int argc, char **argv)
{
	struct epoll_event	 events[256];
	struct conn		*conns;
	unsigned long		 until, count;
	int			 epoll = epoll_create1(EPOLL_CLOEXEC), n, in_flight = 0;
	const char		*colon;
	bool			 last;
	useconds_t		 pause_us = argc > 9 ? (useconds_t)atoi(argv[9]) * 1000 : 0;

	if (argc > 1 && strncmp(argv[1], "tls:", 4) == 0) {
		tls = tls_new();
		argv[1] += 4;
	}
	if (argc < 9 || argc > 10 || (colon = strchr(argv[1], ':')) == NULL) {
		fprintf(stderr, "usage: bench-load [tls:]HOST:PORT PATH KEY TOOL SIZE BODY CONNECTIONS SECONDS "
		    "[PAUSE_MS]\n");
		return 64;
	}
	address.sin_family = AF_INET;
	address.sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	path = argv[2];
	key = argv[3];
	tool = argv[4];
	size = strtoul(argv[5], NULL, 10);
	filling = malloc(strtoul(argv[6], NULL, 10) + 1);
	memset(filling, 'f', strtoul(argv[6], NULL, 10));
	filling[strtoul(argv[6], NULL, 10)] = '\0';
	count = strtoul(argv[7], NULL, 10);
	request = malloc(strlen(filling) + 2 * HEAD_ROOM);
	in_room = size + (256u << 10);
	samples = malloc(SAMPLES_MAX * sizeof(*samples));
	conns = calloc(count, sizeof(*conns));
	for (unsigned long i = 0; i < count; i++) {
		conns[i].in = malloc(in_room + 1);
		if (!conn_open(&conns[i], epoll)) {
			perror("bench-load");
			return 71;
		}
		in_flight++;
	}
	until = now_ns() + strtoul(argv[8], NULL, 10) * 1000000000ul;
	/* Every request that was sent is waited for: the audit is counted against them. */
	while (in_flight > 0 && (n = epoll_wait(epoll, events, 256, 10000)) > 0) {
		last = now_ns() >= until;
		for (int i = 0; i < n; i++) {
			struct conn *c = events[i].data.ptr;
			int r = conn_read(c);

			if (r == 0)
				continue;
			in_flight--;
			if (pause_us > 0 && !last)
				usleep(pause_us);
			if (r == -1) {
				wrong++;
				close(c->fd);
				if (!last && conn_open(c, epoll))
					in_flight++;
			} else if (!last && conn_ask(c)) {
				in_flight++;
			}
		}
	}
	wrong += (unsigned long)in_flight;
	count = requests < SAMPLES_MAX ? requests : SAMPLES_MAX;
	qsort(samples, count, sizeof(*samples), by_value);
	printf("%lu %lu %u %u\n", requests, wrong, count == 0 ? 0 : samples[count / 2],
	    count == 0 ? 0 : samples[count - 1 - count / 100]);
	return wrong != 0;
}
