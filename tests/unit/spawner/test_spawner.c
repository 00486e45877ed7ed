/* SPDX-License-Identifier: Apache-2.0
 *
 * test_spawner.c - mcpgw-spawn, asked by a runner, watched by a master
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
#include "sandbox/notify.h"
#include "sandbox/spawner/state.h"
#include "tests/unit/spawner/rig.h"

#define CHARS(s) ((char *)(uintptr_t)(s))

Test(spawner, starts_a_tool_from_its_profile)
{
	static const struct rig_tool	tools[] = {
		{ .name = "docs", .script = "echo $HOME $TOKEN; env | wc -l; pwd; > ~/seen; exit 5",
		    .workdir = "/tmp", .wants_secret = true },
	};
	struct rig	r;
	struct rig_jail	j;
	struct stat	st;
	char		path[128];

	rig_start(&r, tools, 1, "s3cret");
	rig_spawn(&r, &tools[0], 0xabc, 77);
	rig_spawned(&r, 77, &j);
	/* PATH, HOME, TOKEN; the shell adds PWD. */
	cr_expect(eq(str, CHARS(rig_read(j.out)), "/home/tool s3cret\n4\n/tmp\n"));
	cr_expect(eq(str, CHARS(rig_read(j.err)), ""));
	rig_expect(&r, r.runner, MSG_TYPE_SPAWN_EXITED);
	cr_expect(eq(int, (int)r.body.SPAWN_EXITED.pid, j.pid));
	cr_expect(eq(int, WEXITSTATUS(r.body.SPAWN_EXITED.status), 5));
	snprintf(path, sizeof(path), "%s/docs/0000000000000abc/seen", r.folder);
	cr_expect(eq(int, stat(path, &st), 0), "%s", path);
	*strrchr(path, '/') = '\0';
	cr_expect(eq(int, stat(path, &st), 0));
	cr_expect(eq(int, (int)(st.st_mode & 0777), 0700));
	rig_jail_close(&j);
	cr_expect(eq(int, rig_stop(&r), 0));
}

Test(spawner, leaves_nothing_of_a_session_or_call)
{
	static const char		script[] = "cat ~/x 2>/dev/null; echo y > ~/x; cd; pwd;"
					    " head -c 9000000 /dev/zero > big 2>/dev/null || echo full";
	static const struct rig_tool	tools[] = {
		{ .name = "session", .script = script, .isolation = ISOLATION_SESSION },
		{ .name = "call", .script = script, .isolation = ISOLATION_CALL },
	};
	struct rig	r;
	struct rig_jail	j;
	char		path[128];

	rig_start(&r, tools, 2, NULL);
	for (uint64_t i = 0; i < 4; i++) {
		rig_spawn(&r, &tools[i % 2], 7, i + 1);
		rig_spawned(&r, i + 1, &j);
		cr_expect(eq(str, CHARS(rig_read(j.out)), "/home/tool\nfull\n"), "round %u", (unsigned)i);
		rig_expect(&r, r.runner, MSG_TYPE_SPAWN_EXITED);
		rig_jail_close(&j);
	}
	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/%s", r.folder, tools[i].name);
		cr_expect(eq(int, access(path, F_OK), -1), "%s is left", path);
	}
	rig_stop(&r);
}

Test(spawner, hands_out_the_listener)
{
	static const struct rig_tool tools[] = {
		{ .name = "t", .script = "perl -e 'socket(S, 2, 1, 0) or print $!+0'" },
	};
	struct rig		r;
	struct rig_jail		j;
	struct notify_event	e;
	struct pollfd		p;

	rig_start(&r, tools, 1, NULL);
	rig_spawn(&r, &tools[0], 1, 1);
	rig_spawned(&r, 1, &j);
	p = (struct pollfd){ .fd = j.listener, .events = POLLIN };
	cr_assert(eq(int, poll(&p, 1, 10000), 1));
	cr_assert(eq(int, notify_take(j.listener, &e), 0));
	cr_expect(eq(str, CHARS(e.name), "socket"));
	cr_expect(eq(str, CHARS(e.wanted), "network (IPv4)"));
	cr_expect(eq(str, CHARS(rig_read(j.out)), "13"));
	rig_jail_close(&j);
	rig_stop(&r);
}

Test(spawner, says_why_it_does_not_run)
{
	static const struct rig_tool	tools[] = {
		{ .name = "gone", .script = "", .program = "/opt/gone" },
		{ .name = "nowhere", .script = "", .workdir = "/srv/nowhere" },
		{ .name = "secretive", .script = "", .wants_secret = true },
	}, unknown = { .name = "unknown", .script = "" };
	/* The profile of one server under another's name. */
	const struct msg_SPAWN	disguised = { .profile = rig_hash(&tools[0]), .instance = 1,
				    .server = SPAN_LIT("secretive") };
	struct rig	r;

	rig_start(&r, tools, 3, NULL);
	rig_spawn(&r, &tools[0], 1, 1);
	rig_expect_failure(&r, JAIL_STEP_EXEC, "/opt/gone");
	rig_spawn(&r, &tools[1], 1, 2);
	rig_expect_failure(&r, JAIL_STEP_WORKDIR, "\"workdir\"");
	rig_spawn(&r, &tools[2], 1, 3);
	rig_expect_failure(&r, JAIL_STEP_REQUEST, "TOKEN");
	rig_spawn(&r, &unknown, 1, 4);
	rig_expect_failure(&r, JAIL_STEP_REQUEST, "changed");
	cr_assert(eq(int, chan_send_wait(r.runner, MSG_TYPE_SPAWN, 5, &disguised, NULL, 0), 0));
	rig_expect_failure(&r, JAIL_STEP_REQUEST, "changed");
	cr_expect(eq(int, rig_stop(&r), 0));
}

Test(spawner, serves_the_generation_before_too)
{
	static const struct rig_tool	one = { .name = "s", .script = "echo 1" },
					two = { .name = "s", .script = "echo 2" },
					three = { .name = "s", .script = "echo 3" };
	struct rig	r;
	struct rig_jail	j;

	rig_start(&r, &one, 1, NULL);
	rig_offer(&r, &two, 1, 2);
	rig_spawn(&r, &one, 1, 1);
	rig_spawned(&r, 1, &j);
	cr_expect(eq(str, CHARS(rig_read(j.out)), "1\n"));
	rig_jail_close(&j);
	rig_expect(&r, r.runner, MSG_TYPE_SPAWN_EXITED);
	rig_offer(&r, &three, 1, 3);
	rig_spawn(&r, &one, 1, 2);
	rig_expect_failure(&r, JAIL_STEP_REQUEST, "changed");
	rig_spawn(&r, &three, 1, 3);
	rig_spawned(&r, 3, &j);
	cr_expect(eq(str, CHARS(rig_read(j.out)), "3\n"));
	rig_jail_close(&j);
	rig_stop(&r);
}

Test(spawner, keeps_the_old_snapshot_when_the_new_one_is_broken)
{
	static const struct rig_tool	tool = { .name = "s", .script = "echo here" };
	struct msg_SNAPSHOT_OFFER	m = { .kind = SNAP_PROFILE, .generation = 9, .length = 4096 };
	static char			zeros[4096];
	struct rig			r;
	struct rig_jail			j;
	int				fd;

	rig_start(&r, &tool, 1, NULL);
	cr_assert(eq(int, fd_memfd_sealed("zeros", span_make(zeros, sizeof(zeros)), &fd), 0));
	cr_assert(eq(int, chan_send_wait(r.master, MSG_TYPE_SNAPSHOT_OFFER, 0, &m, &fd, 1), 0));
	rig_expect(&r, r.master, MSG_TYPE_SNAPSHOT_REFUSED);
	rig_spawn(&r, &tool, 1, 1);
	rig_spawned(&r, 1, &j);
	cr_expect(eq(str, CHARS(rig_read(j.out)), "here\n"));
	rig_jail_close(&j);
	rig_stop(&r);
}

/* The tool is deaf to TERM and has a daemon; its stdout ends when both are dead. */
static const struct rig_tool stubborn = { .name = "s",
	.script = "trap '' TERM; setsid sh -c 'trap \"\" TERM HUP; while :; do sleep 1; done' & "
	    "echo up; while :; do sleep 1; done" };

static void
start_stubborn(struct rig *r, struct rig_jail *j)
{
	char	up[3];

	rig_start(r, &stubborn, 1, NULL);
	rig_spawn(r, &stubborn, 1, 1);
	rig_spawned(r, 1, j);
	cr_assert(eq(int, (int)read(j->out, up, 3), 3));
}

Test(spawner, does_not_hold_the_lifeline)
{
	struct rig	r;
	struct rig_jail	j;

	start_stubborn(&r, &j);
	fd_close(&j.lifeline);
	cr_expect(eq(str, CHARS(rig_read(j.out)), ""));
	rig_expect(&r, r.runner, MSG_TYPE_SPAWN_EXITED);
	rig_stop(&r);
}

Test(spawner, ends_all_jails_with_the_master)
{
	struct rig	r;
	struct rig_jail	j;

	start_stubborn(&r, &j);
	fd_close(&r.master);
	cr_expect(eq(str, CHARS(rig_read(j.out)), ""));
	cr_expect(eq(int, rig_stop(&r), 0));
}

Test(spawner, leaves_with_the_runner)
{
	struct rig	r;
	struct rig_jail	j;

	start_stubborn(&r, &j);
	fd_close(&r.runner);
	rig_expect(&r, r.master, MSG_TYPE_EXITING);
	cr_expect(eq(str, CHARS(rig_read(j.out)), ""));
	cr_expect(eq(int, rig_stop(&r), 0));
}

Test(spawner, leaves_its_jails_to_the_lifeline_when_killed)
{
	struct rig	r;
	struct rig_jail	j;
	struct pollfd	p;

	start_stubborn(&r, &j);
	cr_assert(eq(int, kill(r.pid, SIGKILL), 0));
	rig_stop(&r);
	p = (struct pollfd){ .fd = j.out, .events = POLLIN };
	cr_expect(eq(int, poll(&p, 1, 300), 0), "an open jail must stay as it is");
	fd_close(&j.lifeline);
	cr_expect(eq(str, CHARS(rig_read(j.out)), ""));
}

Test(spawner, ends_a_runner_that_breaks_the_rules)
{
	static const struct rig_tool	tool = { .name = "s", .script = "" };
	struct msg_SPAWNED		wrong = { .pid = 1 };
	struct rig			r;

	rig_start(&r, &tool, 1, NULL);
	cr_assert(eq(int, chan_send_wait(r.runner, MSG_TYPE_SPAWNED, 0, &wrong, (int[]){ 0, 0, 0, 0 }, 4), 0));
	rig_expect(&r, r.master, MSG_TYPE_EXITING);
	cr_expect(ne(int, rig_stop(&r), 0));
}

Test(spawner, answers_a_ping_and_drains)
{
	static const struct rig_tool	tool = { .name = "s", .script = "" };
	struct msg_PING			ping = { .token = 42 };
	struct msg_DRAIN		drain = { .within_ms = 200 };
	struct rig			r;

	rig_start(&r, &tool, 1, NULL);
	cr_assert(eq(int, chan_send_wait(r.master, MSG_TYPE_PING, 0, &ping, NULL, 0), 0));
	rig_expect(&r, r.master, MSG_TYPE_PING);
	cr_expect(eq(u64, r.body.PING.token, 42));
	cr_assert(eq(int, chan_send_wait(r.master, MSG_TYPE_DRAIN, 0, &drain, NULL, 0), 0));
	rig_expect(&r, r.master, MSG_TYPE_EXITING);
	cr_expect(eq(int, rig_stop(&r), 0));
}

Test(state, names_folders_harmlessly)
{
	static const struct {
		const char	*server, *want;
	} rows[] = {
		{ "docs", "docs" },
		{ "My_Server-1.0", "My_Server-1.0" },
		{ "../x", "_._x~" },
		{ ".", "_~" },
		{ "a b", "a_b~" },
		{ "a_b~0000000000000000", "a_b_0000000000000000~" },
		{ "", "~" },
	};
	char	name[STATE_NAME_MAX], longest[300];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t n = strlen(rows[i].want);

		state_name(span_of(rows[i].server), name);
		if (rows[i].want[n - 1] == '~')
			name[n] = '\0';
		cr_expect(eq(str, name, CHARS(rows[i].want)), "row %zu", i);
	}
	memset(longest, 'x', sizeof(longest));
	state_name(span_make(longest, sizeof(longest)), name);
	cr_expect(eq(sz, strlen(name), 64 + 17));
}

/* Now it is the folder, now a link to another, and never nothing. */
static _Noreturn void
swap_for_ever(const char *folder)
{
	char	real[96], link[96];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	snprintf(real, sizeof(real), "%s/racy", folder);
	snprintf(link, sizeof(link), "%s/link", folder);
	for (;;)
		renameat2(AT_FDCWD, real, AT_FDCWD, link, RENAME_EXCHANGE);
}

Test(state, is_not_led_away_by_links_that_come_and_go, .timeout = 60)
{
	char		folder[] = "/tmp/state-test-XXXXXX", path[128];
	struct stat	elsewhere, got;
	unsigned	opened = 0, refused = 0;
	int		tenant, fd;
	pid_t		pid;

	cr_assert(mkdtemp(folder) != NULL);
	cr_assert(eq(int, state_open_tenant(folder, &tenant), 0));
	snprintf(path, sizeof(path), "%s/racy", folder);
	cr_assert(eq(int, mkdir(path, 0700), 0));
	/* Of the same owner, so that only the link gives it away. */
	snprintf(path, sizeof(path), "%s/elsewhere/0000000000000001", folder);
	*strrchr(path, '/') = '\0';
	cr_assert(eq(int, mkdir(path, 0700), 0));
	snprintf(path, sizeof(path), "%s/elsewhere/0000000000000001", folder);
	cr_assert(eq(int, mkdir(path, 0700), 0));
	cr_assert(eq(int, stat(path, &elsewhere), 0));
	snprintf(path, sizeof(path), "%s/link", folder);
	cr_assert(eq(int, symlink("elsewhere", path), 0));
	pid = fork();
	cr_assert(pid != -1);
	if (pid == 0)
		swap_for_ever(folder);
	for (unsigned i = 0; i < 2000000 && (opened < 200 || refused < 20); i++) {
		if (state_open(tenant, SPAN_LIT("racy"), 1, &fd) != 0) {
			refused++;
			continue;
		}
		opened++;
		cr_assert(eq(int, fstat(fd, &got), 0));
		cr_assert(got.st_ino != elsewhere.st_ino, "led away, after %u", i);
		close(fd);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	cr_expect(opened >= 200 && refused >= 20, "%u opened, %u refused: no race", opened, refused);
	snprintf(path, sizeof(path), "rm -rf '%s'", folder);
	cr_expect(eq(int, system(path), 0));
	close(tenant);
}

Test(state, follows_no_link)
{
	char	folder[] = "/tmp/state-test-XXXXXX", path[96];
	int	tenant, fd;

	cr_assert(mkdtemp(folder) != NULL);
	cr_assert(eq(int, state_open_tenant(folder, &tenant), 0));
	snprintf(path, sizeof(path), "%s/evil", folder);
	cr_assert(eq(int, symlink("/etc", path), 0));
	cr_expect(eq(int, state_open(tenant, SPAN_LIT("evil"), 1, &fd), E_SYS));
	cr_expect(eq(int, fd, -1));
	cr_expect(eq(int, state_open(tenant, SPAN_LIT("good"), 1, &fd), 0));
	close(fd);
	snprintf(path, sizeof(path), "%s/good/0000000000000001", folder);
	rmdir(path);
	cr_assert(eq(int, symlink("/etc", path), 0));
	cr_expect(eq(int, state_open(tenant, SPAN_LIT("good"), 1, &fd), E_SYS));
	unlink(path);
	snprintf(path, sizeof(path), "rm -rf '%s'", folder);
	cr_expect(eq(int, system(path), 0));
	close(tenant);
}
