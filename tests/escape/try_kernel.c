/* SPDX-License-Identifier: Apache-2.0
 *
 * try_kernel.c - attempts on the kernel, its files, mounts and namespaces
 *
 * Process: the tool in a jail of its own.  Owns: what it breaks.  Trusts: nobody.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/keyctl.h>
#include <linux/userfaultfd.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/escape/attempts.h"

/* ---- the kernel's files --------------------------------------------------------------------- */

int
try_kallsyms(void)
{
	return opened("/proc/kallsyms", O_RDONLY);
}

int
try_core_pattern(void)
{
	return opened("/proc/sys/kernel/core_pattern", O_WRONLY);
}

int
try_sysrq(void)
{
	return opened("/proc/sysrq-trigger", O_WRONLY);
}

int
try_oom_score(void)
{
	int	fd = open("/proc/self/oom_score_adj", O_WRONLY);

	return fd == -1 ? errno : came_to(write(fd, "-1000", 5));
}

/* ---- mounts and namespaces ------------------------------------------------------------------ */

int
try_mount_tmpfs(void)
{
	return came_to(mount("none", "/tmp", "tmpfs", 0, NULL));
}

int
try_umount_proc(void)
{
	return came_to(umount2("/proc", MNT_DETACH));
}

int
try_remount_usr(void)
{
	return came_to(mount(NULL, "/usr", NULL, MS_REMOUNT | MS_BIND, NULL));
}

int
try_fsopen(void)
{
	return came_to(syscall(SYS_fsopen, "tmpfs", 0));
}

int
try_open_tree(void)
{
	return came_to(syscall(SYS_open_tree, AT_FDCWD, "/usr", OPEN_TREE_CLONE));
}

int
try_mount_setattr(void)
{
	struct mount_attr	attr = { .attr_clr = MOUNT_ATTR_RDONLY };

	return came_to(syscall(SYS_mount_setattr, AT_FDCWD, "/usr", 0, &attr, sizeof(attr)));
}

int
try_pivot_root(void)
{
	return came_to(syscall(SYS_pivot_root, "/tmp", "/tmp"));
}

int
try_chroot(void)
{
	return came_to(chroot("/tmp"));
}

/* A namespace is a way out only with what it brings: mount in it. */
static int
mounts_in(void)
{
	return came_to(mount("none", "/tmp", "tmpfs", 0, NULL));
}

int
try_unshare_user(void)
{
	return unshare(CLONE_NEWUSER | CLONE_NEWNS) == -1 ? errno : mounts_in();
}

int
try_clone_user(void)
{
	int	status;
	pid_t	pid = (pid_t)syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL);

	if (pid == -1)
		return errno;
	if (pid == 0)
		_exit(0);
	waitpid(pid, &status, 0);
	return 0;
}

int
try_clone3_user(void)
{
	uint64_t	args[8] = { CLONE_NEWUSER | CLONE_NEWNS };
	long		pid;

	args[4] = SIGCHLD;
	if ((pid = syscall(SYS_clone3, args, sizeof(args))) == -1)
		return errno;
	if (pid == 0)
		_exit(mounts_in());

	int	status;

	waitpid((pid_t)pid, &status, 0);
	return WEXITSTATUS(status);
}

int
try_setns(void)
{
	int	fd = open("/proc/1/ns/mnt", O_RDONLY);

	return fd == -1 ? errno : came_to(setns(fd, 0));
}

/* ---- dark corners --------------------------------------------------------------------------- */

int
try_keyctl(void)
{
	return came_to(syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0));
}

/* Who made this jail has a key of this name in the keyring of its session. */
int
try_keyring(void)
{
	return came_to(syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_SESSION_KEYRING, "user", "mcpgw-escape", 0));
}

int
try_add_key(void)
{
	return came_to(syscall(SYS_add_key, "user", "x", "y", 1, KEY_SPEC_USER_SESSION_KEYRING));
}

int
try_bpf(void)
{
	/* An array of one word. */
	uint32_t	attr[32] = { BPF_MAP_TYPE_ARRAY, 4, 4, 1 };

	return came_to(syscall(SYS_bpf, BPF_MAP_CREATE, attr, sizeof(attr)));
}

int
try_perf(void)
{
	uint32_t	attr[32] = { 1, sizeof(attr) };

	return came_to(syscall(SYS_perf_event_open, attr, -1, 0, -1, 0));
}

int
try_userfaultfd(void)
{
	return came_to(syscall(SYS_userfaultfd, UFFD_USER_MODE_ONLY));
}

int
try_io_uring(void)
{
	char p[128] = { 0 }; return came_to(syscall(425, 4, p));
}

int
try_init_module(void)
{
	return came_to(syscall(SYS_init_module, "", 0, ""));
}

int
try_kexec(void)
{
	return came_to(syscall(SYS_kexec_load, 0, 0, NULL, 0));
}

int
try_open_by_handle(void)
{
	char			room[sizeof(struct file_handle) + 128];
	struct file_handle	*h = (void *)room;

	memset(room, 0, sizeof(room));
	h->handle_bytes = 8;
	h->handle_type = 1;
	room[sizeof(*h)] = 2;
	return came_to(open_by_handle_at(open("/usr", O_RDONLY), h, O_RDONLY));
}

#ifdef __x86_64__
int
try_modify_ldt(void)
{
	/* A 16-bit data segment. */
	struct { unsigned entry, base, limit, bits; } d = { 0, 0, 0xfffff, 0x51 };

	return came_to(syscall(SYS_modify_ldt, 1, &d, sizeof(d)));
}

int
try_iopl(void)
{
	return came_to(syscall(SYS_iopl, 3));
}

int
try_int80(void)
{
	long	r = 20;

	__asm__ volatile("int $0x80" : "+a"(r) : : "memory", "r8", "r9", "r10", "r11");
	return r < 0 ? (int)-r : 0;
}

int
try_x32(void)
{
	return came_to(syscall(0x40000000 | SYS_getpid));
}

#else
int
try_modify_ldt(void)
{
	return ENOSYS;
}

int
try_iopl(void)
{
	return ENOSYS;
}

int
try_int80(void)
{
	raise(SIGSYS); return ENOSYS;
}

int
try_x32(void)
{
	raise(SIGSYS); return ENOSYS;
}

#endif

int
try_vmsplice(void)
{
	int		p[2];
	struct iovec	v = { (char[]){ "x" }, 1 };

	return pipe(p) == -1 ? errno : came_to(vmsplice(p[1], &v, 1, SPLICE_F_GIFT));
}

int
try_fanotify(void)
{
	return came_to(syscall(SYS_fanotify_init, FAN_CLASS_NOTIF | FAN_REPORT_FID, O_RDONLY));
}

/* ---- the machine ---------------------------------------------------------------------------- */

int
try_clock(void)
{
	struct timespec	t;

	clock_gettime(CLOCK_REALTIME, &t);
	return came_to(clock_settime(CLOCK_REALTIME, &t));
}

int
try_hostname(void)
{
	return came_to(sethostname("escaped", 7));
}

/* A jail has a name of its own, and the same for all. */
int
try_see_hostname(void)
{
	struct utsname	u;

	return uname(&u) == -1 ? errno : strcmp(u.nodename, "jail") == 0 ? ENOENT : 0;
}

/* Where the host has put it. */
int
try_see_cgroup(void)
{
	char	text[4096];
	int	fd = open("/proc/self/cgroup", O_RDONLY);
	ssize_t	n = fd == -1 ? -1 : read(fd, text, sizeof(text) - 1);

	if (n == -1)
		return errno;
	text[n] = '\0';
	for (char *line = text, *end; (end = strchr(line, '\n')) != NULL; line = end + 1)
		if (end - line < 2 || end[-1] != '/' || end[-2] != ':')
			return 0;
	return ENOENT;
}

int
try_nice(void)
{
	return came_to(setpriority(PRIO_PROCESS, 0, -10));
}

int
try_realtime(void)
{
	struct sched_param	p = { .sched_priority = 10 };

	return came_to(sched_setscheduler(0, SCHED_FIFO, &p));
}

int
try_ioprio(void)
{
	return came_to(syscall(SYS_ioprio_set, 1, 0, 1 << 13));
}

int
try_reboot(void)
{
	return came_to(syscall(SYS_reboot, 0xfee1dead, 672274793, 0x89abcdef, NULL));
}
