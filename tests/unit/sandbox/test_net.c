/* SPDX-License-Identifier: Apache-2.0
 *
 * test_net.c - the network of a jail with a list of hosts: all of it ends at the sockets we hold
 */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/fd.h"
#include "tests/unit/sandbox/cell.h"

#define PATIENCE_MS	10000

static const uint16_t	ports[] = { 443, 5432 };

static int
socket_of(const struct cell *c, enum jail_socket_kind kind, uint16_t port)
{
	for (size_t i = 0; i < c->child.socket_count; i++)
		if (c->child.sockets[i].kind == kind && c->child.sockets[i].port == port)
			return c->child.sockets[i].fd;
	return -1;
}

static void
start(struct cell *c, const char *script)
{
	cell_init(c, script);
	c->spec.net = JAIL_NET_LIST;
	c->spec.ports = ports;
	c->spec.port_count = 2;
	cr_assert(eq(int, cell_start(c), 0), "%s", c->child.failure.text);
}

static bool
has_ipv6(void)
{
	int	fd = socket(AF_INET6, SOCK_STREAM, 0);
	bool	has = fd != -1 && access("/proc/sys/net/ipv6/conf/all/disable_ipv6", F_OK) == 0;

	fd_close(&fd);
	return has;
}

/* The address a connection was for, as text; IPv4 in its mapped form. */
static void
serve(int listener, const char *answer, char where[INET6_ADDRSTRLEN])
{
	struct pollfd		p = { listener, POLLIN, 0 };
	struct sockaddr_storage	sa = { 0 };
	socklen_t		bytes = sizeof(sa);
	int			fd;

	cr_assert(eq(int, poll(&p, 1, PATIENCE_MS), 1), "nobody came");
	fd = accept(listener, NULL, NULL);
	cr_assert(fd != -1);
	cr_assert(eq(int, getsockname(fd, (struct sockaddr *)&sa, &bytes), 0));
	if (sa.ss_family == AF_INET6)
		inet_ntop(AF_INET6, &((struct sockaddr_in6 *)(void *)&sa)->sin6_addr, where, INET6_ADDRSTRLEN);
	else
		snprintf(where, INET6_ADDRSTRLEN, "::ffff:%s",
		    inet_ntoa(((struct sockaddr_in *)(void *)&sa)->sin_addr));
	cr_expect(eq(int, (int)write(fd, answer, strlen(answer)), (int)strlen(answer)));
	close(fd);
}

JAIL_TEST(net, brings_a_connection_to_any_address_to_the_listener_of_its_port)
{
	static const char *const	four[] = { "93.184.216.34", "127.0.0.1", "169.254.169.254", "10.0.0.1" };
	static const char *const	six[] = { "2001:db8::7", "fd00:ec2::254", "::1" };
	char				script[256], where[INET6_ADDRSTRLEN], want[INET6_ADDRSTRLEN];
	struct cell			c;

	for (size_t i = 0; i < 7; i++) {
		const char *to = i < 4 ? four[i] : six[i - 4];

		if (i >= 4 && !has_ipv6())
			break;
		snprintf(script, sizeof(script), "exec bash -c 'exec 3<>/dev/tcp/%s/443; cat <&3'", to);
		start(&c, script);
		serve(socket_of(&c, JAIL_SOCKET_TCP, 443), "from outside\n", where);
		cell_finish(&c);
		snprintf(want, sizeof(want), "%s%s", i < 4 ? "::ffff:" : "", to);
		cr_expect(eq(str, where, want));
		cr_expect(eq(str, c.out, "from outside\n"), "%s", to);
	}
}

JAIL_TEST(net, refuses_every_other_port_at_once)
{
	struct cell	c;

	start(&c, "bash -c ': <>/dev/tcp/93.184.216.34/80' 2>&1 | grep -q 'Connection refused' && echo refused");
	cell_finish(&c);
	cr_expect(eq(str, c.out, "refused\n"));
}

JAIL_TEST(net, asks_us_for_names_wherever_they_are_asked)
{
	union {
		struct cmsghdr	align;
		char		room[256];
	} control;
	struct sockaddr_storage	from;
	char			room[64];
	struct iovec		iov = { room, sizeof(room) };
	struct msghdr		m = { .msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &iov,
	    .msg_iovlen = 1, .msg_control = control.room, .msg_controllen = sizeof(control.room) };
	struct cell		c;
	struct pollfd		p;
	bool			named = false;

	start(&c, "cat /etc/resolv.conf; bash -c 'echo question > /dev/udp/8.8.8.8/53'; exec cat");
	p = (struct pollfd){ socket_of(&c, JAIL_SOCKET_DNS_UDP, 53), POLLIN, 0 };
	cr_assert(eq(int, poll(&p, 1, PATIENCE_MS), 1));
	cr_expect(eq(int, (int)recvmsg(p.fd, &m, 0), 9));
	for (struct cmsghdr *h = CMSG_FIRSTHDR(&m); h != NULL; h = CMSG_NXTHDR(&m, h)) {
		static const unsigned char	wanted[] = { 8, 8, 8, 8 };

		if (h->cmsg_level == IPPROTO_IP && h->cmsg_type == IP_PKTINFO)
			named |= memcmp(&((struct in_pktinfo *)(void *)CMSG_DATA(h))->ipi_addr, wanted, 4) == 0;
	}
	cr_expect(named, "the address that was asked is not said");
	cr_expect(socket_of(&c, JAIL_SOCKET_DNS_TCP, 53) != -1);
	cell_finish(&c);
	cr_expect(eq(str, c.out, "nameserver 127.0.0.1\n"));
}

JAIL_TEST(net, has_a_proxy_at_its_own_machine_alone)
{
	char		where[INET6_ADDRSTRLEN];
	struct cell	c;

	start(&c, "bash -c ': <>/dev/tcp/93.184.216.34/3128' 2>&1 | grep -q 'Connection refused' && echo refused;"
	    "exec bash -c 'exec 3<>/dev/tcp/127.0.0.1/3128; cat <&3'");
	serve(socket_of(&c, JAIL_SOCKET_PROXY, JAIL_PROXY_PORT), "proxy\n", where);
	cell_finish(&c);
	cr_expect(eq(str, c.out, "refused\nproxy\n"));
}

JAIL_TEST(net, leaves_no_socket_in_the_tool)
{
	struct cell	c;

	start(&c, "ls -l /proc/self/fd | grep -c socket; ls /proc/self/fd | wc -l");
	cell_finish(&c);
	if (c.child.no_proc)
		cr_skip("the kernel refuses /proc here");
	cr_expect(eq(str, c.out, "0\n4\n"), "the fourth is that of ls");
}

JAIL_TEST(net, is_one_jails_own)
{
	char		where[INET6_ADDRSTRLEN];
	struct cell	a, b;
	struct pollfd	p;

	start(&a, "exec bash -c 'exec 3<>/dev/tcp/1.1.1.1/443; cat <&3'");
	start(&b, "exec cat");
	p = (struct pollfd){ socket_of(&b, JAIL_SOCKET_TCP, 443), POLLIN, 0 };
	serve(socket_of(&a, JAIL_SOCKET_TCP, 443), "a\n", where);
	cr_expect(eq(int, poll(&p, 1, 0), 0));
	cell_finish(&a);
	cell_finish(&b);
	cr_expect(eq(str, a.out, "a\n"));
}
