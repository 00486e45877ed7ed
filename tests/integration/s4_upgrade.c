/* SPDX-License-Identifier: Apache-2.0
 *
 * s4_upgrade.c - another master takes the place of the one that runs, under load, and nobody notices
 *
 * UPGRADES=20 makes it as many; without, a few.
 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/harness/hearing.h"
#include "tests/harness/program.h"
#include "tests/integration/installed.h"
#include "tests/integration/steadyload.h"

static long
pid_in_file(const struct gateway *g)
{
	char	path[300], text[32] = "";
	FILE	*f;

	snprintf(path, sizeof(path), "%s/run/pid", g->dir);
	if ((f = fopen(path, "r")) == NULL)
		return 0;
	(void)!fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	return strtol(text, NULL, 10);
}

struct settled {
	const struct gateway	*g;
	char			*said;
};

static bool
no_old_ones(void *arg)
{
	struct settled	*s = arg;
	bool		 settled;

	free(s->said);
	if (gateway_ctl(s->g, &s->said, true, "upgrade", "--status", NULL) != 0)
		return false;
	settled = strstr(s->said, " 0 old ones left.") != NULL;
	return settled;
}

Test(upgrade, fails_no_request_of_clients_that_never_retry, .timeout = 300)
{
	const unsigned	 upgrades = env_number("UPGRADES", 3);
	struct gateway	 g;
	struct steady	 s;
	struct settled	 settled = { &g, NULL };
	char		*out;
	long		 before, now;
	json_object	*records;
	unsigned	 well;
	int		 r;

	NEEDS_JAILS();
	gateway_start(&g, &(struct gateway_setup){ .servers = DEMO_SERVERS, .rules = STEADY_RULES,
	    .conf = "drain_timeout = 20s\n" });
	steady_load(&s, &g);
	steady_start(&s);
	sleep_ms(300);
	for (unsigned i = 0; i < upgrades; i++) {
		well = s.well;
		before = pid_in_file(&g);
		r = gateway_ctl(&g, &out, true, "upgrade", NULL);
		cr_assert(r == 0, "upgrade %u: exit %d: %s", i, r, out);
		cr_expect(strstr(out, "Workers handed over in ") != NULL, "%s", out);
		free(out);
		now = pid_in_file(&g);
		cr_expect(now != before && now != g.pid, "pid %ld, then %ld", before, now);
		sleep_ms(300);
		cr_expect(s.well > well, "nobody is served after upgrade %u", i);
	}
	cr_expect(wait_until(no_old_ones, &settled, 25000), "%s", settled.said);
	steady_check(&s, 300 * upgrades);
	/* Each answered call has its record, whoever wrote and imported it, and there is one of each. */
	records = gateway_audit(&g);
	cr_expect(audit_count(records, "outcome", "ok") >= s.well, "%zu records of %u calls",
	    audit_count(records, "outcome", "ok"), s.well);
	cr_expect(audit_count(records, "outcome", "unknown") == 0);
	json_object_put(records);
	cr_expect(gateway_ctl(&g, &out, true, "audit", "verify", NULL) == 0, "%s", out);
	free(out);
	free(settled.said);
	gateway_stop(&g);
}

/* A call that runs is answered by the workers and the tool of before; a stream that only listens ends in order at once,
 * and is there again at a new worker, in the same session. */
Test(upgrade, cuts_no_call_and_ends_streams_in_order, .timeout = 60)
{
	struct gateway	 g;
	struct hearing	 call, stream, again;
	struct mcp	 legacy, modern;
	struct answer	 a;
	struct settled	 settled = { &g, NULL };
	json_object	*o;
	char		 key[256], params[64], *out;

	NEEDS_JAILS();
	gateway_start(&g, &(struct gateway_setup){ .servers = DEMO_SERVERS, .rules = STEADY_RULES });
	snprintf(key, sizeof(key), "%s", gateway_key(&g, "a"));
	mcp_init(&modern, g.mcp, "/servers/clock/mcp", key);
	mcp_init(&legacy, g.mcp, "/servers/clock/mcp", key);
	cr_assert(mcp_initialize(&legacy) == 200);
	mcp_call(&legacy, "add", "{\"a\":1,\"b\":2}", &a);
	EXPECT_STATUS(a, 200, "before");
	answer_fini(&a);
	hearing_begin(&stream, &legacy, NULL, NULL, NULL);
	cr_assert(hearing_begins(&stream, 5000) && stream.status == 200, "status %d", stream.status);
	snprintf(params, sizeof(params), "{\"name\":\"sleep\",\"arguments\":{\"ms\":%d}}", patience(&g, 3000));
	hearing_begin(&call, &modern, "7", "tools/call", params);
	sleep_ms(300);
	EXPECT_CTL(&g, 0, "Workers handed over", "upgrade");
	cr_expect(hearing_ends(&stream, patience(&g, 1000)), "the stream goes on, or was cut off");
	cr_expect(gateway_ctl(&g, &out, true, "upgrade", "--status", NULL) == 0 &&
	    strstr(out, "which finish within") != NULL, "%s", out);
	free(out);
	hearing_begin(&again, &legacy, NULL, NULL, NULL);
	cr_expect(hearing_begins(&again, 5000) && again.status == 200, "status %d", again.status);
	mcp_call(&legacy, "add", "{\"a\":1,\"b\":2}", &a);
	cr_expect(strcmp(json_text_at(a.json, "result.content[0].text"), "3") == 0, "%s", a.body);
	answer_fini(&a);
	o = hearing_next(&call, patience(&g, 8000));
	cr_expect(call.status == 200 && json_at(o, "result") != NULL, "status %d: %s", call.status,
	    json_object_to_json_string(o));
	json_object_put(o);
	/* What is open and idle is not cut off: they would wait for it. */
	hearing_fini(&stream);
	hearing_fini(&call);
	cr_expect(wait_until(no_old_ones, &settled, patience(&g, 8000)), "%s", settled.said);
	free(settled.said);
	hearing_fini(&again);
	mcp_fini(&legacy);
	mcp_fini(&modern);
	gateway_stop(&g);
}

/* NEXT_BUILD is a build folder of another release: other numbers of messages, other shared memory.  There and back. */
Test(upgrade, to_another_release_and_back_fails_no_request, .timeout = 120)
{
	const char	*next = getenv("NEXT_BUILD");
	const char	*builds[2];
	char		 here[PATH_MAX], dir[64], *out, *said[2];
	struct gateway	 g;
	struct steady	 s;
	struct settled	 settled = { &g, NULL };
	int		 r;

	NEEDS_JAILS();
	if (next == NULL)
		cr_skip_test("NEXT_BUILD names no build of another release");
	cr_assert(realpath(getenv("BUILD") == NULL ? "build" : getenv("BUILD"), here) != NULL);
	builds[0] = next;
	builds[1] = here;
	installed_make(dir);
	gateway_start(&g, &(struct gateway_setup){ .servers = DEMO_SERVERS, .rules = STEADY_RULES });
	cr_assert(gateway_ctl(&g, &said[0], true, "version", NULL) == 0);
	steady_load(&s, &g);
	steady_start(&s);
	for (int i = 0; i < 2; i++) {
		const long	before = pid_in_file(&g);

		sleep_ms(500);
		installed_replace(dir, builds[i]);
		r = gateway_ctl(&g, &out, true, "upgrade", NULL);
		cr_expect(r == 0, "exit %d: %s", r, out);
		cr_log_info("%s", out);
		free(out);
		cr_expect(pid_in_file(&g) != before);
		cr_expect(wait_until(no_old_ones, &settled, 15000), "%s", settled.said);
		cr_assert(gateway_ctl(&g, &said[1], true, "version", NULL) == 0);
		cr_expect((strcmp(said[0], said[1]) == 0) == (i == 1), "%s", said[1]);
		free(said[1]);
	}
	free(said[0]);
	free(settled.said);
	steady_check(&s, 300);
	gateway_stop(&g);
	installed_remove(dir);
}

/* --- what waits --------------------------------------------------------------------------------- */

/* mcpgwctl upgrade in the background; what it says goes to this file. */
static pid_t
upgrade_to(const struct gateway *g, const char *path)
{
	char	program[400], conf[400];
	pid_t	pid;

	snprintf(program, sizeof(program), "%s/bin/mcpgwctl", g->build);
	snprintf(conf, sizeof(conf), "%s/etc", g->dir);
	cr_assert((pid = fork()) != -1);
	if (pid == 0) {
		if (freopen(path, "w", stdout) == NULL || dup2(1, 2) == -1)
			_exit(126);
		execl(program, "mcpgwctl", "-c", conf, "upgrade", (char *)NULL);
		_exit(127);
	}
	return pid;
}

struct saying {
	const struct gateway	*g;
	const char		*path, *want;
};

static bool
says_to_file(void *arg)
{
	const struct saying	*s = arg;
	char			 text[1024] = "";
	FILE			*f = fopen(s->path, "r");

	if (f != NULL) {
		(void)!fread(text, 1, sizeof(text) - 1, f);
		fclose(f);
	}
	return strstr(text, s->want) != NULL;
}

static bool
says_status(void *arg)
{
	const struct saying	*s = arg;
	char			*out;
	bool			 says;

	says = gateway_ctl(s->g, &out, true, "upgrade", "--status", "--json", NULL) == 0 &&
	    strstr(out, s->want) != NULL;
	free(out);
	return says;
}

/* There are slots for the workers of two, not of three. */
Test(upgrade, that_waits_says_for_what_and_is_called_off_with_its_command, .timeout = 60)
{
	struct gateway	 g;
	struct hearing	 call;
	struct mcp	 m;
	struct settled	 settled = { &g, NULL };
	struct saying	 s = { .g = &g };
	char		 path[300], params[64], *out;
	long		 pid;
	pid_t		 ctl;
	int		 status;

	NEEDS_JAILS();
	gateway_start(&g, &(struct gateway_setup){ .servers = DEMO_SERVERS, .rules = STEADY_RULES, .workers = 2 });
	snprintf(path, sizeof(path), "%s/said", g.dir);
	s.path = path;
	mcp_init(&m, g.mcp, "/servers/clock/mcp", gateway_key(&g, "a"));
	EXPECT_CTL(&g, 0, "\"state\":\"none\",", "upgrade", "--status", "--json");
	EXPECT_CTL(&g, 0, "\"ms\":0,", "upgrade", "--status", "--json");
	snprintf(params, sizeof(params), "{\"name\":\"sleep\",\"arguments\":{\"ms\":%d}}", patience(&g, 5000));
	hearing_begin(&call, &m, "7", "tools/call", params);
	sleep_ms(300);
	cr_expect(gateway_ctl(&g, &out, false, "upgrade", "--json", NULL) == 0 && strstr(out, "\"done\":true") != NULL &&
	    strstr(out, "\"state\":\"handed over\"") != NULL && strstr(out, "\"ready\"") == NULL, "%s", out);
	free(out);
	EXPECT_CTL(&g, 0, " by upgrade ", "status");
	EXPECT_CTL(&g, 0, "\"done\":false,\"state\":\"none\"", "upgrade", "--status", "--json");
	pid = pid_in_file(&g);
	ctl = upgrade_to(&g, path);
	s.want = "waits for 1 worker of pid ";
	cr_expect(wait_until(says_to_file, &s, patience(&g, 3000)), "nothing is said");
	s.want = "\"done\":false,\"state\":\"waits\"";
	cr_expect(wait_until(says_status, &s, patience(&g, 2000)), "it does not say that it waits");
	kill(ctl, SIGINT);
	cr_assert(waitpid(ctl, &status, 0) == ctl);
	s.want = "\"done\":false,\"state\":\"none\"";
	cr_expect(wait_until(says_status, &s, patience(&g, 2000)), "it waits on, and its command is gone");
	hearing_fini(&call);
	cr_expect(wait_until(no_old_ones, &settled, patience(&g, 8000)), "%s", settled.said);
	sleep_ms(300);
	cr_expect(pid_in_file(&g) == pid, "it was upgraded all the same");
	EXPECT_CTL(&g, 0, "Workers handed over", "upgrade");
	free(settled.said);
	mcp_fini(&m);
	gateway_stop(&g);
}

/* --- what goes wrong ---------------------------------------------------------------------------- */

struct asked {
	const struct gateway	*g;
	const char		*want;
};

/* A key can be made: the store is there, and workers know what it says. */
static bool
makes_keys(void *arg)
{
	const struct asked	*a = arg;

	return gateway_ctl(a->g, NULL, true, "key", "add", "--agent", "a", NULL) == 0;
}

static void
refused(struct gateway *g, struct steady *s, int code, const char *want)
{
	struct asked	 asked = { g, want };
	const long	 pid = pid_in_file(g);
	unsigned	 well = s->well;
	json_object	*records;
	char		*out;
	int		 r = gateway_ctl(g, &out, true, "upgrade", NULL);

	cr_expect(r == code && strstr(out, want) != NULL, "exit %d: %s", r, out);
	free(out);
	cr_expect(pid_in_file(g) == pid, "another master has its name in run_dir/pid");
	cr_expect(wait_until(makes_keys, &asked, 10000), "the store does not come back after: %s", want);
	sleep_ms(200);
	cr_expect(s->well > well);
	records = gateway_audit(g);		/* by the auditor, which has caught up */
	cr_expect(audit_count(records, "outcome", "ok") >= well);
	json_object_put(records);
}

Test(upgrade, that_comes_to_nothing_changes_nothing, .timeout = 120)
{
	struct gateway	 g;
	struct steady	 s;
	char		 dir[64], *out, *again;
	int		 r;

	NEEDS_JAILS();
	installed_make(dir);
	gateway_start(&g, &(struct gateway_setup){ .servers = DEMO_SERVERS, .rules = STEADY_RULES });
	steady_load(&s, &g);
	steady_start(&s);

	installed_exchange(dir, "bin/mcpgw", "echo \"$PWD/new.conf:3:1: error: not for this version\"; exit 78");
	refused(&g, &s, 78, "error: not for this version");
	EXPECT_CTL(&g, 0, "The last upgrade was refused: ", "upgrade", "--status");
	EXPECT_CTL(&g, 0, "\"done\":true,\"state\":\"refused\",\"line\":\"", "upgrade", "--status", "--json");
	r = gateway_ctl(&g, &out, true, "upgrade", NULL);
	again = strstr(out, "not for this version");
	cr_expect(r == 78 && again != NULL && strstr(again + 1, "not for this version") == NULL, "%s", out);
	free(out);
	installed_put_back(dir, "bin/mcpgw");
	installed_exchange(dir, "bin/mcpgw", "case \"$1\" in -t) exec \"$0.real\" \"$@\" ;; esac; exit 71");
	refused(&g, &s, 71, "ended before it served (exit code 71)");
	installed_put_back(dir, "bin/mcpgw");
	/* This one has the store and the audit already. */
	installed_exchange(dir, "libexec/mcpgw/mcpgw-worker", "exit 1");
	refused(&g, &s, 70, "ended before it served");
	installed_put_back(dir, "libexec/mcpgw/mcpgw-worker");
	/* The files are as wrong for the new program as for the old one. */
	gateway_write(&g, "rules.json", "{\"agents\":");
	refused(&g, &s, 78, "error");
	gateway_write(&g, "rules.json", STEADY_RULES);

	r = gateway_ctl(&g, &out, true, "upgrade", NULL);
	cr_expect(r == 0, "exit %d: %s", r, out);
	free(out);
	sleep_ms(500);
	steady_check(&s, 1000);
	gateway_stop(&g);
	installed_remove(dir);
}

/* TERM to whom the supervisor knows ends all of it, while the old workers finish, too. */
Test(upgrade, can_be_stopped_at_any_moment, .timeout = 120)
{
	static const int	after_ms[] = { 0, 10, 20, 30, 40, 50, 60, 80, 120 };
	struct gateway		g;
	struct mcp		m;
	struct answer		a;
	struct procs		*procs = malloc(sizeof(*procs));

	gateway_start(&g, &(struct gateway_setup){ .workers = 2 });
	for (size_t i = 0; i < sizeof(after_ms) / sizeof(after_ms[0]); i++) {
		/* It stays open, so that a worker of the one before waits for it. */
		mcp_init(&m, g.mcp, "/mcp", "mgk_none");
		mcp_ask_modern(&m, "tools/list", NULL, &a);
		answer_fini(&a);
		cr_assert(kill(g.pid, SIGUSR2) == 0);
		sleep_ms(after_ms[i]);
		gateway_stop_keep(&g);		/* looks for what is left */
		mcp_fini(&m);
		gateway_start_again(&g);
	}
	free(procs);
	gateway_stop(&g);
}

/* Killed is killed: who stands in for it, or the one that serves. */
Test(upgrade, leaves_nothing_when_either_is_killed, .timeout = 120)
{
	struct gateway	 g;
	struct procs	*procs = malloc(sizeof(*procs));
	struct settled	 settled = { &g, NULL };
	int		 status;

	gateway_start(&g, &(struct gateway_setup){ .workers = 2 });
	for (int i = 0; i < 2; i++) {
		EXPECT_CTL(&g, 0, "Workers handed over", "upgrade");
		cr_expect(wait_until(no_old_ones, &settled, 5000));
		gateway_procs(&g, procs);
		cr_expect(procs_count(procs, "mcpgw") == 2, "%zu masters", procs_count(procs, "mcpgw"));
		cr_assert(kill(i == 0 ? g.pid : (pid_t)pid_in_file(&g), SIGKILL) == 0);
		cr_assert(waitpid(g.pid, &status, 0) == g.pid);
		cr_expect(i == 0 || (WIFEXITED(status) && WEXITSTATUS(status) == 137), "status %#x", status);
		cr_expect(procs_wait_gone(procs, 3000), "%zu processes are left", procs_alive(procs));
		gateway_start_again(&g);
	}
	free(settled.said);
	free(procs);
	gateway_stop(&g);
}

/* One call at a time may run of s.hold, or so many, at a server that takes its time. */
static void
start_holding(struct gateway *g, unsigned workers, unsigned most)
{
	static char	servers[256], rules[256];
	pid_t		pid;

	snprintf(servers, sizeof(servers), "{\"mcpServers\":{\"s\":{\"type\":\"http\",\"url\":\"http://127.0.0.1:%u/mcp\"}}}",
	    program_start((const char *const[]){ "holding-server", NULL }, &pid));
	snprintf(rules, sizeof(rules), "{\"agents\":{\"a\":{\"allow\":{\"servers\":[\"s\"],\"tools\":{\"s\":[\"*\"]}}}},"
	    "\"limits\":{\"tools\":{\"s.hold\":{\"max_concurrent\":%u}}}}", most);
	gateway_start(g, &(struct gateway_setup){ .workers = workers, .servers = servers, .rules = rules,
	    .conf = "max_wait = 10s\n" });
}

/* Its workers leave with calls that run, and nobody else is there to give back what these held of a cap. */
Test(upgrade, what_calls_held_is_free_when_the_master_before_is_killed, .timeout = 120)
{
	struct gateway	 g;
	struct hearing	 call;
	struct mcp	 m;
	struct answer	 a;
	struct settled	 settled = { &g, NULL };
	pid_t		 before;

	start_holding(&g, 1, 1);
	/* Not the one that a supervisor knows: with that all would end. */
	EXPECT_CTL(&g, 0, "Workers handed over", "upgrade");
	cr_assert(wait_until(no_old_ones, &settled, 5000), "%s", settled.said);
	before = (pid_t)pid_in_file(&g);
	mcp_init(&m, g.mcp, "/servers/s/mcp", gateway_key(&g, "a"));
	hearing_begin(&call, &m, "7", "tools/call", "{\"name\":\"hold\",\"arguments\":{\"ms\":60000}}");
	sleep_ms(300);
	EXPECT_CTL(&g, 0, "Workers handed over", "upgrade");
	cr_assert(kill(before, SIGKILL) == 0);
	cr_expect(wait_until(no_old_ones, &settled, patience(&g, 8000)), "%s", settled.said);
	mcp_call(&m, "hold", "{\"ms\":10}", &a);
	cr_expect(json_at(a.json, "result") != NULL, "%s", a.body);
	answer_fini(&a);
	EXPECT_CTL(&g, 0, " 0 in flight", "status", "s");
	hearing_fini(&call);
	free(settled.said);
	mcp_fini(&m);
	gateway_stop(&g);
}

#define HELD	24

/* Nor when it comes to nothing, and workers of the one that was to serve have taken calls already. */
Test(upgrade, what_calls_held_is_free_when_the_new_master_comes_to_nothing, .timeout = 120)
{
	struct gateway	 g;
	struct hearing	 calls[HELD];
	struct mcp	 m[HELD];
	char		 dir[64], path[300], key[256];
	pid_t		 ctl;
	int		 status;
	unsigned	 lost = 0;

	installed_make(dir);
	start_holding(&g, 2, HELD);
	snprintf(key, sizeof(key), "%s", gateway_key(&g, "a"));
	snprintf(path, sizeof(path), "%s/said", g.dir);
	/* Its second worker does not come to serve, and the first one does until that is found. */
	installed_exchange(dir, "libexec/mcpgw/mcpgw-worker", "[ \"$1\" = 3 ] && sleep 2 && exit 1; exec \"$0.real\" \"$@\"");
	ctl = upgrade_to(&g, path);
	sleep_ms(1000);
	for (int i = 0; i < HELD; i++) {
		mcp_init(&m[i], g.mcp, "/servers/s/mcp", key);
		hearing_begin(&calls[i], &m[i], "7", "tools/call", "{\"name\":\"hold\",\"arguments\":{\"ms\":60000}}");
	}
	cr_assert(waitpid(ctl, &status, 0) == ctl);
	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 70, "status %#x", status);
	sleep_ms(patience(&g, 3000));
	for (int i = 0; i < HELD; i++) {
		lost += recv(calls[i].conn.fd, path, 1, MSG_PEEK | MSG_DONTWAIT) != -1 || errno != EAGAIN;
		hearing_fini(&calls[i]);
		mcp_fini(&m[i]);
	}
	cr_log_info("%u of %d calls ended with the new master", lost, HELD);
	sleep_ms(patience(&g, 500));
	EXPECT_CTL(&g, 0, "\"most\":24,\"left\":24,", "limit", "show", "s.hold", "--json");
	gateway_stop(&g);
	installed_remove(dir);
}

static bool
waits_for_store(void *arg)
{
	const struct gateway	*g = arg;
	struct procs		*procs = malloc(sizeof(*procs));
	bool			 waits;

	gateway_procs(g, procs);
	waits = procs_count(procs, "mcpgw") == 2 && procs_find(procs, "mcpgw-audit", 0) == NULL;
	free(procs);
	return waits;
}

/* What was to make place for the new one's takes longer for that than the new one lives: it is there again all the
 * same. */
Test(upgrade, that_comes_to_nothing_while_the_store_still_ends_gives_it_back, .timeout = 120)
{
	struct gateway	 g;
	struct asked	 asked = { &g, NULL };
	struct procs	*procs = malloc(sizeof(*procs));
	char		 path[300];
	pid_t		 ctl;
	int		 status;

	start_holding(&g, 1, 1);
	snprintf(path, sizeof(path), "%s/said", g.dir);
	gateway_procs(&g, procs);
	cr_assert(procs_find(procs, "mcpgw-store", 0) != NULL);
	cr_assert(kill(procs_find(procs, "mcpgw-store", 0)->pid, SIGSTOP) == 0);
	ctl = upgrade_to(&g, path);
	cr_assert(wait_until(waits_for_store, &g, patience(&g, 4000)));
	gateway_procs(&g, procs);
	for (size_t i = 0; procs_find(procs, "mcpgw", i) != NULL; i++)
		if (procs_find(procs, "mcpgw", i)->pid != g.pid)
			cr_assert(kill(procs_find(procs, "mcpgw", i)->pid, SIGKILL) == 0);
	cr_assert(waitpid(ctl, &status, 0) == ctl);
	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 70, "status %#x", status);
	cr_expect(wait_until(makes_keys, &asked, 15000), "the store does not come back");
	free(procs);
	gateway_stop(&g);
}

/* A quota is counted on by workers of both, whose store is one of them at a time: nobody is refused for that, nor kept
 * waiting until it has come up. */
Test(upgrade, counts_on_in_quotas, .timeout = 120)
{
	struct gateway	 g;
	struct mcp	 m;
	struct answer	 a;
	char		 path[300];
	pid_t		 ctl, pid;
	int		 status = -1;
	unsigned	 calls = 0, after = 0;
	long		 began, slowest = 0;

	start_holding(&g, 1, 1);
	gateway_write(&g, "rules.json", "{\"agents\":{\"a\":{\"allow\":{\"servers\":[\"s\"],\"tools\":{\"s\":[\"*\"]}}}},"
	    "\"limits\":{\"agents\":{\"a\":{\"quota\":\"calls=900/day\"}}}}");
	EXPECT_CTL(&g, 0, "in force", "reload");
	snprintf(path, sizeof(path), "%s/said", g.dir);
	mcp_init(&m, g.mcp, "/servers/s/mcp", gateway_key(&g, "a"));
	ctl = upgrade_to(&g, path);
	while (after < 20) {
		began = now_ms();
		mcp_call(&m, "other", "{}", &a);
		slowest = now_ms() - began > slowest ? now_ms() - began : slowest;
		cr_expect(json_at(a.json, "result") != NULL, "call %u: %s", calls, a.body);
		answer_fini(&a);
		calls++;
		if (status == -1 && (pid = waitpid(ctl, &status, WNOHANG)) == 0)
			status = -1;
		after += status != -1;
		sleep_ms(10);
	}
	cr_log_info("%u calls, the slowest %ld ms", calls, slowest);
	cr_expect(status == 0, "status %#x", status);
	mcp_fini(&m);
	gateway_stop(&g);
}
