/* SPDX-License-Identifier: Apache-2.0
 *
 * share.c - how much runs at once: each worker counts in its own slab, and looks at the others'
 *
 * Process: worker (own slab), master (clears).
 * Trusts:  nothing it reads: a hostile worker can make others refuse, or count too little, and do nothing worse.
 *
 * A count and whose it is are one word, so whoever dies leaves a whole state.  Two that take the last place at once
 * both see two too many, and both step back: too little for a moment, and never too much.
 */
#include "shm/share.h"

#define TAG(word)	((word) & ~UINT64_C(0xffff))
#define COUNT(word)	((word) & UINT64_C(0xffff))

static struct share_slab *
slab_at(const struct region *r, uint64_t slot)
{
	return region_slot(r, slot);
}

/* Nobody's tag is 0. */
static uint64_t
tag_of(uint64_t key)
{
	return TAG(key) == 0 ? UINT64_C(1) << 16 : TAG(key);
}

static _Atomic uint64_t *
window_of(struct share_slab *slab, uint64_t key)
{
	return &slab->words[key % (SHARE_WORDS / SHARE_WINDOW) * SHARE_WINDOW];
}

/* The word that counts this key; with `make` one that counts nothing now; else NULL. */
static _Atomic uint64_t *
word_find(struct share_slab *slab, uint64_t key, bool make)
{
	_Atomic uint64_t	*w = window_of(slab, key), *idle = NULL;
	uint64_t		 word;

	for (unsigned i = 0; i < SHARE_WINDOW; i++) {
		word = atomic_load(&w[i]);
		if (COUNT(word) > 0 && TAG(word) == tag_of(key))
			return &w[i];
		if (COUNT(word) == 0 && idle == NULL)
			idle = &w[i];
	}
	return make ? idle : NULL;
}

int
shares_init(struct shares *s, struct region *r, uint32_t slot)
{
	if (r->kind != REGION_SHARES || slot >= r->count)
		return E_RANGE;
	s->region = *r;
	s->slot = slot;
	*r = (struct region){ .slots = NULL };
	share_clear(&s->region, slot);
	return 0;
}

uint64_t
share_key(const struct shares *s, struct span content)
{
	return region_hash(&s->region, content);
}

uint64_t
share_of(const struct region *r, uint64_t key)
{
	_Atomic uint64_t	*w;
	uint64_t		 sum = 0;

	for (uint64_t i = 0; i < r->count; i++)
		if ((w = word_find(slab_at(r, i), key, false)) != NULL)
			sum += COUNT(atomic_load(w));
	return sum;
}

int
share_take(struct shares *s, uint64_t key, uint64_t max)
{
	_Atomic uint64_t	*w = word_find(slab_at(&s->region, s->slot), key, true);
	uint64_t		 word, count;

	if (w == NULL)
		return E_FULL;
	word = atomic_load(w);
	count = TAG(word) == tag_of(key) ? COUNT(word) : 0;
	/* Of what the others run nobody needs to know then; and nothing is written that they would have to step back
	 * for. */
	if (count >= max)
		return E_LIMITED;
	if (count == SHARE_MAX)
		return E_FULL;
	atomic_store(w, tag_of(key) | (count + 1));
	if (share_of(&s->region, key) <= max)
		return 0;
	atomic_store(w, tag_of(key) | count);
	return E_LIMITED;
}

void
share_give(struct shares *s, uint64_t key)
{
	_Atomic uint64_t	*w = word_find(slab_at(&s->region, s->slot), key, false);

	/* Another worker may have written here: below 0 there is nothing to count. */
	if (w != NULL)
		atomic_store(w, atomic_load(w) - 1);
}

void
share_clear(const struct region *r, uint32_t slot)
{
	struct share_slab	*slab;

	if (slot >= r->count)
		return;
	slab = slab_at(r, slot);
	for (unsigned i = 0; i < SHARE_WORDS; i++)
		atomic_store_explicit(&slab->words[i], 0, memory_order_relaxed);
}
