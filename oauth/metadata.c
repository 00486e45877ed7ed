/* SPDX-License-Identifier: Apache-2.0
 *
 * metadata.c - where a protected server and its authorization server describe themselves
 *
 * Process: mcpgw-scout.  Owns: nothing.
 * Trusts:  no document: whose it says it is must be whose it was looked for.
 */
#include <ctype.h>

#include "lib/json.h"
#include "lib/url.h"
#include "oauth/metadata.h"
#include "oauth/scope.h"

/* --- urls ------------------------------------------------------------------------------------- */

static struct span
without_query(struct span target)
{
	const char	*q = target.n == 0 ? NULL : memchr(target.p, '?', target.n);

	return q == NULL ? target : span_part(target, 0, (size_t)(q - target.p));
}

static struct span
without_slash(struct span path)
{
	return path.n > 0 && path.p[path.n - 1] == '/' ? span_part(path, 0, path.n - 1) : path;
}

static struct span
lower(struct arena *a, struct span s)
{
	struct span	copy = arena_dup(a, s);

	for (size_t i = 0; copy.p != NULL && i < copy.n; i++)
		((char *)(uintptr_t)copy.p)[i] = (char)tolower((unsigned char)copy.p[i]);
	return copy;
}

static struct span
origin_of(const struct url *u, struct arena *a)
{
	struct span	host = lower(a, u->authority);

	return host.p == NULL ? host : arena_fmt(a, "%s://%.*s", u->https ? "https" : "http", SPAN_FMT(host));
}

static int
or_nomem(struct span s)
{
	return s.p == NULL ? E_NOMEM : 0;
}

int
oauth_origin(struct span url, struct arena *a, struct span *out)
{
	struct url	u;

	if (url.n > OAUTH_URL_MAX || url_parse(url, &u) != NULL)
		return E_FORMAT;
	return or_nomem(*out = origin_of(&u, a));
}

int
oauth_canonical(struct span url, struct arena *a, struct span *out)
{
	struct span	origin, path;
	struct url	u;

	if (url.n > OAUTH_URL_MAX || url_parse(url, &u) != NULL)
		return E_FORMAT;
	if ((origin = origin_of(&u, a)).p == NULL)
		return E_NOMEM;
	path = without_slash(without_query(u.target));
	return or_nomem(*out = arena_fmt(a, "%.*s%.*s", SPAN_FMT(origin), SPAN_FMT(path)));
}

bool
oauth_same_origin(struct span a, struct span b)
{
	struct url	x, y;

	return url_parse(a, &x) == NULL && url_parse(b, &y) == NULL && x.https == y.https && x.port == y.port &&
	    span_eq_nocase(x.host, y.host);
}

bool
oauth_is_loopback(struct span url)
{
	struct url	u;

	return url_parse(url, &u) == NULL && url_is_loopback(&u);
}

static int
place(struct arena *a, struct span out[], size_t *count, struct span origin, struct span before, const char *name,
    struct span behind)
{
	struct span	s = arena_fmt(a, "%.*s%.*s/.well-known/%s%.*s", SPAN_FMT(origin), SPAN_FMT(before), name,
			    SPAN_FMT(behind));

	if (s.p == NULL)
		return E_NOMEM;
	out[(*count)++] = s;
	return 0;
}

int
oauth_resource_places(struct span resource, struct arena *a, struct span out[OAUTH_PLACES_MAX], size_t *count)
{
	static const char	name[] = "oauth-protected-resource";
	struct span		origin, path;
	struct url		u;
	int			r;

	*count = 0;
	if (resource.n > OAUTH_URL_MAX || url_parse(resource, &u) != NULL)
		return E_FORMAT;
	if ((origin = origin_of(&u, a)).p == NULL)
		return E_NOMEM;
	path = without_slash(without_query(u.target));
	if (path.n > 0 && (r = place(a, out, count, origin, SPAN_NONE, name, path)) != 0)
		return r;
	return place(a, out, count, origin, SPAN_NONE, name, SPAN_NONE);
}

int
oauth_issuer_places(struct span issuer, struct arena *a, struct span out[OAUTH_PLACES_MAX], size_t *count)
{
	static const char	oauth[] = "oauth-authorization-server", openid[] = "openid-configuration";
	struct span		origin, path;
	struct url		u;
	int			r;

	*count = 0;
	if (issuer.n > OAUTH_URL_MAX || url_parse(issuer, &u) != NULL || without_query(u.target).n != u.target.n)
		return E_FORMAT;
	if ((origin = origin_of(&u, a)).p == NULL)
		return E_NOMEM;
	path = without_slash(u.target);
	if ((r = place(a, out, count, origin, SPAN_NONE, oauth, path)) != 0 ||
	    (r = place(a, out, count, origin, SPAN_NONE, openid, path)) != 0 || path.n == 0)
		return r;
	return place(a, out, count, origin, path, openid, SPAN_NONE);
}

/* --- documents -------------------------------------------------------------------------------- */

int
oauth_text_of(struct json_value object, const char *name, struct arena *a, struct span *out)
{
	struct json_value	v = json_get(object, name);
	int			r;

	*out = SPAN_NONE;
	if (v.type != JSON_STRING || (r = json_string(v, a, out)) != 0)
		return v.type != JSON_STRING ? 0 : r;
	/* It may still lie in the answer, which goes. */
	return (*out = arena_dup(a, *out)).p == NULL ? E_NOMEM : 0;
}

static int
url_of(struct json_value object, const char *name, struct arena *a, struct span *out)
{
	struct url	u;
	int		r;

	if ((r = oauth_text_of(object, name, a, out)) == 0 && (out->n > OAUTH_URL_MAX || url_parse(*out, &u) != NULL))
		*out = SPAN_NONE;
	return r;
}

static int
words_of(struct json_value object, const char *name, struct arena *a, struct span *out)
{
	struct json_iter	it;
	struct json_value	v;
	struct span		key, word;
	int			r;

	*out = SPAN_NONE;
	json_iter_init(&it, json_get(object, name));
	while (json_iter_next(&it, &key, &v)) {
		if (v.type != JSON_STRING)
			continue;
		if ((r = json_string(v, a, &word)) != 0 || (r = oauth_scope_union(*out, word, a, out)) != 0)
			return r;
	}
	return 0;
}

static int
document(struct span text, struct json_value *out, const char **why)
{
	*why = NULL;
	if (json_parse(text, true, out, NULL) == 0 && out->type == JSON_OBJECT)
		return 0;
	*why = "the document is no JSON object";
	return E_FORMAT;
}

bool
oauth_is_of(struct span said, struct span server)
{
	struct url	x, y;
	struct span	a, b;

	if (!oauth_same_origin(said, server) || url_parse(said, &x) != NULL || url_parse(server, &y) != NULL)
		return false;
	a = without_slash(without_query(x.target));
	b = without_slash(without_query(y.target));
	return span_starts(b, a) && (a.n == b.n || b.p[a.n] == '/');
}

static int
issuers_of(struct json_value object, struct arena *a, struct oauth_resource *out)
{
	struct json_iter	it;
	struct json_value	v;
	struct span		key;
	struct url		u;
	int			r;

	json_iter_init(&it, json_get(object, "authorization_servers"));
	while (out->issuer_count < OAUTH_ISSUERS_MAX && json_iter_next(&it, &key, &v)) {
		struct span	*to = &out->issuers[out->issuer_count];

		if (v.type != JSON_STRING)
			continue;
		if ((r = json_string(v, a, to)) != 0)
			return r;
		if ((*to = arena_dup(a, *to)).p == NULL)
			return E_NOMEM;
		if (to->n <= OAUTH_URL_MAX && url_parse(*to, &u) == NULL)
			out->issuer_count++;
	}
	return 0;
}

int
oauth_resource_read(struct span text, struct span server, struct arena *a, struct oauth_resource *out,
    const char **why)
{
	struct json_value	v;
	int			r;

	*out = (struct oauth_resource){ 0 };
	if ((r = document(text, &v, why)) != 0 || (r = oauth_text_of(v, "resource", a, &out->resource)) != 0)
		return r;
	if (!oauth_is_of(out->resource, server)) {
		*why = "its \"resource\" is another server";
		return E_DENIED;
	}
	if ((r = issuers_of(v, a, out)) != 0 || (r = words_of(v, "scopes_supported", a, &out->scopes)) != 0)
		return r;
	if (out->issuer_count == 0) {
		*why = "it names no authorization server";
		return E_FORMAT;
	}
	return 0;
}

static const struct {
	const char		*name;
	enum oauth_method	 method;
} methods[] = {
	{ "none", OAUTH_METHOD_NONE },
	{ "client_secret_post", OAUTH_METHOD_POST },
	{ "client_secret_basic", OAUTH_METHOD_BASIC },
	{ "private_key_jwt", OAUTH_METHOD_KEY },
};

const char *
oauth_method_name(enum oauth_method m)
{
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (methods[i].method == m)
			return methods[i].name;
	return "";
}

enum oauth_method
oauth_method_of(struct span name)
{
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (span_is(name, methods[i].name))
			return methods[i].method;
	return (enum oauth_method)0;
}

static bool
list_has(struct json_value list, const char *word)
{
	struct json_iter	it;
	struct json_value	v;
	struct span		key;

	json_iter_init(&it, list);
	while (list.type == JSON_ARRAY && json_iter_next(&it, &key, &v))
		if (json_is(v, word))
			return true;
	return false;
}

static unsigned
methods_of(struct json_value list)
{
	unsigned	m = 0;

	if (list.type != JSON_ARRAY)
		return OAUTH_METHOD_BASIC;	/* RFC 8414 2 */
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (list_has(list, methods[i].name))
			m |= methods[i].method;
	return m;
}

int
oauth_server_read(struct span text, struct span issuer, struct arena *a, struct oauth_server *out, const char **why)
{
	struct json_value	v;
	int			r;

	*out = (struct oauth_server){ 0 };
	if ((r = document(text, &v, why)) != 0 || (r = oauth_text_of(v, "issuer", a, &out->issuer)) != 0)
		return r;
	if (!span_eq(out->issuer, issuer)) {
		*why = "its \"issuer\" is another one";
		return E_DENIED;
	}
	if ((r = url_of(v, "authorization_endpoint", a, &out->authorization_endpoint)) != 0 ||
	    (r = url_of(v, "token_endpoint", a, &out->token_endpoint)) != 0 ||
	    (r = url_of(v, "registration_endpoint", a, &out->registration_endpoint)) != 0 ||
	    (r = url_of(v, "revocation_endpoint", a, &out->revocation_endpoint)) != 0 ||
	    (r = words_of(v, "scopes_supported", a, &out->scopes)) != 0)
		return r;
	if (out->token_endpoint.n == 0) {
		*why = "it names no token endpoint";
		return E_FORMAT;
	}
	out->methods = methods_of(json_get(v, "token_endpoint_auth_methods_supported"));
	out->s256 = list_has(json_get(v, "code_challenge_methods_supported"), "S256");
	out->metadata_ids = json_get(v, "client_id_metadata_document_supported").type == JSON_TRUE;
	out->says_iss = json_get(v, "authorization_response_iss_parameter_supported").type == JSON_TRUE;
	return 0;
}
