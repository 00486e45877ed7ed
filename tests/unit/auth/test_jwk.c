/* SPDX-License-Identifier: Apache-2.0
 *
 * test_jwk.c - keys of a JWK set
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "auth/jwk.h"

static struct arena	arena;
static struct span	der;
static uint32_t		algs;
static const char	*why;

static int
read_key(struct jwk k)
{
	arena_init(&arena, NULL, 0, 1 << 16);
	return jwk_read(&k, &arena, &der, &algs, &why);
}

/* RFC 7517 A.1, RFC 8037 A.2 */
#define EC_X	SPAN_LIT("MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4")
#define EC_Y	SPAN_LIT("4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM")
#define RSA_N	SPAN_LIT("0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRX" \
	"jBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7" \
	"d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFC" \
	"ur-kEgU8awapJzKnqDKgw")
#define ED_X	SPAN_LIT("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")

Test(jwk, reads_keys_of_each_kind)
{
	struct jws_key	k;

	cr_expect(eq(int, read_key((struct jwk){ .kty = SPAN_LIT("EC"), .crv = SPAN_LIT("P-256"), .x = EC_X, .y = EC_Y }), 0));
	cr_expect(eq(u32, algs, JWS_ALG_BIT(JWS_ALG_ES256)));
	cr_assert(jws_key_read(der, algs, &k) == 0);
	jws_key_free(&k);
	cr_expect(eq(int, read_key((struct jwk){ .kty = SPAN_LIT("RSA"), .n = RSA_N, .e = SPAN_LIT("AQAB") }), 0));
	cr_expect(eq(u32, algs, jws_algs_of(JWS_RSA, 0) | jws_algs_of(JWS_PSS, 0)));
	cr_assert(jws_key_read(der, algs, &k) == 0);
	jws_key_free(&k);
	cr_expect(eq(int, read_key((struct jwk){ .kty = SPAN_LIT("OKP"), .crv = SPAN_LIT("Ed25519"), .x = ED_X }), 0));
	cr_expect(eq(u32, algs, JWS_ALG_BIT(JWS_ALG_EDDSA)));
	cr_assert(jws_key_read(der, algs, &k) == 0);
	jws_key_free(&k);
}

Test(jwk, refuses_what_is_no_key_or_a_weak_one)
{
	cr_expect(eq(int, read_key((struct jwk){ .kty = SPAN_LIT("EC"), .crv = SPAN_LIT("P-256"), .x = EC_Y, .y = EC_X }),
	    E_FORMAT));		/* no point of the curve */
	cr_expect(eq(int, read_key((struct jwk){ .kty = SPAN_LIT("EC"), .crv = SPAN_LIT("P-384"), .x = EC_X, .y = EC_Y }),
	    E_FORMAT));
	cr_expect(eq(int, read_key((struct jwk){ .kty = SPAN_LIT("EC"), .crv = SPAN_LIT("P-256"), .x = EC_X }), E_FORMAT));
	cr_expect(eq(int, read_key((struct jwk){ .kty = SPAN_LIT("RSA"), .n = SPAN_LIT("0vx7agoebGcQSuuPiLJXZptN9nndrQmb"),
	    .e = SPAN_LIT("AQAB") }), E_FORMAT));
	cr_expect(eq(int, read_key((struct jwk){ .kty = SPAN_LIT("RSA"), .n = RSA_N, .e = SPAN_LIT("AQ") }), E_FORMAT));
	cr_expect(eq(int, read_key((struct jwk){ .kty = SPAN_LIT("RSA"), .n = RSA_N, .e = SPAN_LIT("Ag") }), E_FORMAT));
	cr_expect(eq(int, read_key((struct jwk){ .kty = SPAN_LIT("RSA"), .n = RSA_N, .e = SPAN_LIT("A=") }), E_FORMAT));
	cr_expect(eq(int, read_key((struct jwk){ .kty = SPAN_LIT("OKP"), .crv = SPAN_LIT("Ed25519"), .x = SPAN_LIT("AQAB") }),
	    E_FORMAT));
	cr_expect(eq(int, read_key((struct jwk){ .kty = SPAN_LIT("EC"), .crv = SPAN_LIT("secp256k1"), .x = EC_X, .y = EC_Y }),
	    E_NOTFOUND));
	cr_expect(eq(int, read_key((struct jwk){ .kty = SPAN_LIT("oct") }), E_NOTFOUND));
	cr_expect(eq(int, read_key((struct jwk){ 0 }), E_NOTFOUND));
}
