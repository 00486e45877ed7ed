/* SPDX-License-Identifier: Apache-2.0
 *
 * batch.h - an array of messages, as 2025-03-26 has it (mcp-wire 3.3, 4.2)
 */
#ifndef MCP_BATCH_H
#define MCP_BATCH_H

#include "mcp/rpc.h"

#define BATCH_MAX	100		/* messages of one batch */

struct batch_part {
	struct span	text;		/* one message, in the batch's text */
	struct span	id;		/* raw, of a request; empty for anything else */
};

struct batch {
	int			 error;		/* not 0: it is refused as a whole */
	const char		*why;		/* for people; static */
	size_t			 count, requests;
	struct batch_part	 part[BATCH_MAX];
};

/* `text` is a proven array.  Sets out->error: 0; E_RPC_BATCH: it is empty, too long, or has an element that
 * may not stand in a batch; E_NOMEM.  Whether this client may send one is the ladder's (mcp/era.h). */
void	batch_read(struct rpc_scan *scan, struct span text, struct batch *out);

#endif
