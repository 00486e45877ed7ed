/* SPDX-License-Identifier: Apache-2.0
 *
 * call.h - one JSON-RPC request to an HTTP upstream, in the upstream's own era
 *
 * The first call to a server, as one isolation key sees it, finds its era (mcp-wire 4.5) and, for a
 * legacy one, makes a session; others wait for that.  A request that may have been executed is never
 * sent again (P5), unless it is said to be repeatable.
 */
#ifndef UPSTREAM_CALL_H
#define UPSTREAM_CALL_H

#include "mcp/method.h"
#include "mcp/rpc.h"
#include "shm/region.h"
#include "upstream/target.h"

#define UPSTREAM_ANSWER_MAX	(16 * 1024 * 1024)

struct upstream;		/* all HTTP upstreams of one worker */
struct upstream_call;

struct upstream_params {
	uint64_t	connect_timeout_ms, idle_ms;	/* connect_timeout, upstream_idle */
	uint64_t	start_timeout_ms;		/* finding the era and making a session */
	size_t		answer_memory;			/* of all answers that are held at one time */
	/* Of a session that may be asked and is not used: how long its stream stays open, and how long it
	 * stays, when there are others.  0: 30 s, 3 min. */
	uint64_t	stream_idle_ms, session_idle_ms;
};

/* sessions: the region of upstream sessions that the workers share; NULL or unmapped: none is
 * shared.  Both it and blocks are borrowed.  E_NOMEM. */
must_check int	upstream_new(struct loop *l, struct block_pool *blocks, const struct region *sessions,
		    const struct upstream_params *params, struct upstream **out);
/* All calls must be freed; the loop must not turn afterwards. */
void		upstream_free(struct upstream **u);
void		upstream_set_params(struct upstream *u, const struct upstream_params *params);
/* The policy in force, which is held: whom https servers' certificates must lead to. */
void		upstream_set_policy(struct upstream *u, struct snap *policy);

/* What the scout found last, which is held. */
void		upstream_set_names(struct upstream *u, struct snap *catalogue);

/* What servers with "auth" are shown from here on; held. */
void		upstream_set_tokens(struct upstream *u, struct snap *tokens);

/* Is this place known to have no sessions? */
bool		upstream_is_modern(const struct upstream *u, uint64_t profile);

struct pool;
/* Its connections; borrowed. */
struct pool	*upstream_pool(struct upstream *u);

struct upstream_mark {
	uint32_t	at, bytes;	/* into the body */
};

/* A large answer that comes as JSON: its bytes from the first on, as they come, which nobody has read; borrowed. */
typedef void upstream_body_fn(struct upstream_call *c, struct span bytes, void *arg);

struct upstream_request {
	const struct upstream_target *target;
	uint64_t		 instance;	/* isolation key, credential and capabilities: one session each */
	uint32_t		 deadline_ms;	/* to the answer's end */
	enum mcp_method		 method;
	struct span		 name;		/* what Mcp-Name says: decoded text, or empty */
	const struct exchange_field *params;	/* Mcp-Param-*, if it is modern, or what TRANSPORT_JSONRPC wants
						 * of each call: at most ASK_PARAMS_MAX */
	size_t			 param_count;
	/* One JSON-RPC request with our reserved _meta keys in it; an id of ours is written over `id`;
	 * `modern_meta` (bytes 0: none) is cut out for a legacy upstream. */
	struct span		 body;
	struct upstream_mark	 id, modern_meta;
	bool			 is_list;	/* nobody's call: there is no client to be asked */
	bool			 repeatable;	/* it may be executed twice */
	bool			 told;		/* the server is told of the deadline: whose client gave one */
	uint64_t		 capabilities;	/* enum mcp_capability bits of the client: a legacy server's
						 * session is initialized with them, for its lists too */
	struct span		 progress_token;	/* raw, as in the body: no other call's; or empty */
	upstream_body_fn	*on_body;	/* NULL: answers are held and read, whatever their size */
};

struct upstream_result {
	/* 0: an answer, perhaps a JSON-RPC error.  E_SERVER: not reached, nothing was executed.  E_TIMEOUT,
	 * E_UPSTREAM (no usable answer), E_TOOBIG (over UPSTREAM_ANSWER_MAX), E_OVERLOAD, E_NOMEM. */
	int			 error;
	bool			 sent;		/* the server may have acted on it */
	bool			 modern;	/* the server's era */
	struct span		 why;		/* of an error, for people */
	/* The server refused whom it was asked by: 401 or 403, what it wants, and the serial of the token that it saw
	 * (0: none).  Nothing was executed. */
	unsigned		 refused;
	struct span		 challenge;
	uint64_t		 token_serial;
	const struct rpc_answer	*answer;	/* parsed; its text and id are in it; NULL: on_body had it */
};

/* Once, in a handler of the loop, never inside upstream_call_start().  Everything in the result lives
 * until upstream_call_free(), which may be called here. */
typedef void upstream_done_fn(struct upstream_call *c, const struct upstream_result *r, void *arg);
/* A notification or a request of the server on this call's stream, or on its session's when it can be no
 * other call's (mcp-wire 14.8); borrowed for the call. */
typedef void upstream_message_fn(struct upstream_call *c, const struct rpc_answer *m, void *arg);

/* The request and all it points to are borrowed until done or upstream_call_free().  on_message may be
 * NULL: notifications are passed over then, requests refused.  0, E_OVERLOAD or E_NOMEM (done is not called then). */
must_check int	upstream_call_start(struct upstream *u, const struct upstream_request *request,
		    upstream_message_fn *on_message, upstream_done_fn *done, void *arg, struct upstream_call **out);
/* Answers a request of the server's: a whole JSON-RPC response, copied.  0 or E_*: it is not sent. */
must_check int	upstream_call_reply(struct upstream_call *c, struct span message);
/* The server's requests wait for a client, so its answer may take ms from now; back to the call's own
 * deadline, counted from now, with 0. */
void		upstream_call_wait(struct upstream_call *c, uint64_t ms);
/* Ends it, running or not: the connection is closed, a legacy server is told.  done is not called. */
void		upstream_call_free(struct upstream_call **c);
/* While it is on, no more of the answer is taken from the server, and its deadline stands still: what was left of it is
 * left afterwards.  In on_body and between. */
void		upstream_call_pause(struct upstream_call *c, bool on);
/* In on_body: the id that the answer must have, raw; and the server's era. */
struct span	upstream_call_id(const struct upstream_call *c);
bool		upstream_call_is_modern(const struct upstream_call *c);
/* The server may have acted on it, as far as is known now. */
bool		upstream_call_was_sent(const struct upstream_call *c);

#endif
