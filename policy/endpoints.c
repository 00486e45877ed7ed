/* SPDX-License-Identifier: Apache-2.0
 *
 * endpoints.c - servers that are at several places
 *
 * Process: any that maps a policy.  Owns: nothing.
 * Trusts:  nothing in a snapshot to point inside it.
 */
#include "lib/glob.h"
#include "lib/nameset.h"
#include "policy/endpoints.h"
#include "policy/search.h"

const struct rec_endpoint *
policy_endpoint_at(const struct snap *s, const struct rec_server *server, uint32_t i)
{
	return i >= server->endpoint_count || i >= ENDPOINTS_MAX ? NULL :
	    SNAP_AT(s, ENDPOINT, (uint64_t)server->endpoint_first + i);
}

const struct rec_endpoint *
policy_endpoint_find(const struct snap *s, uint64_t profile)
{
	const struct rec_endpoint	*e;

	for (uint64_t i = 0; (e = SNAP_AT(s, ENDPOINT, i)) != NULL; i++)
		if (e->profile == profile)
			return e;
	return NULL;
}

const struct rec_balance *
policy_balance_of(const struct snap *s, const struct rec_server *server)
{
	return server->balance == 0 ? NULL : SNAP_AT(s, BALANCE, (uint64_t)server->balance - 1);
}

bool
policy_is_idempotent(const struct snap *s, const struct rec_server *server, struct span tool)
{
	struct span	rest = snap_text(s, server->idempotent);

	while (rest.n > 0)
		if (glob_match(nameset_take(&rest), tool))
			return true;
	return false;
}

static int
sick_order(const struct snap *s, uint64_t i, const void *key)
{
	const struct rec_sick	*r = SNAP_AT(s, SICK, i);
	uint64_t		 profile = *(const uint64_t *)key;

	return r == NULL || profile < r->profile ? -1 : profile > r->profile;
}

bool
policy_is_sick(const struct snap *catalogue, uint64_t profile)
{
	return search_all(catalogue, SECTION_SICK, sick_order, &profile) != NULL;
}
