/* SPDX-License-Identifier: Apache-2.0
 *
 * planted.c - what an attempt could reach if nothing held it: a file, and somebody who listens
 *
 * Process: a child of the tester, outside of every jail.  Owns: its sockets.
 * Trusts:  nobody who connects: nothing of what comes is kept.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/fd.h"
#include "tests/escape/escape.h"
#include "tests/escape/planted.h"

enum ear { EAR_LIFE, EAR_TCP, EAR_UDP, EAR_PATH, EAR_ABSTRACT, EAR_LIMIT };

static int
ear_inet(int type, uint16_t *port)
{
	struct sockaddr_in	at = { .sin_family = AF_INET, .sin_port = htons(*port),
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t		n = sizeof(at);
	int			fd = socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd == -1 || bind(fd, (void *)&at, n) == -1 || getsockname(fd, (void *)&at, &n) == -1 ||
	    (type == SOCK_STREAM && listen(fd, 64) == -1))
		fd_close(&fd);
	*port = ntohs(at.sin_port);
	return fd;
}

static int
ear_unix(const char *name, bool abstract)
{
	struct sockaddr_un	at = { .sun_family = AF_UNIX };
	size_t			n = strlen(name);
	int			fd = -1;

	if (n + 1 >= sizeof(at.sun_path))
		return -1;
	memcpy(at.sun_path + abstract, name, n);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1 || bind(fd, (void *)&at, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + 1)) == -1 ||
	    listen(fd, 64) == -1)
		fd_close(&fd);
	return fd;
}

/* Passes a descriptor on, and hangs up; anybody of this machine may ask, so it is a harmless one. */
static void
give(int listener, int gift)
{
	union {
		struct cmsghdr	align;
		char		room[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	char		 byte = 'G';
	struct iovec	 iov = { &byte, 1 };
	struct msghdr	 msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.room,
			    .msg_controllen = sizeof(control.room) };
	struct cmsghdr	*c = CMSG_FIRSTHDR(&msg);
	int		 fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &gift, sizeof(int));
	if (fd != -1)
		(void)!sendmsg(fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
	fd_close(&fd);
}

static void
echo(int fd)
{
	struct sockaddr_in	from;
	socklen_t		n = sizeof(from);
	char			byte;

	if (recvfrom(fd, &byte, 1, MSG_DONTWAIT, (void *)&from, &n) == 1)
		(void)!sendto(fd, &byte, 1, MSG_DONTWAIT, (void *)&from, n);
}

static _Noreturn void
hear(const int ears[EAR_LIMIT], int segment)
{
	int	gift = open("/dev/null", O_RDONLY | O_CLOEXEC);

	for (;;) {
		struct pollfd p[EAR_LIMIT];

		for (int i = 0; i < EAR_LIMIT; i++)
			p[i] = (struct pollfd){ ears[i], POLLIN, 0 };
		if (poll(p, EAR_LIMIT, -1) == -1 && errno != EINTR)
			p[EAR_LIFE].revents = POLLERR;
		if (p[EAR_LIFE].revents != 0) {
			if (segment != -1)
				shmctl(segment, IPC_RMID, NULL);
			_exit(0);
		}
		if (p[EAR_TCP].revents != 0)
			close(accept4(ears[EAR_TCP], NULL, NULL, SOCK_CLOEXEC));
		if (p[EAR_UDP].revents != 0)
			echo(ears[EAR_UDP]);
		if (p[EAR_PATH].revents != 0)
			give(ears[EAR_PATH], gift);
		if (p[EAR_ABSTRACT].revents != 0)
			give(ears[EAR_ABSTRACT], gift);
	}
}

static void
own_address(char *to, size_t room)
{
	struct ifaddrs	*all;

	*to = '\0';
	if (getifaddrs(&all) == -1)
		return;
	for (struct ifaddrs *i = all; i != NULL && *to == '\0'; i = i->ifa_next)
		if (i->ifa_addr != NULL && i->ifa_addr->sa_family == AF_INET && (i->ifa_flags & IFF_LOOPBACK) == 0 &&
		    (i->ifa_flags & IFF_UP) != 0)
			inet_ntop(AF_INET, &((struct sockaddr_in *)(void *)i->ifa_addr)->sin_addr, to,
			    (socklen_t)room);
	freeifaddrs(all);
}

static const char *
plant_files(const char *folder)
{
	static const char *const	folders[] = { "data", "home", "tmp" };
	char				path[512];
	int				fd;

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, folders[i]);
		if (mkdir(path, 0700) == -1)
			return "no folder can be made";
	}
	snprintf(path, sizeof(path), "%s/secret", folder);
	if ((fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)) == -1)
		return "no file can be made";
	fd_close(&fd);
	return NULL;
}

const char *
planted_start(struct planted *p, const char *folder)
{
	int		 ears[EAR_LIMIT] = { -1, -1, -1, -1, -1 }, life[2], segment;
	char		 path[512], name[64];
	const char	*fault = plant_files(folder);

	*p = (struct planted){ .pid = -1, .lifeline = -1 };
	if (fault != NULL)
		return fault;
	if (pipe2(life, O_CLOEXEC) == -1)
		return "no pipe can be made";
	ears[EAR_LIFE] = life[0];
	p->lifeline = life[1];
	snprintf(path, sizeof(path), "%s/control.sock", folder);
	/* The port of one may be taken for the other. */
	for (int i = 0; i < 16 && ears[EAR_UDP] == -1; i++) {
		p->port = 0;
		fd_close(&ears[EAR_TCP]);
		if ((ears[EAR_TCP] = ear_inet(SOCK_STREAM, &p->port)) != -1)
			ears[EAR_UDP] = ear_inet(SOCK_DGRAM, &p->port);
	}
	snprintf(name, sizeof(name), "mcpgw-escape-%u", p->port);
	ears[EAR_PATH] = ear_unix(path, false);
	ears[EAR_ABSTRACT] = ear_unix(name, true);
	segment = shmget((key_t)(ESCAPE_SHM_KEY + p->port), 1, IPC_CREAT | 0600);
	own_address(p->address, sizeof(p->address));
	if (ears[EAR_UDP] == -1 || ears[EAR_PATH] == -1 || ears[EAR_ABSTRACT] == -1)
		fault = "nobody can listen on 127.0.0.1 and on unix sockets";
	else if ((p->pid = fork()) == 0) {
		fd_close(&p->lifeline);
		hear(ears, segment);
	}
	for (int i = 0; i < EAR_LIMIT; i++)
		fd_close(&ears[i]);
	return fault;
}

void
planted_stop(struct planted *p)
{
	fd_close(&p->lifeline);
	if (p->pid > 0)
		while (waitpid(p->pid, NULL, 0) == -1 && errno == EINTR)
			;
	p->pid = -1;
}
