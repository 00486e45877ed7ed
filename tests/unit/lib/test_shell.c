/* SPDX-License-Identifier: Apache-2.0
 *
 * test_shell.c - one word of a command, whatever the text holds: what a shell makes of it
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>

#include "lib/shell.h"

/* What /bin/sh takes for its one word. */
static void
read_back(const char *quoted, char *to, size_t room)
{
	char	command[1024];
	FILE	*f;

	snprintf(command, sizeof(command), "printf '%%s|' %s", quoted);
	f = popen(command, "r");	/* NOLINT */
	cr_assert(ne(ptr, f, NULL));
	to[fread(to, 1, room - 1, f)] = '\0';
	cr_assert(eq(int, pclose(f), 0));
}

Test(shell, takes_it_for_one_word)
{
	static const struct { const char *text, *want; } rows[] = {
		{ "key:one:a", "key:one:a" }, { "", "" }, { "o'; echo $(id) `id` \"x\" #", "o'; echo $(id) `id` \"x\" #" },
		{ "'", "'" }, { "''", "''" }, { "\\'\\", "\\'\\" }, { "a\nb\x1b[31m\x7f", "a?b?[31m?" },
		{ "\xc2\x9b" "2J\xc3\xa4\xc2\xa0", "?2J\xc3\xa4\xc2\xa0" }, { "*|&;<>~!", "*|&;<>~!" },
	};
	char	quoted[256], got[256], want[256];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cr_assert(eq(int, shell_quote(span_of(rows[i].text), quoted, sizeof(quoted)), 1));
		read_back(quoted, got, sizeof(got));
		snprintf(want, sizeof(want), "%s|", rows[i].want);
		cr_expect(eq(str, got, want), "row %zu: %s", i, quoted);
	}
}

Test(shell, is_whole_or_nothing)
{
	char	to[16];

	for (size_t room = 0; room < 10; room++) {
		memset(to, 'x', sizeof(to));
		cr_expect(eq(int, shell_quote(SPAN_LIT("a'b"), to, room), room >= 9), "%zu", room);
		if (room > 0)
			cr_expect(eq(str, to, room < 9 ? "" : "'a'\\''b'"), "%zu", room);
		cr_expect(eq(chr, to[room], 'x'));
	}
}
