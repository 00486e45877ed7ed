/* SPDX-License-Identifier: Apache-2.0
 *
 * streams_priv.h - a client's stream, between streams.c and streams_subs.c
 */
#ifndef WORKER_STREAMS_STREAMS_PRIV_H
#define WORKER_STREAMS_STREAMS_PRIV_H

#include "worker/streams/fanin.h"
#include "worker/streams/listens.h"
#include "worker/streams/streams.h"

#define STREAM_MAGIC	0x57a30001u

struct sub {
	struct sub		*next;
	uint64_t		 profile;
	struct list_owner	 owner;
	bool			 changed;
	uint32_t		 bytes, head;	/* the server's own URI is what stands behind the head */
	char			 uri[];
};

struct stream {
	uint32_t	 magic;
	struct stream	*next;
	struct worker	*w;
	struct request	*rq;		/* its answer is the stream, though its client may be away
					 * (worker/streams/replay.h); NULL: the session has none now */
	struct span	 id;		/* of subscriptions/listen, raw, in the request; empty: legacy */
	uint64_t	 principal;
	uint64_t	 session;	/* hash, legacy */
	struct session_ref ref;
	uint64_t	 alone_since;	/* while nobody is there; else about now */
	struct listens	 listens;	/* while rq is there */
	bool		 keeps;		/* a stream to the tenant's runner (fanin.h), while rq is there */
	bool		 held;		/* the answer has not begun: servers are to be listened to first */
	struct span	 first;		/* what it begins with; in the request's arena */
	unsigned	 wants, changed;	/* 1 << enum link_event_kind */
	bool		 over;		/* granted by a policy that is no more */
	struct sub	*subs;
	size_t		 sub_count;
};

/* streams_subs.c.  Ends the one that is there. */
void		stream_sub_end(struct stream *s, struct sub **at);
/* The resource itself or one below it. */
bool		stream_sub_concerns(const struct sub *sub, uint64_t profile, struct list_owner owner, struct span uri);

#endif
