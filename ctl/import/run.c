/* SPDX-License-Identifier: Apache-2.0
 *
 * run.c - short questions to programs of the user's, as the user
 *
 * Process: mcpgwctl, and the program for as long as it is asked.
 * Owns:    the child.
 * Trusts:  programs on the caller's PATH, as the caller's shell does; nothing of what they answer.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ctl/import/run.h"
#include "lib/clock.h"
#include "lib/fd.h"

static _Noreturn void
child(const char *const *argv, const char *folder, int out)
{
	int	null = open("/dev/null", O_RDWR | O_CLOEXEC);

	(void)setpgid(0, 0);
	signal(SIGPIPE, SIG_DFL);
	if (null == -1 || dup2(null, STDIN_FILENO) == -1 || dup2(out, STDOUT_FILENO) == -1 ||
	    dup2(null, STDERR_FILENO) == -1 || (folder != NULL && chdir(folder) == -1))
		_exit(127);
	execv(argv[0], (char *const *)(uintptr_t)argv);
	_exit(127);
}

/* What comes, up to the end or the deadline; more than there is room for is read and dropped. */
static int
take(int fd, uint64_t until, char *to, size_t room)
{
	struct pollfd	poll_fd = { .fd = fd, .events = POLLIN };
	char		rest[4096];
	size_t		used = 0;
	uint64_t	now;
	ssize_t		n;

	for (;;) {
		bool	full = used == room - 1;

		to[used] = '\0';
		if ((now = clock_mono_ms()) >= until || poll(&poll_fd, 1, (int)(until - now)) == 0)
			return E_TIMEOUT;
		n = read(fd, full ? rest : to + used, full ? sizeof(rest) : room - 1 - used);
		if (n == 0)
			return 0;
		if (n == -1 && errno != EINTR)
			return E_SYS;
		if (n > 0 && !full)
			used += (size_t)n;
	}
}

int
run_read(const char *const *argv, const char *folder, unsigned timeout_ms, char *to, size_t room)
{
	const struct timespec nap = { 0, 2000000 };
	const uint64_t	until = clock_mono_ms() + timeout_ms;
	int		pair[2], status = 0, r;
	pid_t		pid;

	to[0] = '\0';
	if (pipe2(pair, O_CLOEXEC) == -1)
		return E_SYS;
	fflush(stdout);
	if ((pid = fork()) == 0)
		child(argv, folder, pair[1]);
	fd_close(&pair[1]);
	r = pid == -1 ? E_SYS : take(pair[0], until, to, room);
	fd_close(&pair[0]);
	if (pid == -1)
		return r;
	/* It may live on after it closed its stdout. */
	while (r == 0 && waitpid(pid, &status, WNOHANG) == 0) {
		nanosleep(&nap, NULL);
		if (clock_mono_ms() >= until)
			r = E_TIMEOUT;
	}
	if (r != 0) {
		(void)kill(-pid, SIGKILL);
		while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
			;
	}
	if (r == 0 && (!WIFEXITED(status) || WEXITSTATUS(status) != 0))
		r = E_FORMAT;
	return r;
}

bool
run_may(const char *path)
{
	char		 part[PATH_MAX];
	char		*slash = part;
	struct stat	 st;

	if (geteuid() != 0)
		return true;
	if (realpath(path, part) == NULL)
		return false;
	for (;;) {
		/* In a sticky folder nobody takes the place of what is root's. */
		if (stat(part, &st) == -1 || st.st_uid != 0 ||
		    ((st.st_mode & 022) != 0 && (st.st_mode & (S_ISVTX | S_IFMT)) != (S_ISVTX | S_IFDIR)))
			return false;
		if ((slash = strrchr(part, '/')) == NULL || slash == part)
			return true;
		*slash = '\0';
	}
}
