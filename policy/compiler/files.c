/* SPDX-License-Identifier: Apache-2.0
 *
 * files.c - opening and reading the files of a configuration
 *
 * Process: mcpgw-compile.
 * Owns:    descriptors for the length of a call; texts become the caller's.
 * Trusts:  whoever may write the configuration folder; not everybody on the machine.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/openat2.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ipc/codec.h"
#include "lib/conf_yaml.h"
#include "lib/fd.h"
#include "policy/compiler/files.h"

/* The part of path below the configuration folder, or NULL. */
static const char *
beneath(const struct job *j, const char *path)
{
	size_t	n = strlen(j->config_dir);

	if (path[0] != '/')
		return path;
	if (strncmp(path, j->config_dir, n) == 0 && path[n] == '/')
		return path + n + 1;
	return NULL;
}

const char *
file_shown(const struct job *j, const char *path)
{
	const char	*below = beneath(j, path);

	return below != NULL ? below : path;
}

const char *
file_folder(struct job *j, const char *path)
{
	const char	*below = beneath(j, path), *slash;

	if (below != NULL)
		path = job_fmt(j, "%s/%s", j->config_dir, below);
	slash = strrchr(path, '/');
	return slash == path ? "/" : job_fmt(j, "%.*s", (int)(slash - path), path);
}

static int
open_beneath(int dir, const char *path, unsigned flags)
{
	struct open_how	how = {
		.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | flags,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};

	return (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));
}

static bool
same_file(const struct stat *a, const struct stat *b)
{
	return a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	    a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

int
file_read_fd(int fd, size_t max, char **text, size_t *bytes, const char **why)
{
	struct stat	before, after;
	int		r = E_DENIED;

	*text = NULL;
	*bytes = 0;
	if (fstat(fd, &before) == -1) {
		*why = strerror(errno);
		r = E_SYS;
	} else if (!S_ISREG(before.st_mode)) {
		*why = "is not a regular file";
	} else if (before.st_mode & S_IWOTH) {
		*why = "may be written by everybody: chmod o-w it";
	} else if ((r = fd_read_all(fd, max, text, bytes)) != 0) {
		*why = r == E_TOOBIG ? "is too large" : r == E_NOMEM ? "out of memory" : strerror(errno);
	} else if (fstat(fd, &after) == -1 || !same_file(&before, &after)) {
		*why = "changed while it was read; try again";
		free(*text);
		*text = NULL;
		r = E_AGAIN;
	}
	fd_close(&fd);
	return r;
}

const char *
file_reader(struct job *j)
{
	const struct passwd	*pw = getpwuid(geteuid());

	return pw == NULL ? job_fmt(j, "%u", geteuid()) : pw->pw_name;
}

/* A gateway of root's reads as a user of its own, whose group the file may have; whoever else looks is told no more. */
static const char *
why_denied(struct job *j, const char *path, const char *below)
{
	const char		*user = file_reader(j);
	const struct group	*gr = getgrgid(getegid());

	if (j->personal || gr == NULL || (strcmp(user, role_user(ROLE_COMPILE)) != 0 && strcmp(user, "nobody") != 0))
		return job_fmt(j, "user %s may not read it", user);
	if (below != NULL)
		path = job_fmt(j, "%s/%s", j->config_dir, below);
	return job_fmt(j, "user %s may not read it: chgrp %s %s && chmod 640 %s", user, gr->gr_name, path, path);
}

int
file_read(struct job *j, const char *path, size_t max, char **text, size_t *bytes, const char **why)
{
	const char	*below = beneath(j, path);
	int		 fd, r;

	*text = NULL;
	*bytes = 0;
	*why = "";
	fd = below != NULL ? open_beneath(j->config_fd, below, 0) :
	    open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd == -1) {
		r = errno == ENOENT || errno == ENOTDIR ? E_NOTFOUND : E_SYS;
		*why = errno == EXDEV ? "leads out of the configuration folder by a link or \"..\"" :
		    errno == EACCES ? why_denied(j, path, below) : strerror(errno);
		return r;
	}
	return file_read_fd(fd, max, text, bytes, why);
}

static bool
is_yaml(const char *path)
{
	const char	*dot = strrchr(path, '.');

	return dot != NULL && (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0);
}

int
folder_open(struct job *j, const char *path)
{
	const char	*below = beneath(j, path);

	return below != NULL ? open_beneath(j->config_fd, below, O_DIRECTORY) :
	    open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

bool
source_open(struct job *j, const char *path, struct source *s)
{
	struct conf_error	 error;
	const char		*why;
	char			*text;
	size_t			 bytes;
	int			 r;

	*s = (struct source){ .shown = file_shown(j, path), .folder = file_folder(j, path) };
	r = file_read(j, path, CONF_MAX_BYTES, &text, &bytes, &why);
	if (r == E_NOTFOUND)
		return true;		/* absent is empty: nothing is allowed, nothing runs */
	if (r != 0) {
		job_note(j, NOTE_ERROR, s->shown, 0, 0, NULL, "%s", why);
		return false;
	}
	r = is_yaml(path) ? conf_yaml_new(span_make(text, bytes), &s->conf, &error) :
	    conf_new(span_make(text, bytes), &s->conf, &error);
	free(text);
	if (r != 0)
		job_note(j, NOTE_ERROR, s->shown, error.line, error.column, NULL, "%s", error.text);
	return r == 0;
}

void
source_close(struct source *s)
{
	conf_free(&s->conf);
}
