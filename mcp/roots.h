/* SPDX-License-Identifier: Apache-2.0
 *
 * roots.h - which of a client's roots a server is told of: the folders that it sees
 */
#ifndef MCP_ROOTS_H
#define MCP_ROOTS_H

#include "lib/json.h"

/* Does the server see this path?  It is absolute, decoded, without "." and "..". */
typedef bool mcp_root_seen_fn(struct span path, void *arg);

/* Both take proven JSON and write it with the roots alone whose `uri` is a file: URL, of this machine, of a path
 * that is seen; those stay as they are, byte for byte.  0, E_TOOBIG, E_NOMEM. */
/* The result of roots/list, an object. */
must_check int	mcp_roots_put(struct buf *to, struct json_value result, mcp_root_seen_fn *seen, void *arg);
/* inputResponses, an object: what in it is the result of a roots/list, by having `roots`. */
must_check int	mcp_roots_put_responses(struct buf *to, struct json_value responses, mcp_root_seen_fn *seen, void *arg);

#endif
