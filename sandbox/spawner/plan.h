/* SPDX-License-Identifier: Apache-2.0
 *
 * plan.h - from a profile in the snapshot to the spec of a jail
 */
#ifndef SANDBOX_SPAWNER_PLAN_H
#define SANDBOX_SPAWNER_PLAN_H

#include "policy/policy.h"
#include "policy/slots.h"
#include "sandbox/jail.h"

/* Where in an argument a client's value stands. */
struct plan_value {
	size_t	at, bytes;
};

struct plan_foreign {
	const struct plan_value	*values;	/* in order */
	size_t			 count;
};

struct plan {
	struct jail_spec	 spec;
	const struct plan_foreign *foreign;	/* of each of spec.argv; NULL: nothing in them is a client's */
	char			*room;		/* one mapping: all that spec points to */
	size_t			 room_bytes, used;
	char			 why[160];	/* after an error, for the operator */
};

/* A program among a profile's tools, and what the client filled in. */
struct plan_tool {
	const struct rec_tool		*tool;
	const struct slot_values	*values;
};

/* Copies everything, so that the snapshots need not be in the child's memory.  `secrets` may be NULL.
 * 0; E_NOTFOUND (a secret is missing), E_TOOBIG, E_FORMAT (the profile contradicts itself) or
 * E_NOMEM, with p->why. */
must_check int	plan_make(const struct snap *profile, const struct rec_profile *rec,
		    const struct snap *secrets, int state_fd, struct plan *p);
/* The same for a tool of a server with SERVER_FLAG_NATIVE (native.c): its arguments are made of its template and
 * the values, which are checked here, and it has no state folder.  E_RANGE besides: a value is refused, p->why
 * is for the client. */
must_check int	plan_make_tool(const struct snap *profile, const struct rec_profile *rec,
		    const struct snap *secrets, const struct plan_tool *tool, struct plan *p);
/* The room may hold secrets: it is unmapped, not only freed. */
void		plan_fini(struct plan *p);

#endif
