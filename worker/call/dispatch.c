/* SPDX-License-Identifier: Apache-2.0
 *
 * dispatch.c - a call's request: written for its server, sent behind the audit's `begin`, and sent again
 *
 * Process: worker.  Owns: nothing; the request's text is the call's.
 * Trusts:  that the call was decided; after a reload it is decided anew before anything of it goes out.
 */
#include "lib/bug.h"
#include "lib/sum.h"
#include "mcp/header.h"
#include "mcp/task.h"
#include "policy/endpoints.h"
#include "worker/call/admit.h"
#include "worker/call/approvals.h"
#include "worker/call/call_priv.h"
#include "worker/call/may.h"
#include "worker/call/param.h"
#include "worker/call/patience.h"
#include "worker/call/record.h"
#include "worker/front/reply.h"
#include "worker/lists/lists.h"
#include "worker/lists/pins.h"
#include "worker/lists/view.h"
#include "worker/operator/trace.h"
#include "worker/talk/roots.h"

static const struct span no_text = { NULL, 0 };

/* --- what goes out ---------------------------------------------------------------------------- */

/* Ours, when the client wants progress: a number that no other call of any worker has; the runner puts
 * one of its own in its place (mcp-wire 14.5). */
static struct span
progress_token(const struct call *c)
{
	struct worker	*w = c->rq->w;

	if (c->notes.token.n == 0)
		return no_text;
	return arena_fmt(&c->rq->x->arena, "%llu",
	    (unsigned long long)((uint64_t)(w->slot + 1) << 40 | ++w->progress_tokens));
}

/* A name and arguments, and nothing of what MCP puts beside them. */
static int
call_write_bare(struct call *c)
{
	const struct json_value		 none = { JSON_OBJECT, SPAN_LIT("{}") };
	const struct bridge_request	 up = {
		.method = MCP_TOOLS_CALL, .id = SPAN_LIT("0"), .name = c->ask.tool, .meta = BRIDGE_LEGACY,
		.arguments = c->ask.arguments.type == JSON_OBJECT ? c->ask.arguments : none,
	};

	return bridge_write_request(&c->up, &up, &c->up_id, &c->up_meta);
}

static int
call_write(struct call *c, struct span state, struct span responses)
{
	const struct call_kind		*kind = call_kind(c->ask.what);
	const bool			 is_own = c->method != kind->method;	/* not the client's request */
	const bool			 bare = c->ask.server->transport == TRANSPORT_JSONRPC;
	const struct span		 token = c->up_token = is_own || bare ? no_text : progress_token(c);
	const struct bridge_request	 up = is_own ? (struct bridge_request){
		.method = c->method, .id = SPAN_LIT("0"), .task_id = c->task_id, .meta = BRIDGE_EITHER,
		.capabilities = c->asks.declared | c->declares, .input_responses = responses,
	} : (struct bridge_request){
		.method = kind->method, .id = SPAN_LIT("0"), .name = kind->named ? c->ask.tool : no_text,
		.task = c->task, .arguments = c->ask.arguments, .ref = c->ask.ref, .ref_name = c->ask.tool,
		.uri = c->ask.own_uri && c->ask.what == CALL_RESOURCE ? c->ask.tool : no_text,
		.ref_is_uri = c->ask.own_uri,
		.task_id = c->task_id,
		.from = c->ask.from, .meta = BRIDGE_EITHER,
		.capabilities = c->asks.declared | c->declares, .progress_token = token,
		.log_level = c->rq->log_level, .request_state = state, .input_responses = responses,
	};

	if (bare)
		return call_write_bare(c);
	return bridge_write_request(&c->up, &up, &c->up_id, &c->up_meta);
}

/* With what the client brought of earlier rounds. */
static int
call_write_first(struct call *c)
{
	const struct retry	*retry = &c->rq->retry;
	const struct span	 given = c->ask.what == CALL_TASK_UPDATE ? c->rq->msg.input_responses.raw :
				    retry->responses;
	struct buf		 responses;
	int			 r;

	if (given.n == 0)
		return call_write(c, retry->state, no_text);
	buf_init(&responses, given.n + 1);
	if ((r = roots_put_responses(&responses, c, given)) == 0)
		r = call_write(c, retry->state, buf_rest(&responses));
	buf_fini(&responses);
	return r;
}

/* Who calls, for a server that has no other way to know: by what the gateway knows, whatever the client says. */
static int
tell_caller(struct call *c)
{
	struct request		*rq = c->rq;
	struct exchange_field	*fields = arena_alloc(&rq->x->arena, 2 * sizeof(*fields));
	struct span		 user = rq->who.traits.user.n > 0 ? rq->who.traits.user : rq->who.subject;
	struct buf		 b;
	int			 r;

	if (fields == NULL)
		return E_NOMEM;
	buf_init(&b, 16 * 1024);
	if ((r = mcp_header_encode(&b, user)) == 0 && (user = arena_dup(&rq->x->arena, buf_rest(&b))).p == NULL)
		r = E_NOMEM;
	buf_fini(&b);
	fields[0] = (struct exchange_field){ SPAN_LIT("X-Request-ID"), span_of(rq->id_text) };
	fields[1] = (struct exchange_field){ SPAN_LIT("X-User-ID"), user };
	c->ask.params = fields;
	c->ask.param_count = 2;
	return r;
}

void
call_record_start(const struct call *c, struct audit_fields *f)
{
	const struct record_what what = { call_kind(c->ask.what)->audit, c->ask.server, c->ask.tool, &c->decision,
	    c->ask.shown };

	record_start(c->rq, &what, f);
	if (c->rq->w->traces != NULL)
		trace_begun(c->rq, &what);
}

int
call_prepare(struct call *c)
{
	struct request		*rq = c->rq;
	struct audit_fields	 f;
	int			 r;

	if (rq->retry.given && rq->retry.server != sum64(snap_text(rq->config->policy, c->ask.server->name)))
		return E_MCP_STATE;
	if ((r = call_write_first(c)) != 0 ||
	    (c->ask.server->transport == TRANSPORT_JSONRPC && (r = tell_caller(c)) != 0))
		return r;
	call_record_start(c, &f);
	return spool_begin(rq->w->spool, rq->id, rq->config->generation, &f, &c->begin_seq);
}

/* --- when, and when again -------------------------------------------------------------------- */

uint64_t
call_until(const struct call *c)
{
	return loop_now_ms(c->rq->w->loop) + (c->patience_ms != 0 ? c->patience_ms : patience_of(c->rq, &c->ask));
}

/* Nothing went out.  This turn's records are written, and the client must not have its answer before the `end`. */
static void
fail_next_turn(struct call *c, int error)
{
	c->failed = error;
	loop_timer_arm(&c->again, 0);
}

/* What "balance": "hash" goes by. */
static uint64_t
whose_endpoint(const struct request *rq, const struct rec_server *server)
{
	const struct rec_balance	*said = policy_balance_of(rq->config->policy, server);

	return said != NULL && said->hash_by == HASH_BY_SESSION && rq->has_session ? rq->session_hash :
	    rq->who.hash ^ rq->who.tenant_hash;
}

/* By the operator's word alone, whatever the server says of its tools (P5). */
static bool
may_run_twice(const struct call *c)
{
	return c->ask.what == CALL_TOOL && c->task_id.n == 0 && c->task.n == 0 &&
	    policy_is_idempotent(c->rq->config->policy, c->ask.server, c->ask.tool);
}

static void
call_dispatch(struct call *c)
{
	struct request	*rq = c->rq;
	uint64_t	 now_ms = loop_now_ms(rq->w->loop);
	struct route_request q = {
		.policy = rq->config->policy, .secrets = rq->config->secrets, .server = c->ask.server,
		.instance = c->ask.task != NULL ? c->ask.task->instance : call_instance(rq, c->ask.server),
		.deadline_ms = c->until_ms > now_ms ? (uint32_t)(c->until_ms - now_ms) : 1,
		.method = c->method, .body = buf_rest(&c->up),
		/* What Mcp-Name repeats: of a completion nothing. */
		.name = c->ask.what == CALL_COMPLETION ? no_text : c->task_id.n > 0 ? c->task_id : c->ask.tool,
		.id = c->up_id, .modern_meta = c->up_meta,
		.capabilities = c->asks.capabilities, .log_level = rq->log_level,
		.params = c->ask.params, .param_count = c->ask.param_count,
		.progress_token = c->up_token,
		.request = rq->id_text,
		.told_ms = rq->timeout_ms,
		.whose = whose_endpoint(rq, c->ask.server), .repeatable = may_run_twice(c),
	};
	int		 e;

	if (!spool_may_dispatch(rq->w->spool, c->begin_seq)) {
		admit_forget(rq->w, &c->breaker);
		metric_add(&rq->w->metrics, METRIC_calls_unaudited_total, 1);
		fail_next_turn(c, E_AUDIT);
		return;
	}
	if (c->cancelled || (c->client != NULL && c->client->gone && rq->modern)) {
		admit_forget(rq->w, &c->breaker);
		fail_next_turn(c, E_CLOSED);
		return;
	}
	if ((e = route_start(rq->w, &c->route, &call_route_ops, &q)) != 0) {
		admit_settle(rq, &c->ask, &c->breaker, e);
		fail_next_turn(c, e);
	} else if (rq->w->traces != NULL) {
		trace_sent(rq, c->ask.server, c->tries);
	}
}

static void
on_new_list(struct lists_wait *wait, void *arg)
{
	struct call		*c = arg;
	struct request		*rq = c->rq;
	const struct catalogue	*list;
	struct span		 why;

	(void)wait;
	MAGIC_CHECK(c, CALL_MAGIC);
	list = lists_find(rq->w->lists, c->ask.server, view_list_instance(rq, c->ask.server), &why);
	if (list == NULL)
		c->failed = E_SERVER;
	else if (catalogue_find(list, c->ask.tool) == NULL || !param_again(rq, &c->ask))
		c->failed = E_HELD;
	loop_timer_arm(&c->again, 0);
}

/* What was approved was the tool of another server by this name: this one says what it has before it is called. */
static bool
call_lists_anew(struct call *c, uint64_t profile)
{
	struct request	*rq = c->rq;

	if (c->ask.server->profile == profile || c->ask.what != CALL_TOOL || c->task_id.n > 0 ||
	    !pins_matter(rq->config))
		return false;
	lists_begin(&c->listing, on_new_list, c);
	lists_want(rq->w->lists, &c->listing, rq->config, c->ask.server, view_list_instance(rq, c->ask.server), true);
	lists_ready(&c->listing);
	return true;
}

/* A reload changed the server while the call was on its way, and nothing of it was done yet: it begins
 * again under the policy now in force, whole, so that one policy alone answers for it.
 * 0, E_SERVER (no such server any more), E_POLICY, or what *approval says. */
static int
call_renew(struct call *c, struct approval_answer *approval)
{
	struct request	*rq = c->rq;
	const struct rec_server	*s;
	struct span	 server;

	if (rq->config == rq->w->config)
		return 0;
	/* Those who wait for it were decided under the policy before. */
	cached_spoil(c);
	server = snap_text(rq->config->policy, c->ask.server->name);
	s = policy_server_find(rq->w->config->policy, rq->who.tenant, server);
	if (s == NULL || (s->flags & SERVER_FLAG_DISABLED) != 0)
		return E_SERVER;
	may_call(rq, rq->w->config->policy, server, &c->ask, true, &c->decision);
	if (!c->decision.allow)
		return E_POLICY;
	/* Its arguments are what another policy made of them. */
	if (c->ask.what == CALL_TOOL &&
	    (s->changes != c->ask.server->changes || s->transport != c->ask.server->transport))
		return E_SERVER;
	if (c->decision.approval && approvals_may_want(&c->ask) && !rq->approved.given &&
	    !approvals_pass(rq, &c->ask, approval))
		return approval->error;
	if (c->counted) {
		inflight_end(&rq->w->inflight, c->ask.server->profile);
		c->counted = inflight_begin(&rq->w->inflight, s->profile) == 0;
	}
	request_renew(rq);
	c->ask.server = s;
	c->answer.server = call_server_name(c);
	c->answer.uris = view_uris(rq, s);
	if (rq->server != NULL)
		rq->server = s;
	return 0;
}

/* The policy now in force denies it, or wants it approved.  When nothing was done, that is a refusal like any other. */
static void
call_deny(struct call *c, int error, const struct approval_answer *approval)
{
	struct request		*rq = c->client;
	const struct call_ask	 ask = c->ask;
	const struct decision	 d = c->decision;

	if (error == E_POLICY)
		metric_add(&c->rq->w->metrics, METRIC_calls_denied_total, 1);
	if (c->park != NULL || c->drive != NULL || c->rounds != NULL) {
		call_fail(c, error, true, no_text);
		return;
	}
	call_close(c, AUDIT_OUTCOME_REFUSED, error);
	if (rq->gone)
		request_done(rq);
	else if (error != E_POLICY)
		call_reply_approval(rq, &ask, &d, approval);
	else
		call_reply_denied(rq, &ask, &d);
}

void
call_on_again(struct loop_timer *t, void *arg)
{
	struct call		*c = arg;
	struct approval_answer	 approval;
	uint64_t		 profile = c->ask.server->profile, retry_after_ms = 0;
	int			 e;

	(void)t;
	MAGIC_CHECK(c, CALL_MAGIC);
	if (c->given_up != 0) {
		if (call_is_anywhere(c))
			call_cancel(c);
		else
			call_fail(c, c->given_up, false, no_text);
		return;
	}
	if (c->failed != 0) {
		call_fail(c, c->failed, false, no_text);
		return;
	}
	e = c->cached.how == CACHED_WAITS ? E_TIMEOUT : cached_go(c, &retry_after_ms);
	if (e != 0) {
		if (e == E_AGAIN)
			return;
		c->retry_after_ms = retry_after_ms;
		call_fail(c, e, false, no_text);
		return;
	}
	if ((e = call_renew(c, &approval)) != 0) {
		admit_forget(c->rq->w, &c->breaker);
		if (e == E_POLICY || e == E_APPROVAL || e == E_REJECTED)
			call_deny(c, e, &approval);
		else
			call_fail(c, e, false, no_text);
	} else if (!call_lists_anew(c, profile)) {
		call_dispatch(c);
	}
}

void
call_dispatch_turn(void *arg)
{
	struct worker	*w = arg;
	struct call	*c = w->dispatch, *next;

	w->dispatch = NULL;
	w->dispatch_last = &w->dispatch;
	for (; c != NULL; c = next) {
		next = c->next;
		call_dispatch(c);
	}
}

int
call_again_with(struct call *c, struct span state, struct span responses)
{
	int	r;

	buf_fini(&c->up);
	if ((r = call_write(c, state, responses)) != 0)
		return r;
	if (!admit_again(c->rq, &c->ask, &c->breaker, &c->retry_after_ms))
		return E_BREAKER;
	c->until_ms = call_until(c);
	call_dispatch(c);
	return 0;
}
