/* SPDX-License-Identifier: Apache-2.0
 *
 * test_rank.c - scores known by hand, their order, and what is bounded
 */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "mcp/rank.h"

static struct rank_docs	*docs;

static void
make(uint32_t room)
{
	cr_assert(rank_docs_new(room, &docs) == 0);
}

static void
tear_down(void)
{
	rank_docs_free(&docs);
	cr_expect(docs == NULL);
}

TestSuite(rank, .fini = tear_down);

static void
add(const char *text)
{
	cr_assert(rank_docs_add(docs, &(struct rank_text){ span_of(text), 1 }, 1) == 0);
}

/* Counts those whose bit is set in `seen`. */
static void
ask(struct rank *r, const char *query, unsigned seen)
{
	rank_begin(r, span_of(query));
	for (uint32_t i = 0; i < rank_docs_count(docs); i++)
		if (seen >> i & 1)
			(void)rank_count(r, docs, i);
	rank_weigh(r);
}

static bool
is_near(double got, double want)
{
	return fabs(got - want) < 1e-9;
}

Test(rank, scores_as_bm25_says)
{
	struct rank	r;

	make(3);
	add("read file");
	add("write file file");
	add("list");
	ask(&r, "FILE", 7);
	cr_expect(r.docs == 3 && r.length == 6 && r.words == 1 && r.having[0] == 2);
	/* ln(1 + 1.5/2.5); then 1 * 2.2 / (1 + 1.2), and 2 * 2.2 / (2 + 1.2 * (0.25 + 0.75 * 3/2)). */
	cr_expect(is_near(rank_score(&r, docs, 0), 0.47000362924573563), "%.17g", rank_score(&r, docs, 0));
	cr_expect(is_near(rank_score(&r, docs, 1), 0.56657971744691414), "%.17g", rank_score(&r, docs, 1));
	cr_expect(rank_score(&r, docs, 2) == 0);
	ask(&r, "file list file", 7);
	cr_expect(r.words == 2, "a word asked twice is asked once");
	/* ln(1 + 2.5/1.5) * 2.2 / (1 + 1.2 * (0.25 + 0.75 * 1/2)). */
	cr_expect(is_near(rank_score(&r, docs, 2), 1.2330424895004557), "%.17g", rank_score(&r, docs, 2));
	cr_expect(is_near(rank_score(&r, docs, 0), 0.47000362924573563));
}

Test(rank, weighs_words_by_where_they_stand)
{
	const struct rank_text	name[] = { { SPAN_LIT("note"), 3 }, { SPAN_LIT("other words here"), 1 } };
	const struct rank_text	body[] = { { SPAN_LIT("other"), 3 }, { SPAN_LIT("note words here"), 1 } };
	struct rank		r;

	make(2);
	cr_assert(rank_docs_add(docs, body, 2) == 0 && rank_docs_add(docs, name, 2) == 0);
	ask(&r, "note", 3);
	cr_expect(r.length == 12);
	/* ln(1.2) * 3 * 2.2 / (3 + 1.2), and once * 2.2 / (1 + 1.2). */
	cr_expect(is_near(rank_score(&r, docs, 1), 0.28650530353335724), "%.17g", rank_score(&r, docs, 1));
	cr_expect(is_near(rank_score(&r, docs, 0), 0.18232155679395462), "%.17g", rank_score(&r, docs, 0));
}

Test(rank, knows_nothing_of_documents_that_were_not_counted)
{
	struct rank	all, some;
	double		alone;

	make(4);
	add("delete a secret");
	add("secret secret secret plans that nobody may see");
	add("list a note");
	ask(&some, "secret note", 5);
	alone = rank_score(&some, docs, 0);
	ask(&all, "secret note", 7);
	cr_expect(rank_score(&all, docs, 0) < alone);
	rank_docs_free(&docs);
	make(2);
	add("delete a secret");
	add("list a note");
	ask(&all, "secret note", 3);
	cr_expect(rank_score(&all, docs, 0) == alone, "as if it were not there");
}

static int
by_doc(const struct rank_hit *a, const struct rank_hit *b, void *arg)
{
	(*(int *)arg)++;
	return (a->doc > b->doc) - (a->doc < b->doc);
}

Test(rank, keeps_the_best_in_order)
{
	struct rank_top	top = { .limit = 3 };
	static const struct { double score; uint32_t doc; } in[] = {
		{ 1, 7 }, { 2, 9 }, { 1, 3 }, { 0.5, 1 }, { 2, 8 }, { 3, 2 }, { 2, 10 }, { 2, 1 },
	};
	int		asked = 0;

	for (size_t i = 0; i < sizeof(in) / sizeof(in[0]); i++)
		rank_top_put(&top, (struct rank_hit){ in[i].score, 0, in[i].doc }, by_doc, &asked);
	cr_expect(top.count == 3 && asked > 0);
	cr_expect(top.hit[0].doc == 2 && top.hit[1].doc == 1 && top.hit[2].doc == 8, "%u %u %u", top.hit[0].doc,
	    top.hit[1].doc, top.hit[2].doc);
}

Test(rank, keeps_the_same_whatever_the_order_they_come_in)
{
	struct rank_top	one, other;
	struct rank_hit	hit[200];
	int		asked = 0;

	srand(11);
	for (int round = 0; round < 200; round++) {
		one = other = (struct rank_top){ .limit = 1 + (unsigned)rand() % RANK_TOP_MAX };
		for (uint32_t i = 0; i < 200; i++) {
			uint32_t	at = (uint32_t)rand() % (i + 1);

			hit[i] = hit[at];
			hit[at] = (struct rank_hit){ rand() % 9, 0, i };
		}
		for (uint32_t i = 0; i < 200; i++) {
			rank_top_put(&one, hit[i], by_doc, &asked);
			rank_top_put(&other, hit[199 - i], by_doc, &asked);
		}
		cr_assert(one.count == one.limit && other.count == one.limit);
		for (unsigned i = 0; i < one.count; i++) {
			cr_assert(one.hit[i].doc == other.hit[i].doc, "place %u", i);
			cr_assert(i == 0 || one.hit[i - 1].score > one.hit[i].score ||
			    (one.hit[i - 1].score == one.hit[i].score && one.hit[i - 1].doc < one.hit[i].doc));
		}
	}
}

static char *
many_words(unsigned first, unsigned count)
{
	char	*text = malloc(count * 8 + 1), *at = text;

	/* Letters only: digits would be words of their own. */
	for (unsigned i = first; i < first + count; i++)
		at += sprintf(at, "q%c%c%c%c ", 'a' + i / 17576 % 26, 'a' + i / 676 % 26, 'a' + i / 26 % 26, 'a' + i % 26);
	*at = '\0';
	return text;
}

Test(rank, is_bounded_in_words_of_a_query_and_of_a_document)
{
	struct rank	r;
	char		*text = many_words(0, 1000);

	make(1);
	add(text);
	ask(&r, text, 1);
	cr_expect(r.words == RANK_QUERY_WORDS && r.length == 1000);
	ask(&r, "qaaaa", 1);
	cr_expect(rank_score(&r, docs, 0) > 0, "the first words are kept");
	ask(&r, "qabml", 1);			/* the last one */
	cr_expect(rank_score(&r, docs, 0) == 0);
	cr_expect(rank_docs_add(docs, NULL, 0) == E_FULL);
	free(text);
}

Test(rank, leaves_room_for_documents_to_come)
{
	struct rank	r;
	char		query[16], *text;
	uint32_t	i;

	make(10000);
	for (i = 0; i < 9999; i++) {
		text = many_words(i * 7, 300);
		add(text);
		free(text);
	}
	text = many_words(300000, 60);
	add(text);
	snprintf(query, sizeof(query), "%.5s", text);
	free(text);
	rank_begin(&r, span_of(query));
	cr_expect(rank_count(&r, docs, 9999), "%s", query);
}

Test(rank, of_nothing_is_nothing)
{
	struct rank	r;

	make(2);
	add("");
	cr_assert(rank_docs_add(docs, NULL, 0) == 0);
	ask(&r, "anything", 3);
	cr_expect(rank_score(&r, docs, 0) == 0 && rank_score(&r, docs, 1) == 0);
	ask(&r, " - ", 3);
	cr_expect(r.words == 0 && rank_score(&r, docs, 0) == 0);
	rank_docs_free(&docs);
	make(0);
	cr_expect(rank_docs_add(docs, NULL, 0) == E_FULL);
}

/* Random texts against the plain formula. */
Test(rank, agrees_with_the_formula_on_random_texts)
{
	enum { DOCS = 30, WORDS = 8 };
	static const char	*const word[WORDS] = { "aa", "bb", "cc", "dd", "ee", "ff", "gg", "hh" };
	double			 often[DOCS][WORDS], length[DOCS];

	srand(5);
	for (int round = 0; round < 300; round++) {
		struct rank	r;
		unsigned	seen = (unsigned)rand() | 1, n = 0;
		double		all = 0;

		make(DOCS);
		memset(often, 0, sizeof(often));
		memset(length, 0, sizeof(length));
		for (int d = 0; d < DOCS; d++) {
			char	text[256] = "";

			for (int k = rand() % 20; k > 0; k--) {
				int	w = rand() % WORDS;

				strcat(strcat(text, word[w]), " ");
				often[d][w]++;
				length[d]++;
			}
			add(text);
			if (seen >> d & 1) {
				n++;
				all += length[d];
			}
		}
		ask(&r, "aa cc hh", seen);
		for (int d = 0; d < DOCS; d++) {
			double	want = 0;

			for (int w = 0; w < WORDS && all > 0; w++) {
				double	df = 0;

				if (w != 0 && w != 2 && w != 7)
					continue;
				for (int other = 0; other < DOCS; other++)
					df += (seen >> other & 1) && often[other][w] > 0;
				if (often[d][w] > 0)
					want += log(1 + (n - df + 0.5) / (df + 0.5)) * often[d][w] * 2.2 /
					    (often[d][w] + 1.2 * (0.25 + 0.75 * length[d] / (all / n)));
			}
			if (seen >> d & 1)
				cr_assert(is_near(rank_score(&r, docs, (uint32_t)d), want), "round %d, document %d: %g, not %g",
				    round, d, rank_score(&r, docs, (uint32_t)d), want);
		}
		rank_docs_free(&docs);
	}
}
