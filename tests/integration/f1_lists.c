/* SPDX-License-Identifier: Apache-2.0
 *
 * f1_lists.c - servers whose lists are too long, endless, doubled or nonsense: bounded, and nobody
 *              else's list is the shorter for it
 */
#include "tests/integration/common.h"

#define LISTING(name, mode)	"\"" name "\":{\"command\":\"@TOOLS@/tests/listing-server\",\"args\":[\"" mode "\"]}"

static const struct {
	const char	*name;
	size_t		 tools;
	const char	*call;		/* a tool that can be called; NULL: the server has none */
} rows[] = {
	{ "odd", 4, "plain" },
	{ "many", 10000, "t9999" },
	{ "double", 1, "one" },
	{ "loop", 1, "one" },
	{ "endless", 100, "t99" },
	{ "huge", 0, NULL },
	{ "none", 0, NULL },
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

#define SERVERS "{\"mcpServers\":{\"clock\":{\"command\":\"@TOOLS@/demo/mcpgw-demo-clock\"},"		\
	LISTING("odd", "odd") "," LISTING("many", "many") "," LISTING("double", "double") ","		\
	LISTING("loop", "loop") "," LISTING("endless", "endless") "," LISTING("huge", "huge") ","	\
	LISTING("none", "none") "}}"

#define RULES "{\"agents\":{\"all\":{\"allow\":{\"servers\":[\"*\"],\"tools\":{\"*\":[\"*\"]}}},"	\
	"\"one\":{\"allow\":{\"servers\":[\"odd\"],\"tools\":{\"odd\":[\"say hello\"]}}}}}"

static size_t
tool_count(const struct answer *a)
{
	json_object	*tools = json_at(a->json, "result.tools");

	return tools == NULL ? 0 : json_object_array_length(tools);
}

Test(lists, of_lying_servers_are_bounded_and_cost_only_them, .timeout = 60)
{
	struct gateway	 g;
	struct procs	*before = malloc(sizeof(*before));
	struct mcp	 m;
	struct answer	 a;
	char		*log, key[256];

	NEEDS_JAILS();
	gateway_start(&g, &(struct gateway_setup){ .servers = SERVERS, .rules = RULES, .conf = "list_page = 20000\n" });
	gateway_procs(&g, before);
	snprintf(key, sizeof(key), "%s", gateway_key(&g, "all"));
	for (size_t i = 0; i < ROWS; i++) {
		char	path[64];

		snprintf(path, sizeof(path), "/servers/%s/mcp", rows[i].name);
		mcp_init(&m, g.mcp, path, key);
		mcp_ask_modern(&m, "tools/list", NULL, &a);
		EXPECT_STATUS(a, 200, "%s", rows[i].name);
		cr_expect(tool_count(&a) == rows[i].tools, "%s: %zu tools", rows[i].name, tool_count(&a));
		answer_fini(&a);
		mcp_call(&m, rows[i].call == NULL ? "one" : rows[i].call, "{}", &a);
		EXPECT_STATUS(a, 200, "%s", rows[i].name);
		if (rows[i].call != NULL)
			cr_expect(strcmp(json_text_at(a.json, "result.content[0].text"), rows[i].call) == 0, "%s: %.300s",
			    rows[i].name, a.body);
		else
			cr_expect(json_int_at(a.json, "error.code") == 503, "%s: %.300s", rows[i].name, a.body);
		answer_fini(&a);
		mcp_fini(&m);
	}
	mcp_init(&m, g.mcp, "/mcp/catalog", key);
	mcp_ask_modern(&m, "tools/list", NULL, &a);
	cr_expect(tools_have(&a, "clock__add") && tools_have(&a, "many__t0") && tools_have(&a, "loop__one"));
	answer_fini(&a);
	mcp_fini(&m);
	log = gateway_log(&g);
	cr_expect(strstr(log, "server many: 1 tools are left out: too many of them") != NULL, "%s", log);
	cr_expect(strstr(log, "server double: 1 tools are left out") != NULL, "%s", log);
	free(log);
	cr_expect(gateway_deaths(before) == 0);
	free(before);
	gateway_stop(&g);
}

/* The rule names the tool as its server does; the merged view shows another name. */
Test(lists, a_changed_name_is_judged_as_the_tools_own, .timeout = 30)
{
	struct gateway	 g;
	struct mcp	 m;
	struct answer	 a;
	char		 shown[128];
	json_object	*records;

	NEEDS_JAILS();
	gateway_start(&g, &(struct gateway_setup){ .servers = SERVERS, .rules = RULES });
	mcp_init(&m, g.mcp, "/mcp/catalog", gateway_key(&g, "all"));
	mcp_ask_modern(&m, "tools/list", NULL, &a);
	snprintf(shown, sizeof(shown), "none");
	for (size_t i = 0; i < tool_count(&a); i++) {
		const char *name = json_text_at(json_object_array_get_idx(json_at(a.json, "result.tools"), i), "name");

		if (strncmp(name, "odd__not_for_you_", 17) == 0)
			snprintf(shown, sizeof(shown), "%s", name);
	}
	answer_fini(&a);
	cr_assert(strcmp(shown, "none") != 0);
	mcp_fini(&m);

	mcp_init(&m, g.mcp, "/mcp/catalog", gateway_key(&g, "one"));
	mcp_call(&m, shown, "{}", &a);
	cr_expect(json_int_at(a.json, "error.code") == 403, "%s: %s", shown, a.body);
	answer_fini(&a);
	mcp_call(&m, "odd__plain", "{}", &a);
	cr_expect(json_int_at(a.json, "error.code") == 403, "%s", a.body);
	answer_fini(&a);
	mcp_ask_modern(&m, "tools/list", NULL, &a);
	cr_assert(tool_count(&a) == 1, "%s", a.body);
	snprintf(shown, sizeof(shown), "%s", json_text_at(a.json, "result.tools[0].name"));
	answer_fini(&a);
	mcp_call(&m, shown, "{}", &a);
	cr_expect(strcmp(json_text_at(a.json, "result.content[0].text"), "say hello") == 0, "%s: %s", shown, a.body);
	answer_fini(&a);
	records = gateway_audit(&g);
	cr_expect(json_object_array_length(records) == 3 && audit_count(records, "object", "say hello") == 1 &&
	    audit_count(records, "object", "not for you") == 1, "%s", json_object_to_json_string(records));
	json_object_put(records);
	mcp_fini(&m);
	gateway_stop(&g);
}
