/* SPDX-License-Identifier: Apache-2.0
 *
 * names.h - the addresses that stand for names within one jail
 *
 * A tool that asks for a name gets an address of 198.18.0.0/15, which leads nowhere but here: connections to
 * it are connections to that name.  The name is resolved when it is connected to, by us.
 */
#ifndef SANDBOX_EGRESS_NAMES_H
#define SANDBOX_EGRESS_NAMES_H

#include <stdint.h>

#include "lib/addr.h"

#define NAMES_MAX	512	/* of one jail, more than it may have connections */

struct name;

struct names {			/* all zero: none */
	struct name	*all;
	uint32_t	 count, last;	/* the last address given, from 198.18.0.0 on */
	uint64_t	 clock;
};

void		names_fini(struct names *n);
/* What stands for this canonical name, the same each time while it is remembered; the one that was not asked for
 * for the longest time and has no connection is forgotten for it, and its address comes back last of all.
 * 0, E_FULL or E_NOMEM. */
must_check int	names_give(struct names *n, const char *name, struct addr *out);
/* Can an address stand for a name?  Then the name, or NULL when it stands for none (any more); borrowed until
 * names_give(). */
bool		names_is_ours(const struct addr *a);
const char	*names_find(struct names *n, const struct addr *a);
/* A connection to it began, or ended. */
void		names_hold(struct names *n, const struct addr *a);
void		names_release(struct names *n, const struct addr *a);

#endif
