/* SPDX-License-Identifier: Apache-2.0
 *
 * metatools.h - the gateway's own tools by name, and as clients are shown them
 */
#ifndef WORKER_META_METATOOLS_H
#define WORKER_META_METATOOLS_H

#include "mcp/write.h"

enum meta_tool {
	/* seed 001's */
	META_LIST_SERVERS, META_GET_SERVER_TOOLS, META_EXECUTE_TOOL, META_GET_GATEWAY_STATUS,
	META_SEARCH_TOOLS,
	META_TOOL_LIMIT
};

/* META_TOOL_LIMIT when it is none of ours. */
enum meta_tool	metatools_find(struct span name);
/* Static. */
/* Is it the name of one, or does it look like it? */
bool		 metatools_looks_like(struct span name);
const char	*metatools_name(enum meta_tool tool);
/* Adds seed 001's four to a list, and search_tools if wanted. */
must_check int	metatools_list(struct mcp_list *to, bool with_search, bool with_status);

#endif
