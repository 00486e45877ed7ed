/* SPDX-License-Identifier: Apache-2.0
 *
 * test_replace.c - a file's new text in the place of its old one, whole or not at all
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/files/replace.h"

static char	path[64];

static void
put_file(const char *text)
{
	int	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0640);

	cr_assert(fd != -1);
	cr_assert(eq(int, (int)write(fd, text, strlen(text)), (int)strlen(text)));
	close(fd);
}

static void
expect_file(const char *want)
{
	char	text[256] = "";
	int	fd = open(path, O_RDONLY);

	cr_assert(fd != -1);
	cr_assert(read(fd, text, sizeof(text) - 1) >= 0);
	close(fd);
	cr_expect(eq(str, text, (char *)(uintptr_t)want));
}

struct look {
	const char	*want;		/* what is shown */
	int		 answer;
	bool		 changes;	/* somebody else does, meanwhile */
	unsigned	 count;
};

static int
look(const char *beside, void *arg)
{
	struct look	*l = arg;
	char		 text[64] = "";
	int		 fd = open(beside, O_RDONLY);

	l->count++;
	cr_assert(fd != -1);
	cr_assert(read(fd, text, sizeof(text) - 1) >= 0);
	close(fd);
	cr_expect(eq(str, text, (char *)(uintptr_t)l->want));
	if (l->changes)
		put_file("somebody else's");
	return l->answer;
}

Test(replace, a_file_is_replaced_as_a_whole_with_its_mode_unless_it_changed_or_would_not_do)
{
	char		folder[] = "/tmp/replace-test-XXXXXX", link[80], command[128], *text;
	struct look	good = { .want = "two" }, bad = { .want = "three", .answer = E_FORMAT };
	struct look	late = { .want = "three", .changes = true };
	struct stat	st;
	size_t		bytes;

	cr_assert(mkdtemp(folder) != NULL);
	snprintf(path, sizeof(path), "%s/s.json", folder);
	snprintf(link, sizeof(link), "%s/link", folder);
	cr_assert(eq(int, symlink(path, link), 0));
	put_file("one");
	cr_assert(eq(int, chmod(path, 0640), 0));
	/* Over a link, which stays one. */
	cr_assert(eq(int, replace_read(link, &text, &bytes), 0));
	cr_expect(span_is(span_make(text, bytes), "one"));
	cr_assert(eq(int, replace_file(link, span_make(text, bytes), SPAN_LIT("two"), look, &good), 0));
	free(text);
	cr_expect(eq(u32, good.count, 1));
	expect_file("two");
	cr_assert(eq(int, lstat(link, &st), 0));
	cr_expect(eq(int, S_ISLNK(st.st_mode), 1));
	cr_assert(eq(int, stat(path, &st), 0));
	cr_expect(eq(int, (int)(st.st_mode & 07777), 0640));

	cr_expect(eq(int, replace_file(path, SPAN_LIT("two"), SPAN_LIT("three"), look, &bad), E_FORMAT));
	expect_file("two");
	cr_expect(eq(int, replace_file(path, SPAN_LIT("two"), SPAN_LIT("three"), look, &late), E_EXISTS));
	expect_file("somebody else's");
	cr_expect(eq(int, replace_file(path, SPAN_LIT("two"), SPAN_LIT("three"), NULL, NULL), E_EXISTS));
	expect_file("somebody else's");
	snprintf(command, sizeof(command), "ls %s | wc -l | grep -qx 2 && rm -rf %s", folder, folder);
	cr_expect(eq(int, system(command), 0), "something is left beside it");
}
