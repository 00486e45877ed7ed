/* SPDX-License-Identifier: Apache-2.0
 *
 * test_out.c - tables fit, lines are clean, times are words
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/redirect.h>
#include <stdio.h>
#include <string.h>

#include "ctl/out.h"

static const struct out_column	columns[] = {
	{ "ID", false, true }, { "N", true, true }, { "TEXT", false, false },
};

/* What was printed since the redirection. */
static size_t
printed(char *to, size_t room)
{
	FILE	*f = cr_get_redirected_stdout();
	size_t	 n;

	fflush(stdout);
	n = fread(to, 1, room - 1, f);
	to[n] = '\0';
	return n;
}

Test(out, cuts_in_the_middle_and_never_an_id, .init = cr_redirect_stdout)
{
	struct out_table	*t = out_table_new(columns, 3);
	char			 text[2000], *line, *save = NULL;
	int			 lines = 0;

	out_cell(t, "r-0123456789ABC");
	out_cell(t, "7");
	out_cell(t, "begin %0100d end", 0);
	out_cell(t, "r-1");
	out_cell(t, "12");
	out_cell(t, "bell \a and escape \033[31m");
	out_table_end(&t);
	cr_assert(t == NULL);
	cr_assert(printed(text, sizeof(text)) > 0);
	cr_expect(strstr(text, "r-0123456789ABC   7  begin 0") != NULL, "%s", text);
	cr_expect(strstr(text, "...") != NULL && strstr(text, "0 end\n") != NULL);
	cr_expect(strstr(text, "bell ? and escape ?[31m") != NULL);
	for (line = strtok_r(text, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save)) {
		cr_expect(le(sz, strlen(line), 80), "%s", line);
		lines++;
	}
	cr_expect(eq(int, lines, 3));
}

Test(out, lets_no_text_move_a_terminal)
{
	static const struct { const char *text, *want; } rows[] = {
		{ "plain \xc3\xa4 \xe2\x82\xac \xf0\x9f\x92\xa9", "plain \xc3\xa4 \xe2\x82\xac \xf0\x9f\x92\xa9" },
		{ "\a\x1b[31m\x7f\n", "??[31m??" },
		{ "a\xc2\x9b" "31m\xc2\xa0", "a??31m\xc2\xa0" },
		{ "\xe2\x80\xae" "x\xe2\x81\xa6\xe2\x80\x8f\xd8\x9c", "???x????????" },
		{ "\xff\xc3", "??" }, { "\xe2\x82", "??" }, { "\xed\xa0\x80", "???" }, { "", "" },
	};
	char	text[64];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cr_expect(strcmp(out_clean(span_of(rows[i].text), text, sizeof(text)), rows[i].want) == 0, "row %zu: %s", i,
		    text);
		/* Where it stands. */
		strcpy(text, rows[i].text);
		cr_expect(strcmp(out_clean(span_of(text), text, sizeof(text)), rows[i].want) == 0, "row %zu: %s", i, text);
	}
	cr_expect(strcmp(out_clean(SPAN_LIT("abc"), text, 3), "ab") == 0);
	cr_expect(strcmp(out_clean(SPAN_LIT("ab\xc3\xa4"), text, 4), "ab") == 0, "whole characters");
}

Test(out, writes_json_that_needs_escapes, .init = cr_redirect_stdout)
{
	char	text[500];

	out_json_begin();
	out_json_text("a", SPAN_LIT("x\"\n"));
	out_json_u64("b", UINT64_MAX);
	out_json_bool("c", true);
	out_json_raw("d", SPAN_LIT("[1]"));
	out_json_end();
	cr_assert(printed(text, sizeof(text)) > 0);
	cr_expect(eq(str, text, "{\"a\":\"x\\\"\\n\",\"b\":18446744073709551615,\"c\":true,\"d\":[1]}\n"));
}

Test(out, says_times_in_words)
{
	const struct {
		uint64_t	 ms;
		const char	*want;
	} rows[] = {
		{ 0, "0 s" }, { 59999, "59 s" }, { 60000, "1 min" }, { 3600000, "1h 0min" },
		{ 90000000, "1d 1h" }, { 30 * UINT64_C(86400000), "30d 0h" },
	};
	char	to[OUT_TIME];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_expect(eq(str, (char *)out_span_ms(rows[i].ms, to), (char *)rows[i].want), "row %zu", i);
	cr_expect(eq(str, (char *)out_when_ms(0, to), "-"));
	cr_expect(eq(u64, out_parse_utc(span_of(out_utc_ms(1700000000000, to))), 1700000000000));
	cr_expect(eq(u64, out_parse_utc(SPAN_LIT("yesterday")), 0));
	cr_expect(eq(u64, out_parse_utc(SPAN_NONE), 0));
}

Test(out, says_rates_as_they_were_written)
{
	static const struct { double per, seconds; const char *want; } rows[] = {
		{ 50, 1, "50/s" }, { 1, 1, "1/s" }, { 1000000, 1, "1000000/s" }, { 100, 60, "100/min" }, { 7, 60, "7/min" },
		{ 90, 60, "90/min" }, { 60, 60, "1/s" }, { 1000, 3600, "1000/h" }, { 5, 86400, "5/d" }, { 0.5, 86400, "0.5/d" },
	};
	char	to[OUT_TIME];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_expect(eq(str, (char *)out_rate((uint64_t)(1e9 * rows[i].seconds / rows[i].per), to, sizeof(to)),
		    (char *)rows[i].want), "row %zu", i);
	cr_expect(eq(str, (char *)out_rate(UINT64_C(7000000000000), to, sizeof(to)), "12.3/d"));
}
