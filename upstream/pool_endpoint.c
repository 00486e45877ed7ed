/* SPDX-License-Identifier: Apache-2.0
 *
 * pool_endpoint.c - one place that connections of the pool go to
 *
 * Process: worker.  Owns: an endpoint while it has connections.
 * Trusts:  the configuration, and the scout for addresses.
 */
#include <stdlib.h>

#include "upstream/pool_endpoint.h"

struct endpoint *
endpoint_find(struct endpoints *all, uint64_t key)
{
	struct endpoint	**link = &all->buckets[key % ENDPOINT_BUCKETS], *e;

	for (; (e = *link) != NULL; link = &e->next)
		if (e->target.key == key)
			return e;
	if ((e = calloc(1, sizeof(*e))) == NULL)
		return NULL;
	e->target.key = key;
	*link = e;
	return e;
}

/* A reload may have found other addresses, and so may the scout. */
int
endpoint_locate(const struct sites *sites, struct endpoint *e, const struct pool_target *target, const char **why)
{
	struct addr	before[POOL_ADDRESSES_MAX];
	size_t		count = e->target.count;
	int		r = 0;

	memcpy(before, e->target.address, sizeof(before));
	if (target != &e->target) {
		e->target = *target;
		if (target->host.n > TLS_HOST_MAX)
			return E_SERVER;
		memcpy(e->host, target->host.n == 0 ? "" : target->host.p, target->host.n);
		e->target.host = span_make(e->host, target->host.n);
	}
	*why = NULL;
	if (target->host.n > 0)
		r = sites == NULL ? E_SERVER : sites_find(sites, e->target.host, e->target.address,
		    POOL_ADDRESSES_MAX, &e->target.count, why);
	if (count != e->target.count || memcmp(before, e->target.address, count * sizeof(before[0])) != 0) {
		e->version++;
		e->good = 0;
	}
	return r;
}

void
endpoint_unused(struct endpoints *all, struct endpoint *e)
{
	struct endpoint	**link = &all->buckets[e->target.key % ENDPOINT_BUCKETS];

	if (e->conns + e->dead > 0)
		return;
	while (*link != e)
		link = &(*link)->next;
	*link = e->next;
	free(e);
}
