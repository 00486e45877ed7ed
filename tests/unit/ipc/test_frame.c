/* SPDX-License-Identifier: Apache-2.0
 *
 * test_frame.c - datagrams with descriptors, from peers that keep to no rule, and to who has no descriptors left
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ipc/codec.h"
#include "ipc/frame.h"

static char	room[FRAME_MAX];
static int	pair[2];

static void
begin(void)
{
	int	null = open("/dev/null", O_RDWR | O_CLOEXEC);

	/* As each process of ours has them. */
	for (int fd = 0; fd < 3; fd++)
		if (null != fd && (fd == 0 || fcntl(fd, F_GETFD) == -1))
			cr_assert(dup2(null, fd) == fd);
	cr_assert(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0);
}

static void
end(void)
{
	close(pair[0]);
	close(pair[1]);
}

/* Highest of all limits that a test meets. */
static unsigned
open_fds(void)
{
	unsigned	n = 0;

	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) != -1;
	return n;
}

/* A datagram as no peer of ours sends it. */
static void
send_raw(const void *bytes, size_t n, const int *fds, unsigned count)
{
	union {
		struct cmsghdr	align;
		char		room[CMSG_SPACE(16 * sizeof(int))];
	}		 control = { .room = { 0 } };
	struct iovec	 iov = { (void *)(uintptr_t)bytes, n };
	struct msghdr	 msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr	*c;

	if (count > 0) {
		msg.msg_control = control.room;
		msg.msg_controllen = CMSG_SPACE(count * sizeof(int));
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(c), fds, count * sizeof(int));
	}
	cr_assert(eq(long, sendmsg(pair[1], &msg, 0), (long)n));
}

/* Whatever comes, no descriptor of it is left. */
Test(frame, that_is_none_leaves_no_descriptor, .init = begin, .fini = end)
{
	static const struct {
		const char	*what;
		size_t		 bytes;		/* that are sent */
		uint32_t	 said_bytes;
		uint8_t		 said_fds, protocol;
		unsigned	 fds;
		int		 want;
	} rows[] = {
		{ "empty",			0,	0,	0, IPC_PROTOCOL,	2, E_CLOSED },
		{ "half a head",		8,	8,	1, IPC_PROTOCOL,	1, E_FORMAT },
		{ "another length",		16,	17,	1, IPC_PROTOCOL,	1, E_FORMAT },
		{ "a descriptor not said",	16,	16,	0, IPC_PROTOCOL,	1, E_FORMAT },
		{ "one that did not come",	16,	16,	2, IPC_PROTOCOL,	1, E_FORMAT },
		{ "more than there may be",	16,	16,	9, IPC_PROTOCOL,	9, E_FORMAT },
		{ "of another release",		16,	16,	1, IPC_PROTOCOL + 1,	1, E_VERSION },
	};
	const int	fds[9] = { 0, 1, 2, 0, 1, 2, 0, 1, 2 };
	struct frame	f;

	/* What receiving takes for itself it has from now on. */
	cr_assert(eq(int, frame_recv(pair[0], room, &f), E_AGAIN));
	cr_assert(eq(int, frame_send(pair[1], MSG_TYPE_PING, 0, SPAN_NONE, fds, 1), 0));
	cr_assert(eq(int, frame_recv(pair[0], room, &f), 0));
	frame_close_fds(&f);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct frame_head	head = { .bytes = rows[i].said_bytes, .type = MSG_TYPE_LOG_FD,
		    .protocol = rows[i].protocol, .fds = rows[i].said_fds };
		const unsigned		before = open_fds();
		int			r;

		send_raw(&head, rows[i].bytes, fds, rows[i].fds);
		r = frame_recv(pair[0], room, &f);
		cr_expect(r == rows[i].want, "%s: %d", rows[i].what, r);
		cr_expect(open_fds() == before, "%s: %u descriptors, then %u", rows[i].what, before, open_fds());
	}
}

/* A good message of a good peer is no less good because there is no descriptor left to take what it brings. */
Test(frame, is_taken_by_who_has_no_descriptors_left, .init = begin, .fini = end)
{
	const struct rlimit	few = { 64, 64 };
	const int		fds[FRAME_FDS] = { 0, 1, 2, 0 };
	struct frame		f;
	int			last, held[64], n = 0;

	cr_assert(setrlimit(RLIMIT_NOFILE, &few) == 0);
	cr_assert(eq(int, frame_send(pair[1], MSG_TYPE_PING, 0, SPAN_NONE, NULL, 0), 0));
	cr_assert(eq(int, frame_recv(pair[0], room, &f), 0));
	while ((last = fcntl(0, F_DUPFD_CLOEXEC, 0)) != -1)
		held[n++] = last;
	cr_assert(EMFILE == errno);
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned count = 0; count <= FRAME_FDS; count++) {
			cr_assert(eq(int, frame_send(pair[1], MSG_TYPE_PING, count, SPAN_LIT("x"), fds, count), 0));
			cr_expect(eq(int, frame_recv(pair[0], room, &f), 0));
			cr_expect(eq(u64, f.head.ref, count));
			for (unsigned i = 0; i < FRAME_FDS; i++)
				cr_expect(i < count ? f.fds[i] != -1 : f.fds[i] == -1);
			frame_close_fds(&f);
		}
		cr_expect(eq(int, frame_recv(pair[0], room, &f), E_AGAIN));
	}
	/* What the receiver keeps is missing for the next one, until there are some again. */
	cr_assert(eq(int, frame_send(pair[1], MSG_TYPE_PING, 1, SPAN_NONE, fds, FRAME_FDS), 0));
	cr_assert(eq(int, frame_recv(pair[0], room, &f), 0));
	for (int i = 0; i < n; i++)
		close(held[i]);
	frame_close_fds(&f);
}

/* What it has in reserve is no copy of a channel, even of one that stands where there should be /dev/null. */
Test(frame, reserve_keeps_no_channel_open, .init = begin)
{
	struct frame	f;
	const int	fd = 1;

	cr_assert(dup2(pair[0], 0) == 0 && close(pair[0]) == 0);
	cr_assert(eq(int, frame_send(pair[1], MSG_TYPE_LOG_FD, 0, SPAN_NONE, &fd, 1), 0));
	cr_assert(eq(int, frame_recv(0, room, &f), 0));
	frame_close_fds(&f);
	close(0);
	cr_expect(eq(int, frame_send(pair[1], MSG_TYPE_PING, 0, SPAN_NONE, NULL, 0), E_CLOSED));
	close(pair[1]);
}

/* The last words of a peer that left are heard, and then that it left. */
Test(frame, of_a_peer_that_left_comes_before_its_end, .init = begin, .fini = end)
{
	struct frame	f;

	cr_assert(eq(int, frame_send(pair[0], MSG_TYPE_PING, 1, SPAN_NONE, NULL, 0), 0));
	cr_assert(eq(int, frame_send(pair[1], MSG_TYPE_PING, 2, SPAN_NONE, NULL, 0), 0));
	close(pair[1]);
	cr_expect(eq(int, frame_recv(pair[0], room, &f), 0));
	cr_expect(eq(u64, f.head.ref, 2));
	cr_expect(eq(int, frame_recv(pair[0], room, &f), E_CLOSED));
}
