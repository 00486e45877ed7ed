/* SPDX-License-Identifier: Apache-2.0
 *
 * reduce.h - a plan for a jail without namespaces: every path as it is on the host
 */
#ifndef SANDBOX_SPAWNER_REDUCE_H
#define SANDBOX_SPAWNER_REDUCE_H

#include "sandbox/spawner/plan.h"

/* Where the instance's folders are on the host. */
struct reduce_folders {
	const char	*home, *tmp;	/* borrowed, for as long as the plan */
};

/* Names of the jail in program, arguments, environment and working folder become names of the host, where
 * they begin a word; not in what a client filled in (p->foreign).  The bound on processes becomes one for all
 * of the tenant's: the kernel counts a user's together.  0, E_DENIED (it cannot be had so) or E_TOOBIG, with p->why. */
must_check int	reduce_plan(struct plan *p, const struct rec_profile *rec, const struct reduce_folders *f);

#endif
