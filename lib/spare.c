/* SPDX-License-Identifier: Apache-2.0
 *
 * spare.c - a descriptor in reserve
 *
 * Process: whoever listens.  Owns: nothing, the reserve is its caller's.
 */
#include <fcntl.h>
#include <sys/socket.h>

#include "lib/fd.h"
#include "lib/spare.h"

void
spare_take(int *spare, int any)
{
	if (*spare == -1)
		*spare = fcntl(any, F_DUPFD_CLOEXEC, 0);
}

int
spare_accept(int *spare, int listening)
{
	fd_close(spare);
	return accept4(listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
}
