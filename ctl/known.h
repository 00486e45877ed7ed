/* SPDX-License-Identifier: Apache-2.0
 *
 * known.h - names that a policy speaks of, and the one that was meant by a word that it does not
 */
#ifndef CTL_KNOWN_H
#define CTL_KNOWN_H

#include "ctl/ctl.h"
#include "policy/snap.h"

enum known_kind {
	KNOWN_TENANT, KNOWN_AGENT, KNOWN_SERVER,
	KNOWN_ROLE, KNOWN_GROUP, KNOWN_SCOPE, KNOWN_WORKSPACE	/* of rules, of conditions, of what tools want */
};

#define KNOWN_HINT	192

/* Of this tenant: does the policy speak of such a one?  Of a tenant its name alone counts. */
bool		 known_is(const struct snap *s, enum known_kind kind, struct span tenant, const char *word);
/* "; did you mean NAME?", or `otherwise` where no name looks like it.  Valid with `to`. */
const char	*known_hint(const struct snap *s, enum known_kind kind, struct span tenant, const char *word,
		    const char *otherwise, char to[KNOWN_HINT]);
/* Keeps in `near` (KNOWN_HINT bytes, "" at first) the one of all names it is shown that looks most like the word. */
void		 known_near(const char *word, const char *name, char near[KNOWN_HINT]);
/* Is a gateway running whose policy has no such tenant, agent or server (of this tenant)?  Says so. */
bool		 known_missing(struct ctl *ctl, enum known_kind kind, const char *tenant, const char *word);

#endif
