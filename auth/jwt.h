/* SPDX-License-Identifier: Apache-2.0
 *
 * jwt.h - a token taken apart, and what its claims must say (RFC 7519, 8725; mcp-wire 15.3)
 *
 * Nothing here proves a signature; nothing of a token counts until somebody did (jws.h).
 */
#ifndef AUTH_JWT_H
#define AUTH_JWT_H

#include "auth/jws.h"
#include "lib/arena.h"
#include "lib/json.h"

#define JWT_MAX		(16 * 1024)	/* characters of a token */

struct jwt {
	enum jws_alg		alg;		/* JWS_ALG_LIMIT: one we do not know */
	struct span		kid, typ;	/* decoded; empty: none */
	bool			has_kid;
	struct json_value	claims;		/* an object, no name twice */
	struct span		text;		/* what is signed */
	struct span		signature;
};

/* "HEADER.CLAIMS.SIGNATURE": everything in the arena but what is borrowed of the token.  0; E_DENIED with *why: it is
 * none, or its header asks for what is not given (crit, keys of its own); E_NOMEM. */
must_check int	jwt_read(struct span token, struct arena *a, struct jwt *out, const char **why);

/* What its times must be.  Seconds; max_age 0: iat is not looked at but for a future one. */
struct jwt_times {
	uint64_t	now, skew, max_age;
};
/* 0, with *ends the second it ends; E_DENIED with *why. */
must_check int	jwt_times_ok(const struct jwt *t, const struct jwt_times *want, uint64_t *ends, const char **why);
/* Is one of its audiences this one?  A slash at the end makes no difference. */
bool		jwt_audience_is(const struct jwt *t, struct span audience);
/* Its header's type, without "application/" and case (RFC 7515 4.1.9). */
bool		jwt_type_is(const struct jwt *t, struct span type);
/* Where nobody asked for one: is it none, "JWT", or that of an access token?  Others (logout+jwt, dpop+jwt, ...) are
 * for something else (RFC 8725 3.11). */
bool		jwt_type_may_be(const struct jwt *t);
/* Does it look like what OpenID Connect gives a client to know who its user is?  Its audience is the client, so it is
 * refused for that already, unless the issuer uses one name for both. */
bool		jwt_is_id_token(const struct jwt *t);
/* A claim that is a string, decoded; empty: there is none, or it is no string.  E_NOMEM. */
must_check int	jwt_claim(const struct jwt *t, const char *name, struct arena *a, struct span *out);

#endif
