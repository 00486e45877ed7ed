/* SPDX-License-Identifier: Apache-2.0
 *
 * try_net.c - attempts to reach the network
 *
 * Process: the tool in a jail of its own.  Owns: what it breaks.  Trusts: nobody.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/escape/attempts.h"

/* ---- addresses ------------------------------------------------------------------------------- */

static struct sockaddr_in
at_loopback(void)
{
	return (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(outside.port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

/* Somebody of the host listens there: who is refused has met another machine. */
int
try_tcp(void)
{
	struct sockaddr_in	to = at_loopback();
	int			fd = socket(AF_INET, SOCK_STREAM, 0);

	return fd == -1 ? errno : came_to(connect(fd, (void *)&to, sizeof(to)));
}

int
try_tcp_mapped(void)
{
	struct sockaddr_in6	to = { .sin6_family = AF_INET6, .sin6_port = htons(outside.port) };
	int			fd = socket(AF_INET6, SOCK_STREAM, 0);

	inet_pton(AF_INET6, "::ffff:127.0.0.1", &to.sin6_addr);
	return fd == -1 ? errno : came_to(connect(fd, (void *)&to, sizeof(to)));
}

int
try_udp(void)
{
	struct sockaddr_in	to = at_loopback();
	int			fd = socket(AF_INET, SOCK_DGRAM, 0);
	char			byte = 'x';

	if (fd == -1)
		return errno;
	if (connect(fd, (void *)&to, sizeof(to)) == -1 || send(fd, &byte, 1, 0) == -1)
		return errno;
	poll(&(struct pollfd){ fd, POLLIN, 0 }, 1, 1000);
	return came_to(recv(fd, &byte, 1, MSG_DONTWAIT));
}

/* Is there a way to this address?  Nothing is sent. */
static int
routed(int domain, const char *address, uint16_t port)
{
	struct sockaddr_in	four = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6	six = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	int			fd;

	if (inet_pton(domain, address, domain == AF_INET ? (void *)&four.sin_addr : (void *)&six.sin6_addr) != 1)
		return ENETUNREACH;
	if ((fd = socket(domain, SOCK_DGRAM, 0)) == -1)
		return errno;
	return came_to(domain == AF_INET ? connect(fd, (void *)&four, sizeof(four)) :
	    connect(fd, (void *)&six, sizeof(six)));
}

int
try_own_address(void)
{
	return routed(AF_INET, outside.address, outside.port);
}

int
try_metadata(void)
{
	return routed(AF_INET, "169.254.169.254", 80);
}

int
try_metadata_v6(void)
{
	return routed(AF_INET6, "fd00:ec2::254", 80);
}

int
try_metadata_mapped(void)
{
	return routed(AF_INET6, "::ffff:169.254.169.254", 80);
}

int
try_name_server(void)
{
	/* For documentation, nobody's: only the way counts. */
	return routed(AF_INET, "192.0.2.53", 53);
}

/* ---- other sockets -------------------------------------------------------------------------- */

int
try_raw(void)
{
	return came_to(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
}

int
try_packet(void)
{
	return came_to(socket(AF_PACKET, SOCK_RAW, 0));
}

int
try_netlink(void)
{
	return came_to(socket(AF_NETLINK, SOCK_RAW, 0));
}

int
try_vsock(void)
{
	/* The machine below us, by its well-known number. */
	uint32_t	to[4] = { AF_VSOCK, 22, 2, 0 };
	int		fd = socket(AF_VSOCK, SOCK_STREAM, 0);

	return fd == -1 ? errno : came_to(connect(fd, (void *)to, sizeof(to)));
}

int
try_alg(void)
{
	return came_to(socket(38 /* AF_ALG */, SOCK_SEQPACKET, 0));
}

/* Connects to who listens outside, who passes a descriptor. */
static int
given(const struct sockaddr_un *to, size_t n)
{
	union {
		struct cmsghdr	align;
		char		room[CMSG_SPACE(sizeof(int))];
	} control;
	char		 byte;
	struct iovec	 iov = { &byte, 1 };
	struct msghdr	 msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.room,
			    .msg_controllen = sizeof(control.room) };
	int		 fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (fd == -1)
		return errno;
	if (connect(fd, (const void *)to, (socklen_t)n) == -1)
		return errno;
	return recvmsg(fd, &msg, 0) == 1 && CMSG_FIRSTHDR(&msg) != NULL ? 0 : EBADF;
}

int
try_abstract(void)
{
	struct sockaddr_un	to = { .sun_family = AF_UNIX };
	int			n;

	n = snprintf(to.sun_path + 1, sizeof(to.sun_path) - 1, "mcpgw-escape-%u", outside.port);
	return given(&to, offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n);
}

int
try_control(void)
{
	struct sockaddr_un	to = { .sun_family = AF_UNIX };
	const char		*path = at_host("control.sock");

	if (strlen(path) >= sizeof(to.sun_path))
		return ENAMETOOLONG;
	memcpy(to.sun_path, path, strlen(path));
	return given(&to, sizeof(to));
}
