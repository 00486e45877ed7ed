/* SPDX-License-Identifier: Apache-2.0
 *
 * cgroups.h - control groups: one for each tenant, below the gateway's own
 *
 *   OWN/main                    version 2 only: the gateway's processes (a group with groups has none)
 *   OWN/mcpgw-SUM/              this gateway's
 *   OWN/mcpgw-SUM/TENANT/       the tenant's user may make groups here: one for each jail
 *   OWN/mcpgw-SUM/TENANT/own    version 2 as root: the tenant's spawner
 */
#ifndef MASTER_CGROUPS_H
#define MASTER_CGROUPS_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#include "lib/span.h"
#include "master/spawn.h"
#include "sandbox/cgroup.h"

struct cgroups {
	bool	unified, root;
	char	base[CGROUP_PART_LIMIT][PATH_MAX];	/* OWN/mcpgw-SUM; "" none.  Version 2: the first */
	char	main[PATH_MAX];				/* OWN/main, when we are in it */
	char	line[160];				/* for status: "v1: memory, pids, cpu", "none: why" */
};

/* Finds out what may be had, moves this process where it must be, removes what a gateway before left.
 * Without any, `line` says why; that is no error.  `id`: the same for each start on one state_dir.
 * heir: a master before still has groups there, which stay. */
void	cgroups_init(struct cgroups *c, bool root, struct span id, bool heir);
/* Ours, and all tenants'; none of their processes may be left. */
void	cgroups_fini(struct cgroups *c);

/* The tenant's folder in each hierarchy, empty, given to this user.  0, or E_SYS (logged). */
must_check int	cgroups_tenant(struct cgroups *c, const char *tenant, const struct spawn_user *user);
/* Version 2 as root: this process into the tenant's own/.  0 or E_SYS (logged). */
must_check int	cgroups_enter(const struct cgroups *c, const char *tenant, pid_t pid);
/* Which of enum limit_written they hold. */
unsigned cgroups_held(const struct cgroups *c);
/* The path of one part for DIRECTORY, with its kind; false: there is none. */
bool	cgroups_path(const struct cgroups *c, const char *tenant, enum cgroup_part part, unsigned *kind,
	    char path[PATH_MAX]);

#endif
