/* SPDX-License-Identifier: Apache-2.0
 *
 * pending.h - changes to the files, and putting them in force without putting others in force too
 */
#ifndef CTL_FILES_PENDING_H
#define CTL_FILES_PENDING_H

#include "ctl/compare/compare.h"

/* The policy in force; *out is the caller's.  0, or the exit code; EX_UNAVAILABLE where no gateway runs, said with
 * `say` alone. */
int	pending_running(struct ctl *ctl, bool say, struct snap **out);
/* A compare_known_fn over the tools that the gateway has seen; known: the ctl. */
compare_known_fn pending_known;

/* A change to a file that is being made. */
struct pending {
	struct ctl	*ctl;
	struct snap	*running;	/* NULL: no gateway runs */
	struct snap	*files;		/* as they are on disk, before the change */
	bool		 others;	/* the files hold changes already that are not in force */
	/* Of what is said when it is in force; NULL: nothing before it, `mcpgwctl rollback`. */
	const char	*done, *undo;
	bool		 quiet;		/* nothing is said of that */
};

/* Reads both.  0, or the exit code: files that do not compile are not changed by commands. */
int	pending_begin(struct ctl *ctl, struct pending *p);
void	pending_end(struct pending *p);
/* After the change: puts it in force, when a gateway runs and nothing else would come with it, else says how.  The
 * exit code. */
int	pending_apply(struct pending *p);

#endif
