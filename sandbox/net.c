/* SPDX-License-Identifier: Apache-2.0
 *
 * net.c - the network of a jail with a list of hosts: every address is the jail's own
 *
 * Process: the spawner's child on the way to a jail; nothing of the tool has run yet.
 * Owns:    nothing beyond a call; the sockets are handed out and closed here.
 * Trusts:  the kernel.
 *
 * The namespace has lo and nothing else.  A route of type "local" for all addresses makes each of them this
 * machine's own, so that a connection to any address, known to the program or not, ends at a socket that listens
 * on its port: transparent, without packet filters, and without a privilege outside.  A socket keeps the
 * namespace it was made in, so mcpgw-egress serves them from outside.  To a port without a socket the kernel
 * answers "connection refused".
 */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/fd.h"
#include "sandbox/net.h"
#include "sandbox/ns.h"

#define BACKLOG		64
#define PORT_DNS	53

/* getaddrinfo(3) with AI_ADDRCONFIG asks for addresses of IPv4 only where an interface has one beside 127.0.0.1. */
#define OWN_ADDRESS	0xc0000008u	/* 192.0.0.8, the dummy address of RFC 7600 */

/* ---- netlink ------------------------------------------------------------------------------------------ */

struct request {
	struct nlmsghdr	head;
	union {
		struct rtmsg		route;
		struct ifaddrmsg	address;
	} u;
	char		attributes[64];
};

static void
attribute(struct request *q, unsigned short type, const void *value, unsigned short bytes)
{
	struct rtattr	*a = (struct rtattr *)(void *)((char *)q + NLMSG_ALIGN(q->head.nlmsg_len));

	a->rta_type = type;
	a->rta_len = (unsigned short)RTA_LENGTH(bytes);
	memcpy(RTA_DATA(a), value, bytes);
	q->head.nlmsg_len = NLMSG_ALIGN(q->head.nlmsg_len) + RTA_ALIGN(a->rta_len);
}

/* Sends it and waits for the kernel's word; the kernel answers within the call. */
static int
request(int fd, struct request *q)
{
	struct {
		struct nlmsghdr	head;
		struct nlmsgerr	error;
	} answer;
	ssize_t		n;

	q->head.nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
	if (send(fd, q, q->head.nlmsg_len, 0) == -1)
		return E_SYS;
	while ((n = recv(fd, &answer, sizeof(answer), MSG_TRUNC)) == -1 && errno == EINTR)
		;
	if (n == -1)
		return E_SYS;
	if ((size_t)n < sizeof(answer) || answer.head.nlmsg_type != NLMSG_ERROR) {
		errno = EPROTO;
		return E_SYS;
	}
	errno = -answer.error.error;
	return answer.error.error == 0 ? 0 : E_SYS;
}

static int
route_all(int fd, unsigned char family, uint32_t lo)
{
	struct request	q = {
		.head = { .nlmsg_len = NLMSG_LENGTH(sizeof(q.u.route)), .nlmsg_type = RTM_NEWROUTE,
		    .nlmsg_flags = NLM_F_CREATE | NLM_F_EXCL },
		.u.route = { .rtm_family = family, .rtm_table = RT_TABLE_LOCAL, .rtm_protocol = RTPROT_STATIC,
		    .rtm_scope = RT_SCOPE_HOST, .rtm_type = RTN_LOCAL },
	};

	attribute(&q, RTA_OIF, &lo, sizeof(lo));
	return request(fd, &q);
}

static int
own_address(int fd, uint32_t lo)
{
	const uint32_t	address = htonl(OWN_ADDRESS);
	struct request	q = {
		.head = { .nlmsg_len = NLMSG_LENGTH(sizeof(q.u.address)), .nlmsg_type = RTM_NEWADDR,
		    .nlmsg_flags = NLM_F_CREATE | NLM_F_EXCL },
		.u.address = { .ifa_family = AF_INET, .ifa_prefixlen = 32, .ifa_scope = RT_SCOPE_HOST,
		    .ifa_index = lo },
	};

	attribute(&q, IFA_LOCAL, &address, sizeof(address));
	attribute(&q, IFA_ADDRESS, &address, sizeof(address));
	return request(fd, &q);
}

/* A kernel without IPv6, or with it switched off: then nothing in the jail reaches any address of it. */
static bool
is_without(int error)
{
	return error == EAFNOSUPPORT || error == EOPNOTSUPP || error == EACCES || error == EADDRNOTAVAIL;
}

int
net_capture(const char **failed)
{
	uint32_t	lo = if_nametoindex("lo");
	int		fd, r;

	*failed = "lo";
	if (lo == 0 || ns_loopback_up() != 0)
		return E_SYS;
	*failed = "netlink";
	if ((fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE)) == -1)
		return E_SYS;
	*failed = "addresses of IPv4";
	if ((r = route_all(fd, AF_INET, lo)) == 0 && (r = own_address(fd, lo)) == 0) {
		*failed = "addresses of IPv6";
		if ((r = route_all(fd, AF_INET6, lo)) != 0 && is_without(errno))
			r = 0;
	}
	fd_close(&fd);
	return r;
}

/* ---- sockets ------------------------------------------------------------------------------------------ */

static int
set(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value));
}

/* At this port of every address, of both families where there are both. */
static int
bound_anywhere(int type, uint16_t port)
{
	struct sockaddr_in6	six = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	struct sockaddr_in	four = { .sin_family = AF_INET, .sin_port = htons(port) };
	int			fd;

	if ((fd = socket(AF_INET6, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) != -1) {
		if (set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0) == 0 &&
		    bind(fd, (struct sockaddr *)&six, sizeof(six)) == 0)
			return fd;
		fd_close(&fd);
		return -1;
	}
	if (errno != EAFNOSUPPORT || (fd = socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) == -1)
		return -1;
	if (bind(fd, (struct sockaddr *)&four, sizeof(four)) == -1)
		fd_close(&fd);
	return fd;
}

static int
listening(uint16_t port)
{
	int	fd = bound_anywhere(SOCK_STREAM, port);

	if (fd != -1 && listen(fd, BACKLOG) == -1)
		fd_close(&fd);
	return fd;
}

/* Each question comes with the address it was for, and is answered from there. */
static int
names(void)
{
	int		fd = bound_anywhere(SOCK_DGRAM, PORT_DNS), family = 0;
	socklen_t	bytes = sizeof(family);

	if (fd != -1 && (set(fd, IPPROTO_IP, IP_PKTINFO, 1) == -1 ||
	    getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &bytes) == -1 ||
	    (family == AF_INET6 && set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1) == -1)))
		fd_close(&fd);
	return fd;
}

static int
proxy(void)
{
	struct sockaddr_in	sa = { .sin_family = AF_INET, .sin_port = htons(JAIL_PROXY_PORT),
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int			fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd != -1 && (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) == -1 || listen(fd, BACKLOG) == -1))
		fd_close(&fd);
	return fd;
}

static int
keep(int fd, enum jail_socket_kind kind, uint16_t port, struct jail_socket *to, size_t *made)
{
	if (fd == -1)
		return E_SYS;
	to[(*made)++] = (struct jail_socket){ fd, kind, port };
	return 0;
}

int
net_sockets(const uint16_t *ports, size_t count, struct jail_socket *to, size_t *made, const char **failed)
{
	static char	which[32];

	*made = 0;
	*failed = "port 53";
	if (keep(names(), JAIL_SOCKET_DNS_UDP, PORT_DNS, to, made) != 0 ||
	    keep(listening(PORT_DNS), JAIL_SOCKET_DNS_TCP, PORT_DNS, to, made) != 0)
		return E_SYS;
	*failed = "the proxy's port";
	if (keep(proxy(), JAIL_SOCKET_PROXY, JAIL_PROXY_PORT, to, made) != 0)
		return E_SYS;
	for (size_t i = 0; i < count && *made < JAIL_SOCKETS_MAX; i++) {
		snprintf(which, sizeof(which), "port %u", ports[i]);
		*failed = which;
		if (keep(listening(ports[i]), JAIL_SOCKET_TCP, ports[i], to, made) != 0)
			return E_SYS;
	}
	return 0;
}
