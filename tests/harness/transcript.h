/* SPDX-License-Identifier: Apache-2.0
 *
 * transcript.h - what an operator types and sees, from a text file, compared by its shape
 *
 * A file has a head of settings, then `== steps`.  See tests/integration/transcripts/README.
 */
#ifndef TESTS_HARNESS_TRANSCRIPT_H
#define TESTS_HARNESS_TRANSCRIPT_H

#include <stdbool.h>

/* Has the line this shape?  Marks in angle brackets stand for values; two blanks and more for as many or
 * more.  Fails the test for a mark that there is none of. */
bool	transcript_line_matches(const char *shape, const char *line);
/* The same of lines: "..." stands for any number of them.  The first line of `shapes` that is not met, or NULL. */
const char *transcript_matches(const char *shapes, const char *text);

/* Plays one file against a gateway of its own. */
void	transcript_play(const char *path);

#endif
