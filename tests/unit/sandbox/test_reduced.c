/* SPDX-License-Identifier: Apache-2.0
 *
 * test_reduced.c - a jail without namespaces: what is left of each layer
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox/landlock.h"
#include "tests/unit/sandbox/cell.h"

static const struct jail_rlimit	many[] = { { RLIMIT_NPROC, 4096 } };	/* the kernel counts all of the user's */
static char			home[64], tmp[64];

/* As an ordinary user: root's files would be open to it. */
static void
reduced_init(struct cell *c, const char *script)
{
	cell_as_nobody();
	if (landlock_abi(0) == 0)
		cr_skip("no Landlock");
	if (home[0] == '\0') {
		strcpy(home, "/tmp/reduced-home-XXXXXX");
		strcpy(tmp, "/tmp/reduced-tmp-XXXXXX");
		cr_assert(mkdtemp(home) != NULL && mkdtemp(tmp) != NULL);
	}
	cell_init(c, script);
	c->spec.reduced = true;
	c->spec.home = home;
	c->spec.tmp = tmp;
	c->spec.rlimits = many;
	c->spec.rlimit_count = 1;
}

static void
reduced_fini(void)
{
	char	command[256];

	snprintf(command, sizeof(command), "rm -rf %s %s", home, tmp);
	cr_expect(eq(int, system(command), 0));
	home[0] = '\0';
}

static void
expect_out(const char *script, const char *want)
{
	struct cell	c;

	reduced_init(&c, script);
	cr_assert(eq(int, cell_run(&c), 0), "%s", c.child.failure.text);
	cr_expect(strcmp(c.out, want) == 0, "%s: %s", script, c.out);
	reduced_fini();
}

Test(reduced, opens_nothing_that_was_not_granted)
{
	expect_out("for f in /etc/passwd /etc/shadow /root /home /var/log /proc/self/status /proc/1/environ /sys/kernel "
	    "/dev/shm /dev/tty /boot; do [ -d $f ] && ls $f >/dev/null 2>&1 && echo $f; cat $f 2>/dev/null | head -c 1; done;"
	    "head -c 1 /dev/zero | wc -c; ls /usr/bin/env; echo > /dev/null && echo end", "1\n/usr/bin/env\nend\n");
}

Test(reduced, writes_to_home_and_tmp_only_and_runs_nothing_from_there)
{
	struct cell	c;
	char		script[512], want[256];

	reduced_init(&c, "");
	snprintf(script, sizeof(script), "for f in / /usr /tmp /var/tmp /etc /dev %s %s; do (: > $f/x) 2>/dev/null && echo $f;"
	    " done; cp /usr/bin/true %s/t; %s/t 2>/dev/null && echo ran; pwd", home, tmp, tmp, tmp);
	snprintf(want, sizeof(want), "%s\n%s\n%s\n", home, tmp, home);
	c.argv[2] = script;
	cr_assert(eq(int, cell_run(&c), 0), "%s", c.child.failure.text);
	cr_expect(strcmp(c.out, want) == 0, "%s", c.out);
	reduced_fini();
}

Test(reduced, shows_paths_where_they_are_and_only_there)
{
	static const struct jail_bind	elsewhere[] = { { "/usr/share", "/data", 0 } };
	struct cell			c;
	char				own[64] = "/tmp/reduced-data-XXXXXX", script[256], command[128];
	const struct jail_bind		binds[] = { { own, own, JAIL_BIND_WRITABLE } };

	reduced_init(&c, "");
	cr_assert(mkdtemp(own) != NULL);
	snprintf(script, sizeof(script), "echo hello > %s/f; cat %s/f", own, own);
	c.argv[2] = script;
	c.spec.binds = binds;
	c.spec.bind_count = 1;
	cr_assert(eq(int, cell_run(&c), 0), "%s", c.child.failure.text);
	cr_expect(strcmp(c.out, "hello\n") == 0, "%s", c.out);
	c.spec.binds = elsewhere;
	cr_expect(eq(int, cell_run(&c), E_JAIL));
	cr_expect(eq(int, c.child.failure.step, JAIL_STEP_BIND));
	snprintf(command, sizeof(command), "rm -rf %s", own);
	cr_expect(eq(int, system(command), 0));
	reduced_fini();
}

Test(reduced, refuses_what_needs_a_namespace_and_to_be_without_landlock)
{
	static const struct {
		enum jail_network	 net;
		int			 landlock;
		enum jail_step		 step;
		const char		*says;
	} rows[] = {
		{ JAIL_NET_LOOPBACK, 0, JAIL_STEP_NETWORK, "\"none\" and \"host\"" },
		{ JAIL_NET_LIST, 0, JAIL_STEP_NETWORK, "\"none\" and \"host\"" },
		{ JAIL_NET_NONE, -1, JAIL_STEP_LANDLOCK, "reduced jail is made of it" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct cell	c;

		reduced_init(&c, "echo ran");
		c.spec.net = rows[i].net;
		c.spec.landlock_abi_max = rows[i].landlock;
		cr_expect(eq(int, cell_run(&c), E_JAIL), "row %zu", i);
		cr_expect(eq(int, c.child.failure.step, rows[i].step), "row %zu: %s", i, c.child.failure.text);
		cr_expect(strstr(c.child.failure.text, rows[i].says) != NULL, "row %zu: %s", i, c.child.failure.text);
		reduced_fini();
	}
}

/* Each one leaves processes in sessions of their own, deaf to TERM; they hold stdout, so its end comes
 * when the last of them is dead. */
Test(reduced, leaves_no_descendant, .timeout = 60)
{
	static const char *const	scripts[] = {
		"setsid sh -c 'trap \"\" TERM HUP; echo up; while :; do sleep 1; done' & sleep 0.3; exit 3",
		"(setsid sh -c '(setsid sleep 100 &) ; sleep 100' &) ; echo up; sleep 0.3; exit 3",
		/* A chain that is never the same process for long. */
		"f() { while :; do (sleep 0.01 & f) & exit; done; }; (setsid sh -c 'f() { sleep 0.005; f & }; f' &); echo up;"
		" sleep 0.3; exit 3",
	};

	for (int how = 0; how < 2; how++)
		for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
			struct cell	c;
			char		byte;

			reduced_init(&c, scripts[i]);
			cr_assert(eq(int, cell_start(&c), 0), "%s", c.child.failure.text);
			cr_assert(eq(int, (int)read(c.child.out, &byte, 1), 1));
			if (how == 1) {
				close(c.child.lifeline);
				c.child.lifeline = -1;
			}
			cell_finish(&c);	/* waits for the end of stdout */
			cr_expect(eq(int, WIFEXITED(c.status) ? WEXITSTATUS(c.status) : -1, how == 1 ? 0 : 3), "row %zu", i);
			cr_expect(eq(int, waitpid(-1, NULL, WNOHANG), -1), "a child is left");
			reduced_fini();
		}
}

Test(reduced, passes_a_request_to_stop_on_and_tells_how_it_ended)
{
	struct cell	c;
	char		byte;

	reduced_init(&c, "trap 'echo asked; exit 7' TERM; echo up; while :; do sleep 0.05; done");
	cr_assert(eq(int, cell_start(&c), 0), "%s", c.child.failure.text);
	cr_assert(eq(int, (int)read(c.child.out, &byte, 1), 1));
	cr_assert(eq(int, (int)write(c.child.lifeline, "T", 1), 1));
	cell_finish(&c);
	cr_expect(eq(int, WEXITSTATUS(c.status), 7));
	reduced_fini();
	reduced_init(&c, "kill -9 $$");
	cr_assert(eq(int, cell_run(&c), 0));
	cr_expect(eq(int, WEXITSTATUS(c.status), 128 + 9));
	reduced_fini();
}

Test(reduced, is_ended_by_the_spawner_with_all_it_started, .timeout = 30)
{
	struct cell	c;
	struct pollfd	p;
	char		byte;

	reduced_init(&c, "setsid sh -c 'trap \"\" TERM HUP; echo up; while :; do sleep 1; done' & sleep 100");
	cr_assert(eq(int, cell_start(&c), 0), "%s", c.child.failure.text);
	cr_assert(eq(int, (int)read(c.child.out, &byte, 1), 1));
	p = (struct pollfd){ .fd = c.child.out, .events = POLLIN };
	c.child.out = -1;
	jail_child_kill(&c.child);
	/* "p\n", and then the end. */
	while (poll(&p, 1, 5000) == 1 && read(p.fd, &byte, 1) == 1)
		;
	cr_expect(eq(int, poll(&p, 1, 0), 1), "somebody holds its output");
	close(p.fd);
	reduced_fini();
}

Test(reduced, drops_the_same_privileges)
{
	struct cell	c;
	char		path[64], line[256], found[512] = "";
	FILE		*f;
	char		byte;

	/* Its own /proc is not granted, so it is looked at from outside. */
	reduced_init(&c, "echo up; exec sleep 100");
	cr_assert(eq(int, cell_start(&c), 0), "%s", c.child.failure.text);
	cr_assert(eq(int, (int)read(c.child.out, &byte, 1), 1));
	snprintf(path, sizeof(path), "/proc/%ld/status", (long)c.child.pid);
	cr_assert(ne(ptr, (void *)(f = fopen(path, "r")), NULL));
	while (fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, "CapEff", 6) == 0 || strncmp(line, "CapBnd", 6) == 0 || strncmp(line, "NoNewPrivs", 10) == 0)
			strcat(found, line);
	fclose(f);
	cr_expect(strstr(found, "CapEff:\t0000000000000000\n") != NULL, "%s", found);
	cr_expect(strstr(found, "NoNewPrivs:\t1\n") != NULL, "%s", found);
	if (geteuid() == 0)
		cr_expect(strstr(found, "CapBnd:\t0000000000000000\n") != NULL, "%s", found);
	jail_child_kill(&c.child);
	reduced_fini();
}
