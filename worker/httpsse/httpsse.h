/* SPDX-License-Identifier: Apache-2.0
 *
 * httpsse.h - HTTP+SSE of 2024-11-05: one stream down, POSTs up (mcp-wire 3.2)
 *
 * A client of the gateway's one endpoint, within the worker: each message that is POSTed is accepted, and runs as
 * a request within a request (worker/front/inner.h) in a session that the stream keeps for its client; what it is
 * answered goes out on the stream.  So policy, audit, limits, questions and subscriptions have one way.
 *
 * The session lives as long as its stream.
 */
#ifndef WORKER_HTTPSSE_HTTPSSE_H
#define WORKER_HTTPSSE_HTTPSSE_H

#include "worker/front/request.h"

#define HTTPSSE_REQUESTS_MAX	100		/* of one stream, at the same time */
#define HTTPSSE_MESSAGES_MAX	200		/* the same with notifications and answers */
#define HTTPSSE_HELD_MAX	(32 * 1024 * 1024)	/* of answers, for a client that does not read */
#define HTTPSSE_PATIENCE_MS	60000		/* until a stream has a session */

struct httpsse_set;

must_check int	httpsse_set_new(struct worker *w, struct httpsse_set **out);

/* What is not of this transport, at one of its paths: answers 405 or 400, and true. */
bool		httpsse_refuse(struct request *rq);
/* GET: the request's answer is a stream from now on; or it is refused. */
void		httpsse_open(struct request *rq);
/* POST, the body is whole: the message goes to the stream that the query names, on whichever worker that is. */
void		httpsse_post(struct request *rq);

/* Streams that are open now. */
size_t		httpsse_count(const struct worker *w);
/* Streams go on under the policy now in force. */
void		httpsse_policy_changed(struct worker *w);
/* The keys or the policy changed: those whose credential does not hold any more end. */
void		httpsse_look(struct worker *w);
/* The worker leaves: streams end when nothing runs for them any more. */
void		httpsse_drain(struct worker *w);

#endif
