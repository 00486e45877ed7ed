/* SPDX-License-Identifier: Apache-2.0
 *
 * batches.h - arrays of messages as a client of 2025-03-26 sends them, and what comes back
 */
#ifndef TESTS_INTEGRATION_BATCHES_H
#define TESTS_INTEGRATION_BATCHES_H

#include "tests/integration/common.h"

#define RPC		"\"jsonrpc\":\"2.0\""
#define ASK(id, method, params) "{" RPC ",\"id\":" id ",\"method\":\"" method "\",\"params\":{" params "}}"
#define NOTE(method, params) "{" RPC ",\"method\":\"" method "\",\"params\":{" params "}}"
#define PING(id)	ASK(id, "ping", "")
#define CALL(id, tool, more) ASK(id, "tools/call", "\"name\":\"" tool "\"" more)
#define INIT(version, capabilities) ASK("0", "initialize", "\"protocolVersion\":\"" version "\","	\
	"\"capabilities\":" capabilities ",\"clientInfo\":{\"name\":\"t\",\"version\":\"1\"}")
#define BATCHES		"2025-03-26"
#define JSON_ONLY	"Content-Type: application/json\r\nAccept: application/json\r\n"
#define EVENTS_ONLY	"Content-Type: application/json\r\nAccept: text/event-stream\r\n"

static inline void
session(struct mcp *m, const struct gateway *g, const char *path, const char *agent, const char *init)
{
	struct answer	a;

	mcp_init(m, g->mcp, path, gateway_key(g, agent));
	mcp_post(m, "", init, &a);
	EXPECT_STATUS(a, 200, "initialize");
	snprintf(m->session, sizeof(m->session), "%s", answer_header(&a, "Mcp-Session-Id"));
	answer_fini(&a);
	mcp_post(m, "", NOTE("notifications/initialized", ""), &a);
	EXPECT_STATUS(a, 202, "initialized");
	answer_fini(&a);
}

/* The one response in the array with this id, as it is written; NULL, and a failure, when there is another
 * number of them. */
static inline json_object *
find(const struct answer *a, const char *id)
{
	json_object	*found = NULL;
	size_t		 n = 0;

	if (!json_object_is_type(a->json, json_type_array))
		return NULL;
	for (size_t i = 0; i < json_object_array_length(a->json); i++) {
		json_object *o = json_object_array_get_idx(a->json, i);

		if (strcmp(json_object_to_json_string_ext(json_at(o, "id"), JSON_C_TO_STRING_PLAIN), id) != 0)
			continue;
		found = o;
		n++;
	}
	cr_expect(n == 1, "%zu responses with id %s: %.500s", n, id, a->body);
	return found;
}

static inline void
expect_array(const struct answer *a, size_t n)
{
	EXPECT_STATUS(*a, 200, "a batch");
	cr_expect(json_object_is_type(a->json, json_type_array) &&
	    json_object_array_length(a->json) == n, "an array of %zu: %.500s", n, a->body);
}

#endif
