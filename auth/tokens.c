/* SPDX-License-Identifier: Apache-2.0
 *
 * tokens.c - tokens that were proven, by their digest: who bears them, until when (architecture 3.2)
 *
 * Process: worker.
 * Owns:    a table of fixed size; an entry's texts.
 */
#include <stdlib.h>

#include "auth/tokens.h"

#define SETS	1024
#define WAYS	4
#define TEXT_MAX 4096		/* of an entry; what is longer is proven each time */

struct entry {
	struct crypt_digest	 digest;
	uint64_t		 generation, ends_ms;
	uint32_t		 agent_bytes, subject_bytes;
	char			*text;		/* agent, then subject; NULL: free */
};

struct tokens {
	struct entry	entry[SETS][WAYS];
	uint8_t		next[SETS];		/* the way that is used next when all are taken */
};

int
tokens_new(struct tokens **out)
{
	*out = calloc(1, sizeof(**out));
	return *out == NULL ? E_NOMEM : 0;
}

void
tokens_free(struct tokens **tp)
{
	struct tokens	*t = *tp;

	*tp = NULL;
	for (size_t i = 0; t != NULL && i < SETS; i++)
		for (size_t k = 0; k < WAYS; k++)
			free(t->entry[i][k].text);
	free(t);
}

/* A digest is as good as random, its first bytes too. */
static size_t
set_of(const struct crypt_digest *d)
{
	return (size_t)(d->bytes[0] | d->bytes[1] << 8) % SETS;
}

bool
tokens_find(const struct tokens *t, const struct crypt_digest *digest, uint64_t generation, uint64_t wall_ms,
    struct bearer *out)
{
	const struct entry	*e = t->entry[set_of(digest)];

	for (size_t k = 0; k < WAYS; k++, e++) {
		if (e->text == NULL || e->generation != generation || e->ends_ms <= wall_ms ||
		    !crypt_equal(e->digest.bytes, digest->bytes, sizeof(digest->bytes)))
			continue;
		out->agent = span_make(e->text, e->agent_bytes);
		out->subject = span_make(e->text + e->agent_bytes, e->subject_bytes);
		out->ends_ms = e->ends_ms;
		return true;
	}
	return false;
}

/* One that is of no use any more, else each in its turn. */
static struct entry *
room_for(struct tokens *t, size_t set, const struct crypt_digest *digest, uint64_t generation)
{
	struct entry	*e = t->entry[set];

	for (size_t k = 0; k < WAYS; k++)
		if (e[k].text == NULL || e[k].generation != generation ||
		    memcmp(e[k].digest.bytes, digest->bytes, sizeof(digest->bytes)) == 0)
			return &e[k];
	t->next[set] = (uint8_t)((t->next[set] + 1) % WAYS);
	return &e[t->next[set]];
}

void
tokens_put(struct tokens *t, const struct crypt_digest *digest, uint64_t generation, const struct bearer *b)
{
	struct entry	*e = room_for(t, set_of(digest), digest, generation);
	char		*text;

	if (b->agent.n + b->subject.n > TEXT_MAX || (text = malloc(b->agent.n + b->subject.n + 1)) == NULL)
		return;
	memcpy(text, b->agent.p, b->agent.n);
	memcpy(text + b->agent.n, b->subject.p, b->subject.n);
	free(e->text);
	*e = (struct entry){ .digest = *digest, .generation = generation, .ends_ms = b->ends_ms,
	    .agent_bytes = (uint32_t)b->agent.n, .subject_bytes = (uint32_t)b->subject.n, .text = text };
}
