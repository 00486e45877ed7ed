/* SPDX-License-Identifier: Apache-2.0
 *
 * test_filter.c - the tools' tiers, call by call, in a process that has loaded one
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "policy/compiler/filter.h"
#include "sandbox/seccomp.h"
#include "tests/unit/sandbox/cell.h"

#define ALLOWED	0
#define KILLED	(-1)

static const struct sock_filter *
code_of(const struct filter *f)
{
	return (const struct sock_filter *)(const void *)f->code;
}

/* What becomes of one call under a tier: 0 allowed (or refused by the kernel itself for another
 * reason), an errno of the filter, or KILLED. */
static int
verdict(const struct filter *f, long nr, const long a[6])
{
	int	status;
	pid_t	pid;

	if ((pid = fork()) == 0) {
		long r;

		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		if (seccomp_install(code_of(f), f->count, 0, NULL) != 0)
			_exit(255);
		errno = 0;
		r = syscall(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
		_exit(r == -1 ? errno : 0);
	}
	if (waitpid(pid, &status, 0) != pid)
		return 255;
	return WIFSIGNALED(status) ? WTERMSIG(status) == SIGSYS ? KILLED : 255 : WEXITSTATUS(status);
}

static const struct row {
	const char	*what;
	long		 nr, a[6];
	int		 runtime, strict;	/* ALLOWED, KILLED, or an errno */
} rows[] = {
	{ "getpid", SYS_getpid, { 0 }, 0, 0 },
	{ "clock", SYS_clock_gettime, { 0, 0 }, EFAULT, EFAULT },
	{ "thread flags", SYS_clone, { CLONE_THREAD }, EINVAL, ENOSYS },
	{ "clone newuser", SYS_clone, { CLONE_NEWUSER | SIGCHLD }, ENOSYS, ENOSYS },
	{ "clone newnet", SYS_clone, { CLONE_NEWNET | SIGCHLD }, ENOSYS, ENOSYS },
	{ "clone3", SYS_clone3, { 0 }, ENOSYS, ENOSYS },
	{ "unshare", SYS_unshare, { CLONE_NEWUSER }, ENOSYS, ENOSYS },
	{ "setns", SYS_setns, { 0, 0 }, ENOSYS, ENOSYS },
	{ "ptrace", SYS_ptrace, { 0 }, ENOSYS, ENOSYS },
	{ "mount", SYS_mount, { 0 }, ENOSYS, ENOSYS },
	{ "bpf", SYS_bpf, { 0 }, ENOSYS, ENOSYS },
	{ "keyctl", SYS_keyctl, { 0 }, ENOSYS, ENOSYS },
	{ "io_uring", 425, { 0 }, ENOSYS, ENOSYS },
	{ "memfd", SYS_memfd_create, { 0 }, ENOSYS, ENOSYS },
	{ "a call of tomorrow", 4000, { 0 }, ENOSYS, ENOSYS },
	{ "pkey", 330, { 0 }, ENOSPC, ENOSPC },
	{ "setuid", SYS_setuid, { 0 }, EPERM, EPERM },
	{ "TIOCSTI", SYS_ioctl, { 0, 0x5412 }, ENOSYS, ENOSYS },
	{ "FIONREAD on no descriptor", SYS_ioctl, { 999, FIONREAD }, EBADF, EBADF },
	{ "F_GETFL", SYS_fcntl, { 999, F_GETFL }, EBADF, EBADF },
	{ "F_SETOWN", SYS_fcntl, { 999, F_SETOWN }, ENOSYS, ENOSYS },
	{ "F_SETLEASE", SYS_fcntl, { 999, 1024 }, ENOSYS, ENOSYS },
	{ "own limits", SYS_prlimit64, { 0, RLIMIT_NOFILE, 0, 0 }, 0, 0 },
	{ "limits of 1", SYS_prlimit64, { 1, RLIMIT_NOFILE, 0, 0 }, ENOSYS, ENOSYS },
	{ "PR_SET_SECCOMP", SYS_prctl, { PR_SET_SECCOMP, 1 }, ENOSYS, ENOSYS },
	{ "PR_GET_DUMPABLE", SYS_prctl, { PR_GET_DUMPABLE }, 0, 0 },
	{ "write+execute memory", SYS_mmap, { 0, 4096, PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1 },
	    0, ENOSYS },
	{ "execute memory of no file", SYS_mmap, { 0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, 999 }, EBADF, EBADF },
	{ "make memory executable", SYS_mprotect, { 0, 4096, PROT_READ | PROT_EXEC }, ENOMEM, ENOSYS },
	{ "socketpair unix", SYS_socketpair, { AF_UNIX, SOCK_STREAM, 0, 0 }, EFAULT, ENOSYS },
	{ "socketpair inet", SYS_socketpair, { AF_INET, SOCK_STREAM, 0, 0 }, ENOSYS, ENOSYS },
	{ "signal 0 to itself", SYS_kill, { 0, 0 }, 0, ENOSYS },
};

Test(filter, decides_call_by_call)
{
	struct filter	runtime, strict;

	cr_assert(eq(int, filter_make(TIER_RUNTIME, NET_NONE, &runtime), 0));
	cr_assert(eq(int, filter_make(TIER_STRICT, NET_NONE, &strict), 0));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cr_expect(eq(int, verdict(&runtime, rows[i].nr, rows[i].a), rows[i].runtime), "runtime: %s",
		    rows[i].what);
		cr_expect(eq(int, verdict(&strict, rows[i].nr, rows[i].a), rows[i].strict), "strict: %s",
		    rows[i].what);
	}
	filter_fini(&runtime);
	filter_fini(&strict);
}

#ifdef __x86_64__
static int
ended_by(const struct filter *f, bool x32)
{
	int	status = 0;
	pid_t	pid;

	if ((pid = fork()) == 0) {
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		if (seccomp_install(code_of(f), f->count, 0, NULL) != 0)
			_exit(255);
		if (x32) {
			syscall(0x40000000 | SYS_getpid);
		} else {
			int r = 20;	/* getpid of the 32-bit table */

			__asm__ volatile("int $0x80" : "+a"(r) : : "memory", "r8", "r9", "r10", "r11");
		}
		_exit(0);
	}
	waitpid(pid, &status, 0);
	return WIFSIGNALED(status) ? WTERMSIG(status) : -WEXITSTATUS(status);
}

Test(filter, kills_calls_of_other_architectures)
{
	for (int tier = TIER_RUNTIME; tier <= TIER_STRICT; tier++) {
		struct filter	f;

		cr_assert(eq(int, filter_make((enum jail_tier)tier, NET_NONE, &f), 0));
		cr_expect(eq(int, ended_by(&f, false), SIGSYS), "int 0x80, tier %d", tier);
		cr_expect(eq(int, ended_by(&f, true), SIGSYS), "x32, tier %d", tier);
		filter_fini(&f);
	}
}
#endif

Test(filter, has_none_for_off)
{
	struct filter	f;

	cr_expect(eq(int, filter_make(TIER_OFF, NET_NONE, &f), E_RANGE));
	cr_expect(f.code == NULL);
}

Test(filter, is_named_and_small_enough)
{
	for (int tier = TIER_RUNTIME; tier <= TIER_STRICT; tier++)
		for (int net = NET_NONE; net <= NET_LIST; net++) {
			struct filter	f;

			cr_assert(eq(int, filter_make((enum jail_tier)tier, (enum jail_net)net, &f), 0));
			cr_expect(f.count > 100 && f.count <= FILTER_MAX, "%s: %zu", f.name, f.count);
			cr_expect(strchr(f.name, '/') != NULL);
			cr_expect(eq(int, f.listener, tier == TIER_RUNTIME));
			filter_fini(&f);
		}
}

/* What a perl in the jail could open, one letter each: unix, inet stream, inet6 datagram, inet raw,
 * netlink, packet, vsock. */
#define SOCKETS "perl -e 'for ([1,1],[2,1],[10,2],[2,3],[16,3],[17,3],[40,1]) {" \
	"print socket(S, $$_[0], $$_[1], 0) ? \"+\" : $! + 0 == 13 ? \"-\" : \"?\" }'"

JAIL_TEST(filter, reports_the_sockets_it_refuses)
{
	static const struct {
		enum jail_net		 net;
		enum jail_network	 jail;
		const char		*want;
		unsigned		 notified;
		int			 domain;
	} nets[] = {
		{ NET_NONE, JAIL_NET_NONE, "-------", 7, 40 },
		{ NET_LOOPBACK, JAIL_NET_LOOPBACK, "+++----", 4, 40 },
		{ NET_HOST, JAIL_NET_HOST, "-++----", 5, 40 },
		{ NET_LIST, JAIL_NET_LIST, "+++----", 4, 40 },
	};

	for (size_t i = 0; i < sizeof(nets) / sizeof(nets[0]); i++) {
		struct filter	f;
		struct cell	c;

		cr_assert(eq(int, filter_make(TIER_RUNTIME, nets[i].net, &f), 0));
		cell_init(&c, SOCKETS);
		c.spec.net = nets[i].jail;
		c.spec.filter = code_of(&f);
		c.spec.filter_count = f.count;
		c.spec.listener = f.listener;
		cr_assert(eq(int, cell_run(&c), 0), "%s: %s", f.name, c.child.failure.text);
		cr_expect(eq(str, c.out, (char *)(uintptr_t)nets[i].want), "%s", f.name);
		cr_expect(eq(int, (int)c.notified, (int)nets[i].notified), "%s", f.name);
		cr_expect(eq(int, c.domain, nets[i].domain), "%s", f.name);
		filter_fini(&f);
	}
}

static void
run_in_tier(enum jail_tier tier, const char *program, const char *const *argv, const char *want)
{
	struct filter	f;
	struct cell	c;

	if (access(program, X_OK) != 0)
		return;
	cr_assert(eq(int, filter_make(tier, NET_NONE, &f), 0));
	cell_init(&c, "");
	c.spec.program = program;
	c.spec.argv = argv;
	c.spec.filter = code_of(&f);
	c.spec.filter_count = f.count;
	c.spec.listener = f.listener;
	cr_assert(eq(int, cell_run(&c), 0), "%s", c.child.failure.text);
	cr_expect(eq(str, c.out, (char *)(uintptr_t)want), "%s in %s", program, f.name);
	cr_expect(eq(int, c.status, 0), "%s in %s", program, f.name);
	filter_fini(&f);
}

JAIL_TEST(filter, lets_ordinary_programs_work)
{
	static const char *const node[] = { "node", "-e",
		"const os=require('os'),fs=require('fs'),cp=require('child_process');"
		"fs.writeFileSync(os.homedir()+'/a','x');"
		"new (require('worker_threads').Worker)('console.log(\"worker\")',{eval:true})"
		".on('exit',()=>console.log(os.userInfo().username,cp.execFileSync('/bin/echo',['child'])+''))", NULL };
	static const char *const python[] = { "python3", "-c",
		"import getpass,subprocess,threading,asyncio,tempfile,ssl,json\n"
		"t=threading.Thread(target=lambda:print('thread',flush=True));t.start();t.join()\n"
		"asyncio.run(asyncio.sleep(0.01));tempfile.TemporaryFile().write(b'x')\n"
		"print(getpass.getuser(),subprocess.run(['/bin/echo','child'],capture_output=True).stdout.decode())", NULL };
	static const char *const plain[] = { "python3", "-c", "print(1+1)", NULL };
	static const char *const jq[] = { "jq", "-n", "1+1", NULL };
	static const char *const sort[] = { "sort", "/etc/hostname", NULL };

	run_in_tier(TIER_RUNTIME, "/usr/bin/node", node, "worker\ntool child\n\n");
	run_in_tier(TIER_RUNTIME, "/usr/bin/python3", python, "thread\ntool child\n\n");
	run_in_tier(TIER_STRICT, "/usr/bin/python3", plain, "2\n");
	run_in_tier(TIER_STRICT, "/usr/bin/jq", jq, "2\n");
	run_in_tier(TIER_STRICT, "/usr/bin/sort", sort, "jail\n");
}
