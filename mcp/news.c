/* SPDX-License-Identifier: Apache-2.0
 *
 * news.c - messages that are of no call
 *
 * Process: worker, mcpgw-runner.  Owns: nothing.
 * Trusts:  ids and arrays it is given as raw JSON; URIs are written as strings.  What a server says is bounded.
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
		{ MCP_OFFER_TOOLS_CHANGED, "toolsListChanged" }, { MCP_OFFER_PROMPTS_CHANGED, "promptsListChanged" },
		{ MCP_OFFER_RESOURCES_CHANGED, "resourcesListChanged" },
	};
	const char	*sep = "";
	int		 r;

	if ((r = buf_put_str(to, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/subscriptions/acknowledged\","
	    "\"params\":{")) != 0 || (r = put_meta(to, id)) != 0 ||
	    (r = buf_put_str(to, ",\"notifications\":{")) != 0)
		return r;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if ((offers & rows[i].offer) == 0)
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

int
mcp_read_news(enum mcp_method method, struct json_value params, struct arena *a, enum link_event_kind *what,
    struct span *uri)
{
	struct json_value	said = json_get(params, "uri");
	int			r;

	*uri = SPAN_NONE;
	switch (method) {
	case MCP_NOTE_TOOLS_CHANGED:
		*what = LINK_EVENT_TOOLS;
		return 0;
	case MCP_NOTE_PROMPTS_CHANGED:
		*what = LINK_EVENT_PROMPTS;
		return 0;
	case MCP_NOTE_RESOURCES_CHANGED:
		*what = LINK_EVENT_RESOURCES;
		return 0;
	case MCP_NOTE_RESOURCES_UPDATED:
		break;
	default:
		return E_NOTFOUND;
	}
	*what = LINK_EVENT_UPDATED;
	/* An escape is six bytes for one. */
	if (said.type != JSON_STRING || said.raw.n > 6 * LINK_URI_MAX + 2)
		return E_FORMAT;
	if ((r = json_string(said, a, uri)) != 0)
		return r;
	return link_uri_ok(*uri) ? 0 : E_FORMAT;
}

bool
mcp_uri_covers(struct span above, struct span uri)
{
	if (above.n == 0 || !span_starts(uri, above))
		return false;
	/* Below it, not only beginning like it. */
	return uri.n == above.n || above.p[above.n - 1] == '/' || uri.p[above.n] == '/';
}

int
mcp_write_listen_params(struct buf *to, struct span uris)
{
	int	r;

	if ((r = buf_put_str(to, "{\"notifications\":{\"toolsListChanged\":true,\"promptsListChanged\":true,"
	    "\"resourcesListChanged\":true")) != 0)
		return r;
	/* Without any it is not said: some might take an empty list for a mistake. */
	if (uris.n > 0 && ((r = buf_put_str(to, ",\"resourceSubscriptions\":[")) != 0 ||
	    (r = buf_put(to, uris)) != 0 || (r = buf_put_str(to, "]")) != 0))
		return r;
	return buf_put_str(to, "}}");
}
