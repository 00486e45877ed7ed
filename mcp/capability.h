/* SPDX-License-Identifier: Apache-2.0
 *
 * capability.h - what clients declare, as bits; 64 of them travel in a session token
 */
#ifndef MCP_CAPABILITY_H
#define MCP_CAPABILITY_H

#include <stdint.h>

#include "lib/buf.h"
#include "lib/json.h"

#define MCP_EXTENSION_TASKS	"io.modelcontextprotocol/tasks"

/* The numbers are in sealed tokens: append only. */
enum mcp_capability {
	MCP_CAN_ROOTS = 1,
	MCP_CAN_ROOTS_CHANGED = 2,
	MCP_CAN_SAMPLING = 4,
	MCP_CAN_SAMPLING_TOOLS = 8,
	MCP_CAN_SAMPLING_CONTEXT = 16,
	MCP_CAN_ELICIT_FORM = 32,
	MCP_CAN_ELICIT_URL = 64,
	MCP_CAN_TASKS = 128,		/* the extension io.modelcontextprotocol/tasks */
	MCP_CAN_UI = 256,		/* the extension io.modelcontextprotocol/ui */
};

/* Those that let a server ask: what it asks must reach the client that caused it (mcp-wire 14.8). */
#define MCP_CAN_BE_ASKED (MCP_CAN_ROOTS | MCP_CAN_SAMPLING | MCP_CAN_ELICIT_FORM | MCP_CAN_ELICIT_URL)

/* Of a `capabilities` object; what it holds besides is not ours to use. */
uint64_t	mcp_capabilities_of(struct json_value capabilities);
/* A capabilities object with exactly these: data.requiredCapabilities, and what we declare upstream. */
must_check int	mcp_capabilities_write(struct buf *to, uint64_t bits);

#endif
