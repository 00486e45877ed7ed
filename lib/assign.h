/* SPDX-License-Identifier: Apache-2.0
 *
 * assign.h - lines of `name = value` with continuations, and $names in the values: mcpgw.conf(5)
 *
 * The grammar alone, in one place: mcpgw-compile knows what the names mean and what is wrong with a
 * value; mcpgw-stdio reads the same files for one of them.
 */
#ifndef LIB_ASSIGN_H
#define LIB_ASSIGN_H

#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/err.h"
#include "lib/span.h"

enum assign_kind {
	ASSIGN_SETTING,
	ASSIGN_NO_EQUALS,	/* text is the line */
	ASSIGN_STRAY,		/* begins with a blank, but there is no line to continue */
};

struct assign {
	enum assign_kind	kind;
	struct span		text, name, value;	/* trimmed; of the text, or of the arena */
	uint32_t		line, column;		/* of the value, or of what is wrong */
	uint32_t		last_line;		/* where its continuations end */
};

struct assign_reader {
	struct span	 rest;
	struct arena	*arena;		/* for lines that have continuations */
	struct span	 text;		/* of the line that may go on; line 0: none */
	uint32_t	 text_line, text_last, line;
};

/* The text and the arena are borrowed until the last assign_next(). */
void		assign_init(struct assign_reader *r, struct span text, struct arena *arena);
/* The next assignment: 0; E_EOF behind the last; E_NOMEM. */
must_check int	assign_next(struct assign_reader *r, struct assign *out);

/* Appends what a name stands for: a parameter's when it begins with a small letter, else an environment
 * variable's.  Not 0 ends the expansion with that error. */
typedef int assign_value_fn(struct span name, bool parameter, struct buf *to, void *arg);
/* $name and ${name} are what fn says, $$ is a dollar sign.  0, E_FORMAT (a $ without a name), E_TOOBIG,
 * E_NOMEM, or what fn answered. */
must_check int	assign_expand(struct span raw, struct buf *to, assign_value_fn *fn, void *arg);

#endif
