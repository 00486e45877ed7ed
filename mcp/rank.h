/* SPDX-License-Identifier: Apache-2.0
 *
 * rank.h - which documents speak most of what a query asks: BM25 over weighted texts
 *
 * Documents are read once into words; a query then counts those it may see, and scores them.  What is
 * not counted has no part in any score: neither in how rare a word is nor in how long documents are.
 */
#ifndef MCP_RANK_H
#define MCP_RANK_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/err.h"
#include "lib/span.h"

#define RANK_QUERY_WORDS	32		/* different ones; further ones do not count */
#define RANK_DOC_WORDS		256		/* different ones of one document */
#define RANK_ALL_WORDS		(1u << 20)	/* of all documents of one collection: 6 MiB */
#define RANK_SLOTS		1024		/* a power of two, so far above that most words end at it */
#define RANK_TOP_MAX		50

/* --- documents -------------------------------------------------------------------------------- */

struct rank_docs;

struct rank_text {
	struct span	text;
	unsigned	weight;			/* of each of its words */
};

/* For up to `count` documents. */
must_check int	rank_docs_new(uint32_t count, struct rank_docs **out);
void		rank_docs_free(struct rank_docs **d);
uint32_t	rank_docs_count(const struct rank_docs *d);
/* The next document, of these texts; words of the first ones are kept where there is no room for all.
 * 0, E_FULL when there were `count`, E_NOMEM. */
must_check int	rank_docs_add(struct rank_docs *d, const struct rank_text *texts, size_t n);

/* --- a query ---------------------------------------------------------------------------------- */

struct rank {
	uint32_t	word[RANK_QUERY_WORDS];
	unsigned	words;
	uint8_t		slot[RANK_SLOTS];		/* place in word + 1 */
	uint64_t	docs, length;			/* counted, and all their words */
	uint64_t	having[RANK_QUERY_WORDS];	/* documents with this word */
	double		rare[RANK_QUERY_WORDS];		/* what the word is worth */
};

void		rank_begin(struct rank *r, struct span query);
/* Counts this document; true when it holds a word of the query. */
bool		rank_count(struct rank *r, const struct rank_docs *d, uint32_t doc);
/* All are counted: now they can be scored. */
void		rank_weigh(struct rank *r);
/* Its score among all that were counted; 0 when it holds no word of the query. */
double		rank_score(const struct rank *r, const struct rank_docs *d, uint32_t doc);

/* --- the best --------------------------------------------------------------------------------- */

struct rank_hit {
	double		score;
	uint32_t	source, doc;		/* the caller's */
};

/* memcmp's sense: which of two equal scores comes first. */
typedef int rank_order_fn(const struct rank_hit *a, const struct rank_hit *b, void *arg);

struct rank_top {
	struct rank_hit	 hit[RANK_TOP_MAX];	/* best first */
	unsigned	 count, limit;		/* limit: 1 to RANK_TOP_MAX, set by the caller */
};

void		rank_top_put(struct rank_top *top, struct rank_hit hit, rank_order_fn *order, void *arg);

#endif
