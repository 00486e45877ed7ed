/* SPDX-License-Identifier: Apache-2.0
 *
 * i2_registry.c - backends of tools.yaml: what they get, and what clients get of them
 */
#include <sys/stat.h>

#include "tests/harness/program.h"
#include "tests/integration/common.h"

#define RULES "{\"agents\":{\"all\":{\"allow\":{\"servers\":[\"*\"],\"tools\":{\"*\":[\"*\"]}}},"		\
	"\"one\":{\"allow\":{\"servers\":[\"calculator\"],\"tools\":{\"calculator\":[\"exact_calculate\"]}}}}}"

static struct gateway	g;
static pid_t		pid;
static char		key[256];

static void
begin(const char *more)
{
	char	text[2048];
	unsigned port = program_start((const char *const[]){ "echoing-server", "http", "bare", NULL }, &pid);

	gateway_start(&g, &(struct gateway_setup){ .servers = "{}", .rules = RULES });
	snprintf(key, sizeof(key), "%s", gateway_key(&g, "all"));
	gateway_write(&g, "secrets/tool_gateway_shared_secret", "s3cret-of-backends\n");
	snprintf(text, sizeof(text), "%s/etc/secrets/tool_gateway_shared_secret", g.dir);
	cr_assert(chmod(text, 0600) == 0);
	snprintf(text, sizeof(text), "tools:\n"
	    "  - name: exact_calculate\n    description: Exact.\n    backend_url: http://127.0.0.1:%u/rpc\n"
	    "    scope: calculator\n    risk_level: low\n    required_roles: []\n    is_active: true\n"
	    "    input_schema: {type: object, properties: {expression: {type: string}}}\n"
	    "  - name: other\n    backend_url: http://127.0.0.1:%u/rpc\n    scope: calculator\n%s", port, port, more);
	gateway_write(&g, "tools.yaml", text);
	EXPECT_CTL(&g, 0, "", "reload");
}

static void
end(void)
{
	program_stop(&pid);
	gateway_stop(&g);
}

static void
check_calls(struct mcp *m, const char *path, bool legacy)
{
	struct answer	 a;
	const char	*text;

	mcp_init(m, g.mcp, path, key);
	m->more = "X-Gateway-Auth: mine\r\nX-User-ID: root\r\nX-Request-ID: 11111111-2222-4333-8444-555555555555\r\n";
	if (legacy)
		cr_assert(mcp_initialize(m) == 200);
	mcp_ask_either(m, "tools/list", NULL, &a);
	cr_expect(tools_have(&a, "exact_calculate") && tools_have(&a, "other"), "%s", a.body);
	cr_expect(strstr(a.body, "\"description\":\"Exact.\"") != NULL, "%s", a.body);
	answer_fini(&a);
	mcp_call(m, "exact_calculate", "{\"expression\":\"1 + 1\"}", &a);
	text = json_text_at(a.json, "result.content[0].text");
	cr_assert(text != NULL, "%s", a.body);
	cr_expect(strstr(text, "POST /rpc HTTP/1.1\\r\\n") != NULL, "%s", text);
	cr_expect(strstr(text, "X-Gateway-Auth: s3cret-of-backends\\r\\n") != NULL && strstr(text, "mine") == NULL, "%s", text);
	cr_expect(strstr(text, "X-User-ID: ") != NULL && strstr(text, "X-User-ID: root") == NULL, "%s", text);
	cr_expect(strstr(text, "X-Request-ID: ") != NULL, "%s", text);
	cr_expect(strstr(text, "Mcp-") == NULL && strstr(text, "MCP-") == NULL && strstr(text, "_meta") == NULL, "%s", text);
	cr_expect(strstr(text, "{\\\"name\\\":\\\"exact_calculate\\\",\\\"arguments\\\":{\\\"expression\\\":\\\"1 + 1\\\"}}")
	    != NULL, "%s", text);
	answer_fini(&a);
	mcp_call(m, "exact_calculate", "{}", &a);
	cr_expect(strstr(a.body, "arguments") != NULL, "%s", a.body);
	answer_fini(&a);
	mcp_call(m, "other", "{}", &a);
	cr_expect(json_int_at(a.json, "error.code") == -32003 && strstr(a.body, "as you wish") != NULL, "%s", a.body);
	answer_fini(&a);
	mcp_call(m, "not_listed", "{}", &a);
	cr_expect(json_int_at(a.json, "error.code") == -32602, "%s", a.body);
	answer_fini(&a);
	mcp_fini(m);
}

Test(registry, backends_are_told_who_calls_and_know_the_gateway, .timeout = 60)
{
	struct mcp	m;
	struct answer	a;
	json_object	*records;
	char		one[256];

	begin("");
	check_calls(&m, "/servers/calculator/mcp", false);
	check_calls(&m, "/servers/calculator/mcp", true);
	snprintf(one, sizeof(one), "%s", gateway_key(&g, "one"));
	mcp_init(&m, g.mcp, "/mcp/catalog", one);
	mcp_ask_modern(&m, "tools/list", NULL, &a);
	cr_expect(tools_have(&a, "calculator__exact_calculate") && !tools_have(&a, "calculator__other"), "%s", a.body);
	answer_fini(&a);
	mcp_call(&m, "calculator__exact_calculate", "{}", &a);
	cr_expect(json_at(a.json, "result.content") != NULL, "%s", a.body);
	answer_fini(&a);
	mcp_call(&m, "calculator__other", "{}", &a);
	cr_expect(json_int_at(a.json, "error.code") == 403, "%s", a.body);
	answer_fini(&a);
	mcp_fini(&m);
	records = gateway_audit(&g);
	cr_expect(audit_count(records, "server", "calculator") >= 8);
	json_object_put(records);
	end();
}

Test(registry, removed_and_inactive_tools_are_gone, .timeout = 60)
{
	struct mcp	m;
	struct answer	a;

	begin("    is_active: false\n");
	mcp_init(&m, g.mcp, "/servers/calculator/mcp", key);
	mcp_ask_modern(&m, "tools/list", NULL, &a);
	cr_expect(tools_have(&a, "exact_calculate") && !tools_have(&a, "other"), "%s", a.body);
	answer_fini(&a);
	mcp_call(&m, "other", "{}", &a);
	cr_expect(json_int_at(a.json, "error.code") == -32602, "%s", a.body);
	answer_fini(&a);
	gateway_write(&g, "tools.yaml", "tools: []\n");
	EXPECT_CTL(&g, 0, "", "reload");
	mcp_call(&m, "exact_calculate", "{}", &a);
	EXPECT_STATUS(a, 404, "a server that is gone");
	answer_fini(&a);
	mcp_fini(&m);
	end();
}

Test(registry, without_the_secret_nothing_comes_into_force, .timeout = 60)
{
	gateway_start(&g, &(struct gateway_setup){ .servers = "{}", .rules = RULES });
	gateway_write(&g, "tools.yaml", "tools: [{name: x, backend_url: \"http://127.0.0.1:9/\", scope: s}]\n");
	EXPECT_CTL(&g, 1, "tool_gateway_shared_secret", "reload");
	gateway_stop(&g);
}
