/* SPDX-License-Identifier: Apache-2.0
 *
 * reply.h - answers to clients; each of these answers the request and lets go of it
 */
#ifndef WORKER_FRONT_REPLY_H
#define WORKER_FRONT_REPLY_H

#include "mcp/bridge.h"
#include "mcp/era.h"
#include "worker/front/request.h"

/* Before the message's id is known: status and JSON-RPC code of the error's row, without id.  detail
 * (may be NULL) is appended to its text. */
void	reply_refuse(struct request *rq, int err, const char *detail);
/* The same with one more header field, or NULL. */
void	reply_refuse_with(struct request *rq, int err, const char *detail, const struct exchange_field *extra);
/* What the ladder refused, as it says. */
void	reply_verdict(struct request *rq, const struct era_input *in, const struct era_verdict *v);
/* A JSON-RPC error with the request's id.  detail is appended to the row's text; rule and retry go to
 * error.data.  A 503 keeps its HTTP status, since nothing of the call was done, a header's mismatch
 * its 400 (mcp-wire 4.3), and a scope that is missing its 403 (15.2). */
void	reply_error(struct request *rq, int err, struct span detail, struct span rule,
	    uint64_t retry_after_ms);
struct limit_said;
/* The same of what a limit refused: error.data.limit unless its path is empty, Retry-After, X-RateLimit-*. */
void	reply_limited(struct request *rq, int err, struct span detail, const struct limit_said *said);
/* The same with one more header field. */
/* extra: more members of error.data, raw JSON. */
void	reply_error_more(struct request *rq, int err, struct span detail, struct span rule, struct span extra);
void	reply_error_with(struct request *rq, int err, struct span detail, struct span rule,
	    const struct exchange_field *extra);
/* The HTTP status that such an error is answered with. */
unsigned reply_status(int err);
/* A resource that is not there, or must not be known of; code by era, data.uri (mcp-wire 13.1). */
void	reply_resource_missing(struct request *rq, struct span uri);
/* 202 without a body; or the end of the event stream that has begun. */
void	reply_accepted(struct request *rq);
/* A whole JSON-RPC message, ready to leave; r is what writing it said: not 0 makes it an error. */
void	reply_message(struct request *rq, int r, const struct buf *message);
/* The same with one more header field. */
void	reply_message_with(struct request *rq, int r, const struct buf *message,
	    const struct exchange_field *extra);
/* The same with an HTTP status of its own: an error of a modern server that is the client's (mcp-wire 4.3). */
void	reply_message_as(struct request *rq, unsigned status, int r, const struct buf *message);
/* The same in pieces. */
void	reply_pieces(struct request *rq, const struct bridge_pieces *p);

/* The same in pieces, when the head and perhaps a part of the body went out already. */
void	reply_rest(struct request *rq, const struct bridge_pieces *p);
/* More of a body. */
void	reply_parts(struct request *rq, const struct bridge_pieces *p);

/* The head of a JSON answer of this many bytes, or EXCHANGE_STREAM; the body follows on rq->x->answer, and
 * whoever gives it calls request_done(). */
void	reply_begin_stream(struct request *rq, uint64_t body_bytes);
/* The head of an event stream (worker/streams/events.h). */
void	reply_begin_events(struct request *rq);
/* Does the client read events only? */
bool	reply_wants_sse(const struct request *rq);

#endif
