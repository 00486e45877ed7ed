/* SPDX-License-Identifier: Apache-2.0
 *
 * b5_private.c - mcpgw-stdio with a gateway of its own: seed 001's files, variables and answers as they are
 */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/integration/private.h"

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
	json_object	*o;

	NEEDS_JAILS();
	files_write(&g, "{\"mcpServers\":{\"clock\":{\"command\":\"mcpgw-demo-clock\"},"
	    "\"notes\":{\"command\":\"../tools/demo/mcpgw-demo-notes\"},"
	    "\"far\":{\"command\":\"npx\",\"args\":[\"-y\",\"@example/server\"]}}}", "true");
	snprintf(path_env, sizeof(path_env), "PATH=%s/tools/demo:/usr/bin:/bin", g.dir);
	start_at(&b, &g, "/etc", env, NULL);
	cr_assert(bridge_initialize(&b));
	expect_code(&b, "admin", "clock", "now", "", NULL);
	expect_code(&b, "admin", "notes", "list_notes", "", NULL);
	o = call(&b, "execute_tool", "{\"agent_id\":\"admin\",\"server\":\"far\",\"tool\":\"x\"}");
	cr_expect(strstr(json_text_at(o, "result.structuredContent.error.message"), "Have it fetched once: mcpgwctl import")
	    != NULL, "%s", json_object_to_json_string(o));
	json_object_put(o);
	o = call(&b, "get_server_tools", "{\"agent_id\":\"admin\",\"server\":\"far\"}");
	cr_expect(strstr(json_text_at(o, "result.structuredContent.error.message"), "mcpgwctl import") != NULL, "%s",
	    json_object_to_json_string(o));
	json_object_put(o);
	end_well(&b, &g);
	gateway_remove(&g);
}

/* The servers.json that import writes, with the seed's rules. */
Test(private, has_the_secrets_that_lie_beside_its_servers, .timeout = 60)
{
	static char	 servers_env[] = "GATEWAY_MCP_CONFIG=../etc/servers.json",
			 rules_env[] = "GATEWAY_RULES=../etc/.mcp-gateway-rules.json";
	static char	*const env[] = { servers_env, rules_env, NULL };
	struct gateway	g;
	struct bridge	b;
	char		path[400];
	FILE		*f;

	NEEDS_JAILS();
	files_write(&g, "{}", "true");
	gateway_write(&g, "servers.json", "{\"mcpServers\":{\"clock\":{\"command\":\"@TOOLS@/demo/mcpgw-demo-clock\","
	    "\"env\":{\"WORD\":\"${secret:WORD}\"}}}}");
	snprintf(path, sizeof(path), "%s/etc/secrets", g.dir);
	cr_assert(mkdir(path, 0700) == 0 || errno == EEXIST);
	cr_assert(chmod(path, 0700) == 0);
	snprintf(path, sizeof(path), "%s/etc/secrets/WORD", g.dir);
	cr_assert((f = fopen(path, "we")) != NULL && fputs("sesame", f) >= 0 && fclose(f) == 0 && chmod(path, 0600) == 0);
	snprintf(path, sizeof(path), "chown -R 65534:65534 '%s/etc/secrets'", g.dir);	/* as whom bridges run for root */
	cr_assert(geteuid() != 0 || system(path) == 0);
	snprintf(path, sizeof(path), "%s/etc/secrets/WORD", g.dir);
	start_at(&b, &g, "/tools", env, NULL);
	cr_assert(bridge_initialize(&b));
	expect_code(&b, "researcher", "clock", "now", "", NULL);
	end_well(&b, &g);
	/* Others could read it: it is as good as none. */
	cr_assert(chmod(path, 0644) == 0);
	expect_refusal(&g, "/tools", env, EX_CONFIG, "${secret:WORD}: no such secret");
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
