/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz_rpc.c - messages of clients and upstreams: read, judged, bridged, and read again
 *
 * The first byte chooses headers and revisions; the rest is the message.  Whatever we make of a
 * message must be one that we read back, and must name what we decided about.
 */
#include <stdint.h>
#include <stdlib.h>

#include "mcp/bridge.h"
#include "mcp/catalogue.h"
#include "mcp/era.h"
#include "mcp/header.h"
#include "mcp/template.h"
#include "mcp/write.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define CHECK(cond)	do { if (!(cond)) abort(); } while (0)

static struct rpc_scan		*scan;
static struct rpc_scan	*answers;
static struct arena		 arena;
static struct buf		 to;

static const struct batch *
one_batch(struct span text)
{
	static struct batch	batch;
	struct rpc_message	m;

	batch_read(scan, text, &batch);
	for (size_t i = 0; batch.error == 0 && i < batch.count; i++) {
		CHECK(rpc_scan_whole(scan, batch.part[i].text, &arena, &m) == 0);
		CHECK(m.claim.type == JSON_NONE && m.method != MCP_INITIALIZE);
		CHECK(span_eq(batch.part[i].id, m.kind == RPC_REQUEST ? m.id : SPAN_NONE));
	}
	CHECK(batch.error != 0 || (batch.count > 0 && batch.requests <= batch.count));
	return &batch;
}

static void
judge(const struct rpc_message *m, int error, uint8_t choice)
{
	static const char *const	texts[] = { "2026-07-28", "tools/call", "x", "=?base64?eA==?=" };
	struct era_header		h = { span_of(texts[choice & 3]), choice >> 2 & 1 };
	struct era_input		in = { .http = ERA_HTTP_POST, .is_json = true, .version = h, .method = h,
	    .name = h,
					    .session = (enum era_session)((choice >> 3) % 3), .offers = MCP_OFFER_TOOLS,
					    .session_version = choice & 64 ? MCP_2025_03_26 : MCP_2025_06_18,
					    .body_error = error, .message = m,
					    .batch = m->kind == RPC_ARRAY ? one_batch(m->text) : NULL };
	struct era_verdict		v;
	struct json_value		got;

	era_judge(&in, &v);
	CHECK((v.act == ERA_REFUSE) == (v.error != 0) && (v.error == 0 || (v.http >= 200 && v.text != NULL)));
	CHECK(error == 0 || v.act == ERA_REFUSE);
	if (v.act != ERA_REFUSE)
		return;
	buf_clear(&to);
	CHECK(buf_put_str(&to, "{") == 0 && era_write_data(&to, &in, &v) == 0 && buf_put_str(&to, "}") == 0);
	CHECK(json_parse(buf_rest(&to), true, &got, NULL) == 0);
	buf_clear(&to);
	CHECK(mcp_write_error(&to, m->id, &(struct mcp_error){ .error = v.error, .text = v.text,
	    .detail = m->method_text }) == 0);
	CHECK(json_parse(buf_rest(&to), true, &got, NULL) == 0);
}

static void
forward(const struct rpc_message *m, uint8_t choice)
{
	struct bridge_request	q = { .method = MCP_TOOLS_CALL, .id = SPAN_LIT("77"), .name = m->name,
				    .arguments = m->arguments, .from = m, .meta = (enum bridge_meta)(choice % 3) };
	struct bridge_mark	id, modern;
	struct rpc_message	back;
	int			r;

	buf_clear(&to);
	CHECK(bridge_write_request(&to, &q, &id, &modern) == 0);
	CHECK(memchr(to.data, '\n', to.used) == NULL && memchr(to.data, '\r', to.used) == NULL);
	CHECK(span_is(span_part(buf_rest(&to), id.at, id.bytes), "77"));
	CHECK((size_t)modern.at + modern.bytes <= to.used);
	r = rpc_scan_whole(scan, buf_rest(&to), &arena, &back);
	if (r == E_JSON_DEPTH)		/* never: nothing becomes deeper */
		abort();
	CHECK(r == 0 && back.kind == RPC_REQUEST && back.method == MCP_TOOLS_CALL);
	CHECK(m->name.n == 0 || span_eq(back.name, m->name));
	CHECK(back.arguments.type == m->arguments.type && back.arguments.raw.n == m->arguments.raw.n);
	CHECK((back.claim.type != JSON_NONE) == (q.meta != BRIDGE_LEGACY));
	CHECK(back.log_level.type == JSON_NONE && back.progress_token.type == JSON_NONE);
}

static void
one_message(struct span text, uint8_t choice)
{
	struct rpc_message	m, cut;
	int			r = rpc_scan_whole(scan, text, &arena, &m), fed = 0;
	size_t			step = 1 + choice % 23;

	for (size_t at = 0; at < text.n && fed == 0; at += step)
		fed = rpc_scan_feed(scan, span_part(text, at, step));
	CHECK(rpc_scan_end(scan, text, &arena, &cut) == r && cut.kind == m.kind && span_eq(cut.id, m.id));
	CHECK((r == 0) == (m.kind != RPC_INVALID) && (r == 0) == (m.why == NULL));
	judge(&m, r, choice);
	if (m.kind == RPC_REQUEST)
		forward(&m, choice);
}

static void
one_answer(struct span text)
{
	static const enum mcp_method methods[] = { MCP_TOOLS_CALL, MCP_PROMPTS_GET, MCP_RESOURCES_READ,
		MCP_COMPLETION_COMPLETE };
	enum { METHODS = sizeof(methods) / sizeof(methods[0]) };
	struct rpc_answer	m, back;
	struct bridge_pieces	pieces;

	if (rpc_answer_whole(answers, text, &m) != 0 || m.kind != RPC_RESPONSE)
		return;
	for (int i = 0; i < 2 * METHODS * (MCP_VERSION_LIMIT - 1); i++) {
		struct bridge_answer	how = { .id = SPAN_LIT("\"c\""), .method = methods[i / 2 % METHODS],
					    .upstream_modern = i & 1,
					    .client = (enum mcp_version)(1 + i / 2 / METHODS) };

		if (bridge_answer(&m, &how, &arena, &pieces) != 0)
			continue;
		buf_clear(&to);
		CHECK(bridge_pieces_write(&to, &pieces) == 0 && to.used == pieces.bytes);
		CHECK(rpc_answer_whole(answers, buf_rest(&to), &back) == 0);
		CHECK(back.kind == RPC_RESPONSE && span_is(back.id, "\"c\""));
		CHECK(back.is_error == m.is_error || how.method == MCP_COMPLETION_COMPLETE);
		if (!back.is_error)
			CHECK((mcp_version_is_modern(how.client)) == json_is(back.result_type, "complete") ||
			    !how.upstream_modern);
	}
}

static void
one_list(struct span text, enum catalogue_kind kind)
{
	struct rpc_answer	m;
	struct catalogue	*c;
	struct mcp_list		 l;
	struct span		 cursor;
	struct json_value	 v;

	if (rpc_answer_whole(answers, text, &m) != 0 || m.kind != RPC_RESPONSE || m.is_error ||
	    json_get(m.result, catalogue_row(kind)->member).type != JSON_ARRAY)
		return;
	CHECK(catalogue_new(kind, SPAN_LIT("s"), SPAN_LIT("p"), &c) == 0);
	CHECK(catalogue_page(c, m.result, &cursor) == 0 && catalogue_finish(c) == 0);
	for (int version = MCP_2024_11_05; version < MCP_VERSION_LIMIT; version++) {
		buf_clear(&to);
		CHECK(mcp_list_begin(&l, &to, SPAN_LIT("1"), (enum mcp_version)version, kind) == 0);
		for (size_t i = 0; i < catalogue_count(c); i++) {
			const struct catalogue_item	*t = catalogue_at(c, i);

			CHECK(catalogue_find(c, t->name) == t && t->tokens > 0);
			CHECK(mcp_list_item(&l, t, i & 1) == 0);
		}
		CHECK(mcp_list_end(&l, SPAN_NONE, 0, MCP_SCOPE_PRIVATE) == 0);
		CHECK(json_parse(buf_rest(&to), false, &v, NULL) == 0);
	}
	catalogue_free(&c);
}

static void
one_header(struct span text)
{
	int	r = mcp_header_matches(text, SPAN_LIT("us"));

	CHECK(r == E_MCP_HEADER || span_is(span_trim(text), "us") || span_is(span_trim(text), "=?base64?dXM=?="));
	buf_clear(&to);
	CHECK(mcp_header_encode(&to, text) == 0 && mcp_header_matches(buf_rest(&to), text) == 0);
}

static void
one_template(struct span text, uint8_t choice)
{
	size_t		half = text.n * choice / 256;
	uint32_t	steps = TEMPLATE_STEPS;
	bool		plain = text.n > 0 && text.n <= TEMPLATE_URI_MAX && memchr(text.p, '{', text.n) == NULL;

	(void)mcp_template_matches(span_part(text, 0, half), span_part(text, half, text.n), &steps);
	CHECK(!plain || mcp_template_matches(text, text, &steps));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span	text;

	if (n == 0)
		return 0;
	if (scan == NULL) {
		CHECK(rpc_scan_new(&scan) == 0 && rpc_answer_new(&answers) == 0);
		buf_init(&to, 64 << 20);
	}
	text = span_make(data + 1, n - 1);
	arena_init(&arena, NULL, 0, 64 << 20);
	one_message(text, data[0]);
	one_answer(text);
	for (int kind = 0; kind < CATALOGUE_KINDS; kind++)
		one_list(text, (enum catalogue_kind)kind);
	one_header(text);
	one_template(text, data[0]);
	arena_fini(&arena);
	return 0;
}
