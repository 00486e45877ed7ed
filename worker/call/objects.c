/* SPDX-License-Identifier: Apache-2.0
 *
 * objects.c - prompts/get, resources/read and completion/complete: to the server that has it
 *
 * Process: worker.  Owns: nothing beyond a request.
 * Trusts:  decide() alone for which servers may be asked; what servers list and return only for which
 *          of those it is.
 *
 * On one server's URL names and URIs are that server's own.  In a merged view a prompt's name leads to
 * its server by the prefix; a URI by what is listed, what was returned before, what a template may have
 * made, and last by there being one server only that has resources (mcp-wire 14.2).
 */
#include "mcp/template.h"
#include "worker/call/may.h"
#include "worker/call/objects.h"
#include "worker/call/pending.h"
#include "worker/front/reply.h"
#include "worker/lists/known.h"
#include "worker/lists/page.h"
#include "worker/lists/view.h"

struct find {			/* a call whose server is looked for */
	struct request		*rq;
	struct pending		 pending;
	enum call_what		 what;
	struct span		 key;		/* as the client wrote it: a name, a URI, a template */
	struct span		 own;		/* the server's, of a URI that is rewritten here; or empty */
	struct json_value	 ref;		/* of a completion */
	const struct rec_server	*server;	/* by name: the one with the prefix */
	objects_found_fn	*found;		/* only the server is wanted, not a call */
};

static bool
may_use(const struct request *rq, const struct rec_server *s, enum call_what what, struct decision *d)
{
	*d = (struct decision){ .allow = false };
	if ((s->flags & SERVER_FLAG_DISABLED) != 0 ||
	    !span_eq(policy_tenant_name(rq->config->policy, s->tenant), rq->who.tenant))
		return false;
	may_see(rq, call_kind(what)->object, snap_text(rq->config->policy, s->name), SPAN_NONE, NULL, d);
	return d->allow;
}

/* A server that was not asked, because the credential lacks the scope for it. */
static const struct rec_server *
out_of_scope(const struct find *f, struct decision *d)
{
	const struct request	*rq = f->rq;
	const struct rec_server	*s;

	for (uint64_t i = 0; rq->who.traits.scoped && (s = request_server_at(rq, i)) != NULL; i++)
		if (!may_use(rq, s, f->what, d) && d->lacks_scope)
			return s;
	return NULL;
}

static struct call_ask
ask_of(const struct find *f, const struct rec_server *s, struct span own)
{
	return (struct call_ask){ .server = s, .what = f->what, .tool = own, .from = &f->rq->msg,
	    .arguments = f->what == CALL_PROMPT ? f->rq->msg.arguments :
		(struct json_value){ JSON_NONE, SPAN_NONE }, .style = CALL_PLAIN };
}

static struct find *
find_new(struct request *rq, enum call_what what, struct span key)
{
	struct find	*f = arena_calloc(&rq->x->arena, sizeof(*f));

	metric_add(&rq->w->metrics, METRIC_calls_total, 1);
	if (f == NULL) {
		reply_error(rq, E_NOMEM, SPAN_NONE, SPAN_NONE, 0);
		return NULL;
	}
	f->rq = rq;
	f->what = what;
	f->key = key;
	return f;
}

static bool
is_gone(const struct find *f)
{
	if (!f->rq->gone || !f->rq->modern)
		return false;
	request_done(f->rq);
	return true;
}

static void
record_given_up(void *arg)
{
	const struct find	*f = arg;
	const struct call_ask	 ask = ask_of(f, f->server, f->key);

	call_record_refusal(f->rq, &ask, NULL, AUDIT_OUTCOME_CANCELLED, E_CLOSED);
}

static void
call_at(const struct find *f, const struct rec_server *s)
{
	struct span	own = f->own.n > 0 ? f->own : f->key;
	struct call_ask	ask = ask_of(f, s, own);
	struct decision	d;

	ask.own_uri = f->own.n > 0;
	if (ask.own_uri)
		ask.ref = f->ref;
	if (f->found == NULL) {
		call_begin(f->rq, &ask);
		return;
	}
	may_see(f->rq, call_kind(f->what)->object, snap_text(f->rq->config->policy, s->name), own, NULL, &d);
	f->found(f->rq, d.allow ? s : NULL, own);
}

/* What is nowhere may be where the credential is not good for. */
static void
no_server(const struct find *f)
{
	const struct rec_server	*s;
	struct call_ask		 ask;
	struct decision		 d;

	if (f->found != NULL) {
		f->found(f->rq, NULL, SPAN_NONE);
	} else if ((s = out_of_scope(f, &d)) != NULL) {
		ask = ask_of(f, s, f->key);
		call_refuse_denied(f->rq, &ask, &d);
	} else {
		call_refuse_missing(f->rq, f->what, NULL, f->key);
	}
}

/* --- by name ---------------------------------------------------------------------------------- */

static void
on_prompts(struct lists_wait *wait, void *arg)
{
	struct find			*f = arg;
	struct request			*rq = f->rq;
	struct call_ask			 ask = ask_of(f, f->server, f->key);
	const struct catalogue		*list;
	const struct catalogue_item	*t;
	struct span			 why;

	(void)wait;
	if (is_gone(f))
		return;
	list = lists_find_kind(rq->w->lists, f->server, view_list_instance(rq, f->server), LIST_PROMPTS, &why);
	if (list == NULL) {
		call_refuse_unavailable(rq, &ask, why);
		return;
	}
	t = rq->view & VIEW_HAS_SERVER ? catalogue_find(list, f->key) : catalogue_find_composed(list, f->key);
	if (t == NULL) {
		call_refuse_missing(rq, f->what, f->server, f->key);
		return;
	}
	ask.ref = f->ref;
	/* The list may be replaced before the call ends: keep the name with the request. */
	if ((ask.tool = arena_dup(&rq->x->arena, t->name)).p == NULL)
		reply_error(rq, E_NOMEM, SPAN_NONE, SPAN_NONE, 0);
	else
		call_begin(rq, &ask);
}

static void
find_by_name(struct find *f)
{
	struct request	*rq = f->rq;
	struct span	 own = f->key;
	struct call_ask	 ask;
	struct decision	 d;

	f->server = rq->view & VIEW_HAS_SERVER ? rq->server : view_server_of_name(rq, f->key, &own);
	/* A server of the path was looked at with the path. */
	if (f->server == NULL || ((rq->view & VIEW_HAS_SERVER) == 0 && !view_meets_server(rq, f->server))) {
		call_refuse_missing(rq, f->what, NULL, f->key);
		return;
	}
	/* What is denied is refused before anything is started for it. */
	ask = ask_of(f, f->server, own);
	may_call(rq, rq->config->policy, snap_text(rq->config->policy, f->server->name), &ask, true, &d);
	if (!d.allow) {
		call_refuse_denied(rq, &ask, &d);
		return;
	}
	if (!view_may_have(rq, f->server, CATALOGUE_PROMPTS)) {
		call_refuse_missing(rq, f->what, f->server, f->key);
		return;
	}
	pending_begin(&f->pending, rq, on_prompts, record_given_up, f);
	lists_want_kind(rq->w->lists, &f->pending.wait, rq->config, f->server, view_list_instance(rq, f->server),
	    LIST_PROMPTS, true);
	pending_ready(&f->pending);
}

/* --- by URI ----------------------------------------------------------------------------------- */

/* One whose URIs are rewritten is found by their beginning only. */
static bool
may_have(const struct find *f, const struct rec_server *s)
{
	struct decision	d;

	return !view_rewrites(f->rq, s, f->key) && may_use(f->rq, s, f->what, &d);
}

static const struct catalogue *
list_of(const struct find *f, const struct rec_server *s, enum list_kind kind)
{
	struct span	why;

	return may_have(f, s) ? lists_find_kind(f->rq->w->lists, s,
	    view_list_instance(f->rq, s), kind, &why) : NULL;
}

/* The first server, in the configured order, that lists the key. */
static const struct rec_server *
listed_by(const struct find *f, enum list_kind kind)
{
	const struct rec_server	*s;
	const struct catalogue	*list;

	for (uint64_t i = 0; (s = request_server_at(f->rq, i)) != NULL; i++)
		if ((list = list_of(f, s, kind)) != NULL && catalogue_find(list, f->key) != NULL)
			return s;
	return NULL;
}

static bool
has_match(const struct find *f, const struct rec_server *s, const struct catalogue *list, uint32_t *steps)
{
	for (size_t i = 0; i < catalogue_count(list); i++)
		if (mcp_template_matches(catalogue_at(list, i)->name, f->key, steps) &&
		    !page_is_hidden(f->rq, s, CATALOGUE_TEMPLATES, catalogue_at(list, i)->name))
			return true;
	return false;
}

/* The one server whose templates may have made the URI; *several when there is another. */
static const struct rec_server *
matched_by(const struct find *f, bool *several)
{
	const struct rec_server	*s, *found = NULL;
	const struct catalogue	*list;
	uint32_t		 steps = TEMPLATE_STEPS;

	*several = false;
	for (uint64_t i = 0; (s = request_server_at(f->rq, i)) != NULL; i++) {
		if ((list = list_of(f, s, LIST_TEMPLATES)) == NULL || !has_match(f, s, list, &steps))
			continue;
		*several = found != NULL;
		if (*several)
			return NULL;
		found = s;
	}
	return found;
}

static bool
has_resources(const struct find *f, const struct rec_server *s)
{
	const struct about	*about = lists_about(f->rq->w->lists, s, view_list_instance(f->rq, s));
	const struct catalogue	*list;

	if (about != NULL)
		return (about->offers & MCP_OFFER_RESOURCES) != 0;
	return ((list = list_of(f, s, LIST_RESOURCES)) != NULL && catalogue_count(list) > 0) ||
	    ((list = list_of(f, s, LIST_TEMPLATES)) != NULL && catalogue_count(list) > 0);
}

/* The one server that has resources at all, or NULL; one that the credential is not good for may have some. */
static const struct rec_server *
only_one(const struct find *f)
{
	const struct rec_server	*s, *found = NULL;
	struct decision		 d;

	if (out_of_scope(f, &d) != NULL)
		return NULL;
	for (uint64_t i = 0; (s = request_server_at(f->rq, i)) != NULL; i++) {
		if (!may_have(f, s) || !has_resources(f, s))
			continue;
		if (found != NULL)
			return NULL;
		found = s;
	}
	return found;
}

/* Asks each server that may have some for its list, one kind after the other: most URIs are found in the
 * first. */
static void
want_lists(struct find *f, enum catalogue_kind kind, lists_done_fn *done)
{
	struct request		*rq = f->rq;
	const struct rec_server	*s;

	pending_begin(&f->pending, rq, done, f->found == NULL ? record_given_up : NULL, f);
	for (uint64_t i = 0; (s = request_server_at(rq, i)) != NULL; i++)
		if (may_have(f, s) && view_may_have(rq, s, kind))
			lists_want_kind(rq->w->lists, &f->pending.wait, rq->config, s,
			    view_list_instance(rq, s), (enum list_kind)kind, false);
	pending_ready(&f->pending);
}

static void
on_templates(struct lists_wait *wait, void *arg)
{
	struct find		*f = arg;
	const struct rec_server	*s;
	bool			 several = false;

	(void)wait;
	if (is_gone(f))
		return;
	/* A completion names the template itself. */
	if (f->what == CALL_COMPLETION)
		s = listed_by(f, LIST_TEMPLATES);
	else if ((s = matched_by(f, &several)) == NULL && !several)
		s = only_one(f);
	if (s == NULL)
		no_server(f);
	else
		call_at(f, s);
}

static void
on_resources(struct lists_wait *wait, void *arg)
{
	struct find		*f = arg;
	const struct rec_server	*s;

	(void)wait;
	if (is_gone(f))
		return;
	if ((s = listed_by(f, LIST_RESOURCES)) == NULL && f->what == CALL_RESOURCE &&
	    (s = known_find(f->rq, f->key)) != NULL && !may_have(f, s))
		s = NULL;
	if (s != NULL)
		call_at(f, s);
	else
		want_lists(f, CATALOGUE_TEMPLATES, on_templates);
}

static void
find_by_uri(struct find *f)
{
	const struct rec_server	*s;
	struct decision		 d;

	if (f->rq->view & VIEW_HAS_SERVER)
		call_at(f, f->rq->server);
	else if ((s = view_server_of_uri(f->rq, f->key, &f->own)) != NULL &&
	    (may_use(f->rq, s, f->what, &d) || d.lacks_scope))
		call_at(f, s);
	else if (s != NULL)
		no_server(f);
	else
		want_lists(f, CATALOGUE_RESOURCES, on_resources);
}

/* --- the methods ------------------------------------------------------------------------------ */

static void
refuse_params(struct request *rq, const char *why)
{
	reply_error(rq, E_RPC_PARAMS, span_of(why), SPAN_NONE, 0);
}

void
objects_get_prompt(struct request *rq)
{
	struct find	*f;

	if (rq->msg.name_value.type != JSON_STRING || rq->msg.name.n == 0)
		refuse_params(rq, "name must be a string");
	else if (rq->msg.arguments.type != JSON_NONE && rq->msg.arguments.type != JSON_OBJECT)
		refuse_params(rq, "arguments must be an object");
	else if ((f = find_new(rq, CALL_PROMPT, rq->msg.name)) != NULL)
		find_by_name(f);
}

void
objects_read_resource(struct request *rq)
{
	struct find	*f;

	if (rq->msg.uri_value.type != JSON_STRING || rq->msg.uri.n == 0)
		refuse_params(rq, "uri must be a string");
	else if ((f = find_new(rq, CALL_RESOURCE, rq->msg.uri)) != NULL)
		find_by_uri(f);
}

int
objects_find_resource(struct request *rq, struct span uri, objects_found_fn *found)
{
	struct find	*f = arena_calloc(&rq->x->arena, sizeof(*f));

	if (f == NULL)
		return E_NOMEM;
	f->rq = rq;
	f->what = CALL_RESOURCE;
	f->key = uri;
	f->found = found;
	find_by_uri(f);
	return 0;
}

void
objects_complete(struct request *rq)
{
	struct json_value	 ref = json_get(rq->msg.params, "ref"), proven, key;
	struct json_value	 argument = json_get(rq->msg.params, "argument");
	struct span		 text;
	struct find		*f;
	bool			 named;

	/* What was judged and what the server reads must be the same (mcp-wire 16.9). */
	if (ref.type != JSON_OBJECT || json_parse(ref.raw, true, &proven, NULL) != 0) {
		refuse_params(rq, "ref must be an object, no member of it twice");
		return;
	}
	named = json_is(json_get(ref, "type"), "ref/prompt");
	key = json_get(ref, named ? "name" : "uri");
	if ((!named && !json_is(json_get(ref, "type"), "ref/resource")) || key.type != JSON_STRING ||
	    json_string(key, &rq->x->arena, &text) != 0 || text.n == 0) {
		refuse_params(rq, "ref must be of type ref/prompt with a name, or ref/resource with a uri");
		return;
	}
	if (json_get(argument, "name").type != JSON_STRING || json_get(argument, "value").type != JSON_STRING) {
		refuse_params(rq, "argument must have a name and a value");
		return;
	}
	if ((f = find_new(rq, CALL_COMPLETION, text)) == NULL)
		return;
	f->ref = ref;
	if (named)
		find_by_name(f);
	else
		find_by_uri(f);
}
