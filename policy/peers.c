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

/* Whom those who were found are of.  Without a tenant in the path, of two nobody knows whom a client means. */
struct found {
	const struct rec_agent	*agent;
	uint32_t		 tenant;	/* the one that is asked for */
	bool			 any;		/* none is */
	bool			 several;	/* tenants name this client */
};

/* Does it count? */
static bool
take(struct found *f, const struct rec_agent *a)
{
	if (a == NULL || (!f->any && a->tenant != f->tenant))
		return false;
	if (f->agent != NULL && f->agent->tenant != a->tenant)
		f->several = true;
	return true;
}

static bool
begin(const struct snap *s, struct span tenant, struct found *f)
{
	const struct rec_tenant	*t = tenant.n == 0 ? NULL : policy_tenant_find(s, tenant);

	*f = (struct found){ .any = tenant.n == 0 };
	if (t != NULL)
		f->tenant = policy_tenant_index(s, t);
	return t != NULL || f->any;
}

static const struct rec_agent *
end(const struct found *f, bool *several)
{
	*several = f->several;
	return f->several ? NULL : f->agent;
}

/* Everybody's entries of this user or group; of a group the one that stands first in its file counts. */
static void
look(const struct snap *s, bool is_group, uint32_t id, struct found *f, uint32_t *order)
{
	const struct peer_key	 key = { .is_group = is_group, .id = id, .tenant = f->any ? 0 : f->tenant };
	uint64_t		 i = search_lower(s, 0, snap_count(s, SECTION_PEER), order_peer, &key);
	const struct rec_peer	*p;

	for (; (p = SNAP_AT(s, PEER, i)) != NULL && p->is_group == is_group && p->id == id; i++) {
		const struct rec_agent	*a = peer_agent(s, p);

		if (f->several || (!f->any && a != NULL && a->tenant > f->tenant))
			break;
		if (!take(f, a) || (f->agent != NULL && p->order >= *order))
			continue;
		f->agent = a;
		*order = p->order;
	}
}

const struct rec_agent *
policy_peer_find(const struct snap *s, struct span tenant, uint32_t uid, const uint32_t *gids, size_t gid_count,
    bool *several)
{
	const struct rec_agent	*user;
	struct found		 f;
	uint32_t		 order = 0;

	*several = false;
	if (!begin(s, tenant, &f))
		return NULL;
	look(s, false, uid, &f, &order);
	user = f.agent;
	/* Groups of its own tenant count for less, those of another one are another one's word. */
	for (size_t g = 0; g < gid_count && (user == NULL || f.any); g++)
		look(s, true, gids[g], &f, &order);
	if (user != NULL)
		f.agent = user;
	return end(&f, several);
}

const struct rec_agent *
policy_certpeer_find(const struct snap *s, struct span tenant, uint32_t kind, struct span text, bool *several)
{
	const struct rec_agent		*a;
	const struct rec_certpeer	*p;
	struct found			 f;

	*several = false;
	if (!begin(s, tenant, &f))
		return NULL;
	for (uint64_t i = 0; (p = SNAP_AT(s, CERTPEER, i)) != NULL; i++) {
		if (p->kind != kind || !span_eq(snap_text(s, p->text), text))
			continue;
		a = SNAP_AT(s, AGENT, p->agent);
		if (take(&f, a) && f.agent == NULL)
			f.agent = a;
	}
	return end(&f, several);
}
