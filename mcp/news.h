/* SPDX-License-Identifier: Apache-2.0
 *
 * news.h - messages that are of no call: what changed, and of subscriptions/listen (mcp-wire 8)
 */
#ifndef MCP_NEWS_H
#define MCP_NEWS_H

#include "ipc/link.h"
#include "lib/arena.h"
#include "lib/buf.h"
#include "mcp/method.h"

#define MCP_META_SUBSCRIPTION	"io.modelcontextprotocol/subscriptionId"

/* --- to clients --------------------------------------------------------------------------------- */

/* As in mcp/write.h: one message is appended; 0, E_TOOBIG or E_NOMEM.  id: of the client's listen request, raw;
 * every message of its stream names it.  Empty: of a legacy session. */

/* uri: of what was updated; empty for lists. */
must_check int	mcp_write_news(struct buf *to, const char *method, struct span uri, struct span id);
/* What is heard from now on: of enum mcp_offer the bits of lists that changed; and uris, the elements of an
 * array, raw, or empty. */
must_check int	mcp_write_listen_ack(struct buf *to, struct span id, uint32_t offers, struct span uris);
/* The result: the stream ended as it should. */
must_check int	mcp_write_listen_end(struct buf *to, struct span id);

/* --- from servers ------------------------------------------------------------------------------- */

/* What a notification says.  0; *uri is of what was updated, decoded, borrowed from the message or the arena,
 * else empty.  E_NOTFOUND: it is none of these; E_FORMAT: no URI that we pass on; E_NOMEM. */
must_check int	mcp_read_news(enum mcp_method method, struct json_value params, struct arena *a,
		    enum link_event_kind *what, struct span *uri);
/* Who subscribed to `above` hears of `uri`: the same, or one below it. */
bool		mcp_uri_covers(struct span above, struct span uri);
/* params of a subscriptions/listen to a server, for bridge_write_own(): every list, and uris, which are the
 * elements of an array, raw, or empty. */
must_check int	mcp_write_listen_params(struct buf *to, struct span uris);

#endif
