/* SPDX-License-Identifier: Apache-2.0
 *
 * test_write.c - messages of the gateway's own, letter by letter
 */
#include <criterion/criterion.h>
#include <stdio.h>

#include "mcp/write.h"

#define INFO	"\"_meta\":{\"io.modelcontextprotocol/serverInfo\":" \
		"{\"name\":\"mcpgw\",\"version\":\"" MCPGW_VERSION "\"}}"
#define STAMP	"\"resultType\":\"complete\"," INFO

static struct buf	to;

static void
set_up(void)
{
	buf_init(&to, 64 * 1024);
}

static void
tear_down(void)
{
	struct json_value	v;

	cr_expect(json_parse(buf_rest(&to), true, &v, NULL) == 0, "%.*s", SPAN_FMT(buf_rest(&to)));
	buf_fini(&to);
}

TestSuite(write, .init = set_up, .fini = tear_down);

static void
expect(const char *want)
{
	cr_expect(span_is(buf_rest(&to), want), "%.*s", SPAN_FMT(buf_rest(&to)));
}

static void
next(void)
{
	tear_down();
	set_up();
}

Test(write, errors_carry_what_is_known)
{
	cr_assert(mcp_write_error(&to, SPAN_LIT("7"), &(struct mcp_error){ .error = E_RPC_METHOD }) == 0);
	expect("{\"jsonrpc\":\"2.0\",\"id\":7,\"error\":{\"code\":-32601,\"message\":\"method not found\","
	    "\"data\":{\"code\":\"METHOD_NOT_FOUND\"}}}");
	next();
	cr_assert(mcp_write_error(&to, SPAN_NONE, &(struct mcp_error){ .error = E_EOF, .text = "x" }) == 0);
	expect("{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32600,\"message\":\"x\"}}");
	next();
	cr_assert(mcp_write_error(&to, SPAN_LIT("\"a\""), &(struct mcp_error){ .error = E_POLICY,
	    .detail = SPAN_LIT("\"q\"\n"), .rule = SPAN_LIT("agents.a.deny.tools.b[0]"), .retry_after_ms = 250,
	    .request_id = SPAN_LIT("r-1"), .extra = SPAN_LIT("\"x\":[1]") }) == 0);
	expect("{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"error\":{\"code\":403,\"message\":\"not allowed: \\\"q\\\"\\n\","
	    "\"data\":{\"code\":\"DENIED_BY_POLICY\",\"rule\":\"agents.a.deny.tools.b[0]\",\"retry_after_ms\":250,"
	    "\"request_id\":\"r-1\",\"x\":[1]}}}");
	next();
	cr_assert(mcp_write_error(&to, SPAN_LIT("1"), &(struct mcp_error){ .error = E_EOF, .text = "x",
	    .extra = SPAN_LIT("\"x\":1") }) == 0);
	expect("{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32600,\"message\":\"x\",\"data\":{\"x\":1}}}");
}

Test(write, errors_cut_a_long_detail)
{
	static char	name[1 << 20];

	memset(name, 'n', sizeof(name));
	cr_assert(mcp_write_error(&to, SPAN_LIT("7"), &(struct mcp_error){ .error = E_TOOL,
	    .detail = span_make(name, sizeof(name)) }) == 0);
	cr_expect(to.used < 1200);
}

Test(write, results_are_stamped_for_modern_clients_only)
{
	cr_assert(mcp_write_result(&to, SPAN_LIT("1"), MCP_2025_11_25, SPAN_NONE) == 0);
	expect("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}");
	next();
	cr_assert(mcp_write_result(&to, SPAN_LIT("1"), MCP_2026_07_28, SPAN_NONE) == 0);
	expect("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{" STAMP "}}");
	next();
	cr_assert(mcp_write_result(&to, SPAN_LIT("1"), MCP_2026_07_28, SPAN_LIT("\"a\":1")) == 0);
	expect("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{" STAMP ",\"a\":1}}");
}

Test(write, initialize_says_what_is_served)
{
	cr_assert(mcp_write_initialize(&to, SPAN_LIT("0"), MCP_2025_06_18, MCP_OFFER_TOOLS | MCP_OFFER_COMPLETIONS,
	    SPAN_LIT("hi")) == 0);
	expect("{\"jsonrpc\":\"2.0\",\"id\":0,\"result\":{\"protocolVersion\":\"2025-06-18\","
	    "\"capabilities\":{\"tools\":{},"
	    "\"completions\":{}},\"serverInfo\":{\"name\":\"mcpgw\",\"title\":\"Agent MCP Gateway\",\"version\":\""
	    MCPGW_VERSION "\"},\"instructions\":\"hi\"}}");
	next();
	cr_assert(mcp_write_initialize(&to, SPAN_LIT("0"), MCP_2024_11_05, MCP_OFFER_TOOLS | MCP_OFFER_COMPLETIONS,
	    SPAN_NONE) == 0);
	expect("{\"jsonrpc\":\"2.0\",\"id\":0,\"result\":{\"protocolVersion\":\"2024-11-05\","
	    "\"capabilities\":{\"tools\":{}},"
	    "\"serverInfo\":{\"name\":\"mcpgw\",\"version\":\"" MCPGW_VERSION "\"}}}");
	next();
	cr_assert(mcp_write_initialize(&to, SPAN_LIT("0"), MCP_2024_11_05, MCP_OFFER_TOOLS | MCP_OFFER_PROMPTS |
	    MCP_OFFER_RESOURCES | MCP_OFFER_PROMPTS_CHANGED | MCP_OFFER_UPDATED, SPAN_NONE) == 0);
	expect("{\"jsonrpc\":\"2.0\",\"id\":0,\"result\":{\"protocolVersion\":\"2024-11-05\","
	    "\"capabilities\":{\"tools\":{},\"prompts\":{\"listChanged\":true},\"resources\":{\"subscribe\":true}},"
	    "\"serverInfo\":{\"name\":\"mcpgw\",\"version\":\"" MCPGW_VERSION "\"}}}");
}

Test(write, discover_has_what_the_schema_requires)
{
	cr_assert(mcp_write_discover(&to, SPAN_LIT("0"), MCP_OFFER_TOOLS, SPAN_NONE, 5000, MCP_SCOPE_PRIVATE) == 0);
	expect("{\"jsonrpc\":\"2.0\",\"id\":0,\"result\":{" STAMP ","
	    "\"supportedVersions\":[\"2026-07-28\",\"2025-11-25\","
	    "\"2025-06-18\",\"2025-03-26\",\"2024-11-05\"],\"capabilities\":{\"tools\":{}},\"ttlMs\":5000,"
	    "\"cacheScope\":\"private\"}}");
}

#define TOOL	"{\"icons\":[],\"name\":\"a.b\",\"title\":\"T\",\"inputSchema\":{\"type\":\"object\"}," \
		"\"execution\":{}," \
		"\"outputSchema\":{\"type\":\"object\"},\"annotations\":{\"title\":\"X\"},\"v\":1}"
#define PLAIN	"{\"v\":1,\"name\":\"c\",\"inputSchema\":{\"type\":\"object\"}}"
#define ODD	"{\"name\":\"d\",\"inputSchema\":{\"type\":\"object\"},\"outputSchema\":{\"type\":\"array\"}}"

static void
list(enum mcp_version v, bool composed)
{
	struct catalogue	*c;
	struct json_value	 page;
	struct span		 cursor;
	struct mcp_list		 l;

	cr_assert(catalogue_new(CATALOGUE_TOOLS, SPAN_LIT("s"), SPAN_LIT("p"), &c) == 0);
	cr_assert(json_parse(SPAN_LIT("{\"tools\":[" TOOL "," PLAIN "," ODD "]}"), true, &page, NULL) == 0);
	cr_assert(catalogue_page(c, page, &cursor) == 0 && catalogue_finish(c) == 0 && catalogue_count(c) == 3);
	cr_assert(mcp_list_begin(&l, &to, SPAN_LIT("1"), v, CATALOGUE_TOOLS) == 0);
	for (size_t i = 0; i < 3; i++)
		cr_assert(mcp_list_item(&l, catalogue_at(c, i), composed) == 0);
	cr_assert(mcp_list_raw(&l, SPAN_LIT("{\"name\":\"own\",\"title\":\"O\"}")) == 0);
	cr_assert(mcp_list_end(&l, composed ? SPAN_LIT("next") : SPAN_NONE, 10, MCP_SCOPE_PUBLIC) == 0);
	catalogue_free(&c);
}

#define HEAD	"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{"
#define IN	"\"inputSchema\":{\"type\":\"object\"}"
#define OUT	"\"outputSchema\":{\"type\":\"object\"}"
#define NOTES	"\"annotations\":{\"title\":\"X\"}"

Test(write, lists_only_members_that_each_revision_knows)
{
	list(MCP_2025_11_25, false);
	expect(HEAD "\"tools\":[" TOOL "," PLAIN ",{\"name\":\"d\"," IN "},{\"name\":\"own\",\"title\":\"O\"}]}}");
	next();
	list(MCP_2025_06_18, false);
	expect(HEAD "\"tools\":[{\"name\":\"a.b\",\"title\":\"T\"," IN "," OUT "," NOTES ",\"v\":1}," PLAIN
	    ",{\"name\":\"d\"," IN "},{\"name\":\"own\",\"title\":\"O\"}]}}");
	next();
	list(MCP_2025_03_26, false);
	expect(HEAD "\"tools\":[{\"name\":\"a.b\"," IN "," NOTES ",\"v\":1}," PLAIN ",{\"name\":\"d\"," IN
	    "},{\"name\":\"own\"}]}}");
	next();
	list(MCP_2024_11_05, false);
	expect(HEAD "\"tools\":[{\"name\":\"a.b\"," IN ",\"v\":1}," PLAIN ",{\"name\":\"d\"," IN "},"
	    "{\"name\":\"own\"}]}}");
	next();
	list(MCP_2026_07_28, false);
	expect(HEAD STAMP ",\"tools\":[{\"icons\":[],\"name\":\"a.b\",\"title\":\"T\","
	    IN "," OUT "," NOTES ",\"v\":1}," PLAIN "," ODD ","
	    "{\"name\":\"own\",\"title\":\"O\"}],\"ttlMs\":10,\"cacheScope\":\"public\"}}");
}

Test(write, lists_composed_names)
{
	char	name[MCP_NAME_MAX + 1];
	char	want[1024];

	(void)mcp_name_compose(SPAN_LIT("p"), SPAN_LIT("s"), SPAN_LIT("a.b"), name);
	list(MCP_2025_03_26, true);
	snprintf(want, sizeof(want), HEAD "\"tools\":[{\"name\":\"%s\"," IN "," NOTES ",\"v\":1},"
	    "{\"v\":1,\"name\":\"p__c\","
	    IN "},{\"name\":\"p__d\"," IN "},{\"name\":\"own\"}],\"nextCursor\":\"next\"}}", name);
	expect(want);
}

Test(write, tool_results_come_as_text_and_as_structure)
{
	struct json_value	v;

	cr_assert(json_parse(SPAN_LIT("{\"a\":\"b\"}"), true, &v, NULL) == 0);
	cr_assert(mcp_write_tool_json(&to, SPAN_LIT("1"), MCP_2025_06_18, false, v) == 0);
	expect(HEAD "\"content\":[{\"type\":\"text\",\"text\":\"{\\\"a\\\":\\\"b\\\"}\"}],"
	    "\"structuredContent\":{\"a\":\"b\"},"
	    "\"isError\":false}}");
	next();
	cr_assert(mcp_write_tool_json(&to, SPAN_LIT("1"), MCP_2025_03_26, true, v) == 0);
	expect(HEAD "\"content\":[{\"type\":\"text\",\"text\":\"{\\\"a\\\":\\\"b\\\"}\"}],\"isError\":true}}");
	next();
	cr_assert(json_parse(SPAN_LIT("[1]"), true, &v, NULL) == 0);
	cr_assert(mcp_write_tool_json(&to, SPAN_LIT("1"), MCP_2026_07_28, false, v) == 0);
	expect(HEAD STAMP ",\"content\":[{\"type\":\"text\",\"text\":\"[1]\"}],\"structuredContent\":{\"result\":[1]},"
	    "\"isError\":false}}");
	next();
	cr_assert(mcp_write_tool_text(&to, SPAN_LIT("1"), MCP_2025_11_25, true, SPAN_LIT("no")) == 0);
	expect(HEAD "\"content\":[{\"type\":\"text\",\"text\":\"no\"}],\"isError\":true}}");
}

Test(write, says_when_the_buffer_is_full)
{
	struct buf	small;

	buf_init(&small, 40);
	cr_expect(mcp_write_error(&small, SPAN_LIT("7"), &(struct mcp_error){ .error = E_RPC_METHOD }) == E_TOOBIG);
	buf_fini(&small);
	cr_assert(mcp_write_result(&to, SPAN_LIT("1"), MCP_2025_11_25, SPAN_NONE) == 0);
}
