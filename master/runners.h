/* SPDX-License-Identifier: Apache-2.0
 *
 * runners.h - each tenant's spawner and runner: started on demand, linked to the workers
 */
#ifndef MASTER_RUNNERS_H
#define MASTER_RUNNERS_H

#include "master/children.h"
#include "master/egress.h"
#include "master/spawn.h"

struct tenant {
	char		 name[64];
	struct child	 spawner, runner;
	struct spawn_user user;			/* of both, and of the tools */
	char		 dir[PATH_MAX];		/* state_dir/tenants/NAME */
	int		 peer[2];		/* the runner's end, the spawner's; -1 when sent */
	struct egress_link egress;
	uint64_t	 waiting;		/* workers, by slot */
	unsigned	 fails;			/* starts in a row that did not come to READY */
	uint64_t	 retry_ms;		/* not before */
	TAILQ_ENTRY(tenant) next;
};

TAILQ_HEAD(tenant_list, tenant);

struct tenants {
	struct tenant_list	list;
};

void	runners_init(struct tenants *t);
/* No process may be left. */
void	runners_fini(struct tenants *t);

/* This tenant's runner, when it serves; NULL otherwise. */
struct child *runners_serving(struct master *m, struct span tenant);
/* A worker asks: RUNNER_LINK now or when both are ready, or RUNNER_NONE. */
void	runners_want(struct master *m, struct child *worker, struct span tenant);
/* DIRECTORY, PEER for a starting one. */
void	runners_boot(struct child *c);
void	runners_on_ready(struct child *c);
void	runners_on_death(struct child *c);
/* After a change of policy: those of tenants that are no more leave, when their calls are over. */
void	runners_look(struct master *m);
/* All of them leave within this time. */
void	runners_drain(struct tenants *t, uint64_t within_ms);

#endif
