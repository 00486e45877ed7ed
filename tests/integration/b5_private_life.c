/* SPDX-License-Identifier: Apache-2.0
 *
 * b5_private_life.c - a client's own gateway from its start to its end: what stays and what does not
 */
#include <signal.h>
#include <unistd.h>

#include "tests/harness/program.h"
#include "tests/integration/private.h"

Test(private_life, leaves_nothing_when_it_is_killed, .timeout = 120)
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

Test(private_life, clears_away_what_a_killed_gateway_left, .timeout = 60)
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

Test(private_life, clears_away_what_both_left_when_both_were_killed, .timeout = 60)
{
	struct procs		*procs = malloc(sizeof(*procs));
	const struct proc	*master;
	struct gateway		 g;
	struct bridge		 b;
	char			 command[400];

	files_write(&g, SEED_SERVERS_JSON, "true");
	start_at(&b, &g, "/etc", plain_env, NULL);
	cr_assert(bridge_initialize(&b));
	procs_below(b.pid, procs);
	cr_assert((master = procs_find(procs, "mcpgw", 0)) != NULL);
	kill(master->pid, SIGSTOP);
	kill(b.pid, SIGKILL);
	kill(master->pid, SIGKILL);
	cr_expect(procs_wait_gone(procs, patience(&g, 5000)), "processes are left");
	(void)bridge_end(&b, 5000);
	bridge_fini(&b);
	cr_expect(count_in(&g, "rt", "mcpgw-private-") == 1);
	/* A new one is nobody's business but its maker's. */
	start_at(&b, &g, "/etc", plain_env, NULL);
	cr_assert(bridge_initialize(&b));
	cr_expect(count_in(&g, "rt", "mcpgw-private-") == 2);
	/* Nor is one in use, however old. */
	snprintf(command, sizeof(command), "touch -d '5 minutes ago' '%s'/rt/mcpgw-private-*", g.dir);
	cr_assert(system(command) == 0);
	expect_refusal(&g, "/etc", NULL, EX_CONFIG, "is not set");
	cr_expect(count_in(&g, "rt", "mcpgw-private-") == 1);
	end_well(&b, &g);
	free(procs);
	gateway_remove(&g);
}

Test(private_life, keeps_two_clients_apart_and_what_tools_keep, .timeout = 120)
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

Test(private_life, takes_changed_files_and_keeps_the_old_ones_where_the_new_are_wrong, .timeout = 120)
{
	struct gateway	g;
	struct bridge	b;
	json_object	*o;
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
	o = call(&b, "get_gateway_status", "{\"agent_id\":\"researcher\"}");
	cr_expect(strstr(json_text_at(o, "result.structuredContent.reload_status.gateway_rules.last_error"),
	    ".mcp-gateway-rules.json:1:") != NULL &&
	    json_at(o, "result.structuredContent.reload_status.mcp_config.last_error") == NULL &&
	    json_int_at(o, "result.structuredContent.reload_status.gateway_rules.attempt_count") == 3 &&
	    json_int_at(o, "result.structuredContent.reload_status.gateway_rules.success_count") == 2, "%s",
	    json_object_to_json_string(o));
	json_object_put(o);
	gateway_write(&g, ".mcp.json", "{\"mcpServers\":{}}");
	gateway_write(&g, ".mcp-gateway-rules.json", "{\"agents\":{\"researcher\":{}}}");
	denied.code = "SERVER_UNAVAILABLE";
	cr_expect(wait_until(answers_so, &denied, patience(&g, 20000)), "the server is still there");
	end_well(&b, &g);
	gateway_remove(&g);
}

/* Each line of the file, looked at: how many have this at "path". */
static size_t
lines_with(const char *path, const char *member, const char *value)
{
	FILE	*f = fopen(path, "r");
	char	 line[8192];
	size_t	 n = 0;

	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		json_object	*o = json_tokener_parse(line);

		cr_expect(o != NULL && json_at(o, "timestamp") != NULL &&
		    json_at(o, "operation") != NULL && json_at(o, "latency_ms") != NULL &&
		    json_at(o, "metadata.request_id") != NULL, "%s", line);
		n += strcmp(json_text_at(o, member), value) == 0;
		json_object_put(o);
	}
	if (f != NULL)
		fclose(f);
	return n;
}

struct audit_wait {
	const char	*path;
	size_t		 records;
};

static bool
audit_has(void *arg)
{
	struct audit_wait	*w = arg;

	return lines_with(w->path, "decision", "ALLOW") + lines_with(w->path, "decision", "DENY") +
	    lines_with(w->path, "decision", "ERROR") >= w->records;
}

Test(private_life, writes_the_seeds_audit_log_while_it_runs_and_at_its_end, .timeout = 120)
{
	static char		 audit_env[400], path[360];
	static char		*const env[] = { level, audit_env, NULL };
	struct audit_wait	 w = { path, 4 };
	struct gateway		 g;
	struct bridge		 b;

	NEEDS_JAILS();
	files_write(&g, SEED_SERVERS_JSON, "true");
	snprintf(path, sizeof(path), "%s/home/logs/audit.jsonl", g.dir);
	snprintf(audit_env, sizeof(audit_env), "GATEWAY_AUDIT_LOG=~/logs/audit.jsonl");
	start_at(&b, &g, "/etc", env, NULL);
	cr_assert(bridge_initialize(&b));
	json_object_put(call(&b, "list_servers", "{\"agent_id\":\"researcher\"}"));
	expect_code(&b, "researcher", "clock", "now", "", NULL);
	expect_code(&b, "researcher", "clock", "add", "DENIED_BY_POLICY", NULL);
	expect_code(&b, "researcher", "notes", "list", "DENIED_BY_POLICY", NULL);
	cr_expect(wait_until(audit_has, &w, patience(&g, 10000)), "not written while it runs");
	expect_code(&b, "ghost", "clock", "now", "INVALID_AGENT_ID", NULL);
	end_well(&b, &g);
	cr_expect(lines_with(path, "agent_id", "researcher") == 4);
	cr_expect(lines_with(path, "operation", "list_servers") == 1 && lines_with(path, "operation", "execute_tool") == 4);
	cr_expect(lines_with(path, "decision", "ALLOW") == 2 && lines_with(path, "decision", "DENY") == 3);
	cr_expect(lines_with(path, "metadata.tool", "now") == 1 && lines_with(path, "metadata.server", "clock") >= 2);
	/* What was there stays. */
	start_at(&b, &g, "/etc", env, NULL);
	cr_assert(bridge_initialize(&b));
	expect_code(&b, "researcher", "clock", "now", "", NULL);
	end_well(&b, &g);
	cr_expect(lines_with(path, "metadata.tool", "now") == 2);
	gateway_remove(&g);
}

Test(private_life, serves_http_where_a_variable_says_so, .timeout = 60)
{
	static char	 http[] = "GATEWAY_TRANSPORT=http", port_env[64];
	static char	*const env[] = { level, http, port_env, NULL };
	unsigned	 port = port_free();
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

Test(private_life, writes_sample_files_that_load, .timeout = 60)
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
