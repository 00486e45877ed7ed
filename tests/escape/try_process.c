/* SPDX-License-Identifier: Apache-2.0
 *
 * try_process.c - attempts on other processes, and for more rights
 *
 * Process: the tool in a jail of its own.  Owns: what it breaks.  Trusts: nobody.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <mqueue.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tests/escape/attempts.h"

extern char	**environ;

/* ---- other processes ------------------------------------------------------------------------ */

int
try_ptrace_init(void)
{
	return came_to(ptrace(PTRACE_SEIZE, 1, NULL, NULL));
}

int
try_ptrace_parent(void)
{
	return came_to(ptrace(PTRACE_ATTACH, getppid(), NULL, NULL));
}

int
try_read_memory(void)
{
	char		byte;
	struct iovec	to = { &byte, 1 }, from = { (void *)(uintptr_t)&environ, 1 };

	/* Who is told that there is nothing at this address was let in. */
	return process_vm_readv(1, &to, 1, &from, 1, 0) != -1 || errno == EFAULT ? 0 : errno;
}

int
try_proc_mem(void)
{
	return opened("/proc/1/mem", O_RDONLY);
}

int
try_proc_environ(void)
{
	char	byte;
	int	fd = open("/proc/1/environ", O_RDONLY);

	return fd == -1 ? errno : came_to(read(fd, &byte, 1));
}

int
try_proc_root(void)
{
	return came_to(chdir("/proc/1/root"));
}

int
try_proc_fd(void)
{
	return opened("/proc/1/fd/4", O_RDONLY);
}

int
try_foreign_pids(void)
{
	DIR		*d = opendir("/proc");
	struct dirent	*e;
	int		 seen = 0;

	if (d == NULL)
		return errno;
	while ((e = readdir(d)) != NULL)
		if (e->d_name[0] >= '0' && e->d_name[0] <= '9' && atoi(e->d_name) != 1 &&
		    atoi(e->d_name) != getpid())
			seen++;
	closedir(d);
	return seen > 0 ? 0 : ESRCH;
}

int
try_kill_all(void)
{
	return came_to(kill(-1, 0));
}

int
try_kill_init(void)
{
	/* Allowed by the kernel, without effect, where nothing forbids it: what counts is that it lives. */
	if (kill(1, SIGKILL) == -1)
		return errno;
	usleep(50000);
	return EPERM;
}

int
try_kill_by_pid(void)
{
	for (int pid = 50; pid < 40000; pid++)
		if (pid != getpid() && kill(pid, 0) == 0)
			return 0;
	return errno;
}

/* A handle on a process is a way to signal it, and to its descriptors. */
int
try_pidfd_open(void)
{
	for (int pid = 2; pid < 40000; pid++)
		if (pid != getpid() && pid != getppid() && syscall(SYS_pidfd_open, pid, 0) != -1)
			return 0;
	return errno;
}

/* ---- privileges ----------------------------------------------------------------------------- */

int
try_setuid_root(void)
{
	return came_to(setuid(0));
}

int
try_setuid_file(void)
{
	static const char *const	folders[] = { "/tmp", "/home/tool", "/", "/usr" };

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		struct statvfs st;

		if (statvfs(folders[i], &st) == 0 && (st.f_flag & ST_NOSUID) == 0)
			return 0;
	}
	return EPERM;
}

int
try_run_setuid(void)
{
	static const char *const	programs[] = { "/usr/bin/su", "/usr/bin/passwd", "/usr/bin/mount" };
	struct stat			st;

	/* In the file's mode and owner lies no gain: no such bit counts under no_new_privs, nor on a mount that
	 * says so. */
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1)
		return EPERM;
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		struct statvfs	on;

		if (stat(programs[i], &st) == 0 && (st.st_mode & S_ISUID) != 0 &&
		    statvfs(programs[i], &on) == 0 && (on.f_flag & ST_NOSUID) == 0)
			return 0;
	}
	return EPERM;
}

int
try_capset(void)
{
	struct __user_cap_header_struct	head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct	data[2] = { { 1 << CAP_SYS_CHROOT, 1 << CAP_SYS_CHROOT, 0 } };

	return came_to(syscall(SYS_capset, &head, data));
}

/* What a set-user-id program could give. */
int
try_new_privs(void)
{
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? EPERM : errno == ENOSYS ? ENOSYS : 0;
}

/* Held in any set: what is in use, what may be, and what a program with file capabilities could get. */
int
try_capabilities(void)
{
	struct __user_cap_header_struct	head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct	data[2] = { 0 };
	char				text[4096];
	ssize_t				n;
	int				fd;

	if (syscall(SYS_capget, &head, data) == -1)
		return errno;
	for (int i = 0; i < 2; i++)
		if ((data[i].effective | data[i].permitted | data[i].inheritable) != 0)
			return 0;
	/* Where there is a /proc it tells the rest, else who may ask. */
	if ((fd = open("/proc/self/status", O_RDONLY)) != -1 && (n = read(fd, text, sizeof(text) - 1)) > 0) {
		text[n] = '\0';
		return strstr(text, "\nCapBnd:\t0000000000000000\n") != NULL ? EPERM : 0;
	}
	return prctl(PR_CAPBSET_READ, CAP_SYS_ADMIN, 0, 0, 0) == 1 ? 0 : EPERM;
}

int
try_keep_suid(void)
{
	int	fd = open(at_home("suid"), O_WRONLY | O_CREAT, 0600);
	struct statvfs	st;
	int	r;

	if (fd == -1)
		return errno;
	/* The bit may be set; where it does not count, nothing is gained. */
	r = fchmod(fd, 04755) == -1 || fstatvfs(fd, &st) == -1 ? errno : (st.f_flag & ST_NOSUID) != 0 ? EPERM : 0;
	close(fd);
	unlink(at_home("suid"));
	return r;
}

/* ---- what was inherited --------------------------------------------------------------------- */

int
try_descriptors_left(void)
{
	for (int fd = 3; fd < 1024; fd++)
		if (fcntl(fd, F_GETFD) != -1)
			return 0;
	return EBADF;
}

int
try_environment(void)
{
	static const char *const	known[] = { "HOME=", "PATH=", "USER=", "LOGNAME=", "TMPDIR=", "LANG=",
					    "TZ=", "XDG_", "NO_COLOR=", "PYTHON", NULL };

	for (char **e = environ; *e != NULL; e++) {
		size_t i = 0;

		while (known[i] != NULL && strncmp(*e, known[i], strlen(known[i])) != 0)
			i++;
		if (known[i] == NULL)
			return 0;
	}
	return ENOENT;
}

int
try_shm(void)
{
	return came_to(shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600));
}

/* Who listens outside has one under this key. */
int
try_shm_host(void)
{
	return came_to(shmget(ESCAPE_SHM_KEY + outside.port, 0, 0));
}

int
try_mqueue(void)
{
	return came_to(mq_open("/escape", O_CREAT | O_RDWR, 0600, NULL));
}
