/* SPDX-License-Identifier: Apache-2.0
 *
 * quota.c - what was used of a quota: counted by workers, within a mark that the store moves
 *
 * Process: worker; mcpgw-store (makes slots, moves marks).
 * Trusts:  nothing it reads: a hostile worker can count too much or too little, and do nothing worse.
 *
 * Each change is one atomic operation on one word, so whoever dies leaves a whole state: what was counted and not used
 * stays counted.  A slot is made by one process alone, with `owner` last, so there are no twins; it is made anew for
 * another quota only long after its period.
 */
#include "shm/quota.h"

static struct quota_slot *
window_of(const struct region *r, uint64_t key)
{
	return region_slot(r, key % (r->count / QUOTA_WINDOW) * QUOTA_WINDOW);
}

static struct quota_slot *
slot_find(const struct region *r, uint64_t key)
{
	struct quota_slot	*s = window_of(r, key);

	for (unsigned i = 0; i < QUOTA_WINDOW; i++)
		if (atomic_load(&s[i].owner) == key)
			return &s[i];
	return NULL;
}

uint64_t
quota_key(const struct region *r, struct span content)
{
	return region_hash(r, content);
}

/* Less than half of what is marked ahead is left. */
static bool
is_near(uint64_t used, uint64_t mark, uint64_t ahead)
{
	return mark < used || mark - used <= ahead / 2;
}

enum quota_verdict
quota_take(const struct region *r, uint64_t key, uint64_t n, uint64_t hard, uint64_t ahead, bool *wants)
{
	struct quota_slot	*s = slot_find(r, key);
	uint64_t		 used, mark;

	*wants = true;
	if (s == NULL)
		return QUOTA_UNMARKED;
	used = atomic_load(&s->used);
	do {
		if (used >= hard || hard - used < n) {
			*wants = false;
			return QUOTA_EMPTY;
		}
		mark = atomic_load(&s->mark);
		if (mark < used || mark - used < n)
			return QUOTA_UNMARKED;
	} while (!atomic_compare_exchange_weak(&s->used, &used, used + n));
	*wants = mark < hard && is_near(used + n, mark, ahead);
	return QUOTA_OK;
}

enum quota_verdict
quota_look(const struct region *r, uint64_t key, uint64_t hard, uint64_t ahead, bool *wants)
{
	struct quota_slot	*s = slot_find(r, key);
	uint64_t		 used, mark;

	*wants = true;
	if (s == NULL)
		return QUOTA_UNMARKED;
	used = atomic_load(&s->used);
	mark = atomic_load(&s->mark);
	*wants = mark < hard && is_near(used, mark, ahead);
	if (used >= hard)
		return QUOTA_EMPTY;
	return mark <= used ? QUOTA_UNMARKED : QUOTA_OK;
}

bool
quota_add(const struct region *r, uint64_t key, uint64_t n, uint64_t ahead)
{
	struct quota_slot	*s = slot_find(r, key);
	uint64_t		 used;

	if (s == NULL)
		return true;
	used = atomic_load(&s->used);
	while (!atomic_compare_exchange_weak(&s->used, &used, used > QUOTA_MAX - n ? QUOTA_MAX : used + n))
		;
	return is_near(used + n, atomic_load(&s->mark), ahead);
}

void
quota_give(const struct region *r, uint64_t key, uint64_t n)
{
	struct quota_slot	*s = slot_find(r, key);
	uint64_t		 used;

	if (s == NULL)
		return;
	used = atomic_load(&s->used);
	/* An operator may have begun it anew since: below 0 there is nothing. */
	while (!atomic_compare_exchange_weak(&s->used, &used, used > n ? used - n : 0))
		;
}

bool
quota_read(const struct region *r, uint64_t key, uint64_t *used)
{
	struct quota_slot	*s = slot_find(r, key);

	*used = s == NULL ? 0 : atomic_load(&s->used);
	return s != NULL;
}

struct quota_slot *
quota_slot_make(const struct region *r, uint64_t key, uint64_t used, uint64_t ends_ms, uint64_t past_ms)
{
	struct quota_slot	*w = window_of(r, key), *s = slot_find(r, key), *free = NULL;

	for (unsigned i = 0; s == NULL && i < QUOTA_WINDOW; i++)
		if (free == NULL && (atomic_load(&w[i].owner) == 0 || atomic_load(&w[i].ends_ms) < past_ms))
			free = &w[i];
	if (s != NULL || free == NULL)
		return s;
	atomic_store(&free->owner, 0);
	atomic_store(&free->used, used);
	atomic_store(&free->mark, used);
	atomic_store(&free->ends_ms, ends_ms);
	atomic_store(&free->owner, key);
	return free;
}
