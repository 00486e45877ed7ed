/* SPDX-License-Identifier: Apache-2.0
 *
 * signer.h - an issuer of tokens, good and bad ones
 */
#ifndef TESTS_HARNESS_SIGNER_H
#define TESTS_HARNESS_SIGNER_H

#include "auth/jws.h"

#define SIGNER_SECRET "a secret of the length that its digest has, and some bytes more: 64"

/* Two keys of each kind, made at first use: the issuer's, and a stranger's. */
EVP_PKEY	*signer_key(enum jws_alg a, bool strangers);
/* Its public part as SubjectPublicKeyInfo; the caller's. */
struct span	 signer_der(enum jws_alg a);
/* The same as a JWK with a kid, {"kty": ...}; malloc'ed. */
char		*signer_jwk(enum jws_alg a, const char *kid);
/* "HEADER.CLAIMS.SIGNATURE" of these texts, as they are; malloc'ed.  HMAC with SIGNER_SECRET, or of a stranger. */
char		*signer_token(const char *header, const char *claims, enum jws_alg a, bool strangers);
/* The same with a signature that is given: of another form than a token's. */
char		*signer_with(const char *header, const char *claims, const void *signature, size_t n);
/* The same with HMAC keyed by anything. */
char		*signer_hmac(const char *header, const char *claims, enum jws_alg a, struct span secret);

#endif
