/* SPDX-License-Identifier: Apache-2.0
 *
 * jws.c - is this signature of that text by this key? (RFC 7515, 7518, 8037)
 *
 * Process: worker; the compiler for the names.
 * Owns:    one digest context per process, made at first use and kept, and the digests.
 * Trusts:  nobody for signatures; the policy for keys.
 */
#include <limits.h>

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "auth/jws.h"
#include "lib/crypt.h"

struct row {
	const char	*wire;
	enum jws_family	 family;
	const char	*digest;
	unsigned	 bytes;
};

static const struct row rows[] = {
#define JWSALG(name, wire, family, digest, bytes) { wire, family, digest, bytes },
#include "tables/jwsalgs.def"
#undef JWSALG
};

static EVP_MD_CTX	*ctx;
static EVP_MD		*digests[JWS_ALG_LIMIT];

enum jws_alg
jws_alg_of(struct span name)
{
	for (int i = 0; i < JWS_ALG_LIMIT; i++)
		if (span_is(name, rows[i].wire))
			return (enum jws_alg)i;
	return JWS_ALG_LIMIT;
}

const char *
jws_alg_name(enum jws_alg a)
{
	return rows[a].wire;
}

enum jws_family
jws_alg_family(enum jws_alg a)
{
	return rows[a].family;
}

uint32_t
jws_algs_of(enum jws_family f, unsigned bytes)
{
	uint32_t	bits = 0;

	for (int i = 0; i < JWS_ALG_LIMIT; i++)
		if (rows[i].family == f && (f != JWS_EC || rows[i].bytes == bytes))
			bits |= JWS_ALG_BIT(i);
	return bits;
}

bool
jws_secret_ok(enum jws_alg a, struct span secret)
{
	return rows[a].family == JWS_HMAC && secret.n >= rows[a].bytes;
}

int
jws_key_read(struct span der, uint32_t algs, struct jws_key *out)
{
	const unsigned char	*p = (const unsigned char *)der.p;

	*out = (struct jws_key){ .algs = algs };
	if (der.n == 0 || der.n > LONG_MAX)
		return E_FORMAT;
	out->public_key = d2i_PUBKEY(NULL, &p, (long)der.n);
	if (out->public_key == NULL)
		return E_FORMAT;
	if (p != (const unsigned char *)der.p + der.n) {
		jws_key_free(out);
		return E_FORMAT;
	}
	return 0;
}

void
jws_key_free(struct jws_key *k)
{
	EVP_PKEY_free(k->public_key);
	*k = (struct jws_key){ 0 };
}

static int
digest_of(enum jws_alg a, EVP_MD **out)
{
	*out = NULL;
	if (ctx == NULL && (ctx = EVP_MD_CTX_new()) == NULL)
		return E_NOMEM;
	if (rows[a].digest == NULL)
		return 0;
	if (digests[a] == NULL && (digests[a] = EVP_MD_fetch(NULL, rows[a].digest, NULL)) == NULL)
		return E_INTERNAL;
	*out = digests[a];
	return 0;
}

/* Tokens hold r and s side by side, each of the curve's size (RFC 7518 3.4); OpenSSL wants them in DER.  0 is no
 * length of one. */
static size_t
ec_signature(const struct row *row, struct span raw, uint8_t *to, size_t room)
{
	ECDSA_SIG	*sig;
	BIGNUM		*r, *s;
	uint8_t		*p = to;
	int		 n = 0;

	if (raw.n != (size_t)row->bytes * 2 || (sig = ECDSA_SIG_new()) == NULL)
		return 0;
	r = BN_bin2bn((const uint8_t *)raw.p, (int)row->bytes, NULL);
	s = BN_bin2bn((const uint8_t *)raw.p + row->bytes, (int)row->bytes, NULL);
	if (r == NULL || s == NULL || ECDSA_SIG_set0(sig, r, s) != 1) {
		BN_free(r);
		BN_free(s);
	} else {
		n = i2d_ECDSA_SIG(sig, NULL);
		n = n <= 0 || (size_t)n > room ? 0 : i2d_ECDSA_SIG(sig, &p);
	}
	ECDSA_SIG_free(sig);
	return n > 0 ? (size_t)n : 0;
}

static int
verify_hmac(const struct jws_key *k, enum jws_alg a, const EVP_MD *md, struct span text, struct span signature)
{
	uint8_t		mac[EVP_MAX_MD_SIZE];
	unsigned	n = 0;

	if (!jws_secret_ok(a, k->secret) || k->secret.n > INT_MAX)
		return E_DENIED;
	if (HMAC(md, k->secret.p, (int)k->secret.n, (const uint8_t *)text.p, text.n, mac, &n) == NULL)
		return E_INTERNAL;
	return n == signature.n && crypt_equal(mac, signature.p, n) ? 0 : E_DENIED;
}

int
jws_verify(const struct jws_key *k, enum jws_alg a, struct span text, struct span signature)
{
	uint8_t		 der[JWS_SIGNATURE_MAX];
	EVP_PKEY_CTX	*how = NULL;
	EVP_MD		*md;
	int		 r;

	if (a >= JWS_ALG_LIMIT || (k->algs & JWS_ALG_BIT(a)) == 0)
		return E_DENIED;
	if ((r = digest_of(a, &md)) != 0)
		return r;
	if (rows[a].family == JWS_HMAC)
		return verify_hmac(k, a, md, text, signature);
	if (k->public_key == NULL || signature.n == 0)
		return E_DENIED;
	if (rows[a].family == JWS_EC) {
		signature.n = ec_signature(&rows[a], signature, der, sizeof(der));
		signature.p = (const char *)der;
		if (signature.n == 0)
			return E_DENIED;
	}
	if (EVP_DigestVerifyInit(ctx, &how, md, NULL, k->public_key) != 1)
		r = E_DENIED;		/* the key is of another family */
	else if (rows[a].family == JWS_PSS && (EVP_PKEY_CTX_set_rsa_padding(how, RSA_PKCS1_PSS_PADDING) != 1 ||
	    EVP_PKEY_CTX_set_rsa_pss_saltlen(how, RSA_PSS_SALTLEN_DIGEST) != 1))
		r = E_DENIED;
	else if (EVP_DigestVerify(ctx, (const uint8_t *)signature.p, signature.n, (const uint8_t *)text.p, text.n) != 1)
		r = E_DENIED;
	EVP_MD_CTX_reset(ctx);
	return r;
}
