/* SPDX-License-Identifier: Apache-2.0
 *
 * answer.c - a server's answer on its way to the client
 *
 * Process: worker.  Owns: the held bytes and the scanner.
 * Trusts:  no server: an answer is proven to be JSON before its last byte leaves.  A small one is held whole.  A
 *          large one is read as it comes; while that is within the result's content or structured content, it
 *          passes, and it gets no end when it turns out to be no answer.
 */
#include <string.h>

#include "mcp/elicit.h"
#include "mcp/task.h"
#include "mcp/uris.h"
#include "worker/call/answer.h"
#include "worker/front/reply.h"

void
answer_init(struct answer *a, struct request *rq)
{
	*a = (struct answer){ .rq = rq, .budget = &rq->w->answers };
	buf_init(&a->held, ANSWER_MAX);
	buf_init(&a->named, ANSWER_MAX);
}

void
answer_init_as(struct answer *a, const struct answer *like)
{
	const struct answer	was = *like;

	answer_init(a, was.rq);
	a->holds = was.holds;
	a->may_ask = was.may_ask;
	a->server = was.server;
	a->tasks = was.tasks;
	a->core_tasks = was.core_tasks;
	a->raw = was.raw;
	a->task_id = was.task_id;
	a->uris = was.uris;
}

static void
drop_held(struct answer *a)
{
	a->budget->used -= a->counted;
	a->counted = 0;
	buf_fini(&a->held);
}

void
answer_fini(struct answer *a)
{
	drop_held(a);
	buf_fini(&a->named);
	rpc_scan_free(&a->scan);
}

static struct bridge_answer
how_of(const struct answer *a)
{
	const struct request	*rq = a->rq;

	return (struct bridge_answer){
		.id = rq->msg.id, .client = rq->version, .upstream_modern = a->modern,
		.method = rq->msg.method, .request_id = span_of(rq->id_text), .may_ask = a->may_ask,
		.server = a->server, .task = a->tasks, .of_task = a->raw, .ttl_ms = a->ttl_ms,
	};
}

void
answer_expect(struct answer *a, uint64_t bytes, struct span want_id, bool modern)
{
	a->bytes = bytes;
	a->modern = modern;
	a->part.want_id = want_id;
	if ((bytes == 0 || bytes > ANSWER_HELD_MAX) && rpc_answer_new(&a->scan) != 0)
		a->full = true;
}

static void
hold(struct answer *a, struct span s)
{
	if (a->full || a->broken || s.n == 0)
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

static bool
may_pass(const struct answer *a)
{
	const bool	changes = a->tasks || a->core_tasks || a->raw || a->task_id.n > 0 || a->uris.n > 0;

	return !a->holds && !changes && !a->full && !a->broken && a->rq->plain_call && !a->rq->gone &&
	    !a->rq->events && !reply_wants_sse(a->rq);
}

/* Passes on what is held when it ends within a value that may pass. */
static void
open_value(struct answer *a)
{
	const struct bridge_answer	how = how_of(a);
	struct request			*rq = a->rq;
	struct span			 held = buf_rest(&a->held);
	struct bridge_pieces		 pieces;

	if (!rpc_answer_open(a->scan, held, a->base, &a->part) || !bridge_may_open(&a->part, &how))
		return;
	if (bridge_open(&a->part, &how, !a->begun, &rq->x->arena, &pieces) != 0) {
		a->broken = true;
		return;
	}
	if (!a->begun)
		reply_begin_stream(rq, EXCHANGE_STREAM);
	a->begun = a->open = true;
	reply_parts(rq, &pieces);
	flow_give(&rq->x->answer, span_part(held, a->part.open, held.n));
	drop_held(a);
	a->base = a->at;
}

/* Of a value that passes; answers how many of the bytes went to the client's connection. */
static size_t
pass(struct answer *a, struct span s)
{
	uint64_t	end = rpc_answer_open_end(a->scan, &a->part);
	size_t		n = end < a->at ? (size_t)(end - (a->at - s.n)) : s.n;

	if (end != UINT64_MAX) {
		a->open = false;
		a->base = end;
		hold(a, span_part(s, n, s.n));
	}
	if (a->rq->gone)
		return 0;
	flow_give(&a->rq->x->answer, span_part(s, 0, n));
	a->owed += n;
	return n;
}

/* The next bytes of a large one; answers as pass(). */
static size_t
read_on(struct answer *a, struct span s)
{
	size_t	passed = 0;
	int	r;

	if (a->broken || a->full)
		return 0;
	if (s.n > (a->bytes == 0 ? ANSWER_MAX : a->bytes) - a->at || ((r = rpc_scan_feed(a->scan, s)) != 0 &&
	    r != E_NOMEM)) {
		a->broken = true;
		return 0;
	}
	a->at += s.n;
	if (r != 0)
		a->full = true;
	else if (a->open)
		passed = pass(a, s);
	else
		hold(a, s);
	if (!a->open && a->held.used > ANSWER_HELD_MAX && may_pass(a))
		open_value(a);
	return passed;
}

size_t
answer_take(struct answer *a, struct span s)
{
	if (a->scan != NULL)
		return s.n - read_on(a, s);
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

/* The end of one that has begun. */
static int
finish_begun(struct answer *a, struct answer_ready *out)
{
	const struct bridge_answer	how = how_of(a);
	int				r = rpc_answer_rest(a->scan, buf_rest(&a->held), a->base, &a->part);

	if (r == 0)
		r = bridge_close(&a->part, &how, &a->rq->x->arena, &out->pieces);
	out->is_error = a->part.answer.is_error_value.type == JSON_TRUE;
	return r == 0 || r == E_NOMEM ? r : E_UPSTREAM;
}

/* One that was held whole. */
static int
read_whole(struct answer *a, struct rpc_answer *out)
{
	struct span	text = buf_rest(&a->held);
	int		r = 0;

	if (a->whole != NULL)
		*out = *a->whole;
	else if (a->scan != NULL)
		r = rpc_answer_end(a->scan, text, out);
	else
		r = rpc_answer_whole(a->rq->w->answer_scan, text, out);
	if (r == 0 && (out->kind != RPC_RESPONSE || (a->part.want_id.n > 0 && !span_eq(out->id, a->part.want_id))))
		r = E_UPSTREAM;
	return r == 0 || r == E_NOMEM ? r : E_UPSTREAM;
}

static bool
is_task(const struct answer *a, const struct rpc_answer *m)
{
	if (m->is_error || a->rq->msg.method != MCP_TOOLS_CALL)
		return false;
	return a->modern ? a->tasks && json_is(m->result_type, "task") :
	    a->core_tasks && json_get(m->result, "task").type == JSON_OBJECT;
}

static int
rewrite_uris(const struct answer *a, struct answer_ready *out)
{
	struct splices	s;
	int		r;

	splices_init(&s, &a->rq->x->arena);
	if ((r = uris_of_answer(&out->answer, a->rq->msg.method, a->uris, &s)) != 0)
		return r;
	return splice_pieces(&out->pieces, &s);
}

/* A task's questions: who asks. */
static int
name_server(struct answer *a, struct answer_ready *out)
{
	struct json_value	requests;
	struct splices		s;
	int			r;

	if (a->rq->msg.method != MCP_TASKS_GET ||
	    (requests = json_get(out->answer.result, "inputRequests")).type != JSON_OBJECT)
		return 0;
	splices_init(&s, &a->rq->x->arena);
	buf_clear(&a->named);
	if ((r = mcp_elicit_put_requests(&a->named, requests, a->server)) != 0 ||
	    (r = splices_add(&s, requests.raw, buf_rest(&a->named))) != 0)
		return r;
	return splice_pieces(&out->pieces, &s);
}

int
answer_convert(struct answer *a, struct answer_ready *out)
{
	const struct bridge_answer	how = how_of(a);
	struct request			*rq = a->rq;
	int				r;

	out->is_error = out->answer.is_error || out->answer.is_error_value.type == JSON_TRUE;
	r = bridge_answer(&out->answer, &how, &rq->x->arena, &out->pieces);
	if (r == 0 && a->task_id.n > 0)
		r = task_rename(&out->answer, rq->msg.method, a->task_id, &out->pieces);
	if (r == 0)
		r = name_server(a, out);
	if (r == 0 && a->uris.n > 0)
		r = rewrite_uris(a, out);
	/* Too many places to change are the server's doing, not the client's. */
	return r == E_JSON_DUPLICATE || r == E_TOOBIG ? E_UPSTREAM : r;
}

int
answer_finish(struct answer *a, struct answer_ready *out)
{
	int	r;

	*out = (struct answer_ready){ .is_error = false };
	if (a->full)
		return E_OVERLOAD;
	if (a->broken)
		return E_UPSTREAM;
	if (a->begun)
		return finish_begun(a, out);
	if ((r = read_whole(a, &out->answer)) != 0)
		return r;
	out->is_error = out->answer.is_error || out->answer.is_error_value.type == JSON_TRUE;
	if (a->raw || (out->is_task = is_task(a, &out->answer)))
		return 0;
	/* What a task asks is in the task. */
	if (a->modern && a->task_id.n == 0 && json_is(out->answer.result_type, "input_required")) {
		out->input_required = true;
		return 0;
	}
	return answer_convert(a, out);
}
