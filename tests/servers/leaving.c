/* SPDX-License-Identifier: Apache-2.0
 *
 * leaving.c - an MCP stdio server that leaves things behind and looks for what others left: leaving-server
 *
 *   leave        a file in its home and in /tmp, a unix socket in /tmp, and a daemon that is deaf to SIGTERM
 *   look         what of this it sees: "home", "tmp", "socket", "daemon", or "nothing"
 *   environment  its environment, a variable a line
 *   spin         uses the processor and never answers
 *
 * What it cannot leave, it does without.
 */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/servers/lines.h"

extern char	**environ;

static const char *
home_file(void)
{
	static char	path[256];
	const char	*home = getenv("HOME");

	snprintf(path, sizeof(path), "%s/left", home != NULL ? home : "");
	return path;
}

static void
leave_file(const char *path)
{
	FILE	*f = fopen(path, "w");

	if (f != NULL)
		fclose(f);
}

static void
leave(void)
{
	struct sockaddr_un	at = { .sun_family = AF_UNIX, .sun_path = "/tmp/left.sock" };
	int			fd = socket(AF_UNIX, SOCK_STREAM, 0);

	leave_file(home_file());
	leave_file("/tmp/left");
	if (fd != -1 && bind(fd, (void *)&at, sizeof(at)) == 0)
		(void)!listen(fd, 1);
	if (fork() == 0) {
		setsid();
		signal(SIGTERM, SIG_IGN);
		if (fork() != 0)
			_exit(0);
		for (;;)
			pause();
	}
	printf("left");
}

static bool
others_run(void)
{
	DIR		*d = opendir("/proc");
	struct dirent	*e;
	bool		 yes = false;

	while (d != NULL && (e = readdir(d)) != NULL) {
		long pid = strtol(e->d_name, NULL, 10);

		yes |= pid > 1 && pid != getpid();
	}
	if (d != NULL)
		closedir(d);
	return yes;
}

static void
look(void)
{
	bool	home = access(home_file(), F_OK) == 0, tmp = access("/tmp/left", F_OK) == 0,
		sock = access("/tmp/left.sock", F_OK) == 0, daemon = others_run();

	printf("%s%s%s%s%s", home ? "home " : "", tmp ? "tmp " : "", sock ? "socket " : "", daemon ? "daemon " : "",
	    home || tmp || sock || daemon ? "" : "nothing");
}

static void
tell_environment(void)
{
	struct buf	b;

	for (char **e = environ; *e != NULL; e++) {
		buf_init(&b, 1 << 20);
		if (json_put_string(&b, span_of(*e)) == 0) {
			struct span s = buf_rest(&b);

			printf("%.*s\\n", (int)s.n - 2, s.p + 1);
		}
		buf_fini(&b);
	}
}

static void
on_call(struct json_value name)
{
	volatile unsigned long	turns = 0;

	while (json_is(name, "spin"))
		turns++;
	printf("\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"");
	if (json_is(name, "leave"))
		leave();
	else if (json_is(name, "look"))
		look();
	else if (json_is(name, "environment"))
		tell_environment();
	printf("\"}]}}\n");
}

#define TOOL(name)	"{\"name\":\"" name "\",\"inputSchema\":{\"type\":\"object\"}}"

static void
on_request(struct span id, struct json_value method, struct json_value params)
{
	printf("{\"jsonrpc\":\"2.0\",\"id\":%.*s,", SPAN_FMT(id));
	if (json_is(method, "initialize"))
		printf("\"result\":{\"protocolVersion\":\"2025-11-25\",\"capabilities\":{\"tools\":{}},"
		    "\"serverInfo\":{\"name\":\"leaving\",\"version\":\"1\"}}}\n");
	else if (json_is(method, "tools/list"))
		printf("\"result\":{\"tools\":[" TOOL("leave") "," TOOL("look") "," TOOL("environment") ","
		    TOOL("spin") "]}}\n");
	else if (json_is(method, "tools/call"))
		on_call(json_get(params, "name"));
	else
		printf("\"error\":{\"code\":-32601,\"message\":\"unknown\"}}\n");
}

int
main(void)
{
	return lines_serve(on_request);
}
