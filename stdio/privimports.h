/* SPDX-License-Identifier: Apache-2.0
 *
 * privimports.h - what the user has imported, for a private gateway
 */
#ifndef STDIO_PRIVIMPORTS_H
#define STDIO_PRIVIMPORTS_H

#include <stdbool.h>

#include "lib/err.h"

/* Writes dir/imports.json, for imports_file, of the records in state_dir/imports; *any: there are some.  A folder or a
 * record that is not there, not ours alone, or not readable as one is passed over: its server is down, and says what to
 * do.  0, or E_SYS with errno, E_TOOBIG, E_NOMEM. */
must_check int	privimports_write(const char *dir, const char *state_dir, bool *any);

#endif
