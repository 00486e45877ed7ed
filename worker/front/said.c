/* SPDX-License-Identifier: Apache-2.0
 *
 * said.c - what a request within a request said
 *
 * Process: worker.  Owns: nothing.
 * Trusts:  our own answers to be messages; those that are not are answered for.
 */
#include "mcp/write.h"
#include "worker/front/said.h"

static void
answer_for(const char *request_id, struct span id, struct buf *own, int error)
{
	const struct mcp_error	e = { .error = error, .request_id = span_of(request_id) };

	if (mcp_write_error(own, id, &e) != 0)
		buf_fini(own);
}

/* An error that came with another status than 200: some of those do not have the message's id. */
static void
answer_again(struct worker *w, const char *request_id, struct span id, struct buf *own, struct span text)
{
	struct rpc_answer	m;

	if (rpc_answer_whole(w->answer_scan, text, &m) != 0 || m.kind != RPC_RESPONSE || !m.is_error)
		answer_for(request_id, id, own, E_INTERNAL);
	else if (buf_put_fmt(own, "{\"jsonrpc\":\"2.0\",\"id\":%.*s,\"error\":%.*s}", SPAN_FMT(id),
	    SPAN_FMT(m.error.raw)) != 0)
		buf_fini(own);
}

bool
said_as_kept(const struct inner *in, struct worker *w, const char *request_id, struct span id, struct buf *own)
{
	struct span	kept = inner_kept(in);

	if (id.n == 0)
		return false;		/* no request: whatever became of it, nobody is told */
	if (in->error != 0 || in->ended != FLOW_DONE)
		answer_for(request_id, id, own, in->error != 0 ? in->error : E_UPSTREAM);
	else if (in->status == 200)
		return true;
	else if (kept.n > 0)		/* a call that was cancelled has 202 and no answer */
		answer_again(w, request_id, id, own, kept);
	return false;
}
