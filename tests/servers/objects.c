/* SPDX-License-Identifier: Apache-2.0
 *
 * objects.c - an MCP server with prompts, resources, templates and completion: objects-server NAME [WORD...]
 *
 *   modern   speaks 2026-07-28 alone; else 2025-11-25 alone
 *   http     on a free port of the loopback, which is the only line on stdout, until the parent dies;
 *            else over stdin and stdout
 *   rich     lists what objects_rich.c says
 *   bare     has tools only, and says so
 *   many     has 2,500 resources more
 *   links    points to resources wherever something can
 *
 * Everybody has the resource shared://all and the prompt greet; the rest bears the server's name.  What it
 * answers says who it is and what it was asked for.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/servers/loopback.h"
#include "tests/servers/objects.h"

#define META	"\"_meta\":{\"io.modelcontextprotocol/serverInfo\":{\"name\":\"objects\",\"version\":\"1\"}}"
#define MANY	2500
#define UI	"\"_meta\":{\"x\":1,\"ui\":{\"resourceUri\":\"ui://page\"},\"ui/resourceUri\":\"ui://page\"}"
#define LINK(uri) "{\"type\":\"resource_link\",\"name\":\"l\",\"uri\":\"" uri "\"}"
#define HELD	"{\"type\":\"resource\",\"resource\":{\"uri\":\"shared://all\",\"text\":\"shared://all\"}}"

static const char	*name;
static bool		 modern, http, bare, many, links;
static bool		 rich;
static FILE		*out;

/* Text between the quotes of a string without escapes. */
static struct span
text_of(struct json_value v)
{
	return v.type == JSON_STRING ? span_part(v.raw, 1, v.raw.n - 2) : SPAN_LIT("");
}

static void
put_capabilities(void)
{
	fprintf(out, "\"capabilities\":{\"tools\":{}%s},\"instructions\":\"Use %s well.\"",
	    bare ? "" : ",\"prompts\":{},\"resources\":{},\"completions\":{}", name);
}

static void
put_list(const char *method)
{
	if (strcmp(method, "tools/list") == 0)
		fprintf(out, "\"tools\":[{\"name\":\"point\",\"inputSchema\":{\"type\":\"object\"}%s}]", links ? "," UI : "");
	else if (strcmp(method, "prompts/list") == 0)
		fprintf(out, "\"prompts\":[{\"name\":\"greet\",\"title\":\"Greet\",\"icons\":[],\"arguments\":[{\"name\":"
		    "\"who\"}]},{\"name\":\"only %s\"}]", name);
	else if (strcmp(method, "resources/templates/list") == 0)
		fprintf(out, "\"resourceTemplates\":[{\"name\":\"t\",\"uriTemplate\":\"%s://item/{id}\"},"
		    "{\"name\":\"s\",\"uriTemplate\":\"same://{id}\"}]", name);
	else {
		fprintf(out, "\"resources\":[{\"name\":\"all\",\"uri\":\"shared://all\",\"description\":\"of %s\"},"
		    "{\"name\":\"own\",\"uri\":\"%s://own\"}", name, name);
		for (int i = 0; many && i < MANY; i++)
			fprintf(out, ",{\"name\":\"n\",\"uri\":\"%s://many/%d\"}", name, i);
		fprintf(out, "]");
	}
	if (modern)
		fprintf(out, ",\"ttlMs\":1000,\"cacheScope\":\"public\"");
}

static void
on_read(struct span uri)
{
	if (memmem(uri.p, uri.n, "missing", 7) != NULL) {
		fprintf(out, "\"error\":{\"code\":%d,\"message\":\"Resource not found\",\"data\":{\"uri\":\"%.*s\"}}}\n",
		    modern ? -32602 : -32002, SPAN_FMT(uri));
		return;
	}
	fprintf(out, "\"result\":{%s\"contents\":[{\"uri\":\"%.*s\",\"text\":\"%s has %.*s\"}]%s}}\n",
	    modern ? "\"resultType\":\"complete\"," META "," : "", SPAN_FMT(uri), name, SPAN_FMT(uri),
	    modern ? ",\"ttlMs\":1000,\"cacheScope\":\"public\"" : "");
}

static void
on_method(struct json_value method, struct json_value params)
{
	static const char *const lists[] = { "tools/list", "prompts/list", "resources/list",
		"resources/templates/list" };
	struct json_value	ref = json_get(params, "ref");
	struct span		key = text_of(json_get(params, "name"));
	const char		*head = modern ? "\"resultType\":\"complete\"," META "," : "";

	for (size_t i = 0; i < (bare ? 1u : 4u); i++)
		if (json_is(method, lists[i])) {
			fprintf(out, "\"result\":{%s", head);
			put_list(lists[i]);
			fprintf(out, "}}\n");
			return;
		}
	if (!modern && json_is(method, "initialize")) {
		fprintf(out, "\"result\":{\"protocolVersion\":\"2025-11-25\",\"serverInfo\":{\"name\":\"objects\","
		    "\"version\":\"1\"},");
		put_capabilities();
		fprintf(out, "}}\n");
	} else if (modern && json_is(method, "server/discover")) {
		fprintf(out, "\"result\":{%s\"supportedVersions\":[\"2026-07-28\"],", head);
		put_capabilities();
		fprintf(out, ",\"ttlMs\":1000,\"cacheScope\":\"public\"}}\n");
	} else if (links && json_is(method, "tools/call")) {
		fprintf(out, "\"result\":{%s\"structuredContent\":{\"uri\":\"shared://all\"},\"content\":[" HELD ","
		    LINK("hidden://x") "," LINK("https://example.org/x") "," LINK("HTT\\u0050:\\/\\/example.org/x") ","
		    LINK("data:,x") ",{\"type\":\"text\",\"text\":\"shared://all\"}]}}\n", modern ?
		    "\"resultType\":\"complete\"," : UI ",");
	} else if (links && json_is(method, "prompts/get")) {
		fprintf(out, "\"result\":{%s\"messages\":[{\"role\":\"user\",\"content\":" HELD "},{\"role\":\"user\","
		    "\"content\":" LINK("hidden://x") "}]}}\n", head);
	} else if (json_is(method, "tools/call")) {
		fprintf(out, "\"result\":{%s\"content\":[{\"type\":\"resource_link\",\"uri\":\"hidden://%s\",\"name\":"
		    "\"h\"}]}}\n", head, name);
	} else if (!bare && json_is(method, "resources/read")) {
		on_read(text_of(json_get(params, "uri")));
	} else if (!bare && json_is(method, "prompts/get")) {
		fprintf(out, "\"result\":{%s\"messages\":[{\"role\":\"user\",\"content\":{\"type\":\"text\",\"text\":"
		    "\"%s greets %.*s by %.*s\"}}]}}\n", head, name,
		    SPAN_FMT(text_of(json_get(json_get(params, "arguments"), "who"))), SPAN_FMT(key));
	} else if (!bare && json_is(method, "completion/complete")) {
		fprintf(out, "\"result\":{%s\"completion\":{\"values\":[\"%s\",\"%.*s\"]}}}\n", head, name,
		    SPAN_FMT(text_of(json_get(ref, json_get(ref, "name").type == JSON_NONE ? "uri" : "name"))));
	} else {
		fprintf(out, "\"error\":{\"code\":-32601,\"message\":\"unknown\"}}\n");
	}
}

/* One message's answer, with a line feed; nothing for a notification. */
static void
answer(struct span text)
{
	struct json_value	message;
	struct span		id;

	if (json_parse(text, false, &message, NULL) != 0)
		exit(65);
	if ((id = json_get(message, "id").raw).n == 0)
		return;
	fprintf(out, "{\"jsonrpc\":\"2.0\",\"id\":%.*s,", SPAN_FMT(id));
	if (!rich || !rich_answer(out, name, modern, json_get(message, "method"), json_get(message, "params")))
		on_method(json_get(message, "method"), json_get(message, "params"));
}

static void
serve_stdin(void)
{
	char	*line = NULL;
	size_t	 room = 0;
	ssize_t	 n;

	out = stdout;
	while ((n = getline(&line, &room, stdin)) > 0) {
		answer(span_make(line, (size_t)n - (line[n - 1] == '\n')));
		fflush(out);
	}
	free(line);
}

static void
answer_posted(const char *head, size_t head_bytes, const char *body, size_t bytes, FILE *to)
{
	(void)head;
	(void)head_bytes;
	out = to;
	answer(span_make(body, bytes));
}

int
main(int argc, char **argv)
{
	if (argc < 2) {
		fprintf(stderr, "usage: objects-server NAME [modern|http|bare|many|links...]\n");
		return 64;
	}
	name = argv[1];
	for (int i = 2; i < argc; i++) {
		rich = rich || strcmp(argv[i], "rich") == 0;
		modern = modern || strcmp(argv[i], "modern") == 0;
		http = http || strcmp(argv[i], "http") == 0;
		bare = bare || strcmp(argv[i], "bare") == 0;
		many = many || strcmp(argv[i], "many") == 0;
		links = links || strcmp(argv[i], "links") == 0;
	}
	if (http)
		loopback_serve(answer_posted);
	else
		serve_stdin();
	return 0;
}
