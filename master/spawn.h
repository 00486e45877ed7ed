/* SPDX-License-Identifier: Apache-2.0
 *
 * spawn.h - fork and execute, with the least a program needs
 */
#ifndef MASTER_SPAWN_H
#define MASTER_SPAWN_H

#include <stdbool.h>
#include <sys/types.h>

#include "lib/err.h"

/* Whom a child runs as.  change = false: as we are. */
struct spawn_user {
	bool	change;
	uid_t	uid;
	gid_t	gid;
};

struct spawn_plan {
	const char		*path;		/* absolute */
	char *const		*argv;
	struct spawn_user	 user;
	int			 control;	/* the child's end; -1: none (a query) */
	int			 log;		/* becomes HERITAGE_LOG; -1: none */
	int			 out, err;	/* -1: /dev/null */
	bool			 environment;	/* keep ours; otherwise it is empty */
};

/* The user of this name, or nobody when there is none (*found tells).  System mode only. */
must_check int	spawn_user_find(const char *name, struct spawn_user *out, bool *found);

/* Starts it in a session of its own, with the descriptors of ipc/heritage.h and no others, no new
 * privileges, no core files.  All descriptors stay the caller's.  That the file cannot be executed
 * shows as an exit with 127.  0 or E_SYS. */
must_check int	spawn(const struct spawn_plan *p, pid_t *pid);

#endif
