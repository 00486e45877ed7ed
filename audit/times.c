/* SPDX-License-Identifier: Apache-2.0
 *
 * times.c - places in time of rows, kept in order until they are written together
 *
 * Process: mcpgw-audit.  Owns: nothing.  Trusts: no time; a worker may say what it likes.
 */
#include <string.h>

#include "audit/times.h"
#include "lib/bug.h"

void
times_add(struct times *t, uint64_t wall_ns, uint64_t number)
{
	size_t	low = 0, at = t->count;

	BUG_ON(times_are_full(t));
	if (at > 0 && t->v[at - 1].wall_ns > wall_ns) {
		/* Behind its like: their numbers are lower. */
		for (size_t high = at; low < high; at = low) {
			size_t mid = (low + high) / 2;

			if (t->v[mid].wall_ns > wall_ns)
				high = mid;
			else
				low = mid + 1;
		}
		memmove(&t->v[at + 1], &t->v[at], (t->count - at) * sizeof(t->v[0]));
	}
	t->v[at] = (struct time_place){ wall_ns, number };
	t->count++;
}
