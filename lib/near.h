/* SPDX-License-Identifier: Apache-2.0
 *
 * near.h - the known name that an unknown one was probably meant to be
 */
#ifndef LIB_NEAR_H
#define LIB_NEAR_H

#include <stddef.h>

#include "lib/span.h"

#define NEAR_WORD_MAX	96		/* bytes; longer words are near nothing */

/* Insertions, deletions, replacements, and two neighbours exchanged ("statsu"), each one step; SIZE_MAX when a word is
 * longer than NEAR_WORD_MAX. */
size_t		near_distance(struct span a, struct span b);

/* The name of least edit distance, or NULL when none is within a third of its length.  name_of(i, arg)
 * for i < count; NULL names are skipped. */
typedef const char *near_name_fn(size_t i, const void *arg);
const char	*near_find(struct span word, near_name_fn *name_of, const void *arg, size_t count);

#endif
