/* SPDX-License-Identifier: Apache-2.0
 *
 * world.c - name server and hosts of the rig
 */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sandbox/egress/question.h"
#include "sandbox/ns.h"
#include "world.h"

#define FDS_MAX	256

/* --- networks ------------------------------------------------------------------------------------- */

static bool
write_line(const char *path, const char *line)
{
	int	fd = open(path, O_WRONLY | O_CLOEXEC);
	bool	ok = fd != -1 && write(fd, line, strlen(line)) == (ssize_t)strlen(line);

	if (fd != -1)
		close(fd);
	return ok;
}

bool
world_network(void)
{
	unsigned	uid = geteuid(), gid = getegid();
	char		line[64];

	if (unshare(CLONE_NEWNET) == -1) {
		if (unshare(CLONE_NEWUSER | CLONE_NEWNET) == -1)
			return false;
		snprintf(line, sizeof(line), "0 %u 1", uid);
		if (!write_line("/proc/self/setgroups", "deny") || !write_line("/proc/self/uid_map", line))
			return false;
		snprintf(line, sizeof(line), "0 %u 1", gid);
		if (!write_line("/proc/self/gid_map", line))
			return false;
	}
	return ns_loopback_up() == 0;
}

struct ask {
	struct nlmsghdr	head;
	struct rtmsg	route;
	char		attributes[128];
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

void
world_route(const char *prefix, int bits, const char *source)
{
	struct ask	 a = { .head = { .nlmsg_len = NLMSG_LENGTH(sizeof(struct rtmsg)), .nlmsg_type = RTM_NEWROUTE,
	    .nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_ACK }, .route = { .rtm_family = AF_INET,
	    .rtm_dst_len = (unsigned char)bits, .rtm_table = RT_TABLE_LOCAL, .rtm_protocol = RTPROT_BOOT,
	    .rtm_scope = RT_SCOPE_HOST, .rtm_type = RTN_LOCAL } };
	struct {
		struct nlmsghdr head;
		struct nlmsgerr error;
		char rest[256];
	} answer;
	struct in_addr	 address;
	uint32_t	 lo = 1;
	int		 fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	inet_pton(AF_INET, prefix, &address);
	if (bits > 0)
		attribute(&a, RTA_DST, &address, 4);
	attribute(&a, RTA_OIF, &lo, 4);
	if (source != NULL) {
		inet_pton(AF_INET, source, &address);
		attribute(&a, RTA_PREFSRC, &address, 4);
	}
	cr_assert(fd != -1);
	cr_assert(eq(int, (int)send(fd, &a, a.head.nlmsg_len, 0), (int)a.head.nlmsg_len));
	cr_assert(recv(fd, &answer, sizeof(answer), 0) >= (ssize_t)NLMSG_LENGTH(sizeof(answer.error)));
	cr_assert(eq(int, answer.error.error, 0), "route %s/%d", prefix, bits);
	close(fd);
}

/* --- the name server ------------------------------------------------------------------------------ */

static const struct host {
	const char	*name, *first, *later, *also;	/* addresses; NULL: first, none */
	uint32_t	 ttl;
	bool		 silent;
} hosts[] = {
	{ "api.docs.example", "11.0.0.1", NULL, NULL, 60, false },
	{ "other.docs.example", "11.0.0.1", NULL, NULL, 60, false },
	{ "private.docs.example", "10.9.9.9", NULL, NULL, 60, false },
	{ "mixed.docs.example", "11.0.0.1", NULL, "192.168.1.1", 60, false },
	{ "rebind.docs.example", "11.0.0.1", "10.9.9.9", NULL, 0, false },
	{ "loop.docs.example", "127.0.0.1", NULL, NULL, 60, false },
	{ "own.docs.example", "12.0.0.1", NULL, NULL, 60, false },
	{ "slow.docs.example", NULL, NULL, NULL, 60, true },
};

static size_t
put_address(uint8_t *to, const char *text, uint32_t ttl)
{
	const uint8_t	head[] = { 0xc0, 12, 0, 1, 0, 1, 0, 0, (uint8_t)(ttl >> 8), (uint8_t)ttl, 0, 4 };

	memcpy(to, head, sizeof(head));
	inet_pton(AF_INET, text, to + sizeof(head));
	return sizeof(head) + 4;
}

/* Answers what it wrote; 0: nothing. */
static size_t
answer_to(const char *message, size_t n, uint8_t *to)
{
	static unsigned		 times[sizeof(hosts) / sizeof(hosts[0])];
	struct span		 m = span_make(message, n);
	struct question		 q;
	const struct host	*h = NULL;
	size_t			 i, bytes;

	if (question_parse(m, &q) != 0)
		return 0;
	for (i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++)
		if (span_eq_nocase(span_make(q.name, q.name_bytes), span_of(hosts[i].name)))
			h = &hosts[i];
	if (h != NULL && h->silent)
		return 0;
	bytes = question_answer(m, &q, h == NULL ? RCODE_NXDOMAIN : RCODE_OK, NULL, 0, to);
	if (h == NULL || q.type != QUESTION_TYPE_A)
		return bytes;
	bytes += put_address(to + bytes, times[h - hosts]++ > 0 && h->later != NULL ? h->later : h->first, h->ttl);
	to[7]++;
	if (h->also != NULL) {
		bytes += put_address(to + bytes, h->also, h->ttl);
		to[7]++;
	}
	return bytes;
}

/* --- all of it ------------------------------------------------------------------------------------ */

static int
open_at(int type, const char *address, int port)
{
	struct sockaddr_in	to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	int			on = 1, fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	inet_pton(AF_INET, address, &to.sin_addr);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	cr_assert(eq(int, bind(fd, (struct sockaddr *)&to, sizeof(to)), 0), "%s:%d", address, port);
	if (type == SOCK_STREAM)
		cr_assert(eq(int, listen(fd, 64), 0));
	return fd;
}

static void
serve_question(int fd, struct rig_world *shared)
{
	struct sockaddr_storage	from;
	socklen_t		bytes = sizeof(from);
	char			message[1500];
	uint8_t			to[1500];
	ssize_t			n = recvfrom(fd, message, sizeof(message), 0, (struct sockaddr *)&from, &bytes);
	size_t			m;

	shared->asked++;
	if (n > 0 && (m = answer_to(message, (size_t)n, to)) > 0)
		(void)!sendto(fd, to, m, 0, (struct sockaddr *)&from, bytes);
}

/* Hosts say again what they hear; that at port 25 speaks first. */
_Noreturn static void
live(struct pollfd *p, int listeners, struct rig_world *shared)
{
	int	count = listeners;
	char	room[65536];
	ssize_t	n;

	for (;;) {
		poll(p, (nfds_t)count, -1);
		if (p[0].revents)
			serve_question(p[0].fd, shared);
		for (int i = 1; i < listeners; i++)
			if (p[i].revents && count < FDS_MAX) {
				p[count] = (struct pollfd){ .fd = accept(p[i].fd, NULL, NULL), .events = POLLIN };
				shared->accepted++;
				if (i == 3)
					(void)!write(p[count].fd, "220 hello\r\n", 11);
				count++;
			}
		for (int i = listeners; i < count; i++) {
			if (!p[i].revents)
				continue;
			n = read(p[i].fd, room, sizeof(room));
			if (n > 0 && write(p[i].fd, room, (size_t)n) == n)
				continue;
			close(p[i].fd);
			p[i--] = p[--count];
			p[count].revents = 0;
		}
	}
}

pid_t
world_start(struct rig_world *shared)
{
	struct pollfd	p[FDS_MAX] = {
		{ .fd = open_at(SOCK_DGRAM, "127.0.0.1", 5300), .events = POLLIN },
		{ .fd = open_at(SOCK_STREAM, "0.0.0.0", 443), .events = POLLIN },
		{ .fd = open_at(SOCK_STREAM, "0.0.0.0", 80), .events = POLLIN },
		{ .fd = open_at(SOCK_STREAM, "0.0.0.0", 25), .events = POLLIN },
	};
	pid_t		pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		signal(SIGPIPE, SIG_IGN);
		live(p, 4, shared);
	}
	cr_assert(pid > 0);
	for (int i = 0; i < 4; i++)
		close(p[i].fd);
	return pid;
}
