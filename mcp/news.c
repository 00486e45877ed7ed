/* SPDX-License-Identifier: Apache-2.0
 *
 * news.c - messages of our own that are of no call
 *
 * Process: worker.  Owns: nothing.
 * Trusts:  ids and arrays it is given as raw JSON; URIs are written as strings.
 */
#include "lib/json.h"
#include "mcp/method.h"
#include "mcp/news.h"

static int
put_meta(struct buf *to, struct span id)
{
	return buf_put_fmt(to, "\"_meta\":{\"" MCP_META_SUBSCRIPTION "\":%.*s}", SPAN_FMT(id));
}

int
mcp_write_news(struct buf *to, const char *method, struct span uri, struct span id)
{
	int	r;

	if ((r = buf_put_fmt(to, "{\"jsonrpc\":\"2.0\",\"method\":\"%s\"", method)) != 0)
		return r;
	if (uri.n == 0 && id.n == 0)
		return buf_put_str(to, "}");
	if ((r = buf_put_str(to, ",\"params\":{")) != 0 ||
	    (id.n > 0 && (r = put_meta(to, id)) != 0) ||
	    (uri.n > 0 && ((r = buf_put_str(to, id.n > 0 ? ",\"uri\":" : "\"uri\":")) != 0 ||
	    (r = json_put_string(to, uri)) != 0)))
		return r;
	return buf_put_str(to, "}}");
}

int
mcp_write_listen_ack(struct buf *to, struct span id, uint32_t offers, struct span uris)
{
	static const struct { uint32_t offer; const char *name; } rows[] = {
		{ MCP_OFFER_TOOLS, "toolsListChanged" }, { MCP_OFFER_PROMPTS, "promptsListChanged" },
		{ MCP_OFFER_RESOURCES, "resourcesListChanged" },
	};
	const char	*sep = "";
	int		 r;

	if ((r = buf_put_str(to, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/subscriptions/acknowledged\","
	    "\"params\":{")) != 0 || (r = put_meta(to, id)) != 0 ||
	    (r = buf_put_str(to, ",\"notifications\":{")) != 0)
		return r;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if ((offers & MCP_OFFER_CHANGES) == 0 || (offers & rows[i].offer) == 0)
			continue;
		if ((r = buf_put_fmt(to, "%s\"%s\":true", sep, rows[i].name)) != 0)
			return r;
		sep = ",";
	}
	if (uris.n > 0 && ((r = buf_put_fmt(to, "%s\"resourceSubscriptions\":[", sep)) != 0 ||
	    (r = buf_put(to, uris)) != 0 || (r = buf_put_str(to, "]")) != 0))
		return r;
	return buf_put_str(to, "}}}");
}

int
mcp_write_listen_end(struct buf *to, struct span id)
{
	int	r;

	if ((r = buf_put_fmt(to, "{\"jsonrpc\":\"2.0\",\"id\":%.*s,\"result\":{\"resultType\":\"complete\",",
	    SPAN_FMT(id))) != 0 || (r = put_meta(to, id)) != 0)
		return r;
	return buf_put_str(to, "}}");
}
