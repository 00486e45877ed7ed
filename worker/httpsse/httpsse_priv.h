/* SPDX-License-Identifier: Apache-2.0
 *
 * httpsse_priv.h - shared by httpsse.c (streams), httpsse_post.c (messages to them), httpsse_run.c (what goes out
 *                  on one) and httpsse_subs.c (what a client subscribed to)
 */
#ifndef WORKER_HTTPSSE_HTTPSSE_PRIV_H
#define WORKER_HTTPSSE_HTTPSSE_PRIV_H

#include "worker/front/inner.h"
#include "worker/httpsse/httpsse.h"

#define HTTPSSE_MAGIC	0x55e20001u
#define HTTPSSE_ID	16

/* One message that was POSTed, without its text; malloc'ed. */
struct httpsse_message {
	struct httpsse_message	*next;
	struct inner		 in;
	enum rpc_kind		 kind;
	enum mcp_method		 method;
	char			 request_id[REQUESTID_CHARS + 1];
	size_t			 id_bytes;
	char			 id[];		/* raw */
};

struct httpsse_sub;

struct httpsse {		/* in its request's arena */
	uint32_t		 magic;
	struct httpsse		*next;
	struct request		*rq;		/* the GET: its answer is the stream */
	char			 id[HTTPSSE_ID];	/* random */
	char			 session[SEALED_SESSION_CHARS + 1];	/* of its client; "" before initialize */
	uint64_t		 began_ms;
	struct inner_how	 how;
	struct httpsse_message	*first;
	size_t			 messages, requests;
	struct inner		 news;		/* the session's own stream */
	struct request		*posted;	/* while its message begins: the POST; else NULL */
	struct span		 challenge;	/* that its answer was given then; in its arena */
	bool			 initializing;	/* initialize is among the messages */
	bool			 initialized;	/* the client said so: it may be told news */
	bool			 again;		/* the session's stream ended, and began or begins anew */
	bool			 over;		/* ends in its next turn */
	struct httpsse_sub	*subs;
	struct loop_timer	 soon, retry, until;	/* until: its client's credential ends */
};

struct httpsse_set {
	struct httpsse		*first;
	size_t			 count;
	struct loop_timer	 tick;
};

/* The session's id, empty when there is none. */
static inline struct span
httpsse_session(const struct httpsse *s)
{
	return span_of(s->session);
}

/* Does it wait for an answer?  These are what HTTPSSE_REQUESTS_MAX bounds. */
static inline bool
httpsse_works(enum rpc_kind kind)
{
	return kind == RPC_REQUEST || kind == RPC_ARRAY;
}

/* httpsse.c: of this client, by the token it was given; 0 and *out.  E_AGAIN: it is that other worker's.
 * E_MCP_SESSION: whatever else is wrong, which is not told apart. */
struct httpsse_place {
	uint32_t	slot, incarnation;
};
must_check int	httpsse_find(struct request *rq, struct httpsse **out, struct httpsse_place *elsewhere);

/* httpsse_run.c */
void		httpsse_run_init(struct httpsse *s);
/* Something may be said, or has ended: its turn comes. */
void		httpsse_wake(struct httpsse *s);
/* A message begins within this request, with this head and body, none of which is needed any more then; it is told
 * of when it has something to say.  NULL: no memory. */
struct httpsse_message *httpsse_begin(struct httpsse *s, const struct request *rq, const struct rpc_message *msg,
		    const struct http_head *head, struct span body);
/* It is over; m is no more. */
void		httpsse_message_end(struct httpsse *s, struct httpsse_message *m);
/* Ends the session and everything that runs in it; the stream's request is still to be let go of. */
void		httpsse_run_fini(struct httpsse *s);

/* httpsse_subs.c: what this message subscribes to or no more; asking for all of it again. */
void		httpsse_subs_note(struct httpsse *s, const struct rpc_message *m);
void		httpsse_subs_again(struct httpsse *s);
void		httpsse_subs_fini(struct httpsse *s);

/* httpsse.c: the stream ends, and s is no more. */
void		httpsse_end(struct httpsse *s);

#endif
