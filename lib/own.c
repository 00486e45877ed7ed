/* SPDX-License-Identifier: Apache-2.0
 *
 * own.c - is an address this machine's?
 *
 * Process: mcpgw-egress; whoever fetches what others named.  Owns: nothing beyond a call.
 * Trusts:  the kernel.
 *
 * Interfaces come and go, so it is asked each time.  The source of a way there tells less: that of an interface's
 * second address is the first.  Nor would binding to it tell, where net.ipv4.ip_nonlocal_bind lets everybody.
 */
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "lib/fd.h"
#include "lib/own.h"

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

bool
own_ends_are_one(int fd, const struct addr *peer)
{
	struct sockaddr_storage	ss;
	socklen_t		n = sizeof(ss);
	struct addr		own;
	uint16_t		port;

	return getsockname(fd, (struct sockaddr *)&ss, &n) == -1 ||
	    addr_from_sockaddr((struct sockaddr *)&ss, n, &own, &port) != 0 || addr_eq(&own, peer);
}

/* The same before a packet is sent: a datagram's socket only looks for a way. */
static bool
way_ends_here(const struct addr *a, uint16_t port)
{
	struct sockaddr_storage	ss;
	socklen_t		n = addr_to_sockaddr(a, port, &ss);
	int			fd = socket(ss.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool			own = false;

	if (fd != -1 && connect(fd, (struct sockaddr *)&ss, n) == 0)
		own = own_ends_are_one(fd, a);
	fd_close(&fd);
	return own;
}

const char *
own_why(const struct addr *a, uint16_t port)
{
	bool	own = false;

	for (int i = 0; i < 3; i++)
		switch (own_find(a, &own)) {
		case 0:
			/* Blocks of addresses can be this machine's without an interface that has them. */
			return own || way_ends_here(a, port) ? "this machine" : NULL;
		case E_AGAIN:
			continue;
		default:
			return "maybe this machine: the kernel did not tell";
		}
	return "maybe this machine: its addresses change";
}
