/* SPDX-License-Identifier: Apache-2.0
 *
 * scopes.h - what a scoped credential is good for (mcpgw-issuers(5), "scopes"; mcp-wire 15.2)
 *
 * Scopes narrow what rules allow, and never widen it.  A scope that no file speaks of is good for nothing.
 */
#ifndef POLICY_SCOPES_H
#define POLICY_SCOPES_H

#include "policy/decide.h"

/* Of one that is not scoped: yes, at no cost. */
bool		scope_allows(const struct snap *s, const struct principal *who, const struct object *what);
/* The one to ask for: the first of the file, of this tenant, that is good for it; borrowed.  Empty: none is. */
struct span	scope_wanted(const struct snap *s, struct span tenant, const struct object *what);
/* The first one from *at on, which goes on behind it, that clients of this tenant are told of; borrowed.  Empty: no
 * more. */
struct span	scope_next_advertised(const struct snap *s, struct span tenant, uint64_t *at);

#endif
