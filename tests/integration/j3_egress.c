/* SPDX-License-Identifier: Apache-2.0
 *
 * j3_egress.c - a tool with a list of hosts reaches these and nothing else, by whatever way it tries
 */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/harness/outside.h"
#include "tests/integration/common.h"

#define RULES	"{\"agents\":{\"a\":{\"allow\":{\"servers\":[\"*\"],\"tools\":{\"*\":[\"*\"]}}}}}"
#define CONF	"egress_dns = " OUTSIDE_DNS "\n"
#define REACHING "\"command\":\"@TOOLS@/tests/reaching-server\""

static struct outside	outside;
static struct gateway	g;
static struct mcp	client;
static pid_t		tls_server;

static void
start(const char *servers)
{
	NEEDS_JAILS();
	if (!outside_start(&outside))
		cr_skip_test("no network of one's own on this machine");
	gateway_start(&g, &(struct gateway_setup){ .servers = servers, .rules = RULES, .conf = CONF,
	    .user_ns = outside.user_ns, .net_ns = outside.net_ns });
	mcp_init(&client, g.local, "/servers/reach/mcp", gateway_key(&g, "a"));
}

static void
stop(void)
{
	mcp_fini(&client);
	if (tls_server > 0) {
		kill(tls_server, SIGKILL);
		waitpid(tls_server, NULL, 0);
	}
	gateway_stop(&g);
	outside_stop(&outside);
}

/* What the tool answered, in a static buffer. */
static const char *
ask(const char *tool, const char *host, const char *port, const char *more)
{
	static char	text[2048];
	char		arguments[700];
	struct answer	a;

	snprintf(arguments, sizeof(arguments), "{\"host\":\"%s\",\"port\":\"%s\",\"say\":\"hi\"%s}", host, port, more);
	mcp_call(&client, tool, arguments, &a);
	snprintf(text, sizeof(text), "%s", json_at(a.json, "result") == NULL ? a.body :
	    json_text_at(a.json, "result.content[0].text"));
	answer_fini(&a);
	return text;
}

#define EXPECT_REACHED(tool, host, port, more) do {					\
	const char *got_ = ask((tool), (host), (port), (more));				\
	cr_expect(strcmp(got_, "hi") == 0, "%s %s:%s: %s", (tool), (host), (port), got_);	\
} while (0)
/* It must also not have come there and lost the answer, so the error is one of refusing. */
#define EXPECT_REFUSED(tool, host, port, more) do {					\
	const char *got_ = ask((tool), (host), (port), (more));				\
	cr_expect(strncmp(got_, "error: ", 7) == 0, "%s %s:%s: %s", (tool), (host), (port), got_);	\
} while (0)

#define LIST	"\"net\":[\"api.docs.example:7000\",\"*.wide.docs.example:7000\",\"10.7.7.7:7000\","	\
	"\"private.example:7000\",\"loop.example:7000\",\"api.docs.example:8080\",\"api.docs.example:8443\"]"

static const char *
port_of(const char *address)
{
	return strrchr(address, ':') + 1;
}

static void
expect_audit(void)
{
	json_object	*records = gateway_audit(&g);
	size_t		 allowed = 0, denied = 0;
	bool		 bytes = false;

	for (size_t i = 0; i < json_object_array_length(records); i++) {
		json_object *r = json_object_array_get_idx(records, i);

		if (strcmp(json_text_at(r, "kind"), "net") != 0)
			continue;
		cr_expect(strcmp(json_text_at(r, "server"), "reach") == 0);
		allowed += strcmp(json_text_at(r, "decision"), "allow") == 0;
		denied += strcmp(json_text_at(r, "decision"), "deny") == 0;
		if (strcmp(json_text_at(r, "object"), "api.docs.example:7000") == 0 &&
		    strcmp(json_text_at(r, "address"), "11.0.0.1:7000") == 0)
			bytes |= json_int_at(r, "bytes_out") == 2 && json_int_at(r, "bytes_in") == 2;
	}
	cr_expect(allowed >= 5, "%zu allowed", allowed);
	cr_expect(denied >= 5, "%zu denied", denied);
	cr_expect(bytes, "no record says where it went and how much passed");
	json_object_put(records);
}

Test(egress, what_the_list_names_is_reached_and_nothing_else, .timeout = 120)
{
	static const char *const	machine[] = { "127.0.0.1", "127.1.2.3", "11.0.0.1", "12.0.0.1", "10.9.9.9",
		"169.254.169.254", "fd00:ec2::254", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "0.0.0.0" };

	start("{\"mcpServers\":{\"reach\":{" REACHING "," LIST "}}}");
	EXPECT_REACHED("connect", "api.docs.example", "7000", "");
	EXPECT_REACHED("connect", "API.docs.example.", "7000", "");
	EXPECT_REACHED("connect", "a.wide.docs.example", "7000", "");
	EXPECT_REACHED("connect", "10.7.7.7", "7000", "");
	EXPECT_REACHED("proxy", "api.docs.example", "7000", ",\"how\":\"connect\"");
	EXPECT_REACHED("proxy", "api.docs.example", "7000", ",\"how\":\"socks5\"");
	cr_expect(strcmp(ask("env", "", "", ",\"name\":\"https_proxy\""), "http://127.0.0.1:3128") == 0);
	cr_expect(strcmp(ask("env", "", "", ",\"name\":\"HTTP_PROXY\""), "") == 0);

	EXPECT_REFUSED("connect", "other.docs.example", "7000", "");
	EXPECT_REFUSED("connect", "wide.docs.example", "7000", "");
	EXPECT_REFUSED("connect", "nowhere.example", "7000", "");
	EXPECT_REFUSED("connect", "api.docs.example", "7001", "");
	/* Allowed by name, but not there. */
	EXPECT_REFUSED("connect", "private.example", "7000", "");
	EXPECT_REFUSED("connect", "loop.example", "7000", "");
	EXPECT_REFUSED("proxy", "other.docs.example", "7000", ",\"how\":\"connect\"");
	EXPECT_REFUSED("proxy", "other.docs.example", "7000", ",\"how\":\"socks5\"");
	EXPECT_REFUSED("proxy", "api.docs.example", "7001", ",\"how\":\"connect\"");
	for (size_t i = 0; i < sizeof(machine) / sizeof(machine[0]); i++) {
		EXPECT_REFUSED("connect", machine[i], "7000", "");
		EXPECT_REFUSED("connect", machine[i], port_of(g.admin), "");
		EXPECT_REFUSED("proxy", machine[i], "7000", ",\"how\":\"connect\"");
	}
	EXPECT_REFUSED("udp", OUTSIDE_HOST, "53", "");
	EXPECT_REFUSED("udp", OUTSIDE_HOST, "123", "");
	cr_expect(strcmp(ask("listen", "", "9000", ""), "listens") == 0, "its own machine is its own");
	expect_audit();
	stop();
}

static void
expect_back(const char *name)
{
	int	tries = 0;

	while (strcmp(ask("connect", "api.docs.example", "7000", ""), "hi") != 0 && tries++ < 100)
		sleep_ms(100);
	cr_expect(tries < 100, "%s does not come back", name);
}

Test(egress, the_end_of_mcpgw_egress_costs_connections_and_nothing_else, .timeout = 120)
{
	struct procs		*p = malloc(sizeof(*p));
	const struct proc	*egress, *tool;
	json_object		*records;
	pid_t			 tool_pid;

	start("{\"mcpServers\":{\"reach\":{" REACHING "," LIST "}}}");
	cr_expect(strcmp(ask("begin", "api.docs.example", "7000", ""), "begun") == 0);
	EXPECT_REACHED("more", "", "", "");
	gateway_procs(&g, p);
	egress = procs_find(p, "mcpgw-egress", 0);
	tool = procs_find(p, "reaching-server", 0);
	cr_assert(egress != NULL);
	cr_assert(tool != NULL);
	tool_pid = tool->pid;
	cr_assert(kill(egress->pid, SIGKILL) == 0);
	EXPECT_REFUSED("more", "", "", "");
	expect_back("mcpgw-egress");
	EXPECT_REFUSED("connect", "other.docs.example", "7000", "");
	gateway_procs(&g, p);
	tool = procs_find(p, "reaching-server", 0);
	cr_expect(tool != NULL && tool->pid == tool_pid, "the tool was started anew");
	records = gateway_audit(&g);
	cr_expect(audit_count(records, "outcome", "unknown") >= 1, "what was open then has no end");
	json_object_put(records);
	/* With its spawner a tool ends; the next one gets a link of its own. */
	egress = procs_find(p, "mcpgw-spawn", 0);
	cr_assert(egress != NULL && kill(egress->pid, SIGKILL) == 0);
	expect_back("mcpgw-spawn");
	EXPECT_REFUSED("connect", "other.docs.example", "7000", "");
	free(p);
	stop();
}

/* ---- learning -------------------------------------------------------------------------------------- */

#define LEARNING "{\n\t// what we have\n\t\"mcpServers\": {\n\t\t\"reach\": {\n\t\t\t" REACHING ",	// ours\n"	\
	"\t\t\t\"timeout_ms\": 20000\n\t\t},\n\t\t\"all\": {" REACHING ", \"net\": \"host\"},\n"		\
	"\t\t\"far\": {\"url\": \"http://127.0.0.1:9/mcp\"}\n\t}\n}\n"

static void
expect_ctl(const char *argument, const char *server, int code, const char *says)
{
	char	*out = NULL;
	int	 r = strcmp(argument, "--for") == 0 ?
		    gateway_ctl(&g, &out, true, "server", "learn", server, "--for", "10m", NULL) :
		    gateway_ctl(&g, &out, true, "server", "learn", server, argument, NULL);

	cr_expect(r == code, "%s %s: %d: %s", argument, server, r, out);
	cr_expect(strstr(out, says) != NULL, "%s %s: %s", argument, server, out);
	free(out);
}

static char *
servers_text(void)
{
	char	 path[512];
	FILE	*f;
	char	*text = calloc(1, 8192);

	snprintf(path, sizeof(path), "%s/etc/servers.json", g.dir);
	f = fopen(path, "r");
	cr_assert(f != NULL);
	cr_assert(text != NULL);
	(void)!fread(text, 1, 8191, f);
	fclose(f);
	return text;
}

static void
expect_status(const char *words)
{
	char	*out = NULL;

	cr_expect(gateway_ctl(&g, &out, true, "status", "reach", NULL) == 0);
	cr_expect(strstr(out, words) != NULL, "want %s in %s", words, out);
	free(out);
}

Test(egress, what_was_learnt_works_without_learning, .timeout = 120)
{
	char	*before, *after, *out = NULL;

	start(LEARNING);
	EXPECT_REFUSED("connect", "api.docs.example", "7000", "");
	before = servers_text();
	expect_ctl("--adopt", "reach", 1, "nothing was recorded");
	after = servers_text();
	cr_expect(strcmp(before, after) == 0);
	free(after);
	free(before);
	expect_ctl("--for", "none-such", 65, "no server");
	expect_ctl("--for", "all", 65, "reach everything already");
	expect_ctl("--for", "far", 65, "over HTTP");

	expect_ctl("--for", "reach", 0, "Learning: public hosts pass and are recorded for 10 minutes.");
	expect_status("learning until");
	/* Ports that are not well known are learnt through the proxy. */
	EXPECT_REACHED("proxy", "api.docs.example", "7000", ",\"how\":\"connect\"");
	EXPECT_REACHED("proxy", "api.docs.example", "7000", ",\"how\":\"connect\"");
	EXPECT_REFUSED("connect", "private.example", "8080", "");
	EXPECT_REFUSED("connect", "127.0.0.1", "8080", "");
	/* With another fault in the files nothing is written, nor when it is only shown. */
	before = servers_text();
	cr_expect(gateway_ctl(&g, &out, true, "server", "learn", "reach", "--adopt", "--dry-run", NULL) == 0);
	cr_expect(strstr(out, "+ \"net\": [\"api.docs.example:7000\"]") != NULL, "%s", out);
	free(out);
	gateway_write(&g, "rules.json", "{");
	expect_ctl("--adopt", "reach", 78, "not changed");
	gateway_write(&g, "rules.json", RULES);
	after = servers_text();
	cr_expect(strcmp(before, after) == 0, "%s", after);
	free(after);
	expect_ctl("--adopt", "reach", 0, "+ \"net\": [\"api.docs.example:7000\"]           2 connections, 8 B");
	after = servers_text();
	cr_expect(strstr(after, "// what we have") != NULL && strstr(after, "// ours") != NULL &&
	    strstr(after, "\t\t\t\"timeout_ms\": 20000,\n\t\t\t\"net\": [\"api.docs.example:7000\"]\n\t\t},") != NULL,
	    "%s", after);
	expect_status("net 1 host");
	EXPECT_REACHED("connect", "api.docs.example", "7000", "");
	EXPECT_REFUSED("connect", "other.docs.example", "7000", "");
	EXPECT_REFUSED("proxy", "other.docs.example", "7000", ",\"how\":\"connect\"");
	/* Once more: there is nothing new. */
	expect_ctl("--adopt", "reach", 0, "names all of it already");
	cr_expect(gateway_ctl(&g, &out, true, "audit", "list", "--kind", "net", "--decision", "learn", NULL) == 0);
	cr_expect(strstr(out, "learn") != NULL, "%s", out);
	free(out);
	free(before);
	free(after);
	stop();
}

Test(egress, learning_ends_by_itself_and_by_word, .timeout = 120)
{
	char	*out = NULL;
	int	 tries = 0;

	start(LEARNING);
	expect_ctl("--for", "reach", 0, "Learning");
	EXPECT_REACHED("proxy", "api.docs.example", "7000", ",\"how\":\"connect\"");
	expect_ctl("--stop", "reach", 0, "not learnt any more");
	EXPECT_REFUSED("connect", "api.docs.example", "8080", "");
	expect_status("net none");
	/* With files that do not compile too. */
	expect_ctl("--for", "reach", 0, "Learning");
	EXPECT_REACHED("proxy", "api.docs.example", "7000", ",\"how\":\"connect\"");
	gateway_write(&g, "servers.json", "{");
	expect_ctl("--stop", "reach", 1, "public hosts do not pass any more");
	EXPECT_REFUSED("proxy", "api.docs.example", "7000", ",\"how\":\"connect\"");
	gateway_write(&g, "servers.json", LEARNING);
	expect_ctl("--stop", "reach", 0, "not learnt");
	cr_expect(gateway_ctl(&g, &out, true, "server", "learn", "reach", "--for", "2s", NULL) == 0, "%s", out);
	free(out);
	EXPECT_REACHED("proxy", "api.docs.example", "7000", ",\"how\":\"connect\"");
	for (; tries < 100; tries++) {
		bool over;

		cr_assert(gateway_ctl(&g, &out, true, "status", "reach", NULL) == 0);
		over = strstr(out, "net none") != NULL;
		free(out);
		if (over)
			break;
		sleep_ms(100);
	}
	cr_expect(tries < 100, "it does not end");
	EXPECT_REFUSED("connect", "api.docs.example", "8080", "");
	stop();
}

/* ---- an ordinary runtime --------------------------------------------------------------------------- */

#define FETCHING "const out = (m) => process.stdout.write(JSON.stringify(m) + '\\n');\n"			\
	"require('readline').createInterface({ input: process.stdin }).on('line', async (line) => {\n"		\
	"  const { id, method, params } = JSON.parse(line);\n"							\
	"  if (id === undefined) return;\n"									\
	"  let result = {};\n"											\
	"  if (method === 'initialize') result = { protocolVersion: '2025-11-25', capabilities: { tools: {} },\n"	\
	"    serverInfo: { name: 'fetching', version: '1' } };\n"						\
	"  if (method === 'tools/list') result = { tools: [{ name: 'get', inputSchema: { type: 'object' } }] };\n"	\
	"  if (method === 'tools/call') {\n"									\
	"    let text;\n"											\
	"    try { text = await (await fetch(params.arguments.host)).text(); }\n"				\
	"    catch (e) { text = 'error: ' + e.message + ' ' + e.cause; }\n"					\
	"    result = { content: [{ type: 'text', text }] };\n"							\
	"  }\n"													\
	"  out({ jsonrpc: '2.0', id, result });\n"								\
	"});\n"

/* A page over TLS, at port 8443; false where there is no openssl(1). */
static bool
serve_tls(void)
{
	char		 cert[300], key[300], command[1024];
	char *const	 argv[] = { (char[]){ "openssl" }, (char[]){ "s_server" }, (char[]){ "-accept" },
		(char[]){ "8443" }, (char[]){ "-www" }, (char[]){ "-cert" }, cert, (char[]){ "-key" }, key, NULL };

	snprintf(cert, sizeof(cert), "%s/cert.pem", g.dir);
	snprintf(key, sizeof(key), "%s/key.pem", g.dir);
	snprintf(command, sizeof(command), "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes "
	    "-days 2 -subj /CN=api.docs.example -keyout '%s' -out '%s' >/dev/null 2>&1", key, cert);
	return system(command) == 0 && (tls_server = outside_exec(&outside, argv)) != 0;
}

static const char *
fetch_until_there(const char *url)
{
	const char	*got = "";

	for (int i = 0; i < 50; i++) {
		got = ask("get", url, "", "");
		if (strncmp(got, "error: ", 7) != 0)
			break;
		sleep_ms(100);
	}
	return got;
}

Test(egress, a_runtime_that_knows_no_proxy_fetches_what_the_list_names, .timeout = 120)
{
	const char	*got;

	if (access("/usr/bin/node", X_OK) != 0)
		cr_skip_test("no node on this machine");
	start("{\"mcpServers\":{\"reach\":{\"command\":\"/usr/bin/node\",\"args\":[\"@DIR@/fetching.js\"],"
	    "\"read\":[\"@DIR@/fetching.js\"],\"env\":{\"NODE_TLS_REJECT_UNAUTHORIZED\":\"0\"}," LIST "}}}");
	gateway_write(&g, "../fetching.js", FETCHING);
	cr_assert(gateway_ctl(&g, NULL, true, "reload", NULL) == 0);
	got = ask("get", "http://api.docs.example:8080/", "", "");
	cr_expect(strcmp(got, "hello from outside") == 0, "%s", got);
	if (serve_tls()) {
		got = fetch_until_there("https://api.docs.example:8443/");
		cr_expect(strstr(got, "s_server") != NULL, "%s", got);
		EXPECT_REFUSED("get", "https://other.docs.example:8443/", "", "");
	}
	EXPECT_REFUSED("get", "http://other.docs.example:8080/", "", "");
	EXPECT_REFUSED("get", "http://169.254.169.254:8080/latest/meta-data/", "", "");
	stop();
}
