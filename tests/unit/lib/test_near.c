/* SPDX-License-Identifier: Apache-2.0
 *
 * test_near.c - how far words are apart, and which known name an unknown one was meant to be
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdint.h>

#include "lib/near.h"

static size_t
apart(const char *a, const char *b)
{
	return near_distance(span_of(a), span_of(b));
}

Test(near, counts_what_turns_one_word_into_the_other)
{
	static const struct {
		const char	*a, *b;
		size_t		 want;
	} rows[] = {
		{ "", "", 0 }, { "", "abc", 3 }, { "status", "status", 0 }, { "status", "Status", 1 },
		{ "staus", "status", 1 }, { "sttatus", "status", 1 }, { "stetus", "status", 1 },
		{ "statsu", "status", 1 },		/* exchanged */
		{ "satts", "sttas", 2 }, { "ba", "ab", 1 }, { "ca", "abc", 3 },
		{ "kitten", "sitting", 3 }, { "abcdef", "uvwxyz", 6 }, { "reload", "rollback", 5 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cr_expect(apart(rows[i].a, rows[i].b) == rows[i].want, "%s to %s: %zu", rows[i].a, rows[i].b,
		    apart(rows[i].a, rows[i].b));
		cr_expect(apart(rows[i].b, rows[i].a) == rows[i].want, "%s to %s: %zu", rows[i].b, rows[i].a,
		    apart(rows[i].b, rows[i].a));
	}
}

Test(near, leaves_long_words_alone)
{
	char	a[NEAR_WORD_MAX + 2], b[NEAR_WORD_MAX + 2];

	memset(a, 'a', sizeof(a));
	memset(b, 'b', sizeof(b));
	cr_expect(near_distance(span_make(a, NEAR_WORD_MAX), span_make(b, NEAR_WORD_MAX)) == NEAR_WORD_MAX);
	cr_expect(near_distance(span_make(a, NEAR_WORD_MAX + 1), span_make(a, 1)) == SIZE_MAX);
	cr_expect(near_distance(span_make(a, 1), span_make(a, NEAR_WORD_MAX + 1)) == SIZE_MAX);
}

static const char *
name_of(size_t i, const void *arg)
{
	return ((const char *const *)arg)[i];
}

Test(near, finds_the_nearest_name_within_a_third_of_it)
{
	static const char *const names[] = { "command", NULL, "", "args", "environment", "url" };
	static const struct { const char *word, *want; } rows[] = {
		{ "comand", "command" }, { "arg", "args" }, { "agrs", "args" }, { "ulr", "url" },
		{ "enviroment", "environment" }, { "environ", "environment" }, { "envir", NULL },
		{ "command", "command" }, { "x", NULL }, { "", NULL }, { "something", NULL },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char	*got = near_find(span_of(rows[i].word), name_of, names, sizeof(names) / sizeof(names[0]));

		cr_expect(rows[i].want == NULL ? got == NULL : got != NULL && strcmp(got, rows[i].want) == 0, "%s: %s",
		    rows[i].word, got == NULL ? "nothing" : got);
	}
	cr_expect(near_find(SPAN_LIT("args"), name_of, names, 0) == NULL);
}
