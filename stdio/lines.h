/* SPDX-License-Identifier: Apache-2.0
 *
 * lines.h - lines out of what the client writes, however it comes in pieces, bounded
 */
#ifndef STDIO_LINES_H
#define STDIO_LINES_H

#include "lib/buf.h"

#define LINES_MAX	(16u * 1024 * 1024)	/* of one line (mcp-wire 3.1) */
#define LINES_READ	(64u * 1024)

struct lines {
	struct buf	buf;
	size_t		scanned;	/* of the rest: no line feed in it */
	size_t		told;		/* of the rest: the line that was given out last, with its end */
	bool		skipping;	/* to the end of a line that is too long */
	bool		ended;
};

void		lines_init(struct lines *l);
void		lines_fini(struct lines *l);
/* Room for LINES_READ bytes to read into, then lines_commit().  0 or E_NOMEM. */
must_check int	lines_room(struct lines *l, char **room);
void		lines_commit(struct lines *l, size_t n);
/* Nothing comes after this; what stands there without a line feed is a line too. */
void		lines_end(struct lines *l);
/* The next line without its end, valid until the next call of any function here.  0; E_AGAIN: more is
 * needed; E_EOF; E_TOOBIG: there was one over LINES_MAX, it is gone, ask again. */
must_check int	lines_next(struct lines *l, struct span *line);

#endif
