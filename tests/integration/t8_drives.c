/* SPDX-License-Identifier: Apache-2.0
 *
 * t8_drives.c - tasks of a server whose client knows nothing of them: the gateway waits for them
 */
#define TALK_SERVER	"tasking-server"
#include "tests/integration/talk.h"

#define CAN_TASKS	"{\"extensions\":{\"io.modelcontextprotocol/tasks\":{}}}"

/* A server and a client that cannot have its tasks. */
static const struct pair {
	const char	*server, *version, *capabilities;
	int		 web;			/* whose log tells what was sent, or -1 */
} pairs[] = {
	{ "new", LEGACY_VERSION, CAN_FORM, -1 }, { "newweb", LEGACY_VERSION, CAN_FORM, NEW_WEB },
	{ "newweb", "2025-06-18", CAN_FORM, NEW_WEB },
	{ "old", NULL, CAN_FORM, -1 }, { "oldweb", NULL, CAN_FORM, OLD_WEB },
	{ "old", NULL, CAN_TASKS, -1 }, { "old", "2025-06-18", CAN_FORM, -1 }, { "oldweb", "2025-03-26", NULL, OLD_WEB },
};

#define EACH_PAIR	(const struct pair *p = pairs; p < pairs + sizeof(pairs) / sizeof(pairs[0]); p++)

static bool
is_modern(const struct pair *p)
{
	return strncmp(p->server, "new", 3) == 0;
}

static void
expect(const struct pair *p, struct answer *a, const char *at, const char *want)
{
	cr_expect(strcmp(json_text_at(a->json, at), want) == 0, "%s for %s: %s is not %s: %d %s", p->server,
	    p->version == NULL ? "modern" : p->version, at, want, a->status, a->body == NULL ? "(nothing)" : a->body);
}

static void
call(const struct pair *p, struct mcp *m, const char *tool, const char *arguments, struct answer *a)
{
	mcp_call(m, tool, arguments, a);
	cr_expect(a->body == NULL || strstr(a->body, "theirs-") == NULL, "%s: %s", p->server, a->body);
	cr_expect(json_at(a->json, "result.task") == NULL && json_at(a->json, "result.taskId") == NULL, "%s", a->body);
}

Test(drives, end_in_the_result_of_the_call, .timeout = 90)
{
	struct mcp	m;
	struct answer	a;

	NEEDS_JAILS();
	for (unsigned workers = 1; workers <= 4; workers += 3) {
		talk_begin(workers, NULL);
		for EACH_PAIR {
			talk_client(&m, p->server, 0, p->version, p->capabilities);
			call(p, &m, "must", "{\"tag\":\"T\",\"ms\":250}", &a);
			expect(p, &a, "result.content[0].text", "T");
			cr_expect(strcmp(json_text_at(a.json, "result.resultType"), p->version == NULL ? "complete" : "") == 0);
			answer_fini(&a);
			call(p, &m, "wrong", "{\"tag\":\"W\"}", &a);
			expect(p, &a, "result.content[0].text", "W");
			expect(p, &a, "result.isError", "true");
			answer_fini(&a);
			call(p, &m, "fail", "{}", &a);
			expect(p, &a, "error.message", "it failed");
			answer_fini(&a);
			/* Who can do without a task is not made to. */
			call(p, &m, "may", "{\"tag\":\"M\"}", &a);
			expect(p, &a, "result.content[0].text", "M");
			answer_fini(&a);
			/* What is no task, or none any more. */
			call(p, &m, "gone", "{}", &a);
			cr_expect(json_int_at(a.json, "error.code") == 502, "%s: %s", p->server, a.body);
			answer_fini(&a);
			mcp_fini(&m);
		}
		cr_expect(talk_heard(NEW_WEB, "\"name\":\"may\"", "extensions") == 0);
		cr_expect(talk_heard(OLD_WEB, "\"name\":\"may\"", "\"task\":") == 0);
		cr_expect(talk_heard(OLD_WEB, "\"name\":\"must\"", "\"task\":") > 0);
		/* What ended is not cancelled. */
		cr_expect(talk_heard(NEW_WEB, "tasks/cancel", NULL) == 0 && talk_heard(OLD_WEB, "tasks/cancel", NULL) == 0);
		talk_end();
	}
}

Test(drives, of_tools_called_by_execute_tool_end_too, .timeout = 60)
{
	static const char *const servers[] = { "old", "newweb" };
	struct mcp	m;
	struct answer	a;
	char		arguments[256];

	NEEDS_JAILS();
	talk_begin(1, NULL);
	for (size_t i = 0; i < 2; i++) {
		mcp_init(&m, g.mcp, "/mcp/discovery", keys[0]);
		cr_assert(mcp_initialize(&m) == 200);
		snprintf(arguments, sizeof(arguments), "{\"agent_id\":\"one\",\"server\":\"%s\",\"tool\":\"must\",\"args\":"
		    "{\"tag\":\"T\"}}", servers[i]);
		mcp_call(&m, "execute_tool", arguments, &a);
		cr_expect(strcmp(json_text_at(a.json, "result.content[0].text"), "T") == 0, "%s: %s", servers[i], a.body);
		answer_fini(&a);
		mcp_fini(&m);
	}
	talk_end();
}

Test(drives, ask_a_legacy_client_what_the_task_asks, .timeout = 60)
{
	struct hearing	h;
	struct mcp	m;
	json_object	*q, *o;
	char		want[64];

	NEEDS_JAILS();
	talk_begin(1, NULL);
	for EACH_PAIR {
		if (p->version == NULL || p->capabilities == NULL)
			continue;
		talk_client(&m, p->server, 0, p->version, p->capabilities);
		talk_call(&h, &m, "7", "ask", ",\"arguments\":{\"tag\":\"Q\"}");
		q = talk_next(&h, "method", "elicitation/create");
		snprintf(want, sizeof(want), "%s: for Q", p->server);
		cr_expect(strcmp(json_text_at(q, "params.message"), want) == 0, "%s", json_object_to_json_string(q));
		talk_answer(&m, q, "result", "{\"action\":\"accept\",\"content\":{\"is\":\"mine\"}}");
		o = talk_next(&h, "result.structuredContent.got.content.is", "mine");
		cr_expect(strcmp(json_text_at(o, "id"), "7") == 0);
		json_object_put(o);
		json_object_put(q);
		hearing_fini(&h);
		mcp_fini(&m);
	}
	talk_end();
}

Test(drives, ask_a_modern_client_what_the_task_asks, .timeout = 60)
{
	struct mcp	m;
	struct answer	a;
	char		*params, want[64];

	NEEDS_JAILS();
	talk_begin(2, NULL);
	for EACH_PAIR {
		if (p->version != NULL || strcmp(p->capabilities, CAN_TASKS) == 0)
			continue;
		talk_client(&m, p->server, 0, NULL, p->capabilities);
		call(p, &m, "ask", "{\"tag\":\"Q\"}", &a);
		expect(p, &a, "result.resultType", "input_required");
		snprintf(want, sizeof(want), "%s: for Q", p->server);
		expect(p, &a, "result.inputRequests.k1.params.message", want);
		cr_assert(asprintf(&params, "{\"name\":\"ask\",\"arguments\":{\"tag\":\"Q\"},\"requestState\":\"%s\","
		    "\"inputResponses\":{\"k1\":{\"action\":\"decline\"}}}", json_text_at(a.json, "result.requestState")) > 0);
		answer_fini(&a);
		mcp_ask_modern(&m, "tools/call", params, &a);
		expect(p, &a, "result.structuredContent.got.action", "decline");
		answer_fini(&a);
		free(params);
		mcp_fini(&m);
	}
	talk_end();
}

Test(drives, are_cancelled_with_their_call, .timeout = 60)
{
	struct hearing	h;
	struct mcp	m;
	struct answer	a;

	NEEDS_JAILS();
	talk_begin(1, NULL);
	for EACH_PAIR {
		size_t	before = p->web < 0 ? 0 : talk_heard(p->web, "tasks/cancel", "theirs-");

		talk_client(&m, p->server, 0, p->version, p->capabilities);
		talk_call(&h, &m, "1", "forever", ",\"arguments\":{\"poll\":2000}");
		if (p->web >= 0)
			talk_wait_heard(p->web, "\"tools/call\"", "forever", 1);
		talk_silence(&h);
		if (p->version != NULL) {
			talk_note(&m, "notifications/cancelled", "{\"requestId\":1}");
			cr_expect(hearing_ends(&h, SOON));
		}
		hearing_fini(&h);
		if (p->web >= 0)
			talk_wait_heard(p->web, "tasks/cancel", "theirs-", before + 1);
		/* And the server is free for others. */
		call(p, &m, "plain", "{}", &a);
		expect(p, &a, "result.content[0].text", "plain");
		answer_fini(&a);
		mcp_fini(&m);
	}
	talk_end();
}

Test(drives, of_one_principal_are_not_too_many, .timeout = 60)
{
	static struct hearing	h[64];
	struct mcp		m, other;
	struct answer		a;

	NEEDS_JAILS();
	talk_begin(1, NULL);
	talk_client(&m, "oldweb", 0, NULL, NULL);
	for (size_t i = 0; i < 64; i++)
		talk_call(&h[i], &m, "1", "forever", ",\"arguments\":{\"poll\":1000}");
	talk_wait_heard(OLD_WEB, "\"tasks/get\"", "theirs-63", 1);
	mcp_call(&m, "must", "{}", &a);
	cr_expect(json_int_at(a.json, "error.code") == 429, "%s", a.body);
	answer_fini(&a);
	talk_client(&other, "oldweb", 1, NULL, NULL);
	mcp_call(&other, "must", "{\"tag\":\"T\"}", &a);
	cr_expect(strcmp(json_text_at(a.json, "result.content[0].text"), "T") == 0, "%s", a.body);
	answer_fini(&a);
	for (size_t i = 0; i < 64; i++)
		hearing_fini(&h[i]);
	/* All of them are cancelled, and the one that was too much. */
	talk_wait_heard(OLD_WEB, "tasks/cancel", "theirs-", 65);
	mcp_call(&m, "must", "{\"tag\":\"T\"}", &a);
	cr_expect(strcmp(json_text_at(a.json, "result.content[0].text"), "T") == 0, "%s", a.body);
	answer_fini(&a);
	mcp_fini(&m);
	mcp_fini(&other);
	talk_end();
}

Test(drives, tell_what_the_server_says_as_progress, .timeout = 60)
{
	struct hearing	h;
	struct mcp	m;
	json_object	*o;
	double		last = 0, now;
	size_t		n;

	NEEDS_JAILS();
	talk_begin(1, NULL);
	for EACH_PAIR {
		talk_client(&m, p->server, 0, p->version, p->capabilities);
		m.meta = ",\"progressToken\":\"tok\"";
		talk_call(&h, &m, "1", "must", p->version == NULL ? ",\"arguments\":{\"ms\":400}" :
		    ",\"arguments\":{\"ms\":400},\"_meta\":{\"progressToken\":\"tok\"}");
		for (n = 0, last = 0; (o = hearing_next(&h, SOON)) != NULL && json_at(o, "method") != NULL; n++) {
			now = json_object_get_double(json_at(o, "params.progress"));
			cr_expect(now > last && strcmp(json_text_at(o, "params.progressToken"), "tok") == 0, "%s",
			    json_object_to_json_string(o));
			cr_expect(strncmp(json_text_at(o, "params.message"), "must ", 5) == 0, "%s",
			    json_object_to_json_string(o));
			last = now;
			json_object_put(o);
		}
		cr_expect(n > 1 && json_at(o, "result.content") != NULL, "%s: %zu, %s", p->server, n,
		    json_object_to_json_string(o));
		json_object_put(o);
		hearing_fini(&h);
		mcp_fini(&m);
	}
	talk_end();
}

Test(drives, are_not_offered_to_the_other_era, .timeout = 60)
{
	struct mcp	m;
	struct answer	a;

	NEEDS_JAILS();
	talk_begin(1, NULL);
	for EACH_PAIR {
		talk_client(&m, p->server, 0, p->version, p->capabilities);
		mcp_ask_either(&m, "tools/list", NULL, &a);
		if (p->version == NULL || is_modern(p))
			cr_expect(strstr(a.body, "execution") == NULL, "%s", a.body);
		answer_fini(&a);
		mcp_ask_either(&m, p->version == NULL ? "server/discover" : "tasks/get", "{}", &a);
		cr_expect(strstr(a.body, "extensions") == NULL && strstr(a.body, "\"tasks\"") == NULL, "%s", a.body);
		answer_fini(&a);
		mcp_fini(&m);
	}
	talk_end();
}
