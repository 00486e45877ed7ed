/* SPDX-License-Identifier: Apache-2.0
 *
 * httpsse.h - a client of 2024-11-05's HTTP+SSE, and a gateway before servers that ask, change and echo
 */
#ifndef TESTS_INTEGRATION_HTTPSSE_H
#define TESTS_INTEGRATION_HTTPSSE_H

#include "tests/harness/hearing.h"
#include "tests/integration/common.h"

#define SERVERS "{\"mcpServers\":{"								\
	"\"old\":{\"command\":\"@TOOLS@/tests/asking-server\",\"args\":[\"legacy\"]},"		\
	"\"changing\":{\"command\":\"@TOOLS@/tests/changing-server\"},"				\
	"\"echo\":{\"command\":\"@TOOLS@/tests/lying-server\",\"args\":[\"ok\"]}}}"
#define RULES	"{\"agents\":{\"one\":{\"allow\":{\"servers\":[\"*\"],\"tools\":{\"*\":[\"*\"]}}},"	\
	"\"other\":{\"allow\":{\"servers\":[\"*\"],\"tools\":{\"*\":[\"*\"]}}}}}"
#define RPC	"\"jsonrpc\":\"2.0\""
#define MIB	(1024 * 1024)

#define UNUSED	__attribute__((unused))

static struct gateway	g;
static char		keys[2][256];		/* of `one` and `other` */

#define SOON	patience(&g, 8000)
#define QUIET	patience(&g, 300)

struct old {
	struct mcp	m;		/* posts to where the stream says */
	struct hearing	h;
};

static UNUSED void
start(unsigned workers, const char *conf)
{
	gateway_start(&g, &(struct gateway_setup){ .servers = SERVERS, .rules = RULES, .workers = workers,
	    .conf = conf });
	snprintf(keys[0], sizeof(keys[0]), "%s", gateway_key(&g, "one"));
	snprintf(keys[1], sizeof(keys[1]), "%s", gateway_key(&g, "other"));
}

/* A stream; view is "" or what stands before /sse. */
static UNUSED void
open_stream(struct old *o, const char *view, int who)
{
	char		 path[128];
	json_object	*first;

	snprintf(path, sizeof(path), "%s/sse", view);
	mcp_init(&o->m, g.mcp, path, keys[who]);
	hearing_begin(&o->h, &o->m, "", NULL, NULL);
	first = hearing_next(&o->h, SOON);
	cr_assert(json_object_is_type(first, json_type_string), "%s: %d: %s", path, o->h.status,
	    json_object_to_json_string(first));
	cr_assert(o->h.status == 200 && o->h.stream);
	snprintf(path, sizeof(path), "%s/messages?sessionId=", view);
	cr_assert(strncmp(json_object_get_string(first), path, strlen(path)) == 0, "%s",
	    json_object_get_string(first));
	snprintf(o->m.path, sizeof(o->m.path), "%s", json_object_get_string(first));
	json_object_put(first);
}

static UNUSED void
close_stream(struct old *o)
{
	hearing_fini(&o->h);
	mcp_fini(&o->m);
}

/* One message, on a connection of its own when `anew`, so on some worker. */
static UNUSED void
post(struct old *o, int want, const char *text)
{
	struct answer	a;

	mcp_post(&o->m, "", text, &a);
	EXPECT_STATUS(a, want, "%.200s", text);
	cr_expect(want != 202 || strcmp(a.body, "Accepted") == 0);
	answer_fini(&a);
}

static UNUSED void
ask(struct old *o, const char *id, const char *method, const char *params)
{
	char	*text;

	cr_assert(asprintf(&text, "{" RPC ",\"id\":%s,\"method\":\"%s\",\"params\":%s}", id, method, params) > 0);
	post(o, 202, text);
	free(text);
}

static UNUSED json_object *
next(struct old *o, const char *at, const char *want)
{
	json_object	*m = hearing_next(&o->h, SOON);

	cr_assert(m != NULL, "nothing came, where %s was to be %s; end %d", at, want, o->h.end);
	cr_expect(strcmp(json_text_at(m, at), want) == 0, "%s is not %s: %.500s", at, want,
	    json_object_to_json_string(m));
	return m;
}

static UNUSED void
expect(struct old *o, const char *at, const char *want)
{
	json_object_put(next(o, at, want));
}

static UNUSED void
expect_quiet(struct old *o)
{
	json_object	*m = hearing_next(&o->h, QUIET);

	cr_expect(m == NULL, "%s", json_object_to_json_string(m));
	json_object_put(m);
	cr_expect(!o->h.end);
}

static UNUSED void
expect_ended(struct old *o)
{
	json_object	*m;

	while ((m = hearing_next(&o->h, SOON)) != NULL)
		json_object_put(m);
	cr_expect(o->h.end);
}

static UNUSED void
initialize(struct old *o, const char *version, const char *capabilities)
{
	char	*params;

	cr_assert(asprintf(&params, "{\"protocolVersion\":\"%s\",\"capabilities\":%s,\"clientInfo\":{\"name\":\"t\","
	    "\"version\":\"1\"}}", version, capabilities) > 0);
	ask(o, "0", "initialize", params);
	free(params);
	expect(o, "result.protocolVersion", version);
	post(o, 202, "{" RPC ",\"method\":\"notifications/initialized\"}");
}

static UNUSED void
begin(struct old *o, const char *view, int who, const char *capabilities)
{
	open_stream(o, view, who);
	initialize(o, "2024-11-05", capabilities);
}

static UNUSED void
call(struct old *o, const char *id, const char *tool, const char *arguments)
{
	char	*params;

	cr_assert(asprintf(&params, "{\"name\":\"%s\",\"arguments\":%s}", tool, arguments) > 0);
	ask(o, id, "tools/call", params);
	free(params);
}

#endif
