/* SPDX-License-Identifier: Apache-2.0
 *
 * strays.h - descendants without a pid namespace: whoever reaps them ends them
 *
 * A subreaper inherits what its dead children leave, so that all descendants become its children by and
 * by, and are killed as such, until there are none.
 */
#ifndef SANDBOX_STRAYS_H
#define SANDBOX_STRAYS_H

#include <stdbool.h>
#include <sys/types.h>

#include "lib/err.h"

/* Makes this process the subreaper of what it starts.  *fd, the caller's, lists its children; it stays
 * readable when no file can be opened any more.  0 or E_SYS. */
must_check int	strays_adopt(int *fd);
/* Kills all children but those that `keep` (may be NULL) says yes to, once, and reaps who is dead.  How many
 * there were. */
typedef bool	strays_keep_fn(pid_t pid, const void *arg);
unsigned	strays_kill(int fd, strays_keep_fn *keep, const void *arg);
/* Kills and reaps until there is no child: whoever forks meanwhile is outrun. */
void		strays_end(int fd);

#endif
