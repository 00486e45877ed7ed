/* SPDX-License-Identifier: Apache-2.0
 *
 * test_times.c - places in time of rows, kept in order until they are written together
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>

#include "audit/times.h"

Test(times, are_sorted_whatever_comes)
{
	static struct times	t;

	srand(7);
	for (int kind = 0; kind < 4; kind++) {
		t.count = 0;
		for (uint64_t i = 1; !times_are_full(&t); i++)
			times_add(&t, kind == 0 ? i : kind == 1 ? TIMES_MAX - i : kind == 2 ? 5 :
			    (uint64_t)rand() % 1000, i);
		for (size_t i = 1; i < t.count; i++)
			cr_assert(t.v[i - 1].wall_ns < t.v[i].wall_ns || (t.v[i - 1].wall_ns == t.v[i].wall_ns &&
			    t.v[i - 1].number < t.v[i].number), "kind %d at %zu", kind, i);
	}
}
