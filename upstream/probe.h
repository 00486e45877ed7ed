/* SPDX-License-Identifier: Apache-2.0
 *
 * probe.h - what an answer to `server/discover` says about an HTTP server's era (mcp-wire 4.5)
 */
#ifndef UPSTREAM_PROBE_H
#define UPSTREAM_PROBE_H

#include "mcp/rpc.h"
#include "mcp/version.h"

enum probe_verdict {
	PROBE_MODERN,
	PROBE_LEGACY,
	PROBE_AGAIN,		/* it asks for a revision that we speak: once more */
	PROBE_REFUSED,		/* modern, but the probe was not to its liking: the operator must look */
	PROBE_UNSUPPORTED,	/* it speaks newer revisions than we do only */
	PROBE_AUTH,		/* our credential */
	PROBE_LATER,		/* no verdict: nothing is remembered */
	PROBE_VERDICT_LIMIT
};

struct probe_answer {
	int			 error;		/* of the transport: E_*, or 0 */
	unsigned		 status;	/* HTTP */
	const struct rpc_answer	*rpc;		/* NULL: the body was no JSON-RPC response */
	bool			 again;		/* to a second probe */
};

/* *why is for people, static; NULL with MODERN and LEGACY. */
enum probe_verdict	probe_judge(const struct probe_answer *a, const char **why);

/* Is it one that only modern servers answer with? */
bool			probe_is_modern_error(int64_t code);

/* The revision an InitializeResult names, or MCP_VERSION_NONE when it is none of the legacy ones. */
enum mcp_version	probe_version(const struct rpc_answer *a);

#endif
