/* SPDX-License-Identifier: Apache-2.0
 *
 * test_roles.c - roles, workspaces, and what is said of single tools: decisions on compiled policies
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

#include "lib/nameset.h"
#include "policy/decide.h"
#include "policy/policy.h"
#include "tests/unit/compiler/compile.h"

static const char *const	options[] = { "state_dir=/nowhere/s", "run_dir=/nowhere/r", "tools_secret=", NULL };
static char			folder[64];

/* Seed 002's own files, as its documents show them. */
static const char policy_yaml[] =
	"default_action: deny\n"
	"roles:\n"
	"  admin:\n"
	"    allowed_tools: [\"*\"]\n"
	"  developer:\n"
	"    allowed_tools:\n"
	"      - exact_calculate\n"
	"      - git_status\n"
	"      - git_push\n"
	"      - query\n"
	"  viewer:\n"
	"    allowed_tools: [exact_calculate]\n"
	"  operator:\n"
	"    allowed_tools: [\"*\"]\n"
	"  reader:\n"
	"    allowed_tools: [\"git_*\"]\n"
	"  local:\n"
	"    allowed_tools: [db/query, \"docs/*\"]\n"
	"  nothing:\n"
	"    allowed_tools: []\n"
	"workspaces:\n"
	"  research:\n"
	"    allowed_tools: [document_generate, git_status]\n"
	"    denied_tools: [git_status]\n"
	"  frozen:\n"
	"    denied_tools: [git_push, \"drop_*\"]\n"
	"  open:\n"
	"    allowed_tools: [\"*\"]\n"
	"    denied_tools: [git_push]\n"
	"  empty: {}\n"
	"tools:\n"
	"  git_push: {risk_tier: high, required_roles: [developer, release]}\n"
	"  query: {risk_tier: medium}\n";
static const char tools_yaml[] =
	"tools:\n"
	"  - name: exact_calculate\n"
	"    description: Exact arithmetic.\n"
	"    backend_url: http://127.0.0.1:9001/mcp\n"
	"    scope: calculator\n"
	"    risk_level: low\n"
	"    required_roles: []\n"
	"    is_active: true\n"
	"    categories: [math, exact]\n"
	"    input_schema: {type: object, properties: {expression: {type: string}}, required: [expression]}\n"
	"  - name: git_status\n"
	"    backend_url: http://127.0.0.1:9002/mcp\n"
	"    scope: git\n"
	"    risk_level: low\n"
	"  - name: git_push\n"
	"    backend_url: http://127.0.0.1:9002/mcp\n"
	"    scope: git\n"
	"    risk_level: medium\n"
	"    is_active: true\n"
	"  - name: document_generate\n"
	"    backend_url: http://127.0.0.1:9003/mcp\n"
	"    scope: docs\n"
	"    risk_level: high\n"
	"    required_roles: [writer, developer]\n"
	"  - name: git_gone\n"
	"    backend_url: http://127.0.0.1:9002/mcp\n"
	"    scope: git\n"
	"    is_active: false\n";
static const char servers_json[] = "{\"mcpServers\":{\"db\":{\"url\":\"http://127.0.0.1:9004/mcp\",\"tools\":{"
	"\"drop_table\":{\"required_roles\":[\"developer\"],\"risk_level\":\"high\"},\"secret\":{\"hide\":true}}},"
	"\"other\":{\"url\":\"http://127.0.0.1:9005/mcp\"}}}";
static const char rules_json[] = "{\"agents\":{"
	"\"all\":{\"allow\":{\"servers\":[\"*\"],\"tools\":{\"*\":[\"*\"]}}},"
	"\"git\":{\"allow\":{\"servers\":[\"git\"],\"tools\":{\"git\":[\"git_status\",\"git_push\"]}}},"
	"\"none\":{}},"
	"\"roles\":{\"dba\":{\"allow\":{\"servers\":[\"db\"],\"tools\":{\"db\":[\"*\"]}},"
	"\"deny\":{\"tools\":{\"db\":[\"drop_*\"]}}},"
	"\"careful\":{\"deny\":{\"servers\":[\"other\"],\"tools\":{\"*\":[\"query\"]}},\"hide\":{\"tools\":{\"db\":[\"salary\"]}}},"
	"\"wide\":{\"allow\":{\"servers\":[\"other\"],\"tools\":{\"*\":[\"*\"]}}}},"
	"\"workspaces\":{\"dbonly\":{\"allow\":{\"servers\":[\"db\"],\"tools\":{\"db\":[\"query\",\"explain\"]}}},"
	"\"nodb\":{\"deny\":{\"servers\":[\"db\"]}}}}";

static void
setup(struct compiled *c)
{
	scratch_new(folder);
	scratch_write(folder, "policy.yaml", policy_yaml, 0600);
	scratch_write(folder, "tools.yaml", tools_yaml, 0600);
	scratch_write(folder, "servers.json", servers_json, 0600);
	scratch_write(folder, "rules.json", rules_json, 0600);
	compile_folder(folder, true, options, c);
	cr_assert(c->errors == 0 && c->policy != NULL, "%.*s", SPAN_FMT(buf_rest(&c->notes)));
}

static void
over(struct compiled *c)
{
	compiled_fini(c);
	scratch_remove(folder);
}

struct row {
	const char	*agent, *roles, *workspace;	/* roles: separated by blanks */
	const char	*server, *tool;			/* tool "": the server itself; "/": a resource of it */
	bool		 allow;
	const char	*path;				/* what decided begins with this; NULL: whatever */
};

static const struct row rows[] = {
	/* roles alone */
	{ "", "developer", "", "calculator", "exact_calculate", true, "roles.developer.allowed_tools[0]" },
	{ "", "developer", "", "git", "git_status", true, "roles.developer.allowed_tools[1]" },
	{ "", "developer", "", "git", "git_gone", false, "default" },
	{ "", "developer", "", "docs", "document_generate", false, "default" },
	{ "", "viewer", "", "calculator", "exact_calculate", true, NULL },
	{ "", "viewer", "", "git", "git_status", false, "default" },
	{ "", "viewer developer", "", "git", "git_status", true, NULL },
	{ "", "nothing", "", "calculator", "exact_calculate", false, "default" },
	{ "", "unknown", "", "calculator", "exact_calculate", false, "default" },
	{ "", "unknown viewer", "", "calculator", "exact_calculate", true, NULL },
	{ "", "", "", "calculator", "exact_calculate", false, "default" },
	{ "", "admin", "", "calculator", "exact_calculate", true, "roles.admin.allowed_tools[0]" },
	{ "", "admin", "", "other", "whatever", true, NULL },
	{ "", "operator", "", "other", "whatever", true, NULL },
	{ "", "reader", "", "git", "git_status", true, "roles.reader.allowed_tools[0]" },
	{ "", "reader", "", "other", "git_log", true, NULL },
	{ "", "reader", "", "calculator", "exact_calculate", false, NULL },
	{ "", "Developer", "", "git", "git_status", false, "default" },
	/* a name of tools_file is that tool, of no other server */
	{ "", "developer", "", "other", "git_status", false, "default" },
	{ "", "viewer", "", "other", "exact_calculate", false, "default" },
	{ "", "developer", "", "db", "query", true, NULL },
	{ "", "developer", "", "other", "query", true, NULL },
	/* a server before the name */
	{ "", "local", "", "db", "query", true, "roles.local.allowed_tools[0]" },
	{ "", "local", "", "other", "query", false, "default" },
	{ "", "local developer", "", "docs", "document_generate", true, "roles.local.allowed_tools[1]" },
	/* what a tool wants */
	{ "", "local", "", "docs", "document_generate", false, "tools[3].required_roles" },
	{ "", "operator", "", "docs", "document_generate", false, "tools[3].required_roles" },
	{ "", "admin", "", "docs", "document_generate", true, NULL },
	{ "", "developer", "", "git", "git_push", true, NULL },
	{ "", "reader", "", "git", "git_push", false, "tools.git_push.required_roles" },
	{ "", "reader release", "", "git", "git_push", true, NULL },
	{ "", "reader", "", "other", "git_push", false, "tools.git_push.required_roles" },
	{ "", "operator", "", "db", "drop_table", false, "mcpServers.db.tools.drop_table.required_roles" },
	{ "", "operator developer", "", "db", "drop_table", true, NULL },
	{ "all", "", "", "db", "drop_table", false, "mcpServers.db.tools.drop_table.required_roles" },
	{ "all", "", "", "db", "query", true, NULL },
	/* hidden: for nobody */
	{ "", "admin", "", "db", "secret", false, "mcpServers.db.tools.secret.hide" },
	{ "all", "", "", "db", "secret", false, "mcpServers.db.tools.secret.hide" },
	{ "all", "admin", "open", "db", "secret", false, NULL },
	/* workspaces: a list replaces that of the roles */
	{ "", "developer", "research", "docs", "document_generate", true, "workspaces.research.allowed_tools[0]" },
	{ "", "developer", "research", "calculator", "exact_calculate", false, "default" },
	{ "", "developer", "research", "git", "git_status", false, "workspaces.research.denied_tools[0]" },
	{ "", "admin", "research", "calculator", "exact_calculate", false, "default" },
	{ "", "admin", "research", "git", "git_status", false, "workspaces.research.denied_tools[0]" },
	{ "", "", "research", "git", "git_push", false, "default" },
	{ "", "writer", "research", "docs", "document_generate", true, NULL },
	{ "", "viewer", "research", "docs", "document_generate", false, "tools[3].required_roles" },
	{ "", "developer", "frozen", "git", "git_push", false, "workspaces.frozen.denied_tools[0]" },
	{ "", "developer", "frozen", "git", "git_status", true, NULL },
	{ "", "operator developer", "frozen", "git", "git_push", false, "workspaces.frozen.denied_tools[0]" },
	{ "", "operator developer", "frozen", "db", "drop_table", false, "workspaces.frozen.denied_tools[1]" },
	{ "", "admin", "frozen", "git", "git_push", true, "roles.admin.allowed_tools[0]" },
	{ "", "admin", "frozen", "db", "drop_table", true, NULL },
	{ "", "viewer", "open", "other", "whatever", true, "workspaces.open.allowed_tools[0]" },
	{ "", "developer", "open", "git", "git_push", false, "workspaces.open.denied_tools[0]" },
	{ "", "admin", "open", "git", "git_push", true, NULL },
	{ "", "developer", "empty", "git", "git_status", true, NULL },
	{ "", "developer", "elsewhere", "git", "git_status", true, NULL },
	{ "", "", "open", "other", "whatever", true, NULL },
	/* rules.json's own */
	{ "", "dba", "", "db", "query", true, "roles.dba.allow.tools.db[0]" },
	{ "", "dba", "", "db", "drop_all", false, "roles.dba.deny.tools.db[0]" },
	{ "", "dba admin", "", "db", "drop_all", false, "roles.dba.deny.tools.db[0]" },
	{ "", "dba careful", "", "db", "query", false, "roles.careful.deny.tools.*[0]" },
	{ "", "careful operator", "", "other", "x", false, "roles.careful.deny.servers[0]" },
	{ "", "dba careful", "", "db", "salary", false, "roles.careful.hide.tools.db[0]" },
	{ "", "wide", "", "other", "x", true, NULL },
	{ "", "wide", "", "db", "x", false, "default" },
	{ "", "wide dba", "", "db", "drop_all", false, NULL },
	/* a role's allow of all tools counts on servers that it allows itself */
	{ "", "wide local", "", "db", "x", false, "default" },
	{ "", "developer", "dbonly", "db", "explain", true, "workspaces.dbonly.allow.tools.db[1]" },
	{ "", "developer", "dbonly", "git", "git_status", false, "default" },
	{ "", "dba", "dbonly", "db", "other", false, "default" },
	{ "", "developer", "nodb", "db", "query", false, "workspaces.nodb.deny.servers[0]" },
	{ "", "developer", "nodb", "git", "git_status", true, NULL },
	/* beside an agent: both must allow */
	{ "all", "viewer", "", "calculator", "exact_calculate", true, "agents.all.allow.tools.*[0]" },
	{ "all", "viewer", "", "git", "git_status", false, "default" },
	{ "git", "admin", "", "git", "git_status", true, "agents.git.allow.tools.git[0]" },
	{ "git", "admin", "", "db", "query", false, "default" },
	{ "none", "admin", "", "git", "git_status", false, "default" },
	{ "git", "developer", "frozen", "git", "git_push", false, "workspaces.frozen.denied_tools[0]" },
	{ "all", "", "", "git", "git_status", true, "agents.all" },
	{ "all", "", "frozen", "git", "git_status", false, "default" },
	{ "nobody", "admin", "", "git", "git_status", false, "default" },
	/* servers, and what is no tool */
	{ "", "viewer", "", "calculator", "", true, NULL },
	{ "", "viewer", "", "git", "", false, "default" },
	{ "", "admin", "", "git", "", true, NULL },
	{ "", "local", "", "docs", "/", true, NULL },
	{ "", "local", "", "db", "/", false, "default" },
	{ "", "developer", "", "git", "/", false, NULL },
	{ "", "admin", "nodb", "db", "", true, NULL },
	{ "", "operator", "nodb", "db", "", false, "workspaces.nodb.deny.servers[0]" },
	{ "all", "viewer", "", "git", "", false, "default" },
};

static void
ask(const struct snap *s, const struct row *r, struct decision *d)
{
	struct span		 names[16], rest = span_of(r->roles);
	struct principal	 who = { .tenant = SPAN_LIT("default"), .agent = span_of(r->agent) };
	const struct facts	 facts = { .known = FACT_WHO | FACT_BEARER | FACT_NAME };
	struct object		 what = { OBJECT_TOOL, span_of(r->server), span_of(r->tool), &facts };
	_Alignas(16) char	 memory[2048];
	struct arena		 a;
	size_t			 count = 0, n;

	arena_init(&a, memory, sizeof(memory), sizeof(memory));
	while (rest.n > 0) {
		for (n = 0; n < rest.n && rest.p[n] != ' '; n++)
			;
		names[count++] = span_part(rest, 0, n);
		rest = span_part(rest, n + 1, rest.n);
	}
	cr_assert(nameset_make(names, count, &a, &who.traits.roles) == 0);
	who.traits.workspace = span_of(r->workspace);
	if (r->tool[0] == '\0')
		what.kind = OBJECT_SERVER;
	if (r->tool[0] == '/')
		what = (struct object){ OBJECT_RESOURCE, span_of(r->server), SPAN_LIT("file:///x"), &facts };
	decide(s, &who, &what, d);
	arena_fini(&a);
}

Test(roles, decide_with_workspaces_agents_and_tools)
{
	struct compiled	c;
	struct decision	d;

	setup(&c);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *r = &rows[i];

		ask(c.policy, r, &d);
		cr_expect(d.allow == r->allow && (r->path == NULL || span_starts(d.path, span_of(r->path))),
		    "row %zu: \"%s\" [%s] in \"%s\": %s.%s is %s by %.*s (%s)", i, r->agent, r->roles, r->workspace,
		    r->server, r->tool, d.allow ? "allowed" : "denied", SPAN_FMT(d.path), d.class_text);
		if (!span_is(d.path, "default"))
			cr_expect(d.line > 0 && d.file.n > 0, "row %zu: names no place", i);
	}
	over(&c);
}

Test(roles, name_the_line_of_policy_yaml)
{
	const struct row	r = { "", "developer", "frozen", "git", "git_push", false, NULL };
	struct compiled		c;
	struct decision		d;

	setup(&c);
	ask(c.policy, &r, &d);
	cr_expect(span_is(d.file, "policy.yaml") && d.line == 26, "%.*s:%u", SPAN_FMT(d.file), d.line);
	cr_expect(d.rule > 0 && SNAP_AT(c.policy, RULE, d.rule - 1)->deny == 1);
	over(&c);
}

Test(roles, say_nothing_where_there_are_none)
{
	const struct row	r = { "all", "viewer", "w", "db", "x", true, NULL };
	struct compiled		c;
	struct decision		d;

	scratch_new(folder);
	scratch_write(folder, "servers.json", "{\"mcpServers\":{\"db\":{\"url\":\"http://127.0.0.1:1/\"}}}", 0600);
	scratch_write(folder, "rules.json", "{\"agents\":{\"all\":{\"allow\":{\"servers\":[\"*\"],\"tools\":{\"*\":[\"*\"]}}}}}", 0600);
	compile_folder(folder, true, options, &c);
	cr_assert(c.policy != NULL);
	ask(c.policy, &r, &d);
	cr_expect(d.allow, "%s", d.class_text);
	ask(c.policy, &(struct row){ "", "admin", "", "db", "x", false, NULL }, &d);
	cr_expect(not(d.allow));
	over(&c);
}

Test(roles, risks_are_the_higher_of_what_is_said)
{
	static const struct { const char *server, *tool; enum risk_level risk; } want[] = {
		{ "calculator", "exact_calculate", RISK_LEVEL_LOW }, { "git", "git_push", RISK_LEVEL_HIGH },
		{ "docs", "document_generate", RISK_LEVEL_HIGH }, { "db", "query", RISK_LEVEL_MEDIUM },
		{ "db", "drop_table", RISK_LEVEL_HIGH }, { "other", "git_push", RISK_LEVEL_HIGH },
		{ "other", "x", RISK_LEVEL_UNSAID }, { "git", "git_status", RISK_LEVEL_LOW },
	};
	struct compiled	c;

	setup(&c);
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		const struct rec_server	*s = policy_server_find(c.policy, SPAN_LIT("default"), span_of(want[i].server));

		cr_assert(s != NULL, "row %zu", i);
		cr_expect(policy_tool_risk(c.policy, s, span_of(want[i].tool)) == want[i].risk, "row %zu", i);
	}
	over(&c);
}

Test(roles, servers_of_tools_yaml_are_their_scopes)
{
	struct compiled		 c;
	const struct rec_server	*s;
	struct span		 listed;

	setup(&c);
	s = policy_server_find(c.policy, SPAN_LIT("default"), SPAN_LIT("git"));
	cr_assert(s != NULL && s->kind == SERVER_HTTP && s->transport == TRANSPORT_JSONRPC && s->port == 9002);
	listed = snap_text(c.policy, s->listed);
	cr_expect(span_is(listed, "{\"tools\":[{\"name\":\"git_status\",\"inputSchema\":{\"type\":\"object\"}},"
	    "{\"name\":\"git_push\",\"inputSchema\":{\"type\":\"object\"}}]}"), "%.*s", SPAN_FMT(listed));
	s = policy_server_find(c.policy, SPAN_LIT("default"), SPAN_LIT("calculator"));
	cr_assert(s != NULL);
	listed = snap_text(c.policy, s->listed);
	cr_expect(span_is(listed, "{\"tools\":[{\"name\":\"exact_calculate\",\"description\":\"Exact arithmetic.\","
	    "\"inputSchema\":{\"type\":\"object\",\"properties\":{\"expression\":{\"type\":\"string\"}},"
	    "\"required\":[\"expression\"]}}]}"), "%.*s", SPAN_FMT(listed));
	over(&c);
}

Test(roles, conditions_may_ask_for_risks)
{
	static const char	rules[] = "{\"agents\":{\"all\":{\"allow\":{\"servers\":[\"*\"],\"tools\":{\"*\":[\"*\"]}},"
				"\"deny\":{\"tools\":{\"*\":[{\"tool\":\"*\",\"when\":{\"StringEquals\":{\"risk\":\"high\"}}}]}}}},"
				"\"roles\":{\"low\":{\"allow\":{\"servers\":[\"*\"],\"tools\":{\"*\":[{\"tool\":\"*\",\"when\":"
				"{\"StringEquals\":{\"risk\":\"low\"}}}]}}}}}";
	static const struct row	risky[] = {
		{ "all", "", "", "git", "git_status", true, NULL }, { "all", "", "", "git", "git_push", false, NULL },
		{ "all", "", "", "docs", "document_generate", false, NULL }, { "all", "", "", "db", "other", true, NULL },
		{ "", "low", "", "git", "git_status", true, NULL }, { "", "low", "", "git", "git_push", false, NULL },
		{ "", "low", "", "db", "other", false, NULL }, { "all", "low", "", "db", "query", false, NULL },
	};
	struct compiled		c;
	struct decision		d;

	scratch_new(folder);
	scratch_write(folder, "policy.yaml", "tools: {git_push: {risk_tier: high}, query: {risk_tier: medium}}\n", 0600);
	scratch_write(folder, "tools.yaml", tools_yaml, 0600);
	scratch_write(folder, "servers.json", servers_json, 0600);
	scratch_write(folder, "rules.json", rules, 0600);
	compile_folder(folder, true, options, &c);
	cr_assert(c.policy != NULL, "%.*s", SPAN_FMT(buf_rest(&c.notes)));
	for (size_t i = 0; i < sizeof(risky) / sizeof(risky[0]); i++) {
		ask(c.policy, &risky[i], &d);
		cr_expect(d.allow == risky[i].allow, "row %zu: %.*s", i, SPAN_FMT(d.path));
	}
	over(&c);
}

struct wrong {
	const char	*file, *text, *says;
};

static const struct wrong wrongs[] = {
	{ "policy.yaml", "default_action: allow\n", "default_action" },
	{ "policy.yaml", "roles: {a: {allowed: [x]}}\n", "unknown key" },
	{ "policy.yaml", "roles: {a: {allowed_tools: x}}\n", "want an array" },
	{ "policy.yaml", "roles: {a: {allowed_tools: [\"a*b*\"]}}\n", "roles.a.allowed_tools[0]" },
	{ "policy.yaml", "roles: {a: {denied_tools: [x]}}\n", "unknown key" },
	{ "policy.yaml", "roles: {dba: {allowed_tools: [x]}}\n", "already" },
	{ "policy.yaml", "tools: {x: {risk_tier: huge}}\n", "risk_tier" },
	{ "policy.yaml", "tools: {x: {required_roles: [1]}}\n", "want a string" },
	{ "policy.yaml", "rolles: {}\n", "did you mean \"roles\"" },
	{ "tools.yaml", "tools: [{name: x}]\n", "backend_url" },
	{ "tools.yaml", "tools: [{name: x, backend_url: \"ftp://h/\"}]\n", "backend_url" },
	{ "tools.yaml", "tools: [{name: \"a b\", backend_url: \"http://127.0.0.1/\"}]\n", "a tool's name" },
	{ "tools.yaml", "tools: [{name: x, backend_url: \"http://127.0.0.1/\", risk_level: none}]\n", "risk_level" },
	{ "tools.yaml", "tools: [{name: x, backend_url: \"http://127.0.0.1/\", scope: db}]\n", "already" },
	{ "tools.yaml", "tools: [{name: x, backend_url: \"http://127.0.0.1/\", scope: s},"
	    " {name: x, backend_url: \"http://127.0.0.1/\", scope: t}]\n", "already" },
	{ "tools.yaml", "tools: [{name: x, backend_url: \"http://127.0.0.1/\", input_schema: {type: string}}]\n", "object" },
	{ "servers.json", "{\"mcpServers\":{\"db\":{\"url\":\"http://127.0.0.1/\",\"tools\":{\"a\":{\"name\":\"x y\"}}}}}",
	    "want letters" },
	{ "servers.json", "{\"mcpServers\":{\"db\":{\"url\":\"http://127.0.0.1/\",\"tools\":{\"a\":{\"name\":\"x_0123abcd\"}}}}}",
	    "names do that were cut" },
	{ "servers.json", "{\"mcpServers\":{\"db\":{\"url\":\"http://127.0.0.1/\",\"tools\":{\"a\":{\"name\":\"same\"},"
	    "\"b\":{\"name\":\"sa-me\"},\"c\":{\"name\":\"SAME\"}}}}}", "looks like, the name of" },
	{ "servers.json", "{\"mcpServers\":{\"db\":{\"url\":\"http://127.0.0.1/\",\"tools\":{\"a\":{\"name\":\"b\"},"
	    "\"b\":{\"risk_level\":\"low\"}}}}}", "looks like, the name of" },
	{ "servers.json", "{\"mcpServers\":{\"db\":{\"url\":\"http://127.0.0.1/\",\"prefix\":\"\",\"tools\":{\"a\":"
	    "{\"name\":\"x__y\"}}}}}", "what stands before __" },
	{ "servers.json", "{\"mcpServers\":{\"db\":{\"url\":\"http://127.0.0.1/\",\"tools\":{\"a\":{\"arguments\":"
	    "{\"set\":{\"x\":1},\"defaults\":{\"x\":2}}}}}}}", "want one of them" },
	{ "servers.json", "{\"mcpServers\":{\"db\":{\"url\":\"http://127.0.0.1/\",\"tools\":[\"*\"]}}}", "want an object" },
	{ "servers.json", "{\"mcpServers\":{\"db\":{\"url\":\"http://127.0.0.1/\",\"tools\":{\"a\":{\"nane\":\"b\"}}}}}",
	    "did you mean \"name\"" },
};

Test(roles, what_is_wrong_is_said)
{
	struct compiled	c;

	for (size_t i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++) {
		const struct wrong *w = &wrongs[i];
		struct span	    notes;

		scratch_new(folder);
		scratch_write(folder, "servers.json", servers_json, 0600);
		scratch_write(folder, "rules.json", rules_json, 0600);
		scratch_write(folder, w->file, w->text, 0600);
		compile_folder(folder, true, options, &c);
		notes = buf_rest(&c.notes);
		cr_expect(c.errors > 0 && memmem(notes.p, notes.n, w->says, strlen(w->says)) != NULL,
		    "row %zu: want \"%s\" in:\n%.*s", i, w->says, SPAN_FMT(notes));
		over(&c);
	}
}

Test(roles, a_missing_secret_of_the_backends_is_told)
{
	static const char *const with[] = { "state_dir=/nowhere/s", "run_dir=/nowhere/r", NULL };
	struct compiled		 c;

	scratch_new(folder);
	scratch_write(folder, "tools.yaml", tools_yaml, 0600);
	compile_folder(folder, true, with, &c);
	cr_expect(memmem(buf_rest(&c.notes).p, buf_rest(&c.notes).n, "tool_gateway_shared_secret", 26) != NULL, "%.*s",
	    SPAN_FMT(buf_rest(&c.notes)));
	over(&c);
}
