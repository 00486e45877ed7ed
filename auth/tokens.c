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
#define BEARER_TEXTS 12

struct entry {
	struct crypt_digest	 digest;
	uint64_t		 generation, ends_ms, group;
	uint32_t		 bytes[BEARER_TEXTS];
	char			*text;		/* its texts, one behind the other; NULL: free */
	bool			 scoped, chosen;
	enum principal_how	 how;
};

struct tokens {
	struct entry	entry[SETS][WAYS];
	uint8_t		next[SETS];		/* the way that is used next when all are taken */
};

/* The texts of a bearer, in the order in which an entry has them. */
static void
texts_of(struct bearer *b, struct span *text[BEARER_TEXTS])
{
	struct traits	*t = &b->traits;
	struct span	*const all[BEARER_TEXTS] = { &b->tenant, &b->agent, &b->subject, &t->issuer, &t->user,
	    &t->email, &t->workspace, &t->roles, &t->groups, &t->scopes, &b->id, &b->here };

	memcpy(text, all, sizeof(all));
}

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

/* The last of its texts is the path that it is for alone. */
static struct span
path_of(const struct entry *e)
{
	size_t	at = 0;

	for (size_t i = 0; i < BEARER_TEXTS - 1; i++)
		at += e->bytes[i];
	return span_make(e->text + at, e->bytes[BEARER_TEXTS - 1]);
}

bool
tokens_find(const struct tokens *t, const struct crypt_digest *digest, uint64_t generation, struct span path,
    uint64_t wall_ms, struct bearer *out)
{
	const struct entry	*e = t->entry[set_of(digest)];
	struct span		*text[BEARER_TEXTS];
	size_t			 at = 0;

	for (size_t k = 0; k < WAYS; k++, e++) {
		if (e->text == NULL || e->generation != generation || e->ends_ms <= wall_ms ||
		    !crypt_equal(e->digest.bytes, digest->bytes, sizeof(digest->bytes)) ||
		    (e->bytes[BEARER_TEXTS - 1] > 0 && !span_eq(path_of(e), path)))
			continue;
		texts_of(out, text);
		for (size_t i = 0; i < BEARER_TEXTS; at += e->bytes[i++])
			*text[i] = span_make(e->text + at, e->bytes[i]);
		out->ends_ms = e->ends_ms;
		out->traits.scoped = e->scoped;
		out->traits.chosen = e->chosen;
		out->how = e->how;
		out->group = e->group;
		return true;
	}
	return false;
}

/* One that is of no use any more, else each in its turn. */
static struct entry *
room_for(struct tokens *t, size_t set, const struct crypt_digest *digest, uint64_t generation, struct span path)
{
	struct entry	*e = t->entry[set];

	for (size_t k = 0; k < WAYS; k++)
		if (e[k].text == NULL || e[k].generation != generation ||
		    (memcmp(e[k].digest.bytes, digest->bytes, sizeof(digest->bytes)) == 0 &&
		    span_eq(path_of(&e[k]), path)))
			return &e[k];
	t->next[set] = (uint8_t)((t->next[set] + 1) % WAYS);
	return &e[t->next[set]];
}

void
tokens_put(struct tokens *t, const struct crypt_digest *digest, uint64_t generation, const struct bearer *b)
{
	struct entry	*e = room_for(t, set_of(digest), digest, generation, b->here);
	struct bearer	 from = *b;
	struct span	*text[BEARER_TEXTS];
	size_t		 bytes = 0;
	char		*copy;

	texts_of(&from, text);
	for (size_t i = 0; i < BEARER_TEXTS; i++)
		bytes += text[i]->n;
	if (bytes > TEXT_MAX || (copy = malloc(bytes + 1)) == NULL)
		return;
	free(e->text);
	*e = (struct entry){ .digest = *digest, .generation = generation, .ends_ms = b->ends_ms, .text = copy,
	    .scoped = b->traits.scoped, .chosen = b->traits.chosen, .how = b->how, .group = b->group };
	for (size_t i = 0; i < BEARER_TEXTS; copy += e->bytes[i++]) {
		e->bytes[i] = (uint32_t)text[i]->n;
		if (text[i]->n > 0)
			memcpy(copy, text[i]->p, text[i]->n);
	}
}
