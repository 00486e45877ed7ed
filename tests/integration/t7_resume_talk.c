/* SPDX-License-Identifier: Apache-2.0
 *
 * t7_resume_talk.c - what is said to legacy clients while they are away: questions, what changed, and what each
 *                    revision knows of all that
 */
#include "tests/integration/resume.h"

Test(resume_talk, brings_questions_and_their_answers_go_on_working, .timeout = 60)
{
	static const char *const	olds[] = { "old", "oldweb" };
	struct hearing			h;
	struct mcp			m;
	json_object			*question, *again;
	char				id[128];

	NEEDS_JAILS();
	talk_begin(4, NULL);
	for (size_t i = 0; i < 2; i++) {
		talk_client(&m, olds[i], 0, LEGACY_VERSION, CAN_ALL);
		/* Asked, and perhaps not heard. */
		talk_call(&h, &m, "1", "ask_form", ",\"arguments\":{\"tag\":\"one\"}");
		question = talk_next(&h, "params.message", i == 0 ? "old: for one" : "oldweb: for one");
		snprintf(id, sizeof(id), "%.*s-1", (int)(strrchr(h.id, '-') - h.id), h.id);
		hearing_fini(&h);
		hearing_resume(&h, &m, id, "");
		again = talk_next(&h, "params.message", i == 0 ? "old: for one" : "oldweb: for one");
		cr_expect(json_object_equal(question, again));
		json_object_put(question);
		talk_answer(&m, again, "result", "{\"action\":\"accept\",\"content\":{\"tag\":\"x\"}}");
		json_object_put(again);
		talk_last(&h, "result.structuredContent.got[0].content.tag", "x");

		/* Answered while away, and asked again while away. */
		talk_call(&h, &m, "2", "ask_twice", ",\"arguments\":{\"tag\":\"two\"}");
		question = talk_next(&h, "params.message", i == 0 ? "old: for two" : "oldweb: for two");
		cut(&h, id);
		talk_answer(&m, question, "result", "{\"action\":\"decline\"}");
		json_object_put(question);
		sleep_ms(100);
		hearing_resume(&h, &m, id, "");
		question = talk_next(&h, "params.message", i == 0 ? "old: for two" : "oldweb: for two");
		cut(&h, id);
		talk_answer(&m, question, "result", "{\"action\":\"accept\",\"content\":{\"tag\":\"y\"}}");
		json_object_put(question);
		hearing_resume(&h, &m, id, "");
		talk_last(&h, "result.structuredContent.got[1].content.tag", "y");
		mcp_fini(&m);
	}
	/* A modern server's questions too. */
	talk_client(&m, "new", 0, LEGACY_VERSION, CAN_ALL);
	talk_call(&h, &m, "1", "ask_form", ",\"arguments\":{\"tag\":\"three\"}");
	question = talk_next(&h, "params.message", "new: for three");
	cut(&h, id);
	talk_answer(&m, question, "result", "{\"action\":\"accept\",\"content\":{\"tag\":\"z\"}}");
	json_object_put(question);
	hearing_resume(&h, &m, id, "");
	talk_last(&h, "result.structuredContent.got.a.content.tag", "z");
	mcp_fini(&m);
	talk_end();
}

Test(resume_talk, knows_a_call_that_was_cancelled_meanwhile, .timeout = 30)
{
	struct hearing	h;
	struct mcp	m;
	char		id[128];

	NEEDS_JAILS();
	talk_begin(4, NULL);
	talk_client(&m, "old", 0, LEGACY_VERSION, NULL);
	talk_call(&h, &m, "1", "steps", STEPS(5000));
	expect_step(&h, 1);
	cut(&h, id);
	talk_note(&m, "notifications/cancelled", "{\"requestId\":1}");
	hearing_resume(&h, &m, id, "");
	cr_expect(hearing_ends(&h, SOON), "who cancels gets no answer");
	hearing_fini(&h);
	mcp_fini(&m);
	talk_end();
}

Test(resume_talk, of_a_batch_gives_the_rest_of_all_its_calls, .timeout = 30)
{
	static const char	batch[] = "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"steps\","
	    "\"arguments\":{\"n\":4,\"ms\":100},\"_meta\":{\"progressToken\":7}}},{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":"
	    "\"ping\"}]";
	struct hearing	 h;
	struct mcp	 m;
	char		 id[128], *all, *text;
	json_object	*o;
	size_t		 steps = 1, answers = 0;

	NEEDS_JAILS();
	talk_begin(4, NULL);
	talk_client(&m, "old", 0, "2025-03-26", NULL);
	h = (struct hearing){ .conn.fd = -1 };
	all = mcp_headers(&m, "");
	cr_assert(client_open(&h.conn, m.address) && asprintf(&text, "POST %s HTTP/1.1\r\nHost: localhost\r\n%s"
	    "Content-Length: %zu\r\n\r\n%s", m.path, all, strlen(batch), batch) > 0);
	client_send(&h.conn, text, strlen(text));
	free(all);
	free(text);
	for (bool step = false; !step; json_object_put(o)) {
		o = talk_next(&h, "jsonrpc", "2.0");
		step = json_at(o, "method") != NULL;
		answers += !step;
	}
	cut(&h, id);
	hearing_resume(&h, &m, id, "");
	while ((o = hearing_next(&h, SOON)) != NULL) {
		steps += json_at(o, "method") != NULL;
		answers += json_at(o, "result") != NULL;
		json_object_put(o);
	}
	cr_expect(h.end && steps == 4 && answers == 2, "%zu steps, %zu answers", steps, answers);
	hearing_fini(&h);
	mcp_fini(&m);
	talk_end();
}

/* Ids: from 2025-03-26 on.  Events without data: since 2025-11-25.  Modern clients know neither, and whoever of them
 * goes away cancels. */
Test(resume_talk, is_offered_as_the_revision_says, .timeout = 60)
{
	static const struct { const char *version; bool ids, primed; } rows[] = {
		{ "2024-11-05", false, false }, { "2025-03-26", true, false }, { "2025-06-18", true, false },
		{ "2025-11-25", true, true }, { NULL, false, false },
	};
	struct hearing	h;
	struct mcp	m;
	char		id[128];

	NEEDS_JAILS();
	talk_begin(4, NULL);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		talk_client(&m, "old", 0, rows[i].version, NULL);
		m.meta = rows[i].version == NULL ? ",\"progressToken\":7" : NULL;
		talk_call(&h, &m, "1", "steps", rows[i].version == NULL ? ",\"arguments\":{\"ms\":100}" : STEPS(100));
		expect_step(&h, 1);
		cr_expect((h.ids > 0) == rows[i].ids && (h.primed > 0) == rows[i].primed && (h.retry_ms > 0) == rows[i].primed,
		    "row %zu: %u ids, %u primed", i, h.ids, h.primed);
		if (rows[i].ids) {
			cut(&h, id);
			hearing_resume(&h, &m, id, "");
		}
		expect_steps_from(&h, 2);
		/* One that begins with nothing to say. */
		if (rows[i].version != NULL) {
			hearing_begin(&h, &m, "", NULL, NULL);
			talk_silence(&h);
			cr_expect(h.ids == rows[i].primed && h.primed == rows[i].primed, "row %zu: %u", i, h.ids);
			hearing_fini(&h);
		}
		mcp_fini(&m);
	}
	talk_client(&m, "oldweb", 0, NULL, NULL);
	m.meta = ",\"progressToken\":7";
	talk_call(&h, &m, "1", "steps", ",\"arguments\":{\"n\":4,\"ms\":1000}");
	expect_step(&h, 1);
	hearing_fini(&h);
	talk_wait_heard(OLD_WEB, "notifications/cancelled", NULL, 1);
	mcp_fini(&m);
	talk_end();
}

Test(resume_talk, of_a_stream_that_died_with_its_worker_is_refused, .timeout = 60)
{
	struct hearing	h;
	struct mcp	m;
	char		id[128];

	NEEDS_JAILS();
	talk_begin(2, NULL);
	talk_client(&m, "old", 0, LEGACY_VERSION, NULL);
	talk_call(&h, &m, "1", "steps", STEPS(1000));
	expect_step(&h, 1);
	cut(&h, id);
	kill_workers();
	for (int i = 0; i < 8; i++)
		expect_refused(&m, id, "", "its worker is gone");
	mcp_fini(&m);
	talk_end();
}

/* ---- the stream of a session --------------------------------------------------------------------- */

static void
call(struct mcp *m, const char *tool, const char *arguments)
{
	struct answer	a;

	mcp_call(m, tool, arguments, &a);
	EXPECT_STATUS(a, 200, "%s", tool);
	answer_fini(&a);
}

static void
expect_grown(struct hearing *h)
{
	talk_expect(h, "method", "notifications/tools/list_changed");
	talk_expect(h, "method", "notifications/resources/list_changed");
}

/* All lists may have changed, those of prompts among them where it is not known that there are none. */
static void
expect_all_changed(struct hearing *h, json_object *o)
{
	unsigned	tools = 0, resources = 0, others = 0;

	for (; o != NULL; o = hearing_next(h, tools + resources < 2 ? SOON : QUIET)) {
		tools += strcmp(json_text_at(o, "method"), "notifications/tools/list_changed") == 0;
		resources += strcmp(json_text_at(o, "method"), "notifications/resources/list_changed") == 0;
		others++;
		json_object_put(o);
	}
	cr_expect(tools == 1 && resources == 1 && others <= 3, "%u %u %u", tools, resources, others);
}

/* Its head is there, and what it begins with. */
static void
expect_begun(struct hearing *h)
{
	talk_silence(h);
	for (int i = 0; i < 20 && h->primed == 0; i++)
		talk_silence(h);
	cr_expect(h->status == 200 && h->primed == 1, "%d %u", h->status, h->primed);
}

/* Long enough for the gateway to see that a connection ended, or to say what changed. */
static void
settle(void)
{
	sleep_ms(patience(&g, 300));
}

Test(resume_talk, of_a_sessions_stream_tells_what_changed_meanwhile, .timeout = 60)
{
	struct hearing	h, other;
	struct mcp	m;
	struct answer	a;
	json_object	*first = NULL;
	char		id[128], middle[128];

	NEEDS_JAILS();
	gateway_start(&g, &(struct gateway_setup){ .workers = 4, .rules = ASKING_RULES(""),
	    .servers = "{\"mcpServers\":{\"changing\":{\"command\":\"@TOOLS@/tests/changing-server\"}}}" });
	snprintf(keys[0], sizeof(keys[0]), "%s", gateway_key(&g, "one"));
	talk_client(&m, "changing", 0, LEGACY_VERSION, NULL);
	hearing_begin(&h, &m, "", NULL, NULL);
	expect_begun(&h);
	mcp_ask(&m, "resources/subscribe", "{\"uri\":\"changing://0\"}", &a);
	EXPECT_STATUS(a, 200, "subscribe");
	answer_fini(&a);
	call(&m, "grow", "{}");
	talk_expect(&h, "method", "notifications/tools/list_changed");
	cr_expect(h.primed == 1 && h.ids == 2, "%u %u", h.primed, h.ids);
	memcpy(middle, h.id, sizeof(middle));
	talk_expect(&h, "method", "notifications/resources/list_changed");
	cut(&h, id);

	/* What was said, and what was not: the same stream goes on. */
	hearing_resume(&h, &m, middle, "");
	talk_expect(&h, "method", "notifications/resources/list_changed");
	cr_expect_str_eq(h.id, id);
	cut(&h, id);
	settle();
	call(&m, "grow", "{}");
	call(&m, "touch", "{\"uri\":\"changing://0\"}");
	settle();
	hearing_resume(&h, &m, id, "");
	expect_grown(&h);
	talk_expect(&h, "params.uri", "changing://0");
	talk_silence(&h);
	call(&m, "touch", "{\"uri\":\"changing://0\"}");
	talk_expect(&h, "params.uri", "changing://0");

	/* Who comes back without an id hears it too, on the new stream and on no other. */
	cut(&h, id);
	settle();
	call(&m, "grow", "{}");
	settle();
	hearing_begin(&h, &m, "", NULL, NULL);
	expect_grown(&h);
	memcpy(middle, h.id, sizeof(middle));
	/* The older one is over: what comes back for it is the session's stream. */
	hearing_resume(&other, &m, id, "");
	expect_begun(&other);
	cr_expect(hearing_ends(&h, SOON));
	hearing_fini(&h);
	call(&m, "grow", "{}");
	expect_grown(&other);
	/* So it goes on when a policy ends it, whose clients are told to ask anew. */
	cr_assert(gateway_ctl(&g, NULL, true, "reload", NULL) == 0);
	expect_all_changed(&other, hearing_next(&other, SOON));
	cr_expect(hearing_ends(&other, SOON));
	cut(&other, id);
	hearing_resume(&h, &m, id, "");
	expect_begun(&h);
	call(&m, "grow", "{}");
	expect_grown(&h);
	cut(&h, id);

	/* One that is lost with its worker begins anew too, and says so in its way. */
	kill_workers();
	for (int i = 0; i < 20; i++, sleep_ms(100)) {
		hearing_resume(&h, &m, id, "");
		first = hearing_next(&h, SOON);
		if (h.status != 503)
			break;
		json_object_put(first);
		hearing_fini(&h);
	}
	cr_expect(h.status == 200 && h.primed == 1, "%d", h.status);
	expect_all_changed(&h, first);
	hearing_fini(&h);
	expect_refused(&m, "s-0-1-0000000000000000-1", "", "malformed");
	mcp_fini(&m);
	gateway_stop(&g);
}

/* Its server does not wait as long as a client may be away. */
Test(resume_talk, answers_questions_for_who_is_away_for_long, .timeout = 30)
{
	static const char *const	olds[] = { "oldweb", "oldsse" };
	static const int		at[] = { OLD_WEB, OLD_SSE };
	struct hearing			h;
	struct mcp			m;
	char				id[128];

	NEEDS_JAILS();
	talk_begin(1, "resume_time = 400ms\n");
	for (size_t i = 0; i < 2; i++) {
		talk_client(&m, olds[i], 0, LEGACY_VERSION, CAN_ALL);
		talk_call(&h, &m, "1", "ask_form", "");
		talk_expect(&h, "method", "elicitation/create");
		cut(&h, id);
		sleep_ms(100);
		cr_expect(talk_heard(at[i], "\"result\":{\"action\":\"cancel\"}", NULL) == 0);
		talk_wait_heard(at[i], "\"result\":{\"action\":\"cancel\"}", NULL, 1);
		/* The call went on. */
		hearing_resume(&h, &m, id, "");
		talk_last(&h, "result.structuredContent.got[0].action", "cancel");
		mcp_fini(&m);
	}
	/* A modern server's call ends with it. */
	talk_client(&m, "newweb", 0, LEGACY_VERSION, CAN_ALL);
	talk_call(&h, &m, "1", "ask_form", "");
	talk_expect(&h, "method", "elicitation/create");
	cut(&h, id);
	sleep_ms(900);
	hearing_resume(&h, &m, id, "");
	cr_expect(hearing_next(&h, SOON) != NULL);
	cr_expect(hearing_ends(&h, SOON));
	hearing_fini(&h);
	mcp_fini(&m);
	talk_end();
}
