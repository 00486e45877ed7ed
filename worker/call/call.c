/* SPDX-License-Identifier: Apache-2.0
 *
 * call.c - the way of one call
 *
 * Process: worker.  Owns: struct call, in its request's arena, until its `end` is recorded.
 * Trusts:  neither the client nor the tool.
 *
 * decide -> buckets -> breaker -> `begin` in the audit -> (end of turn: the record is in the kernel)
 * -> dispatch -> answer -> `end` in the audit -> (end of turn) -> the answer leaves.  A call that is
 * refused on the way leaves one `once`.
 */
#include <stddef.h>

#include "lib/bug.h"
#include "worker/call/admit.h"
#include "worker/call/approvals.h"
#include "worker/call/call_priv.h"
#include "worker/call/may.h"
#include "worker/call/param.h"
#include "worker/call/patience.h"
#include "worker/call/record.h"
#include "worker/call/tasks.h"
#include "worker/call/users.h"
#include "worker/front/endings.h"
#include "worker/front/reply.h"
#include "worker/limits/waitroom.h"
#include "worker/lists/view.h"
#include "worker/talk/drive.h"
#include "worker/talk/rounds.h"
#include "worker/talk/talk.h"

#define HEADER_MISMATCH	(-32020)	/* an upstream's, to what we sent it */
#define STALE_MS	20		/* a reload reaches worker and runner within this, */
#define STALE_TRIES	50		/* or within this many times */

static const struct span no_text = { NULL, 0 };

const struct call_kind *
call_kind(enum call_what what)
{
	static const struct call_kind rows[CALL_WHAT_LIMIT] = {
		[CALL_TOOL] = { OBJECT_TOOL, MCP_TOOLS_CALL, "tool", E_TOOL, true },
		[CALL_PROMPT] = { OBJECT_PROMPT, MCP_PROMPTS_GET, "prompt", E_PROMPT, true },
		[CALL_RESOURCE] = { OBJECT_RESOURCE, MCP_RESOURCES_READ, "resource", E_RESOURCE, false },
		[CALL_COMPLETION] = { OBJECT_COMPLETION, MCP_COMPLETION_COMPLETE, "completion", E_REF, false },
		[CALL_TASK_GET] = { OBJECT_TOOL, MCP_TASKS_GET, "task", E_MCP_TASK, false },
		[CALL_TASK_RESULT] = { OBJECT_TOOL, MCP_TASKS_RESULT, "task", E_MCP_TASK, false },
		[CALL_TASK_UPDATE] = { OBJECT_TOOL, MCP_TASKS_UPDATE, "task", E_MCP_TASK, false },
		[CALL_TASK_CANCEL] = { OBJECT_TOOL, MCP_TASKS_CANCEL, "task", E_MCP_TASK, false },
	};

	return &rows[what];
}

uint64_t
call_instance(const struct request *rq, const struct rec_server *server)
{
	uint64_t	tenant = rq->who.tenant_hash;

	/* The compiler sees to it that isolation is by principal there. */
	users_note(rq, server, rq->who.hash ^ tenant);
	switch ((enum server_isolation)server->isolation) {
	case ISOLATION_TENANT:
		return tenant;
	case ISOLATION_SESSION:
		return rq->has_session ? rq->session_hash ^ tenant : rq->who.hash ^ tenant;
	case ISOLATION_CALL:
		return rq->id ^ tenant;
	case ISOLATION_PRINCIPAL:
	default:
		return rq->who.hash ^ tenant;
	}
}

/* --- events of the route ---------------------------------------------------------------------- */

static struct call *
call_of(struct route *r)
{
	struct call	*c = (struct call *)(void *)((char *)r - offsetof(struct call, route));

	MAGIC_CHECK(c, CALL_MAGIC);
	return c;
}

static void
on_answer(struct route *r, uint64_t bytes, struct span want_id, bool modern)
{
	struct call	*c = call_of(r);

	c->asks.missing |= r->lacks;
	/* Who waits is answered by a whole one. */
	if (c->cached.how == CACHED_LEADS && cached_is_large(c, bytes))
		cached_spoil(c);
	else if (c->cached.how == CACHED_LEADS)
		c->answer.holds = true;
	/* A failure for want of these is told otherwise (call_reply_missing()). */
	if (c->asks.missing != 0)
		c->answer.holds = true;
	c->answer_bytes += bytes;
	answer_expect(&c->answer, bytes, want_id, modern);
}

static void
on_body(struct route *r, struct span bytes)
{
	struct call	*c = call_of(r);
	size_t		 taken;

	if ((taken = answer_take(&c->answer, bytes)) > 0)
		route_credit(&c->route, taken);
}

static void
on_whole(struct route *r, const struct rpc_answer *answer, bool modern)
{
	struct call	*c = call_of(r);

	c->answer_bytes += answer->text.n;
	answer_give(&c->answer, answer, modern);
}

static void
on_message(struct route *r, const struct rpc_answer *m)
{
	talk_on_message(call_of(r), m);
}

static void
on_listed(struct lists_wait *wait, void *arg)
{
	struct call	*c = arg;

	(void)wait;
	MAGIC_CHECK(c, CALL_MAGIC);
	if (!param_again(c->rq, &c->ask))
		c->failed = E_HELD;
	loop_timer_arm(&c->again, 0);
}

/* An HTTP server misses headers, or other ones: its tools may have changed since they were listed.  It looks
 * at headers before it executes anything, so the call may be sent once more (mcp-wire 14.15). */
static bool
lists_again(struct call *c, const struct answer_ready *ready)
{
	struct request	*rq = c->rq;
	struct list_owner owner;
	struct answer	 was;

	if (c->listed || c->task_id.n > 0 || !ready->answer.is_error ||
	    ready->answer.error_code != HEADER_MISMATCH || !c->answer.modern || c->ask.server->kind != SERVER_HTTP)
		return false;
	c->listed = true;
	was = c->answer;
	answer_init_as(&c->answer, &was);
	answer_fini(&was);
	owner = view_list_instance(rq, c->ask.server);
	lists_expire(rq->w->lists, c->ask.server->profile, owner.instance, LIST_TOOLS);
	lists_begin(&c->listing, on_listed, c);
	lists_want(rq->w->lists, &c->listing, rq->config, c->ask.server, owner, true);
	lists_ready(&c->listing);
	return true;
}

static void
on_end(struct route *r, int error, bool sent, struct span text)
{
	struct call		*c = call_of(r);
	struct answer_ready	 ready;

	if (c->given_up != 0) {
		error = c->given_up;
		text = no_text;
	}
	if (error == 0 && (error = answer_finish(&c->answer, &ready)) != 0)
		text = error == E_UPSTREAM ? SPAN_LIT("what it answered is not a valid MCP message") : no_text;
	if (error == E_AGAIN && !sent && c->tries++ < STALE_TRIES) {
		loop_timer_arm(&c->again, STALE_MS);
		return;
	}
	if (error == 0 && lists_again(c, &ready))
		return;
	admit_settle(c->rq, &c->ask, &c->breaker, error);
	if (error != 0)
		call_fail(c, error, sent, text);
	else
		call_finish(c, &ready);
}

const struct route_ops call_route_ops = { on_answer, on_body, on_whole, on_message, on_end };

/* A modern client that goes away cancels (mcp-wire 3.4); a legacy one does not (3.3), but a modern server that asked
 * it has nobody to wait for. */
static void
on_client_gone(struct request *rq)
{
	struct call	*c = rq->job;

	MAGIC_CHECK(c, CALL_MAGIC);
	if (c->client != rq)
		return;
	metric_add(&rq->w->metrics, METRIC_calls_abandoned_total, 1);
	if (rq->modern || rounds_wait(c)) {
		call_cancel(c);
		return;
	}
	asks_end(&c->asks);
	/* What it has not read goes nowhere, and must not hold up the rest.  Last: the call may end here. */
	route_credit(&c->route, answer_credit(&c->answer, SIZE_MAX));
}

/* Nor does one that is away for long; but its server does not wait for answers any more. */
static void
on_client_away(struct request *rq)
{
	struct call	*c = rq->job;

	MAGIC_CHECK(c, CALL_MAGIC);
	if (c->client != rq)
		return;
	if (rounds_wait(c))
		call_cancel(c);
	else if (c->asks.open > 0)
		asks_end(&c->asks);
}

static void
on_client_took(struct request *rq, size_t bytes)
{
	struct call	*c = rq->job;

	MAGIC_CHECK(c, CALL_MAGIC);
	route_credit(&c->route, answer_credit(&c->answer, bytes));
}

struct call *
call_of_asks(struct asks *a)
{
	struct call	*c = (struct call *)(void *)((char *)a - offsetof(struct call, asks));

	MAGIC_CHECK(c, CALL_MAGIC);
	return c;
}

struct span
call_server_name(const struct call *c)
{
	return snap_text(c->rq->config->policy, c->ask.server->name);
}

bool
call_is_anywhere(const struct call *c)
{
	return c->route.running || rounds_wait(c) || drive_pauses(c) || lists_waits(&c->listing) ||
	    c->cached.how == CACHED_WAITS;
}

void
call_cancel(struct call *c)
{
	asks_end(&c->asks);
	if (c->route.running)
		route_cancel(&c->route);
	else if (rounds_wait(c) || drive_pauses(c))
		call_fail(c, c->given_up != 0 ? c->given_up : E_CLOSED, true, no_text);
	else if (c->cached.how == CACHED_WAITS)
		call_fail(c, c->given_up != 0 ? c->given_up : E_CLOSED, false, no_text);
	else if (lists_waits(&c->listing)) {
		lists_leave(&c->listing);
		call_fail(c, c->given_up != 0 ? c->given_up : E_CLOSED, true, no_text);
	}
	/* Else it is about to be dispatched, and finds out then. */
}

void
call_give_up(struct call *c, int error)
{
	c->given_up = error;
	loop_timer_arm(&c->again, 0);
}

/* Its client: call_close() ends that. */
static void
hear_of(struct call *c, struct request *rq)
{
	rq->job = c;
	rq->on_gone = on_client_gone;
	rq->on_away = on_client_away;
	rq->on_credit = on_client_took;
}

void
call_take_client(struct call *c, struct request *rq)
{
	MAGIC_CHECK(c, CALL_MAGIC);
	c->client = c->answer.rq = rq;
	hear_of(c, rq);
	rq->plain_call = c->rq->plain_call;
	notes_init(&c->notes, rq);
}

/* --- the beginning ---------------------------------------------------------------------------- */

static void
call_enqueue(struct call *c)
{
	struct worker	*w = c->rq->w;

	c->counted = inflight_begin(&w->inflight, c->ask.server->profile) == 0;
	c->next = NULL;
	*w->dispatch_last = c;
	w->dispatch_last = &c->next;
}

bool
call_is_approved(struct request *rq, const struct call_ask *ask, const struct decision *d, struct admission *a)
{
	struct approval_answer	approval;

	if (!d->approval || !approvals_may_want(ask) || approvals_pass(rq, ask, &approval))
		return true;
	admit_forget(rq->w, &a->ticket);
	/* It costs its tokens: nobody asks for approval more often than it may call. */
	limits_end(rq->w, a->limits, false, 0);
	a->limits = NULL;
	call_record_refusal(rq, ask, d, AUDIT_OUTCOME_REFUSED, approval.error);
	call_reply_approval(rq, ask, d, &approval);
	return false;
}

void
call_go_on(struct request *rq, const struct call_ask *ask, const struct decision *d, struct admission *a)
{
	struct worker	*w = rq->w;
	struct call	*c;
	int		 e;

	if (!rq->approved.given && !call_is_approved(rq, ask, d, a))
		return;
	if ((c = arena_calloc(&rq->x->arena, sizeof(*c))) == NULL) {
		admit_forget(w, &a->ticket);
		admit_undo(w, a);
		call_record_refusal(rq, ask, d, AUDIT_OUTCOME_REFUSED, E_NOMEM);
		call_reply_error(rq, ask->style, E_NOMEM, no_text, no_text, 0);
		return;
	}
	c->magic = CALL_MAGIC;
	c->rq = c->client = rq;
	c->ask = *ask;
	c->decision = *d;
	c->breaker = a->ticket;
	c->limits = a->limits;
	loop_timer_init(w->loop, &c->again, call_on_again, c);
	buf_init(&c->up, rq->config->params.max_body + 64 * 1024);
	rq->plain_call = ask->style == CALL_PLAIN;
	w->calls_running++;
	c->run_prev = w->running_last;
	*w->running_last = c;
	w->running_last = &c->run_next;
	talk_begin(c);
	c->method = call_kind(ask->what)->method;
	answer_init(&c->answer, rq);
	c->answer.server = call_server_name(c);
	c->answer.uris = view_uris(rq, ask->server);
	c->answer.may_ask = c->asks.declared != 0;
	/* The client that asks again is another one. */
	c->answer.holds = (rq->modern && c->answer.may_ask) || ask->server->transport == TRANSPORT_JSONRPC;
	tasks_plan(c);
	c->until_ms = call_until(c);
	if (patience_ends(rq) < c->until_ms)
		c->until_ms = patience_ends(rq);
	c->cached = a->cached;
	if (c->cached.how == CACHED_HIT && cached_join(c))
		return;
	if ((e = call_prepare(c)) != 0) {
		call_record_refusal(rq, ask, d, AUDIT_OUTCOME_REFUSED, e);
		call_fail(c, e, false, no_text);
		return;
	}
	hear_of(c, rq);
	if (cached_join(c))
		return;
	/* It waited, and its server is another one since: call_renew() says what becomes of it. */
	if (rq->config != w->config) {
		c->counted = inflight_begin(&w->inflight, ask->server->profile) == 0;
		loop_timer_arm(&c->again, 0);
	} else {
		call_enqueue(c);
	}
}

bool
call_catch_up(struct request *rq, struct call_ask *ask)
{
	const struct config	*now = rq->w->config;
	const struct rec_server	*was = ask->server, *s;

	if (rq->config == now)
		return false;
	s = policy_server_find(now->policy, rq->who.tenant, snap_text(rq->config->policy, was->name));
	if (s == NULL || s->profile != was->profile || s->changes != was->changes || s->transport != was->transport)
		return false;
	request_renew(rq);
	if (rq->server != NULL)
		rq->server = s;
	ask->server = s;
	ask->decided = NULL;
	return true;
}

static void
begin(struct request *rq, const struct call_ask *ask)
{
	const struct object	 object = { call_kind(ask->what)->object, snap_text(rq->config->policy,
				    ask->server->name), ask->tool };
	struct admission	 a;
	struct decision		 d;
	int			 e;

	rq->approved.given = false;
	if (ask->decided != NULL)
		d = *ask->decided;
	else
		may_call(rq, rq->config->policy, object.server, ask, true, &d);
	if (!d.allow) {
		call_refuse_denied(rq, ask, &d);
		return;
	}
	/* Its server's list was waited for as long. */
	if (patience_ends(rq) <= loop_now_ms(rq->w->loop)) {
		call_record_refusal(rq, ask, &d, AUDIT_OUTCOME_REFUSED, E_TIMEOUT);
		call_reply_error(rq, ask->style, E_TIMEOUT, object.server, no_text, 0);
		return;
	}
	if (d.shadow || d.log != 0)
		may_note(rq, &object, &d);
	e = admit_call(rq, ask, &d, &a);
	if (e == E_AGAIN) {
		if (waitroom_enter(rq, ask, &d, &a))
			return;
		limits_give(rq->w, a.limits);
		e = waitroom_error(&a);
	}
	if (e != 0)
		call_refuse_admission(rq, ask, &d, &a, e);
	else
		call_go_on(rq, ask, &d, &a);
}

void
call_begin(struct request *rq, const struct call_ask *asked)
{
	struct call_ask	ask;

	if (rq->changes == rq->w->changes) {
		begin(rq, asked);
		return;
	}
	/* Its server's list was waited for, or a place. */
	ask = *asked;
	if (endings_met(rq)) {
		call_refuse_revoked(rq, &ask, ask.decided);
		return;
	}
	(void)call_catch_up(rq, &ask);
	begin(rq, &ask);
}
