/* SPDX-License-Identifier: Apache-2.0
 *
 * regions.h - the shared memory of all workers: one descriptor of each kind
 */
#ifndef MASTER_REGIONS_H
#define MASTER_REGIONS_H

#include "shm/region.h"

struct regions {
	uint32_t	 workers;
	int		 fd[REGION_LIMIT];	/* by kind; -1 */
	struct region	 inflight, shares, metrics;	/* mapped: cleared after a death, summed for status */
	struct region	 breakers;		/* mapped for reading: counted */
};

/* before: what a master before left, by kind, or NULL; what is of use is taken from it.  0, or what region_create() and
 * region_map() answer; logged. */
must_check int	regions_init(struct regions *r, uint32_t workers, int *before);
void		regions_fini(struct regions *r);
/* The worker of this slot is dead. */
void		regions_clear_worker(struct regions *r, uint32_t slot);

#endif
