/* SPDX-License-Identifier: Apache-2.0
 *
 * swapping.c - an MCP stdio server whose tools are what a file says: swapping-server FILE [modern]
 *
 * FILE holds the list of tools, as JSON, and is read again for each tools/list.  The tool `say_changed` tells that the list
 * changed, and then answers; every other call is answered with the name it came by.  modern: speaks 2026-07-28 alone, else
 * 2025-11-25 alone.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/servers/lines.h"

#define FILE_MAX	(20u << 20)

static const char	*path;
static bool		 modern;
static char		 listen_id[64];

static void
put_file(void)
{
	FILE	*f = fopen(path, "r");
	char	*text = malloc(FILE_MAX);
	size_t	 n;

	if (f == NULL || text == NULL)
		exit(66);
	n = fread(text, 1, FILE_MAX, f);
	for (size_t i = 0; i < n; i++)
		putchar(text[i] == '\n' ? ' ' : text[i]);
	fclose(f);
	free(text);
}

static void
tell_changed(void)
{
	if (modern && listen_id[0] == '\0')
		return;
	printf("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\",\"params\":{\"_meta\":{");
	if (modern)
		printf("\"io.modelcontextprotocol/subscriptionId\":%s", listen_id);
	printf("}}}\n");
}

static void
on_request(struct span id, struct json_value method, struct json_value params)
{
	const char	*more = modern ? "\"resultType\":\"complete\",\"ttlMs\":0,\"cacheScope\":\"private\"," : "";

	if (modern && json_is(method, "subscriptions/listen")) {
		snprintf(listen_id, sizeof(listen_id), "%.*s", SPAN_FMT(id));
		printf("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/subscriptions/acknowledged\",\"params\":{\"_meta\":{"
		    "\"io.modelcontextprotocol/subscriptionId\":%s},\"notifications\":{\"toolsListChanged\":true}}}\n", listen_id);
		return;
	}
	if (json_is(method, "tools/call") && json_is(json_get(params, "name"), "say_changed"))
		tell_changed();
	printf("{\"jsonrpc\":\"2.0\",\"id\":%.*s,", SPAN_FMT(id));
	if (json_is(method, modern ? "server/discover" : "initialize")) {
		printf("\"result\":{%s%s\"capabilities\":{\"tools\":{\"listChanged\":true}},\"serverInfo\":{\"name\":\"swapping\","
		    "\"version\":\"1\"}}}\n", more, modern ? "\"supportedVersions\":[\"2026-07-28\"]," :
		    "\"protocolVersion\":\"2025-11-25\",");
	} else if (json_is(method, "tools/list")) {
		printf("\"result\":{%s\"tools\":", more);
		put_file();
		printf("}}\n");
	} else if (json_is(method, "tools/call")) {
		printf("\"result\":{%s\"content\":[{\"type\":\"text\",\"text\":%.*s}]}}\n", more,
		    SPAN_FMT(json_get(params, "name").raw));
	} else {
		printf("\"error\":{\"code\":-32601,\"message\":\"unknown\"}}\n");
	}
}

int
main(int argc, char **argv)
{
	if (argc < 2) {
		fprintf(stderr, "usage: swapping-server FILE [modern]\n");
		return 64;
	}
	path = argv[1];
	modern = argc > 2 && strcmp(argv[2], "modern") == 0;
	return lines_serve(on_request);
}
