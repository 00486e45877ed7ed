/* SPDX-License-Identifier: Apache-2.0
 *
 * first.c - bench-first ROUNDS ADDRESS PATH KEY TOOL ARGUMENTS -- COMMAND...: the first call of a server that does
 *           not run, through the gateway and by starting its command
 *
 * By hand: fork, exec, initialize, notifications/initialized, tools/call, until the answer is there.  Through the
 * gateway: one tools/call over HTTP, until the answer is there.  Rounds are interleaved; who begins alternates.  The
 * server's `isolation` is call, so that each call there is a first one.
 *
 * Prints "bare_ms gateway_ms difference_ms", medians; the last is of the rounds' differences.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS_MAX	1000
#define ROOM		(1 << 20)
#define REST_MS		400		/* between two: what was started has gone by then */

static char		 room[ROOM + 1];
static const char	*path, *key, *tool, *arguments;
static struct sockaddr_in address;

static double
now_ms(void)
{
	struct timespec	t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static _Noreturn void
die(const char *what)
{
	fprintf(stderr, "bench-first: %s: %s\n%.500s\n", what, strerror(errno), room);
	exit(71);
}

static void
put(int fd, const char *text)
{
	if (write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		die("write");
}

/* Reads lines until one has this in it. */
static void
wait_line(int fd, const char *want)
{
	size_t	 used = 0;
	ssize_t	 n;
	char	*end;

	for (;;) {
		if (used == ROOM || (n = read(fd, room + used, ROOM - used)) <= 0)
			die("no answer");
		used += (size_t)n;
		room[used] = '\0';
		while ((end = strchr(room, '\n')) != NULL) {
			*end = '\0';
			if (strstr(room, want) != NULL)
				return;
			used -= (size_t)(end + 1 - room);
			memmove(room, end + 1, used + 1);
		}
	}
}

static double
by_hand(char **argv)
{
	double	begin = now_ms(), took;
	int	in[2], out[2], null;
	char	*call;
	pid_t	pid;

	if (pipe2(in, O_CLOEXEC) == -1 || pipe2(out, O_CLOEXEC) == -1 || (pid = fork()) == -1)
		die("fork");
	if (pid == 0) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		if ((null = open("/dev/null", O_WRONLY)) != -1)
			dup2(null, 2);
		execv(argv[0], argv);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	put(in[1], "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{"
	    "\"protocolVersion\":\"2025-11-25\",\"capabilities\":{},"
	    "\"clientInfo\":{\"name\":\"bench\",\"version\":\"1\"}}}\n");
	wait_line(out[0], "\"id\":1");
	if (asprintf(&call, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}\n"
	    "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"tools/call\",\"params\":{\"name\":\"%s\",\"arguments\":%s}}\n",
	    tool, arguments) == -1)
		die("out of memory");
	put(in[1], call);
	wait_line(out[0], "\"id\":2");
	took = now_ms() - begin;
	if (strstr(room, "\"result\"") == NULL)
		die("not a result");
	free(call);
	close(in[1]);
	close(out[0]);
	waitpid(pid, NULL, 0);
	return took;
}

static double
through_gateway(void)
{
	double	 begin = now_ms(), took;
	char	*request, *body, *end, *length;
	size_t	 used = 0, whole;
	ssize_t	 n;
	int	 fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == -1)
		die("connect");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (asprintf(&body, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"tools/call\",\"params\":{\"name\":\"%s\","
	    "\"arguments\":%s,\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","
	    "\"io.modelcontextprotocol/clientCapabilities\":{}}}}", tool, arguments) == -1 ||
	    asprintf(&request, "POST %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n"
	    "Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n"
	    "MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: %s\r\n"
	    "Content-Length: %zu\r\n\r\n%s", path, key, tool, strlen(body), body) == -1)
		die("out of memory");
	put(fd, request);
	for (;;) {
		if (used == ROOM || (n = read(fd, room + used, ROOM - used)) <= 0)
			die("no answer");
		used += (size_t)n;
		room[used] = '\0';
		if ((end = strstr(room, "\r\n\r\n")) == NULL ||
		    (length = strcasestr(room, "\r\ncontent-length:")) == NULL)
			continue;
		whole = (size_t)(end + 4 - room) + strtoul(length + 17, NULL, 10);
		if (used >= whole)
			break;
	}
	took = now_ms() - begin;
	if (strncmp(room, "HTTP/1.1 200 ", 13) != 0 || strstr(room, "\"result\"") == NULL ||
	    strstr(room, "\"isError\":true") != NULL)
		die("not a result");
	free(body);
	free(request);
	close(fd);
	return took;
}

static int
by_value(const void *a, const void *b)
{
	return (*(const double *)a > *(const double *)b) - (*(const double *)a < *(const double *)b);
}

static double
median(double *of, int n)
{
	qsort(of, (size_t)n, sizeof(*of), by_value);
	return of[n / 2];
}

int
main(int argc, char **argv)
{
	static double	 bare[ROUNDS_MAX], jailed[ROUNDS_MAX], difference[ROUNDS_MAX];
	const char	*colon;
	int		 rounds = argc > 1 ? atoi(argv[1]) : 0;

	if (argc < 9 || strcmp(argv[7], "--") != 0 || rounds < 1 || rounds > ROUNDS_MAX ||
	    (colon = strchr(argv[2], ':')) == NULL) {
		fprintf(stderr, "usage: bench-first ROUNDS HOST:PORT PATH KEY TOOL ARGUMENTS -- COMMAND...\n");
		return 64;
	}
	address.sin_family = AF_INET;
	address.sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	path = argv[3];
	key = argv[4];
	tool = argv[5];
	arguments = argv[6];
	/* The first one asks for the list and learns the revision, and the disk is read. */
	(void)through_gateway();
	(void)by_hand(argv + 8);
	for (int i = 0; i < rounds; i++) {
		for (int k = 0; k < 2; k++) {
			usleep(REST_MS * 1000);
			if ((k == 0) == (i % 2 == 0))
				bare[i] = by_hand(argv + 8);
			else
				jailed[i] = through_gateway();
		}
		difference[i] = jailed[i] - bare[i];
	}
	printf("%.2f %.2f %.2f\n", median(bare, rounds), median(jailed, rounds), median(difference, rounds));
	return 0;
}
