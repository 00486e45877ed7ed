/* SPDX-License-Identifier: Apache-2.0
 *
 * issuers.h - the tokens of one policy: which issuer signed one, and as whom its bearer acts (mcp-wire 15.3)
 */
#ifndef AUTH_ISSUERS_H
#define AUTH_ISSUERS_H

#include "auth/keysets.h"
#include "lib/arena.h"
#include "policy/decide.h"
#include "policy/policy.h"

struct issuers;

/* Why nobody is known where the path names no tenant and several of them name this client or its issuer. */
#define ISSUERS_OF_SEVERAL	"several tenants name it: ask at the path of yours, /t/TENANT/mcp"

/* The keys of a policy, parsed once.  `policy` is borrowed and must outlive it.  *out is NULL when it has no issuers.
 * 0, E_FORMAT (a key is none) or E_NOMEM. */
must_check int	issuers_new(const struct snap *policy, struct issuers **out);
void		issuers_free(struct issuers **i);

/* Does this tenant have this issuer? */
bool		issuers_know(const struct snap *policy, struct span tenant, struct span name);

struct bearer {
	struct span	agent, subject;	/* subject: "SUB at ISS" */
	struct span	tenant;		/* whose issuer it is, or what a token of ours says */
	uint64_t	ends_ms;	/* wall clock: from then on it is none */
	uint64_t	proof_ends_ms;	/* set once: the key that proved it is kept until then; 0: always */
	struct span	id;		/* jti */
	enum principal_how how;		/* HOW_NONE: by this token; else it stands for what was shown for it */
	uint64_t	group;		/* by which a local user stands for the agent: the gid and 1; 0: by none */
	uint64_t	issued_ms;	/* of what it stands for; 0: it does not say */
	struct span	here;		/* the one path that it is for; empty: any */
	struct traits	traits;
};

/* What is asked for, by its URL (RFC 8707); all empty: it has none of its own.  Another URL of the same is that of its
 * streams of HTTP+SSE, which their clients take for a resource. */
struct resource {
	struct span	site, path;	/* "https://gw.example", "/mcp": together one URL */
	struct span	stem, end;	/* behind the site, together the other one: "", "/sse" */
};

/* Why a credential was refused. */
struct auth_refusal {
	const char	*why;		/* for operators; static */
	const char	*told;		/* for its bearer; static; NULL: nothing */
	struct span	 issuer;	/* of a token that says it is of one of ours, proven or not; the policy's */
	bool		 foreign;	/* of a scheme that is not looked at: as if there were none */
	bool		 certificate;	/* it is a certificate */
	uint64_t	 wanted;	/* the rec_keysource whose fetch could help; 0: none */
};

/* What a token is looked at with. */
struct issuers_ask {
	const struct snap	*secrets;	/* the workers', for issuers with a shared secret; NULL: none */
	const struct keysets	*keysets;	/* of issuers whose keys are fetched; NULL: none yet */
	struct span		 tenant;	/* its issuers alone count; empty: those that one tenant alone has */
	struct resource		 at;
	uint64_t		 wall_ms;
};

/* Whose token this is; texts live in the arena.  i may be NULL.
 * 0; E_HTTP_CREDENTIAL: it is not accepted; E_AGENT: it is good, but stands for no agent; E_ISSUER_KEYS: nobody can
 * tell now; all three with *no; E_NOMEM, E_INTERNAL. */
must_check int	issuers_bearer(const struct issuers *i, const struct issuers_ask *q, struct span token, struct arena *a,
		    struct bearer *out, struct auth_refusal *no);

#endif
