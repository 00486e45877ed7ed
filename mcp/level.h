/* SPDX-License-Identifier: Apache-2.0
 *
 * level.h - log levels of notifications/message (RFC 5424, mcp-wire 8, 14.9)
 */
#ifndef MCP_LEVEL_H
#define MCP_LEVEL_H

#include "lib/json.h"

/* The numbers are in the session table: append only.  Higher is more severe. */
enum mcp_level {
	MCP_LEVEL_NONE,		/* nothing was said */
	MCP_LEVEL_DEBUG,
	MCP_LEVEL_INFO,
	MCP_LEVEL_NOTICE,
	MCP_LEVEL_WARNING,
	MCP_LEVEL_ERROR,
	MCP_LEVEL_CRITICAL,
	MCP_LEVEL_ALERT,
	MCP_LEVEL_EMERGENCY,
	MCP_LEVEL_LIMIT
};

/* MCP_LEVEL_NONE when it is no level's name. */
enum mcp_level	mcp_level_of(struct json_value name);
const char	*mcp_level_name(enum mcp_level level);

#endif
