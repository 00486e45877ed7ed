/* SPDX-License-Identifier: Apache-2.0
 *
 * scope.h - lists of scopes: words with single blanks between them (RFC 6749 3.3)
 */
#ifndef OAUTH_SCOPE_H
#define OAUTH_SCOPE_H

#include <stdbool.h>

#include "lib/arena.h"
#include "lib/err.h"

#define OAUTH_SCOPE_MAX	4096	/* bytes of one list */

/* Its next word, or an empty span at the end. */
struct span	oauth_scope_next(struct span *list);
bool		oauth_scope_has(struct span list, struct span word);
/* Is every word of `list` among `in`? */
bool		oauth_scope_within(struct span list, struct span in);
/* The words of both, each once, in their order; what is no word of a scope is left out.  E_TOOBIG, E_NOMEM. */
must_check int	oauth_scope_union(struct span a, struct span b, struct arena *arena, struct span *out);

#endif
