/* SPDX-License-Identifier: Apache-2.0
 *
 * message.c - a message of the client, its header fields, and what came back for it
 *
 * Process: mcpgw-stdio.  Owns: nothing.
 * Trusts:  the parts of a message only as far as the scanner proved them; no text of either side.
 */
#include <stdarg.h>
#include <stdio.h>

#include "http/head.h"
#include "mcp/header.h"
#include "mcp/version.h"
#include "stdio/message.h"

bool
message_is_handshake(const struct rpc_message *m)
{
	return m->kind == RPC_REQUEST && m->method == MCP_INITIALIZE &&
	    !mcp_version_claims_modern(m->claim_text);
}

bool
message_is_listen(const struct rpc_message *m)
{
	return m->kind == RPC_REQUEST && m->method == MCP_SUBSCRIPTIONS_LISTEN;
}

struct span
message_cancels(const struct rpc_message *m)
{
	return m->kind == RPC_NOTIFICATION && m->method == MCP_NOTE_CANCELLED ? m->request_id.raw : SPAN_NONE;
}

int
message_put_field(struct buf *to, const char *name, struct span value)
{
	if (value.n == 0 || value.n > MESSAGE_FIELDS_MAX || !http_is_value(value))
		return 0;
	return buf_put_fmt(to, "%s: %.*s\r\n", name, SPAN_FMT(value));
}

/* What Mcp-Name repeats (mcp-wire 5); .p is NULL when there is nothing. */
static struct span
name_of(const struct rpc_message *m)
{
	switch (mcp_method_row(m->method)->header) {
	case MCP_HEADER_NAME:
		return m->name;
	case MCP_HEADER_URI:
		return m->uri;
	case MCP_HEADER_TASK_ID:
		return m->task_id;
	default:
		return SPAN_NONE;
	}
}

int
message_put_fields(struct buf *to, const struct rpc_message *m)
{
	struct span	name = name_of(m);
	int		r;

	if ((r = message_put_field(to, "MCP-Protocol-Version", m->claim_text)) != 0)
		return r;
	if (m->kind != RPC_REQUEST)
		return 0;
	if ((r = message_put_field(to, "Mcp-Method", m->method_text)) != 0)
		return r;
	if (name.p == NULL || name.n > MESSAGE_FIELDS_MAX / 2)
		return 0;
	if ((r = buf_put_str(to, "Mcp-Name: ")) != 0 || (r = mcp_header_encode(to, name)) != 0)
		return r;
	return buf_put_str(to, "\r\n");
}

enum reply_kind
reply_judge(struct rpc_scan *s, struct span text, struct span id, struct rpc_answer *out)
{
	if (rpc_answer_whole(s, text, out) != 0)
		return REPLY_BAD;
	if (out->kind != RPC_RESPONSE)
		return REPLY_OTHER;
	return out->id.n == 0 || span_eq(out->id, id) ? REPLY_FINAL : REPLY_FOREIGN;
}

int
reply_put_with_id(struct buf *to, struct span id, const struct rpc_answer *a)
{
	int	r;

	if ((r = buf_put_str(to, "{\"jsonrpc\":\"2.0\",\"id\":")) != 0 || (r = buf_put(to, id)) != 0 ||
	    (r = buf_put_str(to, ",\"error\":")) != 0 || (r = buf_put(to, a->error.raw)) != 0)
		return r;
	return buf_put_str(to, "}");
}

int
reply_put_error(struct buf *to, struct span id, int err, const char *fmt, ...)
{
	const struct err_row	*row = err_row(err);
	char			 text[1024];
	va_list			 ap;
	int			 r;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if ((r = buf_put_str(to, "{\"jsonrpc\":\"2.0\",")) != 0 ||
	    (id.n > 0 && (r = buf_put_fmt(to, "\"id\":%.*s,", SPAN_FMT(id))) != 0) ||
	    (r = buf_put_fmt(to, "\"error\":{\"code\":%d,\"message\":", row->rpc_code)) != 0 ||
	    (r = json_put_string(to, span_of(text))) != 0 ||
	    (row->symbol[0] != '\0' && (r = buf_put_fmt(to, ",\"data\":{\"code\":\"%s\"}", row->symbol)) != 0))
		return r;
	return buf_put_str(to, "}}");
}
