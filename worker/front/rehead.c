/* SPDX-License-Identifier: Apache-2.0
 *
 * rehead.c - the head of another request in the name of the same client
 *
 * Process: worker.  Owns: nothing.
 * Trusts:  that `from` was parsed; what is written of it is parsed again.
 */
#include "worker/front/rehead.h"

/* Fields that came twice do so again: whoever looks at them refuses that. */
static bool
goes_along(uint16_t id)
{
	switch ((enum http_header)id) {
	case HTTP_HOST:
	case HTTP_ORIGIN:
	case HTTP_AUTHORIZATION:
	case HTTP_X_API_KEY:
	case HTTP_MCPGW_AS:
	case HTTP_MCP_PROTOCOL_VERSION:
		return true;
	default:
		return false;
	}
}

static int
put_fields(struct buf *to, const struct http_head *from)
{
	int	r;

	for (size_t i = 0; i < from->count; i++)
		if (goes_along(from->fields[i].id) && ((r = buf_put(to, http_field_name(from, i))) != 0 ||
		    (r = buf_put_str(to, ": ")) != 0 || (r = buf_put(to, http_field_value(from, i))) != 0 ||
		    (r = buf_put_str(to, "\r\n")) != 0))
			return r;
	return 0;
}

int
rehead_write(struct buf *to, const struct http_head *from, const char *method, struct span path,
    struct span session, size_t body_bytes, struct http_head *out)
{
	size_t		at = to->used;
	struct span	text;
	int		r;

	if ((r = buf_put_fmt(to, "%s %.*s HTTP/1.%u\r\n", method, SPAN_FMT(path), from->minor)) != 0 ||
	    (r = put_fields(to, from)) != 0 ||
	    (session.n > 0 && (r = buf_put_fmt(to, "Mcp-Session-Id: %.*s\r\n", SPAN_FMT(session))) != 0) ||
	    (r = buf_put_fmt(to, "Accept: application/json, text/event-stream\r\nContent-Type: application/json\r\n"
	    "Content-Length: %zu\r\n\r\n", body_bytes)) != 0)
		return r == E_TOOBIG ? E_HTTP_HEAD : r;
	text = span_make(to->data + at, to->used - at);
	http_head_init(out, HTTP_REQUEST);
	if ((r = http_head_parse(out, text.p, text.n)) != 0)
		return r == E_AGAIN ? E_HTTP_HEAD : r;
	return 0;
}
