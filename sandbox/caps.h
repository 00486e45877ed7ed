/* SPDX-License-Identifier: Apache-2.0
 *
 * caps.h - give all capabilities away, for good
 */
#ifndef SANDBOX_CAPS_H
#define SANDBOX_CAPS_H

#include <stddef.h>

#include "lib/err.h"

/* Empties the bounding set and locks the securebits where this process may (CAP_SETPCAP), then
 * empties the ambient, permitted, effective and inheritable sets.  0 or E_SYS. */
must_check int	caps_drop(void);
/* For tests, instead of it: what is permitted outlives execve.  0 or E_SYS. */
must_check int	caps_inherit(void);

/* For the master: of all capabilities only these remain to have or to get, as far as it has them; none
 * becomes ambient.  No new privileges.  What it executes under another user has none.  0 or E_SYS. */
must_check int	caps_keep(const int *caps, size_t count);

#endif
