/* SPDX-License-Identifier: Apache-2.0
 *
 * echoing.c - a server whose tools answer with what they were called by: echoing-server [WORD...]
 *
 *   modern   speaks 2026-07-28 alone; else 2025-11-25 alone
 *   http     on a free port of the loopback, which is the only line on stdout, until the parent dies; else over stdin
 *            and stdout
 *   bare     knows tools/call and nothing else of MCP, and answers with an object of its own
 *
 * An answer is the request's head, for HTTP, and its params, as text.  Tools: query, plain, and other.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/json.h"
#include "tests/servers/loopback.h"

#define META	"\"_meta\":{\"io.modelcontextprotocol/serverInfo\":{\"name\":\"echoing\",\"version\":\"1\"}}"
#define TOOLS	"\"tools\":[{\"name\":\"query\",\"description\":\"Its own words.\",\"annotations\":{\"readOnlyHint\":true,"	\
	"\"openWorldHint\":true},\"inputSchema\":{\"type\":\"object\",\"properties\":{\"sql\":{\"type\":\"string\"},"		\
	"\"limit\":{\"type\":\"integer\",\"x-mcp-header\":\"Limit\",\"default\":5},\"mode\":{\"type\":\"string\","		\
	"\"x-mcp-header\":\"Mode\"}},\"required\":[\"sql\",\"mode\",\"limit\"]}},"						\
	"{\"name\":\"plain\",\"inputSchema\":{\"type\":\"object\"}},{\"name\":\"other\",\"inputSchema\":{\"type\":\"object\"}}]"

static bool	 modern, http, bare;
static FILE	*out;

static void
put(const char *result)
{
	if (modern)
		fprintf(out, "\"result\":{\"resultType\":\"complete\"," META ",%s}}\n", result);
	else
		fprintf(out, "\"result\":{%s}}\n", result);
}

static void
put_echo(struct json_value params, const char *head)
{
	struct buf	text, json;

	buf_init(&text, 1 << 20);
	buf_init(&json, 8 << 20);
	if (buf_put_fmt(&text, "%s%.*s", head, SPAN_FMT(params.raw)) != 0 || json_put_string(&json, buf_rest(&text)) != 0)
		exit(70);
	if (bare)
		fprintf(out, "\"result\":{\"said\":%.*s}}\n", SPAN_FMT(buf_rest(&json)));
	else
		fprintf(out, "\"result\":{%s\"content\":[{\"type\":\"text\",\"text\":%.*s}]}}\n",
		    modern ? "\"resultType\":\"complete\"," META "," : "", SPAN_FMT(buf_rest(&json)));
	buf_fini(&text);
	buf_fini(&json);
}

static void
answer(struct span line, const char *head)
{
	struct json_value	message, id, method;

	if (json_parse(line, false, &message, NULL) != 0 || (id = json_get(message, "id")).type == JSON_NONE)
		return;
	method = json_get(message, "method");
	fprintf(out, "{\"jsonrpc\":\"2.0\",\"id\":%.*s,", SPAN_FMT(id.raw));
	if (json_is(method, "tools/call") && json_is(json_get(json_get(message, "params"), "name"), "other"))
		fprintf(out, "\"error\":{\"code\":-32003,\"message\":\"as you wish\"}}\n");
	else if (json_is(method, "tools/call"))
		put_echo(json_get(message, "params"), head);
	else if (!bare && json_is(method, "tools/list"))
		put(modern ? TOOLS ",\"ttlMs\":0,\"cacheScope\":\"private\"" : TOOLS);
	else if (!bare && !modern && json_is(method, "initialize"))
		put("\"protocolVersion\":\"2025-11-25\",\"capabilities\":{\"tools\":{}},\"serverInfo\":{\"name\":\"echoing\","
		    "\"version\":\"1\"}");
	else if (modern && json_is(method, "server/discover"))
		put("\"supportedVersions\":[\"2026-07-28\"],\"capabilities\":{\"tools\":{}},\"ttlMs\":0,"
		    "\"cacheScope\":\"private\"");
	else
		fprintf(out, "\"error\":{\"code\":-32601,\"message\":\"no such method\"}}\n");
}

/* --- over stdin, over HTTP -------------------------------------------------------------------- */

static void
serve_stdin(void)
{
	char	*line = NULL;
	size_t	 room = 0;
	ssize_t	 n;

	out = stdout;
	while ((n = getline(&line, &room, stdin)) > 0) {
		answer(span_make(line, (size_t)n - (line[n - 1] == '\n')), "");
		fflush(out);
	}
	free(line);
}

static void
answer_posted(const char *head, size_t head_bytes, const char *body, size_t bytes, FILE *to)
{
	char	*text;

	if ((text = strndup(head, head_bytes)) == NULL)
		exit(71);
	out = to;
	answer(span_make(body, bytes), text);
	free(text);
}

int
main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		modern = modern || strcmp(argv[i], "modern") == 0;
		http = http || strcmp(argv[i], "http") == 0;
		bare = bare || strcmp(argv[i], "bare") == 0;
	}
	if (http)
		loopback_serve(answer_posted);
	else
		serve_stdin();
	return 0;
}
