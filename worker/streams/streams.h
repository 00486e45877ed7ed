/* SPDX-License-Identifier: Apache-2.0
 *
 * streams.h - clients who hear what servers say outside of calls (mcp-wire 14.6)
 *
 * A legacy session has one, whose messages go out on its GET stream; its subscriptions come by other requests
 * and wait for that stream a while.  A modern one is the answer of one subscriptions/listen.
 */
#ifndef WORKER_STREAMS_STREAMS_H
#define WORKER_STREAMS_STREAMS_H

#include "worker/front/request.h"

#define STREAMS_MAX		4096	/* of this worker */
#define STREAMS_EACH		512	/* of those, of one principal */
#define STREAM_SUBS_MAX		256	/* of one stream */
#define STREAM_KEEP_ALIVE_MS	15000
#define STREAM_PATIENCE_MS	600000	/* subscriptions of a session that has no stream, or whose client is away */

struct streams;
struct stream;

must_check int	streams_new(struct worker *w, struct streams **out);

/* The session's, made when it has none.  NULL: no memory, or too many. */
struct stream	*streams_of_session(struct request *rq);
/* A new one that ends with the request.  id: the request's, raw. */
struct stream	*streams_of_listen(struct request *rq);
/* From now on messages go out as the answer of this request, which is held until the stream ends; another one
 * that the session had ends.  It begins when servers are listened to for it, as far as they tell something of
 * `offers` (enum mcp_offer).  first: a message to begin with, or empty. */
void		streams_attach(struct stream *s, struct request *rq, uint32_t offers, struct span first);
/* Of which lists it hears: 1 << enum link_event_kind. */
void		streams_want(struct stream *s, unsigned wants);
/* What it may not have heard of is told, as if all of that had changed. */
void		streams_missed(struct stream *s);
/* Nobody listens any more. */
void		streams_end(struct stream *s);

/* Updates of the resource go to this stream, under `uri`, whose end is `own`, its server's.  0; E_RPC_METHOD: this
 * server tells of none; E_FULL, E_NOMEM, E_FORMAT, E_SERVER as fanin_subscribe() says.  Twice is once. */
must_check int	streams_subscribe(struct stream *s, struct request *rq, const struct rec_server *server,
		    struct span uri, struct span own);
void		streams_unsubscribe(struct stream *s, struct span uri);

/* Policy or keys are others, and so may be what each may hear: subscriptions end at once, streams after they
 * were told that lists changed, so that clients ask anew. */
void		streams_policy_changed(struct worker *w);
/* The keys or the policy changed: those whose credential does not hold any more end. */
void		streams_look(struct worker *w);
/* Some of this server's tools appeared or disappeared, whoever lists them: an operator decided. */
void		streams_tools_changed(struct worker *w, uint64_t profile);
/* The worker leaves: streams end as their revision says. */
void		streams_drain(struct worker *w);

#endif
