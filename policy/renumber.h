/* SPDX-License-Identifier: Apache-2.0
 *
 * renumber.h - what a snapshot holds, under another generation
 */
#ifndef POLICY_RENUMBER_H
#define POLICY_RENUMBER_H

#include <stdint.h>

#include "lib/err.h"

/* A sealed copy that differs in its generation alone; *out is the caller's.  0, what snap_check() says of fd, or
 * E_NOMEM, E_SYS. */
must_check int	renumber_copy(int fd, uint64_t generation, int *out);

#endif
