/* SPDX-License-Identifier: Apache-2.0
 *
 * out.h - messages on their way to the client, each a line, one after the other
 */
#ifndef STDIO_OUT_H
#define STDIO_OUT_H

#include "lib/buf.h"

#define OUT_HIGH	(1024u * 1024)		/* nothing is read from anywhere while so much waits */

struct out {
	int		fd;		/* polled and written */
	int		own;		/* -1, or fd: opened by us */
	bool		socket;
	struct buf	queue;
};

/* For this descriptor, whose flags are left alone: others may have the same. */
void		out_init(struct out *o, int fd);
void		out_fini(struct out *o);
/* Queues one JSON text as a line; line feeds between its tokens become blanks.  0, E_TOOBIG or E_NOMEM:
 * the client would miss it. */
must_check int	out_line(struct out *o, struct span json);
/* Writes what can be written.  0; E_AGAIN: something is left; E_CLOSED: nobody reads any more. */
must_check int	out_flush(struct out *o);

static inline bool
out_is_full(const struct out *o)
{
	return o->queue.used - o->queue.at >= OUT_HIGH;
}

static inline bool
out_is_empty(const struct out *o)
{
	return o->queue.used == o->queue.at;
}

#endif
