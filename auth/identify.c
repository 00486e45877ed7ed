/* SPDX-License-Identifier: Apache-2.0
 *
 * identify.c - credential to principal
 *
 * Process: worker.  Owns: nothing.
 * Trusts:  the kernel for peers, the `keys` snapshot for keys, issuers for their tokens, http/tls_server.c for
 *          certificates; no header for anything else.
 */
#include "auth/identify.h"
#include "auth/jwt.h"
#include "auth/own.h"
#include "auth/stands.h"
#include "lib/crypt.h"
#include "lib/sum.h"
#include "policy/policy.h"

#define KEY_MAX 512

static const struct span default_tenant = { "default", 7 };

/* What makes a principal this one: sessions, instances and sealed tokens are bound to it. */
static uint64_t
principal_hash(const struct principal *p)
{
	uint64_t	h = sum64_more((uint64_t)p->how, p->tenant);

	h = sum64_more(h, p->agent);
	return sum64_more(h, p->subject);
}

/* RFC 6750 2.1: letters, digits and these, then perhaps "=". */
static const bool in_token68[256] = {
	['A' ... 'Z'] = true, ['a' ... 'z'] = true, ['0' ... '9'] = true,
	['-'] = true, ['.'] = true, ['_'] = true, ['~'] = true, ['+'] = true, ['/'] = true,
};

static bool
is_token68(struct span s)
{
	size_t	n = s.n;

	while (n > 0 && s.p[n - 1] == '=')
		n--;
	for (size_t i = 0; i < n; i++)
		if (!in_token68[(unsigned char)s.p[i]])
			return false;
	return n > 0;
}

/* "Bearer" SP token68 (RFC 6750 2.1).  0; E_HTTP_CREDENTIAL: of another scheme; E_HTTP_CREDENTIALS: malformed. */
static int
bearer_token(struct span value, struct span *out, struct auth_refusal *refusal)
{
	const struct span	scheme = SPAN_LIT("bearer");

	*out = SPAN_NONE;
	if (!span_eq_nocase(span_part(value, 0, scheme.n), scheme) ||
	    (value.n > scheme.n && value.p[scheme.n] != ' ')) {
		refusal->foreign = true;
		return refusal->why = "it is of a scheme other than Bearer", E_HTTP_CREDENTIAL;
	}
	*out = span_trim(span_part(value, scheme.n, value.n));
	return is_token68(*out) ? 0 : (refusal->why = "what follows Bearer is no token", E_HTTP_CREDENTIALS);
}

/* A store into memory of this worker's: what is done with it is done later. */
static void
note_use(const struct auth_in *in, const struct rec_key *key)
{
	const struct rec_key	*first = SNAP_AT(in->keys, KEY, 0);
	const uint64_t		 i = (uint64_t)(key - first);

	if (in->uses == NULL || i >= in->uses->count)
		return;
	in->uses->at_s[i] = (uint32_t)(in->wall_ms / 1000);
	in->uses->any = true;
}

static int
by_key(const struct auth_in *in, const struct crypt_digest *digest, struct principal *out)
{
	const struct rec_key	*key;

	if (in->keys == NULL || (key = policy_key_find(in->keys, digest->bytes)) == NULL)
		return E_HTTP_CREDENTIAL;
	if (key->ends_ms != 0 && key->ends_ms <= in->wall_ms)
		return E_HTTP_CREDENTIAL;
	out->tenant = snap_text(in->keys, key->tenant);
	out->agent = snap_text(in->keys, key->agent);
	out->subject = snap_text(in->keys, key->name);
	out->how = HOW_KEY;
	out->ends_ms = key->ends_ms;
	out->traits = (struct traits){ .workspace = snap_text(in->keys, key->workspace),
	    .roles = snap_text(in->keys, key->roles), .groups = snap_text(in->keys, key->groups),
	    .scopes = snap_text(in->keys, key->scopes), .scoped = key->scopes.bytes > 0 };
	/* Whoever it is is the name: what began with one key of it goes on with the next. */
	if (key->twins != 0)
		out->public_name = snap_text(in->keys, key->public_name);
	note_use(in, key);
	return 0;
}

/* Of what proves tokens: a policy, the secrets, which have a snapshot of their own, the keys that were fetched, and our
 * signers, which are keys. */
static uint64_t
generation_of(const struct auth_in *in)
{
	const uint64_t	of[] = { snap_head(in->policy)->generation,
			    in->secrets == NULL ? 0 : snap_head(in->secrets)->generation,
			    keysets_generation(in->keysets),
			    in->keys == NULL ? 0 : snap_head(in->keys)->generation };

	/* One token may be of issuers of two tenants. */
	return sum64_more(sum64(span_make(of, sizeof(of))), in->tenant);
}

static int
by_token(const struct auth_in *in, struct span token, const struct crypt_digest *digest, struct arena *a,
    struct principal *out, struct auth_refusal *refusal)
{
	const struct issuers_ask ask = { .secrets = in->secrets, .keysets = in->keysets, .tenant = in->tenant,
				    .at = in->at, .wall_ms = in->wall_ms };
	const uint64_t		 generation = generation_of(in);
	struct bearer		 b, kept;
	int			 r;

	if (in->tokens == NULL || !tokens_find(in->tokens, digest, generation, in->at.path, in->wall_ms, &b)) {
		if (own_claims_to_be(token))
			r = own_bearer(in->keys, token, in->wall_ms, a, &b, &refusal->why, &refusal->told);
		else
			r = issuers_bearer(in->issuers, &ask, token, a, &b, refusal);
		if (r == 0 && policy_is_barred(in->keys, b.traits.issuer, b.traits.user, b.id, b.issued_ms,
		    in->wall_ms)) {
			refusal->why = refusal->told = "it was revoked";
			return E_HTTP_CREDENTIAL;
		}
		if (r != 0)
			return r;
		kept = b;
		if (b.proof_ends_ms != 0 && b.proof_ends_ms < kept.ends_ms)
			kept.ends_ms = b.proof_ends_ms;
		if (in->tokens != NULL)
			tokens_put(in->tokens, digest, generation, &kept);
	}
	out->tenant = b.tenant;
	out->agent = b.agent;
	out->subject = b.subject;
	out->how = HOW_TOKEN;
	out->ends_ms = b.ends_ms;
	out->traits = b.traits;
	if (b.how == HOW_NONE)
		return 0;
	out->how = b.how;
	out->public_name = b.id;
	/* Which may have left the policy since. */
	if (stands_still(in, &b))
		return 0;
	refusal->why = "what it was given for stands for nobody any more";
	return E_HTTP_CREDENTIAL;
}

/* A key of ours has no dots, a token of an issuer has two. */
static int
by_bearer(const struct auth_in *in, struct arena *a, struct principal *out, struct auth_refusal *refusal)
{
	struct span		token;
	struct crypt_digest	digest;
	bool			signed_one;
	int			r;

	if ((r = bearer_token(in->authorization, &token, refusal)) != 0)
		return r;
	signed_one = memchr(token.p, '.', token.n) != NULL;
	if (token.n > (signed_one ? JWT_MAX : KEY_MAX))
		return refusal->why = "it is too long", E_HTTP_CREDENTIAL;
	if ((r = crypt_sha256(token, &digest)) != 0)
		return r;
	if (signed_one)
		return by_token(in, token, &digest, a, out, refusal);
	if ((r = by_key(in, &digest, out)) != 0)
		refusal->why = "there is no such key, or it has ended";
	return r;
}

/* Else one tenant would take the clients of another. */
static int
of_several(struct auth_refusal *refusal)
{
	refusal->why = refusal->told = ISSUERS_OF_SEVERAL;
	return E_HTTP_CREDENTIAL;
}

static int
by_peer(const struct auth_in *in, struct arena *a, struct principal *out, struct auth_refusal *refusal)
{
	const struct rec_agent	*agent;
	bool			 several;

	agent = policy_peer_find(in->policy, in->tenant, in->peer.uid, in->peer.gids, in->peer.gid_count, &several);
	if (several)
		return of_several(refusal);
	if (agent == NULL)
		return E_HTTP_CREDENTIAL;
	out->tenant = policy_tenant_name(in->policy, agent->tenant);
	out->agent = snap_text(in->policy, agent->name);
	out->subject = arena_fmt(a, "uid %u", in->peer.uid);
	out->how = HOW_PEER;
	return out->subject.p == NULL ? E_NOMEM : 0;
}

/* The one agent that its names stand for. */
static int
by_cert(const struct auth_in *in, struct arena *a, struct principal *out, struct auth_refusal *refusal)
{
	const struct auth_cert	*c = &in->cert;
	const struct rec_agent	*agent = NULL, *other;
	const struct cert_san	*san = NULL;
	bool			 several;

	refusal->certificate = true;
	if (!c->holds || c->ends_ms <= in->wall_ms)
		return refusal->why = "it is not believed any more", E_HTTP_CREDENTIAL;
	for (size_t i = 0; i < c->count; i++) {
		if ((other = policy_certpeer_find(in->policy, in->tenant, c->sans[i].kind,
		    c->sans[i].text, &several)) == NULL && !several)
			continue;
		if (several || (agent != NULL && other->tenant != agent->tenant))
			return of_several(refusal);
		if (agent != NULL && other != agent)
			return refusal->why = "its names stand for different agents", E_HTTP_CREDENTIAL;
		if (agent == NULL)
			san = &c->sans[i];
		agent = other;
	}
	if (agent == NULL)
		return refusal->why = "none of its names stands for an agent (peers, in rules_file)", E_HTTP_CREDENTIAL;
	out->tenant = policy_tenant_name(in->policy, agent->tenant);
	out->agent = snap_text(in->policy, agent->name);
	out->subject = arena_fmt(a, "%s:%.*s by %.*s", cert_san_word(san->kind), SPAN_FMT(san->text),
	    SPAN_FMT(c->issuer));
	out->how = HOW_CERT;
	out->ends_ms = c->ends_ms;
	out->traits.issuer = c->issuer;
	out->traits.user = san->text;
	return out->subject.p == NULL ? E_NOMEM : 0;
}

/* `mcpgwctl call --as AGENT`: root or the owner of the gateway, on the socket only.  The audit names
 * both: "uid 0 as backend". */
static int
as_agent(const struct auth_in *in, struct arena *a, struct principal *out)
{
	if (!in->peer.local || (in->peer.uid != 0 && in->peer.uid != in->owner_uid))
		return E_AGENT;
	out->tenant = in->tenant.n > 0 ? in->tenant : default_tenant;
	if (policy_agent_find(in->policy, out->tenant, in->as_agent) == NULL)
		return E_AGENT;
	out->agent = in->as_agent;
	out->subject = arena_fmt(a, "uid %u as %.*s", in->peer.uid, SPAN_FMT(in->as_agent));
	out->how = HOW_PEER;
	return out->subject.p == NULL ? E_NOMEM : 0;
}

/* trust_agent_argument = only: the agent of whoever names none, which may be no agent. */
static struct span
unnamed_agent(const struct auth_in *in)
{
	const struct rec_agent	*a = policy_agent_default(in->policy, default_tenant);

	return a == NULL ? SPAN_LIT("") : snap_text(in->policy, a->name);
}

/* The one user of such a gateway. */
static int
by_ownership(const struct auth_in *in, struct arena *a, struct principal *out)
{
	if (in->params->trust_agent_argument != TRUST_AGENT_ONLY || in->peer.uid != in->owner_uid)
		return E_HTTP_CREDENTIAL;
	out->tenant = default_tenant;
	out->agent = unnamed_agent(in);
	out->subject = arena_fmt(a, "uid %u", in->peer.uid);
	out->how = HOW_PEER;
	return out->subject.p == NULL ? E_NOMEM : 0;
}

static int
anonymous(const struct auth_in *in, struct principal *out)
{
	/* Over HTTP nobody says who they are; on the socket the owner is known, and others are not the owner. */
	if (in->params->anonymous_agent.n == 0 &&
	    (in->params->trust_agent_argument != TRUST_AGENT_ONLY || in->peer.local))
		return E_HTTP_CREDENTIAL;
	out->tenant = default_tenant;
	out->agent = in->params->anonymous_agent.n > 0 ? in->params->anonymous_agent : unnamed_agent(in);
	out->subject = SPAN_LIT("anonymous");
	out->how = HOW_ANONYMOUS;
	return 0;
}

/* The request may outlive the snapshots these stand in. */
static int
own_texts(struct arena *a, struct principal *p)
{
	struct traits	*t = &p->traits;
	struct span	*const all[] = { &p->tenant, &p->agent, &p->subject, &t->issuer, &t->user, &t->email,
	    &t->workspace, &t->roles, &t->groups, &t->scopes, &p->public_name };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		/* The first three are there, if empty. */
		if (i >= 3 && all[i]->n == 0)
			continue;
		*all[i] = arena_dup(a, *all[i]);
		if (all[i]->p == NULL)
			return E_NOMEM;
	}
	return 0;
}

int
auth_identify(const struct auth_in *in, struct arena *a, struct principal *out, struct auth_refusal *refusal)
{
	int	r;

	*refusal = (struct auth_refusal){ 0 };
	*out = (struct principal){ .how = HOW_NONE };
	if (in->authorization_twice)
		return refusal->why = "there is more than one credential", E_HTTP_CREDENTIALS;
	if (in->key_in_query)
		return refusal->why = "it stands in the URL", E_HTTP_CREDENTIALS;
	/* It was demanded and given when the connection began, and has been revoked since, or has ended. */
	if (in->cert.wanted && (in->cert.sans == NULL || !in->cert.holds || in->cert.ends_ms <= in->wall_ms)) {
		refusal->certificate = true;
		refusal->why = "it is not believed any more";
		return E_HTTP_CREDENTIAL;
	}
	if (in->as_agent.n > 0) {
		if (in->authorization.p != NULL)
			return refusal->why = "there is more than one credential", E_HTTP_CREDENTIALS;
		if ((r = as_agent(in, a, out)) == E_AGENT)
			refusal->why = "Mcpgw-As is not theirs to say";
	} else if (in->authorization.p != NULL) {
		/* A credential that does not hold is never replaced by a weaker identity. */
		r = by_bearer(in, a, out, refusal);
	} else if (in->cert.sans != NULL) {
		r = by_cert(in, a, out, refusal);
	} else {
		r = in->peer.local ? by_ownership(in, a, out) : E_HTTP_CREDENTIAL;
		if (r == E_HTTP_CREDENTIAL && in->peer.local)
			r = by_peer(in, a, out, refusal);
		if (r == E_HTTP_CREDENTIAL && refusal->why == NULL)
			r = anonymous(in, out);
	}
	if (r != 0)
		return r;
	/* Of another tenant, or of one that is no more: to whoever asks that is one and the same. */
	if ((in->tenant.n > 0 && !span_eq(in->tenant, out->tenant)) ||
	    policy_tenant_find(in->policy, out->tenant) == NULL) {
		if (out->how != HOW_ANONYMOUS)
			refusal->why = "it is not of the tenant that is asked for";
		return E_HTTP_CREDENTIAL;
	}
	if ((r = own_texts(a, out)) != 0)
		return r;
	out->may_claim_agent = in->params->trust_agent_argument != TRUST_AGENT_NO;
	out->hash = principal_hash(out);
	out->tenant_hash = sum64(out->tenant);
	return 0;
}
