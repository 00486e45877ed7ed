/* SPDX-License-Identifier: Apache-2.0
 *
 * secretfile.h - the one kind of file the master opens on somebody's word
 */
#ifndef MASTER_SECRETFILE_H
#define MASTER_SECRETFILE_H

#include "lib/err.h"
#include "lib/span.h"

/* config_dir/secrets/NAME for reading; *fd is the caller's.  E_FORMAT: not a name of 1-64 characters
 * [A-Za-z0-9_.-]; E_NOTFOUND; E_DENIED: no plain file, or others may read it; E_SYS.  *why is the
 * reason for the operator (static). */
must_check int	secretfile_open(const char *config_dir, struct span name, int *fd, const char **why);

#endif
