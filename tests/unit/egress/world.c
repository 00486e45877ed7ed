/* SPDX-License-Identifier: Apache-2.0
 *
 * world.c - the two networks of the rig: name server and hosts in one, a tool's sockets in the other
 */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ipc/frame.h"
#include "sandbox/egress/question.h"
#include "sandbox/ns.h"
#include "tests/harness/ownnet.h"
#include "world.h"

#define FDS_MAX	256

/* --- networks ------------------------------------------------------------------------------------- */

/* This process, which has one thread, goes to a network of its own. */
static bool
enter_network(void)
{
	unsigned	uid = geteuid(), gid = getegid();
	char		line[64];

	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) == -1)
		return false;
	snprintf(line, sizeof(line), "0 %u 1", uid);
	if (!ownnet_write_line("/proc/self/setgroups", "deny") || !ownnet_write_line("/proc/self/uid_map", line))
		return false;
	snprintf(line, sizeof(line), "0 %u 1", gid);
	return ownnet_write_line("/proc/self/gid_map", line) && ns_loopback_up() == 0;
}

/* Two of one interface, the second of which is no way's source. */
static bool
own_addresses(const char *first, const char *second)
{
	const char *const	both[2] = { first, second };
	int			fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool			ok = fd != -1;

	for (int i = 0; i < 2 && ok; i++) {
		struct sockaddr_in	a = { .sin_family = AF_INET };
		struct ifreq		lo = { .ifr_name = "lo:0" };

		lo.ifr_name[3] = (char)('1' + i);
		inet_pton(AF_INET, both[i], &a.sin_addr);
		memcpy(&lo.ifr_addr, &a, sizeof(a));
		ok = ioctl(fd, SIOCSIFADDR, &lo) == 0;
	}
	if (fd != -1)
		close(fd);
	return ok;
}

/* --- the name server ------------------------------------------------------------------------------ */

static const struct host {
	const char	*name, *first, *later, *also;	/* addresses; NULL: first, none */
	uint32_t	 ttl;
	bool		 silent;
	unsigned	 lost;		/* so many come first that there is no way to */
} hosts[] = {
	{ "api.docs.example", "11.0.0.1", NULL, NULL, 60, false, 0 },
	{ "other.docs.example", "11.0.0.1", NULL, NULL, 60, false, 0 },
	{ "private.docs.example", "10.9.9.9", NULL, NULL, 60, false, 0 },
	{ "mixed.docs.example", "11.0.0.1", NULL, "192.168.1.1", 60, false, 0 },
	{ "rebind.docs.example", "11.0.0.1", "10.9.9.9", NULL, 0, false, 0 },
	{ "loop.docs.example", "127.0.0.1", NULL, NULL, 60, false, 0 },
	{ "own.docs.example", "12.0.0.1", NULL, NULL, 60, false, 0 },
	{ "lost.docs.example", "11.0.0.1", NULL, NULL, 60, false, 6 },
	{ "second.docs.example", "13.0.0.2", NULL, NULL, 60, false, 0 },
	{ "slow.docs.example", NULL, NULL, NULL, 60, true, 0 },
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
	char			 lost[32];

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
	for (i = 0; i < h->lost; i++) {
		snprintf(lost, sizeof(lost), "14.0.0.%zu", i + 1);
		bytes += put_address(to + bytes, lost, h->ttl);
		to[7]++;
	}
	bytes += put_address(to + bytes, times[h - hosts]++ > 0 && h->later != NULL ? h->later : h->first, h->ttl);
	to[7]++;
	if (h->also != NULL) {
		bytes += put_address(to + bytes, h->also, h->ttl);
		to[7]++;
	}
	return bytes;
}

/* --- sockets -------------------------------------------------------------------------------------- */

static int
open_at(int type, const char *address, int port)
{
	struct sockaddr_in	to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	int			on = 1, fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	if (fd == -1 || address[0] == '\0')
		return fd;
	inet_pton(AF_INET, address, &to.sin_addr);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&to, sizeof(to)) == 0 && (type != SOCK_STREAM || listen(fd, 64) == 0))
		return fd;
	close(fd);
	return -1;
}

struct wish {
	int	type, port;
	char	address[32];
};

_Noreturn static void
make_sockets(int ask)
{
	char		room[FRAME_MAX];
	struct frame	f;
	struct wish	w;
	int		fd;

	while (frame_recv(ask, room, &f) == 0 && f.body.n == sizeof(w)) {
		memcpy(&w, f.body.p, sizeof(w));
		fd = open_at(w.type, w.address, w.port);
		if (frame_send(ask, 1, 0, SPAN_NONE, &fd, fd != -1) != 0)
			break;
		if (fd != -1)
			close(fd);
	}
	_exit(0);
}

int
cell_socket(int ask, int type, const char *address, int port)
{
	struct wish	w = { .type = type, .port = port };
	char		room[FRAME_MAX];
	struct frame	f;

	if (address != NULL)
		snprintf(w.address, sizeof(w.address), "%s", address);
	cr_assert(eq(int, frame_send(ask, 1, 0, span_make(&w, sizeof(w)), NULL, 0), 0));
	cr_assert(eq(int, frame_recv(ask, room, &f), 0));
	return f.head.fds == 1 ? f.fds[0] : -1;
}

/* --- all of it ------------------------------------------------------------------------------------ */

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

/* In the child: says that it is there, or ends. */
static void
say_ready(int to, bool ok)
{
	if (!ok || write(to, "", 1) != 1)
		_exit(1);
	close(to);
}

/* Forks; in the parent waits for that word: its pid, or -1. */
static pid_t
start(int *to)
{
	int	fds[2];
	char	byte;
	pid_t	pid;

	cr_assert(eq(int, pipe2(fds, O_CLOEXEC), 0));
	if ((pid = fork()) == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		signal(SIGPIPE, SIG_IGN);
		*to = fds[1];
		return 0;
	}
	close(fds[1]);
	if (read(fds[0], &byte, 1) != 1) {
		waitpid(pid, NULL, 0);
		pid = -1;
	}
	close(fds[0]);
	return pid;
}

static int
namespace_of(pid_t pid, const char *which)
{
	char	path[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, which);
	return open(path, O_RDONLY | O_CLOEXEC);
}

pid_t
world_start(struct rig_world *shared, int *user_ns, int *net_ns)
{
	struct pollfd	p[FDS_MAX] = { { 0 } };
	bool		ok = true;
	int		ready;
	pid_t		pid = start(&ready);

	if (pid == 0) {
		ok = enter_network() && ownnet_route("11.0.0.0", 24, "127.0.0.1") &&
		    ownnet_route("10.9.9.0", 24, "127.0.0.1") && ownnet_route("12.0.0.0", 24, NULL) && own_addresses("13.0.0.1", "13.0.0.2");
		p[0].fd = open_at(SOCK_DGRAM, "127.0.0.1", 5300);
		p[1].fd = open_at(SOCK_STREAM, "0.0.0.0", 443);
		p[2].fd = open_at(SOCK_STREAM, "0.0.0.0", 80);
		p[3].fd = open_at(SOCK_STREAM, "0.0.0.0", 25);
		for (int i = 0; i < 4; i++) {
			p[i].events = POLLIN;
			ok = ok && p[i].fd != -1;
		}
		say_ready(ready, ok);
		live(p, 4, shared);
	}
	if (pid > 0) {
		*user_ns = namespace_of(pid, "user");
		*net_ns = namespace_of(pid, "net");
	}
	return pid;
}

pid_t
cell_start(int *ask)
{
	int	pair[2], ready;
	pid_t	pid;

	cr_assert(eq(int, socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0));
	if ((pid = start(&ready)) == 0) {
		close(pair[0]);
		say_ready(ready, enter_network() && ownnet_route("0.0.0.0", 0, NULL));
		make_sockets(pair[1]);
	}
	close(pair[1]);
	*ask = pair[0];
	return pid;
}
