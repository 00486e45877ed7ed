/* SPDX-License-Identifier: Apache-2.0
 *
 * test_glob.c - the patterns of rules
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fnmatch.h>
#include <locale.h>

#include "lib/glob.h"

Test(glob, matches_as_the_seed_says)
{
	static const struct {
		const char	*pattern, *text;
		int		 match;
	} rows[] = {
		{ "query", "query", 1 }, { "query", "Query", 0 }, { "query", "query2", 0 },
		{ "*", "", 1 }, { "*", "anything at all", 1 }, { "", "", 1 }, { "", "x", 0 },
		{ "drop_*", "drop_", 1 }, { "drop_*", "drop_table", 1 }, { "drop_*", "xdrop_table", 0 },
		{ "*_list", "a_list", 1 }, { "*_list", "_list_", 0 }, { "*_list", "x_list_list", 1 },
		{ "?uery", "query", 1 }, { "?uery", "uery", 0 }, { "?", "\xc3\xa4", 1 }, { "?", "ab", 0 },
		{ "[dq]*", "drop", 1 }, { "[dq]*", "list", 0 }, { "[!dq]*", "list", 1 }, { "[!dq]*", "drop", 0 },
		{ "[a-c]x", "bx", 1 }, { "[a-c]x", "dx", 0 }, { "[c-a]x", "bx", 0 },
		{ "[]x]", "]", 1 }, { "[!]x]", "]", 0 }, { "[a-]", "-", 1 },
		{ "[ä-ü]", "ö", 1 }, { "[ä-ü]", "a", 0 },
		{ "a[b", "a[b", 1 }, { "a[b", "ab", 0 }, { "a\\*", "a*", 0 }, { "a\\*", "a\\x", 1 },
		{ "a*b*c", "a1b2b3c", 1 }, { "a*b*c", "a1c2b", 0 }, { "?", "\xff", 1 }, { "??", "\xc3\xff", 1 },
		{ "*x", "\xf0\x9f\x98\x80x", 1 }, { "?x", "\xf0\x9f\x98\x80x", 1 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_expect(eq(int, glob_match(span_of(rows[i].pattern), span_of(rows[i].text)), rows[i].match),
		    "row %zu: %s against %s", i, rows[i].pattern, rows[i].text);
}

/* An independent matcher for what both understand: ASCII, closed brackets. */
Test(glob, agrees_with_fnmatch)
{
	static const char	alphabet[] = "ab_*?[!-]";
	unsigned		seed = 7, differ = 0;
	char			pattern[8], text[8];

	for (unsigned n = 0; n < 400000; n++) {
		size_t p = 0, t = 0;

		for (unsigned i = 0; i < 6; i++) {
			seed = seed * 1664525u + 1013904223u;
			pattern[p++] = alphabet[(seed >> 16) % (sizeof(alphabet) - 1)];
		}
		for (unsigned i = 0; i < 4; i++) {
			seed = seed * 1664525u + 1013904223u;
			text[t++] = "ab_-"[(seed >> 16) % 4];
		}
		pattern[(seed >> 20) % 7] = '\0';
		text[(seed >> 24) % 5] = '\0';
		pattern[6] = text[4] = '\0';
		/* what an open bracket means differs; a rules file may not hold one */
		if (strchr(pattern, '[') != NULL)
			continue;
		if (glob_match(span_of(pattern), span_of(text)) !=
		    (fnmatch(pattern, text, FNM_NOESCAPE) == 0)) {
			differ++;
			cr_log_error("%s against %s", pattern, text);
		}
	}
	cr_expect(eq(uint, differ, 0u));
}

Test(glob, takes_linear_steps_back_only)
{
	static char	pattern[2001], text[20001];

	for (size_t i = 0; i < 2000; i += 2)
		memcpy(pattern + i, "*a", 2);
	memset(text, 'a', 20000);
	text[20000] = '\0';
	cr_expect(glob_match(span_of(pattern), span_of(text)));
	text[19999] = 'b';
	cr_expect(not(glob_match(span_of(pattern), span_of(text))));
}

Test(glob, knows_what_a_rule_may_hold)
{
	static const struct {
		const char	*pattern, *wrong;
		int		 exact;
	} rows[] = {
		{ "query", NULL, 1 }, { "*", NULL, 0 }, { "a*", NULL, 0 }, { "*a", NULL, 0 },
		{ "a?", NULL, 0 }, { "[ab]c", NULL, 0 }, { "[!a]*", NULL, 0 },
		{ "", "empty pattern", 1 }, { "*a*", "only one *", 0 }, { "**", "only one *", 0 },
		{ "a*b", "* only at the start or the end", 0 }, { "a[b", "[ without ]", 1 },
		{ "[]", "[ without ]", 1 }, { "[a*]", "no * between [ and ]", 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *wrong = glob_check(span_of(rows[i].pattern));

		cr_expect(rows[i].wrong == NULL ? wrong == NULL : wrong != NULL &&
		    strcmp(wrong, rows[i].wrong) == 0, "row %zu: %s", i, wrong == NULL ? "right" : wrong);
		cr_expect(eq(int, glob_is_exact(span_of(rows[i].pattern)), rows[i].exact), "row %zu", i);
	}
}
