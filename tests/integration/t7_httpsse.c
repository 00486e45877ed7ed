/* SPDX-License-Identifier: Apache-2.0
 *
 * t7_httpsse.c - clients of 2024-11-05's HTTP+SSE: a stream down, POSTs up, on whichever worker
 */
#include "tests/integration/httpsse.h"

/* ---- what every client does ---------------------------------------------------------------------- */

Test(httpsse, lists_and_calls_in_every_view, .timeout = 60)
{
	static const struct { const char *view, *tool; } views[] = {
		{ "", "old__quiet" }, { "/mcp/catalog", "old__quiet" }, { "/servers/old", "quiet" },
		{ "/mcp/discovery", "list_servers" },
	};
	static const char *const versions[] = { "2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25" };
	json_object	*m;
	struct old	 o;

	NEEDS_JAILS();
	for (unsigned workers = 1; workers <= 4; workers += 3) {
		start(workers, NULL);
		for (size_t i = 0; i < sizeof(views) / sizeof(views[0]); i++) {
			open_stream(&o, views[i].view, 0);
			initialize(&o, versions[i], "{}");
			client_close(&o.m.conn);
			ask(&o, "\"l\"", "tools/list", "{}");
			m = next(&o, "id", "l");
			cr_expect(strstr(json_object_to_json_string_ext(m, JSON_C_TO_STRING_PLAIN), views[i].tool) != NULL,
			    "%s: %.500s", views[i].view, json_object_to_json_string(m));
			json_object_put(m);
			client_close(&o.m.conn);
			call(&o, "7", views[i].tool, "{}");
			m = hearing_next(&o.h, SOON);
			cr_expect(json_int_at(m, "id") == 7 && json_at(m, "result.content") != NULL, "%s",
			    json_object_to_json_string(m));
			json_object_put(m);
			call(&o, "8", "nowhere", "{}");
			m = hearing_next(&o.h, SOON);
			cr_expect(json_int_at(m, "id") == 8 && json_int_at(m, "error.code") == -32602, "%s",
			    json_object_to_json_string(m));
			json_object_put(m);
			ask(&o, "9", "ping", "{}");
			expect(&o, "jsonrpc", "2.0");
			close_stream(&o);
		}
		gateway_stop(&g);
	}
}

Test(httpsse, answers_many_calls_at_once, .timeout = 60)
{
	bool		seen[30];
	json_object	*m;
	struct old	o;
	char		id[16];
	int		n;

	NEEDS_JAILS();
	for (unsigned workers = 1; workers <= 4; workers += 3) {
		memset(seen, 0, sizeof(seen));
		start(workers, NULL);
		begin(&o, "/servers/old", 0, "{}");
		for (int i = 0; i < 30; i++) {
			client_close(&o.m.conn);
			snprintf(id, sizeof(id), "%d", i);
			call(&o, id, "slow", "{\"ms\":100}");
		}
		for (int i = 0; i < 30; i++) {
			m = next(&o, "result.content[0].text", "slow");
			n = json_int_at(m, "id");
			cr_expect(n >= 0 && n < 30 && !seen[n], "%d", n);
			seen[n] = true;
			json_object_put(m);
		}
		close_stream(&o);
		gateway_stop(&g);
	}
}

Test(httpsse, carries_large_messages_both_ways, .timeout = 60)
{
	static char	arguments[MIB + 100];
	json_object	*m;
	struct old	o;

	NEEDS_JAILS();
	start(4, NULL);
	memset(arguments, 'x', sizeof(arguments) - 1);
	memcpy(arguments, "{\"text\":\"", 9);
	strcpy(arguments + MIB, "\"}");
	open_stream(&o, "/mcp/catalog", 0);
	initialize(&o, "2025-06-18", "{}");
	for (int i = 0; i < 30; i++) {
		client_close(&o.m.conn);
		call(&o, "1", "echo__anything", arguments);
	}
	for (int i = 0; i < 30; i++) {
		m = hearing_next(&o.h, SOON);
		cr_expect(strlen(json_text_at(m, "result.structuredContent.heard")) > MIB - 20, "%.500s",
		    json_object_to_json_string(m));
		json_object_put(m);
	}
	close_stream(&o);
	gateway_stop(&g);
}

/* ---- what comes before an answer ----------------------------------------------------------------- */

static void
respond(struct old *o, json_object *question, const char *member, const char *value)
{
	char	*text;

	cr_assert(asprintf(&text, "{" RPC ",\"id\":%s,\"%s\":%s}",
	    json_object_to_json_string_ext(json_at(question, "id"), JSON_C_TO_STRING_NOSLASHESCAPE), member, value) > 0);
	client_close(&o->m.conn);
	post(o, 202, text);
	free(text);
}

Test(httpsse, carries_questions_and_their_answers, .timeout = 60)
{
	json_object	*m;
	struct old	o;

	NEEDS_JAILS();
	for (unsigned workers = 1; workers <= 4; workers += 3) {
		start(workers, NULL);
		open_stream(&o, "/servers/old", 0);
		initialize(&o, "2025-06-18", "{\"elicitation\":{}}");
		for (int i = 0; i < 4; i++) {
			client_close(&o.m.conn);
			call(&o, "\"q\"", "ask_form", "{\"tag\":\"me\"}");
			m = next(&o, "method", "elicitation/create");
			cr_expect_str_eq(json_text_at(m, "params.message"), "old: for me");
			respond(&o, m, "result", "{\"action\":\"accept\",\"content\":{\"tag\":\"yes\"}}");
			json_object_put(m);
			m = next(&o, "id", "q");
			cr_expect_str_eq(json_text_at(m, "result.structuredContent.got[0].content.tag"), "yes", "%s",
			    json_object_to_json_string(m));
			json_object_put(m);
		}
		close_stream(&o);
		gateway_stop(&g);
	}
}

Test(httpsse, tells_progress_and_takes_cancels, .timeout = 60)
{
	json_object	*m;
	struct old	o;

	NEEDS_JAILS();
	for (unsigned workers = 1; workers <= 4; workers += 3) {
		start(workers, NULL);
		begin(&o, "/servers/old", 0, "{}");
		ask(&o, "1", "tools/call", "{\"name\":\"progress\",\"_meta\":{\"progressToken\":\"t\"}}");
		for (int i = 1; i <= 3; i++) {
			m = next(&o, "method", "notifications/progress");
			cr_expect(json_int_at(m, "params.progress") == i);
			cr_expect_str_eq(json_text_at(m, "params.progressToken"), "t");
			json_object_put(m);
		}
		expect(&o, "result.content[0].text", "done");
		client_close(&o.m.conn);
		call(&o, "\"s\"", "slow", "{\"ms\":60000}");
		client_close(&o.m.conn);
		sleep_ms(200);
		post(&o, 202, "{" RPC ",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":\"s\"}}");
		call(&o, "2", "quiet", "{}");
		/* Of what was cancelled nothing comes. */
		expect(&o, "result.content[0].text", "quiet");
		expect_quiet(&o);
		close_stream(&o);
		gateway_stop(&g);
	}
}

/* ---- what comes by itself ------------------------------------------------------------------------ */

/* Until nothing comes any more: that lists changed, and that this was answered; how many resources were updated. */
static int
expect_changes(struct old *o, int answered)
{
	bool		 tools = false, resources = false, answer = answered == 0;
	int		 updated = 0;
	const char	*method;
	json_object	*m;

	while ((m = hearing_next(&o->h, tools && resources && answer ? QUIET : SOON)) != NULL) {
		method = json_text_at(m, "method");
		tools |= strcmp(method, "notifications/tools/list_changed") == 0;
		resources |= strcmp(method, "notifications/resources/list_changed") == 0;
		answer |= answered != 0 && json_int_at(m, "id") == answered && json_at(m, "result") != NULL;
		/* A worker that does not know the server yet takes it to have prompts. */
		if (strcmp(json_text_at(m, "params.uri"), "changing://0") == 0)
			updated++;
		else
			cr_expect(answer || strstr(method, "/list_changed") != NULL, "%s", json_object_to_json_string(m));
		json_object_put(m);
	}
	cr_expect(tools && resources && answer && !o->h.end);
	return updated;
}

Test(httpsse, tells_of_changes_over_a_reload_too, .timeout = 90)
{
	struct old	o, other;
	json_object	*m;

	NEEDS_JAILS();
	for (unsigned workers = 1; workers <= 4; workers += 3) {
		start(workers, NULL);
		begin(&o, "/servers/changing", 0, "{}");
		begin(&other, "/servers/old", 0, "{}");
		client_close(&o.m.conn);
		ask(&o, "1", "resources/subscribe", "{\"uri\":\"changing://0\"}");
		expect(&o, "jsonrpc", "2.0");
		call(&o, "2", "touch", "{\"uri\":\"changing://0\"}");
		for (int i = 0; i < 2; i++) {
			m = hearing_next(&o.h, SOON);
			cr_expect(json_int_at(m, "id") == 2 || strcmp(json_text_at(m, "params.uri"), "changing://0") == 0,
			    "%s", json_object_to_json_string(m));
			json_object_put(m);
		}
		cr_assert(gateway_ctl(&g, NULL, true, "reload", NULL) == 0);
		expect_changes(&o, 0);
		sleep_ms(patience(&g, 800));		/* by then the session has its own stream again */
		call(&o, "3", "grow", "{}");
		/* And what was subscribed to is again, and may have changed. */
		cr_expect(expect_changes(&o, 3) <= 1);
		call(&o, "4", "touch", "{\"uri\":\"changing://0\"}");
		for (int i = 0; i < 2; i++) {
			m = hearing_next(&o.h, SOON);
			cr_expect(json_int_at(m, "id") == 4 || strcmp(json_text_at(m, "params.uri"), "changing://0") == 0,
			    "%s", json_object_to_json_string(m));
			json_object_put(m);
		}
		close_stream(&o);
		close_stream(&other);
		gateway_stop(&g);
	}
}

Test(httpsse, ends_with_the_key_it_was_opened_by, .timeout = 60)
{
	struct old	o;
	char		id[13];

	NEEDS_JAILS();
	start(2, NULL);
	begin(&o, "/servers/old", 0, "{}");
	snprintf(id, sizeof(id), "%.12s", keys[0]);
	cr_assert(gateway_ctl(&g, NULL, true, "key", "revoke", id, NULL) == 0, "%s", id);
	expect_ended(&o);
	post(&o, 401, "{" RPC ",\"id\":1,\"method\":\"ping\"}");
	close_stream(&o);
	gateway_stop(&g);
}
