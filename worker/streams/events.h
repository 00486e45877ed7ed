/* SPDX-License-Identifier: Apache-2.0
 *
 * events.h - messages to a client before the answer to its request: the answer becomes an event stream
 *
 * The stream begins with its first event, so a call that says nothing is answered as JSON, unless it takes so
 * long that its client could lose the answer (worker/front/early.h).  Once it has begun, reply.c gives the
 * answer as the last event and ends it (mcp-wire 3.3, 3.4, 3.6).
 */
#ifndef WORKER_STREAMS_EVENTS_H
#define WORKER_STREAMS_EVENTS_H

#include "worker/front/request.h"

/* Can this client read events, and has no other answer begun? */
bool		events_possible(const struct request *rq);
/* One JSON-RPC message, in pieces.  0; E_FULL: it is droppable and the client does not read, so it is
 * dropped; E_CLOSED: the client is gone, or cannot read events. */
must_check int	events_give(struct request *rq, const struct span *pieces, size_t count, bool droppable);
/* The stream begins, before there is anything to say; for requests whose answer is nothing else.  0 or E_CLOSED. */
must_check int	events_begin(struct request *rq);
/* Is the client there?  When it is not, and did not go for good, what is given is kept for it. */
bool		events_are_heard(const struct request *rq);
/* Nothing to say, for whoever on the way ends what is silent.  Not when the client does not read. */
void		events_keep_alive(struct request *rq);
/* The last message of a stream that has begun: its answer. */
void		events_end_with(struct request *rq, struct span json);

#endif
