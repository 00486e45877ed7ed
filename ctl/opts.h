/* SPDX-License-Identifier: Apache-2.0
 *
 * opts.h - the options of one command: --name value, --name=value, --flag
 */
#ifndef CTL_OPTS_H
#define CTL_OPTS_H

#include <stdbool.h>
#include <stddef.h>

struct opt {
	const char	 *name;		/* with its dashes; the last row has NULL */
	const char	**value;	/* takes a value; or */
	bool		 *flag;		/* is one */
};

/* The command that the options are of, for what is said of them; without it: none. */
void		opts_of(const char *words, const char *arguments);
/* Takes the options out of argv and leaves the other words in front; answers how many those are.
 * Exits with EX_USAGE on an unknown option, a missing value, or fewer than min or more than max
 * words. */
int		opts_take(const struct opt *rows, int argc, char **argv, int min, int max);
/* Takes each "NAME value" and "NAME=value" of an option that may come again and again out of argv, and puts the values
 * into `to`, with a blank between them.  Answers how many arguments are left.  Exits with EX_USAGE when a value is
 * missing, empty, or has blanks or control characters, or when all are more than `room` holds. */
int		opts_take_words(const char *name, int argc, char **argv, char *to, size_t room);
/* The one that looks most like `word`, or NULL when none does.  Texts of the list are borrowed. */
const char	*opts_nearest(const char *word, const char *const *list);

#endif
