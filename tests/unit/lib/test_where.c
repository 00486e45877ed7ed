/* SPDX-License-Identifier: Apache-2.0
 *
 * test_where.c - folders on the way to a path
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/where.h"

static mode_t
mode_of(const char *path)
{
	struct stat	st;

	return stat(path, &st) == -1 ? 0 : st.st_mode & 07777;
}

Test(where, makes_what_is_missing_above_a_path_whatever_the_umask_is)
{
	char	dir[] = "/tmp/mcpgw-where.XXXXXX", a[64], b[64], c[64];

	cr_assert(mkdtemp(dir) != NULL);
	snprintf(a, sizeof(a), "%s/a", dir);
	snprintf(b, sizeof(b), "%s/a/b", dir);
	snprintf(c, sizeof(c), "%s/a/b/c", dir);
	cr_assert(mkdir(a, 0701) == 0);
	umask(0077);
	where_make_above(c, 0755);
	cr_expect(mode_of(a) == 0701, "what is there stays: %04o", mode_of(a));
	cr_expect(mode_of(b) == 0755, "%04o", mode_of(b));
	cr_expect(mode_of(c) == 0, "the last part is the caller's");
	rmdir(b);
	rmdir(a);
	rmdir(dir);
}

/* Nothing of a path that is too long is made: it would be another one. */
Test(where, makes_nothing_of_a_path_that_is_too_long)
{
	char	dir[] = "/tmp/mcpgw-where.XXXXXX", *path = malloc(PATH_MAX + 64), a[64];

	cr_assert(mkdtemp(dir) != NULL);
	snprintf(a, sizeof(a), "%s/a", dir);
	memset(path, 'x', PATH_MAX + 63);
	path[PATH_MAX + 63] = '\0';
	memcpy(path, a, strlen(a));
	path[strlen(a)] = '/';
	where_make_above(path, 0755);
	cr_expect(mode_of(a) == 0);
	free(path);
	rmdir(a);
	rmdir(dir);
}
