/* SPDX-License-Identifier: Apache-2.0
 *
 * replace.c - a configuration file's new text in the place of its old one, whole or not at all
 *
 * Process: mcpgwctl.  Owns: nothing beyond a call.  Trusts: the operator's folders.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/files/replace.h"
#include "ctl/out.h"
#include "lib/fd.h"

#define FILE_MAX	(64u << 20)
#define NEW_MODE	0644

int
replace_read(const char *path, char **text, size_t *bytes)
{
	int	fd, r;

	*text = NULL;
	*bytes = 0;
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1) {
		if (errno == ENOENT && (*text = calloc(1, 1)) != NULL)
			return 0;
		out_error("%s: %s", path, strerror(errno));
		return E_SYS;
	}
	if ((r = fd_read_all(fd, FILE_MAX, text, bytes)) != 0)
		out_error("%s: %s", path, r == E_SYS ? strerror(errno) : err_text(r));
	fd_close(&fd);
	return r;
}

bool
replace_is_yaml(const char *path)
{
	const char	*dot = strrchr(path, '.');

	return dot != NULL && (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0);
}

const char *
replace_base_name(const char *path)
{
	const char	*slash = strrchr(path, '/');

	return slash == NULL ? path : slash + 1;
}

static int
write_beside(const char *path, const struct stat *old, struct span now, char *name, size_t room)
{
	int	fd, r = E_SYS;

	snprintf(name, room, "%s.XXXXXX", path);
	if ((fd = mkostemp(name, O_CLOEXEC)) == -1)
		return E_SYS;
	if ((old == NULL || fchown(fd, old->st_uid, old->st_gid) == 0) &&
	    fchmod(fd, old == NULL ? NEW_MODE : old->st_mode & 07777) == 0 &&
	    fd_write_all(fd, now) == 0 && fsync(fd) == 0)
		r = 0;
	fd_close(&fd);
	if (r != 0)
		unlink(name);
	return r;
}

static int
is_unchanged(const char *path, struct span was)
{
	char	*text;
	size_t	 bytes;
	int	 r;

	if ((r = replace_read(path, &text, &bytes)) == 0 && !span_eq(span_make(text, bytes), was)) {
		out_error("%s: somebody else changed it meanwhile; nothing was written", path);
		r = E_EXISTS;
	}
	free(text);
	return r;
}

int
replace_file(const char *path, struct span was, struct span now, replace_check_fn *check, void *arg)
{
	char		 real[PATH_MAX], name[PATH_MAX + 8];
	struct stat	 st;
	bool		 is_new = realpath(path, real) == NULL;
	int		 r;

	if (is_new)
		snprintf(real, sizeof(real), "%s", path);
	if ((!is_new && stat(real, &st) == -1) ||
	    write_beside(real, is_new ? NULL : &st, now, name, sizeof(name)) != 0) {
		out_error("%s: %s", path, strerror(errno));
		return E_SYS;
	}
	/* Whether it is still what was read is looked at last. */
	r = check == NULL ? 0 : check(name, arg);
	if (r == 0 && (r = is_unchanged(real, was)) == 0 && rename(name, real) == -1) {
		out_error("%s: %s", path, strerror(errno));
		r = E_SYS;
	}
	if (r != 0)
		unlink(name);
	return r;
}
