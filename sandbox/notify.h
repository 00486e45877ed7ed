/* SPDX-License-Identifier: Apache-2.0
 *
 * notify.h - the seccomp listener: what a tool was refused (threats-and-jail J6)
 *
 * Poll the listener for POLLIN, then take.  POLLHUP: no process of the jail is left.
 */
#ifndef SANDBOX_NOTIFY_H
#define SANDBOX_NOTIFY_H

#include <stdint.h>

#include "lib/err.h"

struct notify_event {
	int		 syscall;	/* number */
	const char	*name;		/* "socket"; "" when unknown; static */
	int		 domain;	/* AF_* of socket(); -1 for other calls */
	int		 type;		/* SOCK_*, without flags */
	const char	*wanted;	/* for people: "network (IPv4)", "unix socket"...; static */
};

/* Takes one notification and answers it with EACCES; never blocks.  0, E_AGAIN (none, or its process
 * died meanwhile), E_CLOSED (nobody is left to notify) or E_SYS. */
must_check int	notify_take(int fd, struct notify_event *out);

#endif
