/* SPDX-License-Identifier: Apache-2.0
 *
 * reaching.c - an MCP stdio server whose tools go where they are told: reaching-server
 *
 *   connect  host, port, say         resolves, connects, sends `say`, answers what came back
 *   proxy    how, host, port, say    the same through the proxy of the environment's HTTPS_PROXY; how: connect, socks5
 *   udp      host, port              one datagram to an address, and whether anything came back
 *   begin    host, port              connects and keeps the connection; `more` sends and reads on it
 *   more     say
 *   listen   port                    can this machine listen there, for itself?
 *   env      name
 *
 * What went wrong is the text of the result, as "error: ...".
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "tests/servers/lines.h"

#define PATIENCE_S	10
#define SHORT_MS	700

static char	said[4096];	/* the result's text */
static int	held = -1;

static void __attribute__((format(printf, 1, 2)))
say(const char *fmt, ...)
{
	va_list	ap;

	va_start(ap, fmt);
	vsnprintf(said, sizeof(said), fmt, ap);
	va_end(ap);
}

/* An argument as text, "" when there is none. */
static const char *
argument(struct json_value arguments, const char *name, char *to, size_t room)
{
	struct json_value	v = json_get(arguments, name);
	struct span		s = v.type == JSON_STRING ? span_part(v.raw, 1, v.raw.n - 2) : v.raw;

	snprintf(to, room, "%.*s", v.type == JSON_NONE ? 0 : (int)s.n, s.n == 0 ? "" : s.p);
	return to;
}

static int
reach(const char *host, const char *port)
{
	const struct addrinfo	 hints = { .ai_socktype = SOCK_STREAM };
	const struct timeval	 patience = { .tv_sec = PATIENCE_S };
	struct addrinfo		*list = NULL;
	int			 r, fd = -1;

	if ((r = getaddrinfo(host, port, &hints, &list)) != 0) {
		say("error: resolve: %s", gai_strerror(r));
		return -1;
	}
	for (struct addrinfo *a = list; a != NULL; a = a->ai_next) {
		if ((fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0)) == -1) {
			say("error: socket: %s", strerror(errno));
			continue;
		}
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
		if (connect(fd, a->ai_addr, a->ai_addrlen) == 0)
			break;
		say("error: connect: %s", strerror(errno));
		close(fd);
		fd = -1;
	}
	freeaddrinfo(list);
	return fd;
}

/* Sends, and reads what there is next. */
static void
trade(int fd, const char *text)
{
	char	room[2048];
	ssize_t	n;

	if (send(fd, text, strlen(text), MSG_NOSIGNAL) == -1) {
		say("error: send: %s", strerror(errno));
		return;
	}
	n = recv(fd, room, sizeof(room) - 1, 0);
	if (n > 0)
		say("%.*s", (int)n, room);
	else
		say("error: receive: %s", n == 0 ? "end" : strerror(errno));
}

static void
on_connect(const char *host, const char *port, const char *text)
{
	int	fd = reach(host, port);

	if (fd == -1)
		return;
	trade(fd, text);
	close(fd);
}

static bool
proxy_greet(int fd, const char *how, const char *host, const char *port)
{
	unsigned char	ask[300] = { 5, 1, 0 }, answer[512];
	size_t		n = strlen(host);
	ssize_t		got;

	if (strcmp(how, "connect") == 0) {
		char line[700];

		snprintf(line, sizeof(line), "CONNECT %s:%s HTTP/1.1\r\nHost: %s:%s\r\n\r\n", host, port, host, port);
		if (send(fd, line, strlen(line), MSG_NOSIGNAL) == -1)
			return false;
		got = recv(fd, answer, sizeof(answer) - 1, 0);
		answer[got < 0 ? 0 : got] = '\0';
		if (got > 12 && memcmp(answer, "HTTP/1.1 200", 12) == 0)
			return true;
		say("error: proxy: %.12s", answer);
		return false;
	}
	if (send(fd, ask, 3, MSG_NOSIGNAL) != 3 || recv(fd, answer, 2, MSG_WAITALL) != 2 || answer[1] != 0)
		return false;
	ask[3] = 3;
	ask[4] = (unsigned char)n;
	memcpy(ask + 5, host, n);
	ask[5 + n] = (unsigned char)(atoi(port) >> 8);
	ask[6 + n] = (unsigned char)atoi(port);
	if (send(fd, ask, 7 + n, MSG_NOSIGNAL) == -1 || recv(fd, answer, 10, MSG_WAITALL) < 2) {
		say("error: proxy: no answer");
		return false;
	}
	if (answer[1] != 0)
		say("error: proxy: %u", answer[1]);
	return answer[1] == 0;
}

static void
on_proxy(const char *how, const char *host, const char *port, const char *text)
{
	const char	*proxy = getenv("HTTPS_PROXY");
	int		 fd;

	if (proxy == NULL || strcmp(proxy, "http://127.0.0.1:3128") != 0) {
		say("error: HTTPS_PROXY is %s", proxy == NULL ? "not set" : proxy);
		return;
	}
	if ((fd = reach("127.0.0.1", "3128")) == -1)
		return;
	if (proxy_greet(fd, how, host, port))
		trade(fd, text);
	close(fd);
}

static void
on_udp(const char *host, const char *port)
{
	const struct addrinfo	 hints = { .ai_socktype = SOCK_DGRAM, .ai_flags = AI_NUMERICHOST };
	struct addrinfo		*a = NULL;
	struct pollfd		 p = { .fd = -1, .events = POLLIN };
	char			 room[512];

	if (getaddrinfo(host, port, &hints, &a) != 0) {
		say("error: no address");
		return;
	}
	p.fd = socket(a->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (p.fd == -1 || connect(p.fd, a->ai_addr, a->ai_addrlen) == -1 || send(p.fd, "x", 1, 0) == -1)
		say("error: %s", strerror(errno));
	else if (poll(&p, 1, SHORT_MS) == 0)
		say("error: silence");
	else if (recv(p.fd, room, sizeof(room), 0) == -1)
		say("error: %s", strerror(errno));
	else
		say("answered");
	if (p.fd != -1)
		close(p.fd);
	freeaddrinfo(a);
}

static void
on_listen(const char *port)
{
	struct sockaddr_in	sa = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)),
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int			fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd != -1 && bind(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0 && listen(fd, 1) == 0)
		say("listens");
	else
		say("error: %s", strerror(errno));
	if (fd != -1)
		close(fd);
}

static void
call(struct json_value name, struct json_value a)
{
	char	host[300], port[16], text[1024], how[16];

	argument(a, "host", host, sizeof(host));
	argument(a, "port", port, sizeof(port));
	argument(a, "say", text, sizeof(text));
	argument(a, "how", how, sizeof(how));
	say("error: nothing was said");
	if (json_is(name, "connect")) {
		on_connect(host, port, text);
	} else if (json_is(name, "proxy")) {
		on_proxy(how, host, port, text);
	} else if (json_is(name, "udp")) {
		on_udp(host, port);
	} else if (json_is(name, "begin")) {
		if ((held = reach(host, port)) != -1)
			say("begun");
	} else if (json_is(name, "more")) {
		trade(held, text);
	} else if (json_is(name, "listen")) {
		on_listen(port);
	} else if (json_is(name, "env")) {
		const char *value = getenv(argument(a, "name", text, sizeof(text)));

		say("%s", value == NULL ? "" : value);
	}
}

static void
put_said(void)
{
	putchar('"');
	for (const char *p = said; *p != '\0'; p++) {
		if (*p == '"' || *p == '\\')
			putchar('\\');
		putchar((unsigned char)*p < ' ' || (unsigned char)*p >= 0x7f ? '.' : *p);
	}
	putchar('"');
}

static void
on_request(struct span id, struct json_value method, struct json_value params)
{
	static const char *const	tools[] = { "connect", "proxy", "udp", "begin", "more", "listen", "env" };

	printf("{\"jsonrpc\":\"2.0\",\"id\":%.*s,", SPAN_FMT(id));
	if (json_is(method, "initialize")) {
		printf("\"result\":{\"protocolVersion\":\"2025-11-25\",\"capabilities\":{\"tools\":{}},"
		    "\"serverInfo\":{\"name\":\"reaching\",\"version\":\"1\"}}}\n");
	} else if (json_is(method, "tools/list")) {
		printf("\"result\":{\"tools\":[");
		for (size_t i = 0; i < sizeof(tools) / sizeof(tools[0]); i++)
			printf("%s{\"name\":\"%s\",\"inputSchema\":{\"type\":\"object\"}}", i > 0 ? "," : "", tools[i]);
		printf("]}}\n");
	} else if (json_is(method, "tools/call")) {
		call(json_get(params, "name"), json_get(params, "arguments"));
		printf("\"result\":{\"content\":[{\"type\":\"text\",\"text\":");
		put_said();
		printf("}]}}\n");
	} else {
		printf("\"error\":{\"code\":-32601,\"message\":\"unknown\"}}\n");
	}
}

int
main(void)
{
	return lines_serve(on_request);
}
