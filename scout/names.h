/* SPDX-License-Identifier: Apache-2.0
 *
 * names.h - the hosts of HTTP upstreams: asked for again and again, and the catalogue of what was found
 */
#ifndef SCOUT_NAMES_H
#define SCOUT_NAMES_H

#include "policy/build.h"
#include "scout/scout.h"

#define NAME_ADDRESSES_MAX	RESOLVE_ADDRESSES_MAX

/* What is known of a host; state 0: it was not looked up yet. */
struct name_known {
	struct addr	found[NAME_ADDRESSES_MAX];
	unsigned	count;
	enum name_state	state;
};

must_check int	names_new(struct scout *s, struct names **out);
void		names_free(struct names **n);
/* The hosts of this policy are those that are looked up from here on.  What an earlier catalogue (NULL: none) knows of
 * new ones holds until they are answered. */
void		names_set_policy(struct names *n, const struct snap *policy, const struct snap *earlier);
/* Borrowed until the loop turns; NULL: not one of them. */
const struct name_known *names_find(const struct names *n, struct span host);

/* The catalogue says something else of endpoints than before. */
void		names_news(struct names *n);

/* How long an answer of this time to live is believed, and how long to wait after so many failures in a row: ms. */
uint64_t	names_ttl(uint64_t ttl_ms);
uint64_t	names_pause(unsigned fails);

#endif
