/* SPDX-License-Identifier: Apache-2.0
 *
 * test_entry.c - which program is meant when a package is named
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "ctl/import/entry.h"

static int
npm(const char *text, const char *bin, char to[ENTRY_TEXT], char why[ENTRY_WHY])
{
	struct conf_error	error;
	struct conf		*c;
	int			 r;

	cr_assert(eq(int, conf_new(span_of(text), &c, &error), 0), "%s", text);
	to[0] = why[0] = '\0';
	r = entry_npm(conf_top(c), bin, to, why);
	conf_free(&c);
	return r;
}

Test(entry, of_npm_is_the_only_program_or_the_one_called_like_the_package)
{
	static const struct {
		const char	*manifest, *bin, *file;
	} rows[] = {
		{ "{\"name\":\"a\",\"bin\":\"dist/x.js\"}", NULL, "dist/x.js" },
		{ "{\"name\":\"a\",\"bin\":\"./dist/x.js\"}", "a", "dist/x.js" },
		{ "{\"name\":\"@s/a\",\"bin\":\"x.js\"}", "a", "x.js" },
		{ "{\"name\":\"a\",\"bin\":{\"other\":\"x.js\"}}", NULL, "x.js" },
		{ "{\"name\":\"a\",\"bin\":{\"one\":\"x.js\",\"two\":\"x.js\"}}", NULL, "x.js" },
		{ "{\"name\":\"@s/a\",\"bin\":{\"b\":\"y.js\",\"a\":\"x.js\"}}", NULL, "x.js" },
		{ "{\"name\":\"a\",\"bin\":{\"b\":\"y.js\",\"a\":\"x.js\"}}", "b", "y.js" },
	};
	char	to[ENTRY_TEXT], why[ENTRY_WHY];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cr_expect(eq(int, npm(rows[i].manifest, rows[i].bin, to, why), 0), "%s: %s", rows[i].manifest, why);
		cr_expect(eq(str, to, (char *)rows[i].file), "%s", rows[i].manifest);
	}
}

Test(entry, of_npm_says_which_there_are_when_none_is_meant)
{
	static const struct {
		const char	*manifest, *bin, *says;
	} rows[] = {
		{ "{\"name\":\"a\"}", NULL, "no program" },
		{ "{\"name\":\"a\",\"bin\":{}}", NULL, "no program" },
		{ "{\"name\":\"a\",\"bin\":{\"c\":\"y.js\",\"b\":\"x.js\"}}", NULL, "c, b" },
		{ "{\"name\":\"a\",\"bin\":{\"a\":\"x.js\"}}", "b", "no program b; there are: a" },
		{ "{\"name\":\"a\",\"bin\":\"x.js\"}", "b", "no program b; there is: a" },
		{ "{\"name\":\"a\",\"bin\":7}", NULL, "a number" },
		{ "{\"name\":\"a\",\"bin\":\"../x.js\"}", NULL, "leads out" },
		{ "{\"name\":\"a\",\"bin\":\"d/../../x.js\"}", NULL, "leads out" },
		{ "{\"name\":\"a\",\"bin\":\"/etc/passwd\"}", NULL, "no file of the package" },
		{ "{\"name\":\"a\",\"bin\":\"\"}", NULL, "no file of the package" },
	};
	char	to[ENTRY_TEXT], why[ENTRY_WHY];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cr_expect(ne(int, npm(rows[i].manifest, rows[i].bin, to, why), 0), "%s", rows[i].manifest);
		cr_expect(strstr(why, rows[i].says) != NULL, "%s: %s", rows[i].manifest, why);
	}
}

Test(entry, of_pypi_is_the_one_called_like_the_package_or_the_only_one)
{
	static const struct {
		const char	*points, *package, *bin, *name;
	} rows[] = {
		{ "[console_scripts]\na = m:f\n", "a", NULL, "a" },
		{ "[console_scripts]\nother=m:f", "a", NULL, "other" },
		{ "[gui_scripts]\nx=m:f\n[console_scripts]\nA_b = m:f\nc = m:g\n[x]\nd = y\n", "a-b", NULL, "A_b" },
		{ "[console_scripts]\na=m:f\nb=m:g\n", "a", "b", "b" },
		{ "# c\n\n[console_scripts]\r\na = m:f [extra]\r\n", "a", NULL, "a" },
	};
	char	to[ENTRY_TEXT], why[ENTRY_WHY];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		to[0] = '\0';
		cr_expect(eq(int, entry_pypi(span_of(rows[i].points), rows[i].package, rows[i].bin, to, why), 0), "row %zu",
		    i);
		cr_expect(eq(str, to, (char *)rows[i].name), "row %zu", i);
	}
	cr_expect(ne(int, entry_pypi(SPAN_LIT(""), "a", NULL, to, why), 0));
	cr_expect(ne(int, entry_pypi(SPAN_LIT("[console_scripts]\nb=x\nc=y\n"), "a", NULL, to, why), 0));
	cr_expect(strstr(why, "b, c") != NULL, "%s", why);
	cr_expect(ne(int, entry_pypi(SPAN_LIT("[console_scripts]\n../../x=y\n"), "a", NULL, to, why), 0));
}

Test(entry, runner_is_what_the_first_line_says_or_the_name)
{
	cr_expect(entry_runner(SPAN_LIT("#!/usr/bin/env node\nrequire"), "cli") == ENTRY_NODE);
	cr_expect(entry_runner(SPAN_LIT("import x"), "a.mjs") == ENTRY_NODE);
	cr_expect(entry_runner(SPAN_LIT("#!/bin/sh\nnode"), "a.js") == ENTRY_OTHER);
	cr_expect(entry_runner(SPAN_LIT("#!/x/bin/python3\n"), "a") == ENTRY_PYTHON);
	cr_expect(entry_runner(SPAN_LIT("\177ELF"), "a") == ENTRY_OTHER);
	cr_expect(entry_runner(SPAN_LIT(""), "") == ENTRY_OTHER);
}
