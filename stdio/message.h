/* SPDX-License-Identifier: Apache-2.0
 *
 * message.h - a message of the client, and the header fields it is sent with (mcp-wire 3.4, 5)
 */
#ifndef STDIO_MESSAGE_H
#define STDIO_MESSAGE_H

#include "mcp/rpc.h"

#define MESSAGE_FIELDS_MAX	(12 * 1024)	/* the gateway takes heads of 16 KiB */

/* It says which revision it is of: the modern era. */
static inline bool
message_is_modern(const struct rpc_message *m)
{
	return m->claim.type != JSON_NONE;
}

/* It begins a session of the legacy era. */
bool		message_is_handshake(const struct rpc_message *m);
/* A long answer that ends when either side wants: nobody waits for it. */
bool		message_is_listen(const struct rpc_message *m);
/* The raw id that notifications/cancelled names; empty when it is none. */
struct span	message_cancels(const struct rpc_message *m);

/* Appends MCP-Protocol-Version, Mcp-Method and Mcp-Name of a modern message, each line ended; what cannot
 * stand in a header is left out, and the gateway says so.  0, E_TOOBIG or E_NOMEM. */
must_check int	message_put_fields(struct buf *to, const struct rpc_message *m);
/* One "Name: value" line, unless the value cannot stand in a header. */
must_check int	message_put_field(struct buf *to, const char *name, struct span value);

/* --- what came back -------------------------------------------------------------------------------- */

enum reply_kind {
	REPLY_BAD,		/* no message */
	REPLY_FINAL,		/* the answer to this id, or an error without one */
	REPLY_FOREIGN,		/* an answer to another */
	REPLY_OTHER,		/* a notification, or a request of the server */
};

/* Judges one JSON text that came for the request with this raw id; empty: for none in particular. */
enum reply_kind	reply_judge(struct rpc_scan *s, struct span text, struct span id, struct rpc_answer *out);
/* Appends the error with this id, for one that came without. */
must_check int	reply_put_with_id(struct buf *to, struct span id, const struct rpc_answer *a);
/* Appends an error of our own: code and symbol are those of this E_*.  An empty id is left out. */
must_check int	reply_put_error(struct buf *to, struct span id, int err, const char *fmt, ...)
		    __attribute__((format(printf, 4, 5)));

#endif
