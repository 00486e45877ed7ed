/* SPDX-License-Identifier: Apache-2.0
 *
 * inflight.h - calls in flight, and how many there were: each worker counts in its own slab, the sum is the total
 *
 * A slab has one writer, its worker; the master clears what is in flight when it has reaped that worker.
 */
#ifndef SHM_INFLIGHT_H
#define SHM_INFLIGHT_H

#include "shm/region.h"

struct inflight {
	struct region	region;		/* REGION_INFLIGHT */
	uint32_t	slot;		/* the worker's own */
};

/* Takes the region over and clears what is in flight in the own slab.  E_RANGE when there is no such slot. */
must_check int	inflight_init(struct inflight *f, struct region *r, uint32_t slot);
void		inflight_fini(struct inflight *f);

/* One more, one less call of this key (a profile hash, a principal hash; not 0).  E_FULL when the own
 * slab has no room for another key; then nothing is counted and nothing must be ended. */
must_check int	inflight_begin(struct inflight *f, uint64_t key);
void		inflight_end(struct inflight *f, uint64_t key);

/* Over all workers. */
uint64_t	inflight_of(const struct region *r, uint64_t key);
uint64_t	inflight_total(const struct region *r);
/* Every key of every slab, so a key once for each worker that had it: what is in flight, and how many calls began. */
typedef void	inflight_each_fn(uint64_t key, uint64_t count, uint64_t calls, void *arg);
void		inflight_each(const struct region *r, inflight_each_fn *fn, void *arg);
/* The master, after it has reaped the worker of this slot.  Writes only. */
void		inflight_clear(const struct region *r, uint32_t slot);

#endif
