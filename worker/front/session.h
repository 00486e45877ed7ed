/* SPDX-License-Identifier: Apache-2.0
 *
 * session.h - legacy clients' sessions: a sealed token and a slot, usable by every worker
 */
#ifndef WORKER_FRONT_SESSION_H
#define WORKER_FRONT_SESSION_H

#include "mcp/era.h"
#include "worker/front/request.h"

/* What the request's Mcp-Session-Id stands for.  LIVE fills rq->session, rq->version and
 * rq->session_hash; whatever does not hold is DEAD, for one reason or another alike (mcp-wire 14.7). */
enum era_session session_look(struct request *rq);
/* initialize: makes a session and answers. */
void		 session_initialize(struct request *rq);
/* notifications/initialized came. */
void		 session_ready(struct request *rq);
/* logging/setLevel: from now on, whichever worker serves the session; and answers. */
void		 session_set_level(struct request *rq);
/* DELETE: ends it and answers. */
void		 session_delete(struct request *rq);

#endif
