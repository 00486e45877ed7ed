/* SPDX-License-Identifier: Apache-2.0
 *
 * flood.c - bench-flood KIND ADDRESS COUNT [PATH KEY]: so many clients who never come to an end, until it is killed
 *
 *   idle      send nothing                        used      one request, and then nothing
 *   heads     a head, a byte a second             bodies    a body, a byte a second (PATH, KEY)
 *   readers   ask for 1 MiB again and again, and take 2 KiB a second of it (PATH, KEY)
 *   connects  come and are reset at once          shakes    reset within a TLS handshake
 *   vanish    are gone without a word, as by a pulled plug (TCP_REPAIR: root), else reset
 *
 * They come from many addresses of loopback.  One that is closed comes again, at most COUNT a second.  Prints how many
 * are there once they all were tried, and how many were closed by the other side at the end.
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
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define ADDRESSES	200
#define STEPS		20		/* a second */
#define LITTLE		2048

enum kind { IDLE, USED, HEADS, BODIES, READERS, CONNECTS, SHAKES, VANISH, KINDS };
static const char *const	 names[KINDS] = { "idle", "used", "heads", "bodies", "readers", "connects", "shakes",
	"vanish" };

static struct sockaddr_in	 to;
static enum kind		 kind;
static char			 first[4096];
static size_t			 first_bytes;
static int			*fds;
static unsigned			 next_from;
static unsigned long		 closed;
static volatile sig_atomic_t	 ended;

static void
on_term(int sig)
{
	(void)sig;
	ended = 1;
}

static void
make_first(const char *path, const char *key)
{
	static const char	body[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{"
	    "\"name\":\"fill\",\"arguments\":{\"size\":1048576,\"filling\":\"\"},\"_meta\":{"
	    "\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","
	    "\"io.modelcontextprotocol/clientCapabilities\":{}}}}";
	/* The first bytes of a ClientHello that goes on. */
	static const char	hello[] = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
	const char		*head = "POST %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n"
	    "Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n"
	    "MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: fill\r\n"
	    "Content-Length: %zu\r\n\r\n%s";

	switch (kind) {
	case USED:
		snprintf(first, sizeof(first), "GET /mcp HTTP/1.1\r\nHost: localhost\r\n\r\n");
		break;
	case HEADS:
		snprintf(first, sizeof(first), "POST /mcp HTTP/1.1\r\nHost: localhost\r\nX-Slow: ");
		break;
	case BODIES:
		snprintf(first, sizeof(first), head, path, key, (size_t)1048576, "{");
		break;
	case READERS:
		snprintf(first, sizeof(first), head, path, key, strlen(body), body);
		break;
	case SHAKES:
		memcpy(first, hello, sizeof(hello) - 1);
		first_bytes = sizeof(hello) - 1;
		return;
	default:
		break;
	}
	first_bytes = strlen(first);
}

static void
close_as(int fd)
{
	const struct linger	reset = { 1, 0 };
	int			on = 1;

	if (kind == VANISH && setsockopt(fd, IPPROTO_TCP, TCP_REPAIR, &on, sizeof(on)) == 0) {
		close(fd);
		return;
	}
	if (kind == CONNECTS || kind == SHAKES || kind == VANISH)
		(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(fd);
}

static void
open_one(size_t i)
{
	struct sockaddr_in	from = { .sin_family = AF_INET };
	int			small = 4096, on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	fds[i] = -1;
	if (fd == -1)
		return;
	/* 127.0.1.1 and so on: no address has more than its share. */
	from.sin_addr.s_addr = htonl(0x7f000101u + next_from++ % ADDRESSES);
	(void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	if (kind == READERS)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	if (bind(fd, (struct sockaddr *)&from, sizeof(from)) == -1 ||
	    connect(fd, (struct sockaddr *)&to, sizeof(to)) == -1 || fcntl(fd, F_SETFL, O_NONBLOCK) == -1) {
		close(fd);
		return;
	}
	if (first_bytes > 0)
		(void)!send(fd, first, first_bytes, MSG_NOSIGNAL);
	fds[i] = fd;
}

/* A second of this one's life; false: it is over. */
static bool
live(int fd)
{
	char	little[LITTLE];
	ssize_t	n;

	switch (kind) {
	case CONNECTS:
	case SHAKES:
	case VANISH:
		return false;
	case HEADS:
	case BODIES:
		if (send(fd, "x", 1, MSG_NOSIGNAL) == -1 && errno != EAGAIN)
			return false;
		n = recv(fd, little, sizeof(little), 0);
		return n == -1 && errno == EAGAIN;
	default:
		n = recv(fd, little, sizeof(little), 0);
		return n > 0 || (n == -1 && errno == EAGAIN);
	}
}

int
main(int argc, char **argv)
{
	const struct timespec	step = { 0, 1000000000 / STEPS };
	char			*colon = argc > 3 ? strrchr(argv[2], ':') : NULL;
	size_t			 count, there = 0;

	while (argc > 3 && kind < KINDS && strcmp(argv[1], names[kind]) != 0)
		kind++;
	if (colon == NULL || kind == KINDS || ((kind == BODIES || kind == READERS) && argc < 6)) {
		fprintf(stderr, "usage: bench-flood KIND ADDRESS COUNT [PATH KEY]\n");
		return 64;
	}
	*colon = '\0';
	to = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(colon + 1)) };
	inet_pton(AF_INET, argv[2], &to.sin_addr);
	count = (size_t)atol(argv[3]);
	fds = malloc(count * sizeof(*fds));
	make_first(argc > 4 ? argv[4] : "", argc > 5 ? argv[5] : "");
	signal(SIGTERM, on_term);
	for (size_t i = 0; i < count && !ended; i++) {
		open_one(i);
		there += fds[i] != -1;
	}
	printf("%zu\n", there);
	fflush(stdout);
	for (unsigned turn = 0; !ended; turn = (turn + 1) % STEPS) {
		for (size_t i = turn; i < count && !ended; i += STEPS) {
			if (fds[i] != -1 && live(fds[i]))
				continue;
			if (fds[i] != -1)
				close_as(fds[i]);
			closed++;
			open_one(i);
		}
		nanosleep(&step, NULL);
	}
	for (size_t i = 0; i < count; i++)
		if (fds[i] != -1)
			close_as(fds[i]);
	printf("%lu\n", closed);
	return 0;
}
