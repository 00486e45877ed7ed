/* SPDX-License-Identifier: Apache-2.0
 *
 * route.h - one JSON-RPC request to one server, whichever way it is reached
 *
 * stdio servers over the tenant's runner, HTTP servers over this worker's pool.  The caller sees the
 * same events for both.
 */
#ifndef WORKER_CALL_ROUTE_H
#define WORKER_CALL_ROUTE_H

#include "mcp/bridge.h"
#include "mcp/level.h"
#include "policy/records.h"
#include "upstream/call.h"
#include "worker/call/link.h"

struct worker;
struct route;

struct route_ops {
	/* An answer of `bytes` bytes begins; 0: that is not known.  want_id: raw, the id that it must have; empty: it
	 * has been looked at. */
	void	(*on_answer)(struct route *, uint64_t bytes, struct span want_id, bool modern);
	/* Its next bytes, borrowed; route_credit() when they are taken. */
	void	(*on_body)(struct route *, struct span bytes);
	/* Instead of these two, when it came whole and was read already; borrowed until on_end
	 * returns, which comes at once. */
	void	(*on_whole)(struct route *, const struct rpc_answer *answer, bool modern);
	/* A notification or a request of the server's that belongs to this one, before its answer; borrowed.
	 * NULL: notifications are passed over, requests refused. */
	void	(*on_message)(struct route *, const struct rpc_answer *m);
	/* Once, last.  error: 0 after a whole answer, else E_*; sent: the server may have acted on
	 * the request; text is for people, borrowed. */
	void	(*on_end)(struct route *, int error, bool sent, struct span text);
};

struct route {
	const struct route_ops	*ops;
	bool			 running;
	uint64_t		 lacks;		/* capabilities that the server asked for in vain, when it answers */
	struct link_job		 job;		/* stdio */
	/* HTTP */
	struct worker		*worker;
	struct upstream_call	*call;
	struct upstream_target	 target;
	struct arena		 arena;		/* of the target's headers */
	struct snap		*secrets;	/* held: their values are in it */
	struct tokenwait	*tokenwait;	/* of a server with "auth" (tokenwait.h); else NULL */
	struct spread		*spread;	/* of one with several endpoints (spread.h); else NULL */
	uint32_t		 attempts;	/* that were made, also after the end; 0: it is at one place */
	char			 endpoint[48];	/* of the last one, for people; or "" */
	bool			 passing, paused;
	bool			 asked;		/* the server asked something */
	size_t			 unread;	/* of what passes: not credited yet */
};

struct route_request {
	const struct snap	*policy;	/* held by the caller until on_end */
	struct snap		*secrets;	/* that came with it, or NULL; as the policy */
	const struct rec_server	*server;
	uint64_t		 instance;	/* isolation key */
	uint32_t		 deadline_ms;
	enum mcp_method		 method;
	struct span		 name;		/* the server's own, for a modern HTTP server's headers */
	struct span		 body;		/* borrowed until on_end, as are the texts above */
	struct bridge_mark	 id, modern_meta;
	const struct exchange_field *params;	/* Mcp-Param-*, as name; borrowed as the body */
	size_t			 param_count;
	bool			 is_list;
	bool			 repeatable;	/* the operator says that it may run twice */
	uint32_t		 told_ms;	/* the client said how long it waits; 0: it did not */
	uint64_t		 whose;		/* of a server with several endpoints: for "balance": "hash" */
	const char		*request;	/* its id as text, for the operator; NULL: no client's */
	uint64_t		 capabilities;	/* enum mcp_capability bits of the client */
	enum mcp_level		 log_level;	/* the client wants; NONE: it did not say */
	struct span		 progress_token;	/* raw, ours, in the body; or empty */
};

/* 0, or E_* when it cannot even be queued (on_end is not called then). */
must_check int	route_start(struct worker *w, struct route *r, const struct route_ops *ops,
		    const struct route_request *what);
void		route_credit(struct route *r, size_t n);
/* Answers a request of the server's: a whole JSON-RPC response without line feeds, with the server's own id.
 * 0 or E_*: it did not go out. */
must_check int	route_reply(struct route *r, struct span message);
/* A request of the server's waits for its client: the deadline stands still until `waits` is false again.
 * The runner sees that by itself. */
void		route_wait(struct route *r, bool waits);
/* on_end still comes, now or later. */
void		route_cancel(struct route *r);

/* For tokenwait.c and spread.c: a request to an HTTP server goes out, again or for the first time; 0 or E_*. */
must_check int	route_http_go(struct route *r, const struct upstream_request *up);
/* Likewise once its target is known: with its user's token where each has one, and waiting for one that is needed. */
must_check int	route_http_target(struct worker *w, const struct route_request *q, struct route *r,
		    const struct upstream_request *up);
/* It ends without having gone out. */
void		route_http_end(struct route *r, int error, struct span why);

#endif
