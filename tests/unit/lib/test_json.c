/* SPDX-License-Identifier: Apache-2.0
 *
 * test_json.c - the scanner against a table of texts, against itself in chunks, against json-c
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/json.h"
#include "tests/unit/lib/jsonc.h"

#define TEXT(s)	"" s "", sizeof(s) - 1
#define TEN(s)	s s s s s s s s s s

struct text_case {
	const char	*text;
	size_t		 bytes;
	int		 want;
};

static const struct text_case cases[] = {
	/* y: must be taken */
	{ TEXT("[]"), 0 },
	{ TEXT("{}"), 0 },
	{ TEXT(" [ ] "), 0 },
	{ TEXT("\t{\r\n}\n"), 0 },
	{ TEXT("null"), 0 },
	{ TEXT("true"), 0 },
	{ TEXT("false "), 0 },
	{ TEXT("0"), 0 },
	{ TEXT("-0"), 0 },
	{ TEXT("-1"), 0 },
	{ TEXT("10.25e+17"), 0 },
	{ TEXT("1E-2"), 0 },
	{ TEXT("0e1"), 0 },
	{ TEXT("-0.0"), 0 },
	{ TEXT("123456789012345678901234567890"), 0 },
	{ TEXT("1e400"), 0 },
	{ TEXT("\"\""), 0 },
	{ TEXT("\"a\""), 0 },
	{ TEXT("\"\x7f\""), 0 },
	{ TEXT("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""), 0 },
	{ TEXT("\"\\u0041\\u00e9\\u4e16\""), 0 },
	{ TEXT("\"\\uD83D\\uDE00\""), 0 },
	{ TEXT("\"\\udbff\\udfff\""), 0 },
	{ TEXT("\"\\uFFFF\""), 0 },
	{ TEXT("\"\xc2\x80\xdf\xbf\""), 0 },
	{ TEXT("\"\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\""), 0 },
	{ TEXT("\"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\""), 0 },
	{ TEXT("[1,\"a\",null,{\"b\":[]}]"), 0 },
	{ TEXT("{\"a\":{\"a\":1},\"b\":[{\"a\":2}]}"), 0 },
	{ TEXT("{\"\":0}"), 0 },
	{ TEXT("{\"a\":1,\"A\":2}"), 0 },
	{ TEXT("[[[[[]]]],{\"x\":{}}]"), 0 },
	/* n: must be refused */
	{ TEXT(""), E_JSON_SYNTAX },
	{ TEXT(" "), E_JSON_SYNTAX },
	{ TEXT("["), E_JSON_SYNTAX },
	{ TEXT("]"), E_JSON_SYNTAX },
	{ TEXT("[}"), E_JSON_SYNTAX },
	{ TEXT("{]"), E_JSON_SYNTAX },
	{ TEXT("[1,]"), E_JSON_SYNTAX },
	{ TEXT("[,1]"), E_JSON_SYNTAX },
	{ TEXT("[1 2]"), E_JSON_SYNTAX },
	{ TEXT("[1,,2]"), E_JSON_SYNTAX },
	{ TEXT("[]]"), E_JSON_SYNTAX },
	{ TEXT("[] []"), E_JSON_SYNTAX },
	{ TEXT("{}x"), E_JSON_SYNTAX },
	{ TEXT("{\"a\"}"), E_JSON_SYNTAX },
	{ TEXT("{\"a\" 1}"), E_JSON_SYNTAX },
	{ TEXT("{\"a\":}"), E_JSON_SYNTAX },
	{ TEXT("{\"a\":1,}"), E_JSON_SYNTAX },
	{ TEXT("{,\"a\":1}"), E_JSON_SYNTAX },
	{ TEXT("{\"a\":1 \"b\":2}"), E_JSON_SYNTAX },
	{ TEXT("{a:1}"), E_JSON_SYNTAX },
	{ TEXT("{'a':1}"), E_JSON_SYNTAX },
	{ TEXT("{1:1}"), E_JSON_SYNTAX },
	{ TEXT("{\"a\"::1}"), E_JSON_SYNTAX },
	{ TEXT("['a']"), E_JSON_SYNTAX },
	{ TEXT("[\"a]"), E_JSON_SYNTAX },
	{ TEXT("[\"a\"\"b\"]"), E_JSON_SYNTAX },
	{ TEXT("nul"), E_JSON_SYNTAX },
	{ TEXT("nulll"), E_JSON_SYNTAX },
	{ TEXT("True"), E_JSON_SYNTAX },
	{ TEXT("NaN"), E_JSON_SYNTAX },
	{ TEXT("Infinity"), E_JSON_SYNTAX },
	{ TEXT("-Infinity"), E_JSON_SYNTAX },
	{ TEXT("01"), E_JSON_SYNTAX },
	{ TEXT("-01"), E_JSON_SYNTAX },
	{ TEXT("+1"), E_JSON_SYNTAX },
	{ TEXT("-"), E_JSON_SYNTAX },
	{ TEXT("--1"), E_JSON_SYNTAX },
	{ TEXT("1."), E_JSON_SYNTAX },
	{ TEXT(".5"), E_JSON_SYNTAX },
	{ TEXT("1.e1"), E_JSON_SYNTAX },
	{ TEXT("1e"), E_JSON_SYNTAX },
	{ TEXT("1e+"), E_JSON_SYNTAX },
	{ TEXT("1e1.5"), E_JSON_SYNTAX },
	{ TEXT("0x10"), E_JSON_SYNTAX },
	{ TEXT("1a"), E_JSON_SYNTAX },
	{ TEXT("[1]\0"), E_JSON_SYNTAX },
	{ TEXT("[1\0]"), E_JSON_SYNTAX },
	{ TEXT("\xef\xbb\xbf[]"), E_JSON_SYNTAX },
	{ TEXT("[] // x"), E_JSON_SYNTAX },
	{ TEXT("/* x */[]"), E_JSON_SYNTAX },
	{ TEXT("[\xc2\xa0]"), E_JSON_SYNTAX },
	{ TEXT("[\f]"), E_JSON_SYNTAX },
	{ TEXT("\"a\nb\""), E_JSON_SYNTAX },
	{ TEXT("\"a\tb\""), E_JSON_SYNTAX },
	{ TEXT("\"a\0b\""), E_JSON_SYNTAX },
	{ TEXT("\"\\u0000\""), E_JSON_SYNTAX },
	{ TEXT("\"\\a\""), E_JSON_SYNTAX },
	{ TEXT("\"\\x41\""), E_JSON_SYNTAX },
	{ TEXT("\"\\\0\""), E_JSON_SYNTAX },
	{ TEXT("\"\\U0041\""), E_JSON_SYNTAX },
	{ TEXT("\"\\u004\""), E_JSON_SYNTAX },
	{ TEXT("\"\\u00g1\""), E_JSON_SYNTAX },
	{ TEXT("\"\\"), E_JSON_SYNTAX },
	{ TEXT("\"\\u12"), E_JSON_SYNTAX },
	/* lone surrogates */
	{ TEXT("\"\\ud800\""), E_JSON_SYNTAX },
	{ TEXT("\"\\udc00\""), E_JSON_SYNTAX },
	{ TEXT("\"\\ud800x\""), E_JSON_SYNTAX },
	{ TEXT("\"\\ud800\\n\""), E_JSON_SYNTAX },
	{ TEXT("\"\\ud800\\u0041\""), E_JSON_SYNTAX },
	{ TEXT("\"\\ud800\\ud800\""), E_JSON_SYNTAX },
	{ TEXT("\"\\udc00\\ud800\""), E_JSON_SYNTAX },
	{ TEXT("\"\xed\xa0\x80\""), E_JSON_SYNTAX },
	{ TEXT("\"\xed\xbf\xbf\""), E_JSON_SYNTAX },
	/* UTF-8 that is overlong, cut, past the end, or no start */
	{ TEXT("\"\xc0\xaf\""), E_JSON_SYNTAX },
	{ TEXT("\"\xc1\xbf\""), E_JSON_SYNTAX },
	{ TEXT("\"\xe0\x80\xaf\""), E_JSON_SYNTAX },
	{ TEXT("\"\xe0\x9f\xbf\""), E_JSON_SYNTAX },
	{ TEXT("\"\xf0\x80\x80\xaf\""), E_JSON_SYNTAX },
	{ TEXT("\"\xf0\x8f\xbf\xbf\""), E_JSON_SYNTAX },
	{ TEXT("\"\xf4\x90\x80\x80\""), E_JSON_SYNTAX },
	{ TEXT("\"\xf5\x80\x80\x80\""), E_JSON_SYNTAX },
	{ TEXT("\"\x80\""), E_JSON_SYNTAX },
	{ TEXT("\"\xff\""), E_JSON_SYNTAX },
	{ TEXT("\"\xc3\""), E_JSON_SYNTAX },
	{ TEXT("\"\xe4\xb8\""), E_JSON_SYNTAX },
	{ TEXT("\"\xf0\x9f\x98\""), E_JSON_SYNTAX },
	{ TEXT("\"\xe4\xb8"), E_JSON_SYNTAX },
	{ TEXT("{\"\xe4\":1}"), E_JSON_SYNTAX },
};

static int
scan_chunked(const char *text, size_t bytes, size_t step, uint8_t flags, uint64_t *at)
{
	struct json_scan	*s;
	int			 r = 0;

	cr_assert(json_scan_new(NULL, 0, flags, &s) == 0);
	for (size_t i = 0; i < bytes && r == 0; i += step) {
		/* A copy of the chunk's exact size: reading past its end is seen by the sanitizer. */
		size_t	n = bytes - i < step ? bytes - i : step;
		char	*part = malloc(n);

		memcpy(part, text + i, n);
		r = json_scan_feed(s, span_make(part, n));
		free(part);
	}
	if (r == 0)
		r = json_scan_end(s);
	*at = json_scan_at(s);
	json_scan_free(&s);
	return r;
}

Test(json, judges_every_text_of_the_table)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct json_value	v;
		size_t			at;
		int			r = json_parse(span_make(cases[i].text, cases[i].bytes), true, &v, &at);

		cr_expect(r == cases[i].want, "row %zu %s: %d", i, cases[i].text, r);
		cr_expect((v.type != JSON_NONE) == (r == 0), "row %zu", i);
	}
}

Test(json, judges_the_same_at_every_split)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t	whole_at, at;
		int		r, whole = scan_chunked(cases[i].text, cases[i].bytes, SIZE_MAX / 2,
				    JSON_WANT_UNIQUE_DEEP, &whole_at);

		for (size_t step = 1; step <= cases[i].bytes; step++) {
			r = scan_chunked(cases[i].text, cases[i].bytes, step, JSON_WANT_UNIQUE_DEEP, &at);
			cr_expect(r == whole && at == whole_at, "row %zu step %zu: %d at %lu, whole %d at %lu",
			    i, step, r, at, whole, whole_at);
		}
	}
}

/* We may refuse more than others, never take more. */
Test(json, takes_nothing_that_json_c_refuses)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool	theirs = json_c_takes(cases[i].text, cases[i].bytes);

		if (cases[i].want == 0)
			cr_expect(theirs, "row %zu %s", i, cases[i].text);
	}
}

Test(json, takes_depth_64_and_refuses_65)
{
	char			text[200];
	struct json_value	v;
	size_t			at;

	for (size_t depth = JSON_DEPTH_MAX; depth <= JSON_DEPTH_MAX + 1; depth++) {
		memset(text, '[', depth);
		memset(text + depth, ']', depth);
		cr_expect(json_parse(span_make(text, 2 * depth), true, &v, &at) ==
		    (depth == JSON_DEPTH_MAX ? 0 : E_JSON_DEPTH), "depth %zu", depth);
	}
	cr_expect_eq(at, JSON_DEPTH_MAX);
}

Test(json, refuses_endless_numbers_and_keeps_long_ones)
{
	char			text[2 * JSON_NUMBER_MAX];
	struct json_value	v;
	uint64_t		at;

	memset(text, '7', sizeof(text));
	cr_expect(json_parse(span_make(text, JSON_NUMBER_MAX), true, &v, NULL) == 0);
	cr_expect_eq(v.raw.n, JSON_NUMBER_MAX);
	cr_expect(json_parse(span_make(text, JSON_NUMBER_MAX + 1), true, &v, NULL) == E_TOOBIG);
	cr_expect(scan_chunked(text, sizeof(text), 100, 0, &at) == E_TOOBIG);
}

struct unique_case {
	const char	*text;
	int		 top, deep;
};

Test(json, finds_doubles_by_decoded_name)
{
	static const struct unique_case rows[] = {
		{ "{\"a\":1,\"a\":2}", E_JSON_DUPLICATE, E_JSON_DUPLICATE },
		{ "{\"a\":1,\"\\u0061\":2}", E_JSON_DUPLICATE, E_JSON_DUPLICATE },
		{ "{\"\\u00e9\":1,\"\xc3\xa9\":2}", E_JSON_DUPLICATE, E_JSON_DUPLICATE },
		{ "{\"\\/\":1,\"/\":2}", E_JSON_DUPLICATE, E_JSON_DUPLICATE },
		{ "{\"\":1,\"\":2}", E_JSON_DUPLICATE, E_JSON_DUPLICATE },
		{ "{\"a\":{\"b\":1,\"b\":2}}", 0, E_JSON_DUPLICATE },
		{ "{\"a\":[{\"b\":1,\"\\u0062\":2}]}", 0, E_JSON_DUPLICATE },
		{ "[{\"b\":1,\"b\":2}]", 0, E_JSON_DUPLICATE },
		{ "{\"a\":{\"a\":{\"a\":1}},\"b\":{\"a\":1}}", 0, 0 },
		{ "{\"a\":{\"x\":1},\"b\":[{\"x\":1},{\"x\":1}],\"c\":{\"x\":2}}", 0, 0 },
		{ "{\"a\":1,\"a \":2,\" a\":3,\"A\":4}", 0, 0 },
	};
	uint64_t	at;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (size_t step = 1; step <= strlen(rows[i].text); step++) {
			int	top = scan_chunked(rows[i].text, strlen(rows[i].text), step,
				    JSON_WANT_UNIQUE_MEMBERS, &at);
			int	deep = scan_chunked(rows[i].text, strlen(rows[i].text), step,
				    JSON_WANT_UNIQUE_DEEP, &at);

			cr_expect(top == rows[i].top && deep == rows[i].deep, "row %zu step %zu: %d %d",
			    i, step, top, deep);
		}
	}
}

Test(json, finds_a_double_among_many_names)
{
	char			*text = malloc(20 * 5001);
	size_t			 n = 0;
	struct json_value	 v;

	text[n++] = '{';
	for (int i = 0; i < 5000; i++)
		n += (size_t)sprintf(text + n, "\"name%d\":0,", i);
	memcpy(text + n - 1, "}", 1);
	cr_expect(json_parse(span_make(text, n), true, &v, NULL) == 0);
	n += (size_t)sprintf(text + n - 1, ",\"name17\":0}") - 1;
	cr_expect(json_parse(span_make(text, n), true, &v, NULL) == E_JSON_DUPLICATE);
	cr_expect(json_parse(span_make(text, n), false, &v, NULL) == 0);
	free(text);
}

static const struct json_want wants[] = {
	{ JSON_ROOT, 0, "id" },
	{ JSON_ROOT, JSON_WANT_UNIQUE_MEMBERS, "params" },
	{ 1, 0, "name" },
	{ 1, JSON_WANT_UNIQUE_MEMBERS, "_meta" },
	{ 3, 0, "io.x/v" },
	{ JSON_ROOT, 0, "n" },
};

static void
expect_slot(const struct json_scan *s, const char *text, size_t i, const char *want, enum json_type type)
{
	const struct json_slot	*slot = &json_scan_slots(s)[i];

	cr_expect(slot->type == type && slot->bytes == strlen(want) &&
	    memcmp(text + slot->at, want, strlen(want)) == 0, "slot %zu: type %d at %lu bytes %lu", i,
	    slot->type, slot->at, slot->bytes);
}

Test(json, notes_wanted_members_at_every_split)
{
	static const char text[] = " { \"id\" : 12.5e1 ,\"other\":{\"id\":9,\"name\":1},\"p\\u0061rams\":{\"name\":"
	    "\"a\\\"b\",\"arguments\":{\"name\":0,\"_meta\":{}},\"_meta\":{\"io.x\\/v\" : [ {\"params\":1} ] }}"
	    ",\"n\":null}";

	for (size_t step = 1; step < sizeof(text); step++) {
		struct json_scan	*s;

		cr_assert(json_scan_new(wants, 6, JSON_WANT_UNIQUE_MEMBERS, &s) == 0);
		for (size_t i = 0; i < sizeof(text) - 1; i += step)
			cr_assert(json_scan_feed(s, span_part(span_of(text), i, step)) == 0, "step %zu", step);
		cr_assert(json_scan_end(s) == 0);
		expect_slot(s, text, 0, "12.5e1", JSON_NUMBER);
		expect_slot(s, text, 2, "\"a\\\"b\"", JSON_STRING);
		expect_slot(s, text, 4, "[ {\"params\":1} ]", JSON_ARRAY);
		expect_slot(s, text, 5, "null", JSON_NULL);
		cr_expect(json_scan_slots(s)[1].type == JSON_OBJECT);
		cr_expect(text[json_scan_slots(s)[1].at + json_scan_slots(s)[1].bytes - 1] == '}');
		cr_expect(json_scan_top(s) == JSON_OBJECT);
		cr_expect(json_scan_strangers(s, JSON_ROOT) == 1 && json_scan_strangers(s, 1) == 1 &&
		    json_scan_strangers(s, 3) == 0, "other, arguments");
		json_scan_free(&s);
	}
}

Test(json, notes_the_last_of_a_member_that_comes_twice)
{
	static const char	 text[] = "{\"params\":{\"name\":\"a\"},\"id\":1,\"params\":{},\"id\":[2]}";
	struct json_scan	*s;

	cr_assert(json_scan_new(wants, 6, 0, &s) == 0);
	cr_assert(json_scan_feed(s, span_of(text)) == 0 && json_scan_end(s) == 0);
	expect_slot(s, text, 0, "[2]", JSON_ARRAY);
	expect_slot(s, text, 1, "{}", JSON_OBJECT);
	cr_expect(json_scan_slots(s)[0].seen == 2 && json_scan_slots(s)[1].seen == 2);
	cr_expect(json_scan_slots(s)[2].seen == 0, "what stood in the first params is void");
	json_scan_reset(s);
	cr_expect(json_scan_slots(s)[0].seen == 0);
	cr_expect(json_scan_feed(s, SPAN_LIT("[")) == 0 && json_scan_end(s) == E_JSON_SYNTAX);
	cr_expect(json_scan_feed(s, SPAN_LIT("]")) == E_JSON_SYNTAX, "an error stays until reset");
	json_scan_free(&s);
}

Test(json, tells_where_it_stopped)
{
	struct json_value	v;
	size_t			at;

	cr_expect(json_parse(SPAN_LIT("[1, x]"), false, &v, &at) == E_JSON_SYNTAX && at == 4);
	cr_expect(json_parse(SPAN_LIT("{\"a\":1,\"a\":2}"), true, &v, &at) == E_JSON_DUPLICATE && at == 10);
	cr_expect(json_parse(SPAN_LIT("[1"), false, &v, &at) == E_JSON_SYNTAX && at == 2);
}

Test(json, lets_nul_pass_only_where_asked)
{
	uint64_t	at;

	cr_expect(scan_chunked(TEXT("\"\\u0000\""), 3, 0, &at) == E_JSON_SYNTAX);
	cr_expect(scan_chunked(TEXT("\"\\u0000\""), 3, JSON_SCAN_NUL_OK, &at) == 0);
	cr_expect(scan_chunked(TEXT("\"\0\""), 3, JSON_SCAN_NUL_OK, &at) == E_JSON_SYNTAX);
}

Test(json, skips_over_long_strings_whatever_stands_at_which_place)
{
	char		text[80];
	uint64_t	at;

	for (size_t bytes = 2; bytes < sizeof(text); bytes++) {
		for (size_t hole = 1; hole + 1 < bytes; hole++) {
			memset(text, 'x', bytes);
			text[0] = text[bytes - 1] = '"';
			cr_expect(scan_chunked(text, bytes, bytes, 0, &at) == 0);
			text[hole] = 0x1f;
			cr_expect(scan_chunked(text, bytes, bytes, 0, &at) == E_JSON_SYNTAX && at == hole,
			    "%zu %zu", bytes, hole);
			text[hole] = (char)0x80;
			cr_expect(scan_chunked(text, bytes, bytes, 0, &at) == E_JSON_SYNTAX && at == hole);
		}
	}
}

Test(json, walks_members_and_elements)
{
	struct json_value	v, value;
	struct json_iter	it;
	struct span		key;
	char			got[200] = "";

	cr_assert(json_parse(SPAN_LIT(" {\"a\" : 1 , \"b\\\"\":[ \"x,]\" ,{\"y\":{}} ,true], \"c\":{} } "), true,
	    &v, NULL) == 0);
	json_iter_init(&it, v);
	while (json_iter_next(&it, &key, &value))
		sprintf(got + strlen(got), "%.*s=%.*s;", SPAN_FMT(key), SPAN_FMT(value.raw));
	cr_expect_str_eq(got, "a=1;b\\\"=[ \"x,]\" ,{\"y\":{}} ,true];c={};");
	*got = '\0';
	json_iter_init(&it, json_get(v, "b\""));
	while (json_iter_next(&it, &key, &value))
		sprintf(got + strlen(got), "%zu:%d:%.*s;", key.n, value.type, SPAN_FMT(value.raw));
	cr_expect_str_eq(got, "0:5:\"x,]\";0:7:{\"y\":{}};0:3:true;");
	cr_expect(json_get(v, "nope").type == JSON_NONE);
	cr_expect(json_get(json_get(v, "a"), "a").type == JSON_NONE);
	json_iter_init(&it, json_get(v, "c"));
	cr_expect(!json_iter_next(&it, &key, &value));
	cr_expect(!json_iter_next(&it, &key, &value), "the end stays the end");
}

/* What is known is taken as it was told: a walk that went through it again would end elsewhere. */
Test(json, walk_jumps_over_what_is_known)
{
	const struct span	text = SPAN_LIT("{\"a\":[1,2],\"b\":{\"c\":[3]},\"d\":4}");
	const struct json_value	object = { JSON_OBJECT, text };
	struct json_value	known[] = { { JSON_NONE, SPAN_NONE }, { JSON_OBJECT, span_part(text, 15, 9) },
				    { JSON_NONE, span_part(text, 5, 5) } }, value;
	struct json_iter	it;
	struct span		key;
	char			got[200] = "";

	json_iter_init(&it, object);
	json_iter_know(&it, known, 3);
	while (json_iter_next(&it, &key, &value))
		sprintf(got + strlen(got), "%.*s=%d%.*s;", SPAN_FMT(key), value.type, SPAN_FMT(value.raw));
	cr_expect_str_eq(got, "a=6[1,2];b=7{\"c\":[3]};d=44;");
	*got = '\0';
	known[1].type = JSON_ARRAY;
	json_iter_init(&it, object);
	json_iter_know(&it, known, 3);
	while (json_iter_next(&it, &key, &value))
		sprintf(got + strlen(got), "%.*s=%d;", SPAN_FMT(key), value.type);
	cr_expect_str_eq(got, "a=6;b=6;d=4;", "it was not looked at");
}

Test(json, decodes_strings)
{
	static const struct { const char *text, *want; } rows[] = {
		{ "\"plain\"", "plain" },
		{ "\"\"", "" },
		{ "\"a\\n\\t\\\"\\\\\\/\\b\\f\\r\"", "a\n\t\"\\/\b\f\r" },
		{ "\"\\u0041\\u00e9\\u4e16\\ud83d\\ude00!\"", "A\xc3\xa9\xe4\xb8\x96\xf0\x9f\x98\x80!" },
	};
	struct arena	a;

	arena_init(&a, NULL, 0, 4096);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct json_value	v;
		struct span		s;

		cr_assert(json_parse(span_of(rows[i].text), true, &v, NULL) == 0);
		cr_assert(json_string(v, &a, &s) == 0);
		cr_expect(span_is(s, rows[i].want), "row %zu: %.*s", i, SPAN_FMT(s));
		cr_expect(json_is(v, rows[i].want), "row %zu", i);
		cr_expect(!json_is(v, "other") && !json_is(v, "plai") && !json_is(v, "plainer"), "row %zu", i);
	}
	cr_expect(json_string((struct json_value){ JSON_TRUE, SPAN_LIT("true") }, &a,
	    &(struct span){ 0 }) == E_FORMAT);
	arena_fini(&a);
}

Test(json, reads_whole_numbers)
{
	static const struct { const char *text; int u, i; uint64_t uv; int64_t iv; bool whole; } rows[] = {
		{ "0", 0, 0, 0, 0, true },
		{ "-0", 0, 0, 0, 0, true },
		{ "42", 0, 0, 42, 42, true },
		{ "-42", E_RANGE, 0, 0, -42, true },
		{ "18446744073709551615", 0, E_RANGE, UINT64_MAX, 0, true },
		{ "18446744073709551616", E_RANGE, E_RANGE, 0, 0, true },
		{ "9223372036854775807", 0, 0, INT64_MAX, INT64_MAX, true },
		{ "-9223372036854775808", E_RANGE, 0, 0, INT64_MIN, true },
		{ "-9223372036854775809", E_RANGE, E_RANGE, 0, 0, true },
		{ "1.0", E_FORMAT, E_FORMAT, 0, 0, false },
		{ "1e3", E_FORMAT, E_FORMAT, 0, 0, false },
		{ "\"1\"", E_FORMAT, E_FORMAT, 0, 0, false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct json_value	v;
		uint64_t		u;
		int64_t			n;

		cr_assert(json_parse(span_of(rows[i].text), true, &v, NULL) == 0);
		cr_expect(json_u64(v, &u) == rows[i].u && (rows[i].u != 0 || u == rows[i].uv), "row %zu", i);
		cr_expect(json_i64(v, &n) == rows[i].i && (rows[i].i != 0 || n == rows[i].iv), "row %zu", i);
		cr_expect(json_is_integer(v.raw) == rows[i].whole, "row %zu", i);
	}
}

Test(json, writes_strings_that_it_reads)
{
	static const struct { const char *bytes; size_t n; const char *want; } rows[] = {
		{ TEXT("plain"), "\"plain\"" },
		{ TEXT("\"\\\n\r\t\b\f\0\x1f"), "\"\\\"\\\\\\n\\r\\t\\b\\f\\u0000\\u001f\"" },
		{ TEXT("\xe4\xb8\x96"), "\"\xe4\xb8\x96\"" },
		{ TEXT("a\xff" "b\xc3"), "\"a\xef\xbf\xbd" "b\xef\xbf\xbd\"" },
		{ TEXT(""), "\"\"" },
	};
	struct buf	b;

	buf_init(&b, 64);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_clear(&b);
		cr_assert(json_put_string(&b, span_make(rows[i].bytes, rows[i].n)) == 0);
		cr_expect(span_is(buf_rest(&b), rows[i].want), "row %zu: %.*s", i, SPAN_FMT(buf_rest(&b)));
	}
	buf_clear(&b);
	cr_expect(json_put_string(&b, SPAN_LIT(TEN("0123456789"))) == E_TOOBIG);
	cr_expect(b.used == 0, "a failed write leaves nothing");
	buf_fini(&b);
}
