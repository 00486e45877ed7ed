/* SPDX-License-Identifier: Apache-2.0
 *
 * task.c - tasks of both eras: their ids as clients know them, and what is said of one
 *
 * Process: worker.  Owns: nothing.
 * Trusts:  a token only after its seal holds and all in it fits who brought it; no server's answer beyond
 *          that it is proven JSON.
 */
#include <endian.h>

#include "mcp/sealed.h"
#include "mcp/splice.h"
#include "mcp/task.h"

#define WORD	"task"
#define RELATED	MCP_META_RESERVED "related-task"

/* The middle of a token; server, tool and id follow.  Little-endian. */
struct task_wire {
	uint64_t	principal, tenant, instance, capabilities;
	uint32_t	issued_s, expires_s;
	uint16_t	server_bytes, tool_bytes, id_bytes;
	uint8_t		modern, zero;
};
_Static_assert(sizeof(struct task_wire) == 48, "a task's middle is 48 bytes and three texts");

/* --- ids ----------------------------------------------------------------------------------------- */

int
task_seal(const struct keyring *ring, struct span path, const struct task *t, struct buf *to)
{
	struct task_wire	w = {
		.principal = htole64(t->principal), .tenant = htole64(t->tenant),
		.instance = htole64(t->instance), .capabilities = htole64(t->capabilities),
		.issued_s = htole32(t->issued_s), .expires_s = htole32(t->expires_s),
		.server_bytes = htole16((uint16_t)t->server.n), .tool_bytes = htole16((uint16_t)t->tool.n),
		.id_bytes = htole16((uint16_t)t->id.n), .modern = t->modern,
	};
	struct buf		b;
	int			r;

	buf_init(&b, TASK_TOKEN_MAX / 4 * 3 - SEALED_OVERHEAD - 3);
	if ((r = buf_put(&b, span_make(&w, sizeof(w)))) == 0 && (r = buf_put(&b, t->server)) == 0 &&
	    (r = buf_put(&b, t->tool)) == 0 && (r = buf_put(&b, t->id)) == 0)
		r = sealed_seal(ring, WORD, path, buf_rest(&b), to);
	buf_fini(&b);
	return r;
}

int
task_open(const struct keyring *ring, struct span path, struct span token, const struct task *expect,
    struct buf *text, struct task *out)
{
	struct task_wire	w;
	struct span		whole;
	size_t			server, tool, id;

	*out = (struct task){ 0 };
	buf_clear(text);
	if (token.n > TASK_TOKEN_MAX || sealed_open(ring, WORD, path, token, text) != 0)
		return E_DENIED;
	whole = buf_rest(text);
	if (whole.n < sizeof(w))
		return E_DENIED;
	memcpy(&w, whole.p, sizeof(w));
	server = le16toh(w.server_bytes);
	tool = le16toh(w.tool_bytes);
	id = le16toh(w.id_bytes);
	if (whole.n != sizeof(w) + server + tool + id)
		return E_DENIED;
	*out = (struct task){
		.principal = le64toh(w.principal), .tenant = le64toh(w.tenant),
		.instance = le64toh(w.instance), .capabilities = le64toh(w.capabilities),
		.issued_s = le32toh(w.issued_s), .expires_s = le32toh(w.expires_s), .modern = w.modern != 0,
		.server = span_part(whole, sizeof(w), server),
		.tool = span_part(whole, sizeof(w) + server, tool),
		.id = span_part(whole, sizeof(w) + server + tool, id),
	};
	if (out->principal != expect->principal || out->tenant != expect->tenant || out->modern != expect->modern ||
	    expect->issued_s < out->issued_s || expect->issued_s > out->expires_s)
		return E_DENIED;
	return 0;
}

uint32_t
task_expiry(uint32_t now_s, const struct task_said *said)
{
	uint64_t	lives_s = said->ttl_ms / 1000 + TASK_GRACE_S;

	return now_s + (uint32_t)(said->ttl_ms == 0 || lives_s > TASK_LIVES_S ? TASK_LIVES_S : lives_s);
}

/* --- what is said of one ------------------------------------------------------------------------- */

static uint64_t
ms_of(struct json_value object, const char *name)
{
	uint64_t	ms;

	return json_u64(json_get(object, name), &ms) == 0 ? ms : 0;
}

int
task_read(struct json_value object, bool modern, struct task_said *out)
{
	static const struct { const char *text; enum task_status status; } rows[] = {
		{ "working", TASK_WORKING }, { "input_required", TASK_INPUT }, { "completed", TASK_COMPLETED },
		{ "failed", TASK_FAILED }, { "cancelled", TASK_CANCELLED },
	};
	struct json_value	status = json_get(object, "status");

	*out = (struct task_said){
		.id = json_get(object, "taskId"), .message = json_get(object, "statusMessage"),
		.ttl_ms = ms_of(object, modern ? "ttlMs" : "ttl"),
		.poll_ms = ms_of(object, modern ? "pollIntervalMs" : "pollInterval"),
	};
	if (out->message.type != JSON_STRING)
		out->message = (struct json_value){ JSON_NONE, SPAN_NONE };
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (json_is(status, rows[i].text))
			out->status = rows[i].status;
	return object.type == JSON_OBJECT && out->id.type == JSON_STRING && out->id.raw.n > 2 &&
	    out->id.raw.n <= TASK_ID_MAX && out->status != TASK_UNKNOWN ? 0 : E_UPSTREAM;
}

int
task_read_made(const struct rpc_answer *from, bool modern, struct task_said *out)
{
	return task_read(modern ? from->result : json_get(from->result, "task"), modern, out);
}

/* --- ids in answers ------------------------------------------------------------------------------ */

/* The ids of up to two objects, in the order of the text. */
static int
add_ids(struct splices *s, struct json_value one, struct json_value other, struct span id)
{
	struct json_value	first = json_get(one, "taskId"), second = json_get(other, "taskId"), swap = first;
	int			r;

	if (first.type != JSON_NONE && second.type != JSON_NONE && second.raw.p < first.raw.p) {
		first = second;
		second = swap;
	}
	if (first.type != JSON_NONE && (r = splices_add(s, first.raw, id)) != 0)
		return r;
	return second.type == JSON_NONE ? 0 : splices_add(s, second.raw, id);
}

int
task_rename(const struct rpc_answer *from, enum mcp_method method, struct span id, struct bridge_pieces *pieces)
{
	struct json_value	task = { JSON_NONE, SPAN_NONE };
	struct splices		s;
	int			r;

	splices_init(&s, pieces->arena);
	/* A modern server's task is the result, a legacy one's is in it when it was just made. */
	if (method != MCP_TASKS_RESULT) {
		task = from->result;
		if (method == MCP_TOOLS_CALL && json_get(task, "taskId").type == JSON_NONE)
			task = json_get(task, "task");
	}
	r = add_ids(&s, task, json_get(from->meta, RELATED), id);
	return r != 0 ? r : splice_pieces(pieces, &s);
}

bool
task_is_lost(const struct rpc_answer *from, enum mcp_method method, struct span id)
{
	const struct span	text = from->error_message.raw;

	if (!from->is_error || from->error_code != -32602)
		return false;
	return method != MCP_TASKS_RESULT || (text.n > 0 && memmem(text.p, text.n, id.p, id.n) != NULL);
}

bool
task_is_related(struct json_value params)
{
	return json_get(json_get(params, "_meta"), RELATED).type != JSON_NONE;
}

/* "key":value, as it is. */
static int
put_member(struct buf *to, const char **sep, struct span key, struct json_value value)
{
	int	r;

	if ((r = buf_put_fmt(to, "%s%.*s:", *sep, SPAN_FMT(json_key(key).raw))) != 0)
		return r;
	*sep = ",";
	return buf_put(to, value.raw);
}

static int
put_meta(struct buf *to, struct json_value meta, struct span id)
{
	struct json_iter	it;
	struct json_value	value;
	struct span		key;
	const char		*sep = "\"_meta\":{";
	int			r;

	json_iter_init(&it, meta);
	while (json_iter_next(&it, &key, &value)) {
		if (!json_is(json_key(key), RELATED))
			r = put_member(to, &sep, key, value);
		else if (id.n == 0)
			continue;
		else if ((r = buf_put_fmt(to, "%s\"" RELATED "\":{\"taskId\":%.*s}", sep, SPAN_FMT(id))) == 0)
			sep = ",";
		if (r != 0)
			return r;
	}
	return buf_put_str(to, *sep == ',' ? "}" : "\"_meta\":{}");
}

int
task_put_related(struct buf *to, struct json_value params, struct span id)
{
	struct json_iter	it;
	struct json_value	value;
	struct span		key;
	const char		*sep = "";
	int			r;

	if ((r = buf_put_str(to, "{")) != 0)
		return r;
	json_iter_init(&it, params);
	while (json_iter_next(&it, &key, &value)) {
		if (!json_is(json_key(key), "_meta") || value.type != JSON_OBJECT)
			r = put_member(to, &sep, key, value);
		else if ((r = buf_put_str(to, sep)) == 0 && (r = put_meta(to, value, id)) == 0)
			sep = ",";
		if (r != 0)
			return r;
	}
	return buf_put_str(to, "}");
}
