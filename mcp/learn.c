/* SPDX-License-Identifier: Apache-2.0
 *
 * learn.c - what is known of a server's tools and prompts: do calls of this name ask their client?
 *
 * Process: worker, runner.  Owns: the tables, 16 KiB each, one per server that is asked with care.
 * Trusts:  nothing: clients choose names, so hashes are keyed with a secret of this process.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#include "lib/sum.h"
#include "mcp/learn.h"

struct learn_name {
	uint64_t	hash;		/* 0: free */
	uint32_t	age;		/* the smaller, the older */
	uint32_t	what;		/* enum learnt */
};

struct learn {
	struct learn_name	names[LEARN_SETS][LEARN_WAYS];
	uint32_t		clock;
};

uint64_t
learn_hash(struct span method, struct span name)
{
	static struct sum_key	key;
	static bool		made;
	uint64_t		parts[2], hash;

	/* Without it names are hashed all the same; then somebody might find two that meet, and have his
	 * own calls wait for each other. */
	while (!made)
		made = getrandom(&key, sizeof(key), 0) != -1 || errno != EINTR;
	parts[0] = hash64(&key, method);
	parts[1] = hash64(&key, name);
	hash = hash64(&key, span_make(parts, sizeof(parts)));
	return hash == 0 ? 1 : hash;
}

static const struct learn_name *
find(const struct learn *l, uint64_t hash)
{
	const struct learn_name	*set = l->names[hash % LEARN_SETS];

	for (int i = 0; i < LEARN_WAYS; i++)
		if (set[i].hash == hash)
			return &set[i];
	return NULL;
}

enum learnt
learn_find(const struct learn *l, uint64_t hash)
{
	const struct learn_name	*n = l == NULL ? NULL : find(l, hash);

	return n == NULL ? LEARNT_NOTHING : (enum learnt)n->what;
}

void
learn_note(struct learn **l, uint64_t hash, enum learnt what)
{
	struct learn_name	*set, *to;

	if (learn_find(*l, hash) >= what)
		return;
	if (*l == NULL && (*l = calloc(1, sizeof(**l))) == NULL)
		return;
	set = to = (*l)->names[hash % LEARN_SETS];
	for (int i = 1; i < LEARN_WAYS && to->hash != hash; i++)
		if (set[i].hash == hash || set[i].age < to->age)
			to = &set[i];
	*to = (struct learn_name){ .hash = hash, .age = ++(*l)->clock, .what = what };
}

void
learn_free(struct learn **l)
{
	free(*l);
	*l = NULL;
}
