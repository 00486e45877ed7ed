/* SPDX-License-Identifier: Apache-2.0
 *
 * s6_signals.c - storms of signals, processes that are stopped, killed, or die again and again
 */
#include <signal.h>
#include <sys/wait.h>

#include "tests/harness/program.h"
#include "tests/integration/installed.h"
#include "tests/integration/steadyload.h"

struct wanted {
	const struct gateway	*g;
	const char		*name;
	size_t			 count;
	pid_t			 not_this;
};

static bool
is_there(void *arg)
{
	const struct wanted	*w = arg;
	struct procs		*p = malloc(sizeof(*p));
	bool			 yes;

	gateway_procs(w->g, p);
	yes = procs_count(p, w->name) == w->count;
	for (size_t i = 0; procs_find(p, w->name, i) != NULL; i++)
		yes &= procs_find(p, w->name, i)->pid != w->not_this;
	free(p);
	return yes;
}

/* Each signal may come at any time, as often as anybody likes; STORM_MS=30000 makes it longer. */
Test(signals, of_a_storm_are_heard_once_and_lose_nobody, .timeout = 180)
{
	static const int	all[] = { SIGHUP, SIGUSR1, SIGCHLD, SIGPIPE, SIGHUP, SIGCHLD };
	static const char	*const singles[] = { "mcpgw-audit", "mcpgw-store", "mcpgw-admin" };
	const long		storm_ms = env_number("STORM_MS", 3000);
	struct gateway		g;
	struct steady		s;
	struct wanted		w = { .g = &g };
	unsigned		sent = 0, seed = 20261130;
	size_t			reloads;
	long			began;
	char			*out;
	int			r;

	NEEDS_JAILS();
	gateway_start(&g, &(struct gateway_setup){ .servers = DEMO_SERVERS, .rules = STEADY_RULES, .workers = 3 });
	steady_load(&s, &g);
	steady_start(&s);
	began = now_ms();
	while (now_ms() - began < storm_ms) {
		seed = seed * 1103515245 + 12345;
		cr_assert(kill(g.pid, all[seed / 65536 % 6]) == 0);
		if (++sent % 400 == 0)
			cr_assert(kill(g.pid, SIGUSR2) == 0);
		if (sent % 8 == 0)
			sleep_ms(1);
	}
	/* It is as it was, and still does what it is told. */
	sleep_ms(500);
	w.name = "mcpgw-worker";
	w.count = 3;
	cr_expect(wait_until(is_there, &w, 30000), "there are not three workers");
	for (size_t i = 0; i < sizeof(singles) / sizeof(singles[0]); i++) {
		w = (struct wanted){ &g, singles[i], 1, 0 };
		cr_expect(wait_until(is_there, &w, 5000), "not one %s", singles[i]);
	}
	/* All that came while one ran were one more. */
	reloads = gateway_logged(&g, "in force in 3 workers");
	sleep_ms(1000);
	cr_expect(gateway_logged(&g, "in force in 3 workers") == reloads, "reloads go on after the storm");
	r = gateway_ctl(&g, &out, true, "reload", NULL);
	cr_expect(r == 0, "reload: exit %d: %s", r, out);
	free(out);
	cr_log_info("%u signals, %zu reloads, %zu upgrades", sent, gateway_logged(&g, "in force in 3 workers"),
	    gateway_logged(&g, " took over, pid "));
	cr_expect(reloads > 0 && reloads < sent / 10);
	cr_expect(gateway_logged(&g, " took over, pid ") >= 1);
	cr_expect(gateway_logged(&g, "killed:") == 0 && gateway_logged(&g, "killed by signal") == 0, "a child was lost");
	steady_check(&s, 500);
	for (int i = 0; i < 50; i++)
		kill(g.pid, SIGTERM);
	gateway_stop(&g);
}

/* F6: the watchdog replaces what does not answer; meanwhile others serve. */
Test(signals, a_stopped_process_is_replaced, .timeout = 120)
{
	static const char	*const names[] = { "mcpgw-worker", "mcpgw-audit", "mcpgw-store", "mcpgw-runner" };
	struct gateway		g;
	struct steady		s;
	struct procs		*p = malloc(sizeof(*p));
	struct wanted		w = { .g = &g };
	unsigned		before;
	long			began;

	NEEDS_JAILS();
	gateway_start(&g, &(struct gateway_setup){ .servers = DEMO_SERVERS, .rules = STEADY_RULES, .workers = 2,
	    .conf = "watchdog = 1s\n" });
	steady_load(&s, &g);
	steady_start(&s);
	sleep_ms(500);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		gateway_procs(&g, p);
		w.name = names[i];
		w.count = procs_count(p, names[i]);
		cr_assert(w.count > 0, "no %s", names[i]);
		w.not_this = procs_find(p, names[i], 0)->pid;
		before = s.well;
		began = now_ms();
		cr_assert(kill(w.not_this, SIGSTOP) == 0);
		cr_expect(wait_until(is_there, &w, patience(&g, 6000)), "%s is not replaced", names[i]);
		cr_log_info("%s: replaced after %ld ms, %u calls meanwhile", names[i], now_ms() - began, s.well - before);
		/* Without the one runner there are no calls; all else goes on. */
		if (i < 3)
			cr_expect(s.well - before > 20, "%s: %u calls in %ld ms", names[i], s.well - before,
			    now_ms() - began);
		before = s.well;
		sleep_ms(1000);
		cr_expect(s.well - before > 20, "%s: afterwards %u calls in a second", names[i], s.well - before);
	}
	steady_end(&s);
	cr_log_info("%u well, %u reset, %u wrong", s.well, s.reset, s.wrong);
	/* Those in the worker and in the runner, at most one for each client. */
	cr_expect(s.refused == 0 && s.reset + s.wrong <= 4 * s.count, "%u, %u, %u: %s", s.refused, s.reset, s.wrong, s.first);
	free(p);
	gateway_stop(&g);
}

/* P2: a worker whose program is broken; the others serve, and it comes back when that is mended. */
Test(signals, a_crash_loop_backs_off_and_the_others_serve, .timeout = 120)
{
	struct gateway	 g;
	struct steady	 s;
	struct procs	*p = malloc(sizeof(*p));
	struct wanted	 w = { .g = &g, .name = "mcpgw-worker", .count = 2 };
	char		 dir[64];
	unsigned	 before;

	NEEDS_JAILS();
	installed_make(dir);
	gateway_start(&g, &(struct gateway_setup){ .servers = DEMO_SERVERS, .rules = STEADY_RULES, .workers = 2 });
	gateway_procs(&g, p);
	installed_exchange(dir, "libexec/mcpgw/mcpgw-worker", "exit 1");
	w.not_this = procs_find(p, "mcpgw-worker", 0)->pid;
	cr_assert(kill(w.not_this, SIGKILL) == 0);
	steady_load(&s, &g);
	steady_start(&s);
	before = s.well;
	sleep_ms(5000);
	cr_expect(s.well - before > 300, "%u calls", s.well - before);
	cr_expect(gateway_logged(&g, "starts again in 1 s, fails=2") == 1 && gateway_logged(&g, "starts again in 2 s, fails=3") == 1);
	cr_expect(gateway_logged(&g, "exited 1 before it was ready") >= 3 && gateway_logged(&g, "exited 1 before it was ready") <= 5);
	installed_put_back(dir, "libexec/mcpgw/mcpgw-worker");
	cr_expect(wait_until(is_there, &w, patience(&g, 9000)), "it does not come back");
	steady_check(&s, 500);
	free(p);
	gateway_stop(&g);
	installed_remove(dir);
}

/* F5: a supervisor starts it again at once, while what the killed one left is still leaving. */
Test(signals, a_killed_master_is_back_within_three_seconds, .timeout = 120)
{
	struct gateway	 g;
	struct procs	*p = malloc(sizeof(*p));
	struct mcp	 m;
	struct answer	 a;
	char		 address[32];
	long		 began, took;

	NEEDS_JAILS();
	snprintf(address, sizeof(address), "127.0.0.1:%u", port_free());
	gateway_start(&g, &(struct gateway_setup){ .servers = DEMO_SERVERS, .rules = STEADY_RULES, .workers = 2,
	    .listen = address });
	mcp_init(&m, address, "/servers/clock/mcp", gateway_key(&g, "a"));
	for (int i = 0; i < 5; i++) {
		mcp_call(&m, "add", "{\"a\":1,\"b\":2}", &a);
		EXPECT_STATUS(a, 200, "before");
		answer_fini(&a);
		gateway_procs(&g, p);
		began = now_ms();
		cr_assert(kill(g.pid, SIGKILL) == 0 && waitpid(g.pid, NULL, 0) == g.pid);
		gateway_start_again(&g);
		client_close(&m.conn);
		mcp_call(&m, "add", "{\"a\":1,\"b\":2}", &a);
		took = now_ms() - began;
		EXPECT_STATUS(a, 200, "after");
		answer_fini(&a);
		cr_log_info("back after %ld ms", took);
		cr_expect(took < patience(&g, 3000), "back after %ld ms", took);
		cr_expect(procs_wait_gone(p, patience(&g, 2500)), "%zu of the killed one's are left", procs_alive(p));
	}
	mcp_fini(&m);
	free(p);
	gateway_stop(&g);
}
