/* SPDX-License-Identifier: Apache-2.0
 *
 * test_tenants.c - whose tenant a credential is, and that it is good for no other
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "auth/identify.h"
#include "lib/crypt.h"
#include "policy/build.h"

#define KEY_A	"mgk_0123abcd_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define KEY_D	"mgk_0123abcd_BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB"
#define KEY_G	"mgk_0123abcd_CCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCC"
#define NOW	1000000

static struct snap	*policy, *keys;
static struct params	 params;
static struct arena	 arena;

static struct stext
text(struct build *b, const char *s)
{
	struct stext	t;

	cr_assert(build_text(b, span_of(s), &t) == 0);
	return t;
}

static struct snap *
sealed(struct build *b)
{
	struct snap	*s;
	uint64_t	 length;
	int		 fd;

	cr_assert(build_seal(b, 1, &fd, &length) == 0 && snap_map(fd, &s) == 0);
	close(fd);
	build_free(&b);
	return s;
}

static void
add_key(struct build *b, const char *key, const char *tenant)
{
	struct rec_key		k = { .name = text(b, "k"), .agent = text(b, "bot"), .tenant = text(b, tenant) };
	struct crypt_digest	d;

	cr_assert(crypt_sha256(span_of(key), &d) == 0);
	memcpy(k.digest, d.bytes, sizeof(k.digest));
	cr_assert(build_add(b, SECTION_KEY, &k, NULL) == 0);
}

/* Tenants "acme" and "default", each with an agent "bot" that uid 1000 stands for; a key of each, and one of a tenant
 * that is gone. */
static void
setup(void)
{
	struct build	*b;

	cr_assert(build_new(SNAP_POLICY, "", &b) == 0);
	for (uint32_t i = 0; i < 2; i++) {
		struct rec_tenant	tenant = { .name = text(b, i == 0 ? "acme" : "default") };
		struct rec_agent	agent = { .name = text(b, "bot"), .tenant = i };
		struct rec_peer		peer = { .id = 1000, .agent = i };

		cr_assert(build_add(b, SECTION_TENANT, &tenant, NULL) == 0);
		cr_assert(build_add(b, SECTION_AGENT, &agent, NULL) == 0);
		cr_assert(build_add(b, SECTION_PEER, &peer, NULL) == 0);
	}
	policy = sealed(b);
	cr_assert(build_new(SNAP_KEYS, "", &b) == 0);
	add_key(b, KEY_A, "acme");
	add_key(b, KEY_D, "default");
	add_key(b, KEY_G, "gone");
	/* by digest, as they are looked up */
	for (uint64_t i = 0; i < 3; i++)
		for (uint64_t k = i + 1; k < 3; k++) {
			struct rec_key *x = build_at(b, SECTION_KEY, i), *y = build_at(b, SECTION_KEY, k), z = *x;

			if (memcmp(x->digest, y->digest, sizeof(x->digest)) > 0) {
				*x = *y;
				*y = z;
			}
		}
	keys = sealed(b);
	arena_init(&arena, NULL, 0, 65536);
}

TestSuite(tenants, .init = setup, .timeout = 10);

Test(tenants, are_those_of_the_credential_and_no_others)
{
	static const struct {
		const char	*asked;
		const char	*key;		/* NULL: the peer, of this uid */
		uint32_t	 uid;
		const char	*as;
		int		 error;
		const char	*tenant;
	} rows[] = {
		{ "", KEY_A, 0, NULL, 0, "acme" }, { "", KEY_D, 0, NULL, 0, "default" },
		{ "acme", KEY_A, 0, NULL, 0, "acme" }, { "default", KEY_D, 0, NULL, 0, "default" },
		{ "acme", KEY_D, 0, NULL, E_HTTP_CREDENTIAL, NULL }, { "default", KEY_A, 0, NULL, E_HTTP_CREDENTIAL, NULL },
		{ "none", KEY_A, 0, NULL, E_HTTP_CREDENTIAL, NULL }, { "acm", KEY_A, 0, NULL, E_HTTP_CREDENTIAL, NULL },
		{ "", KEY_G, 0, NULL, E_HTTP_CREDENTIAL, NULL }, { "gone", KEY_G, 0, NULL, E_HTTP_CREDENTIAL, NULL },
		/* Both tenants name it, so it must be said which is meant. */
		{ "", NULL, 1000, NULL, E_HTTP_CREDENTIAL, NULL }, { "default", NULL, 1000, NULL, 0, "default" }, { "acme", NULL, 1000, NULL, 0, "acme" },
		{ "none", NULL, 1000, NULL, E_HTTP_CREDENTIAL, NULL }, { "acme", NULL, 1001, NULL, E_HTTP_CREDENTIAL, NULL },
		{ "", NULL, 0, "bot", 0, "default" }, { "acme", NULL, 0, "bot", 0, "acme" },
		{ "none", NULL, 0, "bot", E_AGENT, NULL }, { "acme", NULL, 1000, "bot", E_AGENT, NULL },
		{ "acme", NULL, 0, "nobody", E_AGENT, NULL },
	};
	struct principal	who;
	char			authorization[128];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct auth_in	in = { .policy = policy, .keys = keys, .params = &params, .wall_ms = NOW,
		    .tenant = span_of(rows[i].asked), .as_agent = span_of(rows[i].as),
		    .peer = { .local = rows[i].key == NULL, .uid = rows[i].uid } };

		snprintf(authorization, sizeof(authorization), "Bearer %s", rows[i].key == NULL ? "" : rows[i].key);
		if (rows[i].key != NULL)
			in.authorization = span_of(authorization);
		cr_expect(eq(int, auth_identify(&in, &arena, &who, &(struct auth_refusal){ 0 }), rows[i].error), "row %zu", i);
		if (rows[i].error == 0)
			cr_expect(span_is(who.tenant, rows[i].tenant), "row %zu: %.*s", i, SPAN_FMT(who.tenant));
	}
}

Test(tenants, anonymous_callers_are_those_of_default)
{
	struct principal	who;
	struct auth_in		in = { .policy = policy, .keys = keys, .params = &params, .wall_ms = NOW };

	params.anonymous_agent = SPAN_LIT("bot");
	cr_expect(eq(int, auth_identify(&in, &arena, &who, &(struct auth_refusal){ 0 }), 0));
	cr_expect(span_is(who.tenant, "default"));
	in.tenant = SPAN_LIT("default");
	cr_expect(eq(int, auth_identify(&in, &arena, &who, &(struct auth_refusal){ 0 }), 0));
	in.tenant = SPAN_LIT("acme");
	cr_expect(eq(int, auth_identify(&in, &arena, &who, &(struct auth_refusal){ 0 }), E_HTTP_CREDENTIAL));
}

Test(tenants, with_equal_agents_are_different_principals)
{
	struct principal	a, d;
	struct auth_in		in = { .policy = policy, .keys = keys, .params = &params, .wall_ms = NOW,
				    .tenant = SPAN_LIT("default"), .peer = { .local = true, .uid = 1000 } };

	cr_assert(eq(int, auth_identify(&in, &arena, &d, &(struct auth_refusal){ 0 }), 0));
	in.tenant = SPAN_LIT("acme");
	cr_assert(eq(int, auth_identify(&in, &arena, &a, &(struct auth_refusal){ 0 }), 0));
	cr_expect(a.hash != d.hash && a.tenant_hash != d.tenant_hash);
	cr_expect(ne(u64, a.hash ^ a.tenant_hash, d.hash ^ d.tenant_hash));
}
