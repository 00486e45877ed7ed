/* SPDX-License-Identifier: Apache-2.0
 *
 * p1_conditions.c - conditions of rules through a gateway: what is listed may be called with some arguments, what a
 *                   call does is what explain says, and what is only watched is recorded
 */
#include "tests/integration/common.h"

#define ALL_OF(name)	"\"" name "\":{\"allow\":{\"servers\":[\"*\"],\"tools\":{\"*\":[\"*\"]}}"

static void
call(const struct gateway *g, const char *key, const char *name, const char *arguments, struct answer *a)
{
	struct mcp	m;

	mcp_init(&m, g->mcp, "/mcp/catalog", key);
	mcp_call(&m, name, arguments, a);
	mcp_fini(&m);
}

/* 403: denied; 0: a result. */
static int
code_of(const struct gateway *g, const char *key, const char *name, const char *arguments)
{
	struct answer	a;
	int		code;

	call(g, key, name, arguments, &a);
	code = json_at(a.json, "result") != NULL ? 0 : json_int_at(a.json, "error.code");
	answer_fini(&a);
	return code;
}

static bool
is_listed(const struct gateway *g, const char *key, const char *name)
{
	struct mcp	m;
	struct answer	a;
	bool		listed;

	mcp_init(&m, g->mcp, "/mcp/catalog", key);
	mcp_ask_modern(&m, "tools/list", NULL, &a);
	listed = tools_have(&a, name);
	answer_fini(&a);
	mcp_fini(&m);
	return listed;
}

Test(conditions, on_arguments_decide_calls_and_lists_hope, .timeout = 60)
{
	static const char	rules[] = "{\"agents\":{\"a\":{\"allow\":{\"servers\":[\"*\"],\"tools\":{\"clock\":[\n"
		"{\"tool\":\"sleep\",\"when\":{\"NumericLessThan\":{\"arguments/ms\":50}}},\n"
		"\"now\",{\"tool\":\"add\",\"when\":{\"StringEquals\":{\"user\":\"ann\"}}}]}},\n"
		"\"deny\":{\"tools\":{\"clock\":[{\"tool\":\"now\",\"when\":{\"StringLike\":"
		"{\"arguments/zone/name\":[\"*Mars*\",\"Ven?s\"]}}}]}}}}}";
	struct gateway		g;
	struct answer		a;
	char			key[256];

	NEEDS_JAILS();
	gateway_start(&g, &(struct gateway_setup){ .servers = DEMO_SERVERS, .rules = rules });
	snprintf(key, sizeof(key), "%s", gateway_key(&g, "a"));
	cr_expect(is_listed(&g, key, "clock__sleep"));
	cr_expect(is_listed(&g, key, "clock__now"));
	cr_expect(!is_listed(&g, key, "clock__add"), "nobody is ann");
	cr_expect(code_of(&g, key, "clock__sleep", "{\"ms\":1}") == 0);
	cr_expect(code_of(&g, key, "clock__sleep", "{\"ms\":4.9e1}") == 0);
	cr_expect(code_of(&g, key, "clock__sleep", "{\"ms\":51}") == 403);
	cr_expect(code_of(&g, key, "clock__sleep", "{}") == 403);
	cr_expect(code_of(&g, key, "clock__sleep", "{\"ms\":\"1\"}") == 403, "no number");
	cr_expect(code_of(&g, key, "clock__sleep", "{\"ms\":1,\"ms\":5000}") == 403, "one is judged, the other is taken");
	call(&g, key, "clock__sleep", "{\"ms\":1,\"\\u006ds\":5000}", &a);
	cr_expect(strstr(a.body, "of another type, or comes twice") != NULL, "%s", a.body);
	answer_fini(&a);
	cr_expect(code_of(&g, key, "clock__now", "{}") == 0);
	cr_expect(code_of(&g, key, "clock__now", "{\"zone\":{\"name\":\"on \\u004dars\"}}") == 403, "escaped");
	cr_expect(code_of(&g, key, "clock__now", "{\"zone\":{\"name\":\"Venus\"}}") == 403);
	cr_expect(code_of(&g, key, "clock__now", "{\"zone\":{\"name\":[\"Mars\"]}}") == 403, "no text");
	cr_expect(code_of(&g, key, "clock__now", "{\"zone\":{\"name\":\"Earth\"}}") == 0);

	EXPECT_CTL(&g, 0, "depends on arguments/ms\n  at best  allowed  rules.json:2  ", "explain", "--agent", "a",
	    "--server", "clock", "--tool", "sleep");
	EXPECT_CTL(&g, 0, "    when   NumericLessThan arguments/ms 50:  yes, it is 1\n", "explain", "--agent", "a",
	    "--server", "clock", "--tool", "sleep", "--args", "{\"ms\":1}");
	EXPECT_CTL(&g, 0, "DENIED  no rule\n", "explain", "--agent", "a", "--server", "clock", "--tool", "sleep", "--args",
	    "{\"ms\":50}");
	EXPECT_CTL(&g, 0, "\"possible\":true,\"depends_on\":[\"arguments/ms\"]", "--json", "explain", "--agent", "a",
	    "--server", "clock", "--tool", "sleep");
	EXPECT_CTL(&g, 0, "allowed  ", "explain", "--agent", "a", "--server", "clock", "--tool", "add", "--user", "ann");
	EXPECT_CTL(&g, 0, "  unmet    rules.json:3  agents.a.allow.tools.clock[2] \"add\"  explicit allow\n"
	    "    when   StringEquals user ann:  no, it is bob\n", "explain", "--agent", "a", "--server", "clock",
	    "--tool", "add", "--user", "bob");
	/* What changes is said, though a call with no more than names is decided as before. */
	gateway_write(&g, "rules.json", "{\"agents\":{\"a\":{\"allow\":{\"servers\":[\"*\"],\"tools\":{\"clock\":["
	    "{\"tool\":\"sleep\",\"when\":{\"NumericLessThan\":{\"arguments/ms\":60}}},\"now\"]}}}}}");
	EXPECT_CTL(&g, 1, "conditions of rules change", "diff");
	EXPECT_CTL(&g, 1, "agent a   clock.add   depends -> DENY", "diff");
	EXPECT_CTL(&g, 65, "a member comes twice", "explain", "--agent", "a", "--server", "clock", "--tool", "add",
	    "--args", "{\"a\":1,\"a\":2}");
	gateway_stop(&g);
}

Test(conditions, on_where_and_when_hold_in_every_view, .timeout = 60)
{
	static const char	rules[] = "{\"agents\":{\"a\":{\"allow\":{\"servers\":[\"clock\","
		"{\"server\":\"notes\",\"when\":{\"NotIpAddress\":{\"client_address\":\"127.0.0.0/8\"}}}],\n"
		"\"tools\":{\"notes\":[\"*\"],\"clock\":[\n"
		"{\"tool\":\"now\",\"when\":{\"DateLessThan\":{\"time\":\"2001-01-01T00:00:00Z\"}}},\n"
		"{\"tool\":\"add\",\"when\":{\"IpAddress\":{\"client_address\":[\"127.0.0.1\",\"::1\"]},"
		"\"StringEquals\":{\"credential\":\"key\",\"agent\":\"a\",\"kind\":\"tool\"},"
		"\"DateGreaterThan\":{\"time\":\"2001-01-01T00:00:00Z\"}}}]}}}}}";
	struct gateway		g;
	struct mcp		m;
	struct answer		a;
	char			key[256];

	NEEDS_JAILS();
	gateway_start(&g, &(struct gateway_setup){ .servers = DEMO_SERVERS, .rules = rules });
	snprintf(key, sizeof(key), "%s", gateway_key(&g, "a"));
	cr_expect(!is_listed(&g, key, "clock__now") && is_listed(&g, key, "clock__add") &&
	    !is_listed(&g, key, "notes__add_note"));
	cr_expect(code_of(&g, key, "clock__add", "{\"a\":1,\"b\":2}") == 0);
	cr_expect(code_of(&g, key, "clock__now", "{}") == 403);
	mcp_init(&m, g.mcp, "/servers/notes/mcp", key);
	mcp_ask_modern(&m, "tools/list", NULL, &a);
	cr_expect(a.status == 404, "%d %s", a.status, a.body);
	answer_fini(&a);
	mcp_fini(&m);
	EXPECT_CTL(&g, 0, "depends on client_address, credential\n", "explain", "--agent", "a", "--server", "clock",
	    "--tool", "add");
	EXPECT_CTL(&g, 0, "allowed", "explain", "--agent", "a", "--server", "clock", "--tool", "add", "--address",
	    "127.0.0.1", "--credential", "key");
	EXPECT_CTL(&g, 0, "DENIED", "explain", "--agent", "a", "--server", "clock", "--tool", "add", "--address", "unix",
	    "--credential", "key");
	gateway_stop(&g);
}

Test(conditions, unmet_by_what_is_only_watched_pass_and_are_recorded, .timeout = 60)
{
	struct gateway	 g;
	json_object	*records;
	char		 key[256], *log;

	NEEDS_JAILS();
	gateway_start(&g, &(struct gateway_setup){ .servers = DEMO_SERVERS, .rules =
	    "{\"agents\":{" ALL_OF("a") ",\"deny\":{\"tools\":{\"clock\":[{\"tool\":\"now\",\"shadow\":true},\"add\"]}}}}}" });
	snprintf(key, sizeof(key), "%s", gateway_key(&g, "a"));
	cr_expect(is_listed(&g, key, "clock__now") && !is_listed(&g, key, "clock__add"));
	cr_expect(code_of(&g, key, "clock__now", "{}") == 0);
	cr_expect(code_of(&g, key, "clock__add", "{\"a\":1,\"b\":2}") == 403);
	records = gateway_audit(&g);
	cr_expect(audit_count(records, "decision", "shadow") == 1 && audit_count(records, "decision", "deny") == 1 &&
	    audit_count(records, "rule", "agents.a.deny.tools.clock[0]") == 1, "%s",
	    json_object_to_json_string(records));
	json_object_put(records);
	EXPECT_CTL(&g, 0, "clock.now", "audit", "list", "--decision", "shadow");
	EXPECT_CTL(&g, 0, "allowed  (enforced, it would be denied)  rules.json:1  agents.a.deny.tools.clock[0] \"now\"",
	    "explain", "--agent", "a", "--server", "clock", "--tool", "now");
	log = gateway_log(&g);
	cr_expect(strstr(log, "agent a: clock.now passes, and would be denied (agents.a.deny.tools.clock[0]") != NULL, "%s",
	    log);
	free(log);
	/* Nothing is enforced. */
	EXPECT_CTL(&g, 0, "", "conf", "-e", "enforce=no");
	EXPECT_CTL(&g, 0, "", "reload");
	EXPECT_CTL(&g, 0, "enforce = no", "status");
	cr_expect(is_listed(&g, key, "clock__add"));
	cr_expect(code_of(&g, key, "clock__add", "{\"a\":1,\"b\":2}") == 0);
	EXPECT_CTL(&g, 0, " in force in ", "rule", "deny", "a", "clock", "sleep");
	EXPECT_CTL(&g, 65, "denied already", "rule", "deny", "a", "clock", "sleep");
	cr_expect(code_of(&g, "mgk_none", "clock__add", "{\"a\":1,\"b\":2}") != 0, "a credential is asked for all the same");
	gateway_stop(&g);
}

Test(conditions, go_with_what_a_call_costs_and_with_a_line_for_it, .timeout = 60)
{
	struct gateway	 g;
	char		 key[256], *log;

	NEEDS_JAILS();
	gateway_start(&g, &(struct gateway_setup){ .servers = DEMO_SERVERS, .rules =
	    "{\"agents\":{\"a\":{\"allow\":{\"servers\":[\"*\"],\"tools\":{\"clock\":["
	    "{\"tool\":\"now\",\"cost\":4,\"log\":\"notice\"},\"add\"]}}}},"
	    "\"limits\":{\"agents\":{\"a\":{\"rate\":\"1/h\",\"burst\":9}}}}" });
	snprintf(key, sizeof(key), "%s", gateway_key(&g, "a"));
	cr_expect(code_of(&g, key, "clock__now", "{}") == 0);
	cr_expect(code_of(&g, key, "clock__now", "{}") == 0);
	cr_expect(code_of(&g, key, "clock__now", "{}") != 0, "eight of nine are gone");
	cr_expect(code_of(&g, key, "clock__add", "{\"a\":1,\"b\":2}") == 0, "the last");
	cr_expect(code_of(&g, key, "clock__add", "{\"a\":1,\"b\":2}") != 0);
	log = gateway_log(&g);
	cr_expect(strstr(log, "agent a: clock.now by agents.a.allow.tools.clock[0], r-") != NULL, "%s", log);
	free(log);
	gateway_stop(&g);
}
