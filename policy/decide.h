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

#include "lib/addr.h"
#include "lib/json.h"
#include "policy/snap.h"

enum object_kind {
	OBJECT_SERVER,		/* may this agent see the server at all? */
	OBJECT_TOOL, OBJECT_RESOURCE, OBJECT_TEMPLATE, OBJECT_PROMPT, OBJECT_COMPLETION,
	OBJECT_KIND_LIMIT
};

enum principal_how { HOW_NONE, HOW_KEY, HOW_PEER, HOW_ANONYMOUS, HOW_TOKEN, HOW_CERT, HOW_LIMIT };

/* What a credential says of whoever bears it, for roles and conditions; empty where it says nothing. */
struct traits {
	struct span	issuer, user, email;	/* of a token: iss, and who it is there */
	struct span	workspace;
	struct span	roles, groups, scopes;	/* lib/nameset.h */
	bool		scoped;			/* it has scopes, and is good for those alone */
	bool		chosen;			/* they are the client's own choice: no rule asks for them */
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
	struct span	public_name;		/* of its key, where others have the same name; for the audit */
};

/* Beyond names, what the conditions of rules ask for (policy/when.h). */
enum fact_bits {
	FACT_BEARER = 1,		/* who->traits but for issuer and user: what the credential gives */
	FACT_TIME = 2,
	FACT_CLIENT = 4,
	FACT_ARGUMENTS = 8,
	FACT_DEFINITION = 16,		/* what the tool's own definition claims */
	FACT_NAME = 32,			/* object.kind and name: not of a server as a whole */
	FACT_WHO = 64,			/* who->how, subject, and the issuer and user of traits */
	FACTS_ALL = 127
};
enum hint_bits { HINT_READ_ONLY = 1, HINT_DESTRUCTIVE = 2, HINT_IDEMPOTENT = 4, HINT_OPEN_WORLD = 8 };

struct facts {
	unsigned	known;			/* enum fact_bits */
	bool		hopeful;		/* for a list: what may be allowed, once all is known, is */
	bool		settled;		/* hopeful: but what is known stays as it is, and what of it cannot be
						 * compared counts against the caller */
	uint64_t	wall_ms;
	struct addr	client;			/* family 0: it came over the unix socket */
	struct json_value arguments;		/* proven, no member twice; JSON_NONE: there are none */
	struct arena	*arena;			/* texts are decoded into it; NULL: those with escapes are not known */
	unsigned	hints, hints_said;	/* enum hint_bits: true ones, and those that it has at all */
};

struct object {
	enum object_kind kind;
	struct span	server, name;		/* the upstream's own names */
	const struct facts *facts;		/* NULL: nothing is known, and that counts against the caller */
};

/* What is not known counts against the caller: an allow that hangs on it is none, a deny denies.  In hope it is the
 * other way round, so what is listed is what may be called with some arguments. */
struct decision {
	bool		allow, hide;
	bool		shadow;			/* allowed; enforced, the rule below would have denied it */
	unsigned	unsure;			/* enum fact_bits: it might be another if these were known */
	bool		lacks_scope;		/* denied, and would be allowed by one scope more (policy/scopes.h) */
	bool		by_roles;		/* denied by roles or a workspace, or for want of a role: no rule of an
						 * agent helps */
	uint32_t	rule;			/* index into RULE + 1; 0: no rule matched */
	uint8_t		rule_class;		/* enum rule_class */
	struct span	path;			/* agents.backend.deny.tools.postgres[0]; or "default" */
	struct span	file;			/* operators only, never to clients */
	uint32_t	line;
	const char	*class_text;		/* "explicit deny", "wildcard allow", "no rule", ... */
	bool		approval;		/* allowed, once somebody has approved this very call */
	uint16_t	cost;			/* tokens that the call takes of its buckets */
	uint8_t		log;			/* enum log_level + 1 of a line in the log; 0: none */
};

/* Never fails: what cannot be looked up is denied. */
void	decide(const struct snap *s, const struct principal *who, const struct object *what,
	    struct decision *out);
/* How a caller is known: "key", "token", ...; "" for HOW_NONE.  Static. */
const char	*decide_how(enum principal_how how);

#endif
