/* SPDX-License-Identifier: Apache-2.0
 *
 * buckets.h - the limits in force and what is left of them, as a worker sees them now
 */
#ifndef CTL_SHOW_BUCKETS_H
#define CTL_SHOW_BUCKETS_H

#include <stdbool.h>
#include <stdint.h>

#include "ctl/ctl.h"

enum bucket_kind { BUCKET_RATE, BUCKET_CONCURRENT, BUCKET_QUOTA };

struct bucket {
	enum bucket_kind kind;
	char		of[8];			/* "agent", "tool", "server", "tenant", "gateway", "each" */
	char		tenant[64], name[128], tool[128];	/* the agent; or the server and its tool */
	char		rule[160];
	char		as[64];			/* what the name asked for is here: "agent", "tenant server" */
	char		rate[48];		/* "50/s", "10 at once", "200000 calls/month" */
	bool		has_left;		/* of "each" there is one for whoever calls */
	uint64_t	interval_ns, burst;	/* of a rate */
	uint64_t	most, left;		/* tokens, calls, ms or bytes */
	char		what[8], period[8];	/* of a quota */
	uint64_t	ends_ms, warn;
};

typedef void	bucket_fn(const struct bucket *b, void *arg);
/* In words for people: "5 h 2 min", "1.5 GiB", or a number. */
const char	*bucket_amount(const struct bucket *b, uint64_t n, char *to, size_t room);
/* Whose limits: the name, "agent", "server", "tool", "tenant" or "gateway", and of which tenant; NULL: any. */
struct bucket_whose {
	const char	*name, *as, *tenant;
};
/* These begin anew; fn hears of each. */
int		buckets_reset(struct ctl *ctl, const struct bucket_whose *whose, bucket_fn *fn, void *arg);
/* whose NULL: all.  The exit code; with `say` why nothing is there to be asked is said. */
int		buckets_each(struct ctl *ctl, const struct bucket_whose *whose, bool say, bucket_fn *fn, void *arg);
/* A tenth or less of a bucket is left, or of a quota what its warn says; caps come and go. */
bool		bucket_is_near_end(const struct bucket *b);

#endif
