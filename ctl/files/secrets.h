/* SPDX-License-Identifier: Apache-2.0
 *
 * secrets.h - the files of secrets: CONFDIR/secrets/NAME, for their owner alone
 */
#ifndef CTL_FILES_SECRETS_H
#define CTL_FILES_SECRETS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/err.h"
#include "lib/span.h"

#define SECRETS_VALUE_MAX	(64u * 1024)

/* Writes one, whole or not at all: the folder is made with mode 0700, the file has 0600.  0, or an error, said: no
 * name (E_FORMAT), a folder that others may look into (E_DENIED), a file that cannot be written (E_SYS). */
must_check int	secrets_write(const char *config_dir, const char *name, struct span value);
/* 0; E_NOTFOUND; or an error, said. */
must_check int	secrets_remove(const char *config_dir, const char *name);

/* Each one, by name; why_not: why the gateway would not read it, or NULL.  No folder is no secret.  0, or an error,
 * said. */
typedef void secrets_fn(const char *name, uint64_t changed_ms, const char *why_not, void *arg);
must_check int	secrets_each(const char *config_dir, secrets_fn *fn, void *arg);

#endif
