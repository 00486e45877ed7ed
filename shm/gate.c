/* SPDX-License-Identifier: Apache-2.0
 *
 * gate.c - accept gate: a worker that has more than its share leaves the listening socket alone
 *
 * Process: worker (own slab), master (clears).
 * Trusts:  nothing: at worst a worker accepts later than it could.
 */
#include "shm/gate.h"

#define ALIVE	(UINT64_C(1) << 63)
#define WAITING	(UINT64_C(1) << 62)
#define COUNT(word) ((uint32_t)(word))
#define SLACK	8	/* few connections never wait for fairness */

static _Atomic uint64_t *
word_at(const struct region *r, uint64_t slot)
{
	return region_slot(r, slot);
}

void
gate_publish(const struct region *r, uint32_t slot, uint32_t connections, bool waiting)
{
	if (slot < r->count)
		atomic_store_explicit(word_at(r, slot), ALIVE | (waiting ? WAITING : 0) | connections,
		    memory_order_relaxed);
}

bool
gate_may_accept(const struct region *r, uint32_t slot, uint32_t connections)
{
	uint64_t	sum = connections, workers = 1, word;

	for (uint64_t i = 0; i < r->count; i++) {
		word = atomic_load_explicit(word_at(r, i), memory_order_relaxed);
		if (i == slot || !(word & ALIVE) || !(word & WAITING))
			continue;
		sum += COUNT(word);
		workers++;
	}
	/* connections <= 1.05 * mean + SLACK, in integers */
	return (uint64_t)connections * workers * 20 <= sum * 21 + SLACK * workers * 20;
}

uint64_t
gate_connections(const struct region *r)
{
	uint64_t	sum = 0;

	for (uint64_t i = 0; i < r->count; i++)
		sum += COUNT(atomic_load_explicit(word_at(r, i), memory_order_relaxed));
	return sum;
}

void
gate_clear(const struct region *r, uint32_t slot)
{
	if (slot < r->count)
		atomic_store_explicit(word_at(r, slot), 0, memory_order_relaxed);
}
