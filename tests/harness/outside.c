/* SPDX-License-Identifier: Apache-2.0
 *
 * outside.c - a network of the test's own with hosts that are not this machine, and a name server
 *
 * A local route with a source of its own makes an address one that is reached from another: what looks at both ends
 * of a connection sees two machines.
 */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/harness/outside.h"
#include "tests/harness/ownnet.h"

#define FDS_MAX	256

/* An ordinary user stays who they are: the gateway asks. */
static bool
enter_network(bool *as_user)
{
	unsigned	uid = geteuid(), gid = getegid();
	struct ifreq	lo = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	char		line[64];
	int		fd;
	bool		up;

	*as_user = unshare(CLONE_NEWNET) == -1;
	if (*as_user) {
		if (unshare(CLONE_NEWUSER | CLONE_NEWNET) == -1)
			return false;
		snprintf(line, sizeof(line), "%u %u 1", uid, uid);
		if (!ownnet_write_line("/proc/self/setgroups", "deny") || !ownnet_write_line("/proc/self/uid_map", line))
			return false;
		snprintf(line, sizeof(line), "%u %u 1", gid, gid);
		if (!ownnet_write_line("/proc/self/gid_map", line))
			return false;
	}
	if ((fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) == -1)
		return false;
	up = ioctl(fd, SIOCSIFFLAGS, &lo) == 0;
	close(fd);
	return up;
}

/* ---- the name server ------------------------------------------------------------------------------- */

/* The question's name as text, small letters; the bytes it took with type and class, 0: none. */
static size_t
question(const uint8_t *m, size_t n, char name[256])
{
	size_t	at = 12, used = 0;

	while (at < n && m[at] != 0) {
		size_t label = m[at++];

		if (label > 63 || at + label >= n || used + label + 2 > 256)
			return 0;
		for (size_t i = 0; i < label; i++)
			name[used++] = (char)(m[at + i] >= 'A' && m[at + i] <= 'Z' ? m[at + i] + 32 : m[at + i]);
		at += label;
		name[used++] = '.';
	}
	name[used > 0 ? used - 1 : 0] = '\0';
	return at + 5 <= n ? at + 5 - 12 : 0;
}

static const char *
address_of(const char *name)
{
	const char	*docs = strstr(name, ".docs.example");

	if (docs != NULL && docs[13] == '\0')
		return OUTSIDE_HOST;
	if (strcmp(name, "private.example") == 0)
		return "10.9.9.9";
	return strcmp(name, "loop.example") == 0 ? "127.0.0.1" : NULL;
}

static void
answer_question(int fd)
{
	static const uint8_t	record[] = { 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4 };
	struct sockaddr_storage	from;
	socklen_t		bytes = sizeof(from);
	uint8_t			m[600];
	ssize_t			n = recvfrom(fd, m, 500, 0, (struct sockaddr *)&from, &bytes);
	char			name[256];
	const char		*address;
	size_t			q, end;

	if (n < 12 || (q = question(m, (size_t)n, name)) == 0)
		return;
	end = 12 + q;
	address = address_of(name);
	m[2] = 0x81;
	m[3] = address == NULL ? 0x83 : 0x80;
	memset(m + 6, 0, 6);
	if (address != NULL && m[end - 3] == 1) {
		memcpy(m + end, record, sizeof(record));
		inet_pton(AF_INET, address, m + end + sizeof(record));
		end += sizeof(record) + 4;
		m[7] = 1;
	}
	(void)!sendto(fd, m, end, 0, (struct sockaddr *)&from, bytes);
}

/* ---- hosts ----------------------------------------------------------------------------------------- */

static int
open_at(int type, const char *address, int port)
{
	struct sockaddr_in	to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	int			on = 1, fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	inet_pton(AF_INET, address, &to.sin_addr);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&to, sizeof(to)) == -1 || (type == SOCK_STREAM && listen(fd, 64) == -1))
		_exit(1);
	return fd;
}

enum { P_DNS, P_UDP, P_HTTP, P_ECHO, P_OTHER, LISTENERS };

static bool
serve(int fd, bool http)
{
	static const char	page[] = "HTTP/1.1 200 OK\r\nContent-Length: 18\r\nConnection: close\r\n\r\n"
				    "hello from outside";
	char			room[4096];
	ssize_t			n = read(fd, room, sizeof(room));

	if (n <= 0)
		return false;
	if (http)
		return write(fd, page, sizeof(page) - 1) == -1;	/* and the end */
	return write(fd, room, (size_t)n) == n;
}

static _Noreturn void
live(struct pollfd *p)
{
	bool	http[FDS_MAX] = { false };
	int	count = LISTENERS;

	for (;;) {
		poll(p, (nfds_t)count, -1);
		if (p[P_DNS].revents != 0)
			answer_question(p[P_DNS].fd);
		if (p[P_UDP].revents != 0) {
			struct sockaddr_storage from;
			socklen_t bytes = sizeof(from);
			char room[64];

			(void)!recvfrom(p[P_UDP].fd, room, sizeof(room), 0, (struct sockaddr *)&from, &bytes);
			(void)!sendto(p[P_UDP].fd, "reached", 7, 0, (struct sockaddr *)&from, bytes);
		}
		for (int i = P_HTTP; i < LISTENERS; i++)
			if (p[i].revents != 0 && count < FDS_MAX) {
				http[count] = i == P_HTTP;
				p[count++] = (struct pollfd){ .fd = accept(p[i].fd, NULL, NULL), .events = POLLIN };
			}
		for (int i = LISTENERS; i < count; i++) {
			if (p[i].revents == 0 || serve(p[i].fd, http[i]))
				continue;
			close(p[i].fd);
			p[i] = p[--count];
			http[i] = http[count];
			p[i--].revents = 0;
		}
	}
}

static _Noreturn void
outside_run(int tell)
{
	struct pollfd	p[FDS_MAX];
	bool		as_user = false;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_IGN);
	if (!enter_network(&as_user) || !ownnet_route("12.0.0.1", 32, NULL) ||
	    !ownnet_route("11.0.0.0", 24, "12.0.0.1") || !ownnet_route("10.0.0.0", 8, "12.0.0.1"))
		_exit(1);
	p[P_DNS] = (struct pollfd){ .fd = open_at(SOCK_DGRAM, "127.0.0.1", 5300), .events = POLLIN };
	p[P_UDP] = (struct pollfd){ .fd = open_at(SOCK_DGRAM, OUTSIDE_HOST, 53), .events = POLLIN };
	p[P_HTTP] = (struct pollfd){ .fd = open_at(SOCK_STREAM, "0.0.0.0", OUTSIDE_HTTP), .events = POLLIN };
	p[P_ECHO] = (struct pollfd){ .fd = open_at(SOCK_STREAM, "0.0.0.0", OUTSIDE_ECHO), .events = POLLIN };
	p[P_OTHER] = (struct pollfd){ .fd = open_at(SOCK_STREAM, "0.0.0.0", OUTSIDE_OTHER), .events = POLLIN };
	if (write(tell, as_user ? "u" : "r", 1) != 1)
		_exit(1);
	live(p);
}

static int
namespace_of(pid_t pid, const char *kind)
{
	char	path[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)pid, kind);
	return open(path, O_RDONLY | O_CLOEXEC);
}

bool
outside_start(struct outside *o)
{
	int	tell[2];
	char	how = '\0';

	*o = (struct outside){ .pid = 0 };
	cr_assert(pipe2(tell, O_CLOEXEC) == 0);
	if ((o->pid = fork()) == 0)
		outside_run(tell[1]);
	close(tell[1]);
	if (read(tell[0], &how, 1) == 1) {
		o->net_ns = namespace_of(o->pid, "net");
		o->user_ns = how == 'u' ? namespace_of(o->pid, "user") : 0;
	}
	close(tell[0]);
	if (how != '\0' && o->net_ns > 0 && o->user_ns >= 0)
		return true;
	outside_stop(o);
	return false;
}

pid_t
outside_exec(const struct outside *o, char *const *argv)
{
	pid_t	pid = fork();
	int	null;

	if (pid != 0)
		return pid == -1 ? 0 : pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	null = open("/dev/null", O_RDWR);
	if ((o->user_ns > 0 && setns(o->user_ns, CLONE_NEWUSER) == -1) || setns(o->net_ns, CLONE_NEWNET) == -1 ||
	    dup2(null, 0) == -1 || dup2(null, 1) == -1 || dup2(null, 2) == -1)
		_exit(126);
	execvp(argv[0], argv);
	_exit(127);
}

void
outside_stop(struct outside *o)
{
	if (o->pid > 0) {
		kill(o->pid, SIGKILL);
		waitpid(o->pid, NULL, 0);
	}
	if (o->net_ns > 0)
		close(o->net_ns);
	if (o->user_ns > 0)
		close(o->user_ns);
	*o = (struct outside){ .pid = 0 };
}
