/* SPDX-License-Identifier: Apache-2.0
 *
 * finish.c - the end of a call: its record, and what its client is told
 *
 * Process: worker.  Owns: nothing; the call's memory is its first request's, and goes with it.
 * Trusts:  neither client nor server.
 */
#include "lib/bug.h"
#include "mcp/capability.h"
#include "mcp/task.h"
#include "mcp/write.h"
#include "worker/call/admit.h"
#include "worker/call/call_priv.h"
#include "worker/call/tasks.h"
#include "worker/front/reply.h"
#include "worker/limits/waitroom.h"
#include "worker/lists/known.h"
#include "worker/login/loginlink.h"
#include "worker/meta/meta.h"
#include "worker/operator/trace.h"
#include "worker/talk/drive.h"
#include "worker/talk/inputs.h"
#include "worker/talk/park.h"
#include "worker/talk/rounds.h"
#include "worker/talk/talk.h"

static const struct span no_text = { NULL, 0 };

static enum audit_outcome
outcome_of(int error, bool sent)
{
	switch (error) {
	case 0:
		return AUDIT_OUTCOME_OK;
	case E_TIMEOUT:
		return AUDIT_OUTCOME_TIMEOUT;
	case E_CLOSED:
	case E_WAITING:
	case E_KILLED:
	case E_REVOKED:
		return AUDIT_OUTCOME_CANCELLED;
	case E_UPSTREAM:
		return AUDIT_OUTCOME_BAD_ANSWER;
	default:
		return sent ? AUDIT_OUTCOME_DIED : AUDIT_OUTCOME_UNAVAILABLE;
	}
}

/* What it held is free for others. */
static void
call_end_limits(struct call *c, enum audit_outcome outcome)
{
	const bool	sent = outcome != AUDIT_OUTCOME_UNAVAILABLE && outcome != AUDIT_OUTCOME_REFUSED;

	limits_end(c->rq->w, c->limits, sent, c->rq->body.n + c->answer_bytes);
	c->limits = NULL;
	waitroom_kick(c->rq->w);
}

/* Everything a call holds outside of its request, and its `end`. */
void
call_close(struct call *c, enum audit_outcome outcome, int error)
{
	struct worker		*w = c->rq->w;
	struct audit_fields	 f = { 0 };
	const bool		 hit = c->cached.how == CACHED_HIT;

	cached_end(c, outcome);
	/* Whose server said nothing: another call may be its try. */
	admit_forget(w, &c->breaker);
	talk_end(c);
	rounds_fini(c);
	drive_fini(c);
	if (hit)
		call_record_start(c, &f);
	record_finish(c->rq, outcome, error, 200, &f);
	f.attempts = c->route.attempts;
	f.address = span_of(c->route.endpoint);
	f.cached = cached_word(c);
	if (c->begin_seq != 0)
		spool_end(w->spool, c->begin_seq, c->rq->id, c->rq->config->generation, &f);
	else if (hit)
		(void)!spool_once(w->spool, c->rq->id, c->rq->config->generation, &f);
	metric_add(&w->metrics, outcome == AUDIT_OUTCOME_OK ? METRIC_calls_ok_total :
	    outcome == AUDIT_OUTCOME_UNAVAILABLE ? METRIC_calls_unavailable_total :
	    METRIC_calls_failed_total, 1);
	metric_observe(&w->metrics, METRIC_call_duration_seconds, f.latency_us);
	if (c->limits != NULL)
		call_end_limits(c, outcome);
	if (c->counted)
		inflight_end(&w->inflight, c->ask.server->profile);
	w->calls_running--;
	*c->run_prev = c->run_next;
	if (c->run_next != NULL)
		c->run_next->run_prev = c->run_prev;
	else
		w->running_last = c->run_prev;
	if (w->traces != NULL)
		trace_ended(c->rq, c->ask.server, &f);
	loop_timer_disarm(&c->again);
	buf_fini(&c->up);
	answer_fini(&c->answer);
	if (c->client != NULL) {
		c->client->job = NULL;
		c->client->on_gone = NULL;
		c->client->on_away = NULL;
		c->client->on_credit = NULL;
	}
	c->magic = 0;
}

/* The end of a call that has an error for its client, or for the retry that will come for it. */
static void
call_tell_error(struct call *c, int error, struct span text)
{
	struct request	*to = c->client, *keeper;
	enum call_style	 style = c->ask.style;

	if (to == NULL) {
		park_keep(c, error, text);
		return;
	}
	keeper = park_leave(c);
	if (to->gone)
		request_done(to);
	else if (error == E_TOKEN && to == c->rq && loginlink_offer(to, c->ask.server))
		;	/* that was the answer */
	else if (c->as_result && style == CALL_PLAIN && to->msg.method == MCP_TOOLS_CALL)
		call_reply_failed(to, text);
	else
		call_reply_error(to, style, error, text, no_text, c->retry_after_ms);
	if (keeper != NULL)
		request_done(keeper);
}

void
call_fail(struct call *c, int error, bool sent, struct span text)
{
	struct request	*rq = c->rq;
	struct span	 server = call_server_name(c);
	struct span	 said;
	bool		 begun = c->answer.begun;

	said = arena_fmt(&rq->x->arena, "%.*s%s%.*s", SPAN_FMT(server), text.n > 0 ? ": " : "",
	    SPAN_FMT(span_part(text, 0, 600)));
	call_close(c, outcome_of(error, sent), error);
	if (begun) {
		/* Half an answer went out: it must not look whole. */
		flow_end(&rq->x->answer, FLOW_BROKEN);
		request_done(rq);
	} else if (c->cancelled) {
		/* Who cancelled gets no response (2025-11-25 basic/utilities/cancellation). */
		reply_accepted(rq);
	} else {
		call_tell_error(c, error, said);
	}
}

/* execute_tool's results are results: a server's JSON-RPC error becomes one with isError. */
static void
call_fail_upstream(struct call *c, const struct rpc_answer *from)
{
	struct request	*rq = c->rq;
	struct span	 message;

	if (json_string(from->error_message, &rq->x->arena, &message) != 0 ||
	    (message = arena_dup(&rq->x->arena, message)).p == NULL)
		message = no_text;
	call_close(c, AUDIT_OUTCOME_ERROR, E_UPSTREAM);
	call_tell_error(c, E_UPSTREAM, message);
}

/* For a retry: all behind the id, which is the first request's here. */
static void
call_keep(struct call *c, const struct bridge_pieces *pieces)
{
	const size_t	skip = strlen(CALL_ANSWER_BEFORE_ID) + c->rq->msg.id.n;
	struct buf	whole;
	int		r;

	buf_init(&whole, pieces->bytes + 1);
	r = bridge_pieces_write(&whole, pieces);
	park_keep(c, r, r != 0 ? no_text : span_part(buf_rest(&whole), skip, whole.used));
	buf_fini(&whole);
}

/* The server has no such task, or will not cancel it any more.  Its words may hold its own id. */
static void
call_lose_task(struct call *c)
{
	call_close(c, AUDIT_OUTCOME_ERROR, E_MCP_TASK);
	call_tell_error(c, E_MCP_TASK, c->ask.what == CALL_TASK_CANCEL ? SPAN_LIT("it may have ended") : no_text);
}

/* A whole answer.  The record is written at the end of this turn, before the connection is flushed;
 * so its order towards the reply below is the loop's, not this function's. */
static void
call_succeed(struct call *c, const struct answer_ready *ready)
{
	struct request		*to = c->client, *keeper = NULL;
	struct answer		 answer = c->answer;	/* ready's pieces point into it */
	enum audit_outcome	 outcome = ready->is_error ? AUDIT_OUTCOME_ERROR : AUDIT_OUTCOME_OK;

	/* On one server's own URL every URI is that server's. */
	if ((c->rq->view & VIEW_HAS_SERVER) == 0 && !answer.begun)
		known_learn(c->rq, c->ask.server, &ready->answer);
	answer_init(&c->answer, c->rq);
	call_close(c, outcome, 0);
	if (to == NULL)
		call_keep(c, &ready->pieces);
	else
		keeper = park_leave(c);
	if (to != NULL && to->gone) {
		request_done(to);
	} else if (to != NULL && answer.begun) {
		reply_rest(to, &ready->pieces);
	} else if (to != NULL) {
		reply_pieces(to, &ready->pieces);
	}
	answer_fini(&answer);
	if (keeper != NULL)
		request_done(keeper);
}

/* What a server said that is no result of a tool: as the text of one. */
static void
call_succeed_wrapped(struct call *c, const struct answer_ready *ready)
{
	struct request	*to = c->client;
	struct answer	 answer = c->answer;
	struct buf	 b;
	int		 r;

	buf_init(&b, 3 * ready->answer.text.n + 64 * 1024);
	r = mcp_write_tool_json(&b, to->msg.id, to->version, false, ready->answer.result);
	answer_init(&c->answer, c->rq);
	call_close(c, AUDIT_OUTCOME_OK, 0);
	if (to->gone)
		request_done(to);
	else
		reply_message(to, r, &b);
	buf_fini(&b);
	answer_fini(&answer);
}

/* It goes on at its server; the client has its id, and the call is over. */
static void
call_take_task(struct call *c, const struct answer_ready *ready)
{
	struct answer_ready	named = *ready;
	int			e;

	if ((e = tasks_name(c, &named)) != 0)
		call_fail(c, e, true, e == E_UPSTREAM ? SPAN_LIT("what it answered is no task") : no_text);
	else
		call_succeed(c, &named);
}

/* A server that asks before it answers, a modern one: its client is asked, and the call is over; what the
 * client answers comes as another. */
static void
call_ask_inputs(struct call *c, const struct answer_ready *ready, bool urls)
{
	struct answer	answer = c->answer;
	int		r;

	answer_init(&c->answer, c->rq);
	call_close(c, AUDIT_OUTCOME_OK, 0);
	if (c->client->gone)
		request_done(c->client);
	else if ((r = urls ? inputs_reply_urls(c, &ready->answer) : inputs_reply_wrapped(c, &ready->answer)) != 0)
		call_tell_error(c, r, SPAN_LIT("what it asks cannot be passed on"));
	answer_fini(&answer);
}

/* Which capabilities this call failed for, that its client really did not declare: what a modern server says itself
 * (-32021), or what a legacy one asked in vain, or would show first (-32042). */
static uint64_t
capabilities_missing(const struct call *c, const struct answer_ready *ready)
{
	const struct rpc_answer	*from = &ready->answer;
	uint64_t		 missing = c->asks.missing;

	if (c->client == NULL || !ready->is_error || c->ask.style != CALL_PLAIN)
		return 0;
	if (from->is_error && from->error_code == -32042 && c->rq->modern)
		missing |= MCP_CAN_ELICIT_URL;
	if (from->is_error && from->error_code == -32021)
		missing = mcp_capabilities_of(json_get(from->error_data, "requiredCapabilities"));
	return missing & ~c->client->capabilities;
}

/* Such a call did nothing that its client could use: it is told what to declare (mcp-wire 14.11, 14.12). */
static void
call_reply_missing(struct call *c, uint64_t missing)
{
	struct request		*to = c->client, *keeper;
	struct mcp_error	 e = { .error = E_MCP_CAPABILITY };
	struct buf		 b, data;
	int			 r;

	call_close(c, AUDIT_OUTCOME_ERROR, E_MCP_CAPABILITY);
	keeper = park_leave(c);
	buf_init(&b, 64 * 1024);
	buf_init(&data, 4096);
	if (to->gone) {
		request_done(to);
	} else {
		if ((r = buf_put_str(&data, "\"requiredCapabilities\":")) == 0)
			r = mcp_capabilities_write(&data, missing);
		e.extra = buf_rest(&data);
		e.request_id = span_of(to->id_text);
		if (r == 0)
			r = mcp_write_error(&b, to->msg.id, &e);
		reply_message_as(to, 400, r, &b);
	}
	buf_fini(&data);
	buf_fini(&b);
	if (keeper != NULL)
		request_done(keeper);
}

/* A legacy client knows no such error: its tool failed, and why is for people (mcp-wire 14.12). */
static void
call_fail_missing(struct call *c, const struct rpc_answer *from)
{
	struct request	*rq = c->rq;
	struct span	 server = call_server_name(c), text;
	struct buf	 names;

	buf_init(&names, 4096);
	(void)!mcp_capabilities_write(&names, mcp_capabilities_of(json_get(from->error_data, "requiredCapabilities")));
	text = arena_fmt(&rq->x->arena, "%.*s: it needs a client with the capabilities %.*s", SPAN_FMT(server),
	    SPAN_FMT(buf_rest(&names)));
	buf_fini(&names);
	call_close(c, AUDIT_OUTCOME_ERROR, E_UPSTREAM);
	c->as_result = true;
	call_tell_error(c, E_UPSTREAM, text);
}

/* A legacy client is asked on the stream of this call, which goes on. */
static void
call_ask_rounds(struct call *c, const struct answer_ready *ready)
{
	struct answer	answer = c->answer;
	struct span	text = no_text;
	int		e = E_UPSTREAM;

	answer_init(&c->answer, c->rq);
	if (c->rq->modern || c->client->gone)
		text = SPAN_LIT("it asks for what this client cannot be asked");
	else
		e = rounds_begin(c, &ready->answer, &text);
	answer_fini(&answer);
	if (e != 0)
		call_fail(c, e, true, text);
}

/* Error -32042 of 2025-11-25, for a client that can be shown URLs in the modern way (mcp-wire 14.11). */
static bool
wants_urls(const struct call *c, const struct rpc_answer *from)
{
	return from->is_error && from->error_code == -32042 && c->rq->modern && c->client != NULL &&
	    c->park == NULL && c->ask.style == CALL_PLAIN && (c->asks.declared & MCP_CAN_ELICIT_URL) != 0;
}

void
call_finish(struct call *c, const struct answer_ready *ready)
{
	uint64_t	missing;

	cached_settle(c, ready);
	/* Between a modern client and a modern server a task is theirs. */
	if (((c->drives && !(c->rq->modern && c->answer.modern)) && drive_takes(c, ready)) || drive_retries(c, ready))
		return;
	missing = capabilities_missing(c, ready);
	if (missing != 0 && c->rq->modern)
		call_reply_missing(c, missing);
	else if (!c->rq->modern && c->answer.modern && ready->answer.is_error && ready->answer.error_code == -32021)
		call_fail_missing(c, &ready->answer);
	else if (c->ask.task != NULL && task_is_lost(&ready->answer, c->method, c->task_id))
		call_lose_task(c);
	else if (ready->is_task)
		call_take_task(c, ready);
	else if (ready->input_required && c->rq->modern && c->park != NULL)
		/* It asked in the legacy way, and is another server now. */
		call_fail(c, E_UPSTREAM, true, SPAN_LIT("it changed its era while it was asked"));
	else if (ready->input_required && c->rq->modern && c->ask.style == CALL_PLAIN)
		call_ask_inputs(c, ready, false);
	else if (ready->input_required)
		call_ask_rounds(c, ready);
	else if (wants_urls(c, &ready->answer))
		call_ask_inputs(c, ready, true);
	else if (c->ask.style == CALL_EXECUTE && ready->answer.is_error)
		call_fail_upstream(c, &ready->answer);
	else if (c->ask.server->transport == TRANSPORT_JSONRPC && !ready->answer.is_error && c->client != NULL &&
	    ready->answer.content.type != JSON_ARRAY)
		call_succeed_wrapped(c, ready);
	else
		call_succeed(c, ready);
}
