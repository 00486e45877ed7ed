/* SPDX-License-Identifier: Apache-2.0
 *
 * test_uris.c - which URIs are rewritten, and where they are looked for
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "mcp/uris.h"

Test(uris, stay_when_clients_fetch_them)
{
	static const struct { const char *uri; bool stays; } rows[] = {
		{ "https://a", true }, { "http://a", true }, { "HtTpS:a", true }, { "data:", true },
		{ "file:///a", false }, { "https", false }, { "httpss://a", false }, { "", false }, { "xhttp://a", false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_expect(uris_stays(span_of(rows[i].uri)) == rows[i].stays, "%s", rows[i].uri);
}

Test(uris, split_at_the_first_colon)
{
	static const struct { const char *uri, *prefix, *own; } rows[] = {
		{ "mcpgw-a:b:c", "a", "b:c" }, { "mcpgw-a-1:file:///x", "a-1", "file:///x" },
		{ "mcpgw-a:", NULL, NULL }, { "mcpgw-:b", NULL, NULL }, { "mcpgw-a", NULL, NULL },
		{ "mcpgw:a:b", NULL, NULL }, { "MCPGW-a:b", NULL, NULL }, { "", NULL, NULL },
	};
	struct span	prefix, own;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool is = uris_split(span_of(rows[i].uri), &prefix, &own);

		cr_expect(is == (rows[i].prefix != NULL), "%s", rows[i].uri);
		if (is && rows[i].prefix != NULL)
			cr_expect(span_is(prefix, rows[i].prefix) && span_is(own, rows[i].own), "%s", rows[i].uri);
	}
}

/* `text` is a result, or with `error` an error; the answer to `method`. */
static void
expect(enum mcp_method method, bool error, const char *text, const char *want)
{
	struct rpc_answer	from = { .kind = RPC_RESPONSE, .is_error = error };
	struct splices		s;
	struct arena		a;
	struct buf		b;

	arena_init(&a, NULL, 0, 64 * 1024);
	buf_init(&b, 64 * 1024);
	splices_init(&s, &a);
	cr_assert(json_parse(span_of(text), true, error ? &from.error : &from.result, NULL) == 0, "%s", text);
	from.error_data = json_get(from.error, "data");
	cr_assert(uris_of_answer(&from, method, SPAN_LIT("mcpgw-x:"), &s) == 0);
	cr_assert(splice_text(&b, span_of(text), &s) == 0);
	cr_expect(span_is(buf_rest(&b), want), "%.*s", SPAN_FMT(buf_rest(&b)));
	buf_fini(&b);
	arena_fini(&a);
}

Test(uris, are_rewritten_where_they_are_resources)
{
	expect(MCP_TOOLS_CALL, false, "{\"content\":[{\"uri\":\"a:1\",\"type\":\"resource_link\"},{\"type\":\"resource\","
	    "\"uri\":\"a:2\",\"resource\":{\"uri\":\"a:3\"}},{\"type\":\"text\",\"text\":\"a:4\",\"uri\":\"a:5\"},7],"
	    "\"uri\":\"a:6\",\"_meta\":{\"ui\":{\"resourceUri\":\"a:7\"}}}",
	    "{\"content\":[{\"uri\":\"mcpgw-x:a:1\",\"type\":\"resource_link\"},{\"type\":\"resource\","
	    "\"uri\":\"a:2\",\"resource\":{\"uri\":\"mcpgw-x:a:3\"}},{\"type\":\"text\",\"text\":\"a:4\",\"uri\":\"a:5\"},7],"
	    "\"uri\":\"a:6\",\"_meta\":{\"ui\":{\"resourceUri\":\"mcpgw-x:a:7\"}}}");
	expect(MCP_RESOURCES_READ, false, "{\"contents\":[{\"uri\":\"a:1\"},{\"uri\":\"https:1\"},{\"uri\":5}]}",
	    "{\"contents\":[{\"uri\":\"mcpgw-x:a:1\"},{\"uri\":\"https:1\"},{\"uri\":5}]}");
	expect(MCP_PROMPTS_GET, false, "{\"messages\":[{\"content\":{\"type\":\"resource_link\",\"uri\":\"a:1\"}}]}",
	    "{\"messages\":[{\"content\":{\"type\":\"resource_link\",\"uri\":\"mcpgw-x:a:1\"}}]}");
	expect(MCP_TASKS_GET, false, "{\"content\":[{\"type\":\"resource_link\",\"uri\":\"a:1\"}],\"result\":{\"content\":["
	    "{\"type\":\"resource_link\",\"uri\":\"a:2\"}]}}", "{\"content\":[{\"type\":\"resource_link\",\"uri\":\"a:1\"}],"
	    "\"result\":{\"content\":[{\"type\":\"resource_link\",\"uri\":\"mcpgw-x:a:2\"}]}}");
	expect(MCP_RESOURCES_READ, true, "{\"code\":-32602,\"data\":{\"uri\":\"a:1\"}}",
	    "{\"code\":-32602,\"data\":{\"uri\":\"mcpgw-x:a:1\"}}");
	expect(MCP_TOOLS_CALL, true, "{\"code\":-1,\"data\":{\"uri\":\"a:1\"}}", "{\"code\":-1,\"data\":{\"uri\":\"a:1\"}}");
}
