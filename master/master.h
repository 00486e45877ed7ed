/* SPDX-License-Identifier: Apache-2.0
 *
 * master.h - what the master is made of; each part has its file
 */
#ifndef MASTER_MASTER_H
#define MASTER_MASTER_H

#include "lib/where.h"
#include "master/adminlog.h"
#include "master/approvals.h"
#include "master/admin.h"
#include "master/cgroups.h"
#include "master/children.h"
#include "master/compile.h"
#include "master/ctlsock.h"
#include "master/dirs.h"
#include "master/egress.h"
#include "master/grants.h"
#include "master/heir.h"
#include "master/lapse.h"
#include "master/learn.h"
#include "master/listen.h"
#include "master/options.h"
#include "master/peers.h"
#include "master/pins.h"
#include "master/private.h"
#include "master/query.h"
#include "master/rates.h"
#include "master/regions.h"
#include "master/refit.h"
#include "master/reload.h"
#include "master/rollback.h"
#include "master/runners.h"
#include "master/scout.h"
#include "master/snapset.h"
#include "master/spawn.h"
#include "master/start.h"
#include "master/status.h"
#include "master/stop.h"
#include "master/standin.h"
#include "master/ticketkeys.h"
#include "master/upgrade.h"
#include "master/userlogin.h"
#include "master/watch.h"
#include "master/workers.h"
#include "policy/params.h"
#include "sandbox/jail.h"

#define MASTER_WORKERS_MAX 64

struct master {
	struct loop		*loop;
	const struct options	*options;
	struct where		 where;
	bool			 foreground, personal;
	char			 libexec[PATH_MAX];	/* the folder of the children's programs */
	char			 program[PATH_MAX];	/* ours; a newer one may be there by now */
	struct spawn_user	 user[ROLE_LIMIT];
	enum jail_fallback	 fallback;		/* of this start */

	struct snap		*policy;		/* mapped for its parameters alone */
	struct params		 params;		/* texts live in policy */
	struct snapset		 in_force;
	struct rollback		 rollback;
	uint64_t		 generation;		/* last one given to a compiler */
	uint64_t		 policy_generation;	/* in force */
	uint64_t		 policy_since_ms;	/* wall clock */
	struct reload_by	 policy_by;
	bool			 last_good;		/* the text does not compile; the stored policy serves */

	uint64_t		 boot;			/* wall clock ms of this start */
	uint64_t		 start_ms;		/* monotonic */
	bool			 ready, stopping;
	bool			 holds;			/* no calls are taken: mcpgwctl drain */
	struct start		 start;
	struct stop		 stop;
	struct heir		 heir;			/* what a master before left */
	struct upgrade		 upgrade;		/* and what we leave */
	struct loop_io		 standin_io;
	bool			 standin_watched;
	int			 log_fd;

	struct dirs		 dirs;
	struct cgroups		 cgroups;
	char			 store_dir[PATH_MAX], audit_dir[PATH_MAX], spool_dir[PATH_MAX];
	struct regions		 regions;
	struct rates		 rates;
	int			 keyring;		/* sealed memfd */
	struct ticket_keys	 ticket_keys;
	int			 grants_key;		/* another */
	struct listeners	 listeners;

	struct children		 children;
	struct child		 store, auditor, prober, egress, admin, scout;
	struct child		 workers[MASTER_WORKERS_MAX];	/* by slot */
	uint32_t		 workers_wanted;	/* as `workers` says */
	struct tenants		 tenants;
	struct peer_pairs	 pairs;

	struct compile		 compile;
	struct reload		 reload;
	struct learn		 learn;
	struct lapse		 lapse;
	struct userlogins	 userlogins;
	struct status		 status;
	struct pins		 pins;
	struct adminlog		 adminlog;
	struct approvals	 approvals;
	struct ctlsock		 ctl;
	struct queries		 queries;
	struct watch		 watch;
	struct private		 private;
};

/* The policy of this set gives its parameters from here on; a copy is mapped.  Old texts die. */
must_check int	master_load_params(struct master *m, const struct snapset *from);

#endif
