/* SPDX-License-Identifier: Apache-2.0
 *
 * lying.c - an MCP stdio server that misbehaves as told: lying-server MODE [N]
 *
 * Everything a mode does not say is done properly: initialize, ping, tools/call.  A call's answer
 * carries the pid and the very line that came in, so that a test sees what a tool sees.
 *
 *   ok                 nothing
 *   modern             answers server/discover, knows no initialize
 *   future             answers server/discover with a revision nobody knows
 *   refuses            answers initialize with an error
 *   silent             reads, answers nothing
 *   mute               answers initialize, but no call
 *   garbage N          N lines that are no JSON before each answer
 *   controls N         N lines of NULs and escape sequences before each answer
 *   dies-at-once       exits with status 1 before it reads
 *   leaves-at-once     the same with status 0
 *   runs-itself        executes itself again and again, and reads nothing
 *   dies-on-call       exits with status 3 in the middle of a call
 *   dies-loudly N      N ms after a call it says much on stderr, and exits with status 4
 *   exits-on-discover  exits when the first thing it hears is server/discover
 *   wrong-id           answers with other ids first: the next call's, a text, an unknown one
 *   early              before it reads a call it answers ids that may come
 *   bad-answer         answers with both result and error
 *   twice              answers twice
 *   flood-stdout       a call makes it send notifications without end
 *   flood-stderr N     N bytes to stderr before each answer; 0: without end
 *   no-newline         a call makes it write one line without end, no JSON
 *   no-newline-json    the same, one JSON string
 *   half N             N bytes of an answer, and then no more
 *   slow N             answers after N ms
 *   progress N         the same, with a progress notification every 50 ms
 *   tells N            N log messages of 16 KiB before the answer, one every 5 ms
 *   eats N             a call makes it touch N MiB of memory first
 *   fills N            a call makes it write N files of 1 MiB to its home first
 *   big N              an answer of N bytes and a little more
 *   asks               asks for ping, sampling, roots and elicitation within a call, tells the answers
 *   asks-much N        sends N pings before it reads a single reply
 *   daemonise          leaves a grandchild in a session of its own; a call tells its pid
 *   spins N            a call makes it, and N children, do nothing as fast as they can
 *   forks N            a call makes it fork until it cannot or N are there; none of them leaves when asked
 *   ignores-term       neither SIGTERM nor the end of stdin make it leave
 *   clings             the same, and a call makes it close its stdout
 *   reads-nothing      stops reading after the handshake
 *   wants-network      a call makes it ask for an internet socket, and tell what came of it
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/json.h"

static const char	*mode;
static unsigned long	 number;
static char		*line;		/* the last one read, without its line feed */
static size_t		 line_room;
static pid_t		 grandchild;

static bool
is(const char *name)
{
	return strcmp(mode, name) == 0;
}

/* False at the end of stdin. */
static bool
hear(struct span *out)
{
	ssize_t	n = getline(&line, &line_room, stdin);

	if (n == -1)
		return false;
	if (n > 0 && line[n - 1] == '\n')
		line[--n] = '\0';
	*out = span_make(line, (size_t)n);
	return true;
}

static void
pause_ms(unsigned long ms)
{
	usleep((useconds_t)ms * 1000);
}

static void
forever(void)
{
	for (;;)
		pause();
}

static void
say_quoted(struct span text)
{
	struct buf	b;

	buf_init(&b, 64u << 20);
	if (json_put_string(&b, text) != 0)
		exit(70);
	printf("%.*s", SPAN_FMT(buf_rest(&b)));
	buf_fini(&b);
}

static void
answer_call(struct span id, struct span heard)
{
	printf("{\"jsonrpc\":\"2.0\",\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"");
	for (unsigned long i = 0; is("big") && i < number; i++)
		putchar('b');
	printf("\"}],\"structuredContent\":{\"pid\":%d,\"grandchild\":%d,\"heard\":", getpid(), grandchild);
	say_quoted(heard);
	printf("}},\"id\":%.*s}\n", SPAN_FMT(id));
}

static void
eat(void)
{
	for (unsigned long i = 0; i < number; i++) {
		char *p = malloc(1 << 20);

		if (p == NULL)
			exit(71);
		memset(p, 'e', 1 << 20);
	}
}

static void
fill(void)
{
	static char	 bytes[1 << 20];
	const char	*home = getenv("HOME");
	char		 path[128];
	FILE		*f;

	for (unsigned long i = 0; i < number; i++) {
		snprintf(path, sizeof(path), "%s/file-%lu", home == NULL ? "" : home, i);
		if ((f = fopen(path, "we")) == NULL)
			return;
		(void)!fwrite(bytes, 1, sizeof(bytes), f);
		fclose(f);
	}
}

static void
ask_all(struct span id)
{
	static const char *const methods[] = { "ping", "sampling/createMessage", "roots/list",
	    "elicitation/create" };
	char		 own[64];
	struct span	 reply;

	snprintf(own, sizeof(own), "%.*s", SPAN_FMT(id));
	for (size_t i = 0; i < 4; i++)
		printf("{\"jsonrpc\":\"2.0\",\"id\":\"ask-%zu\",\"method\":\"%s\",\"params\":{}}\n", i, methods[i]);
	fflush(stdout);
	for (size_t i = 0; i < 4; i++) {
		if (!hear(&reply))
			exit(0);
		if (i == 0)
			printf("{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":{\"content\":[],\"structuredContent\":"
			    "{\"replies\":[", own);
		printf("%s%.*s", i == 0 ? "" : ",", SPAN_FMT(reply));
	}
	printf("]}}}\n");
}

/* The replies stay in the pipe and in the runner until all are asked. */
static void
ask_much(void)
{
	struct span	reply;

	for (unsigned long i = 0; i < number; i++)
		printf("{\"jsonrpc\":\"2.0\",\"id\":\"ask-%lu\",\"method\":\"ping\"}\n", i);
	fflush(stdout);
	pause_ms(300);
	for (unsigned long i = 0; i < number; i++)
		if (!hear(&reply))
			exit(0);
}

static void
answer_early(void)
{
	for (int i = 0; i < 50; i++) {
		printf("{\"jsonrpc\":\"2.0\",\"id\":%d,\"result\":{\"stolen\":true}}\n", i % 10);
		fflush(stdout);
		pause_ms(10);
	}
}

static void
lie_before(struct span id, struct json_value message)
{
	struct span	token = json_get(json_get(json_get(message, "params"), "_meta"), "progressToken").raw;

	if (is("dies-on-call")) {
		fprintf(stderr, "first\nout of luck\n");
		exit(3);
	}
	if (is("dies-loudly")) {
		pause_ms(number);
		for (int i = 0; i < 600; i++)
			fputs("eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee\n", stderr);
		fputs("the last word\n", stderr);
		exit(4);
	}
	for (unsigned long i = 0; is("garbage") && i < number; i++)
		printf("line %lu is no JSON\n", i);
	for (unsigned long i = 0; is("controls") && i < number; i++) {
		fwrite("\0\0{}\0", 1, 5, stdout);
		printf("\033[2J\033]0;owned\007 line %lu\n", i);
	}
	if (is("clings")) {
		fclose(stdout);
		forever();
	}
	if (is("wrong-id"))
		printf("{\"jsonrpc\":\"2.0\",\"id\":%lu,\"result\":{\"stolen\":true}}\n"
		    "{\"jsonrpc\":\"2.0\",\"id\":\"%.*s\",\"result\":{\"stolen\":true}}\n"
		    "{\"jsonrpc\":\"2.0\",\"id\":987654321,\"result\":{\"stolen\":true}}\n"
		    "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":1,\"message\":\"whose?\"}}\n",
		    strtoul(id.p, NULL, 10) + 1, SPAN_FMT(id));
	if (is("bad-answer"))
		printf("{\"jsonrpc\":\"2.0\",\"id\":%.*s,\"result\":{},\"error\":{}}\n", SPAN_FMT(id));
	if (is("twice"))
		printf("{\"jsonrpc\":\"2.0\",\"id\":%.*s,\"result\":{\"content\":[]}}\n", SPAN_FMT(id));
	while (is("flood-stdout"))
		printf("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{\"level\":\"info\","
		    "\"data\":\"again\"}}\n");
	for (unsigned long i = 0; is("flood-stderr") && (number == 0 || i < number); i += 64)
		fputs("eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee\n", stderr);
	if (is("no-newline-json") || is("half"))
		printf("{\"jsonrpc\":\"2.0\",\"id\":%.*s,\"result\":{\"x\":\"", SPAN_FMT(id));
	while (is("no-newline") || is("no-newline-json"))
		fputs("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", stdout);
	for (unsigned long i = 0; is("half") && i < number; i++)
		putchar('h');
	if (is("half")) {
		fflush(stdout);
		forever();
	}
	if (is("slow"))
		pause_ms(number);
	for (unsigned long ms = 0; is("progress") && ms < number; ms += 50) {
		printf("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{\"progressToken\":%.*s,"
		    "\"progress\":%lu}}\n", SPAN_FMT(token), ms);
		fflush(stdout);
		pause_ms(50);
	}
}

static void
tell(void)
{
	for (unsigned long i = 0; i < number; i++) {
		printf("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{\"level\":\"info\","
		    "\"data\":\"%016384lu\"}}\n", i);
		fflush(stdout);
		pause_ms(5);
	}
}

static void
spin(void)
{
	for (unsigned long i = 0; i < number; i++)
		if (fork() == 0)
			break;
	for (volatile unsigned long i = 0;; i++)
		;
}

/* They share stdin and stdout with it, and outlive it where nobody ends them. */
static void
fork_much(void)
{
	for (unsigned long i = 0; i < number; i++) {
		pid_t	child = fork();

		if (child == -1)
			return;
		if (child == 0) {
			signal(SIGTERM, SIG_IGN);
			signal(SIGHUP, SIG_IGN);
			forever();
		}
	}
}

static void
on_call(struct span id, struct span heard, struct json_value message)
{
	char	text[128], own[64];

	lie_before(id, message);
	snprintf(own, sizeof(own), "%.*s", SPAN_FMT(id));
	if (is("tells"))
		tell();
	if (is("forks"))
		fork_much();
	if (is("spins"))
		spin();
	if (is("eats"))
		eat();
	if (is("fills"))
		fill();
	if (is("asks-much")) {
		ask_much();
		answer_call(span_of(own), SPAN_LIT("all replies"));
	} else if (is("asks")) {
		ask_all(id);
	} else if (is("wants-network")) {
		int	fd = socket(AF_INET, SOCK_STREAM, 0);

		snprintf(text, sizeof(text), fd == -1 ? "socket: %s" : "socket: granted", strerror(errno));
		answer_call(id, span_of(text));
	} else if (!is("mute")) {
		answer_call(id, heard);
	}
}

static void
on_message(struct span heard)
{
	struct json_value	message, method;
	struct span		id, offered;

	if (json_parse(heard, true, &message, NULL) != 0) {
		fprintf(stderr, "heard no JSON\n");
		exit(65);
	}
	method = json_get(message, "method");
	id = json_get(message, "id").raw;
	offered = json_get(json_get(message, "params"), "protocolVersion").raw;
	if (is("early") && json_is(method, "notifications/initialized"))
		answer_early();
	if (is("silent") || id.n == 0)
		return;
	if (json_is(method, "server/discover") && is("exits-on-discover"))
		exit(0);
	else if (json_is(method, "server/discover") && is("modern"))
		printf("{\"jsonrpc\":\"2.0\",\"id\":%.*s,\"result\":{\"resultType\":\"complete\",\"supportedVersions\":"
		    "[\"2026-07-28\"],\"capabilities\":{\"tools\":{}},\"ttlMs\":0,\"cacheScope\":\"private\"}}\n",
		    SPAN_FMT(id));
	else if (json_is(method, "server/discover") && is("future"))
		printf("{\"jsonrpc\":\"2.0\",\"id\":%.*s,\"error\":{\"code\":-32022,\"message\":\"no\",\"data\":"
		    "{\"supported\":[\"2099-01-01\"],\"requested\":\"2026-07-28\"}}}\n", SPAN_FMT(id));
	else if (json_is(method, "initialize") && is("refuses"))
		printf("{\"jsonrpc\":\"2.0\",\"id\":%.*s,\"error\":{\"code\":-32603,\"message\":\"not today\"}}\n",
		    SPAN_FMT(id));
	else if (json_is(method, "initialize") && !is("modern"))
		printf("{\"jsonrpc\":\"2.0\",\"id\":%.*s,\"result\":{\"protocolVersion\":%.*s,"
		    "\"capabilities\":{\"tools\":{}},\"serverInfo\":{\"name\":\"lying\",\"version\":\"1\"}}}\n",
		    SPAN_FMT(id), SPAN_FMT(offered.n > 0 ? offered : SPAN_LIT("\"2025-11-25\"")));
	else if (json_is(method, "tools/list"))
		printf("{\"jsonrpc\":\"2.0\",\"id\":%.*s,\"result\":{%s\"tools\":[{\"name\":\"anything\","
		    "\"inputSchema\":{\"type\":\"object\"}}]}}\n", SPAN_FMT(id), is("modern") ?
		    "\"resultType\":\"complete\",\"ttlMs\":0,\"cacheScope\":\"private\"," : "");
	else if (json_is(method, "tools/call"))
		on_call(id, heard, message);
	else
		printf("{\"jsonrpc\":\"2.0\",\"id\":%.*s,\"error\":{\"code\":-32601,\"message\":\"unknown\"}}\n",
		    SPAN_FMT(id));
	if (json_is(method, "initialize") && is("reads-nothing")) {
		fflush(stdout);
		forever();
	}
}

static void
leave_grandchild(void)
{
	int	p[2];
	pid_t	child;

	if (pipe(p) == -1 || (child = fork()) == -1)
		exit(71);
	if (child == 0) {
		setsid();
		grandchild = fork();
		if (grandchild == 0)
			forever();
		if (write(p[1], &grandchild, sizeof(grandchild)) == -1)
			_exit(1);
		_exit(0);
	}
	if (read(p[0], &grandchild, sizeof(grandchild)) != sizeof(grandchild) || waitpid(child, NULL, 0) == -1)
		exit(71);
	close(p[0]);
	close(p[1]);
}

int
main(int argc, char **argv)
{
	struct span	heard;

	if (argc < 2) {
		fprintf(stderr, "usage: lying-server MODE [N]\n");
		return 64;
	}
	mode = argv[1];
	number = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
	if (is("dies-at-once")) {
		fprintf(stderr, "no reason to live\n");
		return 1;
	}
	if (is("leaves-at-once"))
		return 0;
	while (is("runs-itself"))
		execv("/proc/self/exe", argv);
	if (is("ignores-term") || is("clings"))
		signal(SIGTERM, SIG_IGN);
	if (is("daemonise"))
		leave_grandchild();
	while (hear(&heard)) {
		on_message(heard);
		fflush(stdout);
	}
	if (is("ignores-term"))
		forever();
	return 0;
}
