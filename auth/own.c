/* SPDX-License-Identifier: Apache-2.0
 *
 * own.c - tokens that the gateway itself issued: proven, not over, not revoked
 *
 * Process: worker, mcpgw-admin.  Owns: nothing.
 * Trusts:  the `keys` snapshot; of a token nothing before its signature was proven.
 */
#include <openssl/evp.h>

#include "auth/jwt.h"
#include "auth/own.h"
#include "lib/nameset.h"
#include "policy/policy.h"

bool
own_claims_to_be(struct span token)
{
	/* {"typ":"mcpgw+jwt" */
	return span_starts(token, SPAN_LIT("eyJ0eXAiOiJtY3Bndytqd3Qi"));
}

static const struct rec_signer *
find_signer(const struct snap *keys, struct span kid)
{
	const struct rec_signer	*s;

	for (uint64_t i = 0; keys != NULL && (s = SNAP_AT(keys, SIGNER, i)) != NULL; i++)
		if (span_eq(snap_text(keys, s->kid), kid))
			return s;
	return NULL;
}

static int
prove(const struct rec_signer *s, const struct jwt *t)
{
	struct jws_key	k = { .algs = JWS_ALG_BIT(JWS_ALG_EDDSA) };
	int		r;

	k.public_key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, s->key, sizeof(s->key));
	if (k.public_key == NULL)
		return E_INTERNAL;
	r = jws_verify(&k, t->alg, t->text, t->signature);
	jws_key_free(&k);
	return r;
}

bool
own_id_read(struct span text, uint8_t id[OWN_ID_BYTES])
{
	static const char	hex[] = "0123456789abcdef";

	if (text.n != 2 * OWN_ID_BYTES)
		return false;
	for (size_t i = 0; i < OWN_ID_BYTES; i++) {
		const char	*high = memchr(hex, text.p[2 * i], 16), *low = memchr(hex, text.p[2 * i + 1], 16);

		if (high == NULL || low == NULL)
			return false;
		id[i] = (uint8_t)((high - hex) << 4 | (low - hex));
	}
	return true;
}

/* An array of texts as a set. */
static int
names_of(const struct jwt *t, const char *claim, struct arena *a, struct span *out)
{
	struct json_value	v = json_get(t->claims, claim), one;
	struct span		names[NAMESET_MAX], key;
	struct json_iter	it;
	size_t			n = 0;
	int			r;

	*out = SPAN_NONE;
	if (v.type != JSON_ARRAY)
		return 0;
	for (json_iter_init(&it, v); json_iter_next(&it, &key, &one);) {
		if (one.type != JSON_STRING)
			continue;
		if (n == NAMESET_MAX)
			return E_FULL;
		if ((r = json_string(one, a, &names[n++])) != 0)
			return r;
	}
	return nameset_make(names, n, a, out);
}

/* RFC 8693 4.2: words between blanks. */
static int
scopes_of(const struct jwt *t, struct arena *a, struct span *out)
{
	struct span	names[NAMESET_MAX], words;
	size_t		n = 0;
	int		r = jwt_claim(t, "scope", a, &words);

	*out = SPAN_NONE;
	if (r != 0)
		return r;
	while (words.n > 0) {
		const char	*blank = memchr(words.p, ' ', words.n);
		const size_t	 bytes = blank == NULL ? words.n : (size_t)(blank - words.p);

		if (n == NAMESET_MAX)
			return E_FULL;
		names[n++] = span_part(words, 0, bytes);
		words = span_part(words, bytes + (blank != NULL), words.n);
	}
	return nameset_make(names, n, a, out);
}

/* A member of `via`, or of what else is an object; empty: it has none. */
static int
text_of(struct json_value of, const char *name, struct arena *a, struct span *out)
{
	const struct json_value	v = json_get(of, name);

	*out = SPAN_NONE;
	return v.type == JSON_STRING ? json_string(v, a, out) : 0;
}

static enum principal_how
how_of(struct span word)
{
	for (enum principal_how h = HOW_NONE + 1; h < HOW_LIMIT; h++)
		if (span_is(word, decide_how(h)))
			return h;
	return HOW_NONE;
}

/* It may have been given another end since, which is then the token's too. */
static bool
key_lives(const struct snap *keys, struct span hex, struct bearer *b, uint64_t wall_ms)
{
	const struct rec_key	*key;
	uint8_t			 digest[2 * OWN_ID_BYTES];

	if (!own_id_read(span_part(hex, 0, 2 * OWN_ID_BYTES), digest) ||
	    !own_id_read(span_part(hex, 2 * OWN_ID_BYTES, hex.n), digest + OWN_ID_BYTES) ||
	    (key = policy_key_find(keys, digest)) == NULL)
		return false;
	if (key->ends_ms != 0 && key->ends_ms < b->ends_ms)
		b->ends_ms = key->ends_ms;
	return b->ends_ms > wall_ms && span_eq(snap_text(keys, key->agent), b->agent) &&
	    span_eq(snap_text(keys, key->tenant), b->tenant);
}

/* A session token stands for whom the credential did that it was given for, and for as long as that does. */
static int
stand_in(const struct snap *keys, const struct jwt *t, struct json_value via, uint64_t wall_ms, struct arena *a,
    struct bearer *out, const char **why)
{
	struct span	how, key, family, jti;
	uint8_t		id[OWN_ID_BYTES];
	uint64_t	issued = 0, gid;
	int		r;

	if ((r = text_of(via, "how", a, &how)) != 0 || (r = text_of(via, "key", a, &key)) != 0 ||
	    (r = text_of(via, "issuer", a, &out->traits.issuer)) != 0 ||
	    (r = text_of(via, "user", a, &out->traits.user)) != 0 ||
	    (r = text_of(via, "email", a, &out->traits.email)) != 0 || (r = text_of(via, "jti", a, &jti)) != 0 ||
	    (r = text_of(t->claims, "family", a, &family)) != 0 ||
	    (r = text_of(t->claims, "sub", a, &out->subject)) != 0)
		return r;
	out->how = how_of(how);
	(void)!json_u64(json_get(via, "iat"), &issued);
	out->issued_ms = issued * 1000;
	if (json_u64(json_get(via, OWN_GROUP), &gid) == 0 && gid <= UINT32_MAX)
		out->group = gid + 1;
	if (out->how == HOW_NONE || !own_id_read(family, id))
		return *why = "it does not say what it was given for", E_HTTP_CREDENTIAL;
	if (policy_gone_find(keys, id) != NULL)
		return *why = "a refresh token of its session was used twice", E_HTTP_CREDENTIAL;
	if ((out->how == HOW_KEY && !key_lives(keys, key, out, wall_ms)) || (out->how == HOW_TOKEN &&
	    policy_is_barred(keys, out->traits.issuer, out->traits.user, jti, out->issued_ms, wall_ms)))
		return *why = "the credential that it was given for is good no more", E_HTTP_CREDENTIAL;
	return 0;
}

static int
name_bearer(const struct jwt *t, struct span issuer, struct arena *a, struct bearer *out, const char **why)
{
	struct traits	*tr = &out->traits;
	int		 r;

	if ((r = jwt_claim(t, "agent", a, &out->agent)) != 0 || (r = jwt_claim(t, "tenant", a, &out->tenant)) != 0 ||
	    (r = jwt_claim(t, "sub", a, &tr->user)) != 0 || (r = jwt_claim(t, "workspace", a, &tr->workspace)) != 0 ||
	    (r = names_of(t, "roles", a, &tr->roles)) != 0 || (r = names_of(t, "groups", a, &tr->groups)) != 0 ||
	    (r = scopes_of(t, a, &tr->scopes)) != 0) {
		if (r != E_FULL)
			return r;
		return *why = "it has more roles, groups or scopes than are taken", E_HTTP_CREDENTIAL;
	}
	if (out->agent.n == 0 || out->tenant.n == 0 || tr->user.n == 0)
		return *why = "it names no agent, no tenant or no subject", E_HTTP_CREDENTIAL;
	tr->issuer = issuer;
	tr->scoped = json_get(t->claims, "scope").type != JSON_NONE;
	tr->chosen = json_get(t->claims, OWN_CHOSEN).type == JSON_TRUE;
	out->subject = arena_fmt(a, "%.*s at %.*s", SPAN_FMT(tr->user), SPAN_FMT(issuer));
	return out->subject.p == NULL ? E_NOMEM : 0;
}

int
own_bearer(const struct snap *keys, struct span token, uint64_t wall_ms, struct arena *a, struct bearer *out,
    const char **why, const char **told)
{
	const struct jwt_times	 times = { .now = wall_ms / 1000 };
	const struct rec_signer	*s;
	struct json_value	 iat, via;
	struct jwt		 t;
	struct span		 iss, jti;
	uint64_t		 ends, issued = 0;
	uint8_t			 id[OWN_ID_BYTES];
	int			 r;

	*out = (struct bearer){ 0 };
	*told = NULL;
	if ((r = jwt_read(token, a, &t, why)) != 0)
		return r == E_DENIED ? E_HTTP_CREDENTIAL : r;
	if ((s = find_signer(keys, t.kid)) == NULL || (s->ends_ms != 0 && s->ends_ms <= wall_ms))
		return *why = "this gateway does not have its signing key, or not any more", E_HTTP_CREDENTIAL;
	if ((r = prove(s, &t)) != 0)
		return *why = "its signature is not this gateway's", r == E_DENIED ? E_HTTP_CREDENTIAL : r;
	/* From here on it is our own word. */
	if ((r = jwt_claim(&t, "iss", a, &iss)) != 0 || (r = jwt_claim(&t, "jti", a, &jti)) != 0)
		return r;
	if (!jwt_type_is(&t, SPAN_LIT(OWN_TYPE)) || !span_eq(iss, snap_text(keys, s->issuer)) ||
	    !jwt_audience_is(&t, snap_text(keys, s->issuer)) || !own_id_read(jti, id))
		return *why = "it is not a token of this gateway", E_HTTP_CREDENTIAL;
	if (jwt_times_ok(&t, &times, &ends, why) != 0)
		return *told = *why, E_HTTP_CREDENTIAL;
	iat = json_get(t.claims, "iat");
	if (json_u64(iat, &issued) != 0 || issued * 1000 < s->before_ms || policy_gone_find(keys, id) != NULL)
		return *why = "it was revoked", E_HTTP_CREDENTIAL;
	out->ends_ms = ends * 1000;
	out->id = jti;
	if ((r = name_bearer(&t, snap_text(keys, s->issuer), a, out, why)) != 0)
		return r;
	via = json_get(t.claims, OWN_VIA);
	return via.type == JSON_OBJECT ? stand_in(keys, &t, via, wall_ms, a, out, why) : 0;
}
