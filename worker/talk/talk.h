/* SPDX-License-Identifier: Apache-2.0
 *
 * talk.h - what server and client say to each other while a call runs
 */
#ifndef WORKER_TALK_TALK_H
#define WORKER_TALK_TALK_H

#include "mcp/rpc.h"

struct call;
struct request;
struct worker;

/* A new call: what its client wants to hear, and what it may be asked. */
void		talk_begin(struct call *c);
/* It is about to ask its client: may it?  0, E_WAITING or E_NOMEM. */
must_check int	talk_may_ask(struct call *c);
/* Before the call lets go of its route and its client. */
void		talk_end(struct call *c);
/* A notification or a request of the server's. */
void		talk_on_message(struct call *c, const struct rpc_answer *m);
/* notifications/cancelled of a legacy client: the call of its session with that id is cancelled, wherever it runs. */
void		talk_on_cancelled(struct request *rq);
/* The client ended its session: so is all that runs in it, wherever (mcp-wire 9.6), since no answer to what is asked
 * there can come any more. */
void		talk_on_session_end(struct request *rq);
/* Both in this worker.  false: there is none; an empty id is any of that session. */
must_check bool	talk_cancel(struct worker *w, uint64_t session_hash, struct span id);
void		talk_cancel_all(struct worker *w, uint64_t session_hash);

#endif
