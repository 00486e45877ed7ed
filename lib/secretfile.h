/* SPDX-License-Identifier: Apache-2.0
 *
 * secretfile.h - secrets/NAME and certs/NAME below a configuration folder, and what the service manager hands over
 */
#ifndef LIB_SECRETFILE_H
#define LIB_SECRETFILE_H

#include <stdbool.h>

#include "lib/err.h"
#include "lib/span.h"

#define SECRETFILE_NAME_MAX	64

/* 1 to 64 characters [A-Za-z0-9_.-], and not a folder's own name. */
bool		secretfile_name_ok(struct span name);

/* config_dir/secrets/NAME for reading; *fd is the caller's.  E_FORMAT: not a name; E_NOTFOUND;
 * E_DENIED: no plain file, or others may read it.  *why is the reason for the operator (static). */
must_check int	secretfile_open(const char *config_dir, struct span name, int *fd, const char **why);
/* The same of config_dir/certs/NAME, where a link may lead elsewhere: to where what renews certificates keeps them.
 * Others may read all but what ends in ".key". */
must_check int	certfile_open(const char *config_dir, struct span name, int *fd, const char **why);
/* The same of a credential of systemd.exec(5): $CREDENTIALS_DIRECTORY/NAME, or of a tenant other than "default"
 * $CREDENTIALS_DIRECTORY/TENANT.NAME.  Who may read these is the service manager's business. */
must_check int	credfile_open(struct span tenant, struct span name, int *fd, const char **why);

#endif
