/* SPDX-License-Identifier: Apache-2.0
 *
 * f2_rules.c - an operator changes one rule: what would change is said, it is in force, it is undone
 */
#include <sys/stat.h>

#include "tests/integration/common.h"

#define SERVERS	"{\"mcpServers\":{\"clock\":{\"command\":\"@TOOLS@/demo/mcpgw-demo-clock\"},"		\
	"\"notes\":{\"command\":\"@TOOLS@/demo/mcpgw-demo-notes\"}}}"
#define RULES	"{\n"												\
	"  \"agents\": {\n"										\
	"    // the service\n"										\
	"    \"backend\": {\n"										\
	"      \"allow\": {\n"										\
	"        \"servers\": [\"notes\"],\n"								\
	"        \"tools\": {\n"									\
	"          \"notes\": [\n"									\
	"            \"list\", // reads\n"								\
	"            \"*\"\n"										\
	"          ]\n"											\
	"        }\n"											\
	"      },\n"											\
	"      \"deny\": { \"tools\": { \"notes\": [\"drop_*\"] } } /* since May */\n"			\
	"    }\n"											\
	"  }\n"												\
	"}\n"

static void
expect_file(const struct gateway *g, const char *name, const char *want)
{
	char	*text = gateway_file(g, name);

	cr_expect(strcmp(text, want) == 0, "%s", text);
	free(text);
}

/* Runs the line that `explain` ends with, as somebody who pastes it. */
static int
paste_remedy(const struct gateway *g, const char *tool)
{
	char	*said, *line, *word[6], *save = NULL;
	size_t	 n = 0;
	int	 code;

	cr_expect(gateway_ctl(g, &said, true, "explain", "--agent", "backend", "--server", "notes", "--tool", tool,
	    NULL) == 0);
	if ((line = strstr(said, "  mcpgwctl rule allow ")) == NULL) {
		free(said);
		return -1;
	}
	line[strcspn(line, "\n")] = '\0';
	if (strstr(line, "     (") != NULL)
		*strstr(line, "     (") = '\0';
	for (char *w = strtok_r(line, " ", &save); w != NULL && n < 6; w = strtok_r(NULL, " ", &save))
		word[n++] = w;
	cr_assert(n == 6, "%zu words", n);
	code = gateway_ctl(g, NULL, true, word[1], word[2], word[3], word[4], word[5], NULL);
	free(said);
	return code;
}

Test(rules, change_by_command_as_they_are_shown_and_nothing_else_in_the_file, .timeout = 60)
{
	struct gateway	 g;
	char		*said;
	int		 r;

	gateway_start(&g, &(struct gateway_setup){ .servers = SERVERS, .rules = RULES });
	EXPECT_CTL(&g, 0, "0 decisions change for 0 agents, 0 servers restart.\n", "diff");
	EXPECT_CTL(&g, 0, "agent backend   notes.drop_all   deny -> ALLOW   rules.json:11\n"
	    "1 decision changes for 1 agent, 0 servers restart.\n", "rule", "allow", "backend", "notes", "drop_all",
	    "--dry-run");
	expect_file(&g, "rules.json", RULES);
	EXPECT_CTL(&g, 0, " in force in 2 workers (", "rule", "allow", "backend", "notes", "drop_all");
	said = gateway_file(&g, "rules.json");
	cr_expect(strstr(said, "            \"list\", // reads\n            \"*\",\n            \"drop_all\"\n") != NULL &&
	    strstr(said, "// the service") != NULL && strstr(said, "} } /* since May */\n") != NULL, "%s", said);
	free(said);
	EXPECT_CTL(&g, 0, "allowed  rules.json:11  agents.backend.allow.tools.notes[2] \"drop_all\"  explicit allow",
	    "explain", "--agent", "backend", "--server", "notes", "--tool", "drop_all");
	EXPECT_CTL(&g, 65, "notes.drop_all is allowed already, by rules.json:11 agents.backend.allow.tools.notes[2] "
	    "\"drop_all\" (explicit allow); nothing was changed", "rule", "allow", "backend", "notes", "drop_all");
	/* A deny takes the place of the allow, and an allow that of the deny. */
	EXPECT_CTL(&g, 0, "notes.drop_all   allow -> DENY   rules.json:14\n", "rule", "deny", "backend", "notes",
	    "drop_all");
	EXPECT_CTL(&g, 65, "is denied already", "rule", "deny", "backend", "notes", "drop_all");
	EXPECT_CTL(&g, 65, "no agent \"bakend\" in the rules; did you mean backend?", "rule", "deny", "bakend", "notes");
	EXPECT_CTL(&g, 65, "no server \"note\"; did you mean notes?", "rule", "deny", "backend", "note", "list");
	EXPECT_CTL(&g, 64, "only one *", "rule", "deny", "backend", "notes", "*a*");
	EXPECT_CTL(&g, 0, "agent fresh   clock.*   deny -> ALLOW", "rule", "allow", "fresh", "clock", "--new");
	EXPECT_CTL(&g, 0, "\"change\":\"decision\"", "--json", "rule", "deny", "fresh", "clock", "now");
	r = gateway_ctl(&g, &said, false, "--json", "explain", "--agent", "fresh", "--server", "clock", "--tool", "now",
	    NULL);
	cr_expect(r == 0 && strstr(said, "\"allowed\":false") != NULL, "%s", said);
	free(said);
	gateway_stop(&g);
}

Test(rules, are_allowed_by_the_command_that_explain_shows_in_both_orders, .timeout = 60)
{
	struct gateway	g;

	gateway_start(&g, &(struct gateway_setup){ .servers = SERVERS, .rules = RULES });
	EXPECT_CTL(&g, 0, "mcpgwctl rule allow backend notes drop_all     (explicit allow beats \"drop_*\")\n", "explain",
	    "--agent", "backend", "--server", "notes", "--tool", "drop_all");
	cr_expect(paste_remedy(&g, "drop_all") == 0);
	EXPECT_CTL(&g, 0, "allowed  ", "explain", "--agent", "backend", "--server", "notes", "--tool", "drop_all");
	EXPECT_CTL(&g, 0, "", "rule", "deny", "backend", "notes", "drop_all");
	EXPECT_CTL(&g, 0, "(takes its deny away)", "explain", "--agent", "backend", "--server", "notes", "--tool",
	    "drop_all");
	cr_expect(paste_remedy(&g, "drop_all") == 0);
	EXPECT_CTL(&g, 0, "", "conf", "-e", "rules_precedence=deny-first");
	EXPECT_CTL(&g, 1, "agent backend   notes.drop_all   allow -> DENY   rules.json:15\n", "diff");
	EXPECT_CTL(&g, 0, "", "reload");
	EXPECT_CTL(&g, 0, "nothing beats rules.json:15 with rules_precedence = deny-first", "explain", "--agent",
	    "backend", "--server", "notes", "--tool", "drop_all");
	cr_expect(paste_remedy(&g, "drop_all") == -1);
	EXPECT_CTL(&g, 65, "would still be denied by rules.json:15 agents.backend.deny.tools.notes[0] \"drop_*\" "
	    "(wildcard deny)", "rule", "allow", "backend", "notes", "drop_all");
	/* A server that is not allowed yet is, with this tool alone. */
	cr_expect(gateway_ctl(&g, NULL, true, "rule", "allow", "backend", "clock", "now", NULL) == 0);
	EXPECT_CTL(&g, 0, "DENIED  no rule", "explain", "--agent", "backend", "--server", "clock", "--tool", "add");
	cr_expect(gateway_ctl(&g, NULL, true, "rule", "deny", "backend", "clock", NULL) == 0);
	EXPECT_CTL(&g, 0, ", an explicit deny.\n", "explain", "--agent", "backend", "--server",
	    "clock", "--tool", "now");
	gateway_stop(&g);
}

Test(rules, put_nothing_in_force_that_another_is_still_writing, .timeout = 60)
{
	struct gateway	 g;
	char		*said;

	gateway_start(&g, &(struct gateway_setup){ .servers = SERVERS, .rules = RULES });
	gateway_write(&g, "rules.json", "{\"agents\":{\"backend\":{\"allow\":{\"servers\":[\"*\"],\"tools\":{\"notes\":"
	    "[\"*\"]}}}}}");
	EXPECT_CTL(&g, 1, "notes.drop_*   deny -> ALLOW   rules.json:1\n", "diff");
	EXPECT_CTL(&g, 0, "not yet in force: the files hold other changes too", "rule", "deny", "backend", "notes",
	    "delete");
	EXPECT_CTL(&g, 0, "allowed  rules.json:10", "explain", "--agent", "backend", "--server", "notes", "--tool",
	    "delete");
	EXPECT_CTL(&g, 0, ". Undo: mcpgwctl rollback\n", "reload");
	EXPECT_CTL(&g, 0, "DENIED  rules.json:1 ", "explain", "--agent", "backend", "--server", "notes", "--tool",
	    "delete");
	gateway_write(&g, "rules.json", "{\"agents\":{\"backend\":}}");
	EXPECT_CTL(&g, 78, "the files do not compile, so nothing was changed", "rule", "allow", "backend", "notes",
	    "delete");
	EXPECT_CTL(&g, 78, "rules.json:1:", "diff");
	EXPECT_CTL(&g, 78, "\n1 error. The gateway keeps generation 2.\n", "check");
	said = gateway_file(&g, "rules.json");
	cr_expect(strcmp(said, "{\"agents\":{\"backend\":}}") == 0, "%s", said);
	free(said);
	gateway_stop(&g);
}

Test(rules, differ_in_all_that_a_reload_would_change, .timeout = 60)
{
	struct gateway	 g;
	char		 folder[320], *said;

	gateway_start(&g, &(struct gateway_setup){ .servers = SERVERS, .rules = RULES });
	gateway_write(&g, "servers.json", "{\"mcpServers\":{\"clock\":{\"command\":\"/bin/true\"},"
	    "\"more\":{\"command\":\"/bin/true\"}}}");
	EXPECT_CTL(&g, 0, "", "conf", "-e", "call_timeout=77s");
	cr_expect(gateway_ctl(&g, &said, true, "diff", NULL) == 1);
	cr_expect(strstr(said, "server clock   restarts   servers.json:1\n") != NULL &&
	    strstr(said, "server notes   goes   servers.json:1\n") != NULL &&
	    strstr(said, "server more   comes   servers.json:1\n") != NULL &&
	    strstr(said, "parameter call_timeout   ") != NULL && strstr(said, " -> 77s\n") != NULL &&
	    strstr(said, "0 decisions change for 0 agents, 1 server restarts.\n") != NULL, "%s", said);
	free(said);
	EXPECT_CTL(&g, 1, "{\"change\":\"server\",\"server\":\"clock\",\"what\":\"restarts\"", "--json", "diff");
	EXPECT_CTL(&g, 66, "No such file", "diff", "/nowhere/at/all");
	/* Another folder, with this gateway's own -o. */
	snprintf(folder, sizeof(folder), "%s/etc/other", g.dir);
	gateway_write(&g, "other/rules.json", "{\"agents\":{}}");
	EXPECT_CTL(&g, 1, "server clock   goes", "diff", folder);
	gateway_stop(&g);
}

Test(rules, are_compared_by_the_tools_that_were_seen, .timeout = 60)
{
	struct gateway	 g;
	char		*said;

	NEEDS_JAILS();
	gateway_start(&g, &(struct gateway_setup){ .servers = SERVERS, .rules = RULES });
	cr_expect(gateway_ctl(&g, &said, true, "list", "--as", "backend", "notes", NULL) == 0, "%s", said);
	free(said);
	gateway_write(&g, "rules.json", "{\"agents\":{\"backend\":{\"allow\":{\"servers\":[\"notes\"],\"tools\":{"
	    "\"notes\":[\"*\"]}},\"deny\":{\"tools\":{\"notes\":[\"list_*\",\"drop_*\"]}}}}}");
	cr_expect(gateway_ctl(&g, &said, true, "diff", NULL) == 1);
	cr_expect(strcmp(said, "agent backend   notes.list_notes   allow -> DENY   rules.json:1\n"
	    "1 decision changes for 1 agent, 0 servers restart.\n") == 0, "%s", said);
	free(said);
	gateway_stop(&g);
}

Test(rollback, brings_the_policy_before_back_and_no_key, .timeout = 60)
{
	struct gateway	 g;
	struct mcp	 m;
	struct answer	 a;
	char		 key[256], id[16], *said;

	gateway_start(&g, &(struct gateway_setup){ .servers = SERVERS, .rules = RULES });
	snprintf(key, sizeof(key), "%s", gateway_key(&g, "backend"));
	snprintf(id, sizeof(id), "%.12s", key);
	EXPECT_CTL(&g, 65, "no policy from before generation", "rollback");
	EXPECT_CTL(&g, 0, "", "rule", "allow", "backend", "notes", "drop_all");
	cr_expect(gateway_ctl(&g, NULL, true, "key", "revoke", id, NULL) == 0);
	/* What changes nothing leaves the way back where it was. */
	EXPECT_CTL(&g, 0, "", "reload");
	EXPECT_CTL(&g, 0, "the policy before the last change.", "rollback");
	EXPECT_CTL(&g, 0, "DENIED  rules.json:14 ", "explain", "--agent", "backend", "--server", "notes", "--tool",
	    "drop_all");
	mcp_init(&m, g.mcp, "/servers/notes/mcp", key);
	mcp_ask_modern(&m, "tools/list", NULL, &a);
	EXPECT_STATUS(a, 401, "a key that ended before the rollback");
	answer_fini(&a);
	mcp_fini(&m);
	EXPECT_CTL(&g, 0, "rolled back to the policy of generation ", "status");
	EXPECT_CTL(&g, 1, "notes.drop_all   deny -> ALLOW   rules.json:11\n", "diff");
	/* A change beside it does not undo it. */
	EXPECT_CTL(&g, 0, "not yet in force", "rule", "deny", "backend", "notes", "list");
	EXPECT_CTL(&g, 0, "allowed  ", "explain", "--agent", "backend", "--server", "notes", "--tool", "list");
	EXPECT_CTL(&g, 65, "no policy from before generation", "rollback");
	cr_expect(gateway_ctl(&g, &said, true, "reload", NULL) == 0, "%s", said);
	free(said);
	EXPECT_CTL(&g, 0, "allowed  rules.json:10 ", "explain", "--agent", "backend", "--server", "notes", "--tool",
	    "drop_all");
	cr_expect(gateway_ctl(&g, &said, true, "status", NULL) == 0 && strstr(said, "rolled back") == NULL, "%s", said);
	free(said);
	EXPECT_CTL(&g, 0, "", "rollback");
	/* Generations go on from it, and the files are what a restart reads. */
	gateway_stop_keep(&g);
	gateway_start_again(&g);
	EXPECT_CTL(&g, 0, "0 decisions change", "diff");
	EXPECT_CTL(&g, 0, "allowed  ", "explain", "--agent", "backend", "--server", "notes", "--tool", "drop_all");
	gateway_stop(&g);
}
