/* SPDX-License-Identifier: Apache-2.0
 *
 * method.h - the methods of MCP, from tables/methods.def (mcp-wire 7)
 */
#ifndef MCP_METHOD_H
#define MCP_METHOD_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/span.h"

enum mcp_method {
	MCP_METHOD_NONE = 0,		/* absent, or not in the table */
#define METHOD(NAME, text, kind, from, eras, capability, header, action) MCP_##NAME,
#include "tables/methods.def"
#undef METHOD
	MCP_METHOD_LIMIT
};

enum mcp_kind { MCP_REQUEST, MCP_NOTIFICATION };
enum mcp_from { MCP_FROM_CLIENT = 1, MCP_FROM_SERVER = 2, MCP_FROM_EITHER = 3 };
enum mcp_eras { MCP_ERA_LEGACY = 1, MCP_ERA_MODERN = 2, MCP_ERA_BOTH = 3 };
/* Server capabilities as bits: what we advertise, what a method needs. */
enum mcp_offer {
	MCP_OFFER_NONE = 0,
	MCP_OFFER_TOOLS = 1,
	MCP_OFFER_PROMPTS = 2,
	MCP_OFFER_RESOURCES = 4,
	MCP_OFFER_COMPLETIONS = 8,
	MCP_OFFER_LOGGING = 16,
	MCP_OFFER_TASKS = 32,
	MCP_OFFER_TOOLS_CHANGED = 64,	/* changes of the list are told */
	MCP_OFFER_PROMPTS_CHANGED = 128,
	MCP_OFFER_RESOURCES_CHANGED = 256,
	MCP_OFFER_UPDATED = 512,	/* those of a resource */
	MCP_OFFER_CHANGES = MCP_OFFER_TOOLS_CHANGED | MCP_OFFER_PROMPTS_CHANGED | MCP_OFFER_RESOURCES_CHANGED |
	    MCP_OFFER_UPDATED,
	MCP_OFFER_CORE_TASKS = 1024,	/* of a server of 2025-11-25; what a client is told is TASKS, in its era */
};
enum mcp_header { MCP_HEADER_NONE, MCP_HEADER_NAME, MCP_HEADER_URI, MCP_HEADER_TASK_ID };
enum mcp_action { MCP_ACTION_UNKNOWN, MCP_ACTION_LOCAL, MCP_ACTION_ROUTE, MCP_ACTION_RELAY };

struct mcp_method_row {
	const char	*text;
	uint8_t		 kind;		/* enum mcp_kind */
	uint8_t		 from;		/* enum mcp_from */
	uint8_t		 eras;		/* enum mcp_eras */
	uint8_t		 offer;		/* enum mcp_offer: must be advertised */
	uint8_t		 header;	/* enum mcp_header: what Mcp-Name repeats */
	uint8_t		 action;	/* enum mcp_action */
};

/* By its decoded text, compared byte for byte; MCP_METHOD_NONE when unknown. */
enum mcp_method			 mcp_method_find(struct span text);
/* Static; of MCP_METHOD_NONE a row with empty text and no era. */
const struct mcp_method_row	*mcp_method_row(enum mcp_method m);

#endif
