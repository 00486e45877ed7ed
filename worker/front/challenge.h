/* SPDX-License-Identifier: Apache-2.0
 *
 * challenge.h - what somebody is told who has to come back with another credential (RFC 6750 3, mcp-wire 15.2)
 */
#ifndef WORKER_FRONT_CHALLENGE_H
#define WORKER_FRONT_CHALLENGE_H

#include "auth/issuers.h"
#include "worker/front/request.h"

/* Nobody we know, or not in this way: answers 401, 400 or 403, and lets go of the request.  e is auth_identify()'s. */
void	challenge_refuse(struct request *rq, int e, const struct auth_refusal *refusal);
/* Rules allow it, but the credential lacks the scope: answers 403 that says which, and lets go of the request; where an
 * event stream has begun, the same error in it. */
void	challenge_scope(struct request *rq, const struct object *what);

#endif
