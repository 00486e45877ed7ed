/* SPDX-License-Identifier: Apache-2.0
 *
 * test_keysets.c - keys that were fetched: what they prove, until when, and what counts as other keys
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "auth/keysets.h"
#include "policy/build.h"
#include "tests/harness/signer.h"

#define FETCHED_MS	UINT64_C(1000000)
#define KEEP_MS		UINT64_C(60000)

static const struct rec_keysource source = { .id = 7, .keep_ms = KEEP_MS };

static void
put_key(struct build *b, enum jws_alg a, const char *kid)
{
	struct rec_verifier	v = { .algs = JWS_ALG_BIT(a), .has_kid = kid != NULL };
	struct span		der = signer_der(a);

	cr_assert(build_text(b, der, &v.der) == 0 && build_text(b, span_of(kid == NULL ? "" : kid), &v.kid) == 0);
	cr_assert(build_add(b, SECTION_VERIFIER, &v, NULL) == 0);
	free((void *)(uintptr_t)der.p);
}

/* ES256 as "one"; with two also ES384, without a name. */
static struct keysets *
make(struct rec_keyset set, bool two)
{
	struct keysets	*k;
	struct build	*b;
	struct snap	*s;
	uint64_t	 length;
	int		 fd;

	cr_assert(build_new(SNAP_KEYSETS, "", &b) == 0);
	put_key(b, JWS_ALG_ES256, "one");
	if (two)
		put_key(b, JWS_ALG_ES384, NULL);
	set.verifier_count = two ? 2 : 1;
	cr_assert(build_add(b, SECTION_KEYSET, &set, NULL) == 0);
	cr_assert(build_seal(b, 1, &fd, &length) == 0 && snap_map(fd, &s) == 0);
	cr_assert(keysets_new(s, &k) == 0);
	snap_release(&s);
	build_free(&b);
	close(fd);
	return k;
}

static int
prove(const struct keysets *k, enum jws_alg a, const char *kid, bool strangers, uint64_t wall_ms, const char **why)
{
	struct arena	arena;
	struct jwt	t;
	char		header[100];
	char		*token;
	int		r;

	snprintf(header, sizeof(header), kid == NULL ? "{\"alg\":\"%s\"}" : "{\"alg\":\"%s\",\"kid\":\"%s\"}",
	    jws_alg_name(a), kid);
	token = signer_token(header, "{\"exp\":1}", a, strangers);
	arena_init(&arena, NULL, 0, 1 << 20);
	cr_assert(jwt_read(span_of(token), &arena, &t, why) == 0);
	r = keysets_prove(k, &source, &t, wall_ms, why);
	arena_fini(&arena);
	free(token);
	return r;
}

Test(keysets, prove_by_the_key_that_a_token_names)
{
	static const struct {
		enum jws_alg	 alg;
		const char	*kid;
		bool		 strangers;
		int		 want;
	} rows[] = {
		{ JWS_ALG_ES256, "one", false, 0 },
		{ JWS_ALG_ES256, "one", true, E_DENIED },
		{ JWS_ALG_ES256, NULL, false, 0 },
		/* Without a name every key was tried: a newer one may be what is missing. */
		{ JWS_ALG_ES256, NULL, true, E_NOTFOUND },
		{ JWS_ALG_ES384, "new", false, 0 },		/* the key has no name */
		{ JWS_ALG_ES384, "new", true, E_DENIED },
	};
	struct keysets	*k = make((struct rec_keyset){ .id = 7, .fetched_ms = FETCHED_MS }, true);
	const char	*why;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_expect(eq(int, prove(k, rows[i].alg, rows[i].kid, rows[i].strangers, FETCHED_MS, &why), rows[i].want),
		    "row %zu", i);
	keysets_free(&k);
	k = make((struct rec_keyset){ .id = 7, .fetched_ms = FETCHED_MS }, false);
	cr_expect(eq(int, prove(k, JWS_ALG_ES384, "new", false, FETCHED_MS, &why), E_NOTFOUND));
	keysets_free(&k);
}

Test(keysets, prove_nothing_before_they_came_and_after_their_end)
{
	struct keysets	*k;
	const char	*why = NULL;

	cr_expect(eq(int, prove(NULL, JWS_ALG_ES256, "one", false, FETCHED_MS, &why), E_ISSUER_KEYS));
	cr_expect(strstr(why, "not fetched yet") != NULL, "%s", why);
	k = make((struct rec_keyset){ .id = 8, .fetched_ms = FETCHED_MS }, false);
	cr_expect(eq(int, prove(k, JWS_ALG_ES256, "one", false, FETCHED_MS, &why), E_ISSUER_KEYS), "another source's");
	keysets_free(&k);
	k = make((struct rec_keyset){ .id = 7, .tried_ms = FETCHED_MS }, false);
	cr_expect(eq(int, prove(k, JWS_ALG_ES256, "one", false, FETCHED_MS, &why), E_ISSUER_KEYS), "never fetched");
	keysets_free(&k);
	k = make((struct rec_keyset){ .id = 7, .fetched_ms = FETCHED_MS }, false);
	cr_expect(eq(int, prove(k, JWS_ALG_ES256, "one", false, FETCHED_MS + KEEP_MS, &why), 0));
	cr_expect(eq(int, prove(k, JWS_ALG_ES256, "one", false, FETCHED_MS + KEEP_MS + 1, &why), E_ISSUER_KEYS));
	cr_expect(strstr(why, "kept") != NULL, "%s", why);
	cr_expect(eq(int, prove(k, JWS_ALG_ES256, "one", false, FETCHED_MS - 5000, &why), 0), "the clock was set back");
	keysets_free(&k);
}

Test(keysets, are_others_when_keys_change_and_not_when_times_do)
{
	struct keysets	*a = make((struct rec_keyset){ .id = 7, .fetched_ms = 1, .keys_digest = 1 }, false);
	struct keysets	*b = make((struct rec_keyset){ .id = 7, .fetched_ms = 2, .tried_ms = 3, .keys_digest = 1 }, false);
	struct keysets	*c = make((struct rec_keyset){ .id = 7, .fetched_ms = 2, .keys_digest = 2 }, false);
	struct keysets	*d = make((struct rec_keyset){ .id = 8, .fetched_ms = 1, .keys_digest = 1 }, false);

	cr_expect(eq(u64, keysets_generation(a), keysets_generation(b)));
	cr_expect(ne(u64, keysets_generation(a), keysets_generation(c)));
	cr_expect(ne(u64, keysets_generation(a), keysets_generation(d)));
	cr_expect(eq(u64, keysets_generation(NULL), 0));
	keysets_free(&a);
	keysets_free(&b);
	keysets_free(&c);
	keysets_free(&d);
}
