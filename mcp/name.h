/* SPDX-License-Identifier: Apache-2.0
 *
 * name.h - the names tools and prompts have in merged views (mcp-wire 14.2, day-one 20)
 *
 * Pure functions: a name never shifts when another server comes or goes, rules are written against it.
 */
#ifndef MCP_NAME_H
#define MCP_NAME_H

#include "lib/err.h"
#include "lib/span.h"

#define MCP_NAME_MAX	64	/* what model interfaces take */
#define MCP_PREFIX_MAX	32

/* <prefix>__<name>, cleaned to A-Za-z0-9_- and cut to MCP_NAME_MAX; when that changed it, it ends in _
 * and 8 hex digits of (server, name).  Empty prefix: the name alone.  `to` has room for MCP_NAME_MAX + 1. */
struct span	mcp_name_compose(struct span prefix, struct span server, struct span name, char *to);
/* Whose prefix a composed name begins with: what stands before the first "__", borrowed; empty when there
 * is none.  Prefixes hold no "_", so a name with a prefix is never taken for another server's. */
struct span	mcp_name_prefix(struct span composed);
/* May this be a name that compose changed?  Then it says nothing about the tool's own. */
bool		mcp_name_is_marked(struct span composed);
/* The prefix of a server that names none: lower case, anything but letters and digits to one "-".
 * `to` has room for MCP_PREFIX_MAX + 1.  E_FORMAT when nothing is left of the name. */
must_check int	mcp_name_default_prefix(struct span server, char *to);
/* Whether a written prefix is [a-z0-9]+(-[a-z0-9]+)* within MCP_PREFIX_MAX. */
bool		mcp_name_prefix_ok(struct span prefix);

#endif
