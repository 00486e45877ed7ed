/* SPDX-License-Identifier: Apache-2.0
 *
 * test_answer.c - what upstreams send: answers, their own requests, rubbish
 */
#include <criterion/criterion.h>

#include "mcp/rpc.h"

static struct rpc_scan	*scan;

static void
set_up(void)
{
	cr_assert(rpc_answer_new(&scan) == 0);
}

static void
tear_down(void)
{
	rpc_scan_free(&scan);
}

TestSuite(answer, .init = set_up, .fini = tear_down);

static const struct {
	const char	*text;
	int		 r;
	enum rpc_kind	 kind;
	const char	*id;
	bool		 is_error;
} rows[] = {
	{ "{\"jsonrpc\":\"2.0\",\"id\":41,\"result\":{}}", 0, RPC_RESPONSE, "41", false },
	{ "{\"result\":{\"content\":[]},\"id\":\"a\",\"jsonrpc\":\"2.0\"}", 0, RPC_RESPONSE, "\"a\"", false },
	{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{},\"vendor\":1}", 0, RPC_RESPONSE, "1", false },
	{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"x\":\"\\u0000\"}}", 0, RPC_RESPONSE, "1", false },
	{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32601,\"message\":\"no\"}}", 0, RPC_RESPONSE, "1", true },
	{ "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32700,\"message\":\"no\"}}", 0, RPC_RESPONSE,
	    "", true },
	{ "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32700,\"message\":\"no\"}}", 0, RPC_RESPONSE, "", true },
	{ "{\"jsonrpc\":\"2.0\",\"method\":\"notifications\\/progress\",\"params\":{\"progressToken\":3}}", 0,
	    RPC_NOTIFICATION, "", false },
	{ "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"elicitation/create\",\"params\":{}}", 0, RPC_REQUEST, "0",
	    false },
	{ "{\"jsonrpc\":\"2.0\",\"id\":null,\"result\":{}}", E_RPC_INVALID, 0, "", false },
	{ "{\"jsonrpc\":\"2.0\",\"result\":{}}", E_RPC_INVALID, 0, "", false },
	{ "{\"jsonrpc\":\"2.0\",\"id\":1.5,\"result\":{}}", E_RPC_INVALID, 0, "", false },
	{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":[]}", E_RPC_INVALID, 0, "1", false },
	{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{},\"error\":{}}", E_RPC_INVALID, 0, "1", false },
	{ "{\"jsonrpc\":\"2.0\",\"id\":1}", E_RPC_INVALID, 0, "1", false },
	{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\",\"result\":{}}", E_RPC_INVALID, 0, "1", false },
	{ "{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"x\"}", E_RPC_INVALID, 0, "", false },
	{ "{\"id\":1,\"result\":{}}", E_RPC_INVALID, 0, "", false },
	{ "[]", E_RPC_INVALID, 0, "", false },
	{ "Listening on port 3000", E_JSON_SYNTAX, 0, "", false },
	{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"id\":2,\"result\":{}}", E_JSON_DUPLICATE, 0, "", false },
	{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"content\":[],\"content\":[]}}", E_JSON_DUPLICATE, 0, "", false },
};

Test(answer, tells_every_kind)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rpc_answer	m;
		int			r = rpc_answer_whole(scan, span_of(rows[i].text), &m);

		cr_expect(r == rows[i].r, "row %zu: %d %s", i, r, m.why);
		cr_expect(m.kind == (r == 0 ? rows[i].kind : RPC_INVALID), "row %zu: %d", i, m.kind);
		cr_expect(span_is(m.id, rows[i].id), "row %zu: %.*s", i, SPAN_FMT(m.id));
		cr_expect(r != 0 || m.is_error == rows[i].is_error, "row %zu", i);
	}
}

Test(answer, notes_its_parts)
{
	struct rpc_answer	m;

	cr_assert(rpc_answer_whole(scan,
	    SPAN_LIT("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"resultType\":\"complete\","
	    "\"tools\":[],\"nextCursor\":\"n\",\"content\":[1],\"structuredContent\":2,\"isError\":true,\"_meta\":{},"
	    "\"protocolVersion\":\"v\",\"supportedVersions\":[],\"capabilities\":{},\"serverInfo\":{}}}"), &m) == 0);
	cr_expect(json_is(m.result_type, "complete") && m.tools.type == JSON_ARRAY && json_is(m.next_cursor, "n"));
	cr_expect(span_is(m.content.raw, "[1]") && span_is(m.structured.raw, "2"));
	cr_expect(m.is_error_value.type == JSON_TRUE && m.meta.type == JSON_OBJECT && json_is(m.version, "v"));
	cr_expect(m.supported.type == JSON_ARRAY && m.capabilities.type == JSON_OBJECT &&
	    m.server_info.type == JSON_OBJECT);
	cr_assert(rpc_answer_whole(scan, SPAN_LIT("{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32002,"
	    "\"message\":\"m\",\"data\":{\"uri\":\"u\"}}}"), &m) == 0);
	cr_expect(m.error_code == -32002 && json_is(m.error_message, "m") && m.error_data.type == JSON_OBJECT);
	cr_assert(rpc_answer_whole(scan, SPAN_LIT("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\","
	    "\"params\":{\"progressToken\":\"t\",\"requestId\":3}}"), &m) == 0);
	cr_expect(m.method == MCP_NOTE_PROGRESS && json_is(m.progress_token, "t") && span_is(m.request_id.raw, "3"));
	cr_assert(rpc_answer_whole(scan, SPAN_LIT("{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":1.5}}"), &m) == 0);
	cr_expect(m.error_code == 0 && m.error_message.type == JSON_NONE);
}

Test(answer, is_read_in_chunks)
{
	static const char	 text[] = "{\"jsonrpc\":\"2.0\",\"id\":12345,"
	    "\"result\":{\"content\":[{\"type\":\"text\","
	    "\"text\":\"\xe4\xb8\x96\"}]}}";
	struct rpc_answer	 m;

	for (size_t step = 1; step < sizeof(text); step++) {
		for (size_t i = 0; i < sizeof(text) - 1; i += step)
			cr_assert(rpc_scan_feed(scan, span_part(span_of(text), i, step)) == 0);
		cr_assert(rpc_answer_end(scan, span_of(text), &m) == 0, "step %zu", step);
		cr_expect(span_is(m.id, "12345") && m.content.type == JSON_ARRAY, "step %zu", step);
	}
}
