/* SPDX-License-Identifier: Apache-2.0
 *
 * standin.h - the first master of a supervisor that knows it by its pid
 *
 * A service manager with a notification socket is told the new master's pid.  Any other supervisor (a terminal, a
 * container, runit) waits for the process it started: that one stays, passes signals on, and ends as its master does.
 */
#ifndef MASTER_STANDIN_H
#define MASTER_STANDIN_H

#include <sys/types.h>

struct master;

/* The loop is over and all is released; fd: our end of the pair that the masters hold, pid: the one that serves.
 * Answers its exit code. */
int	standin_run(int fd, pid_t pid);
/* Signals wait from here on, for standin_run() to pass on. */
void	standin_block(void);

/* A master that serves under one ends at once when that was killed. */
void	standin_watch(struct master *m);
void	standin_fini(struct master *m);

#endif
