/* SPDX-License-Identifier: Apache-2.0
 *
 * logfd.h - log descriptors: one connection to the log daemon per process
 */
#ifndef MASTER_LOGFD_H
#define MASTER_LOGFD_H

#include <stdbool.h>

#include "lib/err.h"

/* A connected, non-blocking datagram socket to /dev/log, close-on-exec; in the foreground, or where
 * no log daemon listens, a copy of stderr.  *syslog tells which; *fd is the caller's.  0 or E_SYS. */
must_check int	logfd_open(bool foreground, int *fd, bool *syslog);

#endif
