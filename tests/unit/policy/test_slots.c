/* SPDX-License-Identifier: Apache-2.0
 *
 * test_slots.c - what clients may fill in for a program, how it travels, and the arguments it becomes
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <float.h>
#include <stdio.h>
#include <unistd.h>

#include "policy/build.h"
#include "policy/words.h"

/* --- one value ---------------------------------------------------------------------------------- */

static struct rec_slot
slot_of(uint32_t type, uint32_t slot_class)
{
	static const double	least = -DBL_MAX, most = DBL_MAX;
	struct rec_slot		s = { .type = type, .slot_class = slot_class, .min_length = 1, .max_length = 40,
				    .max_items = 1, .min = -10, .max = 10 };

	if (type == SLOT_NUMBER) {
		memcpy(&s.min, &least, sizeof(least));
		memcpy(&s.max, &most, sizeof(most));
	}
	return s;
}

static int
check(uint32_t type, uint32_t slot_class, struct span text)
{
	struct rec_slot	s = slot_of(type, slot_class);
	char		why[200] = "";
	int		r = slots_check_value(NULL, &s, text, why, sizeof(why));

	cr_expect(eq(int, r == 0, why[0] == '\0'));
	cr_expect(r == 0 || r == E_RANGE);
	return r;
}

Test(slots, take_the_bytes_of_their_class_and_no_others)
{
	static const struct { const char *text; size_t n; unsigned ok; } rows[] = {
		/* ok: 1 word, 2 name, 4 line, 8 text */
#define T(s, ok) { s, sizeof(s) - 1, ok }
		T("abc", 15), T("A_1.b-c", 15), T("-x", 15), T("a/b", 14), T("HEAD~2^", 14), T("a@b:c+d,e=f%g", 14),
		T("a b", 12), T("$(id)", 12), T("`id`", 12), T("a;b", 12), T("a|b", 12), T("'", 12), T("\"", 12),
		T("*", 12), T("\\", 12), T("ä", 12), T("\xf0\x9f\x92\xa9", 12),
		T("a\nb", 8), T("a\tb", 8), T("a\rb", 0), T("\x1b[31m", 0), T("\x7f", 0), T("\x01", 0), T("a\0b", 0),
		T("\0", 0), T("\xc2\x80", 0), T("\xc2\x9f", 0), T("\xc2\xa0", 12), T("\xff", 0), T("\xc3", 0),
		T("\xed\xa0\x80", 0), T("\xc0\xaf", 0), T("", 0),
		T("1234567890123456789012345678901234567890", 15), T("12345678901234567890123456789012345678901", 0),
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (unsigned c = SLOT_WORD; c <= SLOT_TEXT; c++)
			cr_expect(eq(int, check(SLOT_STRING, c, span_make(rows[i].text, rows[i].n)) == 0,
			    (rows[i].ok & 1u << c) != 0), "row %zu class %u", i, c);
}

Test(slots, take_values_of_their_type)
{
	static const struct { uint32_t type; const char *text; size_t n; bool ok; } rows[] = {
#define R(type, s, ok) { type, s, sizeof(s) - 1, ok }
		R(SLOT_INTEGER, "7", true), R(SLOT_INTEGER, "-10", true), R(SLOT_INTEGER, "10", true),
		R(SLOT_INTEGER, "11", false), R(SLOT_INTEGER, "-11", false), R(SLOT_INTEGER, "1.0", false),
		R(SLOT_INTEGER, "1e1", false), R(SLOT_INTEGER, "0x1", false), R(SLOT_INTEGER, " 1", false),
		R(SLOT_INTEGER, "1 ", false), R(SLOT_INTEGER, "99999999999999999999", false), R(SLOT_INTEGER, "", false),
		R(SLOT_INTEGER, "+1", false), R(SLOT_INTEGER, "1\n", false), R(SLOT_INTEGER, "007", false),
		R(SLOT_NUMBER, "1.5e3", true), R(SLOT_NUMBER, "-0.1", true), R(SLOT_NUMBER, "nan", false),
		R(SLOT_NUMBER, "inf", false), R(SLOT_NUMBER, "1e999", false), R(SLOT_NUMBER, "1;id", false),
		R(SLOT_NUMBER, "0x10", false), R(SLOT_NUMBER, " 1", false), R(SLOT_NUMBER, "[1]", false),
		R(SLOT_BOOLEAN, "true", true), R(SLOT_BOOLEAN, "false", true), R(SLOT_BOOLEAN, "yes", false),
		R(SLOT_JSON, "{\"a\":[1]}", true), R(SLOT_JSON, "{", false), R(SLOT_JSON, "1 2", false),
		R(SLOT_PATH, "a/b c/ä", true), R(SLOT_PATH, "a", true), R(SLOT_PATH, "./a", true),
		R(SLOT_PATH, "a..b", true), R(SLOT_PATH, "..a/b..", true), R(SLOT_PATH, "a/", true),
		R(SLOT_PATH, "...", true),
		R(SLOT_PATH, "..", false), R(SLOT_PATH, "../a", false), R(SLOT_PATH, "a/..", false),
		R(SLOT_PATH, "a/../b", false), R(SLOT_PATH, "/a", false), R(SLOT_PATH, "//a", false),
		R(SLOT_PATH, "a\0b", false), R(SLOT_PATH, "a\nb", false), R(SLOT_PATH, "\xff", false),
		R(SLOT_PATH, "", false),
		R(99, "a", false),
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_expect(eq(int, check(rows[i].type, 0, span_make(rows[i].text, rows[i].n)) == 0, rows[i].ok),
		    "row %zu: %s", i, rows[i].text);
}

/* --- a tool ------------------------------------------------------------------------------------- */

enum { REV, COUNT, ALL, PATHS, FREE, BODY, SLOTS };

static struct build	*b;

static struct stext
text(const char *s)
{
	struct stext	t;

	cr_assert(build_text(b, span_of(s), &t) == 0);
	return t;
}

static void
add(enum snap_section section, const void *record)
{
	cr_assert(build_add(b, section, record, NULL) == 0);
}

/* A word of literal, slot + 1 (0 none), literal. */
static void
word(const char *before, uint32_t slot, const char *behind, uint32_t group, uint32_t flags)
{
	struct rec_word	w = { .part_first = (uint32_t)build_count(b, SECTION_PART), .group = group, .flags = flags };

	if (before != NULL)
		add(SECTION_PART, &(struct rec_part){ .text = text(before) });
	if (slot != 0)
		add(SECTION_PART, &(struct rec_part){ .slot = slot });
	if (behind != NULL)
		add(SECTION_PART, &(struct rec_part){ .text = text(behind) });
	w.part_count = (uint32_t)build_count(b, SECTION_PART) - w.part_first;
	add(SECTION_WORD, &w);
}

/* log --max={count}! [{all} --all] [--free {free}] {rev} -- {paths...}, and stdin <{body}> */
static struct snap *
tool_make(void)
{
	static const char *const names[SLOTS] = { "rev", "count", "all", "paths", "free", "body" };
	struct rec_slot		 s[SLOTS] = {
		[REV] = slot_of(SLOT_STRING, SLOT_NAME), [COUNT] = slot_of(SLOT_INTEGER, 0),
		[ALL] = slot_of(SLOT_BOOLEAN, 0), [PATHS] = slot_of(SLOT_PATH, 0),
		[FREE] = slot_of(SLOT_STRING, SLOT_LINE), [BODY] = slot_of(SLOT_STRING, SLOT_TEXT),
	};
	struct rec_tool		 t = { .slot_count = SLOTS };
	struct snap		*snap;
	uint64_t		 length;
	int			 fd;

	cr_assert(build_new(SNAP_PROFILE, "default", &b) == 0);
	s[REV].flags = SLOT_FLAG_REQUIRED | SLOT_FLAG_ARGS;
	s[COUNT].flags = SLOT_FLAG_DEFAULT | SLOT_FLAG_ARGS;
	s[COUNT].fallback = text("5");
	s[ALL].flags = SLOT_FLAG_ARGS;
	s[PATHS].flags = SLOT_FLAG_ARRAY | SLOT_FLAG_ARGS;
	s[PATHS].max_items = 3;
	s[FREE].flags = SLOT_FLAG_ARGS | SLOT_FLAG_DASH;
	s[BODY].flags = SLOT_FLAG_INPUT | SLOT_FLAG_REQUIRED;
	for (size_t i = 0; i < SLOTS; i++) {
		s[i].name = text(names[i]);
		add(SECTION_SLOT, &s[i]);
	}
	word("log", 0, NULL, 0, 0);
	word("--max=", COUNT + 1, "!", 0, 0);
	word(NULL, ALL + 1, NULL, 1, WORD_FLAG_SWITCH);
	word("--all", 0, NULL, 1, 0);
	word("--free", 0, NULL, 2, 0);
	word(NULL, FREE + 1, NULL, 2, 0);
	word(NULL, REV + 1, NULL, 0, 0);
	word("--", 0, NULL, 0, 0);
	word(NULL, PATHS + 1, NULL, 0, WORD_FLAG_SPREAD | WORD_FLAG_AFTER_DASHES);
	t.word_count = (uint32_t)build_count(b, SECTION_WORD);
	word("<", BODY + 1, ">", 0, 0);
	t.input = t.word_count + 1;
	add(SECTION_TOOL, &t);
	cr_assert(build_seal(b, 1, &fd, &length) == 0);
	build_free(&b);
	cr_assert(snap_map(fd, &snap) == 0);
	close(fd);
	return snap;
}

static struct slot_values	values;

static void
give(uint32_t slot, const char *value)
{
	values.v[values.count++] = (struct slot_value){ slot, span_of(value) };
}

static int
join(const struct word *w, void *arg)
{
	return buf_put_fmt(arg, "[%.*s]", SPAN_FMT(w->text));
}

/* Values alone, with a dot for each byte that is the operator's. */
static int
join_values(const struct word *w, void *arg)
{
	size_t	at = 0;
	int	r = buf_put_str(arg, "[");

	for (size_t i = 0; r == 0 && i < w->value_count; i++) {
		r = buf_put_fmt(arg, "%.*s%.*s", (int)(w->values[i].at - at), "..................",
		    (int)w->values[i].bytes, w->text.p + w->values[i].at);
		at = w->values[i].at + w->values[i].bytes;
	}
	return r != 0 ? r : buf_put_fmt(arg, "%.*s]", (int)(w->text.n - at), "..................");
}

static void
expect_words(const struct snap *s, int want, const char *what)
{
	const struct rec_tool	*t = SNAP_AT(s, TOOL, 0);
	char			 why[200];
	struct buf		 out;
	int			 r;

	buf_init(&out, 4096);
	r = slots_check(s, t, &values, SLOT_FLAG_ARGS, why, sizeof(why));
	if (r == 0)
		r = words_expand(s, t, &values, join, &out, why, sizeof(why));
	cr_expect(eq(int, r, want), "%s", why);
	if (want == 0)
		cr_expect(span_is(buf_rest(&out), what), "%.*s", SPAN_FMT(buf_rest(&out)));
	else
		cr_expect(strstr(why, what) != NULL, "%s", why);
	buf_fini(&out);
	values.count = 0;
}

Test(slots, become_the_words_of_a_template)
{
	struct snap	*s = tool_make();
	struct buf	 in;

	give(REV, "HEAD");
	expect_words(s, 0, "[log][--max=5!][HEAD][--]");
	give(REV, "a");
	give(COUNT, "7");
	give(ALL, "true");
	give(PATHS, "x");
	give(PATHS, "-y");
	give(FREE, "-z; $(id) \"'");
	expect_words(s, 0, "[log][--max=7!][--all][--free][-z; $(id) \"'][a][--][x][-y]");
	give(REV, "a");
	give(ALL, "false");
	expect_words(s, 0, "[log][--max=5!][a][--]");
	give(BODY, "a\nb");
	buf_init(&in, 100);
	cr_expect(eq(int, words_input(s, SNAP_AT(s, TOOL, 0), &values, &in), 0));
	cr_expect(span_is(buf_rest(&in), "<a\nb>"));
	buf_fini(&in);
	values.count = 0;
	snap_release(&s);
}

Test(slots, are_told_from_the_operators_words)
{
	struct snap	*s = tool_make();
	struct buf	 out;
	char		 why[200];

	give(REV, "HEAD");
	give(COUNT, "7");
	give(PATHS, "x");
	buf_init(&out, 4096);
	cr_expect(eq(int, words_expand(s, SNAP_AT(s, TOOL, 0), &values, join_values, &out, why, sizeof(why)), 0));
	cr_expect(span_is(buf_rest(&out), "[...][......7.][HEAD][..][x]"), "%.*s", SPAN_FMT(buf_rest(&out)));
	buf_fini(&out);
	values.count = 0;
	snap_release(&s);
}

Test(slots, refuse_what_a_program_must_not_get)
{
	struct snap	*s = tool_make();

	expect_words(s, E_RANGE, "\"rev\" is missing");
	give(REV, "--output=x");
	expect_words(s, E_RANGE, "\"rev\" must not begin with \"-\"");
	give(REV, "-");
	expect_words(s, E_RANGE, "\"rev\" must not begin");
	give(REV, "a b");
	expect_words(s, E_RANGE, "\"rev\" may have");
	give(REV, "a");
	give(COUNT, "11");
	expect_words(s, E_RANGE, "\"count\" must be at most 10");
	give(REV, "a");
	give(PATHS, "x");
	give(PATHS, "../x");
	expect_words(s, E_RANGE, "\"paths\" must not lead out");
	give(REV, "a");
	for (int i = 0; i < 4; i++)
		give(PATHS, "x");
	expect_words(s, E_RANGE, "\"paths\" has more than 3 values");
	/* What no runner of ours sends. */
	give(REV, "a");
	give(REV, "b");
	expect_words(s, E_RANGE, "\"rev\" has more than 1");
	give(COUNT, "1");
	give(REV, "a");
	expect_words(s, E_FORMAT, "");
	give(REV, "a");
	give(BODY, "x");
	expect_words(s, E_FORMAT, "");
	give(REV, "a");
	give(SLOTS, "x");
	expect_words(s, E_FORMAT, "");
	give(UINT32_MAX, "x");
	expect_words(s, E_FORMAT, "");
	snap_release(&s);
}

Test(slots, travel_bounded_and_whole)
{
	static const char	*const broken[] = { "\1", "\1\0\4\0abc", "\1\0\4\0abcd\2", "\1\0\4\0abcd\2\0\xff\xff" };
	static const size_t	 bytes[] = { 1, 7, 9, 12 };
	struct snap		*s = tool_make();
	const struct rec_tool	*t = SNAP_AT(s, TOOL, 0);
	static char		 big[SLOTS_WIRE_MAX];
	struct slot_values	 got;
	struct buf		 wire;

	buf_init(&wire, 1 << 20);
	give(REV, "a");
	give(PATHS, "");
	give(PATHS, "x\0y");
	give(BODY, "not sent");
	cr_assert(eq(int, slots_encode(s, t, &values, &wire), 0));
	cr_assert(eq(int, slots_decode(buf_rest(&wire), &got), 0));
	cr_expect(eq(sz, got.count, 3));
	cr_expect(got.v[0].slot == REV && span_is(got.v[0].text, "a"));
	cr_expect(got.v[1].slot == PATHS && got.v[1].text.n == 0);
	values.count = 0;
	for (size_t i = 0; i < 4; i++)
		cr_expect(eq(int, slots_decode(span_make(broken[i], bytes[i]), &got), E_FORMAT), "row %zu", i);
	cr_expect(eq(int, slots_decode(SPAN_NONE, &got), 0));
	cr_expect(eq(sz, got.count, 0));
	/* Zeroes are empty values of slot 0: too many of them. */
	cr_expect(eq(int, slots_decode(span_make(big, SLOT_VALUES_MAX * 4), &got), 0));
	cr_expect(eq(int, slots_decode(span_make(big, SLOT_VALUES_MAX * 4 + 4), &got), E_FORMAT));
	cr_expect(eq(int, slots_decode(span_make(big, SLOTS_WIRE_MAX + 1), &got), E_FORMAT));
	values.v[0] = (struct slot_value){ REV, span_make(big, SLOTS_WIRE_MAX - 4) };
	values.count = 1;
	buf_clear(&wire);
	cr_expect(eq(int, slots_encode(s, t, &values, &wire), 0));
	values.v[1] = (struct slot_value){ REV, SPAN_NONE };
	values.count = 2;
	buf_clear(&wire);
	cr_expect(eq(int, slots_encode(s, t, &values, &wire), E_TOOBIG));
	values.count = 0;
	buf_fini(&wire);
	snap_release(&s);
}
