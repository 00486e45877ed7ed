/* SPDX-License-Identifier: Apache-2.0
 *
 * redirect.h - where a browser comes back to: a loopback port, until it did
 */
#ifndef CTL_REDIRECT_H
#define CTL_REDIRECT_H

#include <stdint.h>

#include "lib/span.h"

#define REDIRECT_URL	128
#define REDIRECT_BYTES	(16 * 1024)

struct redirect {
	int		fd;		/* listening, or -1 */
	int		conn;		/* the browser's, that waits for an answer; or -1 */
	char		url[REDIRECT_URL];
	char		path[REDIRECT_URL];
	char		head[REDIRECT_BYTES];	/* the request at hand */
};

/* Listens at a port of its own.  0, or the exit code; why was said. */
int	redirect_open(struct redirect *r);
/* Listens where this url says, in the place of that.  0, or the exit code; why was said. */
int	redirect_move(struct redirect *r, struct span url);
/* Waits for a browser that comes to the url's path with a query, until then (lib/clock.h); others are told 404.  0 with
 * *query, borrowed until the next call; or the exit code, without a word: nobody came. */
int	redirect_wait(struct redirect *r, uint64_t until_ms, struct span *query);
/* What the browser shows.  No-op when none waits. */
void	redirect_answer(struct redirect *r, bool done, const char *text);
void	redirect_close(struct redirect *r);

#endif
