/* SPDX-License-Identifier: Apache-2.0
 *
 * route.c - one JSON-RPC request to one server, whichever way it is reached
 *
 * Process: worker.  Owns: nothing; the route is embedded in its caller.
 * Trusts:  neither the runner nor an HTTP server: both are bounded below this file.
 */
#include <stddef.h>

#include "lib/bug.h"
#include "mcp/capability.h"
#include "worker/call/spread.h"
#include "worker/call/tokenwait.h"
#include "worker/call/users.h"
#include "worker/worker.h"

#define ROUTE_OF(job_) ((struct route *)(void *)((char *)(job_) - offsetof(struct route, job)))

#define HEADERS_MAX	(64 * 1024)
#define UNREAD_MOST	(256 * 1024)	/* of an HTTP answer that passes: no more is taken then */

static const int end_error[LINK_END_LIMIT] = {
	[LINK_END_OK] = 0,
	[LINK_END_UNAVAILABLE] = E_SERVER,
	[LINK_END_DIED] = E_SERVER,
	[LINK_END_DEADLINE] = E_TIMEOUT,
	[LINK_END_CANCELLED] = E_CLOSED,
	[LINK_END_TOO_BIG] = E_UPSTREAM,
	[LINK_END_BABBLE] = E_UPSTREAM,
	[LINK_END_BUSY] = E_OVERLOAD,
	[LINK_END_NO_JAIL] = E_JAIL,
	[LINK_END_STALE] = E_AGAIN,
};

static void
route_finish(struct route *r, int error, bool sent, struct span text)
{
	r->running = false;
	r->ops->on_end(r, error, sent, text);
}

/* --- stdio: the runner ------------------------------------------------------------------------ */

static void
job_on_answer(struct link_job *j, uint32_t bytes, struct link_span id, unsigned flags)
{
	static const struct { unsigned flag; uint64_t can; } rows[] = {
		{ LINK_FLAG_LACKS_ROOTS, MCP_CAN_ROOTS }, { LINK_FLAG_LACKS_SAMPLING, MCP_CAN_SAMPLING },
		{ LINK_FLAG_LACKS_SAMPLING_TOOLS, MCP_CAN_SAMPLING_TOOLS },
		{ LINK_FLAG_LACKS_FORM, MCP_CAN_ELICIT_FORM }, { LINK_FLAG_LACKS_URL, MCP_CAN_ELICIT_URL },
	};
	struct route	*r = ROUTE_OF(j);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (flags & rows[i].flag)
			r->lacks |= rows[i].can;
	(void)id;
	r->ops->on_answer(r, bytes, SPAN_NONE, (flags & LINK_FLAG_MODERN) != 0);
}

static void
job_on_body(struct link_job *j, struct span bytes)
{
	struct route	*r = ROUTE_OF(j);

	r->ops->on_body(r, bytes);
}

static void
job_on_message(struct link_job *j, struct span text)
{
	struct route		*r = ROUTE_OF(j);
	struct rpc_answer	 m;

	if (r->ops->on_message == NULL)
		return;
	/* The runner proved it, but the runner is no more to be trusted than a tool. */
	if (rpc_answer_whole(r->worker->answer_scan, text, &m) != 0 || m.kind == RPC_RESPONSE)
		return;
	r->ops->on_message(r, &m);
}

static void
job_on_end(struct link_job *j, enum link_end why, unsigned flags, struct span text)
{
	route_finish(ROUTE_OF(j), end_error[why], (flags & LINK_FLAG_SENT) != 0, text);
}

static const struct link_job_ops job_ops = { job_on_answer, job_on_body, job_on_message, job_on_end };

static int
start_stdio(struct worker *w, struct route *r, const struct route_request *q)
{
	struct span	 tenant = policy_tenant_name(q->policy, q->server->tenant);
	struct link	*link = worker_link(w, tenant);
	struct link_call head = {
		.profile = q->server->profile, .instance = q->instance,
		.deadline_ms = q->deadline_ms,
		.id = { q->id.at, q->id.bytes },
		.modern_meta = { q->modern_meta.at, q->modern_meta.bytes },
		.capabilities = (uint32_t)q->capabilities,
		.log_level = q->log_level,
	};

	if (link == NULL)
		return E_NOMEM;
	if (q->request != NULL)
		memcpy(head.request, q->request, REQUESTID_CHARS + 1);
	r->worker = w;
	return link_submit(link, &r->job, &job_ops, &head, q->is_list ? LINK_FLAG_LIST : 0,
	    snap_text(q->policy, q->server->name), q->body);
}

/* --- HTTP: this worker's pool ----------------------------------------------------------------- */

static void
http_close(struct route *r)
{
	upstream_call_free(&r->call);
	tokenwait_free(&r->tokenwait);
	spread_free(&r->spread);
	arena_fini(&r->arena);
	snap_release(&r->secrets);
}

static void
on_http_done(struct upstream_call *c, const struct upstream_result *result, void *arg)
{
	struct route			*r = arg;
	struct route			 kept;
	struct span			 why = result->why;

	(void)c;
	if (r->tokenwait != NULL && result->error != 0 && tokenwait_again(r, result, &why)) {
		upstream_call_free(&r->call);
		return;
	}
	if (r->spread != NULL && spread_again(r, result)) {
		upstream_call_free(&r->call);
		tokenwait_free(&r->tokenwait);
		return;
	}
	/* The owner may give up in on_whole, and free the route in on_end; the answer and the reason's
	 * text live until the call is freed. */
	kept = *r;
	r->call = NULL;
	r->tokenwait = NULL;
	r->spread = NULL;
	r->secrets = NULL;
	r->arena = (struct arena){ 0 };
	if (result->error != 0)
		metric_add(&r->worker->metrics, METRIC_upstream_failures_total, 1);
	else if (result->answer != NULL)
		r->ops->on_whole(r, result->answer, result->modern);
	/* Too large is the server's fault, as it is over the link. */
	route_finish(r, result->error == E_TOOBIG ? E_UPSTREAM : result->error, result->sent, why);
	http_close(&kept);
}

static void
on_http_message(struct upstream_call *c, const struct rpc_answer *m, void *arg)
{
	struct route	*r = arg;

	(void)c;
	r->asked |= m->kind == RPC_REQUEST;
	if (r->ops->on_message != NULL)
		r->ops->on_message(r, m);
}

static void
on_http_body(struct upstream_call *c, struct span bytes, void *arg)
{
	struct route	*r = arg;

	if (!r->passing) {
		r->passing = true;
		r->ops->on_answer(r, 0, upstream_call_id(c), upstream_call_is_modern(c));
	}
	r->unread += bytes.n;
	r->ops->on_body(r, bytes);
	if (r->call != NULL && !r->paused && r->unread > UNREAD_MOST) {
		r->paused = true;
		upstream_call_pause(c, true);
	}
}

int
route_http_target(struct worker *w, const struct route_request *q, struct route *r, const struct upstream_request *up)
{
	int	e = users_target(w, q->server, q->instance, &r->target);

	if (e != 0)
		return e;
	return r->target.token_key == 0 ? route_http_go(r, up) :
	    tokenwait_start(w, r, up, (q->server->flags & SERVER_FLAG_PER_USER) != 0);
}

int
route_http_go(struct route *r, const struct upstream_request *up)
{
	return upstream_call_start(r->worker->upstreams, up, r->ops->on_message == NULL ? NULL : on_http_message,
	    on_http_done, r, &r->call);
}

void
route_http_end(struct route *r, int error, struct span why)
{
	http_close(r);
	route_finish(r, error, false, why);
}

static int
start_http(struct worker *w, struct route *r, const struct route_request *q)
{
	struct upstream_request	 up = {
		.target = &r->target, .instance = q->instance, .deadline_ms = q->deadline_ms,
		.told = q->told_ms != 0, .params = q->params, .param_count = q->param_count,
		.method = q->method, .name = q->name, .body = q->body,
		.id = { q->id.at, q->id.bytes },
		.modern_meta = { q->modern_meta.at, q->modern_meta.bytes },
		.is_list = q->is_list, .repeatable = q->is_list || q->repeatable, .capabilities = q->capabilities,
		.progress_token = q->progress_token,
		.on_body = q->is_list ? NULL : on_http_body,
	};
	const char		*why;
	int			 e;

	arena_init(&r->arena, NULL, 0, HEADERS_MAX);
	r->worker = w;
	r->secrets = q->secrets == NULL ? NULL : snap_hold(q->secrets);
	if (q->server->endpoint_count > 0)
		e = spread_start(w, r, q, &up);
	else if ((e = target_find(q->policy, r->secrets, q->server, NULL, &r->arena, &r->target, &why)) == 0)
		e = route_http_target(w, q, r, &up);
	if (e != 0)
		http_close(r);
	else
		metric_add(&w->metrics, METRIC_upstream_requests_total, 1);
	return e;
}

/* ---------------------------------------------------------------------------------------------- */

int
route_start(struct worker *w, struct route *r, const struct route_ops *ops,
    const struct route_request *q)
{
	int	e;

	*r = (struct route){ .ops = ops, .running = true };
	switch ((enum server_kind)q->server->kind) {
	case SERVER_STDIO:
		e = start_stdio(w, r, q);
		break;
	case SERVER_HTTP:
		e = start_http(w, r, q);
		break;
	default:
		e = E_SERVER;
		break;
	}
	if (e != 0)
		r->running = false;
	return e;
}

void
route_credit(struct route *r, size_t n)
{
	if (r->running && r->job.active)
		link_job_credit(&r->job, n);
	if (r->call == NULL)
		return;
	r->unread -= n < r->unread ? n : r->unread;
	/* Credit comes in large portions, so this does not flap. */
	if (r->paused && r->unread <= UNREAD_MOST) {
		r->paused = false;
		upstream_call_pause(r->call, false);
	}
}

int
route_reply(struct route *r, struct span message)
{
	if (!r->running)
		return E_CLOSED;
	if (r->call != NULL)
		return upstream_call_reply(r->call, message);
	return link_job_reply(&r->job, message);
}

void
route_wait(struct route *r, bool waits)
{
	if (r->running && r->call != NULL)
		upstream_call_wait(r->call, waits ? LINK_ASK_MS : 0);
}

void
route_cancel(struct route *r)
{
	bool	sent;

	if (!r->running)
		return;
	if (r->job.active) {
		link_job_cancel(&r->job);
	} else if (r->call != NULL) {
		sent = upstream_call_was_sent(r->call);
		http_close(r);
		route_finish(r, E_CLOSED, sent, SPAN_NONE);
	} else if (r->tokenwait != NULL || r->spread != NULL) {
		route_http_end(r, E_CLOSED, SPAN_NONE);
	}
}
