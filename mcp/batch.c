/* SPDX-License-Identifier: Apache-2.0
 *
 * batch.c - an array of messages, taken apart
 *
 * Process: worker.
 * Owns:    nothing; a batch borrows from its text.
 * Trusts:  that the array was proven as JSON.  Each element is read as strictly as a message that comes
 *          alone.
 */
#include "mcp/batch.h"

#define SCRATCH_MAX	(256 * 1024)	/* what is decoded of one message */

static int
refuse(struct batch *b, const char *why)
{
	b->why = why;
	return E_RPC_BATCH;
}

static int
take(struct batch *b, const struct rpc_message *m, bool *any_response)
{
	if (m->kind == RPC_ARRAY)
		return refuse(b, "a message is an object");
	if (m->claim.type != JSON_NONE)
		return refuse(b, "the revision that a message of the batch claims has no batches");
	if (m->method == MCP_INITIALIZE)
		return refuse(b, "initialize does not stand in a batch");
	*any_response |= m->kind == RPC_RESPONSE;
	b->requests += m->kind == RPC_REQUEST;
	/* Either it asks or it answers (2025-03-26 basic/transports). */
	if (*any_response && b->requests > 0)
		return refuse(b, "a batch has requests or responses, not both");
	b->part[b->count++] = (struct batch_part){ m->text, m->kind == RPC_REQUEST ? m->id : SPAN_NONE };
	return 0;
}

static int
read_one(struct rpc_scan *scan, struct span text, struct batch *b, bool *any_response)
{
	struct rpc_message	m;
	struct arena		scratch;
	int			r;

	if (b->count == BATCH_MAX)
		return refuse(b, "too many messages in a batch");
	arena_init(&scratch, NULL, 0, SCRATCH_MAX);
	if ((r = rpc_scan_whole(scan, text, &scratch, &m)) == 0)
		r = take(b, &m, any_response);
	else if (r != E_NOMEM)
		r = refuse(b, m.why);
	arena_fini(&scratch);
	return r;
}

/* From the bracket that opens it to the one that closes it: blanks may stand around it. */
static struct span
array_of(struct span text)
{
	const char	*p = memchr(text.p, '[', text.n), *end = text.p + text.n;

	if (p == NULL)
		return SPAN_NONE;
	while (end > p + 1 && end[-1] != ']')
		end--;
	return span_make(p, (size_t)(end - p));
}

void
batch_read(struct rpc_scan *scan, struct span text, struct batch *out)
{
	struct json_iter	it;
	struct json_value	value;
	struct span		key;
	bool			any_response = false;

	out->error = 0;
	out->why = NULL;
	out->count = out->requests = 0;
	json_iter_init(&it, (struct json_value){ JSON_ARRAY, array_of(text) });
	while (out->error == 0 && json_iter_next(&it, &key, &value))
		out->error = read_one(scan, value.raw, out, &any_response);
	if (out->error == 0 && out->count == 0)
		out->error = refuse(out, "the batch is empty");
}
