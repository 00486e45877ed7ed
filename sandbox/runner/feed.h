/* SPDX-License-Identifier: Apache-2.0
 *
 * feed.h - lines on their way into a tool's stdin
 *
 * A line that was begun is written to its end before any other; nothing here ever blocks.
 */
#ifndef SANDBOX_RUNNER_FEED_H
#define SANDBOX_RUNNER_FEED_H

#include "lib/err.h"
#include "lib/loop.h"

struct feed_line;

/* The line with this tag is in the pipe. */
typedef void feed_done_fn(void *tag);
/* The pipe took what it had room for, or is broken. */
typedef void feed_moved_fn(void *arg);

struct feed {
	int			  fd;		/* owned; -1 closed */
	bool			  broken;	/* the tool closed its end */
	struct feed_line	 *first, **last;
	size_t			  own_bytes;	/* of the lines without a tag: the runner's own */
	size_t			  reply_bytes;	/* of the lines that are clients' replies */
	uint64_t		  moved_ms;	/* when the pipe last took something, or had nothing to take */
	struct loop_io		  io;
	feed_done_fn		 *done;
	feed_moved_fn		 *moved;
	void			 *arg;
};

/* Takes fd and makes it non-blocking. */
must_check int	feed_init(struct feed *f, struct loop *l, int fd, feed_done_fn *done,
		    feed_moved_fn *moved, void *arg);
/* Closes the descriptor, forgets what is left. */
void		feed_fini(struct feed *f);

/* Queues *data (malloc'ed, ends in a line feed), which is the feed's then and NULL afterwards, also on
 * error.  tag is NULL for a line of the runner's own.  E_CLOSED, E_NOMEM. */
must_check int	feed_take(struct feed *f, char **data, size_t bytes, void *tag);
/* The same for a client's reply to the tool, which is not the runner's own line. */
must_check int	feed_take_reply(struct feed *f, char **data, size_t bytes);
/* Was any byte of the line with this tag written? */
bool		feed_begun(const struct feed *f, const void *tag);
/* Forgets the tag; a line that was not begun is dropped with it. */
void		feed_drop(struct feed *f, const void *tag);
/* Writes what the pipe takes, then calls moved(). */
void		feed_flush(struct feed *f);

#endif
