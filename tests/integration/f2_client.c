/* SPDX-License-Identifier: Apache-2.0
 *
 * f2_client.c - clients' own files lead to the gateway, and back, where each client has them
 */
#include <sys/stat.h>
#include <unistd.h>

#include "tests/harness/bridge.h"
#include "tests/integration/common.h"

#define RULES	"{\"agents\":{\"me\":{\"allow\":{\"servers\":[\"*\"],\"tools\":{\"*\":[\"*\"]}}}}}"
#define SERVERS	"{\"mcpServers\":{\"clock\":{\"command\":\"@TOOLS@/demo/mcpgw-demo-clock\"}}}"
#define FILE_TEXT	"{\n"							\
	"  \"mcpServers\": {\n"							\
	"    \"clock\": { \"command\": \"npx\", \"args\": [\"clock\"] },\n"	\
	"    \"gh\": { \"command\": \"docker\" }\n"				\
	"  }\n"									\
	"}\n"

static char	home[300];

static void
home_make(const struct gateway *g)
{
	static const char *const folders[] = { "", "/.config", "/.config/Code", "/.config/Code/User", "/.config/Claude",
	    "/project", "/project/.cursor", "/project/.vscode" };
	char	path[400];

	snprintf(home, sizeof(home), "%s/home", g->dir);
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", home, folders[i]);
		cr_assert(mkdir(path, 0755) == 0);
	}
	setenv("HOME", home, 1);
	unsetenv("XDG_CONFIG_HOME");
}

static void
put(const char *name, const char *text)
{
	char	path[400];
	FILE	*f;

	snprintf(path, sizeof(path), "%s/%s", home, name);
	cr_assert((f = fopen(path, "we")) != NULL);
	cr_assert(fputs(text, f) >= 0);
	fclose(f);
}

/* "" when there is none. */
static const char *
get(const char *name)
{
	static char	 text[65536];
	char		 path[400];
	FILE		*f;
	size_t		 n = 0;

	snprintf(path, sizeof(path), "%s/%s", home, name);
	if ((f = fopen(path, "re")) != NULL) {
		n = fread(text, 1, sizeof(text) - 1, f);
		fclose(f);
	}
	text[n] = '\0';
	return text;
}

Test(client, leads_to_the_gateway_and_back_wherever_it_has_its_file, .timeout = 120)
{
	static const struct {
		const char	*client, *file;
		bool		 project;
		const char	*was;		/* NULL: there is no file */
	} rows[] = {
		{ "claude-code", "project/.mcp.json", true, FILE_TEXT },
		{ "claude-code", ".claude.json", false, "{\"numStartups\": 7, \"mcpServers\": {\"clock\": {\"command\": \"x\"}}}" },
		{ "cursor", "project/.cursor/mcp.json", true, FILE_TEXT },
		{ "cursor", ".cursor/mcp.json", false, NULL },
		{ "vscode", "project/.vscode/mcp.json", true, "{ // mine\n  \"inputs\": [],\n  \"servers\": {\n"
		    "    \"clock\": {\"command\": \"x\"}, // old\n  },\n}\n" },
		{ "vscode", ".config/Code/User/mcp.json", false, "{\"servers\": {}}" },
		{ "claude-desktop", ".config/Claude/claude_desktop_config.json", false, FILE_TEXT },
	};
	struct gateway	 g;
	char		 project[320], backup[200];

	gateway_start(&g, &(struct gateway_setup){ .servers = SERVERS, .rules = RULES });
	home_make(&g);
	snprintf(project, sizeof(project), "--project=%s/project", home);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *with = rows[i].project ? project : "--write";
		char	   *said;

		snprintf(backup, sizeof(backup), "%s.mcpgw-backup", rows[i].file);
		if (rows[i].was != NULL)
			put(rows[i].file, rows[i].was);
		cr_expect(gateway_ctl(&g, &said, true, "client", "--for", rows[i].client, with, "--write", NULL) == 0,
		    "row %zu: %s", i, said);
		free(said);
		cr_expect(strstr(get(rows[i].file), "\"mcpgw\": {") != NULL && strstr(get(rows[i].file), "mcpgw-stdio") != NULL
		    && strstr(get(rows[i].file), "\"clock\"") == NULL, "row %zu: %s", i, get(rows[i].file));
		cr_expect(rows[i].was == NULL || strcmp(get(backup), rows[i].was) == 0, "row %zu", i);
		EXPECT_CTL(&g, 0, "leads to the gateway already", "client", "--for", rows[i].client, with, "--write");
		with = rows[i].project ? project : "--restore";
		EXPECT_CTL(&g, 0, "is as it was", "client", "--for", rows[i].client, with, "--restore");
		cr_expect(strcmp(get(rows[i].file), rows[i].was == NULL ? "" : rows[i].was) == 0, "row %zu: %s", i,
		    get(rows[i].file));
		cr_expect(strcmp(get(backup), "") == 0);
		EXPECT_CTL(&g, 0, "nothing was changed", "client", "--for", rows[i].client, with, "--restore");
	}
	gateway_stop(&g);
}

Test(client, that_starts_what_is_written_reaches_the_servers, .timeout = 60)
{
	struct gateway	 g;
	struct bridge	 b;
	json_object	*file, *answer;
	char		*said, project[320];

	NEEDS_JAILS();
	gateway_start(&g, &(struct gateway_setup){ .servers = SERVERS, .rules = RULES, .conf = "anonymous_agent = me\n" });
	home_make(&g);
	snprintf(project, sizeof(project), "--project=%s/project", home);
	put("project/.mcp.json", FILE_TEXT);
	EXPECT_CTL(&g, 0, "- is the gateway's now:    clock\n  stays, unjailed:         gh\n", "client", "--for", "claude-code",
	    project);
	EXPECT_CTL(&g, 0, "\"place\":\"mcpServers\",\"name\":\"mcpgw\",\"entry\":{\"command\": \"", "--json", "client", "--for",
	    "claude-code", project);
	cr_expect(gateway_ctl(&g, &said, true, "client", "--for", "claude-code", project, "--write", NULL) == 0);
	free(said);
	/* As the client would: the very command, with the very arguments. */
	file = json_tokener_parse(get("project/.mcp.json"));
	cr_assert(file != NULL);
	cr_expect(json_at(file, "mcpServers.gh") != NULL && json_at(file, "mcpServers.clock") == NULL);
	cr_expect(access(json_text_at(file, "mcpServers.mcpgw.command"), X_OK) == 0, "%s",
	    json_text_at(file, "mcpServers.mcpgw.command"));
	cr_expect(strcmp(json_text_at(file, "mcpServers.mcpgw.args[0]"), "-c") == 0);
	bridge_start(&b, &g, json_text_at(file, "mcpServers.mcpgw.args[0]"), json_text_at(file, "mcpServers.mcpgw.args[1]"));
	cr_expect(bridge_initialize(&b));
	bridge_ask(&b, "2", "tools/list", NULL);
	answer = bridge_hear(&b, patience(&g, 10000));
	cr_expect(answer != NULL);
	json_object_put(answer);
	cr_expect(bridge_end(&b, patience(&g, 8000)) == 0);
	bridge_fini(&b);
	json_object_put(file);
	gateway_stop(&g);
}

Test(client, keeps_what_its_user_changed_meanwhile, .timeout = 60)
{
	struct gateway	 g;
	char		 project[320];

	gateway_start(&g, &(struct gateway_setup){ .servers = SERVERS, .rules = RULES });
	home_make(&g);
	snprintf(project, sizeof(project), "--project=%s/project", home);
	put("project/.mcp.json", FILE_TEXT);
	EXPECT_CTL(&g, 0, "one entry \"mcpgw\" in the place of 1", "client", "--for", "claude-code", project, "--write");
	put("project/.mcp.json", "{\"mcpServers\": {\"mcpgw\": {\"command\": \"mcpgw-stdio\"}, \"new\": {\"command\": \"n\"}}}");
	EXPECT_CTL(&g, 0, "has its own entries again, behind what was changed", "client", "--for", "claude-code", project,
	    "--restore");
	cr_expect(strcmp(get("project/.mcp.json"), "{\"mcpServers\": {\"new\": {\"command\": \"n\"}, \"clock\": { \"command\": "
	    "\"npx\", \"args\": [\"clock\"] }, \"gh\": { \"command\": \"docker\" }}}") == 0, "%s", get("project/.mcp.json"));
	/* A local list of Claude Code's own file, where the project has no file of its own. */
	put("project/.mcp.json", "{}");
	EXPECT_CTL(&g, 64, "did you mean cursor?", "client", "--for", "curser");
	EXPECT_CTL(&g, 64, "keeps no file", "client", "--for", "inspector", "--write");
	EXPECT_CTL(&g, 0, "npx @modelcontextprotocol/inspector ", "client", "--for", "inspector");
	EXPECT_CTL(&g, 64, "claude-desktop has no file of a project", "client", "--for", "claude-desktop", project);
	put("project/.mcp.json", "[1]");
	EXPECT_CTL(&g, 65, "another form than Claude Code gives it", "client", "--for", "claude-code", project, "--write");
	cr_expect(strcmp(get("project/.mcp.json"), "[1]") == 0);
	gateway_stop(&g);
}

Test(client, is_told_of_the_socket_when_it_is_in_no_file, .timeout = 60)
{
	struct gateway	 g;
	char		 project[320], setting[320], *said;

	gateway_start(&g, &(struct gateway_setup){ .servers = SERVERS, .rules = RULES });
	home_make(&g);
	snprintf(project, sizeof(project), "--project=%s/project", home);
	snprintf(setting, sizeof(setting), "run_dir=%s/other", g.dir);
	cr_expect(gateway_ctl(&g, &said, true, "-o", setting, "client", "--for", "claude-code", project, "--write", NULL) ==
	    0, "%s", said);
	free(said);
	snprintf(setting, sizeof(setting), "\"--socket\", \"%s/other/mcp.sock\"", g.dir);
	cr_expect(strstr(get("project/.mcp.json"), setting) != NULL, "%s", get("project/.mcp.json"));
	gateway_stop(&g);
}
