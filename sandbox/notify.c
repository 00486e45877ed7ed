/* SPDX-License-Identifier: Apache-2.0
 *
 * notify.c - the seccomp listener: what a tool was refused
 *
 * Process: the runner.  Owns: nothing beyond a call.
 * Trusts:  the kernel for number and arguments.  Nothing is read from the tool's memory, and nothing
 *          is ever allowed here: arguments behind pointers could change after the look.
 */
#include <errno.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "sandbox/notify.h"
#include "sandbox/seccomp.h"

#define TYPE_MASK 0xf		/* without SOCK_NONBLOCK and SOCK_CLOEXEC */

static const struct {
	int		 domain;
	const char	*text;
} wanted[] = {
	{ AF_INET, "network (IPv4)" },
	{ AF_INET6, "network (IPv6)" },
	{ AF_UNIX, "unix socket" },
	{ AF_NETLINK, "netlink socket" },
	{ AF_PACKET, "packet socket" },
};

static const char *
wanted_text(int domain)
{
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		if (wanted[i].domain == domain)
			return wanted[i].text;
	return domain == -1 ? "system call" : "socket of another family";
}

int
notify_take(int fd, struct notify_event *out)
{
	struct pollfd			p = { .fd = fd, .events = POLLIN };
	struct seccomp_notif		ask;
	struct seccomp_notif_resp	answer;

	if (poll(&p, 1, 0) == -1)
		return errno == EINTR ? E_AGAIN : E_SYS;
	if ((p.revents & POLLIN) == 0)
		return (p.revents & (POLLHUP | POLLERR | POLLNVAL)) != 0 ? E_CLOSED : E_AGAIN;
	memset(&ask, 0, sizeof(ask));
	if (ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, &ask) == -1)
		return errno == ENOENT || errno == EINTR ? E_AGAIN : E_SYS;
	answer = (struct seccomp_notif_resp){ .id = ask.id, .error = -EACCES };
	if (ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &answer) == -1 && errno != ENOENT)
		return E_SYS;
	*out = (struct notify_event){ .syscall = ask.data.nr, .name = seccomp_call_name(ask.data.nr),
	    .domain = -1 };
	if (ask.data.nr == SYS_socket) {
		out->domain = (int)ask.data.args[0];
		out->type = (int)ask.data.args[1] & TYPE_MASK;
	}
	out->wanted = wanted_text(out->domain);
	return 0;
}
