/* SPDX-License-Identifier: Apache-2.0
 *
 * words.h - from a program's template and a call's values to its arguments (T15)
 *
 * A value never becomes more than one argument unless its slot is an array, never an argument's name, and
 * never anything for a shell: there is none.  One that would begin a word with "-" is refused, unless its slot
 * says otherwise or a literal "--" stands before it.
 */
#ifndef POLICY_WORDS_H
#define POLICY_WORDS_H

#include "policy/slots.h"

#define WORDS_MAX	1024			/* arguments of one call */
#define WORDS_BYTES	(256 * 1024)		/* all of them together */
#define WORD_VALUES_MAX	32			/* of slots, in one word */

/* One word, and where in it a slot's value stands, in order: the rest is the operator's. */
struct word {
	struct span	text;
	struct {
		size_t	at, bytes;
	} values[WORD_VALUES_MAX];
	size_t		value_count;
};

/* The word is borrowed.  Answers 0, or what ends the expansion. */
typedef int word_fn(const struct word *word, void *arg);

/* Says each word behind the program's name.  `values` passed slots_check().  0; E_RANGE with why for the client;
 * E_TOOBIG, E_NOMEM, E_FORMAT (the snapshot contradicts itself); or what fn answered. */
must_check int	words_expand(const struct snap *s, const struct rec_tool *t, const struct slot_values *values,
		    word_fn *fn, void *arg, char *why, size_t why_bytes);
/* Appends what stdin gets.  0, E_TOOBIG, E_NOMEM or E_FORMAT. */
must_check int	words_input(const struct snap *s, const struct rec_tool *t, const struct slot_values *values,
		    struct buf *to);

#endif
