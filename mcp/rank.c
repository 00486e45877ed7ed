/* SPDX-License-Identifier: Apache-2.0
 *
 * rank.c - which documents speak most of what a query asks: BM25 over weighted texts
 *
 * Process: worker.
 * Owns:    a collection's words, as sums: 6 bytes for each different word of a document.
 * Trusts:  nothing in texts and queries.  Two words of one sum are one word: who makes his document so
 *          could have written the word itself.
 */
#include <math.h>
#include <stdlib.h>

#include "lib/bug.h"
#include "lib/sum.h"
#include "mcp/rank.h"
#include "mcp/words.h"

#define K1		1.2
#define B		0.75
#define KEPT_WORDS	64		/* what no other document can take from one */
#define SLOTS		512		/* a power of two, above RANK_DOC_WORDS */

struct doc {
	uint32_t	first, words;	/* of the collection's; different ones */
	uint32_t	length;		/* all, by weight */
};

struct rank_docs {
	struct doc	*doc;
	uint32_t	 count, room;
	uint32_t	*word;
	uint16_t	*weight;	/* how often, by weight */
	uint32_t	 words, word_room;
};

static uint32_t
word_sum(struct span word)
{
	return (uint32_t)sum64(word);
}

/* --- documents -------------------------------------------------------------------------------- */

int
rank_docs_new(uint32_t count, struct rank_docs **out)
{
	struct rank_docs	*d;

	*out = NULL;
	if ((d = calloc(1, sizeof(*d))) == NULL)
		return E_NOMEM;
	d->room = count;
	if ((d->doc = calloc(count > 0 ? count : 1, sizeof(*d->doc))) == NULL) {
		rank_docs_free(&d);
		return E_NOMEM;
	}
	*out = d;
	return 0;
}

void
rank_docs_free(struct rank_docs **d)
{
	if (*d != NULL) {
		free((*d)->doc);
		free((*d)->word);
		free((*d)->weight);
		free(*d);
	}
	*d = NULL;
}

uint32_t
rank_docs_count(const struct rank_docs *d)
{
	return d->count;
}

static int
words_reserve(struct rank_docs *d, uint32_t more)
{
	uint32_t	 room = d->word_room == 0 ? 1024 : d->word_room;
	uint32_t	*word;
	uint16_t	*weight;

	while (room < d->words + more)
		room *= 2;
	if (room == d->word_room)
		return 0;
	if ((word = realloc(d->word, room * sizeof(*word))) == NULL)
		return E_NOMEM;
	d->word = word;
	if ((weight = realloc(d->weight, room * sizeof(*weight))) == NULL)
		return E_NOMEM;
	d->weight = weight;
	d->word_room = room;
	return 0;
}

/* How many different words this document may have, so that the ones to come have some too. */
static uint32_t
doc_words_max(const struct rank_docs *d)
{
	uint64_t	kept = d->words + (uint64_t)(d->room - d->count - 1) * KEPT_WORDS;
	uint64_t	left = kept < RANK_ALL_WORDS ? RANK_ALL_WORDS - kept : 0;

	if (left > RANK_DOC_WORDS)
		return RANK_DOC_WORDS;
	if (left < KEPT_WORDS)
		left = KEPT_WORDS;
	/* Only a collection of more documents than we foresee gets here with nothing left. */
	return left > RANK_ALL_WORDS - d->words ? RANK_ALL_WORDS - d->words : (uint32_t)left;
}

int
rank_docs_add(struct rank_docs *d, const struct rank_text *texts, size_t n)
{
	uint16_t	 slot[SLOTS] = { 0 };	/* place in this document + 1 */
	struct words	 w;
	struct span	 word;
	struct doc	*doc;
	uint32_t	 max;
	int		 r;

	if (d->count == d->room)
		return E_FULL;
	max = doc_words_max(d);
	if ((r = words_reserve(d, max)) != 0)
		return r;
	doc = &d->doc[d->count];
	*doc = (struct doc){ .first = d->words };
	for (size_t i = 0; i < n; i++) {
		words_begin(&w, texts[i].text);
		while (words_next(&w, &word)) {
			uint32_t	 sum = word_sum(word), at, k = sum & (SLOTS - 1);

			doc->length += texts[i].weight;
			while (slot[k] != 0 && d->word[doc->first + slot[k] - 1] != sum)
				k = (k + 1) & (SLOTS - 1);
			if (slot[k] == 0 && doc->words == max)
				continue;
			if (slot[k] == 0) {
				slot[k] = (uint16_t)++doc->words;
				d->word[doc->first + doc->words - 1] = sum;
				d->weight[doc->first + doc->words - 1] = 0;
			}
			at = doc->first + slot[k] - 1;
			d->weight[at] = (uint16_t)(d->weight[at] + texts[i].weight > UINT16_MAX ? UINT16_MAX :
			    d->weight[at] + texts[i].weight);
		}
	}
	d->words += doc->words;
	d->count++;
	return 0;
}

/* --- a query ---------------------------------------------------------------------------------- */

/* The word's place in the query, or -1. */
static inline int
query_find(const struct rank *r, uint32_t sum)
{
	uint32_t	k = sum & (RANK_SLOTS - 1);

	for (; r->slot[k] != 0; k = (k + 1) & (RANK_SLOTS - 1))
		if (r->word[r->slot[k] - 1] == sum)
			return r->slot[k] - 1;
	return -1;
}

void
rank_begin(struct rank *r, struct span query)
{
	struct words	w;
	struct span	word;
	uint32_t	sum, k;

	*r = (struct rank){ 0 };
	words_begin(&w, query);
	while (r->words < RANK_QUERY_WORDS && words_next(&w, &word)) {
		sum = word_sum(word);
		if (query_find(r, sum) >= 0)
			continue;
		for (k = sum & (RANK_SLOTS - 1); r->slot[k] != 0; k = (k + 1) & (RANK_SLOTS - 1))
			;
		r->word[r->words++] = sum;
		r->slot[k] = (uint8_t)r->words;
	}
}

bool
rank_count(struct rank *r, const struct rank_docs *d, uint32_t i)
{
	const struct doc	*doc = &d->doc[i];
	const uint32_t		*word = d->word + doc->first;
	bool			 found = false;
	int			 k;

	BUG_ON(i >= d->count);
	r->docs++;
	r->length += doc->length;
	for (uint32_t at = 0; at < doc->words; at++)
		if ((k = query_find(r, word[at])) >= 0) {
			r->having[k]++;
			found = true;
		}
	return found;
}

void
rank_weigh(struct rank *r)
{
	for (unsigned w = 0; w < r->words; w++)
		r->rare[w] = log(1 + ((double)(r->docs - r->having[w]) + 0.5) / ((double)r->having[w] + 0.5));
}

double
rank_score(const struct rank *r, const struct rank_docs *d, uint32_t i)
{
	const struct doc	*doc = &d->doc[i];
	double			 often[RANK_QUERY_WORDS] = { 0 }, score = 0, norm;
	int			 k;

	BUG_ON(i >= d->count);
	if (r->length == 0)
		return 0;
	for (uint32_t at = doc->first; at < doc->first + doc->words; at++)
		if ((k = query_find(r, d->word[at])) >= 0)
			often[k] = d->weight[at];
	norm = K1 * (1 - B + B * doc->length * (double)r->docs / (double)r->length);
	/* In the query's order: so equal documents have equal scores, to the last bit. */
	for (unsigned w = 0; w < r->words; w++)
		if (often[w] > 0)
			score += r->rare[w] * often[w] * (K1 + 1) / (often[w] + norm);
	return score;
}

/* --- the best --------------------------------------------------------------------------------- */

void
rank_top_put(struct rank_top *top, struct rank_hit hit, rank_order_fn *order, void *arg)
{
	unsigned	at = top->count;

	BUG_ON(top->limit == 0 || top->limit > RANK_TOP_MAX);
	while (at > 0 && (top->hit[at - 1].score < hit.score ||
	    (top->hit[at - 1].score <= hit.score && order(&top->hit[at - 1], &hit, arg) > 0)))
		at--;
	if (at == top->limit)
		return;
	if (top->count < top->limit)
		top->count++;
	for (unsigned i = top->count - 1; i > at; i--)
		top->hit[i] = top->hit[i - 1];
	top->hit[at] = hit;
}
