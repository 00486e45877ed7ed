/* SPDX-License-Identifier: Apache-2.0
 *
 * tasks.c - tasks between a client and a server of one era
 *
 * Process: worker.  Owns: nothing beyond a request: which tasks there are, servers know, and clients.
 * Trusts:  a task id after mcp/task.c opened it, and decide() even then.
 */
#include "mcp/capability.h"
#include "mcp/task.h"
#include "worker/call/call_priv.h"
#include "worker/call/tasks.h"
#include "worker/front/offers.h"
#include "worker/front/reply.h"
#include "worker/lists/view.h"
#include "worker/talk/drive.h"

static uint32_t
now_s(const struct request *rq)
{
	return (uint32_t)(loop_wall_ms(rq->w->loop) / 1000);
}

bool
tasks_possible(const struct rec_server *s)
{
	return s->kind != SERVER_STDIO || s->isolation != ISOLATION_CALL;
}

/* --- made --------------------------------------------------------------------------------------- */

/* What is to be declared to a modern server. */
static uint64_t
declared(const struct request *rq, const struct call_ask *ask)
{
	const struct about	*about;

	if (!rq->modern || (rq->capabilities & MCP_CAN_TASKS) == 0)
		return 0;
	if (ask->task != NULL)
		return MCP_CAN_TASKS;
	if (ask->what != CALL_TOOL || !tasks_possible(ask->server))
		return 0;
	about = lists_about(rq->w->lists, ask->server, view_list_instance(rq, ask->server));
	return about == NULL || (about->offers & MCP_OFFER_TASKS) != 0 ? MCP_CAN_TASKS : 0;
}

/* A tool of a legacy server that works as a task only, for a client that cannot have one: its revision has none,
 * not this server's at least, or execute_tool cannot ask for one. */
static bool
must_drive(const struct request *rq, const struct call_ask *ask)
{
	const struct about	*about;

	if (ask->what != CALL_TOOL || ask->tasks != CATALOGUE_TASKS_MUST || !tasks_possible(ask->server) ||
	    (!rq->modern && rq->version == MCP_2025_11_25 && ask->style == CALL_PLAIN))
		return false;
	about = lists_about(rq->w->lists, ask->server, view_list_instance(rq, ask->server));
	return about == NULL || (about->offers & MCP_OFFER_CORE_TASKS) != 0;
}

/* A client of 2025-11-25 asks for a task.  Others have no such parameter. */
static bool
wants_task(const struct request *rq, const struct call_ask *ask)
{
	return !rq->modern && rq->version == MCP_2025_11_25 && ask->what == CALL_TOOL && ask->style == CALL_PLAIN &&
	    rq->msg.task.type != JSON_NONE;
}

bool
tasks_may_call(struct request *rq, const struct call_ask *ask)
{
	const char	*why = NULL;
	int		 e = E_RPC_METHOD;

	if (rq->modern || rq->version != MCP_2025_11_25)
		return true;
	if (!wants_task(rq, ask))
		why = ask->tasks == CATALOGUE_TASKS_MUST && (offers_now(rq).bits & MCP_OFFER_TASKS) != 0 ?
		    "this tool is called with a task" : NULL;
	else if (rq->msg.task.type != JSON_OBJECT) {
		why = "task must be an object";
		e = E_RPC_PARAMS;
	} else if (ask->tasks == CATALOGUE_TASKS_NONE && (offers_now(rq).bits & MCP_OFFER_TASKS) != 0)
		why = "this tool is called without a task";
	if (why == NULL)
		return true;
	call_record_refusal(rq, ask, ask->decided, AUDIT_OUTCOME_REFUSED, e);
	reply_error(rq, e, span_of(why), SPAN_NONE, 0);
	return false;
}

void
tasks_plan(struct call *c)
{
	struct request	*rq = c->rq;

	c->declares = declared(rq, &c->ask);
	if (must_drive(rq, &c->ask)) {
		c->drives = true;
		c->task = SPAN_LIT(DRIVE_TASK);
	}
	if (wants_task(rq, &c->ask) && c->ask.tasks != CATALOGUE_TASKS_NONE)
		c->task = rq->msg.task.raw;
	if (c->ask.task != NULL) {
		c->task_id = c->ask.task->id;
		c->answer.task_id = rq->msg.task_id_value.raw;
		/* To the very instance that has it. */
		if (!rq->modern) {
			c->asks.capabilities = c->ask.task->capabilities;
			c->asks.task_id = c->answer.task_id;
		}
	}
	if (c->ask.what == CALL_TASK_RESULT)
		c->patience_ms = TASKS_RESULT_MS;
	c->answer.tasks = c->declares != 0;
	c->answer.core_tasks = c->task.n > 0;
	if (c->answer.tasks || c->answer.core_tasks || c->ask.task != NULL)
		c->answer.holds = true;
}

/* The id for the client, a raw JSON string in the request's arena. */
static int
seal(struct call *c, const struct task_said *said, struct span *out)
{
	struct request	*rq = c->client != NULL ? c->client : c->rq;
	struct task	 t = {
		.principal = rq->who.hash, .tenant = rq->who.tenant_hash,
		.instance = call_instance(c->rq, c->ask.server), .capabilities = c->asks.capabilities,
		.issued_s = now_s(rq), .expires_s = task_expiry(now_s(rq), said), .modern = c->answer.modern,
		.server = snap_text(c->rq->config->policy, c->ask.server->name), .tool = c->ask.tool,
	};
	struct buf	 b;
	int		 r;

	if (json_string(said->id, &rq->x->arena, &t.id) != 0)
		return E_UPSTREAM;
	buf_init(&b, TASK_TOKEN_MAX + 2);
	if ((r = buf_put_str(&b, "\"")) == 0 &&
	    (r = task_seal(&rq->w->ring, http_head_path(&rq->x->head), &t, &b)) == 0 &&
	    (r = buf_put_str(&b, "\"")) == 0 && (*out = arena_dup(&rq->x->arena, buf_rest(&b))).p == NULL)
		r = E_NOMEM;
	buf_fini(&b);
	return r == E_TOOBIG ? E_UPSTREAM : r;
}

int
tasks_name(struct call *c, struct answer_ready *ready)
{
	struct request		*rq = c->client != NULL ? c->client : c->rq;
	struct bridge_answer	 how = {
		.id = rq->msg.id, .client = rq->version, .upstream_modern = c->answer.modern,
		.method = MCP_TOOLS_CALL, .task = true,
	};
	struct task_said	 said;
	struct span		 id;
	int			 r;

	if (task_read_made(&ready->answer, c->answer.modern, &said) != 0)
		return E_UPSTREAM;
	if ((r = seal(c, &said, &id)) != 0 ||
	    (r = bridge_answer(&ready->answer, &how, &c->rq->x->arena, &ready->pieces)) != 0)
		return r;
	return task_rename(&ready->answer, MCP_TOOLS_CALL, id, &ready->pieces);
}

/* --- asked about ------------------------------------------------------------------------------- */

static enum call_what
what_of(enum mcp_method m)
{
	switch (m) {
	case MCP_TASKS_RESULT:
		return CALL_TASK_RESULT;
	case MCP_TASKS_UPDATE:
		return CALL_TASK_UPDATE;
	case MCP_TASKS_CANCEL:
		return CALL_TASK_CANCEL;
	default:
		return CALL_TASK_GET;
	}
}

/* What the client's id stands for, in the request's arena.  0, E_MCP_TASK or E_NOMEM. */
static int
open_id(struct request *rq, struct call_ask *ask)
{
	struct task	*t = arena_calloc(&rq->x->arena, sizeof(*t));
	struct task	 expect = { .principal = rq->who.hash, .tenant = rq->who.tenant_hash, .issued_s = now_s(rq),
			    .modern = rq->modern };
	struct buf	 text;
	int		 r = 0;

	if (t == NULL)
		return E_NOMEM;
	buf_init(&text, TASK_TOKEN_MAX);
	if (task_open(&rq->w->ring, http_head_path(&rq->x->head), rq->msg.task_id, &expect, &text, t) != 0)
		r = E_MCP_TASK;
	else if ((t->tool = arena_dup(&rq->x->arena, t->tool)).p == NULL ||
	    (t->id = arena_dup(&rq->x->arena, t->id)).p == NULL)
		r = E_NOMEM;
	else if ((ask->server = policy_server_find(rq->config->policy, rq->who.tenant, t->server)) == NULL ||
	    ((rq->view & VIEW_HAS_SERVER) && ask->server != rq->server))
		r = E_MCP_TASK;
	buf_fini(&text);
	t->server = SPAN_NONE;
	ask->tool = t->tool;
	ask->task = t;
	return r;
}

void
tasks_request(struct request *rq)
{
	struct call_ask	ask = { .what = what_of(rq->msg.method), .from = &rq->msg, .style = CALL_PLAIN };
	int		r;

	if (rq->msg.task_id_value.type != JSON_STRING || rq->msg.task_id.n == 0) {
		reply_error(rq, E_RPC_PARAMS, SPAN_LIT("taskId must be a string"), SPAN_NONE, 0);
		return;
	}
	if (ask.what == CALL_TASK_UPDATE && rq->msg.input_responses.type != JSON_OBJECT) {
		reply_error(rq, E_RPC_PARAMS, SPAN_LIT("inputResponses must be an object"), SPAN_NONE, 0);
		return;
	}
	metric_add(&rq->w->metrics, METRIC_calls_total, 1);
	if ((r = open_id(rq, &ask)) == E_MCP_TASK)
		call_refuse_missing(rq, ask.what, NULL, SPAN_NONE);
	else if (r != 0)
		reply_error(rq, r, SPAN_NONE, SPAN_NONE, 0);
	else
		call_begin(rq, &ask);
}
