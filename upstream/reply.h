/* SPDX-License-Identifier: Apache-2.0
 *
 * reply.h - messages to an upstream that have no answer: our answers to its requests, cancellations
 */
#ifndef UPSTREAM_REPLY_H
#define UPSTREAM_REPLY_H

#include "upstream/upstream_priv.h"

/* Posts a copy of it all; nobody hears what became of it.  0; E_OVERLOAD: too many are on their way;
 * E_NOMEM, or what ask_start() said: it is left out. */
int	reply_send(struct upstream *u, const struct upstream_target *target, enum mcp_version version,
	    struct span session, enum mcp_method method, struct span body);
/* Ends those on their way. */
void	reply_end_all(struct upstream *u);

#endif
