/* SPDX-License-Identifier: Apache-2.0
 *
 * tree.h - folders that a hostile tool wrote, or is writing: measured and removed without following it
 *
 * Nothing here leaves the folder it was given: each step is by descriptor, beneath, through no link and
 * onto no other mount, whatever is renamed meanwhile.  Both are bounded in entries, depth and time.
 */
#ifndef SANDBOX_TREE_H
#define SANDBOX_TREE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/err.h"

struct tree_bounds {
	uint64_t	bytes;		/* stop when there is more; 0: no limit */
	uint64_t	entries;	/* likewise: files, folders, links */
	unsigned	time_ms;	/* 0: no limit */
};

struct tree_usage {
	uint64_t	bytes;		/* on disk */
	uint64_t	entries;
	bool		over;		/* there is more than the bounds say; the numbers are what was seen */
};

/* The folder itself, opened beneath `at` without following anything; for reading.  0 or E_SYS. */
must_check int	tree_open(int at, const char *name, int *fd);
/* What lies in the folder.  0; E_TIMEOUT, E_TOOBIG (too deep), E_DENIED (one in it is closed), E_SYS: not
 * known. */
must_check int	tree_measure(int folder, const struct tree_bounds *b, struct tree_usage *out);
/* Removes `name` below `at`, a folder or a file, with all that is in it; one that is not there is
 * removed.  0; E_TIMEOUT (call again), or E_SYS with errno. */
must_check int	tree_remove(int at, const char *name, const struct tree_bounds *b);

#endif
