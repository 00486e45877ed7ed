/* SPDX-License-Identifier: Apache-2.0
 *
 * registry.h - tools_file: backends without MCP, and what the operator says of their tools
 */
#ifndef POLICY_COMPILER_REGISTRY_H
#define POLICY_COMPILER_REGISTRY_H

#include "policy/compiler/job.h"

/* Adds their SERVERs, after those of servers.json and tools_dir. */
void	registry_read(struct job *j);
/* The server that has the tool of this name in that file, or an empty span. */
struct span registry_server(const struct job *j, struct span tool);

#endif
