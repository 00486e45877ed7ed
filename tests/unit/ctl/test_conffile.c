/* SPDX-License-Identifier: Apache-2.0
 *
 * test_conffile.c - a setting changes where it stands, and nothing else does
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/files/conffile.h"
#include "ctl/files/replace.h"

static const struct {
	const char	*text, *name, *value, *want;	/* value NULL: no longer set */
	bool		 changed;
} rows[] = {
	{ "", "a", "1", "a = 1\n", true },
	{ "# only words", "a", "1", "# only words\na = 1\n", true },
	{ "# why\na = 1\nb = 2\n", "a", "3", "# why\na = 3\nb = 2\n", true },
	{ "a=1\n\n  # in between\nb = 2\n", "b", "3", "a=1\n\n  # in between\nb = 3\n", true },
	{ "a = 1\n  2\n\t3\nb = 2\n", "a", "4", "a = 4\nb = 2\n", true },
	{ "a = 1\n# two\n  2\n\n  # three\n\t3\n# b\nb = 2\n", "a", "4", "a = 4\n# two\n\n  # three\n# b\nb = 2\n", true },
	{ "a = 1\n# two\n  2\nb = 2\n", "a", NULL, "# two\nb = 2\n", true },
	{ "a = 1\nb = 2\na = 3\n", "a", "4", "b = 2\na = 4\n", true },
	{ "a = 1", "a", "", "a =\n", true },
	{ "ab = 1\nb = 2\n", "b", "3", "ab = 1\nb = 3\n", true },
	{ "# a = 1\n", "a", "3", "# a = 1\na = 3\n", true },
	{ "a = 1\n 2\nb = 2\n", "a", NULL, "b = 2\n", true },
	{ "a = 1\nb = 2\na = 3\n", "a", NULL, "b = 2\n", true },
	{ "b = 2\n", "a", NULL, "b = 2\n", false },
	{ "a = 1\r\nb = 2\r\n", "b", "3", "a = 1\r\nb = 3\n", true },
};

Test(conffile, changes_one_setting_and_keeps_the_rest)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf	to;
		bool		changed = false;

		buf_init(&to, 4096);
		cr_assert(eq(int, conffile_set(span_of(rows[i].text), span_of(rows[i].name),
		    span_of(rows[i].value), &to, &changed), 0), "row %zu", i);
		cr_expect(span_is(buf_rest(&to), rows[i].want), "row %zu: %.*s", i, SPAN_FMT(buf_rest(&to)));
		cr_expect(eq(int, changed, rows[i].changed), "row %zu", i);
		buf_fini(&to);
	}
}

static char	folder[64], path[96];

static void
setup(void)
{
	strcpy(folder, "/tmp/mcpgw-conffile-XXXXXX");
	cr_assert(mkdtemp(folder) != NULL);
	snprintf(path, sizeof(path), "%s/file", folder);
}

static void
teardown(void)
{
	char	command[128];

	snprintf(command, sizeof(command), "rm -rf %s", folder);
	cr_expect(system(command) == 0);
}

static void
expect_text(const char *want)
{
	char	*text;
	size_t	 bytes;

	cr_assert(replace_read(path, &text, &bytes) == 0);
	cr_expect(strcmp(text, want) == 0, "%s", text);
	free(text);
}

Test(replace, keeps_the_mode_and_follows_a_link, .init = setup, .fini = teardown)
{
	char		link[96];
	struct stat	st;

	cr_assert(replace_file(path, SPAN_LIT(""), SPAN_LIT("one\n"), NULL, NULL) == 0);
	cr_assert(stat(path, &st) == 0 && chmod(path, 0640) == 0);
	cr_expect(eq(int, (int)(st.st_mode & 0777), 0644));
	snprintf(link, sizeof(link), "%s/link", folder);
	cr_assert(symlink("file", link) == 0);
	cr_assert(replace_file(link, SPAN_LIT("one\n"), SPAN_LIT("two\n"), NULL, NULL) == 0);
	cr_assert(lstat(link, &st) == 0);
	cr_expect(eq(int, S_ISLNK(st.st_mode), 1));
	cr_assert(stat(path, &st) == 0);
	cr_expect(eq(int, (int)(st.st_mode & 0777), 0640));
	expect_text("two\n");
}

Test(replace, writes_nothing_over_what_somebody_else_wrote, .init = setup, .fini = teardown)
{
	cr_assert(replace_file(path, SPAN_LIT(""), SPAN_LIT("theirs\n"), NULL, NULL) == 0);
	cr_expect(eq(int, replace_file(path, SPAN_LIT("mine\n"), SPAN_LIT("new\n"), NULL, NULL), E_EXISTS));
	expect_text("theirs\n");
}
