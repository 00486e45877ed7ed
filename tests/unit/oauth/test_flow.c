/* SPDX-License-Identifier: Apache-2.0
 *
 * test_flow.c - the way to a token, with every answer made up here
 */
#include <criterion/criterion.h>
#include <stdio.h>

#include "lib/form.h"
#include "oauth/flow.h"

#define NOW	1000000

static struct oauth_flow	*flow;
static struct arena		 arena;
static const char		*challenge = "Bearer resource_metadata=\"https://u.example/prm\", scope=\"x\"";

static struct oauth_client
client(enum oauth_kind kind)
{
	return (struct oauth_client){ .kind = kind, .url = SPAN_LIT("https://u.example/mcp"), .alg = JWS_ALG_LIMIT,
	    .client_id = SPAN_LIT("me"), .client_secret = SPAN_LIT("s3cret"), .issuer = SPAN_LIT("https://as.example"),
	    .redirect_uri = SPAN_LIT("http://127.0.0.1:1/callback") };
}

static void
begin(const struct oauth_client *c, enum oauth_aim aim, const struct oauth_grant *known)
{
	const struct oauth_begin	b = { .client = c, .aim = aim, .known = known };

	arena_init(&arena, NULL, 0, 64 * 1024);
	cr_assert(oauth_flow_new(&b, &flow) == 0);
}

static void
finish(void)
{
	oauth_flow_free(&flow);
	arena_fini(&arena);
}

TestSuite(flow, .fini = finish);

/* The next fetch is of this url. */
static const struct oauth_fetch *
fetch(const char *url)
{
	enum oauth_step	step = oauth_flow_step(flow, NOW);

	cr_assert(step == OAUTH_STEP_FETCH, "no fetch but %d: %s", step, oauth_flow_why(flow));
	cr_assert(span_is(oauth_flow_fetch(flow)->url, url), "%.*s", SPAN_FMT(oauth_flow_fetch(flow)->url));
	return oauth_flow_fetch(flow);
}

/* What lies in an answer is gone when the flow has seen it. */
static void
answer(unsigned status, const char *body)
{
	char			 copy[2048];
	struct oauth_fetched	 a = { .status = status };

	snprintf(copy, sizeof(copy), "%s", body);
	a.body = span_of(copy);
	if (status == 401)
		a.challenge = span_of(challenge);
	oauth_flow_fetched(flow, &a);
	memset(copy, 'Z', sizeof(copy));
}

static void
find_servers(const char *more)
{
	char	text[1024];

	fetch("https://u.example/mcp");
	answer(401, "");
	fetch("https://u.example/prm");
	answer(200, "{\"resource\":\"https://u.example/mcp\",\"authorization_servers\":[\"https://as.example\"]}");
	fetch("https://as.example/.well-known/oauth-authorization-server");
	snprintf(text, sizeof(text), "{\"issuer\":\"https://as.example\",\"token_endpoint\":\"https://as.example/t\","
	    "\"authorization_endpoint\":\"https://as.example/a\",\"registration_endpoint\":\"https://as.example/r\"%s}", more);
	answer(200, text);
}

static bool
body_has(const struct oauth_fetch *f, const char *name, const char *value)
{
	struct span	v;

	return form_find(f->body, name, &arena, &v) == 0 && span_is(v, value);
}

static void
expect_failed(enum oauth_failure failure, const char *word)
{
	cr_assert(oauth_flow_step(flow, NOW) == OAUTH_STEP_FAILED);
	cr_expect(oauth_flow_failure(flow) == failure, "%d", oauth_flow_failure(flow));
	cr_expect(strstr(oauth_flow_why(flow), word) != NULL, "%s", oauth_flow_why(flow));
}

Test(flow, gets_a_token_for_its_own_credentials)
{
	struct oauth_client		 c = client(OAUTH_CLIENT_CREDENTIALS);
	const struct oauth_fetch	*f;
	const struct oauth_grant	*g;

	begin(&c, OAUTH_AIM_TOKEN, NULL);
	find_servers("");
	f = fetch("https://as.example/t");
	cr_expect(f->post && f->secret && !f->learnt, "the issuer's origin is the operator's");
	cr_expect(body_has(f, "grant_type", "client_credentials") && body_has(f, "scope", "x") &&
	    body_has(f, "resource", "https://u.example/mcp"));
	cr_expect(span_is(f->authorization, "Basic bWU6czNjcmV0"));
	answer(200, "{\"access_token\":\"tok\",\"token_type\":\"bearer\",\"expires_in\":60}");
	cr_assert(oauth_flow_step(flow, NOW) == OAUTH_STEP_DONE);
	g = oauth_flow_grant(flow);
	cr_expect(span_is(g->access_token, "tok") && g->ends_ms == (NOW + 60) * 1000ull && span_is(g->scope, "x"));
}

Test(flow, sends_a_secret_to_no_other_issuer)
{
	struct oauth_client	c = client(OAUTH_CLIENT_CREDENTIALS);

	c.issuer = SPAN_LIT("https://other.example");
	begin(&c, OAUTH_AIM_TOKEN, NULL);
	fetch("https://u.example/mcp");
	answer(401, "");
	fetch("https://u.example/prm");
	answer(200, "{\"resource\":\"https://u.example/mcp\",\"authorization_servers\":[\"https://as.example\"]}");
	expect_failed(OAUTH_REFUSED, "https://other.example");
}

Test(flow, sends_a_secret_to_nobody_whom_no_operator_named)
{
	struct oauth_client	c = client(OAUTH_CLIENT_CREDENTIALS);

	c.issuer = SPAN_NONE;
	begin(&c, OAUTH_AIM_TOKEN, NULL);
	find_servers("");
	expect_failed(OAUTH_REFUSED, "\"issuer\"");
}

Test(flow, goes_on_to_the_next_place_and_marks_what_it_learnt)
{
	struct oauth_client	c = client(OAUTH_AUTHORIZATION_CODE);

	c.issuer = c.client_secret = SPAN_NONE;
	begin(&c, OAUTH_AIM_LOGIN, NULL);
	fetch("https://u.example/mcp");
	answer(200, "");
	cr_expect(!fetch("https://u.example/.well-known/oauth-protected-resource/mcp")->learnt);
	answer(404, "");
	fetch("https://u.example/.well-known/oauth-protected-resource");
	answer(200, "{\"resource\":\"https://u.example\",\"authorization_servers\":[\"https://as.example/x\"]}");
	cr_expect(fetch("https://as.example/.well-known/oauth-authorization-server/x")->learnt);
	answer(404, "");
	fetch("https://as.example/.well-known/openid-configuration/x");
	answer(404, "");
	fetch("https://as.example/x/.well-known/openid-configuration");
	answer(404, "");
	expect_failed(OAUTH_REFUSED, "https://as.example/x");
}

Test(flow, wants_pkce)
{
	struct oauth_client	c = client(OAUTH_AUTHORIZATION_CODE);

	begin(&c, OAUTH_AIM_LOGIN, NULL);
	find_servers("");
	expect_failed(OAUTH_REFUSED, "PKCE");
}

static void
to_browser(const char *more, struct span *state)
{
	char		text[256];
	struct span	url;

	snprintf(text, sizeof(text), ",\"code_challenge_methods_supported\":[\"S256\"]%s", more);
	find_servers(text);
	cr_assert(oauth_flow_step(flow, NOW) == OAUTH_STEP_BROWSER, "%s", oauth_flow_why(flow));
	url = oauth_flow_url(flow);
	cr_assert(span_starts(url, SPAN_LIT("https://as.example/a?")));
	url = span_part(url, 21, url.n);
	cr_assert(form_find(url, "state", &arena, state) == 0 && state->n > 40);
}

static int
come_back(const char *fmt, struct span state)
{
	char	query[512];

	snprintf(query, sizeof(query), fmt, SPAN_FMT(state));
	return oauth_flow_redirected(flow, span_of(query));
}

Test(flow, logs_in_and_renews_with_what_it_was_given)
{
	struct oauth_client		 c = client(OAUTH_AUTHORIZATION_CODE);
	const struct oauth_fetch	*f;
	struct oauth_grant		 known;
	struct buf			 kept;
	struct span			 state;

	begin(&c, OAUTH_AIM_LOGIN, NULL);
	to_browser(",\"scopes_supported\":[\"offline_access\"]", &state);
	cr_expect(come_back("code=c&state=wrong%.*s", SPAN_NONE) == E_DENIED);
	cr_expect(oauth_flow_step(flow, NOW) == OAUTH_STEP_BROWSER, "somebody else's answer ends nothing");
	cr_assert(come_back("code=c&state=%.*s&iss=https%%3A%%2F%%2Fas.example", state) == 0);
	f = fetch("https://as.example/t");
	cr_expect(body_has(f, "code", "c") && body_has(f, "redirect_uri", "http://127.0.0.1:1/callback") &&
	    body_has(f, "resource", "https://u.example/mcp"));
	answer(200, "{\"access_token\":\"a1\",\"token_type\":\"Bearer\",\"refresh_token\":\"r1\",\"expires_in\":\"60\"}");
	cr_assert(oauth_flow_step(flow, NOW) == OAUTH_STEP_DONE);
	cr_expect(span_is(oauth_flow_grant(flow)->scope, "x offline_access"));
	buf_init(&kept, 4096);
	cr_assert(oauth_grant_put(&kept, oauth_flow_grant(flow)) == 0 && oauth_grant_read(buf_rest(&kept), &known) == 0);
	finish();

	begin(&c, OAUTH_AIM_TOKEN, &known);
	f = fetch("https://as.example/t");
	cr_expect(body_has(f, "grant_type", "refresh_token") && body_has(f, "refresh_token", "r1"));
	answer(200, "{\"access_token\":\"a2\",\"token_type\":\"Bearer\",\"refresh_token\":\"r2\"}");
	cr_assert(oauth_flow_step(flow, NOW) == OAUTH_STEP_DONE);
	cr_expect(span_is(oauth_flow_grant(flow)->refresh_token, "r2") && oauth_flow_grant(flow)->login_ms == NOW * 1000ull);
	finish();

	begin(&c, OAUTH_AIM_TOKEN, &known);
	fetch("https://as.example/t");
	answer(400, "{\"error\":\"invalid_grant\",\"error_description\":\"gone\\u0007\"}");
	expect_failed(OAUTH_LOGIN, "invalid_grant: gone ");
	buf_fini(&kept);
}

#define REVOKES	",\"revocation_endpoint\":\"https://as.example/v\""

static void
find_issuer(const char *more)
{
	char	text[512];

	fetch("https://as.example/.well-known/oauth-authorization-server");
	snprintf(text, sizeof(text), "{\"issuer\":\"https://as.example\",\"token_endpoint\":\"https://as.example/t\"%s}", more);
	answer(200, text);
}

Test(flow, ends_what_was_given_where_it_was_given)
{
	struct oauth_client		 c = client(OAUTH_AUTHORIZATION_CODE);
	const struct oauth_fetch	*f;
	struct oauth_grant		 known = { .issuer = SPAN_LIT("https://as.example"), .client_id = SPAN_LIT("old"),
	    .token_endpoint = SPAN_LIT("https://as.example/t"), .refresh_token = SPAN_LIT("r1"),
	    .access_token = SPAN_LIT("a1"), .method = OAUTH_METHOD_POST };

	begin(&c, OAUTH_AIM_REVOKE, &known);
	find_issuer(REVOKES);
	f = fetch("https://as.example/v");
	cr_expect(f->post && f->secret);
	cr_expect(body_has(f, "token", "r1") && body_has(f, "token_type_hint", "refresh_token") &&
	    body_has(f, "client_id", "me") && body_has(f, "client_secret", "s3cret"));
	answer(200, "");
	f = fetch("https://as.example/v");
	cr_expect(body_has(f, "token", "a1") && body_has(f, "token_type_hint", "access_token"));
	answer(400, "{\"error\":\"unsupported_token_type\"}");
	cr_expect(oauth_flow_step(flow, NOW) == OAUTH_STEP_DONE, "one that cannot end access tokens");
	finish();

	/* A client that was registered is itself; the only token that there is has to end. */
	known.registered = 1;
	known.method = OAUTH_METHOD_NONE;
	known.refresh_token = SPAN_NONE;
	begin(&c, OAUTH_AIM_REVOKE, &known);
	find_issuer(REVOKES);
	f = fetch("https://as.example/v");
	cr_expect(body_has(f, "token", "a1") && body_has(f, "client_id", "old") && f->authorization.n == 0);
	answer(503, "");
	expect_failed(OAUTH_LATER, "HTTP 503");
	finish();

	begin(&c, OAUTH_AIM_REVOKE, &known);
	find_issuer("");
	expect_failed(OAUTH_REFUSED, "names no revocation endpoint");
	finish();
	begin(&c, OAUTH_AIM_REVOKE, NULL);
	expect_failed(OAUTH_REFUSED, "nobody has logged in");
}

Test(flow, takes_no_other_issuers_answer)
{
	static const struct { const char *more, *back; } rows[] = {
		{ "", "code=c&state=%.*s&iss=https://evil.example" },
		{ "", "code=c&state=%.*s&iss=https://as.example/" },
		{ "", "error=access_denied&state=%.*s&iss=https://evil.example" },
		{ ",\"authorization_response_iss_parameter_supported\":true", "code=c&state=%.*s" },
	};
	struct oauth_client	c = client(OAUTH_AUTHORIZATION_CODE);
	struct span		state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		begin(&c, OAUTH_AIM_LOGIN, NULL);
		to_browser(rows[i].more, &state);
		cr_assert(come_back(rows[i].back, state) == 0, "row %zu", i);
		expect_failed(OAUTH_REFUSED, "(iss)");
		cr_expect(strstr(oauth_flow_why(flow), "access_denied") == NULL);
		finish();
	}
	begin(&c, OAUTH_AIM_LOGIN, NULL);
}

Test(flow, registers_where_it_is_not_known)
{
	struct oauth_client		 c = client(OAUTH_AUTHORIZATION_CODE);
	const struct oauth_fetch	*f;

	c.client_id = c.client_secret = SPAN_NONE;
	c.may_register = true;
	begin(&c, OAUTH_AIM_LOGIN, NULL);
	find_servers(",\"code_challenge_methods_supported\":[\"S256\"],"
	    "\"token_endpoint_auth_methods_supported\":[\"none\",\"client_secret_post\"]");
	f = fetch("https://as.example/r");
	cr_expect(memmem(f->body.p, f->body.n, "\"application_type\":\"native\"", 27) != NULL);
	cr_expect(memmem(f->body.p, f->body.n, "client_secret_post", 18) != NULL);
	answer(201, "{\"client_id\":\"new\",\"client_secret\":\"theirs\"}");
	cr_assert(oauth_flow_step(flow, NOW) == OAUTH_STEP_BROWSER);
	cr_expect(memmem(oauth_flow_url(flow).p, oauth_flow_url(flow).n, "client_id=new", 13) != NULL);
	finish();

	c.may_register = false;
	begin(&c, OAUTH_AIM_LOGIN, NULL);
	find_servers(",\"code_challenge_methods_supported\":[\"S256\"]");
	expect_failed(OAUTH_REFUSED, "\"client_id\"");
}

Test(flow, takes_a_registration_to_no_other_issuer)
{
	struct oauth_client		c = client(OAUTH_AUTHORIZATION_CODE);
	const struct oauth_grant	known = { .issuer = SPAN_LIT("https://old.example"), .client_id = SPAN_LIT("old"),
	    .registered = 1 };

	c.client_id = c.client_secret = SPAN_NONE;
	c.may_register = true;
	begin(&c, OAUTH_AIM_LOGIN, &known);
	find_servers(",\"code_challenge_methods_supported\":[\"S256\"]");
	fetch("https://as.example/r");
}

Test(flow, exchanges_what_the_operator_gave)
{
	struct oauth_client		 c = client(OAUTH_TOKEN_EXCHANGE);
	const struct oauth_fetch	*f;

	c.exchange_endpoint = SPAN_LIT("https://idp.example/t");
	c.exchange_id = SPAN_LIT("idp-me");
	c.subject_token = SPAN_LIT("idt");
	c.subject_type = SPAN_LIT("urn:ietf:params:oauth:token-type:id_token");
	c.requested_type = SPAN_LIT("urn:ietf:params:oauth:token-type:id-jag");
	begin(&c, OAUTH_AIM_TOKEN, NULL);
	find_servers("");
	f = fetch("https://idp.example/t");
	cr_expect(body_has(f, "subject_token", "idt") && body_has(f, "audience", "https://as.example") &&
	    body_has(f, "client_id", "idp-me") && f->authorization.n == 0, "the issuer's secret stays with the issuer");
	answer(200, "{\"access_token\":\"jag\",\"token_type\":\"N_A\"}");
	f = fetch("https://as.example/t");
	cr_expect(body_has(f, "assertion", "jag") && f->authorization.n > 0);
	answer(200, "{\"access_token\":\"t\",\"token_type\":\"N_A\"}");
	expect_failed(OAUTH_REFUSED, "Bearer");
}

Test(flow, comes_again_where_nobody_answered)
{
	struct oauth_client	c = client(OAUTH_CLIENT_CREDENTIALS);

	begin(&c, OAUTH_AIM_TOKEN, NULL);
	fetch("https://u.example/mcp");
	oauth_flow_fetched(flow, &(struct oauth_fetched){ .error = E_SERVER, .why = SPAN_LIT("cannot connect") });
	expect_failed(OAUTH_LATER, "cannot connect");
	finish();
	begin(&c, OAUTH_AIM_TOKEN, NULL);
	find_servers("");
	fetch("https://as.example/t");
	answer(503, "");
	expect_failed(OAUTH_LATER, "503");
}
