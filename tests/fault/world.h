/* SPDX-License-Identifier: Apache-2.0
 *
 * world.h - the gateway that a run of faults is about: two tenants, servers over stdio and HTTP in both eras, two policies
 */
#ifndef TESTS_FAULT_WORLD_H
#define TESTS_FAULT_WORLD_H

#include "tests/fault/load.h"
#include "tests/harness/gateway.h"

#define WORLD_WORKERS	3

/* A process that was the gateway's at some time; all must be gone when it is. */
struct process {
	struct proc	 is;
	size_t		 fds, rss_kib;	/* when it was last looked at; 0: unknown */
};

LOG_OF(process, process_log);

struct world {
	struct gateway		 g;
	struct story		 story;
	struct load		 load;
	char			 address[64];
	pid_t			 http[PLACE_LIMIT];
	unsigned		 ports[PLACE_LIMIT];	/* of these */
	unsigned		 which;			/* the policy in force */
	uint64_t		 random;
	struct process_log	 processes;
	unsigned		 more_kib;		/* a process may have at the end; as set before world_start() */
	struct procs		*now;			/* as of the last world_look() */
	/* As set before world_start(): when the gateway's folder is there, and before it is removed; or NULL. */
	void			(*before)(const struct gateway *g), (*after)(const struct gateway *g);
};

/* The gateway runs, each server has answered, and no load is on.  *w is zero but for what is set before. */
void	world_start(struct world *w, unsigned seed, const char *conf);
/* What clients, servers and audit have seen goes into the story; then checks it, what is left of processes, descriptors
 * and memory, and ends the gateway.  Each lie fails the test. */
void	world_end(struct world *w);

/* What its processes hold now is what they may hold at the end, about. */
void	world_weigh(struct world *w);
/* Which processes there are now; remembers them. */
void	world_look(struct world *w);
/* Writes both tenants' rules of this policy, and has them put in force. False: refused. */
bool	world_reload(struct world *w, unsigned which);
/* The generation in force is that of the policy in force: after a start. */
void	world_note_policy(struct world *w);
/* For wait_until(): each place has answered, with a result, a call that began later than that. */
struct world_since {
	struct world	*w;
	int64_t		 us;
};
bool	world_serves_since(void *arg);
/* 0: default's, 1: acme's, as far as users tell. */
unsigned world_tenant_of(pid_t pid);

#endif
