/* SPDX-License-Identifier: Apache-2.0
 *
 * decide.h - principal + object -> allow or deny, with the rule that decided
 *
 * The one decision function: every view, list, meta-tool and call asks it, so what is listed is
 * exactly what may be called.  Pure: reads the snapshot, keeps nothing, logs nothing.
 */
#ifndef POLICY_DECIDE_H
#define POLICY_DECIDE_H

#include <stdbool.h>

#include "policy/snap.h"

enum object_kind {
	OBJECT_SERVER,		/* may this agent see the server at all? */
	OBJECT_TOOL, OBJECT_RESOURCE, OBJECT_TEMPLATE, OBJECT_PROMPT, OBJECT_COMPLETION,
	OBJECT_KIND_LIMIT
};

enum principal_how { HOW_NONE, HOW_KEY, HOW_PEER, HOW_ANONYMOUS, HOW_TOKEN, HOW_LIMIT };

/* What a credential says of whoever bears it, for roles and conditions; empty where it says nothing. */
struct traits {
	struct span	issuer, user, email;	/* of a token: iss, and who it is there */
	struct span	workspace;
	struct span	roles, groups, scopes;	/* lib/nameset.h */
	bool		scoped;			/* it has scopes, and is good for those alone */
};

/* traits are no part of the hash: a token with one scope more is the same principal. */
struct principal {
	struct span	tenant, agent, subject;	/* subject: key name, user name */
	enum principal_how how;
	bool		may_claim_agent;	/* trust_agent_argument, for this principal */
	uint64_t	hash;			/* of all that makes it this principal */
	uint64_t	tenant_hash;		/* of the tenant alone */
	uint64_t	ends_ms;		/* its credential, by the wall clock; 0: it does not */
	struct traits	traits;
};

struct object {
	enum object_kind kind;
	struct span	server, name;		/* the upstream's own names */
};

struct decision {
	bool		allow, hide;
	bool		lacks_scope;		/* denied, and would be allowed by one scope more (policy/scopes.h) */
	uint32_t	rule;			/* index into RULE + 1; 0: no rule matched */
	uint8_t		rule_class;		/* enum rule_class */
	struct span	path;			/* agents.backend.deny.tools.postgres[0]; or "default" */
	struct span	file;			/* operators only, never to clients */
	uint32_t	line;
	const char	*class_text;		/* "explicit deny", "wildcard allow", "no rule", ... */
};

/* Never fails: what cannot be looked up is denied. */
void	decide(const struct snap *s, const struct principal *who, const struct object *what,
	    struct decision *out);

#endif
