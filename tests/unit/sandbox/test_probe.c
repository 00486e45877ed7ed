/* SPDX-License-Identifier: Apache-2.0
 *
 * test_probe.c - machines that refuse jails, and whether the reason is found
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/sandbox/cell.h"

#define UNABLE	77	/* this machine cannot be made to refuse that way */

/* Makes the machine refuse, in a child; answers 0 or UNABLE. */
typedef int hinder_fn(void);

static void
probe_hindered(hinder_fn *hinder, enum jail_fallback fallback, struct jail_probe_result *out)
{
	const struct jail_mode		mode = { .fallback = fallback };

	struct jail_probe_result	*shared;
	int				 status;
	pid_t				 pid;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	cr_assert(shared != MAP_FAILED);
	if ((pid = fork()) == 0) {
		if (hinder() != 0)
			_exit(UNABLE);
		jail_probe_as(&mode, shared);
		_exit(0);
	}
	cr_assert(eq(int, waitpid(pid, &status, 0), pid));
	if (WIFEXITED(status) && WEXITSTATUS(status) == UNABLE)
		cr_skip("not to be had here: %s", strerror(errno));
	cr_assert(eq(int, status, 0));
	*out = *shared;
}

static int
write_file(const char *path, const char *text)
{
	int	fd = open(path, O_WRONLY), r = -1;

	if (fd != -1) {
		r = write(fd, text, strlen(text)) == (ssize_t)strlen(text) ? 0 : -1;
		close(fd);
	}
	return r;
}

static int
own_user_namespace(int flags)
{
	char	uid[32], gid[32];

	snprintf(uid, sizeof(uid), "0 %u 1", (unsigned)geteuid());
	snprintf(gid, sizeof(gid), "0 %u 1", (unsigned)getegid());
	/* Who has changed his uid does not own his files in /proc. */
	prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	if (unshare(CLONE_NEWUSER | flags) == -1 || write_file("/proc/self/setgroups", "deny") != 0 ||
	    write_file("/proc/self/uid_map", uid) != 0 || write_file("/proc/self/gid_map", gid) != 0)
		return UNABLE;
	return 0;
}

static int
no_more_namespaces(void)
{
	return own_user_namespace(0) != 0 || write_file("/proc/sys/user/max_user_namespaces", "0") != 0 ?
	    UNABLE : 0;
}

static int
in_a_chroot(void)
{
	return own_user_namespace(CLONE_NEWNS) != 0 || mount("/", "/mnt", NULL, MS_BIND | MS_REC, NULL) == -1 ||
	    chroot("/mnt") == -1 ? UNABLE : 0;
}

static int
with_masked_proc(void)
{
	return own_user_namespace(CLONE_NEWNS) != 0 || mount("/dev/null", "/proc/kallsyms", NULL, MS_BIND, NULL) == -1 ?
	    UNABLE : 0;
}

/* As container engines do: clone with new namespaces is refused. */
static int
under_a_filter(void)
{
	struct sock_filter	code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args)),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_NEWUSER, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog	program = { sizeof(code) / sizeof(code[0]), code };

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == -1 ? UNABLE : 0;
}

JAIL_TEST(probe, builds_one_where_it_can)
{
	struct jail_probe_result	r;

	jail_probe(&r);
	cr_expect(eq(int, strncmp(r.line, "full", 4), 0), "%s", r.line);
	cr_expect(eq(int, waitpid(-1, NULL, WNOHANG), -1), "a child is left");
}

JAIL_TEST(probe, finds_the_reason)
{
	static const struct {
		hinder_fn		*hinder;
		enum probe_result	 want;
		const char		*says;
	} rows[] = {
		{ no_more_namespaces, PROBE_NO_NAMESPACES, "sysctl user.max_user_namespaces" },
		{ in_a_chroot, PROBE_CHROOT, "pivoted root" },
		{ under_a_filter, PROBE_SECCOMP, "filter" },
		{ with_masked_proc, PROBE_FULL_NO_PROC, "no proc" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct jail_probe_result	r;

		probe_hindered(rows[i].hinder, JAIL_FALLBACK_NO, &r);
		cr_expect(eq(int, r.result, rows[i].want), "row %zu: %s", i, r.line);
		cr_expect(strstr(r.line, rows[i].says) != NULL, "row %zu: %s", i, r.line);
	}
}

JAIL_TEST(probe, tells_of_an_older_landlock)
{
	static const struct {
		int		 max, at_most;
		const char	*says;
	} rows[] = { { -1, 0, "no landlock" }, { 1, 1, "landlock 1" }, { 2, 2, "landlock 2" } };
	struct jail_probe_result	r;

	jail_probe(&r);
	if (r.landlock_abi < 3)
		cr_skip("the kernel's own ABI is %d", r.landlock_abi);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct jail_mode	mode = { .landlock_abi_max = rows[i].max };
		const char		*of;

		jail_probe_as(&mode, &r);
		cr_expect(eq(int, r.landlock_abi, rows[i].at_most), "row %zu", i);
		cr_expect(strstr(r.line, rows[i].says) != NULL, "row %zu: %s", i, r.line);
		of = strstr(r.line, " of ");
		cr_expect(rows[i].max < 0 ? of == NULL : of != NULL, "row %zu: %s", i, r.line);
	}
}

JAIL_TEST(probe, falls_back_only_where_it_must_and_may)
{
	struct jail_probe_result	r;

	if (geteuid() == 0)
		return;			/* a tenant never is */
	probe_hindered(under_a_filter, JAIL_FALLBACK_YES, &r);
	cr_expect(eq(int, r.result, PROBE_REDUCED), "%s", r.line);
	cr_expect(strncmp(r.line, "reduced, landlock ", 18) == 0 && strstr(r.line, "filter") != NULL, "%s", r.line);
	cr_expect(probe_may_run(r.result));
	probe_hindered(under_a_filter, JAIL_FALLBACK_MAY, &r);
	cr_expect(eq(int, r.result, PROBE_SECCOMP), "%s", r.line);
	cr_expect(strstr(r.line, "jail_fallback = landlock") != NULL, "%s", r.line);
	cr_expect(not(probe_may_run(r.result)));
	probe_hindered(under_a_filter, JAIL_FALLBACK_NO, &r);
	cr_expect(strstr(r.line, "jail_fallback") == NULL, "%s", r.line);
	jail_probe_as(&(struct jail_mode){ .fallback = JAIL_FALLBACK_YES }, &r);
	cr_expect(eq(int, strncmp(r.line, "full", 4), 0), "%s", r.line);
}
