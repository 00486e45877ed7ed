/* SPDX-License-Identifier: Apache-2.0
 *
 * t4_rounds.c - modern servers that ask before they answer: legacy clients are asked in rounds, modern
 *               ones get the server's own words; and what -32042 and -32021 become
 */
#include <time.h>

#include "tests/integration/talk.h"

static const char *const news[] = { "new", "newweb" };
static const char *const olds[] = { "old", "oldweb" };

#define EACH(names)	(size_t i_ = 0; i_ < sizeof(names) / sizeof(names[0]); i_++)
#define SERVER(names)	names[i_]

#define TAGGED	",\"arguments\":{\"tag\":\"T\"}"
/* What asking_tools.c gives as its state, decoded. */
#define STATE(word)	word " \xc3\xa9/\" \xc3\xa9"

static void
call(struct mcp *m, const char *tool, const char *more, struct answer *a)
{
	char	*params;

	cr_assert(asprintf(&params, "{\"name\":\"%s\"%s}", tool, more) > 0);
	mcp_ask_either(m, "tools/call", params, a);
	free(params);
}

static void
expect(struct answer *a, const char *at, const char *want)
{
	cr_expect(strcmp(json_text_at(a->json, at), want) == 0, "%s is not %s: %d %s", at, want, a->status,
	    a->body == NULL ? "(nothing)" : a->body);
}

/* A question on the stream, answered. */
static void
answer_next(struct hearing *h, struct mcp *m, const char *method, const char *value)
{
	json_object	*q = talk_next(h, "method", method);

	talk_answer(m, q, "result", value);
	json_object_put(q);
}

/* The call failed as a tool does: a result with isError and a text for people that holds this. */
static void
expect_failed(struct hearing *h, const char *text)
{
	json_object	*o = talk_next(h, "result.isError", "true");

	cr_expect(strstr(json_text_at(o, "result.content[0].text"), text) != NULL, "not %s: %s", text,
	    json_object_to_json_string(o));
	json_object_put(o);
	cr_expect(hearing_ends(h, SOON));
	hearing_fini(h);
}

/* ---- rounds: a legacy client --------------------------------------------------------------------- */

Test(talk_rounds, bring_each_question_to_the_client_and_the_answers_back, .timeout = 60)
{
	static const struct {
		const char	*tool, *method, *at, *is;
	} rows[] = {
		{ "ask_form", "elicitation/create", "params.message", "for T" },
		{ "ask_url", "elicitation/create", "params.url", "https://example.org/T" },
		{ "ask_sampling", "sampling/createMessage", "params.messages[0].content.text", "T" },
		{ "ask_roots", "roots/list", "method", "roots/list" },
	};
	struct hearing	h;
	struct mcp	m;
	json_object	*q;

	NEEDS_JAILS();
	talk_begin(1, NULL);
	for EACH(news) {
		talk_client(&m, SERVER(news), 0, LEGACY_VERSION, CAN_ALL);
		for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
			talk_call(&h, &m, "\"mine\"", rows[r].tool, TAGGED);
			q = talk_next(&h, "method", rows[r].method);
			cr_expect(strcmp(json_text_at(q, rows[r].at), talk_said(SERVER(news), rows[r].at, rows[r].is)) == 0, "%s",
			    json_object_to_json_string(q));
			cr_expect(strncmp(json_text_at(q, "id"), "g-", 2) == 0);
			if (strcmp(rows[r].tool, "ask_url") == 0)
				cr_expect(json_text_at(q, "params.elicitationId")[0] != '\0', "%s",
				    json_object_to_json_string(q));
			talk_answer(&m, q, "result", "{\"action\":\"accept\",\"content\": {\"is\":\"mine\"}}");
			json_object_put(q);
			q = talk_next(&h, "result.structuredContent.got.a.content.is", "mine");
			cr_expect(strcmp(json_text_at(q, "result.structuredContent.state"), STATE("one")) == 0, "%s",
			    json_object_to_json_string(q));
			cr_expect(strcmp(json_text_at(q, "id"), "mine") == 0);
			cr_expect(json_at(q, "result.resultType") == NULL && json_at(q, "result.requestState") == NULL);
			json_object_put(q);
			cr_expect(hearing_ends(&h, SOON));
			hearing_fini(&h);
		}
		mcp_fini(&m);
	}
	for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++)
		cr_expect(talk_calls(NEW_WEB, rows[r].tool) == 2);
	talk_end();
}

Test(talk_rounds, gather_several_answers_and_go_on, .timeout = 30)
{
	struct hearing	h;
	struct mcp	m;
	json_object	*q[2], *o;

	NEEDS_JAILS();
	talk_begin(1, NULL);
	for EACH(news) {
		talk_client(&m, SERVER(news), 0, LEGACY_VERSION, CAN_ALL);
		talk_call(&h, &m, "1", "ask_two", "");
		q[0] = talk_next(&h, "method", "elicitation/create");
		q[1] = talk_next(&h, "method", "sampling/createMessage");
		talk_answer(&m, q[1], "result", "{\"is\":\"second\"}");
		talk_silence(&h);
		talk_answer(&m, q[1], "result", "{\"is\":\"twice\"}");
		talk_answer(&m, q[0], "result", "{\"action\":\"decline\"}");
		/* Who declines has answered. */
		o = talk_next(&h, "result.structuredContent.got.a.action", "decline");
		cr_expect(strcmp(json_text_at(o, "result.structuredContent.got.b.is"), "second") == 0);
		json_object_put(o);
		json_object_put(q[0]);
		json_object_put(q[1]);
		hearing_fini(&h);

		talk_call(&h, &m, "2", "ask_twice", "");
		answer_next(&h, &m, "elicitation/create", "{\"action\":\"accept\"}");
		answer_next(&h, &m, "elicitation/create", "{\"action\":\"cancel\"}");
		o = talk_next(&h, "result.structuredContent.got.a.action", "cancel");
		cr_expect(strcmp(json_text_at(o, "result.structuredContent.state"), STATE("two")) == 0);
		json_object_put(o);
		hearing_fini(&h);
		mcp_fini(&m);
	}
	cr_expect(talk_calls(NEW_WEB, "ask_two") == 2 && talk_calls(NEW_WEB, "ask_twice") == 3);
	talk_end();
}

Test(talk_rounds, that_ask_nothing_wait_a_little_and_end_at_some_time, .timeout = 60)
{
	struct timespec	begun, now;
	struct hearing	h;
	struct mcp	m;
	json_object	*o;
	long		ms;

	NEEDS_JAILS();
	talk_begin(1, NULL);
	for EACH(news) {
		talk_client(&m, SERVER(news), 0, LEGACY_VERSION, NULL);
		clock_gettime(CLOCK_MONOTONIC, &begun);
		talk_call(&h, &m, "1", "state_only", "");
		talk_last(&h, "result.structuredContent.state", STATE("one"));
		clock_gettime(CLOCK_MONOTONIC, &now);
		ms = (now.tv_sec - begun.tv_sec) * 1000 + (now.tv_nsec - begun.tv_nsec) / 1000000;
		cr_expect(ms >= 245, "%ld ms", ms);
		talk_call(&h, &m, "2", "endless_rounds", "");
		o = talk_next(&h, "id", "2");
		cr_expect(json_at(o, "error") != NULL || json_object_get_boolean(json_at(o, "result.isError")), "%s",
		    json_object_to_json_string(o));
		json_object_put(o);
		hearing_fini(&h);
		mcp_fini(&m);
	}
	cr_expect(talk_calls(NEW_WEB, "state_only") == 2);
	cr_expect(talk_calls(NEW_WEB, "endless_rounds") == 9, "%zu", talk_calls(NEW_WEB, "endless_rounds"));
	talk_end();
}

Test(talk_rounds, that_cannot_be_had_fail_as_a_tool_does, .timeout = 60)
{
	static const struct {
		const char	*can, *tool, *text;
	} undeclared[] = {
		{ NULL, "ask_form", "cannot be asked" },
		{ CAN_FORM, "ask_url", "cannot be asked" },
		{ CAN_FORM, "ask_two", "cannot be asked" },
		{ "{\"sampling\":{}}", "ask_tools", "cannot be asked" },
	};
	struct hearing	h;
	struct mcp	m;
	json_object	*q;

	NEEDS_JAILS();
	talk_begin(1, NULL);
	for EACH(news) {
		for (size_t r = 0; r < sizeof(undeclared) / sizeof(undeclared[0]); r++) {
			talk_client(&m, SERVER(news), 0, LEGACY_VERSION, undeclared[r].can);
			talk_call(&h, &m, "1", undeclared[r].tool, "");
			expect_failed(&h, undeclared[r].text);
			mcp_fini(&m);
		}
		talk_client(&m, SERVER(news), 0, LEGACY_VERSION, CAN_ALL);
		talk_call(&h, &m, "1", "ask_form", "");
		q = talk_next(&h, "method", "elicitation/create");
		talk_answer(&m, q, "error", "{\"code\":-32603,\"message\":\"no\"}");
		json_object_put(q);
		expect_failed(&h, "did not answer");
		/* With one of two refused the other is not waited for. */
		talk_call(&h, &m, "2", "ask_two", "");
		q = talk_next(&h, "method", "elicitation/create");
		talk_expect(&h, "method", "sampling/createMessage");
		talk_answer(&m, q, "error", "{\"code\":-32603,\"message\":\"no\"}");
		json_object_put(q);
		expect_failed(&h, "did not answer");
		/* What is no question is not asked. */
		for (int i = 0; i < 2; i++) {
			talk_call(&h, &m, "3", i == 0 ? "bad_entry" : "bare", "");
			q = talk_next(&h, "id", "3");
			cr_expect(json_at(q, "error") != NULL || json_object_get_boolean(json_at(q, "result.isError")), "%s",
			    json_object_to_json_string(q));
			json_object_put(q);
			hearing_fini(&h);
		}
		mcp_fini(&m);
	}
	/* ask_form: once for who declared nothing, once refused. */
	cr_expect(talk_calls(NEW_WEB, "ask_form") == 2);
	talk_end();
}

Test(talk_rounds, end_with_a_cancelled_call_or_a_client_that_left, .timeout = 30)
{
	struct hearing	 h;
	struct mcp	 m;
	json_object	*q, *o;

	NEEDS_JAILS();
	talk_begin(1, "resume_memory = 0\n");
	for EACH(news) {
		talk_client(&m, SERVER(news), 0, LEGACY_VERSION, CAN_ALL);
		talk_call(&h, &m, "1", "ask_twice", "");
		q = talk_next(&h, "method", "elicitation/create");
		talk_note(&m, "notifications/cancelled", "{\"requestId\":1}");
		o = talk_next(&h, "method", "notifications/cancelled");
		cr_expect(strcmp(json_text_at(o, "params.requestId"), json_text_at(q, "id")) == 0, "%s",
		    json_object_to_json_string(o));
		cr_expect(hearing_ends(&h, SOON));
		hearing_fini(&h);
		talk_answer(&m, q, "result", "{\"is\":\"late\"}");
		json_object_put(o);
		json_object_put(q);
		/* Between two rounds there is nothing but the pause. */
		talk_call(&h, &m, "2", "endless_rounds", "");
		talk_silence(&h);
		talk_note(&m, "notifications/cancelled", "{\"requestId\":2}");
		cr_expect(hearing_ends(&h, SOON) && h.status == 202, "%d", h.status);
		hearing_fini(&h);
		/* Nobody is left to be asked. */
		talk_call(&h, &m, "3", "ask_form", "");
		talk_expect(&h, "method", "elicitation/create");
		hearing_fini(&h);
		mcp_fini(&m);
	}
	sleep_ms(patience(&g, 600));
	cr_expect(talk_calls(NEW_WEB, "ask_twice") == 1);
	cr_expect(talk_calls(NEW_WEB, "ask_form") == 1);
	cr_expect(talk_calls(NEW_WEB, "endless_rounds") < 4);
	o = gateway_audit(&g);
	cr_expect(audit_count(o, "outcome", "cancelled") == 6, "%zu", audit_count(o, "outcome", "cancelled"));
	json_object_put(o);
	talk_end();
}

/* ---- a modern client of a modern server ---------------------------------------------------------- */

Test(talk_rounds, are_the_clients_own_when_both_are_modern, .timeout = 60)
{
	static const char	responses[] = "{\"a\":{\"action\" : \"accept\",\"content\":{\"is\":[1, 2]}},\"x\":{}}";
	struct mcp		m, elsewhere;
	struct answer		a;
	char			*state, *more;

	NEEDS_JAILS();
	talk_begin(1, NULL);
	for EACH(news) {
		talk_client(&m, SERVER(news), 0, NULL, CAN_ALL);
		talk_client(&elsewhere, i_ == 0 ? "newweb" : "new", 0, NULL, CAN_ALL);
		call(&m, "ask_form", TAGGED, &a);
		expect(&a, "result.resultType", "input_required");
		expect(&a, "result.inputRequests.a.params.message", talk_said(SERVER(news), "params.message", "for T"));
		cr_expect(strstr(json_text_at(a.json, "result.requestState"), "one") == NULL, "it is wrapped: %s", a.body);
		state = strdup(json_text_at(a.json, "result.requestState"));
		answer_fini(&a);
		cr_assert(asprintf(&more, TAGGED ",\"inputResponses\":%s,\"requestState\":\"%s\"", responses, state) > 0);
		/* The other server has this tool too, but the state is not its own. */
		call(&elsewhere, "ask_form", more, &a);
		expect(&a, "error.code", "-32602");
		answer_fini(&a);
		call(&m, "ask_url", more, &a);
		expect(&a, "error.code", "-32602");
		answer_fini(&a);
		call(&m, "ask_form", more, &a);
		expect(&a, "result.structuredContent.state", STATE("one"));
		expect(&a, "result.structuredContent.got.a.content.is[1]", "2");
		cr_expect(json_at(a.json, "result.structuredContent.got.x") != NULL, "extra keys pass: %s", a.body);
		answer_fini(&a);
		free(more);
		/* Nothing is parked: it holds as long as its server says. */
		cr_assert(asprintf(&more, TAGGED ",\"requestState\":\"%s\"", state) > 0);
		call(&m, "ask_form", more, &a);
		expect(&a, "result.structuredContent.got", "");
		expect(&a, "result.structuredContent.state", STATE("one"));
		answer_fini(&a);
		free(more);
		free(state);
		call(&m, "state_only", "", &a);
		expect(&a, "result.resultType", "input_required");
		cr_expect(json_at(a.json, "result.inputRequests") == NULL &&
		    json_text_at(a.json, "result.requestState")[0] != '\0', "%s", a.body);
		answer_fini(&a);
		call(&m, "bare", "", &a);
		expect(&a, "error.code", "502");
		answer_fini(&a);
		mcp_fini(&m);
		mcp_fini(&elsewhere);
	}
	/* Byte for byte, what the server is given back. */
	cr_expect(talk_heard(NEW_WEB, "\"inputResponses\"", NULL) == 1);
	cr_expect(talk_calls(NEW_WEB, "ask_form") == 3);
	talk_end();
}

/* servers.json with this server under the prefix `it`, and nothing else. */
static void
serve_as_it(int web)
{
	char	*servers;

	cr_assert(asprintf(&servers, "{\"mcpServers\":{\"s%d\":{\"type\":\"http\",\"prefix\":\"it\",\"url\":"
	    "\"http://127.0.0.1:%u/mcp\"}}}", web, ports[web]) > 0);
	gateway_write(&g, "servers.json", servers);
	free(servers);
	cr_assert(gateway_ctl(&g, NULL, true, "reload", NULL) == 0);
}

/* One server's state is not for another that has taken its name. */
Test(talk_rounds, go_to_no_other_server_than_they_came_from, .timeout = 30)
{
	struct mcp	m;
	struct answer	a;
	char		*more;

	talk_begin(1, NULL);
	start_web(OTHER_WEB);
	serve_as_it(NEW_WEB);
	mcp_init(&m, g.mcp, "/mcp/catalog", keys[0]);
	m.capabilities = CAN_ALL;
	call(&m, "it__ask_form", "", &a);
	expect(&a, "result.resultType", "input_required");
	cr_assert(asprintf(&more, ",\"inputResponses\":{\"a\":{\"is\":1}},\"requestState\":\"%s\"",
	    json_text_at(a.json, "result.requestState")) > 0);
	answer_fini(&a);
	serve_as_it(OTHER_WEB);
	call(&m, "it__ask_form", more, &a);
	expect(&a, "error.code", "-32602");
	answer_fini(&a);
	cr_expect(talk_calls(OTHER_WEB, "ask_form") == 0);
	serve_as_it(NEW_WEB);
	call(&m, "it__ask_form", more, &a);
	expect(&a, "result.structuredContent.state", STATE("one"));
	answer_fini(&a);
	free(more);
	mcp_fini(&m);
	kill(webs[OTHER_WEB], SIGKILL);
	talk_end();
}

/* ---- -32042 and -32021 --------------------------------------------------------------------------- */

Test(talk_rounds, are_what_urls_to_visit_first_become, .timeout = 60)
{
	static const struct {
		const char	*one, *other;
		bool		 again;
	} rows[] = {
		{ "accept", "accept", true }, { "accept", "decline", false }, { "cancel", "accept", false },
	};
	struct mcp	m;
	struct answer	a;
	char		*more;

	NEEDS_JAILS();
	talk_begin(1, NULL);
	for EACH(olds) {
		talk_client(&m, SERVER(olds), 0, NULL, CAN_ALL);
		for (size_t r = 0; r < 3; r++) {
			call(&m, "urls", "", &a);
			expect(&a, "result.resultType", "input_required");
			expect(&a, "result.inputRequests.u1.params.mode", "url");
			expect(&a, "result.inputRequests.u1.params.url", "https://example.org/1");
			expect(&a, "result.inputRequests.u2.params.message", talk_said(SERVER(olds), "params.message", "second"));
			cr_expect(json_at(a.json, "result.inputRequests.u1.params.elicitationId") == NULL);
			cr_assert(asprintf(&more, ",\"inputResponses\":{\"u1\":{\"action\":\"%s\"},\"u2\":{\"action\":\"%s\"}},"
			    "\"requestState\":\"%s\"", rows[r].one, rows[r].other, json_text_at(a.json, "result.requestState")) > 0);
			answer_fini(&a);
			call(&m, "urls", more, &a);
			if (rows[r].again)
				expect(&a, "result.content[0].text", "visited");
			else
				expect(&a, "result.isError", "true");
			answer_fini(&a);
			free(more);
			if (!rows[r].again) {	/* so that the next one is refused again */
				call(&m, "urls", "", &a);
				answer_fini(&a);
			}
		}
		mcp_fini(&m);

		talk_client(&m, SERVER(olds), 0, NULL, CAN_FORM);
		call(&m, "urls", "", &a);
		EXPECT_STATUS(a, 400, "a client that cannot show URLs");
		expect(&a, "error.code", "-32021");
		cr_expect(json_at(a.json, "error.data.requiredCapabilities.elicitation.url") != NULL, "%s", a.body);
		answer_fini(&a);
		call(&m, "urls", "", &a);
		answer_fini(&a);
		mcp_fini(&m);

		/* The revision that has it reads it as it is. */
		talk_client(&m, SERVER(olds), 0, LEGACY_VERSION, CAN_ALL);
		call(&m, "urls", "", &a);
		expect(&a, "error.code", "-32042");
		expect(&a, "error.data.elicitations[1].url", "https://example.org/2");
		expect(&a, "error.data.elicitations[1].message", talk_said(SERVER(olds), "params.message", "second"));
		answer_fini(&a);
		call(&m, "urls", "", &a);
		answer_fini(&a);
		mcp_fini(&m);
	}
	talk_end();
}

Test(talk_rounds, need_what_the_server_needs, .timeout = 30)
{
	struct hearing	h;
	struct mcp	m;
	struct answer	a;

	NEEDS_JAILS();
	talk_begin(1, NULL);
	for EACH(news) {
		talk_client(&m, SERVER(news), 0, NULL, CAN_FORM);
		call(&m, "missing", "", &a);
		EXPECT_STATUS(a, 400, "it did not declare it");
		expect(&a, "error.code", "-32021");
		cr_expect(json_at(a.json, "error.data.requiredCapabilities.elicitation.url") != NULL, "%s", a.body);
		answer_fini(&a);
		mcp_fini(&m);
		/* It did declare it: the server's mistake, or ours, is not the client's. */
		talk_client(&m, SERVER(news), 0, NULL, CAN_ALL);
		call(&m, "missing", "", &a);
		EXPECT_STATUS(a, 200, "it did declare it");
		expect(&a, "error.code", "-32603");
		answer_fini(&a);
		mcp_fini(&m);
		talk_client(&m, SERVER(news), 0, LEGACY_VERSION, CAN_FORM);
		talk_call(&h, &m, "1", "missing", "");
		expect_failed(&h, "elicitation");
		mcp_fini(&m);
	}
	talk_end();
}

/* ---- execute_tool -------------------------------------------------------------------------------- */

Test(talk_rounds, are_possible_through_execute_tool_for_legacy_clients, .timeout = 30)
{
	struct hearing	 h;
	struct mcp	 m;
	struct answer	 a;
	json_object	*o;
	char		 more[160];

	NEEDS_JAILS();
	talk_begin(1, NULL);
	for (size_t i = 0; i < 4; i++) {
		const char	*server = i < 2 ? news[i] : olds[i - 2];

		snprintf(more, sizeof(more), ",\"arguments\":{\"server\":\"%s\",\"tool\":\"ask_form\",\"arguments\":{}}", server);
		mcp_init(&m, g.mcp, "/mcp/discovery", keys[0]);
		m.capabilities = CAN_ALL;
		cr_assert(mcp_initialize(&m) == 200);
		talk_call(&h, &m, "1", "execute_tool", more);
		answer_next(&h, &m, "elicitation/create", "{\"action\":\"accept\",\"content\":{\"is\":\"mine\"}}");
		o = talk_next(&h, "id", "1");
		cr_expect(strstr(json_object_to_json_string(o), "mine") != NULL && json_at(o, "result.isError") == NULL, "%s",
		    json_object_to_json_string(o));
		json_object_put(o);
		hearing_fini(&h);
		mcp_fini(&m);
		if (i >= 2)
			continue;
		/* The state of a server behind execute_tool has no way to a modern client. */
		mcp_init(&m, g.mcp, "/mcp/discovery", keys[0]);
		m.capabilities = CAN_ALL;
		call(&m, "execute_tool", more, &a);
		expect(&a, "result.isError", "true");
		cr_expect(strstr(a.body, "cannot be asked") != NULL, "%s", a.body);
		answer_fini(&a);
		mcp_fini(&m);
	}
	talk_end();
}
