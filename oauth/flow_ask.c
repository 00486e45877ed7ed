/* SPDX-License-Identifier: Apache-2.0
 *
 * flow_ask.c - asking an issuer: as which client, for which scopes, for a token (mcp-wire 15.4, 3-10)
 *
 * Process: mcpgw-scout.  Owns: nothing beyond the flow.
 * Trusts:  the operator for the client.  A client's secret goes to its own issuer alone.
 */
#include "lib/crypt.h"
#include "lib/url.h"
#include "oauth/flow_priv.h"

#define TYPE(name)	"urn:ietf:params:oauth:token-type:" name
#define GRANT(name)	"urn:ietf:params:oauth:grant-type:" name
#define EXPIRES_MAX_S	(366 * 24 * 3600)

/* Challenged, else what the server lists, else none; beside them what was asked for before. */
static int
pick_scope(struct oauth_flow *f)
{
	struct span	want = f->client.scope;
	int		r;

	if (want.n == 0)
		want = f->challenge.scope.n > 0 ? f->challenge.scope : f->resource.scopes;
	else if (f->step_up && !oauth_scope_within(f->challenge.scope, want))
		return flow_fail(f, OAUTH_REFUSED, "the server wants the scope \"%.*s\", which is not among \"scopes\"",
		    (int)(f->challenge.scope.n > 100 ? 100 : f->challenge.scope.n), f->challenge.scope.p);
	if ((r = oauth_scope_union(f->client.scope.n > 0 ? SPAN_NONE : f->earlier_scope, want, &f->arena,
	    &f->scope)) != 0)
		return r;
	if (f->client.kind == OAUTH_AUTHORIZATION_CODE && oauth_scope_has(f->server.scopes, SPAN_LIT("offline_access")))
		return oauth_scope_union(f->scope, SPAN_LIT("offline_access"), &f->arena, &f->scope);
	return 0;
}

/* The way a secret is shown, or a key used, that both sides know; what was registered says it itself. */
static enum oauth_method
pick_method(const struct oauth_flow *f, bool has_secret)
{
	if (f->signer.key != NULL)
		return OAUTH_METHOD_KEY;
	if (!has_secret)
		return OAUTH_METHOD_NONE;
	if ((f->server.methods & OAUTH_METHOD_BASIC) == 0 && (f->server.methods & OAUTH_METHOD_POST) != 0)
		return OAUTH_METHOD_POST;
	return OAUTH_METHOD_BASIC;
}

static int
ready(struct oauth_flow *f)
{
	uint8_t		random[2 * OAUTH_PKCE_BYTES];
	struct buf	url;
	struct url	u;
	int		r;

	f->grant.issuer = f->issuer;
	f->grant.token_endpoint = f->server.token_endpoint;
	f->grant.resource = f->resource.resource;
	switch (f->client.kind) {
	case OAUTH_CLIENT_CREDENTIALS:
		f->stage = FLOW_CREDENTIALS;
		return 0;
	case OAUTH_TOKEN_EXCHANGE:
		f->stage = FLOW_EXCHANGE;
		return 0;
	case OAUTH_JWT_BEARER:
		f->stage = FLOW_ASSERT;
		f->assertion = f->client.subject_token;
		return 0;
	default:
		break;
	}
	/* The browser shows secrets of somebody's: no clear text but to the machine it runs on. */
	if (url_parse(f->server.authorization_endpoint, &u) != NULL ||
	    (!u.https && !oauth_is_loopback(f->server.authorization_endpoint)))
		return flow_fail(f, OAUTH_REFUSED, "%.*s has no authorization endpoint over https://",
		    SPAN_FMT(f->issuer));
	if ((r = crypt_random(random, sizeof(random))) != 0 || (r = oauth_pkce_make(random, &f->pkce)) != 0)
		return r;
	crypt_wipe(random, sizeof(random));
	buf_init(&url, OAUTH_BODY_MAX);
	if ((r = oauth_authorize_url(&url, f->server.authorization_endpoint, f->grant.client_id, f->client.redirect_uri,
	    &f->pkce, f->scope, f->grant.resource)) == 0 &&
	    (f->browse = arena_dup(&f->arena, buf_rest(&url))).p == NULL)
		r = E_NOMEM;
	buf_fini(&url);
	f->stage = FLOW_BROWSER;
	return r;
}

static int
as_client(struct oauth_flow *f, struct span id, struct span secret)
{
	f->grant.client_id = id;
	f->grant.client_secret = secret;
	f->grant.method = pick_method(f, secret.n > 0);
	return ready(f);
}

/* As who was given what is known. */
static void
as_known(struct oauth_flow *f)
{
	f->grant = f->known;
	f->issuer = f->known.issuer;
	/* A client that the operator wrote is the operator's to change. */
	if (f->grant.registered == 0 && f->client.client_id.n > 0) {
		f->grant.client_id = f->client.client_id;
		f->grant.client_secret = f->client.client_secret;
	}
}

/* The refresh token first: the other one may end with it. */
static void
revoke_next(struct oauth_flow *f)
{
	if (f->stage < FLOW_REVOKE && f->known.refresh_token.n > 0)
		f->stage = FLOW_REVOKE;
	else if (f->stage < FLOW_REVOKE_ACCESS && f->known.access_token.n > 0)
		f->stage = FLOW_REVOKE_ACCESS;
	else
		f->stage = FLOW_DONE;
}

int
flow_ask_begin(struct oauth_flow *f)
{
	const struct oauth_client	*c = &f->client;
	bool				 code = c->kind == OAUTH_AUTHORIZATION_CODE;
	int				 r;

	if (f->aim == OAUTH_AIM_REVOKE) {
		if (f->server.revocation_endpoint.n == 0)
			return flow_fail(f, OAUTH_REFUSED, "%.*s names no revocation endpoint", SPAN_FMT(f->issuer));
		as_known(f);
		revoke_next(f);
		return 0;
	}
	if (code && !f->server.s256)
		return flow_fail(f, OAUTH_REFUSED, "%.*s does not say that it checks PKCE with S256 "
		    "(code_challenge_methods_supported); without it a code could be anybody's", SPAN_FMT(f->issuer));
	/* A secret of the operator's is shown to nobody whom the server alone names; so is a subject token, unless it
	 * goes to an endpoint that the operator wrote. */
	if ((c->client_secret.n > 0 || (c->subject_token.n > 0 && c->exchange_endpoint.n == 0)) && c->issuer.n == 0 &&
	    !c->any_issuer)
		return flow_fail(f, OAUTH_REFUSED, "\"issuer\" is not written, and a secret goes to no other");
	if ((r = pick_scope(f)) != 0 || f->stage == FLOW_FAILED)
		return r;
	if (c->client_id.n > 0)
		return as_client(f, c->client_id, c->client_secret);
	if (c->metadata_url.n > 0 && f->server.metadata_ids)
		return as_client(f, c->metadata_url, SPAN_NONE);
	if (c->kind == OAUTH_JWT_BEARER)
		return as_client(f, SPAN_NONE, SPAN_NONE);
	if (f->known.registered != 0 && span_eq(f->known.issuer, f->issuer)) {
		f->grant.client_id = f->known.client_id;
		f->grant.client_secret = f->known.client_secret;
		f->grant.method = f->known.method;
		f->grant.registered = 1;
		return ready(f);
	}
	if (c->may_register && f->server.registration_endpoint.n > 0) {
		f->stage = FLOW_REGISTER;
		return 0;
	}
	return flow_fail(f, OAUTH_REFUSED, "%.*s must know the gateway first: register a client there "
	    "(redirect: %.*s) and write its \"client_id\"", SPAN_FMT(f->issuer), SPAN_FMT(c->redirect_uri));
}

/* --- requests ----------------------------------------------------------------------------------- */

static int
put(struct oauth_flow *f, const char *name, struct span value)
{
	return form_put(&f->body, name, value);
}

static int
post_form(struct oauth_flow *f, struct span endpoint, const struct oauth_identity *who)
{
	int	r = oauth_identify(&f->body, who, &f->arena, &f->fetch.authorization);

	f->fetch.post = f->fetch.secret = true;
	f->fetch.url = endpoint;
	f->fetch.content_type = SPAN_LIT("application/x-www-form-urlencoded");
	f->fetch.body = buf_rest(&f->body);
	return r;
}

static struct oauth_identity
myself(const struct oauth_flow *f)
{
	return (struct oauth_identity){ .method = (enum oauth_method)f->grant.method, .client_id = f->grant.client_id,
	    .client_secret = f->grant.client_secret, .signer = &f->signer, .key_id = f->client.key_id,
	    .audience = f->grant.issuer, .now_s = f->now_s };
}

static int
fetch_register(struct oauth_flow *f)
{
	static const enum oauth_method	order[] = { OAUTH_METHOD_BASIC, OAUTH_METHOD_POST, OAUTH_METHOD_NONE };
	enum oauth_method		method = OAUTH_METHOD_NONE;
	int				r;

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		if ((f->server.methods & order[i]) != 0) {
			method = order[i];
			break;
		}
	f->grant.method = method;
	if ((r = oauth_register_put(&f->body, &f->client, method, f->scope)) != 0)
		return r;
	f->fetch.post = true;
	f->fetch.url = f->server.registration_endpoint;
	f->fetch.content_type = SPAN_LIT("application/json");
	f->fetch.body = buf_rest(&f->body);
	return 0;
}

static int
fetch_code(struct oauth_flow *f)
{
	const struct oauth_identity	who = myself(f);
	int				r;

	if ((r = put(f, "grant_type", SPAN_LIT("authorization_code"))) != 0 || (r = put(f, "code", f->code)) != 0 ||
	    (r = put(f, "redirect_uri", f->client.redirect_uri)) != 0 ||
	    (r = put(f, "code_verifier", span_of(f->pkce.verifier))) != 0 ||
	    (r = put(f, "resource", f->grant.resource)) != 0)
		return r;
	return post_form(f, f->grant.token_endpoint, &who);
}

static int
fetch_refresh(struct oauth_flow *f)
{
	struct oauth_identity	who;
	int			r;

	as_known(f);
	f->scope = f->known.scope;
	who = myself(f);
	if ((r = put(f, "grant_type", SPAN_LIT("refresh_token"))) != 0 ||
	    (r = put(f, "refresh_token", f->known.refresh_token)) != 0 ||
	    (r = put(f, "resource", f->grant.resource)) != 0)
		return r;
	return post_form(f, f->grant.token_endpoint, &who);
}

static int
fetch_credentials(struct oauth_flow *f)
{
	const struct oauth_identity	who = myself(f);
	int				r;

	if ((r = put(f, "grant_type", SPAN_LIT("client_credentials"))) != 0 || (r = put(f, "scope", f->scope)) != 0 ||
	    (r = put(f, "resource", f->grant.resource)) != 0)
		return r;
	return post_form(f, f->grant.token_endpoint, &who);
}

/* RFC 8693: whose token is exchanged, and for what.  Never a client's of the gateway. */
static int
fetch_exchange(struct oauth_flow *f)
{
	const struct oauth_client	*c = &f->client;
	struct oauth_identity		 who = myself(f);
	struct span			 subject = c->subject_token, type = c->subject_type;
	struct span			 endpoint = f->grant.token_endpoint;
	int				 r;

	if (c->exchange_endpoint.n > 0) {
		endpoint = c->exchange_endpoint;
		who.audience = endpoint;
	}
	if (c->exchange_id.n > 0) {
		who.client_id = c->exchange_id;
		who.client_secret = c->exchange_secret;
		who.method = c->exchange_secret.n > 0 ? OAUTH_METHOD_BASIC : OAUTH_METHOD_NONE;
	}
	if (subject.n == 0) {
		if ((r = oauth_assertion(&who, &f->arena, &subject)) != 0)
			return r;
		type = SPAN_LIT(TYPE("jwt"));
	}
	if (type.n == 0)
		type = SPAN_LIT(TYPE("access_token"));
	if ((r = put(f, "grant_type", SPAN_LIT(GRANT("token-exchange")))) != 0 ||
	    (r = put(f, "subject_token", subject)) != 0 || (r = put(f, "subject_token_type", type)) != 0 ||
	    (r = put(f, "requested_token_type", c->requested_type)) != 0 ||
	    (r = put(f, "audience", c->audience.n > 0 || c->requested_type.n == 0 ? c->audience : f->issuer)) != 0 ||
	    (r = put(f, "resource", f->grant.resource)) != 0 || (r = put(f, "scope", f->scope)) != 0)
		return r;
	return post_form(f, endpoint, &who);
}

static int
fetch_assert(struct oauth_flow *f)
{
	const struct oauth_identity	who = myself(f);
	int				r;

	if ((r = put(f, "grant_type", SPAN_LIT(GRANT("jwt-bearer")))) != 0 ||
	    (r = put(f, "assertion", f->assertion)) != 0 || (r = put(f, "scope", f->scope)) != 0 ||
	    (r = put(f, "resource", f->grant.resource)) != 0)
		return r;
	return post_form(f, f->grant.token_endpoint, &who);
}

/* RFC 7009, 2.1. */
static int
fetch_revoke(struct oauth_flow *f)
{
	const struct oauth_identity	who = myself(f);
	const bool			refresh = f->stage == FLOW_REVOKE;
	int				r;

	if ((r = put(f, "token", refresh ? f->known.refresh_token : f->known.access_token)) != 0 ||
	    (r = put(f, "token_type_hint", span_of(refresh ? "refresh_token" : "access_token"))) != 0)
		return r;
	return post_form(f, f->server.revocation_endpoint, &who);
}

int
flow_ask_fetch(struct oauth_flow *f)
{
	switch (f->stage) {
	case FLOW_REGISTER:
		return fetch_register(f);
	case FLOW_CODE:
		return fetch_code(f);
	case FLOW_REFRESH:
		return fetch_refresh(f);
	case FLOW_CREDENTIALS:
		return fetch_credentials(f);
	case FLOW_EXCHANGE:
		return fetch_exchange(f);
	case FLOW_ASSERT:
		return fetch_assert(f);
	case FLOW_REVOKE:
	case FLOW_REVOKE_ACCESS:
		return fetch_revoke(f);
	default:
		return E_INTERNAL;
	}
}

/* --- answers ------------------------------------------------------------------------------------ */

static int
refused(struct oauth_flow *f, const struct oauth_fetched *a)
{
	struct span	url = span_part(f->fetch.url, 0, 160), code, shown;
	int		r;

	if (a->error != 0)
		return flow_fail(f, a->error == E_DENIED ? OAUTH_REFUSED : OAUTH_LATER, "%.*s: %.*s", SPAN_FMT(url),
		    SPAN_FMT(a->why));
	if (a->status >= 500 || a->status == 429 || a->status == 408)
		return flow_fail(f, OAUTH_LATER, "%.*s: HTTP %u", SPAN_FMT(url), a->status);
	if ((r = oauth_refusal_read(a->body, &f->arena, &code, &shown)) != 0)
		return r;
	/* A refresh that is refused is the end of the login, a code that is refused is one more try of somebody's. */
	return flow_fail(f, f->stage == FLOW_REFRESH ? OAUTH_LOGIN : OAUTH_REFUSED, "%.*s: HTTP %u%s%.*s",
	    SPAN_FMT(url), a->status, shown.n > 0 ? ", " : "", SPAN_FMT(shown));
}

static int
on_registered(struct oauth_flow *f, const struct oauth_fetched *a)
{
	struct oauth_registration	reg;
	const char			*why;
	int				 r;

	if (a->error != 0 || (a->status != 200 && a->status != 201))
		return refused(f, a);
	if ((r = oauth_registration_read(a->body, &f->arena, &reg, &why)) != 0)
		return why == NULL ? r : flow_fail(f, OAUTH_REFUSED, "%.*s: %s",
		    SPAN_FMT(span_part(f->fetch.url, 0, 160)), why);
	f->grant.client_id = reg.client_id;
	f->grant.client_secret = reg.client_secret;
	f->grant.registered = 1;
	if (reg.method.n > 0 && oauth_method_of(reg.method) != 0)
		f->grant.method = oauth_method_of(reg.method);
	if (reg.client_secret.n == 0 && f->grant.method != OAUTH_METHOD_KEY)
		f->grant.method = OAUTH_METHOD_NONE;
	return ready(f);
}

static int
on_token(struct oauth_flow *f, const struct oauth_fetched *a)
{
	struct oauth_token	t;
	const char		*why;
	int			 r;

	if (a->error != 0 || a->status != 200)
		return refused(f, a);
	if ((r = oauth_token_read(a->body, &f->arena, &t, &why)) != 0)
		return why == NULL ? r : flow_fail(f, OAUTH_REFUSED, "%.*s: %s",
		    SPAN_FMT(span_part(f->fetch.url, 0, 160)), why);
	if (f->stage == FLOW_EXCHANGE && f->client.requested_type.n > 0) {
		/* Not yet the server's token, but what its issuer takes for one. */
		f->assertion = t.access_token;
		f->stage = FLOW_ASSERT;
		return 0;
	}
	if (!t.is_bearer)
		return flow_fail(f, OAUTH_REFUSED, "%.*s: its token is of a type that is not \"Bearer\"",
		    SPAN_FMT(span_part(f->fetch.url, 0, 160)));
	f->grant.access_token = t.access_token;
	/* One that is not replaced serves on. */
	if (t.refresh_token.n > 0)
		f->grant.refresh_token = t.refresh_token;
	f->grant.scope = t.has_scope ? t.scope : f->scope;
	f->grant.ends_ms = t.expires_s == 0 ? 0 : (f->now_s + (t.expires_s > EXPIRES_MAX_S ? EXPIRES_MAX_S :
	    t.expires_s)) * 1000;
	if (f->stage == FLOW_CODE)
		f->grant.login_ms = f->now_s * 1000;
	f->stage = FLOW_DONE;
	return 0;
}

/* A token that is not known there any more is answered as one that was revoked.  Not every server can end an access
 * token before its time, and then the refresh token's end is what counts. */
static int
on_revoked(struct oauth_flow *f, const struct oauth_fetched *a)
{
	const bool	rest = f->stage == FLOW_REVOKE_ACCESS && f->known.refresh_token.n > 0;

	if (a->error != 0 || (a->status != 200 && !(rest && a->status >= 400 && a->status < 500)))
		return refused(f, a);
	revoke_next(f);
	return 0;
}

int
flow_ask_fetched(struct oauth_flow *f, const struct oauth_fetched *a)
{
	if (f->stage == FLOW_REVOKE || f->stage == FLOW_REVOKE_ACCESS)
		return on_revoked(f, a);
	return f->stage == FLOW_REGISTER ? on_registered(f, a) : on_token(f, a);
}
