/* SPDX-License-Identifier: Apache-2.0
 *
 * strays.c - descendants without a pid namespace: whoever reaps them ends them
 *
 * Process: the init of a reduced jail; the spawner.  Owns: nothing.
 * Trusts:  the kernel's list of our own children: none of them can be another process before we reap it.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sandbox/strays.h"

#define LIST_BYTES	4096
#define BREATH_NS	1000000	/* for the dying to die */

int
strays_adopt(int *fd)
{
	char	path[64];

	*fd = -1;
	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == -1)
		return E_SYS;
	snprintf(path, sizeof(path), "/proc/self/task/%ld/children", (long)getpid());
	*fd = open(path, O_RDONLY | O_CLOEXEC);
	return *fd == -1 ? E_SYS : 0;
}

unsigned
strays_kill(int fd, strays_keep_fn *keep, const void *arg)
{
	char		 list[LIST_BYTES + 1], *at = list, *end;
	unsigned	 n = 0;
	ssize_t		 got = pread(fd, list, LIST_BYTES, 0);
	long		 pid;

	/* A number that was cut in two is left for the next time. */
	while (got > 0 && got == LIST_BYTES && list[got - 1] != ' ')
		got--;
	list[got > 0 ? got : 0] = '\0';
	while ((pid = strtol(at, &end, 10)) > 0 && end != at) {
		at = end;
		if (keep != NULL && keep((pid_t)pid, arg))
			continue;
		(void)kill((pid_t)pid, SIGKILL);
		(void)waitpid((pid_t)pid, NULL, WNOHANG);
		n++;
	}
	return n;
}

void
strays_end(int fd)
{
	static const struct timespec	breath = { 0, BREATH_NS };
	pid_t				pid;

	for (;;) {
		(void)strays_kill(fd, NULL, NULL);
		while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
			;
		if (pid == -1 && errno == ECHILD)
			return;
		(void)ppoll(NULL, 0, &breath, NULL);
	}
}
