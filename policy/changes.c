/* SPDX-License-Identifier: Apache-2.0
 *
 * changes.c - look-ups of what the operator says of tools
 *
 * Process: all but mcpgwctl.  Owns: nothing.
 * Trusts:  the order of records for speed only: whatever is found is compared again.
 */
#include "policy/policy.h"

static const struct rec_change *
change_at(const struct snap *s, uint32_t first, uint32_t count, struct span tool)
{
	uint32_t		 low = 0, high = count;
	const struct rec_change	*c;

	while (low < high) {
		const uint32_t	mid = low + (high - low) / 2;
		int		r;

		if ((c = SNAP_AT(s, CHANGE, (uint64_t)first + mid)) == NULL)
			return NULL;
		if ((r = span_cmp(tool, snap_text(s, c->tool))) == 0)
			return c;
		if (r > 0)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

const struct rec_change *
policy_change_find(const struct snap *s, const struct rec_server *server, struct span tool)
{
	return server->change_count == 0 ? NULL : change_at(s, server->change_first, server->change_count, tool);
}

const struct rec_change *
policy_change_every(const struct snap *s, uint32_t tenant, struct span tool)
{
	const struct rec_tenant	*t = SNAP_AT(s, TENANT, tenant);

	return t == NULL || t->every_count == 0 ? NULL : change_at(s, t->every_first, t->every_count, tool);
}

const struct rec_change *
policy_change_named(const struct snap *s, const struct rec_server *server, struct span shown)
{
	uint32_t		 low = 0, high = server->renamed_count;
	const struct rec_index	*x;
	const struct rec_change	*c;

	while (low < high) {
		const uint32_t	mid = low + (high - low) / 2;
		int		r;

		if ((x = SNAP_AT(s, RENAMED, (uint64_t)server->renamed_first + mid)) == NULL ||
		    (c = SNAP_AT(s, CHANGE, x->index)) == NULL)
			return NULL;
		if ((r = span_cmp(shown, snap_text(s, c->name))) == 0)
			return c;
		if (r > 0)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
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
