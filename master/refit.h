/* SPDX-License-Identifier: Apache-2.0
 *
 * refit.h - what a policy changes of the processes themselves: listeners, and how many workers there are
 */
#ifndef MASTER_REFIT_H
#define MASTER_REFIT_H

#include <stdbool.h>

#include "master/listen.h"
#include "master/snapset.h"

struct master;

struct refit {
	bool		 due;
	struct listeners listeners;
	uint32_t	 workers;
};

/* Opens the listeners that the parameters of this policy name, beside those that serve: 0, or an error with the line to
 * say in *why, and nothing is changed. */
must_check int	refit_prepare(struct master *m, const struct snapset *made, struct refit *r, char *why,
		    size_t why_bytes);
/* They take the place of those before, which are closed once every worker has emptied their queues; workers are
 * started, or retire.  After the policy was offered. */
void		refit_take(struct master *m, struct refit *r);
void		refit_drop(struct master *m, struct refit *r);

#endif
