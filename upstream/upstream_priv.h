/* SPDX-License-Identifier: Apache-2.0
 *
 * upstream_priv.h - what the parts of one worker's HTTP upstreams share
 */
#ifndef UPSTREAM_UPSTREAM_PRIV_H
#define UPSTREAM_UPSTREAM_PRIV_H

#include "upstream/ask.h"
#include "upstream/call.h"

#define PEER_BUCKETS	256
#define NEWS_BUCKETS	256

struct lane;
struct lanes;
struct origin;
struct news;
struct news_ops;
struct peer;
struct reply;
struct sites;
struct sse_session;

struct upstream_news {		/* news.c's */
	struct news		*first, *bucket[NEWS_BUCKETS];
	size_t			 count;
	const struct news_ops	*ops;
	void			*arg;
};

struct upstream {
	struct loop		*loop;
	struct upstream_params	 params;
	struct ask_shared	 shared;
	struct sites		*sites;
	const struct region	*sessions;
	struct peer		*peers[PEER_BUCKETS];
	struct origin		*origins;
	struct lanes		*lanes;
	struct lane		*idle_first, *idle_last;	/* lane.c's: their streams are open for nobody */
	size_t			 idle_count;
	struct sse_session	*sse_sessions, *sse_idle_first, *sse_idle_last;	/* sse_session.c's */
	size_t			 sse_idle_count;
	size_t			 peer_count, call_count;
	struct upstream_call	*spare;		/* call.c's, for the next calls */
	size_t			 spare_count;
	struct upstream_news	 news;
	struct reply		*replies;
	size_t			 reply_count, reply_bytes;
	uint64_t		 next_id;
};

/* call.c: gives back what it keeps. */
void		upstream_spare_free(struct upstream *u);

/* Decimal, never used before in this worker. */
#define UPSTREAM_ID_BYTES 24
struct span	upstream_id(struct upstream *u, char to[UPSTREAM_ID_BYTES]);

#endif
