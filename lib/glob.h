/* SPDX-License-Identifier: Apache-2.0
 *
 * glob.h - the patterns of rules: `*`, `?`, `[seq]`, `[!seq]`, over the whole text
 *
 * As fnmatch(3) without flags, but on UTF-8 characters in every locale, and without escapes: a
 * backslash is a backslash.  What a rules file may hold is narrower; glob_check() says so.
 */
#ifndef LIB_GLOB_H
#define LIB_GLOB_H

#include "lib/span.h"

/* Case counts.  Time grows with pattern.n * text.n at most. */
bool		glob_match(struct span pattern, struct span text);
/* No wildcard in it: it matches itself alone. */
bool		glob_is_exact(struct span pattern);
/* Is this a pattern of a rules file: not empty, at most one `*`, alone, leading or trailing, every
 * `[` closed?  NULL, or what is wrong with it, for people (static storage). */
const char	*glob_check(struct span pattern);

#endif
