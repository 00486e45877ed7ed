/* SPDX-License-Identifier: Apache-2.0
 *
 * rounds.h - a legacy client's call that a modern server answers with questions: bridge B (mcp-wire 14.12)
 *
 * Each question goes to the client as a request on the stream of its call; when all are answered the call
 * is made again with the answers, and so on, within the same call, until there is a result.
 */
#ifndef WORKER_TALK_ROUNDS_H
#define WORKER_TALK_ROUNDS_H

#include "mcp/rpc.h"

#define ROUNDS_MAX	8
#define ROUNDS_LEG_MS	(600 * 1000)	/* for the client's answers of one round */
#define ROUNDS_PAUSE_MS	250		/* before a round that asks nothing */

struct call;

/* The client answered all questions: {"key": answer, ...}, or empty when nothing was asked; state: the server's, raw,
 * or empty.  Both are borrowed; the call goes on, or fails. */
typedef void rounds_next_fn(struct call *c, struct span state, struct span responses);

/* Another round of questions, an object, for who waits for the answers.  0, or why it cannot be, and *text. */
must_check int	rounds_ask(struct call *c, struct json_value requests, rounds_next_fn *next, struct span *text);
/* The server answered with input_required.  0: the call goes on; else why it cannot, and *text for people. */
must_check int	rounds_begin(struct call *c, const struct rpc_answer *from, struct span *text);
/* Does it wait for the client, or for the next round? */
bool		rounds_wait(const struct call *c);
/* Gives back what the rounds hold. */
void		rounds_fini(struct call *c);

#endif
