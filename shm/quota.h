/* SPDX-License-Identifier: Apache-2.0
 *
 * quota.h - what was used of a quota in a day or a month, by all workers together
 *
 * A slot counts one quota in one period, so a new period is another slot, and a clock that is set back finds the old
 * one as it was.  mcpgw-store alone makes slots and moves marks; workers count.  A mark is what the store has on disk
 * as used already: nobody counts beyond it, so whatever dies, what was used is never more than what is remembered.
 */
#ifndef SHM_QUOTA_H
#define SHM_QUOTA_H

#include <stdbool.h>

#include "shm/region.h"

#define QUOTA_WINDOW	8
#define QUOTA_MAX	(UINT64_C(1) << 60)	/* of any */

struct quota_slot {
	_Atomic uint64_t	owner;		/* quota_key(); 0: free */
	_Atomic uint64_t	used, mark;
	_Atomic uint64_t	ends_ms;	/* of the period, by the wall clock; the store's */
	uint64_t		spare[4];
};
_Static_assert(sizeof(struct quota_slot) == 64, "a quota slot is a cache line");

enum quota_verdict {
	QUOTA_OK,
	QUOTA_EMPTY,	/* all of it was used */
	QUOTA_UNMARKED,	/* the store has to move the mark, or to make the slot, first */
};

/* The number of a quota in a period, by its content; never 0. */
uint64_t	quota_key(const struct region *r, struct span content);
/* Counts n, when used stays within `hard` and the mark.  *wants: the mark should be moved, whatever the verdict. */
must_check enum quota_verdict quota_take(const struct region *r, uint64_t key, uint64_t n, uint64_t hard,
		    uint64_t ahead, bool *wants);
/* Is there something left?  What costs is known when it was used only: quota_add(). */
must_check enum quota_verdict quota_look(const struct region *r, uint64_t key, uint64_t hard, uint64_t ahead,
		    bool *wants);
/* Counts what was used, whatever the quota and the mark are.  True: the mark should be moved. */
bool		quota_add(const struct region *r, uint64_t key, uint64_t n, uint64_t ahead);
/* Uncounts what was taken and not used. */
void		quota_give(const struct region *r, uint64_t key, uint64_t n);
/* False: nothing was counted yet. */
bool		quota_read(const struct region *r, uint64_t key, uint64_t *used);

/* --- the store alone ------------------------------------------------------------------------------ */

/* The slot of this quota, which is made when it is not there: with `used` counted already, and no mark beyond it.
 * One whose period ended before `past_ms` makes room.  NULL: its window is full. */
struct quota_slot *quota_slot_make(const struct region *r, uint64_t key, uint64_t used, uint64_t ends_ms,
		    uint64_t past_ms);

#endif
