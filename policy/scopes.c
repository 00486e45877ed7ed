/* SPDX-License-Identifier: Apache-2.0
 *
 * scopes.c - what a scoped credential is good for (mcpgw-issuers(5), "scopes"; mcp-wire 15.2)
 *
 * Process: worker; mcpgwctl's queries.  Owns: nothing.
 * Trusts:  the policy; of a credential's scopes that its issuer gave them.
 */
#include "lib/glob.h"
#include "lib/nameset.h"
#include "policy/policy.h"
#include "policy/scopes.h"

static bool
grant_covers(const struct snap *s, const struct rec_grant *g, const struct object *what)
{
	/* A server is there for whoever may use anything of it. */
	if (what->kind != OBJECT_SERVER && (g->kinds & 1u << what->kind) == 0)
		return false;
	if (!glob_match(snap_text(s, g->server), what->server))
		return false;
	return what->kind != OBJECT_TOOL || glob_match(snap_text(s, g->tool), what->name);
}

static bool
scope_covers(const struct snap *s, const struct rec_scope *sc, const struct object *what)
{
	const struct rec_grant	*g;

	for (uint32_t n = 0; n < sc->grant_count; n++)
		if ((g = SNAP_AT(s, GRANT, (uint64_t)sc->grant_first + n)) != NULL && grant_covers(s, g, what))
			return true;
	return false;
}

static bool
is_of(const struct snap *s, const struct rec_scope *sc, struct span tenant)
{
	return span_eq(policy_tenant_name(s, sc->tenant), tenant);
}

bool
scope_allows(const struct snap *s, const struct principal *who, const struct object *what)
{
	const struct rec_scope	*sc;

	if (!who->traits.scoped)
		return true;
	for (uint64_t i = 0; (sc = SNAP_AT(s, SCOPE, i)) != NULL; i++)
		if (nameset_has(who->traits.scopes, snap_text(s, sc->name)) && is_of(s, sc, who->tenant) &&
		    scope_covers(s, sc, what))
			return true;
	return false;
}

struct span
scope_wanted(const struct snap *s, struct span tenant, const struct object *what)
{
	const struct rec_scope	*sc;

	for (uint64_t i = 0; (sc = SNAP_AT(s, SCOPE, i)) != NULL; i++)
		if (is_of(s, sc, tenant) && scope_covers(s, sc, what))
			return snap_text(s, sc->name);
	return SPAN_NONE;
}

struct span
scope_next_advertised(const struct snap *s, struct span tenant, uint64_t *at)
{
	const struct rec_scope	*sc;

	while ((sc = SNAP_AT(s, SCOPE, (*at)++)) != NULL)
		if ((sc->flags & SCOPE_FLAG_ADVERTISED) != 0 && is_of(s, sc, tenant))
			return snap_text(s, sc->name);
	return SPAN_NONE;
}
