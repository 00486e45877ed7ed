/* SPDX-License-Identifier: Apache-2.0
 *
 * wait.h - one message out, one message in, without an event loop: boot, short-lived programs, the
 * spawner
 */
#ifndef IPC_WAIT_H
#define IPC_WAIT_H

#include <stdbool.h>
#include <stdint.h>

#include "ipc/codec.h"
#include "ipc/frame.h"

/* For short-lived programs and boot, on a blocking descriptor: one message in, rules checked.  `room`
 * has FRAME_MAX bytes and backs the texts of *out.  Descriptors are the caller's.  Answers 0 with
 * *type, or what frame_recv and msg_may answer. */
must_check int	chan_recv_wait(int fd, enum role me, enum role peer, bool ready, char *room,
		    struct frame *frame, union msg_any *out);
must_check int	chan_send_wait(int fd, uint16_t type, uint64_t ref, const void *msg, const int *fds,
		    unsigned fd_count);

#endif
