/* SPDX-License-Identifier: Apache-2.0
 *
 * search.c - finding a record in a sorted part of a snapshot
 *
 * Process: all but mcpgwctl's own commands.  Owns: nothing.
 */
#include "policy/search.h"

uint64_t
search_lower(const struct snap *s, uint64_t low, uint64_t high, search_order_fn *order, const void *key)
{
	while (low < high) {
		uint64_t mid = low + (high - low) / 2;

		if (order(s, mid, key) > 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

const void *
search_part(const struct snap *s, enum snap_section section, uint64_t first, uint64_t count, search_order_fn *order,
    const void *key)
{
	uint64_t	i = search_lower(s, first, first + count, order, key);

	return i < first + count && order(s, i, key) == 0 ? snap_at(s, section, i) : NULL;
}

const void *
search_all(const struct snap *s, enum snap_section section, search_order_fn *order, const void *key)
{
	return search_part(s, section, 0, snap_count(s, section), order, key);
}
