/* SPDX-License-Identifier: Apache-2.0
 *
 * resume.h - the GET by which a legacy client comes back for a stream (mcp-wire 3.3 Resumability)
 */
#ifndef WORKER_STREAMS_RESUME_H
#define WORKER_STREAMS_RESUME_H

#include "worker/front/request.h"

/* A GET of a live session: the stream that its Last-Event-ID names, or the session's own. */
void	resume_stream(struct request *rq);
/* One that went to another worker, which is gone: answers it. */
void	resume_lost(struct request *rq);

#endif
