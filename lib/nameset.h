/* SPDX-License-Identifier: Apache-2.0
 *
 * nameset.h - a small set of names in one text: sorted, each once, each with a NUL behind it
 *
 * What a credential says in lists (roles, groups, scopes) is carried so: it is copied, kept and compared as one text.
 */
#ifndef LIB_NAMESET_H
#define LIB_NAMESET_H

#include "lib/arena.h"
#include "lib/err.h"

#define NAMESET_MAX	256	/* names */

/* Of count names in any order, in the arena; a name that is empty or has a NUL is no member.
 * 0; E_FULL: more than NAMESET_MAX; E_NOMEM. */
must_check int	nameset_make(const struct span *names, size_t count, struct arena *a, struct span *out);
/* The first name of *rest, which goes on behind it; an empty span at the end. */
struct span	nameset_take(struct span *rest);
bool		nameset_has(struct span set, struct span name);
/* Have they a name in common? */
bool		nameset_meets(struct span a, struct span b);

#endif
