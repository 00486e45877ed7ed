/* SPDX-License-Identifier: Apache-2.0
 *
 * version.c - the revisions of MCP that we speak
 *
 * Process: worker, runner.  Owns: nothing.  Trusts: nothing in a text.
 */
#include "mcp/version.h"

static const char *const names[MCP_VERSION_LIMIT] = {
	[MCP_VERSION_NONE] = "",
	[MCP_2024_11_05] = "2024-11-05",
	[MCP_2025_03_26] = "2025-03-26",
	[MCP_2025_06_18] = "2025-06-18",
	[MCP_2025_11_25] = "2025-11-25",
	[MCP_2026_07_28] = "2026-07-28",
};

enum mcp_version
mcp_version_of(struct span name)
{
	for (int v = MCP_VERSION_NONE + 1; v < MCP_VERSION_LIMIT; v++)
		if (span_is(name, names[v]))
			return (enum mcp_version)v;
	return MCP_VERSION_NONE;
}

const char *
mcp_version_name(enum mcp_version v)
{
	return v > MCP_VERSION_NONE && v < MCP_VERSION_LIMIT ? names[v] : "";
}

bool
mcp_version_claims_modern(struct span name)
{
	static const char form[] = "0000-00-00";

	if (name.n != sizeof(form) - 1)
		return false;
	for (size_t i = 0; i < name.n; i++)
		if (form[i] == '-' ? name.p[i] != '-' : name.p[i] < '0' || name.p[i] > '9')
			return false;
	return span_cmp(name, span_of(names[MCP_2026_07_28])) >= 0;
}

enum mcp_version
mcp_version_negotiate(struct span asked)
{
	enum mcp_version	v = mcp_version_of(asked);

	/* A name from before the first published revision; clients that ask for it speak that one. */
	if (span_is(asked, "2024-10-07"))
		return MCP_2024_11_05;
	return v == MCP_VERSION_NONE || mcp_version_is_modern(v) ? MCP_NEWEST_LEGACY : v;
}

struct span
mcp_version_supported(void)
{
	return SPAN_LIT("[\"2026-07-28\",\"2025-11-25\",\"2025-06-18\",\"2025-03-26\",\"2024-11-05\"]");
}
