/* SPDX-License-Identifier: Apache-2.0
 *
 * metalist.c - tools with their schemas, as results of the gateway's own tools: within a budget
 *
 * Process: worker.  Owns: nothing; the buffer is the caller's.
 * Trusts:  that a catalogue's texts are proven JSON; their sizes are a server's choice.
 */
#include "worker/meta/meta_priv.h"
#include "worker/meta/metalist.h"

#define FRAME_BYTES	4096		/* of a result, besides its tools */
#define TOOL_BYTES	64		/* names of members and the like */

void
metalist_buf_init(struct buf *b, const struct request *rq)
{
	buf_init(b, rq->config->params.max_listing + FRAME_BYTES);
}

int
metalist_begin(struct metalist *l, const struct request *rq, const struct meta_args *args, struct buf *to)
{
	*l = (struct metalist){ .rq = rq, .args = args, .to = to,
	    .bytes_max = rq->config->params.max_listing };
	return buf_put_str(to, "{\"tools\":[");
}

bool
metalist_takes(struct metalist *l, const struct catalogue_item *t, size_t more)
{
	size_t	bytes = t->description.raw.n + t->schema.raw.n + more + TOOL_BYTES;

	if (l->full)
		return false;
	if (l->args->has_budget && l->tokens + t->tokens > l->args->max_schema_tokens) {
		l->full = true;
		return false;
	}
	if (l->to->used + bytes > l->bytes_max) {
		l->full = l->cut = true;
		return false;
	}
	l->tokens += t->tokens;
	l->returned++;
	return true;
}

int
metalist_put_definition(struct metalist *l, const struct catalogue_item *t)
{
	int	r;

	if ((r = buf_put_str(l->to, "\"description\":")) != 0 ||
	    (r = buf_put(l->to, t->description.type == JSON_STRING ? t->description.raw :
		SPAN_LIT("\"\""))) != 0 ||
	    (r = buf_put_str(l->to, ",\"inputSchema\":")) != 0)
		return r;
	return buf_put(l->to, t->schema.raw);
}

int
metalist_end(struct metalist *l, const char *narrower)
{
	int	r;

	if ((r = buf_put_fmt(l->to, "\"returned\":%lu,\"tokens_used\":", (unsigned long)l->returned)) != 0 ||
	    (r = l->args->has_budget ? buf_put_fmt(l->to, "%lu", (unsigned long)l->tokens) :
		buf_put_str(l->to, "null")) != 0 || (r = buf_put_str(l->to, ",\"error\":")) != 0)
		return r;
	if (!l->cut)
		return buf_put_str(l->to, "null}");
	if ((r = meta_put_error(l->to, l->rq, E_TOOBIG, arena_fmt(&l->rq->x->arena,
	    "these are the tools within %lu bytes; ask for fewer with %s", (unsigned long)l->bytes_max,
	    narrower), SPAN_NONE, 0)) != 0)
		return r;
	return buf_put_str(l->to, "}");
}
