/* SPDX-License-Identifier: Apache-2.0
 *
 * j1_liars.c - tools that are silent, dead, babbling or wrong: an error for the one who called,
 *              nothing for anybody else
 */
#include "tests/integration/common.h"

static const struct {
	const char	*name, *args;	/* of lying-server */
	bool		 answers;	/* a call may still come to a result */
} liars[] = {
	{ "silent", "\"silent\"", false },
	{ "mute", "\"mute\"", false },
	{ "refuses", "\"refuses\"", false },
	{ "garbage", "\"garbage\",\"3\"", true },
	{ "dies-at-once", "\"dies-at-once\"", false },
	{ "dies-on-call", "\"dies-on-call\"", false },
	{ "wrong-id", "\"wrong-id\"", true },
	{ "bad-answer", "\"bad-answer\"", true },
	{ "twice", "\"twice\"", true },
	{ "flood-stdout", "\"flood-stdout\"", false },
	{ "flood-stderr", "\"flood-stderr\",\"1000000\"", true },
	{ "endless-stderr", "\"flood-stderr\",\"0\"", false },
	{ "spins", "\"spins\",\"3\"", false },
	{ "no-newline", "\"no-newline\"", false },
	{ "big", "\"big\",\"3000000\"", true },
	{ "ignores-term", "\"ignores-term\"", true },
	{ "reads-nothing", "\"reads-nothing\"", false },
};
#define LIARS (sizeof(liars) / sizeof(liars[0]))

Test(liars, each_costs_only_its_own_caller)
{
	struct gateway	 g;
	struct procs	*before = malloc(sizeof(*before));
	struct mcp	 good, bad;
	struct answer	 a;
	char		 servers[4096], rules[2048], path[64];
	size_t		 n = 0, k = 0;
	json_object	*records;

	NEEDS_JAILS();
	n += (size_t)snprintf(servers, sizeof(servers), "{\"mcpServers\":{"
	    "\"clock\":{\"command\":\"@TOOLS@/demo/mcpgw-demo-clock\"},"
	    "\"absent\":{\"command\":\"/usr/bin/true\",\"args\":[\"x\"]}");
	k += (size_t)snprintf(rules, sizeof(rules), "{\"agents\":{\"a\":{\"allow\":{\"servers\":[\"*\"],"
	    "\"tools\":{\"*\":[\"*\"]}}}}}");
	for (size_t i = 0; i < LIARS; i++)
		n += (size_t)snprintf(servers + n, sizeof(servers) - n,
		    ",\"%s\":{\"command\":\"@TOOLS@/tests/lying-server\",\"args\":[%s],\"timeout_ms\":3000}",
		    liars[i].name, liars[i].args);
	snprintf(servers + n, sizeof(servers) - n, "}}");
	gateway_start(&g, &(struct gateway_setup){ .servers = servers, .rules = rules,
	    .conf = "list_timeout = 2s\nstart_timeout = 2s\n" });
	mcp_init(&good, g.mcp, "/servers/clock/mcp", gateway_key(&g, "a"));
	mcp_call(&good, "add", "{\"a\":1,\"b\":2}", &a);
	cr_expect(strcmp(json_text_at(a.json, "result.content[0].text"), "3") == 0, "%s", a.body);
	answer_fini(&a);
	gateway_procs(&g, before);

	for (size_t i = 0; i <= LIARS; i++) {
		const char *name = i == LIARS ? "absent" : liars[i].name;

		snprintf(path, sizeof(path), "/servers/%s/mcp", name);
		mcp_init(&bad, g.mcp, path, good.key);
		mcp_call(&bad, "anything", "{}", &a);
		EXPECT_STATUS(a, 200, "%s", name);
		cr_expect((json_at(a.json, "result") != NULL) ^ (json_at(a.json, "error") != NULL), "%s: %s", name,
		    a.body);
		if (i == LIARS || !liars[i].answers)
			cr_expect(json_at(a.json, "error") != NULL, "%s answered: %s", name, a.body);
		answer_fini(&a);
		mcp_fini(&bad);
		mcp_call(&good, "add", "{\"a\":1,\"b\":2}", &a);
		cr_expect(strcmp(json_text_at(a.json, "result.content[0].text"), "3") == 0, "after %s: %s", name, a.body);
		answer_fini(&a);
	}

	/* The lists come without them. */
	snprintf(good.path, sizeof(good.path), "/mcp/catalog");
	mcp_ask_modern(&good, "tools/list", NULL, &a);
	EXPECT_STATUS(a, 200, "catalog");
	cr_expect(tools_have(&a, "clock__add"), "%s", a.body);
	answer_fini(&a);

	cr_expect(gateway_deaths(before) == 0);
	records = gateway_audit(&g);
	for (size_t i = 0; i < LIARS; i++)
		cr_expect(audit_count(records, "server", liars[i].name) >= 1, "no record of a call to %s",
		    liars[i].name);
	json_object_put(records);
	mcp_fini(&good);
	free(before);
	gateway_stop(&g);
}
