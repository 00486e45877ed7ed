/* SPDX-License-Identifier: Apache-2.0
 *
 * jws.h - is this signature of that text by this key? (RFC 7515, 7518, 8037)
 *
 * Which algorithms a key is for was decided when it was configured; what a token says of its algorithm only chooses
 * among those, so a public key is never taken for a shared secret.
 */
#ifndef AUTH_JWS_H
#define AUTH_JWS_H

#include <openssl/types.h>
#include <stdint.h>

#include "lib/err.h"
#include "lib/span.h"

enum jws_family { JWS_RSA, JWS_PSS, JWS_EC, JWS_ED, JWS_HMAC };

enum jws_alg {
#define JWSALG(name, wire, family, digest, bytes) JWS_ALG_##name,
#include "tables/jwsalgs.def"
#undef JWSALG
	JWS_ALG_LIMIT
};
#define JWS_ALG_BIT(a) (1u << (a))
#define JWS_SIGNATURE_MAX 1024		/* RSA of 8192 bits */

struct jws_key {
	uint32_t	 algs;		/* JWS_ALG_BIT of each that it is for */
	EVP_PKEY	*public_key;	/* or NULL: */
	struct span	 secret;	/* HMAC's; borrowed */
};

/* By exact spelling; JWS_ALG_LIMIT for any other, "none" among them. */
enum jws_alg	 jws_alg_of(struct span name);
const char	*jws_alg_name(enum jws_alg a);
enum jws_family	 jws_alg_family(enum jws_alg a);
/* Of a family, and for JWS_EC the one of this many bytes (32, 48, 66): bits. */
uint32_t	 jws_algs_of(enum jws_family f, unsigned bytes);
/* A secret shorter than the digest is none (RFC 7518 3.2). */
bool		 jws_secret_ok(enum jws_alg a, struct span secret);

/* The key in a SubjectPublicKeyInfo; the caller frees it with jws_key_free().  E_FORMAT, E_NOMEM. */
must_check int	 jws_key_read(struct span der, uint32_t algs, struct jws_key *out);
void		 jws_key_free(struct jws_key *k);

/* 0; E_DENIED: it is not, or the key is for another algorithm; E_NOMEM, E_INTERNAL. */
must_check int	 jws_verify(const struct jws_key *k, enum jws_alg a, struct span text, struct span signature);

#endif
