/* SPDX-License-Identifier: Apache-2.0
 *
 * try_files.c - attempts on files, devices, and to run what they brought
 *
 * Process: the tool in a jail of its own.  Owns: what it breaks.  Trusts: nobody.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/escape/attempts.h"

extern char	**environ;

/* ---- files ---------------------------------------------------------------------------------- */

/* Makes a file, and takes it away again. */
static int
made(const char *path)
{
	int	r = opened(path, O_WRONLY | O_CREAT);

	if (r == 0)
		unlink(path);
	return r;
}

int
try_write_usr(void)
{
	return made("/usr/escaped");
}

int
try_write_etc(void)
{
	return opened("/etc/passwd", O_WRONLY);
}

int
try_write_own(void)
{
	const char	*own = (const char *)getauxval(AT_EXECFN), *slash = strrchr(own, '/');
	char		 other[512];

	snprintf(other, sizeof(other), "%s.old", own);
	if (rename(own, other) == 0)
		return came_to(rename(other, own));
	/* Nobody may write to what runs, whoever they are: that is tried with what lies beside it. */
	snprintf(other, sizeof(other), "%.*s/spare", slash == NULL ? 0 : (int)(slash - own), own);
	return opened(other, O_WRONLY);
}

int
try_write_bind(void)
{
	return made("/data/x") == 0 || made(at_host("data/x")) == 0 ? 0 : errno;
}

int
try_write_root(void)
{
	return made("/escaped");
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
try_read_host(void)
{
	return opened(at_host("secret"), O_RDONLY);
}

int
try_list_host(void)
{
	DIR		*d = opendir(outside.folder);
	struct dirent	*e;
	int		 seen = 0;

	if (d == NULL)
		return errno;
	/* The folder itself may be there, as a way to one that is shown. */
	while ((e = readdir(d)) != NULL)
		seen += strcmp(e->d_name, "secret") == 0 || strcmp(e->d_name, "home") == 0;
	closedir(d);
	return seen > 0 ? 0 : ENOENT;
}

int
try_dotdot(void)
{
	char	path[600];

	snprintf(path, sizeof(path), "%s/../../../../../../../..%s", at_home(""), at_host("secret"));
	return opened(path, O_RDONLY);
}

int
try_proc_self_root(void)
{
	char	path[600];

	snprintf(path, sizeof(path), "/proc/self/root%s", at_host("secret"));
	return opened(path, O_RDONLY);
}

/* Its working folder came from the host; that must not be a way back. */
int
try_proc_self_cwd(void)
{
	char	path[600];

	snprintf(path, sizeof(path), "/proc/self/cwd/../../../..%s", at_host("secret"));
	return opened(path, O_RDONLY);
}

/* Its pipes are the host's, what they lie in is nobody's. */
int
try_proc_self_fd(void)
{
	char	path[600];

	for (int fd = 0; fd < 64; fd++) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d%s", fd, at_host("secret"));
		if (opened(path, O_RDONLY) == 0)
			return 0;
		snprintf(path, sizeof(path), "/proc/self/fd/%d/etc/shadow", fd);
		if (opened(path, O_RDONLY) == 0)
			return 0;
	}
	return errno;
}

int
try_symlink(void)
{
	int	r;

	unlink(at_home("link"));
	if (symlink(at_host("secret"), at_home("link")) == -1)
		return errno;
	r = opened(at_home("link"), O_RDONLY);
	unlink(at_home("link"));
	return r;
}

int
try_hard_link(void)
{
	unlink(at_home("hard"));
	if (link(at_host("secret"), at_home("hard")) == -1)
		return errno;
	unlink(at_home("hard"));
	return 0;
}

int
try_inotify(void)
{
	int	fd = inotify_init1(IN_CLOEXEC);

	return fd == -1 ? errno : came_to(inotify_add_watch(fd, at_host("secret"), IN_ALL_EVENTS));
}

int
try_mknod(void)
{
	static const mode_t	kinds[] = { S_IFBLK, S_IFCHR };

	for (size_t i = 0; i < 2; i++) {
		if (mknod(at_home("device"), kinds[i] | 0600, 0x103) == -1 &&
		    mknodat(AT_FDCWD, "/tmp/device", kinds[i] | 0600, 0x103) == -1)
			continue;
		unlink(at_home("device"));
		unlink("/tmp/device");
		return 0;
	}
	return errno;
}

int
try_dev_mem(void)
{
	static const char *const	paths[] = { "/dev/mem", "/dev/kvm", "/dev/vda", "/dev/sda", "/dev/nvme0n1",
					    "/dev/port", "/dev/kmsg", "/dev/fuse", "/dev/net/tun",
					    "/dev/vhost-vsock", "/dev/loop0", "/dev/console" };

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		if (opened(paths[i], O_RDONLY) == 0)
			return 0;
	return ENOENT;
}

int
try_terminal(void)
{
	static const char *const	paths[] = { "/dev/tty", "/dev/ptmx", "/dev/pts/ptmx", "/dev/tty0", "/dev/tty1" };

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		if (opened(paths[i], O_RDWR | O_NOCTTY) == 0)
			return 0;
	return errno;
}

/* A terminal of its own, which is then its controlling one; into another's nobody could write so. */
static int
terminal_ioctl(unsigned long request, void *arg)
{
	int	master = posix_openpt(O_RDWR | O_NOCTTY), fd;

	if (master == -1)
		return errno;
	if (unlockpt(master) == -1)
		return errno;
	if ((fd = open(ptsname(master), O_RDWR)) == -1)
		return errno;
	return came_to(ioctl(fd, request, arg));
}

int
try_tiocsti(void)
{
	char	byte = 'x';

	return terminal_ioctl(TIOCSTI, &byte);
}

int
try_tioclinux(void)
{
	char	paste = 3;

	return terminal_ioctl(TIOCLINUX, &paste);
}

/* ---- code it brought ------------------------------------------------------------------------ */

/* A file of this name that is no program: who may execute it is told so, and who may not, that. */
static int
write_home(const char *path)
{
	int	fd;

	unlink(path);
	if ((fd = open(path, O_WRONLY | O_CREAT, 0700)) == -1)
		return -1;
	if (write(fd, "no program\n", 11) != 11)
		return -1;
	return close(fd);
}

static int
executed(long r)
{
	return r == -1 && errno == ENOEXEC ? 0 : errno;
}

int
try_exec_home(void)
{
	char *const	argv[] = { (char[]){ "t" }, NULL };
	int		r;

	if (write_home(at_home("t")) == -1)
		return errno;
	r = executed(execve(at_home("t"), argv, environ));
	unlink(at_home("t"));
	return r;
}

int
try_exec_tmp(void)
{
	char *const	argv[] = { (char[]){ "t" }, NULL };
	int		r;

	if (write_home(at_tmp("escaped")) == -1)
		return errno;
	r = executed(execve(at_tmp("escaped"), argv, environ));
	unlink(at_tmp("escaped"));
	return r;
}

int
try_exec_memfd(void)
{
	char *const	argv[] = { (char[]){ "t" }, NULL };
	int		fd = memfd_create("t", 0);

	if (fd == -1 || write(fd, "no program\n", 11) == -1)
		return errno;
	return executed(fexecve(fd, argv, environ));
}

int
try_map_home(void)
{
	void	*at;
	int	r;

	if (write_home(at_home("t")) == -1)
		return errno;
	at = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, open(at_home("t"), O_RDONLY), 0);
	r = at == MAP_FAILED ? errno : 0;
	unlink(at_home("t"));
	return r;
}
