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
#include "sandbox/strays.h"

static volatile sig_atomic_t asked_to_stop, asked_to_end;

static void
on_term(int sig)
{
	(void)sig;
	asked_to_stop = 1;
}

static void
on_end(int sig)
{
	(void)sig;
	asked_to_end = 1;
}

static void
on_child(int sig)
{
	(void)sig;
}

void
init_prepare(void)
{
	const struct sigaction	term = { .sa_handler = on_term }, child = { .sa_handler = on_child },
				end = { .sa_handler = on_end };
	sigset_t		all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	sigaction(SIGTERM, &term, NULL);
	sigaction(SIGCHLD, &child, NULL);
	sigaction(INIT_END_SIGNAL, &end, NULL);
}

int
init_confine(void *private_memory, size_t private_bytes, bool keep_children, bool dumpable)
{
	unsigned	last = keep_children ? INSIDE_CHILDREN : INSIDE_LIFELINE;

	if (private_bytes != 0 && munmap(private_memory, private_bytes) == -1)
		return E_SYS;
	if (syscall(SYS_close_range, 0, INSIDE_STATUS - 1, 0) == -1 ||
	    syscall(SYS_close_range, last + 1, ~0U, 0) == -1)
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

static _Noreturn void
leave(int code, int children)
{
	if (children != -1)
		strays_end(children);
	_exit(code);
}

void
init_run(pid_t tool, int lifeline, int children)
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
				leave(0, children);
			asked_to_stop = 1;
		}
		if (asked_to_end && children != -1)
			leave(128 + SIGKILL, children);
		if (asked_to_stop) {
			asked_to_stop = 0;
			kill(children == -1 ? -1 : -tool, SIGTERM);
		}
		if (reap(tool, &status))
			leave(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status), children);
	}
}
