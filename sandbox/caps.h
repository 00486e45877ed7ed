/* SPDX-License-Identifier: Apache-2.0
 *
 * caps.h - give all capabilities away, for good
 */
#ifndef SANDBOX_CAPS_H
#define SANDBOX_CAPS_H

#include "lib/err.h"

/* Empties the bounding set and locks the securebits where this process may (CAP_SETPCAP), then
 * empties the ambient, permitted, effective and inheritable sets.  0 or E_SYS. */
must_check int	caps_drop(void);
/* For tests, instead of it: what is permitted outlives execve.  0 or E_SYS. */
must_check int	caps_keep(void);

#endif
