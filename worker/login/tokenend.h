/* SPDX-License-Identifier: Apache-2.0
 *
 * tokenend.h - /token: session tokens for a credential, and for a refresh token (RFC 6749 4.4, 6)
 *
 * Where token_endpoint is on.  A session token stands for the same principal as what it was given for, and ends with it
 * (auth/own.h); the store signs it and keeps what it is refreshed by (store/familydb.h).
 */
#ifndef WORKER_LOGIN_TOKENEND_H
#define WORKER_LOGIN_TOKENEND_H

#include "worker/front/request.h"

#define TOKENEND_WAITING_MAX	32	/* requests of this worker that the store was asked for */

/* The request is for /token (path: without its tenant): answers it, and lets go of it.  False: it is not. */
bool	tokenend_begin(struct request *rq, struct span path);
/* What the store said. */
void	tokenend_on_made(struct worker *w, uint64_t number, const struct msg_SESSION_IS *m);

#endif
