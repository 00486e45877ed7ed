/* SPDX-License-Identifier: Apache-2.0
 *
 * jail_end.h - how a jail ends, whatever runs in it: times, the status, what its descriptors are handed over by
 */
#ifndef SANDBOX_RUNNER_JAIL_END_H
#define SANDBOX_RUNNER_JAIL_END_H

#include <sys/wait.h>

#define LEFT_WAIT_MS	500	/* from the end of a pipe or process to the reason why */
#define KILL_WAIT_MS	5000	/* from the end of the lifeline to that of the jail */

/* The signal that ended what ran in the jail, or 0: the jail's init passes it on as 128 + number. */
static inline int
jail_end_signal(int status)
{
	if (WIFSIGNALED(status))
		return WTERMSIG(status);
	return WIFEXITED(status) && WEXITSTATUS(status) > 128 && WEXITSTATUS(status) < 128 + 65 ?
	    WEXITSTATUS(status) - 128 : 0;
}

/* A descriptor of a message is ours from here on. */
static inline int
jail_take_fd(int *from)
{
	int	fd = *from;

	*from = -1;
	return fd;
}

#endif
