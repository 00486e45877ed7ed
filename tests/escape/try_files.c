/* SPDX-License-Identifier: Apache-2.0
 *
 * try_files.c - attempts on files, and to use the machine up
 *
 * Process: the tool in a jail of its own.  Owns: what it breaks.  Trusts: nobody.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/escape/attempts.h"

#define MIB (1024 * 1024)

extern char	**environ;

/* ---- resources ------------------------------------------------------------------------------ */

int
try_fork_bomb(void)
{
	for (int i = 0; i < 1000; i++) {
		pid_t pid = fork();

		if (pid == -1)
			return i < 2 ? errno : LIMITED_AT;
		if (pid == 0) {
			pause();
			_exit(0);
		}
	}
	return 0;
}

int
try_memfd(void)
{
	int	fd = memfd_create("x", 0);

	return fd == -1 ? errno : came_to(ftruncate(fd, 512L * MIB));
}

int
try_mlock(void)
{
	void	*at = mmap(NULL, 16 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (mlock(at, 16 * MIB) == 0)
		return 0;
	return errno == ENOSYS ? ENOSYS : LIMITED_AT;
}

int
try_descriptors(void)
{
	for (int i = 0; i < 2000; i++)
		if (dup(0) == -1)
			return i < 2 ? errno : LIMITED_AT;
	return 0;
}

int
try_raise_limit(void)
{
	struct rlimit	l = { 100000, 100000 };

	return came_to(setrlimit(RLIMIT_NOFILE, &l));
}

int
try_fill_tmp(void)
{
	static char	block[MIB];
	char		path[32];

	for (int f = 0; f < 16; f++) {
		int fd;

		snprintf(path, sizeof(path), "/tmp/fill%d", f);
		if ((fd = open(path, O_WRONLY | O_CREAT, 0600)) == -1)
			return f == 0 ? errno : LIMITED_AT;
		for (int i = 0; i < 60; i++)
			if (write(fd, block, sizeof(block)) == -1)
				return f == 0 && i == 0 ? errno : LIMITED_AT;
		close(fd);
	}
	return 0;
}

int
try_fill_inodes(void)
{
	char	path[32];

	for (int f = 0; f < 100000; f++) {
		int fd;

		snprintf(path, sizeof(path), "/tmp/inode%d", f);
		if ((fd = open(path, O_WRONLY | O_CREAT, 0600)) == -1)
			return f == 0 ? errno : LIMITED_AT;
		close(fd);
	}
	return 0;
}

int
try_sparse_file(void)
{
	int	fd = open("/home/tool/sparse", O_WRONLY | O_CREAT, 0600);

	signal(SIGXFSZ, SIG_IGN);
	if (fd == -1)
		return errno;
	return pwrite(fd, "x", 1, 10LL * 1024 * MIB) == -1 ? LIMITED_AT : 0;
}

/* ---- files ---------------------------------------------------------------------------------- */

int
try_write_usr(void)
{
	return opened("/usr/escaped", O_WRONLY | O_CREAT);
}

int
try_write_etc(void)
{
	return opened("/etc/passwd", O_WRONLY);
}

int
try_write_own(void)
{
	return came_to(unlink("/opt/attempt"));
}

int
try_write_root(void)
{
	return opened("/escaped", O_WRONLY | O_CREAT);
}

int
try_read_shadow(void)
{
	return opened("/etc/shadow", O_RDONLY);
}

int
try_read_homes(void)
{
	DIR		*d;
	struct dirent	*e;
	int		 seen = 0;

	if (opened("/root", O_RDONLY) == 0)
		return 0;
	if ((d = opendir("/home")) == NULL)
		return errno;
	while ((e = readdir(d)) != NULL)
		seen += e->d_name[0] != '.' && strcmp(e->d_name, "tool") != 0;
	closedir(d);
	return seen > 0 ? 0 : ENOENT;
}

int
try_dotdot(void)
{
	return opened("/home/tool/../../../../../../../etc/shadow", O_RDONLY);
}

int
try_proc_self_root(void)
{
	return opened("/proc/self/root/etc/shadow", O_RDONLY);
}

int
try_mknod(void)
{
	return came_to(mknod("/tmp/disk", S_IFBLK | 0600, 0xfe00));
}

int
try_dev_mem(void)
{
	static const char *const	paths[] = { "/dev/mem", "/dev/kvm", "/dev/vda", "/dev/sda", "/dev/tty",
					    "/dev/ptmx", "/dev/fuse", "/dev/net/tun" };

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		if (opened(paths[i], O_RDONLY) == 0)
			return 0;
	return ENOENT;
}

int
try_tiocsti(void)
{
	return came_to(ioctl(0, TIOCSTI, "x"));
}

static int
copy_home(void)
{
	static char	block[MIB];
	int		from = open("/usr/bin/true", O_RDONLY), to = open("/home/tool/t", O_WRONLY | O_CREAT, 0700);
	ssize_t		n;

	while ((n = read(from, block, sizeof(block))) > 0)
		if (write(to, block, (size_t)n) != n)
			return -1;
	close(from);
	return close(to);
}

int
try_exec_home(void)
{
	char *const	argv[] = { (char[]){ "t" }, NULL };

	if (copy_home() == -1)
		return errno;
	return came_to(execve("/home/tool/t", argv, environ));
}

int
try_map_home(void)
{
	if (copy_home() == -1)
		return errno;
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, open("/home/tool/t", O_RDONLY), 0) ==
	    MAP_FAILED ? errno : 0;
}
