/* SPDX-License-Identifier: Apache-2.0
 *
 * answer.c - a server's answer on its way to the client
 *
 * Process: worker.  Owns: the held bytes and the scanner.
 * Trusts:  no server: an answer is proven to be JSON before its last byte leaves.  One that is small
 *          or must be changed is held whole; a large one that passes as it is streams with only its
 *          id replaced, and is cut when it turns out to be no JSON.
 */
#include "worker/answer.h"
#include "worker/reply.h"

static const struct json_want stream_wants[] = {
	{ JSON_ROOT, 0, "result" },
	{ JSON_ROOT, 0, "error" },
	{ 0, 0, "isError" },
};

void
answer_init(struct answer *a, struct request *rq)
{
	*a = (struct answer){ .rq = rq, .budget = &rq->w->answers };
	buf_init(&a->held, ANSWER_MAX);
}

void
answer_fini(struct answer *a)
{
	a->budget->used -= a->counted;
	a->counted = 0;
	buf_fini(&a->held);
	json_scan_free(&a->scan);
}

/* Would this client read the server's text as it is, but for the id? */
static bool
passes_unchanged(const struct answer *a)
{
	if (a->modern != a->rq->modern)
		return false;
	/* What a modern server says of caching is not the last word (mcp-wire 14.4). */
	if (a->modern && a->rq->msg.method == MCP_RESOURCES_READ)
		return false;
	return a->rq->version == MCP_NEWEST_LEGACY || a->rq->version == MCP_NEWEST_MODERN;
}

void
answer_expect(struct answer *a, uint64_t bytes, struct bridge_mark id, bool modern)
{
	a->bytes = bytes;
	a->id = id;
	a->modern = modern;
	a->streams = bytes > ANSWER_HELD_MAX && !a->holds && passes_unchanged(a) && !a->rq->gone &&
	    a->rq->plain_call && !a->rq->events && !reply_wants_sse(a->rq) &&
	    json_scan_new(stream_wants, 3, JSON_WANT_UNIQUE_MEMBERS, &a->scan) == 0;
}

/* Gives the part of the server's bytes [at, at + n) that the client gets: all but the id, whose place
 * the client's own takes. */
static void
give_spliced(struct answer *a, struct span s)
{
	struct flow	*to = &a->rq->x->answer;
	uint64_t	 from = a->at, end = a->at + s.n;
	uint64_t	 id_at = a->id.at, id_end = id_at + a->id.bytes;

	if (from < id_at)
		flow_give(to, span_part(s, 0, (size_t)(id_at - from)));
	if (from <= id_at && end > id_at)
		flow_give(to, a->rq->msg.id);
	if (end > id_end)
		flow_give(to, from >= id_end ? s : span_part(s, (size_t)(id_end - from), s.n));
}

static size_t
stream_take(struct answer *a, struct span s)
{
	if (a->broken || json_scan_feed(a->scan, s) != 0) {
		a->broken = true;
		return s.n;
	}
	if (a->at + s.n >= a->bytes) {
		/* The last bytes wait for the record. */
		if (a->at + s.n > a->bytes || buf_put(&a->held, s) != 0)
			a->broken = true;
		return s.n;
	}
	if (a->rq->gone)
		return s.n;
	if (!a->begun) {
		reply_begin_stream(a->rq, a->bytes - a->id.bytes + a->rq->msg.id.n);
		a->begun = true;
	}
	give_spliced(a, s);
	a->at += s.n;
	a->owed += s.n;
	return 0;
}

static void
hold(struct answer *a, struct span s)
{
	if (a->full || a->broken)
		return;
	if (a->budget->used + s.n > a->budget->limit) {
		a->full = true;
		return;
	}
	a->budget->used += s.n;
	a->counted += s.n;
	if (buf_put(&a->held, s) != 0)
		a->broken = true;
}

size_t
answer_take(struct answer *a, struct span s)
{
	if (a->streams)
		return stream_take(a, s);
	hold(a, s);
	return s.n;
}

size_t
answer_credit(struct answer *a, size_t n)
{
	if (n > a->owed)
		n = (size_t)a->owed;
	a->owed -= n;
	return n;
}

void
answer_give(struct answer *a, const struct rpc_answer *whole, bool modern)
{
	a->whole = whole;
	a->modern = modern;
}

static int
finish_stream(struct answer *a, struct answer_ready *out)
{
	const struct json_slot	*slots;

	if (json_scan_end(a->scan) != 0)
		return E_UPSTREAM;
	slots = json_scan_slots(a->scan);
	if ((slots[0].seen != 0) == (slots[1].seen != 0))
		return E_UPSTREAM;
	out->is_error = slots[1].seen != 0 || slots[2].type == JSON_TRUE;
	return 0;
}

int
answer_finish(struct answer *a, struct answer_ready *out)
{
	struct request		*rq = a->rq;
	struct bridge_answer	 how = {
		.id = rq->msg.id, .client = rq->version, .upstream_modern = a->modern,
		.method = rq->msg.method, .request_id = span_of(rq->id_text),
	};
	int			 r;

	*out = (struct answer_ready){ .is_error = false };
	if (a->full)
		return E_OVERLOAD;
	if (a->broken)
		return E_UPSTREAM;
	if (a->streams)
		return finish_stream(a, out);
	if (a->whole != NULL)
		out->answer = *a->whole;
	else if ((r = rpc_answer_whole(rq->w->answer_scan, buf_rest(&a->held), &out->answer)) != 0)
		return r == E_NOMEM ? r : E_UPSTREAM;
	if (out->answer.kind != RPC_RESPONSE)
		return E_UPSTREAM;
	out->is_error = out->answer.is_error || out->answer.is_error_value.type == JSON_TRUE;
	if (a->modern && json_is(out->answer.result_type, "input_required")) {
		out->input_required = true;
		return 0;
	}
	return bridge_answer(&out->answer, &how, &rq->x->arena, &out->pieces);
}

void
answer_send_tail(struct answer *a)
{
	if (!a->begun) {
		reply_begin_stream(a->rq, a->bytes - a->id.bytes + a->rq->msg.id.n);
		a->begun = true;
	}
	give_spliced(a, buf_rest(&a->held));
	flow_end(&a->rq->x->answer, FLOW_DONE);
}
