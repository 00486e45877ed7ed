/* SPDX-License-Identifier: Apache-2.0
 *
 * test_cgroup.c - a jail's control group, in both versions
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox/cgroup.h"

static char	folder[128];

/* A tenant's folder, or the test is skipped. */
static void
room_make(struct cgroup_room *r, const char *below, enum cgroup_part part, bool unified)
{
	if (geteuid() != 0)
		cr_skip("groups are made by root here");
	snprintf(folder, sizeof(folder), "/sys/fs/cgroup/%s/cgroup-test-%ld", below, (long)getpid());
	if (mkdir(folder, 0755) == -1)
		cr_skip("no hierarchy at /sys/fs/cgroup/%s", below);
	cgroup_room_init(r);
	cr_assert(eq(int, cgroup_room_add(r, part, unified, folder), 0));
	cr_expect(cgroup_room_any(r));
}

static void
room_remove(struct cgroup_room *r)
{
	cgroup_room_close(r);
	cr_expect(eq(int, rmdir(folder), 0), "%s", folder);
}

/* A process of the leaf that forks and forks. */
static pid_t
start_forker(const struct cgroup_leaf *l)
{
	pid_t	pid = fork();

	if (pid != 0)
		return pid;
	if (cgroup_join(l->join, l->join_count) != 0)
		_exit(1);
	setsid();
	signal(SIGCHLD, SIG_IGN);
	for (int i = 0; i < 100000; i++) {
		if (fork() == 0) {
			usleep(2000);
			if (i % 2 == 0)
				_exit(0);
		}
		usleep(500);
	}
	_exit(0);
}

static void
kill_and_remove(struct cgroup_room *r, struct cgroup_leaf *l)
{
	int	res = E_AGAIN;

	for (int i = 0; i < 200 && (res = cgroup_leaf_kill(r, l)) != 0; i++)
		usleep(10000);
	cr_expect(eq(int, res, 0), "some of it live on");
	while (waitpid(-1, NULL, 0) > 0)
		;
	for (int i = 0; i < 200 && (res = cgroup_leaf_remove(r, l)) != 0; i++)
		usleep(10000);
	cr_expect(eq(int, res, 0));
	cr_expect(not(l->made));
}

Test(cgroup, kills_whoever_forks_meanwhile, .timeout = 60)
{
	static const struct {
		const char	*below;
		enum cgroup_part part;
		bool		 unified;
	} rows[] = { { "unified", CGROUP_MEMORY, true }, { "freezer", CGROUP_FREEZER, false } };
	static const struct cgroup_bounds none = { 0 };
	struct cgroup_room	r;
	struct cgroup_leaf	l;

	for (size_t i = 0; i < 2; i++) {
		room_make(&r, rows[i].below, rows[i].part, rows[i].unified);
		cr_assert(eq(int, cgroup_leaf_make(&r, 1, &none, &l), 0));
		cr_expect(eq(int, l.join_count, 1));
		cr_expect(start_forker(&l) > 0);
		cgroup_leaf_joined(&l);
		usleep(100000);
		cr_expect(eq(int, cgroup_leaf_remove(&r, &l), E_AGAIN), "removed with somebody in it");
		cr_expect(l.made);
		kill_and_remove(&r, &l);
		room_remove(&r);
	}
}

Test(cgroup, refuses_a_leaf_that_is_there_and_leaves_the_other)
{
	static const struct cgroup_bounds b = { .pids = 20 };
	struct cgroup_room	r;
	struct cgroup_leaf	l, again;

	room_make(&r, "pids", CGROUP_PIDS, false);
	cr_assert(eq(int, cgroup_leaf_make(&r, 7, &b, &l), 0));
	cr_expect(ne(int, cgroup_leaf_make(&r, 7, &b, &again), 0));
	cr_expect(eq(int, errno, EEXIST));
	cr_expect(not(again.made));
	cr_expect(eq(int, cgroup_leaf_throttle(&r, &l, 500), 0), "without cpu there is nothing to do");
	cr_expect(eq(u64, cgroup_leaf_oom(&r, &l), 0));
	cr_expect(eq(int, cgroup_leaf_remove(&r, &l), 0));
	room_remove(&r);
}

Test(cgroup, does_not_mix_versions)
{
	struct cgroup_room	r;

	room_make(&r, "pids", CGROUP_PIDS, false);
	cr_expect(eq(int, cgroup_room_add(&r, CGROUP_MEMORY, true, "/"), E_UNTIMELY));
	cr_expect(eq(int, cgroup_room_add(&r, CGROUP_MEMORY, false, "/nowhere/at/all"), E_SYS));
	room_remove(&r);
}
