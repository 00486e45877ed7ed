/* SPDX-License-Identifier: Apache-2.0
 *
 * t7_resume.c - legacy clients whose connections break, and who come back for the rest of their streams
 */
#include "tests/integration/talk.h"

#define STEPS(ms)	",\"arguments\":{\"n\":4,\"ms\":" #ms "},\"_meta\":{\"progressToken\":7}"

static const char *const servers[] = { "old", "new", "oldweb", "newweb" };

static void
expect_step(struct hearing *h, int step)
{
	json_object	*o = talk_next(h, "method", "notifications/progress");

	cr_expect(json_int_at(o, "params.progress") == step, "not step %d: %s", step, json_object_to_json_string(o));
	json_object_put(o);
}

/* The rest of `steps` from this one on, and nothing else. */
static void
expect_steps_from(struct hearing *h, int step)
{
	for (; step <= 4; step++)
		expect_step(h, step);
	talk_last(h, "result.content[0].text", "done");
}

/* The connection breaks; where it was. */
static void
cut(struct hearing *h, char id[128])
{
	memcpy(id, h->id, 128);
	hearing_fini(h);
}

/* A counter of the metrics page. */
static unsigned
metric(const char *name)
{
	struct answer	 a;
	const char	*at;
	char		 line[64];
	unsigned	 n = 0;

	client_once(g.admin, "GET", "/metrics", "", NULL, &a);
	snprintf(line, sizeof(line), "\nmcpgw_%s ", name);
	if (a.body != NULL && (at = strstr(a.body, line)) != NULL)
		n = (unsigned)strtoul(at + strlen(line), NULL, 10);
	else
		cr_expect(false, "no %s: %s", name, a.body);
	answer_fini(&a);
	return n;
}

/* Refused, in the same words whatever is wrong; but for the request's own number. */
static void
expect_refused(const struct mcp *m, const char *id, const char *more, const char *why)
{
	struct hearing	 h;
	json_object	*o;

	hearing_resume(&h, m, id, more);
	o = hearing_next(&h, SOON);
	cr_expect(h.status == 400 && !h.stream, "%s: %s: %d", why, id, h.status);
	cr_assert(o != NULL, "%s: nothing came", why);
	cr_expect(json_at(o, "id") == NULL, "%s: %s", why, json_object_to_json_string(o));
	json_object_object_del(json_at(o, "error.data"), "request_id");
	cr_expect_str_eq(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN), "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":"
	    "-32600,\"message\":\"Last-Event-ID names nothing that can be resumed\",\"data\":{\"code\":\"INVALID_REQUEST\"}}}",
	    "%s", why);
	json_object_put(o);
	hearing_fini(&h);
}

static void
resumes_through_any_worker(unsigned workers)
{
	struct hearing	 h;
	struct mcp	 m;
	json_object	*records;
	char		 id[128];
	unsigned	 calls = 0;

	talk_begin(workers, NULL);
	for (size_t i = 0; i < 4; i++) {
		talk_client(&m, servers[i], 0, LEGACY_VERSION, NULL);
		for (int k = 0; k < 3; k++, calls++) {
			talk_call(&h, &m, "1", "steps", STEPS(100));
			expect_step(&h, 1);
			cr_expect(h.primed == 1 && h.ids == 2 && h.retry_ms > 0, "%u %u %d", h.primed, h.ids, h.retry_ms);
			cut(&h, id);
			hearing_resume(&h, &m, id, "");
			expect_step(&h, 2);
			cr_expect(h.status == 200 && h.stream);
			cut(&h, id);
			/* All of the rest is said to nobody. */
			sleep_ms(k == 2 ? 400 : 0);
			hearing_resume(&h, &m, id, "");
			expect_steps_from(&h, 3);
			/* And again, although it is over. */
			hearing_resume(&h, &m, id, "");
			expect_steps_from(&h, 3);
		}
		mcp_fini(&m);
	}
	cr_expect(metric("stream_resumes_total") == 3 * calls, "%u", metric("stream_resumes_total"));
	cr_expect(metric("stream_resumes_refused_total") == 0);
	cr_expect(metric("calls_abandoned_total") == 0);
	cr_expect((metric("forwarded_total") > 0) == (workers > 1));
	records = gateway_audit(&g);
	cr_expect(audit_count(records, "object", "steps") == calls, "%s", json_object_to_json_string(records));
	cr_expect(audit_count(records, "outcome", "ok") >= calls);
	json_object_put(records);
	talk_end();
}

Test(resume, gives_the_rest_of_a_call_whose_client_went_away, .timeout = 60)
{
	NEEDS_JAILS();
	resumes_through_any_worker(1);
}

Test(resume, is_served_whichever_worker_is_asked, .timeout = 60)
{
	NEEDS_JAILS();
	resumes_through_any_worker(4);
}

Test(resume, begins_where_the_client_says, .timeout = 30)
{
	struct hearing	h;
	struct mcp	m;
	char		ids[6][128], text[512];

	NEEDS_JAILS();
	talk_begin(4, NULL);
	talk_client(&m, "old", 0, LEGACY_VERSION, NULL);
	talk_call(&h, &m, "1", "steps", STEPS(1));
	for (int i = 1; i <= 4; i++) {
		expect_step(&h, i);
		memcpy(ids[i], h.id, 128);
	}
	json_object_put(talk_next(&h, "result.content[0].text", "done"));
	memcpy(ids[5], h.id, 128);
	cr_expect(hearing_ends(&h, SOON));
	hearing_fini(&h);
	for (int i = 1; i <= 4; i++) {
		hearing_resume(&h, &m, ids[i], "");
		expect_steps_from(&h, i + 1);
	}
	/* After the last one there is nothing but the end. */
	hearing_resume(&h, &m, ids[5], "");
	cr_expect(hearing_ends(&h, SOON) && h.status == 200 && h.primed == 0);
	hearing_fini(&h);

	/* Places that no event has, streams that are none, and what is no id. */
	snprintf(text, sizeof(text), "%.*s-7f", (int)(strrchr(ids[5], '-') - ids[5]), ids[5]);
	expect_refused(&m, text, "", "a place behind the end");
	snprintf(text, sizeof(text), "%s", ids[5]);
	text[strlen(text) - 3] ^= 1;
	expect_refused(&m, text, "", "another number");
	snprintf(text, sizeof(text), "%s0", ids[5]);
	expect_refused(&m, text, "", "a longer one");
	snprintf(text, sizeof(text), "%s", ids[5]);
	text[2] = '9';
	expect_refused(&m, text, "", "a worker that is none");
	snprintf(text, sizeof(text), "%.3s-77%s", ids[5], strchr(ids[5] + 4, '-'));
	expect_refused(&m, text, "", "a worker that is no more");
	expect_refused(&m, "1", "", "anything");
	expect_refused(&m, "", "", "nothing");
	memset(text, 'a', 400);
	text[400] = '\0';
	expect_refused(&m, text, "", "a long one");
	snprintf(text, sizeof(text), "Last-Event-ID: %s\r\n", ids[5]);
	expect_refused(&m, ids[5], text, "two of them");
	mcp_fini(&m);
	talk_end();
}

Test(resume, is_for_the_session_that_had_the_stream, .timeout = 30)
{
	struct hearing	h;
	struct mcp	m, same, other, elsewhere;
	struct answer	a;
	char		id[128], *headers;

	NEEDS_JAILS();
	talk_begin(4, NULL);
	talk_client(&m, "old", 0, LEGACY_VERSION, NULL);
	talk_client(&same, "old", 0, LEGACY_VERSION, NULL);
	talk_client(&other, "old", 1, LEGACY_VERSION, NULL);
	talk_client(&elsewhere, "new", 0, LEGACY_VERSION, NULL);
	talk_call(&h, &m, "1", "steps", STEPS(100));
	expect_step(&h, 1);
	cut(&h, id);
	expect_refused(&same, id, "", "another session");
	expect_refused(&other, id, "", "another principal");
	expect_refused(&elsewhere, id, "", "another view");
	/* His session in somebody else's hands is no session. */
	snprintf(other.session, sizeof(other.session), "%s", m.session);
	hearing_resume(&h, &other, id, "");
	json_object_put(hearing_next(&h, SOON));
	cr_expect(h.status == 404, "%d", h.status);
	hearing_fini(&h);
	hearing_resume(&h, &m, id, "");
	expect_steps_from(&h, 2);
	/* It ends with its session. */
	headers = mcp_headers(&m, "");
	client_once(m.address, "DELETE", m.path, headers, NULL, &a);
	free(headers);
	EXPECT_STATUS(a, 200, "DELETE");
	answer_fini(&a);
	hearing_resume(&h, &m, id, "");
	json_object_put(hearing_next(&h, SOON));
	cr_expect(h.status == 404, "%d", h.status);
	hearing_fini(&h);
	mcp_fini(&m);
	mcp_fini(&same);
	mcp_fini(&other);
	mcp_fini(&elsewhere);
	talk_end();
}

Test(resume, takes_the_stream_over, .timeout = 30)
{
	struct hearing	h, again;
	struct mcp	m;
	char		id[128];

	NEEDS_JAILS();
	talk_begin(4, NULL);
	talk_client(&m, "old", 0, LEGACY_VERSION, NULL);
	for (int k = 0; k < 4; k++) {
		talk_call(&h, &m, "1", "steps", STEPS(300));
		expect_step(&h, 1);
		memcpy(id, h.id, sizeof(id));
		hearing_resume(&again, &m, id, "");
		/* Nothing to say yet, and something to come back with. */
		cr_expect(hearing_ends(&h, SOON), "the older one goes on");
		hearing_fini(&h);
		expect_steps_from(&again, 2);
		/* The same place again: the ids of what was said in between are not given to anything else. */
		hearing_resume(&again, &m, id, "");
		expect_steps_from(&again, 2);
	}
	mcp_fini(&m);
	talk_end();
}

Test(resume, ends_where_there_is_no_room_to_keep_what_came, .timeout = 30)
{
	struct hearing	 h;
	struct mcp	 m;
	char		 first[128], id[128];
	json_object	*o;

	NEEDS_JAILS();
	/* 1 KiB for one stream, 4 KiB for one principal. */
	talk_begin(4, "resume_memory = 16KiB\n");
	talk_client(&m, "old", 0, LEGACY_VERSION, NULL);
	talk_call(&h, &m, "1", "progress", ",\"arguments\":{\"n\":40},\"_meta\":{\"progressToken\":7}");
	expect_step(&h, 1);
	memcpy(first, h.id, sizeof(first));
	for (int i = 2; i <= 40; i++) {
		expect_step(&h, i);
		memcpy(id, h.id, sizeof(id));
	}
	talk_last(&h, "result.content[0].text", "done");
	expect_refused(&m, first, "", "pushed out");
	hearing_resume(&h, &m, id, "");
	talk_last(&h, "result.content[0].text", "done");
	/* The call goes on where nobody can come back for it any more. */
	talk_call(&h, &m, "2", "progress", ",\"arguments\":{\"n\":40},\"_meta\":{\"progressToken\":7}");
	o = hearing_next(&h, SOON);
	cut(&h, id);
	json_object_put(o);
	for (int i = 0; i < 8; i++) {
		talk_call(&h, &m, "3", "progress", ",\"arguments\":{\"n\":40},\"_meta\":{\"progressToken\":7}");
		for (int k = 1; k <= 40; k++)
			expect_step(&h, k);
		talk_last(&h, "result.content[0].text", "done");
	}
	expect_refused(&m, id, "", "pushed out by others");
	o = gateway_audit(&g);
	cr_expect(audit_count(o, "object", "progress") == 10 && audit_count(o, "outcome", "ok") >= 10, "%s",
	    json_object_to_json_string(o));
	json_object_put(o);
	mcp_fini(&m);
	talk_end();
}

Test(resume, is_over_some_time_after_the_end, .timeout = 30)
{
	struct hearing	h;
	struct mcp	m;
	char		id[128];

	NEEDS_JAILS();
	talk_begin(1, "resume_time = 300ms\n");
	talk_client(&m, "old", 0, LEGACY_VERSION, NULL);
	talk_call(&h, &m, "1", "steps", STEPS(200));
	expect_step(&h, 1);
	cut(&h, id);
	sleep_ms(500);
	/* While it lasts it is kept. */
	hearing_resume(&h, &m, id, "");
	expect_steps_from(&h, 2);
	hearing_resume(&h, &m, id, "");
	expect_steps_from(&h, 2);
	sleep_ms(1000);
	cr_expect(metric("stream_bytes_kept") == 0, "%u", metric("stream_bytes_kept"));
	expect_refused(&m, id, "", "expired");
	mcp_fini(&m);
	talk_end();
}

Test(resume, brings_questions_and_their_answers_go_on_working, .timeout = 60)
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
		question = talk_next(&h, "params.message", "for one");
		snprintf(id, sizeof(id), "%.*s-1", (int)(strrchr(h.id, '-') - h.id), h.id);
		hearing_fini(&h);
		hearing_resume(&h, &m, id, "");
		again = talk_next(&h, "params.message", "for one");
		cr_expect(json_object_equal(question, again));
		json_object_put(question);
		talk_answer(&m, again, "result", "{\"action\":\"accept\",\"content\":{\"tag\":\"x\"}}");
		json_object_put(again);
		talk_last(&h, "result.structuredContent.got[0].content.tag", "x");

		/* Answered while away, and asked again while away. */
		talk_call(&h, &m, "2", "ask_twice", ",\"arguments\":{\"tag\":\"two\"}");
		question = talk_next(&h, "params.message", "for two");
		cut(&h, id);
		talk_answer(&m, question, "result", "{\"action\":\"decline\"}");
		json_object_put(question);
		sleep_ms(100);
		hearing_resume(&h, &m, id, "");
		question = talk_next(&h, "params.message", "for two");
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
	question = talk_next(&h, "params.message", "for three");
	cut(&h, id);
	talk_answer(&m, question, "result", "{\"action\":\"accept\",\"content\":{\"tag\":\"z\"}}");
	json_object_put(question);
	hearing_resume(&h, &m, id, "");
	talk_last(&h, "result.structuredContent.got.a.content.tag", "z");
	mcp_fini(&m);
	talk_end();
}

Test(resume, knows_a_call_that_was_cancelled_meanwhile, .timeout = 30)
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

/* Ids: from 2025-03-26 on.  Events without data: since 2025-11-25.  Modern clients know neither, and whoever of them
 * goes away cancels. */
Test(resume, is_offered_as_the_revision_says, .timeout = 60)
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

static bool
workers_are_others(void *arg)
{
	struct procs	*before = arg, *now = malloc(sizeof(*now));
	bool		 yes;

	gateway_procs(&g, now);
	yes = procs_count(now, "mcpgw-worker") >= procs_count(before, "mcpgw-worker");
	for (size_t i = 0; procs_find(before, "mcpgw-worker", i) != NULL; i++)
		for (size_t k = 0; procs_find(now, "mcpgw-worker", k) != NULL; k++)
			yes &= procs_find(before, "mcpgw-worker", i)->pid != procs_find(now, "mcpgw-worker", k)->pid;
	free(now);
	return yes;
}

Test(resume, of_a_stream_that_died_with_its_worker_is_refused, .timeout = 60)
{
	struct hearing	h;
	struct mcp	m;
	struct procs	*procs = malloc(sizeof(*procs));
	char		id[128];

	NEEDS_JAILS();
	talk_begin(2, NULL);
	talk_client(&m, "old", 0, LEGACY_VERSION, NULL);
	talk_call(&h, &m, "1", "steps", STEPS(1000));
	expect_step(&h, 1);
	cut(&h, id);
	gateway_procs(&g, procs);
	for (size_t i = 0; i < procs_count(procs, "mcpgw-worker"); i++)
		kill(procs_find(procs, "mcpgw-worker", i)->pid, SIGKILL);
	cr_assert(wait_until(workers_are_others, procs, SOON));
	for (int i = 0; i < 8; i++)
		expect_refused(&m, id, "", "its worker is gone");
	free(procs);
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

Test(resume, of_a_sessions_stream_tells_what_changed_meanwhile, .timeout = 60)
{
	struct hearing	h, other;
	struct mcp	m;
	struct answer	a;
	char		id[128], middle[128];

	NEEDS_JAILS();
	gateway_start(&g, &(struct gateway_setup){ .workers = 4, .rules = ASKING_RULES(""),
	    .servers = "{\"mcpServers\":{\"changing\":{\"command\":\"@TOOLS@/tests/changing-server\"}}}" });
	snprintf(keys[0], sizeof(keys[0]), "%s", gateway_key(&g, "one"));
	talk_client(&m, "changing", 0, LEGACY_VERSION, NULL);
	hearing_begin(&h, &m, "", NULL, NULL);
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
	sleep_ms(50);
	call(&m, "grow", "{}");
	call(&m, "touch", "{\"uri\":\"changing://0\"}");
	sleep_ms(300);
	hearing_resume(&h, &m, id, "");
	expect_grown(&h);
	talk_expect(&h, "params.uri", "changing://0");
	talk_silence(&h);
	call(&m, "touch", "{\"uri\":\"changing://0\"}");
	talk_expect(&h, "params.uri", "changing://0");

	/* Who comes back without an id hears it too, on the new stream and on no other. */
	cut(&h, id);
	sleep_ms(50);
	call(&m, "grow", "{}");
	sleep_ms(300);
	hearing_begin(&h, &m, "", NULL, NULL);
	expect_grown(&h);
	hearing_resume(&other, &m, id, "");
	cr_expect(hearing_ends(&other, SOON) && other.status == 200, "the older stream has something to say");
	hearing_fini(&other);
	talk_silence(&h);
	hearing_fini(&h);
	mcp_fini(&m);
	gateway_stop(&g);
}
