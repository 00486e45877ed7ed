/* SPDX-License-Identifier: Apache-2.0
 *
 * issuers.c - the tokens of one policy: which issuer signed one, and as whom its bearer acts (mcp-wire 15.3)
 *
 * Process: worker.
 * Owns:    the parsed keys.
 * Trusts:  the policy snapshot; of a token nothing before its signature was proven, but for which issuer's keys are
 *          tried.
 */
#include <stdlib.h>

#include "auth/claims.h"
#include "auth/issuers.h"

struct issuers {
	const struct snap	*policy;
	size_t			 count;
	struct jws_key		 keys[];	/* VERIFIER by VERIFIER */
};

int
issuers_new(const struct snap *policy, struct issuers **out)
{
	const uint64_t			 count = snap_count(policy, SECTION_VERIFIER);
	const struct rec_verifier	*v;
	struct issuers			*i;
	int				 r;

	*out = NULL;
	if (snap_count(policy, SECTION_ISSUER) == 0)
		return 0;
	if ((i = calloc(1, sizeof(*i) + count * sizeof(i->keys[0]))) == NULL)
		return E_NOMEM;
	i->policy = policy;
	for (; i->count < count && (v = SNAP_AT(policy, VERIFIER, i->count)) != NULL; i->count++)
		if ((r = jws_key_read(snap_text(policy, v->der), v->algs, &i->keys[i->count])) != 0) {
			issuers_free(&i);
			return r;
		}
	*out = i;
	return 0;
}

void
issuers_free(struct issuers **ip)
{
	struct issuers	*i = *ip;

	*ip = NULL;
	for (size_t n = 0; i != NULL && n < i->count; n++)
		jws_key_free(&i->keys[n]);
	free(i);
}

/* Without a tenant that of the only one that has it. */
static const struct rec_issuer *
find(const struct snap *policy, struct span tenant, struct span name, bool *several)
{
	const struct rec_tenant	*t = tenant.n == 0 ? NULL : policy_tenant_find(policy, tenant);
	const struct rec_issuer	*e, *found = NULL;

	*several = false;
	for (uint64_t n = 0; (t != NULL || tenant.n == 0) && (e = SNAP_AT(policy, ISSUER, n)) != NULL; n++) {
		if (!span_eq(snap_text(policy, e->name), name) ||
		    (t != NULL && e->tenant != policy_tenant_index(policy, t)))
			continue;
		*several |= found != NULL && found->tenant != e->tenant;
		if (found == NULL)
			found = e;
	}
	return *several ? NULL : found;
}

bool
issuers_know(const struct snap *policy, struct span tenant, struct span name)
{
	bool	several;

	return find(policy, tenant, name, &several) != NULL;
}

struct secret_want {
	struct span	name, value;
};

static void
take_secret(struct span name, struct span value, void *arg)
{
	struct secret_want	*w = arg;

	if (span_eq(name, w->name))
		w->value = value;
}

/* By a key of the token's kid where both name one; at most all keys of its issuer. */
static int
prove_configured(const struct issuers *i, const struct rec_issuer *e, const struct snap *secrets, const struct jwt *t)
{
	struct secret_want	 want = { .name = snap_text(i->policy, e->name) };
	int			 r = E_DENIED;

	for (uint32_t n = 0; n < e->verifier_count && e->verifier_first + n < i->count; n++) {
		const struct rec_verifier	*v = SNAP_AT(i->policy, VERIFIER, e->verifier_first + n);

		if (t->has_kid && v->has_kid && !span_eq(t->kid, snap_text(i->policy, v->kid)))
			continue;
		if ((r = jws_verify(&i->keys[e->verifier_first + n], t->alg, t->text, t->signature)) != E_DENIED)
			return r;
	}
	if (e->secret_algs != 0 && secrets != NULL) {
		policy_secrets_each(secrets, policy_tenant_name(i->policy, e->tenant), SPAN_NONE, take_secret, &want);
		r = jws_verify(&(const struct jws_key){ .algs = e->secret_algs, .secret = want.value }, t->alg, t->text,
		    t->signature);
	}
	return r;
}

static int
prove(const struct issuers *i, const struct rec_issuer *e, const struct issuers_ask *q, const struct jwt *t,
    struct bearer *out, struct auth_refusal *no)
{
	const struct rec_issuer		*first = SNAP_AT(i->policy, ISSUER, 0);
	const struct rec_keysource	*source = policy_keysource_of(i->policy, (uint64_t)(e - first));
	int				 r = prove_configured(i, e, q->secrets, t);

	no->why = "no key of its issuer proves it";
	if (r != E_DENIED || source == NULL)
		return r;
	r = keysets_prove(q->keysets, source, t, q->wall_ms, &no->why);
	if (r == E_NOTFOUND || r == E_ISSUER_KEYS)
		no->wanted = source->id;
	if (r == 0)
		out->proof_ends_ms = keysets_find(q->keysets, source->id)->fetched_ms + source->keep_ms;
	return r == E_NOTFOUND ? E_DENIED : r;
}

/* As the issuer names us, or by the URL of what is asked for. */
static bool
is_for_us(const struct snap *policy, const struct rec_issuer *e, const struct jwt *t, const struct resource *at,
    struct arena *a, struct span *here)
{
	const struct rec_audience	*aud;
	struct span			 url, other;

	*here = SPAN_NONE;
	for (uint32_t n = 0; n < e->audience_count; n++)
		if ((aud = SNAP_AT(policy, AUDIENCE, e->audience_first + n)) != NULL &&
		    jwt_audience_is(t, snap_text(policy, aud->text)))
			return true;
	if (at->site.n == 0 || at->path.n == 0)
		return false;
	url = arena_fmt(a, "%.*s%.*s", SPAN_FMT(at->site), SPAN_FMT(at->path));
	other = arena_fmt(a, "%.*s%.*s%.*s", SPAN_FMT(at->site), SPAN_FMT(at->stem), SPAN_FMT(at->end));
	if (url.p == NULL || other.p == NULL || (!jwt_audience_is(t, url) && !jwt_audience_is(t, other)))
		return false;
	*here = at->path;
	return true;
}

/* The agent, borrowed; empty: it stands for none. */
static int
find_agent(const struct snap *policy, const struct rec_issuer *e, const struct jwt *t, struct arena *a,
    struct span *out)
{
	const char			*claim = snap_cstr(policy, e->agent_claim);
	const struct rec_standin	*st;
	struct span			 said;
	int				 r;

	*out = snap_text(policy, e->agent);
	if (claim == NULL || claim[0] == '\0')
		return 0;
	*out = SPAN_NONE;
	if ((r = jwt_claim(t, claim, a, &said)) != 0)
		return r;
	if (e->standin_count == 0 && said.n > 0 &&
	    policy_agent_find(policy, policy_tenant_name(policy, e->tenant), said) != NULL)
		*out = said;
	for (uint32_t n = 0; n < e->standin_count; n++)
		if ((st = SNAP_AT(policy, STANDIN, e->standin_first + n)) != NULL &&
		    span_eq(snap_text(policy, st->value), said))
			*out = snap_text(policy, st->agent);
	return 0;
}

static int
take_traits(const struct snap *policy, const struct rec_issuer *e, const struct jwt *t, struct arena *a,
    struct traits *out)
{
	int	r;

	out->issuer = snap_text(policy, e->name);
	out->scoped = (e->flags & ISSUER_FLAG_SCOPED) != 0;
	if ((r = claims_text(t, snap_text(policy, e->email_claim), a, &out->email)) != 0 ||
	    (r = claims_text(t, snap_text(policy, e->workspace_claim), a, &out->workspace)) != 0 ||
	    (r = claims_set(t, snap_text(policy, e->roles_claim), false, a, &out->roles)) != 0 ||
	    (r = claims_set(t, snap_text(policy, e->groups_claim), false, a, &out->groups)) != 0)
		return r;
	return claims_set(t, snap_text(policy, e->scope_claim), true, a, &out->scopes);
}

static int
name_bearer(const struct snap *policy, const struct rec_issuer *e, const struct jwt *t, struct arena *a,
    struct bearer *out, const char **why)
{
	struct span	subject, agent;
	int		r = claims_text(t, snap_text(policy, e->subject_claim), a, &subject);

	if (r != 0)
		return r;
	if (subject.n == 0)
		return *why = "it names no subject", E_HTTP_CREDENTIAL;
	if ((r = take_traits(policy, e, t, a, &out->traits)) != 0)
		return *why = "it names too many roles, groups or scopes", r == E_FULL ? E_HTTP_CREDENTIAL : r;
	if ((r = find_agent(policy, e, t, a, &agent)) != 0)
		return r;
	/* An issuer that names none at all leaves it to roles. */
	if (agent.n == 0 &&
	    (e->agent_claim.bytes > 0 || !policy_has_roles(policy, policy_tenant_name(policy, e->tenant))))
		return *why = "its bearer stands for no agent", E_AGENT;
	out->agent = agent;
	out->traits.user = subject;
	out->subject = arena_fmt(a, "%.*s at %.*s", SPAN_FMT(subject), SPAN_FMT(snap_text(policy, e->name)));
	return out->subject.p == NULL ? E_NOMEM : 0;
}

/* What it says of itself beside its times; NULL, or why it is none of ours. */
static const char *
form_of(const struct snap *policy, const struct rec_issuer *e, const struct jwt *t)
{
	if (e->type.bytes > 0 ? !jwt_type_is(t, snap_text(policy, e->type)) : !jwt_type_may_be(t))
		return "it is of another type";
	if (jwt_is_id_token(t))
		return "it is an ID token, which is for the client alone";
	if (json_get(t->claims, "cnf").type != JSON_NONE)
		return "it is bound to a key of its bearer (cnf), which is not asked for here";
	if (e->versions.bytes > 0 &&
	    !claims_is_one_of(t, snap_text(policy, e->version_claim), snap_text(policy, e->versions)))
		return "it is for another version";
	return NULL;
}

int
issuers_bearer(const struct issuers *i, const struct issuers_ask *q, struct span token, struct arena *a,
    struct bearer *out, struct auth_refusal *no)
{
	const struct rec_issuer	*e;
	struct jwt_times	 times = { .now = q->wall_ms / 1000 };
	struct jwt		 t;
	struct span		 iss;
	uint64_t		 ends, issued;
	bool			 several;
	int			 r;

	*out = (struct bearer){ 0 };
	*no = (struct auth_refusal){ .why = "no issuer is configured (issuers_file)" };
	if (i == NULL)
		return E_HTTP_CREDENTIAL;
	if ((r = jwt_read(token, a, &t, &no->why)) != 0)
		return r == E_DENIED ? E_HTTP_CREDENTIAL : r;
	if ((r = jwt_claim(&t, "iss", a, &iss)) != 0)
		return r;
	if ((e = find(i->policy, q->tenant, iss, &several)) == NULL && several)
		return no->why = no->told = ISSUERS_OF_SEVERAL, E_HTTP_CREDENTIAL;
	if (e == NULL)
		return no->why = "its issuer is not one of ours", E_HTTP_CREDENTIAL;
	no->issuer = snap_text(i->policy, e->name);
	if ((r = prove(i, e, q, &t, out, no)) != 0)
		return r == E_DENIED ? E_HTTP_CREDENTIAL : r;
	/* From here on it is the issuer's word. */
	if ((no->why = form_of(i->policy, e, &t)) != NULL)
		return E_HTTP_CREDENTIAL;
	if (!is_for_us(i->policy, e, &t, &q->at, a, &out->here))
		return no->why = no->told = "it is for another audience", E_HTTP_CREDENTIAL;
	times.skew = e->skew_s;
	times.max_age = e->max_age_s;
	if (jwt_times_ok(&t, &times, &ends, &no->why) != 0)
		return no->told = no->why, E_HTTP_CREDENTIAL;
	out->ends_ms = ends * 1000;
	if ((r = jwt_claim(&t, "jti", a, &out->id)) != 0)
		return r;
	if (json_u64(json_get(t.claims, "iat"), &issued) == 0 && issued < UINT64_MAX / 1000)
		out->issued_ms = issued * 1000;
	out->tenant = policy_tenant_name(i->policy, e->tenant);
	return name_bearer(i->policy, e, &t, a, out, &no->why);
}
