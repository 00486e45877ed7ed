/* SPDX-License-Identifier: Apache-2.0
 *
 * bridge_priv.h - what the bridge of a whole answer and that of its parts share
 */
#ifndef MCP_BRIDGE_PRIV_H
#define MCP_BRIDGE_PRIV_H

#include "mcp/bridge.h"
#include "mcp/write.h"

#define BRIDGE_OUR_INFO	"\"" MCP_META_SERVER_INFO "\":{\"name\":\"" MCP_SERVER_NAME "\",\"version\":\"" \
			MCPGW_VERSION "\"}"

/* Static text. */
must_check int	bridge_pieces_str(struct bridge_pieces *p, const char *text);

/* An object that loses and gains members. */
struct bridge_object {
	struct bridge_pieces	*to;
	bool			 comma;
	const char		*end;		/* of the member kept last, when the next follows it in the text */
};

/* A member of the text.  Neighbours that both stay become one piece, with what stands between them. */
must_check int	bridge_object_keep(struct bridge_object *o, struct span key, struct json_value value);
/* A member of ours: "name":value. */
must_check int	bridge_object_put(struct bridge_object *o, const char *text);

/* What is done to a result; all false: it passes as it is. */
struct bridge_plan {
	bool	stamp;			/* resultType and our serverInfo for a modern client */
	bool	task;			/* and that is "task" */
	bool	strip;			/* what only modern clients know */
	bool	hints;			/* cache hints of our own: policy makes what is read private */
	bool	no_structured;
	bool	old_content;		/* blocks that the revision does not have */
	bool	old_messages;		/* the same in a prompt's messages */
	bool	as_text;		/* nothing else would be left of structuredContent */
};

struct bridge_plan bridge_make_plan(const struct rpc_answer *from, const struct bridge_answer *how);
/* One member of the result, as the plan wants it: kept, changed or left out. */
must_check int	bridge_put_member(struct bridge_object *o, struct span key, struct json_value value,
		    const struct rpc_answer *from, const struct bridge_answer *how, const struct bridge_plan *p);

#endif
