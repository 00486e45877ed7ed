/* SPDX-License-Identifier: Apache-2.0
 *
 * test_life.c - birth, death and replacement, with children that misbehave
 */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "tests/unit/master/tree.h"

static struct tree	t;

static void
stop(void)
{
	tree_remove(&t);
}

TestSuite(master_life, .fini = stop, .timeout = 60);

static void
start(const char *conf)
{
	int	code = 0;

	tree_make(&t, conf);
	cr_assert(tree_start(&t, &code), "exit %d", code);
}

static uint32_t
deaths_of_worker(unsigned slot)
{
	struct processes	p;

	cr_assert(tree_status(&t, &p));
	for (unsigned i = 0; i < p.count; i++)
		if (p.at[i].role == ROLE_WORKER && p.at[i].slot == slot)
			return p.at[i].deaths;
	cr_assert(0, "no such worker");
	return 0;
}

Test(master_life, replaces_each_killed_child_within_a_second)
{
	struct processes	before, after;
	bool			back;

	start("");
	cr_assert(tree_status(&t, &before));
	cr_assert(eq(u32, before.count, 4));
	for (unsigned i = 0; i < before.count; i++)
		cr_assert(kill((pid_t)before.at[i].pid, SIGKILL) == 0);
	for (int ms = 0; ms < 1000; ms += 20) {
		nap_ms(20);
		cr_assert(tree_status(&t, &after));
		back = true;
		for (unsigned i = 0; i < after.count; i++)
			back = back && after.at[i].state == CTL_PROCESS_READY &&
			    after.at[i].pid != before.at[i].pid;
		if (back)
			break;
	}
	cr_expect(back);
	cr_expect(not(tree_has(&t, "libexec/mcpgw/said", "inherited-too-much")));
}

Test(master_life, a_bad_message_costs_the_child_and_nobody_else)
{
	pid_t	first, other;

	start("");
	first = tree_worker(&t, 0, 0, 1000);
	other = tree_worker(&t, 1, 0, 1000);
	cr_assert(first != 0 && other != 0);
	kill(first, SIGUSR1);
	cr_expect(tree_worker(&t, 0, first, 1500) != 0);
	cr_expect(not(is_alive(first)));
	cr_expect(eq(int, tree_worker(&t, 1, 0, 100), other));
	cr_expect(tree_has(&t, "log", "COMPILE_DONE"));
}

Test(master_life, a_silent_child_is_replaced)
{
	pid_t	first;

	start("watchdog = 1s\n");
	first = tree_worker(&t, 0, 0, 1000);
	kill(first, SIGSTOP);
	cr_expect(tree_worker(&t, 0, first, 3500) != 0);
	cr_expect(not(is_alive(first)));
}

Test(master_life, a_crash_loop_backs_off)
{
	uint32_t	soon, later;
	pid_t		worker;

	start("");
	worker = tree_worker(&t, 0, 0, 1000);
	nap_ms(1100);			/* a steady one: its own death is not an early one */
	tree_write(&t, "libexec/mcpgw/mode", "die");
	kill(worker, SIGKILL);
	nap_ms(600);
	soon = deaths_of_worker(0);
	cr_expect(ge(u32, soon, 2), "%u", soon);	/* the kill, and the first try at once */
	nap_ms(2000);
	later = deaths_of_worker(0);
	cr_expect(le(u32, later, soon + 2), "%u then %u", soon, later);
	/* The other still serves, and this one comes back when it can. */
	cr_expect(tree_worker(&t, 1, 0, 100) != 0);
	tree_write(&t, "libexec/mcpgw/mode", "");
	cr_expect(tree_worker(&t, 0, 0, 6000) != 0);
}

Test(master_life, nothing_is_left_when_the_master_is_killed)
{
	struct processes	p;
	unsigned		left = 0;

	start("");
	cr_assert(tree_status(&t, &p));
	kill(t.master, SIGKILL);
	tree_lost(&t);
	for (int ms = 0; ms < 2500; ms += 20) {
		left = 0;
		for (unsigned i = 0; i < p.count; i++)
			left += is_alive((pid_t)p.at[i].pid);
		if (left == 0)
			break;
		nap_ms(20);
	}
	cr_expect(eq(u32, left, 0));
}

Test(master_life, a_second_master_is_refused)
{
	char	want[64];

	start("");
	cr_expect(eq(int, tree_start_second(&t), EX_UNAVAILABLE));
	snprintf(want, sizeof(want), "in use by the gateway with pid %d", (int)t.master);
	cr_expect(tree_has(&t, "log2", want));
	cr_expect(tree_worker(&t, 0, 0, 100) != 0);
}

Test(master_life, term_drains_and_leaves_nothing)
{
	struct processes	p;

	start("");
	cr_assert(tree_status(&t, &p));
	cr_assert(tree_exists(&t, "run/mcp.sock") && tree_exists(&t, "state/running"));
	kill(t.master, SIGTERM);
	cr_expect(eq(int, tree_wait(&t), 0));
	cr_expect(tree_has(&t, "libexec/mcpgw/said", "drained\ndrained"));
	for (unsigned i = 0; i < p.count; i++)
		cr_expect(not(is_alive((pid_t)p.at[i].pid)));
	cr_expect(not(tree_exists(&t, "run/mcp.sock")));
	cr_expect(not(tree_exists(&t, "run/ctl.sock")));
	cr_expect(not(tree_exists(&t, "run/pid")));
	cr_expect(not(tree_exists(&t, "run/ready")));
	cr_expect(not(tree_exists(&t, "state/running")));
}

Test(master_life, says_who_has_the_port)
{
	struct sockaddr_in	sa = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t		bytes = sizeof(sa);
	char			conf[64], want[96];
	int			fd, code = 0;

	fd = socket(AF_INET, SOCK_STREAM, 0);
	cr_assert(fd != -1);
	cr_assert(bind(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0 && listen(fd, 1) == 0);
	cr_assert(getsockname(fd, (struct sockaddr *)&sa, &bytes) == 0);
	snprintf(conf, sizeof(conf), "listen = 127.0.0.1:%u\n", ntohs(sa.sin_port));
	tree_make(&t, conf);
	cr_assert(not(tree_start(&t, &code)));
	cr_expect(eq(int, code, EX_OSERR));
	snprintf(want, sizeof(want), "listen 127.0.0.1:%u: in use", ntohs(sa.sin_port));
	cr_expect(tree_has(&t, "log", want));
	/* Another user's descriptors cannot be seen, so only then is there no name. */
	snprintf(want, sizeof(want), "by pid %d", (int)getpid());
	cr_expect(geteuid() == 0 || tree_has(&t, "log", want));
	cr_expect(not(tree_exists(&t, "run/mcp.sock")));
	close(fd);
}

Test(master_life, a_runner_of_nobody_is_refused)
{
	start("");
	kill(tree_worker(&t, 0, 0, 1000), SIGUSR2);
	for (int ms = 0; ms < 1000 && !tree_has(&t, "libexec/mcpgw/said", "no-runner"); ms += 20)
		nap_ms(20);
	cr_expect(tree_has(&t, "libexec/mcpgw/said", "no-runner"));
}
