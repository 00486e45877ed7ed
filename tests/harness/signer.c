/* SPDX-License-Identifier: Apache-2.0
 *
 * signer.c - an issuer of tokens, good and bad ones
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "lib/b64.h"
#include "tests/harness/signer.h"

EVP_PKEY *
signer_key(enum jws_alg a, bool strangers)
{
	static EVP_PKEY	*keys[JWS_ALG_LIMIT][2];
	EVP_PKEY	**k = &keys[a][strangers];

	/* RSA keys are slow to make, and good for all its algorithms. */
	if (jws_alg_family(a) == JWS_RSA || jws_alg_family(a) == JWS_PSS)
		k = &keys[JWS_ALG_RS256][strangers];
	if (*k == NULL && jws_alg_family(a) == JWS_EC)
		*k = EVP_EC_gen(a == JWS_ALG_ES256 ? "P-256" : a == JWS_ALG_ES384 ? "P-384" : "P-521");
	else if (*k == NULL && jws_alg_family(a) == JWS_ED)
		*k = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	else if (*k == NULL)
		*k = EVP_RSA_gen(2048);
	cr_assert_not_null(*k);
	return *k;
}

struct span
signer_der(enum jws_alg a)
{
	unsigned char	*der = NULL;
	int		 n = i2d_PUBKEY(signer_key(a, false), &der);

	cr_assert_gt(n, 0);
	return span_make(der, (size_t)n);
}

static char *
b64(const void *bytes, size_t n)
{
	char	*to = malloc(B64URL_CHARS(n) + 1);

	b64url_encode(bytes, n, to);
	return to;
}

static char *
b64_number(EVP_PKEY *k, const char *param, int bytes)
{
	BIGNUM	*n = NULL;
	uint8_t	 to[1024];

	cr_assert_eq(EVP_PKEY_get_bn_param(k, param, &n), 1);
	bytes = BN_bn2binpad(n, to, bytes > 0 ? bytes : BN_num_bytes(n));
	BN_free(n);
	return b64(to, (size_t)bytes);
}

char *
signer_jwk(enum jws_alg a, const char *kid)
{
	EVP_PKEY	*k = signer_key(a, false);
	char		*text, *x, *y = NULL;
	uint8_t		 raw[32];
	size_t		 n = sizeof(raw);
	int		 half = a == JWS_ALG_ES256 ? 32 : a == JWS_ALG_ES384 ? 48 : 66;

	switch (jws_alg_family(a)) {
	case JWS_EC:
		x = b64_number(k, OSSL_PKEY_PARAM_EC_PUB_X, half);
		y = b64_number(k, OSSL_PKEY_PARAM_EC_PUB_Y, half);
		asprintf(&text, "{\"kty\":\"EC\",\"kid\":\"%s\",\"crv\":\"P-%d\",\"x\":\"%s\",\"y\":\"%s\"}", kid,
		    half == 66 ? 521 : half * 8, x, y);
		break;
	case JWS_ED:
		cr_assert_eq(EVP_PKEY_get_raw_public_key(k, raw, &n), 1);
		x = b64(raw, n);
		asprintf(&text, "{\"kty\":\"OKP\",\"kid\":\"%s\",\"crv\":\"Ed25519\",\"x\":\"%s\"}", kid, x);
		break;
	default:
		x = b64_number(k, OSSL_PKEY_PARAM_RSA_N, 0);
		y = b64_number(k, OSSL_PKEY_PARAM_RSA_E, 0);
		asprintf(&text, "{\"kty\":\"RSA\",\"kid\":\"%s\",\"use\":\"sig\",\"n\":\"%s\",\"e\":\"%s\"}", kid, x, y);
		break;
	}
	free(x);
	free(y);
	return text;
}

static char *
unsigned_part(const char *header, const char *claims)
{
	char	*h = b64(header, strlen(header)), *c = b64(claims, strlen(claims)), *text;

	cr_assert_gt(asprintf(&text, "%s.%s", h, c), 0);
	free(h);
	free(c);
	return text;
}

static char *
with_signature(char *text, const void *signature, size_t n)
{
	char	*s = b64(signature, n), *token;

	cr_assert_gt(asprintf(&token, "%s.%s", text, s), 0);
	free(s);
	free(text);
	return token;
}

char *
signer_with(const char *header, const char *claims, const void *signature, size_t n)
{
	return with_signature(unsigned_part(header, claims), signature, n);
}

char *
signer_hmac(const char *header, const char *claims, enum jws_alg a, struct span secret)
{
	char		*text = unsigned_part(header, claims);
	uint8_t		 mac[EVP_MAX_MD_SIZE];
	unsigned	 n;

	HMAC(a == JWS_ALG_HS256 ? EVP_sha256() : a == JWS_ALG_HS384 ? EVP_sha384() : EVP_sha512(), secret.p, (int)secret.n,
	    (const uint8_t *)text, strlen(text), mac, &n);
	return with_signature(text, mac, n);
}

/* DER to r and s of the curve's size (RFC 7518 3.4). */
static size_t
raw_ec(enum jws_alg a, uint8_t *sig, size_t n)
{
	const uint8_t	*p = sig;
	ECDSA_SIG	*s = d2i_ECDSA_SIG(NULL, &p, (long)n);
	const size_t	 half = a == JWS_ALG_ES256 ? 32 : a == JWS_ALG_ES384 ? 48 : 66;
	uint8_t		 raw[2 * 66];

	BN_bn2binpad(ECDSA_SIG_get0_r(s), raw, (int)half);
	BN_bn2binpad(ECDSA_SIG_get0_s(s), raw + half, (int)half);
	ECDSA_SIG_free(s);
	memcpy(sig, raw, 2 * half);
	return 2 * half;
}

char *
signer_token(const char *header, const char *claims, enum jws_alg a, bool strangers)
{
	static const char *const	digest[] = {
		[JWS_ALG_RS256] = "SHA256", "SHA384", "SHA512", "SHA256", "SHA384", "SHA512", "SHA256", "SHA384", "SHA512", NULL,
	};
	char		*text;
	uint8_t		 sig[JWS_SIGNATURE_MAX];
	size_t		 n = sizeof(sig);
	EVP_MD_CTX	*ctx;
	EVP_PKEY_CTX	*how;

	if (jws_alg_family(a) == JWS_HMAC)
		return signer_hmac(header, claims, a, strangers ? SPAN_LIT("sixty-four bytes of a secret that nobody told us about, really..") :
		    SPAN_LIT(SIGNER_SECRET));
	text = unsigned_part(header, claims);
	ctx = EVP_MD_CTX_new();
	cr_assert_eq(EVP_DigestSignInit_ex(ctx, &how, digest[a], NULL, NULL, signer_key(a, strangers), NULL), 1);
	if (jws_alg_family(a) == JWS_PSS) {
		EVP_PKEY_CTX_set_rsa_padding(how, RSA_PKCS1_PSS_PADDING);
		EVP_PKEY_CTX_set_rsa_pss_saltlen(how, RSA_PSS_SALTLEN_DIGEST);
	}
	cr_assert_eq(EVP_DigestSign(ctx, sig, &n, (const uint8_t *)text, strlen(text)), 1);
	EVP_MD_CTX_free(ctx);
	if (jws_alg_family(a) == JWS_EC)
		n = raw_ec(a, sig, n);
	return with_signature(text, sig, n);
}
