/* SPDX-License-Identifier: Apache-2.0
 *
 * f2_servers.c - a server is switched off and on by command, for a time, with a reason; or taken out
 */
#include "tests/integration/common.h"

#define SERVERS	"{\n"									\
	"  // what we have\n"								\
	"  \"mcpServers\": {\n"								\
	"    \"clock\": {\n"								\
	"      \"command\": \"@TOOLS@/demo/mcpgw-demo-clock\" // ours\n"		\
	"    },\n"									\
	"    \"notes\": { \"command\": \"@TOOLS@/demo/mcpgw-demo-notes\" }\n"		\
	"  }\n"										\
	"}\n"
#define RULES	"{\"agents\":{\"me\":{\"allow\":{\"servers\":[\"*\"],\"tools\":{\"*\":[\"*\"]}}}}}"

static bool
clock_is_off(struct gateway *g)
{
	char	*said;
	int	 r = gateway_ctl(g, &said, true, "status", "clock", NULL);
	bool	 off = strstr(said, "clock: disabled") != NULL;

	cr_expect(r == 0, "%s", said);
	free(said);
	return off;
}

Test(server, is_off_with_its_reason_until_it_is_switched_on, .timeout = 60)
{
	struct gateway	 g;
	struct mcp	 m;
	struct answer	 a;
	char		*before, *after;

	NEEDS_JAILS();
	gateway_start(&g, &(struct gateway_setup){ .servers = SERVERS, .rules = RULES });
	before = gateway_file(&g, "servers.json");
	mcp_init(&m, g.mcp, "/mcp/catalog", gateway_key(&g, "me"));
	mcp_ask_modern(&m, "tools/list", NULL, &a);
	cr_expect(tools_have(&a, "clock__now") && tools_have(&a, "notes__list_notes"), "%s", a.body);
	answer_fini(&a);
	EXPECT_CTL(&g, 0, "server clock   disabled   servers.json:4   vendor outage (switched off in the configuration)\n", "server", "disable",
	    "clock", "--reason", "vendor outage", "--dry-run");
	cr_expect(!clock_is_off(&g));
	EXPECT_CTL(&g, 0, "clock is off: generation ", "server", "disable", "clock", "--reason", "vendor outage");
	cr_expect(clock_is_off(&g));
	EXPECT_CTL(&g, 65, "clock: that is so already", "server", "disable", "clock", "--reason", "vendor outage");
	mcp_call(&m, "clock__now", "{}", &a);
	cr_expect(strstr(a.body, "clock: vendor outage (switched off in the configuration)") != NULL && strstr(a.body, "\"result\"") == NULL,
	    "%s", a.body);
	answer_fini(&a);
	mcp_ask_modern(&m, "tools/list", NULL, &a);
	cr_expect(!tools_have(&a, "clock__now") && tools_have(&a, "notes__list_notes"), "%s", a.body);
	answer_fini(&a);
	/* A restart changes nothing in it. */
	gateway_stop_keep(&g);
	gateway_start_again(&g);
	cr_expect(clock_is_off(&g));
	EXPECT_CTL(&g, 0, "clock is on: generation ", "server", "enable", "clock");
	cr_expect(!clock_is_off(&g));
	EXPECT_CTL(&g, 65, "that is so already", "server", "enable", "clock");
	after = gateway_file(&g, "servers.json");
	cr_expect(strcmp(before, after) == 0, "%s", after);
	EXPECT_CTL(&g, 65, "no server \"clok\"; did you mean clock?", "server", "disable", "clok");
	EXPECT_CTL(&g, 64, "--for never", "server", "disable", "clock", "--for", "never");
	free(before);
	free(after);
	mcp_fini(&m);
	gateway_stop(&g);
}

static bool
clock_is_on(void *arg)
{
	return !clock_is_off(arg);
}

Test(server, is_off_for_a_time_and_on_again_by_itself, .timeout = 60)
{
	struct gateway	 g;
	char		*text;

	gateway_start(&g, &(struct gateway_setup){ .servers = SERVERS, .rules = RULES });
	EXPECT_CTL(&g, 0, "clock is off until today ", "server", "disable", "clock", "--for", "2s");
	cr_expect(clock_is_off(&g));
	cr_expect(wait_until(clock_is_on, &g, patience(&g, 10000)));
	EXPECT_CTL(&g, 0, "is over, and the server is on; what is left of it goes with: mcpgwctl server enable clock",
	    "check");
	EXPECT_CTL(&g, 0, "0 decisions change", "diff");
	EXPECT_CTL(&g, 0, "", "server", "enable", "clock");
	text = gateway_file(&g, "servers.json");
	cr_expect(strstr(text, "disabled") == NULL && strstr(text, "enabled") == NULL, "%s", text);
	free(text);
	/* What was over while nothing ran is over at the start. */
	EXPECT_CTL(&g, 0, "", "server", "disable", "clock", "--for", "1s");
	gateway_stop_keep(&g);
	sleep_ms(2100);
	gateway_start_again(&g);
	cr_expect(!clock_is_off(&g));
	gateway_stop(&g);
}

Test(server, is_taken_out_and_what_stood_there_is_shown, .timeout = 60)
{
	struct gateway	 g;
	char		*text;

	gateway_start(&g, &(struct gateway_setup){ .servers = SERVERS, .rules = RULES,
	    .tools = "tools: [{name: tell, command: /usr/bin/printenv}]\n" });
	EXPECT_CTL(&g, 0, "- \"notes\": {\"command\":\"", "server", "remove", "notes");
	EXPECT_CTL(&g, 65, "no server \"notes\"", "server", "remove", "notes");
	text = gateway_file(&g, "servers.json");
	cr_expect(strstr(text, "notes") == NULL && strstr(text, "// what we have") != NULL &&
	    strstr(text, "// ours\n    }\n  }\n}\n") != NULL, "%s", text);
	free(text);
	EXPECT_CTL(&g, 65, "tools.d/native.yaml:1: a file of programs is not edited", "server", "disable", "native");
	EXPECT_CTL(&g, 0, "", "rollback");
	EXPECT_CTL(&g, 0, "notes", "status");
	gateway_write(&g, "servers.json", "{\"mcpServers\":{\"clock\":{\"command\":\"/bin/true\",\"enabled\":false,"
	    "\"disabled_until\":\"tomorrow\"}}}");
	EXPECT_CTL(&g, 78, "\"tomorrow\": want a time in UTC", "check");
	gateway_stop(&g);
}
