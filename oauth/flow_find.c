/* SPDX-License-Identifier: Apache-2.0
 *
 * flow_find.c - who gives tokens for a protected server: its challenge, its document, its issuer's (mcp-wire 15.4, 1-3)
 *
 * Process: mcpgw-scout.  Owns: nothing beyond the flow.
 * Trusts:  nothing that is found: a document must be of whom it was looked for, an issuer one that will do.
 */
#include "lib/url.h"
#include "oauth/flow_priv.h"

/* No server does anything for it, and one that wants a token says so before it looks. */
#define PROBE	"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}"

static int
to_server(struct oauth_flow *f)
{
	f->place = 0;
	f->stage = FLOW_SERVER;
	if (f->client.kind == OAUTH_TOKEN_EXCHANGE && f->client.exchange_endpoint.n > 0 &&
	    f->client.requested_type.n == 0) {
		/* All is written: the endpoint gives the server's tokens itself. */
		f->server = (struct oauth_server){ .issuer = f->issuer, .token_endpoint = f->client.exchange_endpoint,
		    .methods = OAUTH_METHOD_BASIC | OAUTH_METHOD_KEY };
		return flow_ask_begin(f);
	}
	if (oauth_issuer_places(f->issuer, &f->arena, f->places, &f->place_count) == 0)
		return 0;
	return flow_fail(f, OAUTH_REFUSED, "the authorization server's issuer is no url: %.*s",
	    (int)(f->issuer.n > 100 ? 100 : f->issuer.n), f->issuer.p);
}

static int
to_resource(struct oauth_flow *f)
{
	struct url	u;
	size_t		n;
	int		r;

	f->stage = FLOW_RESOURCE;
	f->place = 0;
	if ((r = oauth_resource_places(f->url, &f->arena, f->places + 1, &n)) != 0)
		return r;
	if (f->challenge.resource_metadata.n <= OAUTH_URL_MAX &&
	    url_parse(f->challenge.resource_metadata, &u) == NULL) {
		f->places[0] = f->challenge.resource_metadata;
		f->place_count = n + 1;
		return 0;
	}
	f->place = 1;
	f->place_count = n + 1;
	return 0;
}

int
flow_find_begin(struct oauth_flow *f)
{
	if (f->challenge.present)
		return to_resource(f);
	f->stage = FLOW_PROBE;
	return 0;
}

int
flow_find_known(struct oauth_flow *f)
{
	f->issuer = f->known.issuer;
	f->place = 0;
	f->stage = FLOW_SERVER;
	if (oauth_issuer_places(f->issuer, &f->arena, f->places, &f->place_count) == 0)
		return 0;
	return flow_fail(f, OAUTH_REFUSED, "what is kept names no issuer");
}

int
flow_find_fetch(struct oauth_flow *f)
{
	if (f->stage == FLOW_PROBE) {
		f->fetch.post = true;
		f->fetch.url = f->client.url;
		f->fetch.content_type = SPAN_LIT("application/json");
		f->fetch.body = SPAN_LIT(PROBE);
		return 0;
	}
	f->fetch.url = f->places[f->place];
	return 0;
}

/* The document came from nobody: whoever the operator named, or the server itself as in the first revisions. */
static int
no_resource(struct oauth_flow *f)
{
	int	r;

	f->resource.resource = f->url;
	if (f->client.issuer.n > 0)
		f->issuer = f->client.issuer;
	else if ((r = oauth_origin(f->url, &f->arena, &f->issuer)) != 0)
		return r;
	return to_server(f);
}

static int
pick_issuer(struct oauth_flow *f)
{
	f->issuer = f->resource.issuers[0];
	if (f->client.issuer.n == 0)
		return to_server(f);
	for (size_t i = 0; i < f->resource.issuer_count; i++)
		if (span_eq(f->resource.issuers[i], f->client.issuer)) {
			f->issuer = f->client.issuer;
			return to_server(f);
		}
	return flow_fail(f, OAUTH_REFUSED, "the server takes tokens of %.*s, and \"issuer\" is %.*s; if it is to be "
	    "trusted, write that one", (int)(f->issuer.n > 120 ? 120 : f->issuer.n), f->issuer.p,
	    SPAN_FMT(f->client.issuer));
}

static int
on_resource(struct oauth_flow *f, const struct oauth_fetched *a)
{
	const char	*why;
	int		 r;

	if (a->error != 0 || a->status != 200) {
		/* Not there, or not for us: the next place. */
		if (++f->place < f->place_count)
			return 0;
		if (a->error != 0 && f->client.issuer.n == 0)
			return flow_fail(f, OAUTH_LATER, "%.*s: %.*s", SPAN_FMT(f->places[f->place - 1]),
			    SPAN_FMT(a->why));
		return no_resource(f);
	}
	if ((r = oauth_resource_read(a->body, f->url, &f->arena, &f->resource, &why)) == 0)
		return pick_issuer(f);
	if (why == NULL)
		return r;
	return flow_fail(f, OAUTH_REFUSED, "%.*s: %s", (int)(f->places[f->place].n > 200 ? 200 : f->places[f->place].n),
	    f->places[f->place].p, why);
}

static int
on_server(struct oauth_flow *f, const struct oauth_fetched *a)
{
	struct span	at = f->places[f->place];
	const char	*why;
	int		 r;

	at = span_part(at, 0, 200);
	if (a->error != 0)
		return flow_fail(f, a->error == E_DENIED ? OAUTH_REFUSED : OAUTH_LATER, "%.*s: %.*s", SPAN_FMT(at),
		    SPAN_FMT(a->why));
	if (a->status >= 500)
		return flow_fail(f, OAUTH_LATER, "%.*s: HTTP %u", SPAN_FMT(at), a->status);
	if (a->status != 200) {
		if (++f->place < f->place_count)
			return 0;
		return flow_fail(f, OAUTH_REFUSED, "%.*s says nowhere what it is (%.*s: HTTP %u)", SPAN_FMT(f->issuer),
		    SPAN_FMT(at), a->status);
	}
	if ((r = oauth_server_read(a->body, f->issuer, &f->arena, &f->server, &why)) == 0)
		return flow_ask_begin(f);
	return why == NULL ? r : flow_fail(f, OAUTH_REFUSED, "%.*s: %s", SPAN_FMT(at), why);
}

int
flow_find_fetched(struct oauth_flow *f, const struct oauth_fetched *a)
{
	int	r;

	switch (f->stage) {
	case FLOW_PROBE:
		if (a->error != 0)
			return flow_fail(f, OAUTH_LATER, "the server: %.*s", SPAN_FMT(a->why));
		if (a->status == 401 && (r = oauth_challenge_read(a->challenge, &f->arena, &f->challenge)) == E_NOMEM)
			return r;
		return to_resource(f);
	case FLOW_RESOURCE:
		return on_resource(f, a);
	default:
		return on_server(f, a);
	}
}
