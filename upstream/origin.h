/* SPDX-License-Identifier: Apache-2.0
 *
 * origin.h - what is known of a legacy server, whoever calls it: which names ask, has it streams
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
	uint64_t	 streamless_until_ms;	/* it has no stream for GET; 0: not known */
};

/* With one reference for the caller; NULL without memory. */
struct origin	*origin_find(struct upstream *u, uint64_t profile);
void		 origin_unref(struct origin **o);

/* It refused the stream in a way that stays. */
void		 origin_set_streamless(struct origin *o);
bool		 origin_is_streamless(const struct origin *o);

#endif
