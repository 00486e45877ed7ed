/* SPDX-License-Identifier: Apache-2.0
 *
 * write.h - messages of our own: errors, results, lists (mcp-wire 8, 13, 14.3, 14.14)
 *
 * All append one JSON-RPC message without line feeds to a buffer: 0, E_TOOBIG or E_NOMEM; after an error
 * the buffer ends in a part of it.  `id` is the raw token to echo; empty: the member is left out.
 */
#ifndef MCP_WRITE_H
#define MCP_WRITE_H

#include "lib/buf.h"
#include "mcp/catalogue.h"
#include "mcp/method.h"
#include "mcp/version.h"

#define MCP_SERVER_NAME	"mcpgw"

struct mcp_error {
	int		 error;		/* E_*: code, symbol, default text */
	const char	*text;		/* error.message instead of the row's, or NULL */
	struct span	 detail;	/* appended to the message after ": ", cut when long, or empty */
	struct span	 rule;		/* data.rule, or empty */
	uint64_t	 retry_after_ms;	/* data.retry_after_ms, or 0 */
	struct span	 request_id;	/* data.request_id, or empty */
	struct span	 extra;		/* more members of data, raw JSON without braces, or empty */
};

must_check int	mcp_write_error(struct buf *to, struct span id, const struct mcp_error *e);

/* A result with these members (raw JSON without braces, may be empty); a modern client also gets
 * resultType "complete" and our serverInfo, so `members` may hold neither resultType nor _meta. */
must_check int	mcp_write_result(struct buf *to, struct span id, enum mcp_version v, struct span members);

enum mcp_scope { MCP_SCOPE_PRIVATE, MCP_SCOPE_PUBLIC };

/* InitializeResult; offers are enum mcp_offer bits. */
must_check int	mcp_write_initialize(struct buf *to, struct span id, enum mcp_version v, uint32_t offers,
		    struct span instructions);
/* DiscoverResult. */
must_check int	mcp_write_discover(struct buf *to, struct span id, uint32_t offers, struct span instructions,
		    uint32_t ttl_ms, enum mcp_scope scope);

/* One page of a list: begin, any number of items, end. */
struct mcp_list {
	struct buf		*to;
	enum mcp_version	 version;
	enum catalogue_kind	 kind;
	bool			 comma;
	struct span		 uris;		/* what URIs of the next items begin with (mcp/uris.h), or empty */
};
must_check int	mcp_list_begin(struct mcp_list *l, struct buf *to, struct span id, enum mcp_version v,
		    enum catalogue_kind kind);
/* With its composed or its own name; members this client's revision does not know are left out. */
must_check int	mcp_list_item(struct mcp_list *l, const struct catalogue_item *item, bool composed);
/* A tool of the gateway's own: a whole tool object, written as the newest revision has it. */
must_check int	mcp_list_raw(struct mcp_list *l, struct span object);
/* cursor: text of the next page's cursor, or empty at the end.  ttl and scope go to modern clients. */
must_check int	mcp_list_end(struct mcp_list *l, struct span cursor, uint32_t ttl_ms, enum mcp_scope scope);

/* A CallToolResult of the gateway's own: `json` as a text block and, where the revision has it, as
 * structuredContent (anything but an object there as {"result": ...}: seed 001). */
must_check int	mcp_write_tool_json(struct buf *to, struct span id, enum mcp_version v, bool is_error,
		    struct json_value json);
/* A CallToolResult with one text block. */
must_check int	mcp_write_tool_text(struct buf *to, struct span id, enum mcp_version v, bool is_error,
		    struct span text);

#endif
