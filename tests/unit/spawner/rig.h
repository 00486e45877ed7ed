/* SPDX-License-Identifier: Apache-2.0
 *
 * rig.h - mcpgw-spawn itself, between a master and a runner that are the test
 */
#ifndef TESTS_UNIT_SPAWNER_RIG_H
#define TESTS_UNIT_SPAWNER_RIG_H

#include "ipc/wait.h"
#include "policy/build.h"
#include "sandbox/cgroup.h"
#include "sandbox/jail.h"

/* One tool of a profile: a shell script in tier runtime; without net, or with a host of a port. */
struct rig_tool {
	const char	*name, *script, *workdir, *program;
	uint16_t	 port;			/* not 0: "net" is a list of one host with it */
	bool		 learns;
	bool		 wants_secret;		/* TOKEN in its environment, from the secrets */
	bool		 native;		/* its one program is the script, with the values of RIG_WORD (a name,
						 * required), RIG_FILE (a path) and RIG_NEW (one that may be made) as
						 * arguments; workdir is shown */
	unsigned	 isolation;		/* enum server_isolation */
	uint64_t	 memory_bytes;		/* 0: 1 GiB */
	uint32_t	 pids, cpu_milli;	/* 0: none */
	int		 landlock_abi_max;
	uint64_t	 state_bytes, tenant_bytes;	/* 0: none */
};

struct rig {
	pid_t		 pid;		/* the spawner's */
	int		 master, runner;	/* our ends */
	int		 egress;	/* our end of the last link, as mcpgw-egress; -1 */
	uint32_t	 probe;		/* enum probe_result, as the spawner told it */
	bool		 reduced;	/* no namespaces, and the fallback that is for that */
	char		 folder[64];	/* the tenant's state folder */
	char		 cgroup[CGROUP_PART_LIMIT][96];	/* the tenant's, version 1; "" none */
	char		 room[FRAME_MAX];
	struct frame	 frame;		/* the last message */
	union msg_any	 body;
};

/* Starts the spawner as an ordinary user, offers the profile (and the secret, if not NULL), takes it
 * through READY.  Skips the test where jails cannot be built. */
void	rig_start(struct rig *r, const struct rig_tool *tools, size_t count, const char *secret);
/* The same where namespaces are refused, and reduced jails allowed. */
void	rig_start_reduced(struct rig *r, const struct rig_tool *tools, size_t count);
/* The same with a tenant's cgroups, where they can be made: as root, version 1.  Skips the test elsewhere. */
void	rig_start_in_cgroups(struct rig *r, const struct rig_tool *tools, size_t count);
/* Closes what is open and waits for the spawner; answers its wait(2) status. */
int	rig_stop(struct rig *r);

/* The next message on this end must be of this type; fails the test after 10 s. */
void	rig_expect(struct rig *r, int end, uint16_t type);
/* A link to mcpgw-egress, which is us; the one before stays open with the caller, if it is not closed. */
void	rig_link(struct rig *r);
void	rig_offer(struct rig *r, const struct rig_tool *tools, size_t count, uint64_t generation);
uint64_t rig_hash(const struct rig_tool *tool);
void	rig_spawn(struct rig *r, const struct rig_tool *tool, uint64_t instance, uint64_t ref);

enum { RIG_WORD, RIG_FILE, RIG_NEW, RIG_SLOTS };
/* Values as they travel. */
void	rig_spawn_native(struct rig *r, const struct rig_tool *tool, uint32_t index, struct span values, uint64_t ref);

struct rig_jail {
	int	in, out, err, lifeline, pidfd, listener;
	pid_t	pid;
};
/* SPAWNED and SPAWNED_WATCH must come. */
void	rig_spawned(struct rig *r, uint64_t ref, struct rig_jail *j);
void	rig_jail_close(struct rig_jail *j);
/* All of its stdout, at most 4 KiB, static. */
const char *rig_read(int fd);
/* SPAWN_FAILED comes, of this step, and says so. */
void	rig_expect_failure(struct rig *r, enum jail_step step, const char *says);

#endif
