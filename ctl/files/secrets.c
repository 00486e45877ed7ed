/* SPDX-License-Identifier: Apache-2.0
 *
 * secrets.c - the files of secrets: CONFDIR/secrets/NAME, for their owner alone
 *
 * Process: mcpgwctl.
 * Owns:    nothing beyond a call.
 * Trusts:  the configuration folder; not whatever else may have been put where its secrets should be.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/files/secrets.h"
#include "ctl/out.h"
#include "lib/fd.h"
#include "lib/secretfile.h"

/* No secret's name has this in it, so what is half written is none. */
#define UNFINISHED	'~'

static int
name_check(const char *name)
{
	if (secretfile_name_ok(span_of(name)))
		return 0;
	out_error("\"%s\": a secret's name is of letters, digits, _ . -, at most %d", name, SECRETFILE_NAME_MAX);
	return E_FORMAT;
}

/* The folder, or -1; make: it is made when it is not there. */
static int
folder_open(const char *config_dir, bool make, int *error)
{
	char		path[PATH_MAX];
	struct stat	st;
	int		fd;

	snprintf(path, sizeof(path), "%.4000s/secrets", config_dir);
	if (make && mkdir(path, 0700) == -1 && errno != EEXIST) {
		out_error("%s: %s", path, strerror(errno));
		*error = E_SYS;
		return -1;
	}
	if ((fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) == -1) {
		*error = errno == ENOENT ? E_NOTFOUND : E_SYS;
		if (errno != ENOENT)
			out_error("%s: %s", path, errno == ELOOP || errno == ENOTDIR ?
			    "a link, or no folder; secrets are in a folder of their own" : strerror(errno));
		return -1;
	}
	if (fstat(fd, &st) == 0 && (st.st_mode & 077) == 0)
		return fd;
	out_error("%s: group or others may look into it; chmod 700 %s", path, path);
	fd_close(&fd);
	*error = E_DENIED;
	return -1;
}

static int
write_in(int dir, const char *name, struct span value)
{
	char	beside[SECRETFILE_NAME_MAX + 32];
	int	fd, r = E_SYS;

	snprintf(beside, sizeof(beside), "%s%c%ld", name, UNFINISHED, (long)getpid());
	(void)unlinkat(dir, beside, 0);
	if ((fd = openat(dir, beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)) == -1)
		return E_SYS;
	if (fchmod(fd, 0600) == 0 && fd_write_all(fd, value) == 0 && fsync(fd) == 0 &&
	    renameat(dir, beside, dir, name) == 0)
		r = fsync(dir) == 0 ? 0 : E_SYS;
	else
		(void)unlinkat(dir, beside, 0);
	fd_close(&fd);
	return r;
}

int
secrets_write(const char *config_dir, const char *name, struct span value)
{
	int	dir, r;

	if ((r = name_check(name)) != 0)
		return r;
	if ((dir = folder_open(config_dir, true, &r)) == -1)
		return r;
	if ((r = write_in(dir, name, value)) != 0)
		out_error("secrets/%s: %s", name, strerror(errno));
	fd_close(&dir);
	return r;
}

int
secrets_remove(const char *config_dir, const char *name)
{
	int	dir, r;

	if ((r = name_check(name)) != 0)
		return r;
	if ((dir = folder_open(config_dir, false, &r)) == -1)
		return r;
	if (unlinkat(dir, name, 0) == -1) {
		r = errno == ENOENT ? E_NOTFOUND : E_SYS;
		if (r == E_SYS)
			out_error("secrets/%s: %s", name, strerror(errno));
	}
	fd_close(&dir);
	return r;
}

static int
is_name(const struct dirent *e)
{
	return secretfile_name_ok(span_of(e->d_name));
}

int
secrets_each(const char *config_dir, secrets_fn *fn, void *arg)
{
	struct dirent	**all = NULL;
	struct stat	 st;
	const char	*why;
	int		 dir, r = 0, n, fd;

	if ((dir = folder_open(config_dir, false, &r)) == -1)
		return r == E_NOTFOUND ? 0 : r;
	if ((n = scandirat(dir, ".", &all, is_name, alphasort)) == -1) {
		out_error("secrets: %s", strerror(errno));
		r = E_SYS;
	}
	for (int i = 0; i < n; i++) {
		if (fstatat(dir, all[i]->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
			if (secretfile_open(config_dir, span_of(all[i]->d_name), &fd, &why) == 0)
				why = NULL;
			fd_close(&fd);
			fn(all[i]->d_name, (uint64_t)st.st_mtim.tv_sec * 1000, why, arg);
		}
		free(all[i]);
	}
	free(all);
	fd_close(&dir);
	return r;
}
