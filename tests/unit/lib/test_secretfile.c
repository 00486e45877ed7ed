/* SPDX-License-Identifier: Apache-2.0
 *
 * test_secretfile.c - secrets/NAME is opened and nothing else
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/secretfile.h"

static char	dir[64];

static void
make(const char *name, mode_t mode)
{
	char	path[256];
	int	fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	cr_assert(fd != -1);
	cr_assert(fchmod(fd, mode) == 0 && write(fd, "x", 1) == 1);
	close(fd);
}

static void
setup(void)
{
	char	path[256];

	strcpy(dir, "/tmp/mcpgw-secret-XXXXXX");
	cr_assert(mkdtemp(dir) != NULL);
	snprintf(path, sizeof(path), "%s/secrets", dir);
	cr_assert(mkdir(path, 0700) == 0);
	make("outside", 0600);
	make("secrets/GOOD-1.x", 0600);
	make("secrets/open", 0644);
	snprintf(path, sizeof(path), "%s/secrets/link", dir);
	cr_assert(symlink("../outside", path) == 0);
	snprintf(path, sizeof(path), "%s/secrets/folder", dir);
	cr_assert(mkdir(path, 0700) == 0);
	snprintf(path, sizeof(path), "%s/secrets/fifo", dir);
	cr_assert(mkfifo(path, 0600) == 0);
}

static void
teardown(void)
{
	char	command[128];

	snprintf(command, sizeof(command), "rm -rf %s", dir);
	cr_expect(system(command) == 0);
}

Test(secretfile, opens_one_plain_file_below_one_folder, .init = setup, .fini = teardown)
{
	const struct {
		const char	*name;
		int		 want;
	} rows[] = {
		{ "GOOD-1.x", 0 },
		{ "missing", E_NOTFOUND },
		{ "open", E_DENIED },
		{ "link", E_DENIED },
		{ "folder", E_DENIED },
		{ "fifo", E_DENIED },
		{ "", E_FORMAT },
		{ ".", E_FORMAT },
		{ "..", E_FORMAT },
		{ "../outside", E_FORMAT },
		{ "/etc/passwd", E_FORMAT },
		{ "a b", E_FORMAT },
		{ "a12345678901234567890123456789012345678901234567890123456789012345", E_FORMAT },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char	*why = "";
		int		 fd = 99, r = secretfile_open(dir, span_of(rows[i].name), &fd, &why);

		cr_expect(eq(int, r, rows[i].want), "row %zu: %s", i, why);
		cr_expect(eq(int, fd != -1, r == 0), "row %zu", i);
		if (fd != -1)
			close(fd);
	}
}

Test(secretfile, is_content_without_a_secrets_folder)
{
	const char	*why;
	int		 fd;

	cr_expect(eq(int, secretfile_open("/tmp/mcpgw-there-is-no-such-folder", SPAN_LIT("A"), &fd, &why),
	    E_NOTFOUND));
}
