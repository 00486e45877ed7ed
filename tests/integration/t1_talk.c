/* SPDX-License-Identifier: Apache-2.0
 *
 * t1_talk.c - what servers say before their answers: progress, logs, questions to legacy clients, and
 *             what these cancel
 */
#include "tests/integration/talk.h"

static const char *const servers[] = { "old", "new", "oldweb", "newweb", "oldsse" };
static const char *const olds[] = { "old", "oldweb", "oldsse" };

#define EACH(names)	(size_t i_ = 0; i_ < sizeof(names) / sizeof(names[0]); i_++)
#define SERVER(names)	names[i_]

static const char *
raw_at(json_object *o, const char *at)
{
	return json_object_to_json_string_ext(json_at(o, at), JSON_C_TO_STRING_NOSLASHESCAPE);
}

/* ---- progress ------------------------------------------------------------------------------------ */

/* The three notes that grow, under this token, then the answer, then nothing. */
static void
expect_progress(struct hearing *h, const char *token, bool message)
{
	json_object	*o;

	for (int i = 1; i <= 3; i++) {
		o = talk_next(h, "method", "notifications/progress");
		cr_expect(json_int_at(o, "params.progress") == i, "not %d: %s", i, json_object_to_json_string(o));
		cr_expect(strcmp(raw_at(o, "params.progressToken"), token) == 0, "not %s: %s", token,
		    json_object_to_json_string(o));
		cr_expect((json_at(o, "params.message") != NULL) == message, "%s", json_object_to_json_string(o));
		cr_expect(strcmp(raw_at(o, "params.x"), "[1,2]") == 0, "%s", json_object_to_json_string(o));
		json_object_put(o);
	}
	cr_expect(h->stream);
	talk_last(h, "result.content[0].text", "done");
}

Test(talk, of_progress_reaches_the_client_under_its_own_token, .timeout = 60)
{
	static const char *const tokens[] = { "\"t \\\" 7\"", "7", "-9007199254740993" };
	static const char *const versions[] = { "2024-11-05", "2025-03-26", LEGACY_VERSION };
	struct hearing		 h;
	struct mcp		 m;
	char			 more[128];

	NEEDS_JAILS();
	talk_begin(1, NULL);
	for EACH(servers)
		for (size_t k = 0; k < 3; k++) {
			snprintf(more, sizeof(more), ",\"_meta\":{\"progressToken\":%s}", tokens[k]);
			talk_client(&m, SERVER(servers), 0, versions[k], NULL);
			talk_call(&h, &m, "1", "progress", more);
			expect_progress(&h, tokens[k], k != 0);
			mcp_fini(&m);

			snprintf(more, sizeof(more), ",\"progressToken\":%s", tokens[k]);
			talk_client(&m, SERVER(servers), 0, NULL, NULL);
			m.meta = more;
			talk_call(&h, &m, "1", "progress", "");
			expect_progress(&h, tokens[k], true);
			mcp_fini(&m);
		}
	talk_end();
}

Test(talk, of_progress_is_not_for_who_gave_no_token, .timeout = 30)
{
	struct hearing	h;
	struct mcp	m;

	NEEDS_JAILS();
	talk_begin(1, NULL);
	for EACH(servers)
		for (int modern = 0; modern < 2; modern++) {
			talk_client(&m, SERVER(servers), 0, modern ? NULL : LEGACY_VERSION, NULL);
			talk_call(&h, &m, "1", "progress", "");
			talk_expect(&h, "result.content[0].text", "done");
			cr_expect(!h.stream && h.status == 200, "%s: it said nothing, so it is JSON", SERVER(servers));
			hearing_fini(&h);
			mcp_fini(&m);
		}
	talk_end();
}

/* Who reads JSON only gets that. */
Test(talk, is_not_for_who_reads_no_events, .timeout = 30)
{
	static const char	body[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"%s\","
	    "\"_meta\":{\"progressToken\":7}}}";
	static const char	only_json[] = "Content-Type: application/json\r\nAccept: application/json\r\n";
	struct answer		a;
	struct mcp		m;
	char			text[256];

	NEEDS_JAILS();
	talk_begin(1, NULL);
	for EACH(olds) {
		talk_client(&m, SERVER(olds), 0, LEGACY_VERSION, CAN_ALL);
		snprintf(text, sizeof(text), body, "progress");
		mcp_post(&m, only_json, text, &a);
		cr_expect(strcmp(json_text_at(a.json, "result.content[0].text"), "done") == 0, "%s", a.body);
		answer_fini(&a);
		snprintf(text, sizeof(text), body, "ask_form");
		mcp_post(&m, only_json, text, &a);
		cr_expect(json_int_at(a.json, "result.structuredContent.got[0].code") == -32601, "%s", a.body);
		answer_fini(&a);
		mcp_fini(&m);
	}
	talk_end();
}

/* ---- logs ---------------------------------------------------------------------------------------- */

Test(talk, in_logs_is_for_who_asked_for_it, .timeout = 60)
{
	static const char *const levels[] = { "debug", "info", "warning", "error" };
	static const struct {
		const char	*version, *meta;
		size_t		 from;		/* of levels */
	} rows[] = {
		{ LEGACY_VERSION, NULL, 0 },
		{ NULL, NULL, 4 },
		{ NULL, ",\"io.modelcontextprotocol/logLevel\":\"debug\"", 0 },
		{ NULL, ",\"io.modelcontextprotocol/logLevel\":\"notice\"", 2 },
		{ NULL, ",\"io.modelcontextprotocol/logLevel\":\"error\"", 3 },
		{ NULL, ",\"io.modelcontextprotocol/logLevel\":\"emergency\"", 4 },
	};
	struct hearing	h;
	struct mcp	m;
	json_object	*o;

	NEEDS_JAILS();
	talk_begin(1, NULL);
	for EACH(servers)
		for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
			talk_client(&m, SERVER(servers), 0, rows[r].version, NULL);
			m.meta = rows[r].meta;
			talk_call(&h, &m, "1", "log", "");
			for (size_t k = rows[r].from; k < 4; k++) {
				o = talk_next(&h, "params.level", levels[k]);
				cr_expect(strcmp(raw_at(o, "params.data"), "{\"a\":[\"debug\"]}") == 0 || k > 0, "%s",
				    json_object_to_json_string(o));
				cr_expect(strcmp(json_text_at(o, "params.logger"), "l") == 0);
				json_object_put(o);
			}
			cr_expect(h.stream == (rows[r].from < 4));
			talk_last(&h, "result.content[0].text", "done");
			mcp_fini(&m);
		}
	talk_end();
}

/* ---- questions ----------------------------------------------------------------------------------- */

#define TAGGED	",\"arguments\":{\"tag\":\"T\"}"

Test(talk, with_questions_goes_to_the_client_and_back, .timeout = 60)
{
	static const struct {
		const char	*tool, *method, *at, *is, *gone;
	} rows[] = {
		{ "ask_form", "elicitation/create", "params.message", "for T", NULL },
		{ "ask_url", "elicitation/create", "params.url", "https://example.org/T", NULL },
		{ "ask_sampling", "sampling/createMessage", "params.messages[0].content.text", "T", NULL },
		{ "ask_tools", "sampling/createMessage", "params.includeContext", "thisServer", NULL },
		{ "ask_roots", "roots/list", "method", "roots/list", NULL },
	};
	struct hearing	h;
	struct mcp	m;
	json_object	*q;

	NEEDS_JAILS();
	talk_begin(1, NULL);
	for EACH(olds) {
		talk_client(&m, SERVER(olds), 0, LEGACY_VERSION, CAN_ALL);
		for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
			talk_call(&h, &m, "\"mine\"", rows[r].tool, TAGGED);
			q = talk_next(&h, "method", rows[r].method);
			cr_expect(strcmp(json_text_at(q, rows[r].at), talk_said(SERVER(olds), rows[r].at, rows[r].is)) == 0, "%s",
			    json_object_to_json_string(q));
			cr_expect(strncmp(json_text_at(q, "id"), "g-", 2) == 0, "the id is ours: %s",
			    json_object_to_json_string(q));
			talk_silence(&h);
			talk_answer(&m, q, "result", "{\"any\": [\"thing\"],\n \"n\":1}");
			json_object_put(q);
			q = talk_next(&h, "result.structuredContent.got[0].any[0]", "thing");
			cr_expect(strcmp(json_text_at(q, "id"), "mine") == 0 && json_at(q, "result.isError") == NULL);
			json_object_put(q);
			cr_expect(hearing_ends(&h, SOON));
			hearing_fini(&h);
		}
		mcp_fini(&m);
	}
	talk_end();
}

Test(talk, with_several_questions_keeps_them_apart, .timeout = 30)
{
	struct hearing	h;
	struct mcp	m;
	json_object	*q[2];

	NEEDS_JAILS();
	talk_begin(1, NULL);
	for EACH(olds) {
		talk_client(&m, SERVER(olds), 0, LEGACY_VERSION, CAN_ALL);
		talk_call(&h, &m, "1", "ask_two", "");
		q[0] = talk_next(&h, "method", "elicitation/create");
		q[1] = talk_next(&h, "method", "sampling/createMessage");
		talk_answer(&m, q[1], "result", "{\"is\":\"second\"}");
		talk_silence(&h);
		talk_answer(&m, q[0], "result", "{\"is\":\"first\"}");
		q[0] = (json_object_put(q[0]), talk_next(&h, "result.structuredContent.got[0].is", "first"));
		cr_expect(strcmp(json_text_at(q[0], "result.structuredContent.got[1].is"), "second") == 0);
		json_object_put(q[0]);
		json_object_put(q[1]);
		hearing_fini(&h);

		talk_call(&h, &m, "2", "ask_twice", "");
		for (int i = 0; i < 2; i++) {
			q[i] = talk_next(&h, "method", "elicitation/create");
			talk_answer(&m, q[i], "result", i == 0 ? "{\"is\":\"first\"}" : "{\"is\":\"second\"}");
		}
		cr_expect(strcmp(json_text_at(q[0], "id"), json_text_at(q[1], "id")) != 0);
		json_object_put(q[0]);
		json_object_put(q[1]);
		talk_last(&h, "result.structuredContent.got[1].is", "second");
		mcp_fini(&m);
	}
	talk_end();
}

Test(talk, with_questions_takes_no_answer_of_anybody_else, .timeout = 60)
{
	struct hearing	 h, kept;
	struct mcp	 m, twin, thief;
	json_object	*q, *made, *first;
	char		*id;

	NEEDS_JAILS();
	talk_begin(1, NULL);
	for EACH(olds) {
		talk_client(&m, SERVER(olds), 0, LEGACY_VERSION, CAN_ALL);
		talk_client(&twin, SERVER(olds), 0, LEGACY_VERSION, CAN_ALL);
		talk_client(&thief, SERVER(olds), 1, LEGACY_VERSION, CAN_ALL);
		talk_call(&h, &m, "1", "ask_twice", "");
		q = talk_next(&h, "method", "elicitation/create");
		talk_answer(&twin, q, "result", "{\"is\":\"another session's\"}");
		talk_answer(&thief, q, "result", "{\"is\":\"another principal's\"}");
		made = json_object_new_object();
		id = strdup(json_text_at(q, "id"));
		id[strlen(id) - 1] = id[strlen(id) - 1] == '0' ? '1' : '0';
		json_object_object_add(made, "id", json_object_new_string(id));
		talk_answer(&m, made, "result", "{\"is\":\"made up\"}");
		json_object_object_add(made, "id", json_object_new_string("g-0-0-"));
		talk_answer(&m, made, "result", "{\"is\":\"made up\"}");
		json_object_object_add(made, "id", json_object_new_int(1));
		talk_answer(&m, made, "result", "{\"is\":\"made up\"}");
		talk_silence(&h);
		talk_answer(&m, q, "result", "{\"is\":\"mine\"}");
		talk_answer(&m, q, "result", "{\"is\":\"mine again\"}");
		first = talk_next(&h, "method", "elicitation/create");
		talk_answer(&m, q, "result", "{\"is\":\"late\"}");
		talk_silence(&h);
		talk_answer(&m, first, "result", "{\"is\":\"second\"}");
		json_object_put(first);
		first = talk_next(&h, "result.structuredContent.got[0].is", "mine");
		cr_expect(strcmp(json_text_at(first, "result.structuredContent.got[1].is"), "second") == 0);
		hearing_fini(&h);
		/* After its call too. */
		talk_answer(&m, q, "result", "{\"is\":\"much too late\"}");
		talk_call(&kept, &m, "2", "quiet", "");
		talk_last(&kept, "result.content[0].text", "quiet");
		free(id);
		json_object_put(q);
		json_object_put(made);
		json_object_put(first);
		mcp_fini(&m);
		mcp_fini(&twin);
		mcp_fini(&thief);
	}
	talk_end();
}

Test(talk, with_a_refusal_of_the_client_is_the_servers_to_judge, .timeout = 30)
{
	struct hearing	 h;
	struct mcp	 m;
	json_object	*q;

	NEEDS_JAILS();
	talk_begin(1, NULL);
	for EACH(olds) {
		talk_client(&m, SERVER(olds), 0, LEGACY_VERSION, CAN_ALL);
		talk_call(&h, &m, "1", "ask_sampling", "");
		q = talk_next(&h, "method", "sampling/createMessage");
		talk_answer(&m, q, "error", "{\"code\":-1,\"message\":\"rejected\",\"data\":{\"x\":1}}");
		json_object_put(q);
		q = talk_next(&h, "result.structuredContent.got[0].code", "-1");
		cr_expect(json_int_at(q, "result.structuredContent.got[0].data.x") == 1);
		json_object_put(q);
		hearing_fini(&h);
		mcp_fini(&m);
	}
	talk_end();
}

Test(talk, with_questions_needs_a_client_that_declared_them, .timeout = 60)
{
	static const struct {
		const char	*version, *can, *tool, *code;
	} rows[] = {
		{ LEGACY_VERSION, NULL, "ask_form", "-32601" },
		{ LEGACY_VERSION, NULL, "ask_sampling", "-32601" },
		{ LEGACY_VERSION, NULL, "ask_roots", "-32601" },
		{ LEGACY_VERSION, "{\"roots\":{}}", "ask_form", "-32601" },
		{ LEGACY_VERSION, CAN_FORM, "ask_url", "-32602" },
		{ LEGACY_VERSION, CAN_FORM, "ask_roots", "-32601" },
		{ LEGACY_VERSION, "{\"elicitation\":{\"url\":{}}}", "ask_form", "-32602" },
		{ LEGACY_VERSION, "{\"sampling\":{}}", "ask_tools", "-32602" },
		{ "2025-06-18", CAN_ALL, "ask_url", "-32602" },
		{ "2025-06-18", CAN_ALL, "ask_tools", "-32602" },
		/* These know no structuredContent, so no more is seen than that nobody was asked. */
		{ "2025-03-26", CAN_ALL, "ask_form", "" },
		{ "2024-11-05", CAN_ALL, "ask_form", "" },
	};
	struct hearing	 h;
	struct mcp	 m;
	json_object	*o;

	NEEDS_JAILS();
	talk_begin(1, NULL);
	for EACH(olds)
		for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
			talk_client(&m, SERVER(olds), 0, rows[r].version, rows[r].can);
			talk_call(&h, &m, "1", rows[r].tool, "");
			o = talk_next(&h, "result.structuredContent.got[0].code", rows[r].code);
			cr_expect(json_object_get_boolean(json_at(o, "result.isError")), "row %zu: %s", r,
			    json_object_to_json_string(o));
			cr_expect(!h.stream, "row %zu", r);
			json_object_put(o);
			hearing_fini(&h);
			mcp_fini(&m);
		}
	talk_end();
}

Test(talk, that_the_server_takes_back_is_taken_back, .timeout = 30)
{
	struct hearing	 h;
	struct mcp	 m;
	json_object	*q, *o;

	NEEDS_JAILS();
	talk_begin(1, NULL);
	for EACH(olds) {
		talk_client(&m, SERVER(olds), 0, LEGACY_VERSION, CAN_ALL);
		talk_call(&h, &m, "1", "withdraw", "");
		q = talk_next(&h, "method", "elicitation/create");
		o = talk_next(&h, "method", "notifications/cancelled");
		cr_expect(strcmp(json_text_at(o, "params.requestId"), json_text_at(q, "id")) == 0, "%s",
		    json_object_to_json_string(o));
		talk_answer(&m, q, "result", "{\"is\":\"late\"}");
		json_object_put(o);
		json_object_put(q);
		talk_last(&h, "result.content[0].text", "withdrawn");

		talk_call(&h, &m, "2", "withdraw_one", "");
		json_object_put(talk_next(&h, "method", "elicitation/create"));
		q = talk_next(&h, "method", "elicitation/create");
		json_object_put(talk_next(&h, "method", "notifications/cancelled"));
		talk_answer(&m, q, "result", "{\"is\":\"second\"}");
		json_object_put(q);
		talk_last(&h, "result.structuredContent.got[0].is", "second");
		mcp_fini(&m);
	}
	talk_end();
}

/* A server that does not wait for what it asked is no reason to keep anybody. */
Test(talk, with_questions_may_end_without_their_answer, .timeout = 30)
{
	struct hearing	 h;
	struct mcp	 m;
	json_object	*q;

	NEEDS_JAILS();
	talk_begin(1, NULL);
	for EACH(olds) {
		talk_client(&m, SERVER(olds), 0, LEGACY_VERSION, CAN_ALL);
		talk_call(&h, &m, "1", "finish", "");
		q = talk_next(&h, "method", "elicitation/create");
		talk_last(&h, "result.content[0].text", "finished");
		talk_answer(&m, q, "result", "{\"is\":\"late\"}");
		json_object_put(q);
		mcp_fini(&m);
	}
	talk_end();
}

/* A legacy client's leaving is no cancellation, but there is nobody to ask any more. */
Test(talk, with_a_client_that_left_for_good_is_ended_for_it, .timeout = 30)
{
	struct hearing	h;
	struct mcp	m;

	talk_begin(1, "resume_memory = 0\n");
	talk_client(&m, "oldweb", 0, LEGACY_VERSION, CAN_ALL);
	talk_call(&h, &m, "1", "ask_form", "");
	talk_expect(&h, "method", "elicitation/create");
	hearing_fini(&h);
	talk_wait_heard(OLD_WEB, "\"result\":{\"action\":\"cancel\"}", NULL, 1);
	talk_call(&h, &m, "2", "ask_roots", "");
	talk_expect(&h, "method", "roots/list");
	hearing_fini(&h);
	talk_wait_heard(OLD_WEB, "\"code\":-32603", NULL, 1);
	cr_expect(talk_heard(OLD_WEB, "notifications/cancelled", NULL) == 0);
	/* What it asks afterwards is answered at once. */
	talk_call(&h, &m, "3", "ask_twice", "");
	talk_expect(&h, "method", "elicitation/create");
	hearing_fini(&h);
	talk_wait_heard(OLD_WEB, "\"result\":{\"action\":\"cancel\"}", NULL, 3);
	mcp_fini(&m);
	talk_end();
}
