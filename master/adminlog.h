/* SPDX-License-Identifier: Apache-2.0
 *
 * adminlog.h - who changed what of the gateway, for the audit: keys, tokens, policies, approvals, ended calls
 *
 * Each is told to the auditor until it says that it is kept, under a number, so that none comes twice.  Nothing waits
 * for it: what has to be done is done, whatever the disk says, and the log has it too.
 */
#ifndef MASTER_ADMINLOG_H
#define MASTER_ADMINLOG_H

#include <sys/queue.h>

#include "lib/loop.h"
#include "master/reload.h"

#define ADMINLOG_MAX	1024		/* that wait */

struct master;

struct adminlog {
	struct master		*m;
	TAILQ_HEAD(, admin_note) waiting;	/* the oldest first */
	size_t			 count;
	uint64_t		 number;	/* of the last one */
	struct loop_timer	 again;
};

void	adminlog_init(struct adminlog *a, struct master *m);
void	adminlog_fini(struct adminlog *a);
/* What this user did, "key add"; object: to what; outcome: "ok", "refused", "unknown". */
void	adminlog_add_user(struct adminlog *a, uint32_t uid, const char *method, const char *object,
	    const char *outcome);
/* A policy came in force, or was refused. */
void	adminlog_add_policy(struct adminlog *a, struct reload_by by, bool rollback, uint64_t generation,
	    bool refused);
/* The auditor is there, or is there again. */
void	adminlog_on_auditor(struct adminlog *a);
void	adminlog_on_noted(struct adminlog *a, uint64_t number);

#endif
