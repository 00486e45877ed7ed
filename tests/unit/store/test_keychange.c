/* SPDX-License-Identifier: Apache-2.0
 *
 * test_keychange.c - keys in the place of others, when they were used, and what older releases wrote
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

#include "lib/kv.h"
#include "lib/nameset.h"
#include "store/keydb.h"
#include "tests/unit/child/child.h"

#define DAY_MS	UINT64_C(86400000)
#define NOW_MS	(100 * DAY_MS)

struct bench {
	char		 path[64];
	struct keydb	*db;
	struct arena	 a;
};

static void
bench_init(struct bench *b)
{
	folder_make(b->path);
	arena_init(&b->a, NULL, 0, 64 * 1024);
	cr_assert(eq(int, keydb_open(b->path, false, &b->db), 0));
}

static void
bench_fini(struct bench *b)
{
	keydb_close(&b->db);
	arena_fini(&b->a);
	folder_remove(b->path);
}

static struct span
digest_of(unsigned char n)
{
	static char	bytes[256][KEYDB_DIGEST_BYTES];

	memset(bytes[n], n, sizeof(bytes[n]));
	return span_make(bytes[n], sizeof(bytes[n]));
}

static struct span
public_name_of(unsigned char n)
{
	static char	names[256][16];

	snprintf(names[n], sizeof(names[n]), "mgk_%08x", n);
	return span_of(names[n]);
}

static struct span
names(struct bench *b, const char *words)
{
	struct span	set;

	cr_assert(eq(int, keydb_names(span_of(words), &b->a, &set), 0));
	return set;
}

static int
add(struct bench *b, const char *name, const char *tenant, unsigned char n, uint64_t ends_ms)
{
	const struct keydb_key	key = { .digest = digest_of(n), .public_name = public_name_of(n), .name = span_of(name),
	    .agent = SPAN_LIT("backend"), .tenant = span_of(tenant), .created_ms = NOW_MS - DAY_MS, .ends_ms = ends_ms,
	    .scopes = names(b, "tools:read tools:call"), .roles = names(b, "dev"), .workspace = SPAN_LIT("eng"), .by = 1001 };

	return keydb_add(b->db, &key);
}

static int
rotate(struct bench *b, const char *name, const char *tenant, unsigned char n, uint64_t now_ms, uint64_t overlap_ms)
{
	const struct keydb_rotation	what = { .digest = digest_of(n), .public_name = public_name_of(n),
	    .name = span_of(name), .tenant = span_of(tenant), .now_ms = now_ms, .overlap_ms = overlap_ms, .by = 1 };

	return keydb_rotate(b->db, &what);
}

struct seen {
	unsigned char	 n;
	struct keydb_key key;	/* texts are not valid any more */
	bool		 found, traits;
	unsigned	 count;
};

static int
see(const struct keydb_key *key, void *arg)
{
	struct seen	*s = arg;

	s->count++;
	if ((unsigned char)key->digest.p[0] != s->n)
		return 0;
	s->found = true;
	s->key = *key;
	s->traits = span_eq(key->agent, SPAN_LIT("backend")) && nameset_has(key->scopes, SPAN_LIT("tools:call")) &&
	    nameset_has(key->scopes, SPAN_LIT("tools:read")) && nameset_has(key->roles, SPAN_LIT("dev")) &&
	    key->groups.n == 0 && span_is(key->workspace, "eng");
	return 0;
}

static struct seen
look(struct bench *b, unsigned char n)
{
	struct seen	s = { .n = n };

	cr_assert(eq(int, keydb_each(b->db, see, &s), 0));
	return s;
}

Test(keychange, a_new_key_stands_for_whom_the_old_one_did)
{
	struct bench	b;
	struct seen	s;

	bench_init(&b);
	cr_assert(eq(int, add(&b, "ci", "acme", 1, 0), 0));
	cr_expect(eq(int, rotate(&b, "ci", "", 2, NOW_MS, DAY_MS), 0));
	s = look(&b, 2);
	cr_assert(s.found && s.traits && s.count == 2);
	cr_expect(eq(u64, s.key.ends_ms, 0));
	cr_expect(eq(u64, s.key.created_ms, NOW_MS));
	cr_expect(eq(u64, s.key.by, 1));
	s = look(&b, 1);
	cr_assert(s.found && s.traits);
	cr_expect(eq(u64, s.key.ends_ms, NOW_MS + DAY_MS));
	cr_expect(eq(u64, s.key.by, 1001));
	bench_fini(&b);
}

Test(keychange, the_same_rotation_again_changes_nothing)
{
	struct bench	b;

	bench_init(&b);
	cr_assert(eq(int, add(&b, "ci", "acme", 1, 0), 0));
	cr_expect(eq(int, rotate(&b, "ci", "", 2, NOW_MS, 0), 0));
	cr_expect(eq(int, rotate(&b, "ci", "", 2, NOW_MS + 5000, DAY_MS), 0));
	cr_expect(eq(u64, look(&b, 1).key.ends_ms, NOW_MS));
	cr_expect(eq(uint, look(&b, 2).count, 2));
	cr_expect(eq(int, add(&b, "ci", "acme", 2, 0), 0), "an addition as well");
	cr_expect(eq(int, rotate(&b, "other", "", 2, NOW_MS, 0), E_NOTFOUND), "but not under another name");
	bench_fini(&b);
}

Test(keychange, an_end_is_not_put_off_by_a_rotation)
{
	struct bench	b;

	bench_init(&b);
	cr_assert(eq(int, add(&b, "ci", "acme", 1, NOW_MS + 1000), 0));
	cr_expect(eq(int, rotate(&b, "ci", "", 2, NOW_MS, DAY_MS), 0));
	cr_expect(eq(u64, look(&b, 1).key.ends_ms, NOW_MS + 1000));
	/* It had a day and a second. */
	cr_expect(eq(u64, look(&b, 2).key.ends_ms, NOW_MS + DAY_MS + 1000));
	bench_fini(&b);
}

Test(keychange, the_last_one_is_the_last_where_the_clock_went_back)
{
	struct bench	b;

	bench_init(&b);
	cr_assert(eq(int, add(&b, "ci", "acme", 1, 0), 0));
	cr_expect(eq(int, rotate(&b, "ci", "", 3, NOW_MS + 50, 0), 0));
	cr_expect(eq(int, rotate(&b, "ci", "", 2, NOW_MS + 20, 0), 0));
	cr_expect(eq(int, rotate(&b, "ci", "", 4, NOW_MS + 30, 0), 0));
	cr_expect(eq(u64, look(&b, 4).key.ends_ms, 0), "it has the end of one that ended");
	bench_fini(&b);
}

Test(keychange, those_that_ended_go_with_the_next_rotation)
{
	struct bench	b;

	bench_init(&b);
	cr_assert(eq(int, add(&b, "ci", "acme", 1, 0), 0));
	for (unsigned char n = 2; n < 60; n++)
		cr_assert(eq(int, rotate(&b, "ci", "", n, NOW_MS + n, 0), 0));
	cr_expect(eq(uint, look(&b, 59).count, 2));
	cr_expect(look(&b, 58).found && look(&b, 59).found);
	bench_fini(&b);
}

Test(keychange, few_of_one_name_live)
{
	struct bench	b;
	unsigned char	n;

	bench_init(&b);
	cr_assert(eq(int, add(&b, "ci", "acme", 1, 0), 0));
	for (n = 2; n <= KEYDB_SAME_NAME_MAX; n++)
		cr_assert(eq(int, rotate(&b, "ci", "", n, NOW_MS + n, DAY_MS), 0), "%u", n);
	cr_expect(eq(int, rotate(&b, "ci", "", n, NOW_MS + n, DAY_MS), E_TOOBIG));
	cr_expect(eq(int, rotate(&b, "ci", "", n, NOW_MS + 2 * DAY_MS, DAY_MS), 0), "those ended");
	bench_fini(&b);
}

Test(keychange, says_whose_key_it_does_not_know)
{
	struct bench	b;

	bench_init(&b);
	cr_assert(eq(int, add(&b, "ci", "acme", 1, 0), 0));
	cr_assert(eq(int, add(&b, "ci", "globex", 2, 0), 0));
	cr_expect(eq(int, rotate(&b, "nobody", "", 3, NOW_MS, 0), E_NOTFOUND));
	cr_expect(eq(int, rotate(&b, "ci", "", 3, NOW_MS, 0), E_RANGE));
	cr_expect(eq(int, rotate(&b, "ci", "globex", 3, NOW_MS, 0), 0));
	cr_expect(eq(u64, look(&b, 1).key.ends_ms, 0), "the other tenant's lives on");
	cr_expect(eq(u64, look(&b, 2).key.ends_ms, NOW_MS));
	bench_fini(&b);
}

Test(keychange, a_name_stays_taken_while_one_of_its_keys_is_there)
{
	struct bench			b;
	uint32_t			ended;

	bench_init(&b);
	cr_assert(eq(int, add(&b, "ci", "acme", 1, 0), 0));
	cr_assert(eq(int, rotate(&b, "ci", "", 2, NOW_MS, DAY_MS), 0));
	cr_assert(eq(int, keydb_revoke(b.db, &(struct keydb_which){ .name = public_name_of(2) }, &ended), 0));
	cr_expect(eq(u32, ended, 1));
	cr_expect(eq(int, add(&b, "ci", "acme", 3, 0), E_EXISTS));
	cr_assert(eq(int, rotate(&b, "ci", "", 4, NOW_MS, DAY_MS), 0));
	cr_assert(eq(int, keydb_revoke(b.db, &(struct keydb_which){ .name = SPAN_LIT("ci") }, &ended), 0));
	cr_expect(eq(u32, ended, 2), "all of the name");
	cr_expect(eq(int, add(&b, "ci", "acme", 3, 0), 0));
	bench_fini(&b);
}

static void
put_use(char *to, unsigned char n, uint64_t ms)
{
	memcpy(to, digest_of(n).p, KEYDB_DIGEST_BYTES);
	memcpy(to + KEYDB_DIGEST_BYTES, &ms, sizeof(ms));
}

Test(keychange, when_a_key_was_used_is_kept_and_only_goes_forward)
{
	struct bench	b;
	char		uses[3 * KEYDB_USE_BYTES];

	bench_init(&b);
	cr_assert(eq(int, add(&b, "ci", "acme", 1, 0), 0));
	cr_assert(eq(int, add(&b, "dev", "acme", 2, 0), 0));
	put_use(uses, 1, NOW_MS - 5000);
	put_use(uses + KEYDB_USE_BYTES, 9, NOW_MS);	/* there is none */
	put_use(uses + 2 * KEYDB_USE_BYTES, 2, NOW_MS + 1);	/* and this has not come yet */
	cr_expect(eq(int, keydb_used(b.db, span_make(uses, sizeof(uses)), NOW_MS), 0));
	cr_expect(eq(int, keydb_used(b.db, span_make(uses, sizeof(uses) - 1), NOW_MS), E_FORMAT));
	put_use(uses, 1, NOW_MS - 9000);
	cr_expect(eq(int, keydb_used(b.db, span_make(uses, KEYDB_USE_BYTES), NOW_MS), 0));
	keydb_close(&b.db);
	cr_assert(eq(int, keydb_open(b.path, false, &b.db), 0));
	cr_expect(eq(u64, look(&b, 1).key.used_ms, NOW_MS - 5000));
	cr_expect(look(&b, 1).traits);
	cr_expect(eq(u64, look(&b, 2).key.used_ms, 0));
	bench_fini(&b);
}

Test(keychange, names_are_a_set)
{
	struct bench	b;
	struct span	set, other;
	static char	many[5000];

	bench_init(&b);
	cr_expect(eq(int, keydb_names(SPAN_LIT("  b a  b "), &b.a, &set), 0));
	cr_expect(eq(int, keydb_names(SPAN_LIT("a b"), &b.a, &other), 0));
	cr_expect(span_eq(set, other) && set.n == 4);
	cr_expect(eq(int, keydb_names(SPAN_LIT(""), &b.a, &set), 0));
	cr_expect(eq(sz, set.n, 0));
	cr_expect(eq(int, keydb_names(SPAN_LIT("a\tb"), &b.a, &set), E_FORMAT));
	for (size_t i = 0; i + 1 < sizeof(many); i++)
		many[i] = i % 2 == 0 ? (char)('a' + i % 26) : ' ';
	cr_expect(eq(int, keydb_names(span_of(many), &b.a, &set), E_FORMAT));
	bench_fini(&b);
}

/* As 0.5 wrote it: six fields, {u16 id, u16 bytes, data}. */
static const char old_key[] =
    "\x01\0\x02\0ci"
    "\x02\0\x0c\0mgk_01010101"
    "\x03\0\x07\0backend"
    "\x04\0\x07\0default"
    "\x05\0\x08\0\x00\x94\x35\x77\x00\x00\x00\x00"
    "\x06\0\x08\0\x00\x00\x00\x00\x00\x00\x00\x00";

static int
see_old(const struct keydb_key *key, void *arg)
{
	unsigned	*n = arg;

	(*n)++;
	cr_expect(span_is(key->name, "ci") && span_is(key->public_name, "mgk_01010101") && span_is(key->agent, "backend") &&
	    span_is(key->tenant, "default"));
	cr_expect(eq(u64, key->created_ms, 2000000000));
	cr_expect(eq(u64, key->ends_ms, 0));
	cr_expect(key->scopes.n == 0 && key->roles.n == 0 && key->groups.n == 0 && key->workspace.n == 0 &&
	    key->used_ms == 0 && key->by == 0);
	return 0;
}

Test(keychange, a_store_of_an_older_release_is_read_and_used)
{
	static const char *const	tables[] = { "key", "keyname", "policy", "meta", "pin" };
	const uint32_t			format = 1;
	struct kv			*kv;
	struct kv_txn			*t;
	struct bench			 b;
	char				 use[KEYDB_USE_BYTES];
	unsigned			 n = 0;

	folder_make(b.path);
	arena_init(&b.a, NULL, 0, 4096);
	cr_assert(eq(int, kv_open(b.path, tables, 5, 1 << 20, 0, &kv), 0));
	cr_assert(eq(int, kv_begin(kv, true, &t), 0));
	cr_assert(eq(int, kv_put(t, 0, digest_of(1), span_make(old_key, sizeof(old_key) - 1)), 0));
	cr_assert(eq(int, kv_put(t, 1, span_make("default\0ci", 10), digest_of(1)), 0));
	cr_assert(eq(int, kv_put(t, 3, SPAN_LIT("format"), span_make(&format, sizeof(format))), 0));
	cr_assert(eq(int, kv_commit(&t), 0));
	kv_close(&kv);

	cr_assert(eq(int, keydb_open(b.path, true, &b.db), 0), "by who only reads");
	cr_assert(eq(int, keydb_each(b.db, see_old, &n), 0));
	cr_expect(eq(uint, n, 1));
	keydb_close(&b.db);
	cr_assert(eq(int, keydb_open(b.path, false, &b.db), 0));
	put_use(use, 1, NOW_MS);
	cr_assert(eq(int, keydb_used(b.db, span_make(use, sizeof(use)), NOW_MS), 0));
	cr_assert(eq(int, rotate(&b, "ci", "", 2, NOW_MS, DAY_MS), 0));
	cr_expect(eq(u64, look(&b, 1).key.used_ms, NOW_MS));
	cr_expect(eq(u64, look(&b, 1).key.ends_ms, NOW_MS + DAY_MS));
	cr_expect(look(&b, 2).found);
	bench_fini(&b);
}
