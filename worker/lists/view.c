/* SPDX-License-Identifier: Apache-2.0
 *
 * view.c - what a request may see: servers, and tools under the names of its view
 *
 * Process: worker.  Owns: nothing beyond a request.
 * Trusts:  decide() alone for what is shown; the servers' lists for what there is.
 */
#include "mcp/name.h"
#include "mcp/uris.h"
#include "worker/call/call.h"
#include "worker/call/may.h"
#include "worker/call/param.h"
#include "worker/call/pending.h"
#include "worker/call/tasks.h"
#include "worker/front/reply.h"
#include "worker/lists/adapt.h"
#include "worker/lists/shown.h"
#include "worker/lists/view.h"
#include "worker/meta/meta.h"
#include "worker/meta/metatools.h"
#include "worker/talk/asks.h"

struct view_job {		/* a call whose server's list is waited for */
	struct request		*rq;
	struct pending		 pending;
	const struct rec_server	*server;
	struct span		 shown;
	struct span		 own;		/* what it should be called there, if nothing was cut */
	struct span		 renamed;	/* its name for clients, if the operator gave it another */
	struct decision		 decided;	/* about `own` */
};

static void
decide_server(const struct request *rq, const struct rec_server *server, struct decision *d)
{
	*d = (struct decision){ .allow = false };
	if (span_eq(policy_tenant_name(rq->config->policy, server->tenant), rq->who.tenant))
		may_see(rq, OBJECT_SERVER, snap_text(rq->config->policy, server->name), SPAN_NONE, NULL, d);
}

bool
view_sees_server(const struct request *rq, const struct rec_server *server)
{
	struct decision	d;

	decide_server(rq, server, &d);
	return d.allow;
}

bool
view_meets_server(const struct request *rq, const struct rec_server *server)
{
	struct decision	d;

	decide_server(rq, server, &d);
	return d.allow || d.lacks_scope;
}

const struct rec_server *
view_next_server(const struct request *rq, uint64_t *at)
{
	const struct rec_server	*s;

	if (rq->view & VIEW_HAS_SERVER)
		return (*at)++ == 0 ? rq->server : NULL;
	while ((s = request_server_at(rq, (*at)++)) != NULL)
		if ((s->flags & SERVER_FLAG_DISABLED) == 0 && view_sees_server(rq, s))
			return s;
	return NULL;
}

struct list_owner
view_list_instance(const struct request *rq, const struct rec_server *server)
{
	struct list_owner	owner = { call_instance(rq, server), asks_capabilities(rq, server) };

	if (server->isolation == ISOLATION_CALL || server->isolation == ISOLATION_SESSION)
		owner.instance = rq->who.hash ^ rq->who.tenant_hash;
	return owner;
}

static void
want(struct request *rq, struct lists_wait *wait, const struct rec_server *s, bool patient)
{
	lists_want(rq->w->lists, wait, rq->config, s, view_list_instance(rq, s), patient);
}

bool
view_merges(unsigned view, enum catalogue_kind kind)
{
	if (view & VIEW_HAS_SERVER)
		return false;
	/* The gateway's own tools stand for everybody's; nothing stands for a prompt or a resource. */
	return kind != CATALOGUE_TOOLS || (view & VIEW_HAS_CATALOG) != 0;
}

bool
view_sees_kind(const struct request *rq, const struct rec_server *server, enum catalogue_kind kind)
{
	static const enum object_kind	objects[CATALOGUE_KINDS] = {
		[CATALOGUE_TOOLS] = OBJECT_SERVER, [CATALOGUE_PROMPTS] = OBJECT_PROMPT,
		[CATALOGUE_RESOURCES] = OBJECT_RESOURCE, [CATALOGUE_TEMPLATES] = OBJECT_TEMPLATE,
	};
	struct decision	d;

	if (!span_eq(policy_tenant_name(rq->config->policy, server->tenant), rq->who.tenant))
		return false;
	may_see(rq, objects[kind], snap_text(rq->config->policy, server->name), SPAN_NONE, NULL, &d);
	return d.allow;
}

bool
view_may_have(const struct request *rq, const struct rec_server *server, enum catalogue_kind kind)
{
	const struct about	*about;

	if (kind == CATALOGUE_TOOLS)
		return true;
	about = lists_about(rq->w->lists, server, view_list_instance(rq, server));
	return about == NULL || (about->offers & catalogue_row(kind)->offer) != 0;
}

void
view_want_all(struct request *rq, struct lists_wait *wait, enum catalogue_kind kind)
{
	const struct rec_server	*s;
	bool			 merges = view_merges(rq->view, kind) &&
				    (kind != CATALOGUE_TOOLS || adapt_needs_lists(rq));

	for (uint64_t i = 0; merges && (s = request_server_at(rq, i)) != NULL; i++)
		if (view_sees_kind(rq, s, kind) && view_may_have(rq, s, kind))
			lists_want_kind(rq->w->lists, wait, rq->config, s, view_list_instance(rq, s),
			    (enum list_kind)kind, false);
	if ((rq->view & VIEW_HAS_SERVER) && view_sees_kind(rq, rq->server, kind))
		lists_want_kind(rq->w->lists, wait, rq->config, rq->server,
		    view_list_instance(rq, rq->server), (enum list_kind)kind, true);
}

/* --- URIs ------------------------------------------------------------------------------------- */

static bool
rewrites(const struct request *rq, const struct rec_server *s)
{
	return (s->flags & SERVER_FLAG_REWRITE_URIS) != 0 && (rq->view & VIEW_HAS_SERVER) == 0;
}

struct span
view_uris(const struct request *rq, const struct rec_server *s)
{
	return rewrites(rq, s) ? arena_fmt(&rq->x->arena, URIS_SCHEME "%.*s:",
	    SPAN_FMT(snap_text(rq->config->policy, s->prefix))) : SPAN_NONE;
}

bool
view_rewrites(const struct request *rq, const struct rec_server *s, struct span uri)
{
	return rewrites(rq, s) && !uris_stays(uri);
}

const struct rec_server *
view_server_of_uri(const struct request *rq, struct span uri, struct span *own)
{
	const struct rec_server	*s;
	struct span		 prefix, rest;

	if (!uris_split(uri, &prefix, &rest))
		return NULL;
	for (uint64_t i = 0; (s = request_server_at(rq, i)) != NULL; i++)
		if (rewrites(rq, s) && span_eq(snap_text(rq->config->policy, s->prefix), prefix)) {
			*own = rest;
			return s;
		}
	return NULL;
}

/* --- tools/call ------------------------------------------------------------------------------- */

const struct rec_server *
view_server_of_name(struct request *rq, struct span shown, struct span *rest)
{
	const struct rec_server	*s, *bare = NULL;
	struct span		 prefix = mcp_name_prefix(shown);

	for (uint64_t i = 0; (s = request_server_at(rq, i)) != NULL; i++) {
		if (s->prefix.bytes == 0)
			bare = s;
		else if (span_eq(snap_text(rq->config->policy, s->prefix), prefix)) {
			*rest = span_part(shown, prefix.n + 2, shown.n);
			return s;
		}
	}
	*rest = shown;
	return bare;
}

static void
ask_of(const struct view_job *job, struct span tool, struct call_ask *ask)
{
	*ask = (struct call_ask){ .server = job->server, .tool = tool, .shown = job->renamed, .from = &job->rq->msg,
	    .arguments = job->rq->msg.arguments, .style = CALL_PLAIN };
}

static void
on_list(struct lists_wait *wait, void *arg)
{
	struct view_job		*job = arg;
	struct request		*rq = job->rq;
	const struct catalogue	*list;
	struct call_ask		 ask;
	struct shown		 shown;
	struct span		 why;
	const struct catalogue_item *t;

	(void)wait;
	ask_of(job, job->shown, &ask);
	list = lists_find(rq->w->lists, job->server, view_list_instance(rq, job->server), &why);
	if (list == NULL) {
		call_refuse_unavailable(rq, &ask, why);
		return;
	}
	if (rq->view & VIEW_HAS_SERVER) {
		t = catalogue_find(list, job->own);
	} else if ((t = catalogue_find_composed(list, job->shown)) != NULL) {
		shown_begin(&shown, rq);
		if (shown_name(&shown, job->server, t).n == 0)
			t = NULL;
	}
	if (t == NULL) {
		call_refuse_unknown(rq, job->server, job->shown, CALL_PLAIN);
		return;
	}
	/* The list may be replaced before the call ends: keep the names with the request. */
	if ((ask.tool = arena_dup(&rq->x->arena, t->name)).p == NULL || (!span_eq(t->name, t->shown) &&
	    (ask.shown = arena_dup(&rq->x->arena, t->shown)).p == NULL)) {
		reply_error(rq, E_NOMEM, SPAN_NONE, SPAN_NONE, 0);
		return;
	}
	may_know(&ask, t);
	if (!span_eq(t->name, job->own) || job->decided.unsure != 0)
		may_call(rq, rq->config->policy, snap_text(rq->config->policy, job->server->name), &ask, true,
		    &job->decided);
	if (job->decided.allow && t->standing != CATALOGUE_STANDS) {
		call_refuse_held(rq, &ask, t);
		return;
	}
	ask.decided = &job->decided;
	ask.tasks = t->tasks;
	if (!job->decided.allow || (tasks_may_call(rq, &ask) && ((t->param_count == 0 && !t->fills) ||
	    param_take(rq, &ask, t))))
		call_begin(rq, &ask);
}

static void
record_given_up(void *arg)
{
	const struct view_job	*job = arg;
	struct call_ask		 ask;

	ask_of(job, job->own, &ask);
	call_record_refusal(job->rq, &ask, &job->decided, AUDIT_OUTCOME_CANCELLED, E_CLOSED);
}

/* job->own is what clients call it: the server's own name instead.  False: nothing is called so. */
static bool
own_name(struct view_job *job)
{
	struct request	*rq = job->rq;
	struct span	 own;

	/* Only tools that the operator gave no name have one that was cut. */
	if (job->server->renamed_count == 0 || ((rq->view & VIEW_HAS_SERVER) == 0 && mcp_name_is_marked(job->shown)))
		return true;
	if (!policy_own_name(rq->config->policy, job->server, job->own, &own) ||
	    (own = arena_dup(&rq->x->arena, own)).p == NULL)
		return false;
	if (!span_eq(own, job->own))
		job->renamed = job->own;
	job->own = own;
	return true;
}

void
view_call(struct request *rq, struct span shown)
{
	struct view_job	*job;
	struct call_ask	 ask;

	if ((rq->view & VIEW_HAS_DISCOVERY) && meta_call(rq, shown))
		return;
	metric_add(&rq->w->metrics, METRIC_calls_total, 1);
	if ((job = arena_calloc(&rq->x->arena, sizeof(*job))) == NULL) {
		reply_error(rq, E_NOMEM, SPAN_NONE, SPAN_NONE, 0);
		return;
	}
	job->rq = rq;
	job->shown = job->own = shown;
	job->server = rq->view & VIEW_HAS_SERVER ? rq->server :
	    rq->view & VIEW_HAS_CATALOG ? view_server_of_name(rq, shown, &job->own) : NULL;
	/* A server of the path was looked at with the path. */
	if (job->server == NULL || ((rq->view & VIEW_HAS_SERVER) == 0 && !view_meets_server(rq, job->server))) {
		call_refuse_unknown(rq, NULL, shown, CALL_PLAIN);
		return;
	}
	if (!own_name(job)) {
		call_refuse_unknown(rq, job->server, shown, CALL_PLAIN);
		return;
	}
	/* What is denied is refused before anything is started for it; but a name that was cut or cleaned
	 * is not the tool's own, which call_begin() decides about. */
	ask_of(job, job->own, &ask);
	may_call(rq, rq->config->policy, snap_text(rq->config->policy, job->server->name), &ask, false, &job->decided);
	if (!job->decided.allow && ((rq->view & VIEW_HAS_SERVER) || !mcp_name_is_marked(shown))) {
		call_refuse_denied(rq, &ask, &job->decided);
		return;
	}
	pending_begin(&job->pending, rq, on_list, record_given_up, job);
	want(rq, &job->pending.wait, job->server, true);
	pending_ready(&job->pending);
}
