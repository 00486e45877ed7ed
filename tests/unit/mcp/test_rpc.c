/* SPDX-License-Identifier: Apache-2.0
 *
 * test_rpc.c - clients' messages: what they are, where their parts stand, what is refused
 */
#include <criterion/criterion.h>
#include <stdio.h>

#include "mcp/rpc.h"

#define CALL	"{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"tools/call\",\"params\":"

static struct rpc_scan	*scan;
static struct arena	 arena;

static void
set_up(void)
{
	cr_assert(rpc_scan_new(&scan) == 0);
	arena_init(&arena, NULL, 0, 64 * 1024);
}

static void
tear_down(void)
{
	rpc_scan_free(&scan);
	arena_fini(&arena);
}

TestSuite(rpc, .init = set_up, .fini = tear_down);

struct kind_case {
	const char	*text;
	int		 r;
	enum rpc_kind	 kind;
	const char	*id;		/* raw token that can be echoed */
};

static const struct kind_case kinds[] = {
	{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}", 0, RPC_REQUEST, "1" },
	{ " {\"id\" : \"a\\u0041\" , \"method\":\"x\",\"jsonrpc\":\"2.0\",\"params\":{}}\n", 0, RPC_REQUEST,
	    "\"a\\u0041\"" },
	{ "{\"jsonrpc\":\"2.0\",\"id\":-5,\"method\":\"ping\"}", 0, RPC_REQUEST, "-5" },
	{ "{\"jsonrpc\":\"2.0\",\"id\":123456789012345678901234567890,\"method\":\"p\"}", 0, RPC_REQUEST,
	    "123456789012345678901234567890" },
	{ "{\"jsonrpc\":\"2.0\",\"id\":\"\",\"method\":\"p\"}", 0, RPC_REQUEST, "\"\"" },
	{ "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}", 0, RPC_NOTIFICATION, "" },
	{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}", 0, RPC_RESPONSE, "1" },
	{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-1,\"message\":\"no\"}}", 0, RPC_RESPONSE, "1" },
	{ "[]", 0, RPC_ARRAY, "" },
	{ "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}]", 0, RPC_ARRAY, "" },
	/* ids */
	{ "{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"ping\"}", E_RPC_INVALID, 0, "" },
	{ "{\"jsonrpc\":\"2.0\",\"id\":1.5,\"method\":\"ping\"}", E_RPC_INVALID, 0, "" },
	{ "{\"jsonrpc\":\"2.0\",\"id\":1e3,\"method\":\"ping\"}", E_RPC_INVALID, 0, "" },
	{ "{\"jsonrpc\":\"2.0\",\"id\":1.0,\"method\":\"ping\"}", E_RPC_INVALID, 0, "" },
	{ "{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"ping\"}", E_RPC_INVALID, 0, "" },
	{ "{\"jsonrpc\":\"2.0\",\"id\":true,\"method\":\"ping\"}", E_RPC_INVALID, 0, "" },
	{ "{\"jsonrpc\":\"2.0\",\"id\":null,\"result\":{}}", E_RPC_INVALID, 0, "" },
	/* the envelope */
	{ "{\"id\":1,\"method\":\"ping\"}", E_RPC_INVALID, 0, "1" },
	{ "{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"ping\"}", E_RPC_INVALID, 0, "1" },
	{ "{\"jsonrpc\":2.0,\"id\":1,\"method\":\"ping\"}", E_RPC_INVALID, 0, "1" },
	{ "{\"jsonrpc\":\"2.0\",\"id\":1}", E_RPC_INVALID, 0, "1" },
	{ "{\"jsonrpc\":\"2.0\"}", E_RPC_INVALID, 0, "" },
	{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":7}", E_RPC_INVALID, 0, "1" },
	{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\"}", E_RPC_INVALID, 0, "1" },
	{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"p\",\"params\":[]}", E_RPC_INVALID, 0, "1" },
	{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"p\",\"params\":null}", E_RPC_INVALID, 0, "1" },
	{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"p\",\"result\":{}}", E_RPC_INVALID, 0, "1" },
	{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{},\"error\":{}}", E_RPC_INVALID, 0, "1" },
	{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":5}", E_RPC_INVALID, 0, "1" },
	{ "{\"jsonrpc\":\"2.0\",\"result\":{}}", E_RPC_INVALID, 0, "" },
	{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"p\",\"extra\":1}", E_RPC_INVALID, 0, "1" },
	{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"p\",\"Method\":\"q\"}", E_RPC_INVALID, 0, "1" },
	{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"p\",\"param\xc5\xbf\":{}}", E_RPC_INVALID, 0, "1" },
	{ "5", E_RPC_INVALID, 0, "" },
	{ "\"jsonrpc\"", E_RPC_INVALID, 0, "" },
	{ CALL "{\"_meta\":[{\"a\":1}]}}", E_RPC_INVALID, 0, "7" },
	{ CALL "{\"_meta\":null}}", E_RPC_INVALID, 0, "7" },
	/* doubles */
	{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"id\":1,\"method\":\"p\"}", E_JSON_DUPLICATE, 0, "" },
	{ CALL "{\"name\":\"a\",\"n\\u0061me\":\"b\"}}", E_JSON_DUPLICATE, 0, "" },
	{ CALL "{\"_meta\":{\"a\":1,\"a\":1}}}", E_JSON_DUPLICATE, 0, "" },
	{ CALL "{\"name\":\"a\",\"arguments\":{\"x\":1,\"x\":2}}}", 0, RPC_REQUEST, "7" },
	/* names that differ in case only */
	{ CALL "{\"name\":\"a\",\"Name\":\"b\"}}", E_RPC_INVALID, 0, "7" },
	{ CALL "{\"Name\":\"b\"}}", E_RPC_INVALID, 0, "7" },
	{ CALL "{\"name\":\"a\",\"n\\u0041me\":\"b\"}}", E_RPC_INVALID, 0, "7" },
	{ CALL "{\"argument\xc5\xbf\":{}}}", E_RPC_INVALID, 0, "7" },
	{ CALL "{\"tas\xe2\x84\xaaId\":\"x\"}}", E_RPC_INVALID, 0, "7" },
	{ CALL "{\"_META\":{}}}", E_RPC_INVALID, 0, "7" },
	{ CALL "{\"_meta\":{\"progresstoken\":1}}}", E_RPC_INVALID, 0, "7" },
	{ CALL "{\"_meta\":{\"io.ModelContextProtocol/protocolVersion\":1}}}", E_RPC_INVALID, 0, "7" },
	{ CALL "{\"_meta\":{\"com.example/x\":1},\"vendor\":2,\"arguments\":{\"NAME\":1}}}", 0, RPC_REQUEST, "7" },
	/* not JSON */
	{ "", E_JSON_SYNTAX, 0, "" },
	{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"p\"", E_JSON_SYNTAX, 0, "" },
	{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"p\"}x", E_JSON_SYNTAX, 0, "" },
	{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\\u0000\"}", E_JSON_SYNTAX, 0, "" },
};

Test(rpc, tells_every_kind_whole_and_byte_by_byte)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct span		text = span_of(kinds[i].text);
		struct rpc_message	m, bytes;
		int			r = rpc_scan_whole(scan, text, &arena, &m), fed = 0;

		cr_expect(r == kinds[i].r, "row %zu %s: %d %s", i, kinds[i].text, r, m.why);
		cr_expect(m.kind == (r == 0 ? kinds[i].kind : RPC_INVALID), "row %zu: %d", i, m.kind);
		cr_expect(span_is(m.id, kinds[i].id), "row %zu: %.*s", i, SPAN_FMT(m.id));
		cr_expect((m.why != NULL) == (r != 0), "row %zu", i);
		for (size_t k = 0; k < text.n && fed == 0; k++)
			fed = rpc_scan_feed(scan, span_part(text, k, 1));
		cr_expect(rpc_scan_end(scan, text, &arena, &bytes) == r, "row %zu", i);
		cr_expect(bytes.kind == m.kind && span_eq(bytes.id, m.id), "row %zu", i);
		arena_reset(&arena);
	}
}

Test(rpc, notes_every_part)
{
	static const char text[] = "{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"method\":\"tools\\/call\",\"params\":{"
	    "\"name\":\"re\\u0061d\",\"uri\":\"file:///a\",\"taskId\":\"t\","
	    "\"arguments\":{\"name\":1},\"cursor\":\"c\","
	    "\"inputResponses\":{},\"requestState\":\"s\",\"requestId\":4,\"_meta\":{\"progressToken\":9,"
	    "\"io.modelcontextprotocol\\/protocolVersion\":\"2026-07-28\","
	    "\"io.modelcontextprotocol/clientInfo\":{\"name\":\"n\",\"version\":\"1\"},"
	    "\"io.modelcontextprotocol/clientCapabilities\":{},\"io.modelcontextprotocol/logLevel\":\"info\"}}}";
	struct rpc_message	m;

	cr_assert(rpc_scan_whole(scan, span_of(text), &arena, &m) == 0);
	cr_expect(m.method == MCP_TOOLS_CALL && span_is(m.method_text, "tools/call"));
	cr_expect(span_is(m.name, "read") && span_is(m.name_value.raw, "\"re\\u0061d\""));
	cr_expect(span_is(m.uri, "file:///a") && span_is(m.task_id, "t"));
	cr_expect(m.arguments.type == JSON_OBJECT && span_is(m.arguments.raw, "{\"name\":1}"));
	cr_expect(span_is(m.cursor.raw, "\"c\"") && span_is(m.request_state.raw, "\"s\""));
	cr_expect(m.input_responses.type == JSON_OBJECT && span_is(m.request_id.raw, "4"));
	cr_expect(m.meta.type == JSON_OBJECT && span_is(m.progress_token.raw, "9"));
	cr_expect(span_is(m.claim_text, "2026-07-28") && m.claim.type == JSON_STRING);
	cr_expect(json_is(json_get(m.claim_client_info, "name"), "n"));
	cr_expect(m.claim_capabilities.type == JSON_OBJECT && json_is(m.log_level, "info"));
}

Test(rpc, leaves_absent_parts_empty)
{
	struct rpc_message	m;

	cr_assert(rpc_scan_whole(scan, SPAN_LIT("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"no/such\","
	    "\"params\":{\"name\":5}}"), &arena, &m) == 0);
	cr_expect(m.method == MCP_METHOD_NONE && span_is(m.method_text, "no/such"));
	cr_expect(m.name.p == NULL && m.name_value.type == JSON_NUMBER);
	cr_expect(m.uri.p == NULL && m.arguments.type == JSON_NONE && m.claim.type == JSON_NONE);
	cr_expect(m.meta.type == JSON_NONE && m.claim_text.p == NULL);
}

Test(rpc, tells_an_empty_text_from_an_absent_one)
{
	struct rpc_message	m;

	cr_assert(rpc_scan_whole(scan, SPAN_LIT(CALL "{\"name\":\"\"}}"), &arena, &m) == 0);
	cr_expect(m.name.p != NULL && m.name.n == 0);
}

Test(rpc, refuses_an_id_too_long_to_echo)
{
	char			text[2 * RPC_ID_MAX];
	struct rpc_message	m;

	for (int over = 0; over <= 1; over++) {
		size_t	n = (size_t)snprintf(text, sizeof(text),
		    "{\"jsonrpc\":\"2.0\",\"method\":\"p\",\"id\":\"%0*d\"}",
			    RPC_ID_MAX - 2 + over, 0);

		cr_expect(rpc_scan_whole(scan, span_make(text, n), &arena, &m) == (over ? E_RPC_INVALID : 0));
		cr_expect(m.id.n == (over ? 0 : RPC_ID_MAX));
	}
}

Test(rpc, answers_503_when_the_arena_is_full)
{
	struct arena		tiny;
	struct rpc_message	m;

	arena_init(&tiny, NULL, 0, 0);
	cr_expect(rpc_scan_whole(scan, SPAN_LIT(CALL "{\"name\":\"\\u0061\"}}"), &tiny, &m) == E_NOMEM);
	cr_expect(m.kind == RPC_INVALID);
	arena_fini(&tiny);
}
