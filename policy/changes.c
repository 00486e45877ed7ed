/* SPDX-License-Identifier: Apache-2.0
 *
 * changes.c - look-ups of what the operator says of tools
 *
 * Process: all but mcpgwctl.  Owns: nothing.
 * Trusts:  the order of records for speed only: whatever is found is compared again.
 */
#include "policy/policy.h"
#include "policy/search.h"

static int
order_tool(const struct snap *s, uint64_t i, const void *tool)
{
	const struct rec_change	*c = SNAP_AT(s, CHANGE, i);

	return c == NULL ? -1 : span_cmp(*(const struct span *)tool, snap_text(s, c->tool));
}

static int
order_shown(const struct snap *s, uint64_t i, const void *name)
{
	const struct rec_index	*x = SNAP_AT(s, RENAMED, i);
	const struct rec_change	*c = x == NULL ? NULL : SNAP_AT(s, CHANGE, x->index);

	return c == NULL ? -1 : span_cmp(*(const struct span *)name, snap_text(s, c->name));
}

const struct rec_change *
policy_change_find(const struct snap *s, const struct rec_server *server, struct span tool)
{
	return server->change_count == 0 ? NULL : search_part(s, SECTION_CHANGE, server->change_first,
	    server->change_count, order_tool, &tool);
}

const struct rec_change *
policy_change_every(const struct snap *s, uint32_t tenant, struct span tool)
{
	const struct rec_tenant	*t = SNAP_AT(s, TENANT, tenant);

	return t == NULL || t->every_count == 0 ? NULL : search_part(s, SECTION_CHANGE, t->every_first,
	    t->every_count, order_tool, &tool);
}

const struct rec_change *
policy_change_named(const struct snap *s, const struct rec_server *server, struct span shown)
{
	const struct rec_index	*x = search_part(s, SECTION_RENAMED, server->renamed_first, server->renamed_count,
				    order_shown, &shown);

	return x == NULL ? NULL : SNAP_AT(s, CHANGE, x->index);
}

bool
policy_own_name(const struct snap *s, const struct rec_server *server, struct span shown, struct span *own)
{
	const struct rec_change	*c;

	*own = shown;
	if (server->renamed_count == 0)
		return true;
	if ((c = policy_change_named(s, server, shown)) != NULL) {
		*own = snap_text(s, c->tool);
		return true;
	}
	return (c = policy_change_find(s, server, shown)) == NULL || c->name.bytes == 0;
}

static enum risk_level
risk_of(const struct rec_change *c)
{
	return c == NULL || c->risk > RISK_LEVEL_HIGH ? RISK_LEVEL_UNSAID : (enum risk_level)c->risk;
}

enum risk_level
policy_tool_risk(const struct snap *s, const struct rec_server *server, struct span tool)
{
	const enum risk_level	here = risk_of(policy_change_find(s, server, tool));
	const enum risk_level	every = risk_of(policy_change_every(s, server->tenant, tool));

	return here > every ? here : every;
}
