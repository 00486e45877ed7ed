/* SPDX-License-Identifier: Apache-2.0
 *
 * f1_clients.c - clients that lie, hide, leave and pretend: what each is told, what it leaves in the
 *                audit, and that nobody else notices
 */
#include "tests/integration/common.h"

#define VERSION	"MCP-Protocol-Version: " MODERN_VERSION "\r\n"
#define CALL	"Mcp-Method: tools/call\r\n"
#define NAME	"Mcp-Name: list_servers\r\n"
#define META	"\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"" MODERN_VERSION "\"," \
	"\"io.modelcontextprotocol/clientCapabilities\":{}}"
#define BODY	"{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"tools/call\",\"params\":{\"name\":\"list_servers\"," \
	"\"arguments\":{}," META "}}"

static const struct {
	const char	*what, *headers, *body;
	int		 status, code;		/* code 0: a result */
} rows[] = {
	{ "all is well", VERSION CALL NAME, BODY, 200, 0 },
	{ "a name in base64", VERSION CALL "Mcp-Name: =?base64?bGlzdF9zZXJ2ZXJz?=\r\n", BODY, 200, 0 },
	{ "no base64 in it", VERSION CALL "Mcp-Name: =?base64?!?=\r\n", BODY, 400, -32020 },
	{ "another name", VERSION CALL "Mcp-Name: execute_tool\r\n", BODY, 400, -32020 },
	{ "a name in other case", VERSION CALL "Mcp-Name: List_servers\r\n", BODY, 400, -32020 },
	{ "two names", VERSION CALL NAME NAME, BODY, 400, -32020 },
	{ "two methods", VERSION CALL CALL NAME, BODY, 400, -32020 },
	{ "two versions", VERSION VERSION CALL NAME, BODY, 400, -32020 },
	{ "another method", VERSION "Mcp-Method: tools/list\r\n" NAME, BODY, 400, -32020 },
	{ "no version", CALL NAME, BODY, 400, -32020 },
	{ "no method", VERSION NAME, BODY, 400, -32020 },
	{ "no name", VERSION CALL, BODY, 400, -32020 },
	{ "two names in the body", VERSION CALL NAME, "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"tools/call\",\"params\":{"
	    "\"name\":\"list_servers\",\"n\\u0061me\":\"execute_tool\"," META "}}", 400, -32600 },
	{ "a member in other case", VERSION CALL NAME, "{\"jsonrpc\":\"2.0\",\"id\":7,\"Method\":\"ping\","
	    "\"method\":\"tools/call\",\"params\":{\"name\":\"list_servers\"," META "}}", 400, -32600 },
	{ "one server and another", VERSION CALL "Mcp-Name: execute_tool\r\n", "{\"jsonrpc\":\"2.0\",\"id\":7,"
	    "\"method\":\"tools/call\",\"params\":{\"name\":\"execute_tool\",\"arguments\":{\"server\":\"clock\","
	    "\"server\":\"notes\",\"tool\":\"now\"}," META "}}", 200, -32602 },
	{ "a list of messages", "", "[" BODY "]", 400, -32600 },
	{ "an empty list", "", "[]", 400, -32600 },
	{ "a handshake of this revision", VERSION, "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"initialize\"}", 400, -32020 },
	{ "no such method", VERSION "Mcp-Method: a/b\r\n", "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"a/b\",\"params\":{"
	    META "}}", 404, -32601 },
	{ "compressed", VERSION CALL NAME "Content-Encoding: gzip\r\n", BODY, 415, -32600 },
	{ "another type", VERSION CALL NAME "Content-Type: multipart/form-data\r\n", BODY, 415, -32600 },
	{ "another agent by header", VERSION CALL NAME "Mcpgw-As: writer\r\n", BODY, 400, -32600 },
};

Test(clients, who_contradict_themselves_are_refused, .timeout = 30)
{
	struct gateway	g;
	struct mcp	m;
	struct answer	a;

	gateway_start(&g, &(struct gateway_setup){ .servers = DEMO_SERVERS, .rules = DEMO_RULES });
	mcp_init(&m, g.mcp, "/mcp/discovery", gateway_key(&g, "reader"));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		mcp_post(&m, rows[i].headers, rows[i].body, &a);
		EXPECT_STATUS(a, rows[i].status, "%s", rows[i].what);
		cr_expect(json_int_at(a.json, "error.code") == rows[i].code, "%s: %s", rows[i].what, a.body);
		answer_fini(&a);
	}
	mcp_fini(&m);
	gateway_stop(&g);
}

Test(clients, with_a_session_of_another_have_none, .timeout = 30)
{
	struct gateway	g;
	struct mcp	owner, thief;
	struct answer	a;

	gateway_start(&g, &(struct gateway_setup){ .servers = DEMO_SERVERS, .rules = DEMO_RULES });
	mcp_init(&owner, g.mcp, "/mcp", gateway_key(&g, "writer"));
	mcp_init(&thief, g.mcp, "/mcp", gateway_key(&g, "reader"));
	cr_assert(mcp_initialize(&owner) == 200);
	snprintf(thief.session, sizeof(thief.session), "%s", owner.session);
	mcp_ask(&thief, "ping", NULL, &a);
	EXPECT_STATUS(a, 404, "another principal");
	answer_fini(&a);
	snprintf(owner.path, sizeof(owner.path), "/servers/clock/mcp");
	mcp_ask(&owner, "ping", NULL, &a);
	EXPECT_STATUS(a, 404, "another path");
	answer_fini(&a);
	snprintf(owner.path, sizeof(owner.path), "/mcp");
	for (size_t i = 0; i < strlen(owner.session); i += 7) {
		char	kept = owner.session[i];

		owner.session[i] = kept == 'A' ? 'B' : 'A';
		mcp_ask(&owner, "ping", NULL, &a);
		EXPECT_STATUS(a, 404, "character %zu changed", i);
		answer_fini(&a);
		owner.session[i] = kept;
	}
	mcp_ask(&owner, "ping", NULL, &a);
	EXPECT_STATUS(a, 200, "its owner");
	answer_fini(&a);
	mcp_fini(&owner);
	mcp_fini(&thief);
	gateway_stop(&g);
}

Test(clients, led_here_by_a_name_of_their_own_get_nothing, .timeout = 30)
{
	static const char *const paths[] = { "/healthz", "/readyz", "/metrics" };
	static const char	 evil[] = "GET %s HTTP/1.1\r\nHost: evil.example\r\n\r\n";
	struct gateway		 g;
	struct client		 c;
	struct answer		 a;
	char			 text[128];

	gateway_start(&g, &(struct gateway_setup){ .workers = 1 });
	for (size_t i = 0; i < 3; i++) {
		client_once(g.admin, "GET", paths[i], "", NULL, &a);
		EXPECT_STATUS(a, 200, "%s", paths[i]);
		answer_fini(&a);
		client_once(g.admin, "GET", paths[i], "Origin: http://evil.example\r\n", NULL, &a);
		EXPECT_STATUS(a, 403, "%s for a page", paths[i]);
		answer_fini(&a);
		cr_assert(client_open(&c, g.admin));
		snprintf(text, sizeof(text), evil, paths[i]);
		client_send(&c, text, strlen(text));
		client_read(&c, 5000, &a);
		EXPECT_STATUS(a, 403, "%s by another name", paths[i]);
		answer_fini(&a);
		client_close(&c);
	}
	gateway_stop(&g);
}

/* The body with the request's number and one name made equal. */
static char *
same(const struct answer *a, const char *name)
{
	char	*text = strdup(a->body), *at;

	while ((at = strstr(text, name)) != NULL)
		memset(at, '?', strlen(name));
	for (at = text; (at = strstr(at, "r-0")) != NULL; at++)
		for (size_t i = 0; i < 14 && at[i] != '\0' && at[i] != '"' && at[i] != '\\'; i++)
			at[i] = '#';
	return text;
}

static void
expect_equal(struct mcp *m, const char *path, const char *tool, const char *args[2], const char *names[2])
{
	struct answer	 a[2];
	char		*texts[2], full[128];

	snprintf(m->path, sizeof(m->path), "%s", path);
	for (int i = 0; i < 2; i++) {
		m->next_id = 1;
		snprintf(full, sizeof(full), tool == NULL ? "%s" : "%s%s", tool == NULL ? names[i] : tool,
		    args == NULL ? names[i] : "");
		mcp_call(m, full, args == NULL ? "{}" : args[i], &a[i]);
		texts[i] = same(&a[i], names[i]);
	}
	cr_expect(a[0].status == a[1].status && strcmp(texts[0], texts[1]) == 0, "%s %s:\n%s\n%s", path, names[0],
	    texts[0], texts[1]);
	for (int i = 0; i < 2; i++) {
		free(texts[i]);
		answer_fini(&a[i]);
	}
}

Test(clients, cannot_tell_hidden_from_absent, .timeout = 30)
{
	static const char *tools[2] = { "drop_all", "drop_xyz" }, *servers[2] = { "notes", "notex" };
	static const char *exec_tool[2] = { "{\"server\":\"notes\",\"tool\":\"drop_all\"}",
		"{\"server\":\"notes\",\"tool\":\"drop_xyz\"}" };
	static const char *exec_server[2] = { "{\"server\":\"notes\",\"tool\":\"x\"}",
		"{\"server\":\"notex\",\"tool\":\"x\"}" };
	static const char *of_server[2] = { "{\"server\":\"notes\"}", "{\"server\":\"notex\"}" };
	struct gateway	g;
	struct mcp	m;
	struct answer	a;

	NEEDS_JAILS();
	gateway_start(&g, &(struct gateway_setup){ .servers = DEMO_SERVERS, .rules = DEMO_RULES,
	    .conf = "deny_detail = hide\n" });
	mcp_init(&m, g.mcp, "/mcp", gateway_key(&g, "writer"));
	expect_equal(&m, "/servers/notes/mcp", NULL, NULL, tools);
	expect_equal(&m, "/mcp/catalog", "notes__", NULL, tools);
	expect_equal(&m, "/mcp/discovery", "execute_tool", exec_tool, tools);
	mcp_fini(&m);
	mcp_init(&m, g.mcp, "/mcp", gateway_key(&g, "reader"));
	expect_equal(&m, "/mcp/discovery", "execute_tool", exec_server, servers);
	expect_equal(&m, "/mcp/discovery", "get_server_tools", of_server, servers);
	for (int i = 0; i < 2; i++) {
		snprintf(m.path, sizeof(m.path), "/servers/%s/mcp", servers[i]);
		mcp_ask_modern(&m, "tools/list", NULL, &a);
		EXPECT_STATUS(a, 404, "%s", servers[i]);
		answer_fini(&a);
	}
	mcp_fini(&m);
	gateway_stop(&g);
}

Test(clients, who_claim_an_agent_are_believed_only_where_that_is_configured, .timeout = 30)
{
	static const char *const confs[] = { "trust_agent_argument = no\n", "trust_agent_argument = yes\n" };

	NEEDS_JAILS();
	for (int trusted = 0; trusted < 2; trusted++) {
		struct gateway	 g;
		struct mcp	 m;
		struct answer	 a;
		json_object	*records;

		gateway_start(&g, &(struct gateway_setup){ .servers = DEMO_SERVERS, .rules = DEMO_RULES,
		    .conf = confs[trusted] });
		mcp_init(&m, g.mcp, "/mcp/discovery", gateway_key(&g, "reader"));
		mcp_call(&m, "execute_tool", "{\"agent_id\":\"writer\",\"server\":\"notes\",\"tool\":\"add_note\","
		    "\"args\":{\"text\":\"secret-word\"}}", &a);
		cr_expect((json_at(a.json, "result.isError") == NULL ||
		    !json_object_get_boolean(json_at(a.json, "result.isError"))) == (trusted == 1), "%s%s", confs[trusted],
		    a.body);
		answer_fini(&a);
		mcp_call(&m, "execute_tool", "{\"agent_id\":\"nobody\",\"server\":\"clock\",\"tool\":\"now\"}", &a);
		if (trusted)
			cr_expect(strcmp(json_text_at(a.json, "result.structuredContent.error.code"),
			    "INVALID_AGENT_ID") == 0, "%s", a.body);
		answer_fini(&a);
		records = gateway_audit(&g);
		cr_expect(json_object_array_length(records) == 2, "%s", json_object_to_json_string(records));
		cr_expect(audit_count(records, "outcome", "ok") == 1 && audit_count(records, "outcome", "refused") == 1,
		    "%s", json_object_to_json_string(records));
		cr_expect(strstr(json_object_to_json_string(records), "secret-word") == NULL);
		json_object_put(records);
		mcp_fini(&m);
		gateway_stop(&g);
	}
}

Test(clients, who_leave_at_any_moment_leave_records_and_nothing_else, .timeout = 60)
{
	static const char	*const kinds[] = { "big", "slow", "clock" };
	struct gateway		 g;
	struct procs		*procs = malloc(sizeof(*procs));
	struct mcp		 m, stay;
	struct answer		 a;
	struct client		 c;
	char			 head[1024], key[256];
	json_object		*records;
	size_t			 fds, left = 0;
	pid_t			 worker;

	NEEDS_JAILS();
	gateway_start(&g, &(struct gateway_setup){ .workers = 1, .servers = "{\"mcpServers\":{"
	    "\"clock\":{\"command\":\"@TOOLS@/demo/mcpgw-demo-clock\"},"
	    "\"slow\":{\"command\":\"@TOOLS@/tests/lying-server\",\"args\":[\"slow\",\"50\"],\"isolation\":\"tenant\"},"
	    "\"big\":{\"command\":\"@TOOLS@/tests/lying-server\",\"args\":[\"big\",\"3000000\"],\"isolation\":\"tenant\"}}}",
	    .rules = "{\"agents\":{\"a\":{\"allow\":{\"servers\":[\"*\"],\"tools\":{\"*\":[\"*\"]}}}}}" });
	snprintf(key, sizeof(key), "%s", gateway_key(&g, "a"));
	mcp_init(&stay, g.mcp, "/servers/big/mcp", key);
	mcp_call(&stay, "anything", "{}", &a);
	cr_expect(a.body_bytes > 3000000, "%zu bytes", a.body_bytes);
	int	pid = json_int_at(a.json, "result.structuredContent.pid");
	answer_fini(&a);
	gateway_procs(&g, procs);
	worker = procs_find(procs, "mcpgw-worker", 0)->pid;
	fds = proc_fd_count(worker);
	for (unsigned i = 0; i < 75; i++) {
		const char *tool = i % 3 == 2 ? "now" : "anything";

		snprintf(head, sizeof(head), "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"%s\","
		    "\"arguments\":{}," META "}}", tool);
		char	*request;

		cr_assert(asprintf(&request, "POST /servers/%s/mcp HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n"
		    "Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n" VERSION CALL
		    "Mcp-Name: %s\r\nContent-Length: %zu\r\n\r\n%s", kinds[i % 3], key, tool, strlen(head), head) > 0);
		cr_assert(client_open(&c, g.mcp));
		client_send(&c, request, strlen(request));
		sleep_ms((int)(i / 3) % 25);
		client_close(&c);
		free(request);
		left++;
	}
	mcp_call(&stay, "anything", "{}", &a);
	EXPECT_STATUS(a, 200, "who stays");
	cr_expect(json_int_at(a.json, "result.structuredContent.pid") == pid,
	    "the tool of all was ended for those who left");
	answer_fini(&a);
	mcp_init(&m, g.mcp, "/servers/clock/mcp", key);
	mcp_call(&m, "add", "{\"a\":1,\"b\":2}", &a);
	EXPECT_STATUS(a, 200, "another server");
	answer_fini(&a);
	mcp_fini(&m);
	mcp_fini(&stay);
	sleep_ms(patience(&g, 300));
	cr_expect(proc_fd_count(worker) <= fds, "%zu descriptors, before %zu", proc_fd_count(worker), fds);
	cr_expect(gateway_deaths(procs) == 0);
	free(procs);
	records = gateway_audit(&g);
	/* One who leaves before his request was read has left nothing; nobody leaves two. */
	cr_expect(json_object_array_length(records) <= left + 3 && json_object_array_length(records) > left / 2,
	    "%zu records", json_object_array_length(records));
	cr_expect(audit_count(records, "outcome", "ok") + audit_count(records, "outcome", "cancelled") ==
	    json_object_array_length(records), "%s", json_object_to_json_string(records));
	cr_expect(audit_count(records, "outcome", "cancelled") > 0);
	json_object_put(records);
	gateway_stop(&g);
}
