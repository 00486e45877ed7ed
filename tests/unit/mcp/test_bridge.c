/* SPDX-License-Identifier: Apache-2.0
 *
 * test_bridge.c - messages that pass through, between all revisions
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "mcp/bridge.h"
#include "mcp/capability.h"
#include "mcp/write.h"

#define M	"io.modelcontextprotocol/"
#define KEYS	"\"" M "protocolVersion\":\"2026-07-28\",\"" M "clientInfo\":{\"name\":\"mcpgw\",\"version\":\"" \
		MCPGW_VERSION "\"},\"" M "clientCapabilities\":{}"
#define INFO	"\"" M "serverInfo\":{\"name\":\"mcpgw\",\"version\":\"" MCPGW_VERSION "\"}"
#define STAMP	"\"resultType\":\"complete\""

static struct rpc_scan		*scan;
static struct rpc_scan	*answers;
static struct arena		 arena;
static struct buf		 to;

static void
set_up(void)
{
	cr_assert(rpc_scan_new(&scan) == 0 && rpc_answer_new(&answers) == 0);
	arena_init(&arena, NULL, 0, 256 * 1024);
	buf_init(&to, 256 * 1024);
}

static void
tear_down(void)
{
	rpc_scan_free(&scan);
	rpc_scan_free(&answers);
	arena_fini(&arena);
	buf_fini(&to);
}

TestSuite(request, .init = set_up, .fini = tear_down);
TestSuite(bridge, .init = set_up, .fini = tear_down);

/* --- requests ------------------------------------------------------------------------------------ */

static void
expect_request(const struct bridge_request *q, const char *want)
{
	struct rpc_message	m;

	buf_clear(&to);
	cr_assert(bridge_write_request(&to, q, NULL, NULL) == 0);
	cr_expect(span_is(buf_rest(&to), want), "%.*s", SPAN_FMT(buf_rest(&to)));
	cr_expect(rpc_scan_whole(scan, buf_rest(&to), &arena, &m) == 0 && m.kind == RPC_REQUEST);
}

static const char client_call[] = "{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"method\":\"tools/call\","
    "\"params\":{\"vendor\":\n[1,\r\n2],"
    "\"name\":\"fs__read\",\"arguments\":{ \"path\" :\n\"a\\nb\" },"
    "\"task\":{},\"inputResponses\":{},\"requestState\":\"s\","
    "\"_meta\":{\"progressToken\":\"t\",\"traceparent\":\"00-1\",\"io.modelcontextprotocol\\/logLevel\":\"info\","
    "\"" M "protocolVersion\":\"2026-07-28\",\"com.x/y\":{}}}}";

Test(request, keeps_the_clients_bytes_and_drops_what_belongs_to_its_hop)
{
	struct rpc_message	m;
	struct bridge_request	q = { .method = MCP_TOOLS_CALL, .id = SPAN_LIT("41"), .name = SPAN_LIT("re\"ad"),
				    .from = &m };

	cr_assert(rpc_scan_whole(scan, span_of(client_call), &arena, &m) == 0);
	q.arguments = m.arguments;
	expect_request(&q, "{\"jsonrpc\":\"2.0\",\"id\":41,\"method\":\"tools/call\",\"params\":{\"name\":\"re\\\"ad\","
	    "\"arguments\":{ \"path\" : \"a\\nb\" },\"vendor\":[1,"
	    "  2],\"_meta\":{\"traceparent\":\"00-1\",\"com.x/y\":{}}}}");
	q.meta = BRIDGE_MODERN;
	q.progress_token = SPAN_LIT("5");
	expect_request(&q, "{\"jsonrpc\":\"2.0\",\"id\":41,\"method\":\"tools/call\",\"params\":{\"name\":\"re\\\"ad\","
	    "\"arguments\":{ \"path\" : \"a\\nb\" },\"vendor\":[1,"
	    "  2],\"_meta\":{\"progressToken\":5,\"traceparent\":\"00-1\","
	    "\"com.x/y\":{}," KEYS "}}}");
}

Test(request, is_written_without_a_client)
{
	struct bridge_request	q = { .method = MCP_TOOLS_LIST, .id = SPAN_LIT("1") };

	expect_request(&q, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\",\"params\":{}}");
	q.cursor = SPAN_LIT("\"c\"");
	expect_request(&q, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\",\"params\":{\"cursor\":\"c\"}}");
	q.meta = BRIDGE_MODERN;
	q.cursor = SPAN_NONE;
	expect_request(&q,
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\",\"params\":{\"_meta\":{" KEYS "}}}");
}

/* What a runner does: another id over the mark, the modern keys cut out for a legacy instance. */
Test(request, marks_what_a_legacy_instance_must_not_get)
{
	static const struct { const char *params; } rows[] = {
		{ "{}" }, { "{\"name\":\"a\"}" }, { "{\"name\":\"a\",\"arguments\":{}}" }, { "{\"v\":1}" },
		{ "{\"_meta\":{\"a\":1}}" }, { "{\"_meta\":{\"a\":1,\"b\":2},\"name\":\"a\"}" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bridge_mark	id, cut;
		struct rpc_message	m;
		struct bridge_request	q = { .method = MCP_TOOLS_CALL, .id = SPAN_LIT("\"any id\""), .from = &m };
		struct span		whole;
		char			text[1024], got[2048];

		snprintf(text, sizeof(text), "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":%s}",
		    rows[i].params);
		cr_assert(rpc_scan_whole(scan, span_of(text), &arena, &m) == 0);
		q.name = m.name;
		q.arguments = m.arguments;
		buf_clear(&to);
		cr_assert(buf_put_str(&to, "what stood there before") == 0);
		q.meta = BRIDGE_EITHER;
		cr_assert(bridge_write_request(&to, &q, &id, &cut) == 0);
		whole = span_part(buf_rest(&to), strlen("what stood there before"), SIZE_MAX);
		cr_expect(span_is(span_part(whole, id.at, id.bytes), "\"any id\""), "row %zu", i);
		cr_assert(cut.at + cut.bytes <= whole.n && cut.bytes > 0, "row %zu", i);
		snprintf(got, sizeof(got), "%.*s%.*s", (int)cut.at, whole.p,
		    SPAN_FMT(span_part(whole, cut.at + cut.bytes, SIZE_MAX)));
		buf_clear(&to);
		q.meta = BRIDGE_LEGACY;
		cr_assert(bridge_write_request(&to, &q, &id, NULL) == 0);
		cr_expect(span_is(buf_rest(&to), got), "row %zu: cut %s, legacy %.*s", i, got, SPAN_FMT(buf_rest(&to)));
	}
}

Test(request, of_our_own_is_written_for_both_eras)
{
	struct buf	params;

	buf_init(&params, 1024);
	cr_assert(bridge_write_initialize_params(&params, MCP_2025_11_25, MCP_CAN_ROOTS) == 0);
	cr_assert(bridge_write_own(&to, MCP_INITIALIZE, SPAN_LIT("0"), buf_rest(&params), BRIDGE_LEGACY) == 0);
	cr_expect(span_is(buf_rest(&to),
	    "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{\"protocolVersion\":"
	    "\"2025-11-25\",\"capabilities\":{\"roots\":{}},\"clientInfo\":{\"name\":\"mcpgw\",\"version\":\""
	    MCPGW_VERSION "\"}}}"));
	buf_clear(&to);
	cr_assert(bridge_write_own(&to, MCP_NOTE_INITIALIZED, SPAN_NONE, SPAN_NONE, BRIDGE_LEGACY) == 0);
	cr_expect(span_is(buf_rest(&to), "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}"));
	buf_clear(&to);
	cr_assert(bridge_write_own(&to, MCP_SERVER_DISCOVER, SPAN_LIT("1"), SPAN_NONE, BRIDGE_MODERN) == 0);
	cr_expect(span_is(buf_rest(&to),
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"server/discover\",\"params\":{\"_meta\":{"
	    KEYS "}}}"));
	buf_clear(&to);
	cr_assert(bridge_write_own(&to, MCP_NOTE_CANCELLED, SPAN_NONE, SPAN_LIT("{\"requestId\":4}"),
	    BRIDGE_MODERN) == 0);
	cr_expect(span_is(buf_rest(&to),
	    "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":4,"
	    "\"_meta\":{" KEYS "}}}"));
	buf_fini(&params);
}

/* --- answers ------------------------------------------------------------------------------------- */

#define L	false		/* the upstream's era */
#define U	true
#define R(s)	"\"result\":{" s "}"

struct answer_case {
	const char		*from;		/* without jsonrpc and id */
	bool			 upstream_modern;
	enum mcp_version	 client;
	const char		*want;		/* NULL: E_UPSTREAM */
};

static const struct answer_case answer_cases[] = {
	/* same era: as it is */
	{ R("\"content\":[ ],\n\"isError\":true,\"_meta\":{\"" M "related-task\":1},\"x\":1"), L, MCP_2025_11_25,
	    R("\"content\":[ ],\n\"isError\":true,\"_meta\":{\"" M "related-task\":1},\"x\":1") },
	{ R(""), L, MCP_2025_06_18, R("") },
	/* to modern clients: stamped, the upstream's own reserved keys gone */
	{ R("\"content\":[],\"x\":1"), L, MCP_2026_07_28, R(STAMP ",\"content\":[],\"x\":1,\"_meta\":{" INFO "}") },
	{ R(""), L, MCP_2026_07_28, R(STAMP ",\"_meta\":{" INFO "}") },
	{ R("\"resultType\":\"complete\",\"content\":[],"
	    "\"_meta\":{\"" M "serverInfo\":{\"name\":\"evil\"},\"a\":1}"), U,
	    MCP_2026_07_28, R(STAMP ",\"content\":[],\"_meta\":{\"a\":1," INFO "}") },
	{ R("\"_meta\":{\"a\":1,\"io.modelcontextprotocol\\/serverInfo\":2,\"b\":2, \"c\":3},\"content\":[]"), U,
	    MCP_2026_07_28, R(STAMP ",\"_meta\":{\"a\":1,\"b\":2, \"c\":3," INFO "},\"content\":[]") },
	{ R("\"content\":[],\"structuredContent\":[1]"), U, MCP_2026_07_28,
	    R(STAMP ",\"content\":[],\"structuredContent\":[1],\"_meta\":{" INFO "}") },
	{ R("\"_meta\":[1],\"content\":[]"), L, MCP_2026_07_28, R(STAMP ",\"_meta\":{" INFO "},\"content\":[]") },
	{ R("\"_meta\":[1],\"content\":[]"), U, MCP_2025_11_25, R("\"content\":[]") },
	/* a legacy server does not decide what the client may be asked */
	{ R("\"resultType\":\"input_required\",\"content\":[]"), L, MCP_2026_07_28,
	    R(STAMP ",\"content\":[],\"_meta\":{" INFO "}") },
	/* modern to legacy: stripped */
	{ R("\"resultType\":\"complete\",\"content\":[],\"ttlMs\":1,\"cacheScope\":\"public\",\"x\":2,\"_meta\":{\"" M
	    "serverInfo\":{}}"), U, MCP_2025_11_25, R("\"content\":[],\"x\":2") },
	{ R("\"_meta\":{\"a\":1,\"" M "serverInfo\":{}},\"resultType\":\"complete\""), U, MCP_2025_11_25,
	    R("\"_meta\":{\"a\":1}") },
	{ R("\"resultType\":\"complete\""), U, MCP_2025_11_25, R("") },
	{ R("\"resultType\":\"input_required\",\"inputRequests\":{}"), U, MCP_2025_11_25, NULL },
	{ R("\"resultType\":\"task\",\"taskId\":\"1\""), U, MCP_2026_07_28, NULL },
	{ R("\"resultType\":7"), U, MCP_2026_07_28, NULL },
	/* structuredContent by revision */
	{ R("\"content\":[1],\"structuredContent\":{\"a\":1}"), L, MCP_2025_06_18,
	    R("\"content\":[1],\"structuredContent\":{\"a\":1}") },
	{ R("\"content\":[1],\"structuredContent\":[1],\"x\":1"), U, MCP_2025_11_25, R("\"content\":[1],\"x\":1") },
	{ R("\"content\":[1],\"structuredContent\":{\"a\":1},\"x\":1"), L, MCP_2025_03_26,
	    R("\"content\":[1],\"x\":1") },
	{ R("\"structuredContent\":[\"a\"],\"content\":[]"), U, MCP_2025_11_25,
	    R("\"content\":[{\"type\":\"text\",\"text\":\"[\\\"a\\\"]\"}]") },
	{ R("\"structuredContent\":5,\"x\":1"), U, MCP_2025_11_25,
	    R("\"x\":1,\"content\":[{\"type\":\"text\",\"text\":\"5\"}]") },
	/* blocks by revision */
	{ R("\"content\":[{\"type\":\"text\",\"text\":\"a\"},{\"uri\":\"file:///\\u0061\",\"type\":\"resource_link\"},"
	    "{\"type\":\"audio\",\"data\":\"\"}],\"x\":1"), L, MCP_2025_03_26,
	    R("\"content\":[{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"text\",\"text\":\"file:///\\u0061\"},"
	    "{\"type\":\"audio\",\"data\":\"\"}],\"x\":1") },
	{ R("\"content\":[{\"type\":\"audio\",\"data\":\"\"}]"), L, MCP_2024_11_05,
	    R("\"content\":[{\"type\":\"text\",\"text\":\"[audio, which this protocol version has not]\"}]") },
	{ R("\"content\":[]"), L, MCP_2024_11_05, R("\"content\":[]") },
	/* errors */
	{ "\"error\":{\"code\":-32602,\"message\":\"m\",\"data\":[1],\"v\":2}", L, MCP_2026_07_28,
	    "\"error\":{\"code\":-32602,\"message\":\"m\",\"data\":[1],\"v\":2}" },
	{ "\"error\":{\"code\":-32002,\"message\":\"m\",\"data\":{\"uri\":\"u\"}}", L, MCP_2026_07_28,
	    "\"error\":{\"code\":-32602,\"message\":\"m\",\"data\":{\"uri\":\"u\"}}" },
	{ "\"error\":{\"code\":-32002,\"message\":\"m\"}", L, MCP_2025_11_25,
	    "\"error\":{\"code\":-32002,\"message\":\"m\"}" },
	{ "\"error\":{\"code\":-32042,\"message\":\"m\"}", L, MCP_2025_11_25,
	    "\"error\":{\"code\":-32042,\"message\":\"m\"}" },
	{ "\"error\":{\"code\":-32042,\"message\":\"m\",\"data\":{\"elicitations\":[{\"message\":\"a\"}]}}", L, MCP_2025_11_25,
	    "\"error\":{\"code\":-32042,\"message\":\"m\",\"data\":{\"elicitations\":[{\"message\":\"who: a\"}]}}" },
	{ "\"error\":{\"code\":-32042,\"data\":{\"elicitations\":[{\"message\":\"a\",\"message\":\"b\"}]}}", L, MCP_2025_11_25,
	    NULL },
	{ "\"error\":{\"code\":-32020,\"message\":\"m\",\"data\":1}", U, MCP_2026_07_28,
	    "\"error\":{\"code\":-32603,\"message\":"
	    "\"m\",\"data\":{\"code\":\"UPSTREAM_ERROR\",\"upstreamCode\":-32020,\"request_id\":\"r-1\"}}" },
	{ "\"error\":{\"code\":-32042,\"message\":\"m\"}", L, MCP_2026_07_28, "\"error\":{\"code\":-32603,\"message\":"
	    "\"m\",\"data\":{\"code\":\"UPSTREAM_ERROR\",\"upstreamCode\":-32042,\"request_id\":\"r-1\"}}" },
	{ "\"error\":{\"message\":\"m\"}", L, MCP_2025_11_25, "\"error\":{\"code\":-32603,\"message\":"
	    "\"m\",\"data\":{\"code\":\"UPSTREAM_ERROR\",\"upstreamCode\":0,\"request_id\":\"r-1\"}}" },
	{ "\"error\":{\"code\":1}", L, MCP_2025_11_25,
	    "\"error\":{\"code\":1,\"message\":\"the server gave no message\"}" },
};

Test(bridge, gives_each_client_what_its_revision_knows)
{
	for (size_t i = 0; i < sizeof(answer_cases) / sizeof(answer_cases[0]); i++) {
		const struct answer_case	*c = &answer_cases[i];
		struct bridge_answer		 how = { .id = SPAN_LIT("\"client's\""), .client = c->client,
						    .upstream_modern = c->upstream_modern, .method = MCP_TOOLS_CALL,
						    .request_id = SPAN_LIT("r-1"), .server = SPAN_LIT("who") };
		struct rpc_answer		 m;
		struct json_value		 v;
		struct bridge_pieces		 pieces;
		char				 text[1024], want[1024];
		int				 r;

		snprintf(text, sizeof(text), "{\"id\":41,%s,\"vendor\":1,\"jsonrpc\":\"2.0\"}", c->from);
		cr_assert(rpc_answer_whole(answers, span_of(text), &m) == 0, "row %zu: %s", i, m.why);
		r = bridge_answer(&m, &how, &arena, &pieces);
		cr_expect(r == (c->want == NULL ? E_UPSTREAM : 0), "row %zu: %d", i, r);
		if (r != 0)
			continue;
		buf_clear(&to);
		cr_assert(bridge_pieces_write(&to, &pieces) == 0);
		snprintf(want, sizeof(want), "{\"jsonrpc\":\"2.0\",\"id\":\"client's\",%s}", c->want);
		cr_expect(span_is(buf_rest(&to), want), "row %zu: %.*s", i, SPAN_FMT(buf_rest(&to)));
		cr_expect(pieces.bytes == to.used, "row %zu", i);
		cr_expect(json_parse(buf_rest(&to), true, &v, NULL) == 0, "row %zu", i);
	}
}

Test(bridge, adds_cache_hints_where_they_are_due)
{
	struct bridge_answer	how = { .id = SPAN_LIT("1"), .client = MCP_2026_07_28, .method = MCP_RESOURCES_READ };
	struct rpc_answer	m;
	struct bridge_pieces	p;

	cr_assert(rpc_answer_whole(answers,
	    SPAN_LIT("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"contents\":[]}}"), &m) == 0);
	cr_assert(bridge_answer(&m, &how, &arena, &p) == 0 && bridge_pieces_write(&to, &p) == 0);
	cr_expect(span_is(buf_rest(&to),
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{" STAMP ",\"contents\":[],\"_meta\":{" INFO
	    "},\"ttlMs\":0,\"cacheScope\":\"private\"}}"));
}

Test(bridge, does_not_copy_what_stays)
{
	static char		text[200 * 1024];
	struct bridge_answer	how = { .id = SPAN_LIT("1"), .client = MCP_2026_07_28, .method = MCP_TOOLS_CALL };
	struct rpc_answer	m;
	struct bridge_pieces	p;
	size_t			n = (size_t)sprintf(text,
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"content\":[{\"type\":\"text\","
				    "\"text\":\"%0150000d\"}],\"isError\":false}}", 0);

	cr_assert(rpc_answer_whole(answers, span_make(text, n), &m) == 0);
	cr_assert(bridge_answer(&m, &how, &arena, &p) == 0);
	cr_expect(p.count < 12 && arena.used < 4096, "%zu pieces, %zu bytes", p.count, arena.used);
}

Test(bridge, refuses_what_is_no_answer)
{
	struct bridge_answer	how = { .id = SPAN_LIT("1"), .client = MCP_2025_11_25, .method = MCP_TOOLS_CALL };
	struct rpc_answer	m;
	struct bridge_pieces	p;

	cr_assert(rpc_answer_whole(answers, SPAN_LIT("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}"), &m) == 0);
	cr_expect(bridge_answer(&m, &how, &arena, &p) == E_UPSTREAM);
}
