/* SPDX-License-Identifier: Apache-2.0
 *
 * private.h - a gateway for this client alone, made of the seed's files, gone when we are
 */
#ifndef STDIO_PRIVATE_H
#define STDIO_PRIVATE_H

#include <sys/types.h>

#include "lib/where.h"
#include "stdio/seed.h"

struct private {
	pid_t	pid;			/* of mcpgw -p; 0: none */
	int	hold;			/* its standard input: it ends when we let go */
	int	slot;			/* lock on state_dir, for our whole life */
	char	dir[PATH_MAX];		/* its configuration folder; empty: not made */
	char	state[PATH_MAX], socket[PATH_MAX];
};

#define PRIVATE_TOLD	(-1)

/* Starts it and waits until it serves.  0; PRIVATE_TOLD: there is something in signal_fd (-1: none); or the exit
 * code to leave with, after saying why.  private_end() in any case. */
must_check int	private_start(struct private *p, const struct where *w, struct seed *s, int signal_fd);
bool		private_lives(struct private *p);
/* Lets go of it and waits, bounded, until nothing of it is left. */
void		private_end(struct private *p);

#endif
