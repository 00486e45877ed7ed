/* SPDX-License-Identifier: Apache-2.0
 *
 * jwt.c - a token taken apart, and what its claims must say (RFC 7519, 8725; mcp-wire 15.3)
 *
 * Process: worker.  Owns: nothing.
 * Trusts:  nobody: what is read here anybody may have written.
 */
#include "auth/jwt.h"
#include "lib/b64.h"

#define SECONDS_MAX	(UINT64_C(1) << 52)

static bool
cut(struct span *rest, struct span *part)
{
	const char	*dot = rest->n == 0 ? NULL : memchr(rest->p, '.', rest->n);

	if (dot == NULL)
		return false;
	*part = span_part(*rest, 0, (size_t)(dot - rest->p));
	*rest = span_part(*rest, (size_t)(dot - rest->p) + 1, rest->n);
	return true;
}

static int
decode(struct span part, struct arena *a, struct span *out)
{
	size_t	room = part.n / 4 * 3 + 3, got;
	char	*to = arena_alloc(a, room);

	if (to == NULL)
		return E_NOMEM;
	if (b64url_decode(part, (uint8_t *)to, room, &got) != 0)
		return E_DENIED;
	*out = span_make(to, got);
	return 0;
}

/* An object without doubles: two readers of a token must read the same. */
static int
decode_object(struct span part, struct arena *a, struct json_value *out)
{
	struct span	text;
	int		r = decode(part, a, &text);

	if (r != 0)
		return r;
	return json_parse(text, true, out, NULL) == 0 && out->type == JSON_OBJECT ? 0 : E_DENIED;
}

static int
text_member(struct json_value header, const char *name, struct arena *a, struct span *out, bool *there)
{
	struct json_value	v = json_get(header, name);

	*out = SPAN_NONE;
	*there = v.type != JSON_NONE;
	if (!*there)
		return 0;
	return v.type == JSON_STRING ? json_string(v, a, out) : E_DENIED;
}

/* Of keys that come with the token, or where to have them from, none is ever taken; a token that counts on it is
 * somebody's try. */
static bool
asks_too_much(struct json_value header)
{
	static const char *const	names[] = { "crit", "jku", "jwk", "x5u", "x5c", "b64", "zip", "enc", NULL };
	struct json_iter		it;
	struct json_value		v;
	struct span			key;

	for (json_iter_init(&it, header); json_iter_next(&it, &key, &v);)
		if (json_is_one_of(json_key(key), names))
			return true;
	return false;
}

int
jwt_read(struct span token, struct arena *a, struct jwt *out, const char **why)
{
	struct json_value	header = { 0 };
	struct span		rest = token, parts[2], alg;
	bool			there;
	int			r;

	*out = (struct jwt){ .alg = JWS_ALG_LIMIT };
	*why = "it is not a signed token";
	if (token.n > JWT_MAX)
		return *why = "it is too long", E_DENIED;
	if (!cut(&rest, &parts[0]) || !cut(&rest, &parts[1]) || parts[0].n == 0 || parts[1].n == 0)
		return E_DENIED;
	out->text = span_part(token, 0, parts[0].n + 1 + parts[1].n);
	if ((r = decode_object(parts[0], a, &header)) != 0 || (r = decode_object(parts[1], a, &out->claims)) != 0 ||
	    (r = decode(rest, a, &out->signature)) != 0)
		return r;
	if (asks_too_much(header))
		return *why = "its header names keys or extensions of its own", E_DENIED;
	if ((r = text_member(header, "alg", a, &alg, &there)) != 0 ||
	    (r = text_member(header, "kid", a, &out->kid, &out->has_kid)) != 0 ||
	    (r = text_member(header, "typ", a, &out->typ, &there)) != 0)
		return r;
	out->alg = jws_alg_of(alg);
	return 0;
}

/* NumericDate (RFC 7519 2): seconds, perhaps with a fraction, which is cut.  1: it is there, 0: it is not, -1: it is
 * there and none. */
static int
date(struct json_value claims, const char *name, uint64_t *out)
{
	struct json_value	v = json_get(claims, name);
	size_t			n = 0;

	if (v.type == JSON_NONE)
		return 0;
	if (v.type != JSON_NUMBER)
		return -1;
	*out = 0;
	while (n < v.raw.n && v.raw.p[n] >= '0' && v.raw.p[n] <= '9' && *out < SECONDS_MAX)
		*out = *out * 10 + (uint64_t)(v.raw.p[n++] - '0');
	if (n == 0 || *out >= SECONDS_MAX)
		return -1;
	if (n < v.raw.n && v.raw.p[n] == '.')
		while (++n < v.raw.n && v.raw.p[n] >= '0' && v.raw.p[n] <= '9')
			;
	return n == v.raw.n ? 1 : -1;
}

int
jwt_times_ok(const struct jwt *t, const struct jwt_times *want, uint64_t *ends, const char **why)
{
	uint64_t	exp = 0, nbf = 0, iat = 0;
	int		has_iat;

	*ends = 0;
	*why = "its times are not numbers, or it has no exp";
	has_iat = date(t->claims, "iat", &iat);
	if (date(t->claims, "exp", &exp) != 1 || date(t->claims, "nbf", &nbf) < 0 || has_iat < 0)
		return E_DENIED;
	if (exp + want->skew <= want->now)
		return *why = "it has expired", E_DENIED;
	if (nbf > want->now + want->skew || iat > want->now + want->skew)
		return *why = "it is not valid yet", E_DENIED;
	if (want->max_age != 0 && has_iat != 1)
		return *why = "it does not say when it was issued", E_DENIED;
	if (want->max_age != 0 && iat + want->max_age + want->skew <= want->now)
		return *why = "it is too old", E_DENIED;
	*ends = exp + want->skew;
	if (want->max_age != 0 && iat + want->max_age + want->skew < *ends)
		*ends = iat + want->max_age + want->skew;
	return 0;
}

static struct span
without_slash(struct span s)
{
	return s.n > 0 && s.p[s.n - 1] == '/' ? span_part(s, 0, s.n - 1) : s;
}

/* Decoded into a small arena of its own: an audience that needs more is not ours. */
static bool
is_audience(struct json_value v, struct span audience)
{
	char		room[1024];
	struct arena	a;
	struct span	text;
	bool		same;

	arena_init(&a, room, sizeof(room), sizeof(room));
	same = v.type == JSON_STRING && json_string(v, &a, &text) == 0 &&
	    span_eq(without_slash(text), without_slash(audience));
	arena_fini(&a);
	return same;
}

bool
jwt_audience_is(const struct jwt *t, struct span audience)
{
	struct json_value	aud = json_get(t->claims, "aud"), v;
	struct json_iter	it;
	struct span		key;

	if (aud.type != JSON_ARRAY)
		return is_audience(aud, audience);
	for (json_iter_init(&it, aud); json_iter_next(&it, &key, &v);)
		if (is_audience(v, audience))
			return true;
	return false;
}

bool
jwt_type_is(const struct jwt *t, struct span type)
{
	struct span	typ = t->typ;

	if (span_eq_nocase(span_part(typ, 0, 12), SPAN_LIT("application/")))
		typ = span_part(typ, 12, typ.n);
	return span_eq_nocase(typ, type);
}

bool
jwt_type_may_be(const struct jwt *t)
{
	const struct span	suffix = SPAN_LIT("+jwt");

	if (t->typ.n < suffix.n || jwt_type_is(t, SPAN_LIT("at+jwt")))
		return true;
	return !span_eq_nocase(span_part(t->typ, t->typ.n - suffix.n, suffix.n), suffix);
}

bool
jwt_is_id_token(const struct jwt *t)
{
	static const char *const	of_it[] = { "at_hash", "c_hash", "s_hash", NULL };
	const bool			has_scope = json_get(t->claims, "scope").type != JSON_NONE ||
					    json_get(t->claims, "scp").type != JSON_NONE;

	for (size_t i = 0; of_it[i] != NULL; i++)
		if (json_get(t->claims, of_it[i]).type != JSON_NONE)
			return true;
	/* Some issuers leave the nonce in access tokens, which have scopes; some say which it is. */
	return json_is(json_get(t->claims, "typ"), "ID") ||
	    (json_get(t->claims, "nonce").type != JSON_NONE && !has_scope);
}

int
jwt_claim(const struct jwt *t, const char *name, struct arena *a, struct span *out)
{
	struct json_value	v = json_get(t->claims, name);

	*out = SPAN_NONE;
	return v.type == JSON_STRING ? json_string(v, a, out) : 0;
}
