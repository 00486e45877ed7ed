/* SPDX-License-Identifier: Apache-2.0
 *
 * upcall.c - the request we send to a server, made from the request a client sent to us
 *
 * Process: worker.  Owns: nothing.
 * Trusts:  that params and arguments were proven to be JSON before.
 */
#include "lib/bug.h"
#include "mcp/upcall.h"

#define RESERVED	"io.modelcontextprotocol/"
#define OUR_META							\
	"\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","	\
	"\"io.modelcontextprotocol/clientCapabilities\":{},"		\
	"\"io.modelcontextprotocol/clientInfo\":{\"name\":\"mcpgw\",\"version\":\"" MCPGW_VERSION "\"}"

/* Members of one hop, never copied to the next. */
static bool
meta_is_ours(struct span key)
{
	return span_starts(key, SPAN_LIT(RESERVED)) || span_is(key, "progressToken");
}

static int
put_member(struct buf *to, const char *comma, struct span key, struct span raw)
{
	int	r;

	if ((r = buf_put_str(to, comma)) != 0 || (r = buf_put_str(to, "\"")) != 0 ||
	    (r = buf_put(to, key)) != 0 || (r = buf_put_str(to, "\":")) != 0)
		return r;
	return buf_put(to, raw);
}

/* A member name spelled with escapes could hide from the names we replace, and be read as one of them
 * by the server: refused, in params and `_meta` (threats T13). */
static bool
key_is_plain(struct span key)
{
	return memchr(key.p, '\\', key.n) == NULL;
}

/* `_meta`: the client's other keys, then ours, marked so that a legacy server's copy goes without. */
static int
put_meta(struct json_value meta, bool first, struct buf *to, struct upcall_span *cut)
{
	struct json_iter	 it;
	struct json_value	 v;
	struct span		 key;
	size_t			 start = to->used, mark;
	bool			 kept = false;
	int			 r;

	if (meta.type == JSON_OBJECT) {
		json_iter_init(&it, meta);
		while (json_iter_next(&it, &key, &v)) {
			if (!key_is_plain(key))
				return E_RPC_PARAMS;
			if (meta_is_ours(key))
				continue;
			if (!kept && (r = buf_put_str(to, first ? "\"_meta\":{" : ",\"_meta\":{")) != 0)
				return r;
			if ((r = put_member(to, kept ? "," : "", key, v.raw)) != 0)
				return r;
			kept = true;
		}
	}
	if (kept) {
		mark = to->used;
		if ((r = buf_put_str(to, "," OUR_META)) != 0)
			return r;
		*cut = (struct upcall_span){ (uint32_t)mark, (uint32_t)(to->used - mark) };
		return buf_put_str(to, "}");
	}
	if ((r = buf_put_str(to, first ? "\"_meta\":{" OUR_META "}" : ",\"_meta\":{" OUR_META "}")) != 0)
		return r;
	*cut = (struct upcall_span){ (uint32_t)start, (uint32_t)(to->used - start) };
	return 0;
}

static bool
member_is_replaced(const struct upcall *u, struct span key)
{
	return span_is(key, "_meta") || (u->name.p != NULL && span_is(key, "name")) ||
	    span_is(key, "cursor");
}

int
upcall_write(const struct upcall *u, struct buf *to, struct upcall_span *id,
    struct upcall_span *modern_meta)
{
	struct json_value	 meta = json_get(u->params, "_meta"), v;
	struct json_iter	 it;
	struct span		 key;
	bool			 first = true;
	int			 r;

	BUG_ON(to->used != 0);
	if ((r = buf_put_str(to, "{\"jsonrpc\":\"2.0\",\"id\":")) != 0)
		return r;
	*id = (struct upcall_span){ (uint32_t)to->used, 1 };
	if ((r = buf_put_str(to, "0,\"method\":")) != 0 || (r = json_put_string(to, u->method)) != 0 ||
	    (r = buf_put_str(to, ",\"params\":{")) != 0)
		return r;
	if (u->name.p != NULL) {
		if ((r = buf_put_str(to, "\"name\":")) != 0 || (r = json_put_string(to, u->name)) != 0)
			return r;
		first = false;
	}
	if (u->cursor.n > 0) {
		if ((r = put_member(to, first ? "" : ",", SPAN_LIT("cursor"), u->cursor)) != 0)
			return r;
		first = false;
	}
	if (u->params.type == JSON_OBJECT) {
		json_iter_init(&it, u->params);
		while (json_iter_next(&it, &key, &v)) {
			if (!key_is_plain(key))
				return E_RPC_PARAMS;
			if (member_is_replaced(u, key))
				continue;
			if ((r = put_member(to, first ? "" : ",", key, v.raw)) != 0)
				return r;
			first = false;
		}
	} else if (u->arguments.type != JSON_NONE) {
		r = put_member(to, first ? "" : ",", SPAN_LIT("arguments"), u->arguments.raw);
		if (r != 0)
			return r;
		first = false;
	}
	if ((r = put_meta(meta, first, to, modern_meta)) != 0)
		return r;
	return buf_put_str(to, "}}");
}
