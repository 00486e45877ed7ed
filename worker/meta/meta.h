/* SPDX-License-Identifier: Apache-2.0
 *
 * meta.h - the gateway's own tools: list and call the others on demand (seed 001)
 */
#ifndef WORKER_META_META_H
#define WORKER_META_META_H

#include "worker/front/request.h"

/* An error as a result: {"error":{code,message,rule}} with isError (seed 001). */
void		meta_reply_error(struct request *rq, int err, struct span detail, struct span rule,
		    uint64_t retry_after_ms);
/* Handles a tools/call of `name`; false when it is none of ours (nothing was done then). */
bool		meta_call(struct request *rq, struct span name);

#endif
