/* SPDX-License-Identifier: Apache-2.0
 *
 * pindiff.h - what two definitions of a tool have different, for people
 */
#ifndef CTL_SHOW_PINDIFF_H
#define CTL_SHOW_PINDIFF_H

#include <stdio.h>

#include "lib/json.h"

#define PINDIFF_WORDS	128

/* Both proven, or JSON_NONE: there is none.  A line for each line of text that is gone ("- ") or new ("+ "); all
 * but the description's begin with where they stand.  Behind a new one in which something was found stands
 * "! suspicious".  How many lines. */
size_t		pindiff_print(FILE *f, struct json_value from, struct json_value to);
/* Every field with where it stands, a line each. */
void		pindiff_print_whole(FILE *f, struct json_value of);
/* "description changed, 1 new argument"; in `to`. */
const char	*pindiff_words(struct json_value from, struct json_value to, char words[PINDIFF_WORDS]);
/* A text with what is not seen written out, as <U+200B>. */
void		pindiff_print_text(FILE *f, struct span text);

#endif
