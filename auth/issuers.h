/* SPDX-License-Identifier: Apache-2.0
 *
 * issuers.h - the tokens of one policy: which issuer signed one, and as whom its bearer acts (mcp-wire 15.3)
 */
#ifndef AUTH_ISSUERS_H
#define AUTH_ISSUERS_H

#include "lib/arena.h"
#include "policy/decide.h"
#include "policy/policy.h"

struct issuers;

/* The keys of a policy, parsed once.  `policy` is borrowed and must outlive it.  *out is NULL when it has no issuers.
 * 0, E_FORMAT (a key is none) or E_NOMEM. */
must_check int	issuers_new(const struct snap *policy, struct issuers **out);
void		issuers_free(struct issuers **i);

struct bearer {
	struct span	agent, subject;	/* subject: "SUB at ISS" */
	struct span	tenant;		/* whose issuer it is */
	uint64_t	ends_ms;	/* wall clock: from then on it is none */
	struct span	here;		/* the one path that it is for; empty: any */
	struct traits	traits;
};

/* What is asked for, by its URL in two parts; both empty: no resource of its own (RFC 8707). */
struct resource {
	struct span	site, path;	/* "https://gw.example", "/mcp" */
};

/* Why a credential was refused. */
struct auth_refusal {
	const char	*why;		/* for operators; static */
	const char	*told;		/* for its bearer; static; NULL: nothing */
	struct span	 issuer;	/* of a token that says it is of one of ours, proven or not; the policy's */
	bool		 foreign;	/* of a scheme that is not looked at: as if there were none */
};

/* Whose token this is; texts live in the arena.  i may be NULL.  With a tenant its issuers alone count; without (an
 * empty text) those of "default" before others'.  `secrets` are the workers', for issuers with a shared
 * secret.  0; E_HTTP_CREDENTIAL: it is not accepted; E_AGENT: it is good, but stands for no agent; both with *no;
 * E_NOMEM, E_INTERNAL. */
must_check int	issuers_bearer(const struct issuers *i, const struct snap *secrets, struct span tenant,
		    struct span token, const struct resource *at, uint64_t wall_ms, struct arena *a, struct bearer *out,
		    struct auth_refusal *no);

#endif
