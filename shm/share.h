/* SPDX-License-Identifier: Apache-2.0
 *
 * share.h - how much runs at once of what is capped: each worker's share in its own slab, the sum is the total
 *
 * A slab has one writer, its worker; the master clears that of a worker it has reaped, so that nothing leaks.  The sum
 * over all never exceeds a cap, whatever the order: who takes counts itself first and looks at the others then.
 */
#ifndef SHM_SHARE_H
#define SHM_SHARE_H

#include <stdbool.h>

#include "shm/region.h"

#define SHARE_WINDOW	8		/* one cache line */
#define SHARE_WORDS	4096		/* of a slab */
#define SHARE_MAX	0xffff		/* of one key in one worker */

struct share_slab {
	_Atomic uint64_t	words[SHARE_WORDS];	/* 48 bits of the key, 16 bits counting; count 0: free */
};
_Static_assert(sizeof(struct share_slab) == 32768, "a slab of shares is 32 KiB");

struct shares {
	struct region	region;		/* REGION_SHARES */
	uint32_t	slot;		/* the worker's own */
};

/* Takes the region over and clears the own slab.  E_RANGE when there is no such slot. */
must_check int	shares_init(struct shares *s, struct region *r, uint32_t slot);

/* One more of this key (share_key()), of which max may run over all workers.  E_LIMITED: so many do; E_FULL: no room
 * to count it, which refuses too.  0 is to be ended by share_give(). */
must_check int	share_take(struct shares *s, uint64_t key, uint64_t max);
void		share_give(struct shares *s, uint64_t key);
uint64_t	share_key(const struct shares *s, struct span content);
/* Over all workers; may be outdated when it returns. */
uint64_t	share_of(const struct region *r, uint64_t key);
/* The master, after it has reaped the worker of this slot.  Writes only. */
void		share_clear(const struct region *r, uint32_t slot);

#endif
