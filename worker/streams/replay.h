/* SPDX-License-Identifier: Apache-2.0
 *
 * replay.h - event streams of legacy sessions that outlive their connections (mcp-wire 3.3 Resumability, 14.9)
 *
 * A record between a request and its wire: the request is answered over an exchange of the record's, and what it
 * says goes on, with ids, to whichever exchange is attached, and is kept (worker/streams/kept.h).  So a client that
 * merely disconnects is nothing a request hears of, until what it missed cannot be kept.
 */
#ifndef WORKER_STREAMS_REPLAY_H
#define WORKER_STREAMS_REPLAY_H

#include "worker/front/request.h"
#include "worker/streams/eventid.h"

#define REPLAY_RETRY_MS		1000	/* a client is told to wait so long before it comes back */
#define REPLAY_STREAMS		4096	/* of this worker */
#define REPLAY_STREAMS_EACH	256	/* of those, of one principal */

struct replay;

/* E_NOMEM. */
must_check int	replays_new(struct worker *w, struct replays **out);
/* Bytes now kept. */
size_t		replays_bytes(const struct replays *all);

/* Before the head of an event stream is given: from here on the request outlives its connection.  Not where its
 * revision resumes nothing, and not where there is no room; then all is as it was, and rq->replay NULL.  Twice is
 * once. */
void		replay_begin(struct request *rq);
/* Is there a connection now?  What is said while there is none is kept. */
bool		replay_is_heard(const struct replay *r);

/* The stream of this id, when it is this session's and everything behind the id can be had; or NULL. */
struct replay	*replay_find(const struct request *rq, const struct eventid *id);
/* Did it end, with nothing after this id? */
bool		replay_is_over(const struct replay *r, const struct eventid *id);
/* Takes the request, whose answer becomes the rest of the stream; a connection that had it before ends. */
void		replay_resume(struct replay *r, struct request *rq, uint64_t after);

#endif
