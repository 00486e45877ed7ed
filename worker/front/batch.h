/* SPDX-License-Identifier: Apache-2.0
 *
 * batch.h - a batch: each of its messages as a request of its own, one answer for all (mcp-wire 3.3, 4.2)
 */
#ifndef WORKER_FRONT_BATCH_H
#define WORKER_FRONT_BATCH_H

#include "mcp/batch.h"
#include "worker/front/request.h"

/* The array that the request's body is; NULL when there is no memory. */
struct batch	*batch_of(struct request *rq);
/* The ladder let it in: all its messages are begun, and the request is answered when they are. */
void		 batch_begin(struct request *rq, const struct batch *batch);

#endif
