/* SPDX-License-Identifier: Apache-2.0
 *
 * test_keydb.c - keys and last good policies
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/kv.h"
#include "store/keydb.h"
#include "tests/unit/child/child.h"

struct bench {
	char		 path[64];
	struct keydb	*db;
};

static void
bench_init(struct bench *b)
{
	folder_make(b->path);
	cr_assert(eq(int, keydb_open(b->path, false, &b->db), 0));
}

static void
bench_fini(struct bench *b)
{
	keydb_close(&b->db);
	folder_remove(b->path);
}

static int
add(struct bench *b, const char *name, const char *tenant, unsigned char digest)
{
	char			bytes[KEYDB_DIGEST_BYTES], public_name[16];
	struct keydb_key	key = { .digest = span_make(bytes, sizeof(bytes)), .name = span_of(name),
	    .agent = SPAN_LIT("backend"), .tenant = span_of(tenant), .created_ms = 1000, .ends_ms = 5 };

	memset(bytes, digest, sizeof(bytes));
	snprintf(public_name, sizeof(public_name), "mgk_%08x", digest);
	key.public_name = span_of(public_name);
	return keydb_add(b->db, &key);
}

struct list {
	unsigned	n, wrong;
	char		names[1024];
	unsigned char	last;
};

static int
note(const struct keydb_key *key, void *arg)
{
	struct list	*l = arg;
	size_t		 used = strlen(l->names);

	l->wrong += (unsigned char)key->digest.p[0] <= l->last && l->n > 0;
	l->wrong += !span_is(key->agent, "backend") || key->created_ms != 1000 || key->ends_ms != 5;
	l->last = (unsigned char)key->digest.p[0];
	l->n++;
	snprintf(l->names + used, sizeof(l->names) - used, "%.*s@%.*s ", SPAN_FMT(key->name),
	    SPAN_FMT(key->tenant));
	return 0;
}

static struct list
list(struct bench *b)
{
	struct list	l = { 0 };

	cr_assert(eq(int, keydb_each(b->db, note, &l), 0));
	cr_expect(eq(uint, l.wrong, 0));
	return l;
}

Test(keydb, keeps_keys_over_a_restart_in_order_of_their_digest)
{
	struct bench	b;

	bench_init(&b);
	cr_expect(eq(int, add(&b, "c", "default", 200), 0));
	cr_expect(eq(int, add(&b, "a", "default", 3), 0));
	cr_expect(eq(int, add(&b, "b", "default", 100), 0));
	keydb_close(&b.db);
	cr_assert(eq(int, keydb_open(b.path, false, &b.db), 0));
	cr_expect(eq(str, list(&b).names, "a@default b@default c@default "));
	bench_fini(&b);
}

Test(keydb, a_name_is_unique_within_its_tenant)
{
	struct bench	b;

	bench_init(&b);
	cr_expect(eq(int, add(&b, "ci", "default", 1), 0));
	cr_expect(eq(int, add(&b, "ci", "default", 2), E_EXISTS));
	cr_expect(eq(int, add(&b, "ci", "acme", 3), 0));
	cr_expect(eq(int, add(&b, "other", "default", 1), E_EXISTS), "the same key");
	cr_expect(eq(uint, list(&b).n, 2));
	bench_fini(&b);
}

static int
end_keys(struct bench *b, const char *name, const char *agent, const char *tenant, uint32_t want)
{
	const struct keydb_which	which = { span_of(name), span_of(agent), span_of(tenant) };
	uint32_t			ended;
	int				r = keydb_revoke(b->db, &which, &ended);

	cr_expect(eq(u32, ended, want));
	return r;
}

Test(keydb, revokes_by_name_or_public_name)
{
	struct bench	b;

	bench_init(&b);
	cr_assert(eq(int, add(&b, "ci", "default", 1), 0));
	cr_assert(eq(int, add(&b, "ci", "acme", 2), 0));
	cr_assert(eq(int, add(&b, "dev", "acme", 3), 0));
	cr_expect(eq(int, end_keys(&b, "nobody", "", "", 0), E_NOTFOUND));
	cr_expect(eq(int, end_keys(&b, "", "", "", 0), E_NOTFOUND));
	cr_expect(eq(int, end_keys(&b, "ci", "", "", 0), E_RANGE));
	cr_expect(eq(int, end_keys(&b, "ci", "", "globex", 0), E_NOTFOUND));
	cr_expect(eq(int, end_keys(&b, "", "backend", "", 0), E_RANGE), "agents of two tenants are two");
	cr_expect(eq(int, end_keys(&b, "ci", "frontend", "acme", 0), E_NOTFOUND));
	cr_expect(eq(int, end_keys(&b, "mgk_00000002", "", "default", 0), E_NOTFOUND), "it is another tenant's");
	cr_expect(eq(uint, list(&b).n, 3));
	cr_expect(eq(int, end_keys(&b, "mgk_00000002", "", "", 1), 0));
	cr_expect(eq(int, end_keys(&b, "ci", "", "", 1), 0));
	cr_expect(eq(str, list(&b).names, "dev@acme "));
	cr_expect(eq(int, add(&b, "ci", "default", 1), 0), "the name is free again");
	bench_fini(&b);
}

Test(keydb, revokes_all_of_an_agent_or_a_tenant)
{
	struct bench	b;

	bench_init(&b);
	for (unsigned char i = 1; i <= 40; i++) {
		char	name[16];

		snprintf(name, sizeof(name), "k%u", i);
		cr_assert(eq(int, add(&b, name, i % 4 == 0 ? "acme" : "default", i), 0));
	}
	cr_expect(eq(int, end_keys(&b, "", "", "acme", 10), 0));
	cr_expect(eq(uint, list(&b).n, 30));
	cr_expect(eq(int, end_keys(&b, "", "frontend", "", 0), E_NOTFOUND));
	cr_expect(eq(int, end_keys(&b, "", "backend", "default", 30), 0));
	cr_expect(eq(uint, list(&b).n, 0));
	cr_expect(eq(int, add(&b, "k4", "acme", 4), 0), "names are free again");
	bench_fini(&b);
}

Test(keydb, refuses_what_is_not_a_name)
{
	static char	long_name[KEYDB_NAME_MAX + 2];
	struct bench	b;

	bench_init(&b);
	memset(long_name, 'x', KEYDB_NAME_MAX + 1);
	cr_expect(eq(int, add(&b, "", "default", 1), E_FORMAT));
	cr_expect(eq(int, add(&b, long_name, "default", 1), E_FORMAT));
	cr_expect(eq(int, add(&b, "a\nb", "default", 1), E_FORMAT));
	cr_expect(eq(int, add(&b, "ok", "", 1), E_FORMAT));
	cr_expect(eq(uint, list(&b).n, 0));
	bench_fini(&b);
}

Test(keydb, has_one_writer)
{
	struct bench	b;
	struct keydb	*other;

	bench_init(&b);
	cr_expect(eq(int, keydb_open(b.path, false, &other), E_EXISTS));
	bench_fini(&b);
}

static void
expect_policy(struct bench *b, uint64_t want, size_t bytes)
{
	uint64_t	generation;
	char		*text;
	size_t		 n;
	int		 fd;

	cr_assert(eq(int, keydb_policy_load(b->db, &generation, &fd), 0));
	cr_expect(eq(u64, generation, want));
	cr_expect(fd_is_sealed(fd));
	cr_assert(eq(int, fd_read_all(fd, 1 << 28, &text, &n), 0));
	cr_expect(eq(sz, n, bytes));
	free(text);
	close(fd);
}

static uint64_t
policies(const char *path)
{
	static const char *const names[] = { "policy" };
	struct kv	*kv;
	struct kv_txn	*t;
	uint64_t	 n = 0;

	cr_assert(eq(int, kv_open(path, names, 1, 1 << 28, KV_READ_ONLY, &kv), 0));
	cr_assert(eq(int, kv_begin(kv, false, &t), 0));
	cr_assert(eq(int, kv_count(t, 0, &n), 0));
	kv_abort(&t);
	kv_close(&kv);
	return n;
}

Test(keydb, the_policy_saved_last_is_loaded_whatever_its_number)
{
	static char	big[100 << 20];		/* larger than the first map */
	struct bench	b;
	uint64_t	generation;
	int		fd;

	bench_init(&b);
	cr_expect(eq(int, keydb_policy_load(b.db, &generation, &fd), E_NOTFOUND));
	cr_assert(eq(int, keydb_policy_save(b.db, 41, span_make(big, 10)), 0));
	cr_assert(eq(int, keydb_policy_save(b.db, 42, span_make(big, 20)), 0));
	expect_policy(&b, 42, 20);
	keydb_close(&b.db);
	cr_expect(eq(u64, policies(b.path), 2));
	cr_assert(eq(int, keydb_open(b.path, false, &b.db), 0));
	cr_assert(eq(int, keydb_policy_save(b.db, 1, span_make(big, 30)), 0));
	expect_policy(&b, 1, 30);
	cr_assert(eq(int, keydb_policy_save(b.db, 1, span_make(big, 31)), 0));
	expect_policy(&b, 1, 31);
	cr_assert(eq(int, keydb_policy_save(b.db, 2, span_make(big, sizeof(big))), 0));
	expect_policy(&b, 2, sizeof(big));
	keydb_close(&b.db);
	cr_expect(eq(u64, policies(b.path), 2), "it, and the one before");
	folder_remove(b.path);
}
