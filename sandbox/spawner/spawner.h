/* SPDX-License-Identifier: Apache-2.0
 *
 * spawner.h - what mcpgw-spawn holds
 *
 * Single-threaded, without an event loop library: one poll() over the master, the runner and the
 * jails' pidfds.
 */
#ifndef SANDBOX_SPAWNER_SPAWNER_H
#define SANDBOX_SPAWNER_SPAWNER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/span.h"
#include "policy/swap.h"
#include "sandbox/cgroup.h"

#define JAILS_MAX	512

struct jailed {
	pid_t			pid;		/* 0: gone; the place is free when its leaf is gone too */
	int			pidfd;
	struct cgroup_leaf	leaf;
	uint64_t		memory_bytes;	/* of the leaf, for whoever asks why it ended */
	bool			oom;		/* memory ran out */
	uint32_t		cpu_milli;
	int64_t			due_ms;		/* 0 none; to be throttled, or removed: monotonic */
	unsigned		tries;		/* of removing */
};

struct spawner {
	char		 tenant[128];
	int		 tenant_dir;		/* the tenant's state folder, O_PATH */
	int		 runner;		/* the pair with the runner */
	struct swap	 snaps;			/* profile and secrets in force */
	struct snap	*profile_before;	/* a runner may be one generation behind */
	bool		 draining;
	int64_t		 drain_until_ms;
	struct cgroup_room cgroups;		/* the tenant's; no part where there are none */
	unsigned	 leaf_number;		/* of the last leaf */
	struct jailed	 jails[JAILS_MAX];
	size_t		 jail_count;
};

#endif
