/* SPDX-License-Identifier: Apache-2.0
 *
 * c3_views.c - budgets of the discovery tools
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
