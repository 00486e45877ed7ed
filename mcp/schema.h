/* SPDX-License-Identifier: Apache-2.0
 *
 * schema.h - what we ask of a tool's inputSchema (mcp-wire 5, 12)
 */
#ifndef MCP_SCHEMA_H
#define MCP_SCHEMA_H

#include "lib/json.h"

#define SCHEMA_HEADERS_MAX	32	/* x-mcp-header annotations of one tool */

/* Is this an object with type "object" at its root?  Clients' own checks throw a whole list away over one
 * that is not. */
bool	mcp_schema_root_ok(struct json_value schema);
/* Do all x-mcp-header annotations keep the rules: a token, unique without regard to case, on a string,
 * integer or boolean, reached from the root through `properties` alone?  (2026-07-28 basic/transports) */
bool	mcp_schema_headers_ok(struct json_value schema);

#endif
