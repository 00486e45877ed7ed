/* SPDX-License-Identifier: Apache-2.0
 *
 * strike.h - texts that somebody else may read: what is or may be a secret is struck out
 *
 * Two ways together.  Places: values below "env" and "headers", of names that say so, behind options that say so.
 * Then, in any text: the values found in those places and in secrets/, passwords in URLs, and what looks like a key.
 */
#ifndef CTL_FILES_STRIKE_H
#define CTL_FILES_STRIKE_H

#include <stdbool.h>

#include "lib/buf.h"
#include "lib/span.h"

#define STRUCK		"***"
#define STRIKE_LEAST	6	/* shorter values are struck in their places, but not searched for everywhere */
#define STRIKE_VALUES	4096

struct strike {
	char	*values[STRIKE_VALUES];		/* malloc'ed */
	size_t	 count;
	bool	 begins[256];	/* a value with this byte */
};

/* A value that is to be found in no text; copied.  More than there is room for ends the program: nothing is written
 * then. */
void	strike_value(struct strike *s, struct span value);
void	strike_free(struct strike *s);

/* Does this name of a variable, header, member or option tell of a secret? */
bool	strike_is_secret_name(struct span name);

/* Appends the text without what stands in the places, and takes note of the values.  JSON may have comments; `yaml`:
 * a file of tools.d; else lines of NAME = VALUE.  0; E_FORMAT: it cannot be understood, and nothing of it may be shown;
 * E_TOOBIG or E_NOMEM. */
must_check int	strike_json(struct strike *s, struct span text, struct buf *to);
must_check int	strike_lines(struct strike *s, struct span text, bool yaml, struct buf *to);
/* Appends it without the values noted so far, and without what looks like a key.  Last, when all were noted. */
must_check int	strike_text(const struct strike *s, struct span text, struct buf *to);

#endif
