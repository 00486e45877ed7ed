/* SPDX-License-Identifier: Apache-2.0
 *
 * privsecrets.h - secrets beside a servers file, for a private gateway
 */
#ifndef STDIO_PRIVSECRETS_H
#define STDIO_PRIVSECRETS_H

#include "lib/err.h"

/* Copies secrets/ of the folder that `servers` lies in to dir/secrets, but for those whose names are there already;
 * none there, or one that is not ours alone, is no error.  0, or E_SYS with errno, E_TOOBIG. */
must_check int	privsecrets_copy(const char *dir, const char *servers);

#endif
