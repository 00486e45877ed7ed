/* SPDX-License-Identifier: Apache-2.0
 *
 * failing.c - a Streamable HTTP MCP server that answers as it is told while it runs: failing-http ERA [NAME]
 *
 * ERA is legacy or modern.  Prints its port first and serves until its parent dies, a process per connection.  It has
 * the tools work, safe and slow; an answer's text is NAME, the session ("-" of none) and the argument n.
 * GET /mode?MODE says how calls go from then on, GET /log answers a line for each call whose request came whole: n and
 * MODE.  SIGUSR1: it is down, nobody listens and all connections are cut; SIGUSR2: it is back, on the same port.
 * GET /told answers how many calls were cancelled by a notification, and how many by closing while it was mute.  A
 * call's deadline, where one is told, is a line "deadline MS" of the log.
 * GET /health answers 200, in the mode sick 503.
 * Modes: ok sick; of calls, by phase:
 *   mute        reads the request, says nothing     half        half a head, and nothing more
 *   body        a head, half a body, nothing more   drip        a head, then a byte of the body a second
 *   reset       resets once the request is there    resethead   ... after half a head    resetbody  ... half a body
 *   bighead     a head that does not end            bigbody     a body that does not end
 *   stream      events that are no answer, for ever wrongid     an answer to another request
 *   badjson     a body that is not JSON             500         that status
 *   late        answers after 300 ms                tool        work fails with 500, others do well
 *   relist      calls lack a header field, it says; its list, asked for then, takes 2 s
 *   dead        every connection is reset at once: whatever it is asked, sessions too
 */
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <unistd.h>

#include "loopback.h"

#define LOG_BYTES	(4 << 20)
#define PIECE		(64 * 1024)

static struct shared {
	char		mode[32];
	atomic_uint	used, sessions, cancelled, closed;
	char		log[LOG_BYTES];
} *shared;

static bool		 modern;
static const char	*name = "-";
static char		 request[LOOPBACK_REQUEST_MAX];
static size_t		 body_at;
static volatile sig_atomic_t down, up;

static bool
mode_is(const char *mode)
{
	return strcmp(shared->mode, mode) == 0;
}

static void
put(int fd, const char *p, size_t n)
{
	ssize_t	r;

	for (; n > 0; p += r, n -= (size_t)r)
		if ((r = write(fd, p, n)) <= 0)
			_exit(0);
}

static void __attribute__((format(printf, 2, 3)))
say(int fd, const char *fmt, ...)
{
	char	text[PIECE];
	va_list	ap;
	int	n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	put(fd, text, (size_t)n);
}

static void
reset(int fd)
{
	struct linger	hard = { 1, 0 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	close(fd);
	_exit(0);
}

static void
forever(void)
{
	for (;;)
		pause();
}

/* The raw token behind "key":, without quotes. */
static void
member(const char *key, char *to, size_t room)
{
	char		 quoted[64];
	const char	*p;

	snprintf(quoted, sizeof(quoted), "\"%s\":", key);
	snprintf(to, room, "-");
	if ((p = strstr(request + body_at, quoted)) == NULL)
		return;
	p += strlen(quoted);
	p += *p == '"';
	snprintf(to, room, "%.*s", (int)strcspn(p, "\",}"), p);
}

static void
header(const char *key, char *to, size_t room)
{
	char		 line[64];
	const char	*p;

	snprintf(line, sizeof(line), "\r\n%s:", key);
	snprintf(to, room, "-");
	if ((p = strcasestr(request, line)) == NULL || p >= request + body_at)
		return;
	p += strlen(line);
	p += strspn(p, " ");
	snprintf(to, room, "%.*s", (int)strcspn(p, "\r"), p);
}

static void
answer(int fd, const char *status, const char *fields, const char *json)
{
	say(fd, "HTTP/1.1 %s\r\nContent-Type: application/json\r\n%sContent-Length: %zu\r\n\r\n%s", status, fields,
	    strlen(json), json);
}

/* ---- calls --------------------------------------------------------------------------------------- */

static void
endless(int fd, const char *head, const char *piece)
{
	static char	many[PIECE];
	size_t		n = strlen(piece), bytes = 0;

	/* Many at once: it is not this process that is to be busy. */
	for (; bytes + n < sizeof(many); bytes += n)
		memcpy(many + bytes, piece, n);
	put(fd, head, strlen(head));
	for (;;)
		put(fd, many, bytes);
}

static void
fail(int fd, const char *json)
{
	static char	many[PIECE];
	char		head[256];
	int		n = snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
			    "Content-Length: %zu\r\n\r\n", strlen(json));

	memset(many, 'x', sizeof(many) - 1);
	if (mode_is("mute")) {
		/* Until whoever asked is gone. */
		while (read(fd, many, sizeof(many)) > 0)
			;
		atomic_fetch_add(&shared->closed, 1);
		_exit(0);
	}
	if (mode_is("reset"))
		reset(fd);
	if (mode_is("half") || mode_is("resethead")) {
		put(fd, head, (size_t)n / 2);
		usleep(20000);
		mode_is("half") ? forever() : reset(fd);
	}
	if (mode_is("body") || mode_is("resetbody")) {
		put(fd, head, (size_t)n);
		put(fd, json, strlen(json) / 2);
		usleep(20000);
		mode_is("body") ? forever() : reset(fd);
	}
	if (mode_is("drip")) {
		put(fd, head, (size_t)n);
		for (;; json++, sleep(1))
			put(fd, json, 1);
	}
	if (mode_is("bighead"))
		endless(fd, "HTTP/1.1 200 OK\r\n", "X-More: and more and more and more and more and more\r\n");
	if (mode_is("bigbody"))
		endless(fd, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
		    "2e\r\n{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"content\":[\"\r\n", "10\r\nxxxxxxxxxxxxxxxx\r\n");
	if (mode_is("stream"))
		endless(fd, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n",
		    "5d\r\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{\"level\":\"info\","
		    "\"data\":1}}\n\n\r\n");
}

static bool
fails_by_status(const char *tool)
{
	return mode_is("500") || (mode_is("tool") && strcmp(tool, "work") == 0);
}

static void
call(int fd, const char *id, const char *session)
{
	char		n[64], tool[64], json[1024], line[160], deadline[32];
	unsigned	at;
	int		bytes;

	header("Mcpgw-Timeout-Ms", deadline, sizeof(deadline));
	member("n", n, sizeof(n));
	header("Mcp-Name", tool, sizeof(tool));
	if (tool[0] == '-')
		member("name", tool, sizeof(tool));
	bytes = snprintf(line, sizeof(line), "%s %s\n%s%s%s", n, shared->mode, deadline[0] == '-' ? "" : "deadline ",
	    deadline[0] == '-' ? "" : deadline, deadline[0] == '-' ? "" : "\n");
	at = atomic_fetch_add(&shared->used, (unsigned)bytes);
	if (at + (unsigned)bytes < LOG_BYTES)
		memcpy(shared->log + at, line, (size_t)bytes);
	if (mode_is("late") || strcmp(tool, "slow") == 0)
		usleep(300000);
	snprintf(json, sizeof(json), mode_is("badjson") ? "{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":{%s\"content\":]}} %s%s%s" :
	    "{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":{%s\"content\":[{\"type\":\"text\",\"text\":\"%s %s %s\"}]}}",
	    mode_is("wrongid") ? "777" : id, modern ? "\"resultType\":\"complete\"," : "", name, session, n);
	if (fails_by_status(tool))
		answer(fd, "500 Internal Server Error", "", "{}");
	else {
		fail(fd, json);
		answer(fd, "200 OK", "", json);
	}
}

/* ---- what is not a call -------------------------------------------------------------------------- */

#define TOOL(name)	"{\"name\":\"" name "\",\"inputSchema\":{\"type\":\"object\"}}"

static void
list(int fd, const char *id)
{
	char	json[1024];

	snprintf(json, sizeof(json), "{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":{%s\"tools\":[" TOOL("work") "," TOOL("safe") ","
	    TOOL("slow") "]}}", id, modern ? "\"resultType\":\"complete\"," : "");
	answer(fd, "200 OK", "", json);
}

/* Of this very server: another one's session is none of ours. */
static bool
session_ok(const char *session)
{
	unsigned	port, number;
	char		mine[32];

	header("Host", mine, sizeof(mine));
	return sscanf(session, "s-%u-%u", &port, &number) == 2 && strchr(mine, ':') != NULL &&
	    port == (unsigned)atoi(strchr(mine, ':') + 1);
}

static void
begin_session(int fd, const char *id)
{
	char	json[512], fields[128], host[64];

	header("Host", host, sizeof(host));
	snprintf(fields, sizeof(fields), "Mcp-Session-Id: s-%s-%u\r\n", strchr(host, ':') == NULL ? "0" : strchr(host, ':') + 1,
	    atomic_fetch_add(&shared->sessions, 1) + 1);
	snprintf(json, sizeof(json), "{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":{\"protocolVersion\":\"2025-06-18\","
	    "\"capabilities\":{\"tools\":{}},\"serverInfo\":{\"name\":\"failing\",\"version\":\"1\"}}}", id);
	answer(fd, "200 OK", fields, json);
}

static void
discover(int fd, const char *id)
{
	char	json[512];

	snprintf(json, sizeof(json), "{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":{\"resultType\":\"complete\","
	    "\"supportedVersions\":[\"2026-07-28\"],\"capabilities\":{\"tools\":{}},\"_meta\":{}}}", id);
	answer(fd, "200 OK", "", json);
}

/* What the test says. */
static bool
told(int fd)
{
	if (strncmp(request, "GET /mode?", 10) == 0) {
		snprintf(shared->mode, sizeof(shared->mode), "%.*s", (int)strcspn(request + 10, " "), request + 10);
		answer(fd, "200 OK", "", "");
	} else if (strncmp(request, "GET /log", 8) == 0) {
		say(fd, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %u\r\n\r\n", atomic_load(&shared->used));
		put(fd, shared->log, atomic_load(&shared->used));
		_exit(0);
	} else if (strncmp(request, "GET /told", 9) == 0) {
		char	json[64];

		snprintf(json, sizeof(json), "%u %u", atomic_load(&shared->cancelled), atomic_load(&shared->closed));
		answer(fd, "200 OK", "", json);
	} else if (strncmp(request, "GET /health", 11) == 0) {
		answer(fd, mode_is("sick") ? "503 Service Unavailable" : "200 OK", "", "");
	} else {
		return false;
	}
	return true;
}

static void
refuse_fields(int fd, const char *id)
{
	char	json[256];

	snprintf(json, sizeof(json), "{\"jsonrpc\":\"2.0\",\"id\":%s,\"error\":{\"code\":-32020,"
	    "\"message\":\"a header field is missing\"}}", id);
	answer(fd, "400 Bad Request", "", json);
}

static void
serve(int fd)
{
	char	method[64], id[64], session[64];

	while (loopback_read(fd, request, sizeof(request), &body_at)) {
		if (told(fd))
			continue;
		if (mode_is("dead"))
			reset(fd);
		member("method", method, sizeof(method));
		member("id", id, sizeof(id));
		header("Mcp-Session-Id", session, sizeof(session));
		if (strncmp(request, "POST", 4) != 0)
			answer(fd, strncmp(request, "DELETE", 6) == 0 ? "200 OK" : "405 Method Not Allowed", "", "");
		else if (strcmp(method, "server/discover") == 0)
			modern ? discover(fd, id) : answer(fd, "400 Bad Request", "", "{}");
		else if (strcmp(method, "initialize") == 0)
			begin_session(fd, id);
		else if (!modern && !session_ok(session))
			answer(fd, "404 Not Found", "", "{}");
		else if (id[0] == '-') {
			atomic_fetch_add(&shared->cancelled, strcmp(method, "notifications/cancelled") == 0);
			answer(fd, "202 Accepted", "", "");
		} else if (strcmp(method, "tools/list") == 0) {
			if (mode_is("relist"))
				sleep(2);
			list(fd, id);
		} else if (mode_is("relist"))
			refuse_fields(fd, id);
		else
			call(fd, id, session);
	}
	_exit(0);
}

static void
on_signal(int number)
{
	*(number == SIGUSR1 ? &down : &up) = 1;
}

static int
listen_again(unsigned port)
{
	struct sockaddr_in	a = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) },
		.sin_port = htons((unsigned short)port) };
	int			fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) == -1 || listen(fd, 512) == -1)
		exit(1);
	return fd;
}

int
main(int argc, char **argv)
{
	struct sigaction	act = { .sa_handler = on_signal };
	unsigned		port;
	int			listener, fd;

	if (argc < 2)
		return 64;
	modern = strcmp(argv[1], "modern") == 0;
	name = argc > 2 ? argv[2] : name;
	setpgid(0, 0);
	signal(SIGCHLD, SIG_IGN);
	sigaction(SIGUSR1, &act, NULL);
	sigaction(SIGUSR2, &act, NULL);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	snprintf(shared->mode, sizeof(shared->mode), "ok");
	listener = loopback_begin(&port);
	for (;;) {
		if (down) {
			down = 0;
			close(listener);
			listener = -1;
			/* Those that serve connections, and not us. */
			signal(SIGTERM, SIG_IGN);
			kill(0, SIGTERM);
			signal(SIGTERM, SIG_DFL);
		}
		if (up) {
			up = 0;
			listener = listen_again(port);
		}
		if (listener == -1) {
			usleep(1000);
			continue;
		}
		if ((fd = accept(listener, NULL, NULL)) == -1)
			continue;
		if (fork() == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			signal(SIGTERM, SIG_DFL);
			close(listener);
			serve(fd);
		}
		close(fd);
	}
}
