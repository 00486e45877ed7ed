/* SPDX-License-Identifier: Apache-2.0
 *
 * t9_core_tasks.c - tasks of 2025-11-25 between a client and a server that both know them
 */
#define TALK_SERVER	"tasking-server"
#include "tests/integration/talk.h"

static const char *const olds[] = { "old", "oldweb" };

#define EACH(names)	(size_t i_ = 0; i_ < sizeof(names) / sizeof(names[0]); i_++)
#define SERVER(names)	names[i_]

static void
expect(struct answer *a, const char *at, const char *want)
{
	cr_expect(strcmp(json_text_at(a->json, at), want) == 0, "%s is not %s: %d %s", at, want, a->status,
	    a->body == NULL ? "(nothing)" : a->body);
}

static void
call(struct mcp *m, const char *tool, const char *more, struct answer *a)
{
	char	*params;

	cr_assert(asprintf(&params, "{\"name\":\"%s\"%s}", tool, more) > 0);
	mcp_ask(m, "tools/call", params, a);
	free(params);
	cr_expect(a->body == NULL || strstr(a->body, "theirs-") == NULL, "%s", a->body);
}

/* A task that was made; its id is the caller's to free. */
static char *
make(struct mcp *m, const char *tool, const char *arguments)
{
	struct answer	 a;
	char		*id, more[256];

	snprintf(more, sizeof(more), ",\"arguments\":%s,\"task\":{\"ttl\":60000}", arguments);
	call(m, tool, more, &a);
	EXPECT_STATUS(a, 200, "%s", tool);
	id = strdup(json_text_at(a.json, "result.task.taskId"));
	cr_assert(strlen(id) > 20, "%s", a.body);
	answer_fini(&a);
	return id;
}

static void
ask(struct mcp *m, const char *method, const char *id, struct answer *a)
{
	char	*params;

	cr_assert(asprintf(&params, "{\"taskId\":\"%s\"}", id) > 0);
	mcp_ask(m, method, params, a);
	free(params);
	cr_expect(a->body == NULL || strstr(a->body, "theirs-") == NULL, "%s: %s", method, a->body);
}

/* The text of a result, and that it says which task it is of. */
static void
expect_result(struct mcp *m, const char *id, const char *text)
{
	struct answer	 a;
	char		*related;

	ask(m, "tasks/result", id, &a);
	expect(&a, "result.content[0].text", text);
	cr_assert(asprintf(&related, "related-task\":{\"taskId\":\"%s\"}", id) > 0);
	cr_expect(a.body != NULL && strstr(a.body, related) != NULL, "%s", a.body);
	free(related);
	answer_fini(&a);
}

Test(core_tasks, go_from_a_legacy_server_to_a_legacy_client, .timeout = 60)
{
	struct mcp	m;
	struct answer	a;
	char		*id;

	NEEDS_JAILS();
	for (unsigned workers = 1; workers <= 4; workers += 3) {
		talk_begin(workers, NULL);
		for EACH(olds) {
			talk_client(&m, SERVER(olds), 0, LEGACY_VERSION, NULL);
			mcp_ask(&m, "tools/list", NULL, &a);
			cr_expect(strstr(a.body, "\"taskSupport\":\"required\"") != NULL, "%s", a.body);
			answer_fini(&a);
			id = make(&m, "must", "{\"tag\":\"T\",\"ms\":200}");
			for (int i = 0; i < 6; i++) {
				client_close(&m.conn);
				ask(&m, "tasks/get", id, &a);
				expect(&a, "result.taskId", id);
				answer_fini(&a);
			}
			/* It blocks to the end. */
			expect_result(&m, id, "T");
			ask(&m, "tasks/get", id, &a);
			expect(&a, "result.status", "completed");
			answer_fini(&a);
			/* What has ended is not cancelled any more. */
			ask(&m, "tasks/cancel", id, &a);
			cr_expect(json_int_at(a.json, "error.code") == -32602, "%s", a.body);
			answer_fini(&a);
			free(id);
			id = make(&m, "fail", "{}");
			ask(&m, "tasks/result", id, &a);
			expect(&a, "error.message", "it failed");
			answer_fini(&a);
			free(id);
			id = make(&m, "forever", "{}");
			ask(&m, "tasks/cancel", id, &a);
			expect(&a, "result.taskId", id);
			expect(&a, "result.status", "cancelled");
			answer_fini(&a);
			free(id);
			id = make(&m, "may", "{\"tag\":\"M\"}");
			expect_result(&m, id, "M");
			free(id);
			call(&m, "may", ",\"arguments\":{\"tag\":\"M\"}", &a);
			expect(&a, "result.content[0].text", "M");
			answer_fini(&a);
			mcp_fini(&m);
		}
		talk_end();
	}
}

Test(core_tasks, are_offered_and_wanted_as_their_tools_say, .timeout = 60)
{
	static const struct { const char *tool, *more; int code; } rows[] = {
		{ "must", "", -32601 }, { "plain", ",\"task\":{}", -32601 }, { "must", ",\"task\":7", -32602 },
	};
	struct mcp	m;
	struct answer	a;

	NEEDS_JAILS();
	talk_begin(1, NULL);
	for EACH(olds) {
		talk_client(&m, SERVER(olds), 0, LEGACY_VERSION, NULL);
		mcp_ask(&m, "tools/list", NULL, &a);
		answer_fini(&a);
		mcp_post(&m, "", "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{\"protocolVersion\":\""
		    LEGACY_VERSION "\",\"capabilities\":{},\"clientInfo\":{\"name\":\"t\",\"version\":\"1\"}}}", &a);
		answer_fini(&a);
		m.session[0] = '\0';
		mcp_post(&m, "", "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{\"protocolVersion\":\""
		    LEGACY_VERSION "\",\"capabilities\":{},\"clientInfo\":{\"name\":\"t\",\"version\":\"1\"}}}", &a);
		cr_expect(json_at(a.json, "result.capabilities.tasks.requests.tools.call") != NULL &&
		    json_at(a.json, "result.capabilities.tasks.cancel") != NULL &&
		    json_at(a.json, "result.capabilities.tasks.list") == NULL, "%s", a.body);
		answer_fini(&a);
		cr_assert(mcp_initialize(&m) == 200);
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
			call(&m, rows[i].tool, rows[i].more, &a);
			cr_expect(json_int_at(a.json, "error.code") == rows[i].code, "%zu: %s", i, a.body);
			answer_fini(&a);
		}
		mcp_ask(&m, "tasks/list", NULL, &a);
		cr_expect(json_int_at(a.json, "error.code") == -32601, "%s", a.body);
		answer_fini(&a);
		mcp_fini(&m);
	}
	/* A revision that has no tasks is told of none, nor is a server that has none asked for one. */
	talk_client(&m, "oldweb", 0, "2025-06-18", NULL);
	mcp_ask(&m, "tasks/get", "{\"taskId\":\"x\"}", &a);
	cr_expect(json_int_at(a.json, "error.code") == -32601, "%s", a.body);
	answer_fini(&a);
	mcp_fini(&m);
	talk_client(&m, "newweb", 0, LEGACY_VERSION, NULL);
	call(&m, "plain", ",\"task\":{}", &a);
	expect(&a, "result.content[0].text", "plain");
	answer_fini(&a);
	mcp_fini(&m);
	cr_expect(talk_heard(OLD_WEB, "\"name\":\"plain\"", NULL) == 0);
	cr_expect(talk_heard(NEW_WEB, "\"task\":", NULL) == 0);
	talk_end();
}

Test(core_tasks, ask_their_client_under_the_id_it_knows, .timeout = 60)
{
	struct hearing	 h;
	struct mcp	 m;
	struct answer	 a;
	json_object	*q;
	char		*id, *params;

	NEEDS_JAILS();
	talk_begin(1, NULL);
	for EACH(olds) {
		talk_client(&m, SERVER(olds), 0, LEGACY_VERSION, CAN_FORM);
		id = make(&m, "ask", "{\"tag\":\"Q\"}");
		ask(&m, "tasks/get", id, &a);
		expect(&a, "result.status", "input_required");
		answer_fini(&a);
		cr_assert(asprintf(&params, "{\"taskId\":\"%s\"}", id) > 0);
		hearing_begin(&h, &m, "5", "tasks/result", params);
		free(params);
		q = talk_next(&h, "method", "elicitation/create");
		cr_expect(strstr(json_object_to_json_string(q), "theirs-") == NULL &&
		    strstr(json_object_to_json_string(q), id) != NULL, "%s", json_object_to_json_string(q));
		talk_answer(&m, q, "result", "{\"action\":\"accept\",\"content\":{\"is\":\"mine\"}}");
		json_object_put(q);
		talk_last(&h, "result.structuredContent.got.content.is", "mine");
		free(id);
		mcp_fini(&m);
	}
	talk_end();
}

Test(core_tasks, are_found_from_another_session_of_their_owner, .timeout = 60)
{
	struct mcp	m, later;
	struct answer	a;
	char		*id;

	NEEDS_JAILS();
	talk_begin(2, NULL);
	for EACH(olds) {
		talk_client(&m, SERVER(olds), 0, LEGACY_VERSION, CAN_FORM);
		id = make(&m, "must", "{\"tag\":\"T\"}");
		/* What this one can be asked makes it another client to the server; the task is where it is. */
		talk_client(&later, SERVER(olds), 0, LEGACY_VERSION, NULL);
		ask(&later, "tasks/get", id, &a);
		expect(&a, "result.taskId", id);
		answer_fini(&a);
		expect_result(&later, id, "T");
		free(id);
		mcp_fini(&m);
		mcp_fini(&later);
	}
	talk_end();
}

Test(core_tasks, are_their_owners_alone, .timeout = 60)
{
	static const char *const methods[] = { "tasks/get", "tasks/result", "tasks/cancel" };
	struct mcp	m, other, modern;
	struct answer	a;
	char		*id, *gone;

	NEEDS_JAILS();
	talk_begin(2, NULL);
	for EACH(olds) {
		talk_client(&m, SERVER(olds), 0, LEGACY_VERSION, NULL);
		talk_client(&other, SERVER(olds), 1, LEGACY_VERSION, NULL);
		talk_client(&modern, SERVER(olds), 0, NULL, "{\"extensions\":{\"io.modelcontextprotocol/tasks\":{}}}");
		id = make(&m, "must", "{}");
		gone = make(&m, "gone", "{}");
		for (size_t i = 0; i < 3; i++) {
			for (int k = 0; k < 3; k++) {
				ask(k == 0 ? &other : &m, methods[i], k == 0 ? id : k == 1 ? gone : "theirs-0", &a);
				cr_expect(json_int_at(a.json, "error.code") == -32602, "%s", a.body);
				cr_expect(strncmp(json_text_at(a.json, "error.message"), "Unknown or expired task", 23) == 0,
				    "%s", a.body);
				answer_fini(&a);
			}
		}
		/* An owner of the other era is another one. */
		mcp_ask_modern(&modern, "tasks/get", "{\"taskId\":\"x\"}", &a);
		cr_expect(json_int_at(a.json, "error.code") != 0, "%s", a.body);
		answer_fini(&a);
		free(id);
		free(gone);
		mcp_fini(&m);
		mcp_fini(&other);
		mcp_fini(&modern);
	}
	talk_end();
}
