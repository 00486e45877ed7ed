/* SPDX-License-Identifier: Apache-2.0
 *
 * run.h - short questions to programs of the user's, as the user
 */
#ifndef CTL_IMPORT_RUN_H
#define CTL_IMPORT_RUN_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/err.h"

/* The first `room` - 1 bytes of its stdout, with a NUL; its stderr and stdin are /dev/null.  argv[0] is a path.  0;
 * E_TIMEOUT; E_FORMAT: it exited with something else than 0; E_SYS. */
must_check int	run_read(const char *const *argv, const char *folder, unsigned timeout_ms, char *to, size_t room);
/* May we run it?  Root runs nothing that another user could have changed. */
bool		 run_may(const char *path);

#endif
