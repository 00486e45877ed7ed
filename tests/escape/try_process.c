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

	return came_to(process_vm_readv(1, &to, 1, &from, 1, 0));
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

	/* In the file's mode and owner lies no gain: no such bit counts under no_new_privs. */
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1)
		return EPERM;
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
		if (stat(programs[i], &st) == 0 && (st.st_mode & S_ISUID) != 0)
			return 0;
	return EPERM;
}

int
try_capset(void)
{
	struct __user_cap_header_struct	head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct	data[2] = { { 1 << CAP_SYS_CHROOT, 1 << CAP_SYS_CHROOT, 0 } };

	return came_to(syscall(SYS_capset, &head, data));
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
	static const char *const	known[] = { "HOME=", "PATH=", NULL };

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

int
try_mqueue(void)
{
	return came_to(mq_open("/escape", O_CREAT | O_RDWR, 0600, NULL));
}
