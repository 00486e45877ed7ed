/* SPDX-License-Identifier: Apache-2.0
 *
 * identify.h - credential to principal
 *
 * The identity is the credential, never an argument: an API key or a token of an issuer, else the unix peer, else
 * (where the operator named one) the anonymous agent.  Of keys nothing is kept between requests: one that was revoked
 * is gone with the next `keys` snapshot, one that ended is refused by the clock.  Of tokens it is kept whose they are,
 * while the policy is the same (auth/tokens.h).
 */
#ifndef AUTH_IDENTIFY_H
#define AUTH_IDENTIFY_H

#include "auth/tokens.h"
#include "policy/decide.h"
#include "policy/params.h"

/* Who is at the other end of a unix socket, as the kernel says (SO_PEERCRED, SO_PEERGROUPS). */
struct auth_peer {
	bool		 local;		/* false: TCP, the rest is unset */
	uint32_t	 uid;
	const uint32_t	*gids;
	size_t		 gid_count;
};

struct auth_in {
	struct span		 authorization;		/* the header's value; .p == NULL: none */
	bool			 authorization_twice;
	bool			 key_in_query;		/* the target's query names a credential */
	struct span		 tenant;		/* that the request is for; empty: the credential's own */
	struct span		 as_agent;		/* Mcpgw-As, counts on the unix socket only */
	struct auth_peer	 peer;
	const struct snap	*policy, *keys, *secrets;
	const struct issuers	*issuers;		/* of `policy`; NULL: none */
	struct tokens		*tokens;		/* NULL: each is proven anew */
	const struct params	*params;
	uint32_t		 owner_uid;		/* personal mode: the user; system mode: root */
	uint64_t		 wall_ms;
};

/* Why somebody was refused; static text. */
struct auth_refusal {
	const char	*why;		/* for operators */
	const char	*told;		/* for the bearer of a token; NULL: nothing */
};

/* Fills *out; its texts live in `a`.
 * E_HTTP_CREDENTIAL: nobody we know, or nobody of this tenant (401); E_HTTP_CREDENTIALS: two credentials, or one
 * where none may be (400); E_AGENT: Mcpgw-As by somebody who may not, or a token that stands for no agent; E_NOMEM.
 * Of a token *refusal says more. */
must_check int	auth_identify(const struct auth_in *in, struct arena *a, struct principal *out,
		    struct auth_refusal *refusal);

#endif
