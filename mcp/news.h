/* SPDX-License-Identifier: Apache-2.0
 *
 * news.h - messages of our own that are of no call: what changed, and of subscriptions/listen (mcp-wire 8)
 *
 * As in mcp/write.h: one message is appended; 0, E_TOOBIG or E_NOMEM.  id: of the client's listen request, raw;
 * every message of its stream names it.  Empty: of a legacy session.
 */
#ifndef MCP_NEWS_H
#define MCP_NEWS_H

#include "lib/buf.h"

#define MCP_META_SUBSCRIPTION	"io.modelcontextprotocol/subscriptionId"

/* uri: of what was updated; empty for lists. */
must_check int	mcp_write_news(struct buf *to, const char *method, struct span uri, struct span id);
/* What is heard from now on: enum mcp_offer bits of lists, with MCP_OFFER_CHANGES; and uris, the elements of an
 * array, raw, or empty. */
must_check int	mcp_write_listen_ack(struct buf *to, struct span id, uint32_t offers, struct span uris);
/* The result: the stream ended as it should. */
must_check int	mcp_write_listen_end(struct buf *to, struct span id);

#endif
