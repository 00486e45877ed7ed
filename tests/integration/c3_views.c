/* SPDX-License-Identifier: Apache-2.0
 *
 * c3_views.c - budgets of the discovery tools, names that two servers share
 */
#include "tests/integration/common.h"

#define LISTING(name, mode, more) "\"" name "\":{\"command\":\"@TOOLS@/tests/listing-server\",\"args\":[\"" mode "\"]" more "}"
#define CLOCK	"\"clock\":{\"command\":\"@TOOLS@/demo/mcpgw-demo-clock\"}"

static size_t
tool_count(const struct answer *a, const char *path)
{
	json_object	*tools = json_at(a->json, path);

	return tools == NULL ? 0 : json_object_array_length(tools);
}

static void
expect_text(struct mcp *m, const char *tool, const char *arguments, const char *want)
{
	struct answer	a;

	mcp_call(m, tool, arguments, &a);
	cr_expect(strstr(json_text_at(a.json, "result.content[0].text"), want) != NULL, "%s %s: %s", tool, arguments,
	    a.body);
	answer_fini(&a);
}

/* --- budgets ---------------------------------------------------------------------------------- */

Test(views, lists_of_the_discovery_tools_stay_within_their_budgets, .timeout = 60)
{
	struct gateway	 g;
	struct mcp	 m;
	struct answer	 a;
	int		 all, last;
	size_t		 count;
	char		 text[128];

	NEEDS_JAILS();
	gateway_start(&g, &(struct gateway_setup){ .conf = "max_listing = 4KiB\n",
	    .servers = "{\"mcpServers\":{" CLOCK "," LISTING("many", "many", "") "}}",
	    .rules = "{\"agents\":{\"all\":{\"allow\":{\"servers\":[\"*\"],\"tools\":{\"*\":[\"*\"]}}}}}" });
	mcp_init(&m, g.mcp, "/mcp/discovery", gateway_key(&g, "all"));

	/* The client's own: seed 001. */
	mcp_call(&m, "get_server_tools", "{\"server\":\"clock\"}", &a);
	cr_expect(json_object_get_type(json_at(a.json, "result.structuredContent.tokens_used")) == json_type_null &&
	    json_at(a.json, "result.structuredContent.tokens_used") == NULL, "%s", a.body);
	answer_fini(&a);
	mcp_call(&m, "get_server_tools", "{\"server\":\"clock\",\"max_schema_tokens\":100000}", &a);
	all = json_int_at(a.json, "result.structuredContent.tokens_used");
	cr_expect(tool_count(&a, "result.structuredContent.tools") == 3, "%s", a.body);
	answer_fini(&a);
	for (int budget = 1; budget <= all + 1; budget++) {
		snprintf(text, sizeof(text), "{\"server\":\"clock\",\"max_schema_tokens\":%d}", budget);
		mcp_call(&m, "get_server_tools", text, &a);
		last = json_int_at(a.json, "result.structuredContent.tokens_used");
		count = tool_count(&a, "result.structuredContent.tools");
		cr_expect(last <= budget && (budget < all) == (count < 3) &&
		    json_int_at(a.json, "result.structuredContent.total_available") == 3 &&
		    json_int_at(a.json, "result.structuredContent.returned") == (int)count, "%d: %s", budget, a.body);
		answer_fini(&a);
	}

	/* The gateway's. */
	mcp_call(&m, "get_server_tools", "{\"server\":\"many\"}", &a);
	count = tool_count(&a, "result.structuredContent.tools");
	cr_expect(count > 10 && count < 100 && json_int_at(a.json, "result.structuredContent.returned") == (int)count &&
	    json_int_at(a.json, "result.structuredContent.total_available") == 10000, "%s", a.body);
	cr_expect(strcmp(json_text_at(a.json, "result.structuredContent.error.code"), "TOO_LARGE") == 0 &&
	    strstr(json_text_at(a.json, "result.structuredContent.error.message"), "max_schema_tokens") != NULL, "%s",
	    a.body);
	answer_fini(&a);
	mcp_call(&m, "get_server_tools", "{\"server\":\"many\",\"names\":\"t9999, t5\"}", &a);
	cr_expect(tool_count(&a, "result.structuredContent.tools") == 2 &&
	    json_at(a.json, "result.structuredContent.error") == NULL, "%s", a.body);
	answer_fini(&a);
	mcp_fini(&m);
	gateway_stop(&g);
}

/* --- names ------------------------------------------------------------------------------------ */

static bool
answers_as(struct mcp *m, const char *name, const char *text)
{
	struct answer	a;
	bool		is;

	mcp_call(m, name, "{}", &a);
	is = strcmp(json_text_at(a.json, "result.content[0].text"), text) == 0;
	cr_expect(is || json_int_at(a.json, "error.code") == -32602, "%s: %s", name, a.body);
	answer_fini(&a);
	return is;
}

Test(views, names_that_two_tools_would_share_are_given_to_none, .timeout = 60)
{
	static const char	*const gone[] = { "clock__now", "clock__unknown", "clock__x_998da698", "list_servers", "a b",
		"a_b_93fae757" };
	struct gateway	 g;
	struct mcp	 m;
	struct answer	 a;
	char		*log, key[256];

	NEEDS_JAILS();
	gateway_start(&g, &(struct gateway_setup){ .workers = 1, .conf = "view = both\n",
	    .servers = "{\"mcpServers\":{" CLOCK "," LISTING("bare", "bare", ",\"prefix\":\"\"") "}}",
	    .rules = "{\"agents\":{\"all\":{\"allow\":{\"servers\":[\"*\"],\"tools\":{\"*\":[\"*\"]}}},"
		"\"some\":{\"allow\":{\"servers\":[\"*\"],\"tools\":{\"*\":[\"*\"]}},\"deny\":{\"tools\":{\"bare\":"
		"[\"clock__now\",\"a b\"]}}}}}" });
	snprintf(key, sizeof(key), "%s", gateway_key(&g, "all"));
	mcp_init(&m, g.mcp, "/mcp", key);
	mcp_ask_modern(&m, "tools/list", NULL, &a);
	cr_expect(tool_count(&a, "result.tools") == 4 + 4 && tools_have(&a, "fine") && tools_have(&a, "other__now") &&
	    tools_have(&a, "clock__add") && tools_have(&a, "clock__sleep"), "%s", a.body);
	answer_fini(&a);
	for (size_t i = 0; i < sizeof(gone) / sizeof(gone[0]); i++)
		if (strcmp(gone[i], "list_servers") != 0)
			cr_expect(!answers_as(&m, gone[i], gone[i]), "%s", gone[i]);
	expect_text(&m, "list_servers", "{}", "\"clock\"");
	cr_expect(answers_as(&m, "fine", "fine") && answers_as(&m, "other__now", "other__now"));
	expect_text(&m, "clock__add", "{\"a\":1,\"b\":2}", "3");

	/* By server and own name they are called. */
	expect_text(&m, "execute_tool", "{\"server\":\"bare\",\"tool\":\"clock__now\"}", "clock__now");
	expect_text(&m, "execute_tool", "{\"server\":\"bare\",\"tool\":\"a b\"}", "a b");
	mcp_fini(&m);

	/* The catalog has no tools of the gateway's own, so that name is free there. */
	mcp_init(&m, g.mcp, "/mcp/catalog", key);
	mcp_ask_modern(&m, "tools/list", NULL, &a);
	cr_expect(tool_count(&a, "result.tools") == 5 && tools_have(&a, "list_servers"), "%s", a.body);
	answer_fini(&a);
	cr_expect(answers_as(&m, "list_servers", "list_servers"));
	mcp_fini(&m);

	/* A rule settles it: what may not be called takes no name. */
	mcp_init(&m, g.mcp, "/mcp", gateway_key(&g, "some"));
	mcp_ask_modern(&m, "tools/list", NULL, &a);
	cr_expect(tools_have(&a, "clock__now") && !tools_have(&a, "a_b_93fae757"), "%s", a.body);
	answer_fini(&a);
	expect_text(&m, "clock__now", "{}", "Z");
	mcp_fini(&m);
	log = gateway_log(&g);
	cr_expect(strstr(log, "server bare: tool \"clock__unknown\" has no name in merged views") != NULL &&
	    strstr(log, "server clock: tool \"now\" has no name in merged views") != NULL &&
	    strstr(log, "server bare: tool \"a b\" has no name in merged views") != NULL, "%s", log);
	free(log);
	gateway_stop(&g);
}
