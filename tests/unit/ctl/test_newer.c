/* SPDX-License-Identifier: Apache-2.0
 *
 * test_newer.c - another version of a package in servers.json, and nothing else of it
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>

#include "ctl/import/newer.h"

#define FILE_TEXT	"// mine\n{\"mcpServers\": {\n\t\"a\": {\"command\": \"/v/pkgs/a@1-00/bin/python\", // python\n"	\
			"\t\t\"args\": [\"/v/pkgs/a@1-00/bin/a\", \"--x\"], \"env\": {\"D\": \"/v/pkgs/a@1-00/share\"}},\n"	\
			"\t\"b\": {\"command\": \"/v/pkgs/a@1-00/bin/python\", \"args\": [\"/v/pkgs/a@1-00/bin/a\"]},\n"	\
			"\t\"c\": {\"command\": \"x\", \"args\": [\"/v/pkgs/.new/a\", \"/v/pkgsx/a/b\"]},\n"	\
			"\t\"d\": {\"enabled\": false, \"command\": \"node\", \"args\": [\"/v/pkgs/d@1-11/x.js\"]}}}\n"

Test(newer, finds_the_package_that_a_server_starts)
{
	struct newer	n;
	char		why[NEWER_WHY];

	cr_assert(eq(int, newer_find(SPAN_LIT(FILE_TEXT), "a", "/v/pkgs", &n, why), 0), "%s", why);
	cr_expect(eq(str, n.folder, "a@1-00"));
	cr_expect(eq(str, n.entry, "/v/pkgs/a@1-00/bin/a"));
	cr_expect(eq(int, n.off, 0));
	newer_fini(&n);
	cr_assert(eq(int, newer_find(SPAN_LIT(FILE_TEXT), "d", "/v/pkgs", &n, why), 0), "%s", why);
	cr_expect(eq(int, n.off, 1));
	newer_fini(&n);
	cr_expect(ne(int, newer_find(SPAN_LIT(FILE_TEXT), "c", "/v/pkgs", &n, why), 0));
	cr_expect(strstr(why, "import fetched") != NULL, "%s", why);
	newer_fini(&n);
	cr_expect(ne(int, newer_find(SPAN_LIT(FILE_TEXT), "e", "/v/pkgs", &n, why), 0));
	newer_fini(&n);
	cr_expect(ne(int, newer_find(SPAN_LIT("{"), "a", "/v/pkgs", &n, why), 0));
	newer_fini(&n);
}

Test(newer, changes_this_server_alone_and_leaves_the_rest_as_it_was_written)
{
	static const char	want[] = "// mine\n{\"mcpServers\": {\n\t\"a\": {\"command\": \"/v/pkgs/a@2-22/bin/python\", "
	    "// python\n\t\t\"args\": [\"/v/pkgs/a@2-22/bin/other\", \"--x\"], \"env\": {\"D\": \"/v/pkgs/a@2-22/share\"}},\n";
	struct newer		n;
	struct buf		now;
	char			why[NEWER_WHY];
	struct span		got;

	cr_assert(eq(int, newer_find(SPAN_LIT(FILE_TEXT), "a", "/v/pkgs", &n, why), 0));
	buf_init(&now, 65536);
	cr_assert(eq(int, newer_text(SPAN_LIT(FILE_TEXT), "a", "/v/pkgs", &n, "a@2-22", "/v/pkgs/a@2-22/bin/other", &now),
	    0));
	got = buf_rest(&now);
	cr_expect(span_starts(got, span_of(want)), "%.*s", SPAN_FMT(got));
	cr_expect(memmem(got.p, got.n, "\"b\": {\"command\": \"/v/pkgs/a@1-00/bin/python\"", 44) != NULL);
	buf_fini(&now);
	newer_fini(&n);
}
