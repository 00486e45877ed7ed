/* SPDX-License-Identifier: Apache-2.0
 *
 * answer.h - a server's answer on its way to the client: held and read, or read while it passes
 */
#ifndef WORKER_CALL_ANSWER_H
#define WORKER_CALL_ANSWER_H

#include "mcp/bridge.h"
#include "worker/front/request.h"

#define ANSWER_HELD_MAX		(64 * 1024)		/* larger ones pass while they come, where they may */
#define ANSWER_MAX		(16 * 1024 * 1024)

struct answer {
	struct request		*rq;
	struct http_budget	*budget;	/* the worker's, of held answers: outlives rq */
	uint64_t		 bytes;		/* of the whole, as announced; 0: not known */
	uint64_t		 at;		/* how far it has come */
	bool			 modern;	/* the server's era */
	bool			 holds;		/* never passes while it comes: whom it is for may change */
	bool			 may_ask;	/* its server may ask this client */
	bool			 tasks, core_tasks;	/* it may be a task: a modern server's, a legacy one's */
	bool			 raw;		/* it is not for the client: answer_convert() when one is */
	struct span		 server;	/* its name, for a person who is asked something */
	struct span		 uris;		/* what the server's URIs begin with here (mcp/uris.h), or empty */
	const uint64_t		*ttl_ms;	/* of a resource that was kept: how long it still holds */
	struct span		 task_id;	/* it is about a task: its id for the client, a raw JSON string */
	bool			 broken;	/* what came is no JSON, or more than announced */
	bool			 full;		/* there was no memory to hold it */
	size_t			 counted;	/* against the budget */
	struct buf		 held;		/* the whole, or what does not pass yet */
	uint64_t		 base;		/* offset of held in the whole */
	struct buf		 named;		/* a task's questions, with who asks them */
	const struct rpc_answer	*whole;		/* or the whole, read already; borrowed */
	/* A large one: */
	struct rpc_scan		*scan;		/* of what came */
	struct rpc_part		 part;
	bool			 begun;		/* its head is with the client's connection */
	bool			 open;		/* what comes is of a value that passes */
	uint64_t		 owed;		/* given to the connection, not yet taken by the client */
};

struct answer_ready {
	bool			 is_error;	/* the server answered with an error, or isError */
	bool			 input_required; /* a modern server asks before it answers; no pieces then */
	bool			 is_task;	/* the server works on; no pieces then */
	struct rpc_answer	 answer;	/* not of one that has begun */
	struct bridge_pieces	 pieces;	/* the message; its end when it has begun */
};

void	answer_init(struct answer *a, struct request *rq);
/* For another answer to the same: of `like` what stands before its first byte. */
void	answer_init_as(struct answer *a, const struct answer *like);
void	answer_fini(struct answer *a);
/* An answer begins, as struct route_ops says. */
void	answer_expect(struct answer *a, uint64_t bytes, struct span want_id, bool modern);
/* Takes the next bytes; answers how many the server may send for them now. */
size_t	answer_take(struct answer *a, struct span bytes);
/* The client took n bytes; answers how many the server may send for them. */
size_t	answer_credit(struct answer *a, size_t n);
/* The whole answer at once, read already; borrowed until its end was dealt with. */
void	answer_give(struct answer *a, const struct rpc_answer *whole, bool modern);
/* It is whole: 0, or E_UPSTREAM, E_OVERLOAD, E_NOMEM when it cannot be passed on.  The end of one that has begun is in
 * out->pieces, to be sent behind the audit's `end`. */
must_check int answer_finish(struct answer *a, struct answer_ready *out);
/* out->answer for the client: pieces and is_error.  0, or E_* as above. */
must_check int answer_convert(struct answer *a, struct answer_ready *out);

#endif
