/* SPDX-License-Identifier: Apache-2.0
 *
 * test_part.c - answers that are passed on while they come: what a client gets is what it would have got of the whole
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "mcp/bridge.h"

#define M	"io.modelcontextprotocol/"
#define STAMP	"\"resultType\":\"complete\""

static struct rpc_scan	*scan, *whole_scan;
static struct arena	 arena;
static struct buf	 got, whole;

static void
set_up(void)
{
	cr_assert(rpc_answer_new(&scan) == 0 && rpc_answer_new(&whole_scan) == 0);
	arena_init(&arena, NULL, 0, 4 * 1024 * 1024);
	buf_init(&got, 256 * 1024);
	buf_init(&whole, 256 * 1024);
}

static void
tear_down(void)
{
	rpc_scan_free(&scan);
	rpc_scan_free(&whole_scan);
	arena_fini(&arena);
	buf_fini(&got);
	buf_fini(&whole);
}

TestSuite(part, .init = set_up, .fini = tear_down);

static void
put(const struct bridge_pieces *p)
{
	cr_assert(bridge_pieces_write(&got, p) == 0);
}

/* Feeds `text` in chunks and passes on what may go as soon as it may; how many values went while they came, or the
 * error.  This is what worker/call/answer.c does, but for what it holds back. */
static int
pass(struct span text, size_t chunk, struct span want_id, const struct bridge_answer *how)
{
	struct rpc_part		part = { .want_id = want_id };
	struct bridge_pieces	pieces;
	uint64_t		base = 0, end;
	bool			open = false;
	int			opened = 0, r;

	buf_clear(&got);
	rpc_scan_reset(scan);
	for (size_t at = 0, n; at < text.n; at += n) {
		n = text.n - at < chunk ? text.n - at : chunk;
		if ((r = rpc_scan_feed(scan, span_part(text, at, n))) != 0)
			return r;
		if (open) {
			end = rpc_answer_open_end(scan, &part);
			cr_assert(buf_put(&got, span_part(text, at, end < at + n ? (size_t)end - at : n)) == 0);
			open = end == UINT64_MAX;
			base = open ? at + n : end;
			if (open)
				continue;
		}
		if (!rpc_answer_open(scan, span_part(text, (size_t)base, at + n - (size_t)base), base, &part) ||
		    !bridge_may_open(&part, how))
			continue;
		cr_assert(bridge_open(&part, how, opened++ == 0, &arena, &pieces) == 0);
		put(&pieces);
		cr_assert(buf_put(&got, span_part(text, (size_t)base + part.open, at + n - (size_t)base - part.open)) == 0);
		base = at + n;
		open = true;
	}
	if ((r = rpc_answer_rest(scan, span_part(text, (size_t)base, text.n), base, &part)) != 0)
		return r;
	if (opened == 0)
		return 0;
	if ((r = bridge_close(&part, how, &arena, &pieces)) != 0)
		return r;
	put(&pieces);
	return opened;
}

#define L	false
#define U	true

static const struct row {
	const char		*result;		/* the members */
	bool			 upstream_modern;
	enum mcp_version	 client;
	int			 most;			/* values that go while they come, byte by byte */
} rows[] = {
	{ "\"content\":[{\"type\":\"text\",\"text\":\"a]}\\\"\"}]", L, MCP_2025_11_25, 1 },
	{ "\"content\":[1 , 2],\"isError\":true", L, MCP_2025_11_25, 1 },
	{ "\"x\":1,\"content\":[1],\"y\":{\"content\":[2]},\"structuredContent\":{\"a\":[1]},\"z\":3", L, MCP_2025_11_25, 2 },
	{ "\"structuredContent\":{\"a\":1},\"content\":[1]", L, MCP_2025_06_18, 2 },
	{ "\"content\":[1],\"structuredContent\":{\"a\":1}", L, MCP_2025_03_26, 0 },
	{ "\"content\":[1],\"structuredContent\":[1],\"x\":1", L, MCP_2025_11_25, 1 },
	{ "\"content\":[1],\"structuredContent\":\"a\"", L, MCP_2025_11_25, 1 },
	{ "\"structuredContent\":[1,2],\"content\":[1]", L, MCP_2025_11_25, 1 },
	{ "\"_meta\":{\"a\":1},\"content\":[1]", L, MCP_2026_07_28, 1 },
	{ "\"content\":[1],\"_meta\":{\"a\":1,\"" M "serverInfo\":{}}", L, MCP_2026_07_28, 1 },
	{ "\"content\":[1],\"resultType\":\"input_required\"", L, MCP_2026_07_28, 1 },
	{ STAMP ",\"content\":[1],\"structuredContent\":[1,2],\"_meta\":{\"" M "serverInfo\":{\"n\":1},\"b\":2}", U,
	    MCP_2026_07_28, 2 },
	{ "\"content\":[1]," STAMP, U, MCP_2026_07_28, 1 },
	{ "\"content\":[1]," STAMP ",\"structuredContent\":{}", U, MCP_2025_11_25, 2 },
	{ STAMP ",\"content\":[1],\"ttlMs\":5,\"cacheScope\":\"public\",\"_meta\":{\"" M "serverInfo\":{}}", U,
	    MCP_2025_11_25, 1 },
	{ "\"content\":\"no array\",\"structuredContent\":{\"content\":[1],\"structuredContent\":2}", U, MCP_2026_07_28, 2 },
	{ "\"content\":[]", U, MCP_2026_07_28, 0 },
	{ "\"content\":[],\"structuredContent\":[1]", L, MCP_2025_11_25, 0 },
	{ "\"content\":[ 1]", L, MCP_2025_11_25, 0 },
};

/* Whatever stands before and behind the result in the envelope. */
static const char *const envelopes[] = {
	"{\"jsonrpc\":\"2.0\",\"id\":41,\"result\":{%s}}",
	"{\"result\":{%s},\"jsonrpc\":\"2.0\",\"id\":41}",
	"{\"id\":41,\"content\":[9],\"result\":{%s} , \"jsonrpc\" : \"2.0\"}\n",
};

Test(part, a_client_gets_what_it_would_get_of_the_whole)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (size_t e = 0; e < sizeof(envelopes) / sizeof(envelopes[0]); e++) {
			struct bridge_answer	how = { .id = SPAN_LIT("\"c\""), .client = rows[i].client,
						    .upstream_modern = rows[i].upstream_modern,
						    .method = MCP_TOOLS_CALL };
			struct bridge_pieces	pieces;
			struct rpc_answer	m;
			char			text[1024];
			int			n = snprintf(text, sizeof(text), envelopes[e], rows[i].result), r;

			cr_assert(rpc_answer_whole(whole_scan, span_make(text, (size_t)n), &m) == 0);
			buf_clear(&whole);
			cr_assert(bridge_answer(&m, &how, &arena, &pieces) == 0);
			cr_assert(bridge_pieces_write(&whole, &pieces) == 0);
			for (size_t chunk = 1; chunk <= (size_t)n; chunk++) {
				r = pass(span_make(text, (size_t)n), chunk, SPAN_LIT("41"), &how);
				cr_assert(r >= 0, "row %zu, envelope %zu, chunks of %zu: %d", i, e, chunk, r);
				cr_expect(chunk > 1 || r == rows[i].most, "row %zu, envelope %zu: %d", i, e, r);
				cr_expect(r == 0 || span_eq(buf_rest(&got), buf_rest(&whole)),
				    "row %zu, envelope %zu, chunks of %zu:\n%.*s\n%.*s", i, e, chunk,
				    SPAN_FMT(buf_rest(&got)), SPAN_FMT(buf_rest(&whole)));
			}
		}
	}
}

Test(part, what_turns_out_to_be_no_answer_gets_no_end)
{
	static const struct { const char *text; int error; } bad[] = {
		{ "{\"jsonrpc\":\"2.0\",\"id\":42,\"result\":{\"content\":[1]}}", E_RPC_INVALID },
		{ "{\"result\":{\"content\":[1]},\"id\":41}", E_RPC_INVALID },
		{ "{\"result\":{\"content\":[1]},\"jsonrpc\":\"1.0\",\"id\":41}", E_RPC_INVALID },
		{ "{\"result\":{\"content\":[1]},\"jsonrpc\":\"2.0\",\"id\":null}", E_RPC_INVALID },
		{ "{\"result\":{\"content\":[1]},\"jsonrpc\":\"2.0\",\"id\":41,\"error\":{}}", E_RPC_INVALID },
		{ "{\"result\":{\"content\":[1]},\"jsonrpc\":\"2.0\",\"id\":41,\"method\":\"x\"}", E_RPC_INVALID },
		{ "{\"jsonrpc\":\"2.0\",\"id\":41,\"result\":{\"content\":[1],\"content\":[2]}}", E_JSON_DUPLICATE },
		{ "{\"jsonrpc\":\"2.0\",\"id\":41,\"result\":{\"content\":[1]},\"result\":{}}", E_JSON_DUPLICATE },
		{ "{\"jsonrpc\":\"2.0\",\"id\":41,\"result\":{\"content\":[1]}", E_JSON_SYNTAX },
		{ "{\"jsonrpc\":\"2.0\",\"id\":41,\"result\":{\"content\":[1", E_JSON_SYNTAX },
		{ "{\"jsonrpc\":\"2.0\",\"id\":41,\"result\":{\"content\":[1]]}", E_JSON_SYNTAX },
		{ "{\"jsonrpc\":\"2.0\",\"id\":41,\"result\":{\"content\":[1]}}}", E_JSON_SYNTAX },
		{ "{\"jsonrpc\":\"2.0\",\"id\":41,\"result\":{\"content\":[1],\"resultType\":\"input_required\"}}", E_UPSTREAM },
		{ "{\"jsonrpc\":\"2.0\",\"id\":41,\"result\":{\"content\":[1],\"resultType\":\"task\"}}", E_UPSTREAM },
		{ "{\"jsonrpc\":\"2.0\",\"id\":41,\"result\":{\"content\":[1],\"resultType\":7}}", E_UPSTREAM },
	};
	const struct bridge_answer	how = { .id = SPAN_LIT("1"), .client = MCP_2026_07_28, .upstream_modern = true,
					    .method = MCP_TOOLS_CALL };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		for (size_t chunk = 1; chunk < 8; chunk++) {
			int	r = pass(span_of(bad[i].text), chunk, SPAN_LIT("41"), &how);

			/* A mistake that only a part can show needs one. */
			cr_expect(r == bad[i].error || (r == 0 && chunk > 1 && bad[i].error == E_UPSTREAM), "row %zu, chunks of %zu: %d", i, chunk, r);
		}
	}
}

/* Who may be asked could be given a question's state that is not sealed. */
Test(part, holds_what_may_still_ask)
{
	static const char	behind[] = "{\"jsonrpc\":\"2.0\",\"id\":41,\"result\":{\"content\":[1]," STAMP "}}";
	static const char	before[] = "{\"jsonrpc\":\"2.0\",\"id\":41,\"result\":{" STAMP ",\"content\":[1]}}";
	static const char	asks[] = "{\"jsonrpc\":\"2.0\",\"id\":41,\"result\":{\"resultType\":\"input_required\","
				    "\"content\":[1]}}";
	struct bridge_answer	how = { .id = SPAN_LIT("1"), .client = MCP_2025_11_25, .upstream_modern = true,
				    .method = MCP_TOOLS_CALL, .may_ask = true };

	cr_expect(pass(span_of(behind), 1, SPAN_LIT("41"), &how) == 0);
	cr_expect(pass(span_of(before), 1, SPAN_LIT("41"), &how) == 1);
	cr_expect(pass(span_of(asks), 1, SPAN_LIT("41"), &how) == 0);
	how.may_ask = false;
	cr_expect(pass(span_of(behind), 1, SPAN_LIT("41"), &how) == 1);
	cr_expect(pass(span_of(asks), 1, SPAN_LIT("41"), &how) == 0);
	how.method = MCP_PROMPTS_GET;
	cr_expect(pass(span_of(before), 1, SPAN_LIT("41"), &how) == 0);
}
