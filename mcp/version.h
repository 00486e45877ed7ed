/* SPDX-License-Identifier: Apache-2.0
 *
 * version.h - the revisions of MCP that we speak (mcp-wire 2, 4.4)
 */
#ifndef MCP_VERSION_H
#define MCP_VERSION_H

#include <stdbool.h>

#include "lib/span.h"

enum mcp_version {
	MCP_VERSION_NONE = 0,
	MCP_2024_11_05,
	MCP_2025_03_26,
	MCP_2025_06_18,
	MCP_2025_11_25,
	MCP_2026_07_28,
	MCP_VERSION_LIMIT
};

#define MCP_NEWEST_LEGACY	MCP_2025_11_25
#define MCP_NEWEST_MODERN	MCP_2026_07_28

/* The revision of exactly this name, or MCP_VERSION_NONE. */
enum mcp_version	 mcp_version_of(struct span name);
/* "2025-11-25"; "" for none.  Static. */
const char		*mcp_version_name(enum mcp_version v);
static inline bool
mcp_version_is_modern(enum mcp_version v)
{
	return v >= MCP_2026_07_28;
}
/* Whether a text claims a modern revision, known to us or not: YYYY-MM-DD, not before 2026-07-28. */
bool			 mcp_version_claims_modern(struct span name);
/* What `initialize` asking for this is answered with: itself, or our newest legacy revision. */
enum mcp_version	 mcp_version_negotiate(struct span asked);
/* A JSON array of all names, newest first: error.data.supported, supportedVersions.  Static. */
struct span		 mcp_version_supported(void);

#endif
