/* SPDX-License-Identifier: Apache-2.0
 *
 * c7_tenants.c - tenants with the same names behind one gateway: nothing of one is there for another
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/harness/hearing.h"
#include "tests/integration/common.h"

#define CLOCK	"{\"command\":\"@TOOLS@/demo/mcpgw-demo-clock\"}"
#define NOTES	"{\"command\":\"@TOOLS@/demo/mcpgw-demo-notes\"}"
#define SERVERS(own) "{\"mcpServers\":{\"clock\":" CLOCK ",\"notes\":" NOTES ",\"" own "\":" CLOCK "}}"
#define RULES	"{\"agents\":{\"bot\":{\"allow\":{\"servers\":[\"*\"],\"tools\":{\"*\":[\"*\"]}}}}}"
/* Users for tenants, where root runs it: no test makes one. */
#define CONF	"tenant_uid_range = 70000-70099\n"

static char	acme[256], mine[256];		/* keys of "acme" and of "default" */

static void
key_of(const struct gateway *g, const char *tenant, char key[256])
{
	char	*out;
	int	 r = gateway_ctl(g, &out, false, "key", "add", "--agent", "bot", "--tenant", tenant, NULL);

	cr_assert(r == 0, "key add: exit %d: %s", r, out);
	snprintf(key, 256, "%.*s", (int)strcspn(out, "\n"), out);
	free(out);
}

/* "default" and "acme": both have clock and notes, and each a server of its own, "ours" and "theirs". */
static void
start(struct gateway *g, const char *conf)
{
	gateway_start(g, &(struct gateway_setup){ .servers = SERVERS("ours"), .rules = RULES, .conf = conf });
	gateway_write(g, "tenants.d/acme/servers.json", SERVERS("theirs"));
	gateway_write(g, "tenants.d/acme/rules.json", RULES);
	EXPECT_CTL(g, 0, "in force", "reload");
	key_of(g, "default", mine);
	key_of(g, "acme", acme);
}

static bool
call_says(struct gateway *g, const char *path, const char *key, const char *tool, const char *arguments,
    const char *want)
{
	struct answer	a;
	struct mcp	m;
	bool		is;

	mcp_init(&m, g->mcp, path, key);
	mcp_call(&m, tool, arguments, &a);
	is = a.status == 200 && strstr(json_text_at(a.json, "result.content[0].text"), want) != NULL;
	if (!is)
		cr_log_info("%s %s: %d %s", path, tool, a.status, a.body);
	answer_fini(&a);
	mcp_fini(&m);
	return is;
}

Test(tenants, with_the_same_names_keep_what_they_keep_apart, .timeout = 60)
{
	struct gateway	g;

	NEEDS_JAILS();
	start(&g, CONF);
	cr_expect(call_says(&g, "/servers/notes/mcp", mine, "add_note", "{\"text\":\"of default\"}", "1"));
	cr_expect(call_says(&g, "/servers/notes/mcp", acme, "list_notes", "{}", "no notes"));
	cr_expect(call_says(&g, "/t/acme/servers/notes/mcp", acme, "add_note", "{\"text\":\"of acme\"}", "1"));
	cr_expect(call_says(&g, "/mcp/catalog", acme, "notes__list_notes", "{}", "of acme"));
	cr_expect(call_says(&g, "/t/default/mcp/catalog", mine, "notes__list_notes", "{}", "of default"));
	cr_expect(!call_says(&g, "/servers/notes/mcp", mine, "list_notes", "{}", "of acme"));
	EXPECT_CTL(&g, 0, "allowed  tenants.d/acme/rules.json:1", "call", "--tenant", "acme", "--as", "bot", "notes",
	    "list_notes");
	EXPECT_CTL(&g, 0, "allowed  rules.json:1", "call", "--as", "bot", "notes", "list_notes");
	/* Each has a list, approvals and a log of its own, and the audit says whose call it was. */
	EXPECT_CTL(&g, 0, "notes.list_notes", "tool", "list", "--tenant", "acme");
	EXPECT_CTL(&g, 0, "notes", "audit", "list", "--tenant", "acme", "--agent", "bot");
	EXPECT_CTL(&g, 0, "", "logs", "notes", "--tenant", "acme");
	EXPECT_CTL(&g, 0, "notes is off", "server", "disable", "notes", "--tenant", "acme", "--reason", "broken");
	cr_expect(!call_says(&g, "/servers/notes/mcp", acme, "list_notes", "{}", "of acme"));
	cr_expect(call_says(&g, "/servers/notes/mcp", mine, "list_notes", "{}", "of default"));
	gateway_stop(&g);
}

/* --- bytes ------------------------------------------------------------------------------------------ */

static void
blank(char *text, const char *word)
{
	for (char *at = text; (at = strstr(at, word)) != NULL; )
		memmove(at, at + strlen(word), strlen(at + strlen(word)) + 1);
}

/* Head and body, without what no two answers have in common: dates, numbers of requests, and the name asked for. */
static char *
told(const struct answer *a, const char *name)
{
	char	*text, *at;

	cr_assert(asprintf(&text, "%d\n%s\n%s", a->status, a->head == NULL ? "" : a->head,
	    a->body == NULL ? "" : a->body) > 0);
	blank(text, name);
	if ((at = strstr(text, "Date: ")) != NULL)
		memmove(at, strchr(at, '\n'), strlen(strchr(at, '\n')) + 1);
	if ((at = strstr(text, "Content-Length: ")) != NULL)
		memmove(at, strchr(at, '\n'), strlen(strchr(at, '\n')) + 1);
	for (at = text; (at = strstr(at, "r-0")) != NULL; at++)
		for (size_t i = 0; i < 14 && at[i] != '\0' && at[i] != '"' && at[i] != '\\'; i++)
			at[i] = '#';
	return text;
}

/* The same question about two names, of which the first is another tenant's and the second nobody's: %s in path,
 * params and tool stands for it. */
struct question {
	const char	*path, *method, *params;
};

static void
expect_same(struct gateway *g, const struct question *q, const char *prefix, const char *key, const char *const names[2])
{
	char		*all[2];

	for (int i = 0; i < 2; i++) {
		char		path[256], params[512], end[200];
		struct answer	a;
		struct mcp	m;

		snprintf(end, sizeof(end), q->path, names[i]);
		snprintf(path, sizeof(path), "%s%s", prefix, end);
		snprintf(end, sizeof(end), q->params, names[i]);
		snprintf(params, sizeof(params), "{%s}", end);
		mcp_init(&m, g->mcp, path, key);
		mcp_ask_modern(&m, q->method, params, &a);
		cr_expect(a.status != 200 || json_at(a.json, "error") != NULL || strstr(a.body, "isError") != NULL ||
		    strcmp(q->method, "tools/call") != 0 || strstr(q->params, "search") != NULL,
		    "%s %s %s: %s", path, q->method, params, a.body);
		all[i] = told(&a, names[i]);
		answer_fini(&a);
		mcp_fini(&m);
	}
	cr_expect(strcmp(all[0], all[1]) == 0, "%s %s %s:\n%s\n%s", q->path, q->method, q->params, all[0], all[1]);
	free(all[0]);
	free(all[1]);
}

Test(tenants, cannot_tell_anothers_from_what_is_not_there, .timeout = 120)
{
	static const struct question	questions[] = {
		{ "/servers/%s/mcp", "tools/list", NULL }, { "/servers/%s/mcp", "tools/call", "\"name\":\"now\",\"arguments\":{}" },
		{ "/servers/%s/mcp", "resources/list", NULL }, { "/servers/%s/mcp", "server/discover", NULL },
		{ "/mcp", "tools/call", "\"name\":\"%s__now\",\"arguments\":{}" },
		{ "/mcp/catalog", "tools/call", "\"name\":\"%s__now\",\"arguments\":{}" },
		{ "/mcp/catalog", "prompts/get", "\"name\":\"%s__now\",\"arguments\":{}" },
		{ "/mcp/catalog", "resources/read", "\"uri\":\"mcpgw:%s:file:///x\"" },
		{ "/mcp/catalog", "resources/read", "\"uri\":\"%s://x\"" },
		{ "/mcp/catalog", "completion/complete", "\"ref\":{\"type\":\"ref/prompt\",\"name\":\"%s__x\"},"
		    "\"argument\":{\"name\":\"a\",\"value\":\"b\"}" },
		{ "/mcp/discovery", "tools/call", "\"name\":\"execute_tool\",\"arguments\":{\"server\":\"%s\",\"tool\":\"now\"}" },
		{ "/mcp/discovery", "tools/call", "\"name\":\"get_server_tools\",\"arguments\":{\"server\":\"%s\"}" },
		{ "/mcp/discovery", "tools/call", "\"name\":\"search_tools\",\"arguments\":{\"query\":\"time\",\"server\":\"%s\"}" },
		{ "/mcp/catalog", "tasks/get", "\"taskId\":\"%s\"" },
	};
	/* The first is the other tenant's; equally long, so that what is cut is cut alike. */
	static const char *const	for_acme[2] = { "ours", "nope" }, *const for_default[2] = { "theirs", "absent" };
	struct gateway			g;

	NEEDS_JAILS();
	start(&g, CONF);
	/* Both are known, and run. */
	cr_expect(call_says(&g, "/servers/ours/mcp", mine, "now", "{}", "20"));
	cr_expect(call_says(&g, "/servers/theirs/mcp", acme, "now", "{}", "20"));
	for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++) {
		struct question	q = questions[i];

		if (q.params == NULL)
			q.params = "";
		expect_same(&g, &q, "", acme, for_acme);
		expect_same(&g, &q, "/t/acme", acme, for_acme);
		expect_same(&g, &q, "", mine, for_default);
		expect_same(&g, &q, "/t/default", mine, for_default);
	}
	gateway_stop(&g);
}

/* A whole tenant, asked for with a credential of another, with none, and with nonsense. */
Test(tenants, that_are_anothers_are_as_if_they_were_not, .timeout = 60)
{
	static const char *const	paths[] = { "/mcp", "/mcp/discovery", "/mcp/catalog", "/servers/notes/mcp",
					    "/servers/none/mcp", "/mcp/sse", "/mcp/messages?session=x", "/nothing", "" };
	static const char *const	methods[] = { "POST", "GET", "DELETE", "PUT" };
	static const char *const	tenants[2] = { "acme", "none" };
	struct gateway			g;
	json_object			*records;

	start(&g, CONF);
	for (int c = 0; c < 3; c++)
		for (size_t p = 0; p < sizeof(paths) / sizeof(paths[0]); p++)
			for (size_t m = 0; m < sizeof(methods) / sizeof(methods[0]); m++) {
				char	*all[2], path[128], headers[512];

				for (int i = 0; i < 2; i++) {
					struct answer	a;

					snprintf(path, sizeof(path), "/t/%s%s", tenants[i], paths[p]);
					snprintf(headers, sizeof(headers), "%s%s%sContent-Type: application/json\r\n",
					    c == 0 ? "" : "Authorization: Bearer ", c == 0 ? "" : c == 1 ? mine :
					    "mgk_00000000_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", c == 0 ? "" : "\r\n");
					client_once(g.mcp, methods[m], path, headers, m == 0 ? "{}" : NULL, &a);
					/* "/t/acme" alone is no path of a tenant. */
					cr_expect(a.status == 401 || paths[p][0] == '\0', "%s %s: %d", methods[m], path, a.status);
					all[i] = told(&a, tenants[i]);
					answer_fini(&a);
				}
				cr_expect(strcmp(all[0], all[1]) == 0, "%s %s:\n%s\n%s", methods[m], path, all[0], all[1]);
				free(all[0]);
				free(all[1]);
			}
	records = gateway_audit(&g);
	cr_expect(strstr(json_object_to_json_string(records), "not of the tenant that is asked for") != NULL, "%s",
	    json_object_to_json_string(records));
	json_object_put(records);
	gateway_stop(&g);
}

Test(tenants, with_a_session_of_another_have_none, .timeout = 60)
{
	struct gateway	g;
	struct mcp	owner, thief;
	struct answer	a, none;
	char		*x, *y, real[512];

	start(&g, CONF);
	mcp_init(&owner, g.mcp, "/mcp", acme);
	mcp_init(&thief, g.mcp, "/mcp", mine);
	cr_assert(mcp_initialize(&owner) == 200);
	snprintf(real, sizeof(real), "%s", owner.session);
	for (int i = 0; i < 3; i++) {
		thief.next_id = 5;
		snprintf(thief.session, sizeof(thief.session), "%s", real);
		mcp_ask(&thief, i == 0 ? "ping" : i == 1 ? "tools/list" : "logging/setLevel", i == 2 ?
		    "{\"level\":\"debug\"}" : NULL, &a);
		EXPECT_STATUS(a, 404, "another tenant's session");
		thief.next_id = 5;
		snprintf(thief.session, sizeof(thief.session), "made-up");
		mcp_ask(&thief, i == 0 ? "ping" : i == 1 ? "tools/list" : "logging/setLevel", i == 2 ?
		    "{\"level\":\"debug\"}" : NULL, &none);
		x = told(&a, real);
		y = told(&none, "made-up");
		cr_expect(strcmp(x, y) == 0, "%s\n%s", x, y);
		free(x);
		free(y);
		answer_fini(&a);
		answer_fini(&none);
	}
	mcp_ask(&owner, "ping", NULL, &a);
	EXPECT_STATUS(a, 200, "its owner");
	answer_fini(&a);
	mcp_fini(&owner);
	mcp_fini(&thief);
	gateway_stop(&g);
}

Test(tenants, learn_nothing_of_each_other_from_the_gateways_own_tools, .timeout = 60)
{
	struct gateway	g;
	struct mcp	m;
	struct answer	a;

	NEEDS_JAILS();
	start(&g, CONF);
	gateway_write(&g, "rules.json", "{\"agents\":{\"bot\":{},\"secretive\":{}}}");
	EXPECT_CTL(&g, 0, "in force", "reload");
	mcp_init(&m, g.mcp, "/mcp/discovery", acme);
	mcp_call(&m, "get_gateway_status", "{}", &a);
	EXPECT_STATUS(a, 200, "status");
	cr_expect(strstr(a.body, "total_agents\\\":1") != NULL || strstr(a.body, "\"total_agents\":1") != NULL, "%s", a.body);
	cr_expect(strstr(a.body, "ours") == NULL && strstr(a.body, "secretive") == NULL, "%s", a.body);
	cr_expect(strstr(a.body, "tenants.d/acme/rules.json") != NULL, "%s", a.body);
	answer_fini(&a);
	mcp_call(&m, "list_servers", "{}", &a);
	cr_expect(strstr(a.body, "theirs") != NULL && strstr(a.body, "ours") == NULL, "%s", a.body);
	answer_fini(&a);
	/* What another tenant wrote wrongly is nothing to this one. */
	gateway_write(&g, "rules.json", "{");
	EXPECT_CTL(&g, 1, "rules.json:1", "reload");
	mcp_call(&m, "get_gateway_status", "{}", &a);
	cr_expect(strstr(a.body, "refused") == NULL, "%s", a.body);
	answer_fini(&a);
	mcp_fini(&m);
	gateway_write(&g, "rules.json", RULES);
	gateway_stop(&g);
}

/* --- changes ------------------------------------------------------------------------------------------ */

Test(tenants, come_and_go_without_disturbing_calls_of_others, .timeout = 60)
{
	struct gateway	 g;
	struct hearing	 h;
	struct mcp	 m;
	json_object	*said;
	char		 key[256];

	NEEDS_JAILS();
	start(&g, CONF);
	mcp_init(&m, g.mcp, "/servers/clock/mcp", acme);
	hearing_begin(&h, &m, "1", "tools/call", "{\"name\":\"sleep\",\"arguments\":{\"ms\":1500}}");
	gateway_write(&g, "tenants.d/later/servers.json", SERVERS("late"));
	gateway_write(&g, "tenants.d/later/rules.json", RULES);
	EXPECT_CTL(&g, 0, "in force", "reload");
	key_of(&g, "later", key);
	cr_expect(call_says(&g, "/t/later/servers/late/mcp", key, "now", "{}", "20"));
	/* One whose files are wrong keeps the whole from coming into force, and is named. */
	gateway_write(&g, "tenants.d/later/rules.json", "{\"agents\":[]}");
	EXPECT_CTL(&g, 1, "tenants.d/later/rules.json:1:", "reload");
	cr_expect(call_says(&g, "/t/later/servers/late/mcp", key, "now", "{}", "20"));
	EXPECT_CTL(&g, 65, "has 1 key", "tenant", "remove", "later");
	EXPECT_CTL(&g, 0, "Removed", "tenant", "remove", "later", "--force");
	EXPECT_CTL(&g, 0, "in force", "reload");
	cr_expect(!call_says(&g, "/t/later/servers/late/mcp", key, "now", "{}", "20"));
	/* Whoever is called so next does not have its keys. */
	gateway_write(&g, "tenants.d/later/servers.json", SERVERS("late"));
	gateway_write(&g, "tenants.d/later/rules.json", RULES);
	EXPECT_CTL(&g, 0, "in force", "reload");
	cr_expect(!call_says(&g, "/t/later/servers/late/mcp", key, "now", "{}", "20"));
	said = hearing_next(&h, patience(&g, 10000));
	cr_expect(said != NULL && json_at(said, "result") != NULL, "%s", said == NULL ? "nothing" :
	    json_object_to_json_string(said));
	json_object_put(said);
	hearing_fini(&h);
	mcp_fini(&m);
	gateway_stop(&g);
}

static bool
is_in_force(void *arg)
{
	char	*out;
	bool	 is = gateway_ctl(arg, &out, false, "tenant", "list", NULL) == 0 && strstr(out, "late     idle") != NULL;

	free(out);
	return is;
}

static bool
has_two_agents(void *arg)
{
	char	*out;
	bool	 is = gateway_ctl(arg, &out, false, "--json", "tenant", "list", NULL) == 0 &&
		    strstr(out, "\"agents\":2") != NULL;

	free(out);
	return is;
}

Test(tenants, are_read_anew_when_their_files_change_where_files_are_watched, .timeout = 60)
{
	struct gateway	g;

	gateway_start(&g, &(struct gateway_setup){ .servers = SERVERS("ours"), .rules = RULES,
	    .conf = CONF "watch = yes\n" });
	gateway_write(&g, "tenants.d/late/rules.json", RULES);
	cr_expect(wait_until(is_in_force, &g, patience(&g, 10000)), "a tenant that comes");
	gateway_write(&g, "tenants.d/late/rules.json", "{\"agents\":{\"bot\":{},\"bot2\":{}}}");
	cr_expect(wait_until(has_two_agents, &g, patience(&g, 10000)), "a file of it that changes");
	gateway_stop(&g);
}

Test(tenants, have_a_rate_of_their_own, .timeout = 60)
{
	struct gateway	g;
	struct mcp	m;
	struct answer	a;

	NEEDS_JAILS();
	start(&g, CONF);
	gateway_write(&g, "tenants.d/acme/tenant.conf", "tenant_rate = 2/h\n");
	EXPECT_CTL(&g, 0, "in force", "reload");
	cr_expect(call_says(&g, "/servers/clock/mcp", acme, "now", "{}", "20"));
	cr_expect(call_says(&g, "/servers/theirs/mcp", acme, "now", "{}", "20"));
	mcp_init(&m, g.mcp, "/servers/clock/mcp", acme);
	mcp_call(&m, "now", "{}", &a);
	cr_expect(json_int_at(a.json, "error.code") == 429, "%s", a.body);
	answer_fini(&a);
	mcp_fini(&m);
	for (int i = 0; i < 5; i++)
		cr_expect(call_says(&g, "/servers/clock/mcp", mine, "now", "{}", "20"));
	gateway_stop(&g);
}

/* --- users -------------------------------------------------------------------------------------------- */

static uid_t
uid_of(pid_t pid)
{
	char	path[64], line[256];
	long	uid = -1;
	FILE	*f;

	snprintf(path, sizeof(path), "/proc/%ld/status", (long)pid);
	if ((f = fopen(path, "re")) == NULL)
		return (uid_t)-1;
	while (fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, "Uid:", 4) == 0)
			uid = strtol(line + 4, NULL, 10);
	fclose(f);
	return (uid_t)uid;
}

/* What this user is answered who wants to read there. */
static int
error_as(uid_t uid, const char *path)
{
	pid_t	pid = fork();
	int	status = 0, fd;

	if (pid == 0) {
		if (setgid(uid) == -1 || setuid(uid) == -1)
			_exit(200);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		_exit(fd == -1 ? errno : 0);
	}
	cr_assert(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
	return WEXITSTATUS(status);
}

Test(tenants, run_their_tools_as_users_of_their_own_who_cannot_read_each_others_state, .timeout = 60)
{
	struct gateway	g;
	struct procs	p;
	struct stat	st;
	uid_t		uids[2];
	char		path[400];
	size_t		runners;

	NEEDS_JAILS();
	if (geteuid() != 0)
		cr_skip_test("only root's gateway has users for tenants");
	start(&g, CONF);
	gateway_write(&g, "tenants.d/third/servers.json", SERVERS("own"));
	gateway_write(&g, "tenants.d/third/rules.json", RULES);
	EXPECT_CTL(&g, 0, "in force", "reload");
	key_of(&g, "third", mine);
	/* Nobody called anything: nothing runs. */
	gateway_procs(&g, &p);
	cr_expect(procs_count(&p, "mcpgw-runner") == 0);
	cr_expect(call_says(&g, "/servers/notes/mcp", acme, "add_note", "{\"text\":\"of acme\"}", "1"));
	cr_expect(call_says(&g, "/servers/notes/mcp", mine, "add_note", "{\"text\":\"of third\"}", "1"));
	gateway_procs(&g, &p);
	runners = procs_count(&p, "mcpgw-runner");
	cr_assert(runners == 2, "%zu runners", runners);
	for (size_t i = 0; i < 2; i++)
		uids[i] = uid_of(procs_find(&p, "mcpgw-runner", i)->pid);
	cr_expect(uids[0] != uids[1] && uids[0] >= 70000 && uids[1] >= 70000 && uids[0] <= 70099 && uids[1] <= 70099,
	    "uids %u and %u", uids[0], uids[1]);
	for (size_t i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/state/tenants/%s", g.dir, i == 0 ? "acme" : "third");
		cr_assert(stat(path, &st) == 0);
		cr_expect((st.st_mode & 07777) == 0700 && (st.st_uid == uids[0] || st.st_uid == uids[1]), "%s", path);
		cr_expect(error_as(st.st_uid, path) == 0);
		cr_expect(error_as(st.st_uid == uids[0] ? uids[1] : uids[0], path) == EACCES, "%s", path);
	}
	/* And again after a restart. */
	gateway_stop_keep(&g);
	gateway_start_again(&g);
	cr_expect(call_says(&g, "/servers/notes/mcp", mine, "list_notes", "{}", "of third"));
	gateway_procs(&g, &p);
	cr_expect(stat(path, &st) == 0 && uid_of(procs_find(&p, "mcpgw-runner", 0)->pid) == st.st_uid);
	gateway_stop(&g);
}

Test(tenants, without_a_user_are_told_so, .timeout = 60)
{
	struct gateway	g;
	struct mcp	m;
	struct answer	a;
	char		*log;

	NEEDS_JAILS();
	if (geteuid() != 0)
		cr_skip_test("only root's gateway has users for tenants");
	start(&g, NULL);
	mcp_init(&m, g.mcp, "/servers/clock/mcp", acme);
	mcp_call(&m, "now", "{}", &a);
	cr_expect(strstr(a.body, "no user to run as") != NULL, "%s", a.body);
	answer_fini(&a);
	mcp_fini(&m);
	log = gateway_log(&g);
	cr_expect(strstr(log, "there is no user _mcpgw-t-acme; make it: useradd --system") != NULL, "%s", log);
	free(log);
	/* Two with one user never run. */
	gateway_write(&g, "tenants.d/acme/tenant.conf", "tenant_user = daemon\n");
	gateway_write(&g, "tenants.d/other/tenant.conf", "tenant_user = daemon\n");
	EXPECT_CTL(&g, 1, "is the user of tenant acme too", "reload");
	gateway_stop(&g);
}

/* --- commands ----------------------------------------------------------------------------------------- */

Test(tenants, are_made_shown_and_changed_by_commands, .timeout = 60)
{
	struct gateway	g;
	struct stat	st;
	char		path[400];

	NEEDS_JAILS();
	gateway_start(&g, &(struct gateway_setup){ .servers = SERVERS("ours"), .rules = RULES, .conf = CONF });
	EXPECT_CTL(&g, 64, "small letters", "tenant", "add", "Acme");
	EXPECT_CTL(&g, 64, "want NUMBER/UNIT", "tenant", "add", "acme", "--rate", "fast");
	EXPECT_CTL(&g, 0, "Not yet in force", "tenant", "add", "acme", "--rate", "50/s");
	EXPECT_CTL(&g, 65, "is there already", "tenant", "add", "acme");
	snprintf(path, sizeof(path), "%s/etc/tenants.d/acme", g.dir);
	cr_expect(stat(path, &st) == 0 && (st.st_mode & 07777) == 0750);
	EXPECT_CTL(&g, 0, "acme     not yet", "tenant", "list");
	EXPECT_CTL(&g, 65, "no tenant \"acme\" is in force", "key", "add", "--tenant", "acme", "--agent", "bot");
	gateway_write(&g, "tenants.d/acme/servers.json", SERVERS("theirs"));
	EXPECT_CTL(&g, 0, "in force", "reload");
	EXPECT_CTL(&g, 65, "has no agent \"bot\"", "key", "add", "--tenant", "acme", "--agent", "bot");
	EXPECT_CTL(&g, 65, "no server \"ours\"", "rule", "allow", "bot", "ours", "--new", "--tenant", "acme");
	EXPECT_CTL(&g, 0, "tenants.d/acme/rules.json", "rule", "allow", "bot", "clock", "now", "--new", "--tenant", "acme");
	EXPECT_CTL(&g, 65, "no tenant \"none\"", "rule", "allow", "bot", "clock", "now", "--new", "--tenant", "none");
	key_of(&g, "acme", acme);
	cr_expect(call_says(&g, "/servers/clock/mcp", acme, "now", "{}", "20"));
	EXPECT_CTL(&g, 0, "The time in UTC", "list", "--tenant", "acme", "--as", "bot", "clock");
	EXPECT_CTL(&g, 0, "allowed  tenants.d/acme/rules.json", "explain", "--tenant", "acme", "--agent", "bot", "--server",
	    "clock", "--tool", "now");
	EXPECT_CTL(&g, 0, "theirs", "tenant", "show", "acme");
	EXPECT_CTL(&g, 0, "\"keys\":1", "--json", "tenant", "list");
	EXPECT_CTL(&g, 0, "off until", "server", "disable", "clock", "--for", "2h", "--tenant", "acme");
	EXPECT_CTL(&g, 0, "clock is on", "server", "enable", "clock", "--tenant", "acme");
	EXPECT_CTL(&g, 0, "acme", "status");
	EXPECT_CTL(&g, 0, "0 decisions", "diff");
	gateway_stop(&g);
}
