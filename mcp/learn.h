/* SPDX-License-Identifier: Apache-2.0
 *
 * learn.h - what is known of a server's tools and prompts: do calls of this name ask their client?
 *
 * Names are kept as keyed hashes in a table of fixed size.  What falls out of it is not known any more,
 * which is always safe: who is not known to be quiet is taken for one who asks.
 */
#ifndef MCP_LEARN_H
#define MCP_LEARN_H

#include <stdint.h>

#include "lib/span.h"

#define LEARN_SETS	128
#define LEARN_WAYS	8

enum learnt {
	LEARNT_NOTHING,
	LEARNT_QUIET,		/* a call of it was answered and had asked nothing */
	LEARNT_ASKS,		/* one asked; never forgotten for a quiet one */
};

struct learn;

/* Of a method and what it is called for (either may be empty); never 0. */
uint64_t	learn_hash(struct span method, struct span name);
/* `l` may be NULL: nothing was learnt. */
enum learnt	learn_find(const struct learn *l, uint64_t hash);
/* Makes the table when there is none; without memory nothing is learnt.  Of a full set the oldest goes. */
void		learn_note(struct learn **l, uint64_t hash, enum learnt what);
void		learn_free(struct learn **l);

#endif
