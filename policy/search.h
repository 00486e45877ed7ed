/* SPDX-License-Identifier: Apache-2.0
 *
 * search.h - finding a record in a sorted part of a snapshot
 *
 * The order is trusted for speed only: what is found is compared again, so a wrong order finds too little, never
 * something else.
 */
#ifndef POLICY_SEARCH_H
#define POLICY_SEARCH_H

#include "policy/snap.h"

/* The key compared with record i: less than, equal to or greater than 0. */
typedef int search_order_fn(const struct snap *s, uint64_t i, const void *key);

/* The first record of [low, high) that is not before the key; high when there is none. */
uint64_t	 search_lower(const struct snap *s, uint64_t low, uint64_t high, search_order_fn *order,
		    const void *key);
/* The record of [first, first + count) that equals the key, or NULL. */
const void	*search_part(const struct snap *s, enum snap_section section, uint64_t first, uint64_t count,
		    search_order_fn *order, const void *key);
/* The same of a whole section. */
const void	*search_all(const struct snap *s, enum snap_section section, search_order_fn *order, const void *key);

#endif
