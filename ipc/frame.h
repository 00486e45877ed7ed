/* SPDX-License-Identifier: Apache-2.0
 *
 * frame.h - one datagram = one message = its descriptors (day-one 3)
 *
 * SOCK_SEQPACKET: no partial read, no descriptor on the wrong message.  What is larger than a frame
 * travels as a sealed memfd.
 */
#ifndef IPC_FRAME_H
#define IPC_FRAME_H

#include <stdint.h>

#include "lib/err.h"
#include "lib/span.h"

#define IPC_PROTOCOL	6
#define FRAME_MAX	(16 * 1024)
#define FRAME_FDS	4

struct frame_head {
	uint32_t	bytes;		/* of the whole frame */
	uint16_t	type;
	uint8_t		protocol;
	uint8_t		fds;
	uint64_t	ref;		/* ties an answer to its question; 0 = none */
};
_Static_assert(sizeof(struct frame_head) == 16, "frame head is 16 bytes");

struct frame {
	struct frame_head	head;
	struct span		body;		/* into the receiver's buffer */
	int			fds[FRAME_FDS];	/* the receiver's; -1 where none */
};

/* 0, E_AGAIN (the peer's queue is full), E_CLOSED or E_SYS.  fds stay the caller's. */
must_check int	frame_send(int fd, uint16_t type, uint64_t ref, struct span body, const int *fds,
		    unsigned fd_count);
/* `room` has FRAME_MAX bytes and backs out->body until the next call.  0, E_AGAIN, E_CLOSED (end of
 * file), E_FORMAT or E_VERSION (the frame is dropped, its descriptors closed) or E_SYS. */
must_check int	frame_recv(int fd, char *room, struct frame *out);
void		frame_close_fds(struct frame *f);

#endif
