/* SPDX-License-Identifier: Apache-2.0
 *
 * jws_sign.h - the gateway's own signatures: who it is, said to an authorization server (RFC 7523)
 */
#ifndef AUTH_JWS_SIGN_H
#define AUTH_JWS_SIGN_H

#include "auth/jws.h"

struct jws_signer {
	enum jws_alg	 alg;
	EVP_PKEY	*key;
};

/* A private key as PEM, without a password.  alg JWS_ALG_LIMIT: what its kind signs with by custom (RS256, ES256 ...).
 * The caller ends it with jws_signer_fini().  E_FORMAT, with *why: no key, or one for another algorithm; E_NOMEM. */
must_check int	jws_signer_init(struct jws_signer *s, struct span pem, enum jws_alg alg, const char **why);
void		jws_signer_fini(struct jws_signer *s);
/* *n bytes in signature.  E_INTERNAL, E_NOMEM. */
must_check int	jws_sign(const struct jws_signer *s, struct span text, uint8_t signature[JWS_SIGNATURE_MAX], size_t *n);

#endif
