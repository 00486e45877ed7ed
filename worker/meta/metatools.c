/* SPDX-License-Identifier: Apache-2.0
 *
 * metatools.c - the gateway's own tools by name, and as clients are shown them
 *
 * Process: worker.  Owns: nothing.
 * Trusts:  nothing; the texts are ours.
 *
 * Names and arguments of the first four are seed 001's (seed-contracts 2.1).
 */
#include "lib/fold.h"
#include "worker/meta/metatools.h"

#define AGENT_ARG "\"agent_id\":{\"type\":\"string\",\"description\":\"Agent to act as; counts only " \
	"where the gateway's configuration lets arguments name agents.\"}"

static const struct {
	const char	*name, *object;
} rows[META_TOOL_LIMIT] = {
	[META_LIST_SERVERS] = { "list_servers",
	"{\"name\":\"list_servers\",\"description\":\"List the MCP servers you may use through this "
	"gateway.\",\"inputSchema\":{\"type\":\"object\",\"properties\":{" AGENT_ARG ","
	"\"include_metadata\":{\"type\":\"boolean\",\"default\":false,\"description\":\"Also tell how "
	"each server is reached.\"}}},\"annotations\":{\"readOnlyHint\":true}}" },

	[META_GET_SERVER_TOOLS] = { "get_server_tools",
	"{\"name\":\"get_server_tools\",\"description\":\"Get the tools of one server, with their "
	"schemas. Filter by names or pattern to save context.\",\"inputSchema\":{\"type\":\"object\","
	"\"properties\":{" AGENT_ARG ",\"server\":{\"type\":\"string\",\"description\":\"Name of the "
	"server.\"},\"names\":{\"type\":\"string\",\"description\":\"Comma-separated tool names.\"},"
	"\"pattern\":{\"type\":\"string\",\"description\":\"Pattern for tool names, for example "
	"get_*.\"},\"max_schema_tokens\":{\"type\":\"integer\",\"minimum\":1,\"description\":\"Stop "
	"before the definitions exceed about this many tokens.\"}},\"required\":[\"server\"]},"
	"\"annotations\":{\"readOnlyHint\":true}}" },

	[META_EXECUTE_TOOL] = { "execute_tool",
	"{\"name\":\"execute_tool\",\"description\":\"Call a tool of a server.\",\"inputSchema\":{"
	"\"type\":\"object\",\"properties\":{" AGENT_ARG ",\"server\":{\"type\":\"string\"},"
	"\"tool\":{\"type\":\"string\"},\"args\":{\"type\":\"object\",\"description\":\"The tool's "
	"arguments.\"},\"timeout_ms\":{\"type\":\"integer\",\"minimum\":1}},"
	"\"required\":[\"server\",\"tool\"]}}" },

	[META_GET_GATEWAY_STATUS] = { "get_gateway_status",
	"{\"name\":\"get_gateway_status\",\"description\":\"See whether the gateway's configuration is "
	"in force and which servers answer.\",\"inputSchema\":{\"type\":\"object\",\"properties\":{"
	AGENT_ARG "}},\"annotations\":{\"readOnlyHint\":true}}" },

	[META_SEARCH_TOOLS] = { "search_tools",
	"{\"name\":\"search_tools\",\"description\":\"Find tools by words of what they do, the best first, "
	"with their schemas. Call what was found by its name, or with execute_tool.\",\"inputSchema\":{"
	"\"type\":\"object\",\"properties\":{" AGENT_ARG ",\"query\":{\"type\":\"string\","
	"\"description\":\"Words of names, descriptions and arguments, for example create issue.\"},"
	"\"limit\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":50,\"default\":10},"
	"\"server\":{\"type\":\"string\",\"description\":\"Search in this server only.\"},"
	"\"max_schema_tokens\":{\"type\":\"integer\",\"minimum\":1,\"description\":\"Stop before the "
	"definitions exceed about this many tokens.\"}},\"required\":[\"query\"]},\"annotations\":{"
	"\"readOnlyHint\":true}}" },
};

enum meta_tool
metatools_find(struct span name)
{
	enum meta_tool	tool;

	for (tool = 0; tool < META_TOOL_LIMIT; tool++)
		if (span_is(name, rows[tool].name))
			break;
	return tool;
}

bool
metatools_looks_like(struct span name)
{
	for (enum meta_tool tool = 0; tool < META_TOOL_LIMIT; tool++)
		if (fold_alike(name, span_of(rows[tool].name)))
			return true;
	return false;
}

const char *
metatools_name(enum meta_tool tool)
{
	return rows[tool].name;
}

int
metatools_list(struct mcp_list *to, bool with_search, bool with_status)
{
	int	r = 0;

	for (enum meta_tool tool = 0; r == 0 && tool < META_TOOL_LIMIT; tool++)
		if ((tool != META_SEARCH_TOOLS || with_search) && (tool != META_GET_GATEWAY_STATUS || with_status))
			r = mcp_list_raw(to, span_of(rows[tool].object));
	return r;
}
