/* SPDX-License-Identifier: Apache-2.0
 *
 * witness.c - a server that writes down each call it sees before it does anything else: witness-server LOG [WORD...]
 *
 *   modern   speaks 2026-07-28 alone; else 2025-11-25 alone
 *   http     on a free port of the loopback, which is the only line on stdout, until the parent dies; else over stdin
 *            and stdout
 *
 * Tools t0 to t7 and never: each answers after "ms" milliseconds with its "id", beside others that wait.  A line of LOG,
 * which several may share, is an id, the tool, and the process.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/json.h"
#include "tests/servers/loopback.h"

#define META	"\"_meta\":{\"io.modelcontextprotocol/serverInfo\":{\"name\":\"witness\",\"version\":\"1\"}}"
#define TOOL(name) "{\"name\":\"" name "\",\"inputSchema\":{\"type\":\"object\"}}"
#define TOOLS	"\"tools\":[" TOOL("t0") "," TOOL("t1") "," TOOL("t2") "," TOOL("t3") "," TOOL("t4") "," TOOL("t5") ","	\
		TOOL("t6") "," TOOL("t7") "," TOOL("never") "]"
#define MS_MOST	60000

static bool	modern;
static int	log_fd;

/* One write, so that lines of several processes do not mix. */
static void
note(struct json_value id, struct json_value tool)
{
	char	line[512];
	int	n = snprintf(line, sizeof(line), "%.*s %.*s %d\n", SPAN_FMT(id.raw), SPAN_FMT(tool.raw), (int)getpid());

	if (n < 0 || (size_t)n >= sizeof(line) || write(log_fd, line, (size_t)n) != n)
		_exit(74);
}

static int
put_call(struct buf *to, struct json_value params)
{
	struct json_value	arguments = json_get(params, "arguments"), id = json_get(arguments, "id");
	uint64_t		ms = 0;

	note(id, json_get(params, "name"));
	if (json_u64(json_get(arguments, "ms"), &ms) == 0 && ms > 0 && ms <= MS_MOST)
		usleep((useconds_t)ms * 1000);
	return buf_put_fmt(to, "\"content\":[{\"type\":\"text\",\"text\":%.*s}]", SPAN_FMT(id.raw));
}

/* The answer to one message, with its line end; nothing to a notification. */
static int
answer(struct span line, struct buf *to)
{
	struct json_value	message, id, method;
	int			r;

	if (json_parse(line, false, &message, NULL) != 0 || (id = json_get(message, "id")).type == JSON_NONE)
		return 0;
	method = json_get(message, "method");
	if ((r = buf_put_fmt(to, "{\"jsonrpc\":\"2.0\",\"id\":%.*s,", SPAN_FMT(id.raw))) != 0)
		return r;
	if (!json_is(method, "tools/call") && !json_is(method, "tools/list") &&
	    !json_is(method, modern ? "server/discover" : "initialize"))
		return buf_put_str(to, "\"error\":{\"code\":-32601,\"message\":\"no such method\"}}\n");
	if ((r = buf_put_str(to, modern ? "\"result\":{\"resultType\":\"complete\"," META "," : "\"result\":{")) != 0)
		return r;
	if (json_is(method, "tools/call"))
		r = put_call(to, json_get(message, "params"));
	else if (json_is(method, "tools/list"))
		r = buf_put_str(to, modern ? TOOLS ",\"ttlMs\":60000,\"cacheScope\":\"private\"" : TOOLS);
	else
		r = buf_put_str(to, modern ? "\"supportedVersions\":[\"2026-07-28\"],\"capabilities\":{\"tools\":{}},"
		    "\"ttlMs\":0,\"cacheScope\":\"private\"" : "\"protocolVersion\":\"2025-11-25\",\"capabilities\":"
		    "{\"tools\":{}},\"serverInfo\":{\"name\":\"witness\",\"version\":\"1\"}");
	return r == 0 ? buf_put_str(to, "}}\n") : r;
}

static void
begin(void *(*fn)(void *), void *arg)
{
	pthread_attr_t	small;
	pthread_t	thread;

	if (pthread_attr_init(&small) != 0 || pthread_attr_setstacksize(&small, 1 << 18) != 0 ||
	    pthread_attr_setdetachstate(&small, PTHREAD_CREATE_DETACHED) != 0 ||
	    pthread_create(&thread, &small, fn, arg) != 0)
		_exit(71);
	(void)pthread_attr_destroy(&small);
}

/* --- over stdin, over HTTP -------------------------------------------------------------------- */

static void *
serve_line(void *arg)
{
	static pthread_mutex_t	lock = PTHREAD_MUTEX_INITIALIZER;
	char			*line = arg;
	struct buf		 out;

	buf_init(&out, 1 << 20);
	if (answer(span_of(line), &out) != 0)
		_exit(70);
	pthread_mutex_lock(&lock);
	if (fd_write_all(STDOUT_FILENO, buf_rest(&out)) != 0)
		_exit(74);
	pthread_mutex_unlock(&lock);
	buf_fini(&out);
	free(line);
	return NULL;
}

static void
serve_stdin(void)
{
	char	*line = NULL;
	size_t	 room = 0;
	ssize_t	 n;

	while ((n = getline(&line, &room, stdin)) > 0) {
		line[n - (line[n - 1] == '\n')] = '\0';
		begin(serve_line, strdup(line));
	}
	free(line);
}

static void *
serve_connection(void *arg)
{
	int		 fd = (int)(intptr_t)arg;
	char		*text = malloc(LOOPBACK_REQUEST_MAX);
	struct buf	 out;
	size_t		 head;
	bool		 post;

	while (text != NULL && loopback_read(fd, text, LOOPBACK_REQUEST_MAX, &head)) {
		buf_init(&out, 1 << 20);
		post = strncmp(text, "POST ", 5) == 0;
		if (post && answer(span_of(text + head), &out) != 0)
			_exit(70);
		(void)dprintf(fd, "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%.*s", !post ?
		    "405 No" : out.used > 0 ? "200 OK" : "202 Accepted", out.used, SPAN_FMT(buf_rest(&out)));
		buf_fini(&out);
	}
	free(text);
	close(fd);
	return NULL;
}

static void
serve_http(void)
{
	int		fd, listener = loopback_begin(NULL);

	while ((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) != -1)
		begin(serve_connection, (void *)(intptr_t)fd);
}

int
main(int argc, char **argv)
{
	bool	http = false;

	if (argc < 2 || (log_fd = open(argv[1], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666)) == -1) {
		perror(argc < 2 ? "witness-server: no log" : argv[1]);
		return 74;
	}
	for (int i = 2; i < argc; i++) {
		modern = modern || strcmp(argv[i], "modern") == 0;
		http = http || strcmp(argv[i], "http") == 0;
	}
	if (http)
		serve_http();
	else
		serve_stdin();
	return 0;
}
