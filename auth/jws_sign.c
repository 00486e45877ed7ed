/* SPDX-License-Identifier: Apache-2.0
 *
 * jws_sign.c - the gateway's own signatures
 *
 * Process: mcpgw-scout; the compiler, to say in time that a key is none.
 * Owns:    a signer's key.
 * Trusts:  the operator's key to be the operator's.
 */
#include <limits.h>

#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "auth/jws_sign.h"

struct row {
	enum jws_family	 family;
	const char	*digest;
	unsigned	 bytes;
};

static const struct row rows[] = {
#define JWSALG(name, wire, family, digest, bytes) { family, digest, bytes },
#include "tables/jwsalgs.def"
#undef JWSALG
};

/* Nobody is there to be asked. */
static int
no_password(char *to, int room, int writing, void *arg)
{
	(void)to;
	(void)room;
	(void)writing;
	(void)arg;
	return 0;
}

static EVP_PKEY *
read_pem(struct span pem)
{
	EVP_PKEY	*key;
	BIO		*b;

	if (pem.n == 0 || pem.n > INT_MAX || (b = BIO_new_mem_buf(pem.p, (int)pem.n)) == NULL)
		return NULL;
	key = PEM_read_bio_PrivateKey(b, NULL, no_password, NULL);
	BIO_free(b);
	return key;
}

static unsigned
curve_bytes(const EVP_PKEY *key)
{
	return ((unsigned)EVP_PKEY_get_bits(key) + 7) / 8;
}

static bool
is_for(const EVP_PKEY *key, enum jws_alg a)
{
	switch (rows[a].family) {
	case JWS_RSA:
	case JWS_PSS:
		return EVP_PKEY_is_a(key, "RSA") && EVP_PKEY_get_bits(key) >= 2048 && EVP_PKEY_get_bits(key) <= 8192;
	case JWS_EC:
		return EVP_PKEY_is_a(key, "EC") && curve_bytes(key) == rows[a].bytes;
	case JWS_ED:
		return EVP_PKEY_is_a(key, "ED25519");
	case JWS_HMAC:
		break;
	}
	return false;
}

int
jws_signer_init(struct jws_signer *s, struct span pem, enum jws_alg alg, const char **why)
{
	*s = (struct jws_signer){ .alg = alg };
	*why = NULL;
	if ((s->key = read_pem(pem)) == NULL) {
		*why = "no private key as PEM without a password";
		return E_FORMAT;
	}
	for (int i = 0; s->alg == JWS_ALG_LIMIT && i < JWS_ALG_LIMIT; i++)
		if (is_for(s->key, (enum jws_alg)i))
			s->alg = (enum jws_alg)i;
	if (s->alg != JWS_ALG_LIMIT && is_for(s->key, s->alg))
		return 0;
	*why = alg == JWS_ALG_LIMIT ? "its kind of key signs nothing here: RSA of 2048 bits and more, P-256, P-384, "
	    "P-521 or Ed25519" : "the key is not for that algorithm";
	jws_signer_fini(s);
	return E_FORMAT;
}

void
jws_signer_fini(struct jws_signer *s)
{
	EVP_PKEY_free(s->key);
	s->key = NULL;
}

/* Both halves, each in all its bytes (RFC 7518 3.4). */
static int
halves(const uint8_t *der, size_t der_bytes, unsigned bytes, uint8_t *to, size_t *n)
{
	const unsigned char	*p = der;
	ECDSA_SIG		*sig = d2i_ECDSA_SIG(NULL, &p, (long)der_bytes);
	bool			 ok;

	ok = sig != NULL && BN_bn2binpad(ECDSA_SIG_get0_r(sig), to, (int)bytes) == (int)bytes &&
	    BN_bn2binpad(ECDSA_SIG_get0_s(sig), to + bytes, (int)bytes) == (int)bytes;
	ECDSA_SIG_free(sig);
	*n = ok ? (size_t)2 * bytes : 0;
	return ok ? 0 : E_INTERNAL;
}

int
jws_sign(const struct jws_signer *s, struct span text, uint8_t signature[JWS_SIGNATURE_MAX], size_t *n)
{
	const struct row	*row = &rows[s->alg];
	EVP_PKEY_CTX		*pctx = NULL;
	uint8_t			 made[JWS_SIGNATURE_MAX];
	size_t			 bytes = sizeof(made);
	EVP_MD_CTX		*c;
	int			 r = E_INTERNAL;

	*n = 0;
	if ((c = EVP_MD_CTX_new()) == NULL)
		return E_NOMEM;
	if (EVP_DigestSignInit_ex(c, &pctx, row->digest, NULL, NULL, s->key, NULL) == 1 &&
	    (row->family != JWS_PSS || (EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING) == 1 &&
	    EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, RSA_PSS_SALTLEN_DIGEST) == 1)) &&
	    EVP_DigestSign(c, made, &bytes, (const unsigned char *)text.p, text.n) == 1)
		r = 0;
	EVP_MD_CTX_free(c);
	if (r != 0)
		return r;
	if (row->family == JWS_EC)
		return halves(made, bytes, row->bytes, signature, n);
	memcpy(signature, made, bytes);
	*n = bytes;
	return 0;
}
