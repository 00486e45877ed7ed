/* SPDX-License-Identifier: Apache-2.0
 *
 * test_treehash.c - a folder's digest, and what may not lie in it
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/import/treehash.h"
#include "sandbox/tree.h"

static char	folder[64];
static int	dir = -1;

static void
file(const char *path, const char *text, mode_t mode)
{
	int	fd = openat(dir, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	cr_assert(fd != -1 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) && fchmod(fd, mode) == 0);
	close(fd);
}

static void
begin(void)
{
	snprintf(folder, sizeof(folder), "/tmp/mcpgw-treehash-XXXXXX");
	cr_assert(mkdtemp(folder) != NULL);
	dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cr_assert(mkdirat(dir, "a", 0755) == 0 && mkdirat(dir, "a/b", 0700) == 0);
	file("a/x", "1", 0644);
	file("a/b/y", "", 0755);
	file("z", "2", 0600);
	cr_assert(symlinkat("../z", dir, "a/link") == 0);
}

static void
end(void)
{
	const struct tree_bounds	none = { 0 };
	int				tmp = open("/tmp", O_PATH | O_DIRECTORY | O_CLOEXEC);

	close(dir);
	cr_expect(eq(int, tree_remove(tmp, folder + strlen("/tmp/"), &none), 0));
	close(tmp);
}

static const char *
hash(bool seal)
{
	static struct treehash	t;

	cr_assert(eq(int, treehash_make(dir, seal, NULL, &t), 0), "%s", t.why);
	return t.hex;
}

TestSuite(treehash, .init = begin, .fini = end);

Test(treehash, is_the_same_for_the_same_and_another_for_anything_else)
{
	char	first[TREEHASH_TEXT];

	memcpy(first, hash(false), sizeof(first));
	cr_expect(eq(str, (char *)hash(false), first));
	file("z", "2", 0400);
	cr_expect(eq(str, (char *)hash(false), first), "who may read it is nobody's content");
	file("z", "3", 0600);
	cr_expect(ne(str, (char *)hash(false), first));
	file("z", "2", 0700);
	cr_expect(ne(str, (char *)hash(false), first), "executable or not");
	file("z", "2", 0600);
	cr_assert(unlinkat(dir, "a/link", 0) == 0 && symlinkat("../a/x", dir, "a/link") == 0);
	cr_expect(ne(str, (char *)hash(false), first), "another link");
	cr_assert(unlinkat(dir, "a/link", 0) == 0 && symlinkat("../z", dir, "a/link") == 0);
	cr_expect(eq(str, (char *)hash(false), first));
	cr_assert(mkdirat(dir, "empty", 0755) == 0);
	cr_expect(ne(str, (char *)hash(false), first), "an empty folder");
}

Test(treehash, leaves_nothing_that_can_be_written)
{
	char		open_hash[TREEHASH_TEXT];
	struct stat	st;

	memcpy(open_hash, hash(false), sizeof(open_hash));
	cr_expect(eq(str, (char *)hash(true), open_hash));
	cr_expect(fstatat(dir, "a", &st, 0) == 0 && (st.st_mode & 07777) == 0555);
	cr_expect(fstatat(dir, "a/x", &st, 0) == 0 && (st.st_mode & 07777) == 0444);
	cr_expect(fstatat(dir, "a/b/y", &st, 0) == 0 && (st.st_mode & 07777) == 0555);
}

Test(treehash, refuses_links_that_lead_out)
{
	static const struct {
		const char	*target;
		bool		 ok;
	} rows[] = {
		{ "/etc/passwd", false }, { "../../z", false }, { "b/../../../z", false }, { "../..", false },
		{ "/usr/bin/python3", true }, { "/usr/../etc/passwd", false }, { "/usrx", false }, { "/opt/py/bin/python3", true },
		{ "/opt/python", false }, { "../a/b", true }, { "./../z", true },
	};
	struct treehash	t;
	int		r;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cr_assert(unlinkat(dir, "a/link", 0) == 0 && symlinkat(rows[i].target, dir, "a/link") == 0);
		r = treehash_make(dir, false, "/opt/py", &t);
		cr_expect(eq(int, r == 0, rows[i].ok), "%s", rows[i].target);
		cr_expect(rows[i].ok || strstr(t.why, "a/link: a link that leads out") != NULL, "%s", t.why);
	}
}

Test(treehash, refuses_what_is_neither_file_nor_folder)
{
	struct treehash	t;

	cr_assert(mkfifoat(dir, "a/pipe", 0644) == 0);
	cr_expect(ne(int, treehash_make(dir, true, NULL, &t), 0));
	cr_expect(strstr(t.why, "a/pipe: neither") != NULL, "%s", t.why);
}
