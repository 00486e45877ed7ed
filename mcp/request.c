/* SPDX-License-Identifier: Apache-2.0
 *
 * request.c - requests to upstreams, built around the client's own bytes
 *
 * Process: worker, runner.
 * Owns:    nothing; the buffer is the caller's.
 * Trusts:  that a message was read by rpc_scan_end(): its parts are proven JSON.
 */
#include "lib/bug.h"
#include "mcp/bridge.h"
#include "mcp/capability.h"
#include "mcp/write.h"

/* Members of params that are written anew, or belong to one hop and never pass: what the gateway has
 * not offered (inputs for a state of its own) it does not forward either. */
static const char *const own_params[] = { "name", "arguments", "_meta", "cursor", "inputResponses",
	"requestState", "task", NULL };

/* Proven JSON, its line feeds made blanks: they stand between tokens only. */
static int
put_raw(struct buf *to, struct span raw)
{
	char	*p, *hit, *end;
	int	 r;

	if ((r = buf_reserve(to, raw.n, &p)) != 0)
		return r;
	if (raw.n > 0)
		memcpy(p, raw.p, raw.n);
	end = p + raw.n;
	for (hit = p; (hit = memchr(hit, '\n', (size_t)(end - hit))) != NULL; hit++)
		*hit = ' ';
	for (hit = p; (hit = memchr(hit, '\r', (size_t)(end - hit))) != NULL; hit++)
		*hit = ' ';
	buf_commit(to, raw.n);
	return 0;
}

static int
put_comma(struct buf *to, bool *comma)
{
	bool	was = *comma;

	*comma = true;
	return was ? buf_put_str(to, ",") : 0;
}

static int
put_copy(struct buf *to, bool *comma, struct span key, struct json_value value)
{
	int	r;

	if ((r = put_comma(to, comma)) != 0 || (r = buf_put(to, span_make(key.p - 1, key.n + 2))) != 0 ||
	    (r = buf_put_str(to, ":")) != 0)
		return r;
	return put_raw(to, value.raw);
}

/* Whether a key of _meta belongs to one hop (mcp-wire 6). */
static int
is_reserved(struct span key, bool *yes)
{
	struct arena	a;
	struct span	name;
	int		r = 0;

	*yes = span_starts(key, SPAN_LIT(MCP_META_RESERVED)) || json_is(json_key(key), "progressToken");
	if (*yes || memchr(key.p, '\\', key.n) == NULL)
		return 0;
	arena_init(&a, NULL, 0, JSON_NAME_MAX);
	if ((r = json_string(json_key(key), &a, &name)) == 0)
		*yes = span_starts(name, SPAN_LIT(MCP_META_RESERVED));
	arena_fini(&a);
	return r;
}

static int
put_modern_keys(struct buf *to, uint64_t capabilities, enum mcp_level level)
{
	int	r;

	if (level != MCP_LEVEL_NONE &&
	    (r = buf_put_fmt(to, "\"" MCP_META_LOG_LEVEL "\":\"%s\",", mcp_level_name(level))) != 0)
		return r;

	if ((r = buf_put(to, SPAN_LIT("\"" MCP_META_VERSION "\":\""))) != 0 ||
	    (r = buf_put_str(to, mcp_version_name(MCP_NEWEST_MODERN))) != 0 ||
	    (r = buf_put(to, SPAN_LIT("\",\"" MCP_META_CLIENT_INFO "\":{\"name\":\"" MCP_SERVER_NAME
	    "\",\"version\":\"" MCPGW_VERSION "\"},\"" MCP_META_CAPABILITIES "\":"))) != 0)
		return r;
	return mcp_capabilities_write(to, capabilities);
}

/* "00-" trace id "-" parent id "-" flags, all in hex (W3C Trace Context 3.2): an id, which no server works by. */
static bool
is_trace_id(struct json_value key, struct json_value value)
{
	static const char	form[] = "\"00-hhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhh-hhhhhhhhhhhhhhhh-hh\"";

	if (!json_is(key, "traceparent") || value.raw.n != sizeof(form) - 1)
		return false;
	for (size_t i = 0; i < value.raw.n; i++) {
		const char	c = value.raw.p[i];

		if (form[i] == 'h' ? !((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')) : c != form[i])
			return false;
	}
	return true;
}

/* The keys that pass, and our progress token, without the braces. */
static int
put_passing_keys(struct buf *to, const struct bridge_request *q, bool *any)
{
	struct json_iter	it;
	struct json_value	value;
	struct span		key;
	bool			reserved;
	int			r;

	*any = false;
	if (q->progress_token.n > 0) {
		if ((r = buf_put_fmt(to, "\"progressToken\":%.*s", SPAN_FMT(q->progress_token))) != 0)
			return r;
		*any = true;
	}
	if (q->from == NULL)
		return 0;
	json_iter_init(&it, q->from->meta);
	while (json_iter_next(&it, &key, &value)) {
		if ((r = is_reserved(key, &reserved)) != 0)
			return r;
		if (reserved || (q->untraced && is_trace_id(json_key(key), value)))
			continue;
		if ((r = put_copy(to, any, key, value)) != 0)
			return r;
	}
	return 0;
}

/* _meta as the last member of params.  *cut_at, *cut_end: what a legacy instance must not get. */
static int
put_meta(struct buf *to, const struct bridge_request *q, bool comma, size_t *cut_at, size_t *cut_end)
{
	size_t	start = to->used;
	bool	any;
	int	r;

	*cut_at = *cut_end = start;
	if ((r = put_comma(to, &comma)) != 0 || (r = buf_put_str(to, "\"_meta\":{")) != 0)
		return r;
	if ((r = put_passing_keys(to, q, &any)) != 0)
		return r;
	if (q->meta == BRIDGE_LEGACY) {
		if (any)
			return buf_put_str(to, "}");
		to->used = start;
		return 0;
	}
	*cut_at = any ? to->used : start;
	if ((any && (r = buf_put_str(to, ",")) != 0) || (r = put_modern_keys(to, q->capabilities, q->log_level)) != 0)
		return r;
	*cut_end = to->used;
	if ((r = buf_put_str(to, "}")) != 0)
		return r;
	if (!any)
		*cut_end = to->used;
	return 0;
}

static int
put_ref(struct buf *to, const struct bridge_request *q, bool *outer)
{
	struct json_iter	it;
	struct json_value	value;
	struct span		key;
	bool			comma = false;
	int			r;

	if ((r = put_comma(to, outer)) != 0 || (r = buf_put_str(to, "\"ref\":{")) != 0)
		return r;
	json_iter_init(&it, q->ref);
	while (json_iter_next(&it, &key, &value)) {
		if (!json_is(json_key(key), q->ref_is_uri ? "uri" : "name"))
			r = put_copy(to, &comma, key, value);
		else if ((r = put_comma(to, &comma)) == 0 &&
		    (r = buf_put_str(to, q->ref_is_uri ? "\"uri\":" : "\"name\":")) == 0)
			r = json_put_string(to, q->ref_name);
		if (r != 0)
			return r;
	}
	return buf_put_str(to, "}");
}

static int
put_params(struct buf *to, const struct bridge_request *q, bool *comma)
{
	struct json_iter	it;
	struct json_value	value;
	struct span		key;
	int			r;

	if (q->name.n > 0 && ((r = put_comma(to, comma)) != 0 || (r = buf_put_str(to, "\"name\":")) != 0 ||
	    (r = json_put_string(to, q->name)) != 0))
		return r;
	if (q->task_id.n > 0 && ((r = put_comma(to, comma)) != 0 || (r = buf_put_str(to, "\"taskId\":")) != 0 ||
	    (r = json_put_string(to, q->task_id)) != 0))
		return r;
	if (q->task.n > 0 && ((r = put_comma(to, comma)) != 0 || (r = buf_put_str(to, "\"task\":")) != 0 ||
	    (r = put_raw(to, q->task)) != 0))
		return r;
	if (q->uri.n > 0 && ((r = put_comma(to, comma)) != 0 || (r = buf_put_str(to, "\"uri\":")) != 0 ||
	    (r = json_put_string(to, q->uri)) != 0))
		return r;
	if (q->arguments.type != JSON_NONE && ((r = put_comma(to, comma)) != 0 ||
	    (r = buf_put_str(to, "\"arguments\":")) != 0 || (r = put_raw(to, q->arguments.raw)) != 0))
		return r;
	if (q->cursor.n > 0 && ((r = put_comma(to, comma)) != 0 ||
	    (r = buf_put_fmt(to, "\"cursor\":%.*s", SPAN_FMT(q->cursor))) != 0))
		return r;
	if (q->input_responses.n > 0 && ((r = put_comma(to, comma)) != 0 ||
	    (r = buf_put_str(to, "\"inputResponses\":")) != 0 || (r = put_raw(to, q->input_responses)) != 0))
		return r;
	if (q->request_state.n > 0 && ((r = put_comma(to, comma)) != 0 ||
	    (r = buf_put_str(to, "\"requestState\":")) != 0 || (r = put_raw(to, q->request_state)) != 0))
		return r;
	if (q->ref.type != JSON_NONE && (r = put_ref(to, q, comma)) != 0)
		return r;
	if (q->from == NULL)
		return 0;
	json_iter_init(&it, q->from->params);
	while (json_iter_next(&it, &key, &value)) {
		if (json_is_one_of(json_key(key), own_params) ||
		    (q->ref.type != JSON_NONE && json_is(json_key(key), "ref")) ||
		    (q->task_id.n > 0 && json_is(json_key(key), "taskId")) ||
		    (q->uri.n > 0 && json_is(json_key(key), "uri")))
			continue;
		if ((r = put_copy(to, comma, key, value)) != 0)
			return r;
	}
	return 0;
}

int
bridge_put_passing(struct buf *to, const struct rpc_message *from)
{
	const struct bridge_request	q = { .from = from, .meta = BRIDGE_LEGACY, .untraced = true };
	size_t				at, end;
	bool				comma = false;
	int				r;

	if ((r = buf_put_str(to, "{")) != 0 || (r = put_params(to, &q, &comma)) != 0 ||
	    (r = put_meta(to, &q, comma, &at, &end)) != 0)
		return r;
	return buf_put_str(to, "}");
}

static struct bridge_mark
mark(size_t base, size_t at, size_t end)
{
	return (struct bridge_mark){ (uint32_t)(at - base), (uint32_t)(end - at) };
}

int
bridge_write_request(struct buf *to, const struct bridge_request *q, struct bridge_mark *id,
    struct bridge_mark *modern)
{
	size_t	base = to->used, id_at, cut_at, cut_end;
	bool	comma = false;
	int	r;

	if ((r = buf_put_str(to, "{\"jsonrpc\":\"2.0\",\"id\":")) != 0)
		return r;
	id_at = to->used;
	if ((r = buf_put(to, q->id)) != 0)
		return r;
	if (id != NULL)
		*id = mark(base, id_at, to->used);
	if ((r = buf_put(to, SPAN_LIT(",\"method\":\""))) != 0 ||
	    (r = buf_put_str(to, mcp_method_row(q->method)->text)) != 0 ||
	    (r = buf_put(to, SPAN_LIT("\",\"params\":{"))) != 0 ||
	    (r = put_params(to, q, &comma)) != 0 || (r = put_meta(to, q, comma, &cut_at, &cut_end)) != 0)
		return r;
	if (modern != NULL)
		*modern = mark(base, cut_at, cut_end);
	return buf_put_str(to, "}}");
}

int
bridge_write_own(struct buf *to, enum mcp_method method, struct span id, struct span params,
    enum bridge_meta meta)
{
	bool	has_params = params.n > 2;
	int	r;

	BUG_ON(meta == BRIDGE_EITHER);
	if ((r = buf_put_str(to, "{\"jsonrpc\":\"2.0\"")) != 0 ||
	    (id.n > 0 && (r = buf_put_fmt(to, ",\"id\":%.*s", SPAN_FMT(id))) != 0) ||
	    (r = buf_put_fmt(to, ",\"method\":\"%s\"", mcp_method_row(method)->text)) != 0)
		return r;
	if (meta == BRIDGE_MODERN) {
		if ((r = buf_put_str(to, ",\"params\":{")) != 0 ||
		    (has_params && (r = buf_put(to, span_part(params, 1, params.n - 2))) != 0) ||
		    (r = buf_put_str(to, has_params ? ",\"_meta\":{" : "\"_meta\":{")) != 0 ||
		    (r = put_modern_keys(to, 0, MCP_LEVEL_NONE)) != 0 || (r = buf_put_str(to, "}}")) != 0)
			return r;
	} else if (params.n > 0) {
		if ((r = buf_put_str(to, ",\"params\":")) != 0 || (r = buf_put(to, params)) != 0)
			return r;
	}
	return buf_put_str(to, "}");
}

int
bridge_write_initialize_params(struct buf *to, enum mcp_version v, uint64_t capabilities)
{
	int	r;

	if ((r = buf_put_fmt(to, "{\"protocolVersion\":\"%s\",\"capabilities\":", mcp_version_name(v))) != 0 ||
	    (r = mcp_capabilities_write(to, capabilities)) != 0)
		return r;
	return buf_put_str(to, ",\"clientInfo\":{\"name\":\"" MCP_SERVER_NAME "\",\"version\":\"" MCPGW_VERSION
	    "\"}}");
}
