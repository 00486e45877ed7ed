/* SPDX-License-Identifier: Apache-2.0
 *
 * s4_questions.c - a client that is asked something by a call of the workers of before answers to those of now
 */
#include "tests/integration/talk.h"

#define TAGGED	",\"arguments\":{\"tag\":\"T\"}"

/* The client's connection is a new one, so the new master's workers get what it says. */
static void
answer_elsewhere(const struct mcp *m, json_object *q)
{
	struct mcp	fresh = *m;

	fresh.conn = (struct client){ .fd = -1 };
	talk_answer(&fresh, q, "result", "{\"any\": [\"thing\"],\n \"n\":1}");
	mcp_fini(&fresh);
}

Test(questions, are_answered_over_an_upgrade_and_by_fewer_workers, .timeout = 120)
{
	static const char	*const servers[] = { "old", "oldweb" };
	struct hearing		h;
	struct mcp		m;
	json_object		*q;
	char			*conf, *out;

	NEEDS_JAILS();
	talk_begin(3, NULL);
	for (size_t i = 0; i < 4; i++) {
		talk_client(&m, servers[i % 2], 0, LEGACY_VERSION, CAN_ALL);
		talk_call(&h, &m, "\"mine\"", "ask_form", TAGGED);
		q = talk_next(&h, "method", "elicitation/create");
		if (i < 2) {
			EXPECT_CTL(&g, 0, "Workers handed over", "upgrade");
		} else {
			conf = gateway_file(&g, "mcpgw.conf");
			cr_assert(asprintf(&out, "%s\nworkers = %d\n", conf, i == 2 ? 1 : 3) > 0);
			gateway_write(&g, "mcpgw.conf", out);
			free(out);
			free(conf);
			EXPECT_CTL(&g, 0, "in force", "reload");
		}
		answer_elsewhere(&m, q);
		json_object_put(q);
		q = talk_next(&h, "result.structuredContent.got[0].any[0]", "thing");
		cr_expect(strcmp(json_text_at(q, "id"), "mine") == 0, "%s", json_object_to_json_string(q));
		json_object_put(q);
		hearing_fini(&h);
		mcp_fini(&m);
	}
	talk_end();
}
