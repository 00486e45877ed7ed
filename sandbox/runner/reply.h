/* SPDX-License-Identifier: Apache-2.0
 *
 * reply.h - a client's answer to a tool's request, put together from a worker's frames and proven
 */
#ifndef SANDBOX_RUNNER_REPLY_H
#define SANDBOX_RUNNER_REPLY_H

#include "lib/buf.h"
#include "mcp/rpc.h"

struct reply {
	struct buf	text;
	bool		going;		/* in the middle of a message */
	bool		skips;		/* of one that nobody waits for */
};

/* Zeroed memory is an empty one. */
void		reply_fini(struct reply *r);
/* The payload of one frame; `more`: others follow.  `wanted` counts with the first of a message: one
 * that is not is passed over.  1: the message is whole, in r->text until the next call; 0: it is not, or
 * was passed over; E_FORMAT: an empty frame, or over LINK_ASK_MAX; E_NOMEM. */
must_check int	reply_take(struct reply *r, struct span part, bool more, bool wanted);
/* Is this one JSON-RPC response to something, on one line?  `scan` is made when it is NULL, and kept.  0 with
 * its raw id; E_FORMAT, E_NOMEM. */
must_check int	reply_prove(struct rpc_scan **scan, struct span text, struct span *id);

#endif
