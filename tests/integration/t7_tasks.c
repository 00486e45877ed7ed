/* SPDX-License-Identifier: Apache-2.0
 *
 * t7_tasks.c - tasks of 2026-07-28 between a client and a server that both know them
 */
#define TALK_SERVER	"tasking-server"
#include "tests/integration/talk.h"

static const char *const news[] = { "new", "newweb" };

#define EACH(names)	(size_t i_ = 0; i_ < sizeof(names) / sizeof(names[0]); i_++)
#define SERVER(names)	names[i_]

#define CAN_TASKS	"{\"extensions\":{\"io.modelcontextprotocol/tasks\":{}}}"
#define FOREIGN		"Unknown or expired task"

static void
call(struct mcp *m, const char *tool, const char *arguments, struct answer *a)
{
	char	*params;

	cr_assert(asprintf(&params, "{\"name\":\"%s\",\"arguments\":%s}", tool, arguments) > 0);
	mcp_ask_either(m, "tools/call", params, a);
	free(params);
}

static void
expect(struct answer *a, const char *at, const char *want)
{
	cr_expect(strcmp(json_text_at(a->json, at), want) == 0, "%s is not %s: %d %s", at, want, a->status,
	    a->body == NULL ? "(nothing)" : a->body);
}

/* A task that was made; its id is the caller's to free. */
static char *
make(struct mcp *m, const char *tool, const char *arguments)
{
	struct answer	 a;
	char		*id;

	call(m, tool, arguments, &a);
	EXPECT_STATUS(a, 200, "%s", tool);
	expect(&a, "result.resultType", "task");
	cr_expect(strstr(a.body, "serverInfo\":{\"name\":\"mcpgw\"") != NULL, "%s", a.body);
	cr_expect(strstr(a.body, "theirs-") == NULL, "%s", a.body);
	id = strdup(json_text_at(a.json, "result.taskId"));
	cr_assert(strlen(id) > 20, "%s", a.body);
	answer_fini(&a);
	return id;
}

/* What is asked about it; `more` are further members of params, each after a comma. */
static void
ask(struct mcp *m, const char *method, const char *id, const char *more, struct answer *a)
{
	char	*params;

	cr_assert(asprintf(&params, "{\"taskId\":\"%s\"%s}", id, more) > 0);
	mcp_ask_either(m, method, params, a);
	cr_expect(a->body == NULL || strstr(a->body, "theirs-") == NULL, "%s: %s", method, a->body);
	free(params);
}

struct status {
	struct mcp	*m;
	const char	*id, *want;
};

static bool
has_status(void *arg)
{
	struct status	*s = arg;
	struct answer	 a;
	bool		 has;

	ask(s->m, "tasks/get", s->id, "", &a);
	has = strcmp(json_text_at(a.json, "result.status"), s->want) == 0;
	answer_fini(&a);
	return has;
}

static void
wait_status(struct mcp *m, const char *id, const char *want)
{
	struct status	s = { m, id, want };

	cr_expect(wait_until(has_status, &s, SOON), "%s never came", want);
}

Test(tasks, go_from_a_modern_server_to_a_modern_client, .timeout = 60)
{
	struct mcp	m;
	struct answer	a;
	char		*id;

	NEEDS_JAILS();
	for (unsigned workers = 1; workers <= 4; workers += 3) {
		talk_begin(workers, NULL);
		for EACH(news) {
			talk_client(&m, SERVER(news), 0, NULL, CAN_TASKS);
			mcp_ask_modern(&m, "server/discover", NULL, &a);
			cr_expect(json_at(a.json, "result.capabilities.extensions") != NULL, "%s", a.body);
			answer_fini(&a);
			id = make(&m, "may", "{\"tag\":\"T\",\"ms\":300}");
			ask(&m, "tasks/get", id, "", &a);
			expect(&a, "result.taskId", id);
			expect(&a, "result.resultType", "complete");
			cr_expect(json_at(a.json, "result.pollIntervalMs") != NULL);
			answer_fini(&a);
			/* Whichever worker is asked. */
			for (int i = 0; i < 8; i++) {
				client_close(&m.conn);
				ask(&m, "tasks/get", id, "", &a);
				expect(&a, "result.taskId", id);
				answer_fini(&a);
			}
			wait_status(&m, id, "completed");
			ask(&m, "tasks/get", id, "", &a);
			expect(&a, "result.result.content[0].text", "T");
			expect(&a, "result.result.resultType", "complete");
			answer_fini(&a);
			free(id);

			id = make(&m, "fail", "{}");
			ask(&m, "tasks/get", id, "", &a);
			expect(&a, "result.error.message", "it failed");
			answer_fini(&a);
			free(id);

			id = make(&m, "forever", "{}");
			ask(&m, "tasks/cancel", id, "", &a);
			expect(&a, "result.resultType", "complete");
			answer_fini(&a);
			wait_status(&m, id, "cancelled");
			free(id);

			id = make(&m, "ask", "{\"tag\":\"Q\"}");
			ask(&m, "tasks/get", id, "", &a);
			expect(&a, "result.inputRequests.a.params.message",
			    talk_said(SERVER(news), "params.message", "for Q"));
			answer_fini(&a);
			ask(&m, "tasks/update", id, ",\"inputResponses\":{\"b\":{},\"a\":{\"action\":\"accept\"}}", &a);
			expect(&a, "result.resultType", "complete");
			answer_fini(&a);
			wait_status(&m, id, "completed");
			ask(&m, "tasks/get", id, "", &a);
			expect(&a, "result.result.structuredContent.got.action", "accept");
			answer_fini(&a);
			free(id);

			/* A call that needs no task gets none. */
			call(&m, "plain", "{}", &a);
			expect(&a, "result.resultType", "complete");
			answer_fini(&a);
			mcp_fini(&m);
		}
		cr_expect(talk_heard(NEW_WEB, "\"tasks/get\"", "\"taskId\":\"theirs-") > 10);
		talk_end();
	}
}

Test(tasks, are_for_clients_that_declare_them, .timeout = 60)
{
	struct mcp	m;
	struct answer	a;
	char		*id;

	NEEDS_JAILS();
	talk_begin(1, NULL);
	for EACH(news) {
		talk_client(&m, SERVER(news), 0, NULL, CAN_TASKS);
		id = make(&m, "forever", "{}");
		m.capabilities = "{}";
		for (int i = 0; i < 3; i++) {
			ask(&m, i == 0 ? "tasks/get" : i == 1 ? "tasks/update" : "tasks/cancel", id,
			    i == 1 ? ",\"inputResponses\":{}" : "", &a);
			EXPECT_STATUS(a, 400, "%d", i);
			cr_expect(json_int_at(a.json, "error.code") == -32021, "%s", a.body);
			cr_expect(json_at(a.json, "error.data.requiredCapabilities.extensions") != NULL, "%s", a.body);
			answer_fini(&a);
		}
		mcp_ask_modern(&m, "subscriptions/listen", "{\"notifications\":{\"taskIds\":[\"x\"]}}", &a);
		cr_expect(json_int_at(a.json, "error.code") == -32021, "%s", a.body);
		answer_fini(&a);
		/* Who cannot have a task gets its result; or is told what is missing; never a task. */
		call(&m, "may", "{\"tag\":\"T\"}", &a);
		expect(&a, "result.content[0].text", "T");
		answer_fini(&a);
		call(&m, "must", "{}", &a);
		EXPECT_STATUS(a, 400, "must");
		cr_expect(json_int_at(a.json, "error.code") == -32021, "%s", a.body);
		answer_fini(&a);
		call(&m, "lie", "{}", &a);
		cr_expect(json_at(a.json, "error") != NULL && strstr(a.body, "theirs") == NULL, "%s", a.body);
		answer_fini(&a);
		m.capabilities = CAN_TASKS;
		call(&m, "nameless", "{}", &a);
		cr_expect(json_int_at(a.json, "error.code") == 502, "%s", a.body);
		answer_fini(&a);
		mcp_ask_modern(&m, "tasks/list", NULL, &a);
		EXPECT_STATUS(a, 404, "tasks/list");
		answer_fini(&a);
		free(id);
		mcp_fini(&m);
		/* Nothing of them is told to clients of the other era. */
		talk_client(&m, SERVER(news), 0, LEGACY_VERSION, NULL);
		mcp_ask(&m, "tasks/get", "{\"taskId\":\"x\"}", &a);
		cr_expect(json_int_at(a.json, "error.code") == -32601, "%s", a.body);
		answer_fini(&a);
		mcp_fini(&m);
	}
	/* To the server they were not declared. */
	cr_expect(talk_heard(NEW_WEB, "\"name\":\"must\"", "extensions") == 0);
	talk_end();
}

/* The answer to what nobody may know of; all of them are alike. */
static void
expect_unknown(struct mcp *m, const char *id)
{
	struct answer	a;

	for (int i = 0; i < 3; i++) {
		ask(m, i == 0 ? "tasks/get" : i == 1 ? "tasks/update" : "tasks/cancel", id,
		    i == 1 ? ",\"inputResponses\":{}" : "", &a);
		EXPECT_STATUS(a, 200, "%d", i);
		cr_expect(json_int_at(a.json, "error.code") == -32602, "%s", a.body);
		cr_expect(strncmp(json_text_at(a.json, "error.message"), FOREIGN, strlen(FOREIGN)) == 0, "%s", a.body);
		expect(&a, "error.data.code", "TASK_NOT_FOUND");
		answer_fini(&a);
	}
}

Test(tasks, are_their_owners_alone, .timeout = 60)
{
	struct mcp	m, other;
	struct answer	a;
	json_object	*records;
	char		*id, *gone;

	NEEDS_JAILS();
	talk_begin(2, NULL);
	for EACH(news) {
		talk_client(&m, SERVER(news), 0, NULL, CAN_TASKS);
		talk_client(&other, SERVER(news), 1, NULL, CAN_TASKS);
		id = make(&m, "forever", "{}");
		gone = make(&m, "gone", "{}");
		expect_unknown(&other, id);
		expect_unknown(&m, "theirs-0");
		expect_unknown(&m, gone);
		id[strlen(id) - 1] = id[strlen(id) - 1] == 'A' ? 'B' : 'A';
		id[10] = id[10] == 'A' ? 'B' : 'A';
		expect_unknown(&m, id);
		/* On another server's URL it is none either. */
		mcp_fini(&other);
		talk_client(&other, i_ == 0 ? "newweb" : "new", 0, NULL, CAN_TASKS);
		expect_unknown(&other, gone);
		mcp_ask_modern(&m, "tasks/get", "{\"taskId\":7}", &a);
		cr_expect(json_int_at(a.json, "error.code") == -32602, "%s", a.body);
		answer_fini(&a);
		mcp_ask_modern(&m, "tasks/update", "{\"taskId\":\"x\",\"inputResponses\":[]}", &a);
		cr_expect(json_int_at(a.json, "error.code") == -32602, "%s", a.body);
		answer_fini(&a);
		free(id);
		free(gone);
		mcp_fini(&m);
		mcp_fini(&other);
	}
	records = gateway_audit(&g);
	cr_expect(audit_count(records, "kind", "task") > 10);
	json_object_put(records);
	talk_end();
}

Test(tasks, are_under_the_rules_of_the_tool_that_made_them, .timeout = 60)
{
	struct mcp	m;
	struct answer	a;
	char		*id;

	NEEDS_JAILS();
	talk_begin(1, NULL);
	/* One that was made by execute_tool is asked about where that is. */
	mcp_init(&m, g.mcp, "/mcp/discovery", keys[0]);
	m.capabilities = CAN_TASKS;
	id = make(&m, "execute_tool", "{\"agent_id\":\"one\",\"server\":\"new\",\"tool\":\"may\",\"args\":{}}");
	wait_status(&m, id, "completed");
	free(id);
	mcp_fini(&m);
	/* In a merged view the name is a composed one, the task the same. */
	mcp_init(&m, g.mcp, "/mcp/catalog", keys[0]);
	m.capabilities = CAN_TASKS;
	id = make(&m, "newweb__forever", "{}");
	wait_status(&m, id, "working");
	gateway_write(&g, "rules.json", ASKING_RULES(",\"deny\":{\"tools\":{\"newweb\":[\"forever\"]}}"));
	cr_assert(gateway_ctl(&g, NULL, false, "reload", NULL) == 0);
	ask(&m, "tasks/get", id, "", &a);
	cr_expect(json_int_at(a.json, "error.code") == 403, "%s", a.body);
	answer_fini(&a);
	free(id);
	mcp_fini(&m);
	talk_end();
}
