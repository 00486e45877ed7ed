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
	struct traits	traits;
};

/* Whose token this is; texts live in the arena.  i may be NULL.  With a tenant its issuers alone count; without (an
 * empty text) those of "default" before others'.  `secrets` are the workers', for issuers with a shared
 * secret.  0; E_HTTP_CREDENTIAL: it is not accepted, *why says to operators what is wrong, and *told is what its bearer
 * may be told, or NULL; E_AGENT: it is good, but stands for no agent; E_NOMEM, E_INTERNAL. */
must_check int	issuers_bearer(const struct issuers *i, const struct snap *secrets, struct span tenant,
		    struct span token, uint64_t wall_ms, struct arena *a, struct bearer *out, const char **why,
		    const char **told);

#endif
