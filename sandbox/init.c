/* SPDX-License-Identifier: Apache-2.0
 *
 * init.c - pid 1 of a jail: reaps, waits for the end of the lifeline, and nothing else
 *
 * Process: the in-jail init; the spawner's image, with all of the spawner's data given away.
 * Owns:    the read end of the lifeline.  The runner holds the only other one.
 * Trusts:  nobody in the jail: they share its pid namespace, and could signal it if Landlock did not
 *          forbid that; the kernel lets no signal without a handler through to pid 1.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox/caps.h"
#include "sandbox/init.h"
#include "sandbox/inside.h"
#include "sandbox/seccomp.h"

static volatile sig_atomic_t asked_to_stop;

static void
on_term(int sig)
{
	(void)sig;
	asked_to_stop = 1;
}

static void
on_child(int sig)
{
	(void)sig;
}

void
init_prepare(void)
{
	const struct sigaction	term = { .sa_handler = on_term }, child = { .sa_handler = on_child };
	sigset_t		all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	sigaction(SIGTERM, &term, NULL);
	sigaction(SIGCHLD, &child, NULL);
}

int
init_confine(void *private_memory, size_t private_bytes, bool dumpable)
{
	if (private_bytes != 0 && munmap(private_memory, private_bytes) == -1)
		return E_SYS;
	if (syscall(SYS_close_range, 0, INSIDE_STATUS - 1, 0) == -1 ||
	    syscall(SYS_close_range, INSIDE_LIFELINE + 1, ~0U, 0) == -1)
		return E_SYS;
	prctl(PR_SET_NAME, "mcpgw-init", 0, 0, 0);
	if (prctl(PR_SET_DUMPABLE, dumpable, 0, 0, 0) == -1 || caps_drop() != 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		return E_SYS;
	return seccomp_install_role(BY_INIT);
}

/* Reaps what has ended; answers when that was the tool. */
static bool
reap(pid_t tool, int *status)
{
	pid_t	pid;
	int	s;

	while ((pid = waitpid(-1, &s, WNOHANG)) > 0)
		if (pid == tool) {
			*status = s;
			return true;
		}
	return pid == -1 && errno == ECHILD;
}

void
init_run(pid_t tool, int lifeline)
{
	struct pollfd	p = { .fd = lifeline, .events = POLLIN };
	sigset_t	none;
	char		byte;
	int		status = 0;

	sigemptyset(&none);
	for (;;) {
		int n = ppoll(&p, 1, NULL, &none);

		if (n == 1) {
			if (read(lifeline, &byte, 1) <= 0)
				_exit(0);
			asked_to_stop = 1;
		}
		if (asked_to_stop) {
			asked_to_stop = 0;
			kill(-1, SIGTERM);
		}
		if (reap(tool, &status))
			_exit(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
	}
}
