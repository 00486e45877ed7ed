/* SPDX-License-Identifier: Apache-2.0
 *
 * counting.c - an MCP stdio server that says how often it was asked: counting-server [modern [TTL_MS]]
 *
 *   tick, tock  {"ms": 300, "fail": true, "bytes": 100000}: answers after that time, with isError, with so many more
 *               bytes; the text begins with how many calls of tick and tock it has had
 *   alter       says that its tools have changed
 *   listedN     is listed in the N-th list, where its time, TTL_MS, is given
 *   resources/read of count://SCOPE/MS/...: the count of reads, to be kept for so long by whom the scope says
 *
 * Calls wait beside each other; one that is cancelled is never answered.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/json.h"

#define PENDING_MAX	64

static bool		modern;
static unsigned		calls, reads, lists;
static const char	*ttl = "0";
static struct {
	bool		used, fail;
	char		id[64];
	uint64_t	due_ms, bytes;
	unsigned	number;
} pending[PENDING_MAX];

static uint64_t
now_ms(void)
{
	struct timespec	ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static uint64_t
number_at(struct json_value object, const char *name)
{
	uint64_t	v;

	return json_u64(json_get(object, name), &v) == 0 ? v : 0;
}

static void
put_complete(void)
{
	if (modern)
		printf("\"resultType\":\"complete\",");
}

static void
answer_call(size_t i)
{
	printf("{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":{", pending[i].id);
	put_complete();
	printf("%s\"content\":[{\"type\":\"text\",\"text\":\"%u ", pending[i].fail ? "\"isError\":true," : "",
	    pending[i].number);
	for (uint64_t n = 0; n < pending[i].bytes; n++)
		putchar('x');
	printf("\"}]}}\n");
	fflush(stdout);
	pending[i].used = false;
}

/* Answers those that are due; how long until the next one, or -1. */
static int
answer_due(void)
{
	uint64_t	now = now_ms(), wait = UINT64_MAX;

	for (size_t i = 0; i < PENDING_MAX; i++) {
		if (pending[i].used && pending[i].due_ms <= now)
			answer_call(i);
		else if (pending[i].used && pending[i].due_ms - now < wait)
			wait = pending[i].due_ms - now;
	}
	return wait == UINT64_MAX ? -1 : (int)wait;
}

static void
take_call(struct span id, struct json_value params)
{
	const struct json_value	arguments = json_get(params, "arguments");
	size_t			i = 0;

	if (json_is(json_get(params, "name"), "alter")) {
		printf("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}\n");
		printf("{\"jsonrpc\":\"2.0\",\"id\":%.*s,\"result\":{\"content\":[]}}\n", SPAN_FMT(id));
		return;
	}
	while (pending[i].used && i + 1 < PENDING_MAX)
		i++;
	pending[i].used = true;
	snprintf(pending[i].id, sizeof(pending[i].id), "%.*s", SPAN_FMT(id));
	pending[i].due_ms = now_ms() + number_at(arguments, "ms");
	pending[i].bytes = number_at(arguments, "bytes");
	pending[i].fail = json_get(arguments, "fail").type == JSON_TRUE;
	pending[i].number = ++calls;
}

static void
take_cancelled(struct span id)
{
	for (size_t i = 0; i < PENDING_MAX; i++)
		if (pending[i].used && span_is(id, pending[i].id))
			pending[i].used = false;
}

/* count://SCOPE/MS/ANYTHING */
static void
put_resource(struct json_value uri)
{
	char	scope[32] = "", text[256];

	snprintf(text, sizeof(text), "%.*s", SPAN_FMT(uri.raw));
	(void)!sscanf(text, "\"count://%31[a-z]/", scope);
	printf("\"contents\":[{\"uri\":%.*s,\"text\":\"%u\"}]", SPAN_FMT(uri.raw), ++reads);
	if (modern)
		printf(",\"ttlMs\":%lu,\"cacheScope\":\"%s\"", strtoul(text + strlen("\"count:///") + strlen(scope), NULL, 10),
		    scope);
}

static void
put_tools(void)
{
	printf("\"tools\":[");
	if (ttl[0] != '0')
		printf("{\"name\":\"listed%u\",\"inputSchema\":{\"type\":\"object\"}},", ++lists);
	printf("{\"name\":\"tick\",\"inputSchema\":{\"type\":\"object\"}},{\"name\":\"tock\","
	    "\"inputSchema\":{\"type\":\"object\"}},{\"name\":\"alter\",\"inputSchema\":{\"type\":\"object\"}}]");
	if (modern)
		printf(",\"ttlMs\":%s,\"cacheScope\":\"private\"", ttl);
}

static void
put_result(struct json_value method, struct json_value params)
{
	if (json_is(method, "initialize") || json_is(method, "server/discover"))
		printf("%s\"capabilities\":{\"tools\":{\"listChanged\":true},\"resources\":{}},"
		    "\"serverInfo\":{\"name\":\"counting\",\"version\":\"1\"}%s", modern ?
		    "\"supportedVersions\":[\"2026-07-28\"]," : "\"protocolVersion\":\"2025-11-25\",",
		    modern ? ",\"ttlMs\":0,\"cacheScope\":\"private\"" : "");
	else if (json_is(method, "tools/list"))
		put_tools();
	else if (json_is(method, "resources/read"))
		put_resource(json_get(params, "uri"));
}

static void
on_message(struct json_value message)
{
	static const char *const	known[] = { "tools/list", "resources/read", NULL };
	struct json_value		method = json_get(message, "method"), params = json_get(message, "params");
	struct span			id = json_get(message, "id").raw;

	if (json_is(method, "notifications/cancelled"))
		take_cancelled(json_get(params, "requestId").raw);
	if (id.n == 0)
		return;
	if (json_is(method, "tools/call")) {
		take_call(id, params);
	} else if (json_is_one_of(method, known) || json_is(method, modern ? "server/discover" : "initialize")) {
		printf("{\"jsonrpc\":\"2.0\",\"id\":%.*s,\"result\":{", SPAN_FMT(id));
		put_complete();
		put_result(method, params);
		printf("}}\n");
	} else {
		printf("{\"jsonrpc\":\"2.0\",\"id\":%.*s,\"error\":{\"code\":-32601,\"message\":\"unknown\"}}\n",
		    SPAN_FMT(id));
	}
}

int
main(int argc, char **argv)
{
	static char		line[1 << 20];
	size_t			used = 0;
	struct json_value	message;
	struct pollfd		in = { .fd = STDIN_FILENO, .events = POLLIN };
	char			*end;
	ssize_t			n;

	modern = argc > 1 && strcmp(argv[1], "modern") == 0;
	if (argc > 2)
		ttl = argv[2];
	for (;;) {
		fflush(stdout);
		if (poll(&in, 1, answer_due()) <= 0)
			continue;
		if ((n = read(in.fd, line + used, sizeof(line) - used)) <= 0)
			return 0;
		used += (size_t)n;
		while ((end = memchr(line, '\n', used)) != NULL) {
			if (json_parse(span_make(line, (size_t)(end - line)), true, &message, NULL) != 0)
				return 65;
			on_message(message);
			used -= (size_t)(end + 1 - line);
			memmove(line, end + 1, used);
		}
	}
}
