/* SPDX-License-Identifier: Apache-2.0
 *
 * resume.h - the GET by which a legacy client comes back for a stream (mcp-wire 3.3 Resumability)
 */
#ifndef WORKER_RESUME_H
#define WORKER_RESUME_H

#include "worker/request.h"

/* A GET of a live session.  True: it has Last-Event-ID, and was taken or refused. */
bool	resume_take(struct request *rq);
/* A GET that went to another worker, which is gone: answers it. */
void	resume_lost(struct request *rq);

#endif
