/* SPDX-License-Identifier: Apache-2.0
 *
 * b3_params.c - Mcp-Param-*: a modern client's must say what its arguments say, and a modern HTTP server
 *               gets those that its tool asks for, whoever the client is
 */
#include "tests/harness/lying.h"
#include "tests/integration/common.h"

#define RULES "{\"agents\":{\"all\":{\"allow\":{\"servers\":[\"*\"],\"tools\":{\"*\":[\"*\"]}},"	\
	"\"deny\":{\"tools\":{\"denied\":[\"*\"]}}}}}"

/* --- the gateway as a server -------------------------------------------------------------------- */

#define STDIO(name)	"\"" name "\":{\"command\":\"@TOOLS@/tests/listing-server\",\"args\":[\"params\"]}"
#define SERVERS		"{\"mcpServers\":{" STDIO("s") "," STDIO("denied") "}}"

static const struct {
	const char	*headers, *arguments;
	int		 code;		/* 0: called; else the error's, with HTTP 400 for -32020 */
	int		 local;		/* over the unix socket */
} rows[] = {
	{ "", "{}", 0, 0 },
	{ "", "{\"free\":\"x\"}", 0, 0 },
	{ "", "{\"region\":\"eu\"}", -32020, 0 },
	{ "Mcp-Param-Region: eu\r\n", "{\"region\":\"eu\"}", 0, 0 },
	{ "mcp-param-REGION:  eu \r\n", "{\"region\":\"eu\"}", 0, 0 },
	{ "Mcp-Param-Region: us\r\n", "{\"region\":\"eu\"}", -32020, -32020 },
	{ "Mcp-Param-Region: EU\r\n", "{\"region\":\"eu\"}", -32020, -32020 },
	{ "Mcp-Param-Region: eu\r\nMcp-Param-Region: eu\r\n", "{\"region\":\"eu\"}", -32020, -32020 },
	{ "Mcp-Param-Region: eu\r\nmcp-param-region: us\r\n", "{\"region\":\"eu\"}", -32020, -32020 },
	{ "Mcp-Param-Region: =?base64?ZXU=?=\r\n", "{\"region\":\"eu\"}", 0, 0 },
	{ "Mcp-Param-Region: =?base64?ZXU?=\r\n", "{\"region\":\"eu\"}", -32020, -32020 },
	{ "Mcp-Param-Region: =?base64?SGVsbG8sIOS4lueVjA==?=\r\n", "{\"region\":\"Hello, \xe4\xb8\x96\\u754c\"}", 0, 0 },
	{ "Mcp-Param-Region: \r\n", "{\"region\":\"\"}", 0, 0 },
	/* absent, null, and not there: what came is ignored */
	{ "Mcp-Param-Region: eu\r\n", "{}", 0, 0 },
	{ "Mcp-Param-Region: eu\r\n", "{\"region\":null}", 0, 0 },
	{ "", "{\"region\":null,\"in\":{\"deep\":null},\"count\":null}", 0, 0 },
	{ "Mcp-Param-Free: y\r\nMcp-Param-Other: z\r\n", "{\"free\":\"x\"}", 0, 0 },
	/* numbers and booleans, on a path */
	{ "Mcp-Param-Count: 42\r\nMcp-Param-Deep: true\r\n", "{\"count\":42.0,\"in\":{\"deep\":true}}", 0, 0 },
	{ "Mcp-Param-Count: 42.0\r\n", "{\"count\":42,\"deep\":true}", 0, 0 },
	{ "Mcp-Param-Count: 42\r\n", "{\"count\":42,\"in\":{\"deep\":false}}", -32020, 0 },
	{ "Mcp-Param-Count: 42\r\nMcp-Param-Deep: true\r\n", "{\"count\":42,\"in\":{\"deep\":false}}", -32020, -32020 },
	{ "Mcp-Param-Count: 4e1\r\n", "{\"count\":40}", -32020, -32020 },
	{ "Mcp-Param-Count: 9007199254740992\r\n", "{\"count\":9007199254740992}", -32020, -32020 },
	{ "", "{\"count\":{}}", -32020, 0 },
	/* one key, two values */
	{ "Mcp-Param-Region: eu\r\n", "{\"region\":\"eu\",\"region\":\"us\"}", -32602, -32602 },
};

static void
check_rows(struct mcp *m, const char *tool, bool local)
{
	struct answer	a;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int	code = local ? rows[i].local : rows[i].code;

		m->more = rows[i].headers;
		m->next_id = 700 + (int)i;
		mcp_call(m, tool, rows[i].arguments, &a);
		EXPECT_STATUS(a, code == -32020 ? 400 : 200, "%s row %zu", tool, i);
		cr_expect(json_int_at(a.json, "error.code") == code, "%s row %zu: %s", tool, i, a.body);
		cr_expect(json_int_at(a.json, "id") == 700 + (int)i, "%s row %zu: %s", tool, i, a.body);
		if (code == 0)
			cr_expect_str_eq(json_text_at(a.json, "result.content[0].text"), "where");
		answer_fini(&a);
	}
	m->more = NULL;
}

Test(params, of_a_modern_client_say_what_its_arguments_say, .timeout = 60)
{
	struct gateway	 g;
	struct mcp	 m;
	struct answer	 a;
	json_object	*records;
	char		 key[256], *log;

	NEEDS_JAILS();
	gateway_start(&g, &(struct gateway_setup){ .servers = SERVERS, .rules = RULES });
	snprintf(key, sizeof(key), "%s", gateway_key(&g, "all"));
	mcp_init(&m, g.mcp, "/servers/s/mcp", key);
	mcp_ask_modern(&m, "tools/list", NULL, &a);
	cr_expect(tools_have(&a, "where") && !tools_have(&a, "score") && !tools_have(&a, "twice"), "%s", a.body);
	answer_fini(&a);
	check_rows(&m, "where", false);
	mcp_call(&m, "where", "{\"region\":\"eu\"}", &a);
	cr_expect(strstr(json_text_at(a.json, "error.message"), "Mcp-Param-Region") != NULL, "%s", a.body);
	answer_fini(&a);
	m.more = "Mcp-Param-Region: us\r\n";
	mcp_call(&m, "plain", "{\"region\":\"eu\"}", &a);
	EXPECT_STATUS(a, 200, "a tool that asks for none");
	answer_fini(&a);
	mcp_fini(&m);
	records = gateway_audit(&g);
	cr_expect(audit_count(records, "error", "HEADER_MISMATCH") > 5, "%s", json_object_to_json_string(records));
	json_object_put(records);

	mcp_init(&m, g.mcp, "/mcp/catalog", key);
	check_rows(&m, "s__where", false);
	/* Policy comes first: whether headers are right is nothing to tell. */
	mcp_call(&m, "denied__where", "{\"region\":\"eu\"}", &a);
	EXPECT_STATUS(a, 200, "denied");
	cr_expect(json_int_at(a.json, "error.code") == 403, "%s", a.body);
	answer_fini(&a);
	mcp_fini(&m);
	mcp_init(&m, g.local, "/servers/s/mcp", key);
	check_rows(&m, "where", true);
	mcp_fini(&m);

	mcp_init(&m, g.mcp, "/servers/s/mcp", key);
	cr_assert(mcp_initialize(&m) == 200);
	mcp_call(&m, "where", "{\"region\":\"eu\"}", &a);
	EXPECT_STATUS(a, 200, "an older client");
	cr_expect_str_eq(json_text_at(a.json, "result.content[0].text"), "where");
	answer_fini(&a);
	mcp_fini(&m);
	mcp_init(&m, g.mcp, "/mcp/discovery", key);
	mcp_call(&m, "execute_tool", "{\"server\":\"s\",\"tool\":\"where\",\"args\":{\"region\":\"eu\"}}", &a);
	EXPECT_STATUS(a, 200, "execute_tool");
	cr_expect(strstr(a.body, "where") != NULL && json_at(a.json, "error") == NULL, "%s", a.body);
	answer_fini(&a);
	mcp_fini(&m);
	log = gateway_log(&g);
	cr_expect(strstr(log, "2 tools are left out: x-mcp-header against its rules") != NULL, "%s", log);
	free(log);
	gateway_stop(&g);
}

/* --- the gateway as a client -------------------------------------------------------------------- */

static void
server_start(struct lying *l, const char *word, char *servers, size_t room)
{
	char	words[64];

	snprintf(words, sizeof(words), "modern params %s", word);
	lying_start(l, words);
	snprintf(servers, room, "{\"mcpServers\":{\"h\":{\"url\":\"http://127.0.0.1:%u/mcp\"}}}", l->port);
}

static const struct {
	const char	*headers, *arguments, *seen;
} sent[] = {
	{ "", "{}", "" },
	{ "Mcp-Param-Region: eu\r\n", "{\"region\":\"eu\"}", "Mcp-Param-Region: eu\n" },
	{ "Mcp-Param-Region: =?base64?ZXU=?=\r\nMcp-Param-Other: x\r\n", "{\"region\":\"eu\"}",
	    "Mcp-Param-Region: eu\n" },
	{ "Mcp-Param-Region: eu\r\n", "{\"region\":null}", "" },
	{ "Mcp-Param-Region: =?base64?IHBhZGRlZCA=?=\r\n", "{\"region\":\" padded \"}",
	    "Mcp-Param-Region: =?base64?IHBhZGRlZCA=?=\n" },
	{ "Mcp-Param-Region: =?base64?w6kKCQ==?=\r\n", "{\"region\":\"\\u00e9\\n\\t\"}",
	    "Mcp-Param-Region: =?base64?w6kKCQ==?=\n" },
	{ "Mcp-Param-Region: \r\n", "{\"region\":\"\"}", "Mcp-Param-Region: =?base64?" "?=\n" },
	{ "Mcp-Param-Count: 42.0\r\nMcp-Param-Deep: false\r\n", "{\"in\":{\"deep\":false},\"count\":4.2e1}",
	    "Mcp-Param-Count: 42\nMcp-Param-Deep: false\n" },
};

Test(params, of_a_modern_http_server_are_made_from_the_arguments, .timeout = 60)
{
	struct gateway	 g;
	struct mcp	 m;
	struct answer	 a;
	char		 servers[128], key[256], *long_one;
	struct lying	 l;

	server_start(&l, "sse", servers, sizeof(servers));

	gateway_start(&g, &(struct gateway_setup){ .servers = servers, .rules = RULES });
	snprintf(key, sizeof(key), "%s", gateway_key(&g, "all"));
	for (int legacy = 0; legacy < 2; legacy++) {
		mcp_init(&m, g.mcp, "/mcp/catalog", key);
		cr_assert(!legacy || mcp_initialize(&m) == 200);
		for (size_t i = 0; i < sizeof(sent) / sizeof(sent[0]); i++) {
			m.more = legacy ? NULL : sent[i].headers;
			mcp_call(&m, "h__where", sent[i].arguments, &a);
			EXPECT_STATUS(a, 200, "row %zu", i);
			cr_expect_str_eq(json_text_at(a.json, "result.content[0].text"), sent[i].seen,
			    "row %zu: %s", i, a.body);
			answer_fini(&a);
		}
		mcp_fini(&m);
	}
	mcp_init(&m, g.mcp, "/mcp/discovery", key);
	mcp_call(&m, "execute_tool", "{\"server\":\"h\",\"tool\":\"where\","
	    "\"args\":{\"region\":\"eu\",\"count\":{}}}", &a);
	cr_expect(strstr(a.body, "Mcp-Param-Region: eu") != NULL && strstr(a.body, "Count") == NULL, "%s", a.body);
	answer_fini(&a);
	mcp_fini(&m);

	/* What no head has room for is the client's mistake, not the server's: its breaker stays closed. */
	cr_assert(asprintf(&long_one, "{\"region\":\"%09000d\"}", 1) > 0);
	mcp_init(&m, g.mcp, "/servers/h/mcp", key);
	cr_assert(mcp_initialize(&m) == 200);
	for (int i = 0; i < 20; i++) {
		mcp_call(&m, "where", long_one, &a);
		cr_expect(json_int_at(a.json, "error.code") == -32602, "%.300s", a.body);
		answer_fini(&a);
	}
	mcp_call(&m, "where", "{\"region\":\"\\u0065u\",\"region\":\"us\"}", &a);
	cr_expect(json_int_at(a.json, "error.code") == -32602, "one key, two values: %s", a.body);
	answer_fini(&a);
	mcp_call(&m, "where", "{\"region\":\"eu\"}", &a);
	cr_expect_str_eq(json_text_at(a.json, "result.content[0].text"), "Mcp-Param-Region: eu\n", "%s", a.body);
	answer_fini(&a);
	free(long_one);
	mcp_fini(&m);
	lying_stop(&l);
	gateway_stop(&g);
}

Test(params, that_a_server_misses_make_its_tools_be_listed_again_once, .timeout = 60)
{
	static const struct { const char *word; bool works; } servers_of[] = {
		{ "moved", true }, { "stubborn", false },
	};
	struct gateway	 g;
	struct mcp	 m;
	struct answer	 a;
	json_object	*records;
	char		 servers[128];
	struct lying	 l;

	for (size_t i = 0; i < 2; i++) {
		server_start(&l, servers_of[i].word, servers, sizeof(servers));
		/* The server changes its tool; whether it may is another test's matter (f2_pins.c). */
		gateway_start(&g, &(struct gateway_setup){ .servers = servers, .rules = RULES, .workers = 1,
		    .conf = "tool_approval = off\n" });
		mcp_init(&m, g.mcp, "/servers/h/mcp", gateway_key(&g, "all"));
		cr_assert(mcp_initialize(&m) == 200);
		mcp_call(&m, "where", "{\"region\":\"eu\"}", &a);
		EXPECT_STATUS(a, 200, "%s", servers_of[i].word);
		if (servers_of[i].works) {
			cr_expect_str_eq(json_text_at(a.json, "result.content[0].text"),
			    "Mcp-Param-Region: eu\n", "%s", a.body);
		} else {
			cr_expect(json_int_at(a.json, "error.code") == -32603, "%s", a.body);
			cr_expect(json_int_at(a.json, "error.data.upstreamCode") == -32020, "%s", a.body);
		}
		answer_fini(&a);
		cr_expect(lying_saw(&l, "\ntools/list ") == 2, "%s", servers_of[i].word);
		cr_expect(lying_saw(&l, "\ntools/call ") == 2, "%s", servers_of[i].word);
		records = gateway_audit(&g);
		cr_expect(json_object_array_length(records) == 1, "one call, one record: %s",
		    json_object_to_json_string(records));
		json_object_put(records);
		mcp_fini(&m);
		gateway_stop(&g);
		lying_stop(&l);
	}
}
