/* SPDX-License-Identifier: Apache-2.0
 *
 * own.c - is an address this machine's?
 *
 * Process: mcpgw-egress.  Owns: nothing beyond a call.
 * Trusts:  the kernel.
 *
 * Interfaces come and go, so it is asked each time.  The source of a way there tells less: that of an interface's
 * second address is the first.  Nor would binding to it tell, where net.ipv4.ip_nonlocal_bind lets everybody.
 */
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "lib/fd.h"
#include "sandbox/egress/own.h"

#define ANSWER_BYTES	(32 * 1024)	/* the kernel fills no more at once */
#define ANSWERS_MAX	1024

static int
ask(int fd, int family)
{
	const struct {
		struct nlmsghdr		head;
		struct ifaddrmsg	about;
	} q = { .head = { .nlmsg_len = sizeof(q), .nlmsg_type = RTM_GETADDR,
	    .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
	    .about = { .ifa_family = (unsigned char)family } };

	return send(fd, &q, sizeof(q), MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)sizeof(q) ? 0 : E_SYS;
}

/* IFA_LOCAL is our end and IFA_ADDRESS the other one, where there is such; IPv6 has IFA_ADDRESS alone. */
static bool
is_in(const struct nlmsghdr *m, const struct addr *a)
{
	struct ifaddrmsg	*about = NLMSG_DATA(m);
	size_t			 bytes = a->family == AF_INET ? 4 : 16;
	int			 left = (int)IFA_PAYLOAD(m);

	if (about->ifa_family != a->family)
		return false;
	for (struct rtattr *t = IFA_RTA(about); RTA_OK(t, left); t = RTA_NEXT(t, left))
		if ((t->rta_type == IFA_LOCAL || (a->family == AF_INET6 && t->rta_type == IFA_ADDRESS)) &&
		    RTA_PAYLOAD(t) == bytes && memcmp(RTA_DATA(t), a->bytes, bytes) == 0)
			return true;
	return false;
}

/* What came at once; *done: all of it did. */
static int
look(struct nlmsghdr *m, unsigned left, const struct addr *a, bool *own, bool *done)
{
	for (; NLMSG_OK(m, left); m = NLMSG_NEXT(m, left)) {
		if ((m->nlmsg_flags & NLM_F_DUMP_INTR) != 0)
			return E_AGAIN;
		if (m->nlmsg_type == NLMSG_ERROR)
			return E_SYS;
		if (m->nlmsg_type == NLMSG_DONE)
			*done = true;
		else if (m->nlmsg_type == RTM_NEWADDR && is_in(m, a))
			*own = true;
	}
	return 0;
}

int
own_find(const struct addr *a, bool *own)
{
	static union { struct nlmsghdr head; char room[ANSWER_BYTES]; }	answer;
	int	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE), r;
	bool	done = false;
	ssize_t	n;

	*own = false;
	if (fd == -1)
		return E_SYS;
	r = ask(fd, a->family);
	for (int i = 0; i < ANSWERS_MAX && r == 0 && !done && !*own; i++) {
		n = recv(fd, &answer, sizeof(answer), MSG_DONTWAIT);
		r = n <= 0 ? E_SYS : look(&answer.head, (unsigned)n, a, own, &done);
	}
	fd_close(&fd);
	return *own || r != 0 || done ? r : E_SYS;
}
