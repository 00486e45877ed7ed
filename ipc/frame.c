/* SPDX-License-Identifier: Apache-2.0
 *
 * frame.c - one datagram = one message = its descriptors
 *
 * Process: all.
 * Owns:    received descriptors, until the caller takes them out of the frame; as many in reserve as a frame may bring.
 * Trusts:  the kernel for borders and descriptors; nothing of a frame's content.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ipc/codec.h"
#include "ipc/frame.h"
#include "lib/bug.h"
#include "lib/fd.h"

#define FROZEN_TYPES 5

/* What the kernel finds no descriptor for it drops, and the message cannot be told from one of a peer that lies.  So
 * these, copies of what all of ours have as /dev/null, make room while one is taken: who has accepted all that it could
 * is not cut off from its master. */
static int	reserve[FRAME_FDS] = { -1, -1, -1, -1 };

int
frame_send(int fd, uint16_t type, uint64_t ref, struct span body, const int *fds, unsigned fd_count)
{
	struct frame_head head = {
		.bytes = (uint32_t)(sizeof(head) + body.n), .type = type,
		.protocol = IPC_PROTOCOL, .fds = (uint8_t)fd_count, .ref = ref,
	};
	struct iovec iov[2] = {
		{ &head, sizeof(head) }, { (void *)(uintptr_t)body.p, body.n },
	};
	union {
		struct cmsghdr	align;
		char		room[CMSG_SPACE(FRAME_FDS * sizeof(int))];
	} control;
	struct msghdr	 msg = { .msg_iov = iov, .msg_iovlen = 2 };
	struct cmsghdr	*c;

	BUG_ON(fd_count > FRAME_FDS);
	if (body.n > FRAME_MAX - sizeof(head))
		return E_TOOBIG;
	if (fd_count > 0) {
		memset(&control, 0, sizeof(control));
		msg.msg_control = control.room;
		msg.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
		memcpy(CMSG_DATA(c), fds, fd_count * sizeof(int));
	}
	while (sendmsg(fd, &msg, MSG_NOSIGNAL) == -1) {
		if (errno == EINTR)
			continue;
		if (errno == EAGAIN || errno == ENOBUFS)
			return E_AGAIN;
		return errno == EPIPE || errno == ECONNRESET ? E_CLOSED : E_SYS;
	}
	return 0;
}

void
frame_close_fds(struct frame *f)
{
	for (unsigned i = 0; i < FRAME_FDS; i++)
		fd_close(&f->fds[i]);
}

/* Takes every descriptor out of the control data, so that none is ever lost. */
static void
take_fds(struct msghdr *msg, struct frame *out, unsigned *count)
{
	struct cmsghdr	*c;

	*count = 0;
	for (c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR(msg, c)) {
		size_t n;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
			if (*count < FRAME_FDS)
				out->fds[(*count)++] = fd;
			else
				fd_close(&fd);
		}
	}
}

static void
reserve_give(void)
{
	for (unsigned i = 0; i < FRAME_FDS; i++)
		fd_close(&reserve[i]);
}

/* As far as there are any, and if 0 is what it should be: a copy of a channel would keep that open. */
static void
reserve_take(void)
{
	struct stat	st;

	if (fstat(STDIN_FILENO, &st) == -1 || !S_ISCHR(st.st_mode))
		return;
	for (unsigned i = 0; i < FRAME_FDS; i++)
		if (reserve[i] == -1)
			reserve[i] = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
}

/* recvmsg(2), with its n or what frame_recv() answers. */
static ssize_t
receive(int fd, struct msghdr *msg, int flags)
{
	bool	reset = false;
	ssize_t	n;

	while ((n = recvmsg(fd, msg, flags)) == -1) {
		if (errno == EINTR)
			continue;
		/* Told once, when the peer left without reading all of ours; its own last words are
		 * still queued behind the error. */
		if (errno == ECONNRESET && !reset) {
			reset = true;
			continue;
		}
		if (errno == EAGAIN)
			return E_AGAIN;
		return errno == ECONNRESET ? E_CLOSED : E_SYS;
	}
	return n;
}

/* Does the next one bring descriptors, or is it none of ours?  Or what frame_recv() answers. */
static ssize_t
look(int fd)
{
	struct frame_head	head = { .fds = 0 };
	struct iovec		iov = { &head, sizeof(head) };
	struct msghdr		msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t			n = receive(fd, &msg, MSG_PEEK);

	return n < 0 ? n : n < (ssize_t)sizeof(head) || head.fds > 0;
}

/* The message, and what comes with it; n or what frame_recv() answers. */
static ssize_t
take(int fd, char *room, struct frame *out, unsigned *fds, int *flags)
{
	union {
		struct cmsghdr	align;
		char		room[CMSG_SPACE(FRAME_FDS * sizeof(int))];
	} control;
	struct iovec	iov = { room, FRAME_MAX };
	struct msghdr	msg = { .msg_iov = &iov, .msg_iovlen = 1,
	    .msg_control = control.room, .msg_controllen = sizeof(control.room) };
	const ssize_t	brings = look(fd);
	ssize_t		n;

	if (brings < 0)
		return brings;
	if (brings > 0)
		reserve_give();
	if ((n = receive(fd, &msg, MSG_CMSG_CLOEXEC)) >= 0)
		take_fds(&msg, out, fds);
	*flags = msg.msg_flags;
	if (reserve[FRAME_FDS - 1] == -1)
		reserve_take();
	return n;
}

int
frame_recv(int fd, char *room, struct frame *out)
{
	unsigned	fds = 0;
	int		flags = 0;
	ssize_t		n;

	*out = (struct frame){ .fds = { -1, -1, -1, -1 } };
	if ((n = take(fd, room, out, &fds, &flags)) < 0)
		return (int)n;
	if (n == 0) {
		frame_close_fds(out);	/* an empty message may bring some, and is no more than an end */
		return E_CLOSED;
	}
	if ((size_t)n < sizeof(out->head) || (flags & (MSG_TRUNC | MSG_CTRUNC)) != 0)
		goto bad;
	memcpy(&out->head, room, sizeof(out->head));
	if (out->head.bytes != (size_t)n || out->head.fds != fds)
		goto bad;
	if (out->head.protocol != IPC_PROTOCOL && out->head.type > FROZEN_TYPES &&
	    out->head.type != MSG_TYPE_HEIRLOOM && out->head.type != MSG_TYPE_HEIR_FACT) {
		frame_close_fds(out);
		return E_VERSION;
	}
	out->body = span_make(room + sizeof(out->head), (size_t)n - sizeof(out->head));
	return 0;
 bad:
	frame_close_fds(out);
	return E_FORMAT;
}
