/* SPDX-License-Identifier: Apache-2.0
 *
 * t7_asking.c - how many calls may wait for their clients: of one principal, tenant and server; and none
 */
#include "tests/integration/park.h"

#define FORMS	3

/* One more would be too many: it ends, its server is told both, and it has one record. */
static void
expect_too_many(struct mcp *m, const char *tool, size_t cancelled)
{
	struct answer	a;

	call(m, tool, "", NULL, NULL, &a);
	EXPECT_STATUS(a, 200, "%s", tool);
	expect(&a, "error.code", "429");
	expect(&a, "error.data.code", "TOO_MANY_WAITING");
	answer_fini(&a);
	talk_wait_heard(OLD_WEB, "\"action\":\"cancel\"", NULL, cancelled);
	talk_wait_heard(OLD_WEB, "notifications/cancelled", NULL, cancelled);
}

Test(talk_asking, is_capped_for_each_principal_over_its_parked_calls, .timeout = 30)
{
	struct mcp	m, other;
	char		*states[3];

	talk_begin(1, "max_asking = 2\n");
	talk_client(&m, "oldweb", 0, NULL, CAN_ALL);
	talk_client(&other, "oldweb", 1, NULL, CAN_ALL);
	states[0] = begin_asked(&m, "ask_form", "");
	/* It ends in the meantime, but what is kept for the client is as much. */
	states[1] = begin_asked(&m, "finish", "");
	sleep_ms(patience(&g, 400));
	expect_too_many(&m, "ask_two", 1);
	states[2] = begin_asked(&other, "ask_form", "");
	expect_got(&other, "ask_form", "", states[2]);
	expect_got(&m, "ask_form", "", states[0]);
	free(states[0]);
	states[0] = begin_asked(&m, "ask_twice", "");
	expect_too_many(&m, "ask_two", 2);
	expect_records("ask_two", "cancelled", 2, 2);
	for (int i = 0; i < 3; i++)
		free(states[i]);
	mcp_fini(&m);
	mcp_fini(&other);
	talk_end();
}

Test(talk_asking, is_capped_over_stdio_as_well, .timeout = 30)
{
	struct mcp	m;
	struct answer	a;
	char		*state;

	NEEDS_JAILS();
	talk_begin(1, "max_asking = 1\n");
	talk_client(&m, "oldweb", 0, NULL, CAN_ALL);
	state = begin_asked(&m, "ask_form", "");
	snprintf(m.path, sizeof(m.path), "/servers/old/mcp");
	call(&m, "ask_form", "", NULL, NULL, &a);
	expect(&a, "error.code", "429");
	answer_fini(&a);
	snprintf(m.path, sizeof(m.path), "/servers/oldweb/mcp");
	expect_got(&m, "ask_form", "", state);
	/* Its lease is free again. */
	snprintf(m.path, sizeof(m.path), "/servers/old/mcp");
	free(state);
	state = begin_asked(&m, "ask_form", "");
	expect_got(&m, "ask_form", "", state);
	expect_records("ask_form", "cancelled", 1, 3);
	free(state);
	mcp_fini(&m);
	talk_end();
}

Test(talk_asking, is_capped_for_each_server_and_for_all_of_a_tenant, .timeout = 30)
{
	struct mcp	m[2], elsewhere;
	struct hearing	h;
	char		*states[2];

	talk_begin(1, "max_asking_server = 2\nmax_asking_tenant = 3\nresume_memory = 0\n");
	for (int i = 0; i < 2; i++) {
		talk_client(&m[i], "oldweb", i, NULL, CAN_ALL);
		states[i] = begin_asked(&m[i], "ask_form", "");
	}
	expect_too_many(&m[0], "ask_two", 1);
	expect_too_many(&m[1], "ask_two", 2);
	talk_client(&elsewhere, "newweb", 0, LEGACY_VERSION, CAN_FORM);
	talk_call(&h, &elsewhere, "1", "ask_form", "");
	talk_expect(&h, "method", "elicitation/create");
	/* That was the tenant's last. */
	expect_got(&m[0], "ask_form", "", states[0]);
	free(states[0]);
	states[0] = begin_asked(&m[0], "ask_form", "");
	expect_got(&m[1], "ask_form", "", states[1]);
	hearing_fini(&h);
	for (int i = 0; i < 2; i++) {
		free(states[i]);
		mcp_fini(&m[i]);
	}
	mcp_fini(&elsewhere);
	talk_end();
}

/* Legacy clients are asked on the streams of their calls, whichever era the server is of. */
Test(talk_asking, is_capped_for_legacy_clients, .timeout = 30)
{
	static const char *const webs_of[] = { "oldweb", "newweb" };
	struct hearing	h[FORMS], late;
	struct mcp	m, other;
	json_object	*q[FORMS];
	char		id[8];

	talk_begin(1, "max_asking = 3\nresume_memory = 0\n");
	for (size_t s = 0; s < 2; s++) {
		talk_client(&m, webs_of[s], 0, LEGACY_VERSION, CAN_FORM);
		talk_client(&other, webs_of[s], 1, LEGACY_VERSION, CAN_FORM);
		for (int i = 0; i < FORMS; i++) {
			snprintf(id, sizeof(id), "%d", i);
			talk_call(&h[i], &m, id, "ask_form", "");
			q[i] = talk_next(&h[i], "method", "elicitation/create");
		}
		talk_call(&late, &m, "9", "ask_form", "");
		talk_last(&late, "error.code", "429");
		talk_call(&late, &other, "9", "ask_form", "");
		talk_expect(&late, "method", "elicitation/create");
		hearing_fini(&late);
		talk_answer(&m, q[0], "result", "{\"is\":\"mine\"}");
		talk_last(&h[0], s == 0 ? "result.structuredContent.got[0].is" : "result.structuredContent.got.a.is", "mine");
		json_object_put(q[0]);
		talk_call(&h[0], &m, "10", "ask_form", "");
		q[0] = talk_next(&h[0], "method", "elicitation/create");
		for (int i = 0; i < FORMS; i++) {
			talk_answer(&m, q[i], "result", "{\"is\":\"mine\"}");
			talk_last(&h[i], "id", i == 0 ? "10" : i == 1 ? "1" : "2");
			json_object_put(q[i]);
		}
		mcp_fini(&m);
		mcp_fini(&other);
	}
	talk_wait_heard(OLD_WEB, "\"action\":\"cancel\"", NULL, 2);
	talk_end();
}

/* Legacy servers are told of no capability then; between two of the modern era nothing waits. */
Test(talk_asking, may_be_switched_off, .timeout = 30)
{
	struct mcp	m;
	struct answer	a;
	struct hearing	h;

	talk_begin(1, "max_asking = 0\n");
	talk_client(&m, "oldweb", 0, NULL, CAN_ALL);
	call(&m, "ask_form", "", NULL, NULL, &a);
	expect(&a, "result.isError", "true");
	expect(&a, "result.structuredContent.got[0].code", "-32601");
	answer_fini(&a);
	snprintf(m.path, sizeof(m.path), "/servers/newweb/mcp");
	call(&m, "ask_form", "", NULL, NULL, &a);
	free(expect_asked(&a, 1));
	mcp_fini(&m);
	talk_client(&m, "oldweb", 0, LEGACY_VERSION, CAN_ALL);
	talk_call(&h, &m, "1", "ask_form", "");
	talk_last(&h, "result.structuredContent.got[0].code", "-32601");
	mcp_fini(&m);
	cr_expect(talk_heard(OLD_WEB, "\"initialize\"", "\"capabilities\":{}") > 0 ||
	    talk_heard(OLD_WEB, "\"initialize\"", "\"capabilities\": {}") > 0);
	cr_expect(talk_heard(OLD_WEB, "\"initialize\"", "elicitation") == 0);
	talk_client(&m, "newweb", 0, LEGACY_VERSION, CAN_ALL);
	talk_call(&h, &m, "1", "ask_form", "");
	talk_last(&h, "result.isError", "true");
	mcp_fini(&m);
	cr_expect(talk_calls(OLD_WEB, "ask_form") == 2);
	talk_end();
}
