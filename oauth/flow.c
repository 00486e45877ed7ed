/* SPDX-License-Identifier: Apache-2.0
 *
 * flow.c - the way to a token for a protected server: its beginning, its end, and what a browser brings
 *
 * Process: mcpgw-scout.
 * Owns:    the flow with its arena, in which its secrets are: both are wiped.
 * Trusts:  the operator for the client; no server and no browser.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/crypt.h"
#include "oauth/flow_priv.h"

#define ARENA_MAX	(1024 * 1024)

int
flow_fail(struct oauth_flow *f, enum oauth_failure failure, const char *fmt, ...)
{
	va_list	ap;

	f->stage = FLOW_FAILED;
	f->failure = failure;
	va_start(ap, fmt);
	vsnprintf(f->why, sizeof(f->why), fmt, ap);
	va_end(ap);
	for (char *p = f->why; *p != '\0'; p++)
		if (*p < 0x20 || *p > 0x7e)
			*p = ' ';
	return 0;
}

static void
settle(struct oauth_flow *f, int r)
{
	if (r != 0)
		r = flow_fail(f, OAUTH_LATER, "%s", err_text(r));
	(void)r;
}

static int
keep_known(struct oauth_flow *f, const struct oauth_grant *known)
{
	f->known = *known;
#define X(name, id)							\
	if ((f->known.name = arena_dup(&f->arena, known->name)).p == NULL)	\
		return E_NOMEM;
	OAUTH_GRANT_TEXTS(X)
#undef X
	return 0;
}

static int
begin(struct oauth_flow *f, const struct oauth_begin *b)
{
	const char	*why;
	int		 r;

	if ((r = oauth_canonical(f->client.url, &f->arena, &f->url)) != 0)
		return r;
	if (b->known != NULL && (r = keep_known(f, b->known)) != 0)
		return r;
	if ((f->earlier_scope = arena_dup(&f->arena, b->earlier_scope)).p == NULL)
		return E_NOMEM;
	if (f->client.private_key.n > 0 &&
	    (r = jws_signer_init(&f->signer, f->client.private_key, f->client.alg, &why)) != 0)
		return r == E_FORMAT ? flow_fail(f, OAUTH_REFUSED, "private_key: %s", why) : r;
	if (b->challenge.n > 0 && (r = oauth_challenge_read(b->challenge, &f->arena, &f->challenge)) == E_NOMEM)
		return r;
	if (f->aim == OAUTH_AIM_REVOKE)
		return f->known.issuer.n > 0 ? flow_find_known(f) : flow_fail(f, OAUTH_REFUSED, "nobody has logged in");
	/* What was given once is renewed where it was given. */
	if (f->client.kind == OAUTH_AUTHORIZATION_CODE && f->aim == OAUTH_AIM_TOKEN) {
		if (f->step_up)
			return flow_fail(f, OAUTH_LOGIN, "the server wants a scope that was not given: %.*s",
			    (int)(f->challenge.scope.n > 100 ? 100 : f->challenge.scope.n),
			    f->challenge.scope.p == NULL ? "" : f->challenge.scope.p);
		if (f->known.issuer.n == 0)
			return flow_fail(f, OAUTH_LOGIN, "nobody has logged in");
		if (f->known.refresh_token.n == 0)
			return flow_fail(f, OAUTH_LOGIN, "the login has ended");
		f->stage = FLOW_REFRESH;
		return 0;
	}
	return flow_find_begin(f);
}

int
oauth_flow_new(const struct oauth_begin *b, struct oauth_flow **out)
{
	struct oauth_flow	*f;
	int			 r;

	*out = NULL;
	if ((f = calloc(1, sizeof(*f))) == NULL)
		return E_NOMEM;
	f->client = *b->client;
	f->aim = b->aim;
	f->step_up = b->step_up;
	arena_init(&f->arena, NULL, 0, ARENA_MAX);
	buf_init(&f->body, OAUTH_BODY_MAX);
	if ((r = begin(f, b)) != 0) {
		oauth_flow_free(&f);
		return r;
	}
	*out = f;
	return 0;
}

static void
wipe(struct span s)
{
	if (s.n > 0)
		crypt_wipe((void *)(uintptr_t)s.p, s.n);
}

void
oauth_flow_free(struct oauth_flow **fp)
{
	struct oauth_flow	*f = *fp;

	*fp = NULL;
	if (f == NULL)
		return;
	/* The client's own texts are the caller's; those of the grant may be these. */
	if (f->grant.client_secret.p != f->client.client_secret.p)
		wipe(f->grant.client_secret);
	wipe(f->grant.access_token);
	wipe(f->grant.refresh_token);
	wipe(f->known.client_secret);
	wipe(f->known.access_token);
	wipe(f->known.refresh_token);
	wipe(f->code);
	if (f->assertion.p != f->client.subject_token.p)
		wipe(f->assertion);
	if (f->body.data != NULL)
		crypt_wipe(f->body.data, f->body.room);
	jws_signer_fini(&f->signer);
	buf_fini(&f->body);
	arena_fini(&f->arena);
	crypt_wipe(f, sizeof(*f));
	free(f);
}

enum oauth_step
oauth_flow_step(struct oauth_flow *f, uint64_t now_s)
{
	f->now_s = now_s;
	if (f->stage < FLOW_DONE && f->stage != FLOW_BROWSER && !f->asked) {
		buf_clear(&f->body);
		f->fetch = (struct oauth_fetch){ 0 };
		f->asked = true;
		settle(f, f->stage <= FLOW_SERVER ? flow_find_fetch(f) : flow_ask_fetch(f));
		/* An operator's own machine and urls, and what lies at the same place. */
		f->fetch.learnt = !oauth_same_origin(f->fetch.url, f->client.url) &&
		    !oauth_same_origin(f->fetch.url, f->client.issuer) &&
		    !oauth_same_origin(f->fetch.url, f->client.exchange_endpoint) &&
		    !(oauth_is_loopback(f->client.url) && oauth_is_loopback(f->fetch.url));
	}
	switch (f->stage) {
	case FLOW_BROWSER:
		return OAUTH_STEP_BROWSER;
	case FLOW_DONE:
		return OAUTH_STEP_DONE;
	case FLOW_FAILED:
		return OAUTH_STEP_FAILED;
	default:
		return OAUTH_STEP_FETCH;
	}
}

const struct oauth_fetch *
oauth_flow_fetch(const struct oauth_flow *f)
{
	return &f->fetch;
}

void
oauth_flow_fetched(struct oauth_flow *f, const struct oauth_fetched *a)
{
	if (!f->asked || f->stage >= FLOW_DONE)
		return;
	f->asked = false;
	settle(f, f->stage <= FLOW_SERVER ? flow_find_fetched(f, a) : flow_ask_fetched(f, a));
}

struct span
oauth_flow_url(const struct oauth_flow *f)
{
	return f->browse;
}

struct span
oauth_flow_issuer(const struct oauth_flow *f)
{
	return f->issuer;
}

/* Whose answer it is, by RFC 9207: compared as it is, also where it says no. */
static bool
issuer_fits(const struct oauth_flow *f, struct span iss)
{
	return iss.p != NULL ? span_eq(iss, f->issuer) : !f->server.says_iss;
}

static int
take_redirect(struct oauth_flow *f, struct span query)
{
	struct span	state, iss, error;
	int		r;

	if ((r = form_find(query, "state", &f->arena, &state)) == E_NOMEM)
		return r;
	if (r != 0 || state.n != strlen(f->pkce.state) || !crypt_equal(state.p, f->pkce.state, state.n))
		return E_DENIED;
	if ((r = form_find(query, "iss", &f->arena, &iss)) == E_NOMEM)
		return r;
	if (r != 0 || !issuer_fits(f, iss))
		return flow_fail(f, OAUTH_REFUSED, "the redirect %s, and %.*s was asked; nothing was given to it",
		    iss.p == NULL ? "does not say whose answer it is (iss)" :
		    "is another authorization server's answer (iss)", SPAN_FMT(f->issuer));
	if ((r = form_find(query, "error", &f->arena, &error)) != 0)
		return r == E_NOMEM ? r : flow_fail(f, OAUTH_REFUSED, "the redirect says two things");
	if (error.n > 0)
		return flow_fail(f, OAUTH_REFUSED, "the authorization server says no: %.*s",
		    (int)(error.n > 80 ? 80 : error.n), error.p);
	if ((r = form_find(query, "code", &f->arena, &f->code)) == E_NOMEM)
		return r;
	if (r != 0 || f->code.n == 0 || f->code.n > OAUTH_TOKEN_MAX)
		return flow_fail(f, OAUTH_REFUSED, "the redirect has no code");
	f->stage = FLOW_CODE;
	return 0;
}

int
oauth_flow_redirected(struct oauth_flow *f, struct span query)
{
	int	r;

	if (f->stage != FLOW_BROWSER || (r = take_redirect(f, query)) == E_DENIED)
		return E_DENIED;
	settle(f, r);
	return 0;
}

const struct oauth_grant *
oauth_flow_grant(const struct oauth_flow *f)
{
	return &f->grant;
}

struct span
oauth_flow_scope(const struct oauth_flow *f)
{
	return f->scope;
}

enum oauth_failure
oauth_flow_failure(const struct oauth_flow *f)
{
	return f->failure;
}

const char *
oauth_flow_why(const struct oauth_flow *f)
{
	return f->why;
}
