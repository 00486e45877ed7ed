/* SPDX-License-Identifier: Apache-2.0
 *
 * t7_resume.c - legacy clients whose connections break, and who come back for the rest of their calls
 */
#include "tests/integration/resume.h"

static const char *const servers[] = { "old", "new", "oldweb", "newweb" };

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
	/* After the last one there is nothing, and nothing to come back for. */
	hearing_resume(&h, &m, ids[5], "");
	cr_expect(hearing_ends(&h, SOON) && h.status == 204 && !h.stream);
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

Test(resume, is_given_up_when_what_was_missed_cannot_be_kept, .timeout = 30)
{
	struct hearing	 h;
	struct mcp	 m;
	char		 id[128];
	json_object	*o;

	NEEDS_JAILS();
	talk_begin(1, "resume_memory = 16KiB\n");
	talk_client(&m, "old", 0, LEGACY_VERSION, NULL);
	talk_call(&h, &m, "1", "steps", ",\"arguments\":{\"n\":20,\"ms\":50},\"_meta\":{\"progressToken\":7}");
	expect_step(&h, 1);
	cut(&h, id);
	/* The one after it is gone when a dozen more have come. */
	sleep_ms(patience(&g, 3000));
	cr_expect(metric("calls_abandoned_total") == 1 && metric("stream_bytes_kept") == 0);
	expect_refused(&m, id, "", "given up");
	o = gateway_audit(&g);
	cr_expect(audit_count(o, "object", "steps") == 1 && audit_count(o, "outcome", "ok") == 1, "%s",
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

Test(resume, is_for_calls_that_take_long_too, .timeout = 60)
{
	static const struct { const char *version; bool stream; } rows[] = {
		{ "2025-06-18", false }, { "2025-11-25", true }, { NULL, false },
	};
	struct hearing	h;
	struct mcp	m;
	char		id[128];

	NEEDS_JAILS();
	talk_begin(4, "stream_after = 100ms\n");
	for (size_t i = 0; i < 4; i++)
		for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
			talk_client(&m, servers[i], 0, rows[k].version, NULL);
			talk_call(&h, &m, "1", "quiet", "");
			talk_last(&h, "result.content[0].text", "quiet");
			talk_call(&h, &m, "2", "slow", ",\"arguments\":{\"ms\":600}");
			if (rows[k].stream) {
				for (int n = 0; n < 8 && h.primed == 0; n++)
					cr_expect(hearing_next(&h, 50) == NULL);
				cr_expect(h.primed == 1 && h.stream && h.retry_ms > 0, "%u", h.primed);
				cut(&h, id);
				hearing_resume(&h, &m, id, "");
			}
			talk_expect(&h, "result.content[0].text", "slow");
			cr_expect(h.stream == rows[k].stream && hearing_ends(&h, SOON));
			hearing_fini(&h);
			mcp_fini(&m);
		}
	talk_end();

	/* Where streams do not resume they do not begin for that. */
	talk_begin(1, "stream_after = 100ms\nresume_memory = 0\n");
	talk_client(&m, "old", 0, LEGACY_VERSION, NULL);
	talk_call(&h, &m, "2", "slow", ",\"arguments\":{\"ms\":600}");
	talk_expect(&h, "result.content[0].text", "slow");
	cr_expect(!h.stream);
	hearing_fini(&h);
	mcp_fini(&m);
	talk_end();
}
