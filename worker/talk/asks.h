/* SPDX-License-Identifier: Apache-2.0
 *
 * asks.h - what a legacy server asks its client while it works: sampling, elicitation, roots
 *
 * A call has at most ASKS_MAX open at a time.  How one reaches the client is the caller's: as a request
 * on the event stream of a legacy client (asks_send()), whose answer comes in a POST of its own, or as an
 * entry of input_required for a modern one (worker/talk/park.h).  Each is answered, whatever becomes of the
 * client (mcp-wire 14.8).
 */
#ifndef WORKER_TALK_ASKS_H
#define WORKER_TALK_ASKS_H

#include "worker/call/route.h"
#include "worker/front/request.h"

#define ASKS_MAX	LINK_ASKS_MAX

struct asks;

struct asked {
	struct asked		*next;		/* of its call, in the order they came */
	struct asked		*bucket_next;
	struct asks		*of;
	uint64_t		 number;	/* random: how a legacy client's answer finds it */
	unsigned		 key;		/* "k1", "k2": its name towards a modern one */
	enum mcp_method		 method;
	struct buf		 text;		/* of these two: */
	struct span		 id, params;	/* raw; params is "{}" when there were none.  The id is the key of a
						 * modern server's entry */
	bool			 sent;		/* the client has it */
};

/* What becomes of the client's answer: member is "result" or "error", value raw. */
typedef void asks_reply_fn(struct asks *a, const struct asked *q, const char *member, struct span value);

struct asks {			/* embedded in a call */
	struct worker		*w;
	struct route		*route;
	asks_reply_fn		*reply;		/* asks_init(): it goes to the server over the route */
	uint64_t		 capabilities;	/* declared to a legacy server for this client, */
	uint64_t		 declared;	/* and to a modern one */
	uint64_t		 session_hash;	/* of a legacy client */
	struct span		 task_id;	/* it knows of the task that asks: its id of that, raw; or empty */
	struct asked		*first;
	unsigned		 open, keys;
	uint64_t		 missing;	/* capabilities that were asked for and not declared */
	bool			 ended;
};

/* What this server may ask of this request's client: what the client declared, as far as its revision
 * and its transport carry it.  Nothing of an instance that clients share (mcp-wire 14.8), nor where no call may wait
 * for its client (worker/talk/asking.h). */
uint64_t	asks_capabilities(const struct request *rq, const struct rec_server *server);

void		asks_init(struct asks *a, struct worker *w, struct route *route, const struct request *rq,
		    const struct rec_server *server);
/* A request of the server's, whose name the person is told.  0: *out is open; else it was refused, and the server has
 * been told. */
must_check int	asks_take(struct asks *a, const struct rpc_answer *m, struct span server, struct asked **out);
/* One entry of a modern server's inputRequests, under its key (raw, without quotes).  0; E_MCP_CAPABILITY: not for this
 * client; E_UPSTREAM: no request; E_OVERLOAD, E_NOMEM. */
must_check int	asks_add(struct asks *a, struct span key, struct json_value entry, struct span server);
/* To a legacy client, on the stream of its call.  0, or E_*: it cannot be had, and is answered so. */
must_check int	asks_send(struct asked *q, struct request *to);
/* The client's answer, raw `result` or `error` value; q is no more. */
void		asks_reply(struct asked **q, struct span value, bool is_error);
/* notifications/cancelled of the server: the one it named, or NULL.  The caller tells the client, then drops it. */
struct asked	*asks_find(struct asks *a, struct span id);
void		asks_drop(struct asked **q);
/* The client is told that one that it has is withdrawn. */
void		asks_send_cancelled(const struct asked *q, struct request *to);
/* There is no way to the client now: it is answered for it. */
void		asks_refuse(struct asked *q);
/* The call ends, or its client is gone: what is open is answered for it. */
void		asks_end(struct asks *a);

/* A legacy client's response: to whoever waits for it, here or in another worker.  Answers the request. */
void		asks_on_response(struct request *rq);

#endif
