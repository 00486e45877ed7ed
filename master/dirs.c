/* SPDX-License-Identifier: Apache-2.0
 *
 * dirs.c - the folders the gateway works in
 *
 * Process: master.  Owns: the descriptors and locks in struct dirs.
 * Trusts:  nobody below state_dir: other users own folders there, so no link is ever followed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/log.h"
#include "lib/where.h"
#include "master/dirs.h"

int
dirs_init(struct dirs *d, bool system, struct span run_dir, struct span state_dir)
{
	*d = (struct dirs){ .system = system, .run_fd = -1, .state_fd = -1, .pid_fd = -1,
	    .marker_fd = -1 };
	if (run_dir.n == 0 || run_dir.n >= sizeof(d->run_dir) ||
	    state_dir.n == 0 || state_dir.n >= sizeof(d->state_dir))
		return E_TOOBIG;
	memcpy(d->run_dir, run_dir.p, run_dir.n);
	memcpy(d->state_dir, state_dir.p, state_dir.n);
	return 0;
}

/* Opens the last folder itself, never what a link there points to. */
static int
hold_folder(const char *param, const char *path, mode_t mode, int *fd)
{
	struct stat	st;

	where_make_above(path, geteuid() == 0 ? 0755 : 0700);
	if (mkdir(path, mode) == 0)
		(void)chmod(path, mode);	/* whatever the umask was */
	*fd = open(path, O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_RDONLY);
	if (*fd == -1 || fstat(*fd, &st) == -1) {
		log_err(LOG_SUBJECT(param, path), "%s; uid %u has to make it, or to write there. Another one: mcpgwctl "
		    "conf -e %s=FOLDER", strerror(errno), (unsigned)geteuid(), param);
		return E_SYS;
	}
	if (st.st_uid != geteuid() || (st.st_mode & 022) != 0) {
		log_err(LOG_SUBJECT(param, path),
		    "belongs to uid %u with mode %04o; it must be uid %u's and writable by nobody else. Another one: "
		    "mcpgwctl conf -e %s=FOLDER", (unsigned)st.st_uid, (unsigned)st.st_mode & 07777,
		    (unsigned)geteuid(), param);
		return E_DENIED;
	}
	return 0;
}

/* A file that holds our pid and a lock for as long as we live. */
static int
hold_file(int dir, const char *dir_path, const char *name, int *fd, bool *was_there)
{
	char	text[32];
	ssize_t	n;

	*was_there = faccessat(dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
	*fd = openat(dir, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (*fd == -1) {
		log_err(LOG_SUBJECT(dir_path, name), "%s", strerror(errno));
		return E_SYS;
	}
	if (flock(*fd, LOCK_EX | LOCK_NB) == -1) {
		n = read(*fd, text, sizeof(text) - 1);
		text[n > 0 ? n : 0] = '\0';
		log_err(LOG_SUBJECT(dir_path, ""), "in use by the gateway with pid %ld",
		    strtol(text, NULL, 10));
		fd_close(fd);
		return E_EXISTS;
	}
	n = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
	if (ftruncate(*fd, 0) == -1 || pwrite(*fd, text, (size_t)n, 0) != n) {
		log_err(LOG_SUBJECT(dir_path, name), "%s", strerror(errno));
		return E_SYS;
	}
	return 0;
}

/* A descriptor that holds the lock, of this very file. */
static int
inherit_file(int dir, const char *dir_path, const char *name, int *held, int *fd)
{
	struct stat	there, ours;

	if (*held == -1 || fstat(*held, &ours) == -1 || fstatat(dir, name, &there, AT_SYMLINK_NOFOLLOW) == -1 ||
	    ours.st_dev != there.st_dev || ours.st_ino != there.st_ino) {
		log_err(LOG_SUBJECT(dir_path, name), "is not that of the gateway which runs; another run_dir or "
		    "state_dir takes effect with mcpgwctl restart");
		return E_DENIED;
	}
	*fd = *held;
	*held = -1;
	return 0;
}

int
dirs_inherit(struct dirs *d, int *pid_fd, int *marker_fd)
{
	int	r;

	if ((r = hold_folder("run_dir", d->run_dir, d->system ? 0755 : 0700, &d->run_fd)) != 0 ||
	    (r = inherit_file(d->run_fd, d->run_dir, "pid", pid_fd, &d->pid_fd)) != 0 ||
	    (r = hold_folder("state_dir", d->state_dir, d->system ? 0711 : 0700, &d->state_fd)) != 0)
		return r;
	return inherit_file(d->state_fd, d->state_dir, "running", marker_fd, &d->marker_fd);
}

int
dirs_own(struct dirs *d)
{
	const int	all[] = { d->pid_fd, d->marker_fd };
	char		text[32];
	int		n = snprintf(text, sizeof(text), "%ld\n", (long)getpid());

	for (size_t i = 0; i < 2; i++)
		if (ftruncate(all[i], 0) == -1 || pwrite(all[i], text, (size_t)n, 0) != n)
			return E_SYS;
	return 0;
}

int
dirs_hold(struct dirs *d)
{
	bool	was_there;
	int	r;

	if ((r = hold_folder("run_dir", d->run_dir, d->system ? 0755 : 0700, &d->run_fd)) != 0 ||
	    (r = hold_file(d->run_fd, d->run_dir, "pid", &d->pid_fd, &was_there)) != 0 ||
	    (r = hold_folder("state_dir", d->state_dir, d->system ? 0711 : 0700, &d->state_fd)) != 0)
		return r;
	return hold_file(d->state_fd, d->state_dir, "running", &d->marker_fd, &d->unclean);
}

void
dirs_release(struct dirs *d)
{
	if (d->pid_fd != -1)
		(void)unlinkat(d->run_fd, "pid", 0);
	if (d->marker_fd != -1)
		(void)unlinkat(d->state_fd, "running", 0);
	/* This lock goes with the process: whoever waits for it means that. */
	d->pid_fd = -1;
	dirs_fini(d);
}

void
dirs_fini(struct dirs *d)
{
	fd_close(&d->pid_fd);
	fd_close(&d->marker_fd);
	fd_close(&d->run_fd);
	fd_close(&d->state_fd);
}

int
dirs_make(struct dirs *d, const char *name, const struct spawn_user *user, unsigned mode, char *path)
{
	struct stat	st;
	int		fd = -1, n, r = E_SYS;

	n = snprintf(path, PATH_MAX, "%s/%s", d->state_dir, name);
	if (n < 0 || n >= PATH_MAX)
		return E_TOOBIG;
	if (mkdirat(d->state_fd, name, (mode_t)mode) == -1 && errno != EEXIST)
		goto out;
	if ((fd = openat(d->state_fd, name, O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_RDONLY)) == -1 ||
	    fstat(fd, &st) == -1)
		goto out;
	if (user->change && (st.st_uid != user->uid || st.st_gid != user->gid) &&
	    fchown(fd, user->uid, user->gid) == -1)
		goto out;
	if ((st.st_mode & 07777) != mode && fchmod(fd, (mode_t)mode) == -1)
		goto out;
	r = 0;
 out:
	if (r != 0)
		log_err(LOG_SUBJECT(path, ""), "%s", strerror(errno));
	fd_close(&fd);
	return r;
}
