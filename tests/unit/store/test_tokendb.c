/* SPDX-License-Identifier: Apache-2.0
 *
 * test_tokendb.c - the gateway's own tokens, from the store that signs them to the worker that proves them
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <unistd.h>

#include "auth/own.h"
#include "lib/crypt.h"
#include "lib/nameset.h"
#include "policy/build.h"
#include "store/tokendb.h"
#include "tests/unit/child/child.h"

#define NOW_MS	UINT64_C(1900000000500)
#define HOUR_MS	UINT64_C(3600000)
#define CLAIMS	"{\"sub\":\"ann\",\"agent\":\"backend\",\"tenant\":\"acme\",\"workspace\":\"eng\"," \
		"\"scope\":\"b a\",\"roles\":[\"dev\",\"ops\"],\"v\":2}"

struct bench {
	char		 path[64];
	struct keydb	*db;
	struct arena	 a;
	struct buf	 token;
	struct snap	*keys;		/* as workers have them now */
	struct build	*b;
};

static int
on_signer(const struct tokendb_signer *s, struct span issuer, void *arg)
{
	struct rec_signer	rec = { .ends_ms = s->current ? 0 : s->last_ends_ms, .before_ms = s->before_ms };

	memcpy(rec.key, s->public_key, sizeof(rec.key));
	cr_assert(build_text(arg, span_of(s->kid), &rec.kid) == 0 && build_text(arg, issuer, &rec.issuer) == 0);
	return build_add(arg, SECTION_SIGNER, &rec, NULL);
}

static int
on_gone(const uint8_t id[OWN_ID_BYTES], uint64_t ends_ms, void *arg)
{
	struct rec_gone	rec = { .ends_ms = ends_ms };

	memcpy(rec.id, id, sizeof(rec.id));
	return build_add(arg, SECTION_GONE, &rec, NULL);
}

static void
tell(struct bench *b, uint64_t now_ms)
{
	uint64_t	length;
	int		fd;

	snap_release(&b->keys);
	cr_assert(eq(int, build_new(SNAP_KEYS, "", &b->b), 0));
	cr_assert(eq(int, tokendb_each(b->db, now_ms, on_signer, on_gone, b->b), 0));
	cr_assert(eq(int, build_seal(b->b, 1, &fd, &length), 0));
	cr_assert(eq(int, snap_map(fd, &b->keys), 0));
	close(fd);
	build_free(&b->b);
}

static void
bench_init(struct bench *b)
{
	*b = (struct bench){ 0 };
	folder_make(b->path);
	arena_init(&b->a, NULL, 0, 1 << 20);
	buf_init(&b->token, 16384);
	cr_assert(eq(int, keydb_open(b->path, false, &b->db), 0));
}

static void
bench_fini(struct bench *b)
{
	snap_release(&b->keys);
	keydb_close(&b->db);
	buf_fini(&b->token);
	arena_fini(&b->a);
	folder_remove(b->path);
}

static struct span
issue(struct bench *b, uint64_t for_ms, uint64_t now_ms, struct tokendb_token *t)
{
	buf_clear(&b->token);
	cr_assert(eq(int, tokendb_issue(b->db, SPAN_LIT(CLAIMS), for_ms, now_ms, &b->token, t), 0));
	return arena_dup(&b->a, buf_rest(&b->token));
}

static int
prove(struct bench *b, struct span token, uint64_t now_ms)
{
	struct bearer	 who;
	const char	*why = "", *told;

	return own_bearer(b->keys, token, now_ms, &b->a, &who, &why, &told);
}

Test(tokendb, issues_what_a_worker_takes_for_its_bearer)
{
	struct bench		 b;
	struct tokendb_token	 t;
	struct bearer		 who;
	struct span		 token;
	const char		*why, *told;

	bench_init(&b);
	token = issue(&b, HOUR_MS, NOW_MS, &t);
	cr_expect(t.new_signer);
	cr_expect(own_claims_to_be(token));
	tell(&b, NOW_MS);
	cr_assert(eq(int, own_bearer(b.keys, token, NOW_MS, &b.a, &who, &why, &told), 0), "%s", why);
	cr_expect(span_is(who.agent, "backend") && span_is(who.tenant, "acme"));
	cr_expect(span_is(who.traits.user, "ann") && span_is(who.traits.workspace, "eng") && who.traits.scoped);
	cr_expect(span_starts(who.subject, SPAN_LIT("ann at urn:mcpgw:")));
	cr_expect(nameset_has(who.traits.scopes, SPAN_LIT("a")) && nameset_has(who.traits.scopes, SPAN_LIT("b")));
	cr_expect(nameset_has(who.traits.roles, SPAN_LIT("dev")) && nameset_has(who.traits.roles, SPAN_LIT("ops")));
	cr_expect(eq(u64, who.ends_ms, (NOW_MS + HOUR_MS) / 1000 * 1000));
	cr_expect(eq(int, prove(&b, token, NOW_MS + HOUR_MS - 1000), 0));
	cr_expect(eq(int, prove(&b, token, NOW_MS + HOUR_MS), E_HTTP_CREDENTIAL));
	(void)issue(&b, HOUR_MS, NOW_MS, &t);
	cr_expect(t.new_signer == false);
	bench_fini(&b);
}

Test(tokendb, nobody_else_signs_them)
{
	struct bench		b, other;
	struct tokendb_token	t;
	struct span		token, strangers;
	char			*bent;

	bench_init(&b);
	bench_init(&other);
	token = issue(&b, HOUR_MS, NOW_MS, &t);
	strangers = issue(&other, HOUR_MS, NOW_MS, &t);
	cr_expect(eq(int, prove(&b, token, NOW_MS), E_HTTP_CREDENTIAL), "without keys");
	tell(&b, NOW_MS);
	cr_expect(eq(int, prove(&b, strangers, NOW_MS), E_HTTP_CREDENTIAL));
	/* Each byte counts. */
	for (size_t i = 0; i < token.n; i += 7) {
		bent = (char *)(uintptr_t)arena_dup(&b.a, token).p;
		bent[i] = bent[i] == 'A' ? 'B' : 'A';
		cr_expect(eq(int, prove(&b, span_make(bent, token.n), NOW_MS), E_HTTP_CREDENTIAL), "byte %zu", i);
	}
	for (size_t n = 0; n < token.n; n += 11)
		cr_expect(eq(int, prove(&b, span_part(token, 0, n), NOW_MS), E_HTTP_CREDENTIAL));
	bench_fini(&b);
	bench_fini(&other);
}

Test(tokendb, a_key_that_signs_no_more_proves_its_tokens_until_they_end)
{
	struct bench		b;
	struct tokendb_token	t;
	struct span		old, new;

	bench_init(&b);
	old = issue(&b, HOUR_MS, NOW_MS, &t);
	cr_assert(eq(int, tokendb_rotate(b.db, NOW_MS, false), 0));
	new = issue(&b, 2 * HOUR_MS, NOW_MS, &t);
	cr_expect(t.new_signer == false, "rotation made it");
	tell(&b, NOW_MS);
	cr_expect(eq(u64, snap_count(b.keys, SECTION_SIGNER), 2));
	cr_expect(eq(int, prove(&b, old, NOW_MS), 0));
	cr_expect(eq(int, prove(&b, new, NOW_MS), 0));
	cr_assert(eq(int, tokendb_rotate(b.db, NOW_MS + HOUR_MS, false), 0));
	tell(&b, NOW_MS + HOUR_MS);
	cr_expect(eq(u64, snap_count(b.keys, SECTION_SIGNER), 2), "the first is over");
	cr_expect(eq(int, prove(&b, old, NOW_MS), E_HTTP_CREDENTIAL));
	cr_expect(eq(int, prove(&b, new, NOW_MS + HOUR_MS), 0));
	cr_assert(eq(int, tokendb_rotate(b.db, NOW_MS + HOUR_MS, true), 0));
	tell(&b, NOW_MS + HOUR_MS);
	cr_expect(eq(u64, snap_count(b.keys, SECTION_SIGNER), 1), "at once");
	cr_expect(eq(int, prove(&b, new, NOW_MS + HOUR_MS), E_HTTP_CREDENTIAL));
	bench_fini(&b);
}

Test(tokendb, revokes_one_and_those_issued_before)
{
	struct bench		b;
	struct tokendb_token	t[3];
	struct span		token[3];

	bench_init(&b);
	for (int i = 0; i < 3; i++)
		token[i] = issue(&b, HOUR_MS, NOW_MS + (uint64_t)i * 5000, &t[i]);
	cr_expect(eq(int, tokendb_revoke(b.db, SPAN_LIT("x"), NOW_MS), E_FORMAT));
	cr_expect(eq(int, tokendb_revoke(b.db, span_of(t[1].id), NOW_MS + 20000), 0));
	tell(&b, NOW_MS + 20000);
	for (int i = 0; i < 3; i++)
		cr_expect(eq(int, prove(&b, token[i], NOW_MS + 20000), i == 1 ? E_HTTP_CREDENTIAL : 0), "%d", i);
	keydb_close(&b.db);
	cr_assert(eq(int, keydb_open(b.path, false, &b.db), 0));
	cr_expect(eq(int, tokendb_revoke_before(b.db, NOW_MS + 9000), 0));
	cr_expect(eq(int, tokendb_revoke_before(b.db, NOW_MS), 0), "nothing comes back");
	tell(&b, NOW_MS + 20000);
	for (int i = 0; i < 3; i++)
		cr_expect(eq(int, prove(&b, token[i], NOW_MS + 20000), i < 2 ? E_HTTP_CREDENTIAL : 0), "%d", i);
	tell(&b, NOW_MS + 2 * HOUR_MS);
	cr_expect(eq(u64, snap_count(b.keys, SECTION_GONE), 0), "it has ended by itself");
	bench_fini(&b);
}

Test(tokendb, refuses_claims_that_are_none_and_those_it_writes_itself)
{
	static const char *const	rows[] = { "", "{}", "[]", "x", "{\"sub\":\"a\"}", "{\"agent\":1}",
	    "{\"agent\":\"a\",\"exp\":1}", "{\"agent\":\"a\",\"iss\":\"x\"}", "{\"agent\":\"a\",\"agent\":\"b\"}",
	    "{\"agent\":\"a\",\"\\u006ati\":\"x\"}", "{\"agent\":\"a\"} ", " {\"agent\":\"a\"}", "{\"agent\":\"a\"" };
	struct bench			b;
	struct tokendb_token		t;

	bench_init(&b);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_expect(eq(int, tokendb_issue(b.db, span_of(rows[i]), HOUR_MS, NOW_MS, &b.token, &t), E_FORMAT), "row %zu", i);
	cr_expect(eq(int, tokendb_issue(b.db, SPAN_LIT(CLAIMS), 0, NOW_MS, &b.token, &t), E_RANGE));
	cr_expect(eq(int, tokendb_issue(b.db, SPAN_LIT(CLAIMS), 25 * HOUR_MS, NOW_MS, &b.token, &t), E_RANGE));
	cr_expect(eq(sz, buf_rest(&b.token).n, 0));
	bench_fini(&b);
}
