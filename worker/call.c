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
#include "lib/log.h"
#include "worker/admit.h"
#include "worker/answer.h"
#include "worker/call.h"
#include "worker/known.h"
#include "worker/meta.h"
#include "worker/record.h"
#include "worker/reply.h"
#include "worker/route.h"

#define CALL_MAGIC	0xca110001u
#define STALE_MS	20		/* a reload reaches worker and runner within this, */
#define STALE_TRIES	50		/* or within this many times */

struct call {
	uint32_t		 magic;
	struct call		*next;		/* waiting for the end of the turn */
	struct request		*rq;
	struct call_ask		 ask;
	struct decision		 decision;
	uint64_t		 begin_seq;
	uint64_t		 until_ms;	/* monotonic: its deadline */
	struct loop_timer	 again;		/* the runner said STALE */
	unsigned		 tries;
	struct breaker_ticket	 breaker;
	bool			 counted;	/* in flight */
	struct route		 route;
	struct buf		 up;		/* the request to the server */
	struct bridge_mark	 up_id, up_meta;
	struct answer		 answer;
};

static const struct span no_text = { NULL, 0 };

const struct call_kind *
call_kind(enum call_what what)
{
	static const struct call_kind rows[CALL_WHAT_LIMIT] = {
		[CALL_TOOL] = { OBJECT_TOOL, MCP_TOOLS_CALL, "tool", E_TOOL, true },
		[CALL_PROMPT] = { OBJECT_PROMPT, MCP_PROMPTS_GET, "prompt", E_PROMPT, true },
		[CALL_RESOURCE] = { OBJECT_RESOURCE, MCP_RESOURCES_READ, "resource", E_RESOURCE, false },
		[CALL_COMPLETION] = { OBJECT_COMPLETION, MCP_COMPLETION_COMPLETE, "completion", E_REF, false },
	};

	return &rows[what];
}

uint64_t
call_instance(const struct request *rq, const struct rec_server *server)
{
	uint64_t	tenant = rq->who.tenant_hash;

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

/* --- the end ---------------------------------------------------------------------------------- */

static enum audit_outcome
outcome_of(int error, bool sent)
{
	switch (error) {
	case 0:
		return AUDIT_OUTCOME_OK;
	case E_TIMEOUT:
		return AUDIT_OUTCOME_TIMEOUT;
	case E_CLOSED:
		return AUDIT_OUTCOME_CANCELLED;
	case E_UPSTREAM:
		return AUDIT_OUTCOME_BAD_ANSWER;
	default:
		return sent ? AUDIT_OUTCOME_DIED : AUDIT_OUTCOME_UNAVAILABLE;
	}
}

/* Everything a call holds outside of its request, and its `end`. */
static void
call_close(struct call *c, enum audit_outcome outcome, int error)
{
	struct worker		*w = c->rq->w;
	struct audit_fields	 f = { 0 };

	record_finish(c->rq, outcome, error, 200, &f);
	if (c->begin_seq != 0)
		spool_end(w->spool, c->begin_seq, c->rq->id, c->rq->config->generation, &f);
	metric_add(&w->metrics, outcome == AUDIT_OUTCOME_OK ? METRIC_calls_ok_total :
	    outcome == AUDIT_OUTCOME_UNAVAILABLE ? METRIC_calls_unavailable_total :
	    METRIC_calls_failed_total, 1);
	metric_observe(&w->metrics, METRIC_call_duration_seconds, f.latency_us);
	if (c->counted)
		inflight_end(&w->inflight, c->ask.server->profile);
	w->calls_running--;
	loop_timer_disarm(&c->again);
	buf_fini(&c->up);
	answer_fini(&c->answer);
	c->rq->job = NULL;
	c->rq->on_gone = NULL;
	c->rq->on_credit = NULL;
	c->magic = 0;
}

static void
call_fail(struct call *c, int error, bool sent, struct span text)
{
	struct request	*rq = c->rq;
	struct span	 server = snap_text(rq->config->policy, c->ask.server->name);
	struct span	 said;
	enum call_style	 style = c->ask.style;
	bool		 begun = c->answer.begun;

	said = arena_fmt(&rq->x->arena, "%.*s%s%.*s", SPAN_FMT(server), text.n > 0 ? ": " : "",
	    SPAN_FMT(span_part(text, 0, 600)));
	call_close(c, outcome_of(error, sent), error);
	if (begun) {
		/* Half an answer went out: it must not look whole. */
		flow_end(&rq->x->answer, FLOW_BROKEN);
		request_done(rq);
		return;
	}
	if (rq->gone)
		request_done(rq);
	else
		call_reply_error(rq, style, error, said, no_text, 0);
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
	if (rq->gone)
		request_done(rq);
	else
		meta_reply_error(rq, E_UPSTREAM, message, no_text);
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
on_answer(struct route *r, uint64_t bytes, struct bridge_mark id, bool modern)
{
	struct call	*c = call_of(r);

	answer_expect(&c->answer, bytes, id, modern);
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

	answer_give(&c->answer, answer, modern);
}

/* A whole answer.  The record is written at the end of this turn, before the connection is flushed;
 * so its order towards the reply below is the loop's, not this function's. */
static void
call_succeed(struct call *c, const struct answer_ready *ready)
{
	struct request		*rq = c->rq;
	struct answer		 answer = c->answer;	/* ready's pieces point into it */
	enum audit_outcome	 outcome = ready->is_error ? AUDIT_OUTCOME_ERROR : AUDIT_OUTCOME_OK;

	/* On one server's own URL every URI is that server's. */
	if ((rq->view & VIEW_HAS_SERVER) == 0 && !answer.streams)
		known_learn(rq, c->ask.server, &ready->answer);
	answer_init(&c->answer, rq);
	call_close(c, outcome, 0);
	if (rq->gone) {
		request_done(rq);
	} else if (answer.streams) {
		answer_send_tail(&answer);
		request_done(rq);
	} else {
		reply_pieces(rq, &ready->pieces);
	}
	answer_fini(&answer);
}

static void
on_end(struct route *r, int error, bool sent, struct span text)
{
	struct call		*c = call_of(r);
	struct answer_ready	 ready;

	if (error == 0 && (error = answer_finish(&c->answer, &ready)) != 0)
		text = error == E_UPSTREAM ? SPAN_LIT("what it answered is not a valid MCP message") : no_text;
	if (error == E_AGAIN && !sent && c->tries++ < STALE_TRIES) {
		loop_timer_arm(&c->again, STALE_MS);
		return;
	}
	admit_settle(c->rq, c->ask.server, &c->breaker, error);
	if (error != 0)
		call_fail(c, error, sent, text);
	else if (c->ask.style == CALL_EXECUTE && ready.answer.is_error)
		call_fail_upstream(c, &ready.answer);
	else
		call_succeed(c, &ready);
}

static const struct route_ops route_ops = { on_answer, on_body, on_whole, on_end };

/* A modern client that goes away cancels (mcp-wire 3.4); a legacy one does not (3.3). */
static void
on_client_gone(struct request *rq)
{
	struct call	*c = rq->job;

	MAGIC_CHECK(c, CALL_MAGIC);
	metric_add(&rq->w->metrics, METRIC_calls_abandoned_total, 1);
	if (rq->modern)
		route_cancel(&c->route);
}

static void
on_client_took(struct request *rq, size_t bytes)
{
	struct call	*c = rq->job;

	MAGIC_CHECK(c, CALL_MAGIC);
	route_credit(&c->route, answer_credit(&c->answer, bytes));
}

/* --- the beginning ---------------------------------------------------------------------------- */

static uint32_t
deadline_of(const struct request *rq, const struct call_ask *ask)
{
	uint64_t	ms = ask->server->timeout_ms != 0 ? ask->server->timeout_ms :
	    rq->config->params.call_timeout;

	if (ask->timeout_ms != 0 && ask->timeout_ms < ms)
		ms = ask->timeout_ms;
	return (uint32_t)ms;
}

static void
call_dispatch(struct call *c)
{
	struct request	*rq = c->rq;
	uint64_t	 now_ms = loop_now_ms(rq->w->loop);
	struct route_request q = {
		.policy = rq->config->policy, .server = c->ask.server,
		.instance = call_instance(rq, c->ask.server),
		.deadline_ms = c->until_ms > now_ms ? (uint32_t)(c->until_ms - now_ms) : 1,
		.method = call_kind(c->ask.what)->method, .body = buf_rest(&c->up),
		/* What Mcp-Name repeats: of a completion nothing. */
		.name = c->ask.what == CALL_COMPLETION ? no_text : c->ask.tool,
		.id = c->up_id, .modern_meta = c->up_meta,
	};
	int		 e;

	if (!spool_may_dispatch(rq->w->spool, c->begin_seq)) {
		breaker_unknown(&rq->w->breakers, &c->breaker, now_ms);
		metric_add(&rq->w->metrics, METRIC_calls_unaudited_total, 1);
		call_fail(c, E_AUDIT, false, no_text);
		return;
	}
	if (rq->gone && rq->modern) {
		breaker_unknown(&rq->w->breakers, &c->breaker, now_ms);
		call_fail(c, E_CLOSED, false, no_text);
		return;
	}
	if ((e = route_start(rq->w, &c->route, &route_ops, &q)) != 0) {
		admit_settle(rq, c->ask.server, &c->breaker, e);
		call_fail(c, e, false, no_text);
	}
}

/* A reload changed the server while the call was on its way, and nothing of it was done yet: it begins
 * again under the policy now in force, whole, so that one policy alone answers for it.
 * 0, E_SERVER (no such server any more) or E_POLICY. */
static int
call_renew(struct call *c)
{
	struct request	*rq = c->rq;
	const struct rec_server	*s;
	struct span	 server;

	if (rq->config == rq->w->config)
		return 0;
	server = snap_text(rq->config->policy, c->ask.server->name);
	s = policy_server_find(rq->w->config->policy, rq->who.tenant, server);
	if (s == NULL || (s->flags & SERVER_FLAG_DISABLED) != 0)
		return E_SERVER;
	decide(rq->w->config->policy, &rq->who, &(struct object){ call_kind(c->ask.what)->object, server,
	    c->ask.tool }, &c->decision);
	if (!c->decision.allow)
		return E_POLICY;
	if (c->counted) {
		inflight_end(&rq->w->inflight, c->ask.server->profile);
		c->counted = inflight_begin(&rq->w->inflight, s->profile) == 0;
	}
	config_release(&rq->config);
	rq->config = config_hold(rq->w->config);
	c->ask.server = s;
	if (rq->server != NULL)
		rq->server = s;
	return 0;
}

/* The policy now in force denies it.  Nothing was done, so that is a refusal like any other. */
static void
call_deny(struct call *c)
{
	struct request		*rq = c->rq;
	const struct call_ask	 ask = c->ask;
	const struct decision	 d = c->decision;

	metric_add(&rq->w->metrics, METRIC_calls_denied_total, 1);
	call_close(c, AUDIT_OUTCOME_REFUSED, E_POLICY);
	if (rq->gone)
		request_done(rq);
	else
		call_reply_denied(rq, &ask, &d);
}

static void
on_again(struct loop_timer *t, void *arg)
{
	struct call	*c = arg;
	int		 e;

	(void)t;
	MAGIC_CHECK(c, CALL_MAGIC);
	if ((e = call_renew(c)) != 0) {
		breaker_unknown(&c->rq->w->breakers, &c->breaker, loop_now_ms(c->rq->w->loop));
		if (e == E_POLICY)
			call_deny(c);
		else
			call_fail(c, e, false, no_text);
	} else {
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

static int
call_prepare(struct call *c)
{
	struct request		*rq = c->rq;
	const struct call_kind	*kind = call_kind(c->ask.what);
	const struct record_what what = { kind->audit, c->ask.server, c->ask.tool, &c->decision };
	struct audit_fields	 f;
	const struct bridge_request up = {
		.method = kind->method, .id = SPAN_LIT("0"), .name = kind->named ? c->ask.tool : no_text,
		.arguments = c->ask.arguments, .ref = c->ask.ref, .ref_name = c->ask.tool,
		.from = c->ask.from, .meta = BRIDGE_EITHER,
	};
	int			 r;

	if ((r = bridge_write_request(&c->up, &up, &c->up_id, &c->up_meta)) != 0)
		return r;
	record_start(rq, &what, &f);
	return spool_begin(rq->w->spool, rq->id, rq->config->generation, &f, &c->begin_seq);
}

void
call_begin(struct request *rq, const struct call_ask *ask)
{
	const struct object	 object = { call_kind(ask->what)->object, snap_text(rq->config->policy,
				    ask->server->name), ask->tool };
	struct worker		*w = rq->w;
	struct call		*c;
	struct decision		 d;
	struct breaker_ticket	 ticket = { 0 };
	struct span		 text = no_text;
	uint64_t		 retry_after_ms;
	int			 e;

	if (ask->decided != NULL)
		d = *ask->decided;
	else
		decide(rq->config->policy, &rq->who, &object, &d);
	if (!d.allow) {
		call_refuse_denied(rq, ask, &d);
		return;
	}
	if ((e = admit_call(rq, ask, &ticket, &text, &retry_after_ms)) != 0) {
		call_record_refusal(rq, ask, &d, e == E_SERVER || e == E_BREAKER ?
		    AUDIT_OUTCOME_UNAVAILABLE : AUDIT_OUTCOME_REFUSED, e);
		text = arena_fmt(&rq->x->arena, "%.*s%s%.*s", SPAN_FMT(object.server),
		    text.n > 0 ? ": " : "", SPAN_FMT(text));
		call_reply_error(rq, ask->style, e, text, no_text, retry_after_ms);
		return;
	}
	if ((c = arena_calloc(&rq->x->arena, sizeof(*c))) == NULL) {
		breaker_unknown(&w->breakers, &ticket, loop_now_ms(w->loop));
		call_record_refusal(rq, ask, &d, AUDIT_OUTCOME_REFUSED, E_NOMEM);
		call_reply_error(rq, ask->style, E_NOMEM, no_text, no_text, 0);
		return;
	}
	c->magic = CALL_MAGIC;
	c->rq = rq;
	c->ask = *ask;
	c->decision = d;
	c->breaker = ticket;
	c->until_ms = loop_now_ms(w->loop) + deadline_of(rq, ask);
	loop_timer_init(w->loop, &c->again, on_again, c);
	buf_init(&c->up, rq->config->params.max_body + 64 * 1024);
	answer_init(&c->answer, rq);
	rq->plain_call = ask->style == CALL_PLAIN;
	w->calls_running++;
	if ((e = call_prepare(c)) != 0) {
		breaker_unknown(&w->breakers, &ticket, loop_now_ms(w->loop));
		call_record_refusal(rq, ask, &d, AUDIT_OUTCOME_REFUSED, e);
		call_fail(c, e, false, no_text);
		return;
	}
	c->counted = inflight_begin(&w->inflight, ask->server->profile) == 0;
	rq->job = c;
	rq->on_gone = on_client_gone;
	rq->on_credit = on_client_took;
	c->next = NULL;
	*w->dispatch_last = c;
	w->dispatch_last = &c->next;
}
