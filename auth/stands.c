/* SPDX-License-Identifier: Apache-2.0
 *
 * stands.c - does the policy still say what a session token was given for?
 *
 * Process: worker.  Owns: nothing.
 * Trusts:  the token, which is proven, for what was shown when it was given: a name in a certificate, a uid, a group.
 *          That the user is in that group yet, or has the certificate, is asked when the token is refreshed.
 */
#include "auth/stands.h"
#include "lib/cert.h"
#include "lib/num.h"
#include "policy/policy.h"

static bool
is_agent(const struct snap *policy, const struct rec_agent *a, struct span name)
{
	return a != NULL && span_eq(snap_text(policy, a->name), name);
}

/* "uri:spiffe://corp/a by ISSUER": of the name the text is in traits.user. */
static bool
cert_stands(const struct auth_in *in, const struct bearer *b)
{
	bool	several;

	for (enum cert_san_kind kind = CERT_SAN_DNS; kind <= CERT_SAN_IP; kind++) {
		const struct span	word = span_of(cert_san_word(kind));

		if (span_starts(b->subject, word) && b->subject.n > word.n && b->subject.p[word.n] == ':')
			return is_agent(in->policy, policy_certpeer_find(in->policy, b->tenant, kind, b->traits.user,
			    &several), b->agent);
	}
	return false;
}

/* "uid 1000", or with Mcpgw-As "uid 0 as backend". */
static bool
peer_stands(const struct auth_in *in, const struct bearer *b)
{
	const struct span	before = SPAN_LIT("uid ");
	const struct span	rest = span_part(b->subject, before.n, b->subject.n);
	const char		*blank = rest.n == 0 ? NULL : memchr(rest.p, ' ', rest.n);
	const uint32_t		gid = (uint32_t)(b->group - 1);
	uint64_t		uid;
	bool			several;

	if (!span_starts(b->subject, before) ||
	    num_u64(span_part(rest, 0, blank == NULL ? rest.n : (size_t)(blank - rest.p)), &uid) != 0 ||
	    uid > UINT32_MAX)
		return false;
	if (blank != NULL)
		return (uid == 0 || uid == in->owner_uid) && policy_agent_find(in->policy, b->tenant, b->agent) != NULL;
	if (in->params->trust_agent_argument == TRUST_AGENT_ONLY && uid == in->owner_uid)
		return true;
	return is_agent(in->policy, policy_peer_find(in->policy, b->tenant, (uint32_t)uid, &gid, b->group != 0,
	    &several), b->agent);
}

bool
stands_still(const struct auth_in *in, const struct bearer *b)
{
	switch (b->how) {
	case HOW_TOKEN:
		return issuers_know(in->policy, b->tenant, b->traits.issuer);
	case HOW_CERT:
		return cert_stands(in, b);
	case HOW_PEER:
		return peer_stands(in, b);
	case HOW_NONE:
	case HOW_KEY:
	case HOW_ANONYMOUS:
	case HOW_LIMIT:
	default:
		return true;
	}
}

bool
stands_by_group(const struct snap *policy, struct span tenant, struct span agent, const struct auth_peer *p,
    uint32_t *gid)
{
	bool	several;

	if (policy_peer_find(policy, tenant, p->uid, NULL, 0, &several) != NULL)
		return false;
	for (size_t i = 0; i < p->gid_count; i++)
		if (is_agent(policy, policy_peer_find(policy, tenant, p->uid, &p->gids[i], 1, &several), agent)) {
			*gid = p->gids[i];
			return true;
		}
	return false;
}
