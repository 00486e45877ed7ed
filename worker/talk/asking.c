/* SPDX-License-Identifier: Apache-2.0
 *
 * asking.c - how many calls may have asked their client at a time
 *
 * Process: worker.  Owns: the counts of who has such calls; who has none takes no memory.
 * Trusts:  nothing; the keys are hashes made here.
 */
#include <stdlib.h>

#include "lib/bug.h"
#include "worker/talk/asking.h"

struct tally {
	struct tally	*next;		/* in its bucket */
	uint64_t	 key;
	enum asking_of	 kind;
	uint32_t	 count;
};

static struct tally **
bucket_of(struct asking_counts *all, uint64_t key)
{
	return &all->buckets[key % ASKING_BUCKETS];
}

static uint64_t
cap_of(const struct rec_tenant *t, enum asking_of kind)
{
	return kind == ASKING_PRINCIPAL ? t->max_asking :
	    kind == ASKING_TENANT ? t->max_asking_tenant : t->max_asking_server;
}

bool
asking_possible(const struct rec_tenant *t)
{
	return t->max_asking > 0 && t->max_asking_tenant > 0 && t->max_asking_server > 0;
}

static int
count_one(struct asking_counts *all, enum asking_of kind, uint64_t key, uint64_t cap, struct tally **out)
{
	struct tally	*t = *bucket_of(all, key);

	while (t != NULL && (t->key != key || t->kind != kind))
		t = t->next;
	if ((t == NULL ? 0 : t->count) >= cap)
		return E_WAITING;
	if (t == NULL) {
		if ((t = calloc(1, sizeof(*t))) == NULL)
			return E_NOMEM;
		t->key = key;
		t->kind = kind;
		t->next = *bucket_of(all, key);
		*bucket_of(all, key) = t;
	}
	t->count++;
	*out = t;
	return 0;
}

static void
uncount_one(struct asking_counts *all, struct tally **t)
{
	struct tally	*it = *t, **at = bucket_of(all, it->key);

	*t = NULL;
	BUG_ON(it->count == 0);
	if (--it->count > 0)
		return;
	while (*at != it)
		at = &(*at)->next;
	*at = it->next;
	free(it);
}

int
asking_begin(struct asking_counts *all, struct asking *a, const struct rec_tenant *t, const uint64_t keys[ASKING_LIMIT])
{
	int	r;

	if (a->of[ASKING_PRINCIPAL] != NULL)
		return 0;
	if (all->total >= ASKING_MAX)
		return E_WAITING;
	all->total++;
	for (int i = 0; i < ASKING_LIMIT; i++)
		if ((r = count_one(all, (enum asking_of)i, keys[i], cap_of(t, (enum asking_of)i), &a->of[i])) != 0) {
			for (; i > 0; i--)
				uncount_one(all, &a->of[i - 1]);
			all->total--;
			return r;
		}
	return 0;
}

void
asking_end(struct asking_counts *all, struct asking *a)
{
	if (a->of[ASKING_PRINCIPAL] == NULL)
		return;
	for (int i = 0; i < ASKING_LIMIT; i++)
		uncount_one(all, &a->of[i]);
	all->total--;
}
