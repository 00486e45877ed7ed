/* SPDX-License-Identifier: Apache-2.0
 *
 * test_familydb.c - session tokens and what refreshes them: once each, never for longer or for more than was given
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

#include "lib/json.h"
#include "lib/b64.h"
#include "lib/sum.h"
#include "store/familydb.h"
#include "store/meta.h"
#include "tests/unit/child/child.h"

#define NOW_MS	UINT64_C(1900000000000)
#define MIN_MS	UINT64_C(60000)
#define CLAIMS	"{\"sub\":\"ci\",\"agent\":\"backend\",\"tenant\":\"acme\",\"via\":{\"how\":\"key\"}}"
#define WHO	UINT64_C(0x1122334455667788)

static struct keydb		*db;
static char			 path[64];
static struct buf		 token;
static struct family_made	 made;
static const char		 digest[KEYDB_DIGEST_BYTES] = "0123456789abcdef0123456789abcde";

static struct keydb_key
key(uint64_t ends_ms)
{
	return (struct keydb_key){ .digest = span_make(digest, sizeof(digest)), .name = SPAN_LIT("ci"),
	    .public_name = SPAN_LIT("mgk_0"), .agent = SPAN_LIT("backend"), .tenant = SPAN_LIT("acme"), .created_ms = 1,
	    .ends_ms = ends_ms };
}

static void
begin(void)
{
	const struct keydb_key	k = key(0);

	folder_make(path);
	buf_init(&token, 16384);
	cr_assert(eq(int, keydb_open(path, false, &db), 0));
	cr_assert(eq(int, keydb_add(db, &k), 0));
}

static void
end(void)
{
	keydb_close(&db);
	buf_fini(&token);
	folder_remove(path);
}

static struct family_begin
asked(void)
{
	return (struct family_begin){ .who = WHO, .key = span_make(digest, sizeof(digest)), .tenant = SPAN_LIT("acme"),
	    .agent = SPAN_LIT("backend"), .claims = SPAN_LIT(CLAIMS), .scoped = true, .scope = SPAN_LIT("a b"),
	    .for_ms = 5 * MIN_MS, .ends_ms = NOW_MS + 60 * MIN_MS, .now_ms = NOW_MS };
}

static int
start(struct family_begin b)
{
	buf_clear(&token);
	return familydb_begin(db, &b, &token, &made);
}

static int
refresh_as(const char *refresh, struct family_refresh f)
{
	static char	copy[FAMILYDB_REFRESH_CHARS + 1];

	/* It may be that of the answer before. */
	snprintf(copy, sizeof(copy), "%s", refresh);
	f.token = span_of(copy);
	f.for_ms = 5 * MIN_MS;
	if (f.now_ms == 0)
		f.now_ms = NOW_MS;
	buf_clear(&token);
	return familydb_refresh(db, &f, &token, &made);
}

static int
again(const char *refresh, uint64_t now_ms)
{
	return refresh_as(refresh, (struct family_refresh){ .now_ms = now_ms });
}

/* A claim of the token that came last, in a static buffer. */
static const char *
claim(const char *name)
{
	static char		 text[2048];
	static uint8_t		 json[8192];
	const struct span	 t = buf_rest(&token);
	const char		*one = memchr(t.p, '.', t.n), *two = memchr(one + 1, '.', t.n - (size_t)(one + 1 - t.p));
	struct json_value	 v;
	size_t			 n;

	cr_assert(b64url_decode(span_make(one + 1, (size_t)(two - one - 1)), json, sizeof(json), &n) == 0);
	cr_assert(json_parse(span_make(json, n), true, &v, NULL) == 0, "%.*s", (int)n, (char *)json);
	v = json_get(v, name);
	snprintf(text, sizeof(text), "%.*s", SPAN_FMT(v.raw));
	return text;
}

TestSuite(familydb, .init = begin, .fini = end, .timeout = 60);

Test(familydb, gives_a_token_with_what_was_asked_and_another_for_each_refresh_token)
{
	char	first[FAMILYDB_REFRESH_CHARS + 1], family[64];

	cr_assert(eq(int, start(asked()), 0));
	cr_expect(eq(sz, strlen(made.refresh), FAMILYDB_REFRESH_CHARS));
	cr_expect(eq(u64, made.token.ends_ms, NOW_MS + 5 * MIN_MS));
	cr_expect(eq(str, (char *)claim("scope"), "\"a b\""));
	cr_expect(eq(str, (char *)claim("sub"), "\"ci\""));
	snprintf(family, sizeof(family), "%s", claim("family"));
	memcpy(first, made.refresh, sizeof(first));
	cr_assert(eq(int, again(first, NOW_MS + MIN_MS), 0));
	cr_expect(ne(str, made.refresh, first));
	cr_expect(eq(str, (char *)claim("family"), family));
	cr_expect(eq(u64, made.token.ends_ms, NOW_MS + 6 * MIN_MS));
	/* The end is that of the beginning, however often it is refreshed. */
	cr_assert(eq(int, again(made.refresh, NOW_MS + 57 * MIN_MS), 0));
	cr_expect(eq(u64, made.token.ends_ms, NOW_MS + 60 * MIN_MS));
	cr_expect(eq(int, again(made.refresh, NOW_MS + 60 * MIN_MS), E_NOTFOUND));
}

Test(familydb, ends_when_a_refresh_token_comes_twice)
{
	char	first[FAMILYDB_REFRESH_CHARS + 1], second[FAMILYDB_REFRESH_CHARS + 1];

	cr_assert(eq(int, start(asked()), 0));
	memcpy(first, made.refresh, sizeof(first));
	cr_assert(eq(int, again(first, NOW_MS), 0));
	memcpy(second, made.refresh, sizeof(second));
	cr_expect(eq(int, again(first, NOW_MS), E_EXISTS));
	cr_expect(made.keys_changed, "workers hear of it");
	cr_expect(eq(int, again(second, NOW_MS), E_NOTFOUND), "its successor is good no more");
	cr_expect(eq(int, again(first, NOW_MS), E_NOTFOUND));
}

Test(familydb, refuses_what_is_no_refresh_token_and_ends_nothing_for_it)
{
	static const char *const	rows[] = { "", "mgr_", "mgr_0_0", "mgk_", "x" };
	char				other[FAMILYDB_REFRESH_CHARS + 1], mine[FAMILYDB_REFRESH_CHARS + 1];

	cr_assert(eq(int, start(asked()), 0));
	memcpy(mine, made.refresh, sizeof(mine));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_expect(eq(int, again(rows[i], NOW_MS), E_NOTFOUND), "row %zu", i);
	memcpy(other, mine, sizeof(other));
	other[20] = other[20] == '0' ? '1' : '0';
	cr_expect(eq(int, again(other, NOW_MS), E_NOTFOUND), "of another family");
	other[20] = 'A';
	cr_expect(eq(int, again(other, NOW_MS), E_NOTFOUND), "another spelling");
	cr_expect(eq(int, again(mine, NOW_MS), 0));
}

Test(familydb, narrows_scopes_and_never_widens_them)
{
	char	refresh[FAMILYDB_REFRESH_CHARS + 1];

	cr_assert(eq(int, start(asked()), 0));
	memcpy(refresh, made.refresh, sizeof(refresh));
	cr_expect(eq(int, refresh_as(refresh, (struct family_refresh){ .scope_given = true, .scope = SPAN_LIT("a c") }), E_RANGE));
	cr_expect(eq(int, refresh_as(refresh, (struct family_refresh){ .scope_given = true, .scope = SPAN_LIT("ab") }), E_RANGE));
	cr_assert(eq(int, refresh_as(refresh, (struct family_refresh){ .scope_given = true, .scope = SPAN_LIT("b") }), 0));
	cr_expect(eq(str, (char *)claim("scope"), "\"b\""));
	memcpy(refresh, made.refresh, sizeof(refresh));
	cr_assert(eq(int, again(refresh, NOW_MS), 0));
	cr_expect(eq(str, (char *)claim("scope"), "\"a b\""), "of the session there is still all of it");
}

/* A credential without scopes may be narrowed; what its client chose is told from what an operator or issuer gave. */
Test(familydb, says_which_scopes_the_client_chose_itself)
{
	struct family_begin	b = asked();
	char			refresh[FAMILYDB_REFRESH_CHARS + 1];

	cr_assert(eq(int, start(b), 0));
	cr_expect(eq(str, (char *)claim("scope_chosen"), ""), "they are the credential's");
	b.chosen = true;
	cr_assert(eq(int, start(b), 0));
	cr_expect(eq(str, (char *)claim("scope_chosen"), "true"));
	memcpy(refresh, made.refresh, sizeof(refresh));
	cr_expect(eq(int, refresh_as(refresh, (struct family_refresh){ .scope_given = true, .scope = SPAN_LIT("c") }), E_RANGE));
	cr_assert(eq(int, again(refresh, NOW_MS), 0));
	cr_expect(eq(str, (char *)claim("scope_chosen"), "true"), "when it is refreshed");
	b.scoped = false;
	b.scope = SPAN_NONE;
	cr_assert(eq(int, start(b), 0));
	cr_expect(eq(str, (char *)claim("scope_chosen"), ""));
	memcpy(refresh, made.refresh, sizeof(refresh));
	cr_assert(eq(int, refresh_as(refresh, (struct family_refresh){ .scope_given = true, .scope = SPAN_LIT("c") }), 0));
	cr_expect(eq(str, (char *)claim("scope_chosen"), "true"), "with the refresh token");
	cr_expect(eq(str, (char *)claim("scope"), "\"c\""));
}

Test(familydb, asks_who_it_is_where_the_credential_is_a_connections)
{
	struct family_begin	b = asked();
	char			refresh[FAMILYDB_REFRESH_CHARS + 1];

	b.key = SPAN_NONE;
	b.bound = true;
	cr_assert(eq(int, start(b), 0));
	memcpy(refresh, made.refresh, sizeof(refresh));
	cr_expect(eq(int, again(refresh, NOW_MS), E_DENIED));
	cr_expect(eq(int, refresh_as(refresh, (struct family_refresh){ .who = WHO + 1 }), E_DENIED));
	cr_expect(eq(int, refresh_as(refresh, (struct family_refresh){ .who = WHO, .tenant = SPAN_LIT("other") }), E_DENIED));
	cr_expect(eq(int, refresh_as(refresh, (struct family_refresh){ .who = WHO, .tenant = SPAN_LIT("acme") }), 0));
	/* Where it is not, who says it must be it. */
	cr_assert(eq(int, start(asked()), 0));
	memcpy(refresh, made.refresh, sizeof(refresh));
	cr_expect(eq(int, refresh_as(refresh, (struct family_refresh){ .who = WHO + 1, .must = true }), E_DENIED));
	cr_expect(eq(int, refresh_as(refresh, (struct family_refresh){ .who = WHO + 1 }), 0));
}

Test(familydb, ends_with_the_key)
{
	struct family_begin	b = asked();
	struct keydb_key	k = key(NOW_MS + 2 * MIN_MS);
	uint32_t		ended;
	char			refresh[FAMILYDB_REFRESH_CHARS + 1];

	b.agent = SPAN_LIT("other");
	cr_expect(eq(int, start(b), E_NOTFOUND), "another's key");
	cr_assert(eq(int, start(asked()), 0));
	memcpy(refresh, made.refresh, sizeof(refresh));
	cr_assert(eq(int, keydb_revoke(db, &(struct keydb_which){ .name = SPAN_LIT("ci") }, &ended), 0));
	cr_expect(eq(int, again(refresh, NOW_MS), E_NOTFOUND));
	cr_expect(eq(int, start(asked()), E_NOTFOUND));
	cr_assert(eq(int, keydb_add(db, &k), 0));
	cr_assert(eq(int, start(asked()), 0));
	cr_expect(eq(u64, made.token.ends_ms, NOW_MS + 2 * MIN_MS));
	cr_expect(eq(int, again(made.refresh, NOW_MS + 2 * MIN_MS), E_NOTFOUND));
}

Test(familydb, keeps_no_more_than_some_of_each_and_forgets_what_is_over)
{
	struct family_begin	b = asked();
	char			first[FAMILYDB_REFRESH_CHARS + 1], second[FAMILYDB_REFRESH_CHARS + 1];
	struct family_counts	left = { .of = NULL };

	for (unsigned i = 0; i < FAMILYDB_EACH + 1; i++) {
		b.now_ms = NOW_MS + i;
		cr_assert(eq(int, start(b), 0));
		cr_expect(eq(u64, made.gone, i == FAMILYDB_EACH));
		if (i < 2)
			memcpy(i == 0 ? first : second, made.refresh, sizeof(first));
	}
	cr_expect(eq(int, again(first, NOW_MS + 100), E_NOTFOUND), "the oldest made room");
	cr_expect(eq(int, again(second, NOW_MS + 100), 0));
	b.key = SPAN_NONE;
	b.who = WHO + 1;
	b.tenant = SPAN_LIT("other");
	cr_assert(eq(int, start(b), 0));
	cr_expect(eq(int, familydb_tidy(db, NOW_MS + 100, &left), 0));
	cr_expect(eq(u64, left.all, FAMILYDB_EACH + 1));
	cr_expect(eq(sz, left.used, 2), "each tenant's are counted");
	cr_expect(family_counts_full(&left, sum64(SPAN_LIT("acme")), 2 * FAMILYDB_EACH + 1));
	cr_expect(eq(int, family_counts_full(&left, sum64(SPAN_LIT("other")), 2 * FAMILYDB_EACH + 1), 0));
	cr_expect(eq(int, familydb_tidy(db, NOW_MS + 60 * MIN_MS, &left), 0));
	cr_expect(eq(u64, left.all, 0));
	family_counts_clear(&left);
	/* What was over makes room, and is told. */
	b.now_ms = NOW_MS;
	b.ends_ms = NOW_MS + MIN_MS;
	cr_assert(eq(int, start(b), 0));
	b.now_ms = NOW_MS + 2 * MIN_MS;
	b.ends_ms = NOW_MS + 60 * MIN_MS;
	cr_assert(eq(int, start(b), 0));
	cr_expect(eq(u64, made.gone, 1));
	cr_expect(eq(u64, made.tenant, sum64(SPAN_LIT("other"))));
}

/* One tenant never has all: who comes later finds some. */
Test(familydb, leaves_each_tenant_a_share)
{
	struct family_counts	c = { .of = NULL };
	unsigned		n;

	for (n = 0; !family_counts_full(&c, 1, 100); n++)
		cr_assert(eq(int, family_counts_add(&c, 1), 0));
	cr_expect(eq(uint, n, 50));
	for (n = 0; !family_counts_full(&c, 2, 100); n++)
		cr_assert(eq(int, family_counts_add(&c, 2), 0));
	cr_expect(eq(uint, n, 25));
	for (uint64_t tenant = 3; tenant < 28; tenant++) {
		cr_expect(eq(int, family_counts_full(&c, tenant, 100), 0), "%u", (unsigned)tenant);
		cr_assert(eq(int, family_counts_add(&c, tenant), 0));
	}
	cr_expect(family_counts_full(&c, 28, 100), "there are no more for anybody");
	family_counts_take(&c, 1, 40);
	cr_expect(eq(int, family_counts_full(&c, 28, 100) || family_counts_full(&c, 1, 100), 0));
	family_counts_take(&c, 1, 1000);
	cr_expect(eq(u64, c.all, 0), "never less than none");
	family_counts_clear(&c);
}

/* All but its secret stands in logs and is no secret: who knows it ends nothing with it. */
Test(familydb, is_ended_by_tokens_that_were_given_and_by_no_others)
{
	char	first[FAMILYDB_REFRESH_CHARS + 1], other[FAMILYDB_REFRESH_CHARS + 1];

	cr_assert(eq(int, start(asked()), 0));
	memcpy(first, made.refresh, sizeof(first));
	for (size_t at = 4 + 2 * FAMILYDB_AT_BYTES + 1; at < FAMILYDB_REFRESH_CHARS - 1; at++) {
		memcpy(other, first, sizeof(other));
		other[at] = other[at] == 'A' ? 'B' : 'A';
		cr_expect(eq(int, again(other, NOW_MS), E_NOTFOUND), "%zu", at);
		cr_expect(eq(int, made.keys_changed || made.gone > 0, 0));
	}
	memcpy(other, first, sizeof(other));
	memset(other + 4 + 2 * FAMILYDB_AT_BYTES + 1, '!', 43);
	cr_expect(eq(int, again(other, NOW_MS), E_NOTFOUND), "no base64url");
	cr_assert(eq(int, again(first, NOW_MS), 0));
	memcpy(other, made.refresh, sizeof(other));
	for (int i = 0; i < 5; i++)
		cr_assert(eq(int, again(made.refresh, NOW_MS), 0));
	/* However long ago. */
	cr_expect(eq(int, again(other, NOW_MS), E_EXISTS));
	cr_expect(made.keys_changed && made.gone == 1);
	cr_expect(eq(u64, made.tenant, sum64(SPAN_LIT("acme"))));
}

struct kept {
	char	at[7 + FAMILYDB_AT_BYTES], value[4096];
	size_t	n;
};

static int
take(struct kv_cursor *c, struct span rest, struct span value, void *arg)
{
	struct kept	*k = arg;

	(void)c;
	memcpy(k->at, "family:", 7);
	memcpy(k->at + 7, rest.p, rest.n);
	memcpy(k->value, value.p, value.n);
	k->n = value.n;
	return 0;
}

/* As it was kept before refresh tokens were marked: without the 40 bytes that were appended. */
static int
txn_make_older(struct kv_txn *t, void *arg)
{
	struct kept	*k = arg;
	int		 r = meta_each(t, SPAN_LIT("family:"), take, k);

	if (r != 0)
		return r;
	k->value[0] = 1;
	memmove(k->value + 96, k->value + 136, k->n - 136);
	return kv_put(t, DB_META, span_make(k->at, sizeof(k->at)), span_make(k->value, k->n - 40));
}

Test(familydb, goes_on_with_what_was_begun_before_there_were_marks)
{
	static struct kept	kept;
	char			first[FAMILYDB_REFRESH_CHARS + 1], second[FAMILYDB_REFRESH_CHARS + 1],
				other[FAMILYDB_REFRESH_CHARS + 1];

	cr_assert(eq(int, start(asked()), 0));
	memcpy(first, made.refresh, sizeof(first));
	cr_assert(eq(int, keydb_write(db, txn_make_older, &kept), 0));
	cr_assert(eq(int, again(first, NOW_MS), 0));
	cr_expect(eq(str, (char *)claim("scope"), "\"a b\""));
	memcpy(second, made.refresh, sizeof(second));
	memcpy(other, second, sizeof(other));
	other[60] = other[60] == 'A' ? 'B' : 'A';
	cr_expect(eq(int, again(other, NOW_MS), E_NOTFOUND), "it has a mark now");
	cr_expect(eq(int, again(second, NOW_MS), 0));
	cr_expect(eq(int, again(second, NOW_MS), E_EXISTS));
}

Test(familydb, signs_no_claims_that_are_the_gateways_own)
{
	static const char *const	rows[] = {
		"", "[]", "{}", "{\"agent\":\"a\"}", "{\"via\":{}}", "{\"agent\":\"a\",\"via\":{},\"exp\":1}",
		"{\"agent\":\"a\",\"via\":{},\"scope\":\"x\"}", "{\"agent\":\"a\",\"via\":{},\"family\":\"x\"}",
		"{\"agent\":\"a\",\"via\":{}} ", "{\"agent\":\"a\",\"via\":{},\"scope_chosen\":false}",
	};
	struct family_begin		b = asked();

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		b.claims = span_of(rows[i]);
		cr_expect(eq(int, start(b), E_FORMAT), "row %zu", i);
	}
}
