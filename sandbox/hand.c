/* SPDX-License-Identifier: Apache-2.0
 *
 * hand.c - descriptors that leave a jail while it is built, over the pair to the spawner
 *
 * Process: the spawner, and its child on the way to a jail.  Owns: nothing beyond a call.
 * Trusts:  the other end, where nothing of the tool has run yet.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/bug.h"
#include "lib/fd.h"
#include "sandbox/hand.h"

union control {
	struct cmsghdr	align;
	char		room[CMSG_SPACE(HAND_FDS_MAX * sizeof(int))];
};

int
hand_out(int to, const void *data, size_t bytes, const int *fds, size_t count)
{
	union control	 control = { 0 };
	struct iovec	 iov = { (void *)(uintptr_t)data, bytes };
	struct msghdr	 msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.room,
	    .msg_controllen = CMSG_SPACE(count * sizeof(int)) };
	struct cmsghdr	*c = CMSG_FIRSTHDR(&msg);

	BUG_ON(count == 0 || count > HAND_FDS_MAX || bytes == 0);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(count * sizeof(int));
	memcpy(CMSG_DATA(c), fds, count * sizeof(int));
	return sendmsg(to, &msg, MSG_NOSIGNAL) == (ssize_t)bytes ? 0 : E_SYS;
}

int
hand_take(int from, void *data, size_t bytes, int *fds, size_t room, size_t *count)
{
	union control	 control;
	struct iovec	 iov = { data, bytes };
	struct msghdr	 msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.room,
	    .msg_controllen = sizeof(control.room) };
	struct cmsghdr	*c;
	ssize_t		 n;
	int		 taken[HAND_FDS_MAX];

	*count = 0;
	if ((n = recvmsg(from, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT)) == -1)
		return E_SYS;
	c = CMSG_FIRSTHDR(&msg);
	if (c != NULL && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
		*count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(taken, CMSG_DATA(c), *count * sizeof(int));
	}
	if ((size_t)n == bytes && *count > 0 && *count <= room && (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0) {
		memcpy(fds, taken, *count * sizeof(int));
		return 0;
	}
	for (size_t i = 0; i < *count; i++)
		fd_close(&taken[i]);
	*count = 0;
	errno = EPROTO;
	return E_SYS;
}
