/* SPDX-License-Identifier: Apache-2.0
 *
 * test_bounds.c - what bounds a tool's disk, memory and time; jails without namespaces
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/fd.h"
#include "sandbox/spawner/state.h"
#include "tests/unit/spawner/rig.h"

/* ---- quota -------------------------------------------------------------------------------------- */

static void
expect_ended(struct rig *r, const char *says)
{
	char	text[512];

	rig_expect(r, r->runner, MSG_TYPE_SPAWN_EXITED);
	snprintf(text, sizeof(text), "%.*s", SPAN_FMT(r->body.SPAWN_EXITED.why));
	if (says == NULL)
		return;			/* it may have been looked at while it ran */
	if (says[0] == '\0')
		cr_expect(text[0] == '\0', "%s", text);
	else
		cr_expect(strstr(text, says) != NULL, "%s", text);
}

static void
run_once(struct rig *r, const struct rig_tool *tool, uint64_t instance, const char *says)
{
	static uint64_t	ref;
	struct rig_jail	j;

	rig_spawn(r, tool, instance, ++ref);
	rig_spawned(r, ref, &j);
	(void)rig_read(j.out);
	expect_ended(r, says);
	rig_jail_close(&j);
}

Test(quota, ends_who_keeps_too_much_and_starts_it_no_more, .timeout = 60)
{
	static const struct rig_tool	tools[] = {
		{ .name = "hoarder", .state_bytes = 1 << 20, .script = "head -c 3000000 /dev/zero > ~/big; exec >&-; sleep 30" },
		{ .name = "modest", .state_bytes = 1 << 20, .script = "head -c 100000 /dev/zero > ~/small" },
		{ .name = "sparse", .state_bytes = 1 << 20, .script = "perl -e 'open F, \">$ENV{HOME}/s\"; truncate F, 50000000'" },
		{ .name = "many", .state_bytes = 1 << 20, .script = "perl -e 'for (1..1500) { open F, \">$ENV{HOME}/f$_\" }'" },
		{ .name = "closed", .state_bytes = 1 << 20, .script = "mkdir ~/d; : > ~/d/f; chmod 0 ~/d" },
		{ .name = "unbounded", .script = "head -c 3000000 /dev/zero > ~/big" },
	};
	struct rig	r;
	char		path[128];

	rig_start(&r, tools, 6, NULL);
	run_once(&r, &tools[0], 1, "holds more than it may: ");
	rig_spawn(&r, &tools[0], 1, 100);
	rig_expect_failure(&r, JAIL_STEP_STATE_FOLDER, "of 1.0 MiB; remove what is not needed");
	/* Another instance has a folder of its own; what is removed counts no more. */
	snprintf(path, sizeof(path), "%s/hoarder/0000000000000001/big", r.folder);
	cr_assert(eq(int, unlink(path), 0), "%s", path);
	run_once(&r, &tools[1], 1, "");
	run_once(&r, &tools[1], 1, "");
	run_once(&r, &tools[2], 1, "");
	run_once(&r, &tools[2], 1, "");
	run_once(&r, &tools[5], 1, "");
	run_once(&r, &tools[5], 1, "");
	run_once(&r, &tools[3], 1, NULL);
	rig_spawn(&r, &tools[3], 1, 101);
	rig_expect_failure(&r, JAIL_STEP_STATE_FOLDER, "in 1065 files or more");
	run_once(&r, &tools[4], 1, "");
	rig_spawn(&r, &tools[4], 1, 102);
	rig_expect_failure(&r, JAIL_STEP_STATE_FOLDER, "closed to its owner");
	rig_stop(&r);
}

Test(quota, counts_all_of_a_tenant_together, .timeout = 60)
{
	static const struct rig_tool	tools[] = {
		{ .name = "one", .state_bytes = 4 << 20, .tenant_bytes = 2 << 20,
		    .script = "head -c 3000000 /dev/zero > ~/big; sleep 2" },
		{ .name = "other", .state_bytes = 4 << 20, .tenant_bytes = 2 << 20, .script = "sleep 2" },
		{ .name = "keeps-nothing", .isolation = ISOLATION_CALL, .tenant_bytes = 2 << 20, .script = "echo fine" },
	};
	struct rig		r;
	struct rig_jail		j;
	struct frame_head	head;

	rig_start(&r, tools, 3, NULL);
	run_once(&r, &tools[0], 1, "");
	for (uint64_t i = 0; i < 25; i++) {
		usleep(500000);
		rig_spawn(&r, &tools[1], 1, 50 + i);
		cr_assert(eq(int, poll(&(struct pollfd){ .fd = r.runner, .events = POLLIN }, 1, 10000), 1));
		if (recv(r.runner, &head, sizeof(head), MSG_PEEK) == sizeof(head) &&
		    head.type == MSG_TYPE_SPAWN_FAILED)
			break;
		rig_spawned(&r, 50 + i, &j);
		rig_jail_close(&j);
		rig_expect(&r, r.runner, MSG_TYPE_SPAWN_EXITED);
	}
	rig_expect_failure(&r, JAIL_STEP_STATE_FOLDER, "state_quota_tenant");
	run_once(&r, &tools[2], 1, "");
	rig_stop(&r);
}

/* ---- reduced jails ------------------------------------------------------------------------------ */

static bool
is_left(const struct rig *r, const char *name)
{
	char	path[128];

	snprintf(path, sizeof(path), "%s/%s", r->folder, name);
	return access(path, F_OK) == 0;
}

Test(reduced, has_folders_of_the_host_and_leaves_none, .timeout = 60)
{
	static const char		script[] = "case $HOME in */home|*/000*) echo home;; esac; cd; : > own && echo $PWD; umask";
	static const struct rig_tool	tools[] = {
		{ .name = "kept", .script = script },
		{ .name = "once", .script = script, .isolation = ISOLATION_CALL },
	};
	struct rig	r;
	struct rig_jail	j;
	char		want[128];
	const char	*out;

	rig_start_reduced(&r, tools, 2);
	for (uint64_t i = 0; i < 2; i++) {
		rig_spawn(&r, &tools[i], 9, i + 1);
		rig_spawned(&r, i + 1, &j);
		if (i == 0)
			snprintf(want, sizeof(want), "home\n%s/kept/0000000000000009\n", r.folder);
		else
			snprintf(want, sizeof(want), "home\n%s/.tmp/2/home\n", r.folder);
		out = rig_read(j.out);
		cr_expect(strncmp(out, want, strlen(want)) == 0, "%s", out);
		rig_expect(&r, r.runner, MSG_TYPE_SPAWN_EXITED);
		rig_jail_close(&j);
	}
	for (int i = 0; i < 100 && (is_left(&r, ".gone-1") || is_left(&r, ".gone-2")); i++)
		usleep(50000);
	cr_expect(is_left(&r, "kept/0000000000000009/own"));
	cr_expect(not(is_left(&r, ".tmp/1")));
	cr_expect(not(is_left(&r, ".tmp/2")));
	cr_expect(not(is_left(&r, ".gone-1")));
	cr_expect(not(is_left(&r, ".gone-2")));
	rig_stop(&r);
}

/* Before Landlock scopes signals a tool can kill its init; what it has put aside is the spawner's then. */
Test(reduced, ends_what_is_left_of_a_jail_whose_init_was_killed, .timeout = 60)
{
	static const struct rig_tool	tools[] = {
		{ .name = "patricide", .landlock_abi_max = 2,
		    .script = "(setsid sh -c 'trap \"\" TERM HUP; sleep 60' &); kill -9 $PPID; sleep 60" },
	};
	struct rig	r;
	struct rig_jail	j;

	rig_start_reduced(&r, tools, 1);
	rig_spawn(&r, &tools[0], 1, 1);
	rig_spawned(&r, 1, &j);
	/* The end of its output, which all of them hold. */
	cr_expect(strcmp(rig_read(j.out), "") == 0);
	rig_expect(&r, r.runner, MSG_TYPE_SPAWN_EXITED);
	rig_jail_close(&j);
	rig_stop(&r);
}

/* ---- cgroups ------------------------------------------------------------------------------------ */

static void
expect_end(struct rig *r, const char *why)
{
	char	text[128];

	rig_expect(r, r->runner, MSG_TYPE_SPAWN_EXITED);
	snprintf(text, sizeof(text), "%.*s", SPAN_FMT(r->body.SPAWN_EXITED.why));
	cr_expect(strcmp(text, why) == 0, "%s", text);
}

Test(cgroups, end_a_jail_that_is_out_of_memory, .timeout = 60)
{
	static const struct rig_tool	tools[] = {
		{ .name = "tool", .memory_bytes = 32 << 20, .script = "perl -e '$x = \"x\" x (200 << 20); print 1'" },
		/* Not the tool itself, and the tool would live on: the whole jail goes. */
		{ .name = "child", .memory_bytes = 32 << 20,
		    .script = "perl -e '$x = \"x\" x (200 << 20)'; sleep 100; echo alive" },
		{ .name = "modest", .memory_bytes = 32 << 20, .script = "echo fine" },
	};
	struct rig	r;
	struct rig_jail	j;
	const char	*out;

	rig_start_in_cgroups(&r, tools, 3);
	for (uint64_t i = 0; i < 3; i++) {
		rig_spawn(&r, &tools[i], 1, i + 1);
		rig_spawned(&r, i + 1, &j);
		out = rig_read(j.out);
		cr_expect(strcmp(out, i == 2 ? "fine\n" : "") == 0, "%s", out);
		expect_end(&r, i == 2 ? "" : "out of memory (limit 32MiB)");
		rig_jail_close(&j);
	}
	rig_stop(&r);
}

Test(cgroups, bound_processes_and_hold_the_jail_alone, .timeout = 60)
{
	static const struct rig_tool	tools[] = {
		{ .name = "many", .pids = 12, .script = "i=0; while [ $i -lt 40 ]; do sleep 5 & i=$((i + 1)); printf .;"
		    " done 2>/dev/null" },
		{ .name = "who", .script = "cat /proc/self/cgroup | cut -d: -f3 | sort -u; read x" },
	};
	struct rig	r;
	struct rig_jail	j;
	char		path[160];
	const char	*out;
	FILE		*f;
	long		pid;
	int		n = 0;

	rig_start_in_cgroups(&r, tools, 2);
	rig_spawn(&r, &tools[0], 1, 1);
	rig_spawned(&r, 1, &j);
	out = rig_read(j.out);
	cr_expect(strspn(out, ".") >= 5 && strspn(out, ".") <= 12, "%s", out);
	expect_end(&r, "");
	rig_jail_close(&j);

	rig_spawn(&r, &tools[1], 1, 2);
	rig_spawned(&r, 2, &j);
	snprintf(path, sizeof(path), "%s/jail-2/cgroup.procs", r.cgroup[CGROUP_MEMORY]);
	f = fopen(path, "r");
	cr_assert(f != NULL, "%s", path);
	for (; fscanf(f, "%ld", &pid) == 1; n++)
		cr_expect(pid != r.pid, "the spawner is in it");
	fclose(f);
	cr_expect(n >= 2, "the init and the tool are");
	close(j.in);
	j.in = -1;
	/* Its root is where it is: no name of the host's. */
	out = rig_read(j.out);
	if (out[0] != '\0')
		cr_expect(strcmp(out, "/\n") == 0, "%s", out);
	expect_end(&r, "");
	rig_jail_close(&j);
	rig_stop(&r);
}

Test(cgroups, hold_a_tool_to_its_share_of_a_processor, .timeout = 60)
{
	static const struct rig_tool	tools[] = {
		{ .name = "spin", .cpu_milli = 100, .script = "while :; do :; done" },
	};
	struct rig	r;
	struct rig_jail	j;
	char		path[160], text[64] = "";
	FILE		*f;

	rig_start_in_cgroups(&r, tools, 1);
	rig_spawn(&r, &tools[0], 1, 1);
	rig_spawned(&r, 1, &j);
	snprintf(path, sizeof(path), "%s/jail-1/cpu.cfs_quota_us", r.cgroup[CGROUP_CPU]);
	for (int i = 0; i < 100; i++) {
		f = fopen(path, "r");
		cr_assert(f != NULL && fgets(text, sizeof(text), f) != NULL);
		fclose(f);
		if (i == 0)
			cr_expect(eq(str, text, "-1\n"), "not while it starts");
		if (strcmp(text, "-1\n") != 0)
			break;
		usleep(100000);
	}
	cr_expect(eq(str, text, "10000\n"));
	rig_jail_close(&j);
	expect_end(&r, "");
	rig_stop(&r);
}
