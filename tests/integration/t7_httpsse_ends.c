/* SPDX-License-Identifier: Apache-2.0
 *
 * t7_httpsse_ends.c - HTTP+SSE clients that are not what they say, go away or do not read; and the end
 */
#include <signal.h>

#include "tests/integration/httpsse.h"

/* ---- whose a stream is --------------------------------------------------------------------------- */

/* What was answered, but for the request's own id. */
static void
answer_of(struct old *o, const char *path, const char *key, char to[512])
{
	struct mcp	m;
	struct answer	a;

	mcp_init(&m, o->m.address, path, key);
	mcp_post(&m, "", "{" RPC ",\"id\":1,\"method\":\"ping\"}", &a);
	if (json_at(a.json, "error.data.request_id") != NULL)
		json_object_object_del(json_at(a.json, "error.data"), "request_id");
	snprintf(to, 512, "%d %s", a.status, json_object_to_json_string(a.json));
	answer_fini(&a);
	mcp_fini(&m);
}

Test(httpsse, knows_no_stream_of_another_principal_view_or_time, .timeout = 60)
{
	struct old	o, ended;
	char		foreign[512], unknown[512], none[512], over[512], view[512], path[512];

	NEEDS_JAILS();
	start(4, NULL);
	begin(&o, "", 0, "{}");
	begin(&ended, "", 0, "{}");
	hearing_fini(&ended.h);
	sleep_ms(patience(&g, 200));
	answer_of(&o, o.m.path, keys[1], foreign);
	snprintf(path, sizeof(path), "%s", o.m.path);
	path[strlen(path) - 5] = path[strlen(path) - 5] == 'A' ? 'B' : 'A';
	answer_of(&o, path, keys[0], unknown);
	answer_of(&o, "/messages", keys[0], none);
	answer_of(&o, ended.m.path, keys[0], over);
	snprintf(path, sizeof(path), "/mcp/catalog%s", o.m.path);
	answer_of(&o, path, keys[0], view);
	cr_expect(strncmp(foreign, "404 ", 4) == 0 && strstr(foreign, "-32001") != NULL, "%s", foreign);
	cr_expect_str_eq(foreign, unknown);
	cr_expect_str_eq(foreign, none);
	cr_expect_str_eq(foreign, over);
	cr_expect_str_eq(foreign, view);
	/* And it was not touched by that. */
	call(&o, "1", "old__quiet", "{}");
	expect(&o, "result.content[0].text", "quiet");
	close_stream(&o);
	close_stream(&ended);
	gateway_stop(&g);
}

Test(httpsse, refuses_what_is_not_of_its_transport, .timeout = 60)
{
	static const struct { const char *method, *path, *headers, *body; int status; const char *allow; } rows[] = {
		{ "POST", "/sse", "Content-Type: application/json\r\n", "{}", 405, "GET" },
		{ "DELETE", "/sse", "", NULL, 405, "GET" },
		{ "GET", "/messages", "", NULL, 405, "POST" },
		{ "GET", "/mcp/sse", "", NULL, 404, NULL },
		{ "GET", "/servers/none/sse", "", NULL, 404, NULL },
		{ "GET", "/sse", "Accept: application/json\r\n", NULL, 406, NULL },
		{ "GET", "/sse", "MCP-Protocol-Version: 2026-07-28\r\n", NULL, 400, NULL },
		{ "GET", "/sse", "Origin: http://evil.example\r\n", NULL, 403, NULL },
		{ "POST", "/messages", "Content-Type: text/plain\r\n", "{}", 415, NULL },
	};
	char		headers[512];
	struct answer	a;
	struct old	o;
	const char	*allow;

	NEEDS_JAILS();
	start(2, NULL);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(headers, sizeof(headers), "Authorization: Bearer %s\r\n%s", keys[0], rows[i].headers);
		client_once(g.mcp, rows[i].method, rows[i].path, headers, rows[i].body, &a);
		EXPECT_STATUS(a, rows[i].status, "%s %s %s", rows[i].method, rows[i].path, rows[i].headers);
		allow = answer_header(&a, "Allow");
		cr_expect((allow == NULL) == (rows[i].allow == NULL) &&
		    (allow == NULL || strcmp(allow, rows[i].allow) == 0), "row %zu", i);
		answer_fini(&a);
	}
	client_once(g.mcp, "GET", "/sse", "", NULL, &a);
	EXPECT_STATUS(a, 401, "without a key");
	answer_fini(&a);

	open_stream(&o, "", 0);
	post(&o, 400, "{\"jsonrpc\":");
	post(&o, 400, "{" RPC ",\"id\":1,\"method\":\"ping\"}");		/* before initialize */
	initialize(&o, "2024-11-05", "{}");
	post(&o, 400, "{" RPC ",\"id\":1,\"method\":\"initialize\",\"params\":{\"protocolVersion\":\"2024-11-05\","
	    "\"capabilities\":{},\"clientInfo\":{\"name\":\"t\",\"version\":\"1\"}}}");
	post(&o, 400, "[{" RPC ",\"id\":1,\"method\":\"ping\"}]");
	mcp_post(&o.m, "MCP-Protocol-Version: 2026-07-28\r\n", "{" RPC ",\"id\":1,\"method\":\"ping\"}", &a);
	EXPECT_STATUS(a, 400, "modern");
	answer_fini(&a);
	mcp_post(&o.m, "Accept: text/plain\r\nContent-Type: application/json\r\nMCP-Protocol-Version: 2024-11-05\r\n",
	    "{" RPC ",\"id\":5,\"method\":\"ping\"}", &a);
	EXPECT_STATUS(a, 202, "its answer is elsewhere");
	answer_fini(&a);
	expect(&o, "jsonrpc", "2.0");
	close_stream(&o);
	gateway_stop(&g);
}

Test(httpsse, serves_batches_where_the_revision_has_them, .timeout = 60)
{
	json_object	*m;
	struct old	o;

	NEEDS_JAILS();
	start(2, NULL);
	open_stream(&o, "/servers/old", 0);
	initialize(&o, "2025-03-26", "{}");
	post(&o, 202, "[{" RPC ",\"id\":1,\"method\":\"ping\"},{" RPC ",\"id\":2,\"method\":\"tools/call\",\"params\":"
	    "{\"name\":\"quiet\"}}]");
	m = hearing_next(&o.h, SOON);
	cr_expect(json_object_is_type(m, json_type_array) && json_object_array_length(m) == 2, "%s",
	    json_object_to_json_string(m));
	json_object_put(m);
	close_stream(&o);
	gateway_stop(&g);
}

Test(httpsse, bounds_what_one_stream_has_running, .timeout = 60)
{
	struct old	o;
	char		id[16];

	NEEDS_JAILS();
	/* Its calls are not waited for at the end. */
	start(2, "drain_timeout = 1s\n");
	begin(&o, "/servers/old", 0, "{}");
	for (int i = 0; i < 100; i++) {
		snprintf(id, sizeof(id), "%d", i);
		call(&o, id, "slow", "{\"ms\":20000}");
	}
	post(&o, 503, "{" RPC ",\"id\":100,\"method\":\"ping\"}");
	/* What ends one of them still comes through. */
	post(&o, 202, "{" RPC ",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":0}}");
	for (int i = 0; i < 50; i++) {
		struct answer	a;

		mcp_post(&o.m, "", "{" RPC ",\"id\":\"p\",\"method\":\"ping\"}", &a);
		if (a.status == 202)
			i = 50;
		else
			sleep_ms(100);
		answer_fini(&a);
	}
	expect(&o, "id", "p");
	close_stream(&o);
	gateway_stop(&g);
}

/* ---- clients that go away, or do not read -------------------------------------------------------- */

static bool
have_ended(void *arg)
{
	json_object	*all = gateway_audit(&g), *one;
	size_t		 n = 0;

	for (size_t i = 0; i < json_object_array_length(all); i++) {
		one = json_object_array_get_idx(all, i);
		n += strcmp(json_text_at(one, "object"), "slow") == 0 && strcmp(json_text_at(one, "outcome"), "ok") == 0;
	}
	json_object_put(all);
	return n == *(size_t *)arg;
}

Test(httpsse, outlives_clients_that_go_away_in_the_midst_of_calls, .timeout = 60)
{
	struct procs	*before = malloc(sizeof(*before));
	struct old	 o;
	json_object	*m;
	char		 id[16];
	size_t		 calls = 12;

	NEEDS_JAILS();
	start(4, NULL);
	gateway_procs(&g, before);
	for (int k = 0; k < 4; k++) {
		open_stream(&o, "/servers/old", 0);
		initialize(&o, "2025-06-18", "{\"elicitation\":{}}");
		for (int i = 0; i < 3; i++) {
			snprintf(id, sizeof(id), "%d", i);
			client_close(&o.m.conn);
			call(&o, id, "slow", "{\"ms\":300}");
		}
		call(&o, "9", "ask_form", "{}");
		m = hearing_next(&o.h, SOON);
		json_object_put(m);
		hearing_fini(&o.h);
		sleep_ms(patience(&g, 50));
		post(&o, 404, "{" RPC ",\"id\":1,\"method\":\"ping\"}");
		close_stream(&o);
	}
	cr_expect(wait_until(have_ended, &calls, SOON));
	begin(&o, "/servers/old", 0, "{}");
	call(&o, "1", "quiet", "{}");
	expect(&o, "result.content[0].text", "quiet");
	close_stream(&o);
	cr_expect(gateway_deaths(before) == 0);
	free(before);
	gateway_stop(&g);
}

static bool
are_streams(void *arg)
{
	return gateway_metric(&g, "mcpgw_httpsse_streams") == *(int *)arg;
}

static bool
is_unsubscribed(void *arg)
{
	struct answer	a;
	bool		r;

	mcp_call(arg, "subscribed", "{}", &a);
	r = a.status == 200 && strstr(a.body, "changing://0") == NULL;
	answer_fini(&a);
	return r;
}

Test(httpsse, ends_a_session_with_its_stream, .timeout = 90)
{
	struct old	o;
	struct mcp	m;

	NEEDS_JAILS();
	start(2, NULL);
	begin(&o, "/servers/changing", 0, "{}");
	ask(&o, "1", "resources/subscribe", "{\"uri\":\"changing://0\"}");
	expect(&o, "jsonrpc", "2.0");
	mcp_init(&m, g.mcp, "/servers/changing/mcp", keys[0]);
	cr_assert(mcp_initialize(&m) == 200);
	cr_expect(!is_unsubscribed(&m));
	cr_expect(are_streams(&(int){ 1 }));
	close_stream(&o);
	cr_expect(wait_until(are_streams, &(int){ 0 }, patience(&g, 3000)));
	/* Sessions that are over are found when streams are kept alive; without an end it would take minutes. */
	cr_expect(wait_until(is_unsubscribed, &m, patience(&g, 20000)));
	mcp_fini(&m);
	gateway_stop(&g);
}

Test(httpsse, are_lost_with_the_worker_that_has_them, .timeout = 60)
{
	struct procs		*p = malloc(sizeof(*p));
	const struct proc	*worker;
	json_object		*m;
	struct answer		 a;
	struct old		 o[6];
	int			 status;

	NEEDS_JAILS();
	start(2, NULL);
	for (int i = 0; i < 6; i++)
		begin(&o[i], "/servers/old", 0, "{}");
	gateway_procs(&g, p);
	worker = procs_find(p, "mcpgw-worker", 0);
	cr_assert(worker != NULL);
	kill(worker->pid, SIGKILL);
	sleep_ms(patience(&g, 300));
	for (int i = 0; i < 6; i++) {
		status = 0;
		for (int k = 0; k < 4; k++) {
			client_close(&o[i].m.conn);
			mcp_post(&o[i].m, "", "{" RPC ",\"id\":1,\"method\":\"ping\"}", &a);
			cr_expect(a.status == 202 || a.status == 404, "%d", a.status);
			cr_expect(k == 0 || a.status == status, "%d, then %d", status, a.status);
			status = a.status;
			answer_fini(&a);
		}
		m = hearing_next(&o[i].h, status == 404 ? QUIET : SOON);
		cr_expect((m != NULL) == (status == 202));
		json_object_put(m);
		close_stream(&o[i]);
	}
	free(p);
	gateway_stop(&g);
}

Test(httpsse, ends_a_stream_that_nobody_reads, .timeout = 90)
{
	static char	arguments[MIB + 100];
	struct old	o, other;
	struct answer	a;
	char		*text;
	int		status = 202;

	NEEDS_JAILS();
	start(1, "write_timeout = 60s\n");
	memset(arguments, 'x', sizeof(arguments) - 1);
	memcpy(arguments, "{\"text\":\"", 9);
	strcpy(arguments + MIB, "\"}");
	open_stream(&o, "/mcp/catalog", 0);
	initialize(&o, "2025-06-18", "{}");
	begin(&other, "/servers/old", 1, "{}");
	cr_assert(asprintf(&text, "{" RPC ",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"echo__anything\","
	    "\"arguments\":%s}}", arguments) > 0);
	for (int i = 0; i < 200 && status != 404; i++) {
		mcp_post(&o.m, "", text, &a);
		status = a.status;
		answer_fini(&a);
		if (status == 503)
			sleep_ms(100);
	}
	free(text);
	cr_expect(status == 404, "%d", status);
	call(&other, "1", "quiet", "{}");
	expect(&other, "result.content[0].text", "quiet");
	close_stream(&o);
	close_stream(&other);
	gateway_stop(&g);
}

/* ---- the end ------------------------------------------------------------------------------------- */

Test(httpsse, lets_calls_end_before_its_worker_leaves, .timeout = 60)
{
	struct old	o, idle;
	json_object	*m;

	NEEDS_JAILS();
	start(1, NULL);
	begin(&o, "/servers/old", 0, "{}");
	begin(&idle, "/servers/old", 0, "{}");
	call(&o, "1", "slow", "{\"ms\":1500}");
	sleep_ms(200);
	kill(g.pid, SIGTERM);
	expect_ended(&idle);
	m = next(&o, "result.content[0].text", "slow");
	json_object_put(m);
	expect_ended(&o);
	close_stream(&o);
	close_stream(&idle);
	gateway_stop(&g);
}
