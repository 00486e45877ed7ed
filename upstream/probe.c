/* SPDX-License-Identifier: Apache-2.0
 *
 * probe.c - what an answer to `server/discover` says about an HTTP server's era
 *
 * Process: worker.  Owns: nothing.
 * Trusts:  nothing; a lie here costs that server's own calls.
 */
#include "upstream/probe.h"

#define RPC_HEADER_MISMATCH	(-32020)
#define RPC_CAPABILITY		(-32021)
#define RPC_VERSION		(-32022)

struct offered {
	bool	modern;		/* one that we speak */
	bool	legacy;
	bool	list;		/* there was a list at all */
};

static struct offered
offered_of(struct json_value list)
{
	struct offered		o = { .list = list.type == JSON_ARRAY };
	struct json_iter	it;
	struct json_value	v;
	struct span		key;

	if (!o.list)
		return o;
	json_iter_init(&it, list);
	while (json_iter_next(&it, &key, &v))
		for (int i = MCP_VERSION_NONE + 1; i < MCP_VERSION_LIMIT; i++)
			if (json_is(v, mcp_version_name((enum mcp_version)i)))
				*(mcp_version_is_modern((enum mcp_version)i) ? &o.modern : &o.legacy) = true;
	return o;
}

static enum probe_verdict
judge_version_error(const struct probe_answer *a, const char **why)
{
	struct offered	o = offered_of(json_get(a->rpc->error_data, "supported"));

	if (o.modern && !a->again)
		return PROBE_AGAIN;
	if (o.modern) {
		*why = "the server refuses the revision that it says it supports";
		return PROBE_REFUSED;
	}
	if (o.legacy)
		return PROBE_LEGACY;
	*why = "the server speaks none of the protocol revisions that we speak";
	return PROBE_UNSUPPORTED;
}

enum probe_verdict
probe_judge(const struct probe_answer *a, const char **why)
{
	*why = NULL;
	if (a->error != 0) {
		*why = "the server could not be asked for its protocol revision";
		return PROBE_LATER;
	}
	if (a->status == 401 || a->status == 403 || a->status == 407) {
		*why = "the server does not accept the configured credential";
		return PROBE_AUTH;
	}
	if (a->status == 408 || a->status == 429 || a->status >= 500) {
		*why = "the server is busy or out of order";
		return PROBE_LATER;
	}
	if (a->status >= 300 && a->status < 400) {
		*why = "the server redirects; write the address it redirects to";
		return PROBE_LATER;
	}
	if (a->rpc == NULL) {
		if (a->status >= 400)
			return PROBE_LEGACY;
		*why = "the server's answer is not MCP";
		return PROBE_LATER;
	}
	if (!a->rpc->is_error)
		return offered_of(a->rpc->supported).modern ? PROBE_MODERN : PROBE_LEGACY;
	switch (a->rpc->error_code) {
	case RPC_VERSION:
		return judge_version_error(a, why);
	case RPC_HEADER_MISMATCH:
	case RPC_CAPABILITY:
		*why = "the server refuses our headers or capabilities";
		return PROBE_REFUSED;
	default:
		return PROBE_LEGACY;
	}
}

bool
probe_is_modern_error(int64_t code)
{
	return code == RPC_VERSION || code == RPC_HEADER_MISMATCH || code == RPC_CAPABILITY;
}

enum mcp_version
probe_version(const struct rpc_answer *a)
{
	for (int i = MCP_VERSION_NONE + 1; i <= MCP_NEWEST_LEGACY; i++)
		if (json_is(a->version, mcp_version_name((enum mcp_version)i)))
			return (enum mcp_version)i;
	return MCP_VERSION_NONE;
}
