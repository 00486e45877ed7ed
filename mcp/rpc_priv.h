/* SPDX-License-Identifier: Apache-2.0
 *
 * rpc_priv.h - what the two readers of messages share
 */
#ifndef MCP_RPC_PRIV_H
#define MCP_RPC_PRIV_H

#include "mcp/rpc.h"

struct rpc_scan {
	uint32_t		 magic;		/* whose messages it reads: the list of wants is that side's */
	struct json_scan	*json;
};

must_check int	rpc_scan_make(uint32_t magic, const struct json_want *list, size_t count, uint8_t top,
		    struct rpc_scan **out);

static inline struct json_value
rpc_value(const struct json_slot *slot, struct span text)
{
	if (slot->type == JSON_NONE)
		return (struct json_value){ JSON_NONE, SPAN_NONE };
	return (struct json_value){ (enum json_type)slot->type,
	    span_part(text, (size_t)slot->at, (size_t)slot->bytes) };
}

static inline bool
rpc_id_ok(struct json_value id)
{
	return id.raw.n <= RPC_ID_MAX &&
	    (id.type == JSON_STRING || (id.type == JSON_NUMBER && json_is_integer(id.raw)));
}

/* Why a text was refused by the scanner, for people. */
const char	*rpc_scan_why(int error);

#endif
