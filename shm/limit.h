/* SPDX-License-Identifier: Apache-2.0
 *
 * limit.h - token buckets in shared memory (GCRA); over all workers, rate x time + burst is never
 *           exceeded, whoever dies when
 *
 * The key names what is limited by its content ("agent\0default\0backend"), so it means the same in
 * every worker and every policy generation.  limit_priv.h has the protocol step by step.
 */
#ifndef SHM_LIMIT_H
#define SHM_LIMIT_H

#include <stdbool.h>

#include "shm/region.h"

struct limits {
	struct region	region;		/* REGION_LIMITS */
	uint32_t	claimer;	/* unique among the living: the worker's slot */
	uint64_t	(*clock_ns)(void);	/* monotonic; tests set their own */
};

enum limit_verdict {
	LIMIT_OK,
	LIMIT_EMPTY,	/* no token left: retry_after_ns says when */
	LIMIT_CROWDED,	/* others are at it, or one of them died there just now */
	LIMIT_FULL,	/* no room in the table */
};

/* Takes the region over (it is unmapped by limits_fini).  E_RANGE when claimer is over 255. */
must_check int	limits_init(struct limits *l, struct region *r, uint32_t claimer);
void		limits_fini(struct limits *l);

/* The number of a key in this table. */
uint64_t	limit_key(const struct limits *l, struct span content);

/* Takes one token of a bucket of `burst` tokens, refilled one every interval_ns (both at least 1).
 * Anything but LIMIT_OK means: refuse; *retry_after_ns is then more than 0.
 * now_ns is the monotonic clock and may be late by a loop's turn. */
must_check enum limit_verdict limit_take(const struct limits *l, uint64_t key, uint64_t interval_ns,
		    uint64_t burst, uint64_t now_ns, uint64_t *retry_after_ns);
/* The same with several tokens at once; more than `burst` count as that many. */
must_check enum limit_verdict limit_take_many(const struct limits *l, uint64_t key, uint64_t tokens,
		    uint64_t interval_ns, uint64_t burst, uint64_t now_ns, uint64_t *retry_after_ns);
/* What was taken, so that it can be given back. */
struct limit_taken {
	uint64_t	key, before, after;	/* the bucket's time */
};
/* The same, for a call that others may still refuse.  Fills *out when it is LIMIT_OK. */
must_check enum limit_verdict limit_charge(const struct limits *l, uint64_t key, uint64_t tokens,
		    uint64_t interval_ns, uint64_t burst, uint64_t now_ns, struct limit_taken *out,
		    uint64_t *retry_after_ns);
/* As if it had not been taken.  False: somebody has taken since, so it stays taken: never too much is admitted. */
bool		limit_give(const struct limits *l, const struct limit_taken *taken);
/* Full again, whatever was taken; an operator's. */
void		limit_reset(const struct limits *l, uint64_t key, uint64_t now_ns);
/* How many tokens are there now: for headers and status, may be outdated when it returns. */
uint64_t	limit_left(const struct limits *l, uint64_t key, uint64_t interval_ns, uint64_t burst,
		    uint64_t now_ns);

#endif
