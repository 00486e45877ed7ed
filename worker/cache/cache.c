/* SPDX-License-Identifier: Apache-2.0
 *
 * cache.c - answers that are kept for equal questions
 *
 * Process: worker.  Owns: the bytes, which are overwritten before they are freed.
 * Trusts:  the digest to be of all that an answer hangs on.
 *
 * Items stand in lists by tenant, each in the order of use.  Where there is no room the list that holds most loses
 * its oldest, so that one tenant's questions do not drive out another's answers.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/bug.h"
#include "worker/cache/cache.h"

#define BUCKETS		8192		/* a power of two */
#define SHELVES		64		/* by tenant; a power of two */
#define EPOCHS		1024		/* by server; a power of two */
#define SWEEP_BUCKETS	128		/* at a time */
#define PART		8		/* of the limit, for one item */

struct item {
	struct item		*next;			/* of its bucket */
	struct item		*older, *newer;		/* of its shelf */
	struct crypt_digest	 key;
	uint64_t		 profile, until_ms;
	uint32_t		 epoch;
	uint16_t		 shelf;
	bool			 modern;
	size_t			 bytes;
	char			 text[];
};

struct cache {
	struct item		**buckets;		/* NULL until something is kept */
	struct {
		struct item	*oldest, *newest;
		size_t		 bytes;
	}			 shelves[SHELVES];
	uint32_t		 epochs[EPOCHS], cleared;
	size_t			 limit, swept;
	struct cache_counts	 counts;
};

static size_t
size_of(const struct item *i)
{
	return sizeof(*i) + i->bytes;
}

static struct item **
bucket(struct cache *c, const struct crypt_digest *key)
{
	uint64_t	n;

	memcpy(&n, key->bytes, sizeof(n));
	return &c->buckets[n & (BUCKETS - 1)];
}

static size_t
epoch_at(uint64_t profile)
{
	return (profile ^ profile >> 32) & (EPOCHS - 1);
}

uint32_t
cache_epoch(const struct cache *c, uint64_t profile)
{
	return c->epochs[epoch_at(profile)] + c->cleared;
}

static void
shelf_remove(struct cache *c, struct item *i)
{
	*(i->older == NULL ? &c->shelves[i->shelf].oldest : &i->older->newer) = i->newer;
	*(i->newer == NULL ? &c->shelves[i->shelf].newest : &i->newer->older) = i->older;
}

static void
shelf_append(struct cache *c, struct item *i)
{
	i->newer = NULL;
	i->older = c->shelves[i->shelf].newest;
	*(i->older == NULL ? &c->shelves[i->shelf].oldest : &i->older->newer) = i;
	c->shelves[i->shelf].newest = i;
}

/* The one that *at points to. */
static void
drop(struct cache *c, struct item **at)
{
	struct item	*i = *at;
	const size_t	 bytes = size_of(i);

	*at = i->next;
	shelf_remove(c, i);
	c->shelves[i->shelf].bytes -= bytes;
	c->counts.bytes -= bytes;
	c->counts.items--;
	crypt_wipe(i, bytes);
	free(i);
}

static void
drop_item(struct cache *c, const struct item *i)
{
	struct item	**at = bucket(c, &i->key);

	while (*at != i)
		at = &(*at)->next;
	drop(c, at);
}

static void
make_room(struct cache *c, size_t limit)
{
	size_t	most;

	while (c->counts.bytes > limit) {
		most = 0;
		for (size_t i = 1; i < SHELVES; i++)
			if (c->shelves[i].bytes > c->shelves[most].bytes)
				most = i;
		BUG_ON(c->shelves[most].oldest == NULL);
		c->counts.evicted++;
		drop_item(c, c->shelves[most].oldest);
	}
}

static bool
is_good(const struct cache *c, const struct item *i, uint64_t now_ms)
{
	return i->until_ms > now_ms && i->epoch == cache_epoch(c, i->profile);
}

int
cache_new(struct cache **out)
{
	return (*out = calloc(1, sizeof(**out))) == NULL ? E_NOMEM : 0;
}

void
cache_free(struct cache **cp)
{
	struct cache	*c = *cp;

	*cp = NULL;
	if (c == NULL)
		return;
	cache_clear(c);
	free(c->buckets);
	free(c);
}

void
cache_set_limit(struct cache *c, size_t bytes)
{
	c->limit = bytes;
	make_room(c, bytes);
}

size_t
cache_item_max(const struct cache *c)
{
	return c->limit / PART;
}

bool
cache_find(struct cache *c, const struct crypt_digest *key, uint64_t now_ms, struct cache_item *out)
{
	struct item	**at;

	for (at = c->buckets == NULL ? NULL : bucket(c, key); at != NULL && *at != NULL; at = &(*at)->next) {
		struct item	*i = *at;

		if (!crypt_equal(&i->key, key, sizeof(*key)))
			continue;
		if (!is_good(c, i, now_ms)) {
			drop(c, at);
			break;
		}
		shelf_remove(c, i);
		shelf_append(c, i);
		c->counts.hits += i->bytes > 0;
		c->counts.misses += i->bytes == 0;
		*out = (struct cache_item){ .key = &i->key, .profile = i->profile, .until_ms = i->until_ms,
		    .modern = i->modern, .text = span_make(i->text, i->bytes) };
		return true;
	}
	c->counts.misses++;
	return false;
}

void
cache_put(struct cache *c, const struct cache_item *new)
{
	const size_t	 bytes = sizeof(struct item) + new->text.n;
	struct item	*i, **at;

	if (c->limit == 0 || new->epoch != cache_epoch(c, new->profile) || new->text.n > cache_item_max(c) ||
	    bytes > c->limit || (c->buckets == NULL && (c->buckets = calloc(BUCKETS, sizeof(*c->buckets))) == NULL))
		return;
	at = bucket(c, new->key);
	for (struct item **old = at; *old != NULL; old = &(*old)->next)
		if (crypt_equal(&(*old)->key, new->key, sizeof(*new->key))) {
			drop(c, old);
			break;
		}
	make_room(c, c->limit - bytes);
	if ((i = malloc(bytes)) == NULL)
		return;
	*i = (struct item){ .next = *at, .key = *new->key, .profile = new->profile, .until_ms = new->until_ms,
	    .epoch = new->epoch,
	    .shelf = (uint16_t)(new->tenant & (SHELVES - 1)), .modern = new->modern,
	    .bytes = new->text.n };
	if (new->text.n > 0)
		memcpy(i->text, new->text.p, new->text.n);
	*at = i;
	shelf_append(c, i);
	c->shelves[i->shelf].bytes += bytes;
	c->counts.bytes += bytes;
	c->counts.items++;
}

void
cache_drop(struct cache *c, uint64_t profile)
{
	c->epochs[epoch_at(profile)]++;
}

void
cache_clear(struct cache *c)
{
	c->cleared++;
	for (size_t i = 0; i < SHELVES; i++)
		while (c->shelves[i].oldest != NULL)
			drop_item(c, c->shelves[i].oldest);
}

bool
cache_sweep(struct cache *c, uint64_t now_ms)
{
	struct item	**at;

	for (size_t n = 0; n < SWEEP_BUCKETS && c->counts.items > 0; n++) {
		for (at = &c->buckets[c->swept]; *at != NULL;)
			if (is_good(c, *at, now_ms))
				at = &(*at)->next;
			else
				drop(c, at);
		c->swept = (c->swept + 1) & (BUCKETS - 1);
	}
	return c->counts.items > 0;
}

const struct cache_counts *
cache_counts(const struct cache *c)
{
	return &c->counts;
}
