/* SPDX-License-Identifier: Apache-2.0
 *
 * wait.c - one message out, one message in, without an event loop
 *
 * Process: all.  Owns: nothing beyond a call.
 * Trusts:  that the peer holds the other end of this pair; nothing it says.
 */
#include "ipc/wait.h"
#include "lib/buf.h"

int
chan_send_wait(int fd, uint16_t type, uint64_t ref, const void *msg, const int *fds, unsigned fd_count)
{
	struct buf	b;
	int		r;

	buf_init(&b, FRAME_MAX - sizeof(struct frame_head));
	if ((r = msg_encode(&b, type, msg)) == 0)
		r = frame_send(fd, type, ref, buf_rest(&b), fds, fd_count);
	buf_fini(&b);
	return r;
}

int
chan_recv_wait(int fd, enum role me, enum role peer, bool ready, char *room, struct frame *frame,
    union msg_any *out)
{
	int	r;

	if ((r = frame_recv(fd, room, frame)) != 0)
		return r;
	if ((r = msg_may(frame->head.type, peer, me, ready, frame->head.fds)) == 0)
		r = msg_decode(frame->head.type, frame->body, out);
	if (r != 0)
		frame_close_fds(frame);
	return r;
}
