/* SPDX-License-Identifier: Apache-2.0
 *
 * c1_policy.c - listed = callable, in every view, over random policies
 *
 * A denied tool is in no list and in no meta-tool's answer, and refused when named.
 */
#include <time.h>

#include "tests/integration/common.h"

#define POLICIES	25

static const struct {
	const char	*server, *tool;
} tools[] = {
	{ "clock", "now" }, { "clock", "add" }, { "clock", "sleep" }, { "notes", "add_note" },
	{ "notes", "list_notes" }, { "notes", "delete_note" }, { "notes", "drop_all" },
};
#define TOOLS (sizeof(tools) / sizeof(tools[0]))

static const char *const patterns[] = {
	"*", "now", "add", "sleep", "add_note", "list_notes", "drop_all", "add*", "*_note", "*_all", "d*", "no*",
};
#define PATTERNS (sizeof(patterns) / sizeof(patterns[0]))

static unsigned
dice(unsigned *state, unsigned sides)
{
	*state = *state * 1103515245 + 12345;
	return *state / 65536 % sides;
}

static void
put_side(char *text, size_t room, unsigned *state, bool servers_likely)
{
	static const char *const names[] = { "clock", "notes", "*" };
	bool	first = true;
	size_t	n = 0;

	n += (size_t)snprintf(text + n, room - n, "{\"servers\":[");
	for (size_t i = 0; i < 3; i++) {
		if (dice(state, 10) >= (servers_likely ? (i == 2 ? 2 : 7) : 1))
			continue;
		n += (size_t)snprintf(text + n, room - n, "%s\"%s\"", first ? "" : ",", names[i]);
		first = false;
	}
	n += (size_t)snprintf(text + n, room - n, "],\"tools\":{");
	first = true;
	for (size_t i = 0; i < 3; i++) {
		if (dice(state, 3) == 0)
			continue;
		n += (size_t)snprintf(text + n, room - n, "%s\"%s\":[", first ? "" : ",", names[i]);
		first = false;
		for (unsigned k = dice(state, 3) + 1, m = k; m > 0; m--)
			n += (size_t)snprintf(text + n, room - n, "%s\"%s\"", m == k ? "" : ",",
			    patterns[dice(state, PATTERNS)]);
		n += (size_t)snprintf(text + n, room - n, "]");
	}
	snprintf(text + n, room - n, "}}");
}

/* -1: the answer is none of both. */
static int
refused(const struct answer *a)
{
	const char	*code = json_text_at(a->json, "error.data.code");

	if (a->status != 200 || a->json == NULL)
		return -1;
	if (json_at(a->json, "result.structuredContent.error.code") != NULL)
		code = json_text_at(a->json, "result.structuredContent.error.code");
	if (strcmp(code, "DENIED_BY_POLICY") == 0 || json_int_at(a->json, "error.code") == 403)
		return 1;
	return json_at(a->json, "result") != NULL ? 0 : -1;
}

/* Arguments that every tool refuses or that do nothing lasting. */
static const char *
harmless(const char *tool)
{
	return strcmp(tool, "drop_all") == 0 || strcmp(tool, "now") == 0 ? "{}" : "{\"ms\":0,\"id\":-1}";
}

static void
check_tool(const struct gateway *g, const char *key, size_t t, const char *policy)
{
	const char	*server = tools[t].server, *tool = tools[t].tool;
	struct mcp	 m;
	struct answer	 a;
	char		 path[64], name[64], text[256], *out;
	bool		 listed;
	int		 r;

	snprintf(name, sizeof(name), "%s__%s", server, tool);
	mcp_init(&m, g->mcp, "/mcp/catalog", key);
	mcp_ask_modern(&m, "tools/list", NULL, &a);
	EXPECT_STATUS(a, 200, "catalog");
	listed = tools_have(&a, name);
	answer_fini(&a);
	mcp_call(&m, name, harmless(tool), &a);
	r = refused(&a);
	/* What may not be seen may also be answered as unknown, but never run. */
	cr_expect(listed ? r == 0 : json_at(a.json, "result") == NULL, "catalog, %s %slisted, %s\n%s", name,
	    listed ? "" : "not ", a.body, policy);
	answer_fini(&a);
	mcp_fini(&m);

	snprintf(path, sizeof(path), "/servers/%s/mcp", server);
	mcp_init(&m, g->mcp, path, key);
	mcp_ask_modern(&m, "tools/list", NULL, &a);
	cr_expect(tools_have(&a, tool) == listed, "%s: %s is %slisted in the catalog, %s\n%s", path, tool,
	    listed ? "" : "not ", a.body, policy);
	answer_fini(&a);
	mcp_call(&m, tool, harmless(tool), &a);
	cr_expect(listed ? refused(&a) == 0 : json_at(a.json, "result") == NULL, "%s %s: %s\n%s", path, tool, a.body,
	    policy);
	answer_fini(&a);
	mcp_fini(&m);

	mcp_init(&m, g->mcp, "/mcp/discovery", key);
	snprintf(text, sizeof(text), "{\"server\":\"%s\"}", server);
	mcp_call(&m, "get_server_tools", text, &a);
	snprintf(text, sizeof(text), "\"%s\"", tool);
	{
		json_object *list = json_at(a.json, "result.structuredContent.tools");
		bool found = false;

		for (size_t i = 0; list != NULL && i < json_object_array_length(list); i++)
			found |= strcmp(json_text_at(json_object_array_get_idx(list, i), "name"), tool) == 0;
		cr_expect(found == listed, "get_server_tools: %s, %s\n%s", name, a.body, policy);
	}
	answer_fini(&a);
	snprintf(text, sizeof(text), "{\"server\":\"%s\",\"tool\":\"%s\",\"args\":%s}", server, tool, harmless(tool));
	mcp_call(&m, "execute_tool", text, &a);
	cr_expect(refused(&a) == (listed ? 0 : 1), "execute_tool %s: %s\n%s", name, a.body, policy);
	answer_fini(&a);
	mcp_fini(&m);

	r = gateway_ctl(g, &out, true, "--json", "explain", "--agent", "a", "--server", server, "--tool", tool, NULL);
	cr_expect((strstr(out, "\"allowed\":true") != NULL) == listed, "explain %s (exit %d): %s\n%s", name, r, out,
	    policy);
	free(out);
}

/* What holds for every policy, whatever the order of precedence. */
static bool
has_text(const char *side, const char *server, const char *tool)
{
	char	key[64];
	const char *from, *to;

	snprintf(key, sizeof(key), "\"%s\":[", server);
	if ((from = strstr(side, key)) == NULL || (to = strchr(from + strlen(key), ']')) == NULL)
		return false;
	snprintf(key, sizeof(key), "\"%s\"", tool);
	from = strstr(from, key);
	return from != NULL && from < to;
}

Test(policy, listed_is_callable_in_every_view)
{
	struct gateway	g;
	struct mcp	m;
	struct answer	a;
	char		key[256], allow[2048], deny[2048], rules[6000], name[64];
	unsigned	state = (unsigned)time(NULL);

	NEEDS_JAILS();
	if (getenv("SEED") != NULL)
		state = (unsigned)atoi(getenv("SEED"));
	cr_log_info("SEED=%u", state);
	gateway_start(&g, &(struct gateway_setup){ .servers = DEMO_SERVERS });
	snprintf(key, sizeof(key), "%s", gateway_key(&g, "a"));
	for (int i = 0; i < POLICIES; i++) {
		char *out;

		put_side(allow, sizeof(allow), &state, true);
		put_side(deny, sizeof(deny), &state, false);
		snprintf(rules, sizeof(rules), "{\"agents\":{\"a\":{\"allow\":%s,\"deny\":%s}}}", allow, deny);
		gateway_write(&g, "rules.json", rules);
		cr_assert(gateway_ctl(&g, &out, true, "reload", NULL) == 0, "%s\n%s", out, rules);
		free(out);
		for (size_t t = 0; t < TOOLS; t++) {
			check_tool(&g, key, t, rules);
			if (!has_text(deny, tools[t].server, tools[t].tool))
				continue;
			snprintf(name, sizeof(name), "%s__%s", tools[t].server, tools[t].tool);
			mcp_init(&m, g.mcp, "/mcp/catalog", key);
			mcp_ask_modern(&m, "tools/list", NULL, &a);
			cr_expect(!tools_have(&a, name), "denied by name, and listed: %s\n%s", name, rules);
			answer_fini(&a);
			mcp_fini(&m);
		}
	}
	gateway_stop(&g);
}
