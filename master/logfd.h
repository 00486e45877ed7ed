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

/* Where there is no log daemon and stderr is a terminal or a pipe, which would wait for our end or be gone before it:
 * makes LOGFD_FILE in this folder stderr, for logfd_open() to copy; made again when it was moved away.  True: it is. */
#define LOGFD_FILE	"mcpgw.log"
bool	logfd_to_file(int folder);

#endif
