/* SPDX-License-Identifier: Apache-2.0
 *
 * cachekey.h - which calls are equal
 */
#ifndef WORKER_CACHE_CACHEKEY_H
#define WORKER_CACHE_CACHEKEY_H

#include "lib/crypt.h"
#include "worker/call/call.h"

/* Of tenant, policy, server, name, canonical arguments and what the server may ask; unless it is shared by all of the
 * tenant also of whose call it is and which instance serves it.  0; E_TOOBIG, E_JSON_DUPLICATE and others: it equals
 * none. */
must_check int	cachekey_make(const struct request *rq, const struct call_ask *ask, bool shared,
		    struct crypt_digest *out);

/* What else of the client's goes to the server, which may answer by it: an object in canonical form.  0, or E_* of what
 * cannot be told apart. */
must_check int	cachekey_put_passing(struct buf *b, const struct rpc_message *from);

#endif
