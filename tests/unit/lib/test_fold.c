/* SPDX-License-Identifier: Apache-2.0
 *
 * test_fold.c - texts as they look
 */
#include <criterion/criterion.h>

#include "lib/fold.h"

Test(fold, finds_names_that_look_the_same)
{
	static const struct { const char *a, *b; bool alike; } rows[] = {
		{ "create_issue", "create_issue", true },
		{ "create_issue", "Create_Issue", true },
		{ "create_issue", "create-issue", true },
		{ "create_issue", "\xd1\x81reate_issue", true },		/* Cyrillic es */
		{ "create_issue", "\xd0\xa1REATE_ISSUE", true },		/* and its capital */
		{ "scope", "\xd1\x95\xd1\x81\xd0\xbe\xd1\x80\xd0\xb5", true },	/* all of it Cyrillic */
		{ "note", "n\xce\xbf" "te", true },				/* Greek omicron */
		{ "list", "l1st", true },
		{ "list", "IIst", true },
		{ "zoo", "z0o", true },
		{ "read", "\xef\xbd\x92\xef\xbd\x85\xef\xbd\x81\xef\xbd\x84", true },	/* full width */
		{ "read", "\xf0\x9d\x90\xab\xf0\x9d\x90\x9e\xf0\x9d\x90\x9a\xf0\x9d\x90\x9d", true },	/* mathematical bold */
		{ "read", "re\xe2\x80\x8b" "ad", true },			/* a space without width */
		{ "read", "rea\xcc\x81" "d", true },				/* a combining accent */
		{ "read", "\xf3\xa0\x81\xb2read", true },			/* a tag */
		{ "read", "reads", false },
		{ "get_user", "get_users", false },
		{ "get.user", "get_user", false },
		{ "\xd0\x96", "\xd0\xb6", true },				/* zhe and its capital look like none of ours */
		{ "\xff", "\xfe", false },
		{ "", "", true },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cr_expect(fold_alike(span_of(rows[i].a), span_of(rows[i].b)) == rows[i].alike, "row %zu", i);
		cr_expect(fold_alike(span_of(rows[i].b), span_of(rows[i].a)) == rows[i].alike, "row %zu", i);
	}
}

Test(fold, is_never_longer_and_knows_where_it_came_from)
{
	const struct span	text = SPAN_LIT("A\xe2\x80\x8b\xd1\x81\xff\xef\xbc\xa1z");
	char			to[32];
	uint32_t		from[32];
	struct span		looks = fold_text(text, to, from);

	cr_expect(looks.n <= text.n && span_eq(looks, SPAN_LIT("ac\xff" "az")));
	cr_expect(from[0] == 0 && from[1] == 4 && from[2] == 6 && from[3] == 7 && from[4] == 10);
}

/* Twice is once: what was folded may be compared with what is folded again. */
Test(fold, of_what_was_folded_changes_nothing)
{
	char	one[8], two[8];

	for (uint32_t code = 1; code < 0x80; code++) {
		char		c = (char)code;
		struct span	a = fold_name(span_make(&c, 1), one), b = fold_name(a, two);

		cr_expect(span_eq(a, b), "U+%04x", code);
	}
	for (uint32_t code = 1, looks; code <= 0x10ffff; code++)
		if ((looks = fold_char(code)) != 0)
			cr_expect(fold_char(looks) == looks, "U+%04x", code);
}

Test(fold, takes_no_byte_for_a_character_that_is_none)
{
	static const char *const	bad[] = { "\x80", "\xc0\x80", "\xe0\x80\x80", "\xf8\x80\x80\x80", "\xe2\x80",
		"\xf4\x90\x80\x80" };
	uint32_t			code;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_expect(fold_next(span_of(bad[i]), &code) == 1 && code == FOLD_NOT_UTF8, "row %zu", i);
	cr_expect(fold_next(SPAN_LIT("\xf0\x9f\x98\x80"), &code) == 4 && code == 0x1f600);
}
