/* SPDX-License-Identifier: Apache-2.0
 *
 * ownnet.c - what makes a network of a test's own
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/harness/ownnet.h"

bool
ownnet_write_line(const char *path, const char *line)
{
	int	fd = open(path, O_WRONLY | O_CLOEXEC);
	bool	ok = fd != -1 && write(fd, line, strlen(line)) == (ssize_t)strlen(line);

	if (fd != -1)
		close(fd);
	return ok;
}

struct ask {
	struct nlmsghdr	head;
	struct rtmsg	route;
	char		attributes[64];
};

static void
attribute(struct ask *a, unsigned short type, const void *bytes, size_t n)
{
	struct rtattr	*t = (struct rtattr *)(void *)((char *)a + NLMSG_ALIGN(a->head.nlmsg_len));

	t->rta_type = type;
	t->rta_len = (unsigned short)RTA_LENGTH(n);
	memcpy(RTA_DATA(t), bytes, n);
	a->head.nlmsg_len = (uint32_t)(NLMSG_ALIGN(a->head.nlmsg_len) + RTA_LENGTH(n));
}

bool
ownnet_route(const char *prefix, unsigned char bits, const char *source)
{
	struct ask	 a = { .head = { .nlmsg_len = NLMSG_LENGTH(sizeof(struct rtmsg)), .nlmsg_type = RTM_NEWROUTE,
	    .nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_ACK }, .route = { .rtm_family = AF_INET,
	    .rtm_dst_len = bits, .rtm_table = RT_TABLE_LOCAL, .rtm_protocol = RTPROT_BOOT,
	    .rtm_scope = RT_SCOPE_HOST, .rtm_type = RTN_LOCAL } };
	struct {
		struct nlmsghdr head;
		struct nlmsgerr error;
	} answer = { .error.error = -1 };
	struct in_addr	 address;
	uint32_t	 lo = if_nametoindex("lo");
	int		 fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd == -1)
		return false;
	inet_pton(AF_INET, prefix, &address);
	if (bits > 0)
		attribute(&a, RTA_DST, &address, 4);
	attribute(&a, RTA_OIF, &lo, 4);
	if (source != NULL) {
		inet_pton(AF_INET, source, &address);
		attribute(&a, RTA_PREFSRC, &address, 4);
	}
	if (send(fd, &a, a.head.nlmsg_len, 0) != -1)
		(void)!recv(fd, &answer, sizeof(answer), 0);
	close(fd);
	return answer.error.error == 0;
}
