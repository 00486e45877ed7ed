/* SPDX-License-Identifier: Apache-2.0
 *
 * bridge.c - answers of upstreams for clients: from one revision to the other, as pieces
 *
 * Process: worker.
 * Owns:    nothing; pieces borrow from the answer's text, static text and the caller's arena.
 * Trusts:  that an answer was read by rpc_answer_end(): its parts are proven JSON.
 */
#include "mcp/bridge_priv.h"
#include "mcp/elicit.h"
#include "mcp/write.h"

#define PIECES_MAX	(64 * 1024)
#define TEXT_MAX	(64 * 1024)	/* of a value that is written again as text */

#define NO_VALUES	"\"completion\":{\"values\":[]}"

/* --- pieces -------------------------------------------------------------------------------------- */

int
bridge_pieces_add(struct bridge_pieces *p, struct span s)
{
	struct span	*wider;
	size_t		 room;

	if (s.n == 0)
		return 0;
	p->bytes += s.n;
	if (p->count > 0 && p->piece[p->count - 1].p + p->piece[p->count - 1].n == s.p) {
		p->piece[p->count - 1].n += s.n;
		return 0;
	}
	if (p->count == p->room) {
		room = p->room == 0 ? 16 : p->room * 2;
		if (room > PIECES_MAX)
			return E_TOOBIG;
		if ((wider = arena_alloc(p->arena, room * sizeof(*wider))) == NULL)
			return E_NOMEM;
		if (p->count > 0)
			memcpy(wider, p->piece, p->count * sizeof(*wider));
		p->piece = wider;
		p->room = room;
	}
	p->piece[p->count++] = s;
	return 0;
}

int
bridge_pieces_str(struct bridge_pieces *p, const char *text)
{
	return bridge_pieces_add(p, span_of(text));
}

int
bridge_pieces_write(struct buf *to, const struct bridge_pieces *p)
{
	int	r;

	for (size_t i = 0; i < p->count; i++)
		if ((r = buf_put(to, p->piece[i])) != 0)
			return r;
	return 0;
}

/* --- an object that loses and gains members ------------------------------------------------------ */

static int
object_open(struct bridge_object *o, struct bridge_pieces *to)
{
	*o = (struct bridge_object){ .to = to };
	return bridge_pieces_str(to, "{");
}

int
bridge_object_keep(struct bridge_object *o, struct span key, struct json_value value)
{
	const char	*end = value.raw.p + value.raw.n, *from = key.p - 1;
	int		 r;

	if (o->end != NULL) {
		from = o->end;
	} else if (o->comma && (r = bridge_pieces_str(o->to, ",")) != 0) {
		return r;
	}
	o->comma = true;
	o->end = end;
	return bridge_pieces_add(o->to, span_make(from, (size_t)(end - from)));
}

static void
object_drop(struct bridge_object *o)
{
	o->end = NULL;
}

int
bridge_object_put(struct bridge_object *o, const char *text)
{
	int	r;

	o->end = NULL;
	if (o->comma && (r = bridge_pieces_str(o->to, ",")) != 0)
		return r;
	o->comma = true;
	return bridge_pieces_str(o->to, text);
}

static int
object_close(struct bridge_object *o)
{
	return bridge_pieces_str(o->to, "}");
}

/* --- content for old revisions ------------------------------------------------------------------- */

static int
put_block(struct bridge_pieces *to, struct json_value block, enum mcp_version v)
{
	struct json_value	type = json_get(block, "type"), uri = json_get(block, "uri");
	int			r;

	if (json_is(type, "resource_link") && uri.type == JSON_STRING) {
		if ((r = bridge_pieces_str(to, "{\"type\":\"text\",\"text\":")) != 0 ||
		    (r = bridge_pieces_add(to, uri.raw)) != 0)
			return r;
		return bridge_pieces_str(to, "}");
	}
	if (v == MCP_2024_11_05 && json_is(type, "audio"))
		return bridge_pieces_str(to, "{\"type\":\"text\","
		    "\"text\":\"[audio, which this protocol version has not]\"}");
	return bridge_pieces_add(to, block.raw);
}

static int
put_content(struct bridge_pieces *to, struct json_value content, enum mcp_version v)
{
	struct json_iter	it;
	struct json_value	block;
	struct span		key;
	const char		*sep = "\"content\":[";
	int			r;

	json_iter_init(&it, content);
	while (json_iter_next(&it, &key, &block)) {
		if ((r = bridge_pieces_str(to, sep)) != 0 || (r = put_block(to, block, v)) != 0)
			return r;
		sep = ",";
	}
	return bridge_pieces_str(to, *sep == ',' ? "]" : "\"content\":[]");
}

/* A prompt's messages: each has one block. */
static int
put_messages(struct bridge_pieces *to, struct json_value messages, enum mcp_version v)
{
	struct json_iter	it, members;
	struct json_value	message, value;
	struct span		key;
	struct bridge_object		o;
	const char		*sep = "\"messages\":[";
	int			r;

	json_iter_init(&it, messages);
	while (json_iter_next(&it, &key, &message)) {
		if ((r = bridge_pieces_str(to, sep)) != 0)
			return r;
		sep = ",";
		if (message.type != JSON_OBJECT) {
			if ((r = bridge_pieces_add(to, message.raw)) != 0)
				return r;
			continue;
		}
		if ((r = object_open(&o, to)) != 0)
			return r;
		json_iter_init(&members, message);
		while (json_iter_next(&members, &key, &value)) {
			if (!json_is(json_key(key), "content"))
				r = bridge_object_keep(&o, key, value);
			else if ((r = bridge_object_put(&o, "\"content\":")) == 0)
				r = put_block(to, value, v);
			if (r != 0)
				return r;
		}
		if ((r = object_close(&o)) != 0)
			return r;
	}
	return bridge_pieces_str(to, *sep == ',' ? "]" : "\"messages\":[]");
}

/* A text block with a value's JSON, for clients that get nothing else of it. */
static int
put_as_text(struct bridge_pieces *to, struct json_value value)
{
	struct buf	b;
	struct span	copy = SPAN_NONE;
	int		r;

	buf_init(&b, TEXT_MAX);
	if ((r = json_put_string(&b, value.raw)) == 0 && (copy = arena_dup(to->arena, buf_rest(&b))).p == NULL)
		r = E_NOMEM;
	buf_fini(&b);
	if (r != 0 || (r = bridge_pieces_str(to, "\"content\":[{\"type\":\"text\",\"text\":")) != 0 ||
	    (r = bridge_pieces_add(to, copy)) != 0)
		return r;
	return bridge_pieces_str(to, "}]");
}

/* --- results ------------------------------------------------------------------------------------- */

static bool
is_empty(struct json_value array)
{
	struct json_iter	it;
	struct json_value	value;
	struct span		key;

	json_iter_init(&it, array);
	return !json_iter_next(&it, &key, &value);
}

struct bridge_plan
bridge_make_plan(const struct rpc_answer *from, const struct bridge_answer *how)
{
	struct bridge_plan	p = { .stamp = mcp_version_is_modern(how->client) };

	p.strip = !p.stamp && (how->upstream_modern || how->of_task);
	/* Asked about later a task is a result like any other, whatever its server calls it (16.7). */
	p.task = p.stamp && how->task && how->method == MCP_TOOLS_CALL && json_is(from->result_type, "task");
	p.hints = p.stamp && how->method == MCP_RESOURCES_READ;
	p.old_messages = how->client <= MCP_2025_03_26 && how->method == MCP_PROMPTS_GET;
	if (how->method != MCP_TOOLS_CALL)
		return p;
	p.no_structured = from->structured.type != JSON_NONE && (how->client <= MCP_2025_03_26 ||
	    (!p.stamp && from->structured.type != JSON_OBJECT));
	p.old_content = how->client <= MCP_2025_03_26 && from->content.type == JSON_ARRAY;
	p.as_text = p.no_structured && is_empty(from->content);
	return p;
}

static bool
is_reserved(struct span key, struct arena *a)
{
	struct span	name;

	/* A key that cannot be read is better lost than passed. */
	return json_string(json_key(key), a, &name) != 0 || span_starts(name, SPAN_LIT(MCP_META_RESERVED));
}

static int
put_meta(struct bridge_object *outer, struct json_value meta, bool stamp)
{
	struct json_iter	it;
	struct json_value	value;
	struct span		key;
	struct bridge_object		o;
	size_t			passing = 0;
	int			r;

	if (meta.type != JSON_OBJECT)
		meta = (struct json_value){ JSON_NONE, SPAN_NONE };
	json_iter_init(&it, meta);
	while (json_iter_next(&it, &key, &value))
		passing += !is_reserved(key, outer->to->arena);
	if (passing == 0 && !stamp) {
		object_drop(outer);
		return 0;
	}
	if ((r = bridge_object_put(outer, "\"_meta\":")) != 0 || (r = object_open(&o, outer->to)) != 0)
		return r;
	json_iter_init(&it, meta);
	while (json_iter_next(&it, &key, &value)) {
		if (is_reserved(key, outer->to->arena))
			object_drop(&o);
		else if ((r = bridge_object_keep(&o, key, value)) != 0)
			return r;
	}
	if (stamp && (r = bridge_object_put(&o, BRIDGE_OUR_INFO)) != 0)
		return r;
	return object_close(&o);
}

int
bridge_put_member(struct bridge_object *o, struct span key, struct json_value value, const struct rpc_answer *from,
    const struct bridge_answer *how, const struct bridge_plan *p)
{
	struct json_value	name = json_key(key);
	int			r;

	if (json_is(name, "_meta") && (p->strip || p->stamp))
		return put_meta(o, value, p->stamp);
	if ((json_is(name, "resultType") && (p->strip || p->stamp)) ||
	    ((p->strip || p->hints) && (json_is(name, "ttlMs") || json_is(name, "cacheScope"))) ||
	    (p->no_structured && json_is(name, "structuredContent"))) {
		object_drop(o);
		return 0;
	}
	if (json_is(name, "content") && (p->old_content || p->as_text)) {
		if ((r = bridge_object_put(o, "")) != 0)
			return r;
		return p->as_text ? put_as_text(o->to, from->structured) :
		    put_content(o->to, value, how->client);
	}
	if (json_is(name, "messages") && p->old_messages && value.type == JSON_ARRAY) {
		if ((r = bridge_object_put(o, "")) != 0)
			return r;
		return put_messages(o->to, value, how->client);
	}
	return bridge_object_keep(o, key, value);
}

/* How long what was read may be kept: what a modern upstream says of it; but not by whom. */
static int
put_hints(struct bridge_object *o, const struct rpc_answer *from, const struct bridge_answer *how)
{
	struct json_value	ttl = how->upstream_modern ? json_get(from->result, "ttlMs") :
				    (struct json_value){ JSON_NONE, SPAN_NONE };
	uint64_t		ms;
	int			r;

	if (json_u64(ttl, &ms) != 0 || ms > INT32_MAX)
		ttl.raw = SPAN_LIT("0");
	else if (how->ttl_ms != NULL && (ttl.raw = arena_fmt(o->to->arena, "%llu",
	    (unsigned long long)(*how->ttl_ms < ms ? *how->ttl_ms : ms))).p == NULL)
		return E_NOMEM;
	if ((r = bridge_object_put(o, "\"ttlMs\":")) != 0 || (r = bridge_pieces_add(o->to, ttl.raw)) != 0)
		return r;
	return bridge_object_put(o, "\"cacheScope\":\"private\"");
}

static int
put_result(struct bridge_pieces *to, const struct rpc_answer *from, const struct bridge_answer *how,
    const struct bridge_plan *p)
{
	const struct json_value	large[] = { from->content, from->structured };
	struct json_iter	it;
	struct json_value	value;
	struct span		key;
	struct bridge_object		o;
	int			r;

	if ((r = object_open(&o, to)) != 0)
		return r;
	if (p->stamp && (r = bridge_object_put(&o, p->task ?
	    "\"resultType\":\"task\"" : "\"resultType\":\"complete\"")) != 0)
		return r;
	json_iter_init(&it, from->result);
	json_iter_know(&it, large, sizeof(large) / sizeof(large[0]));
	while (json_iter_next(&it, &key, &value))
		if ((r = bridge_put_member(&o, key, value, from, how, p)) != 0)
			return r;
	if (p->stamp && from->meta.type == JSON_NONE &&
	    (r = bridge_object_put(&o, "\"_meta\":{" BRIDGE_OUR_INFO "}")) != 0)
		return r;
	if (p->as_text && from->content.type == JSON_NONE &&
	    ((r = bridge_object_put(&o, "")) != 0 || (r = put_as_text(to, from->structured)) != 0))
		return r;
	if (p->hints && (r = put_hints(&o, from, how)) != 0)
		return r;
	return object_close(&o);
}

/* --- errors -------------------------------------------------------------------------------------- */

/* The code this client is told for the upstream's (mcp-wire 13.2); the same one when it passes. */
static int64_t
client_code(const struct rpc_answer *from, const struct bridge_answer *how)
{
	bool	modern = mcp_version_is_modern(how->client);
	int64_t	code = from->error_code;

	if (code == -32002 && modern)
		return -32602;
	/* The modern code is that of any wrong parameter: only with the URI it says what is missing. */
	if (code == -32602 && !modern && how->upstream_modern && how->method == MCP_RESOURCES_READ &&
	    json_get(from->error_data, "uri").type == JSON_STRING)
		return -32002;
	if (code == -32042 && how->client == MCP_2025_11_25 && !how->upstream_modern)
		return code;
	/* Codes that say something of the client's own request: it would take them for our statement. */
	if ((code >= -32099 && code <= -32020) || code == 0)
		return -32603;
	return code;
}

/* Data of an error that passes: of -32042 a person will read who asks. */
static int
make_data(struct bridge_pieces *to, const struct rpc_answer *from, const struct bridge_answer *how, int64_t code,
    struct span *out)
{
	const struct json_value	data = from->error_data;
	struct buf		b;
	int			r;

	*out = data.raw;
	if (code != -32042 || data.type != JSON_OBJECT)
		return 0;
	buf_init(&b, data.raw.n + 64 * 1024);
	if ((r = mcp_elicit_put_data(&b, data, how->server)) == 0 &&
	    (*out = arena_dup(to->arena, buf_rest(&b))).p == NULL)
		r = E_NOMEM;
	buf_fini(&b);
	return r == 0 || r == E_NOMEM ? r : E_UPSTREAM;
}

static int
put_error(struct bridge_pieces *to, const struct rpc_answer *from, const struct bridge_answer *how)
{
	int64_t		code = client_code(from, how);
	struct span	text, data;
	int		r;

	if ((r = make_data(to, from, how, code, &data)) != 0)
		return r;
	if (code == from->error_code && from->error_message.type == JSON_STRING && data.p == from->error_data.raw.p)
		return bridge_pieces_add(to, from->error.raw);
	text = arena_fmt(to->arena, "{\"code\":%lld,\"message\":", (long long)code);
	if (text.p == NULL)
		return E_NOMEM;
	if ((r = bridge_pieces_add(to, text)) != 0)
		return r;
	if (from->error_message.type == JSON_STRING)
		r = bridge_pieces_add(to, from->error_message.raw);
	else
		r = bridge_pieces_str(to, "\"the server gave no message\"");
	if (r != 0)
		return r;
	if (code == -32603) {
		text = arena_fmt(to->arena, ",\"data\":{\"code\":\"UPSTREAM_ERROR\",\"upstreamCode\":%lld%s%.*s%s}",
		    (long long)from->error_code, how->request_id.n > 0 ? ",\"request_id\":\"" : "",
		    SPAN_FMT(how->request_id), how->request_id.n > 0 ? "\"" : "");
		if (text.p == NULL)
			return E_NOMEM;
		r = bridge_pieces_add(to, text);
	} else if (from->error_data.type != JSON_NONE && (r = bridge_pieces_str(to, ",\"data\":")) == 0) {
		r = bridge_pieces_add(to, data);
	}
	return r != 0 ? r : bridge_pieces_str(to, "}");
}

/* --- the message --------------------------------------------------------------------------------- */

int
bridge_answer(const struct rpc_answer *from, const struct bridge_answer *how, struct arena *a,
    struct bridge_pieces *out)
{
	static const struct bridge_plan	nothing;
	struct bridge_plan			p;
	int				r;

	*out = (struct bridge_pieces){ .arena = a };
	if (from->kind != RPC_RESPONSE)
		return E_UPSTREAM;
	if (how->upstream_modern && from->result_type.type != JSON_NONE && !json_is(from->result_type, "complete") &&
	    !(how->task && json_is(from->result_type, "task")))
		return E_UPSTREAM;
	if ((r = bridge_pieces_str(out, "{\"jsonrpc\":\"2.0\",\"id\":")) != 0 ||
	    (r = bridge_pieces_add(out, how->id)) != 0)
		return r;
	if (from->is_error && how->method == MCP_COMPLETION_COMPLETE && from->error_code == -32601)
		return bridge_pieces_str(out, mcp_version_is_modern(how->client) ? ",\"result\":{\"resultType\":"
		    "\"complete\",\"_meta\":{" BRIDGE_OUR_INFO "}," NO_VALUES "}}" : ",\"result\":{" NO_VALUES "}}");
	if (from->is_error) {
		if ((r = bridge_pieces_str(out, ",\"error\":")) != 0 || (r = put_error(out, from, how)) != 0)
			return r;
		return bridge_pieces_str(out, "}");
	}
	p = bridge_make_plan(from, how);
	if ((r = bridge_pieces_str(out, ",\"result\":")) != 0)
		return r;
	if (memcmp(&p, &nothing, sizeof(p)) == 0)
		r = bridge_pieces_add(out, from->result.raw);
	else
		r = put_result(out, from, how, &p);
	return r != 0 ? r : bridge_pieces_str(out, "}");
}
