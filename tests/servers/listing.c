/* SPDX-License-Identifier: Apache-2.0
 *
 * listing.c - an MCP stdio server with a list of tools no honest one has: listing-server MODE
 *
 *   odd        names a merged view must change, names nobody can use, schemas that are none
 *   many       10,001 tools
 *   double     one name twice
 *   loop       the same cursor again and again
 *   endless    another cursor each time
 *   huge       one tool of 17 MiB
 *   none       a result without tools
 *   params     tools whose arguments header fields repeat, two of them against the rules
 *   bare       for a server without a prefix: names that others have, and two that become one
 *   rich       10,000 tools with descriptions and arguments, 8 MiB
 *
 * Every call is answered with the name it came by.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/servers/lines.h"

#define TOOL(name)	"{\"name\":\"" name "\",\"inputSchema\":{\"type\":\"object\"}}"

static const char	*mode;

static bool
is(const char *name)
{
	return strcmp(mode, name) == 0;
}

/* A tool whose words tell it from most others; its number makes it the only one. */
static void
put_rich(unsigned i)
{
	static const char *const deed[] = { "create", "list", "delete", "update", "merge", "close", "read" };
	static const char *const thing[] = { "issue", "repository", "pull request", "file", "branch", "commit",
		"label", "page", "user", "comment", "release" };

	printf("%s{\"name\":\"%s_%u\",\"description\":\"Use this to %s a %s.", i > 0 ? "," : "", deed[i % 7], i,
	    deed[i % 7], thing[i % 11]);
	for (unsigned k = 0; k < 40; k++)
		printf(" %s %c%c", thing[(i * 7 + k) % 11], 'a' + (i * 31 + k * 17) % 26, 'a' + (i + k * k) % 26);
	printf("\",\"inputSchema\":{\"type\":\"object\",\"properties\":{\"owner\":{\"type\":\"string\"},"
	    "\"page_%u\":{\"type\":\"integer\",\"description\":\"From 1.\"}}}}", i % 100);
}

static void
list(struct json_value cursor)
{
	unsigned long	page = cursor.type == JSON_STRING ? strtoul(cursor.raw.p + 1, NULL, 10) : 0;

	if (is("none"))
		return;
	printf("\"tools\":[");
	if (is("odd"))
		printf(TOOL("plain") "," TOOL("say hello") "," TOOL("say!hello") "," TOOL("not for you") ","
		    TOOL("") "," TOOL("a\\nb") ",{\"name\":5},7,null,"
		    "{\"name\":\"no schema\"},{\"name\":\"text\",\"inputSchema\":{\"type\":\"string\"}}");
	if (is("bare"))
		printf(TOOL("fine") "," TOOL("clock__now") "," TOOL("clock__unknown") "," TOOL("clock..x") ","
		    TOOL("list_servers") "," TOOL("a b") "," TOOL("a_b_93fae757") "," TOOL("other__now"));
	for (unsigned i = 0; is("rich") && i < 10000; i++)
		put_rich(i);
	for (int i = 0; is("many") && i < 10001; i++)
		printf("%s{\"name\":\"t%d\",\"inputSchema\":{\"type\":\"object\"}}", i > 0 ? "," : "", i);
	if (is("params"))
		printf(TOOL("plain") ",{\"name\":\"where\",\"inputSchema\":{\"type\":\"object\",\"properties\":{"
		    "\"region\":{\"type\":\"string\",\"x-mcp-header\":\"Region\"},"
		    "\"count\":{\"type\":\"integer\",\"x-mcp-header\":\"Count\"},"
		    "\"in\":{\"type\":\"object\",\"properties\":{\"deep\":{\"type\":\"boolean\",\"x-mcp-header\":\"Deep\"}}},"
		    "\"free\":{\"type\":\"string\"}}}},"
		    "{\"name\":\"score\",\"inputSchema\":{\"type\":\"object\",\"properties\":{"
		    "\"score\":{\"type\":\"number\",\"x-mcp-header\":\"Score\"}}}},"
		    "{\"name\":\"twice\",\"inputSchema\":{\"type\":\"object\",\"properties\":{"
		    "\"a\":{\"type\":\"string\",\"x-mcp-header\":\"A\"},\"b\":{\"type\":\"string\",\"x-mcp-header\":\"a\"}}}}");
	if (is("double"))
		printf("{\"name\":\"one\",\"description\":\"first\",\"inputSchema\":{\"type\":\"object\"}},"
		    "{\"name\":\"one\",\"description\":\"second\",\"inputSchema\":{\"type\":\"object\"}}");
	if (is("loop"))
		printf(TOOL("one") "],\"nextCursor\":\"again\"");
	else if (is("endless"))
		printf("{\"name\":\"t%lu\",\"inputSchema\":{\"type\":\"object\"}}],\"nextCursor\":\"%lu\"", page,
		    page + 1);
	if (is("huge")) {
		printf("{\"name\":\"one\",\"inputSchema\":{\"type\":\"object\"},\"description\":\"");
		for (size_t i = 0; i < 17u << 20; i++)
			putchar('d');
		printf("\"}");
	}
	if (!is("loop") && !is("endless"))
		printf("]");
}

static void
on_request(struct span id, struct json_value method, struct json_value params)
{
	printf("{\"jsonrpc\":\"2.0\",\"id\":%.*s,", SPAN_FMT(id));
	if (json_is(method, "initialize")) {
		printf("\"result\":{\"protocolVersion\":\"2025-11-25\",\"capabilities\":{\"tools\":{}},"
		    "\"serverInfo\":{\"name\":\"listing\",\"version\":\"1\"}}}\n");
	} else if (json_is(method, "tools/list")) {
		printf("\"result\":{");
		list(json_get(params, "cursor"));
		printf("}}\n");
	} else if (json_is(method, "tools/call")) {
		printf("\"result\":{\"content\":[{\"type\":\"text\",\"text\":%.*s}]}}\n",
		    SPAN_FMT(json_get(params, "name").raw));
	} else {
		printf("\"error\":{\"code\":-32601,\"message\":\"unknown\"}}\n");
	}
}

int
main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: listing-server MODE\n");
		return 64;
	}
	mode = argv[1];
	return lines_serve(on_request);
}
