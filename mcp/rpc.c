/* SPDX-License-Identifier: Apache-2.0
 *
 * rpc.c - one pass over a client's message
 *
 * Process: worker.
 * Owns:    the scanner; a message borrows from the caller's text and arena.
 * Trusts:  nothing a client sends.
 */
#include <stdlib.h>

#include "lib/bug.h"
#include "mcp/rpc_priv.h"

enum want {
	W_JSONRPC, W_ID, W_METHOD, W_PARAMS, W_RESULT, W_ERROR,
	W_NAME, W_URI, W_TASK_ID, W_ARGUMENTS, W_META, W_CURSOR, W_VERSION, W_CAPABILITIES, W_CLIENT_INFO,
	W_INPUT_RESPONSES, W_REQUEST_STATE, W_REQUEST_ID, W_TASK,
	W_PROGRESS_TOKEN, W_CLAIM, W_CLAIM_CLIENT_INFO, W_CLAIM_CAPABILITIES, W_LOG_LEVEL, W_TIMEOUT_MS,
	W_LIMIT
};

static const struct json_want wants[W_LIMIT] = {
	[W_JSONRPC] = { JSON_ROOT, 0, "jsonrpc" },
	[W_ID] = { JSON_ROOT, 0, "id" },
	[W_METHOD] = { JSON_ROOT, 0, "method" },
	[W_PARAMS] = { JSON_ROOT, JSON_WANT_UNIQUE_MEMBERS, "params" },
	[W_RESULT] = { JSON_ROOT, 0, "result" },
	[W_ERROR] = { JSON_ROOT, 0, "error" },
	[W_NAME] = { W_PARAMS, 0, "name" },
	[W_URI] = { W_PARAMS, 0, "uri" },
	[W_TASK_ID] = { W_PARAMS, 0, "taskId" },
	[W_ARGUMENTS] = { W_PARAMS, 0, "arguments" },
	[W_META] = { W_PARAMS, JSON_WANT_UNIQUE_MEMBERS, "_meta" },
	[W_CURSOR] = { W_PARAMS, 0, "cursor" },
	[W_VERSION] = { W_PARAMS, 0, "protocolVersion" },
	[W_CAPABILITIES] = { W_PARAMS, 0, "capabilities" },
	[W_CLIENT_INFO] = { W_PARAMS, 0, "clientInfo" },
	[W_INPUT_RESPONSES] = { W_PARAMS, 0, "inputResponses" },
	[W_REQUEST_STATE] = { W_PARAMS, 0, "requestState" },
	[W_REQUEST_ID] = { W_PARAMS, 0, "requestId" },
	[W_TASK] = { W_PARAMS, 0, "task" },
	[W_PROGRESS_TOKEN] = { W_META, 0, "progressToken" },
	[W_CLAIM] = { W_META, 0, MCP_META_VERSION },
	[W_CLAIM_CLIENT_INFO] = { W_META, 0, MCP_META_CLIENT_INFO },
	[W_CLAIM_CAPABILITIES] = { W_META, 0, MCP_META_CAPABILITIES },
	[W_LOG_LEVEL] = { W_META, 0, MCP_META_LOG_LEVEL },
	[W_TIMEOUT_MS] = { W_META, 0, MCP_META_TIMEOUT },
};
_Static_assert(W_LIMIT <= JSON_WANTS_MAX, "the scanner takes so many wants");

#define RPC_SCAN_MAGIC	0x5270634du

int
rpc_scan_make(uint32_t magic, const struct json_want *list, size_t count, uint8_t top, struct rpc_scan **out)
{
	struct rpc_scan	*s;
	int		 r;

	*out = NULL;
	if ((s = calloc(1, sizeof(*s))) == NULL)
		return E_NOMEM;
	if ((r = json_scan_new(list, count, top, &s->json)) != 0) {
		free(s);
		return r;
	}
	s->magic = magic;
	*out = s;
	return 0;
}

int
rpc_scan_new(struct rpc_scan **out)
{
	return rpc_scan_make(RPC_SCAN_MAGIC, wants, W_LIMIT, JSON_WANT_UNIQUE_MEMBERS, out);
}

void
rpc_scan_free(struct rpc_scan **s)
{
	if (*s != NULL) {
		json_scan_free(&(*s)->json);
		free(*s);
	}
	*s = NULL;
}

void
rpc_scan_reset(struct rpc_scan *s)
{
	json_scan_reset(s->json);
}

int
rpc_scan_feed(struct rpc_scan *s, struct span chunk)
{
	return json_scan_feed(s->json, chunk);
}

const char *
rpc_scan_why(int error)
{
	switch (error) {
	case E_JSON_DEPTH:
		return "the JSON is nested too deeply";
	case E_JSON_DUPLICATE:
		return "a member comes twice";
	case E_TOOBIG:
		return "a number or name is too long, or there are too many names";
	case E_JSON_SYNTAX:
		return "not valid JSON";
	default:
		return "the message could not be read";
	}
}

/* --- names that differ in case only -------------------------------------------------------------- */

/* Lower case as readers fold it that ignore case: ASCII, and the two other letters that fold into it,
 * U+017F (long s) and U+212A (Kelvin sign). */
static unsigned char
fold_step(struct span *s)
{
	unsigned char	c = (unsigned char)s->p[0];

	if (s->n >= 2 && memcmp(s->p, "\xc5\xbf", 2) == 0) {
		*s = span_part(*s, 2, s->n);
		return 's';
	}
	if (s->n >= 3 && memcmp(s->p, "\xe2\x84\xaa", 3) == 0) {
		*s = span_part(*s, 3, s->n);
		return 'k';
	}
	*s = span_part(*s, 1, s->n);
	return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

static bool
folds_to(struct span key, const char *name)
{
	struct span	want = span_of(name);

	while (key.n > 0 && want.n > 0)
		if (fold_step(&key) != fold_step(&want))
			return false;
	return key.n == 0 && want.n == 0;
}

/* Whether a member of wants[owner] that no want names would be taken for one by such a reader. */
static int
has_case_variant(const struct rpc_scan *s, enum want owner, struct span text, struct arena *a, bool *found)
{
	struct json_iter	it;
	struct json_value	value;
	struct span		key, name;
	int			r;

	*found = false;
	if (json_scan_strangers(s->json, owner) == 0)
		return 0;
	json_iter_init(&it, rpc_value(&json_scan_slots(s->json)[owner], text));
	while (json_iter_next(&it, &key, &value)) {
		if ((r = json_string(json_key(key), a, &name)) != 0)
			return r;
		for (int w = 0; w < W_LIMIT; w++) {
			if (wants[w].parent == (int)owner && folds_to(name, wants[w].name) &&
			    !span_is(name, wants[w].name)) {
				*found = true;
				return 0;
			}
		}
	}
	return 0;
}

/* --- the message --------------------------------------------------------------------------------- */

static int
take_text(struct json_value v, struct arena *a, struct span *out)
{
	*out = SPAN_NONE;
	return v.type == JSON_STRING ? json_string(v, a, out) : 0;
}

static int
take_parts(struct rpc_message *m, const struct json_slot *slots, struct arena *a)
{
	const struct { struct json_value *to; enum want from; } parts[] = {
		{ &m->params, W_PARAMS }, { &m->result, W_RESULT }, { &m->error, W_ERROR },
		{ &m->arguments, W_ARGUMENTS }, { &m->meta, W_META }, { &m->cursor, W_CURSOR },
		{ &m->capabilities, W_CAPABILITIES }, { &m->client_info, W_CLIENT_INFO },
		{ &m->input_responses, W_INPUT_RESPONSES }, { &m->request_state, W_REQUEST_STATE },
		{ &m->request_id, W_REQUEST_ID }, { &m->name_value, W_NAME }, { &m->uri_value, W_URI },
		{ &m->task_id_value, W_TASK_ID }, { &m->task, W_TASK }, { &m->version_value, W_VERSION },
		{ &m->progress_token, W_PROGRESS_TOKEN }, { &m->claim, W_CLAIM },
		{ &m->claim_client_info, W_CLAIM_CLIENT_INFO },
		{ &m->claim_capabilities, W_CLAIM_CAPABILITIES }, { &m->log_level, W_LOG_LEVEL },
		{ &m->timeout_ms, W_TIMEOUT_MS },
	};
	int	r;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		*parts[i].to = rpc_value(&slots[parts[i].from], m->text);
	if ((r = take_text(m->name_value, a, &m->name)) != 0 ||
	    (r = take_text(m->uri_value, a, &m->uri)) != 0 ||
	    (r = take_text(m->task_id_value, a, &m->task_id)) != 0 ||
	    (r = take_text(m->version_value, a, &m->version)) != 0 ||
	    (r = take_text(m->claim, a, &m->claim_text)) != 0)
		return r;
	return take_text(rpc_value(&slots[W_METHOD], m->text), a, &m->method_text);
}

/* What is wrong with the envelope, or NULL; sets kind. */
static const char *
judge_envelope(struct rpc_message *m, const struct rpc_scan *s)
{
	const struct json_slot	*slots = json_scan_slots(s->json);
	bool			 has_id = slots[W_ID].type != JSON_NONE,
				 has_result = m->result.type != JSON_NONE, has_error = m->error.type != JSON_NONE;

	if (json_scan_top(s->json) != JSON_OBJECT)
		return "a message is an object";
	if (json_scan_strangers(s->json, JSON_ROOT) > 0)
		return "unknown member in the message";
	if (!json_is(rpc_value(&slots[W_JSONRPC], m->text), "2.0"))
		return "jsonrpc must be \"2.0\"";
	if (has_id && m->id.n == 0)
		return "id must be a string or an integer";
	if (slots[W_METHOD].type == JSON_NONE) {
		if (!has_id || has_result == has_error)
			return "a message has a method, or an id with a result or an error";
		if (m->result.type != JSON_OBJECT && m->error.type != JSON_OBJECT)
			return "result and error are objects";
		m->kind = RPC_RESPONSE;
		return NULL;
	}
	if (has_result || has_error)
		return "method excludes result and error";
	if (slots[W_METHOD].type != JSON_STRING || m->method_text.n == 0 || m->method_text.n > RPC_METHOD_MAX)
		return "method must be a string";
	if (m->params.type != JSON_NONE && m->params.type != JSON_OBJECT)
		return "params must be an object";
	if (m->meta.type != JSON_NONE && m->meta.type != JSON_OBJECT)
		return "params._meta must be an object";
	m->kind = has_id ? RPC_REQUEST : RPC_NOTIFICATION;
	return NULL;
}

static int
read_message(struct rpc_scan *s, struct arena *a, struct rpc_message *m)
{
	static const enum want	 folded[] = { W_PARAMS, W_META };
	const struct json_slot	*slots = json_scan_slots(s->json);
	struct json_value	 id = rpc_value(&slots[W_ID], m->text);
	bool			 variant;
	int			 r;

	if (json_scan_top(s->json) == JSON_ARRAY) {
		m->kind = RPC_ARRAY;
		return 0;
	}
	if (rpc_id_ok(id))
		m->id = id.raw;
	if ((r = take_parts(m, slots, a)) != 0)
		return r;
	if ((m->why = judge_envelope(m, s)) != NULL)
		return E_RPC_INVALID;
	for (size_t i = 0; i < sizeof(folded) / sizeof(folded[0]); i++) {
		if ((r = has_case_variant(s, folded[i], m->text, a, &variant)) != 0)
			return r;
		if (variant) {
			m->why = "a member differs from a known one in case only";
			return E_RPC_INVALID;
		}
	}
	m->method = mcp_method_find(m->method_text);
	return 0;
}

int
rpc_scan_end(struct rpc_scan *s, struct span text, struct arena *a, struct rpc_message *out)
{
	int	r;

	MAGIC_CHECK(s, RPC_SCAN_MAGIC);
	*out = (struct rpc_message){ .text = text };
	if ((r = json_scan_end(s->json)) == 0)
		r = read_message(s, a, out);
	if (r != 0) {
		out->kind = RPC_INVALID;
		if (out->why == NULL)
			out->why = rpc_scan_why(r);
	}
	json_scan_reset(s->json);
	return r;
}

int
rpc_scan_whole(struct rpc_scan *s, struct span text, struct arena *a, struct rpc_message *out)
{
	int	r;

	rpc_scan_reset(s);
	r = rpc_scan_feed(s, text);
	(void)r;			/* what feed says, end says again */
	return rpc_scan_end(s, text, a, out);
}
