/* SPDX-License-Identifier: Apache-2.0
 *
 * tokenend_priv.h - a request at /token, between tokenend.c (what is asked, and of whom), tokenend_claims.c (what is
 *                   said of whom it is for) and tokenend_say.c (answers)
 */
#ifndef WORKER_LOGIN_TOKENEND_PRIV_H
#define WORKER_LOGIN_TOKENEND_PRIV_H

#include "worker/login/tokenend.h"

/* RFC 6749 5.2; the last two are not of it, and come with 429 and 503. */
enum token_error {
	TOKEN_INVALID_REQUEST, TOKEN_INVALID_CLIENT, TOKEN_INVALID_GRANT, TOKEN_UNAUTHORIZED, TOKEN_UNSUPPORTED,
	TOKEN_INVALID_SCOPE, TOKEN_INVALID_TARGET, TOKEN_NO_LOGIN, TOKEN_SLOW_DOWN, TOKEN_UNAVAILABLE,
};

/* Each answers the request, and lets go of it; why is static. */
void		tokenend_refuse(struct request *rq, enum token_error e, const char *why);
void		tokenend_give(struct request *rq, const struct msg_SESSION_IS *m);
/* Was this client refused too often lately?  A client is an address (of IPv6 its /64), or a local user. */
bool		tokenend_is_slowed(struct request *rq);
/* One request for a token of this; false: there were too many lately. */
bool		tokenend_take(struct request *rq, struct span of);

/* Into an empty buffer, as the store signs them.  shown: the credential; key_hex: the digest of a key, or empty.
 * 0 or why not, E_TOOBIG among it. */
must_check int	tokenend_put_claims(struct buf *b, struct request *rq, const struct principal *who, struct span shown,
		    struct span key_hex);
/* The words of a set with blanks between. */
must_check int	tokenend_put_words(struct buf *b, struct span set);

#endif
