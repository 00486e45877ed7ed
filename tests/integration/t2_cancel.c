/* SPDX-License-Identifier: Apache-2.0
 *
 * t2_cancel.c - who may end a call before its answer, and what the server and the audit learn of it
 */
#include "tests/integration/talk.h"

static const char *const servers[] = { "old", "new", "oldweb", "newweb", "oldsse" };
static const char *const olds[] = { "old", "oldweb", "oldsse" };
static const int	webs_of_old[] = { OLD_WEB, OLD_SSE };

#define EACH(names)	(size_t i_ = 0; i_ < sizeof(names) / sizeof(names[0]); i_++)
#define SERVER(names)	names[i_]
#define COUNT(names)	(sizeof(names) / sizeof(names[0]))

#define SLOW(ms)	",\"arguments\":{\"ms\":" #ms "}"

static void
cancel(struct mcp *m, const char *id)
{
	char	params[64];

	snprintf(params, sizeof(params), "{\"requestId\":%s}", id);
	talk_note(m, "notifications/cancelled", params);
}

/* 202 and nothing: no response to what was cancelled. */
static void
expect_nothing(struct hearing *h)
{
	cr_expect(hearing_ends(h, SOON), "status %d, end %d", h->status, h->end);
	cr_expect(h->status == (h->stream ? 200 : 202), "%d", h->status);
	hearing_fini(h);
}

/* The same, once the call has reached the gateway, which takes its time on a busy machine. */
static void
expect_cancelled(struct mcp *m, const char *id, struct hearing *h)
{
	for (int left = SOON; left > 0 && !h->end; left -= QUIET) {
		cancel(m, id);
		talk_silence(h);
	}
	expect_nothing(h);
}

/* Calls that the server had begun and that were given up, as its own client sees it. */
static size_t
told_cancelled(struct mcp *m)
{
	struct hearing	 h;
	json_object	*o;
	size_t		 n = 0;

	talk_call(&h, m, "99", "heard", "");
	o = talk_next(&h, "id", "99");
	for (size_t i = 0; i < json_object_array_length(json_at(o, "result.structuredContent.heard")); i++)
		n += strcmp(json_text_at(json_object_array_get_idx(json_at(o, "result.structuredContent.heard"), i),
		    "method"), "notifications/cancelled") == 0;
	json_object_put(o);
	hearing_fini(&h);
	return n;
}

struct recorded {
	const char	*tool, *outcome;
	size_t		 count;
};

static bool
is_recorded(void *arg)
{
	const struct recorded	*r = arg;
	json_object		*all = gateway_audit(&g), *one;
	size_t			 n = 0;

	for (size_t i = 0; i < json_object_array_length(all); i++) {
		one = json_object_array_get_idx(all, i);
		n += strcmp(json_text_at(one, "object"), r->tool) == 0 &&
		    strcmp(json_text_at(one, "outcome"), r->outcome) == 0;
	}
	json_object_put(all);
	return n == r->count;
}

static void
expect_recorded(const char *tool, const char *outcome, size_t count)
{
	struct recorded	r = { tool, outcome, count };
	json_object	*all;

	if (wait_until(is_recorded, &r, SOON))
		return;
	all = gateway_audit(&g);
	cr_expect(false, "not %zu records of %s with outcome %s: %s", count, tool, outcome, json_object_to_json_string(all));
	json_object_put(all);
}

/* ---------------------------------------------------------------------------------------------------- */

static void
cancel_while_it_works(unsigned workers)
{
	struct hearing	h;
	struct mcp	m, other;

	talk_begin(workers, NULL);
	for EACH(servers) {
		talk_client(&m, SERVER(servers), 0, LEGACY_VERSION, NULL);
		talk_client(&other, SERVER(servers), 0, LEGACY_VERSION, NULL);
		talk_call(&h, &m, "\"s 1\"", "slow", SLOW(20000));
		talk_silence(&h);
		cancel(&other, "\"s 1\"");
		cancel(&m, "\"s 2\"");
		cancel(&m, "1");
		talk_silence(&h);
		expect_cancelled(&m, "\"s 1\"", &h);
		cancel(&m, "\"s 1\"");
		if (strcmp(SERVER(servers), "old") == 0 || strcmp(SERVER(servers), "new") == 0)
			cr_expect(told_cancelled(&m) == 1, "%s", SERVER(servers));
		/* Ids are not used again in a session; here the doubled note might be for it. */
		talk_call(&h, &m, "\"s 3\"", "slow", SLOW(10));
		talk_last(&h, "result.content[0].text", "slow");
		mcp_fini(&m);
		mcp_fini(&other);
	}
	for (size_t i = 0; i < 2; i++)
		talk_wait_heard(webs_of_old[i], "notifications/cancelled", NULL, 1);
	talk_wait_heard(NEW_WEB, "\"closed\":\"slow\"", NULL, 1);
	for (size_t i = 0; i < 2; i++)
		cr_expect(talk_heard(webs_of_old[i], "notifications/cancelled", NULL) == 1);
	expect_recorded("slow", "cancelled", COUNT(servers));
	expect_recorded("slow", "ok", COUNT(servers));
	talk_end();
}

Test(talk_cancel, by_its_own_session_ends_a_call_without_a_response, .timeout = 60)
{
	NEEDS_JAILS();
	cancel_while_it_works(1);
}

Test(talk_cancel, reaches_the_worker_that_has_the_call, .timeout = 60)
{
	NEEDS_JAILS();
	cancel_while_it_works(4);
}

Test(talk_cancel, of_a_question_takes_it_back, .timeout = 60)
{
	struct hearing	 h;
	struct mcp	 m;
	json_object	*q, *o;

	NEEDS_JAILS();
	talk_begin(1, NULL);
	for EACH(olds) {
		talk_client(&m, SERVER(olds), 0, LEGACY_VERSION, CAN_ALL);
		talk_call(&h, &m, "1", "ask_twice", "");
		q = talk_next(&h, "method", "elicitation/create");
		cancel(&m, "1");
		o = talk_next(&h, "method", "notifications/cancelled");
		cr_expect(strcmp(json_text_at(o, "params.requestId"), json_text_at(q, "id")) == 0, "%s",
		    json_object_to_json_string(o));
		json_object_put(o);
		expect_nothing(&h);
		talk_answer(&m, q, "result", "{\"is\":\"late\"}");
		json_object_put(q);
		if (strcmp(SERVER(olds), "old") == 0)
			cr_expect(told_cancelled(&m) == 1);
		mcp_fini(&m);
	}
	for (size_t i = 0; i < 2; i++)
		talk_wait_heard(webs_of_old[i], "notifications/cancelled", NULL, 1);
	cr_expect(talk_heard(OLD_WEB, "late", NULL) == 0 && talk_heard(OLD_SSE, "late", NULL) == 0);
	expect_recorded("ask_twice", "cancelled", COUNT(olds));
	talk_end();
}

/* DELETE, which may come to any worker.  Its calls, and those that wait for a place, are cancelled; those of another
 * session of the same client are not. */
static void
end_session(unsigned workers)
{
	struct hearing	 works, asks, waits, theirs;
	struct mcp	 m, other;
	struct answer	 a;
	char		 headers[1800], longer[64];

	talk_begin(workers, "max_concurrent = 3\nmax_wait = 30s\n");
	snprintf(longer, sizeof(longer), ",\"arguments\":{\"ms\":%d}", QUIET * 12);	/* past all that happens here */
	for EACH(olds) {
		talk_client(&m, SERVER(olds), 0, LEGACY_VERSION, CAN_ALL);
		talk_client(&other, SERVER(olds), 0, LEGACY_VERSION, NULL);
		talk_call(&theirs, &other, "1", "slow", longer);
		talk_silence(&theirs);
		talk_call(&asks, &m, "1", "ask_form", "");
		talk_expect(&asks, "method", "elicitation/create");
		talk_call(&works, &m, "\"w\"", "slow", SLOW(20000));
		talk_silence(&works);
		talk_call(&waits, &m, "3", "quiet", "");
		talk_silence(&waits);
		snprintf(headers, sizeof(headers), "Authorization: Bearer %s\r\nMcp-Session-Id: %s\r\n", m.key, m.session);
		client_once(g.mcp, "DELETE", m.path, headers, NULL, &a);
		EXPECT_STATUS(a, 200, "DELETE");
		answer_fini(&a);
		talk_expect(&asks, "method", "notifications/cancelled");
		expect_nothing(&asks);
		expect_nothing(&works);
		expect_nothing(&waits);
		talk_last(&theirs, "result.content[0].text", "slow");
		/* Nothing of it holds the tool or a place. */
		talk_call(&works, &other, "2", "quiet", "");
		talk_last(&works, "result.content[0].text", "quiet");
		mcp_fini(&m);
		mcp_fini(&other);
	}
	expect_recorded("ask_form", "cancelled", COUNT(olds));
	expect_recorded("slow", "cancelled", COUNT(olds));
	expect_recorded("quiet", "cancelled", COUNT(olds));
	expect_recorded("slow", "ok", COUNT(olds));
	talk_end();
}

Test(talk_cancel, of_a_whole_session_is_its_end, .timeout = 90)
{
	NEEDS_JAILS();
	end_session(1);
}

Test(talk_cancel, of_a_whole_session_reaches_all_workers, .timeout = 90)
{
	NEEDS_JAILS();
	end_session(4);
}

/* It waits, because the tool works on a call that may ask, and is not sent any more. */
Test(talk_cancel, before_it_was_sent_executes_nothing, .timeout = 30)
{
	struct hearing	 first, second;
	struct mcp	 m;
	json_object	*o;
	char		 longer[64];

	NEEDS_JAILS();
	talk_begin(1, NULL);
	snprintf(longer, sizeof(longer), ",\"arguments\":{\"ms\":%d}", QUIET * 4);
	talk_client(&m, "old", 0, LEGACY_VERSION, CAN_ALL);
	talk_call(&first, &m, "1", "slow", longer);
	talk_silence(&first);
	talk_call(&second, &m, "2", "quiet", "");
	talk_silence(&second);
	expect_cancelled(&m, "2", &second);
	talk_last(&first, "result.content[0].text", "slow");
	talk_call(&first, &m, "3", "heard", "");
	o = talk_next(&first, "id", "3");
	cr_expect(strstr(json_object_to_json_string(o), "\"quiet\"") == NULL, "%s", json_object_to_json_string(o));
	json_object_put(o);
	hearing_fini(&first);
	expect_recorded("quiet", "cancelled", 1);
	mcp_fini(&m);
	talk_end();
}

/* It waits for the one place of its principal, behind one of another session with the same id, and one of its own with
 * another. */
static void
cancel_while_it_waits_for_a_place(unsigned workers)
{
	struct hearing	first, theirs, before, second;
	struct mcp	m, other;
	char		longer[64];

	talk_begin(workers, "max_concurrent = 1\nmax_wait = 30s\n");
	snprintf(longer, sizeof(longer), ",\"arguments\":{\"ms\":%d}", QUIET * 16);
	talk_client(&m, "oldweb", 0, LEGACY_VERSION, NULL);
	talk_client(&other, "oldweb", 0, LEGACY_VERSION, NULL);
	talk_call(&first, &m, "1", "slow", longer);
	talk_wait_heard(OLD_WEB, "\"name\":\"slow\"", NULL, 1);
	talk_call(&theirs, &other, "2", "quiet", "");
	talk_silence(&theirs);
	talk_call(&before, &m, "5", "quiet", "");
	talk_silence(&before);
	talk_call(&second, &m, "2", "quiet", "");
	talk_silence(&second);
	cancel(&m, "3");
	talk_silence(&second);
	cancel(&m, "2");
	expect_nothing(&second);
	talk_silence(&theirs);
	talk_silence(&before);
	cr_expect(talk_calls(OLD_WEB, "quiet") == 0, "there was no place, and it was sent");
	talk_last(&first, "result.content[0].text", "slow");
	talk_last(&theirs, "result.content[0].text", "quiet");
	talk_last(&before, "result.content[0].text", "quiet");
	cr_expect(talk_calls(OLD_WEB, "quiet") == 2, "what was cancelled was sent");
	expect_recorded("quiet", "ok", 2);
	expect_recorded("quiet", "cancelled", 1);
	/* Its place in the queue is nobody's any more. */
	talk_call(&first, &m, "4", "quiet", "");
	talk_last(&first, "result.content[0].text", "quiet");
	mcp_fini(&m);
	mcp_fini(&other);
	talk_end();
}

Test(talk_cancel, of_what_waits_for_a_place_sends_nothing, .timeout = 60)
{
	NEEDS_JAILS();
	cancel_while_it_waits_for_a_place(1);
}

Test(talk_cancel, of_what_waits_for_a_place_reaches_its_worker, .timeout = 60)
{
	NEEDS_JAILS();
	cancel_while_it_waits_for_a_place(4);
}

Test(talk_cancel, by_another_principal_or_in_the_wrong_era_is_none, .timeout = 30)
{
	struct hearing	h;
	struct mcp	m, thief, modern;
	struct answer	a;

	talk_begin(1, NULL);
	talk_client(&m, "oldweb", 0, LEGACY_VERSION, NULL);
	talk_client(&thief, "oldweb", 1, LEGACY_VERSION, NULL);
	talk_client(&modern, "oldweb", 0, NULL, NULL);
	talk_call(&h, &m, "5", "slow", SLOW(1000));
	talk_silence(&h);
	cancel(&thief, "5");
	snprintf(thief.session, sizeof(thief.session), "%s", m.session);
	mcp_post(&thief, "", "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":5}}", &a);
	EXPECT_STATUS(a, 404, "a stolen session");
	answer_fini(&a);
	mcp_post(&modern, "MCP-Protocol-Version: " MODERN_VERSION "\r\n", "{\"jsonrpc\":\"2.0\",\"method\":"
	    "\"notifications/cancelled\",\"params\":{\"requestId\":5}}", &a);
	EXPECT_STATUS(a, 202, "a hint");
	answer_fini(&a);
	talk_last(&h, "result.content[0].text", "slow");
	mcp_fini(&m);
	mcp_fini(&thief);
	mcp_fini(&modern);
	talk_end();
}

/* The closed connection of a modern client is its cancellation; that of a legacy one is none. */
Test(talk_cancel, by_leaving_is_for_modern_clients, .timeout = 60)
{
	struct hearing	h;
	struct mcp	m;
	char		longer[64];

	NEEDS_JAILS();
	talk_begin(1, NULL);
	snprintf(longer, sizeof(longer), ",\"arguments\":{\"ms\":%d}", QUIET * 4);
	for EACH(servers)
		for (int modern = 0; modern < 2; modern++) {
			talk_client(&m, SERVER(servers), 0, modern ? NULL : LEGACY_VERSION, NULL);
			talk_call(&h, &m, "1", "slow", longer);
			talk_silence(&h);
			hearing_fini(&h);
			mcp_fini(&m);
		}
	expect_recorded("slow", "cancelled", COUNT(servers));
	expect_recorded("slow", "ok", COUNT(servers));
	for (size_t i = 0; i < 2; i++)
		talk_wait_heard(webs_of_old[i], "notifications/cancelled", NULL, 1);
	talk_wait_heard(NEW_WEB, "\"closed\":\"slow\"", NULL, 1);
	cr_expect(talk_heard(NEW_WEB, "\"closed\":\"slow\"", NULL) == 1);
	for (size_t i = 0; i < 2; i++)
		cr_expect(talk_heard(webs_of_old[i], "notifications/cancelled", NULL) == 1);
	talk_end();
}

/* ---- before the server's list is there --------------------------------------------------------------- */

/* A server whose lists are waited for until list_timeout. */
static void
listless_begin(unsigned workers, const char *conf)
{
	char	*listless;

	start_web_that(OTHER_WEB, "modern", "listless");
	cr_assert(asprintf(&listless, "{\"mcpServers\":{\"listless\":{\"type\":\"http\",\"url\":\"http://127.0.0.1:%u/mcp\"}}}",
	    ports[OTHER_WEB]) > 0);
	gateway_start(&g, &(struct gateway_setup){ .workers = workers, .servers = listless, .rules = ASKING_RULES(""),
	    .conf = conf });
	free(listless);
	snprintf(keys[0], sizeof(keys[0]), "%s", gateway_key(&g, "one"));
}

static void
listless_end(void)
{
	gateway_stop(&g);
	kill(webs[OTHER_WEB], SIGKILL);
	waitpid(webs[OTHER_WEB], NULL, 0);
}

static const struct waiting {
	const char	*path, *method, *params, *object;
} waitings[] = {
	{ "/servers/listless/mcp", "tools/call", "{\"name\":\"own\"}", "own" },
	{ "/servers/listless/mcp", "prompts/get", "{\"name\":\"greet\"}", "greet" },
	{ "/mcp/catalog", "tools/call", "{\"name\":\"listless__merged\"}", "merged" },
	{ "/mcp/catalog", "resources/read", "{\"uri\":\"x://y\"}", "x://y" },
	{ "/mcp/discovery", "tools/call", "{\"name\":\"execute_tool\",\"arguments\":{\"server\":\"listless\",\"tool\":"
	    "\"executed\",\"arguments\":{}}}", "executed" },
	{ "/mcp/discovery", "tools/call", "{\"name\":\"get_server_tools\",\"arguments\":{\"server\":\"listless\"}}",
	    "get_server_tools" },
	{ "/mcp/discovery", "tools/call", "{\"name\":\"search_tools\",\"arguments\":{\"server\":\"listless\",\"query\":\"q\"}}",
	    "search_tools" },
};

static void
cancel_while_it_waits(unsigned workers)
{
	struct mcp	m, other;
	struct hearing	h, kept;

	listless_begin(workers, "list_timeout = 1min\n");
	for (size_t i = 0; i < sizeof(waitings) / sizeof(waitings[0]); i++) {
		const struct waiting	*w = &waitings[i];

		talk_client(&m, "listless", 0, NULL, NULL);
		talk_client(&other, "listless", 0, NULL, NULL);
		snprintf(m.path, sizeof(m.path), "%s", w->path);
		snprintf(other.path, sizeof(other.path), "%s", w->path);
		m.version = other.version = LEGACY_VERSION;
		cr_assert(mcp_initialize(&m) == 200 && mcp_initialize(&other) == 200);
		hearing_begin(&kept, &other, "7", w->method, w->params);
		hearing_begin(&h, &m, "7", w->method, w->params);
		talk_silence(&h);
		cancel(&m, "8");
		talk_silence(&h);
		expect_cancelled(&m, "7", &h);
		expect_recorded(w->object, "cancelled", 1);
		cancel(&m, "7");
		talk_silence(&kept);
		expect_cancelled(&other, "7", &kept);
		expect_recorded(w->object, "cancelled", 2);
		mcp_fini(&m);
		mcp_fini(&other);
	}
	listless_end();
}

Test(talk_cancel, ends_what_waits_for_a_list, .timeout = 120)
{
	cancel_while_it_waits(1);
}

Test(talk_cancel, ends_what_waits_in_another_worker, .timeout = 120)
{
	cancel_while_it_waits(4);
}

Test(talk_cancel, by_leaving_ends_what_waits_for_a_list, .timeout = 60)
{
	struct mcp	m;
	struct hearing	h;
	const struct waiting *w;

	listless_begin(1, "list_timeout = 1min\n");
	for (int modern = 1; modern >= 0; modern--)
		for (size_t i = 0; i < sizeof(waitings) / sizeof(waitings[0]); i++) {
			w = &waitings[i];
			talk_client(&m, "listless", 0, NULL, NULL);
			snprintf(m.path, sizeof(m.path), "%s", w->path);
			if (!modern) {
				m.version = LEGACY_VERSION;
				cr_assert(mcp_initialize(&m) == 200);
			}
			hearing_begin(&h, &m, "1", w->method, w->params);
			talk_silence(&h);
			hearing_fini(&h);
			/* The list does not come for seconds. */
			expect_recorded(w->object, "cancelled", 1);
			mcp_fini(&m);
		}
	listless_end();
}

Test(talk_cancel, of_one_that_waits_leaves_the_others_waiting, .timeout = 30)
{
	struct mcp	m;
	struct hearing	h[3];
	char		id[2];

	listless_begin(1, "list_timeout = 2s\n");
	talk_client(&m, "listless", 0, LEGACY_VERSION, NULL);
	for (int i = 0; i < 3; i++) {
		snprintf(id, sizeof(id), "%d", i);
		talk_call(&h[i], &m, id, "own", "");
	}
	talk_silence(&h[2]);
	expect_cancelled(&m, "1", &h[1]);
	talk_last(&h[0], "error.code", "503");
	talk_last(&h[2], "error.code", "503");
	expect_recorded("own", "cancelled", 1);
	expect_recorded("own", "unavailable", 2);
	mcp_fini(&m);
	listless_end();
}

/* A modern request is of no session, whatever its header says (mcp-wire 3.4). */
Test(talk_cancel, in_a_session_reaches_no_modern_request, .timeout = 30)
{
	struct mcp	old, modern;
	struct hearing	h;
	struct answer	a;
	char		header[600];

	talk_begin(1, NULL);
	talk_client(&old, "oldweb", 0, LEGACY_VERSION, CAN_ALL);
	talk_client(&modern, "oldweb", 0, NULL, CAN_ALL);
	snprintf(header, sizeof(header), "Mcp-Session-Id: %s\r\n", old.session);
	modern.more = header;
	talk_call(&h, &modern, "\"x\"", "slow", ",\"arguments\":{\"ms\":800}");
	sleep_ms(200);
	mcp_post(&old, "", "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":\"x\"}}", &a);
	EXPECT_STATUS(a, 202, "cancelled");
	answer_fini(&a);
	talk_last(&h, "result.content[0].text", "slow");
	mcp_fini(&modern);
	mcp_fini(&old);
	talk_end();
}
