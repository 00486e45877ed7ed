/* SPDX-License-Identifier: Apache-2.0
 *
 * identify.c - credential to principal
 *
 * Process: worker.  Owns: nothing.
 * Trusts:  the kernel for peers, the `keys` snapshot for keys, issuers for their tokens; no header for anything else.
 */
#include "auth/identify.h"
#include "auth/jwt.h"
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

/* The scheme's token, or an empty span: "Bearer" SP token68 (RFC 6750 2.1). */
static struct span
bearer_token(struct span value)
{
	struct span	scheme = span_part(value, 0, 7);

	if (!span_eq_nocase(scheme, SPAN_LIT("bearer ")))
		return SPAN_NONE;
	return span_trim(span_part(value, 7, value.n));
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
	return 0;
}

/* Of what proves tokens: a policy, and the secrets, which have a snapshot of their own. */
static uint64_t
generation_of(const struct auth_in *in)
{
	const uint64_t	of[2] = { snap_head(in->policy)->generation,
			    in->secrets == NULL ? 0 : snap_head(in->secrets)->generation };

	/* One token may be of issuers of two tenants. */
	return sum64_more(sum64(span_make(of, sizeof(of))), in->tenant);
}

static int
by_token(const struct auth_in *in, struct span token, const struct crypt_digest *digest, struct arena *a,
    struct principal *out, struct auth_refusal *refusal)
{
	const uint64_t	generation = generation_of(in);
	struct bearer	b;
	int		r;

	if (in->tokens == NULL || !tokens_find(in->tokens, digest, generation, in->wall_ms, &b)) {
		r = issuers_bearer(in->issuers, in->secrets, in->tenant, token, in->wall_ms, a, &b, &refusal->why,
		    &refusal->told);
		if (r != 0)
			return r;
		if (in->tokens != NULL)
			tokens_put(in->tokens, digest, generation, &b);
	}
	out->tenant = b.tenant;
	out->agent = b.agent;
	out->subject = b.subject;
	out->how = HOW_TOKEN;
	out->ends_ms = b.ends_ms;
	out->traits = b.traits;
	return 0;
}

/* A key of ours has no dots, a token of an issuer has two. */
static int
by_bearer(const struct auth_in *in, struct arena *a, struct principal *out, struct auth_refusal *refusal)
{
	struct span		token = bearer_token(in->authorization);
	struct crypt_digest	digest;
	const bool		signed_one = token.n > 0 && memchr(token.p, '.', token.n) != NULL;
	int			r;

	if (token.n == 0 || token.n > (signed_one ? JWT_MAX : KEY_MAX))
		return E_HTTP_CREDENTIAL;
	if ((r = crypt_sha256(token, &digest)) != 0)
		return r;
	return signed_one ? by_token(in, token, &digest, a, out, refusal) : by_key(in, &digest, out);
}

static int
by_peer(const struct auth_in *in, struct arena *a, struct principal *out)
{
	const struct rec_agent	*agent;

	agent = policy_peer_find(in->policy, in->tenant, in->peer.uid, in->peer.gids, in->peer.gid_count);
	if (agent == NULL)
		return E_HTTP_CREDENTIAL;
	out->tenant = policy_tenant_name(in->policy, agent->tenant);
	out->agent = snap_text(in->policy, agent->name);
	out->subject = arena_fmt(a, "uid %u", in->peer.uid);
	out->how = HOW_PEER;
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
	struct span	*const all[] = { &p->tenant, &p->agent, &p->subject, &t->issuer, &t->user, &t->workspace,
	    &t->roles, &t->groups, &t->scopes };

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
	if (in->authorization_twice || in->key_in_query)
		return E_HTTP_CREDENTIALS;
	if (in->as_agent.n > 0) {
		r = in->authorization.p != NULL ? E_HTTP_CREDENTIALS : as_agent(in, a, out);
	} else if (in->authorization.p != NULL) {
		/* A credential that does not hold is never replaced by a weaker identity. */
		r = by_bearer(in, a, out, refusal);
	} else {
		r = in->peer.local ? by_ownership(in, a, out) : E_HTTP_CREDENTIAL;
		if (r == E_HTTP_CREDENTIAL && in->peer.local)
			r = by_peer(in, a, out);
		if (r == E_HTTP_CREDENTIAL)
			r = anonymous(in, out);
	}
	if (r != 0)
		return r;
	/* Of another tenant, or of one that is no more: to whoever asks that is one and the same. */
	if ((in->tenant.n > 0 && !span_eq(in->tenant, out->tenant)) ||
	    policy_tenant_find(in->policy, out->tenant) == NULL)
		return E_HTTP_CREDENTIAL;
	if ((r = own_texts(a, out)) != 0)
		return r;
	out->may_claim_agent = in->params->trust_agent_argument != TRUST_AGENT_NO;
	out->hash = principal_hash(out);
	out->tenant_hash = sum64(out->tenant);
	return 0;
}
