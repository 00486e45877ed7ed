/* SPDX-License-Identifier: Apache-2.0
 *
 * listening.h - clients of one gateway that hear what changed, in the session's stream or in a listen whose id is "L"
 */
#ifndef TESTS_INTEGRATION_LISTENING_H
#define TESTS_INTEGRATION_LISTENING_H

#include "tests/harness/hearing.h"
#include "tests/integration/common.h"

/* Long enough for what comes, and for what must not come. */
#define SOON	patience(&g, 5000)
#define QUIET	patience(&g, 600)

static struct gateway	g;

static void
expect_done(struct mcp *m, const char *method, const char *params)
{
	struct answer	a;

	mcp_ask_either(m, method, params, &a);
	EXPECT_STATUS(a, 200, "%s", method);
	cr_expect(json_at(a.json, "result") != NULL, "%s: %s", method, a.body);
	answer_fini(&a);
}

static void
call(struct mcp *m, const char *tool, const char *arguments)
{
	struct answer	a;

	mcp_call(m, tool, arguments, &a);
	EXPECT_STATUS(a, 200, "%s", tool);
	cr_expect(json_at(a.json, "result") != NULL, "%s: %s", tool, a.body);
	answer_fini(&a);
}

static void
expect_next(struct hearing *h, const char *method, const char *uri)
{
	json_object	*o = hearing_next(h, SOON);

	cr_assert(o != NULL, "%s did not come: %d", method, h->status);
	cr_expect_str_eq(json_text_at(o, "method"), method, "%s", json_object_to_json_string(o));
	cr_expect_str_eq(json_text_at(o, "params.uri"), uri, "%s", json_object_to_json_string(o));
	json_object_put(o);
}

static void
expect_quiet(struct hearing *h)
{
	json_object	*o = hearing_next(h, QUIET);

	cr_expect(o == NULL, "%s", json_object_to_json_string(o));
	cr_expect(!h->end);
}

/* The acknowledgement; what it names. */
static void
expect_ack(struct hearing *h, const char *says)
{
	json_object	*o = hearing_next(h, SOON);

	cr_assert(o != NULL, "%d", h->status);
	cr_expect_str_eq(json_text_at(o, "method"), "notifications/subscriptions/acknowledged");
	cr_expect_str_eq(json_object_to_json_string_ext(json_at(o, "params.notifications"),
	    JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE), says);
	cr_expect(strstr(json_object_to_json_string_ext(o, JSON_C_TO_STRING_NOSLASHESCAPE | JSON_C_TO_STRING_PLAIN),
	    "\"io.modelcontextprotocol/subscriptionId\":\"L\"") != NULL, "%s", json_object_to_json_string(o));
	json_object_put(o);
}

#endif
