/* SPDX-License-Identifier: Apache-2.0
 *
 * spawner.h - what mcpgw-spawn holds
 *
 * Single-threaded, without an event loop library: one poll() over the master, the runner and the
 * jails' pidfds.
 */
#ifndef SANDBOX_SPAWNER_SPAWNER_H
#define SANDBOX_SPAWNER_SPAWNER_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/span.h"
#include "policy/swap.h"
#include "sandbox/cgroup.h"
#include "sandbox/jail.h"
#include "sandbox/spawner/helper.h"

#define JAILS_MAX	512

#define HELD_MAX	64

struct jailed {
	pid_t			pid;		/* 0: gone; the place is free when its leaf is gone too */
	int			pidfd;
	struct cgroup_leaf	leaf;
	uint64_t		memory_bytes;	/* of the leaf, for whoever asks why it ended */
	bool			oom;		/* memory ran out */
	uint32_t		cpu_milli;
	int64_t			due_ms;		/* 0 none; to be throttled, or removed: monotonic */
	unsigned		tries;		/* of removing */
	int			state;		/* its state folder, to be measured; -1 not */
	char			*state_path;
	uint64_t		state_bytes;
	int64_t			measure_ms;	/* next; 0 never */
	char			*why;		/* it was ended by us, or NULL */
	char			private[24];	/* a reduced jail's folder below the tenant's; "" none */
	uint64_t		number;		/* net = list: as mcpgw-egress knows it */
	uint64_t		profile;
	char			server[128];
	struct jail_socket	*sockets;	/* of the jail's network; none: not a list */
	size_t			socket_count;
};

/* A SPAWN, or a SPAWN_NATIVE, that waits for mcpgw-egress. */
struct held {
	uint64_t	profile, instance, ref;
	int64_t		until_ms;
	char		server[128];
	bool		native;
	uint32_t	tool;		/* native */
	char		*values;	/* malloc'ed */
	size_t		value_bytes;
};

struct egress {
	int		fd;		/* the link, or -1 */
	bool		asked;		/* the master owes an answer */
	int64_t		again_ms;	/* when to ask anew */
	uint64_t	last_jail;
	struct held	held[HELD_MAX];	/* oldest first */
	size_t		held_count;
};

struct quota {
	struct helper	 helper;
	size_t		 who;			/* it measures: a place among jails, or JAILS_MAX */
	pid_t		 pid;			/* whose place it was */
	uint64_t	 tenant_bytes;		/* as the last started profile has it */
	int64_t		 tenant_ms, tenant_last_ms;	/* next, 0 not yet; the one before */
	char		 tenant_why[400];	/* why nothing starts, or "" */
	char		 why[400];
};

struct spawner {
	char		 tenant[128];
	char		 tenant_path[PATH_MAX];
	int		 tenant_dir;		/* the tenant's state folder, O_PATH */
	struct jail_mode mode;
	struct jail_probe_result probe;
	bool		 reduced;		/* jails are, as the probe found and the master allows */
	int		 strays;		/* reduced: our children (sandbox/strays.h), else -1 */
	int64_t		 strays_due_ms;		/* 0: none are expected */
	unsigned	 private_number, gone_number;
	struct helper	 sweeper;
	struct quota	 quota;
	bool		 sweep_again;
	int		 runner;		/* the pair with the runner */
	struct swap	 snaps;			/* profile and secrets in force */
	struct snap	*profile_before;	/* a runner may be one generation behind */
	struct egress	 egress;
	bool		 draining;
	int64_t		 drain_until_ms;
	struct cgroup_room cgroups;		/* the tenant's; no part where there are none */
	unsigned	 leaf_number;		/* of the last leaf */
	struct jailed	 jails[JAILS_MAX];
	size_t		 jail_count;
};

#endif
