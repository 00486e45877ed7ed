/* SPDX-License-Identifier: Apache-2.0
 *
 * test_objects.c - prompts, resources and completion between all revisions
 */
#include <criterion/criterion.h>

#include "mcp/bridge.h"
#include "mcp/write.h"

#define M	"io.modelcontextprotocol/"
#define INFO	"\"_meta\":{\"" M "serverInfo\":{\"name\":\"mcpgw\",\"version\":\"" MCPGW_VERSION "\"}}"
#define STAMP	"\"resultType\":\"complete\""
#define ANSWER	"{\"jsonrpc\":\"2.0\",\"id\":1,"

static struct rpc_scan	*scan, *answers;
static struct arena	 arena;
static struct buf	 to;

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

TestSuite(objects, .init = set_up, .fini = tear_down);

struct row {
	enum mcp_method	 method;
	enum mcp_version client;
	bool		 modern;	/* the upstream */
	const char	*from, *want;	/* behind ANSWER */
};

static void
expect_rows(const struct row *row, size_t count)
{
	struct rpc_answer	m;
	struct bridge_pieces	p;

	for (size_t i = 0; i < count; i++) {
		const struct bridge_answer how = { .id = SPAN_LIT("1"), .client = row[i].client,
		    .upstream_modern = row[i].modern, .method = row[i].method };
		struct span from = arena_fmt(&arena, ANSWER "%s", row[i].from);
		struct span want = arena_fmt(&arena, ANSWER "%s", row[i].want);

		buf_clear(&to);
		cr_assert(rpc_answer_whole(answers, from, &m) == 0, "row %zu", i);
		cr_assert(bridge_answer(&m, &how, &arena, &p) == 0 && bridge_pieces_write(&to, &p) == 0, "row %zu", i);
		cr_expect(span_eq(buf_rest(&to), want), "row %zu: %.*s", i, SPAN_FMT(buf_rest(&to)));
	}
}

#define MISSING(code, data)	"\"error\":{\"code\":" code ",\"message\":\"no\"" data "}}"
#define URI			",\"data\":{\"uri\":\"a:b\"}"

Test(objects, a_missing_resource_has_the_code_of_the_clients_era)
{
	static const struct row rows[] = {
		{ MCP_RESOURCES_READ, MCP_2026_07_28, false, MISSING("-32002", URI), MISSING("-32602", URI) },
		{ MCP_RESOURCES_READ, MCP_2026_07_28, true, MISSING("-32602", URI), MISSING("-32602", URI) },
		{ MCP_RESOURCES_READ, MCP_2025_11_25, true, MISSING("-32602", URI), MISSING("-32002", URI) },
		{ MCP_RESOURCES_READ, MCP_2025_11_25, true, MISSING("-32602", ""), MISSING("-32602", "") },
		{ MCP_RESOURCES_READ, MCP_2025_11_25, false, MISSING("-32602", URI), MISSING("-32602", URI) },
		{ MCP_RESOURCES_READ, MCP_2025_11_25, false, MISSING("-32002", URI), MISSING("-32002", URI) },
		{ MCP_PROMPTS_GET, MCP_2025_11_25, true, MISSING("-32602", URI), MISSING("-32602", URI) },
	};

	expect_rows(rows, sizeof(rows) / sizeof(rows[0]));
}

#define READ(more)	"\"result\":{\"contents\":[{\"uri\":\"a:b\",\"text\":\"t\"}]" more "}}"
#define READ_MODERN(more) "\"result\":{" STAMP ",\"contents\":[{\"uri\":\"a:b\",\"text\":\"t\"}]," INFO more "}}"

Test(objects, what_was_read_is_its_readers_alone)
{
	static const struct row rows[] = {
		{ MCP_RESOURCES_READ, MCP_2026_07_28, false, READ(",\"ttlMs\":9"),
		    READ_MODERN(",\"ttlMs\":0,\"cacheScope\":\"private\"") },
		{ MCP_RESOURCES_READ, MCP_2026_07_28, true, READ(",\"ttlMs\":9,\"cacheScope\":\"public\""),
		    READ_MODERN(",\"ttlMs\":9,\"cacheScope\":\"private\"") },
		{ MCP_RESOURCES_READ, MCP_2026_07_28, true, READ(",\"ttlMs\":-1"),
		    READ_MODERN(",\"ttlMs\":0,\"cacheScope\":\"private\"") },
		{ MCP_RESOURCES_READ, MCP_2025_11_25, true, READ(",\"ttlMs\":9,\"cacheScope\":\"public\""), READ("") },
	};

	expect_rows(rows, sizeof(rows) / sizeof(rows[0]));
}

#define PROMPT(blocks)	"\"result\":{\"description\":\"d\",\"messages\":[" blocks "]}}"
#define SAYS(block)	"{\"role\":\"user\",\"content\":" block ",\"x\":1}"
#define LINK		"{\"type\":\"resource_link\",\"uri\":\"a:b\",\"name\":\"n\"}"
#define AUDIO		"{\"type\":\"audio\",\"data\":\"\",\"mimeType\":\"a/b\"}"
#define TEXT(text)	"{\"type\":\"text\",\"text\":\"" text "\"}"

Test(objects, messages_have_the_blocks_their_client_knows)
{
	static const struct row rows[] = {
		{ MCP_PROMPTS_GET, MCP_2025_06_18, false, PROMPT(SAYS(LINK) "," SAYS(AUDIO)),
		    PROMPT(SAYS(LINK) "," SAYS(AUDIO)) },
		{ MCP_PROMPTS_GET, MCP_2025_03_26, false, PROMPT(SAYS(LINK) "," SAYS(AUDIO) ",5"),
		    PROMPT(SAYS(TEXT("a:b")) "," SAYS(AUDIO) ",5") },
		{ MCP_PROMPTS_GET, MCP_2024_11_05, true, PROMPT(SAYS(AUDIO) "," SAYS(TEXT("t"))),
		    PROMPT(SAYS(TEXT("[audio, which this protocol version has not]")) "," SAYS(TEXT("t"))) },
		{ MCP_PROMPTS_GET, MCP_2024_11_05, false, PROMPT(""), PROMPT("") },
		{ MCP_PROMPTS_GET, MCP_2026_07_28, false, "\"result\":{\"messages\":[]}}",
		    "\"result\":{" STAMP ",\"messages\":[]," INFO "}}" },
	};

	expect_rows(rows, sizeof(rows) / sizeof(rows[0]));
}

Test(objects, who_completes_nothing_has_no_values)
{
	static const struct row rows[] = {
		{ MCP_COMPLETION_COMPLETE, MCP_2026_07_28, false, MISSING("-32601", ""),
		    "\"result\":{" STAMP "," INFO ",\"completion\":{\"values\":[]}}}" },
		{ MCP_COMPLETION_COMPLETE, MCP_2025_03_26, true, MISSING("-32601", ""),
		    "\"result\":{\"completion\":{\"values\":[]}}}" },
		{ MCP_COMPLETION_COMPLETE, MCP_2025_03_26, true, MISSING("-32602", ""), MISSING("-32602", "") },
		{ MCP_PROMPTS_GET, MCP_2025_03_26, true, MISSING("-32601", ""), MISSING("-32601", "") },
	};

	expect_rows(rows, sizeof(rows) / sizeof(rows[0]));
}

Test(objects, a_reference_gets_its_upstreams_name_and_nothing_else)
{
	struct rpc_message	m;
	struct bridge_request	q = { .method = MCP_COMPLETION_COMPLETE, .id = SPAN_LIT("4"), .from = &m,
				    .ref_name = SPAN_LIT("gr\"eet") };

	cr_assert(rpc_scan_whole(scan, SPAN_LIT(ANSWER "\"method\":\"completion/complete\",\"params\":{"
	    "\"ref\":{\"title\":\"T\",\"n\\u0061me\":\"fs__greet\",\"type\":\"ref/prompt\"},"
	    "\"argument\":{\"name\":\"a\",\"value\":\"b\"},\"context\":{}}}"), &arena, &m) == 0);
	q.ref = json_get(m.params, "ref");
	cr_assert(bridge_write_request(&to, &q, NULL, NULL) == 0);
	cr_expect(span_is(buf_rest(&to), "{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"completion/complete\",\"params\":{"
	    "\"ref\":{\"title\":\"T\",\"name\":\"gr\\\"eet\",\"type\":\"ref/prompt\"},"
	    "\"argument\":{\"name\":\"a\",\"value\":\"b\"},\"context\":{}}}"), "%.*s", SPAN_FMT(buf_rest(&to)));
	buf_clear(&to);
	q.ref.type = JSON_NONE;
	cr_assert(bridge_write_request(&to, &q, NULL, NULL) == 0);
	cr_expect(memmem(buf_rest(&to).p, buf_rest(&to).n, "fs__greet", 9) != NULL);
}
