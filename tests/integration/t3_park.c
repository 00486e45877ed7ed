/* SPDX-License-Identifier: Apache-2.0
 *
 * t3_park.c - modern clients of legacy servers that ask: the call waits while the client answers
 */
#include <time.h>

#include "tests/integration/park.h"

static const char *const olds[] = { "old", "oldweb", "oldsse" };

#define EACH(names)	(size_t i_ = 0; i_ < sizeof(names) / sizeof(names[0]); i_++)
#define SERVER(names)	names[i_]
#define COUNT(names)	(sizeof(names) / sizeof(names[0]))

/* ---- the way there and back ---------------------------------------------------------------------- */

Test(talk_park, shows_the_question_and_brings_the_answer, .timeout = 60)
{
	static const struct {
		const char	*tool, *method, *at, *is, *gone;
	} rows[] = {
		{ "ask_form", "elicitation/create", "params.message", "for T", NULL },
		{ "ask_url", "elicitation/create", "params.url", "https://example.org/T", "params.elicitationId" },
		{ "ask_sampling", "sampling/createMessage", "params.includeContext", "thisServer", NULL },
		{ "ask_tools", "sampling/createMessage", "params.maxTokens", "10", NULL },
		{ "ask_roots", "roots/list", "method", "roots/list", NULL },
	};
	struct mcp	 m;
	struct answer	 a;
	json_object	*q;
	char		*state;

	NEEDS_JAILS();
	talk_begin(1, NULL);
	for EACH(olds) {
		talk_client(&m, SERVER(olds), 0, NULL, CAN_ALL);
		for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
			call(&m, rows[r].tool, ",\"arguments\":{\"tag\":\"T\"}", NULL, NULL, &a);
			q = json_at(a.json, "result.inputRequests.k1");
			cr_expect(strcmp(json_text_at(q, "method"), rows[r].method) == 0, "%s", a.body);
			cr_expect(strcmp(json_text_at(q, rows[r].at), talk_said(SERVER(olds), rows[r].at, rows[r].is)) == 0, "%s",
			    a.body);
			cr_expect(json_at(q, "id") == NULL && json_at(q, "jsonrpc") == NULL);
			if (rows[r].gone != NULL)
				cr_expect(json_at(q, rows[r].gone) == NULL, "%s", a.body);
			cr_expect(json_at(json_at(a.json, "result._meta"), "io") == NULL &&
			    strstr(a.body, "\"io.modelcontextprotocol/serverInfo\"") != NULL, "%s", a.body);
			state = expect_asked(&a, 1);
			expect_got(&m, rows[r].tool, ",\"arguments\":{\"tag\":\"T\"}", state);
			free(state);
			expect_records(rows[r].tool, "ok", i_ + 1, i_ + 1);
		}
		mcp_fini(&m);
	}
	for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++)
		cr_expect(talk_calls(OLD_WEB, rows[r].tool) == 1);
	talk_end();
}

Test(talk_park, shows_no_more_than_the_client_knows, .timeout = 30)
{
	struct mcp	 m;
	struct answer	 a;

	talk_begin(1, NULL);
	talk_client(&m, "oldweb", 0, NULL, "{\"sampling\":{}}");
	call(&m, "ask_sampling", "", NULL, NULL, &a);
	cr_expect(json_at(a.json, "result.inputRequests.k1.params.maxTokens") != NULL &&
	    json_at(a.json, "result.inputRequests.k1.params.includeContext") == NULL, "%s", a.body);
	answer_fini(&a);
	mcp_fini(&m);
	talk_end();
}

/* What it needs and the client did not declare is named, once the call has failed for it. */
Test(talk_park, of_what_was_not_declared_is_none, .timeout = 60)
{
	static const struct {
		const char	*can, *tool, *needs;
	} rows[] = {
		{ "{}", "ask_form", "elicitation" },
		{ "{}", "ask_roots", "roots" },
		{ "{\"roots\":{}}", "ask_sampling", "sampling" },
		{ CAN_FORM, "ask_url", "elicitation.url" },
		{ "{\"sampling\":{}}", "ask_tools", "sampling.tools" },
	};
	char		 at[128];
	struct mcp	 m;
	struct answer	 a;

	NEEDS_JAILS();
	talk_begin(1, NULL);
	for EACH(olds)
		for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
			talk_client(&m, SERVER(olds), 0, NULL, rows[r].can);
			call(&m, rows[r].tool, "", NULL, NULL, &a);
			EXPECT_STATUS(a, 400, "%s", rows[r].tool);
			expect(&a, "error.code", "-32021");
			snprintf(at, sizeof(at), "error.data.requiredCapabilities.%s", rows[r].needs);
			cr_expect(json_at(a.json, at) != NULL, "%s: %s", at, a.body);
			answer_fini(&a);
			mcp_fini(&m);
		}
	talk_end();
}

Test(talk_park, asks_again_for_what_was_left_out, .timeout = 30)
{
	static const char	one[] = "{\"k1\":{\"is\":\"first\"},\"k9\":{\"is\":\"extra\"},\"x\":5}";
	struct mcp		m;
	struct answer		a;
	char			*state, *next, *last;

	NEEDS_JAILS();
	talk_begin(1, NULL);
	for EACH(olds) {
		talk_client(&m, SERVER(olds), 0, NULL, CAN_ALL);
		call(&m, "ask_two", "", NULL, NULL, &a);
		state = expect_asked(&a, 2);
		call(&m, "ask_two", "", one, state, &a);
		expect(&a, "result.inputRequests.k2.method", "sampling/createMessage");
		next = expect_asked(&a, 1);
		expect_refused(&m, "ask_two", "", state, "-32602", "a state that was used");
		/* No answers at all: asked again. */
		call(&m, "ask_two", "", NULL, next, &a);
		last = expect_asked(&a, 1);
		call(&m, "ask_two", "", "{\"k1\":{\"is\":\"again\"},\"k2\":{\"is\":\"second\"}}", last, &a);
		expect(&a, "result.structuredContent.got[0].is", "first");
		expect(&a, "result.structuredContent.got[1].is", "second");
		answer_fini(&a);
		free(state);
		free(next);
		free(last);
		mcp_fini(&m);
	}
	cr_expect(talk_calls(OLD_WEB, "ask_two") == 1);
	expect_records("ask_two", "ok", COUNT(olds), COUNT(olds));
	talk_end();
}

Test(talk_park, lasts_as_many_rounds_as_there_are_questions, .timeout = 30)
{
	struct mcp	m;
	struct answer	a;
	char		*state, *next;

	NEEDS_JAILS();
	talk_begin(1, NULL);
	for EACH(olds) {
		talk_client(&m, SERVER(olds), 0, NULL, CAN_ALL);
		state = begin_asked(&m, "ask_twice", "");
		call(&m, "ask_twice", "", "{\"k1\":{\"is\":\"first\"}}", state, &a);
		next = expect_asked(&a, 1);
		call(&m, "ask_twice", "", "{\"k2\":{\"is\":\"second\"}}", next, &a);
		expect(&a, "result.structuredContent.got[0].is", "first");
		expect(&a, "result.structuredContent.got[1].is", "second");
		answer_fini(&a);
		free(state);
		free(next);

		/* What is asked while nobody is there comes with the next answer, and was not answered before. */
		state = begin_asked(&m, "ask_late", "");
		sleep_ms(patience(&g, 400));
		call(&m, "ask_late", "", "{\"k1\":{\"is\":\"first\"},\"k2\":{\"is\":\"guessed\"}}", state, &a);
		next = expect_asked(&a, 1);
		call(&m, "ask_late", "", "{\"k2\":{\"is\":\"second\"}}", next, &a);
		expect(&a, "result.structuredContent.got[1].is", "second");
		answer_fini(&a);
		free(state);
		free(next);
		mcp_fini(&m);
	}
	expect_records("ask_twice", "ok", COUNT(olds), COUNT(olds));
	talk_end();
}

Test(talk_park, keeps_what_comes_while_nobody_is_there, .timeout = 30)
{
	struct mcp	m;
	struct answer	a;
	char		*state;

	NEEDS_JAILS();
	talk_begin(1, NULL);
	for EACH(olds) {
		talk_client(&m, SERVER(olds), 0, NULL, CAN_ALL);
		state = begin_asked(&m, "finish", "");
		sleep_ms(patience(&g, 400));
		call(&m, "finish", "", ACCEPT("late"), state, &a);
		expect(&a, "result.content[0].text", "finished");
		expect(&a, "result.resultType", "complete");
		cr_expect(json_int_at(a.json, "id") == m.next_id - 1);
		answer_fini(&a);
		expect_refused(&m, "finish", "", state, "-32603", "what was kept is told once");
		free(state);

		state = begin_asked(&m, "withdraw", "");
		sleep_ms(patience(&g, 600));
		call(&m, "withdraw", "", ACCEPT("late"), state, &a);
		expect(&a, "result.content[0].text", "withdrawn");
		answer_fini(&a);
		free(state);

		call(&m, "withdraw_one", "", NULL, NULL, &a);
		state = expect_asked(&a, 2);
		sleep_ms(patience(&g, 400));
		call(&m, "withdraw_one", "", "{\"k1\":{\"is\":\"first\"},\"k2\":{\"is\":\"second\"}}", state, &a);
		expect(&a, "result.structuredContent.got[0].is", "second");
		answer_fini(&a);
		free(state);
		mcp_fini(&m);
	}
	cr_expect(talk_calls(OLD_WEB, "finish") == 1);
	talk_end();
}

/* ---- states -------------------------------------------------------------------------------------- */

Test(talk_park, opens_for_the_very_same_request_only, .timeout = 60)
{
	static const char	args[] = ",\"arguments\":{\"tag\":\"T\",\"n\":10}";
	struct mcp		m, thief, catalog;
	struct answer		a;
	char			*state, *text;

	NEEDS_JAILS();
	talk_begin(1, NULL);
	for EACH(olds) {
		talk_client(&m, SERVER(olds), 0, NULL, CAN_ALL);
		talk_client(&thief, SERVER(olds), 1, NULL, CAN_ALL);
		talk_client(&catalog, SERVER(olds), 0, NULL, CAN_ALL);
		snprintf(catalog.path, sizeof(catalog.path), "/mcp/catalog");
		state = begin_asked(&m, "ask_form", args);
		expect_refused(&thief, "ask_form", args, state, "-32602", "another principal");
		expect_refused(&m, "ask_twice", args, state, "-32602", "another tool");
		expect_refused(&m, "ask_form", ",\"arguments\":{\"tag\":\"U\",\"n\":10}", state, "-32602", "other arguments");
		expect_refused(&m, "ask_form", "", state, "-32602", "no arguments");
		cr_assert(asprintf(&text, "%s__ask_form", SERVER(olds)) > 0);
		expect_refused(&catalog, text, args, state, "-32602", "another path");
		free(text);
		for (size_t i = 0; i < strlen(state); i += 9) {
			text = strdup(state);
			text[i] = text[i] == 'A' ? 'B' : 'A';
			expect_refused(&m, "ask_form", args, text, "-32602", "changed");
			free(text);
		}
		text = strndup(state, strlen(state) - 1);
		expect_refused(&m, "ask_form", args, text, "-32602", "cut");
		expect_refused(&m, "ask_form", args, "", "-32602", "empty");
		free(text);
		call(&m, "ask_form", args, "[]", state, &a);
		expect(&a, "error.code", "-32602");
		answer_fini(&a);
		mcp_ask_modern(&m, "tools/call", "{\"name\":\"ask_form\",\"inputResponses\":{},\"requestState\":7}", &a);
		expect(&a, "error.code", "-32602");
		answer_fini(&a);
		/* None of these has used it, and the same in other words is the same. */
		expect_got(&m, "ask_form", ",\"arguments\": {\"n\":1e1, \"t\\u0061g\":\"\\u0054\"}", state);
		expect_refused(&m, "ask_form", args, state, "-32603", "used");
		free(state);
		mcp_fini(&m);
		mcp_fini(&thief);
		mcp_fini(&catalog);
	}
	cr_expect(talk_calls(OLD_WEB, "ask_form") == 1);
	talk_end();
}

Test(talk_park, opens_once, .timeout = 30)
{
	struct mcp	m;
	struct hearing	h;
	char		*state, *params, longer[64];

	NEEDS_JAILS();
	talk_begin(1, NULL);
	snprintf(longer, sizeof(longer), ",\"arguments\":{\"ms\":%d}", QUIET * 4);
	for EACH(olds) {
		talk_client(&m, SERVER(olds), 0, NULL, CAN_ALL);
		state = begin_asked(&m, "ask_work", longer);
		cr_assert(asprintf(&params, "%s,\"inputResponses\":%s,\"requestState\":\"%s\"", longer, ACCEPT("mine"),
		    state) > 0);
		talk_call(&h, &m, "77", "ask_work", params);
		talk_silence(&h);
		expect_refused(&m, "ask_work", longer, state, "-32602", "the second");
		talk_last(&h, GOT, "mine");
		free(params);
		free(state);
		mcp_fini(&m);
	}
	cr_expect(talk_heard(OLD_WEB, "\"is\":\"mine\"", NULL) == 1 && talk_heard(OLD_WEB, "\"is\":\"x\"", NULL) == 0);
	talk_end();
}

/* ---- ends ---------------------------------------------------------------------------------------- */

Test(talk_park, ends_with_a_client_that_leaves_in_its_retry, .timeout = 30)
{
	struct mcp	m;
	struct hearing	h;
	char		*state, *params;

	NEEDS_JAILS();
	talk_begin(1, NULL);
	for EACH(olds) {
		talk_client(&m, SERVER(olds), 0, NULL, CAN_ALL);
		state = begin_asked(&m, "ask_work", ",\"arguments\":{\"ms\":10000}");
		cr_assert(asprintf(&params, ",\"arguments\":{\"ms\":10000},\"inputResponses\":%s,\"requestState\":\"%s\"",
		    ACCEPT("mine"), state) > 0);
		talk_call(&h, &m, "77", "ask_work", params);
		talk_silence(&h);
		hearing_fini(&h);
		free(params);
		/* The lease is free again. */
		free(state);
		state = begin_asked(&m, "ask_form", "");
		expect_got(&m, "ask_form", "", state);
		free(state);
		mcp_fini(&m);
	}
	talk_wait_heard(OLD_WEB, "notifications/cancelled", NULL, 1);
	expect_records("ask_work", "cancelled", COUNT(olds), COUNT(olds));
	talk_end();
}

Test(talk_park, ends_when_policy_does_not_allow_it_any_more, .timeout = 30)
{
	struct mcp	m;
	char		*states[COUNT(olds)];

	NEEDS_JAILS();
	talk_begin(1, NULL);
	for EACH(olds) {
		talk_client(&m, SERVER(olds), 0, NULL, CAN_ALL);
		states[i_] = begin_asked(&m, "ask_form", "");
		mcp_fini(&m);
	}
	gateway_write(&g, "rules.json", ASKING_RULES(",\"deny\":{\"tools\":{\"*\":[\"ask_form\"]}}"));
	cr_assert(gateway_ctl(&g, NULL, true, "reload", NULL) == 0);
	for EACH(olds) {
		talk_client(&m, SERVER(olds), 0, NULL, CAN_ALL);
		expect_refused(&m, "ask_form", "", states[i_], "403", "denied");
		free(states[i_]);
		mcp_fini(&m);
	}
	talk_wait_heard(OLD_WEB, "\"action\":\"cancel\"", NULL, 1);
	cr_expect(talk_heard(OLD_WEB, "\"is\":\"x\"", NULL) == 0);
	expect_records("ask_form", "cancelled", COUNT(olds), 2 * COUNT(olds));
	talk_end();
}

/* What is lost is said to be lost, and nothing is done again. */
Test(talk_park, is_lost_with_its_worker, .timeout = 30)
{
	struct procs	*procs = malloc(sizeof(*procs));
	struct mcp	m;
	struct answer	a;
	char		*state;

	talk_begin(1, NULL);
	talk_client(&m, "oldweb", 0, NULL, CAN_ALL);
	state = begin_asked(&m, "ask_form", "");
	gateway_procs(&g, procs);
	kill(procs_find(procs, "mcpgw-worker", 0)->pid, SIGKILL);
	client_close(&m.conn);
	for (int i = 0; i < 100; i++) {
		call(&m, "ask_form", "", ACCEPT("x"), state, &a);
		if (a.status != 0)
			break;
		answer_fini(&a);
		sleep_ms(50);
	}
	expect(&a, "error.code", "-32603");
	cr_expect(strstr(json_text_at(a.json, "error.message"), "lost") != NULL, "%s", a.body);
	answer_fini(&a);
	cr_expect(talk_calls(OLD_WEB, "ask_form") == 1);
	free(state);
	free(procs);
	mcp_fini(&m);
	talk_end();
}

/* Nobody can come for it any more, so it holds nobody up. */
Test(talk_park, ends_with_the_gateway, .timeout = 40)
{
	struct mcp	m;
	time_t		begun;

	NEEDS_JAILS();
	talk_begin(1, NULL);
	for EACH(olds) {
		talk_client(&m, SERVER(olds), 0, NULL, CAN_ALL);
		free(begin_asked(&m, "ask_form", ""));
		mcp_fini(&m);
	}
	begun = time(NULL);
	talk_end();
	/* It would wait for calls for 30 s. */
	cr_expect(time(NULL) - begun < 20, "it took %ld s", (long)(time(NULL) - begun));
}

/* ---- execute_tool -------------------------------------------------------------------------------- */

Test(talk_park, is_possible_through_execute_tool, .timeout = 30)
{
	struct mcp	m;
	struct answer	a;
	char		*state, args[256];

	NEEDS_JAILS();
	talk_begin(1, NULL);
	for EACH(olds) {
		talk_client(&m, SERVER(olds), 0, NULL, CAN_ALL);
		snprintf(m.path, sizeof(m.path), "/mcp/discovery");
		snprintf(args, sizeof(args), ",\"arguments\":{\"server\":\"%s\",\"tool\":\"ask_form\",\"arguments\":{}}",
		    SERVER(olds));
		call(&m, "execute_tool", args, NULL, NULL, &a);
		state = expect_asked(&a, 1);
		call(&m, "execute_tool", args, ACCEPT("mine"), state, &a);
		cr_expect(strstr(a.body, "\"is\":\"mine\"") != NULL && json_at(a.json, "result") != NULL, "%s", a.body);
		answer_fini(&a);
		free(state);
		mcp_fini(&m);
	}
	cr_expect(talk_calls(OLD_WEB, "ask_form") == 1);
	talk_end();
}
