/* SPDX-License-Identifier: Apache-2.0
 *
 * p2_routes.c - over random policies with conditions: on every route what is listed may be used with some arguments,
 *               and what is not listed with none
 *
 * Tools, prompts, resources, templates and completion; the catalog, one server's URL, and the discovery tools.
 * SEED=n for other policies.
 */
#include "tests/integration/common.h"

#define POLICIES	20
#define SERVERS		"{\"mcpServers\":{\"one\":{\"command\":\"@TOOLS@/tests/objects-server\",\"args\":[\"one\"]},"	\
	"\"two\":{\"command\":\"@TOOLS@/tests/objects-server\",\"args\":[\"two\",\"modern\"]}}}"

static const char *const names[] = { "one", "two" };
/* An allow asks for x, a deny for y, so that each can be met by itself. */
static const char *const arguments[] = { "{}", "{\"x\":\"1\"}", "{\"x\":\"2\"}", "{\"x\":\"1\",\"y\":\"1\"}",
	"{\"y\":\"1\"}" };
#define ARGUMENTS	(sizeof(arguments) / sizeof(arguments[0]))

static struct gateway	g;
static char		rules[8192];
static char		key[256], said[512];	/* the last answer of another one, or none */

static unsigned
dice(unsigned *state, unsigned sides)
{
	*state = *state * 1103515245 + 12345;
	return *state / 65536 % sides;
}

static void
put(const char *text)
{
	cr_assert(strlen(rules) + strlen(text) < sizeof(rules));
	strcat(rules, text);
}

static void
put_entry(unsigned *state, const char *what, const char *name, bool deny)
{
	static const char *const whens[] = {
		"\"IpAddress\":{\"client_address\":\"127.0.0.0/8\"}", "\"NotIpAddress\":{\"client_address\":\"127.0.0.0/8\"}",
		"\"DateLessThan\":{\"time\":\"2020-01-01T00:00:00Z\"}", "\"StringEquals\":{\"credential\":[\"key\",\"peer\"]}",
		"\"Null\":{\"user\":false}", "\"StringEquals\":{\"kind\":[\"prompt\",\"resource\",\"completion\"]}",
		"\"StringEqualsIfExists\":{\"tool\":\"point\"}",
	};
	const unsigned		 sides = dice(state, 12);
	char			 text[256];

	if (sides < 3)
		snprintf(text, sizeof(text), "\"%s\"", name);
	else if (sides < 7)
		snprintf(text, sizeof(text), "{\"%s\":\"%s\",\"when\":{%s}}", what, name, deny ?
		    "\"Null\":{\"arguments/y\":false}" : "\"StringEquals\":{\"arguments/x\":[\"1\",\"3\"]}");
	else
		snprintf(text, sizeof(text), "{\"%s\":\"%s\",\"when\":{%s}}", what, name,
		    whens[dice(state, sizeof(whens) / sizeof(whens[0]))]);
	put(text);
}

static void
put_section(unsigned *state, bool deny)
{
	static const char *const	servers[] = { "one", "two", "*" }, *const tools[] = { "*", "point", "po*" };
	bool				first = true;

	put("{\"servers\":[");
	for (unsigned i = 0; i < 3; i++)
		if (dice(state, 10) < (deny ? 1u : 7u)) {
			put(first ? "" : ",");
			put_entry(state, "server", servers[i], deny);
			first = false;
		}
	put("],\"tools\":{");
	first = true;
	for (unsigned i = 0; i < 3; i++)
		if (dice(state, 10) < (deny ? 3u : 7u)) {
			put(first ? "\"" : ",\"");
			put(servers[i]);
			put("\":[");
			put_entry(state, "tool", tools[dice(state, 2) * dice(state, 3)], deny);
			if (dice(state, 2) == 0) {
				put(",");
				put_entry(state, "tool", tools[dice(state, 3)], deny);
			}
			put("]");
			first = false;
		}
	put("}}");
}

/* Is a result there at all, and none that says that it was denied? */
static bool
passes(const char *path, const char *method, const char *params)
{
	struct mcp	m;
	struct answer	a;
	bool		yes;

	mcp_init(&m, g.mcp, path, key);
	mcp_ask_modern(&m, method, params, &a);
	yes = json_at(a.json, "result") != NULL && json_at(a.json, "result.structuredContent.error.code") == NULL;
	answer_fini(&a);
	mcp_fini(&m);
	return yes;
}

/* By this server: where nothing says whose a URI is, the one server that has resources is asked, and answers. */
static bool
reads(const char *path, const char *params, const char *server)
{
	struct mcp	m;
	struct answer	a;
	bool		yes;

	mcp_init(&m, g.mcp, path, key);
	mcp_ask_modern(&m, "resources/read", params, &a);
	yes = strncmp(json_text_at(a.json, "result.contents[0].text"), server, strlen(server)) == 0;
	if (!yes)
		snprintf(said, sizeof(said), "%s", a.body);
	answer_fini(&a);
	mcp_fini(&m);
	return yes;
}

/* With some arguments. */
static bool
passes_somehow(const char *path, const char *method, const char *format, const char *name)
{
	char	params[512];

	for (size_t i = 0; i < ARGUMENTS; i++) {
		snprintf(params, sizeof(params), format, name, arguments[i]);
		if (passes(path, method, params))
			return true;
	}
	return false;
}

/* Is there an item with this value at this member? */
static bool
lists(const char *path, const char *method, const char *params, const char *at, const char *member, const char *want)
{
	struct mcp	m;
	struct answer	a;
	json_object	*list;
	bool		found = false;

	mcp_init(&m, g.mcp, path, key);
	mcp_ask_modern(&m, method, params, &a);
	list = json_at(a.json, at);
	for (size_t i = 0; list != NULL && i < json_object_array_length(list); i++)
		found |= strcmp(json_text_at(json_object_array_get_idx(list, i), member), want) == 0;
	answer_fini(&a);
	mcp_fini(&m);
	return found;
}

static unsigned	seen[2][5];		/* not listed and listed, of each kind: that both came up */

static void
check(unsigned kind, const char *path, const char *name, bool listed, bool used)
{
	cr_expect(listed == used, "%s %s: %slisted, and %sused with some arguments (%s)\n%s", path, name, listed ? "" : "not ",
	    used ? "" : "not ", said, rules);
	seen[listed][kind]++;
}

static void
check_path(const char *path, const char *server, const char *prefix)
{
	static unsigned	item;
	char		name[64], uri[64], text[256];
	bool		listed;

	snprintf(name, sizeof(name), "%spoint", prefix);
	check(0, path, name, lists(path, "tools/list", NULL, "result.tools", "name", name), passes_somehow(path,
	    "tools/call", "{\"name\":\"%s\",\"arguments\":%s}", name));
	snprintf(name, sizeof(name), "%sgreet", prefix);
	listed = lists(path, "prompts/list", NULL, "result.prompts", "name", name);
	check(1, path, name, listed, passes_somehow(path, "prompts/get", "{\"name\":\"%s\",\"arguments\":%s}", name));
	snprintf(text, sizeof(text), "{\"ref\":{\"type\":\"ref/prompt\",\"name\":\"%s\"},\"argument\":{\"name\":\"who\","
	    "\"value\":\"A\"}}", name);
	check(2, path, "completion", listed, passes(path, "completion/complete", text));
	snprintf(uri, sizeof(uri), "%s://own", server);
	snprintf(text, sizeof(text), "{\"uri\":\"%s\"}", uri);
	check(3, path, uri, lists(path, "resources/list", NULL, "result.resources", "uri", uri),
	    reads(path, text, server));
	snprintf(uri, sizeof(uri), "%s://item/{id}", server);
	/* One that nobody had: the gateway remembers whose a URI was. */
	snprintf(text, sizeof(text), "{\"uri\":\"%s://item/%u\"}", server, item++);
	check(4, path, uri, lists(path, "resources/templates/list", NULL, "result.resourceTemplates", "uriTemplate", uri),
	    reads(path, text, server));
}

static void
check_discovery(const char *server)
{
	static const char	path[] = "/mcp/discovery";
	char			params[256];
	bool			used;

	used = passes_somehow(path, "tools/call",
	    "{\"name\":\"execute_tool\",\"arguments\":{\"server\":\"%s\",\"tool\":\"point\",\"args\":%s}}", server);
	snprintf(params, sizeof(params), "{\"name\":\"get_server_tools\",\"arguments\":{\"server\":\"%s\"}}", server);
	check(0, "get_server_tools", server, lists(path, "tools/call", params, "result.structuredContent.tools", "name",
	    "point"), used);
	check(0, "search_tools", server, lists(path, "tools/call",
	    "{\"name\":\"search_tools\",\"arguments\":{\"query\":\"point\"}}", "result.structuredContent.tools", "server",
	    server), used);
}

/* What explain says of a call is what the call got. */
static void
check_explain(const char *server)
{
	char	name[64], params[256], *out;
	bool	allowed;

	snprintf(name, sizeof(name), "%s__point", server);
	for (size_t i = 0; i < ARGUMENTS; i++) {
		snprintf(params, sizeof(params), "{\"name\":\"%s\",\"arguments\":%s}", name, arguments[i]);
		cr_expect(gateway_ctl(&g, &out, true, "--json", "explain", "--agent", "a", "--server", server, "--tool",
		    "point", "--args", arguments[i], "--address", "127.0.0.1", "--credential", "key", NULL) == 0, "%s", out);
		allowed = strstr(out, "\"allowed\":true") != NULL;
		cr_expect(passes("/mcp/catalog", "tools/call", params) == allowed && strstr(out, "depends_on") == NULL,
		    "%s: %s\n%s", params, out, rules);
		free(out);
	}
}

Test(routes, list_what_may_be_used_and_nothing_else, .timeout = 240)
{
	unsigned	state = env_number("SEED", 7);
	char		path[64], prefix[16], *out;

	NEEDS_JAILS();
	gateway_start(&g, &(struct gateway_setup){ .servers = SERVERS });
	snprintf(key, sizeof(key), "%s", gateway_key(&g, "a"));
	for (int i = 0; i < POLICIES; i++) {
		snprintf(rules, sizeof(rules), "{\"agents\":{\"a\":{\"allow\":");
		put_section(&state, false);
		put(",\"deny\":");
		put_section(&state, true);
		put("}}}");
		gateway_write(&g, "rules.json", rules);
		cr_assert(gateway_ctl(&g, &out, true, "reload", NULL) == 0, "%s\n%s", out, rules);
		free(out);
		for (size_t s = 0; s < 2; s++) {
			snprintf(prefix, sizeof(prefix), "%s__", names[s]);
			check_path("/mcp/catalog", names[s], prefix);
			snprintf(path, sizeof(path), "/servers/%s/mcp", names[s]);
			check_path(path, names[s], "");
			check_discovery(names[s]);
			if (i % 5 == 0)
				check_explain(names[s]);
		}
	}
	for (unsigned kind = 0; kind < 5; kind++)
		cr_expect(seen[0][kind] > 0 && seen[1][kind] > 0, "kind %u: %u not listed, %u listed", kind, seen[0][kind],
		    seen[1][kind]);
	gateway_stop(&g);
}
