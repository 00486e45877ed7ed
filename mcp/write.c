/* SPDX-License-Identifier: Apache-2.0
 *
 * write.c - messages of our own: errors, results, lists
 *
 * Process: worker.  Owns: nothing; the buffer is the caller's.
 * Trusts:  raw JSON given by the caller to be JSON without line feeds.
 */
#include "mcp/capability.h"
#include "mcp/rpc.h"
#include "mcp/uris.h"
#include "mcp/write.h"

#define ITEM_URIS_MAX	8			/* places in one item of a list; those have four */
#define DETAIL_MAX	1024			/* bytes of a client's text that an error repeats */
#define TITLE	"Agent MCP Gateway"	/* what clients of seed 001 know it as */

/* {"jsonrpc":"2.0","id":ID, */
static int
put_head(struct buf *to, struct span id)
{
	if (id.n == 0)
		return buf_put_str(to, "{\"jsonrpc\":\"2.0\",");
	return buf_put_fmt(to, "{\"jsonrpc\":\"2.0\",\"id\":%.*s,", SPAN_FMT(id));
}

/* ,"name":"text" unless text is empty. */
static int
put_member(struct buf *to, bool *comma, const char *name, struct span text)
{
	int	r;

	if (text.n == 0)
		return 0;
	if ((r = buf_put_fmt(to, "%s\"%s\":", *comma ? "," : "", name)) != 0)
		return r;
	*comma = true;
	return json_put_string(to, text);
}

/* --- errors -------------------------------------------------------------------------------------- */

static int
put_error_data(struct buf *to, const struct mcp_error *e, const struct err_row *row)
{
	bool	comma = false;
	int	r;

	if ((r = put_member(to, &comma, "code", span_of(row->symbol))) != 0 ||
	    (r = put_member(to, &comma, "rule", e->rule)) != 0)
		return r;
	if (e->retry_after_ms > 0) {
		if ((r = buf_put_fmt(to, "%s\"retry_after_ms\":%llu", comma ? "," : "",
		    (unsigned long long)e->retry_after_ms)) != 0)
			return r;
		comma = true;
	}
	if ((r = put_member(to, &comma, "request_id", e->request_id)) != 0 || e->extra.n == 0)
		return r;
	if (comma && (r = buf_put_str(to, ",")) != 0)
		return r;
	return buf_put(to, e->extra);
}

static int
put_error_message(struct buf *to, const struct mcp_error *e, const struct err_row *row)
{
	const char	*text = e->text != NULL ? e->text : row->text;
	struct buf	 whole;
	int		 r;

	if (e->detail.n == 0)
		return json_put_string(to, span_of(text));
	buf_init(&whole, 2 * DETAIL_MAX);
	if ((r = buf_put_fmt(&whole, "%s: ", text)) == 0 &&
	    (r = buf_put(&whole, span_part(e->detail, 0, DETAIL_MAX))) == 0)
		r = json_put_string(to, buf_rest(&whole));
	buf_fini(&whole);
	return r;
}

int
mcp_write_error(struct buf *to, struct span id, const struct mcp_error *e)
{
	const struct err_row	*row = err_row(e->error);
	bool			 has_data = row->symbol[0] != '\0' || e->rule.n > 0 || e->retry_after_ms > 0 ||
				     e->request_id.n > 0 || e->extra.n > 0;
	int			 r;

	if ((r = put_head(to, id)) != 0 ||
	    (r = buf_put_fmt(to, "\"error\":{\"code\":%d,\"message\":", row->rpc_code)) != 0 ||
	    (r = put_error_message(to, e, row)) != 0)
		return r;
	if (has_data) {
		if ((r = buf_put_str(to, ",\"data\":{")) != 0 || (r = put_error_data(to, e, row)) != 0 ||
		    (r = buf_put_str(to, "}")) != 0)
			return r;
	}
	return buf_put_str(to, "}}");
}

/* --- results ------------------------------------------------------------------------------------- */

/* Opens a result; *comma says whether it holds a member already. */
static int
put_result_head(struct buf *to, struct span id, enum mcp_version v, bool *comma)
{
	int	r;

	*comma = mcp_version_is_modern(v);
	if ((r = put_head(to, id)) != 0 || (r = buf_put_str(to, "\"result\":{")) != 0 || !*comma)
		return r;
	return buf_put_str(to, "\"resultType\":\"complete\",\"_meta\":{\"" MCP_META_SERVER_INFO "\":"
	    "{\"name\":\"" MCP_SERVER_NAME "\",\"version\":\"" MCPGW_VERSION "\"}}");
}

int
mcp_write_result(struct buf *to, struct span id, enum mcp_version v, struct span members)
{
	bool	comma;
	int	r;

	if ((r = put_result_head(to, id, v, &comma)) != 0 ||
	    (comma && members.n > 0 && (r = buf_put_str(to, ",")) != 0) ||
	    (r = buf_put(to, members)) != 0)
		return r;
	return buf_put_str(to, "}}");
}

static int
put_offers(struct buf *to, enum mcp_version v, uint32_t offers)
{
	static const struct { uint32_t bit, updated, changed; const char *name; } rows[] = {
		{ MCP_OFFER_TOOLS, 0, MCP_OFFER_TOOLS_CHANGED, "tools" },
		{ MCP_OFFER_PROMPTS, 0, MCP_OFFER_PROMPTS_CHANGED, "prompts" },
		{ MCP_OFFER_RESOURCES, MCP_OFFER_UPDATED, MCP_OFFER_RESOURCES_CHANGED, "resources" },
		{ MCP_OFFER_COMPLETIONS, 0, 0, "completions" }, { MCP_OFFER_LOGGING, 0, 0, "logging" },
	};
	const char	*sep = "";
	bool		 updated, changed;
	int		 r;

	if ((r = buf_put_str(to, "\"capabilities\":{")) != 0)
		return r;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if ((offers & rows[i].bit) == 0)
			continue;
		updated = (offers & rows[i].updated) != 0;
		changed = (offers & rows[i].changed) != 0;
		if ((r = buf_put_fmt(to, "%s\"%s\":{%s%s%s}", sep, rows[i].name, updated ? "\"subscribe\":true" : "",
		    updated && changed ? "," : "", changed ? "\"listChanged\":true" : "")) != 0)
			return r;
		sep = ",";
	}
	/* No list of them: nothing in it says which tool made which, and so who may see it. */
	if ((offers & MCP_OFFER_TASKS) != 0 && (r = buf_put_fmt(to, "%s%s", sep, mcp_version_is_modern(v) ?
	    "\"extensions\":{\"" MCP_EXTENSION_TASKS "\":{}}" :
	    "\"tasks\":{\"cancel\":{},\"requests\":{\"tools\":{\"call\":{}}}}")) != 0)
		return r;
	return buf_put_str(to, "}");
}

int
mcp_write_initialize(struct buf *to, struct span id, enum mcp_version v, uint32_t offers,
    struct span instructions)
{
	bool	comma = true;
	int	r;

	if (v == MCP_2024_11_05)
		offers &= ~(uint32_t)MCP_OFFER_COMPLETIONS;
	if ((r = put_head(to, id)) != 0 ||
	    (r = buf_put_fmt(to, "\"result\":{\"protocolVersion\":\"%s\",", mcp_version_name(v))) != 0 ||
	    (r = put_offers(to, v, offers)) != 0 ||
	    (r = buf_put_str(to, ",\"serverInfo\":{\"name\":\"" MCP_SERVER_NAME "\",")) != 0 ||
	    (v >= MCP_2025_06_18 && (r = buf_put_str(to, "\"title\":\"" TITLE "\",")) != 0) ||
	    (r = buf_put_str(to, "\"version\":\"" MCPGW_VERSION "\"}")) != 0 ||
	    (r = put_member(to, &comma, "instructions", instructions)) != 0)
		return r;
	return buf_put_str(to, "}}");
}

static int
put_cache_hints(struct buf *to, uint32_t ttl_ms, enum mcp_scope scope)
{
	return buf_put_fmt(to, ",\"ttlMs\":%u,\"cacheScope\":\"%s\"", (unsigned)ttl_ms,
	    scope == MCP_SCOPE_PUBLIC ? "public" : "private");
}

int
mcp_write_discover(struct buf *to, struct span id, uint32_t offers, struct span instructions,
    uint32_t ttl_ms, enum mcp_scope scope)
{
	bool	comma;
	int	r;

	if ((r = put_result_head(to, id, MCP_NEWEST_MODERN, &comma)) != 0 ||
	    (r = buf_put_fmt(to, ",\"supportedVersions\":%.*s,", SPAN_FMT(mcp_version_supported()))) != 0 ||
	    (r = put_offers(to, MCP_NEWEST_MODERN, offers)) != 0 ||
	    (r = put_member(to, &comma, "instructions", instructions)) != 0 ||
	    (r = put_cache_hints(to, ttl_ms, scope)) != 0)
		return r;
	return buf_put_str(to, "}}");
}

/* --- lists --------------------------------------------------------------------------------------- */

int
mcp_list_begin(struct mcp_list *l, struct buf *to, struct span id, enum mcp_version v,
    enum catalogue_kind kind)
{
	bool	comma;
	int	r;

	*l = (struct mcp_list){ .to = to, .version = v, .kind = kind };
	if ((r = put_result_head(to, id, v, &comma)) != 0)
		return r;
	return buf_put_fmt(to, "%s\"%s\":[", comma ? "," : "", catalogue_row(kind)->member);
}

/* The members that this revision does not know (mcp-wire 14.14). */
static unsigned
unknown_members(enum mcp_version v)
{
	unsigned	bits = 0;

	if (mcp_version_is_modern(v))
		return CATALOGUE_HAS_EXECUTION;
	bits |= CATALOGUE_HAS_OUTPUT_ANY;
	if (v <= MCP_2025_06_18)
		bits |= CATALOGUE_HAS_ICONS | CATALOGUE_HAS_EXECUTION;
	if (v <= MCP_2025_03_26)
		bits |= CATALOGUE_HAS_TITLE | CATALOGUE_HAS_OUTPUT;
	if (v <= MCP_2024_11_05)
		bits |= CATALOGUE_HAS_ANNOTATIONS;
	return bits;
}

/* An item's object, member by member, without those in `drop`, under another name if one is given, and with
 * these changes. */
static int
put_members(struct buf *to, enum catalogue_kind kind, struct json_value object, unsigned drop,
    struct span name, const struct splices *changes)
{
	struct json_iter	it;
	struct json_value	value;
	struct span		key;
	const char		*sep = "{";
	int			r;

	json_iter_init(&it, object);
	while (json_iter_next(&it, &key, &value)) {
		if ((catalogue_member_of(kind, key, value) & drop) != 0)
			continue;
		if ((r = buf_put_fmt(to, "%s\"%.*s\":", sep, SPAN_FMT(key))) != 0)
			return r;
		if (name.n > 0 && json_is(json_key(key), "name"))
			r = json_put_string(to, name);
		else
			r = splice_text(to, value.raw, changes);
		if (r != 0)
			return r;
		sep = ",";
	}
	return buf_put_str(to, "}");
}

static int
list_separator(struct mcp_list *l)
{
	bool	comma = l->comma;

	l->comma = true;
	return comma ? buf_put_str(l->to, ",") : 0;
}

int
mcp_list_item(struct mcp_list *l, const struct catalogue_item *t, bool composed)
{
	struct span	name = composed && catalogue_row(l->kind)->composes ?
			    span_make(t->composed, t->composed_bytes) : SPAN_NONE;
	unsigned	drop = unknown_members(l->version);
	struct splice	room[ITEM_URIS_MAX];
	struct splices	changes;
	size_t		head;
	int		r;

	splices_init_in(&changes, room, ITEM_URIS_MAX);
	if ((l->uris.n > 0 && (r = uris_of_item(l->kind, t->object, l->uris, &changes)) != 0) ||
	    (r = list_separator(l)) != 0)
		return r;
	if ((t->members & drop) != 0 || changes.count > 0)
		return put_members(l->to, l->kind, t->object, drop, name, &changes);
	if (name.n == 0)
		return buf_put(l->to, t->object.raw);
	head = (size_t)(t->name_value.raw.p - t->object.raw.p);
	if ((r = buf_put(l->to, span_part(t->object.raw, 0, head))) != 0 ||
	    (r = json_put_string(l->to, name)) != 0)
		return r;
	return buf_put(l->to, span_part(t->object.raw, head + t->name_value.raw.n, SIZE_MAX));
}

int
mcp_list_raw(struct mcp_list *l, struct span object)
{
	const struct splices	nothing = { .count = 0 };
	int			r;

	if ((r = list_separator(l)) != 0)
		return r;
	return put_members(l->to, l->kind, (struct json_value){ JSON_OBJECT, object },
	    unknown_members(l->version), SPAN_NONE, &nothing);
}

int
mcp_list_end(struct mcp_list *l, struct span cursor, uint32_t ttl_ms, enum mcp_scope scope)
{
	bool	comma = true;
	int	r;

	if ((r = buf_put_str(l->to, "]")) != 0 ||
	    (r = put_member(l->to, &comma, "nextCursor", cursor)) != 0 ||
	    (mcp_version_is_modern(l->version) && (r = put_cache_hints(l->to, ttl_ms, scope)) != 0))
		return r;
	return buf_put_str(l->to, "}}");
}

/* --- tools/call ---------------------------------------------------------------------------------- */

static int
put_call_result(struct buf *to, struct span id, enum mcp_version v, bool is_error, struct span text,
    struct json_value json)
{
	bool	comma, wrap = json.type != JSON_OBJECT;
	int	r;

	if ((r = put_result_head(to, id, v, &comma)) != 0 ||
	    (r = buf_put_fmt(to, "%s\"content\":[{\"type\":\"text\",\"text\":", comma ? "," : "")) != 0 ||
	    (r = json_put_string(to, text)) != 0 || (r = buf_put_str(to, "}]")) != 0)
		return r;
	if (json.type != JSON_NONE && v >= MCP_2025_06_18) {
		if ((r = buf_put_str(to, wrap ? ",\"structuredContent\":{\"result\":" :
		    ",\"structuredContent\":")) != 0 ||
		    (r = buf_put(to, json.raw)) != 0 || (r = buf_put_str(to, wrap ? "}" : "")) != 0)
			return r;
	}
	return buf_put_fmt(to, ",\"isError\":%s}}", is_error ? "true" : "false");
}

int
mcp_write_tool_json(struct buf *to, struct span id, enum mcp_version v, bool is_error,
    struct json_value json)
{
	return put_call_result(to, id, v, is_error, json.raw, json);
}

int
mcp_write_tool_text(struct buf *to, struct span id, enum mcp_version v, bool is_error, struct span text)
{
	return put_call_result(to, id, v, is_error, text, (struct json_value){ JSON_NONE, SPAN_NONE });
}
