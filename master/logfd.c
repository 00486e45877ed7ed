/* SPDX-License-Identifier: Apache-2.0
 *
 * logfd.c - log descriptors: one connection to the log daemon per process
 *
 * Process: master.  Owns: nothing.  Trusts: /dev/log, which is the system's.
 *
 * Each process has a connection of its own, so that one that fills its queue delays nobody else.  A file is one for
 * all: lines are appended whole.
 */
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/fd.h"
#include "master/logfd.h"

int
logfd_open(bool foreground, int *fd, bool *syslog)
{
	static const struct sockaddr_un daemon = { AF_UNIX, "/dev/log" };

	*syslog = !foreground;
	if (!foreground) {
		*fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		if (*fd != -1 && connect(*fd, (const struct sockaddr *)&daemon, sizeof(daemon)) == 0)
			return 0;
		fd_close(fd);
		*syslog = false;
	}
	*fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 5);
	return *fd == -1 ? E_SYS : 0;
}

bool
logfd_to_file(int folder)
{
	static bool	ours;
	struct stat	st;
	int		fd;

	if (!ours && (fstat(STDERR_FILENO, &st) == -1 || S_ISREG(st.st_mode) ||
	    (S_ISCHR(st.st_mode) && isatty(STDERR_FILENO) == 0)))
		return false;
	fd = openat(folder, LOGFD_FILE, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0640);
	if (fd == -1 || dup2(fd, STDERR_FILENO) == -1) {
		fd_close(&fd);
		return false;
	}
	fd_close(&fd);
	ours = true;
	return true;
}
