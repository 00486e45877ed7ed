/* SPDX-License-Identifier: Apache-2.0
 *
 * view.c - what one tool's jail sees of the host
 *
 * Process: mcpgw-compile.  Owns: the list of binds.
 * Trusts:  the operator's read and write lists, but for the gateway's own files.
 */
#include <stdlib.h>

#include "policy/compiler/view.h"

void
view_fini(struct view *v)
{
	free(v->binds);
	*v = (struct view){ 0 };
}

void
view_add(struct view *v, const char *source, const char *target, unsigned flags)
{
	for (size_t i = 0; i < v->count; i++)
		if (strcmp(v->binds[i].target, target) == 0) {
			v->binds[i].flags |= flags;
			return;
		}
	v->binds = list_more(v->binds, v->count, sizeof(*v->binds));
	v->binds[v->count++] = (struct view_bind){ source, target, flags };
}

bool
path_within(const char *path, const char *folder)
{
	size_t	n = strlen(folder);

	if (strcmp(folder, "/") == 0)
		return true;
	return strncmp(path, folder, n) == 0 && (path[n] == '/' || path[n] == '\0');
}

bool
view_covers(const struct view *v, const char *path, unsigned flags)
{
	for (size_t i = 0; i < v->count; i++)
		if ((v->binds[i].flags & flags) == flags && path_within(path, v->binds[i].target))
			return true;
	return false;
}

static int
bind_cmp(const void *a, const void *b)
{
	return strcmp(((const struct view_bind *)a)->target, ((const struct view_bind *)b)->target);
}

void
view_sort(struct view *v)
{
	if (v->count > 1)	/* in the order of bytes a folder comes before all in it */
		qsort(v->binds, v->count, sizeof(*v->binds), bind_cmp);
}

bool
view_is_package(const struct job *j, const char *path)
{
	static const char *const	shared[] = { "pkgs", "runtimes" };
	const char			*dir = job_value(j, PARAM_ID_state_dir).p;
	size_t				 n = dir == NULL ? 0 : strlen(dir), m;

	if (n == 0 || strncmp(path, dir, n) != 0 || path[n] != '/')
		return false;
	for (size_t i = 0; i < sizeof(shared) / sizeof(shared[0]); i++) {
		m = strlen(shared[i]);
		if (strncmp(path + n + 1, shared[i], m) == 0 && path[n + 1 + m] == '/' && path[n + m + 2] != '\0')
			return true;
	}
	return false;
}

const char *
view_reveals(const struct job *j, const char *path)
{
	static const enum param_id	own[] = { PARAM_ID_state_dir, PARAM_ID_run_dir };

	if (path_within(j->config_dir, path) || path_within(path, j->config_dir))
		return "config_dir";
	if (view_is_package(j, path))
		return NULL;
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
		const char *dir = job_value(j, own[i]).p;

		if (dir != NULL && dir[0] == '/' && (path_within(dir, path) || path_within(path, dir)))
			return param_row(own[i])->name;
	}
	return NULL;
}

bool
view_is_common(const struct job *j, const char *path)
{
	static const char *const common[] = { "/", "/home", "/root", "/tmp", "/var", "/var/tmp",
		"/etc", "/opt", "/srv", "/run", "/mnt", "/media", "/usr", "/var/lib" };
	const char		*home = getenv("HOME");

	for (size_t i = 0; i < sizeof(common) / sizeof(common[0]); i++)
		if (strcmp(path, common[i]) == 0)
			return true;
	return (home != NULL && path_within(home, path)) || view_reveals(j, path) != NULL;
}

const char *
path_absolute(struct job *j, struct span path, const char *folder)
{
	char	*whole = path.n > 0 && path.p[0] == '/' ? job_fmt(j, "%.*s", SPAN_FMT(path)) :
		    job_fmt(j, "%s/%.*s", folder, SPAN_FMT(path));
	char	*to = whole;

	for (const char *from = whole; *from != '\0'; ) {
		size_t n = strcspn(from + 1, "/") + 1;		/* with the slash in front */

		if (n == 1 || (n == 2 && from[1] == '.')) {
			/* nothing */
		} else if (n == 3 && from[1] == '.' && from[2] == '.') {
			while (to > whole && *--to != '/')
				;
		} else {
			memmove(to, from, n);
			to += n;
		}
		from += n;
	}
	if (to == whole)
		*to++ = '/';
	*to = '\0';
	return whole;
}
