/* SPDX-License-Identifier: Apache-2.0
 *
 * keysets.h - the key sets of issuers: fetched again and again, and the snapshot of what came of it
 */
#ifndef SCOUT_KEYSETS_H
#define SCOUT_KEYSETS_H

#include "scout/scout.h"

#define KEYSETS_MAX	64	/* issuers of a policy */

struct params;

must_check int	keysets_table_new(struct scout *s, struct keysets_table **out);
void		keysets_table_free(struct keysets_table **t);
/* The issuers of this policy are those whose keys are fetched from here on; it is held.  What an earlier snapshot
 * (NULL: none) knows of new ones holds until they are fetched. */
void		keysets_table_set_policy(struct keysets_table *t, struct snap *policy, const struct params *p,
		    const struct snap *earlier);
/* A token names a key that the set of this id does not have; or, with `now`, an operator asks: 0 means all. */
void		keysets_table_want(struct keysets_table *t, uint64_t id, bool now);

/* When to fetch again, ms from a good fetch on: what its max-age says, within bounds, and well before its keys end. */
struct keysets_times {
	uint64_t	refresh_min_ms, refresh_max_ms, unknown_ms;
};
uint64_t	keysets_refresh_ms(const struct keysets_times *t, bool has_max_age, uint64_t max_age_s,
		    uint64_t keep_ms);

#endif
