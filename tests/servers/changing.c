/* SPDX-License-Identifier: Apache-2.0
 *
 * changing.c - an MCP stdio server whose lists grow and whose resources change: changing-server [modern]
 *
 *   modern   speaks 2026-07-28 alone, and tells changes on a subscriptions/listen; else 2025-11-25 alone
 *
 * The tool `grow` adds a tool and a resource, says so, and then answers.  The tool `touch` says that the
 * resource `uri` was updated, if that or the folder it is in was subscribed to.  `subscribed` answers with
 * all that is.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/json.h"

#define SUBS_MAX	64

static bool		 modern;
static unsigned		 grown;
static char		 listen_id[64];		/* raw; "": there is none */
static char		*subs[SUBS_MAX];
static size_t		 sub_count;

/* Text between the quotes of a string without escapes. */
static struct span
text_of(struct json_value v)
{
	return v.type == JSON_STRING ? span_part(v.raw, 1, v.raw.n - 2) : SPAN_LIT("");
}

static size_t
sub_find(struct span uri)
{
	size_t	i;

	for (i = 0; i < sub_count; i++)
		if (span_is(uri, subs[i]))
			break;
	return i;
}

static void
sub_add(struct span uri)
{
	if (sub_find(uri) < sub_count || sub_count == SUBS_MAX)
		return;
	if ((subs[sub_count++] = strndup(uri.p, uri.n)) == NULL)
		exit(71);
}

static void
sub_remove(size_t i)
{
	if (i == sub_count)
		return;
	free(subs[i]);
	subs[i] = subs[--sub_count];
}

/* A notification; params: members with a comma before them, or "". */
static void
tell(const char *method, const char *params)
{
	if (modern && listen_id[0] == '\0')
		return;
	printf("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/%s\",\"params\":{\"_meta\":{", method);
	if (modern)
		printf("\"io.modelcontextprotocol/subscriptionId\":%s", listen_id);
	printf("}%s}}\n", params);
}

static void
on_touch(struct span uri)
{
	char	params[512];
	bool	wanted = false;

	for (size_t i = 0; i < sub_count; i++)
		wanted |= span_starts(uri, span_of(subs[i]));
	snprintf(params, sizeof(params), ",\"uri\":\"%.*s\"", SPAN_FMT(uri));
	if (wanted)
		tell("resources/updated", params);
}

static void
on_listen(struct span id, struct json_value wanted)
{
	struct json_iter	it;
	struct json_value	v;
	struct span		key;

	snprintf(listen_id, sizeof(listen_id), "%.*s", SPAN_FMT(id));
	while (sub_count > 0)
		sub_remove(0);
	if (json_get(wanted, "resourceSubscriptions").type == JSON_ARRAY)
		for (json_iter_init(&it, json_get(wanted, "resourceSubscriptions")); json_iter_next(&it, &key, &v);)
			sub_add(text_of(v));
	tell("subscriptions/acknowledged", ",\"notifications\":{\"toolsListChanged\":true}");
}

static void
on_call(struct json_value params)
{
	struct json_value	name = json_get(params, "name");

	if (json_is(name, "grow")) {
		grown++;
		tell("tools/list_changed", "");
		tell("resources/list_changed", "");
	} else if (json_is(name, "touch")) {
		on_touch(text_of(json_get(json_get(params, "arguments"), "uri")));
	}
}

static void
put_result(struct json_value method, struct json_value params)
{
	if (json_is(method, "initialize") || json_is(method, "server/discover")) {
		printf("%s\"capabilities\":{\"tools\":{\"listChanged\":true},\"resources\":{\"listChanged\":true,"
		    "\"subscribe\":true}},\"serverInfo\":{\"name\":\"changing\",\"version\":\"1\"}",
		    modern ? "\"supportedVersions\":[\"2026-07-28\"]," : "\"protocolVersion\":\"2025-11-25\",");
	} else if (json_is(method, "tools/list")) {
		printf("\"tools\":[{\"name\":\"grow\",\"inputSchema\":{\"type\":\"object\"}},"
		    "{\"name\":\"touch\",\"inputSchema\":{\"type\":\"object\"}},"
		    "{\"name\":\"subscribed\",\"inputSchema\":{\"type\":\"object\"}}");
		for (unsigned i = 1; i <= grown; i++)
			printf(",{\"name\":\"tool%u\",\"inputSchema\":{\"type\":\"object\"}}", i);
		printf("]");
	} else if (json_is(method, "resources/list")) {
		printf("\"resources\":[{\"name\":\"first\",\"uri\":\"changing://0\"}");
		for (unsigned i = 1; i <= grown; i++)
			printf(",{\"name\":\"more\",\"uri\":\"changing://%u\"}", i);
		printf("]");
	} else if (json_is(method, "resources/templates/list")) {
		printf("\"resourceTemplates\":[]");
	} else if (json_is(method, "resources/read")) {
		printf("\"contents\":[{\"uri\":%.*s,\"text\":\"%u\"}]", SPAN_FMT(json_get(params, "uri").raw), grown);
	} else if (json_is(method, "tools/call")) {
		printf("\"content\":[{\"type\":\"text\",\"text\":\"");
		for (size_t i = 0; i < sub_count; i++)
			printf("%s%s", i > 0 ? " " : "", subs[i]);
		printf("\"}]");
	}
}

static bool
is_known(struct json_value method)
{
	static const char *const	both[] = { "tools/list", "tools/call", "resources/list", "resources/read",
					    "resources/templates/list", NULL };

	return json_is_one_of(method, both) || json_is(method, modern ? "server/discover" : "initialize") ||
	    (!modern && (json_is(method, "resources/subscribe") || json_is(method, "resources/unsubscribe")));
}

static void
on_message(struct json_value message)
{
	struct json_value	method = json_get(message, "method"), params = json_get(message, "params");
	struct span		id = json_get(message, "id").raw;

	if (modern && json_is(method, "notifications/cancelled") &&
	    span_is(json_get(params, "requestId").raw, listen_id))
		listen_id[0] = '\0';
	if (id.n == 0)
		return;
	if (modern && json_is(method, "subscriptions/listen")) {
		on_listen(id, json_get(params, "notifications"));
		return;
	}
	if (!is_known(method)) {
		printf("{\"jsonrpc\":\"2.0\",\"id\":%.*s,\"error\":{\"code\":-32601,\"message\":\"unknown\"}}\n",
		    SPAN_FMT(id));
		return;
	}
	if (json_is(method, "tools/call"))
		on_call(params);
	else if (json_is(method, "resources/subscribe"))
		sub_add(text_of(json_get(params, "uri")));
	else if (json_is(method, "resources/unsubscribe"))
		sub_remove(sub_find(text_of(json_get(params, "uri"))));
	printf("{\"jsonrpc\":\"2.0\",\"id\":%.*s,\"result\":{", SPAN_FMT(id));
	if (modern)
		printf("\"resultType\":\"complete\",\"ttlMs\":0,\"cacheScope\":\"private\",");
	put_result(method, params);
	printf("}}\n");
}

int
main(int argc, char **argv)
{
	struct json_value	message;
	char			*line = NULL;
	size_t			 room = 0;
	ssize_t			 n;

	modern = argc > 1 && strcmp(argv[1], "modern") == 0;
	while ((n = getline(&line, &room, stdin)) > 0) {
		if (json_parse(span_make(line, (size_t)n - (line[n - 1] == '\n')), true, &message, NULL) != 0)
			return 65;
		on_message(message);
		fflush(stdout);
	}
	free(line);
	return 0;
}
