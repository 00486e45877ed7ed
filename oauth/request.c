/* SPDX-License-Identifier: Apache-2.0
 *
 * request.c - what is said to an authorization server
 *
 * Process: mcpgw-scout.
 * Owns:    nothing; secrets are in the caller's buffers, which are wiped there.
 * Trusts:  the operator's words; texts of servers are encoded.
 */
#include <ctype.h>
#include <stdio.h>

#include "lib/crypt.h"
#include "lib/json.h"
#include "lib/percent.h"
#include "oauth/request.h"

#define ASSERTION_S	300
#define ID_BYTES	16

/* --- who speaks --------------------------------------------------------------------------------- */

static int
put_part(struct buf *to, struct span json)
{
	char	*room;
	int	 r;

	if ((r = buf_reserve(to, B64URL_CHARS(json.n) + 1, &room)) != 0)
		return r;
	b64url_encode(json.p, json.n, room);
	buf_commit(to, B64URL_CHARS(json.n));
	return 0;
}

static int
put_header(struct buf *to, const struct oauth_identity *who)
{
	struct buf	b;
	int		r;

	buf_init(&b, OAUTH_URL_MAX);
	if ((r = buf_put_fmt(&b, "{\"alg\":\"%s\",\"typ\":\"JWT\"", jws_alg_name(who->signer->alg))) == 0 &&
	    (who->key_id.n == 0 || ((r = buf_put_str(&b, ",\"kid\":")) == 0 &&
	    (r = json_put_string(&b, who->key_id)) == 0)) && (r = buf_put_str(&b, "}")) == 0)
		r = put_part(to, buf_rest(&b));
	buf_fini(&b);
	return r;
}

static int
put_claims(struct buf *to, const struct oauth_identity *who)
{
	char		id[B64URL_CHARS(ID_BYTES) + 1];
	uint8_t		random[ID_BYTES];
	struct buf	b;
	int		r;

	if ((r = crypt_random(random, sizeof(random))) != 0)
		return r;
	b64url_encode(random, sizeof(random), id);
	buf_init(&b, 4 * OAUTH_URL_MAX);
	if ((r = buf_put_str(&b, "{\"iss\":")) == 0 && (r = json_put_string(&b, who->client_id)) == 0 &&
	    (r = buf_put_str(&b, ",\"sub\":")) == 0 && (r = json_put_string(&b, who->client_id)) == 0 &&
	    (r = buf_put_str(&b, ",\"aud\":")) == 0 && (r = json_put_string(&b, who->audience)) == 0 &&
	    (r = buf_put_fmt(&b, ",\"jti\":\"%s\",\"iat\":%llu,\"exp\":%llu}", id, (unsigned long long)who->now_s,
	    (unsigned long long)who->now_s + ASSERTION_S)) == 0)
		r = put_part(to, buf_rest(&b));
	buf_fini(&b);
	return r;
}

int
oauth_assertion(const struct oauth_identity *who, struct arena *a, struct span *out)
{
	uint8_t		signature[JWS_SIGNATURE_MAX];
	struct buf	b;
	size_t		n;
	int		r;

	buf_init(&b, OAUTH_TOKEN_MAX);
	if ((r = put_header(&b, who)) == 0 && (r = buf_put_str(&b, ".")) == 0 && (r = put_claims(&b, who)) == 0 &&
	    (r = jws_sign(who->signer, buf_rest(&b), signature, &n)) == 0 && (r = buf_put_str(&b, ".")) == 0 &&
	    (r = put_part(&b, span_make(signature, n))) == 0 && (*out = arena_dup(a, buf_rest(&b))).p == NULL)
		r = E_NOMEM;
	buf_fini(&b);
	return r;
}

/* RFC 6749 2.3.1: both parts are encoded as in a form before they are base64. */
static int
basic(const struct oauth_identity *who, struct arena *a, struct span *out)
{
	struct buf	 b;
	struct span	 plain;
	char		*to = NULL;
	size_t		 at = 0;
	int		 r;

	buf_init(&b, OAUTH_TOKEN_MAX);
	if ((r = percent_put(&b, who->client_id)) == 0 && (r = buf_put_str(&b, ":")) == 0)
		r = percent_put(&b, who->client_secret);
	plain = buf_rest(&b);
	if (r == 0 && (to = arena_alloc(a, sizeof("Basic ") + B64_CHARS(plain.n))) == NULL)
		r = E_NOMEM;
	if (r == 0) {
		memcpy(to, "Basic ", 6);
		for (at = 0; at < plain.n; at += 3)
			b64_four(plain.p + at, plain.n - at < 3 ? plain.n - at : 3, to + 6 + at / 3 * 4);
		*out = span_make(to, 6 + B64_CHARS(plain.n));
	}
	if (b.data != NULL)
		crypt_wipe(b.data, b.room);
	buf_fini(&b);
	return r;
}

int
oauth_identify(struct buf *form, const struct oauth_identity *who, struct arena *a, struct span *authorization)
{
	struct span	assertion;
	int		r;

	*authorization = SPAN_NONE;
	switch (who->method) {
	case OAUTH_METHOD_BASIC:
		return basic(who, a, authorization);
	case OAUTH_METHOD_POST:
		if ((r = form_put(form, "client_id", who->client_id)) != 0)
			return r;
		return form_put(form, "client_secret", who->client_secret);
	case OAUTH_METHOD_KEY:
		/* The client is named in the assertion alone (mcp-wire 15.5). */
		if ((r = oauth_assertion(who, a, &assertion)) != 0 || (r = form_put(form,
		    "client_assertion_type",
		    SPAN_LIT("urn:ietf:params:oauth:client-assertion-type:jwt-bearer"))) != 0)
			return r;
		return form_put(form, "client_assertion", assertion);
	case OAUTH_METHOD_NONE:
		break;
	}
	return form_put(form, "client_id", who->client_id);
}

/* --- a browser's way, a registration ------------------------------------------------------------ */

int
oauth_authorize_url(struct buf *to, struct span endpoint, struct span client_id, struct span redirect_uri,
    const struct oauth_pkce *pkce, struct span scope, struct span resource)
{
	struct buf	q;
	int		r;

	buf_init(&q, OAUTH_BODY_MAX);
	if ((r = form_put(&q, "response_type", SPAN_LIT("code"))) == 0 &&
	    (r = form_put(&q, "client_id", client_id)) == 0 &&
	    (r = form_put(&q, "redirect_uri", redirect_uri)) == 0 &&
	    (r = form_put(&q, "code_challenge", span_of(pkce->challenge))) == 0 &&
	    (r = form_put(&q, "code_challenge_method", SPAN_LIT("S256"))) == 0 &&
	    (r = form_put(&q, "state", span_of(pkce->state))) == 0 &&
	    (r = form_put(&q, "scope", scope)) == 0 &&
	    (r = form_put(&q, "resource", resource)) == 0 &&
	    (r = buf_put(to, endpoint)) == 0 &&
	    (r = buf_put_str(to, memchr(endpoint.p, '?', endpoint.n) != NULL ? "&" : "?")) == 0)
		r = buf_put(to, buf_rest(&q));
	buf_fini(&q);
	return r;
}

int
oauth_register_put(struct buf *to, const struct oauth_client *c, enum oauth_method method, struct span scope)
{
	bool	code = c->kind == OAUTH_AUTHORIZATION_CODE;
	int	r;

	/* "native": redirects lead to a loopback address (OpenID Connect Registration 2). */
	if ((r = buf_put_fmt(to, "{\"client_name\":\"mcpgw\",\"application_type\":\"native\","
	    "\"token_endpoint_auth_method\":\"%s\",\"grant_types\":%s,\"response_types\":%s", oauth_method_name(method),
	    code ? "[\"authorization_code\",\"refresh_token\"]" : "[\"client_credentials\"]",
	    code ? "[\"code\"]" : "[]")) != 0)
		return r;
	if (c->redirect_uri.n > 0 && ((r = buf_put_str(to, ",\"redirect_uris\":[")) != 0 ||
	    (r = json_put_string(to, c->redirect_uri)) != 0 || (r = buf_put_str(to, "]")) != 0))
		return r;
	if (scope.n > 0 && ((r = buf_put_str(to, ",\"scope\":")) != 0 || (r = json_put_string(to, scope)) != 0))
		return r;
	return buf_put_str(to, "}");
}

/* --- answers ------------------------------------------------------------------------------------ */

static int
object_of(struct span text, struct json_value *out, const char **why)
{
	*why = NULL;
	if (json_parse(text, true, out, NULL) == 0 && out->type == JSON_OBJECT)
		return 0;
	*why = "its answer is no JSON object";
	return E_FORMAT;
}

/* RFC 6750 2.1: what may stand behind "Bearer ". */
static bool
is_token(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!isalnum((unsigned char)s.p[i]) && memchr("-._~+/=", s.p[i], 7) == NULL)
			return false;
	return s.n > 0;
}

int
oauth_token_read(struct span text, struct arena *a, struct oauth_token *out, const char **why)
{
	struct json_value	v, n;
	struct span		type;
	int			r;

	*out = (struct oauth_token){ 0 };
	if ((r = object_of(text, &v, why)) != 0 || (r = oauth_text_of(v, "access_token", a, &out->access_token)) != 0 ||
	    (r = oauth_text_of(v, "refresh_token", a, &out->refresh_token)) != 0 ||
	    (r = oauth_text_of(v, "scope", a, &out->scope)) != 0 ||
	    (r = oauth_text_of(v, "token_type", a, &type)) != 0 ||
	    (r = oauth_text_of(v, "issued_token_type", a, &out->issued_type)) != 0)
		return r;
	out->has_scope = json_get(v, "scope").type == JSON_STRING;
	out->is_bearer = span_eq_nocase(type, SPAN_LIT("Bearer"));
	if (!is_token(out->access_token) || out->access_token.n > OAUTH_TOKEN_MAX ||
	    out->refresh_token.n > OAUTH_TOKEN_MAX) {
		*why = out->access_token.n == 0 ? "its answer has no access token" :
		    "its answer's tokens are too long, or not printable";
		return E_FORMAT;
	}
	/* Some write it as a string. */
	n = json_get(v, "expires_in");
	if (n.type == JSON_STRING && n.raw.n > 2)
		n = (struct json_value){ JSON_NUMBER, span_part(n.raw, 1, n.raw.n - 2) };
	if (n.type != JSON_NUMBER || json_u64(n, &out->expires_s) != 0)
		out->expires_s = 0;
	return 0;
}

int
oauth_registration_read(struct span text, struct arena *a, struct oauth_registration *out, const char **why)
{
	struct json_value	v;
	int			r;

	*out = (struct oauth_registration){ 0 };
	if ((r = object_of(text, &v, why)) != 0 || (r = oauth_text_of(v, "client_id", a, &out->client_id)) != 0 ||
	    (r = oauth_text_of(v, "client_secret", a, &out->client_secret)) != 0 ||
	    (r = oauth_text_of(v, "token_endpoint_auth_method", a, &out->method)) != 0)
		return r;
	if (out->client_id.n > 0 && out->client_id.n <= OAUTH_URL_MAX && out->client_secret.n <= OAUTH_TOKEN_MAX)
		return 0;
	*why = "its answer names no client";
	return E_FORMAT;
}

int
oauth_refusal_read(struct span text, struct arena *a, struct span *code, struct span *shown)
{
	struct json_value	v;
	struct span		more;
	const char		*why;
	char			*to;
	size_t			 n;
	int			 r;

	*code = *shown = SPAN_NONE;
	if (object_of(text, &v, &why) != 0)
		return 0;
	if ((r = oauth_text_of(v, "error", a, code)) != 0 || (r = oauth_text_of(v, "error_description", a, &more)) != 0)
		return r;
	if (code->n == 0)
		return 0;
	*shown = more.n == 0 ? arena_fmt(a, "%.*s", (int)(code->n > 60 ? 60 : code->n), code->p) :
	    arena_fmt(a, "%.*s: %.*s", (int)(code->n > 60 ? 60 : code->n), code->p,
	    (int)(more.n > 160 ? 160 : more.n), more.p);
	if (shown->p == NULL)
		return E_NOMEM;
	for (to = (char *)(uintptr_t)shown->p, n = 0; n < shown->n; n++)
		if (to[n] < 0x20 || to[n] > 0x7e)
			to[n] = ' ';
	return 0;
}
