/* SPDX-License-Identifier: Apache-2.0
 *
 * test_grantdb.c - what logins at servers gave, sealed
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/grantdb.h"
#include "tests/unit/child/child.h"

#define SECRET	"a-refresh-token-that-is-planted-here"

struct seen {
	unsigned	count;
	char		text[256];
};

static char		 path[64];
static struct keydb	*db;
static struct keyring	 ring;

static void
setup(void)
{
	folder_make(path);
	cr_assert(keydb_open(path, false, &db) == 0 && keyring_make(&ring) == 0);
}

static void
teardown(void)
{
	keydb_close(&db);
	folder_remove(path);
}

TestSuite(grantdb, .init = setup, .fini = teardown);

static int
keep(const char *tenant, const char *server, const char *issuer, const char *bytes)
{
	const struct grantdb_grant	g = { span_of(tenant), span_of(server), span_of(issuer), span_of(bytes) };

	return grantdb_keep(db, &ring, &g);
}

static int
see(const struct grantdb_grant *g, void *arg)
{
	struct seen	*s = arg;

	s->count++;
	snprintf(s->text, sizeof(s->text), "%.*s/%.*s/%.*s/%.*s", SPAN_FMT(g->tenant), SPAN_FMT(g->server),
	    SPAN_FMT(g->issuer), SPAN_FMT(g->bytes));
	return 0;
}

static struct seen
all(uint32_t *sealed)
{
	struct seen	s = { 0 };

	cr_assert(grantdb_each(db, &ring, see, &s, sealed) == 0);
	return s;
}

Test(grantdb, gives_back_what_it_keeps)
{
	struct seen	s;
	uint32_t	sealed;

	cr_assert(keep("default", "docs", "https://as", SECRET) == 0);
	s = all(&sealed);
	cr_expect(s.count == 1 && sealed == 0);
	cr_expect_str_eq(s.text, "default/docs/https://as/" SECRET);
}

Test(grantdb, has_one_grant_for_a_tenants_server)
{
	struct seen	s;
	uint32_t	sealed;

	cr_assert(keep("default", "docs", "https://as", "1") == 0 && keep("other", "docs", "https://as", "2") == 0 &&
	    keep("default", "docs2", "https://as", "3") == 0);
	cr_assert(keep("default", "docs", "https://another", "4") == 0);
	cr_expect(all(&sealed).count == 3, "another issuer's takes its place");
	cr_assert(keep("default", "docs", "", "") == 0 && keep("default", "docs2", "", "") == 0);
	s = all(&sealed);
	cr_expect(s.count == 1);
	cr_expect_str_eq(s.text, "other/docs/https://as/2");
}

Test(grantdb, opens_nothing_with_another_key)
{
	struct seen	s;
	uint32_t	sealed;

	cr_assert(keep("default", "docs", "https://as", SECRET) == 0);
	cr_assert(keyring_rotate(&ring) == 0 && keep("default", "new", "https://as", "n") == 0);
	cr_expect(all(&sealed).count == 2 && sealed == 0, "a key that is still in the ring");
	cr_assert(keyring_make(&ring) == 0);
	s = all(&sealed);
	cr_expect(s.count == 0 && sealed == 2);
}

Test(grantdb, writes_no_secret_in_clear)
{
	char		 name[96], *bytes;
	struct stat	 st;
	int		 fd;

	cr_assert(keep("default", "docs", "https://as", SECRET) == 0);
	keydb_close(&db);
	snprintf(name, sizeof(name), "%s/data.mdb", path);
	fd = open(name, O_RDONLY | O_CLOEXEC);
	cr_assert(fd != -1 && fstat(fd, &st) == 0 && st.st_size > 0);
	bytes = malloc((size_t)st.st_size);
	cr_assert(bytes != NULL && read(fd, bytes, (size_t)st.st_size) == st.st_size);
	cr_expect(memmem(bytes, (size_t)st.st_size, "docs", 4) != NULL, "that is the file");
	cr_expect(memmem(bytes, (size_t)st.st_size, SECRET, 16) == NULL);
	free(bytes);
	close(fd);
}

Test(grantdb, refuses_names_and_sizes)
{
	static char	large[GRANTDB_BYTES_MAX + 2];

	memset(large, 'x', sizeof(large) - 1);
	cr_expect(keep("", "docs", "https://as", "1") == E_FORMAT);
	cr_expect(keep("default", "", "https://as", "1") == E_FORMAT);
	cr_expect(keep("default", "docs", "", "1") == E_FORMAT);
	cr_expect(keep("default", "docs", "https://as", large) == E_TOOBIG);
}

Test(grantdb, is_full_at_its_bound_and_asks_for_no_larger_map)
{
	char		server[32];
	struct stat	before, after;
	char		file[128];
	uint32_t	sealed;

	for (unsigned i = 0; i < GRANTDB_MAX; i++) {
		snprintf(server, sizeof(server), "server-%u", i);
		cr_assert(keep("default", server, "https://as", SECRET) == 0, "%u", i);
	}
	snprintf(file, sizeof(file), "%s/data.mdb", path);
	cr_assert(stat(file, &before) == 0);
	cr_expect(keep("default", "one-more", "https://as", SECRET) == E_FULL);
	cr_expect(stat(file, &after) == 0 && after.st_size == before.st_size);
	cr_expect(keep("default", "server-7", "https://as", "another") == 0, "who has one may change it");
	cr_expect(all(&sealed).count == GRANTDB_MAX);
}
