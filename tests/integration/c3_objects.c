/* SPDX-License-Identifier: Apache-2.0
 *
 * c3_objects.c - prompts, resources, templates and completion of four servers, over stdio and HTTP, of
 *                both eras, to clients of both eras, through every URL
 */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/integration/common.h"

#define STDIO(name, ...) "\"" name "\":{\"command\":\"@TOOLS@/tests/objects-server\",\"args\":[\"" name "\"" __VA_ARGS__ "]}"
#define HTTP(name)	"\"" name "\":{\"type\":\"http\",\"url\":\"http://127.0.0.1:%u/mcp\"}"

#define RULES "{\"agents\":{"							\
	"\"all\":{\"allow\":{\"servers\":[\"*\"],\"tools\":{\"*\":[\"*\"]}}},"	\
	"\"one\":{\"allow\":{\"servers\":[\"one\"],\"tools\":{\"one\":[\"*\"]}}},"	\
	"\"part\":{\"allow\":{\"servers\":[\"one\",\"two\"],\"tools\":{\"one\":[\"point\"],\"two\":[\"*\"]}}}}}"

static struct gateway	g;
static pid_t		others[2];
static unsigned		ports[2];

/* objects-server over HTTP; it dies with the test. */
static void
start_other(int i, const char *name, const char *word)
{
	char	self[512], line[32] = "";
	int	fds[2];
	ssize_t	n = readlink("/proc/self/exe", self, sizeof(self) - 32);

	cr_assert(n > 0 && pipe(fds) == 0);
	self[n] = '\0';
	for (int k = 0; k < 2; k++)
		*strrchr(self, '/') = '\0';
	strcat(self, "/objects-server");
	if ((others[i] = fork()) == 0) {
		dup2(fds[1], 1);
		execl(self, self, name, "http", word, NULL);
		_exit(127);
	}
	close(fds[1]);
	cr_assert(read(fds[0], line, sizeof(line) - 1) > 0 && (ports[i] = (unsigned)atoi(line)) > 0);
	close(fds[0]);
}

static void
begin(const char *conf)
{
	char	*servers;

	start_other(0, "three", "-");
	start_other(1, "four", "modern");
	cr_assert(asprintf(&servers, "{\"mcpServers\":{" STDIO("one") "," STDIO("two", ",\"modern\"") "," HTTP("three") ","
	    HTTP("four") "," STDIO("bare", ",\"bare\"") "}}", ports[0], ports[1]) > 0);
	gateway_start(&g, &(struct gateway_setup){ .servers = servers, .rules = RULES, .conf = conf });
	free(servers);
}

static void
end(void)
{
	gateway_stop(&g);
	for (int i = 0; i < 2; i++) {
		kill(others[i], SIGKILL);
		waitpid(others[i], NULL, 0);
	}
}

/* One key for all clients of an agent: another key is another principal, with instances of its own. */
static const char *
key_of(const char *agent)
{
	static struct { char agent[16], key[256]; }	keys[4];
	size_t						i = 0;

	while (keys[i].agent[0] != '\0' && strcmp(keys[i].agent, agent) != 0)
		i++;
	if (keys[i].agent[0] == '\0') {
		snprintf(keys[i].agent, sizeof(keys[i].agent), "%s", agent);
		snprintf(keys[i].key, sizeof(keys[i].key), "%s", gateway_key(&g, agent));
	}
	return keys[i].key;
}

static void
client(struct mcp *m, const char *path, const char *agent, bool modern)
{
	mcp_init(m, g.mcp, path, key_of(agent));
	if (!modern)
		cr_assert(mcp_initialize(m) == 200);
}

/* Asks, and expects this at this place of the answer: a text, a number, or with a '[' how many there are. */
static void
expect(struct mcp *m, const char *method, const char *params, const char *at, const char *want)
{
	struct answer	 a;
	json_object	*o;
	char		 have[512];

	mcp_ask_either(m, method, params, &a);
	o = json_at(a.json, at);
	if (o == NULL)
		snprintf(have, sizeof(have), "nothing");
	else if (json_object_is_type(o, json_type_array))
		snprintf(have, sizeof(have), "[%zu", json_object_array_length(o));
	else
		snprintf(have, sizeof(have), "%s", json_object_get_string(o));
	cr_expect(strcmp(have, want) == 0, "%s %s %s: %s is %s, not %s: %.600s", m->path,
	    m->session[0] == '\0' ? "modern" : "legacy", params == NULL ? method : params, at, have, want, a.body);
	answer_fini(&a);
}

static const char *const names[] = { "one", "two", "three", "four" };

Test(objects, of_each_server_are_served_on_its_url, .timeout = 60)
{
	struct mcp	m;
	char		path[64], text[128];

	NEEDS_JAILS();
	begin(NULL);
	for (int modern = 0; modern < 2; modern++)
		for (size_t i = 0; i < 4; i++) {
			snprintf(path, sizeof(path), "/servers/%s/mcp", names[i]);
			client(&m, path, "all", modern);
			expect(&m, "prompts/list", NULL, "result.prompts", "[2");
			expect(&m, "prompts/list", NULL, "result.prompts[0].name", "greet");
			expect(&m, "resources/list", NULL, "result.resources[0].uri", "shared://all");
			expect(&m, "resources/templates/list", NULL, "result.resourceTemplates", "[2");
			snprintf(text, sizeof(text), "%s greets Ann by greet", names[i]);
			expect(&m, "prompts/get", "{\"name\":\"greet\",\"arguments\":{\"who\":\"Ann\"}}",
			    "result.messages[0].content.text", text);
			expect(&m, "prompts/get", "{\"name\":\"nobody\"}", "error.code", "-32602");
			snprintf(text, sizeof(text), "%s has any://thing", names[i]);
			expect(&m, "resources/read", "{\"uri\":\"any://thing\"}", "result.contents[0].text", text);
			expect(&m, "resources/read", "{\"uri\":\"any://missing\"}", "error.code", modern ? "-32602" : "-32002");
			expect(&m, "resources/read", "{\"uri\":\"any://missing\"}", "error.data.uri", "any://missing");
			expect(&m, "completion/complete", "{\"ref\":{\"type\":\"ref/prompt\",\"name\":\"greet\"},"
			    "\"argument\":{\"name\":\"who\",\"value\":\"A\"}}", "result.completion.values[1]", "greet");
			expect(&m, "completion/complete", "{\"ref\":{\"type\":\"ref/resource\",\"uri\":\"same://{id}\"},"
			    "\"argument\":{\"name\":\"id\",\"value\":\"1\"}}", "result.completion.values[1]", "same://{id}");
			if (modern) {
				expect(&m, "resources/read", "{\"uri\":\"a:b\"}", "result.cacheScope", "private");
				expect(&m, "resources/read", "{\"uri\":\"a:b\"}", "result.resultType", "complete");
				expect(&m, "prompts/list", NULL, "result.cacheScope", "private");
			} else {
				expect(&m, "resources/read", "{\"uri\":\"a:b\"}", "result.cacheScope", "nothing");
			}
			mcp_fini(&m);
		}
	end();
}

static void
expect_merged(const char *path, bool modern)
{
	static const struct { const char *method, *params, *at, *want; } rows[] = {
		{ "prompts/list", NULL, "result.prompts", "[8" },
		{ "prompts/list", NULL, "result.prompts[2].name", "two__greet" },
		{ "prompts/get", "{\"name\":\"three__greet\",\"arguments\":{\"who\":\"Bo\"}}",
		    "result.messages[0].content.text", "three greets Bo by greet" },
		{ "prompts/get", "{\"name\":\"greet\"}", "error.code", "-32602" },
		{ "prompts/get", "{\"name\":\"bare__greet\"}", "error.code", "-32602" },
		{ "prompts/get", "{\"name\":7}", "error.code", "-32602" },
		/* One shared://all and one same://{id} for everybody: the first server's. */
		{ "resources/list", NULL, "result.resources", "[5" },
		{ "resources/list", NULL, "result.resources[0].description", "of one" },
		{ "resources/templates/list", NULL, "result.resourceTemplates", "[5" },
		{ "resources/read", "{\"uri\":\"shared://all\"}", "result.contents[0].text", "one has shared://all" },
		{ "resources/read", "{\"uri\":\"four://own\"}", "result.contents[0].text", "four has four://own" },
		{ "resources/read", "{\"uri\":\"two://item/5\"}", "result.contents[0].text", "two has two://item/5" },
		{ "resources/read", "{\"uri\":\"same://5\"}", "result.contents[0].text", "one has same://5" },
		{ "resources/read", "{\"uri\":\"other://5\"}", "error.data.uri", "other://5" },
		{ "completion/complete", "{\"ref\":{\"type\":\"ref/prompt\",\"name\":\"four__greet\"},"
		    "\"argument\":{\"name\":\"who\",\"value\":\"A\"}}", "result.completion.values[0]", "four" },
		{ "completion/complete", "{\"ref\":{\"type\":\"ref/prompt\",\"name\":\"four__greet\"},"
		    "\"argument\":{\"name\":\"who\",\"value\":\"A\"}}", "result.completion.values[1]", "greet" },
		{ "completion/complete", "{\"ref\":{\"type\":\"ref/resource\",\"uri\":\"three://item/{id}\"},"
		    "\"argument\":{\"name\":\"id\",\"value\":\"A\"}}", "result.completion.values[0]", "three" },
		{ "completion/complete", "{\"ref\":{\"type\":\"ref/resource\",\"uri\":\"x://{id}\"},"
		    "\"argument\":{\"name\":\"id\",\"value\":\"A\"}}", "error.code", "-32602" },
		{ "completion/complete", "{\"ref\":{\"type\":\"ref/prompt\",\"name\":\"four__greet\",\"name\":\"x\"},"
		    "\"argument\":{\"name\":\"who\",\"value\":\"A\"}}", "error.code", "-32602" },
	};
	struct mcp	m;

	client(&m, path, "all", modern);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		expect(&m, rows[i].method, rows[i].params, rows[i].at, rows[i].want);
	expect(&m, "resources/read", "{\"uri\":\"other://5\"}", "error.code", modern ? "-32602" : "-32002");
	mcp_fini(&m);
}

Test(objects, of_all_servers_are_served_in_merged_views, .timeout = 60)
{
	static const char *const paths[] = { "/mcp", "/mcp/catalog", "/mcp/discovery" };
	json_object	*records;
	char		*log, *said;

	NEEDS_JAILS();
	begin("workers = 1\n");
	for (size_t i = 0; i < 3; i++)
		for (int modern = 0; modern < 2; modern++)
			expect_merged(paths[i], modern);
	records = gateway_audit(&g);
	cr_expect(audit_count(records, "kind", "resource") == 36 && audit_count(records, "object", "two://item/5") == 6 &&
	    audit_count(records, "kind", "prompt") == 18 && audit_count(records, "object", "only one") == 0 &&
	    audit_count(records, "kind", "completion") == 24, "%zu %zu %zu", audit_count(records, "kind", "resource"),
	    audit_count(records, "kind", "prompt"), audit_count(records, "kind", "completion"));
	json_object_put(records);
	log = gateway_log(&g);
	said = strstr(log, "servers one and two both have shared://all");
	cr_expect(said != NULL && strstr(said + 1, "servers one and two both have shared://all") == NULL, "%s", log);
	free(log);
	end();
}

/* A name that a merged view had to change leads back to the server's own. */
Test(objects, a_changed_prompt_name_finds_its_prompt, .timeout = 30)
{
	struct mcp	m;
	struct answer	a;
	char		params[256];

	NEEDS_JAILS();
	begin(NULL);
	client(&m, "/mcp", "one", true);
	mcp_ask_modern(&m, "prompts/list", NULL, &a);
	snprintf(params, sizeof(params), "{\"name\":\"%s\"}", json_text_at(a.json, "result.prompts[1].name"));
	cr_expect(strncmp(params, "{\"name\":\"one__only_one_", 22) == 0, "%s", params);
	answer_fini(&a);
	expect(&m, "prompts/get", params, "result.messages[0].content.text", "one greets  by only one");
	/* And only one server has resources here. */
	expect(&m, "resources/read", "{\"uri\":\"un://listed\"}", "result.contents[0].text", "one has un://listed");
	mcp_fini(&m);
	end();
}

Test(objects, a_returned_uri_leads_back_to_who_returned_it, .timeout = 30)
{
	struct mcp	m, other;
	struct answer	a;

	NEEDS_JAILS();
	begin("workers = 1\n");
	client(&m, "/mcp", "all", true);
	client(&other, "/mcp", "part", true);
	expect(&m, "resources/read", "{\"uri\":\"hidden://two\"}", "error.code", "-32602");
	mcp_call(&m, "two__point", "{}", &a);
	cr_expect(strcmp(json_text_at(a.json, "result.content[0].uri"), "hidden://two") == 0, "%s", a.body);
	answer_fini(&a);
	expect(&m, "resources/read", "{\"uri\":\"hidden://two\"}", "result.contents[0].text", "two has hidden://two");
	/* The memory is m's alone: another's URIs go where they would have gone. */
	expect(&other, "resources/read", "{\"uri\":\"hidden://three\"}", "result.contents[0].text", "two has hidden://three");
	mcp_fini(&m);
	mcp_fini(&other);
	end();
}

Test(objects, need_the_whole_server, .timeout = 30)
{
	struct mcp	m;
	json_object	*records;

	NEEDS_JAILS();
	begin(NULL);
	for (int modern = 0; modern < 2; modern++) {
		client(&m, "/servers/one/mcp", "part", modern);
		expect(&m, "tools/list", NULL, "result.tools", "[1");
		expect(&m, "prompts/list", NULL, "result.prompts", "[0");
		expect(&m, "resources/list", NULL, "result.resources", "[0");
		expect(&m, "prompts/get", "{\"name\":\"greet\"}", "error.code", "403");
		expect(&m, "prompts/get", "{\"name\":\"greet\"}", "error.data.rule", "default");
		expect(&m, "resources/read", "{\"uri\":\"shared://all\"}", "error.code", "403");
		expect(&m, "completion/complete", "{\"ref\":{\"type\":\"ref/prompt\",\"name\":\"greet\"},"
		    "\"argument\":{\"name\":\"who\",\"value\":\"A\"}}", "error.code", "403");
		mcp_fini(&m);
		client(&m, "/mcp", "part", modern);
		expect(&m, "prompts/list", NULL, "result.prompts", "[2");
		expect(&m, "prompts/get", "{\"name\":\"one__greet\"}", "error.code", "403");
		expect(&m, "prompts/get", "{\"name\":\"three__greet\"}", "error.code", "-32602");
		/* The first that may be used has it, not the first that has it. */
		expect(&m, "resources/read", "{\"uri\":\"shared://all\"}", "result.contents[0].text", "two has shared://all");
		mcp_fini(&m);
	}
	records = gateway_audit(&g);
	cr_expect(audit_count(records, "decision", "deny") == 10, "%zu", audit_count(records, "decision", "deny"));
	json_object_put(records);
	end();
}

Test(objects, that_must_be_hidden_look_like_none, .timeout = 30)
{
	struct mcp	m;

	NEEDS_JAILS();
	begin("deny_detail = hide\n");
	client(&m, "/servers/one/mcp", "part", true);
	expect(&m, "prompts/get", "{\"name\":\"greet\"}", "error.message", "Unknown prompt: greet");
	expect(&m, "prompts/get", "{\"name\":\"none\"}", "error.message", "Unknown prompt: none");
	expect(&m, "resources/read", "{\"uri\":\"shared://all\"}", "error.code", "-32602");
	expect(&m, "resources/read", "{\"uri\":\"shared://all\"}", "error.data.uri", "shared://all");
	mcp_fini(&m);
	end();
}

/* What initialize or server/discover says, and that methods of what it does not say are unknown. */
static void
expect_offers(const char *path, bool modern, const char *has, const char *lacks, const char *instructions)
{
	struct mcp	m;
	struct answer	a;
	char		at[64];

	mcp_init(&m, g.mcp, path, key_of("all"));
	if (modern)
		mcp_ask_modern(&m, "server/discover", NULL, &a);
	else
		mcp_post(&m, "", "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{\"protocolVersion\":\""
		    LEGACY_VERSION "\",\"capabilities\":{},\"clientInfo\":{\"name\":\"t\",\"version\":\"1\"}}}", &a);
	EXPECT_STATUS(a, 200, "%s", path);
	snprintf(at, sizeof(at), "result.capabilities.%s", has);
	cr_expect(json_at(a.json, at) != NULL, "%s: %s", path, a.body);
	snprintf(at, sizeof(at), "result.capabilities.%s", lacks);
	cr_expect(json_at(a.json, at) == NULL, "%s: %s", path, a.body);
	cr_expect(strstr(json_text_at(a.json, "result.instructions"), instructions) != NULL, "%s: %s", path, a.body);
	answer_fini(&a);
	mcp_fini(&m);
}

Test(objects, are_offered_by_who_has_them, .timeout = 60)
{
	struct mcp	m;
	struct answer	a;
	char		path[64], said[64];

	NEEDS_JAILS();
	begin("workers = 1\n");
	/* Nothing is known, and nothing is started for a merged view. */
	expect_offers("/mcp", true, "logging", "tasks", "");
	for (int modern = 0; modern < 2; modern++) {
		for (size_t i = 0; i < 4; i++) {
			snprintf(path, sizeof(path), "/servers/%s/mcp", names[i]);
			snprintf(said, sizeof(said), "Use %s well.", names[i]);
			expect_offers(path, modern, "prompts", "logging", said);
		}
		expect_offers("/servers/bare/mcp", modern, "tools", "prompts", "Use bare well.");
		client(&m, "/servers/bare/mcp", "all", modern);
		mcp_ask_either(&m, "prompts/list", NULL, &a);
		EXPECT_STATUS(a, modern ? 404 : 200, "prompts/list of a server without prompts");
		cr_expect(json_int_at(a.json, "error.code") == -32601, "%s", a.body);
		answer_fini(&a);
		mcp_ask_either(&m, "completion/complete", "{}", &a);
		cr_expect(json_int_at(a.json, "error.code") == -32601, "%s", a.body);
		answer_fini(&a);
		expect(&m, "tools/list", NULL, "result.tools", "[1");
		mcp_fini(&m);
	}
	expect_offers("/mcp", false, "prompts", "logging", "# two\n\nUse two well.");
	end();
}

Test(objects, come_in_pages, .timeout = 60)
{
	struct mcp	m, other;
	struct answer	a;
	char		cursor[512] = "", params[600];
	size_t		count = 0, pages = 0, n;
	char		last[64] = "";

	NEEDS_JAILS();
	gateway_start(&g, &(struct gateway_setup){ .rules = RULES, .servers = "{\"mcpServers\":{" STDIO("one", ",\"many\"") ","
	    STDIO("two", ",\"many\",\"modern\"") "}}" });
	client(&m, "/mcp", "all", true);
	do {
		snprintf(params, sizeof(params), cursor[0] == '\0' ? "{}" : "{\"cursor\":\"%s\"}", cursor);
		mcp_ask_modern(&m, "resources/list", params, &a);
		EXPECT_STATUS(a, 200, "page %zu", pages);
		cr_assert(json_at(a.json, "result.resources") != NULL, "%.300s", a.body);
		n = json_object_array_length(json_at(a.json, "result.resources"));
		cr_expect(n == (pages < 5 ? 1000 : 3), "page %zu has %zu", pages, n);
		cr_expect(strcmp(last, json_text_at(a.json, "result.resources[0].uri")) != 0);
		snprintf(last, sizeof(last), "%s", json_text_at(a.json, "result.resources[0].uri"));
		count += n;
		snprintf(cursor, sizeof(cursor), "%s", json_text_at(a.json, "result.nextCursor"));
		answer_fini(&a);
	} while (cursor[0] != '\0' && ++pages < 10);
	cr_expect(count == 5003, "%zu", count);

	/* A cursor is for its list, its URL and its owner. */
	mcp_ask_modern(&m, "resources/list", NULL, &a);
	snprintf(params, sizeof(params), "{\"cursor\":\"%s\"}", json_text_at(a.json, "result.nextCursor"));
	answer_fini(&a);
	expect(&m, "resources/list", params, "result.resources", "[1000");
	expect(&m, "prompts/list", params, "error.code", "-32602");
	expect(&m, "resources/list", "{\"cursor\":\"\"}", "error.code", "-32602");
	expect(&m, "resources/list", "{\"cursor\":\"AAAA\"}", "error.code", "-32602");
	expect(&m, "resources/list", "{\"cursor\":5}", "error.code", "-32602");
	client(&other, "/mcp/catalog", "all", true);
	expect(&other, "resources/list", params, "error.code", "-32602");
	mcp_fini(&other);
	client(&other, "/mcp", "part", true);
	expect(&other, "resources/list", params, "error.code", "-32602");
	mcp_fini(&other);
	mcp_fini(&m);
	gateway_stop(&g);
}
