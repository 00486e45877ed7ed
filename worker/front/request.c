/* SPDX-License-Identifier: Apache-2.0
 *
 * request.c - one request: Host, path, credential, method, body
 *
 * Process: worker.  Owns: the request, in its exchange's arena.
 * Trusts:  nothing a client sends.  The order is mcp-wire 4.1: Host and Origin first, then the
 *          credential, then anything else; who is not known learns nothing but that.
 */
#include <unistd.h>

#include "auth/front.h"
#include "lib/bug.h"
#include "worker/call/may.h"
#include "worker/front/challenge.h"
#include "worker/front/cors.h"
#include "worker/front/keyuse.h"
#include "worker/front/keywait.h"
#include "worker/front/reply.h"
#include "worker/front/request.h"
#include "worker/front/secure.h"
#include "worker/front/wellknown.h"
#include "worker/httpsse/httpsse.h"
#include "worker/login/loginpage.h"
#include "worker/login/tokenend.h"

#define REQUEST_MAGIC	0x4e90e571u
#define STILL_ROOM	(64 * 1024)
#define BODY_AT_ONCE	(64 * 1024)	/* smaller bodies are scanned when they are whole */

#define TENANT_PATH	"/t/"

static const struct span default_tenant = { "default", 7 };

void
request_done(struct request *rq)
{
	struct exchange	*x = rq->x, *first = rq->first;

	MAGIC_CHECK(rq, REQUEST_MAGIC);
	if (rq->holds > 0) {
		rq->holds--;
		return;
	}
	request_is_stream(rq);
	rq->magic = 0;
	rpc_scan_free(&rq->scan);
	config_release(&rq->config);
	exchange_unref(&x);
	exchange_unref(&first);
}

void
request_is_stream(struct request *rq)
{
	rq->w->requests -= rq->counted;
	rq->counted = false;
}

void
request_hold(struct request *rq)
{
	MAGIC_CHECK(rq, REQUEST_MAGIC);
	rq->holds++;
}

/* The client went away, or the answer cannot be finished. */
static void
on_answer_stopped(void *arg, enum flow_end why)
{
	struct request	*rq = arg;

	(void)why;
	if (rq->magic != REQUEST_MAGIC || rq->gone)
		return;
	rq->gone = true;
	if (rq->on_gone != NULL)
		rq->on_gone(rq);
}

static void
on_answer_credit(void *arg, size_t bytes)
{
	struct request	*rq = arg;

	if (rq->magic == REQUEST_MAGIC && rq->on_credit != NULL)
		rq->on_credit(rq, bytes);
}

static const struct flow_source answer_source = { on_answer_credit, on_answer_stopped };

void
request_answer_over(struct request *rq, struct exchange *x)
{
	MAGIC_CHECK(rq, REQUEST_MAGIC);
	BUG_ON(rq->first != NULL);
	rq->first = rq->x;
	rq->x = x;
	exchange_ref(x);
	exchange_serve(x, &answer_source, rq);
}

/* --- where to --------------------------------------------------------------------------------- */

static unsigned
view_of_word(uint64_t word)
{
	switch ((enum view_word)word) {
	case VIEW_DISCOVERY:
		return VIEW_HAS_DISCOVERY;
	case VIEW_BOTH:
		return VIEW_HAS_DISCOVERY | VIEW_HAS_CATALOG;
	case VIEW_CATALOG:
		return VIEW_HAS_CATALOG;
	case VIEW_AUTO:
	default:
		return VIEW_HAS_DISCOVERY | VIEW_HAS_CATALOG | VIEW_IS_AUTO;
	}
}

/* /servers/NAME/mcp: the name, or an empty span. */
static struct span
server_of_path(struct span path)
{
	static const struct span before = { "/servers/", 9 }, after = { "/mcp", 4 };

	if (!span_starts(path, before) || path.n <= before.n + after.n ||
	    !span_eq(span_part(path, path.n - after.n, after.n), after))
		return SPAN_NONE;
	return span_part(path, before.n, path.n - before.n - after.n);
}

/* "/t/NAME/REST": the name, which may be anything but a slash. */
static struct span
tenant_of_path(struct span path)
{
	static const struct span before = { TENANT_PATH, sizeof(TENANT_PATH) - 1 };
	const char		*end;

	path = span_starts(path, before) ? span_part(path, before.n, path.n) : SPAN_NONE;
	end = path.n == 0 ? NULL : memchr(path.p, '/', path.n);
	return end == NULL ? SPAN_NONE : span_part(path, 0, (size_t)(end - path.p));
}

/* Without "/t/NAME" in front. */
static struct span
within_tenant(const struct request *rq, struct span path)
{
	return rq->asked_tenant.n == 0 ? path :
	    span_part(path, sizeof(TENANT_PATH) - 1 + rq->asked_tenant.n, path.n);
}

/* The front of this path, and the path of the same view's one endpoint.  E_NOMEM. */
static int
take_path(struct request *rq)
{
	static const struct { enum request_front front; struct span end; } fronts[] = {
		{ FRONT_STREAM, SPAN_LIT(FRONT_STREAM_END) }, { FRONT_MESSAGES, SPAN_LIT(FRONT_MESSAGES_END) },
	};
	struct span	path = http_head_path(&rq->x->head), stem;

	rq->path = path;
	for (size_t i = 0; i < sizeof(fronts) / sizeof(fronts[0]); i++) {
		if (path.n < fronts[i].end.n ||
		    !span_eq(span_part(path, path.n - fronts[i].end.n, fronts[i].end.n), fronts[i].end))
			continue;
		stem = span_part(path, 0, path.n - fronts[i].end.n);
		rq->front = fronts[i].front;
		/* Below /mcp it is the view's own already. */
		rq->path = span_starts(within_tenant(rq, stem), SPAN_LIT("/mcp/")) ? stem :
		    arena_fmt(&rq->x->arena, "%.*s/mcp", SPAN_FMT(stem));
		return rq->path.p == NULL ? E_NOMEM : 0;
	}
	return 0;
}

/* A server this agent may not see is not there: the same answer as for a name that does not exist. */
static bool
route_server(struct request *rq, struct span name)
{
	const struct object	what = { OBJECT_SERVER, name, SPAN_NONE };
	struct decision		d = { .allow = false };

	rq->view = VIEW_HAS_SERVER;
	rq->server = name.n == 0 ? NULL : policy_server_find(rq->config->policy, rq->who.tenant, name);
	if (rq->server != NULL)
		may_see(rq, OBJECT_SERVER, name, SPAN_NONE, NULL, &d);
	if (d.allow)
		return true;
	if (d.lacks_scope)
		challenge_scope(rq, &what);
	else
		reply_refuse(rq, E_HTTP_PATH, NULL);
	return false;
}

/* The view of this path; false: it was refused. */
static bool
route_path(struct request *rq)
{
	const struct span	path = within_tenant(rq, rq->path);

	if (span_is(path, "/mcp")) {
		rq->view = view_of_word(rq->config->params.view);
	} else if (span_is(path, "/mcp/discovery")) {
		rq->view = VIEW_HAS_DISCOVERY;
	} else if (span_is(path, "/mcp/catalog")) {
		rq->view = VIEW_HAS_CATALOG;
	} else {
		return route_server(rq, server_of_path(path));
	}
	return true;
}

/* --- who -------------------------------------------------------------------------------------- */

/* By this policy, and the keys of now. */
static int
identify_by(struct request *rq, const struct config *by, const struct span *instead, struct auth_uses *uses,
    struct arena *a, struct principal *who, struct auth_refusal *refusal)
{
	struct auth_in	in = {
		.policy = by->policy,
		.keys = swap_current(&rq->w->snaps, SNAP_KEYS),
		.secrets = by->secrets,
		.issuers = by->issuers,
		.tokens = rq->w->tokens,
		.keysets = rq->w->keysets,
		.uses = uses,
		.params = &by->params,
		.tenant = rq->asked_tenant,
		.owner_uid = (rq->w->flags & BOOT_FLAG_PERSONAL) != 0 ? getuid() : 0,
		.at = wellknown_resource(rq),
		.wall_ms = loop_wall_ms(rq->w->loop),
	};

	front_credential(rq->x, &in);
	if (instead != NULL)
		in.authorization = *instead;
	if (in.cert.sans != NULL)
		secure_judge(rq->w, rq->x, &in);
	rq->authorization = in.authorization;
	return auth_identify(&in, a, who, refusal);
}

static int
identify(struct request *rq, struct auth_refusal *refusal)
{
	const int	r = identify_by(rq, rq->config, NULL, &rq->w->keyuse.uses, &rq->x->arena, &rq->who, refusal);

	keyuse_look(rq->w);
	rq->tenant = r == 0 ? policy_tenant_find(rq->config->policy, rq->who.tenant) : NULL;
	rq->shown = rq->who.hash;
	rq->changes = rq->w->changes;
	return r;
}

int
request_identify_as(struct request *rq, struct span authorization, struct principal *who,
    struct auth_refusal *refusal)
{
	const int	r = identify_by(rq, rq->config, &authorization, &rq->w->keyuse.uses, &rq->x->arena, who,
			    refusal);

	keyuse_look(rq->w);
	return r;
}

bool
request_still_holds(struct request *rq)
{
	struct auth_refusal	refusal;
	struct principal	who;
	struct arena		a;
	bool			holds;
	int			r;

	MAGIC_CHECK(rq, REQUEST_MAGIC);
	arena_init(&a, NULL, 0, STILL_ROOM);
	r = identify_by(rq, rq->w->config, NULL, NULL, &a, &who, &refusal);
	if (r == 0) {
		holds = who.hash == rq->shown && who.traits.scoped == rq->who.traits.scoped &&
		    who.traits.chosen == rq->who.traits.chosen &&
		    span_eq(who.traits.scopes, rq->who.traits.scopes);
		if (holds)
			rq->who.ends_ms = who.ends_ms;	/* which may be another one since */
	} else	/* without memory, or while an issuer's keys cannot be had, nobody knows better */
		holds = (r != E_HTTP_CREDENTIAL && r != E_HTTP_CREDENTIALS && r != E_AGENT) || refusal.wanted != 0;
	arena_fini(&a);
	return holds;
}

/* --- the body --------------------------------------------------------------------------------- */

/* A large body is scanned as it comes, so that its end does not hold the loop. */
static int
on_body_chunk(struct exchange *x, struct span chunk, void *arg)
{
	struct request	*rq = arg;

	(void)x;
	/* An error shows again at the end, where it is answered. */
	(void)!rpc_scan_feed(rq->scan, chunk);
	return 0;
}

static void
on_body(struct exchange *x, int err, struct span body, void *arg)
{
	struct request	*rq = arg;

	(void)x;
	if (err != 0) {
		metric_add(&rq->w->metrics, METRIC_requests_bad_total, 1);
		request_done(rq);
		return;
	}
	rq->body = body;
	if (rq->front == FRONT_MESSAGES)
		httpsse_post(rq);
	else
		request_judge(rq, ERA_HTTP_POST);
}

/* Can either of our types carry the answer (mcp-wire 16.10)?  No Accept means anything: RFC 9110 12.5.1. */
static bool
accepts_us(const struct http_head *h)
{
	static const char *const types[] = {
		"application/json", "text/event-stream", "application/*", "text/*", "*/*",
	};

	if (http_head_count(h, HTTP_ACCEPT) == 0)
		return true;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (http_head_lists(h, HTTP_ACCEPT, types[i]))
			return true;
	return false;
}

static void
take_body(struct request *rq)
{
	const struct http_head	*h = &rq->x->head;
	bool			 large = !h->has_length || h->length > BODY_AT_ONCE;

	if (!http_media_is(http_head_get(h, HTTP_CONTENT_TYPE), "application/json") ||
	    http_head_count(h, HTTP_CONTENT_ENCODING) > 0) {
		reply_refuse(rq, E_HTTP_MEDIA, NULL);
		return;
	}
	/* Of HTTP+SSE the answer is elsewhere. */
	if (rq->front == FRONT_MCP && !accepts_us(h)) {
		reply_refuse(rq, E_HTTP_ACCEPT, NULL);
		return;
	}
	if (large && rpc_scan_new(&rq->scan) != 0) {
		reply_refuse(rq, E_NOMEM, NULL);
		return;
	}
	exchange_collect_body(rq->x, rq->config->params.max_body, &rq->w->bodies,
	    large ? on_body_chunk : NULL, on_body, rq);
}

void
request_renew(struct request *rq)
{
	config_release(&rq->config);
	rq->config = config_hold(rq->w->config);
	rq->tenant = policy_tenant_find(rq->config->policy, rq->who.tenant);
}

const struct rec_server *
request_server_at(const struct request *rq, uint64_t i)
{
	return policy_server_of(rq->config->policy, rq->tenant, i);
}

/* From who it is on; with may_wait, keys of an issuer that could be there in a moment are waited for. */
static void
begin(struct request *rq, bool may_wait)
{
	struct auth_refusal	refusal;
	int			e;

	if ((e = identify(rq, &refusal)) != 0) {
		if (may_wait && refusal.wanted != 0 && keywait_begin(rq, refusal.wanted))
			return;
		rq->who.tenant = default_tenant;
		challenge_refuse(rq, e, &refusal);
		return;
	}
	if (!route_path(rq))
		return;
	if (rq->front != FRONT_MCP && httpsse_refuse(rq))
		return;
	switch ((enum http_method)rq->x->head.method) {
	case HTTP_POST:
		take_body(rq);
		break;
	case HTTP_GET:
		if (rq->front == FRONT_STREAM)
			httpsse_open(rq);
		else
			request_judge(rq, ERA_HTTP_GET);
		break;
	case HTTP_DELETE:
		request_judge(rq, ERA_HTTP_DELETE);
		break;
	default:
		request_judge(rq, ERA_HTTP_OTHER);
		break;
	}
}

void
request_go_on(struct request *rq)
{
	MAGIC_CHECK(rq, REQUEST_MAGIC);
	begin(rq, false);
}

void
request_begin(struct worker *w, struct exchange *x)
{
	struct request		*rq;
	int			 e;

	metric_add(&w->metrics, METRIC_requests_total, 1);
	if ((rq = arena_calloc(&x->arena, sizeof(*rq))) == NULL) {
		exchange_refuse(x, E_NOMEM, NULL, 0);
		return;
	}
	rq->magic = REQUEST_MAGIC;
	rq->w = w;
	rq->counted = true;
	w->requests++;
	rq->x = x;
	rq->config = config_hold(w->config);
	rq->who.tenant = default_tenant;
	rq->id = requestid_next(&w->ids, loop_wall_ms(w->loop));
	requestid_text(rq->id, rq->id_text);
	exchange_ref(x);
	exchange_serve(x, &answer_source, rq);

	if (wellknown_serve(rq) || loginpage_serve(rq))
		return;
	if (!front_hosts_ok(x, rq->config->policy)) {
		metric_add(&w->metrics, METRIC_requests_bad_total, 1);
		reply_refuse(rq, E_HTTP_ORIGIN, NULL);
		return;
	}
	rq->origin_ok = http_head_count(&x->head, HTTP_ORIGIN) == 1;
	if (x->head.method == HTTP_OPTIONS) {
		cors_preflight(rq);
		return;
	}
	if ((e = take_path(rq)) != 0) {
		reply_refuse(rq, e, NULL);
		return;
	}
	rq->asked_tenant = tenant_of_path(http_head_path(&x->head));
	if (!rq->config->params.token_endpoint || !tokenend_begin(rq, within_tenant(rq, http_head_path(&x->head))))
		begin(rq, true);
}
