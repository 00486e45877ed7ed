/* SPDX-License-Identifier: Apache-2.0
 *
 * patience.h - how long an answer may take: what the operator wrote, and what the client said
 */
#ifndef WORKER_CALL_PATIENCE_H
#define WORKER_CALL_PATIENCE_H

#include "worker/call/call.h"

#define PATIENCE_MAX_MS	(60 * 60 * 1000)

/* What the client says of this request, in `mcpgw-timeout-ms` or _meta's MCP_META_TIMEOUT: the shorter counts.  False:
 * it makes no sense, and the request was refused. */
must_check bool	patience_take(struct request *rq);
/* Of a call: the shortest of these, in ms. */
uint32_t	patience_of(const struct request *rq, const struct call_ask *ask);
/* When the client has waited as long as it said, from its request's first byte on, whatever it waits for here;
 * monotonic ms.  UINT64_MAX: it did not say. */
uint64_t	patience_ends(const struct request *rq);

#endif
