/* SPDX-License-Identifier: Apache-2.0
 *
 * view.h - what one tool's jail sees of the host
 */
#ifndef POLICY_COMPILER_VIEW_H
#define POLICY_COMPILER_VIEW_H

#include "policy/compiler/job.h"

struct view_bind {
	const char	*source, *target;
	unsigned	 flags;		/* enum bind_flags */
};

struct view {
	struct view_bind *binds;	/* malloc'ed */
	size_t		  count;
};

void	view_fini(struct view *v);
/* Paths are borrowed and must live as long as the job.  The same target twice: one entry, flags
 * together. */
void	view_add(struct view *v, const char *source, const char *target, unsigned flags);
/* Is this path of the host to be seen at the same place in the jail, by a bind that has all `flags`? */
bool	view_covers(const struct view *v, const char *path, unsigned flags);
/* Parents before what lies in them. */
void	view_sort(struct view *v);

/* Would showing this folder show the gateway's own files?  The parameter that names them, or
 * NULL. */
const char *view_reveals(const struct job *j, const char *path);
/* Is it in pkgs/ or runtimes/ of state_dir?  What was imported lies there, for tools to read. */
bool	view_is_package(const struct job *j, const char *path);
/* A folder that is shown only when it is written in `read`: a home, /tmp, /etc, a root of such. */
bool	view_is_common(const struct job *j, const char *path);
/* path is folder, or lies in it. */
bool	path_within(const char *path, const char *folder);
/* An absolute path without "." and "..", relative ones from `folder`; links are left alone. */
const char *path_absolute(struct job *j, struct span path, const char *folder);

#endif
