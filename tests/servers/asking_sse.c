/* SPDX-License-Identifier: Apache-2.0
 *
 * asking_sse.c - asking-server over HTTP+SSE: one process per stream, and the processes of POSTs that write to it
 *
 * The stream's process listens on a socket of its own.  Who has something to say connects, says it, and closes:
 * what is said at once stays together, and in order.
 */
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/servers/asking.h"

static socklen_t
address_of(struct sockaddr_un *a, pid_t server, unsigned session)
{
	int	n;

	*a = (struct sockaddr_un){ .sun_family = AF_UNIX };
	/* Abstract: it begins with a NUL. */
	n = snprintf(a->sun_path + 1, sizeof(a->sun_path) - 1, "asking-sse-%d-%u", (int)server, session);
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n);
}

static bool
pass_on(int from, int to)
{
	static char	text[65536];
	ssize_t		n, r;

	while ((n = read(from, text, sizeof(text))) > 0)
		for (ssize_t at = 0; at < n; at += r)
			if ((r = send(to, text + at, (size_t)(n - at), MSG_NOSIGNAL)) <= 0)
				return false;
	return true;
}

void
sse_stream(int conn, pid_t server, unsigned session)
{
	struct sockaddr_un	a;
	struct pollfd		p[2] = { { .fd = conn, .events = POLLIN }, { .events = POLLIN } };
	socklen_t		n = address_of(&a, server, session);
	char			text[256];
	int			said, bytes;

	p[1].fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (bind(p[1].fd, (struct sockaddr *)&a, n) != 0 || listen(p[1].fd, 512) != 0)
		exit(71);
	bytes = snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
	    "Cache-Control: no-store\r\nConnection: close\r\n\r\nevent: endpoint\ndata: /messages/?sessionId=%u\n\n", session);
	if (write(conn, text, (size_t)bytes) != bytes)
		return;
	while (poll(p, 2, -1) > 0 && p[0].revents == 0) {
		if ((said = accept(p[1].fd, NULL, NULL)) == -1)
			exit(71);
		if (!pass_on(said, conn))
			return;
		close(said);
	}
}

bool
sse_say(pid_t server, unsigned session, const char *text, size_t n)
{
	struct sockaddr_un	a;
	socklen_t		bytes = address_of(&a, server, session);
	int			fd = socket(AF_UNIX, SOCK_STREAM, 0);
	ssize_t			r = connect(fd, (struct sockaddr *)&a, bytes);

	for (size_t at = 0; r >= 0 && at < n; at += (size_t)r)
		r = send(fd, text + at, n - at, MSG_NOSIGNAL);
	close(fd);
	return r >= 0;
}
