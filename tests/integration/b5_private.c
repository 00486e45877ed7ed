/* SPDX-License-Identifier: Apache-2.0
 *
 * b5_private.c - mcpgw-stdio with a gateway of its own: seed 001's files, variables and answers as they are
 */
#include <dirent.h>
#include <signal.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "tests/harness/bridge.h"
#include "tests/integration/common.h"

#define HEAR_MS	30000

/* As the seed's users write them: rules of every kind it has. */
#define SEED_SERVERS_JSON								\
	"{\"mcpServers\":{"								\
	"\"clock\":{\"description\":\"Tells the time\",\"command\":\"@TOOLS@/demo/mcpgw-demo-clock\",\"args\":[]},"	\
	"\"notes\":{\"command\":\"@TOOLS@/demo/mcpgw-demo-notes\",\"env\":{\"LEVEL\":\"${NOTES_LEVEL}\"}},"	\
	"\"remote\":{\"url\":\"http://127.0.0.1:1/mcp\",\"headers\":{\"X-Key\":\"${NOTES_LEVEL}\"}}}}"
#define SEED_RULES_JSON									\
	"{\"agents\":{"									\
	"\"researcher\":{\"allow\":{\"servers\":[\"clock\"],\"tools\":{\"clock\":[\"n*\"]}}},"		\
	"\"team.backend\":{\"allow\":{\"servers\":[\"notes\",\"clock\"],\"tools\":{\"notes\":[\"*\"],\"clock\":[\"add\"]}},"	\
	"\"deny\":{\"tools\":{\"notes\":[\"drop_*\"],\"*\":[\"now\"]}}},"			\
	"\"admin\":{\"allow\":{\"servers\":[\"*\"],\"tools\":{\"*\":[\"*\"]}},\"deny\":{\"servers\":[\"remote\"]}},"	\
	"\"default\":{\"deny\":{\"servers\":[\"*\"]}}},"					\
	"\"defaults\":{\"deny_on_missing_agent\":%s}}"

static char	level[] = "NOTES_LEVEL=1";
static char	*const plain_env[] = { level, NULL };

static void
files_write(struct gateway *g, const char *servers, const char *deny_missing)
{
	char	rules[4096];

	gateway_make(g);
	snprintf(rules, sizeof(rules), SEED_RULES_JSON, deny_missing);
	gateway_write(g, ".mcp.json", servers);
	gateway_write(g, ".mcp-gateway-rules.json", rules);
}

static void
start_at(struct bridge *b, const struct gateway *g, const char *below, char *const env[], char *const args[])
{
	char	folder[320];

	snprintf(folder, sizeof(folder), "%s%s", g->dir, below);
	bridge_start_in(b, g, folder, env, args);
}

/* A tool of the gateway's, and what it answered: the caller's. */
static json_object *
call(struct bridge *b, const char *tool, const char *arguments)
{
	char	params[1024];

	snprintf(params, sizeof(params), "{\"name\":\"%s\",\"arguments\":%s}", tool, arguments);
	bridge_ask(b, "7", "tools/call", params);
	return bridge_hear(b, HEAR_MS);
}

/* Its text content must be this very text. */
#define ANSWERS(b, tool, arguments, want) do {						\
	json_object *o_ = call((b), (tool), (arguments));				\
	cr_expect(strcmp(json_text_at(o_, "result.content[0].text"), (want)) == 0, "%s %s: %s", (tool), (arguments),	\
	    o_ == NULL ? "(nothing)" : json_object_to_json_string(o_));			\
	json_object_put(o_);								\
} while (0)

/* execute_tool as this agent: the code of its error, or "". */
static void
expect_code(struct bridge *b, const char *agent, const char *server, const char *tool, const char *code,
    const char *rule)
{
	char		 arguments[512];
	json_object	*o;

	snprintf(arguments, sizeof(arguments), "{\"agent_id\":\"%s\",\"server\":\"%s\",\"tool\":\"%s\",\"args\":{}}",
	    agent, server, tool);
	o = call(b, "execute_tool", arguments);
	cr_expect(o != NULL && strcmp(json_text_at(o, "result.structuredContent.error.code"), code) == 0,
	    "%s %s.%s: %s", agent, server, tool, o == NULL ? "(nothing)" : json_object_to_json_string(o));
	if (rule != NULL)
		cr_expect(strcmp(json_text_at(o, "result.structuredContent.error.rule"), rule) == 0, "%s %s.%s: %s", agent,
		    server, tool, json_object_to_json_string(o));
	json_object_put(o);
}

/* How many names in g->dir/NAME begin so. */
static size_t
count_in(const struct gateway *g, const char *name, const char *prefix)
{
	char		 path[320];
	struct dirent	*e;
	size_t		 n = 0;
	DIR		*d;

	snprintf(path, sizeof(path), "%s/%s", g->dir, name);
	if ((d = opendir(path)) == NULL)
		return 0;
	while ((e = readdir(d)) != NULL)
		n += strncmp(e->d_name, prefix, strlen(prefix)) == 0;
	closedir(d);
	return n;
}

static bool
nothing_left(void *arg)
{
	return count_in(arg, "rt", "mcpgw") == 0;
}

/* Ends it, and sees that nothing of its gateway is left. */
static void
end_well(struct bridge *b, struct gateway *g)
{
	struct procs	*procs = malloc(sizeof(*procs));
	char		*said;
	int		 code;

	procs_below(b->pid, procs);
	code = bridge_end(b, patience(g, 15000));
	said = bridge_stderr(b);
	cr_expect(code == 0, "exit %d: %s", code, said);
	cr_expect(strstr(said, "Sanitizer") == NULL && strstr(said, "runtime error") == NULL, "%s", said);
	cr_expect(procs_alive(procs) == 0, "processes are left");
	cr_expect(nothing_left(g), "a folder is left");
	free(said);
	free(procs);
	bridge_fini(b);
}

/* Starts one that is to refuse: its exit code, and a text on stderr. */
static void
expect_refusal(struct gateway *g, const char *below, char *const env[], int code, const char *text)
{
	struct bridge	b;
	char		*said;
	int		 got;

	start_at(&b, g, below, env, NULL);
	got = bridge_end(&b, patience(g, 15000));
	said = bridge_stderr(&b);
	cr_expect(got == code && strstr(said, text) != NULL, "exit %d, not %d with \"%s\": %s", got, code, text, said);
	cr_expect(nothing_left(g), "a folder is left");
	free(said);
	bridge_fini(&b);
}

Test(private, serves_the_seeds_files_as_they_are, .timeout = 120)
{
	struct gateway	g;
	struct bridge	b;
	json_object	*o;

	NEEDS_JAILS();
	files_write(&g, SEED_SERVERS_JSON, "true");
	start_at(&b, &g, "/etc", plain_env, NULL);
	cr_assert(bridge_initialize(&b));
	cr_expect(count_in(&g, "rt", "mcpgw-private-") == 1, "no folder of its own");
	bridge_ask(&b, "1", "tools/list", NULL);
	o = bridge_hear(&b, HEAR_MS);
	cr_expect(strcmp(json_text_at(o, "result.tools[0].name"), "list_servers") == 0 &&
	    strcmp(json_text_at(o, "result.tools[1].name"), "get_server_tools") == 0 &&
	    strcmp(json_text_at(o, "result.tools[2].name"), "execute_tool") == 0 &&
	    json_at(o, "result.tools[3]") == NULL, "%s", json_object_to_json_string(o));
	json_object_put(o);
	ANSWERS(&b, "list_servers", "{\"agent_id\":\"researcher\"}",
	    "[{\"name\":\"clock\",\"description\":\"Tells the time\",\"transport\":\"stdio\"}]");
	o = call(&b, "list_servers", "{\"agent_id\":\"team.backend\",\"include_metadata\":true}");
	cr_expect(strcmp(json_text_at(o, "result.structuredContent.result[1].name"), "notes") == 0 &&
	    strstr(json_text_at(o, "result.structuredContent.result[1].command"), "/mcpgw-demo-notes") != NULL, "%s",
	    json_object_to_json_string(o));
	json_object_put(o);
	ANSWERS(&b, "get_server_tools", "{\"agent_id\":\"researcher\",\"server\":\"clock\",\"pattern\":\"n?w\"}",
	    "{\"tools\":[{\"name\":\"now\",\"description\":\"The time in UTC.\",\"inputSchema\":{\"type\":\"object\","
	    "\"additionalProperties\":false}}],\"server\":\"clock\",\"total_available\":1,\"returned\":1,"
	    "\"tokens_used\":null,\"error\":null}");
	o = call(&b, "get_server_tools", "{\"agent_id\":\"researcher\",\"server\":\"clock\",\"max_schema_tokens\":500}");
	/* (3 + 16 + 47) / 4 */
	cr_expect(json_int_at(o, "result.structuredContent.tokens_used") == 16, "%s", json_object_to_json_string(o));
	json_object_put(o);
	o = call(&b, "get_server_tools", "{\"agent_id\":\"researcher\",\"server\":\"notes\"}");
	cr_expect(strcmp(json_text_at(o, "result.structuredContent.error.code"), "DENIED_BY_POLICY") == 0 &&
	    !json_object_get_boolean(json_at(o, "result.isError")), "%s", json_object_to_json_string(o));
	json_object_put(o);
	ANSWERS(&b, "execute_tool", "{\"agent_id\":\"team.backend\",\"server\":\"clock\",\"tool\":\"add\","
	    "\"args\":{\"a\":2,\"b\":40},\"timeout_ms\":20000}", "42");
	end_well(&b, &g);
	gateway_remove(&g);
}

Test(private, decides_as_the_seeds_rules_promise, .timeout = 120)
{
	struct gateway	g;
	struct bridge	b;

	NEEDS_JAILS();
	files_write(&g, SEED_SERVERS_JSON, "true");
	start_at(&b, &g, "/etc", plain_env, NULL);
	cr_assert(bridge_initialize(&b));
	expect_code(&b, "researcher", "clock", "now", "", NULL);
	expect_code(&b, "researcher", "clock", "add", "DENIED_BY_POLICY", "default");
	expect_code(&b, "researcher", "notes", "list", "DENIED_BY_POLICY", "default");
	expect_code(&b, "team.backend", "notes", "drop_all", "DENIED_BY_POLICY",
	    "agents.team.backend.deny.tools.notes[0]");
	expect_code(&b, "team.backend", "notes", "no_such", "TOOL_NOT_FOUND", NULL);
	expect_code(&b, "team.backend", "clock", "now", "DENIED_BY_POLICY", "agents.team.backend.deny.tools.*[0]");
	expect_code(&b, "admin", "clock", "now", "", NULL);
	expect_code(&b, "admin", "remote", "anything", "DENIED_BY_POLICY", "agents.admin.deny.servers[0]");
	expect_code(&b, "default", "clock", "now", "DENIED_BY_POLICY", "agents.default.deny.servers[0]");
	expect_code(&b, "nobody-known", "clock", "now", "INVALID_AGENT_ID", NULL);
	expect_code(&b, "", "clock", "now", "INVALID_AGENT_ID", NULL);
	end_well(&b, &g);
	gateway_remove(&g);
}

Test(private, falls_back_to_an_agent_only_where_the_rules_allow_it, .timeout = 180)
{
	static char	fallback[] = "GATEWAY_DEFAULT_AGENT=researcher", wrong[] = "GATEWAY_DEFAULT_AGENT=ghost";
	static char	*const with[] = { level, fallback, NULL }, *const lost[] = { level, wrong, NULL };
	static const struct {
		const char	*deny;
		char		*const *env;
		bool		 has_default;
		const char	*code;
	} rows[] = {
		{ "true", with, true, "INVALID_AGENT_ID" },
		{ "false", with, true, "" },
		{ "false", lost, true, "FALLBACK_AGENT_NOT_IN_RULES" },
		{ "false", plain_env, true, "DENIED_BY_POLICY" },
		{ "false", plain_env, false, "NO_FALLBACK_CONFIGURED" },
	};
	struct gateway	g;
	struct bridge	b;

	NEEDS_JAILS();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		files_write(&g, SEED_SERVERS_JSON, rows[i].deny);
		if (!rows[i].has_default)
			gateway_write(&g, ".mcp-gateway-rules.json", "{\"agents\":{\"a\":{\"allow\":{\"servers\":[\"*\"]}}},"
			    "\"defaults\":{\"deny_on_missing_agent\":false}}");
		start_at(&b, &g, "/etc", rows[i].env, NULL);
		cr_assert(bridge_initialize(&b));
		expect_code(&b, "", "clock", "now", rows[i].code, NULL);
		end_well(&b, &g);
		gateway_remove(&g);
	}
}

Test(private, lists_its_status_when_debugged, .timeout = 60)
{
	static char	 debug[] = "--debug";
	static char	*const args[] = { debug, NULL };
	struct gateway	 g;
	struct bridge	 b;
	json_object	*o;
	char		 rules[320];

	files_write(&g, SEED_SERVERS_JSON, "false");
	start_at(&b, &g, "/etc", plain_env, args);
	cr_assert(bridge_initialize(&b));
	bridge_ask(&b, "1", "tools/list", NULL);
	o = bridge_hear(&b, HEAR_MS);
	cr_expect(strcmp(json_text_at(o, "result.tools[3].name"), "get_gateway_status") == 0, "%s",
	    json_object_to_json_string(o));
	json_object_put(o);
	o = call(&b, "get_gateway_status", "{\"agent_id\":\"researcher\"}");
	snprintf(rules, sizeof(rules), "%s/etc/.mcp-gateway-rules.json", g.dir);
	cr_expect(json_int_at(o, "result.structuredContent.policy_state.total_agents") == 4 &&
	    strcmp(json_text_at(o, "result.structuredContent.policy_state.agent_ids[3]"), "team.backend") == 0 &&
	    !json_object_get_boolean(json_at(o, "result.structuredContent.policy_state.defaults.deny_on_missing_agent")) &&
	    strcmp(json_text_at(o, "result.structuredContent.available_servers[0]"), "clock") == 0 &&
	    json_int_at(o, "result.structuredContent.reload_status.gateway_rules.attempt_count") == 1 &&
	    strcmp(json_text_at(o, "result.structuredContent.config_paths.gateway_rules"), rules) == 0, "%s",
	    json_object_to_json_string(o));
	json_object_put(o);
	end_well(&b, &g);
	gateway_remove(&g);
}

Test(private, finds_its_files_by_variables_and_in_order, .timeout = 120)
{
	static char	servers_env[400], rules_env[400], path[1200];
	static char	*const named[] = { level, servers_env, rules_env, NULL };
	struct gateway	g;
	struct bridge	b;

	NEEDS_JAILS();
	files_write(&g, SEED_SERVERS_JSON, "true");
	/* ./config, when nothing is in the folder itself and none at home. */
	snprintf(path, sizeof(path), "mkdir -p '%s/w/config' && cp '%s/etc/'.mcp*.json '%s/w/config'", g.dir, g.dir, g.dir);
	cr_assert(system(path) == 0);
	start_at(&b, &g, "/w", plain_env, NULL);
	cr_assert(bridge_initialize(&b));
	expect_code(&b, "researcher", "clock", "now", "", NULL);
	end_well(&b, &g);
	/* Named: from any folder, relative and below HOME. */
	snprintf(path, sizeof(path), "mkdir -p '%s/home' && cp '%s/etc/.mcp-gateway-rules.json' '%s/home/r.json' && "
	    "chmod 755 '%s/home'", g.dir, g.dir, g.dir, g.dir);
	cr_assert(system(path) == 0);
	snprintf(servers_env, sizeof(servers_env), "GATEWAY_MCP_CONFIG=../etc/.mcp.json");
	snprintf(rules_env, sizeof(rules_env), "GATEWAY_RULES=~/r.json");
	start_at(&b, &g, "/tools", named, NULL);
	cr_assert(bridge_initialize(&b));
	expect_code(&b, "researcher", "clock", "now", "", NULL);
	end_well(&b, &g);
	gateway_remove(&g);
}

Test(private, finds_commands_as_the_files_author_does, .timeout = 60)
{
	static char	path_env[400];
	static char	*const env[] = { path_env, NULL };
	struct gateway	g;
	struct bridge	b;

	NEEDS_JAILS();
	files_write(&g, "{\"mcpServers\":{\"clock\":{\"command\":\"mcpgw-demo-clock\"},"
	    "\"notes\":{\"command\":\"../tools/demo/mcpgw-demo-notes\"}}}", "true");
	snprintf(path_env, sizeof(path_env), "PATH=%s/tools/demo:/usr/bin:/bin", g.dir);
	start_at(&b, &g, "/etc", env, NULL);
	cr_assert(bridge_initialize(&b));
	expect_code(&b, "admin", "clock", "now", "", NULL);
	expect_code(&b, "admin", "notes", "list_notes", "", NULL);
	end_well(&b, &g);
	gateway_remove(&g);
}

Test(private, says_what_is_wrong_and_does_not_serve, .timeout = 120)
{
	static char	 no_file[] = "GATEWAY_RULES=/nonexistent/r.json", bad_transport[] = "GATEWAY_TRANSPORT=sse",
			 bad_port[] = "GATEWAY_HTTP_PORT=http", http[] = "GATEWAY_TRANSPORT=http",
			 outside[] = "GATEWAY_HTTP_HOST=0.0.0.0", debug[] = "GATEWAY_DEBUG=yes",
			 bad_agent[] = "GATEWAY_DEFAULT_AGENT=a b";
	static char	*const missing[] = { level, no_file, NULL }, *const transport[] = { level, bad_transport, NULL },
			*const port[] = { level, http, bad_port, NULL }, *const host[] = { level, http, outside, NULL },
			*const asked[] = { debug, NULL }, *const agent[] = { level, bad_agent, NULL };
	struct gateway	 g;

	files_write(&g, SEED_SERVERS_JSON, "true");
	expect_refusal(&g, "/etc", missing, EX_NOINPUT, "GATEWAY_RULES: /nonexistent/r.json: No such file");
	expect_refusal(&g, "/etc", transport, EX_CONFIG, "GATEWAY_TRANSPORT \"sse\": want stdio or http");
	expect_refusal(&g, "/etc", port, EX_CONFIG, "GATEWAY_HTTP_PORT \"http\"");
	expect_refusal(&g, "/etc", host, EX_CONFIG, "GATEWAY_HTTP_HOST \"0.0.0.0\"");
	expect_refusal(&g, "/etc", agent, EX_CONFIG, "GATEWAY_DEFAULT_AGENT \"a b\"");
	/* None of its files here, but a variable that means it. */
	expect_refusal(&g, "/tools", asked, EX_NOINPUT, "no .mcp.json in ., ~/.config/agent-mcp-gateway or ./config");
	/* A variable in the file that is not set. */
	expect_refusal(&g, "/etc", NULL, EX_CONFIG, "${NOTES_LEVEL} is not set");
	gateway_write(&g, ".mcp-gateway-rules.json", "{\"agents\":{\"a\":{\"deny\":{\"tools\":{\"clock\":[\"*a*b\"]}}}}}");
	expect_refusal(&g, "/etc", plain_env, EX_CONFIG, ".mcp-gateway-rules.json:1:");
	gateway_remove(&g);
}

Test(private, is_not_started_for_a_file_that_names_itself, .timeout = 30)
{
	struct gateway	g;

	files_write(&g, "{\"mcpServers\":{\"tools\":{\"command\":\"/usr/bin/mcpgw-stdio\"}}}", "true");
	expect_refusal(&g, "/etc", NULL, EX_UNAVAILABLE, "mcpgw is not running");
	expect_refusal(&g, "/tools", NULL, EX_UNAVAILABLE, "mcpgw is not running");
	gateway_remove(&g);
}

Test(private, leaves_nothing_when_it_is_killed, .timeout = 120)
{
	static const int	 signals[] = { SIGKILL, SIGTERM };
	struct procs		*procs = malloc(sizeof(*procs));
	struct gateway		 g;
	struct bridge		 b;

	NEEDS_JAILS();
	files_write(&g, SEED_SERVERS_JSON, "true");
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		start_at(&b, &g, "/etc", plain_env, NULL);
		cr_assert(bridge_initialize(&b));
		expect_code(&b, "researcher", "clock", "now", "", NULL);
		procs_below(b.pid, procs);
		cr_expect(procs_count(procs, "mcpgw") == 1 && procs_count(procs, "mcpgw-demo-clock") == 1);
		kill(b.pid, signals[i]);
		cr_expect(procs_wait_gone(procs, patience(&g, 15000)), "processes are left");
		cr_expect(wait_until(nothing_left, &g, 5000), "a folder is left");
		(void)bridge_end(&b, 5000);
		bridge_fini(&b);
	}
	free(procs);
	gateway_remove(&g);
}

Test(private, clears_away_what_a_killed_gateway_left, .timeout = 60)
{
	struct procs		*procs = malloc(sizeof(*procs));
	const struct proc	*master;
	struct gateway		 g;
	struct bridge		 b;
	char			*said;

	files_write(&g, SEED_SERVERS_JSON, "true");
	start_at(&b, &g, "/etc", plain_env, NULL);
	cr_assert(bridge_initialize(&b));
	procs_below(b.pid, procs);
	cr_assert((master = procs_find(procs, "mcpgw", 0)) != NULL);
	kill(master->pid, SIGKILL);
	(void)bridge_end(&b, patience(&g, 15000));
	said = bridge_stderr(&b);
	cr_expect(procs_wait_gone(procs, patience(&g, 5000)), "processes are left");
	cr_expect(nothing_left(&g), "a folder is left: %s", said);
	bridge_fini(&b);
	/* And no policy of before serves where the files are wrong now. */
	gateway_write(&g, ".mcp-gateway-rules.json", "{\"agents\":[]}");
	expect_refusal(&g, "/etc", plain_env, EX_CONFIG, ".mcp-gateway-rules.json:1:");
	free(said);
	free(procs);
	gateway_remove(&g);
}

Test(private, keeps_two_clients_apart_and_what_tools_keep, .timeout = 120)
{
	static const char	add[] = "{\"agent_id\":\"admin\",\"server\":\"notes\",\"tool\":\"add_note\",\"args\":{\"text\":\"sturdy\"}}";
	static const char	list[] = "{\"agent_id\":\"admin\",\"server\":\"notes\",\"tool\":\"list_notes\"}";
	struct gateway		g;
	struct bridge		one, two;
	json_object		*o;

	NEEDS_JAILS();
	files_write(&g, SEED_SERVERS_JSON, "true");
	start_at(&one, &g, "/etc", plain_env, NULL);
	cr_assert(bridge_initialize(&one));
	json_object_put(call(&one, "execute_tool", add));
	start_at(&two, &g, "/etc", plain_env, NULL);
	cr_assert(bridge_initialize(&two));
	cr_expect(count_in(&g, "rt", "mcpgw-private-") == 2);
	o = call(&two, "execute_tool", list);
	cr_expect(strstr(json_object_to_json_string(o), "sturdy") == NULL, "%s", json_object_to_json_string(o));
	json_object_put(o);
	(void)bridge_end(&two, patience(&g, 15000));
	bridge_fini(&two);
	expect_code(&one, "researcher", "clock", "now", "", NULL);
	end_well(&one, &g);
	start_at(&one, &g, "/etc", plain_env, NULL);
	cr_assert(bridge_initialize(&one));
	o = call(&one, "execute_tool", list);
	cr_expect(strstr(json_object_to_json_string(o), "sturdy") != NULL, "%s", json_object_to_json_string(o));
	json_object_put(o);
	end_well(&one, &g);
	gateway_remove(&g);
}

struct waiting {
	struct bridge	*b;
	const char	*code;
};

static bool
answers_so(void *arg)
{
	struct waiting	*w = arg;
	json_object	*o = call(w->b, "execute_tool", "{\"agent_id\":\"researcher\",\"server\":\"clock\",\"tool\":\"add\","
			    "\"args\":{\"a\":1,\"b\":2}}");
	bool		 so = strcmp(json_text_at(o, "result.structuredContent.error.code"), w->code) == 0;

	json_object_put(o);
	return so;
}

Test(private, takes_changed_files_and_keeps_the_old_ones_where_the_new_are_wrong, .timeout = 120)
{
	struct gateway	g;
	struct bridge	b;
	struct waiting	denied = { &b, "DENIED_BY_POLICY" }, allowed = { &b, "" };

	NEEDS_JAILS();
	files_write(&g, SEED_SERVERS_JSON, "true");
	start_at(&b, &g, "/etc", plain_env, NULL);
	cr_assert(bridge_initialize(&b));
	cr_expect(answers_so(&denied));
	gateway_write(&g, ".mcp-gateway-rules.json",
	    "{\"agents\":{\"researcher\":{\"allow\":{\"servers\":[\"clock\"],\"tools\":{\"clock\":[\"add\"]}}}}}");
	cr_expect(wait_until(answers_so, &allowed, patience(&g, 20000)), "the new rules are not in force");
	gateway_write(&g, ".mcp-gateway-rules.json", "{\"agents\":{\"researcher\":{\"allow\":[]}}}");
	sleep_ms(1000);
	cr_expect(answers_so(&allowed), "wrong rules are in force");
	gateway_write(&g, ".mcp.json", "{\"mcpServers\":{}}");
	gateway_write(&g, ".mcp-gateway-rules.json", "{\"agents\":{\"researcher\":{}}}");
	denied.code = "SERVER_UNAVAILABLE";
	cr_expect(wait_until(answers_so, &denied, patience(&g, 20000)), "the server is still there");
	end_well(&b, &g);
	gateway_remove(&g);
}

Test(private, serves_http_where_a_variable_says_so, .timeout = 60)
{
	static char	 http[] = "GATEWAY_TRANSPORT=http", port_env[64];
	static char	*const env[] = { level, http, port_env, NULL };
	unsigned	 port = 20000 + (unsigned)getpid() % 20000;
	struct gateway	 g;
	struct bridge	 b;
	struct mcp	 m;
	struct answer	 a;
	char		 address[64];

	files_write(&g, SEED_SERVERS_JSON, "true");
	snprintf(port_env, sizeof(port_env), "GATEWAY_PORT=%u", port);
	start_at(&b, &g, "/etc", env, NULL);
	snprintf(address, sizeof(address), "127.0.0.1:%u", port);
	for (int i = 0; i < 2000; i++) {
		struct client c;

		if (client_open(&c, address)) {
			client_close(&c);
			break;
		}
		sleep_ms(10);
	}
	mcp_init(&m, address, "/mcp", NULL);
	mcp_call(&m, "list_servers", "{\"agent_id\":\"researcher\"}", &a);
	cr_expect(strcmp(json_text_at(a.json, "result.structuredContent.result[0].name"), "clock") == 0, "%s", a.body);
	answer_fini(&a);
	mcp_fini(&m);
	kill(b.pid, SIGTERM);
	end_well(&b, &g);
	gateway_remove(&g);
}

Test(private, writes_sample_files_that_load, .timeout = 60)
{
	static char	 init[] = "--init";
	static char	*const args[] = { init, NULL };
	struct gateway	 g;
	struct bridge	 b;
	char		*said;

	gateway_make(&g);
	start_at(&b, &g, "/etc", NULL, args);
	cr_expect(bridge_end(&b, 10000) == 0);
	bridge_fini(&b);
	start_at(&b, &g, "/etc", NULL, args);
	cr_expect(bridge_end(&b, 10000) == EX_CANTCREAT, "files were replaced unasked");
	said = bridge_stderr(&b);
	cr_expect(strstr(said, "is there already") != NULL, "%s", said);
	free(said);
	bridge_fini(&b);
	/* Found in the third place, without a variable. */
	start_at(&b, &g, "/etc", NULL, NULL);
	cr_assert(bridge_initialize(&b));
	expect_code(&b, "researcher", "files", "write_file", "DENIED_BY_POLICY", "default");
	expect_code(&b, "backend", "files", "write_file", "DENIED_BY_POLICY", "agents.backend.deny.tools.files[0]");
	end_well(&b, &g);
	gateway_remove(&g);
}
