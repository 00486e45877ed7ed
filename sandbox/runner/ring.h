/* SPDX-License-Identifier: Apache-2.0
 *
 * ring.h - the last lines of what a server's tools wrote to stderr, and when each tool came and went
 *
 * A line is "MILLISECONDS PID KIND TEXT": wall clock since 1970, the jail's pid, a word of a few letters ("start",
 * "stderr", "exit", "wait").  The text is the tool's for "stderr": without control bytes, but in no known
 * encoding, and long ones come in pieces.
 */
#ifndef SANDBOX_RUNNER_RING_H
#define SANDBOX_RUNNER_RING_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/err.h"
#include "lib/span.h"

#define RING_BYTES	(1024 * 1024)
#define RING_TEXT	1000		/* bytes of one line's text */

struct ring {
	struct ring	*next;
	char		name[256];	/* of the server: its log outlives its profiles */
	char		*data;		/* allocated with the first byte; without memory nothing is kept */
	size_t		 at;		/* where the next byte goes */
	uint64_t	 total;		/* ever put */
};

/* stderr of one tool, on its way to lines. */
struct ring_tail {
	char	line[160];		/* the last one, for messages: nothing but printable ASCII; with a NUL */
	char	next[RING_TEXT];	/* being written */
	size_t	bytes;
};

/* The ring of this name in the list, made when it is new; NULL without memory.  It stays until rings_drop(). */
struct ring *ring_of(struct ring **list, const char *name);
/* Frees those whose name `keep` does not want. */
void	rings_drop(struct ring **list, bool (*keep)(const char *name, void *arg), void *arg);
void	ring_fini(struct ring *r);
/* `text` is cut at RING_TEXT. */
void	ring_line(struct ring *r, uint64_t wall_ms, uint32_t pid, const char *kind, struct span text);
/* All lines, oldest first, in a sealed memfd that is the caller's.  0, E_NOMEM or E_SYS. */
must_check int	ring_memfd(const struct ring *r, int *fd, uint64_t *bytes);

/* Bytes of stderr; whole lines go to the ring. */
void	ring_tail_put(struct ring_tail *t, struct ring *r, uint64_t wall_ms, uint32_t pid, struct span bytes);
/* The tool is gone: what it had begun is a line too. */
void	ring_tail_end(struct ring_tail *t, struct ring *r, uint64_t wall_ms, uint32_t pid);
/* The last line that was not blank; an unfinished one counts.  "" when there was none. */
const char *ring_tail_line(struct ring_tail *t);

#endif
