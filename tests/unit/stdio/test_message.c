/* SPDX-License-Identifier: Apache-2.0
 *
 * test_message.c - header fields of a message, and what came back
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "stdio/message.h"
#include "tests/unit/stdio/fake.h"

struct row {
	const char	*text, *fields;
};

#define CALL(id, name)	"{\"jsonrpc\":\"2.0\",\"id\":" #id ",\"method\":\"tools/call\",\"params\":{\"name\":" name \
	"," MODERN_META "}}"
#define V	"MCP-Protocol-Version: 2026-07-28\r\n"

static const struct row rows[] = {
	{ CALL(1, "\"a__b\""), V "Mcp-Method: tools/call\r\nMcp-Name: a__b\r\n" },
	{ CALL(1, "\"gr\\u00fcn\""), V "Mcp-Method: tools/call\r\nMcp-Name: =?base64?Z3LDvG4=?=\r\n" },
	{ CALL(1, "\"a\\r\\nX: y\""), V "Mcp-Method: tools/call\r\nMcp-Name: =?base64?YQ0KWDogeQ==?=\r\n" },
	{ CALL(1, "7"), V "Mcp-Method: tools/call\r\n" },
	{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"resources/read\",\"params\":{\"uri\":\"file:///x\"," MODERN_META "}}",
	    V "Mcp-Method: resources/read\r\nMcp-Name: file:///x\r\n" },
	{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\",\"params\":{\"name\":\"x\"," MODERN_META "}}",
	    V "Mcp-Method: tools/list\r\n" },
	{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\\ny\",\"params\":{" MODERN_META "}}", V },
	{ "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":1," MODERN_META "}}", V },
	{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\",\"params\":{\"_meta\":{"
	    "\"io.modelcontextprotocol/protocolVersion\":\"1\\r\\nX: y\"}}}", "Mcp-Method: tools/list\r\n" },
};

Test(message, is_sent_with_the_fields_of_its_era)
{
	struct rpc_scan		*s;
	struct rpc_message	 m;
	struct arena		 arena;
	struct buf		 to;

	cr_assert(rpc_scan_new(&s) == 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		arena_init(&arena, NULL, 0, 65536);
		buf_init(&to, 65536);
		cr_assert(rpc_scan_whole(s, span_of(rows[i].text), &arena, &m) == 0, "row %zu: %s", i, m.why);
		cr_expect(message_is_modern(&m));
		cr_expect(eq(int, message_put_fields(&to, &m), 0));
		cr_expect(span_is(buf_rest(&to), rows[i].fields), "row %zu: %.*s", i, SPAN_FMT(buf_rest(&to)));
		buf_fini(&to);
		arena_fini(&arena);
	}
	rpc_scan_free(&s);
}

Test(reply, is_told_apart)
{
	static const struct {
		const char	*text;
		enum reply_kind	 kind;
	} cases[] = {
		{ RESULT(7), REPLY_FINAL }, { RESULT("7"), REPLY_FOREIGN }, { RESULT(8), REPLY_FOREIGN },
		{ "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":1,\"message\":\"x\"}}", REPLY_FINAL },
		{ "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":1,\"message\":\"x\"}}", REPLY_FINAL },
		{ "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"ping\"}", REPLY_OTHER }, { INITIALIZED, REPLY_OTHER },
		{ "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{}", REPLY_BAD }, { "", REPLY_BAD }, { "[]", REPLY_BAD },
		{ "<html>", REPLY_BAD },
	};
	struct rpc_scan		*s;
	struct rpc_answer	 a;

	cr_assert(rpc_answer_new(&s) == 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		cr_expect(eq(int, reply_judge(s, span_of(cases[i].text), SPAN_LIT("7"), &a), cases[i].kind),
		    "case %zu", i);
	rpc_scan_free(&s);
}

Test(reply, errors_are_json_whatever_they_quote)
{
	struct buf		to;
	struct json_value	v;

	buf_init(&to, 65536);
	cr_expect(eq(int, reply_put_error(&to, SPAN_LIT("\"i\""), E_INTERNAL, "a \"quote\"\n\xff"), 0));
	cr_expect(eq(int, json_parse(buf_rest(&to), true, &v, NULL), 0));
	cr_expect(span_is(json_get(v, "id").raw, "\"i\""));
	cr_expect(span_is(json_get(json_get(v, "error"), "code").raw, "-32603"));
	buf_clear(&to);
	cr_expect(eq(int, reply_put_error(&to, SPAN_NONE, E_JSON_SYNTAX, "x"), 0));
	cr_expect(eq(int, json_parse(buf_rest(&to), true, &v, NULL), 0));
	cr_expect(eq(int, json_get(v, "id").type, JSON_NONE));
	buf_fini(&to);
}
