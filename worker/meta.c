/* SPDX-License-Identifier: Apache-2.0
 *
 * meta.c - the gateway's own tools: list_servers, get_server_tools, execute_tool, get_gateway_status
 *
 * Process: worker.  Owns: nothing beyond a request.
 * Trusts:  no argument for identity, unless trust_agent_argument says so (seed-contracts C3).
 *
 * Names, arguments and results are seed 001's (seed-contracts 2.1), so that its clients work unchanged.
 */
#include "lib/glob.h"
#include "worker/call.h"
#include "worker/meta.h"
#include "worker/metaargs.h"
#include "worker/metastatus.h"
#include "worker/record.h"
#include "worker/reply.h"
#include "worker/view.h"

#define ANSWER_BYTES_MAX	(64 * 1024 * 1024)
#define AGENT_ARG "\"agent_id\":{\"type\":\"string\",\"description\":\"Agent to act as; counts only " \
	"where the gateway's configuration lets arguments name agents.\"}"

static const char *const tool_objects[] = {
	"{\"name\":\"list_servers\",\"description\":\"List the MCP servers you may use through this "
	"gateway.\",\"inputSchema\":{\"type\":\"object\",\"properties\":{" AGENT_ARG ","
	"\"include_metadata\":{\"type\":\"boolean\",\"default\":false,\"description\":\"Also tell how "
	"each server is reached.\"}}},\"annotations\":{\"readOnlyHint\":true}}",

	"{\"name\":\"get_server_tools\",\"description\":\"Get the tools of one server, with their "
	"schemas. Filter by names or pattern to save context.\",\"inputSchema\":{\"type\":\"object\","
	"\"properties\":{" AGENT_ARG ",\"server\":{\"type\":\"string\",\"description\":\"Name of the "
	"server.\"},\"names\":{\"type\":\"string\",\"description\":\"Comma-separated tool names.\"},"
	"\"pattern\":{\"type\":\"string\",\"description\":\"Pattern for tool names, for example "
	"get_*.\"},\"max_schema_tokens\":{\"type\":\"integer\",\"minimum\":1,\"description\":\"Stop "
	"before the definitions exceed about this many tokens.\"}},\"required\":[\"server\"]},"
	"\"annotations\":{\"readOnlyHint\":true}}",

	"{\"name\":\"execute_tool\",\"description\":\"Call a tool of a server.\",\"inputSchema\":{"
	"\"type\":\"object\",\"properties\":{" AGENT_ARG ",\"server\":{\"type\":\"string\"},"
	"\"tool\":{\"type\":\"string\"},\"args\":{\"type\":\"object\",\"description\":\"The tool's "
	"arguments.\"},\"timeout_ms\":{\"type\":\"integer\",\"minimum\":1}},"
	"\"required\":[\"server\",\"tool\"]}}",

	"{\"name\":\"get_gateway_status\",\"description\":\"See whether the gateway's configuration is "
	"in force and which servers answer.\",\"inputSchema\":{\"type\":\"object\",\"properties\":{"
	AGENT_ARG "}},\"annotations\":{\"readOnlyHint\":true}}",
};

/* What get_server_tools waits for its list with. */
struct tools_job {
	struct request		*rq;
	struct lists_wait	 wait;
	const struct rec_server	*server;
	struct meta_args	 args;
	bool			 execute;
};

int
meta_list(struct mcp_list *to)
{
	int	r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(tool_objects) / sizeof(tool_objects[0]); i++)
		r = mcp_list_raw(to, span_of(tool_objects[i]));
	return r;
}

/* --- answers ---------------------------------------------------------------------------------- */

static void
reply_json(struct request *rq, struct span json, bool is_error)
{
	struct json_value	v = { json.n > 0 && json.p[0] == '[' ? JSON_ARRAY : JSON_OBJECT, json };
	struct buf		b;

	buf_init(&b, ANSWER_BYTES_MAX);
	reply_message(rq, mcp_write_tool_json(&b, rq->msg.id, rq->version, is_error, v), &b);
	buf_fini(&b);
}

/* What was written, or the error that writing it met. */
static void
reply_built(struct request *rq, int r, struct buf *json, bool is_error)
{
	if (r != 0)
		reply_error(rq, r, SPAN_NONE, SPAN_NONE, 0);
	else
		reply_json(rq, buf_rest(json), is_error);
	buf_fini(json);
}

/* {"code":...,"message":...,"rule":...}: seed 001's error object. */
static int
put_error(struct buf *b, const struct request *rq, int err, struct span detail, struct span rule)
{
	struct span	message = detail.n == 0 ? span_of(err_text(err)) :
			    arena_fmt(&rq->x->arena, "%s: %.*s", err_text(err), SPAN_FMT(detail));
	int		r;

	if ((r = buf_put_fmt(b, "{\"code\":\"%s\",\"message\":", err_row(err)->symbol)) != 0 ||
	    (r = json_put_string(b, message)) != 0 || (r = buf_put_str(b, ",\"rule\":")) != 0 ||
	    (r = rule.n > 0 ? json_put_string(b, rule) : buf_put_str(b, "null")) != 0)
		return r;
	return buf_put_fmt(b, ",\"request_id\":\"%s\"}", rq->id_text);
}

void
meta_reply_error(struct request *rq, int err, struct span detail, struct span rule)
{
	struct buf	b;
	int		r;

	buf_init(&b, ANSWER_BYTES_MAX);
	if ((r = buf_put_str(&b, "{\"error\":")) == 0 &&
	    (r = put_error(&b, rq, err, detail, rule)) == 0)
		r = buf_put_str(&b, "}");
	reply_built(rq, r, &b, true);
}

static void
record_meta(struct request *rq, const char *name, const struct rec_server *server)
{
	const struct record_what what = { "meta", server, span_of(name), NULL };

	if (record_once(rq, &what, AUDIT_OUTCOME_OK, 0) != 0)
		metric_add(&rq->w->metrics, METRIC_calls_unaudited_total, 1);
}

static void
record_refused(struct request *rq, const struct record_what *what, int err)
{
	/* The refusal stands whether or not it can be kept. */
	if (record_once(rq, what, AUDIT_OUTCOME_REFUSED, err) != 0)
		metric_add(&rq->w->metrics, METRIC_calls_unaudited_total, 1);
}

/* --- list_servers ----------------------------------------------------------------------------- */

static int
put_server(struct request *rq, const struct rec_server *s, bool metadata, struct buf *b)
{
	const struct snap	*policy = rq->config->policy;
	const char		*shown = s->kind == SERVER_HTTP ? "url" : "command";
	int			 r;

	if ((r = buf_put_str(b, "{\"name\":")) != 0 ||
	    (r = json_put_string(b, snap_text(policy, s->name))) != 0)
		return r;
	if (s->description.bytes > 0 && ((r = buf_put_str(b, ",\"description\":")) != 0 ||
	    (r = json_put_string(b, snap_text(policy, s->description))) != 0))
		return r;
	if ((r = buf_put_fmt(b, ",\"transport\":\"%s\"", s->kind == SERVER_HTTP ? "http" : "stdio")) != 0)
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

	buf_init(&b, ANSWER_BYTES_MAX);
	r = buf_put_str(&b, "[");
	for (uint64_t i = 0; r == 0 && (s = policy_server_at(rq->config->policy, i)) != NULL; i++) {
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
	record_meta(rq, "list_servers", NULL);
	reply_built(rq, r, &b, false);
}

/* --- get_server_tools ------------------------------------------------------------------------- */

/* Policy failures come back in `error`, not as a tool error (seed 001). */
static void
reply_no_tools(struct request *rq, const struct meta_args *args, int err, struct span detail,
    struct span rule)
{
	struct buf	b;
	int		r;

	buf_init(&b, ANSWER_BYTES_MAX);
	if ((r = buf_put_str(&b, "{\"tools\":[],\"server\":")) == 0 &&
	    (r = json_put_string(&b, args->server)) == 0 &&
	    (r = buf_put_str(&b, ",\"total_available\":0,\"returned\":0,\"tokens_used\":null,"
		"\"error\":")) == 0 && (r = put_error(&b, rq, err, detail, rule)) == 0)
		r = buf_put_str(&b, "}");
	reply_built(rq, r, &b, false);
}

/* Is `name` one of the comma-separated names? */
static bool
names_hold(struct span names, struct span name)
{
	struct span	part;
	size_t		n;

	while (names.n > 0) {
		const char *comma = memchr(names.p, ',', names.n);

		n = comma == NULL ? names.n : (size_t)(comma - names.p);
		part = span_trim(span_part(names, 0, n));
		if (span_eq(part, name))
			return true;
		names = span_part(names, n + 1, names.n);
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
put_brief(struct buf *b, const struct catalogue_item *t)
{
	int	r;

	if ((r = buf_put_str(b, "{\"name\":")) != 0 || (r = buf_put(b, t->name_value.raw)) != 0 ||
	    (r = buf_put_str(b, ",\"description\":")) != 0 ||
	    (r = buf_put(b, t->description.type == JSON_STRING ? t->description.raw :
		SPAN_LIT("\"\""))) != 0 ||
	    (r = buf_put_str(b, ",\"inputSchema\":")) != 0 || (r = buf_put(b, t->schema.raw)) != 0)
		return r;
	return buf_put_str(b, "}");
}

static int
put_tools(struct request *rq, const struct tools_job *job, const struct catalogue *list, struct buf *b)
{
	struct span	name = snap_text(rq->config->policy, job->server->name);
	uint64_t	tokens = 0, available = 0, returned = 0;
	bool		full = false;
	int		r;

	if ((r = buf_put_str(b, "{\"tools\":[")) != 0)
		return r;
	for (size_t i = 0; i < catalogue_count(list); i++) {
		const struct catalogue_item	*t = catalogue_at(list, i);
		struct decision			 d;

		decide(rq->config->policy, &rq->who, &(struct object){ OBJECT_TOOL, name, t->name }, &d);
		if (!d.allow)
			continue;
		available++;
		if (full || !tool_is_wanted(&job->args, t->name))
			continue;
		if (job->args.has_budget && tokens + t->tokens > job->args.max_schema_tokens) {
			full = true;
			continue;
		}
		tokens += t->tokens;
		if (returned++ > 0 && (r = buf_put_str(b, ",")) != 0)
			return r;
		if ((r = put_brief(b, t)) != 0)
			return r;
	}
	if ((r = buf_put_str(b, "],\"server\":")) != 0 || (r = json_put_string(b, name)) != 0 ||
	    (r = buf_put_fmt(b, ",\"total_available\":%lu,\"returned\":%lu,\"tokens_used\":",
		(unsigned long)available, (unsigned long)returned)) != 0)
		return r;
	return job->args.has_budget ? buf_put_fmt(b, "%lu,\"error\":null}", (unsigned long)tokens) :
	    buf_put_str(b, "null,\"error\":null}");
}

static void
execute(struct request *rq, const struct tools_job *job, const struct catalogue *list, struct span why)
{
	struct call_ask	ask = { .server = job->server, .tool = job->args.tool,
	    .arguments = job->args.args, .timeout_ms = job->args.timeout_ms, .style = CALL_EXECUTE };

	if (list == NULL)
		call_refuse_unavailable(rq, &ask, why);
	else if (catalogue_find(list, job->args.tool) == NULL)
		call_refuse_unknown(rq, job->server, job->args.tool, CALL_EXECUTE);
	else
		call_begin(rq, &ask);
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
	if (rq->gone && rq->modern) {
		request_done(rq);
		return;
	}
	list = lists_find(rq->w->lists, job->server, view_list_instance(rq, job->server), &why);
	if (job->execute) {
		execute(rq, job, list, why);
		return;
	}
	record_meta(rq, "get_server_tools", job->server);
	if (list == NULL) {
		reply_no_tools(rq, &job->args, E_SERVER, why, SPAN_NONE);
		return;
	}
	buf_init(&b, ANSWER_BYTES_MAX);
	reply_built(rq, put_tools(rq, job, list, &b), &b, false);
}

/* --- which server ----------------------------------------------------------------------------- */

/* A server by the name in the arguments; answers when there is none for this agent. */
static const struct rec_server *
named_server(struct request *rq, const struct meta_args *args, bool is_execute)
{
	const struct rec_server	*s = policy_server_find(rq->config->policy, rq->who.tenant, args->server);
	struct decision		 d = { .allow = false };
	struct span		 text;
	int			 err = E_SERVER;

	if (s != NULL) {
		decide(rq->config->policy, &rq->who,
		    &(struct object){ OBJECT_SERVER, args->server, SPAN_NONE }, &d);
		if (d.allow)
			return s;
		err = d.hide || rq->config->params.deny_detail == DENY_DETAIL_HIDE ? E_SERVER : E_POLICY;
	}
	text = arena_fmt(&rq->x->arena, err == E_POLICY ? "server %.*s" : "unknown server %.*s",
	    SPAN_FMT(args->server));
	if (s != NULL) {
		metric_add(&rq->w->metrics, METRIC_calls_denied_total, 1);
		record_refused(rq, &(struct record_what){ "server", s, args->tool, &d }, E_POLICY);
	} else {
		record_refused(rq, &(struct record_what){ "server", NULL, args->server, NULL }, E_SERVER);
	}
	if (is_execute)
		meta_reply_error(rq, err, text, err == E_POLICY ? d.path : SPAN_NONE);
	else
		reply_no_tools(rq, args, err, text, err == E_POLICY ? d.path : SPAN_NONE);
	return NULL;
}

static void
with_tools(struct request *rq, const struct meta_args *args, bool is_execute)
{
	const struct rec_server	*server;
	struct tools_job	*job;
	struct decision		 d;

	if (is_execute)
		metric_add(&rq->w->metrics, METRIC_calls_total, 1);
	if ((server = named_server(rq, args, is_execute)) == NULL)
		return;
	if ((job = arena_calloc(&rq->x->arena, sizeof(*job))) == NULL) {
		reply_error(rq, E_NOMEM, SPAN_NONE, SPAN_NONE, 0);
		return;
	}
	*job = (struct tools_job){ .rq = rq, .server = server, .args = *args,
	    .execute = is_execute };
	if (is_execute) {
		/* What is denied is refused before anything is started for it. */
		decide(rq->config->policy, &rq->who,
		    &(struct object){ OBJECT_TOOL, args->server, args->tool }, &d);
		if (!d.allow) {
			call_refuse_denied(rq, &(struct call_ask){ .server = server,
			    .tool = args->tool, .style = CALL_EXECUTE }, &d);
			return;
		}
	}
	lists_begin(&job->wait, on_tools, job);
	lists_want(rq->w->lists, &job->wait, rq->config, server, view_list_instance(rq, server), true);
	lists_ready(&job->wait);
}

/* --- one of the four -------------------------------------------------------------------------- */

/* agent_id names another agent only where the configuration trusts it; else the credential wins. */
static int
claim_agent(struct request *rq, struct span agent)
{
	const struct rec_agent	*a;

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

bool
meta_call(struct request *rq, struct span name)
{
	enum { SERVERS, TOOLS, EXECUTE, STATUS } which;
	struct meta_args	 args;
	struct span		 wrong;

	if (span_is(name, "list_servers"))
		which = SERVERS;
	else if (span_is(name, "get_server_tools"))
		which = TOOLS;
	else if (span_is(name, "execute_tool"))
		which = EXECUTE;
	else if (span_is(name, "get_gateway_status"))
		which = STATUS;
	else
		return false;
	if (metaargs_read(rq, &args, &wrong) != 0) {
		reply_error(rq, E_RPC_PARAMS, wrong, SPAN_NONE, 0);
		return true;
	}
	if (claim_agent(rq, args.agent) != 0) {
		record_refused(rq, &(struct record_what){ "meta", NULL, name, NULL }, E_AGENT);
		meta_reply_error(rq, E_AGENT, args.agent, SPAN_NONE);
		return true;
	}
	if ((which == TOOLS || which == EXECUTE) && args.server.n == 0) {
		reply_error(rq, E_RPC_PARAMS, SPAN_LIT("argument server is required"),
		    SPAN_NONE, 0);
		return true;
	}
	if (which == EXECUTE && args.tool.n == 0) {
		reply_error(rq, E_RPC_PARAMS, SPAN_LIT("argument tool is required"),
		    SPAN_NONE, 0);
		return true;
	}
	switch (which) {
	case SERVERS:
		list_servers(rq, &args);
		break;
	case TOOLS:
	case EXECUTE:
		with_tools(rq, &args, which == EXECUTE);
		break;
	case STATUS:
		record_meta(rq, "get_gateway_status", NULL);
		metastatus_reply(rq, reply_json);
		break;
	}
	return true;
}
