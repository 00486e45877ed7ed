/* SPDX-License-Identifier: Apache-2.0
 *
 * serve.c - MCP for the example servers; over stdin and stdout, or as http.c asks
 *
 * Process: an example server.  Owns: stdin's unfinished line, the calls that wait.
 * Trusts:  nobody: every line is proven before it is read.
 *
 * Revisions with a handshake (2024-11-05 to 2025-11-25) and, where the server says so, 2026-07-28,
 * which has none: there each request carries its revision in `_meta`.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "demo/serve.h"
#include "lib/fd.h"

#define LINE_MAX_BYTES	(16u << 20)
#define ANSWER_MAX	(64u << 20)
#define WAITING_MAX	64
#define MODERN		"2026-07-28"
#define NEWEST_LEGACY	"2025-11-25"
#define META_VERSION	"io.modelcontextprotocol/protocolVersion"
#define META_SERVER	"io.modelcontextprotocol/serverInfo"

static const char *const legacy[] = { "2025-06-18", "2025-03-26", "2024-11-05" };

struct waiting {
	char			*id;		/* raw; NULL: a free place */
	bool			 modern;
	uint64_t		 due_ms;
	struct demo_answer	 answer;
};

static const struct demo_server	*server;
static struct waiting		 waiting[WAITING_MAX];
static struct buf		*sink;		/* takes what is said; NULL: stdout */

static uint64_t
now_ms(void)
{
	struct timespec	t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* An example server that cannot build or write its answer has nothing better to do than to end. */
static void
need(int r)
{
	if (r == 0)
		return;
	fprintf(stderr, "%s: %s\n", server->name, err_text(r));
	exit(1);
}

static void
say(struct buf *line)
{
	need(buf_put_u8(line, '\n'));
	need(sink != NULL ? buf_put(sink, buf_rest(line)) : fd_write_all(STDOUT_FILENO, buf_rest(line)));
	buf_fini(line);
}

static void
say_error(struct span id, int code, const char *message)
{
	struct buf	line;

	buf_init(&line, ANSWER_MAX);
	need(buf_put_str(&line, "{\"jsonrpc\":\"2.0\""));
	if (id.n > 0)
		need(buf_put_fmt(&line, ",\"id\":%.*s", SPAN_FMT(id)));
	need(buf_put_fmt(&line, ",\"error\":{\"code\":%d,\"message\":", code));
	need(json_put_string(&line, span_of(message)));
	need(buf_put_str(&line, "}}"));
	say(&line);
}

static void
begin_result(struct buf *line, struct span id, bool modern)
{
	buf_init(line, ANSWER_MAX);
	need(buf_put_fmt(line, "{\"jsonrpc\":\"2.0\",\"id\":%.*s,\"result\":{", SPAN_FMT(id)));
	if (modern)
		need(buf_put_fmt(line, "\"resultType\":\"complete\",\"_meta\":{\"" META_SERVER "\":"
		    "{\"name\":\"%s\",\"version\":\"%s\"}},", server->name, server->version));
}

static void
say_call_result(struct span id, bool modern, struct demo_answer *answer, bool failed)
{
	struct buf	line;

	begin_result(&line, id, modern);
	need(buf_put_str(&line, "\"content\":[{\"type\":\"text\",\"text\":"));
	need(json_put_string(&line, buf_rest(&answer->text)));
	need(buf_put_str(&line, "}]"));
	if (!failed && buf_rest(&answer->structured).n > 0) {
		need(buf_put_str(&line, ",\"structuredContent\":"));
		need(buf_put(&line, buf_rest(&answer->structured)));
	}
	need(buf_put_str(&line, failed ? ",\"isError\":true}}" : "}}"));
	say(&line);
	buf_fini(&answer->text);
	buf_fini(&answer->structured);
}

enum demo_outcome
demo_fail(struct demo_answer *answer, const char *fmt, ...)
{
	va_list	ap;

	buf_clear(&answer->text);
	va_start(ap, fmt);
	need(buf_put_vfmt(&answer->text, fmt, ap));
	va_end(ap);
	return DEMO_FAILED;
}

/* --- methods ------------------------------------------------------------------------------------- */

static void
on_initialize(struct span id, struct json_value params)
{
	struct json_value	 asked = json_get(params, "protocolVersion");
	const char		*chosen = NEWEST_LEGACY;
	struct buf		 line;

	for (size_t i = 0; i < sizeof(legacy) / sizeof(legacy[0]); i++)
		if (json_is(asked, legacy[i]))
			chosen = legacy[i];
	begin_result(&line, id, false);
	need(buf_put_fmt(&line, "\"protocolVersion\":\"%s\",\"capabilities\":{\"tools\":{}},\"serverInfo\":"
	    "{\"name\":\"%s\",\"version\":\"%s\"},\"instructions\":", chosen, server->name,
	    server->version));
	need(json_put_string(&line, span_of(server->instructions)));
	need(buf_put_str(&line, "}}"));
	say(&line);
}

static void
on_ping(struct span id)
{
	struct buf	line;

	begin_result(&line, id, false);
	need(buf_put_str(&line, "}}"));
	say(&line);
}

static void
on_discover(struct span id)
{
	struct buf	line;

	begin_result(&line, id, true);
	need(buf_put_str(&line, "\"supportedVersions\":[\"" MODERN "\",\"" NEWEST_LEGACY "\"],"
	    "\"capabilities\":{\"tools\":{}},\"ttlMs\":3600000,\"cacheScope\":\"public\",\"instructions\":"));
	need(json_put_string(&line, span_of(server->instructions)));
	need(buf_put_str(&line, "}}"));
	say(&line);
}

static void
on_list(struct span id, bool modern)
{
	struct buf	line;

	begin_result(&line, id, modern);
	need(buf_put_str(&line, "\"tools\":["));
	for (size_t i = 0; i < server->tool_count; i++)
		need(buf_put_fmt(&line, "%s{\"name\":\"%s\",%s}", i == 0 ? "" : ",", server->tools[i].name,
		    server->tools[i].about));
	need(buf_put_str(&line, modern ? "],\"ttlMs\":3600000,\"cacheScope\":\"public\"}}" : "]}}"));
	say(&line);
}

static bool
wait_for(struct span id, bool modern, struct demo_answer *answer)
{
	for (size_t i = 0; i < WAITING_MAX; i++) {
		struct waiting	*w = &waiting[i];

		if (w->id != NULL)
			continue;
		if ((w->id = strndup(id.p, id.n)) == NULL)
			need(E_NOMEM);
		w->modern = modern;
		w->due_ms = now_ms() + answer->wait_ms;
		w->answer = *answer;
		return true;
	}
	return false;
}

static void
on_call(struct span id, struct json_value params, bool modern)
{
	struct json_value	 arguments = json_get(params, "arguments");
	const struct demo_tool	*tool = NULL;
	struct demo_answer	 answer;
	enum demo_outcome	 outcome;

	for (size_t i = 0; i < server->tool_count; i++)
		if (json_is(json_get(params, "name"), server->tools[i].name))
			tool = &server->tools[i];
	if (tool == NULL || (arguments.type != JSON_OBJECT && arguments.type != JSON_NONE)) {
		say_error(id, -32602, tool == NULL ? "Unknown tool" : "arguments must be an object");
		return;
	}
	answer = (struct demo_answer){ .wait_ms = 0 };
	buf_init(&answer.text, ANSWER_MAX / 8);
	buf_init(&answer.structured, ANSWER_MAX / 8);
	outcome = tool->fn(arguments, &answer);
	if (outcome == DEMO_LATER) {
		if (wait_for(id, modern, &answer))
			return;
		outcome = demo_fail(&answer, "too many calls wait already");
	}
	say_call_result(id, modern, &answer, outcome == DEMO_FAILED);
}

static void
on_cancelled(struct json_value params)
{
	struct span	id = json_get(params, "requestId").raw;

	for (size_t i = 0; i < WAITING_MAX; i++) {
		struct waiting	*w = &waiting[i];

		if (w->id == NULL || !span_is(id, w->id))
			continue;
		buf_fini(&w->answer.text);
		buf_fini(&w->answer.structured);
		free(w->id);
		w->id = NULL;
	}
}

/* A request of 2026-07-28 names its revision; false when it was refused for that. */
static bool
check_revision(struct span id, struct json_value params, bool *modern)
{
	struct json_value	version = json_get(json_get(params, "_meta"), META_VERSION);
	struct buf		line;

	*modern = server->modern && version.type != JSON_NONE;
	if (!*modern || json_is(version, MODERN))
		return true;
	buf_init(&line, ANSWER_MAX);
	need(buf_put_fmt(&line, "{\"jsonrpc\":\"2.0\",\"id\":%.*s,\"error\":{\"code\":-32022,\"message\":"
	    "\"Unsupported protocol version\",\"data\":{\"supported\":[\"" MODERN "\",\"" NEWEST_LEGACY
	    "\"],\"requested\":%.*s}}}", SPAN_FMT(id), SPAN_FMT(version.raw)));
	say(&line);
	return false;
}

static void
on_request(struct span id, struct json_value method, struct json_value params)
{
	bool	modern;

	if (!check_revision(id, params, &modern))
		return;
	if (modern && json_is(method, "server/discover"))
		on_discover(id);
	else if (!modern && json_is(method, "initialize"))
		on_initialize(id, params);
	else if (!modern && json_is(method, "ping"))
		on_ping(id);
	else if (json_is(method, "tools/list"))
		on_list(id, modern);
	else if (json_is(method, "tools/call"))
		on_call(id, params, modern);
	else
		say_error(id, -32601, "Method not found");
}

static void
on_line(struct span text)
{
	struct json_value	message, id, method, params;

	if (span_trim(text).n == 0)
		return;
	if (json_parse(text, false, &message, NULL) != 0) {
		say_error(SPAN_NONE, -32700, "Parse error");
		return;
	}
	id = json_get(message, "id");
	method = json_get(message, "method");
	params = json_get(message, "params");
	if (!json_is(json_get(message, "jsonrpc"), "2.0") || method.type != JSON_STRING ||
	    (id.type != JSON_NONE && id.type != JSON_STRING && !json_is_integer(id.raw)))
		say_error(SPAN_NONE, -32600, "Invalid request");
	else if (id.type != JSON_NONE)
		on_request(id.raw, method, params);
	else if (json_is(method, "notifications/cancelled"))
		on_cancelled(params);
}

/* --- the loop ------------------------------------------------------------------------------------ */

/* Answers what is due; milliseconds to the next, or -1. */
static int
settle_waiting(void)
{
	uint64_t	now = now_ms(), next = UINT64_MAX;

	for (size_t i = 0; i < WAITING_MAX; i++) {
		struct waiting	*w = &waiting[i];

		if (w->id == NULL)
			continue;
		if (w->due_ms > now) {
			next = w->due_ms - now < next ? w->due_ms - now : next;
			continue;
		}
		say_call_result(span_of(w->id), w->modern, &w->answer, false);
		free(w->id);
		w->id = NULL;
	}
	return next == UINT64_MAX ? -1 : (int)next;
}

static void
take_lines(struct buf *in)
{
	for (;;) {
		struct span	 rest = buf_rest(in);
		const char	*end = memchr(rest.p, '\n', rest.n);

		if (end == NULL)
			return;
		on_line(span_make(rest.p, (size_t)(end - rest.p)));
		buf_drain(in, (size_t)(end - rest.p) + 1);
	}
}

void
demo_answer_one(const struct demo_server *s, struct span message, struct buf *out)
{
	int	ms;

	server = s;
	sink = out;
	on_line(message);
	while ((ms = settle_waiting()) >= 0)
		(void)poll(NULL, 0, ms);
	sink = NULL;
}

static int
serve_stdin(const struct demo_server *s)
{
	struct pollfd	 p = { .fd = STDIN_FILENO, .events = POLLIN };
	struct buf	 in;
	char		*room;
	ssize_t		 n;

	server = s;
	buf_init(&in, LINE_MAX_BYTES);
	for (;;) {
		if (poll(&p, 1, settle_waiting()) == -1 && errno != EINTR)
			return 1;
		if (p.revents == 0)
			continue;
		need(buf_reserve(&in, 4096, &room));
		n = read(STDIN_FILENO, room, 4096);
		if (n == 0)
			break;
		if (n == -1)
			return 1;
		buf_commit(&in, (size_t)n);
		take_lines(&in);
	}
	buf_fini(&in);
	return 0;
}

int
demo_main(const struct demo_server *s, int argc, char **argv)
{
	if (argc == 1)
		return serve_stdin(s);
	if (argc == 2 && strcmp(argv[1], "--http") == 0)
		return demo_serve_http(s);
	fprintf(stderr, "usage: %s [--http]\n", s->name);
	return 64;
}
