/* SPDX-License-Identifier: Apache-2.0
 *
 * tool.h - approving tools that were not seen by the gateway yet, for `tool approve --from` and for import
 */
#ifndef CTL_TOOL_H
#define CTL_TOOL_H

#include "ctl/ctl.h"
#include "lib/json.h"
#include "mcp/pin.h"

/* Approves what was shown to somebody: `list`, proven, is a list of tools, or an object whose "tools" is one (or whose
 * "result" has it), as the server lists them.  Only tools named `tool`, unless that is empty.  owner->identity: the
 * server's "command" or "url" as its file has it.  Goes to the gateway, or to the store where none runs.
 * *count: how many they were.  0, or the exit code; why was said. */
int	tool_approve_list(struct ctl *ctl, const struct pin_owner *owner, struct json_value list, struct span tool,
	    unsigned *count);

#endif
