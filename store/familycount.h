/* SPDX-License-Identifier: Apache-2.0
 *
 * familycount.h - the store: how many sessions each tenant has, and whether it may have one more
 */
#ifndef STORE_FAMILYCOUNT_H
#define STORE_FAMILYCOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"

struct family_counts {			/* all zero: nobody has any */
	struct family_count {
		uint64_t	tenant, count;	/* sum64() of its name */
	}		*of;
	size_t		 used, room;
	uint64_t	 all;
};

/* 0; E_NOMEM: as it was. */
must_check int	family_counts_add(struct family_counts *c, uint64_t tenant);
/* So many of it are gone. */
void		family_counts_take(struct family_counts *c, uint64_t tenant, uint64_t gone);
/* Has it as many as are left of `most` for all?  So the first tenant gets half of them at most, and who comes next
 * finds some always. */
bool		family_counts_full(const struct family_counts *c, uint64_t tenant, uint64_t most);
void		family_counts_clear(struct family_counts *c);

#endif
