/* SPDX-License-Identifier: Apache-2.0
 *
 * i2_changes.c - names, descriptions and arguments that the operator gives tools: of servers over stdio and HTTP, of
 *                both eras, for clients of both
 */
#include "tests/harness/program.h"
#include "tests/integration/common.h"

#define RULES "{\"agents\":{\"all\":{\"allow\":{\"servers\":[\"*\"],\"tools\":{\"*\":[\"*\"]}}},"		\
	"\"few\":{\"allow\":{\"servers\":[\"*\"],\"tools\":{\"*\":[\"query\"]}}}}}"
#define TOOLS "\"tools\":{\"query\":{\"name\":\"sql_query\",\"description\":\"Ask \\\"it\\\".\","			\
	"\"annotations\":{\"readOnlyHint\":false,\"title\":\"T\"},\"arguments\":{\"set\":{\"mode\":\"ro\"},"		\
	"\"defaults\":{\"limit\":10}}},\"plain\":{\"name\":\"query\"},\"other\":{\"hide\":true}}"

static const struct source {
	const char	*name;
	bool		 over_http, is_modern;
} sources[] = { { "sold", false, false }, { "snew", false, true }, { "hold", true, false }, { "hnew", true, true } };
#define SOURCES (sizeof(sources) / sizeof(sources[0]))

static struct gateway	g;
static pid_t		pids[SOURCES];
static char		key[256], few[256];

static void
write_servers(char *to, size_t room, const char *tools)
{
	static unsigned	ports[SOURCES];
	size_t		n = (size_t)snprintf(to, room, "{\"mcpServers\":{");

	for (size_t i = 0; i < SOURCES; i++) {
		if (sources[i].over_http && pids[i] == 0)
			ports[i] = program_start((const char *const[]){ "echoing-server", "http",
			    sources[i].is_modern ? "modern" : "-", NULL }, &pids[i]);
		n += (size_t)snprintf(to + n, room - n, "%s\"%s\":{", i > 0 ? "," : "", sources[i].name);
		if (sources[i].over_http)
			n += (size_t)snprintf(to + n, room - n, "\"url\":\"http://127.0.0.1:%u/mcp\",%s}", ports[i], tools);
		else
			n += (size_t)snprintf(to + n, room - n, "\"command\":\"@TOOLS@/tests/echoing-server\",\"args\":[\"%s\"],%s}",
			    sources[i].is_modern ? "modern" : "-", tools);
	}
	snprintf(to + n, room - n, "}}");
}

static void
begin(void)
{
	static char	servers[8192];

	memset(pids, 0, sizeof(pids));
	write_servers(servers, sizeof(servers), TOOLS);
	gateway_start(&g, &(struct gateway_setup){ .servers = servers, .rules = RULES, .conf = "view = both\n" });
	snprintf(key, sizeof(key), "%s", gateway_key(&g, "all"));
	snprintf(few, sizeof(few), "%s", gateway_key(&g, "few"));
}

static void
end(void)
{
	for (size_t i = 0; i < SOURCES; i++)
		if (pids[i] != 0)
			program_stop(&pids[i]);
	gateway_stop(&g);
}

static void
check_list(struct mcp *m, const char *prefix)
{
	static const char	want[] = "\"inputSchema\":{\"type\":\"object\",\"properties\":{\"sql\":{\"type\":\"string\"},"
	    "\"limit\":{\"type\":\"integer\",\"x-mcp-header\":\"Limit\",\"default\":10}},\"required\":[\"sql\"]}";
	char			name[64];
	struct answer		a;

	mcp_ask_either(m, "tools/list", NULL, &a);
	snprintf(name, sizeof(name), "%ssql_query", prefix);
	cr_expect(tools_have(&a, name), "%s: %s", name, a.body);
	snprintf(name, sizeof(name), "%squery", prefix);
	cr_expect(tools_have(&a, name), "%s: %s", name, a.body);
	snprintf(name, sizeof(name), "%splain", prefix);
	cr_expect(!tools_have(&a, name), "%s: %s", name, a.body);
	snprintf(name, sizeof(name), "%sother", prefix);
	cr_expect(!tools_have(&a, name), "%s: %s", name, a.body);
	cr_expect(strstr(a.body, "Ask \\\"it\\\".") != NULL && strstr(a.body, "Its own words") == NULL, "%s", a.body);
	cr_expect(strstr(a.body, want) != NULL, "%s", a.body);
	cr_expect(strstr(a.body, "\"annotations\":{\"openWorldHint\":true,\"readOnlyHint\":false,\"title\":\"T\"}") != NULL,
	    "%s", a.body);
	answer_fini(&a);
}

/* The text of what came, which its server answers with. */
static char *
called(struct mcp *m, const char *tool, const char *arguments)
{
	struct answer	 a;
	const char	*text;
	char		*copy;

	mcp_call(m, tool, arguments, &a);
	EXPECT_STATUS(a, 200, "%s %s", tool, arguments);
	text = json_text_at(a.json, "result.content[0].text");
	cr_expect(text != NULL, "%s %s: %s", tool, arguments, a.body);
	copy = strdup(text == NULL ? "" : text);
	answer_fini(&a);
	return copy;
}

#define EXPECT_CALLED(m, tool, arguments, want) do {							\
	char *said_ = called((m), (tool), (arguments));							\
	cr_expect(strstr(said_, (want)) != NULL, "%s %s: want %s in %s", (tool), (arguments), (want), said_);	\
	free(said_);											\
} while (0)

static void
check_calls(struct mcp *m, const char *prefix)
{
	char	sql[64], query[64];

	snprintf(sql, sizeof(sql), "%ssql_query", prefix);
	snprintf(query, sizeof(query), "%squery", prefix);
	m->more = NULL;
	EXPECT_CALLED(m, sql, "{}", "\"arguments\":{\"limit\":10,\"mode\":\"ro\"}");
	EXPECT_CALLED(m, sql, "{\"sql\":\"x\"}", "\"arguments\":{\"sql\":\"x\",\"limit\":10,\"mode\":\"ro\"}");
	EXPECT_CALLED(m, sql, "{\"mode\":\"rw\", \"sql\" : \"x\"}",
	    "\"arguments\":{\"mode\":\"ro\", \"sql\" : \"x\",\"limit\":10}");
	EXPECT_CALLED(m, sql, "{\"m\\u006fde\":[{\"mode\":1}],\"sql\":{\"mode\":\"rw\"}}",
	    "\"arguments\":{\"m\\u006fde\":\"ro\",\"sql\":{\"mode\":\"rw\"},\"limit\":10}");
	m->more = "Mcp-Param-Limit: 3\r\n";
	EXPECT_CALLED(m, sql, "{\"limit\":3}", "\"arguments\":{\"limit\":3,\"mode\":\"ro\"}");
	m->more = NULL;
	EXPECT_CALLED(m, sql, "{}", "\"name\":\"query\"");
	/* the name of another now */
	EXPECT_CALLED(m, query, "{\"mode\":\"rw\"}", "\"name\":\"plain\"");
	EXPECT_CALLED(m, query, "{\"mode\":\"rw\"}", "\"arguments\":{\"mode\":\"rw\"}");
}

static void
check_unknown(struct mcp *m, const char *prefix, const char *tool)
{
	char		name[64];
	struct answer	a;

	snprintf(name, sizeof(name), "%s%s", prefix, tool);
	mcp_call(m, name, "{}", &a);
	cr_expect(json_int_at(a.json, "error.code") == -32602, "%s: %s", name, a.body);
	answer_fini(&a);
}

Test(changes, are_what_clients_of_both_eras_see_and_call, .timeout = 120)
{
	struct mcp	m;
	struct answer	a;
	json_object	*records;
	char		path[64], prefix[64];

	NEEDS_JAILS();
	begin();
	for (size_t i = 0; i < SOURCES; i++)
		for (int era = 0; era < 2; era++) {
			snprintf(path, sizeof(path), "/servers/%s/mcp", sources[i].name);
			mcp_init(&m, g.mcp, path, key);
			if (era == 0)
				cr_assert(mcp_initialize(&m) == 200);
			check_list(&m, "");
			check_calls(&m, "");
			check_unknown(&m, "", "plain");
			check_unknown(&m, "", "other");
			mcp_fini(&m);

			snprintf(prefix, sizeof(prefix), "%s__", sources[i].name);
			mcp_init(&m, g.mcp, "/mcp/catalog", key);
			if (era == 0)
				cr_assert(mcp_initialize(&m) == 200);
			check_list(&m, prefix);
			check_calls(&m, prefix);
			check_unknown(&m, prefix, "plain");
			check_unknown(&m, prefix, "other");
			mcp_fini(&m);
		}
	/* Headers of a modern HTTP server say what it gets; a client's name is compared with the one it used. */
	mcp_init(&m, g.mcp, "/servers/hnew/mcp", key);
	m.more = NULL;
	EXPECT_CALLED(&m, "sql_query", "{\"mode\":\"rw\"}", "Mcp-Name: query\r\n");
	EXPECT_CALLED(&m, "sql_query", "{\"mode\":\"rw\"}", "Mcp-Param-Mode: ro\r\n");
	EXPECT_CALLED(&m, "sql_query", "{}", "Mcp-Param-Limit: 10\r\n");
	mcp_call(&m, "sql_query", "{\"limit\":3}", &a);
	cr_expect(json_int_at(a.json, "error.code") == -32020, "%s", a.body);
	answer_fini(&a);
	mcp_fini(&m);
	/* Rules are about the server's own names. */
	mcp_init(&m, g.mcp, "/servers/sold/mcp", few);
	EXPECT_CALLED(&m, "sql_query", "{}", "\"name\":\"query\"");
	mcp_call(&m, "query", "{}", &a);
	cr_expect(json_int_at(a.json, "error.code") == 403, "%s", a.body);
	answer_fini(&a);
	mcp_fini(&m);
	records = gateway_audit(&g);
	cr_expect(audit_count(records, "shown", "sql_query") > 100, "%s", json_object_to_json_string(records));
	cr_expect(audit_count(records, "object", "sql_query") == 0);
	cr_expect(audit_count(records, "rule", "mcpServers.sold.tools.other.hide") == 4);
	json_object_put(records);
	end();
}

Test(changes, hold_for_the_discovery_tools_and_batches_too, .timeout = 60)
{
	struct mcp	m;
	struct answer	a;

	NEEDS_JAILS();
	begin();
	mcp_init(&m, g.mcp, "/mcp/discovery", key);
	mcp_call(&m, "get_server_tools", "{\"server\":\"sold\"}", &a);
	cr_expect(strstr(a.body, "sql_query") != NULL && strstr(a.body, "plain") == NULL && strstr(a.body, "other") == NULL,
	    "%s", a.body);
	answer_fini(&a);
	mcp_call(&m, "get_server_tools", "{\"server\":\"sold\",\"names\":\"sql_query\"}", &a);
	cr_expect(strstr(a.body, "sql_query") != NULL, "%s", a.body);
	answer_fini(&a);
	mcp_call(&m, "execute_tool", "{\"server\":\"hold\",\"tool\":\"sql_query\",\"args\":{\"mode\":\"rw\"}}", &a);
	cr_expect(strstr(a.body, "\\\"mode\\\":\\\"ro\\\"") != NULL, "%s", a.body);
	answer_fini(&a);
	mcp_call(&m, "execute_tool", "{\"server\":\"hold\",\"tool\":\"plain\",\"args\":{}}", &a);
	cr_expect(strstr(a.body, "nknown tool") != NULL && strstr(a.body, "plain") != NULL, "%s", a.body);
	answer_fini(&a);
	mcp_fini(&m);
	mcp_init(&m, g.mcp, "/servers/sold/mcp", key);
	m.version = "2025-03-26";
	cr_assert(mcp_initialize(&m) == 200);
	mcp_post(&m, "", "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"sql_query\","
	    "\"arguments\":{\"mode\":\"rw\"}}},{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"tools/call\",\"params\":{\"name\":"
	    "\"query\"}}]", &a);
	cr_expect(strstr(a.body, "\\\"mode\\\":\\\"ro\\\"") != NULL && strstr(a.body, "\\\"name\\\":\\\"plain\\\"") != NULL,
	    "%d %s", a.status, a.body);
	answer_fini(&a);
	mcp_fini(&m);
	end();
}

/* The same server, whose tools are called otherwise. */
static void
rewrite(unsigned port, const char *tools)
{
	char	text[2048];

	snprintf(text, sizeof(text), "{\"mcpServers\":{\"h\":{\"url\":\"http://127.0.0.1:%u/mcp\",\"tools\":{%s}}}}", port,
	    tools);
	gateway_write(&g, "servers.json", text);
	EXPECT_CTL(&g, 0, "", "reload");
}

Test(changes, come_into_force_with_a_reload, .timeout = 60)
{
	struct mcp	m;
	unsigned	port;
	pid_t		pid;

	port = program_start((const char *const[]){ "echoing-server", "http", NULL }, &pid);
	gateway_start(&g, &(struct gateway_setup){ .servers = "{}", .rules = RULES });
	snprintf(key, sizeof(key), "%s", gateway_key(&g, "all"));
	rewrite(port, "\"query\":{\"name\":\"one\"},\"plain\":{\"name\":\"two\"}");
	mcp_init(&m, g.mcp, "/servers/h/mcp", key);
	for (int i = 0; i < 4; i++) {
		EXPECT_CALLED(&m, "one", "{}", i % 2 == 0 ? "\"name\":\"query\"" : "\"name\":\"plain\"");
		EXPECT_CALLED(&m, "two", "{}", i % 2 == 0 ? "\"name\":\"plain\"" : "\"name\":\"query\"");
		check_unknown(&m, "", "query");
		rewrite(port, i % 2 == 0 ? "\"query\":{\"name\":\"two\"},\"plain\":{\"name\":\"one\"}" :
		    "\"query\":{\"name\":\"one\"},\"plain\":{\"name\":\"two\"}");
	}
	rewrite(port, "\"query\":{\"arguments\":{\"set\":{\"mode\":\"ro\"}}}");
	EXPECT_CALLED(&m, "query", "{\"mode\":\"rw\"}", "\"mode\":\"ro\"");
	rewrite(port, "\"query\":{\"arguments\":{\"set\":{\"mode\":\"rx\"}}}");
	EXPECT_CALLED(&m, "query", "{\"mode\":\"rw\"}", "\"mode\":\"rx\"");
	rewrite(port, "");
	m.more = "Mcp-Param-Mode: rw\r\n";
	EXPECT_CALLED(&m, "query", "{\"mode\":\"rw\"}", "\"mode\":\"rw\"");
	mcp_fini(&m);
	program_stop(&pid);
	gateway_stop(&g);
}
