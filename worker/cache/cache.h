/* SPDX-License-Identifier: Apache-2.0
 *
 * cache.h - answers that are kept for equal questions: bytes under a digest, bounded in bytes and in time
 *
 * Each worker has its own.  Whoever asks makes the digest of all that an answer hangs on (worker/cache/cached.c);
 * nothing here knows what it is of.
 */
#ifndef WORKER_CACHE_CACHE_H
#define WORKER_CACHE_CACHE_H

#include "lib/crypt.h"

struct cache;

struct cache_item {
	const struct crypt_digest *key;
	uint64_t	tenant;		/* whose it is: who has most gives way first */
	uint64_t	profile;	/* of the server that said it */
	uint32_t	epoch;		/* cache_epoch() when it was asked for */
	uint64_t	until_ms;	/* monotonic */
	bool		modern;		/* the server's era */
	struct span	text;		/* empty: an answer of this kind is not to be waited for */
};

struct cache_counts {
	uint64_t	hits, misses, evicted;	/* since the start */
	size_t		bytes, items;		/* now */
};

must_check int	cache_new(struct cache **out);
/* What was kept is overwritten. */
void		cache_free(struct cache **c);
/* Bytes it may hold, the items' own included; 0: nothing is kept. */
void		cache_set_limit(struct cache *c, size_t bytes);
/* No larger text is kept. */
size_t		cache_item_max(const struct cache *c);
/* True: *out, borrowed until the cache changes.  What is too old is dropped. */
bool		cache_find(struct cache *c, const struct crypt_digest *key, uint64_t now_ms, struct cache_item *out);
/* What is asked of this server from now on is of this epoch; what is of an older one is not kept any more. */
uint32_t	cache_epoch(const struct cache *c, uint64_t profile);
/* Copies it, in the place of what was under this key; when there is no room, or no memory, it is not kept. */
void		cache_put(struct cache *c, const struct cache_item *item);
/* Nothing of this server is found any more; it goes when it is looked for, or swept. */
void		cache_drop(struct cache *c, uint64_t profile);
void		cache_clear(struct cache *c);
/* Looks at some more, and lets go of what is too old.  False: there is nothing to sweep. */
bool		cache_sweep(struct cache *c, uint64_t now_ms);
const struct cache_counts *cache_counts(const struct cache *c);

#endif
