/* SPDX-License-Identifier: Apache-2.0
 *
 * answer.c - one pass over what an upstream sent
 *
 * Process: worker, runner.
 * Owns:    nothing; an answer borrows from the caller's text.
 * Trusts:  nothing an upstream sends.  Unlike a client it may put members of its own into the envelope:
 *          the envelope is written anew before a client sees it.
 */
#include "lib/bug.h"
#include "mcp/rpc_priv.h"

enum want {
	W_JSONRPC, W_ID, W_METHOD, W_PARAMS, W_RESULT, W_ERROR,
	W_PARAMS_META, W_REQUEST_ID, W_PROGRESS_TOKEN,
	W_RESULT_TYPE, W_META, W_TOOLS, W_NEXT_CURSOR, W_CONTENT, W_STRUCTURED, W_IS_ERROR,
	W_VERSION, W_SUPPORTED, W_CAPABILITIES, W_SERVER_INFO,
	W_ERROR_CODE, W_ERROR_MESSAGE, W_ERROR_DATA,
	W_LIMIT
};

static const struct json_want wants[W_LIMIT] = {
	[W_JSONRPC] = { JSON_ROOT, 0, "jsonrpc" },
	[W_ID] = { JSON_ROOT, 0, "id" },
	[W_METHOD] = { JSON_ROOT, 0, "method" },
	[W_PARAMS] = { JSON_ROOT, JSON_WANT_UNIQUE_MEMBERS, "params" },
	[W_RESULT] = { JSON_ROOT, JSON_WANT_UNIQUE_MEMBERS, "result" },
	[W_ERROR] = { JSON_ROOT, JSON_WANT_UNIQUE_MEMBERS, "error" },
	[W_PARAMS_META] = { W_PARAMS, JSON_WANT_UNIQUE_MEMBERS, "_meta" },
	[W_REQUEST_ID] = { W_PARAMS, 0, "requestId" },
	[W_PROGRESS_TOKEN] = { W_PARAMS, 0, "progressToken" },
	[W_RESULT_TYPE] = { W_RESULT, 0, "resultType" },
	[W_META] = { W_RESULT, JSON_WANT_UNIQUE_MEMBERS, "_meta" },
	[W_TOOLS] = { W_RESULT, 0, "tools" },
	[W_NEXT_CURSOR] = { W_RESULT, 0, "nextCursor" },
	[W_CONTENT] = { W_RESULT, 0, "content" },
	[W_STRUCTURED] = { W_RESULT, 0, "structuredContent" },
	[W_IS_ERROR] = { W_RESULT, 0, "isError" },
	[W_VERSION] = { W_RESULT, 0, "protocolVersion" },
	[W_SUPPORTED] = { W_RESULT, 0, "supportedVersions" },
	[W_CAPABILITIES] = { W_RESULT, 0, "capabilities" },
	[W_SERVER_INFO] = { W_RESULT, 0, "serverInfo" },
	[W_ERROR_CODE] = { W_ERROR, 0, "code" },
	[W_ERROR_MESSAGE] = { W_ERROR, 0, "message" },
	[W_ERROR_DATA] = { W_ERROR, 0, "data" },
};
_Static_assert(W_LIMIT <= JSON_WANTS_MAX, "the scanner takes so many wants");

#define RPC_ANSWER_MAGIC	0x52706341u

int
rpc_answer_new(struct rpc_scan **out)
{
	/* Tools read files that hold anything; a NUL in their text is the client's to deal with. */
	return rpc_scan_make(RPC_ANSWER_MAGIC, wants, W_LIMIT, JSON_WANT_UNIQUE_MEMBERS | JSON_SCAN_NUL_OK, out);
}

/* A value of a text whose first byte has offset base. */
static struct json_value
value_in(const struct json_slot *slot, struct span text, uint64_t base)
{
	struct json_value	v = { (enum json_type)slot->type, SPAN_NONE };

	if (slot->bytes > 0 && slot->at >= base && slot->at + slot->bytes <= base + text.n)
		v.raw = span_part(text, (size_t)(slot->at - base), (size_t)slot->bytes);
	return v;
}

static void
take_parts(struct rpc_answer *m, const struct json_slot *slots, uint64_t base)
{
	const struct { struct json_value *to; enum want from; } parts[] = {
		{ &m->params, W_PARAMS }, { &m->request_id, W_REQUEST_ID },
		{ &m->progress_token, W_PROGRESS_TOKEN }, { &m->result, W_RESULT },
		{ &m->result_type, W_RESULT_TYPE }, { &m->meta, W_META }, { &m->tools, W_TOOLS },
		{ &m->next_cursor, W_NEXT_CURSOR }, { &m->content, W_CONTENT },
		{ &m->structured, W_STRUCTURED }, { &m->is_error_value, W_IS_ERROR },
		{ &m->version, W_VERSION }, { &m->supported, W_SUPPORTED },
		{ &m->capabilities, W_CAPABILITIES }, { &m->server_info, W_SERVER_INFO },
		{ &m->error, W_ERROR }, { &m->error_message, W_ERROR_MESSAGE },
		{ &m->error_data, W_ERROR_DATA },
	};

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		*parts[i].to = value_in(&slots[parts[i].from], m->text, base);
}

static enum mcp_method
method_of(struct json_value v)
{
	for (int m = MCP_METHOD_NONE + 1; m < MCP_METHOD_LIMIT; m++)
		if (json_is(v, mcp_method_row((enum mcp_method)m)->text))
			return (enum mcp_method)m;
	return MCP_METHOD_NONE;
}

static const char *
judge_answer(struct rpc_answer *m, const struct json_slot *slots)
{
	struct json_value	id = rpc_value(&slots[W_ID], m->text);
	bool			no_id = id.type == JSON_NONE || id.type == JSON_NULL;

	if (!json_is(rpc_value(&slots[W_JSONRPC], m->text), "2.0"))
		return "jsonrpc is not \"2.0\"";
	if (!no_id && !rpc_id_ok(id))
		return "id is no string or integer";
	m->id = no_id ? SPAN_NONE : id.raw;
	if (slots[W_METHOD].type != JSON_NONE) {
		if (slots[W_METHOD].type != JSON_STRING || m->result.type != JSON_NONE ||
		    m->error.type != JSON_NONE || id.type == JSON_NULL)
			return "neither request nor answer";
		if (m->params.type != JSON_NONE && m->params.type != JSON_OBJECT)
			return "params is no object";
		m->kind = no_id ? RPC_NOTIFICATION : RPC_REQUEST;
		m->method = method_of(rpc_value(&slots[W_METHOD], m->text));
		return NULL;
	}
	m->is_error = m->error.type == JSON_OBJECT && m->result.type == JSON_NONE;
	if (!m->is_error && (m->result.type != JSON_OBJECT || m->error.type != JSON_NONE || no_id))
		return "an answer has an id and one object, result or error";
	if (m->is_error && json_i64(rpc_value(&slots[W_ERROR_CODE], m->text), &m->error_code) != 0)
		m->error_code = 0;
	m->kind = RPC_RESPONSE;
	return NULL;
}

int
rpc_answer_end(struct rpc_scan *s, struct span text, struct rpc_answer *out)
{
	int	r;

	MAGIC_CHECK(s, RPC_ANSWER_MAGIC);
	*out = (struct rpc_answer){ .text = text };
	if ((r = json_scan_end(s->json)) == 0) {
		take_parts(out, json_scan_slots(s->json), 0);
		if ((out->why = judge_answer(out, json_scan_slots(s->json))) != NULL)
			r = E_RPC_INVALID;
	} else {
		out->why = rpc_scan_why(r);
	}
	if (r != 0)
		out->kind = RPC_INVALID;
	json_scan_reset(s->json);
	return r;
}

int
rpc_answer_whole(struct rpc_scan *s, struct span text, struct rpc_answer *out)
{
	int	r;

	rpc_scan_reset(s);
	r = rpc_scan_feed(s, text);
	(void)r;			/* what feed says, end says again */
	return rpc_answer_end(s, text, out);
}

/* --- while it comes ------------------------------------------------------------------------------ */

/* The text goes away: what of the envelope stands in it is looked at now. */
static void
look_at_envelope(struct rpc_part *p, const struct json_slot *slots, struct span text, uint64_t base)
{
	struct json_value	version = value_in(&slots[W_JSONRPC], text, base);
	struct json_value	id = value_in(&slots[W_ID], text, base);

	if (version.raw.n > 0)
		p->has_version = json_is(version, "2.0");
	if (id.raw.n > 0)
		p->has_id = rpc_id_ok(id) && (p->want_id.n == 0 || span_eq(id.raw, p->want_id));
	p->answer = (struct rpc_answer){ .text = text };
	take_parts(&p->answer, slots, base);
	if (p->answer.result_type.raw.n > 0)
		p->complete = json_is(p->answer.result_type, "complete");
}

/* Members of the result from `from` (an offset) to `end`. */
static struct span
members_of(const struct json_slot *slots, struct span text, uint64_t base, uint64_t end)
{
	uint64_t	from = slots[W_RESULT].at + 1 > base ? slots[W_RESULT].at + 1 : base;

	return end <= from ? span_part(text, 0, 0) : span_part(text, (size_t)(from - base), (size_t)(end - from));
}

static bool
is_open(const struct json_slot *slot, uint64_t base)
{
	return slot->type != JSON_NONE && slot->bytes == 0 && slot->at >= base && slot->seen == 1;
}

bool
rpc_answer_open(const struct rpc_scan *s, struct span text, uint64_t base, struct rpc_part *p)
{
	const struct json_slot	*slots = json_scan_slots(s->json), *at = &slots[W_CONTENT];
	struct span		 inside;

	MAGIC_CHECK(s, RPC_ANSWER_MAGIC);
	p->open_structured = is_open(&slots[W_STRUCTURED], base);
	if (p->open_structured) {
		at = &slots[W_STRUCTURED];
	} else {
		if (!is_open(at, base))
			return false;
		inside = span_part(text, (size_t)(at->at - base) + 1, text.n);
		if (inside.n == 0 || strchr("] \n\t\r", inside.p[0]) != NULL)
			return false;
	}
	look_at_envelope(p, slots, text, base);
	p->open = (size_t)(at->at - base);
	p->members = members_of(slots, text, base, at->at);
	return true;
}

uint64_t
rpc_answer_open_end(const struct rpc_scan *s, const struct rpc_part *p)
{
	const struct json_slot	*at = &json_scan_slots(s->json)[p->open_structured ? W_STRUCTURED : W_CONTENT];

	return at->bytes > 0 ? at->at + at->bytes : UINT64_MAX;
}

int
rpc_answer_rest(struct rpc_scan *s, struct span text, uint64_t base, struct rpc_part *p)
{
	const struct json_slot	*slots = json_scan_slots(s->json);
	int			 r;

	MAGIC_CHECK(s, RPC_ANSWER_MAGIC);
	if ((r = json_scan_end(s->json)) == 0) {
		look_at_envelope(p, slots, text, base);
		p->members = members_of(slots, text, base, slots[W_RESULT].at + slots[W_RESULT].bytes - 1);
		p->answer.kind = RPC_RESPONSE;
		if (!p->has_version || !p->has_id || slots[W_METHOD].type != JSON_NONE ||
		    p->answer.result.type != JSON_OBJECT || p->answer.error.type != JSON_NONE)
			r = E_RPC_INVALID;
	}
	if (r != 0)
		p->answer.kind = RPC_INVALID;
	json_scan_reset(s->json);
	return r;
}
