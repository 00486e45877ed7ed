/* SPDX-License-Identifier: Apache-2.0
 *
 * jwk.c - a public key of a JWK set (RFC 7517, 7518 6, 8037 2)
 *
 * Process: mcpgw-compile.  Owns: nothing beyond the call.
 * Trusts:  the set to be meant for us; a key in it may still be no point of its curve, or weak.
 */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>

#include "auth/jwk.h"
#include "lib/b64.h"

#define NUMBER_MAX	(JWK_RSA_BITS_MAX / 8)

struct number {
	uint8_t	bytes[NUMBER_MAX];
	size_t	n;
};

static const struct {
	const char	*crv, *group;
	unsigned	 bytes;
} curves[] = {
	{ "P-256", "prime256v1", 32 }, { "P-384", "secp384r1", 48 }, { "P-521", "secp521r1", 66 },
};

static bool
number(struct span text, struct number *out)
{
	return text.n > 0 && b64url_decode(text, out->bytes, sizeof(out->bytes), &out->n) == 0 && out->n > 0;
}

/* The key, or NULL. */
static EVP_PKEY *
from_params(const char *type, OSSL_PARAM_BLD *b)
{
	OSSL_PARAM	*params = OSSL_PARAM_BLD_to_param(b);
	EVP_PKEY_CTX	*ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY	*key = NULL;

	if (params == NULL || ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_free(params);
	return key;
}

static EVP_PKEY *
rsa(const struct jwk *k, const char **why)
{
	struct number	 n, e;
	BIGNUM		*bn = NULL, *be = NULL;
	OSSL_PARAM_BLD	*b = NULL;
	EVP_PKEY	*key = NULL;

	*why = "\"n\" and \"e\" must be numbers in base64url, of at most 8192 bits";
	if (!number(k->n, &n) || !number(k->e, &e))
		return NULL;
	bn = BN_bin2bn(n.bytes, (int)n.n, NULL);
	be = BN_bin2bn(e.bytes, (int)e.n, NULL);
	if (bn != NULL && be != NULL && (BN_num_bits(bn) < JWK_RSA_BITS_MIN || !BN_is_odd(bn))) {
		*why = "an RSA key has 2048 bits or more";
	} else if (bn != NULL && be != NULL && (!BN_is_odd(be) || BN_is_one(be) || BN_num_bits(be) > 64)) {
		*why = "its exponent is none";
	} else if ((b = OSSL_PARAM_BLD_new()) != NULL && OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_N, bn) == 1 &&
	    OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_E, be) == 1) {
		key = from_params("RSA", b);
	}
	OSSL_PARAM_BLD_free(b);
	BN_free(bn);
	BN_free(be);
	return key;
}

static EVP_PKEY *
ec(const struct jwk *k, unsigned *bytes, const char **why)
{
	uint8_t		 point[1 + 2 * 66];
	struct number	 x, y;
	const char	*group = NULL;
	OSSL_PARAM_BLD	*b;
	EVP_PKEY	*key = NULL;

	for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++)
		if (span_is(k->crv, curves[i].crv)) {
			group = curves[i].group;
			*bytes = curves[i].bytes;
		}
	*why = "\"x\" and \"y\" must be numbers of the curve's size, in base64url";
	if (group == NULL || !number(k->x, &x) || !number(k->y, &y) || x.n != *bytes || y.n != *bytes)
		return NULL;
	point[0] = 4;			/* both, not compressed (SEC 1, 2.3.3) */
	memcpy(point + 1, x.bytes, x.n);
	memcpy(point + 1 + x.n, y.bytes, y.n);
	if ((b = OSSL_PARAM_BLD_new()) != NULL &&
	    OSSL_PARAM_BLD_push_utf8_string(b, OSSL_PKEY_PARAM_GROUP_NAME, group, 0) == 1 &&
	    OSSL_PARAM_BLD_push_octet_string(b, OSSL_PKEY_PARAM_PUB_KEY, point, 1 + 2 * (size_t)*bytes) == 1)
		key = from_params("EC", b);
	OSSL_PARAM_BLD_free(b);
	*why = "it is no point of its curve";	/* OpenSSL has looked */
	return key;
}

static EVP_PKEY *
ed25519(const struct jwk *k, const char **why)
{
	struct number	x;

	*why = "\"x\" must be 32 bytes in base64url";
	return number(k->x, &x) && x.n == 32 ?
	    EVP_PKEY_new_raw_public_key_ex(NULL, "ED25519", NULL, x.bytes, x.n) : NULL;
}

static int
put_der(EVP_PKEY *key, struct arena *a, struct span *out)
{
	int		 n = i2d_PUBKEY(key, NULL);
	unsigned char	*to, *p;

	if (n <= 0)
		return E_INTERNAL;
	if ((to = p = arena_alloc(a, (size_t)n)) == NULL)
		return E_NOMEM;
	if (i2d_PUBKEY(key, &p) != n)
		return E_INTERNAL;
	*out = span_make(to, (size_t)n);
	return 0;
}

int
jwk_read(const struct jwk *k, struct arena *a, struct span *der, uint32_t *algs, const char **why)
{
	EVP_PKEY	*key;
	unsigned	 bytes = 0;
	int		 r;

	*der = SPAN_NONE;
	*algs = 0;
	if (span_is(k->kty, "RSA")) {
		key = rsa(k, why);
		*algs = jws_algs_of(JWS_RSA, 0) | jws_algs_of(JWS_PSS, 0);
	} else if (span_is(k->kty, "EC")) {
		key = ec(k, &bytes, why);
		*algs = jws_algs_of(JWS_EC, bytes);
		if (bytes == 0)
			return *why = "of its curves we know P-256, P-384 and P-521", E_NOTFOUND;
	} else if (span_is(k->kty, "OKP") && span_is(k->crv, "Ed25519")) {
		key = ed25519(k, why);
		*algs = jws_algs_of(JWS_ED, 0);
	} else if (span_is(k->kty, "oct")) {
		return *why = "shared secrets do not stand in a set: see \"secret\"", E_NOTFOUND;
	} else {
		return *why = "we know RSA, EC, and OKP with Ed25519", E_NOTFOUND;
	}
	if (key == NULL)
		return E_FORMAT;
	r = put_der(key, a, der);
	EVP_PKEY_free(key);
	return r;
}
