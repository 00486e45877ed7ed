/* SPDX-License-Identifier: Apache-2.0
 *
 * regions.h - regions for tests of the tables in them
 */
#ifndef TESTS_UNIT_SHM_REGIONS_H
#define TESTS_UNIT_SHM_REGIONS_H

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "lib/fd.h"
#include "shm/region.h"

static inline struct region
region_for_test(enum region_kind kind, uint32_t workers)
{
	struct region	r;
	int		fd;

	cr_assert(eq(int, region_create(kind, workers, &fd), 0));
	cr_assert(eq(int, region_map(fd, kind, &r), 0));
	fd_close(&fd);
	return r;
}

/* Two mappings of one region: two processes. */
static inline void
region_pair(enum region_kind kind, uint32_t workers, struct region *a, struct region *b)
{
	int	fd;

	cr_assert(eq(int, region_create(kind, workers, &fd), 0));
	cr_assert(eq(int, region_map(fd, kind, a), 0));
	cr_assert(eq(int, region_map(fd, kind, b), 0));
	fd_close(&fd);
}

#endif
