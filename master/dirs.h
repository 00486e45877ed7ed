/* SPDX-License-Identifier: Apache-2.0
 *
 * dirs.h - the folders the gateway works in, made with the right owners and modes, and held
 */
#ifndef MASTER_DIRS_H
#define MASTER_DIRS_H

#include <limits.h>
#include <stdbool.h>

#include "lib/err.h"
#include "lib/span.h"
#include "master/spawn.h"

struct dirs {
	bool	system;
	char	run_dir[PATH_MAX], state_dir[PATH_MAX];
	int	run_fd, state_fd;	/* O_PATH */
	int	pid_fd, marker_fd;	/* locked */
	bool	unclean;		/* the last gateway on this state_dir did not end by itself */
};

/* Names the folders; opens nothing.  E_TOOBIG. */
must_check int	dirs_init(struct dirs *d, bool system, struct span run_dir, struct span state_dir);
/* Makes both folders, writes and locks run_dir/pid and state_dir/running.  E_EXISTS: another gateway
 * has one of them; E_DENIED: a folder that is not ours alone; each is logged. */
must_check int	dirs_hold(struct dirs *d);
/* The same with the locks of a master before, which are taken over; whose pid stands there does not change yet. */
must_check int	dirs_inherit(struct dirs *d, int *pid_fd, int *marker_fd);
/* From here on it is ours. */
must_check int	dirs_own(struct dirs *d);
/* A clean end, of a process that has nothing else to do: removes what the folders say about a running gateway. */
void		dirs_release(struct dirs *d);
/* Lets go without a word: as a crash would. */
void		dirs_fini(struct dirs *d);

/* state_dir/NAME (NAME may have one '/'), made for this user with this mode; path has PATH_MAX bytes.
 * Logged. */
must_check int	dirs_make(struct dirs *d, const char *name, const struct spawn_user *user, unsigned mode,
		    char *path);

#endif
