/* SPDX-License-Identifier: Apache-2.0
 *
 * b1_basics.c - who gets an answer, what health says, a first list and call of each era
 */
#include "tests/integration/common.h"

static const char *const mcp_paths[] = { "/mcp", "/mcp/discovery", "/mcp/catalog", "/servers/clock/mcp" };
#define MCP_PATHS (sizeof(mcp_paths) / sizeof(mcp_paths[0]))

#define JSON_HEADERS "Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n"
#define PING "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}"

Test(basics, no_credential_no_answer)
{
	struct gateway	g;
	struct answer	a;
	char		headers[512];
	const char	*key;

	gateway_start(&g, &(struct gateway_setup){ .servers = DEMO_SERVERS, .rules = DEMO_RULES });
	key = gateway_key(&g, "writer");
	for (size_t i = 0; i < MCP_PATHS; i++) {
		client_once(g.mcp, "POST", mcp_paths[i], JSON_HEADERS, PING, &a);
		EXPECT_STATUS(a, 401, "%s without a key", mcp_paths[i]);
		cr_expect(answer_header(&a, "WWW-Authenticate") != NULL);
		answer_fini(&a);
		client_once(g.mcp, "POST", mcp_paths[i], JSON_HEADERS "Authorization: Bearer mgk_00000000_x\r\n",
		    PING, &a);
		EXPECT_STATUS(a, 401, "%s with an unknown key", mcp_paths[i]);
		answer_fini(&a);
		snprintf(headers, sizeof(headers), JSON_HEADERS "Authorization: Bearer %s\r\n"
		    "Authorization: Bearer %s\r\n", key, key);
		client_once(g.mcp, "POST", mcp_paths[i], headers, PING, &a);
		EXPECT_STATUS(a, 400, "%s with two keys", mcp_paths[i]);
		answer_fini(&a);
		client_once(g.mcp, "GET", mcp_paths[i], "Accept: text/event-stream\r\n", NULL, &a);
		EXPECT_STATUS(a, 401, "GET %s", mcp_paths[i]);
		answer_fini(&a);
		client_once(g.mcp, "DELETE", mcp_paths[i], "", NULL, &a);
		EXPECT_STATUS(a, 401, "DELETE %s", mcp_paths[i]);
		answer_fini(&a);
	}
	gateway_stop(&g);
}

Test(basics, revoked_key_is_refused_at_once)
{
	struct gateway	g;
	struct answer	a;
	struct mcp	m;
	char		public_name[64];

	gateway_start(&g, &(struct gateway_setup){ .servers = DEMO_SERVERS, .rules = DEMO_RULES });
	mcp_init(&m, g.mcp, "/mcp", gateway_key(&g, "writer"));
	mcp_ask_modern(&m, "server/discover", NULL, &a);
	EXPECT_STATUS(a, 200, "before");
	answer_fini(&a);
	snprintf(public_name, sizeof(public_name), "%.12s", m.key);
	cr_expect(gateway_ctl(&g, NULL, true, "key", "revoke", public_name, NULL) == 0);
	mcp_ask_modern(&m, "server/discover", NULL, &a);
	EXPECT_STATUS(a, 401, "after");
	answer_fini(&a);
	mcp_fini(&m);
	gateway_stop(&g);
}

Test(basics, health_and_metrics_are_on_the_admin_address_alone)
{
	static const struct {
		const char	*path;
		int		 admin, mcp;
	} rows[] = {
		{ "/healthz", 200, 404 }, { "/readyz", 200, 404 }, { "/metrics", 200, 404 },
		{ "/mcp", 404, 401 }, { "/", 404, 404 }, { "/../healthz", 404, 404 },
	};
	struct gateway	g;
	struct answer	a;

	gateway_start(&g, &(struct gateway_setup){ 0 });
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		client_once(g.admin, "GET", rows[i].path, "", NULL, &a);
		cr_expect(a.status == rows[i].admin || (rows[i].admin == 404 && a.status == 400),
		    "admin %s: %d", rows[i].path, a.status);
		answer_fini(&a);
		client_once(g.mcp, "GET", rows[i].path, "", NULL, &a);
		cr_expect(a.status == rows[i].mcp || (rows[i].mcp == 404 && (a.status == 400 || a.status == 401)),
		    "mcp %s: %d", rows[i].path, a.status);
		answer_fini(&a);
	}
	client_once(g.admin, "GET", "/metrics", "", NULL, &a);
	cr_expect(a.body != NULL && strstr(a.body, "# TYPE mcpgw_requests_total counter\n") != NULL);
	answer_fini(&a);
	gateway_stop(&g);
}

Test(basics, host_and_origin_are_checked_on_every_route)
{
	static const struct {
		const char	*headers;	/* Host included */
		int		 status;	/* 0: any but 403 */
	} rows[] = {
		{ "Host: localhost\r\n", 0 },
		{ "Host: 127.0.0.1\r\n", 0 },
		{ "Host: evil.example\r\n", 403 },
		{ "Host: localhost.evil.example\r\n", 403 },
		{ "Host: localhost\r\nOrigin: https://evil.example\r\n", 403 },
		{ "Host: localhost\r\nOrigin: null\r\n", 403 },
		{ "Host: localhost\r\nOrigin: http://allowed.example\r\n", 0 },
		{ "Host: named.example\r\n", 0 },
	};
	static const char *const methods[] = { "GET", "POST", "DELETE", "OPTIONS" };
	struct gateway	g;
	struct answer	a;
	struct client	c;
	char		text[1024];

	gateway_start(&g, &(struct gateway_setup){
	    .conf = "allowed_hosts = named.example\nallowed_origins = http://allowed.example\n" });
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (size_t m = 0; m < 4; m++) {
			for (size_t p = 0; p < MCP_PATHS; p++) {
				cr_assert(client_open(&c, g.mcp));
				snprintf(text, sizeof(text), "%s %s HTTP/1.1\r\n%sContent-Length: 0\r\n\r\n",
				    methods[m], mcp_paths[p], rows[i].headers);
				client_send(&c, text, strlen(text));
				client_read(&c, 5000, &a);
				cr_expect(a.status != 0 && (a.status == 403) == (rows[i].status == 403),
				    "row %zu %s %s: %d", i, methods[m], mcp_paths[p], a.status);
				answer_fini(&a);
				client_close(&c);
			}
		}
	}
	gateway_stop(&g);
}

Test(basics, legacy_client_initializes_lists_calls_and_leaves)
{
	struct gateway	g;
	struct answer	a;
	struct mcp	m;
	json_object	*records;

	NEEDS_JAILS();
	gateway_start(&g, &(struct gateway_setup){ .servers = DEMO_SERVERS, .rules = DEMO_RULES });
	mcp_init(&m, g.mcp, "/mcp/catalog", gateway_key(&g, "writer"));
	cr_expect(mcp_initialize(&m) == 200);
	cr_expect(m.session[0] != '\0');
	mcp_ask(&m, "ping", NULL, &a);
	EXPECT_STATUS(a, 200, "ping");
	answer_fini(&a);
	mcp_ask(&m, "tools/list", NULL, &a);
	EXPECT_STATUS(a, 200, "tools/list");
	cr_expect(tools_have(&a, "clock__add") && tools_have(&a, "notes__add_note"), "%s", a.body);
	cr_expect(!tools_have(&a, "notes__drop_all"), "a denied tool is listed: %s", a.body);
	answer_fini(&a);

	mcp_call(&m, "clock__add", "{\"a\":19,\"b\":23}", &a);
	EXPECT_STATUS(a, 200, "call");
	cr_expect(strcmp(json_text_at(a.json, "result.content[0].text"), "42") == 0, "%s", a.body);
	answer_fini(&a);
	mcp_call(&m, "notes__drop_all", "{}", &a);
	EXPECT_STATUS(a, 200, "denied call");
	cr_expect(json_int_at(a.json, "error.code") == 403, "%s", a.body);
	cr_expect(strcmp(json_text_at(a.json, "error.data.rule"), "agents.writer.deny.tools.notes[0]") == 0, "%s",
	    a.body);
	answer_fini(&a);

	client_once(g.mcp, "POST", "/mcp", JSON_HEADERS, PING, &a);
	answer_fini(&a);
	records = gateway_audit(&g);
	cr_expect(audit_count(records, "object", "add") == 1);
	cr_expect(audit_count(records, "rule", "agents.writer.deny.tools.notes[0]") == 1);
	json_object_put(records);

	client_ask(&m.conn, "DELETE", m.path, "", NULL, &a);
	EXPECT_STATUS(a, 401, "DELETE without the key");
	answer_fini(&a);
	char headers[2048];
	snprintf(headers, sizeof(headers), "Authorization: Bearer %s\r\nMcp-Session-Id: %s\r\n", m.key, m.session);
	client_once(g.mcp, "DELETE", m.path, headers, NULL, &a);
	cr_expect(a.status >= 200 && a.status < 300, "DELETE: %d", a.status);
	answer_fini(&a);
	mcp_ask(&m, "ping", NULL, &a);
	EXPECT_STATUS(a, 404, "after DELETE");
	answer_fini(&a);
	mcp_fini(&m);
	gateway_stop(&g);
}

Test(basics, modern_client_discovers_lists_and_calls_through_four_urls)
{
	static const struct {
		const char	*path, *tool, *listed;
		const char	*arguments;
	} rows[] = {
		{ "/mcp/catalog", "clock__add", "clock__add", "{\"a\":19,\"b\":23}" },
		{ "/mcp", "clock__add", "clock__add", "{\"a\":19,\"b\":23}" },
		{ "/servers/clock/mcp", "add", "add", "{\"a\":19,\"b\":23}" },
		{ "/mcp/discovery", "execute_tool", "execute_tool",
		  "{\"server\":\"clock\",\"tool\":\"add\",\"args\":{\"a\":19,\"b\":23}}" },
	};
	struct gateway	g;
	struct answer	a;
	struct mcp	m;
	char		key[256];

	NEEDS_JAILS();
	gateway_start(&g, &(struct gateway_setup){ .servers = DEMO_SERVERS, .rules = DEMO_RULES });
	snprintf(key, sizeof(key), "%s", gateway_key(&g, "writer"));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		mcp_init(&m, g.mcp, rows[i].path, key);
		mcp_ask_modern(&m, "server/discover", NULL, &a);
		EXPECT_STATUS(a, 200, "%s server/discover", rows[i].path);
		cr_expect(json_at(a.json, "result.supportedVersions") != NULL, "%s", a.body);
		answer_fini(&a);
		mcp_ask_modern(&m, "tools/list", NULL, &a);
		EXPECT_STATUS(a, 200, "%s tools/list", rows[i].path);
		cr_expect(tools_have(&a, rows[i].listed), "%s: %s", rows[i].path, a.body);
		answer_fini(&a);
		mcp_call(&m, rows[i].tool, rows[i].arguments, &a);
		EXPECT_STATUS(a, 200, "%s tools/call", rows[i].path);
		cr_expect(strcmp(json_text_at(a.json, "result.content[0].text"), "42") == 0, "%s: %s",
		    rows[i].path, a.body);
		answer_fini(&a);
		mcp_fini(&m);
	}
	gateway_stop(&g);
}

Test(basics, the_socket_knows_its_peer_and_mcpgwctl_calls_through_it)
{
	struct gateway	g;
	char		*out;

	NEEDS_JAILS();
	gateway_start(&g, &(struct gateway_setup){ .servers = DEMO_SERVERS, .rules = DEMO_RULES });
	cr_expect(gateway_ctl(&g, &out, true, "list", "--as", "reader", NULL) == 0, "%s", out);
	cr_expect(strstr(out, "add") != NULL && strstr(out, "add_note") == NULL, "%s", out);
	free(out);
	cr_expect(gateway_ctl(&g, &out, true, "call", "clock", "add", "a=19", "b=23", "--as", "reader", NULL) == 0,
	    "%s", out);
	cr_expect(strstr(out, "42") != NULL, "%s", out);
	free(out);
	cr_expect(gateway_ctl(&g, &out, true, "call", "notes", "add_note", "text=x", "--as", "reader", NULL) != 0,
	    "%s", out);
	free(out);
	cr_expect(gateway_ctl(&g, &out, true, "status", NULL) == 0, "%s", out);
	free(out);
	gateway_stop(&g);
}

Test(basics, a_reload_changes_what_may_be_called_and_a_bad_one_does_not)
{
	struct gateway	g;
	struct answer	a;
	struct mcp	m;
	char		*out;

	gateway_start(&g, &(struct gateway_setup){ .servers = DEMO_SERVERS, .rules = DEMO_RULES });
	mcp_init(&m, g.mcp, "/servers/clock/mcp", gateway_key(&g, "reader"));
	mcp_call(&m, "sleep", "{}", &a);
	cr_expect(json_int_at(a.json, "error.code") == 403, "%s", a.body);
	answer_fini(&a);
	gateway_write(&g, "rules.json",
	    "{\"agents\":{\"reader\":{\"allow\":{\"servers\":[\"clock\"],\"tools\":{\"clock\":[\"*\"]}}}}}");
	cr_expect(gateway_ctl(&g, &out, true, "reload", NULL) == 0, "%s", out);
	free(out);
	mcp_call(&m, "sleep", "{}", &a);
	cr_expect(json_int_at(a.json, "error.code") != 403, "%s", a.body);
	answer_fini(&a);
	gateway_write(&g, "rules.json", "{\"agents\":{\"reader\":{\"allow\":");
	cr_expect(gateway_ctl(&g, &out, true, "reload", NULL) == 1, "%s", out);
	cr_expect(strstr(out, "rules.json:1:") != NULL, "no position: %s", out);
	free(out);
	mcp_call(&m, "sleep", "{}", &a);
	cr_expect(json_int_at(a.json, "error.code") != 403, "the old one stays in force: %s", a.body);
	answer_fini(&a);
	mcp_fini(&m);
	gateway_stop(&g);
}
