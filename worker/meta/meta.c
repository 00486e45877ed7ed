/* SPDX-License-Identifier: Apache-2.0
 *
 * meta.c - the gateway's own tools: who asks, of which server; list_servers, get_server_tools, execute_tool
 *
 * Process: worker.  Owns: nothing beyond a request.
 * Trusts:  no argument for identity, unless trust_agent_argument says so (seed-contracts C3).
 *
 * Names, arguments and results are seed 001's (seed-contracts 2.1), so that its clients work unchanged.
 */
#include "lib/glob.h"
#include "worker/call/call.h"
#include "worker/call/may.h"
#include "worker/call/param.h"
#include "worker/call/pending.h"
#include "worker/call/record.h"
#include "worker/front/challenge.h"
#include "worker/front/reply.h"
#include "worker/lists/view.h"
#include "worker/meta/meta_priv.h"
#include "worker/meta/metalist.h"
#include "worker/meta/metasearch.h"
#include "worker/meta/metastatus.h"

/* What get_server_tools waits for its list with. */
struct tools_job {
	struct request		*rq;
	struct pending		 pending;
	const struct rec_server	*server;
	struct meta_args	 args;
	bool			 execute;
	struct span		 own;		/* the tool to execute, by its server's name */
};

/* --- list_servers ----------------------------------------------------------------------------- */

static int
put_server(struct request *rq, const struct rec_server *s, bool metadata, struct buf *b)
{
	const struct snap	*policy = rq->config->policy;
	const char		*shown = s->kind == SERVER_HTTP ? "url" : "command";
	const char		*how = s->kind == SERVER_HTTP ? "http" : "stdio";
	int			 r;

	if (s->kind == SERVER_HTTP && s->transport == TRANSPORT_SSE)
		how = "sse";
	if ((r = buf_put_str(b, "{\"name\":")) != 0 ||
	    (r = json_put_string(b, snap_text(policy, s->name))) != 0)
		return r;
	if (s->description.bytes > 0 && ((r = buf_put_str(b, ",\"description\":")) != 0 ||
	    (r = json_put_string(b, snap_text(policy, s->description))) != 0))
		return r;
	if ((r = buf_put_fmt(b, ",\"transport\":\"%s\"", how)) != 0)
		return r;
	if (metadata && ((r = buf_put_fmt(b, ",\"%s\":", shown)) != 0 ||
	    (r = json_put_string(b, snap_text(policy, s->shown))) != 0))
		return r;
	return buf_put_str(b, "}");
}

static void
list_servers(struct request *rq, const struct meta_args *args)
{
	const struct rec_server	*s;
	struct buf		 b;
	bool			 first = true;
	int			 r;

	metalist_buf_init(&b, rq);
	r = buf_put_str(&b, "[");
	for (uint64_t i = 0; r == 0 && (s = request_server_at(rq, i)) != NULL; i++) {
		if (!view_sees_server(rq, s))
			continue;
		if (!first)
			r = buf_put_str(&b, ",");
		if (r == 0)
			r = put_server(rq, s, args->include_metadata, &b);
		first = false;
	}
	if (r == 0)
		r = buf_put_str(&b, "]");
	meta_record(rq, META_LIST_SERVERS, NULL);
	meta_reply_built(rq, r, &b, false);
}

/* --- get_server_tools ------------------------------------------------------------------------- */

/* Do commas, ends and blanks stand around these bytes of `names`, and nothing else? */
static bool
stands_alone(struct span names, size_t at, size_t bytes)
{
	const struct span	before = span_trim(span_part(names, 0, at));
	const struct span	after = span_trim(span_part(names, at + bytes, names.n));

	return (before.n == 0 || before.p[before.n - 1] == ',') && (after.n == 0 || after.p[0] == ',');
}

/* Is `name` one of the comma-separated names?  Asked for each tool, so it does not go from name to name. */
static bool
names_hold(struct span names, struct span name)
{
	const char	*hit;
	size_t		 at = 0;

	while (at < names.n && (hit = memmem(names.p + at, names.n - at, name.p, name.n)) != NULL) {
		at = (size_t)(hit - names.p);
		if (stands_alone(names, at, name.n))
			return true;
		at++;
	}
	return false;
}

static bool
tool_is_wanted(const struct meta_args *args, struct span name)
{
	if (args->names.n > 0 && !names_hold(args->names, name))
		return false;
	return args->pattern.n == 0 || glob_match(args->pattern, name);
}

/* {name, description, inputSchema}: what seed 001 shows of a tool. */
static int
put_brief(struct metalist *l, const struct catalogue_item *t)
{
	int	r;

	if ((r = buf_put_str(l->to, l->returned > 1 ? ",{\"name\":" : "{\"name\":")) != 0 ||
	    (r = buf_put(l->to, t->name_value.raw)) != 0 || (r = buf_put_str(l->to, ",")) != 0 ||
	    (r = metalist_put_definition(l, t)) != 0)
		return r;
	return buf_put_str(l->to, "}");
}

static int
put_tools(struct request *rq, const struct tools_job *job, const struct catalogue *list, struct buf *b)
{
	struct span	name = snap_text(rq->config->policy, job->server->name);
	struct metalist	l;
	uint64_t	available = 0;
	int		r;

	if ((r = metalist_begin(&l, rq, &job->args, b)) != 0)
		return r;
	for (size_t i = 0; i < catalogue_count(list); i++) {
		const struct catalogue_item	*t = catalogue_at(list, i);
		struct decision			 d;

		if (t->standing != CATALOGUE_STANDS || t->shown.n == 0)
			continue;
		may_see(rq, OBJECT_TOOL, name, t->name, t, &d);
		if (!d.allow)
			continue;
		available++;
		if (tool_is_wanted(&job->args, t->shown) && metalist_takes(&l, t, t->name_value.raw.n) &&
		    (r = put_brief(&l, t)) != 0)
			return r;
	}
	if ((r = buf_put_str(b, "],\"server\":")) != 0 || (r = json_put_string(b, name)) != 0 ||
	    (r = buf_put_fmt(b, ",\"total_available\":%lu,", (unsigned long)available)) != 0)
		return r;
	return metalist_end(&l, "names, pattern or max_schema_tokens");
}

/* The name in the arguments, where it is not the tool's own. */
static struct span
renamed(const struct tools_job *job)
{
	return span_eq(job->own, job->args.tool) ? SPAN_NONE : job->args.tool;
}

static void
execute(struct request *rq, const struct tools_job *job, const struct catalogue *list, struct span why)
{
	struct call_ask	ask = { .server = job->server, .tool = job->own, .shown = renamed(job),
	    .arguments = job->args.args, .timeout_ms = job->args.timeout_ms, .style = CALL_EXECUTE };
	const struct catalogue_item *t;

	if (list == NULL)
		call_refuse_unavailable(rq, &ask, why);
	else if ((t = catalogue_find(list, job->own)) == NULL)
		call_refuse_unknown(rq, job->server, job->args.tool, CALL_EXECUTE);
	else if (t->standing != CATALOGUE_STANDS)
		call_refuse_held(rq, &ask, t);
	else {
		ask.tasks = t->tasks;
		may_know(&ask, t);
		if ((t->param_count == 0 && !t->fills) || param_take(rq, &ask, t))
			call_begin(rq, &ask);
	}
}

static void
on_tools(struct lists_wait *wait, void *arg)
{
	struct tools_job	*job = arg;
	struct request		*rq = job->rq;
	const struct catalogue	*list;
	struct span		 why;
	struct buf		 b;

	(void)wait;
	list = lists_find(rq->w->lists, job->server, view_list_instance(rq, job->server), &why);
	if (job->execute) {
		execute(rq, job, list, why);
		return;
	}
	meta_record(rq, META_GET_SERVER_TOOLS, job->server);
	if (list == NULL && (job->server->flags & SERVER_FLAG_DISABLED) != 0)
		why = snap_text(rq->config->policy, job->server->why);
	if (list == NULL) {
		meta_reply_no_tools(rq, META_GET_SERVER_TOOLS, &job->args, E_SERVER, why, SPAN_NONE);
		return;
	}
	metalist_buf_init(&b, rq);
	meta_reply_built(rq, put_tools(rq, job, list, &b), &b, false);
}

static void
record_given_up(void *arg)
{
	const struct tools_job	*job = arg;

	if (job->execute)
		call_record_refusal(job->rq, &(struct call_ask){ .server = job->server, .tool = job->own,
		    .shown = renamed(job), .style = CALL_EXECUTE }, NULL, AUDIT_OUTCOME_CANCELLED, E_CLOSED);
	else
		meta_record_given_up(job->rq, META_GET_SERVER_TOOLS, job->server);
}

/* --- which server ----------------------------------------------------------------------------- */

/* A server by the name in the arguments; answers when there is none for this agent. */
static const struct rec_server *
named_server(struct request *rq, enum meta_tool tool, const struct meta_args *args)
{
	const struct rec_server	*s = policy_server_find(rq->config->policy, rq->who.tenant, args->server);
	struct decision		 d = { .allow = false };
	struct span		 text;
	int			 err = E_SERVER;

	if (s != NULL) {
		may_see(rq, OBJECT_SERVER, args->server, SPAN_NONE, NULL, &d);
		/* What is called there is decided about by itself. */
		if (d.allow || (d.lacks_scope && tool == META_EXECUTE_TOOL))
			return s;
		if (d.lacks_scope) {
			meta_record_refused(rq, &(struct record_what){ "server", s, args->tool, &d }, E_SCOPE);
			challenge_scope(rq, &(struct object){ OBJECT_SERVER, args->server, SPAN_NONE });
			return NULL;
		}
		err = d.hide || rq->config->params.deny_detail == DENY_DETAIL_HIDE ? E_SERVER : E_POLICY;
	}
	text = arena_fmt(&rq->x->arena, err == E_POLICY ? "server %.*s" : "unknown server %.*s",
	    SPAN_FMT(args->server));
	if (s != NULL) {
		metric_add(&rq->w->metrics, METRIC_calls_denied_total, 1);
		meta_record_refused(rq, &(struct record_what){ "server", s, args->tool, &d }, E_POLICY);
	} else {
		meta_record_refused(rq, &(struct record_what){ "server", NULL, args->server, NULL },
		    E_SERVER);
	}
	if (tool == META_EXECUTE_TOOL)
		meta_reply_error(rq, err, text, err == E_POLICY ? d.path : SPAN_NONE, 0);
	else
		meta_reply_no_tools(rq, tool, args, err, text, err == E_POLICY ? d.path : SPAN_NONE);
	return NULL;
}

static void
with_tools(struct request *rq, enum meta_tool tool, const struct meta_args *args)
{
	const bool		 is_execute = tool == META_EXECUTE_TOOL;
	const struct rec_server	*server;
	struct tools_job	*job;
	struct call_ask		 ask;
	struct decision		 d;
	struct span		 own;

	if (is_execute)
		metric_add(&rq->w->metrics, METRIC_calls_total, 1);
	if ((server = named_server(rq, tool, args)) == NULL)
		return;
	if ((job = arena_calloc(&rq->x->arena, sizeof(*job))) == NULL) {
		reply_error(rq, E_NOMEM, SPAN_NONE, SPAN_NONE, 0);
		return;
	}
	*job = (struct tools_job){ .rq = rq, .server = server, .args = *args,
	    .execute = is_execute };
	if (is_execute) {
		if (!policy_own_name(rq->config->policy, server, args->tool, &own) ||
		    (job->own = arena_dup(&rq->x->arena, own)).p == NULL) {
			call_refuse_unknown(rq, server, args->tool, CALL_EXECUTE);
			return;
		}
		/* What is denied is refused before anything is started for it. */
		ask = (struct call_ask){ .server = server, .tool = job->own, .shown = renamed(job),
		    .arguments = args->args,
		    .style = CALL_EXECUTE };
		may_call(rq, rq->config->policy, args->server, &ask, false, &d);
		if (!d.allow) {
			call_refuse_denied(rq, &ask, &d);
			return;
		}
	}
	pending_begin(&job->pending, rq, on_tools, record_given_up, job);
	lists_want(rq->w->lists, &job->pending.wait, rq->config, server, view_list_instance(rq, server), true);
	pending_ready(&job->pending);
}

/* --- one of ours ------------------------------------------------------------------------------ */

/* No credential and no argument says whom this is for: why nobody stands in for them. */
static int
no_agent(const struct request *rq)
{
	if (policy_wants_agent(rq->config->policy, rq->who.tenant))
		return E_AGENT;
	return rq->config->params.fallback_agent.n > 0 ? E_AGENT_FALLBACK : E_AGENT_NONE;
}

/* agent_id names another agent only where the configuration trusts it; else the credential wins. */
static int
claim_agent(struct request *rq, struct span agent)
{
	const struct rec_agent	*a;

	/* A token may leave it to its roles. */
	if (agent.n == 0 && rq->who.agent.n == 0 && rq->who.how != HOW_TOKEN)
		return no_agent(rq);
	if (agent.n == 0 || !rq->who.may_claim_agent || span_eq(agent, rq->who.agent))
		return 0;
	if ((a = policy_agent_find(rq->config->policy, rq->who.tenant, agent)) == NULL)
		return E_AGENT;
	/* A call that begins again under another policy lets go of this one. */
	if ((agent = arena_dup(&rq->x->arena, snap_text(rq->config->policy, a->name))).p == NULL)
		return E_NOMEM;
	rq->who.agent = agent;
	rq->who.hash = sum64_more(rq->who.hash, rq->who.agent);
	return 0;
}

static void
refuse_agent(struct request *rq, enum meta_tool tool, const struct meta_args *args, int err)
{
	struct span	text = args->agent;

	if (text.n == 0 && err == E_AGENT)
		text = SPAN_LIT("argument agent_id is required");
	else if (text.n == 0)
		text = err == E_AGENT_FALLBACK ? rq->config->params.fallback_agent : SPAN_LIT("give agent_id");
	meta_record_refused(rq, &(struct record_what){ "meta", NULL, span_of(metatools_name(tool)), NULL }, err);
	if (tool == META_GET_SERVER_TOOLS || tool == META_SEARCH_TOOLS)
		meta_reply_no_tools(rq, tool, args, err, text, SPAN_NONE);
	else
		meta_reply_error(rq, err, text, SPAN_NONE, 0);
}

static void
search(struct request *rq, const struct meta_args *args)
{
	const struct rec_server	*server = NULL;

	if (args->server.n == 0 || (server = named_server(rq, META_SEARCH_TOOLS, args)) != NULL)
		metasearch_begin(rq, args, server);
}

/* The argument this tool cannot do without and has not got, or NULL. */
static const char *
missing(enum meta_tool tool, const struct meta_args *args)
{
	if ((tool == META_GET_SERVER_TOOLS || tool == META_EXECUTE_TOOL) && args->server.n == 0)
		return "argument server is required";
	if (tool == META_EXECUTE_TOOL && args->tool.n == 0)
		return "argument tool is required";
	return tool == META_SEARCH_TOOLS && args->query.n == 0 ? "argument query is required" : NULL;
}

bool
meta_call(struct request *rq, struct span name)
{
	enum meta_tool		 tool = metatools_find(name);
	struct meta_args	 args;
	struct span		 wrong;
	int			 r;

	if (tool == META_TOOL_LIMIT)
		return false;
	if (metaargs_read(rq, &args, &wrong) != 0) {
		reply_error(rq, E_RPC_PARAMS, wrong, SPAN_NONE, 0);
		return true;
	}
	if ((r = claim_agent(rq, args.agent)) != 0) {
		refuse_agent(rq, tool, &args, r);
		return true;
	}
	if ((wrong = span_of(missing(tool, &args))).n > 0) {
		reply_error(rq, E_RPC_PARAMS, wrong, SPAN_NONE, 0);
		return true;
	}
	switch (tool) {
	case META_LIST_SERVERS:
		list_servers(rq, &args);
		break;
	case META_GET_SERVER_TOOLS:
	case META_EXECUTE_TOOL:
		with_tools(rq, tool, &args);
		break;
	case META_SEARCH_TOOLS:
		search(rq, &args);
		break;
	case META_GET_GATEWAY_STATUS:
	default:
		meta_record(rq, META_GET_GATEWAY_STATUS, NULL);
		metastatus_reply(rq, meta_reply_json);
		break;
	}
	return true;
}
