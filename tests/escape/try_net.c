/* SPDX-License-Identifier: Apache-2.0
 *
 * try_net.c - attempts to reach the network
 *
 * Process: the tool in a jail of its own.  Owns: what it breaks.  Trusts: nobody.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/escape/attempts.h"

/* ---- network -------------------------------------------------------------------------------- */

static int
met(int type, uint16_t port)
{
	struct sockaddr_in	to = { .sin_family = AF_INET, .sin_port = htons(port),
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int			fd = socket(AF_INET, type, 0);

	if (fd == -1)
		return errno;
	if (type == SOCK_DGRAM)
		return came_to(sendto(fd, "x", 1, 0, (void *)&to, sizeof(to)));
	/* Refused by a machine that was reached is reached. */
	if (connect(fd, (void *)&to, sizeof(to)) == -1 && errno != ECONNREFUSED)
		return errno;
	return 0;
}

int
try_tcp(void)
{
	return met(SOCK_STREAM, 80);
}

int
try_udp(void)
{
	return met(SOCK_DGRAM, 53);
}

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

/* The runner of these tests listens on this name. */
int
try_abstract(void)
{
	struct sockaddr_un	to = { .sun_family = AF_UNIX };
	int			fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (fd == -1)
		return errno;
	memcpy(to.sun_path + 1, "mcpgw-escape", 12);
	return came_to(connect(fd, (void *)&to, (socklen_t)(sizeof(sa_family_t) + 13)));
}
