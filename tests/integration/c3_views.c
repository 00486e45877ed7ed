/* SPDX-License-Identifier: Apache-2.0
 *
 * c3_views.c - view = auto, search_tools, budgets of the discovery tools, names that two servers share
 */
#include <sys/stat.h>

#include "tests/integration/common.h"

#define LISTING(name, mode, more) "\"" name "\":{\"command\":\"@TOOLS@/tests/listing-server\",\"args\":[\"" mode "\"]" more "}"
#define CLOCK	"\"clock\":{\"command\":\"@TOOLS@/demo/mcpgw-demo-clock\"}"

static size_t
tool_count(const struct answer *a, const char *path)
{
	json_object	*tools = json_at(a->json, path);

	return tools == NULL ? 0 : json_object_array_length(tools);
}

static bool
shows_discovery(const struct answer *a)
{
	return tools_have(a, "list_servers") && tools_have(a, "get_server_tools") && tools_have(a, "execute_tool") &&
	    tools_have(a, "get_gateway_status");
}

/* A parameter that the next request sees. */
static void
set(struct gateway *g, const char *line)
{
	char	folder[400], *out;

	snprintf(folder, sizeof(folder), "%s/etc/mcpgw.conf.d", g->dir);
	(void)mkdir(folder, 0755);
	gateway_write(g, "mcpgw.conf.d/test.conf", line);
	cr_assert(gateway_ctl(g, &out, true, "reload", NULL) == 0, "%s\n%s", line, out);
	free(out);
}

static void
expect_text(struct mcp *m, const char *tool, const char *arguments, const char *want)
{
	struct answer	a;

	mcp_call(m, tool, arguments, &a);
	cr_expect(strstr(json_text_at(a.json, "result.content[0].text"), want) != NULL, "%s %s: %s", tool, arguments,
	    a.body);
	answer_fini(&a);
}

Test(views, auto_lists_all_tools_while_they_fit_and_discovery_beyond, .timeout = 60)
{
	struct gateway	 g;
	struct mcp	 m;
	struct answer	 a;
	json_object	*records;
	char		 line[64];
	int		 tokens = 0;
	static const char *const servers[] = { "clock", "notes" };

	NEEDS_JAILS();
	gateway_start(&g, &(struct gateway_setup){ .servers = DEMO_SERVERS, .rules = DEMO_RULES });
	mcp_init(&m, g.mcp, "/mcp", gateway_key(&g, "writer"));
	for (int i = 0; i < 2; i++) {
		snprintf(line, sizeof(line), "{\"server\":\"%s\",\"max_schema_tokens\":100000}", servers[i]);
		mcp_call(&m, "get_server_tools", line, &a);
		tokens += json_int_at(a.json, "result.structuredContent.tokens_used");
		answer_fini(&a);
	}
	cr_assert(tokens > 100, "%d", tokens);
	for (int less = 0; less < 3; less++) {
		snprintf(line, sizeof(line), "direct_tokens = %d\n", less == 2 ? 0 : tokens - less);
		set(&g, line);
		mcp_ask_modern(&m, "tools/list", NULL, &a);
		EXPECT_STATUS(a, 200, "%s", line);
		if (less == 0)
			cr_expect(tool_count(&a, "result.tools") == 6 && tools_have(&a, "clock__add") &&
			    !tools_have(&a, "search_tools"), "%s: %s", line, a.body);
		else
			cr_expect(tool_count(&a, "result.tools") == 5 && shows_discovery(&a) &&
			    tools_have(&a, "search_tools"), "%s: %s", line, a.body);
		answer_fini(&a);
		/* What may be called is the same in both. */
		expect_text(&m, "clock__add", "{\"a\":19,\"b\":23}", "42");
		expect_text(&m, "execute_tool", "{\"server\":\"clock\",\"tool\":\"add\",\"args\":{\"a\":19,\"b\":23}}", "42");
		expect_text(&m, "list_servers", "{}", "\"notes\"");
		expect_text(&m, "search_tools", "{\"query\":\"sum\"}", "\"clock__add\"");
		mcp_call(&m, "notes__drop_all", "{}", &a);
		cr_expect(json_int_at(a.json, "error.code") == 403, "%s", a.body);
		answer_fini(&a);
	}
	records = gateway_audit(&g);
	cr_expect(audit_count(records, "view", "auto") == json_object_array_length(records), "%s",
	    json_object_to_json_string(records));
	cr_expect(audit_count(records, "object", "search_tools") == 3);
	cr_expect(strstr(json_object_to_json_string(records), "sum") == NULL, "what was asked is not kept");
	json_object_put(records);
	mcp_fini(&m);

	/* The reader sees less, so it fits. */
	snprintf(line, sizeof(line), "direct_tokens = %d\n", tokens - 1);
	set(&g, line);
	mcp_init(&m, g.mcp, "/mcp", gateway_key(&g, "reader"));
	mcp_ask_modern(&m, "tools/list", NULL, &a);
	cr_expect(tool_count(&a, "result.tools") == 2 && tools_have(&a, "clock__add"), "%s", a.body);
	answer_fini(&a);
	mcp_fini(&m);
	gateway_stop(&g);
}

Test(views, other_than_auto_are_as_they_were, .timeout = 60)
{
	static const struct { const char *conf, *path; size_t tools; } rows[] = {
		{ "view = discovery\n", "/mcp", 4 }, { "view = catalog\ndirect_tokens = 0\n", "/mcp", 6 },
		{ "view = both\ndirect_tokens = 0\n", "/mcp", 10 }, { "view = both\n", "/mcp/discovery", 4 },
		{ "view = discovery\n", "/mcp/catalog", 6 }, { "direct_tokens = 0\n", "/mcp/discovery", 4 },
		{ "direct_tokens = 0\n", "/mcp/catalog", 6 }, { "direct_tokens = 0\n", "/servers/clock/mcp", 3 },
	};
	struct gateway	 g;
	struct mcp	 m;
	struct answer	 a;
	char		 key[256];

	NEEDS_JAILS();
	gateway_start(&g, &(struct gateway_setup){ .servers = DEMO_SERVERS, .rules = DEMO_RULES });
	snprintf(key, sizeof(key), "%s", gateway_key(&g, "writer"));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		set(&g, rows[i].conf);
		mcp_init(&m, g.mcp, rows[i].path, key);
		mcp_ask_modern(&m, "tools/list", NULL, &a);
		cr_expect(tool_count(&a, "result.tools") == rows[i].tools && !tools_have(&a, "search_tools"), "%s %s: %s",
		    rows[i].conf, rows[i].path, a.body);
		answer_fini(&a);
		mcp_call(&m, "search_tools", "{\"query\":\"note\"}", &a);
		cr_expect((json_at(a.json, "result") != NULL) == (rows[i].tools == 4 || rows[i].tools == 10), "%s %s: %s",
		    rows[i].conf, rows[i].path, a.body);
		answer_fini(&a);
		mcp_fini(&m);
	}
	gateway_stop(&g);
}

/* --- search_tools ----------------------------------------------------------------------------- */

#define HIT(n)	"result.structuredContent.tools[" #n "]."

Test(views, search_finds_what_the_agent_may_call_and_nothing_else, .timeout = 60)
{
	struct gateway	 g;
	struct mcp	 m, all;
	struct answer	 a, b;
	char		 writer[256], reader[256];

	NEEDS_JAILS();
	gateway_start(&g, &(struct gateway_setup){ .servers = DEMO_SERVERS, .rules = DEMO_RULES,
	    .conf = "view = both\n" });
	snprintf(writer, sizeof(writer), "%s", gateway_key(&g, "writer"));
	snprintf(reader, sizeof(reader), "%s", gateway_key(&g, "reader"));
	mcp_init(&m, g.mcp, "/mcp", writer);
	mcp_call(&m, "search_tools", "{\"query\":\"Delete a note\"}", &a);
	cr_expect(strcmp(json_text_at(a.json, HIT(0) "name"), "notes__delete_note") == 0 &&
	    strcmp(json_text_at(a.json, HIT(0) "server"), "notes") == 0 &&
	    strcmp(json_text_at(a.json, HIT(0) "tool"), "delete_note") == 0 &&
	    json_at(a.json, HIT(0) "description") != NULL &&
	    strcmp(json_text_at(a.json, HIT(0) "inputSchema.type"), "object") == 0, "%s", a.body);
	cr_expect(json_object_get_double(json_at(a.json, HIT(0) "score")) >
	    json_object_get_double(json_at(a.json, HIT(1) "score")), "%s", a.body);
	cr_expect(json_int_at(a.json, "result.structuredContent.total_matches") >= 3 &&
	    json_int_at(a.json, "result.structuredContent.returned") ==
	    (int)tool_count(&a, "result.structuredContent.tools") &&
	    json_object_get_type(json_at(a.json, "result.structuredContent.tokens_used")) == json_type_null, "%s", a.body);
	cr_expect(strstr(a.body, "drop_all") == NULL, "it is denied: %s", a.body);
	answer_fini(&a);
	mcp_call(&m, "search_tools", "{\"query\":\"drop\"}", &a);
	cr_expect(json_int_at(a.json, "result.structuredContent.total_matches") == 0, "%s", a.body);
	answer_fini(&a);
	mcp_call(&m, "search_tools", "{\"query\":\"note\",\"limit\":1}", &a);
	cr_expect(tool_count(&a, "result.structuredContent.tools") == 1 &&
	    json_int_at(a.json, "result.structuredContent.total_matches") > 1, "%s", a.body);
	answer_fini(&a);
	mcp_call(&m, "search_tools", "{\"query\":\"note\",\"max_schema_tokens\":1}", &a);
	cr_expect(tool_count(&a, "result.structuredContent.tools") == 0 &&
	    json_int_at(a.json, "result.structuredContent.total_matches") > 1 &&
	    json_object_get_type(json_at(a.json, "result.structuredContent.tokens_used")) == json_type_int, "%s", a.body);
	answer_fini(&a);
	mcp_call(&m, "search_tools", "{\"query\":\" - \"}", &a);
	cr_expect(json_at(a.json, "result.structuredContent.tools[0]") == NULL, "%s", a.body);
	answer_fini(&a);
	for (const char *const *wrong = (const char *const []){ "{}", "{\"query\":5}", "{\"query\":\"a\",\"limit\":\"x\"}",
	    "{\"query\":\"a\",\"limit\":-1}", "{\"query\":\"a\",\"query\":\"b\"}", NULL }; *wrong != NULL; wrong++) {
		mcp_call(&m, "search_tools", *wrong, &a);
		cr_expect(json_int_at(a.json, "error.code") == -32602, "%s: %s", *wrong, a.body);
		answer_fini(&a);
	}
	mcp_fini(&m);

	/* Of the notes the reader may know nothing: not as tools, not in the weight of words. */
	mcp_init(&m, g.mcp, "/mcp/discovery", reader);
	mcp_call(&m, "search_tools", "{\"query\":\"add two numbers or a note\"}", &a);
	mcp_call(&m, "search_tools", "{\"query\":\"add two numbers or a note\",\"server\":\"clock\"}", &b);
	cr_expect(strcmp(json_text_at(a.json, HIT(0) "name"), "clock__add") == 0 &&
	    strstr(a.body, "notes") == NULL, "%s", a.body);
	cr_expect(strcmp(json_text_at(a.json, "result.content[0].text"), json_text_at(b.json, "result.content[0].text"))
	    == 0, "%s\n%s", a.body, b.body);
	answer_fini(&a);
	answer_fini(&b);
	mcp_call(&m, "search_tools", "{\"query\":\"sum\",\"server\":\"clock\"}", &a);
	mcp_init(&all, g.mcp, "/mcp/discovery", writer);
	mcp_call(&all, "search_tools", "{\"query\":\"sum\",\"server\":\"clock\"}", &b);
	cr_expect(json_object_get_double(json_at(a.json, HIT(0) "score")) > 0.1 &&
	    json_object_get_double(json_at(b.json, HIT(0) "score")) >
	    json_object_get_double(json_at(a.json, HIT(0) "score")) + 0.1, "of two tools, and of three\n%s\n%s", a.body,
	    b.body);
	answer_fini(&a);
	answer_fini(&b);
	mcp_fini(&all);
	mcp_call(&m, "search_tools", "{\"query\":\"note\",\"server\":\"notes\"}", &a);
	cr_expect(strcmp(json_text_at(a.json, "result.structuredContent.error.code"), "DENIED_BY_POLICY") == 0 &&
	    tool_count(&a, "result.structuredContent.tools") == 0 &&
	    !json_object_get_boolean(json_at(a.json, "result.isError")), "%s", a.body);
	answer_fini(&a);
	mcp_call(&m, "search_tools", "{\"query\":\"note\",\"server\":\"none\"}", &a);
	cr_expect(strcmp(json_text_at(a.json, "result.structuredContent.error.code"), "SERVER_UNAVAILABLE") == 0, "%s",
	    a.body);
	answer_fini(&a);
	mcp_fini(&m);
	gateway_stop(&g);
}

Test(views, search_of_ten_thousand_tools_finds_the_one_and_lets_others_pass, .timeout = 120)
{
	struct gateway	 g;
	struct mcp	 m;
	struct answer	 a;
	char		 query[128], name[64], key[256];

	NEEDS_JAILS();
	gateway_start(&g, &(struct gateway_setup){ .workers = 1,
	    .servers = "{\"mcpServers\":{" CLOCK "," LISTING("rich", "rich", "") "}}",
	    .rules = "{\"agents\":{\"all\":{\"allow\":{\"servers\":[\"*\"],\"tools\":{\"*\":[\"*\"]}}}}}" });
	snprintf(key, sizeof(key), "%s", gateway_key(&g, "all"));
	mcp_init(&m, g.mcp, "/mcp", key);
	mcp_ask_modern(&m, "tools/list", NULL, &a);
	cr_expect(tool_count(&a, "result.tools") == 5 && tools_have(&a, "search_tools"), "%.500s", a.body);
	answer_fini(&a);
	for (int i = 0; i < 20; i++) {
		snprintf(query, sizeof(query), "{\"query\":\"the tool with number %d\"}", i * 499 + 101);
		snprintf(name, sizeof(name), "_%d", i * 499 + 101);
		mcp_call(&m, "search_tools", query, &a);
		cr_expect(strstr(json_text_at(a.json, HIT(0) "tool"), name) != NULL, "%s: %.500s", query, a.body);
		answer_fini(&a);
	}
	mcp_call(&m, "search_tools", "{\"query\":\"create list delete update issue page\",\"limit\":1000}", &a);
	cr_expect(tool_count(&a, "result.structuredContent.tools") == 50 &&
	    json_int_at(a.json, "result.structuredContent.total_matches") == 10000, "%.500s", a.body);
	snprintf(name, sizeof(name), "%s", json_text_at(a.json, HIT(0) "name"));
	answer_fini(&a);
	expect_text(&m, name, "{}", name + strlen("rich__"));
	mcp_fini(&m);
	gateway_stop(&g);
}

/* --- budgets ---------------------------------------------------------------------------------- */

Test(views, lists_of_the_discovery_tools_stay_within_their_budgets, .timeout = 60)
{
	struct gateway	 g;
	struct mcp	 m;
	struct answer	 a;
	int		 all, last;
	size_t		 count;
	char		 text[128];

	NEEDS_JAILS();
	gateway_start(&g, &(struct gateway_setup){ .conf = "max_listing = 4KiB\n",
	    .servers = "{\"mcpServers\":{" CLOCK "," LISTING("many", "many", "") "}}",
	    .rules = "{\"agents\":{\"all\":{\"allow\":{\"servers\":[\"*\"],\"tools\":{\"*\":[\"*\"]}}}}}" });
	mcp_init(&m, g.mcp, "/mcp/discovery", gateway_key(&g, "all"));

	/* The client's own: seed 001. */
	mcp_call(&m, "get_server_tools", "{\"server\":\"clock\"}", &a);
	cr_expect(json_object_get_type(json_at(a.json, "result.structuredContent.tokens_used")) == json_type_null &&
	    json_at(a.json, "result.structuredContent.tokens_used") == NULL, "%s", a.body);
	answer_fini(&a);
	mcp_call(&m, "get_server_tools", "{\"server\":\"clock\",\"max_schema_tokens\":100000}", &a);
	all = json_int_at(a.json, "result.structuredContent.tokens_used");
	cr_expect(tool_count(&a, "result.structuredContent.tools") == 3, "%s", a.body);
	answer_fini(&a);
	for (int budget = 1; budget <= all + 1; budget++) {
		snprintf(text, sizeof(text), "{\"server\":\"clock\",\"max_schema_tokens\":%d}", budget);
		mcp_call(&m, "get_server_tools", text, &a);
		last = json_int_at(a.json, "result.structuredContent.tokens_used");
		count = tool_count(&a, "result.structuredContent.tools");
		cr_expect(last <= budget && (budget < all) == (count < 3) &&
		    json_int_at(a.json, "result.structuredContent.total_available") == 3 &&
		    json_int_at(a.json, "result.structuredContent.returned") == (int)count, "%d: %s", budget, a.body);
		answer_fini(&a);
	}

	/* The gateway's. */
	mcp_call(&m, "get_server_tools", "{\"server\":\"many\"}", &a);
	count = tool_count(&a, "result.structuredContent.tools");
	cr_expect(count > 10 && count < 100 && json_int_at(a.json, "result.structuredContent.returned") == (int)count &&
	    json_int_at(a.json, "result.structuredContent.total_available") == 10000, "%s", a.body);
	cr_expect(strcmp(json_text_at(a.json, "result.structuredContent.error.code"), "TOO_LARGE") == 0 &&
	    strstr(json_text_at(a.json, "result.structuredContent.error.message"), "max_schema_tokens") != NULL, "%s",
	    a.body);
	answer_fini(&a);
	mcp_call(&m, "get_server_tools", "{\"server\":\"many\",\"names\":\"t9999, t5\"}", &a);
	cr_expect(tool_count(&a, "result.structuredContent.tools") == 2 &&
	    json_at(a.json, "result.structuredContent.error") == NULL, "%s", a.body);
	answer_fini(&a);
	mcp_call(&m, "search_tools", "{\"query\":\"t\",\"limit\":50}", &a);
	count = tool_count(&a, "result.structuredContent.tools");
	cr_expect(count > 5 && count < 50 &&
	    strcmp(json_text_at(a.json, "result.structuredContent.error.code"), "TOO_LARGE") == 0, "%s", a.body);
	answer_fini(&a);
	mcp_fini(&m);
	gateway_stop(&g);
}

/* They are looked through for each of 10,000 tools: four megabytes of them held the worker for minutes. */
Test(views, texts_that_choose_tools_are_bounded)
{
	static const struct { const char *argument; const char *piece; size_t bytes, most; int count; } rows[] = {
		{ "names", "t5,", 4000000, 16384, 1 },
		{ "names", ",", 4000000, 16384, 0 },
		{ "pattern", "[", 4000000, 256, 0 },
		{ "pattern", "*", 4000000, 256, 10 },
		{ "query", "t ", 4000000, 4096, 10 },
	};
	struct gateway	 g;
	struct mcp	 m;
	struct answer	 a;
	char		*text = malloc(4100000), *end;
	size_t		 bytes;

	NEEDS_JAILS();
	gateway_start(&g, &(struct gateway_setup){ .servers = "{\"mcpServers\":{" LISTING("many", "many", "") "}}",
	    .rules = "{\"agents\":{\"all\":{\"allow\":{\"servers\":[\"*\"],\"tools\":{\"*\":[\"*\"]}}}}}" });
	mcp_init(&m, g.mcp, "/mcp/discovery", gateway_key(&g, "all"));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (int fits = 0; fits < 2; fits++) {
			bytes = fits ? rows[i].most : i % 2 == 0 ? rows[i].bytes : rows[i].most + 1;
			end = text + sprintf(text, "{\"server\":\"many\",\"%s\":\"", rows[i].argument);
			for (size_t n = 0; n < bytes; n++)
				*end++ = rows[i].piece[n % strlen(rows[i].piece)];
			strcpy(end, "\"}");
			mcp_call(&m, strcmp(rows[i].argument, "query") == 0 ? "search_tools" : "get_server_tools", text, &a);
			if (fits)
				cr_expect((int)tool_count(&a, "result.structuredContent.tools") >= rows[i].count, "%s %s: %.300s",
				    rows[i].argument, rows[i].piece, a.body);
			else
				cr_expect(json_int_at(a.json, "error.code") == -32602 &&
				    strstr(a.body, "is too long") != NULL, "%s %s: %.300s", rows[i].argument, rows[i].piece, a.body);
			answer_fini(&a);
		}
	}
	/* Names are whole ones, between commas and blanks. */
	mcp_call(&m, "get_server_tools", "{\"server\":\"many\",\"names\":\" t7 ,t, t55x,xt6,\\tt8\\t\"}", &a);
	cr_expect(tool_count(&a, "result.structuredContent.tools") == 2, "%s", a.body);
	answer_fini(&a);
	mcp_fini(&m);
	free(text);
	gateway_stop(&g);
}

/* --- names ------------------------------------------------------------------------------------ */

static bool
answers_as(struct mcp *m, const char *name, const char *text)
{
	struct answer	a;
	bool		is;

	mcp_call(m, name, "{}", &a);
	is = strcmp(json_text_at(a.json, "result.content[0].text"), text) == 0;
	cr_expect(is || json_int_at(a.json, "error.code") == -32602, "%s: %s", name, a.body);
	answer_fini(&a);
	return is;
}

Test(views, names_that_two_tools_would_share_are_given_to_none, .timeout = 60)
{
	static const char	*const gone[] = { "clock__now", "clock__unknown", "clock__x_998da698", "list_servers", "a b",
		"a_b_93fae757" };
	struct gateway	 g;
	struct mcp	 m;
	struct answer	 a;
	char		*log, key[256];

	NEEDS_JAILS();
	gateway_start(&g, &(struct gateway_setup){ .workers = 1, .conf = "view = both\n",
	    .servers = "{\"mcpServers\":{" CLOCK "," LISTING("bare", "bare", ",\"prefix\":\"\"") "}}",
	    .rules = "{\"agents\":{\"all\":{\"allow\":{\"servers\":[\"*\"],\"tools\":{\"*\":[\"*\"]}}},"
		"\"some\":{\"allow\":{\"servers\":[\"*\"],\"tools\":{\"*\":[\"*\"]}},\"deny\":{\"tools\":{\"bare\":"
		"[\"clock__now\",\"a b\"]}}}}}" });
	snprintf(key, sizeof(key), "%s", gateway_key(&g, "all"));
	mcp_init(&m, g.mcp, "/mcp", key);
	mcp_ask_modern(&m, "tools/list", NULL, &a);
	cr_expect(tool_count(&a, "result.tools") == 4 + 4 && tools_have(&a, "fine") && tools_have(&a, "other__now") &&
	    tools_have(&a, "clock__add") && tools_have(&a, "clock__sleep"), "%s", a.body);
	answer_fini(&a);
	for (size_t i = 0; i < sizeof(gone) / sizeof(gone[0]); i++)
		if (strcmp(gone[i], "list_servers") != 0)
			cr_expect(!answers_as(&m, gone[i], gone[i]), "%s", gone[i]);
	expect_text(&m, "list_servers", "{}", "\"clock\"");
	cr_expect(answers_as(&m, "fine", "fine") && answers_as(&m, "other__now", "other__now"));
	expect_text(&m, "clock__add", "{\"a\":1,\"b\":2}", "3");

	/* They are found, and called by server and own name. */
	mcp_call(&m, "search_tools", "{\"query\":\"now\"}", &a);
	cr_expect(tool_count(&a, "result.structuredContent.tools") == 3 && strstr(a.body, "\"name\":null") != NULL, "%s",
	    a.body);
	answer_fini(&a);
	expect_text(&m, "execute_tool", "{\"server\":\"bare\",\"tool\":\"clock__now\"}", "clock__now");
	expect_text(&m, "execute_tool", "{\"server\":\"bare\",\"tool\":\"a b\"}", "a b");
	mcp_fini(&m);

	/* The catalog has no tools of the gateway's own, so that name is free there. */
	mcp_init(&m, g.mcp, "/mcp/catalog", key);
	mcp_ask_modern(&m, "tools/list", NULL, &a);
	cr_expect(tool_count(&a, "result.tools") == 5 && tools_have(&a, "list_servers"), "%s", a.body);
	answer_fini(&a);
	cr_expect(answers_as(&m, "list_servers", "list_servers"));
	mcp_fini(&m);

	/* A rule settles it: what may not be called takes no name. */
	mcp_init(&m, g.mcp, "/mcp", gateway_key(&g, "some"));
	mcp_ask_modern(&m, "tools/list", NULL, &a);
	cr_expect(tools_have(&a, "clock__now") && !tools_have(&a, "a_b_93fae757"), "%s", a.body);
	answer_fini(&a);
	expect_text(&m, "clock__now", "{}", "Z");
	mcp_fini(&m);
	log = gateway_log(&g);
	cr_expect(strstr(log, "server bare: tool \"clock__unknown\" has no name in merged views") != NULL &&
	    strstr(log, "server clock: tool \"now\" has no name in merged views") != NULL &&
	    strstr(log, "server bare: tool \"a b\" has no name in merged views") != NULL, "%s", log);
	free(log);
	gateway_stop(&g);
}
