/* SPDX-License-Identifier: Apache-2.0
 *
 * buckets.h - the buckets of agents and tools, as a worker sees them now
 */
#ifndef CTL_BUCKETS_H
#define CTL_BUCKETS_H

#include <stdbool.h>
#include <stdint.h>

#include "ctl/ctl.h"

struct bucket {
	char		of[8];			/* "agent" or "tool" */
	char		tenant[64], name[128], tool[128];	/* the agent; or the server and its tool */
	char		rule[160];
	char		rate[32];		/* "50/s" */
	uint64_t	interval_ns, burst, left;
};

typedef void	bucket_fn(const struct bucket *b, void *arg);
/* The exit code; with `say` why nothing is there to be asked is said. */
int		buckets_each(struct ctl *ctl, bool say, bucket_fn *fn, void *arg);
/* A tenth or less is left. */
bool		bucket_is_near_end(const struct bucket *b);

#endif
