/* SPDX-License-Identifier: Apache-2.0
 *
 * test_confine.c - what our own processes can no longer do
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "policy/compiler/filter.h"
#include "sandbox/confine.h"
#include "sandbox/landlock.h"
#include "sandbox/rlimit.h"
#include "sandbox/seccomp.h"

#ifdef MCPGW_SANITIZED
#define NEEDS_FILTER	cr_skip("sanitizer builds leave the filter out")
#else
#define NEEDS_FILTER	do { } while (0)
#endif

typedef int tried_fn(void *arg);

/* Confines a child, answers what fn came to there: 0, an errno, or minus the signal that ended it. */
static int
confined(enum confine_role role, const char *const *folders, tried_fn *fn, void *arg)
{
	int	status;
	pid_t	pid;

	if ((pid = fork()) == 0)
		_exit(confine_process(role, folders, NULL) != 0 ? 255 : fn(arg));
	cr_assert(eq(int, waitpid(pid, &status, 0), pid));
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

struct call {
	long	nr, a[6];
};

static int
try_call(void *arg)
{
	const struct call	*c = arg;

	return syscall(c->nr, c->a[0], c->a[1], c->a[2], c->a[3], c->a[4], c->a[5]) == -1 ? errno : 0;
}

Test(confine, leaves_each_role_its_own_calls)
{
	static const struct {
		const char	*what;
		struct call	 call;
		int		 compile, worker, spawner, runner, auditor, store, egress, admin;
	} rows[] = {
		{ "getpid", { SYS_getpid, { 0 } }, 0, 0, 0, 0, 0, 0, 0, 0 },
		{ "execve", { SYS_execve, { 0 } }, ENOSYS, ENOSYS, EFAULT, ENOSYS, ENOSYS, ENOSYS, ENOSYS, ENOSYS },
		{ "clone", { SYS_clone, { CLONE_THREAD } }, ENOSYS, ENOSYS, EINVAL, ENOSYS, ENOSYS, ENOSYS, ENOSYS, ENOSYS },
		{ "clone3", { SYS_clone3, { 0 } }, ENOSYS, ENOSYS, ENOSYS, ENOSYS, ENOSYS, ENOSYS, ENOSYS, ENOSYS },
		{ "openat", { SYS_openat, { -1, 0 } }, EFAULT, ENOSYS, EFAULT, ENOSYS, EFAULT, EFAULT, ENOSYS, ENOSYS },
		{ "socket", { SYS_socket, { -1 } }, EAFNOSUPPORT, EAFNOSUPPORT, EAFNOSUPPORT, ENOSYS, ENOSYS, ENOSYS, EAFNOSUPPORT, ENOSYS },
		{ "listen", { SYS_listen, { -1 } }, ENOSYS, ENOSYS, EBADF, ENOSYS, ENOSYS, ENOSYS, ENOSYS, ENOSYS },
		{ "ptrace", { SYS_ptrace, { 0 } }, ENOSYS, ENOSYS, ENOSYS, ENOSYS, ENOSYS, ENOSYS, ENOSYS, ENOSYS },
		{ "mount", { SYS_mount, { 0 } }, ENOSYS, ENOSYS, EFAULT, ENOSYS, ENOSYS, ENOSYS, ENOSYS, ENOSYS },
		{ "unshare", { SYS_unshare, { 0 } }, ENOSYS, ENOSYS, ENOSYS, ENOSYS, ENOSYS, ENOSYS, ENOSYS, ENOSYS },
		{ "bpf", { SYS_bpf, { 0 } }, ENOSYS, ENOSYS, ENOSYS, ENOSYS, ENOSYS, ENOSYS, ENOSYS, ENOSYS },
		{ "setuid", { SYS_setuid, { 0 } }, ENOSYS, ENOSYS, ENOSYS, ENOSYS, ENOSYS, ENOSYS, ENOSYS, ENOSYS },
		{ "kill", { SYS_kill, { 0, 0 } }, ENOSYS, ENOSYS, 0, ENOSYS, ENOSYS, ENOSYS, ENOSYS, ENOSYS },
		{ "new code", { SYS_mmap, { 0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1 } },
		    0, ENOSYS, 0, ENOSYS, ENOSYS, ENOSYS, ENOSYS, ENOSYS },
		{ "memory", { SYS_mmap, { 0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1 } },
		    0, 0, 0, 0, 0, 0, 0, 0 },
		{ "signal 0 to 1", { SYS_tgkill, { 1, 1, 0 } }, ENOSYS, ENOSYS, EPERM, ENOSYS, ENOSYS, ENOSYS, ENOSYS, ENOSYS },
	};

	NEEDS_FILTER;
	/* Refusals shall be the confinement's, not for want of rights. */
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const int	 want[] = { rows[i].compile, rows[i].worker, rows[i].spawner, rows[i].runner,
				    rows[i].auditor, rows[i].store, rows[i].egress, rows[i].admin };
		struct call	 call = rows[i].call;

		for (int role = 0; role < CONFINE_ROLE_LIMIT; role++) {
			int got = confined((enum confine_role)role, NULL, try_call, &call);

			if (want[role] == EPERM && got == 0)
				continue;	/* root may signal 1 */
			cr_expect(eq(int, got, want[role]), "%s, role %d", rows[i].what, role);
		}
	}
}

static int
try_abort(void *arg)
{
	(void)arg;
	abort();
}

Test(confine, still_lets_a_process_abort)
{
	for (int role = 0; role < CONFINE_ROLE_LIMIT; role++)
		cr_expect(eq(int, confined((enum confine_role)role, NULL, try_abort, NULL), -SIGABRT), "role %d",
		    role);
}

static int
try_status(void *arg)
{
	(void)arg;
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		return 1;
	if (prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0)
		return 2;
	return 0;
}

static int
read_status(void *arg)
{
	char	*to = arg, path[] = "/proc/self/status";
	int	 fd = open(path, O_RDONLY);
	ssize_t	 n = fd == -1 ? -1 : read(fd, to, 4095);

	return n > 0 ? 0 : errno;
}

Test(confine, takes_capabilities_and_privileges)
{
	char	*text = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	/* prctl is not among the compiler's calls, and the spawner's filter has it. */
	cr_expect(eq(int, confined(CONFINE_SPAWNER, NULL, try_status, NULL), 0));
	cr_assert(eq(int, confined(CONFINE_COMPILE, NULL, read_status, text), 0));
	cr_expect(strstr(text, "CapPrm:\t0000000000000000") != NULL);
	cr_expect(strstr(text, "CapEff:\t0000000000000000") != NULL);
	cr_expect(strstr(text, "NoNewPrivs:\t1") != NULL);
	if (geteuid() == 0)
		cr_expect(strstr(text, "CapBnd:\t0000000000000000") != NULL);
}

static int
try_open(void *arg)
{
	int	fd = open(arg, O_RDWR | O_CREAT, 0600);

	return fd == -1 ? errno : 0;
}

static int
try_read(void *arg)
{
	return open(arg, O_RDONLY | O_CLOEXEC) == -1 ? errno : 0;
}

Test(confine, keeps_the_auditor_in_its_folders)
{
	char		 folder[] = "/tmp/confine-test-XXXXXX", inside[64], outside[] = "/tmp/confine-test-outside";
	const char	*folders[] = { folder, NULL };

	if (landlock_abi(0) == 0)
		cr_skip("no Landlock in this kernel");
	cr_assert(mkdtemp(folder) != NULL);
	snprintf(inside, sizeof(inside), "%s/file", folder);
	cr_expect(eq(int, confined(CONFINE_AUDITOR, folders, try_open, inside), 0));
	cr_expect(eq(int, confined(CONFINE_AUDITOR, folders, try_open, outside), EACCES));
	cr_expect(eq(int, confined(CONFINE_STORE, NULL, try_open, inside), EACCES));
	/* It reads what the operator names, anywhere, and makes nothing. */
	cr_expect(eq(int, confined(CONFINE_COMPILE, NULL, try_open, inside), EACCES));
	cr_expect(eq(int, confined(CONFINE_COMPILE, NULL, try_read, inside), 0));
	cr_expect(eq(int, confined(CONFINE_COMPILE, NULL, try_read, (char[]){ "/etc/passwd" }), 0));
	cr_expect(eq(int, confined(CONFINE_AUDITOR, folders, try_read, (char[]){ "/etc/passwd" }), EACCES));
	unlink(inside);
	rmdir(folder);
	unlink(outside);
}

static int
try_zone(void *arg)
{
	time_t		t = 0;
	struct tm	tm;
	char		text[16];

	for (int i = 0; i < 2; i++)
		if (localtime_r(&t, &tm) == NULL || strftime(text, sizeof(text), "%H%z", &tm) == 0)
			return 1;
	return strcmp(text, arg) == 0 ? 0 : 2;
}

Test(confine, keeps_the_time_zone)
{
	cr_assert(eq(int, setenv("TZ", ":/usr/share/zoneinfo/Asia/Tokyo", 1), 0));
	if (access("/usr/share/zoneinfo/Asia/Tokyo", R_OK) != 0)
		cr_skip("no zone data on this machine");
	cr_expect(eq(int, confined(CONFINE_WORKER, NULL, try_zone, (char[]){ "09+0900" }), 0));
}

static int
try_filter(void *arg)
{
	struct filter	f;

	(void)arg;
	return filter_make(TIER_RUNTIME, NET_NONE, &f) == 0 && f.count > 0 ? 0 : 1;
}

Test(confine, lets_the_compiler_make_filters)
{
	cr_expect(eq(int, confined(CONFINE_COMPILE, NULL, try_filter, NULL), 0));
}

Test(confine, names_calls)
{
	cr_expect(eq(str, (char *)(uintptr_t)seccomp_call_name(SYS_socket), "socket"));
	cr_expect(eq(str, (char *)(uintptr_t)seccomp_call_name(SYS_reboot), ""));
}

Test(landlock, obeys_its_ceiling)
{
	int	most = landlock_abi(0);

	cr_expect(eq(int, landlock_abi(-1), 0));
	cr_expect(eq(int, landlock_abi(1), most > 0 ? 1 : 0));
	cr_expect(eq(int, landlock_abi(1000), most));
}

Test(rlimit, refuses_what_hangs_node)
{
	const struct jail_rlimit	few = { RLIMIT_NPROC, 7 }, enough = { RLIMIT_NPROC, 8 };
	const struct jail_rlimit	unknown = { 99, 1 };

	cr_expect(rlimit_fault(&few, 1) != NULL);
	cr_expect(rlimit_fault(&unknown, 1) != NULL);
	cr_expect(rlimit_fault(&enough, 1) == NULL);
	cr_expect(rlimit_fault(NULL, 0) == NULL);
}
