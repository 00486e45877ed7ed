/* SPDX-License-Identifier: Apache-2.0
 *
 * j3_reduced.c - a gateway where the kernel refuses namespaces: with the switch, and without
 */
#include <dirent.h>
#include <pwd.h>
#include <sysexits.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/integration/common.h"

static const char rules[] = "{\"agents\":{\"a\":{\"allow\":{\"servers\":[\"*\"],\"tools\":{\"*\":[\"*\"]}}}}}";
static const char servers[] = "{\"mcpServers\":{"
    "\"ok\":{\"command\":\"@TOOLS@/tests/lying-server\",\"args\":[\"ok\"]},"
    "\"once\":{\"command\":\"@TOOLS@/tests/lying-server\",\"args\":[\"fills\",\"3\"],\"isolation\":\"session\"},"
    "\"net\":{\"command\":\"@TOOLS@/tests/lying-server\",\"args\":[\"wants-network\"]},"
    "\"lo\":{\"command\":\"@TOOLS@/tests/lying-server\",\"args\":[\"ok\"],\"net\":\"loopback\"},"
    "\"off\":{\"command\":\"@TOOLS@/tests/lying-server\",\"args\":[\"ok\"],\"tier\":\"off\"},"
    "\"leaver\":{\"command\":\"@TOOLS@/tests/lying-server\",\"args\":[\"daemonise\"],\"isolation\":\"call\"}}}";
static const char own_user[] = "tenant_user = games\nuser = daemon\n";

static void
needs_root(void)
{
	if (geteuid() != 0)
		cr_skip_test("only a gateway of root may have reduced jails");
	if (getpwnam("games") == NULL || getpwnam("daemon") == NULL)
		cr_skip_test("no users games and daemon");
	NEEDS_JAILS();
}

static const char tools[] = "tools: [{name: args, command: \"@TOOLS@/tests/native-tool\", args: [args, '--x={x}', '/tmp/mine', '{x}'], "
    "slots: {x: {}}}]\n";

/* A client's text is no name of the jail, and no name of the host comes back for it. */
static void
expect_values_as_they_are(const struct gateway *g, const char *key)
{
	struct mcp	m;
	struct answer	a;

	mcp_init(&m, g->mcp, "/servers/native/mcp", key);
	mcp_call(&m, "args", "{\"x\":\"/tmp/upload:/home/tool/x\"}", &a);
	cr_expect(strstr(a.body, "[--x=/tmp/upload:/home/tool/x]") != NULL &&
	    strstr(a.body, "[/tmp/upload:/home/tool/x]") != NULL && strstr(a.body, "/mine]") != NULL &&
	    strstr(a.body, "[/tmp/mine]") == NULL, "%s", a.body);
	answer_fini(&a);
	mcp_fini(&m);
}

static char *
call(const struct gateway *g, const char *key, const char *server)
{
	struct mcp	m;
	struct answer	a;
	char		path[64], *body;

	snprintf(path, sizeof(path), "/servers/%s/mcp", server);
	mcp_init(&m, g->mcp, path, key);
	mcp_call(&m, "anything", "{}", &a);
	body = strdup(a.body == NULL ? "" : a.body);
	answer_fini(&a);
	mcp_fini(&m);
	return body;
}

static void
expect_call(const struct gateway *g, const char *key, const char *server, const char *says)
{
	char	*body = call(g, key, server);

	cr_expect(strstr(body, says) != NULL, "%s: %s", server, body);
	free(body);
}

static int
entries_in(const char *folder)
{
	DIR		*d = opendir(folder);
	struct dirent	*e;
	int		 n = 0;

	while (d != NULL && (e = readdir(d)) != NULL)
		n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
	if (d != NULL)
		closedir(d);
	return n;
}

static bool
only_the_living_have_folders(void *arg)
{
	const struct gateway	*g = arg;
	char			 path[400];
	DIR			*d;
	struct dirent		*e;
	bool			 gone = true;

	/* ok, once, net: two of them have no session that ended. */
	snprintf(path, sizeof(path), "%s/state/tenants/default/.tmp", g->dir);
	if (entries_in(path) > 3)
		return false;
	*strrchr(path, '/') = '\0';
	d = opendir(path);
	while (d != NULL && (e = readdir(d)) != NULL)
		gone = gone && strncmp(e->d_name, ".gone-", 6) != 0;
	if (d != NULL)
		closedir(d);
	return gone;
}

Test(reduced, is_refused_without_the_switch_which_is_named, .timeout = 120)
{
	struct gateway	 g;
	char		*text;

	needs_root();
	gateway_start(&g, &(struct gateway_setup){ .servers = servers, .rules = rules, .conf = own_user,
	    .no_namespaces = true });
	expect_call(&g, gateway_key(&g, "a"), "ok", "jail_fallback = landlock");
	gateway_ctl(&g, &text, false, "status", NULL);
	cr_expect(strstr(text, "NO JAIL") != NULL && strstr(text, "jail_fallback = landlock") != NULL &&
	    strstr(text, "system call filter") != NULL, "%s", text);
	free(text);
	gateway_stop(&g);
}

Test(reduced, serves_with_the_switch_and_says_so_everywhere, .timeout = 180)
{
	struct gateway	 g;
	struct procs	*procs = malloc(sizeof(*procs));
	char		 conf[256], key[128], *text;
	json_object	*records;

	needs_root();
	snprintf(conf, sizeof(conf), "%sjail_fallback = landlock\n", own_user);
	gateway_start(&g, &(struct gateway_setup){ .servers = servers, .rules = rules, .conf = conf, .tools = tools,
	    .no_namespaces = true });
	snprintf(key, sizeof(key), "%s", gateway_key(&g, "a"));
	expect_call(&g, key, "ok", "\"pid\"");
	expect_call(&g, key, "once", "\"pid\"");
	expect_call(&g, key, "net", "socket: Permission denied");
	expect_call(&g, key, "lo", "\\\"none\\\" and \\\"host\\\" work");
	expect_call(&g, key, "off", "half of it");
	expect_call(&g, key, "leaver", "\"grandchild\"");
	expect_values_as_they_are(&g, key);
	/* Of tools that keep nothing, but those that still run, nothing is left. */
	cr_expect(wait_until(only_the_living_have_folders, &g, 10000), "folders of ended jails are left");

	gateway_ctl(&g, &text, false, "status", NULL);
	cr_expect(strstr(text, "jail reduced") != NULL && strstr(text, "reduced, landlock ") != NULL, "%s", text);
	free(text);
	gateway_ctl(&g, &text, false, "status", "--json", NULL);
	cr_expect(strstr(text, "\"jail\":\"jail reduced\"") != NULL, "%s", text);
	free(text);
	text = gateway_log(&g);
	cr_expect(strstr(text, "warning: jail: reduced, landlock ") != NULL, "%s", text);
	free(text);
	records = gateway_audit(&g);
	cr_expect(audit_count(records, "jail", "reduced/runtime/none") >= 4);
	cr_expect(audit_count(records, "jail", "runtime/none") == 0, "a record says less than is true");
	cr_expect(audit_count(records, "jail", "reduced/off") == 1);
	json_object_put(records);
	gateway_procs(&g, procs);
	gateway_stop_keep(&g);
	cr_expect(procs_wait_gone(procs, 3000), "the grandchild lives");

	/* The next one removes what this one left. */
	gateway_start_again(&g);
	expect_call(&g, key, "leaver", "\"grandchild\"");
	gateway_stop_keep(&g);
	gateway_remove(&g);
	free(procs);
}

Test(reduced, is_not_used_where_whole_jails_can_be_built, .timeout = 120)
{
	struct gateway	 g;
	char		 conf[256], *text;
	json_object	*records;

	needs_root();
	snprintf(conf, sizeof(conf), "%sjail_fallback = landlock\nlandlock_abi_max = 2\n", own_user);
	gateway_start(&g, &(struct gateway_setup){ .servers = servers, .rules = rules, .conf = conf });
	expect_call(&g, gateway_key(&g, "a"), "ok", "\"pid\"");
	gateway_ctl(&g, &text, false, "status", "--json", NULL);
	cr_expect(strstr(text, "\"jail\":\"jail full") != NULL, "%s", text);
	cr_expect(strstr(text, "landlock 2") != NULL, "%s", text);
	free(text);
	records = gateway_audit(&g);
	cr_expect(audit_count(records, "jail", "runtime/none") >= 1);
	json_object_put(records);
	gateway_stop(&g);
}

Test(reduced, needs_a_user_that_nobody_else_has, .timeout = 60)
{
	static const struct {
		const char	*users, *says;
	} rows[] = {
		{ "tenant_user = nobody\n", "tenant_user is nobody" },
		{ "tenant_user = no-such-user\n", "tenant_user is nobody" },
		{ "tenant_user = daemon\nuser = daemon\n", "another process of the gateway runs as tenant_user" },
		{ "tenant_user = root\n", "tenant_user is root" },
	};
	struct gateway	 g;
	char		 conf[768], command[1024], *text;
	int		 status;

	needs_root();
	gateway_start(&g, &(struct gateway_setup){ .workers = 1 });
	gateway_stop_keep(&g);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(conf, sizeof(conf), "listen = 127.0.0.1:0\nadmin_listen = 127.0.0.1:0\nstate_dir = %s/state\n"
		    "run_dir = %s/run\njail_fallback = landlock\n%s", g.dir, g.dir, rows[i].users);
		gateway_write(&g, "mcpgw.conf", conf);
		snprintf(command, sizeof(command), "exec timeout 20 %s/bin/mcpgw -f -c %s/etc >>%s/log 2>&1", g.build, g.dir,
		    g.dir);
		status = system(command);
		text = gateway_log(&g);
		cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == EX_CONFIG, "row %zu: %#x: %s", i, status, text);
		cr_expect(strstr(text, rows[i].says) != NULL, "row %zu: %s", i, text);
		free(text);
	}
	gateway_remove(&g);
}
