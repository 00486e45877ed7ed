/* SPDX-License-Identifier: Apache-2.0
 *
 * standin.c - the first master of a supervisor that knows it by its pid
 *
 * Process: master, whose place another one has taken; and the one that has.
 * Owns:    nothing but its end of the pair.
 * Trusts:  the masters for the pid of the next one.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/log.h"
#include "master/master.h"
#include "master/standin.h"

static void
signals_of_interest(sigset_t *set)
{
	static const int	all[] = { SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGCHLD };

	sigemptyset(set);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		sigaddset(set, all[i]);
}

void
standin_block(void)
{
	sigset_t	set;

	signals_of_interest(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

/* Its masters' children come to us when their parent has ended; only the one that serves counts. */
static bool
reap(pid_t pid, int *exit_code)
{
	bool	over = false;
	pid_t	one;
	int	status;

	while ((one = waitpid(-1, &status, WNOHANG)) > 0)
		if (one == pid) {
			over = true;
			*exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
		}
	return over;
}

static void
pass_signals(int fd, pid_t pid)
{
	struct signalfd_siginfo	si;

	while (read(fd, &si, sizeof(si)) == (ssize_t)sizeof(si))
		if (si.ssi_signo != SIGCHLD)
			kill(pid, (int)si.ssi_signo);
}

int
standin_run(int fd, pid_t pid)
{
	sigset_t	set;
	struct pollfd	p[2] = { { .fd = fd, .events = POLLIN } };
	int32_t		next;
	ssize_t		n;
	int		code = EX_SOFTWARE;

	signals_of_interest(&set);
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	p[1] = (struct pollfd){ .fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK), .events = POLLIN };
	for (;;) {
		/* The next one says so before the one before it ends. */
		while (p[0].fd != -1 && (n = recv(fd, &next, sizeof(next), MSG_DONTWAIT)) != -1) {
			if (n == (ssize_t)sizeof(next) && next > 0)
				pid = next;
			if (n == 0)
				p[0].fd = -1;
		}
		if (reap(pid, &code))
			return code;
		(void)poll(p, 2, -1);
		pass_signals(p[1].fd, pid);
	}
}

/* As when a master is killed: children see the end of their channels. */
static void
on_standin(struct loop_io *io, unsigned what, void *arg)
{
	struct master	*m = arg;
	char		 byte;

	(void)io;
	(void)what;
	if (recv(m->heir.standin_fd, &byte, 1, MSG_DONTWAIT) == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	log_err(NULL, "the process that a supervisor knows this gateway by is gone: leaving");
	_exit(EX_UNAVAILABLE);
}

void
standin_watch(struct master *m)
{
	if (m->heir.standin_fd == -1)
		return;
	loop_io_init(m->loop, &m->standin_io, m->heir.standin_fd, on_standin, m);
	loop_io_arm(&m->standin_io, LOOP_READ);
	m->standin_watched = true;
}

void
standin_fini(struct master *m)
{
	if (m->standin_watched)
		loop_io_fini(&m->standin_io);
	m->standin_watched = false;
}
