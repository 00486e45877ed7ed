/* SPDX-License-Identifier: Apache-2.0
 *
 * test_task.c - a task's id counts for its owner, and hides its server's own
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "mcp/task.h"

#define LIT(text)	{ text, sizeof(text) - 1 }

static struct keyring	ring;
static struct task	given = {
	.principal = 11, .tenant = 22, .instance = 33, .capabilities = 44, .issued_s = 1000, .expires_s = 2000,
	.modern = true, .server = LIT("srv"), .tool = LIT("do it"), .id = LIT("the server's \xc3\xa9"),
};
static struct buf	token, text;

static void
set_up(void)
{
	cr_assert(keyring_make(&ring) == 0);
	buf_init(&token, 128 * 1024);
	buf_init(&text, 128 * 1024);
	cr_assert(task_seal(&ring, SPAN_LIT("/mcp"), &given, &token) == 0);
}

TestSuite(task, .init = set_up);

static int
open_as(const char *path, const struct task *expect, struct task *got)
{
	return task_open(&ring, span_of(path), buf_rest(&token), expect, &text, got);
}

Test(task, id_comes_back_as_it_was)
{
	struct task	got;

	cr_assert(eq(int, open_as("/mcp", &given, &got), 0));
	cr_expect(got.instance == 33 && got.capabilities == 44 && got.modern && span_is(got.server, "srv") &&
	    span_is(got.tool, "do it") && span_eq(got.id, given.id));
}

Test(task, id_is_nobody_elses_and_expires)
{
	struct task	other[6], got;

	for (size_t i = 0; i < 6; i++)
		other[i] = given;
	other[0].principal++;
	other[1].tenant++;
	other[2].modern = false;
	other[3].issued_s = 2001;
	other[4].issued_s = 999;		/* from the future */
	other[5].issued_s = 2000;
	for (size_t i = 0; i < 5; i++)
		cr_expect(eq(int, open_as("/mcp", &other[i], &got), E_DENIED), "row %zu", i);
	cr_expect(eq(int, open_as("/mcp", &other[5], &got), 0));
	cr_expect(eq(int, open_as("/servers/srv/mcp", &given, &got), E_DENIED));
}

Test(task, id_does_not_survive_a_change)
{
	struct task	got;

	for (size_t i = 0; i < token.used; i += 5) {
		char was = token.data[i];

		token.data[i] = was == 'A' ? 'B' : 'A';
		cr_expect(eq(int, open_as("/mcp", &given, &got), E_DENIED));
		token.data[i] = was;
	}
	token.used--;
	cr_expect(eq(int, open_as("/mcp", &given, &got), E_DENIED));
	token.used = 0;
	cr_expect(eq(int, open_as("/mcp", &given, &got), E_DENIED));
}

Test(task, id_has_a_largest_size_that_comes_back)
{
	static char	large[TASK_TOKEN_MAX];
	struct task	got, t = given;

	memset(large, 'x', sizeof(large));
	t.id = span_make(large, TASK_ID_MAX);
	t.tool = span_make(large, 512);
	buf_clear(&token);
	cr_assert(eq(int, task_seal(&ring, SPAN_LIT("/mcp"), &t, &token), 0));
	cr_expect(open_as("/mcp", &given, &got) == 0 && got.id.n == TASK_ID_MAX);
	t.id = span_make(large, sizeof(large));
	buf_clear(&token);
	cr_expect(eq(int, task_seal(&ring, SPAN_LIT("/mcp"), &t, &token), E_TOOBIG));
}

Test(task, expires_a_while_after_its_server_says_and_some_day_at_last)
{
	static const struct { uint64_t ttl_ms; uint32_t want; } rows[] = {
		{ 0, 100 + TASK_LIVES_S }, { 1000, 101 + TASK_GRACE_S }, { UINT64_MAX, 100 + TASK_LIVES_S },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_expect(eq(u32, task_expiry(100, &(struct task_said){ .ttl_ms = rows[i].ttl_ms }), rows[i].want));
}

#define STATE	"\"status\":\"working\",\"statusMessage\":\"m\""

Test(task, is_read_in_both_eras)
{
	static const struct { const char *text; bool modern; int want; uint64_t ttl, poll; } rows[] = {
		{ "{\"taskId\":\"a\"," STATE ",\"ttlMs\":7,\"pollIntervalMs\":8}", true, 0, 7, 8 },
		{ "{\"taskId\":\"a\"," STATE ",\"ttlMs\":null}", true, 0, 0, 0 },
		{ "{\"taskId\":\"a\"," STATE ",\"ttl\":7,\"pollInterval\":8}", true, 0, 0, 0 },
		{ "{\"task\":{\"taskId\":\"a\"," STATE ",\"ttl\":7,\"pollInterval\":8}}", false, 0, 7, 8 },
		{ "{\"taskId\":\"a\"," STATE "}", false, E_UPSTREAM, 0, 0 },
		{ "{\"taskId\":\"\"," STATE "}", true, E_UPSTREAM, 0, 0 },
		{ "{\"taskId\":7," STATE "}", true, E_UPSTREAM, 0, 0 },
		{ "{" STATE "}", true, E_UPSTREAM, 0, 0 },
		{ "{\"taskId\":\"a\",\"status\":\"odd\"}", true, E_UPSTREAM, 0, 0 },
	};
	struct rpc_answer	from = { .kind = RPC_RESPONSE };
	struct task_said	said;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cr_assert(json_parse(span_of(rows[i].text), true, &from.result, NULL) == 0);
		cr_expect(eq(int, task_read_made(&from, rows[i].modern, &said), rows[i].want), "row %zu", i);
		if (rows[i].want == 0)
			cr_expect(said.ttl_ms == rows[i].ttl && said.poll_ms == rows[i].poll &&
			    said.status == TASK_WORKING && json_is(said.message, "m"), "row %zu", i);
	}
}

/* The client's answer to what a server of this era said. */
static void
expect_renamed(const char *said, enum mcp_method method, enum mcp_version v, const char *want)
{
	struct rpc_scan		*scan;
	struct rpc_answer	 m;
	struct bridge_pieces	 pieces;
	struct bridge_answer	 how = { .id = SPAN_LIT("5"), .client = v, .upstream_modern = mcp_version_is_modern(v),
				    .method = method, .task = true };
	struct arena		 a;
	struct buf		 b;

	arena_init(&a, NULL, 0, 64 * 1024);
	buf_init(&b, 64 * 1024);
	cr_assert(rpc_answer_new(&scan) == 0);
	cr_assert(rpc_answer_whole(scan, span_of(said), &m) == 0, "%s", said);
	cr_assert(bridge_answer(&m, &how, &a, &pieces) == 0);
	cr_assert(task_rename(&m, method, SPAN_LIT("\"ours\""), &pieces) == 0);
	cr_assert(bridge_pieces_write(&b, &pieces) == 0);
	cr_expect(span_is(buf_rest(&b), want), "%.*s", SPAN_FMT(buf_rest(&b)));
	rpc_scan_free(&scan);
	buf_fini(&b);
	arena_fini(&a);
}

#define HEAD	"{\"jsonrpc\":\"2.0\",\"id\":"
#define INFO	"\"io.modelcontextprotocol/serverInfo\":{\"name\":\"mcpgw\",\"version\":\"" MCPGW_VERSION "\"}"

Test(task, id_is_ours_wherever_it_stands)
{
	expect_renamed(HEAD "1,\"result\":{\"resultType\":\"task\",\"taskId\":\"t\",\"x\":{\"taskId\":\"stays\"}}}",
	    MCP_TOOLS_CALL, MCP_2026_07_28, HEAD "5,\"result\":{\"resultType\":\"task\",\"taskId\":\"ours\",\"x\":"
	    "{\"taskId\":\"stays\"},\"_meta\":{" INFO "}}}");
	/* Some servers call it a task again when asked about it. */
	expect_renamed(HEAD "1,\"result\":{\"taskId\":\"t\",\"resultType\":\"task\",\"result\":{\"content\":[]}}}",
	    MCP_TASKS_GET, MCP_2026_07_28, HEAD "5,\"result\":{\"resultType\":\"complete\",\"taskId\":\"ours\","
	    "\"result\":{\"content\":[]},\"_meta\":{" INFO "}}}");
	expect_renamed(HEAD "1,\"result\":{\"task\":{\"status\":\"working\",\"taskId\":\"t\"}}}", MCP_TOOLS_CALL,
	    MCP_2025_11_25, HEAD "5,\"result\":{\"task\":{\"status\":\"working\",\"taskId\":\"ours\"}}}");
	expect_renamed(HEAD "1,\"result\":{\"taskId\":\"t\",\"status\":\"working\"}}", MCP_TASKS_GET,
	    MCP_2025_11_25, HEAD "5,\"result\":{\"taskId\":\"ours\",\"status\":\"working\"}}");
	expect_renamed(HEAD "1,\"result\":{\"content\":[],\"_meta\":{\"a\":1,\"io.modelcontextprotocol/related-task\":"
	    "{\"taskId\":\"t\"}}}}", MCP_TASKS_RESULT, MCP_2025_11_25, HEAD "5,\"result\":{\"content\":[],\"_meta\":"
	    "{\"a\":1,\"io.modelcontextprotocol/related-task\":{\"taskId\":\"ours\"}}}}");
}

static void
expect_related(const char *params, const char *id, const char *want)
{
	struct json_value	v;
	struct buf		b;

	buf_init(&b, 4096);
	cr_assert(json_parse(span_of(params), true, &v, NULL) == 0);
	cr_assert(task_is_related(v));
	cr_assert(task_put_related(&b, v, span_of(id)) == 0);
	cr_expect(span_is(buf_rest(&b), want), "%.*s", SPAN_FMT(buf_rest(&b)));
	buf_fini(&b);
}

#define RELATED	"\"io.modelcontextprotocol/related-task\":{\"taskId\":"

Test(task, id_in_a_question_is_the_clients_or_not_there)
{
	expect_related("{\"a\":1,\"_meta\":{\"x\":2," RELATED "\"t\"}},\"b\":3}", "\"o\"",
	    "{\"a\":1,\"_meta\":{\"x\":2," RELATED "\"o\"}},\"b\":3}");
	expect_related("{\"a\":1,\"_meta\":{\"x\":2," RELATED "\"t\"}},\"b\":3}", "",
	    "{\"a\":1,\"_meta\":{\"x\":2},\"b\":3}");
	expect_related("{\"_meta\":{" RELATED "\"t\"}}}", "", "{\"_meta\":{}}");
	cr_expect(not(task_is_related((struct json_value){ JSON_NONE, SPAN_NONE })));
}
