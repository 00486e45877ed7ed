/* SPDX-License-Identifier: Apache-2.0
 *
 * level.c - log levels of notifications/message
 *
 * Process: worker, runner.  Owns: nothing.
 */
#include "lib/bug.h"
#include "mcp/level.h"

static const char *const names[MCP_LEVEL_LIMIT] = {
	[MCP_LEVEL_NONE] = "", [MCP_LEVEL_DEBUG] = "debug", [MCP_LEVEL_INFO] = "info",
	[MCP_LEVEL_NOTICE] = "notice", [MCP_LEVEL_WARNING] = "warning", [MCP_LEVEL_ERROR] = "error",
	[MCP_LEVEL_CRITICAL] = "critical", [MCP_LEVEL_ALERT] = "alert",
	[MCP_LEVEL_EMERGENCY] = "emergency",
};

enum mcp_level
mcp_level_of(struct json_value name)
{
	for (enum mcp_level l = MCP_LEVEL_DEBUG; l < MCP_LEVEL_LIMIT; l++)
		if (json_is(name, names[l]))
			return l;
	return MCP_LEVEL_NONE;
}

const char *
mcp_level_name(enum mcp_level level)
{
	BUG_ON(level >= MCP_LEVEL_LIMIT);
	return names[level];
}
