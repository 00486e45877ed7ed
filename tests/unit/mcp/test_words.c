/* SPDX-License-Identifier: Apache-2.0
 *
 * test_words.c - where words begin and end
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "mcp/words.h"

/* All words, each with a bar behind it. */
static const char *
words_of(struct span text)
{
	static char	all[4096];
	struct words	w;
	struct span	word;
	size_t		n = 0;

	words_begin(&w, text);
	while (words_next(&w, &word)) {
		cr_assert(word.n > 0 && word.n <= WORDS_BYTES_MAX);
		if (n + word.n + 2 > sizeof(all))
			break;
		memcpy(all + n, word.p, word.n);
		n += word.n;
		all[n++] = '|';
	}
	all[n] = '\0';
	return all;
}

Test(words, end_where_a_reader_sees_an_end)
{
	static const struct { const char *text, *want; } rows[] = {
		{ "", "" }, { " .,;_-\n", "" }, { "a", "a|" }, { "Read a file", "read|a|file|" },
		{ "read_file", "read|file|" }, { "readFile", "read|file|" }, { "ReadFile", "read|file|" },
		{ "fetchPage2", "fetch|page|2|" }, { "fetch_page_2", "fetch|page|2|" }, { "base64", "base|64|" },
		{ "4ever", "4|ever|" }, { "HTTPServer", "http|server|" }, { "parseJSON", "parse|json|" },
		{ "JSON", "json|" }, { "aB", "a|b|" }, { "AB", "ab|" }, { "ABc", "a|bc|" }, { "x.y/z:w", "x|y|z|w|" },
		{ "caf\xc3\xa9 au lait", "caf\xc3\xa9|au|lait|" }, { "\xc3\x89" "tat", "\xc3\x89" "tat|" },
		{ "\xe6\x96\x87\xe4\xbb\xb6", "\xe6\x96\x87\xe4\xbb\xb6|" },
		{ "one\xe2\x80\x94two", "one|two|" }, { "one\xc2\xa0two", "one|two|" },
		{ "it\xe2\x80\x99s", "it|s|" }, { "\xe3\x80\x8c" "a\xe3\x80\x8d", "a|" },
		{ "\xe2\x82\xac" "5", "\xe2\x82\xac|5|" },
		{ "\x80\xff", "\x80\xff|" }, { "a\xc2", "a|" }, { "a\xe2\x80", "a\xe2\x80|" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_expect(strcmp(words_of(span_of(rows[i].text)), rows[i].want) == 0, "row %zu: %s gives %s", i,
		    rows[i].text, words_of(span_of(rows[i].text)));
}

Test(words, too_long_are_one_word_each)
{
	char	text[1000];

	memset(text, 'x', sizeof(text));
	text[500] = ' ';
	cr_expect(strlen(words_of(span_make(text, sizeof(text)))) == 2 * (WORDS_BYTES_MAX + 1));
}

Test(words, of_any_bytes_come_to_an_end_within_them)
{
	char	*text;

	srand(7);
	for (int round = 0; round < 20000; round++) {
		size_t	n = (size_t)rand() % 24;

		text = malloc(n > 0 ? n : 1);		/* so that a sanitizer sees a step outside */
		for (size_t i = 0; i < n; i++)
			text[i] = (char)(rand() % 3 == 0 ? rand() : "aB3_ \xe2\x80\xc2"[rand() % 8]);
		cr_assert(strlen(words_of(span_make(text, n))) <= 2 * n);
		free(text);
	}
}
