/* SPDX-License-Identifier: Apache-2.0
 *
 * stands.h - does the policy still say what a session token was given for?
 */
#ifndef AUTH_STANDS_H
#define AUTH_STANDS_H

#include "auth/identify.h"

/* Of a token whose bearer has a `how` (auth/own.h): its issuer is one of the tenant's yet, the name of its certificate
 * or its local user still stands for its agent.  Keys, and what was revoked, are own_bearer()'s. */
bool		stands_still(const struct auth_in *in, const struct bearer *b);
/* The group by which a local user stands for this agent, and not by the uid: true, and *gid. */
bool		stands_by_group(const struct snap *policy, struct span tenant, struct span agent,
		    const struct auth_peer *p, uint32_t *gid);

#endif
