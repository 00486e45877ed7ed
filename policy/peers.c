/* SPDX-License-Identifier: Apache-2.0
 *
 * peers.c - whom unix users, groups and names in clients' certificates stand for
 *
 * Process: worker, admin.  Owns: nothing.
 * Trusts:  the order of PEER for speed only, as policy.c does.
 */
#include "policy/policy.h"
#include "policy/search.h"

struct peer_key {
	uint32_t	is_group, id, tenant;
};

static const struct rec_agent *
peer_agent(const struct snap *s, const struct rec_peer *p)
{
	return p == NULL ? NULL : SNAP_AT(s, AGENT, p->agent);
}

static int
order_peer(const struct snap *s, uint64_t i, const void *arg)
{
	const struct rec_peer	*p = SNAP_AT(s, PEER, i);
	const struct rec_agent	*a = peer_agent(s, p);
	const struct peer_key	*key = arg;

	if (a == NULL)
		return -1;
	if (key->is_group != p->is_group)
		return key->is_group < p->is_group ? -1 : 1;
	if (key->id != p->id)
		return key->id < p->id ? -1 : 1;
	return key->tenant < a->tenant ? -1 : key->tenant > a->tenant;
}

/* Of this tenant; with `any` of "default", whose place is key.tenant, else of the first that has one. */
static const struct rec_peer *
peer_of(const struct snap *s, struct peer_key key, bool any)
{
	const struct rec_peer	*p = search_all(s, SECTION_PEER, order_peer, &key);
	uint64_t		 i;

	if (p != NULL || !any)
		return p;
	key.tenant = 0;
	i = search_lower(s, 0, snap_count(s, SECTION_PEER), order_peer, &key);
	p = SNAP_AT(s, PEER, i);
	return p != NULL && p->is_group == key.is_group && p->id == key.id ? p : NULL;
}

/* Does a group's agent count before the other's?  That of "default" first, then by tenant and place in the file. */
static bool
peer_before(const struct snap *s, const struct rec_peer *a, const struct rec_peer *b, uint32_t first)
{
	const struct rec_agent	*x = peer_agent(s, a), *y = peer_agent(s, b);

	if (x == NULL || y == NULL || x->tenant == y->tenant)
		return a->order < b->order;
	if (x->tenant == first || y->tenant == first)
		return x->tenant == first;
	return x->tenant < y->tenant;
}

const struct rec_agent *
policy_peer_find(const struct snap *s, struct span tenant, uint32_t uid, const uint32_t *gids, size_t gid_count)
{
	const bool		 any = tenant.n == 0;
	const struct rec_tenant	*t = policy_tenant_find(s, any ? SPAN_LIT("default") : tenant);
	struct peer_key		 key = { .id = uid };
	const struct rec_peer	*p, *group;

	if (t == NULL)
		return NULL;
	key.tenant = policy_tenant_index(s, t);
	p = peer_of(s, key, any);
	if (p != NULL)
		return peer_agent(s, p);
	key.is_group = 1;
	for (size_t g = 0; g < gid_count; g++) {
		key.id = gids[g];
		if ((group = peer_of(s, key, any)) != NULL && (p == NULL || peer_before(s, group, p, key.tenant)))
			p = group;
	}
	return peer_agent(s, p);
}

const struct rec_agent *
policy_certpeer_find(const struct snap *s, struct span tenant, uint32_t kind, struct span text)
{
	const bool			 any = tenant.n == 0;
	const struct rec_tenant		*t = policy_tenant_find(s, any ? SPAN_LIT("default") : tenant);
	const struct rec_agent		*agent, *first = NULL;
	const struct rec_certpeer	*p;

	for (uint64_t i = 0; t != NULL && (p = SNAP_AT(s, CERTPEER, i)) != NULL; i++) {
		if (p->kind != kind || !span_eq(snap_text(s, p->text), text) ||
		    (agent = SNAP_AT(s, AGENT, p->agent)) == NULL)
			continue;
		if (agent->tenant == policy_tenant_index(s, t))
			return agent;
		if (any && first == NULL)
			first = agent;
	}
	return first;
}
