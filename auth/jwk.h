/* SPDX-License-Identifier: Apache-2.0
 *
 * jwk.h - a public key of a JWK set (RFC 7517, 7518 6, 8037 2)
 */
#ifndef AUTH_JWK_H
#define AUTH_JWK_H

#include "auth/jws.h"
#include "lib/arena.h"

#define JWK_RSA_BITS_MIN	2048
#define JWK_RSA_BITS_MAX	8192

/* Its members as they stand in the set, decoded from JSON; empty where there is none. */
struct jwk {
	struct span	kty, crv, n, e, x, y;
};

/* As SubjectPublicKeyInfo in the arena, with the algorithms such a key can be for.  E_NOTFOUND: a kind we do not know
 * or do not take from a set (*why); E_FORMAT: it is none, or too weak (*why); E_NOMEM, E_INTERNAL. */
must_check int	jwk_read(const struct jwk *k, struct arena *a, struct span *der, uint32_t *algs, const char **why);

#endif
