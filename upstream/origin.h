/* SPDX-License-Identifier: Apache-2.0
 *
 * origin.h - what is known of a server, whoever calls it: which names ask, has it streams
 */
#ifndef UPSTREAM_ORIGIN_H
#define UPSTREAM_ORIGIN_H

#include "mcp/learn.h"
#include "upstream/upstream_priv.h"

struct origin {
	struct origin	*next;
	struct upstream	*u;
	uint64_t	 profile;
	unsigned	 refs;
	struct learn	*learnt;
	uint64_t	 streamless_until_ms;	/* it has none, for GET or for listen; 0: not known */
};

/* With one reference for the caller; NULL without memory. */
struct origin	*origin_find(struct upstream *u, uint64_t profile);
void		 origin_unref(struct origin **o);

/* It refused the stream in a way that stays. */
void		 origin_set_streamless(struct origin *o);
bool		 origin_is_streamless(const struct origin *o);
/* The same by profile, whoever holds it; what is known stays known while nobody does. */
bool		 origin_streamless_now(const struct upstream *u, uint64_t profile);
/* Nobody may hold one. */
void		 origin_free_all(struct upstream *u);

#endif
