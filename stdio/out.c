/* SPDX-License-Identifier: Apache-2.0
 *
 * out.c - messages on their way to the client, each a line, one after the other
 *
 * Process: mcpgw-stdio.  Owns: the queue.
 * Trusts:  the client for nothing: it may stop reading, and it may go.
 *
 * stdout is often a description that others hold too (a terminal, a log file shared with stderr), and
 * O_NONBLOCK would be theirs as well.  So a pipe or a terminal is opened anew, and a socket is asked
 * for each write.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/fd.h"
#include "stdio/out.h"

#define QUEUE_MAX	(64u * 1024 * 1024)	/* OUT_HIGH, and what one turn may add to it */
#define KEEP_ROOM	(1024u * 1024)

void
out_init(struct out *o, int fd)
{
	struct stat	st;
	char		path[32];

	*o = (struct out){ .fd = fd, .own = -1 };
	buf_init(&o->queue, QUEUE_MAX);
	if (fstat(fd, &st) == -1)
		return;
	o->socket = S_ISSOCK(st.st_mode);
	if (!S_ISFIFO(st.st_mode) && !S_ISCHR(st.st_mode))
		return;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if ((o->own = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)) != -1)
		o->fd = o->own;
	else if (S_ISFIFO(st.st_mode))
		(void)!fd_set_nonblock(fd);	/* no /proc: a pipe's end is rarely shared */
}

void
out_fini(struct out *o)
{
	fd_close(&o->own);
	buf_fini(&o->queue);
}

int
out_line(struct out *o, struct span json)
{
	char	*to, *hit, *end;
	int	 r;

	if ((r = buf_reserve(&o->queue, json.n + 1, &to)) != 0)
		return r;
	if (json.n > 0)
		memcpy(to, json.p, json.n);
	end = to + json.n;
	for (hit = to; (hit = memchr(hit, '\n', (size_t)(end - hit))) != NULL; hit++)
		*hit = ' ';
	for (hit = to; (hit = memchr(hit, '\r', (size_t)(end - hit))) != NULL; hit++)
		*hit = ' ';
	*end = '\n';
	buf_commit(&o->queue, json.n + 1);
	return 0;
}

int
out_flush(struct out *o)
{
	struct span	rest;
	ssize_t		n;

	while ((rest = buf_rest(&o->queue)).n > 0) {
		n = o->socket ? send(o->fd, rest.p, rest.n, MSG_DONTWAIT | MSG_NOSIGNAL) :
		    write(o->fd, rest.p, rest.n);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return errno == EAGAIN || errno == EWOULDBLOCK ? E_AGAIN : E_CLOSED;
		buf_drain(&o->queue, (size_t)n);
	}
	if (o->queue.room > KEEP_ROOM)
		buf_fini(&o->queue);
	return 0;
}
