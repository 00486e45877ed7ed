/* SPDX-License-Identifier: Apache-2.0
 *
 * reply.h - what goes to an upstream and has no answer: our answers to its requests, cancellations,
 * the end of a session
 */
#ifndef UPSTREAM_REPLY_H
#define UPSTREAM_REPLY_H

#include "upstream/upstream_priv.h"

/* Posts a copy of it all; nobody hears what became of it.  0; E_OVERLOAD: too many are on their way;
 * E_NOMEM, or what ask_start() said: it is left out. */
int	reply_send(struct upstream *u, const struct upstream_target *target, enum mcp_version version,
	    struct span session, enum mcp_method method, struct span body);
/* Answers a request of the server's here: a ping with {}, all else with this error. */
void	reply_own(struct upstream *u, const struct upstream_target *target, enum mcp_version version,
	    struct span session, const struct rpc_answer *m, int code, const char *message);
/* Tells the server that the session is over; nothing without one, or where its stream's end says so. */
void	reply_end_session(struct upstream *u, const struct upstream_target *target, enum mcp_version version,
	    struct span session);
/* Ends those on their way. */
void	reply_end_all(struct upstream *u);

#endif
