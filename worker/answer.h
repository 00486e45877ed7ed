/* SPDX-License-Identifier: Apache-2.0
 *
 * answer.h - a server's answer on its way to the client: held and checked, or streamed and checked
 */
#ifndef WORKER_ANSWER_H
#define WORKER_ANSWER_H

#include "mcp/bridge.h"
#include "worker/request.h"

#define ANSWER_HELD_MAX		(64 * 1024)		/* larger ones stream where nothing must change */
#define ANSWER_MAX		(16 * 1024 * 1024)

struct answer {
	struct request		*rq;
	struct http_budget	*budget;	/* the worker's, of held answers: outlives rq */
	uint64_t		 bytes;		/* of the whole, as announced */
	uint64_t		 at;		/* how far it has come */
	struct bridge_mark	 id;		/* the server's id in it */
	bool			 modern;	/* the server's era */
	bool			 holds;		/* never streams: whom it is for may change */
	bool			 streams;
	bool			 begun;		/* its head is with the client's connection */
	bool			 broken;	/* what came is no JSON, or more than announced */
	bool			 full;		/* there was no memory to hold it */
	size_t			 counted;	/* against the budget */
	struct buf		 held;		/* the whole, or the tail of a stream */
	const struct rpc_answer	*whole;		/* or the whole, read already; borrowed */
	struct json_scan	*scan;		/* of a stream */
	uint64_t		 owed;		/* given to the connection, not yet taken by the client */
};

struct answer_ready {
	bool			 is_error;	/* the server answered with an error, or isError */
	bool			 input_required; /* a modern server asks before it answers; no pieces then */
	struct rpc_answer	 answer;	/* not of a stream */
	struct bridge_pieces	 pieces;	/* not of a stream */
};

void	answer_init(struct answer *a, struct request *rq);
void	answer_fini(struct answer *a);
/* An answer begins. */
void	answer_expect(struct answer *a, uint64_t bytes, struct bridge_mark id, bool modern);
/* Takes the next bytes; answers how many the server may send for them now. */
size_t	answer_take(struct answer *a, struct span bytes);
/* The client took n bytes; answers how many the server may send for them. */
size_t	answer_credit(struct answer *a, size_t n);
/* The whole answer at once, read already; borrowed until its end was dealt with. */
void	answer_give(struct answer *a, const struct rpc_answer *whole, bool modern);
/* It is whole: 0, or E_UPSTREAM, E_OVERLOAD, E_NOMEM when it cannot be passed on.  A stream's last bytes are still
 * held: answer_send_tail() after the audit's `end`. */
must_check int answer_finish(struct answer *a, struct answer_ready *out);
void	answer_send_tail(struct answer *a);

#endif
