/* SPDX-License-Identifier: Apache-2.0
 *
 * test_assign.c - lines of name = value, and what stands for a $name
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

#include "lib/assign.h"

struct row {
	const char	*text, *want;
};

/* Settings as "line:column name=value;", others as "line !;" and "line ?;". */
static const struct row rows[] = {
	{ "", "" },
	{ "a = b\n", "1:5 a=b;" },
	{ "a=b", "1:3 a=b;" },
	{ "\n# no\n  # no\na = 1\r\n\nb =  2 3 \n", "4:5 a=1;6:6 b=2 3;" },
	{ "a =\n", "1:3 a=;" },
	{ "a = 1\n  2\n# in between\n\t3\nb = 4\n", "1:5 a=1 2 3;5:5 b=4;" },
	{ " lost\na = 1\n", "1 ?;2:5 a=1;" },
	{ "words\na = 1\n", "1 !;2:5 a=1;" },
	{ "a = b = c\n", "1:5 a=b = c;" },
};

Test(assign, takes_a_text_apart)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct assign_reader	r;
		struct assign		a;
		struct arena		arena;
		char			got[256] = "";
		size_t			n = 0;

		arena_init(&arena, NULL, 0, 4096);
		assign_init(&r, span_of(rows[i].text), &arena);
		while (assign_next(&r, &a) == 0) {
			if (a.kind == ASSIGN_SETTING)
				n += (size_t)snprintf(got + n, sizeof(got) - n, "%u:%u %.*s=%.*s;", a.line,
				    a.column, SPAN_FMT(a.name), SPAN_FMT(a.value));
			else
				n += (size_t)snprintf(got + n, sizeof(got) - n, "%u %s;", a.line,
				    a.kind == ASSIGN_NO_EQUALS ? "!" : "?");
		}
		cr_expect(eq(str, got, (char *)(uintptr_t)rows[i].want), "row %zu", i);
		cr_expect(eq(int, assign_next(&r, &a), E_EOF));
		arena_fini(&arena);
	}
}

Test(assign, says_when_there_is_no_room_for_a_continued_line)
{
	struct assign_reader	r;
	struct assign		a;
	struct arena		arena;

	arena_init(&arena, NULL, 0, 16);
	assign_init(&r, SPAN_LIT("name = a long value\n that goes on\n"), &arena);
	cr_expect(eq(int, assign_next(&r, &a), E_NOMEM));
	arena_fini(&arena);
}

static int
value(struct span name, bool parameter, struct buf *to, void *arg)
{
	(void)arg;
	if (span_is(name, "bad"))
		return E_NOTFOUND;
	return buf_put_fmt(to, parameter ? "(%.*s)" : "[%.*s]", SPAN_FMT(name));
}

static const struct {
	const char	*raw, *want;
	int		 r;
} expansions[] = {
	{ "plain", "plain", 0 }, { "", "", 0 },
	{ "$run_dir/mcp.sock", "(run_dir)/mcp.sock", 0 },
	{ "${run_dir}x$HOME.", "(run_dir)x[HOME].", 0 },
	{ "5$$", "5$", 0 },
	{ "a$", "a", E_FORMAT }, { "${x", "", E_FORMAT }, { "$-", "", E_FORMAT }, { "${}", "", E_FORMAT },
	{ "a$bad", "a", E_NOTFOUND },
	{ "0123456789012345678901234567890123456789", "", E_TOOBIG },
};

Test(assign, expands_names)
{
	for (size_t i = 0; i < sizeof(expansions) / sizeof(expansions[0]); i++) {
		struct buf	to;

		buf_init(&to, 32);
		cr_expect(eq(int, assign_expand(span_of(expansions[i].raw), &to, value, NULL), expansions[i].r),
		    "row %zu", i);
		cr_expect(span_is(buf_rest(&to), expansions[i].want), "row %zu: %.*s", i, SPAN_FMT(buf_rest(&to)));
		buf_fini(&to);
	}
}
