/* SPDX-License-Identifier: Apache-2.0
 *
 * wellknown.c - what the gateway says of itself as a protected resource (RFC 9728; mcp-wire 15.1)
 *
 * Process: worker.  Owns: nothing.
 * Trusts:  the policy; of a path no more than that its characters were looked at.
 */
#include <ctype.h>

#include "auth/front.h"
#include "policy/scopes.h"
#include "worker/front/reply.h"
#include "worker/front/wellknown.h"

#define WELLKNOWN	"/.well-known/oauth-protected-resource"
#define SERVER		"/.well-known/oauth-authorization-server"
#define DOCUMENT_MAX	(256 * 1024)
#define NAME_MAX_BYTES	128

/* "/NAME" after this at the front of *path: cut off. */
static bool
take_name(struct span *path, struct span before)
{
	size_t	n = before.n;

	if (!span_starts(*path, before))
		return false;
	while (n < path->n && (isalnum((unsigned char)path->p[n]) || memchr("-._~", path->p[n], 4) != NULL))
		n++;
	if (n == before.n || n - before.n > NAME_MAX_BYTES)
		return false;
	*path = span_part(*path, n, path->n);
	return true;
}

/* Of a view's one endpoint or of its streams of HTTP+SSE, whether or not there is such a server or tenant. */
static bool
is_resource(struct span path)
{
	static const char *const	views[] = { "/mcp", "/mcp/discovery", "/mcp/catalog", FRONT_STREAM_END,
		"/mcp/discovery" FRONT_STREAM_END, "/mcp/catalog" FRONT_STREAM_END };

	(void)take_name(&path, SPAN_LIT("/t/"));
	for (size_t i = 0; i < sizeof(views) / sizeof(views[0]); i++)
		if (span_is(path, views[i]))
			return true;
	return take_name(&path, SPAN_LIT("/servers/")) && (span_is(path, "/mcp") || span_is(path, FRONT_STREAM_END));
}

/* What stands before FRONT_STREAM_END in the path of this view's streams. */
static struct span
stem_of(struct span path)
{
	const struct span	end = SPAN_LIT("/mcp");

	if (path.n >= end.n && span_eq(span_part(path, path.n - end.n, end.n), end))
		path.n -= end.n;
	return path;
}

/* NULL: of any tenant. */
static struct span
next_issuer(const struct snap *policy, const struct span *tenant, uint64_t *at)
{
	const struct rec_issuer	*e;

	while ((e = SNAP_AT(policy, ISSUER, (*at)++)) != NULL)
		if ((e->flags & ISSUER_FLAG_SERVES) != 0 &&
		    (tenant == NULL || span_eq(policy_tenant_name(policy, e->tenant), *tenant)))
			return snap_text(policy, e->name);
	return SPAN_NONE;
}

/* "/t/NAME" in front of a path names its tenant; without it is that of "default". */
static struct span
tenant_of(struct span path)
{
	struct span	rest = path;
	size_t		before = sizeof("/t/") - 1;

	if (!take_name(&rest, SPAN_LIT("/t/")))
		return SPAN_LIT("default");
	return span_part(path, before, path.n - rest.n - before);
}

static bool
has_metadata(const struct request *rq)
{
	uint64_t	at = 0;

	return rq->config->params.public_url.n > 0 &&
	    (rq->config->params.token_endpoint || next_issuer(rq->config->policy, NULL, &at).n > 0);
}

struct span
wellknown_url(struct request *rq)
{
	const bool	streams = rq->front != FRONT_MCP;

	if (!is_resource(rq->path) || !has_metadata(rq))
		return SPAN_NONE;
	return arena_fmt(&rq->x->arena, "%.*s" WELLKNOWN "%.*s%s", SPAN_FMT(rq->config->params.public_url),
	    SPAN_FMT(streams ? stem_of(rq->path) : rq->path), streams ? FRONT_STREAM_END : "");
}

struct resource
wellknown_resource(const struct request *rq)
{
	if (rq->config->params.public_url.n == 0 || !is_resource(rq->path))
		return (struct resource){ .path = SPAN_NONE };
	return (struct resource){ .site = rq->config->params.public_url, .path = rq->path, .stem = stem_of(rq->path),
	    .end = SPAN_LIT(FRONT_STREAM_END) };
}

static int
put_list(struct buf *to, const struct request *rq, struct span (*next)(const struct request *, uint64_t *))
{
	uint64_t	at = 0;
	struct span	text;
	const char	*before = "";
	int		r = buf_put_str(to, "[");

	while (r == 0 && (text = next(rq, &at)).n > 0) {
		if ((r = buf_put_str(to, before)) == 0)
			r = json_put_string(to, text);
		before = ",";
	}
	return r == 0 ? buf_put_str(to, "]") : r;
}

/* Whom this gateway is for clients that ask it for tokens: of a tenant of its own its path too.  In the arena. */
static struct span
own_issuer(const struct request *rq)
{
	const struct span	site = rq->config->params.public_url, tenant = rq->who.tenant;

	if (span_is(tenant, "default"))
		return site;
	return arena_fmt(&rq->x->arena, "%.*s/t/%.*s", SPAN_FMT(site), SPAN_FMT(tenant));
}

/* Issuers first: they know people, and this gateway only programs. */
static struct span
server_after(const struct request *rq, uint64_t *at)
{
	const struct span	next = *at == UINT64_MAX ? SPAN_NONE :
				    next_issuer(rq->config->policy, &rq->who.tenant, at);

	if (next.n > 0 || *at == UINT64_MAX || !rq->config->params.token_endpoint)
		return next;
	*at = UINT64_MAX;
	return own_issuer(rq);
}

static struct span
scope_after(const struct request *rq, uint64_t *at)
{
	return scope_next_advertised(rq->config->policy, rq->who.tenant, at);
}

static int
put_document(struct buf *to, const struct request *rq, struct span path)
{
	uint64_t	at = 0, server = 0;
	int		r;

	/* Site and path hold nothing that JSON would escape; a list that is empty is left out (RFC 9728 3.2). */
	r = buf_put_fmt(to, "{\"resource\":\"%.*s%.*s\"", SPAN_FMT(rq->config->params.public_url),
	    SPAN_FMT(path));
	if (r == 0 && server_after(rq, &server).n > 0 &&
	    (r = buf_put_str(to, ",\"authorization_servers\":")) == 0)
		r = put_list(to, rq, server_after);
	if (r == 0 && scope_after(rq, &at).n > 0 && (r = buf_put_str(to, ",\"scopes_supported\":")) == 0)
		r = put_list(to, rq, scope_after);
	return r == 0 ? buf_put_str(to, ",\"bearer_methods_supported\":[\"header\"],\"resource_name\":\"mcpgw\"}") : r;
}

/* RFC 8414, of /token.  There is nothing to be had at the authorization endpoint, and no type of answer; it is named
 * since clients take no document without one. */
static int
put_server(struct buf *to, const struct request *rq, struct span path)
{
	const struct span	issuer = own_issuer(rq);
	uint64_t		at = 0;
	int			r;

	(void)path;
	if ((r = buf_put_fmt(to, "{\"issuer\":\"%.*s\",\"authorization_endpoint\":\"%.*s/authorize\","
	    "\"token_endpoint\":\"%.*s/token\",\"response_types_supported\":[],"
	    "\"grant_types_supported\":[\"client_credentials\",\"refresh_token\"],"
	    "\"token_endpoint_auth_methods_supported\":[\"client_secret_basic\",\"client_secret_post\"]",
	    SPAN_FMT(issuer), SPAN_FMT(issuer), SPAN_FMT(issuer))) != 0)
		return r;
	if (scope_after(rq, &at).n > 0 && ((r = buf_put_str(to, ",\"scopes_supported\":")) != 0 ||
	    (r = put_list(to, rq, scope_after)) != 0))
		return r;
	return buf_put_str(to, "}");
}

static void
answer(struct request *rq, struct span path, int (*put)(struct buf *, const struct request *, struct span))
{
	static const struct exchange_field fields[] = {
		{ SPAN_LIT("Content-Type"), SPAN_LIT("application/json") },
		{ SPAN_LIT("Access-Control-Allow-Origin"), SPAN_LIT("*") },
		{ SPAN_LIT("Cache-Control"), SPAN_LIT("max-age=60") },
	};
	struct buf	b;

	/* Of a tenant that does not exist as of one without issuers: nobody. */
	rq->who.tenant = tenant_of(path);
	buf_init(&b, DOCUMENT_MAX);
	if (put(&b, rq, path) != 0)
		exchange_refuse(rq->x, E_NOMEM, NULL, 0);
	else
		exchange_reply(rq->x, 200, fields, sizeof(fields) / sizeof(fields[0]), buf_rest(&b));
	buf_fini(&b);
	request_done(rq);
}

/* Clients name their revision in a header of theirs, so their pages ask first. */
static void
preflight(struct request *rq)
{
	static const struct exchange_field fields[] = {
		{ SPAN_LIT("Access-Control-Allow-Origin"), SPAN_LIT("*") },
		{ SPAN_LIT("Access-Control-Allow-Methods"), SPAN_LIT("GET, HEAD, OPTIONS") },
		{ SPAN_LIT("Access-Control-Allow-Headers"), SPAN_LIT("*") },
		{ SPAN_LIT("Access-Control-Max-Age"), SPAN_LIT("600") },
	};

	exchange_reply(rq->x, 204, fields, sizeof(fields) / sizeof(fields[0]), SPAN_NONE);
	request_done(rq);
}

/* "" or "/t/NAME", whether or not there is such a tenant; with it as a path that tenant_of() takes. */
static bool
is_server(const struct request *rq, struct span *path)
{
	struct span	rest;

	if (!rq->config->params.token_endpoint || !span_starts(*path, SPAN_LIT(SERVER)))
		return false;
	*path = rest = span_part(*path, sizeof(SERVER) - 1, path->n);
	(void)take_name(&rest, SPAN_LIT("/t/"));
	return rest.n == 0 || (rest.n == 1 && rest.p[0] == '/');
}

static bool
serve(struct request *rq, struct span path, int (*put)(struct buf *, const struct request *, struct span))
{
	switch ((enum http_method)rq->x->head.method) {
	case HTTP_GET:
	case HTTP_HEAD:
		answer(rq, path, put);
		return true;
	case HTTP_OPTIONS:
		preflight(rq);
		return true;
	default:
		return false;
	}
}

bool
wellknown_serve(struct request *rq)
{
	struct span	path = http_head_path(&rq->x->head), server = path;

	if (is_server(rq, &server) && rq->config->params.public_url.n > 0 &&
	    front_host_ok(rq->x, rq->config->policy))
		return serve(rq, server, put_server);
	if (!span_starts(path, SPAN_LIT(WELLKNOWN)) || !has_metadata(rq) || !front_host_ok(rq->x, rq->config->policy))
		return false;
	path = span_part(path, sizeof(WELLKNOWN) - 1, path.n);
	if (path.n > 0 && path.p[path.n - 1] == '/')
		path.n--;
	/* The root is that of clients who look nowhere else. */
	if (path.n == 0)
		path = SPAN_LIT("/mcp");
	return is_resource(path) && serve(rq, path, put_document);
}
