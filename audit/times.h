/* SPDX-License-Identifier: Apache-2.0
 *
 * times.h - places in time of rows, kept in order until they are written together
 *
 * Calls end nearly in the order in which they began, so an index by time grows nearly always at its
 * end; but only keys that come in order can be appended to it, which is cheap and leaves full pages.
 */
#ifndef AUDIT_TIMES_H
#define AUDIT_TIMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TIMES_MAX 4096

struct time_place {
	uint64_t	wall_ns, number;
};

struct times {
	size_t			count;
	struct time_place	v[TIMES_MAX];	/* sorted */
};

static inline bool
times_are_full(const struct times *t)
{
	return t->count == TIMES_MAX;
}

/* There is room, and `number` is higher than all others. */
void	times_add(struct times *t, uint64_t wall_ns, uint64_t number);

#endif
