/* SPDX-License-Identifier: Apache-2.0
 *
 * where.h - folders and sibling programs, before any configuration is read
 *
 * The defaults of config_dir, state_dir and run_dir for one of the two ways to run (operations.md 1).
 * mcpgw.conf may say otherwise for the last two; only the compiler reads it.
 */
#ifndef LIB_WHERE_H
#define LIB_WHERE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "lib/err.h"

/* How the name of a private gateway's folder begins: mcpgw -p removes no other. */
#define WHERE_PRIVATE	"mcpgw-private-"

struct where {
	bool	system;
	char	config_dir[PATH_MAX], state_dir[PATH_MAX], run_dir[PATH_MAX];
};

/* System: the fixed paths.  Personal: the XDG folders; a variable that is not set gets its default
 * in our environment too, so that programs we start expand the same.  E_NOTFOUND without a home,
 * E_TOOBIG. */
must_check int	where_init(struct where *w, bool system);

/* Makes each folder above the last part of a path that is not there yet, with this mode whatever the umask is.  What
 * is wrong shows when the path is used. */
void	where_make_above(const char *path, mode_t mode);

/* Makes the personal configuration folder, closed to others, when there is none yet: absent is empty.
 * The system's is the package's.  0 or E_SYS. */
must_check int	where_make_config(const struct where *w);

/* The command that starts the gateway on this machine.  Static. */
const char	*where_how_to_start(const struct where *w);

/* The path of a program of the same build or installation: `mcpgw` and `mcpgwctl` in our own folder
 * (or the sbin or bin beside it), all others in ../libexec/mcpgw.  E_NOTFOUND when there is none;
 * *path then names where it was looked for. */
must_check int	where_program(const char *name, char *path, size_t room);

/* The path of what an installation shares (share/mcpgw/NAME), of the same build or installation.  E_NOTFOUND,
 * E_TOOBIG. */
must_check int	where_share(const char *name, char *path, size_t room);

#endif
