/* SPDX-License-Identifier: Apache-2.0
 *
 * hand.h - descriptors that leave a jail while it is built, over the pair to the spawner
 */
#ifndef SANDBOX_HAND_H
#define SANDBOX_HAND_H

#include <stddef.h>

#include "lib/err.h"

#define HAND_FDS_MAX	96

/* One message of these bytes (at least one) with these descriptors, which stay the caller's.  0 or E_SYS. */
must_check int	hand_out(int to, const void *data, size_t bytes, const int *fds, size_t count);
/* Takes one message that is there already: exactly this many bytes and at most `room` descriptors, the caller's and
 * close-on-exec.  0, or E_SYS with errno; then none is left. */
must_check int	hand_take(int from, void *data, size_t bytes, int *fds, size_t room, size_t *count);

#endif
