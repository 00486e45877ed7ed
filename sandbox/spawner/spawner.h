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

#define JAILS_MAX	512

struct jailed {
	pid_t	pid;		/* 0: free place */
	int	pidfd;
};

struct spawner {
	char		 tenant[128];
	int		 tenant_dir;		/* the tenant's state folder, O_PATH */
	int		 runner;		/* the pair with the runner */
	struct swap	 snaps;			/* profile and secrets in force */
	struct snap	*profile_before;	/* a runner may be one generation behind */
	bool		 draining;
	int64_t		 drain_until_ms;
	struct jailed	 jails[JAILS_MAX];
	size_t		 jail_count;
};

#endif
