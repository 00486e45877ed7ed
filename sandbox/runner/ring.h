/* SPDX-License-Identifier: Apache-2.0
 *
 * ring.h - the last bytes of what a server's tools wrote to stderr
 */
#ifndef SANDBOX_RUNNER_RING_H
#define SANDBOX_RUNNER_RING_H

#include <stdint.h>

#include "lib/span.h"

#define RING_BYTES	(64 * 1024)

struct ring {
	char		*data;		/* allocated with the first byte; without memory nothing is kept */
	size_t		 at;		/* where the next byte goes */
	uint64_t	 total;		/* ever put */
};

/* The last line of one tool, for messages: control bytes and half characters become '?'. */
struct ring_tail {
	char	line[160];		/* with a NUL */
	char	next[160];		/* being written */
	size_t	bytes;
};

void	ring_fini(struct ring *r);
void	ring_put(struct ring *r, struct span bytes);

void	ring_tail_put(struct ring_tail *t, struct span bytes);
/* The last line that was not blank; an unfinished one counts.  "" when there was none. */
const char *ring_tail_line(struct ring_tail *t);

#endif
