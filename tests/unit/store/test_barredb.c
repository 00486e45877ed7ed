/* SPDX-License-Identifier: Apache-2.0
 *
 * test_barredb.c - tokens of issuers that do not count any more, from the store to who asks
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <unistd.h>

#include "policy/build.h"
#include "policy/compiler/keys.h"
#include "policy/policy.h"
#include "store/barredb.h"
#include "tests/unit/child/child.h"

#define NOW_MS	UINT64_C(1900000000500)
#define HOUR_MS	UINT64_C(3600000)
#define ISS	"https://idp.example"

static struct keydb	*db;
static char		 path[64];
static struct snap	*keys;		/* as workers have them */

static int
put(bool is_subject, const char *issuer, const char *name, uint64_t before_ms, uint64_t for_ms)
{
	const struct barred	b = { .is_subject = is_subject, .issuer = span_of(issuer), .name = span_of(name),
	    .before_ms = before_ms, .ends_ms = NOW_MS + for_ms };

	return barredb_put(db, &b, NOW_MS);
}

static int
dump(const struct barred *one, void *arg)
{
	struct rec_barred	rec = { .hash = policy_barred_hash(one->is_subject, one->issuer, one->name),
	    .before_ms = one->before_ms, .ends_ms = one->ends_ms, .is_subject = one->is_subject };

	cr_assert(build_text(arg, one->issuer, &rec.issuer) == 0 && build_text(arg, one->name, &rec.name) == 0);
	return build_add(arg, SECTION_BARRED, &rec, NULL);
}

/* The store's dump, compiled. */
static void
tell(uint64_t now_ms)
{
	struct build	*b;
	uint64_t	 length;
	int		 fd;

	snap_release(&keys);
	cr_assert(build_new(SNAP_DUMP, "", &b) == 0 && barredb_each(db, now_ms, dump, b) == 0);
	cr_assert(build_seal(b, 1, &fd, &length) == 0);
	build_free(&b);
	cr_assert(keys_make(fd, &b) == 0);
	close(fd);
	cr_assert(build_seal(b, 1, &fd, &length) == 0 && snap_map(fd, &keys) == 0);
	close(fd);
	build_free(&b);
}

static bool
barred(const char *issuer, const char *subject, const char *id, uint64_t issued_ms, uint64_t now_ms)
{
	return policy_is_barred(keys, span_of(issuer), span_of(subject), span_of(id), issued_ms, now_ms);
}

static void
begin(void)
{
	folder_make(path);
	cr_assert(eq(int, keydb_open(path, false, &db), 0));
}

static void
end(void)
{
	snap_release(&keys);
	keydb_close(&db);
	folder_remove(path);
}

TestSuite(barredb, .init = begin, .fini = end, .timeout = 60);

Test(barredb, bars_a_token_or_a_subject_of_that_issuer_and_no_other)
{
	static const struct {
		const char	*issuer, *subject, *id;
		uint64_t	 issued_ms;
		bool		 is;
	} rows[] = {
		{ ISS, "bob", "t1", NOW_MS, true }, { ISS, "bob", "t2", NOW_MS, false }, { ISS, "bob", "", NOW_MS, false },
		{ ISS "/", "bob", "t1", NOW_MS, false }, { ISS, "t1", "bob", NOW_MS, false },
		{ ISS, "ann", "t2", NOW_MS - 1000, true }, { ISS, "ann", "", NOW_MS, true }, { ISS, "ann", "", NOW_MS + 1, false },
		{ ISS, "ann", "t9", 0, true }, { ISS "2", "ann", "t9", 0, false }, { ISS, "", "ann", 0, false },
		{ ISS, "eve", "", NOW_MS + 9 * HOUR_MS, true },
	};

	cr_assert(put(false, ISS, "t1", UINT64_MAX, HOUR_MS) == 0 && put(true, ISS, "ann", NOW_MS, HOUR_MS) == 0 &&
	    put(true, ISS, "eve", UINT64_MAX, HOUR_MS) == 0);
	tell(NOW_MS);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_expect(barred(rows[i].issuer, rows[i].subject, rows[i].id, rows[i].issued_ms, NOW_MS) == rows[i].is,
		    "row %zu", i);
	cr_expect(policy_is_barred(NULL, SPAN_LIT(ISS), SPAN_LIT("ann"), SPAN_NONE, 0, NOW_MS) == false);
}

Test(barredb, forgets_when_the_time_is_over_and_takes_the_last_word)
{
	cr_assert(put(true, ISS, "ann", UINT64_MAX, HOUR_MS) == 0 && put(false, ISS, "t1", UINT64_MAX, 2 * HOUR_MS) == 0);
	tell(NOW_MS);
	cr_expect(barred(ISS, "ann", "", 0, NOW_MS + HOUR_MS - 1) && !barred(ISS, "ann", "", 0, NOW_MS + HOUR_MS));
	tell(NOW_MS + HOUR_MS);
	cr_expect(eq(u64, snap_count(keys, SECTION_BARRED), 1));
	cr_assert(put(false, ISS, "t1", UINT64_MAX, 1) == 0);
	tell(NOW_MS);
	cr_expect(eq(u64, snap_count(keys, SECTION_BARRED), 2), "of one there is one");
	cr_expect(barred(ISS, "", "t1", 0, NOW_MS + 1) == false);
}

Test(barredb, refuses_what_is_no_name_or_too_long)
{
	char	long_name[BARREDB_TEXT_MAX + 2];

	memset(long_name, 'a', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = '\0';
	cr_expect(eq(int, put(true, ISS, "", UINT64_MAX, HOUR_MS), E_FORMAT));
	cr_expect(eq(int, put(true, "", "ann", UINT64_MAX, HOUR_MS), E_FORMAT));
	cr_expect(eq(int, put(true, ISS, long_name, UINT64_MAX, HOUR_MS), E_FORMAT));
	cr_expect(eq(int, put(true, ISS, long_name + 1, UINT64_MAX, HOUR_MS), 0));
	cr_expect(eq(int, put(true, ISS, "a\nb", UINT64_MAX, HOUR_MS), E_FORMAT));
	cr_expect(eq(int, put(true, ISS, "ann", UINT64_MAX, 0), E_RANGE));
	cr_expect(eq(int, put(true, ISS, "ann", UINT64_MAX, BARREDB_MS_MAX + 1), E_RANGE));
}

Test(barredb, tidies_what_is_over_with_each_that_comes)
{
	char	name[32];

	for (int i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "t%d", i);
		cr_assert(eq(int, put(false, ISS, name, UINT64_MAX, i < 299 ? 1 : HOUR_MS), 0));
	}
	cr_assert(eq(int, barredb_put(db, &(struct barred){ .issuer = SPAN_LIT(ISS), .name = SPAN_LIT("x"),
	    .before_ms = UINT64_MAX, .ends_ms = NOW_MS + HOUR_MS }, NOW_MS + 1), 0));
	tell(NOW_MS);
	cr_expect(eq(u64, snap_count(keys, SECTION_BARRED), 2));
}
