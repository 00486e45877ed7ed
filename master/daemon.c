/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon.c - into the background; who started us waits until we serve
 *
 * Process: master and, until it is told, the process that the operator started.
 * Owns:    the pipe between the two.
 * Trusts:  nothing comes in.
 */
#include <signal.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/log.h"
#include "master/daemon.h"

static int	tell_fd = -1;

static _Noreturn void
parent_wait(int fd)
{
	unsigned char	code = EX_SOFTWARE;

	while (read(fd, &code, 1) == -1)
		;
	_exit(code);
}

void
daemon_enter(void)
{
	int	pair[2];

	if (pipe(pair) == -1)
		fatal(EX_OSERR, "pipe: %m");
	switch (fork()) {
	case -1:
		fatal(EX_OSERR, "fork: %m");
	case 0:
		break;
	default:
		fd_close(&pair[1]);
		parent_wait(pair[0]);
	}
	fd_close(&pair[0]);
	tell_fd = pair[1];
	if (fd_set_cloexec(tell_fd, true) != 0 || setsid() == -1)
		fatal(EX_OSERR, "session: %m");
}

void
daemon_tell(int exit_code)
{
	unsigned char	code = (unsigned char)exit_code;

	if (tell_fd == -1)
		return;
	(void)!write(tell_fd, &code, 1);
	fd_close(&tell_fd);
}
