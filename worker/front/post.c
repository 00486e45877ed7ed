/* SPDX-License-Identifier: Apache-2.0
 *
 * post.c - from a whole body to a method: the ladder, then who does what
 *
 * Process: worker.  Owns: nothing beyond the request.
 * Trusts:  nothing: the message is scanned, then judged by mcp/era.c, before anything looks at it.
 */
#include "mcp/capability.h"
#include "mcp/write.h"
#include "worker/call/objects.h"
#include "worker/call/patience.h"
#include "worker/call/tasks.h"
#include "worker/front/batch.h"
#include "worker/front/offers.h"
#include "worker/front/reply.h"
#include "worker/front/session.h"
#include "worker/lists/page.h"
#include "worker/lists/view.h"
#include "worker/streams/resume.h"
#include "worker/streams/subscribe.h"
#include "worker/talk/asks.h"
#include "worker/talk/inputs.h"
#include "worker/talk/talk.h"

#define DISCOVER_TTL_MS	60000

struct about_job {
	struct request		*rq;
	struct lists_wait	 wait;
};

static struct era_header
header(const struct request *rq, enum http_header id)
{
	return (struct era_header){ http_head_get(&rq->x->head, id),
	    http_head_count(&rq->x->head, id) };
}

static void
do_ping(struct request *rq)
{
	struct buf	b;

	buf_init(&b, 4096);
	reply_message(rq, mcp_write_result(&b, rq->msg.id, rq->version, SPAN_NONE), &b);
	buf_fini(&b);
}

static void
on_discover(struct lists_wait *wait, void *arg)
{
	struct about_job	*job = arg;
	struct request		*rq = job->rq;
	struct offers		 offers;
	struct buf		 b;

	(void)wait;
	if (rq->gone) {
		request_done(rq);
		return;
	}
	offers = offers_now(rq);
	buf_init(&b, 256 * 1024);
	/* What it leads to is not the same for everybody: private, and asked again soon. */
	reply_message(rq, mcp_write_discover(&b, rq->msg.id, offers.bits, offers_instructions(rq),
	    offers.certain ? DISCOVER_TTL_MS : 0, MCP_SCOPE_PRIVATE), &b);
	buf_fini(&b);
}

static void
do_discover(struct request *rq)
{
	struct about_job	*job;

	if ((job = arena_calloc(&rq->x->arena, sizeof(*job))) == NULL) {
		reply_error(rq, E_NOMEM, SPAN_NONE, SPAN_NONE, 0);
		return;
	}
	job->rq = rq;
	lists_begin(&job->wait, on_discover, job);
	offers_want(rq, &job->wait);
	lists_ready(&job->wait);
}

static void
do_tools_call(struct request *rq)
{
	if (rq->msg.name_value.type != JSON_STRING || rq->msg.name.n == 0)
		reply_error(rq, E_RPC_PARAMS, SPAN_LIT("name must be a string"), SPAN_NONE, 0);
	else if (rq->msg.arguments.type != JSON_NONE && rq->msg.arguments.type != JSON_OBJECT)
		reply_error(rq, E_RPC_PARAMS, SPAN_LIT("arguments must be an object"), SPAN_NONE, 0);
	else
		view_call(rq, rq->msg.name);
}

/* Methods that may be answered with input_required, and so be asked again (mcp-wire 8 MRTR). */
static bool
may_be_retry(enum mcp_method m)
{
	return m == MCP_TOOLS_CALL || m == MCP_PROMPTS_GET || m == MCP_RESOURCES_READ;
}

static void
do_request(struct request *rq)
{
	if (!patience_take(rq) || (may_be_retry(rq->msg.method) && inputs_take(rq)))
		return;
	switch (rq->msg.method) {
	case MCP_PING:
		do_ping(rq);
		break;
	case MCP_SERVER_DISCOVER:
		do_discover(rq);
		break;
	case MCP_LOGGING_SET_LEVEL:
		session_set_level(rq);
		break;
	case MCP_RESOURCES_SUBSCRIBE:
	case MCP_RESOURCES_UNSUBSCRIBE:
		subscribe_resource(rq);
		break;
	case MCP_SUBSCRIPTIONS_LISTEN:
		subscribe_listen(rq);
		break;
	case MCP_TOOLS_LIST:
		page_list(rq, CATALOGUE_TOOLS);
		break;
	case MCP_TOOLS_CALL:
		do_tools_call(rq);
		break;
	case MCP_PROMPTS_LIST:
		page_list(rq, CATALOGUE_PROMPTS);
		break;
	case MCP_PROMPTS_GET:
		objects_get_prompt(rq);
		break;
	case MCP_RESOURCES_LIST:
		page_list(rq, CATALOGUE_RESOURCES);
		break;
	case MCP_RESOURCES_TEMPLATES_LIST:
		page_list(rq, CATALOGUE_TEMPLATES);
		break;
	case MCP_RESOURCES_READ:
		objects_read_resource(rq);
		break;
	case MCP_COMPLETION_COMPLETE:
		objects_complete(rq);
		break;
	case MCP_TASKS_GET:
	case MCP_TASKS_RESULT:
	case MCP_TASKS_UPDATE:
	case MCP_TASKS_CANCEL:
		tasks_request(rq);
		break;
	default:
		reply_error(rq, E_RPC_METHOD, rq->msg.method_text, SPAN_NONE, 0);
		break;
	}
}

/* What the client can do, as it says in this very message; of a session it was said before.  Which of a server's
 * instances serves it depends on that, so it is known before anything is looked up. */
static void
take_capabilities(struct request *rq)
{
	if (rq->msg.claim.type != JSON_NONE) {
		rq->modern = true;
		rq->capabilities = mcp_capabilities_of(rq->msg.claim_capabilities);
		rq->log_level = mcp_level_of(rq->msg.log_level);
	} else if (rq->msg.method == MCP_INITIALIZE) {
		rq->version = mcp_version_negotiate(rq->msg.version);
		rq->capabilities = mcp_capabilities_of(rq->msg.capabilities);
	}
}

int
request_read(struct request *rq)
{
	return rq->scan != NULL ? rpc_scan_end(rq->scan, rq->body, &rq->x->arena, &rq->msg) :
	    rpc_scan_whole(rq->w->scan, rq->body, &rq->x->arena, &rq->msg);
}

/* Of a modern client, before anything is asked: all that is about tasks is for who knows of them (mcp-wire 10.1). */
static uint64_t
capabilities_needed(const struct rpc_message *m)
{
	bool	is_about_tasks = mcp_method_row(m->method)->offer == MCP_OFFER_TASKS;

	if (m->method == MCP_SUBSCRIPTIONS_LISTEN)
		is_about_tasks = json_get(json_get(m->params, "notifications"), "taskIds").type != JSON_NONE;
	return is_about_tasks ? MCP_CAN_TASKS : 0;
}

void
request_judge(struct request *rq, enum era_http http)
{
	struct era_input	in = {
		.http = http, .is_json = true,
		.version = header(rq, HTTP_MCP_PROTOCOL_VERSION),
		.method = header(rq, HTTP_MCP_METHOD), .name = header(rq, HTTP_MCP_NAME),
	};
	struct era_verdict	v;

	if (http == ERA_HTTP_POST) {
		in.body_error = request_read(rq);
		in.message = &rq->msg;
		if (rq->msg.kind == RPC_ARRAY && (in.batch = batch_of(rq)) == NULL)
			in.body_error = E_NOMEM;
	}
	in.needs = capabilities_needed(&rq->msg);
	in.session = session_look(rq);
	in.session_version = rq->version;
	take_capabilities(rq);
	if (http == ERA_HTTP_POST)
		in.offers = offers_for(rq, rq->msg.method);
	era_judge(&in, &v);
	rq->modern = v.modern;
	rq->version = v.version;
	if (rq->modern) {
		/* Modern requests have none, whatever the header says (mcp-wire 3.4). */
		rq->has_session = false;
		rq->session_hash = 0;
	}
	switch (v.act) {
	case ERA_INITIALIZE:
		session_initialize(rq);
		break;
	case ERA_REQUEST:
		do_request(rq);
		break;
	case ERA_NOTE:
		if (rq->msg.method == MCP_NOTE_INITIALIZED)
			session_ready(rq);
		else if (rq->msg.method == MCP_NOTE_CANCELLED)
			talk_on_cancelled(rq);
		reply_accepted(rq);
		break;
	case ERA_RESPONSE:
		asks_on_response(rq);
		break;
	case ERA_BATCH:
		batch_begin(rq, in.batch);
		break;
	case ERA_STREAM:
		resume_stream(rq);
		break;
	case ERA_END_SESSION:
		session_delete(rq);
		break;
	case ERA_REFUSE:
	default:
		reply_verdict(rq, &in, &v);
		break;
	}
}
