/* SPDX-License-Identifier: Apache-2.0
 *
 * puppet.c - an MCP stdio server whose every line a test writes: puppet-server [MODE]
 *
 * It answers initialize, and `puppet/say`: that has "lines", which it writes as they are but for @NAME@,
 * the id of the last tools/call of that name, and @*N@, N bytes; its answer holds all lines heard so far
 * but for those.
 * Whatever else it hears it keeps, and answers nothing to.
 *
 *   (no MODE)   legacy, offers tools only
 *   logging     legacy, offers logging too
 *   modern      answers server/discover, knows no initialize
 *   deaf        legacy; after its first puppet/say it reads no more
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/json.h"

#define CALLS_MAX	128

static const char	*mode = "";
static char		*line;
static size_t		 line_room;
static struct buf	 heard;		/* a JSON array without its closing bracket */
static struct arena	 arena;
static struct {
	char	name[64], id[64];
} calls[CALLS_MAX];
static size_t		 call_count;

static void
must(int r)
{
	if (r != 0) {
		fprintf(stderr, "error %d\n", r);
		exit(70);
	}
}

static const char *
id_of(struct span name)
{
	for (size_t i = call_count; i > 0; i--)
		if (span_is(name, calls[i - 1].name))
			return calls[i - 1].id;
	return "null";
}

static void
say_named(struct span name)
{
	if (name.n > 1 && name.p[0] == '*')
		for (unsigned long n = strtoul(name.p + 1, NULL, 10); n > 0; n--)
			putchar('x');
	else
		fputs(id_of(name), stdout);
}

static void
say(struct span text)
{
	const char	*at, *behind;

	while ((at = memchr(text.p, '@', text.n)) != NULL &&
	    (behind = memchr(at + 1, '@', text.n - (size_t)(at + 1 - text.p))) != NULL) {
		fwrite(text.p, 1, (size_t)(at - text.p), stdout);
		say_named(span_make(at + 1, (size_t)(behind - at) - 1));
		text = span_part(text, (size_t)(behind + 1 - text.p), text.n);
	}
	fwrite(text.p, 1, text.n, stdout);
	putchar('\n');
}

static void
on_say(struct span id, struct json_value lines)
{
	struct json_iter	it;
	struct json_value	v;
	struct span		key, text;

	for (json_iter_init(&it, lines); json_iter_next(&it, &key, &v);) {
		must(json_string(v, &arena, &text));
		say(text);
	}
	printf("{\"jsonrpc\":\"2.0\",\"id\":%.*s,\"result\":{\"heard\":%.*s]}}\n", SPAN_FMT(id),
	    SPAN_FMT(buf_rest(&heard)));
}

static void
keep(struct span text, struct json_value message)
{
	struct span	name, id = json_get(message, "id").raw;

	if (buf_rest(&heard).n > 1)
		must(buf_put_str(&heard, ","));
	must(json_put_string(&heard, text));
	if (!json_is(json_get(message, "method"), "tools/call") || call_count == CALLS_MAX)
		return;
	must(json_string(json_get(json_get(message, "params"), "name"), &arena, &name));
	snprintf(calls[call_count].name, sizeof(calls[0].name), "%.*s", SPAN_FMT(name));
	snprintf(calls[call_count++].id, sizeof(calls[0].id), "%.*s", SPAN_FMT(id));
}

static void
on_message(struct span text)
{
	struct json_value	message, method;
	struct span		id;

	must(json_parse(text, true, &message, NULL));
	method = json_get(message, "method");
	id = json_get(message, "id").raw;
	if (json_is(method, "puppet/say")) {
		on_say(id, json_get(json_get(message, "params"), "lines"));
		return;
	}
	keep(text, message);
	if (json_is(method, "server/discover") && strcmp(mode, "modern") == 0)
		printf("{\"jsonrpc\":\"2.0\",\"id\":%.*s,\"result\":{\"resultType\":\"complete\",\"supportedVersions\":"
		    "[\"2026-07-28\"],\"capabilities\":{\"tools\":{}},\"ttlMs\":0,\"cacheScope\":\"private\"}}\n",
		    SPAN_FMT(id));
	else if (json_is(method, "server/discover"))
		printf("{\"jsonrpc\":\"2.0\",\"id\":%.*s,\"error\":{\"code\":-32601,\"message\":\"unknown\"}}\n",
		    SPAN_FMT(id));
	else if (json_is(method, "initialize"))
		printf("{\"jsonrpc\":\"2.0\",\"id\":%.*s,\"result\":{\"protocolVersion\":\"2025-11-25\","
		    "\"capabilities\":{\"tools\":{}%s},\"serverInfo\":{\"name\":\"puppet\",\"version\":\"1\"}}}\n",
		    SPAN_FMT(id), strcmp(mode, "logging") == 0 ? ",\"logging\":{}" : "");
}

int
main(int argc, char **argv)
{
	ssize_t	n;

	if (argc > 1)
		mode = argv[1];
	buf_init(&heard, 64u << 20);
	must(buf_put_str(&heard, "["));
	while ((n = getline(&line, &line_room, stdin)) > 0) {
		bool	last = strcmp(mode, "deaf") == 0 && strstr(line, "puppet/say") != NULL;

		arena_init(&arena, NULL, 0, 64u << 20);
		on_message(span_make(line, (size_t)n - (line[n - 1] == '\n')));
		arena_fini(&arena);
		fflush(stdout);
		while (last)
			pause();
	}
	return 0;
}
