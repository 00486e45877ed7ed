/* SPDX-License-Identifier: Apache-2.0
 *
 * inflight.c - calls in flight: each worker counts in its own slab, the sum is the total
 *
 * Process: worker (own slab), master (clears, reads for status).
 * Trusts:  nothing: a sum of what a hostile worker wrote is a wrong sum and nothing worse.
 */
#include "shm/inflight.h"
#include "shm/inflight_priv.h"

#define GET(word)	atomic_load_explicit(&(word), memory_order_relaxed)
#define SET(word, to)	atomic_store_explicit(&(word), (to), memory_order_relaxed)

static struct inflight_slab *
slab_at(const struct region *r, uint64_t slot)
{
	return region_slot(r, slot);
}

int
inflight_init(struct inflight *f, struct region *r, uint32_t slot)
{
	if (r->kind != REGION_INFLIGHT || slot >= r->count)
		return E_RANGE;
	f->region = *r;
	f->slot = slot;
	*r = (struct region){ .slots = NULL };
	inflight_clear(&f->region, slot);
	return 0;
}

void
inflight_fini(struct inflight *f)
{
	region_unmap(&f->region);
}

/* The entry of this key; else, with `make`, one that was never used, or of a key that has no call now: then that
 * one's are forgotten; else NULL.  An idle entry may stand before a live one, so the whole chain up to a never-used
 * entry is looked through. */
static struct inflight_entry *
entry_find(struct inflight_slab *slab, uint64_t key, bool make)
{
	struct inflight_entry	*e, *idle = NULL;
	uint64_t		 k;

	for (unsigned i = 0; i < INFLIGHT_KEYS; i++) {
		e = &slab->entries[(key + i) % INFLIGHT_KEYS];
		k = GET(e->key);
		if (k == key)
			return e;
		if (k == 0)
			return make ? e : NULL;
		if (idle == NULL && GET(e->count) == 0)
			idle = e;
	}
	return make ? idle : NULL;
}

int
inflight_begin(struct inflight *f, uint64_t key)
{
	struct inflight_slab	*slab = slab_at(&f->region, f->slot);
	struct inflight_entry	*e = entry_find(slab, key, true);

	if (e == NULL)
		return E_FULL;
	if (GET(e->key) != key) {
		SET(e->calls, 0);
		SET(e->key, key);
	}
	SET(e->count, GET(e->count) + 1);
	SET(e->calls, GET(e->calls) + 1);
	SET(slab->total, GET(slab->total) + 1);
	return 0;
}

void
inflight_end(struct inflight *f, uint64_t key)
{
	struct inflight_slab	*slab = slab_at(&f->region, f->slot);
	struct inflight_entry	*e = entry_find(slab, key, false);

	/* Another worker may have written here: below 0 there is nothing to count. */
	if (e != NULL && GET(e->count) > 0)
		SET(e->count, GET(e->count) - 1);
	if (GET(slab->total) > 0)
		SET(slab->total, GET(slab->total) - 1);
}

uint64_t
inflight_of(const struct region *r, uint64_t key)
{
	struct inflight_entry	*e;
	uint64_t		 sum = 0;

	for (uint64_t i = 0; i < r->count; i++)
		if ((e = entry_find(slab_at(r, i), key, false)) != NULL)
			sum += GET(e->count);
	return sum;
}

uint64_t
inflight_total(const struct region *r)
{
	uint64_t	sum = 0;

	for (uint64_t i = 0; i < r->count; i++)
		sum += GET(slab_at(r, i)->total);
	return sum;
}

void
inflight_each(const struct region *r, inflight_each_fn *fn, void *arg)
{
	struct inflight_slab	*slab;
	uint64_t		 key;

	for (uint64_t i = 0; i < r->count; i++) {
		slab = slab_at(r, i);
		for (unsigned k = 0; k < INFLIGHT_KEYS; k++)
			if ((key = GET(slab->entries[k].key)) != 0)
				fn(key, GET(slab->entries[k].count), GET(slab->entries[k].calls), arg);
	}
}

void
inflight_clear(const struct region *r, uint32_t slot)
{
	struct inflight_slab	*slab;

	if (slot >= r->count)
		return;
	slab = slab_at(r, slot);
	SET(slab->total, 0);
	for (unsigned i = 0; i < INFLIGHT_KEYS; i++)
		SET(slab->entries[i].count, 0);
}
