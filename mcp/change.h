/* SPDX-License-Identifier: Apache-2.0
 *
 * change.h - what an operator changes of a server's tool: how lists show it, and what a call's arguments become
 *
 * The server's own definition and name stay what policy and pins go by.
 */
#ifndef MCP_CHANGE_H
#define MCP_CHANGE_H

#include "lib/arena.h"
#include "lib/json.h"

struct mcp_argument {
	struct span	name, value;	/* JSON, the name too: with quotes */
	bool		set;		/* whatever the client says; else when it says nothing */
};

struct mcp_change {
	struct span		name;			/* clients'; empty: the server's own */
	struct span		description, annotations;	/* JSON; empty: as they are */
	bool			taken;			/* by another tool: it has no name for clients */
	const struct mcp_argument *arguments;
	size_t			count;
};

/* Does a call's text change? */
static inline bool
mcp_change_fills(const struct mcp_change *c)
{
	return c->count > 0;
}

/* Appends the tool, an object of proven JSON, as clients see it: arguments that are set are not in its schema, those
 * that are filled in have a default there and need not be given.  0, E_TOOBIG, E_NOMEM. */
must_check int	mcp_change_put(struct buf *to, const struct mcp_change *c, struct json_value tool);

/* The arguments of a call: the client's bytes, but for those values.  Of a member that comes more than once all are
 * set.  JSON_NONE is an empty object.  In the arena, unless nothing changes.  0, E_TOOBIG, E_NOMEM. */
must_check int	mcp_change_arguments(const struct mcp_change *c, struct json_value given, struct arena *a,
		    struct json_value *out);

#endif
