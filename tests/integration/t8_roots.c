/* SPDX-License-Identifier: Apache-2.0
 *
 * t8_roots.c - a client's roots reach a tool as far as its jail shows them, whatever the eras
 */
#include "tests/integration/park.h"

#define SEEN	"{\"uri\":\"file:///usr/share\",\"name\":\"s\"}"
#define ROOTS	"{\"roots\":[{\"uri\":\"file:///nowhere/at/all\"}," SEEN ",{\"uri\":\"file:///usr/../etc\"}]}"
#define CAN_ROOTS "{\"roots\":{}}"

static const struct {
	const char	*server, *key, *at;
	bool		 jailed;
} servers[] = {
	{ "old", "k1", "result.structuredContent.got[0]", true }, { "new", "a", "result.structuredContent.got.a", true },
	{ "oldweb", "k1", "result.structuredContent.got[0]", false },
	{ "newweb", "a", "result.structuredContent.got.a", false },
};

/* What the tool got, which says it to whoever called. */
static void
expect_roots(json_object *answer, size_t i)
{
	json_object	*got = json_at(answer, servers[i].at), *want = json_tokener_parse(servers[i].jailed ?
			    "{\"roots\":[" SEEN "]}" : ROOTS);

	cr_expect(got != NULL && json_object_equal(got, want), "%s: %s", servers[i].server, json_object_to_json_string(answer));
	json_object_put(want);
}

Test(talk_roots, are_those_that_the_jail_shows, .timeout = 60)
{
	struct mcp	 m;
	struct hearing	 h;
	struct answer	 a;
	json_object	*o;
	char		*state, *responses;

	NEEDS_JAILS();
	talk_begin(2, NULL);
	for (size_t i = 0; i < sizeof(servers) / sizeof(servers[0]); i++) {
		talk_client(&m, servers[i].server, 0, LEGACY_VERSION, CAN_ROOTS);
		talk_call(&h, &m, "1", "ask_roots", "");
		o = talk_next(&h, "method", "roots/list");
		talk_answer(&m, o, "result", ROOTS);
		json_object_put(o);
		o = talk_next(&h, "id", "1");
		expect_roots(o, i);
		json_object_put(o);
		hearing_fini(&h);
		mcp_fini(&m);

		talk_client(&m, servers[i].server, 0, NULL, CAN_ROOTS);
		state = begin_asked(&m, "ask_roots", "");
		cr_assert(asprintf(&responses, "{\"%s\":%s}", servers[i].key, ROOTS) > 0);
		call(&m, "ask_roots", "", responses, state, &a);
		expect_roots(a.json, i);
		answer_fini(&a);
		free(responses);
		free(state);
		mcp_fini(&m);
	}
	talk_end();
}
