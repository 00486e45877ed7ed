/* SPDX-License-Identifier: Apache-2.0
 *
 * f1_operator.c - a careless operator: servers come, go and change, a key ends, rules turn round, all
 *                 while calls and lists are on their way
 */
#include "tests/integration/load.h"

#define RELOADS 15

static void
fill(char *servers, char *rules, size_t room, int i)
{
	/* Each time another environment: another profile, so calls on their way begin again. */
	snprintf(servers, room, "{\"mcpServers\":{"
	    "\"clock\":{\"command\":\"@TOOLS@/demo/mcpgw-demo-clock\",\"env\":{\"X\":\"%d\"}}%s%s}}", i,
	    i % 3 == 1 ? "" : ",\"slow\":{\"command\":\"@TOOLS@/tests/lying-server\",\"args\":[\"slow\",\"100\"]}",
	    i % 4 == 3 ? ",\"dumb\":{\"command\":\"@TOOLS@/tests/lying-server\",\"args\":[\"silent\"]}" : "");
	snprintf(rules, room, "{\"agents\":{\"door\":{\"allow\":{\"servers\":[]}},"
	    "\"me\":{\"allow\":{\"servers\":[\"*\"],\"tools\":{\"*\":[\"*\"]}},\"deny\":{\"tools\":{\"clock\":[%s]}}}}}",
	    i % 2 == 0 ? "\"sleep\"" : "\"now\",\"sleep\"");
}

/* Results and hidden refusals alike: never the word of a rule, never a lost connection. */
static void
ask_hidden(struct load *l, struct mcp *m, unsigned thread, unsigned round)
{
	struct answer	a;

	atomic_fetch_add(&l->sent, 1);
	snprintf(m->path, sizeof(m->path), "%s", thread == 0 ? "/mcp/catalog" : "/mcp/discovery");
	if (thread == 0)
		mcp_ask_modern(m, "tools/list", NULL, &a);
	else
		mcp_call(m, "execute_tool", round % 4 == 0 ?
		    "{\"agent_id\":\"me\",\"server\":\"slow\",\"tool\":\"anything\"}" :
		    "{\"agent_id\":\"me\",\"server\":\"clock\",\"tool\":\"now\"}", &a);
	if (a.status == 0)
		atomic_fetch_add(&l->reset, 1);
	else if (a.status != 200 || strstr(a.body, "DENIED_BY_POLICY") != NULL)
		atomic_fetch_add(&l->failed, 1);
	else
		atomic_fetch_add(&l->well, 1);
	answer_fini(&a);
}

Test(operator, turns_everything_round_and_no_client_sees_more_than_it_may, .timeout = 60)
{
	struct gateway	 g;
	struct load	 l = { .fn = ask_hidden };
	struct procs	*procs = malloc(sizeof(*procs));
	char		 servers[1024], rules[1024], *said;
	json_object	*records;

	NEEDS_JAILS();
	fill(servers, rules, sizeof(servers), 0);
	gateway_start(&g, &(struct gateway_setup){ .servers = servers, .rules = rules,
	    .conf = "deny_detail = hide\ntrust_agent_argument = yes\nlist_timeout = 2s\n" });
	gateway_procs(&g, procs);
	snprintf(l.address, sizeof(l.address), "%s", g.mcp);
	snprintf(l.key, sizeof(l.key), "%s", gateway_key(&g, "door"));
	load_start(&l);
	for (int i = 1; i <= RELOADS; i++) {
		char	*out;
		int	 r;

		fill(servers, rules, sizeof(servers), i);
		gateway_write(&g, "servers.json", servers);
		gateway_write(&g, "rules.json", rules);
		r = gateway_ctl(&g, &out, true, "reload", NULL);
		cr_expect(r == 0, "reload %d: exit %d: %s", i, r, out);
		free(out);
		sleep_ms(60);
	}
	load_end(&l);
	cr_log_info("%u sent, %u well, %u reset, %u failed", l.sent, l.well, l.reset, l.failed);
	cr_expect(l.reset == 0 && l.failed == 0, "%u reset, %u failed of %u", l.reset, l.failed, l.sent);
	cr_expect(l.well > RELOADS, "%u", l.well);
	cr_expect(gateway_deaths(procs) == 0);
	cr_expect(gateway_ctl(&g, &said, true, "audit", "verify", NULL) == 0);
	cr_expect(strstr(said, "records, chain whole, head ") != NULL, "%s", said);
	free(said);
	records = gateway_audit(&g);
	for (size_t i = 0; i < json_object_array_length(records); i++) {
		const char *outcome = json_text_at(json_object_array_get_idx(records, i), "outcome");

		cr_expect(outcome[0] != '\0', "%s", json_object_to_json_string(json_object_array_get_idx(records, i)));
	}
	json_object_put(records);
	free(procs);
	gateway_stop(&g);
}

/* A call whose answer is read later. */
static void
send_call(struct client *c, const char *path, const char *key, const char *name, const char *arguments)
{
	char	*request, body[512];

	snprintf(body, sizeof(body), "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"%s\","
	    "\"arguments\":%s,\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"" MODERN_VERSION "\","
	    "\"io.modelcontextprotocol/clientCapabilities\":{}}}}", name, arguments);
	cr_assert(asprintf(&request, "POST %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n"
	    "Content-Type: application/json\r\nAccept: application/json\r\nMCP-Protocol-Version: " MODERN_VERSION "\r\n"
	    "Mcp-Method: tools/call\r\nMcp-Name: %s\r\nContent-Length: %zu\r\n\r\n%s", path, key, name, strlen(body),
	    body) > 0);
	client_send(c, request, strlen(request));
	free(request);
}

Test(operator, ends_a_key_between_two_requests_not_within_one, .timeout = 30)
{
	struct gateway	 g;
	struct client	 c;
	struct mcp	 m;
	struct answer	 a;
	char		 key[256], id[16];

	NEEDS_JAILS();
	gateway_start(&g, &(struct gateway_setup){ .servers = DEMO_SERVERS, .rules = DEMO_RULES });
	snprintf(key, sizeof(key), "%s", gateway_key(&g, "writer"));
	snprintf(id, sizeof(id), "%.12s", key);
	mcp_init(&m, g.mcp, "/servers/clock/mcp", key);
	mcp_call(&m, "now", "{}", &a);
	EXPECT_STATUS(a, 200, "before");
	answer_fini(&a);
	cr_assert(client_open(&c, g.mcp));
	send_call(&c, "/servers/clock/mcp", key, "sleep", "{\"ms\":1000}");
	sleep_ms(200);
	cr_expect(gateway_ctl(&g, NULL, false, "key", "revoke", id, NULL) == 0);
	mcp_call(&m, "now", "{}", &a);
	EXPECT_STATUS(a, 401, "after, on an open connection");
	answer_fini(&a);
	client_read(&c, 5000, &a);
	EXPECT_STATUS(a, 200, "the call on its way");
	answer_fini(&a);
	client_close(&c);
	mcp_fini(&m);
	gateway_stop(&g);
}

Test(operator, reads_what_a_broken_server_wrote_and_when_it_is_tried_again, .timeout = 30)
{
	struct gateway	 g;
	char		*said;

	NEEDS_JAILS();
	gateway_start(&g, &(struct gateway_setup){ .servers = "{\"mcpServers\":{"
	    "\"weak\":{\"command\":\"@TOOLS@/tests/lying-server\",\"args\":[\"dies-at-once\"]},"
	    "\"idle\":{\"command\":\"@TOOLS@/tests/lying-server\",\"args\":[\"ok\"]}}}",
	    .rules = "{\"agents\":{\"me\":{\"allow\":{\"servers\":[\"*\"],\"tools\":{\"*\":[\"*\"]}}}}}" });
	cr_expect(gateway_ctl(&g, &said, true, "logs", "weak", NULL) == 65, "%s", said);
	cr_expect(strstr(said, "has run since the gateway started") != NULL, "%s", said);
	free(said);
	cr_expect(gateway_ctl(&g, NULL, true, "call", "weak", "anything", "--as", "me", NULL) != 0);
	cr_expect(gateway_ctl(&g, &said, true, "logs", "weak", NULL) == 0, "%s", said);
	cr_expect(strstr(said, " start 1  pid ") != NULL && strstr(said, " stderr   no reason to live\n") != NULL &&
	    strstr(said, " exit 1   after ") != NULL && strstr(said, "; next try in 1.0 s\n") != NULL, "%s", said);
	free(said);
	cr_expect(gateway_ctl(&g, &said, true, "logs", "weak", "-n", "1", "--json", NULL) == 0, "%s", said);
	cr_expect(strstr(said, "\"kind\":\"exit\"") != NULL && strchr(said, '\n') == strrchr(said, '\n'), "%s", said);
	free(said);
	cr_expect(gateway_ctl(&g, &said, true, "logs", "idle", NULL) == 65, "%s", said);
	free(said);
	gateway_stop(&g);
}

Test(operator, asks_why_one_request_was_denied, .timeout = 30)
{
	struct gateway	 g;
	struct mcp	 m;
	struct answer	 a;
	char		 id[64], other[64], name[400], *said;
	json_object	*record;

	NEEDS_JAILS();
	gateway_start(&g, &(struct gateway_setup){ .servers = DEMO_SERVERS, .rules = DEMO_RULES });
	mcp_init(&m, g.mcp, "/servers/notes/mcp", gateway_key(&g, "writer"));
	mcp_call(&m, "drop_all", "{}", &a);
	snprintf(id, sizeof(id), "%s", json_text_at(a.json, "error.data.request_id"));
	answer_fini(&a);
	mcp_fini(&m);
	cr_assert(strncmp(id, "r-", 2) == 0, "%s", id);
	cr_expect(gateway_ctl(&g, &said, true, "explain", id, NULL) == 0, "%s", said);
	cr_expect(strstr(said, "writer@default (key ") != NULL && strstr(said, ")  ->  notes.drop_all   DENIED, ") != NULL &&
	    strstr(said, "  decided  rules.json:1  agents.writer.deny.tools.notes[0] "
	    "\"drop_all\"  explicit deny\n") != NULL && strstr(said, "): still denied.\n")
	    != NULL && strstr(said, "  beaten   rules.json:1  agents.writer.allow.tools.notes[0] \"*\"  wildcard allow\n")
	    != NULL && strstr(said, "  mcpgwctl rule allow writer notes drop_all     (takes its deny away)\n") != NULL, "%s",
	    said);
	free(said);
	/* A name that the record cuts is no name to decide about. */
	mcp_init(&m, g.mcp, "/servers/notes/mcp", gateway_key(&g, "writer"));
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	mcp_call(&m, name, "{}", &a);
	answer_fini(&a);
	mcp_fini(&m);
	/* It is recorded in a moment. */
	for (int i = 0; gateway_ctl(&g, &said, true, "--json", "audit", "tail", "-n", "1", NULL) == 0 &&
	    strstr(said, "nnnn") == NULL && i < 50; i++) {
		free(said);
		sleep_ms(100);
	}
	record = json_tokener_parse(said);
	snprintf(other, sizeof(other), "%s", json_text_at(record, "request_id"));
	json_object_put(record);
	free(said);
	cr_expect(gateway_ctl(&g, &said, true, "explain", other, NULL) == 0, "%s", said);
	cr_expect(strstr(said, "->  notes.nnnn") != NULL && strstr(said, "A name in it is cut") != NULL &&
	    strstr(said, "Now (") == NULL, "%s", said);
	free(said);
	gateway_write(&g, "rules.json", "{\"agents\":{\"writer\":{\"allow\":{\"servers\":[\"notes\"],"
	    "\"tools\":{\"notes\":[\"*\"]}}}}}");
	cr_expect(gateway_ctl(&g, NULL, true, "reload", NULL) == 0);
	cr_expect(gateway_ctl(&g, &said, true, "explain", id, NULL) == 0, "%s", said);
	cr_expect(strstr(said, "): allowed  rules.json:1  ") != NULL && strstr(said, "To allow") == NULL, "%s", said);
	free(said);
	cr_expect(gateway_ctl(&g, &said, true, "--json", "explain", id, NULL) == 0, "%s", said);
	cr_expect(strstr(said, id) != NULL && strstr(said, "\"decision\":\"deny\"") != NULL, "%s", said);
	free(said);
	/* Not the last one, which counts. */
	id[strlen(id) - 5] = id[strlen(id) - 5] == '0' ? '1' : '0';
	cr_expect(gateway_ctl(&g, &said, true, "explain", id, NULL) == 65, "%s", said);
	cr_expect(strstr(said, "no such request") != NULL, "%s", said);
	free(said);
	gateway_stop(&g);
}

Test(operator, restarts_a_server_without_cutting_a_call, .timeout = 30)
{
	struct gateway	 g;
	struct client	 c;
	struct mcp	 m;
	struct answer	 a;
	char		*said;

	NEEDS_JAILS();
	gateway_start(&g, &(struct gateway_setup){ .servers = "{\"mcpServers\":{"
	    "\"weak\":{\"command\":\"@TOOLS@/tests/lying-server\",\"args\":[\"dies-at-once\"]},"
	    "\"slow\":{\"command\":\"@TOOLS@/tests/lying-server\",\"args\":[\"slow\",\"1500\"],\"isolation\":\"tenant\"}}}",
	    .tools = "tools: [{name: nap, command: \"@TOOLS@/tests/native-tool\", args: [sleep, \"1500\"]}]\n",
	    .rules = "{\"agents\":{\"me\":{\"allow\":{\"servers\":[\"*\"],\"tools\":{\"*\":[\"*\"]}}}}}" });
	cr_expect(gateway_ctl(&g, NULL, true, "call", "weak", "anything", "--as", "me", NULL) != 0);
	cr_expect(gateway_ctl(&g, &said, true, "server", "restart", "weak", NULL) == 0, "%s", said);
	cr_expect(strstr(said, "weak: no tool of it ran; its failures are forgotten") != NULL, "%s", said);
	free(said);
	cr_expect(gateway_ctl(&g, &said, true, "status", "weak", NULL) == 0 && strstr(said, "weak: idle") != NULL, "%s",
	    said);
	free(said);
	mcp_init(&m, g.mcp, "/servers/slow/mcp", gateway_key(&g, "me"));
	mcp_call(&m, "anything", "{}", &a);
	cr_expect(strstr(a.body, "\"result\"") != NULL, "%s", a.body);
	answer_fini(&a);
	cr_expect(gateway_ctl(&g, &said, true, "server", "restart", "slow", NULL) == 0, "%s", said);
	cr_expect(strstr(said, "slow: 1 stopped, 0 finish") != NULL, "%s", said);
	free(said);
	cr_assert(client_open(&c, g.mcp));
	send_call(&c, "/servers/slow/mcp", m.key, "anything", "{}");
	sleep_ms(400);
	cr_expect(gateway_ctl(&g, &said, true, "server", "restart", "slow", NULL) == 0, "%s", said);
	cr_expect(strstr(said, "slow: 0 stopped, 1 finish") != NULL, "%s", said);
	free(said);
	client_read(&c, 8000, &a);
	EXPECT_STATUS(a, 200, "the call on its way");
	cr_expect(strstr(a.body, "\"result\"") != NULL, "%s", a.body);
	answer_fini(&a);
	client_close(&c);
	mcp_call(&m, "anything", "{}", &a);
	cr_expect(strstr(a.body, "\"result\"") != NULL, "%s", a.body);
	answer_fini(&a);
	/* A program finishes as well. */
	cr_assert(client_open(&c, g.mcp));
	send_call(&c, "/servers/native/mcp", m.key, "nap", "{}");
	sleep_ms(400);
	cr_expect(gateway_ctl(&g, &said, true, "server", "restart", "native", NULL) == 0, "%s", said);
	cr_expect(strstr(said, "native: 0 stopped, 1 finish") != NULL, "%s", said);
	free(said);
	client_read(&c, 8000, &a);
	cr_expect(strstr(a.body, "slept") != NULL, "%s", a.body);
	answer_fini(&a);
	client_close(&c);
	cr_expect(gateway_ctl(&g, &said, true, "logs", "slow", NULL) == 0, "%s", said);
	cr_expect(strstr(said, " exit ") != NULL, "%s", said);
	free(said);
	mcp_fini(&m);
	gateway_stop(&g);
}
