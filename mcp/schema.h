/* SPDX-License-Identifier: Apache-2.0
 *
 * schema.h - what we ask of a tool's inputSchema (mcp-wire 5, 12)
 */
#ifndef MCP_SCHEMA_H
#define MCP_SCHEMA_H

#include "lib/json.h"

#define SCHEMA_HEADERS_MAX	32	/* x-mcp-header annotations of one tool */
#define SCHEMA_PATH_MAX		JSON_DEPTH_MAX

/* One annotation: its token, and the raw keys that lead from the arguments to the value; borrowed.  Not 0
 * ends the walk with that. */
typedef int schema_header_fn(struct span name, const struct span *path, size_t depth, void *arg);

/* Is this an object with type "object" at its root?  Clients' own checks throw a whole list away over one
 * that is not. */
bool	mcp_schema_root_ok(struct json_value schema);
/* All x-mcp-header annotations, in the schema's order; fn may be NULL.  0; what fn said; E_FORMAT: one is
 * against the rules: a token, unique without regard to case, on a string, integer or boolean, reached from
 * the root through `properties` alone (2026-07-28 basic/transports).  Some may have been told by then. */
must_check int	mcp_schema_headers(struct json_value schema, schema_header_fn *fn, void *arg);

#endif
