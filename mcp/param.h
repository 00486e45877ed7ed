/* SPDX-License-Identifier: Apache-2.0
 *
 * param.h - Mcp-Param-*: arguments of a call that its header fields repeat (mcp-wire 5)
 *
 * A tool's inputSchema says which, with x-mcp-header.  What the values' own types are decides how they are
 * written and compared, not what the schema says of them: a wrong type is the tool's to refuse.
 */
#ifndef MCP_PARAM_H
#define MCP_PARAM_H

#include "lib/arena.h"
#include "lib/json.h"

#define MCP_PARAM_PREFIX	"Mcp-Param-"

struct mcp_param {
	const char		*field;		/* the header's whole name */
	const char *const	*path;		/* keys that lead to the value, decoded; NULL ends them */
};

/* The annotated properties of a proven schema, in the arena.  0 (also when there are none), E_FORMAT (an
 * annotation is against the rules), E_NOMEM. */
must_check int	mcp_params_read(struct json_value schema, struct arena *a, const struct mcp_param **out,
		    uint8_t *count);

/* The value at p's path in a call's arguments, borrowed; JSON_NONE when it is absent or null, and no header
 * is due.  E_RPC_PARAMS: a key of the path comes twice, and others might read the other one (mcp-wire 16.9). */
must_check int	mcp_param_find(const struct mcp_param *p, struct json_value arguments,
		    struct json_value *out);
/* Appends what the header says for a value.  0; E_FORMAT: it is no text, boolean or whole number within
 * +-(2^53-1), so none can; E_TOOBIG, E_NOMEM. */
must_check int	mcp_param_encode(struct buf *to, struct json_value value, struct arena *a);
/* Does the header say this value?  Whole numbers are equal by what they count, 42 to 42.0.  0, E_FORMAT as
 * above, E_MCP_HEADER (it does not, or is malformed), E_NOMEM. */
must_check int	mcp_param_matches(struct span header, struct json_value value, struct arena *a);

#endif
