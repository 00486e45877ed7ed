/* SPDX-License-Identifier: Apache-2.0
 *
 * cgroup.h - one control group for each jail, below the tenant's own (threats-and-jail J7)
 *
 * Version 2 is one hierarchy, version 1 one for each controller.  Only the jail's tree is in its leaf:
 * with the launcher inside, the kernel's OOM killer may choose the launcher.
 */
#ifndef SANDBOX_CGROUP_H
#define SANDBOX_CGROUP_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/err.h"

enum cgroup_part {
	CGROUP_MEMORY,
	CGROUP_PIDS,
	CGROUP_CPU,
	CGROUP_FREEZER,		/* version 1: so that nothing in a leaf can run away from its end */
	CGROUP_PART_LIMIT
};

/* The tenant's folders, which this process may make folders in. */
struct cgroup_room {
	bool	unified;			/* version 2: one folder, in place CGROUP_MEMORY */
	int	dir[CGROUP_PART_LIMIT];		/* -1: there is none */
	bool	has[CGROUP_PART_LIMIT];		/* this controller is at work in leaves */
};

struct cgroup_bounds {
	uint64_t	memory_bytes;		/* 0: no limit; likewise the others */
	uint32_t	pids;
	uint32_t	cpu_milli;		/* thousandths of a processor */
};

struct cgroup_leaf {
	bool	made;
	char	name[24];
	int	join[CGROUP_PART_LIMIT];	/* who writes 0 there is in it; -1 none */
	int	join_count;
	int	events;				/* readable when memory ran out (poll_events); -1 none */
	short	poll_events;
};

void		cgroup_room_init(struct cgroup_room *r);
/* The tenant's folder of one version 1 controller, or with `unified` of version 2.  0 or E_SYS. */
must_check int	cgroup_room_add(struct cgroup_room *r, enum cgroup_part part, bool unified, const char *path);
bool		cgroup_room_any(const struct cgroup_room *r);
void		cgroup_room_close(struct cgroup_room *r);

/* Makes the leaf and sets its bounds, all but cpu: who starts is not throttled.  0 or E_SYS, with errno
 * and nothing left behind. */
must_check int	cgroup_leaf_make(struct cgroup_room *r, unsigned number, const struct cgroup_bounds *b,
		    struct cgroup_leaf *out);
/* The descriptors in join[], once somebody is in. */
void		cgroup_leaf_joined(struct cgroup_leaf *l);
must_check int	cgroup_leaf_throttle(const struct cgroup_room *r, const struct cgroup_leaf *l, uint32_t cpu_milli);
/* The number of its processes that were killed because memory ran out. */
uint64_t	cgroup_leaf_oom(const struct cgroup_room *r, const struct cgroup_leaf *l);
/* Sends KILL to all in it; again until it is empty.  E_AGAIN: not all are gone yet. */
must_check int	cgroup_leaf_kill(const struct cgroup_room *r, const struct cgroup_leaf *l);
/* 0, or E_AGAIN while something of it is still dying. */
must_check int	cgroup_leaf_remove(struct cgroup_room *r, struct cgroup_leaf *l);

/* For the first process of a jail: into the leaf.  0 or E_SYS. */
must_check int	cgroup_join(const int *join, int count);

/* Writes a short text into a file of a cgroup folder.  0 or E_SYS. */
must_check int	cgroup_write(int dir, const char *file, const char *text);

#endif
