/* SPDX-License-Identifier: Apache-2.0
 *
 * handshake.c - which revision a tool speaks, and its `initialize` (mcp-wire 4.5, stdio)
 *
 * Process: mcpgw-runner.  Owns: nothing.
 * Trusts:  that the line was proven; nothing in it.
 */
#include <stdio.h>

#include "mcp/capability.h"
#include "sandbox/runner/handshake.h"

#define MODERN_REVISION	"2026-07-28"
#define LEGACY_OFFERED	"2025-11-25"
#define META		"io.modelcontextprotocol/"
#define CODE_VERSION	(-32022)
#define CLIENT_INFO	"{\"name\":\"mcpgw\",\"version\":\"" MCPGW_VERSION "\"}"

static const char *const legacy_revisions[] = {
	"2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05", "2024-10-07",
};

int
handshake_put_discover(struct buf *to, uint64_t id)
{
	return buf_put_fmt(to, "{\"jsonrpc\":\"2.0\",\"id\":%llu,\"method\":\"server/discover\","
	    "\"params\":{\"_meta\":{\"" META "protocolVersion\":\"" MODERN_REVISION "\","
	    "\"" META "clientCapabilities\":{},\"" META "clientInfo\":" CLIENT_INFO "}}}\n",
	    (unsigned long long)id);
}

int
handshake_put_initialize(struct buf *to, uint64_t id, uint32_t capabilities)
{
	int	r;

	if ((r = buf_put_fmt(to, "{\"jsonrpc\":\"2.0\",\"id\":%llu,\"method\":\"initialize\","
	    "\"params\":{\"protocolVersion\":\"" LEGACY_OFFERED "\",\"capabilities\":",
	    (unsigned long long)id)) != 0 || (r = mcp_capabilities_write(to, capabilities)) != 0)
		return r;
	return buf_put_str(to, ",\"clientInfo\":" CLIENT_INFO "}}\n");
}

int
handshake_put_initialized(struct buf *to)
{
	return buf_put_str(to, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}\n");
}

static bool
is_legacy(struct json_value v)
{
	for (size_t i = 0; i < sizeof(legacy_revisions) / sizeof(legacy_revisions[0]); i++)
		if (json_is(v, legacy_revisions[i]))
			return true;
	return false;
}

/* A list of revisions: ours in it is modern, a legacy one legacy; an empty one or none is what
 * `without` says, and any other is foreign. */
static enum era
era_of_list(struct json_value list, enum era without)
{
	struct json_iter	it;
	struct json_value	v;
	struct span		key;
	bool			legacy = false, any = false;

	if (list.type != JSON_ARRAY)
		return without;
	json_iter_init(&it, list);
	while (json_iter_next(&it, &key, &v)) {
		any = true;
		if (json_is(v, MODERN_REVISION))
			return ERA_MODERN;
		if (is_legacy(v))
			legacy = true;
	}
	return legacy ? ERA_LEGACY : any ? ERA_FOREIGN : without;
}

enum era
handshake_verdict(const struct line *answer)
{
	const struct rpc_answer	*m = &answer->msg;

	if (answer->kind != LINE_ANSWER)
		return ERA_LEGACY;
	if (m->is_error)
		return m->error_code != CODE_VERSION ? ERA_LEGACY :
		    era_of_list(json_get(m->error_data, "supported"), ERA_MODERN);
	/* Some servers that negotiate down answer with the legacy revisions they have; any answer
	 * without a revision in common leaves `initialize`. */
	return era_of_list(m->supported, ERA_LEGACY) == ERA_MODERN ? ERA_MODERN : ERA_LEGACY;
}

/* A string's raw text with control bytes gone, cut to what fits. */
static void
shown(struct json_value v, char *text, size_t bytes)
{
	struct span	s = v.type == JSON_STRING && v.raw.n >= 2 ?
	    span_part(v.raw, 1, v.raw.n - 2) : SPAN_LIT("?");
	size_t		at = 0;

	for (size_t i = 0; i < s.n && at + 1 < bytes && at < 120; i++)
		text[at++] = s.p[i] < 0x20 || s.p[i] == 0x7f ? '?' : s.p[i];
	text[at] = '\0';
}

int
handshake_accept(const struct line *answer, bool *modern, char *text, size_t text_bytes)
{
	const struct rpc_answer	*m = &answer->msg;

	text[0] = '\0';
	*modern = answer->kind == LINE_ANSWER && m->is_error && m->error_code == CODE_VERSION;
	if (answer->kind != LINE_ANSWER || m->is_error) {
		shown(m->error_message, text, text_bytes);
		return E_FORMAT;
	}
	if (is_legacy(m->version))
		return 0;
	shown(m->version, text, text_bytes);
	return m->version.type == JSON_STRING ? E_VERSION : E_FORMAT;
}
