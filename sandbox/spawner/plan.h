/* SPDX-License-Identifier: Apache-2.0
 *
 * plan.h - from a profile in the snapshot to the spec of a jail
 */
#ifndef SANDBOX_SPAWNER_PLAN_H
#define SANDBOX_SPAWNER_PLAN_H

#include "policy/policy.h"
#include "sandbox/jail.h"

struct plan {
	struct jail_spec	 spec;
	char			*room;		/* one mapping: all that spec points to */
	size_t			 room_bytes, used;
	char			 why[160];	/* after an error, for the operator */
};

/* Copies everything, so that the snapshots need not be in the child's memory.  `secrets` may be NULL.
 * 0; E_NOTFOUND (a secret is missing), E_TOOBIG, E_FORMAT (the profile contradicts itself) or
 * E_NOMEM, with p->why. */
must_check int	plan_make(const struct snap *profile, const struct rec_profile *rec,
		    const struct snap *secrets, int state_fd, struct plan *p);
/* Memory that lives as long as the plan, aligned for anything; NULL when there is no more. */
void		*plan_room(struct plan *p, size_t bytes);
const char	*plan_copy(struct plan *p, const char *string);	/* in it; NULL likewise */
/* The room may hold secrets: it is unmapped, not only freed. */
void		plan_fini(struct plan *p);

#endif
