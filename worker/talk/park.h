/* SPDX-License-Identifier: Apache-2.0
 *
 * park.h - a modern client's call that waits for the client's answers: bridge A (mcp-wire 14.11)
 *
 * The server is legacy and asks in the middle of its work, so the call stays as it is, in this worker,
 * while the client's request is answered with input_required.  The client's retry finds it again, once
 * for each round, and gets what comes next.
 */
#ifndef WORKER_TALK_PARK_H
#define WORKER_TALK_PARK_H

#include "mcp/state.h"
#include "worker/talk/asks.h"

#define PARK_MS		((uint64_t)STATE_LIVES_S * 1000)

struct call;
struct park;

/* The server has asked something, as it may (worker/talk/asking.h): the client learns of it with this turn's end, or
 * with its next retry.  0 or E_NOMEM. */
must_check int	park_ask(struct call *c);
/* The call has ended while nobody is there to be answered: kept for the retry.  `rest` is the message
 * behind its id; error 0: that is the answer. */
void		park_keep(struct call *c, int error, struct span rest);
/* The call is about to answer c->client for good: the park is no more.  The request to let go of
 * afterwards, or NULL when it was never parked. */
struct request	*park_leave(struct call *c);
/* This worker leaves and has no client any more: no retry is waited for. */
void		park_drain(struct worker *w);
/* A retry. */
void		park_on_retry(struct request *rq, const struct state *s, struct json_value responses);

#endif
