/* SPDX-License-Identifier: Apache-2.0
 *
 * inputs.h - input_required towards modern clients: what is asked of them, and what they bring back
 *
 * A modern client is asked in the answer to its request and answers in another request, a retry, which may
 * come to any worker (mcp-wire 8 MRTR, 14.11).  What ties the two together is the sealed requestState.
 */
#ifndef WORKER_TALK_INPUTS_H
#define WORKER_TALK_INPUTS_H

#include "worker/call/answer.h"

struct call;

/* A request that brings requestState or inputResponses.  True: it was taken or refused; false: it goes on as a
 * call of its own, with rq->retry for its server. */
bool	inputs_take(struct request *rq);

/* Each answers c->client and leaves the call to its caller; 0 or E_*: nothing was answered. */
/* What its server has asked and nobody answered yet; the state names this call and this round of it. */
must_check int	inputs_reply_asked(struct call *c, uint32_t round, uint64_t number);
/* What a modern server asks, as it is, with its state wrapped. */
must_check int	inputs_reply_wrapped(struct call *c, const struct rpc_answer *from);
/* A legacy server's error -32042: URLs to be visited first, then the call is made again. */
must_check int	inputs_reply_urls(struct call *c, const struct rpc_answer *from);

/* The gateway itself wants a URL to be visited, in the server's name, before the call is made: answers rq. */
must_check int	inputs_reply_url(struct request *rq, struct span server, struct span url, struct span message);

#endif
