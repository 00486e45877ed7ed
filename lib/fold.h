/* SPDX-License-Identifier: Apache-2.0
 *
 * fold.h - texts as they look: without case, look-alikes the same, what is not seen left out
 *
 * For comparing names and finding words, never for showing or keeping: what was folded is not what was written.
 */
#ifndef LIB_FOLD_H
#define LIB_FOLD_H

#include <stdint.h>

#include "lib/span.h"

#define FOLD_NOT_UTF8	0xfffdu

/* The code point that s, which is not empty, begins with, and its bytes; FOLD_NOT_UTF8 and 1 for what is none. */
size_t		fold_next(struct span s, uint32_t *code);
/* What tables/confusables.def has for it: a character, or 0: nothing. */
uint32_t	fold_char(uint32_t code);
/* The whole text, into `to`, which has room for s.n bytes; it is never longer.  from, unless NULL: as many places, for
 * where each byte comes from. */
struct span	fold_text(struct span s, char *to, uint32_t *from);
/* The same of a name: "-" is "_" too. */
struct span	fold_name(struct span s, char *to);
/* Do two names look the same?  Neither may have more than FOLD_NAME_MAX bytes; longer ones do not. */
#define FOLD_NAME_MAX	512
bool		fold_alike(struct span a, struct span b);

#endif
