/* SPDX-License-Identifier: Apache-2.0
 *
 * accept.c - listening sockets, shared with other processes, to connections
 *
 * Process: worker, mcpgw-admin.  Owns: its copies of the listening descriptors, and one in reserve.
 * Trusts:  nothing.  Another process may be faster: EAGAIN is normal.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "lib/bug.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/spare.h"
#include "http/accept.h"

#define ACCEPT_MAGIC	0xacce9701u
#define LISTENERS_MAX	16	/* while some take others' place */
#define PER_EVENT	16	/* then the others have their turn */
#define PAUSE_MS	100

struct listening {
	struct accept	*owner;
	struct loop_io	 io;
	int		 fd;			/* -1: this place is free */
	unsigned	 listener;
	uint32_t	 number;		/* the master's, to tell it from others */
	bool		 over;			/* nothing is taken from it any more */
};

struct accept {
	uint32_t		 magic;
	struct loop		*loop;
	struct conn_set		*conns;
	struct listening	 sockets[LISTENERS_MAX];
	size_t			 count;
	struct loop_timer	 pause, closer;
	int			 reserve;
	bool			 paused, stopped;
};

static void
watch(struct accept *a)
{
	for (size_t i = 0; i < a->count; i++)
		if (a->sockets[i].fd != -1 && !a->sockets[i].over)
			loop_io_arm(&a->sockets[i].io, a->paused ? 0 : LOOP_READ);
}

static void
pause_for(struct accept *a, uint64_t ms)
{
	a->paused = true;
	watch(a);
	loop_timer_arm(&a->pause, ms);
}

static void
pause_for_a_while(struct accept *a)
{
	pause_for(a, PAUSE_MS);
}

/* Those that do nothing make room for those that come. */
static void
wait_for_room(struct accept *a)
{
	log_warn_repeat(NULL, "max_connections reached: idle ones are closed, or new ones wait");
	pause_for(a, conn_set_make_room(a->conns, PER_EVENT) > 0 ? 1 : PAUSE_MS);
}

static void
on_pause_over(struct loop_timer *t, void *arg)
{
	struct accept	*a = arg;

	(void)t;
	MAGIC_CHECK(a, ACCEPT_MAGIC);
	if (conn_set_is_full(a->conns)) {
		wait_for_room(a);
		return;
	}
	a->paused = false;
	watch(a);
}

/* Whoever waits is told by the closing. */
static void
shed(struct accept *a, struct listening *l)
{
	int	fd;

	log_warn_repeat(NULL, "out of descriptors: a connection is refused, idle ones are closed");
	(void)!conn_set_make_room(a->conns, PER_EVENT);
	fd = spare_accept(&a->reserve, l->fd);
	fd_close(&fd);
	spare_take(&a->reserve, l->fd);
	pause_for_a_while(a);
}

static void
on_readable(struct loop_io *io, unsigned what, void *arg)
{
	struct listening	*l = arg;
	struct accept		*a = l->owner;
	int			 fd;

	(void)io;
	(void)what;
	MAGIC_CHECK(a, ACCEPT_MAGIC);
	for (int i = 0; i < PER_EVENT && !a->paused; i++) {
		if (conn_set_is_full(a->conns)) {
			wait_for_room(a);
			return;
		}
		if ((fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) != -1) {
			if (conn_open(a->conns, fd, l->listener) == E_NOMEM)
				pause_for_a_while(a);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE)
			shed(a, l);
		else if (errno == ENOBUFS || errno == ENOMEM)
			pause_for_a_while(a);
		else if (errno == EAGAIN || errno == EWOULDBLOCK)
			return;
		/* Others are of one connection that went away before it was taken. */
	}
}

/* The loop has told the kernel by now. */
static void
on_closer(struct loop_timer *t, void *arg)
{
	struct accept	*a = arg;

	(void)t;
	MAGIC_CHECK(a, ACCEPT_MAGIC);
	for (size_t i = 0; i < a->count; i++)
		if (a->sockets[i].over)
			fd_close(&a->sockets[i].fd);
	if (a->count > 0)
		spare_take(&a->reserve, a->sockets[0].fd);
}

int
accept_new(struct loop *l, struct conn_set *conns, struct accept **out)
{
	struct accept	*a;

	*out = NULL;
	if ((a = calloc(1, sizeof(*a))) == NULL)
		return E_NOMEM;
	a->magic = ACCEPT_MAGIC;
	a->loop = l;
	a->conns = conns;
	a->reserve = -1;
	loop_timer_init(l, &a->pause, on_pause_over, a);
	loop_timer_init(l, &a->closer, on_closer, a);
	*out = a;
	return 0;
}

int
accept_add(struct accept *a, int fd, unsigned listener, uint32_t number)
{
	struct listening	*l = a->sockets;
	int			 on = 1, r;

	while (l < a->sockets + a->count && l->fd != -1)
		l++;
	if (a->stopped || l == a->sockets + LISTENERS_MAX) {
		fd_close(&fd);
		return E_FULL;
	}
	if ((r = fd_set_nonblock(fd)) != 0) {
		fd_close(&fd);
		return r;
	}
	/* Accepted sockets inherit it; a unix socket does not know it. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	*l = (struct listening){ .owner = a, .fd = fd, .listener = listener, .number = number };
	loop_io_init(a->loop, &l->io, fd, on_readable, l);
	if (l == a->sockets + a->count)
		a->count++;
	spare_take(&a->reserve, fd);
	watch(a);
	return 0;
}

void
accept_drop(struct accept *a, uint32_t number)
{
	struct listening	*l = a->sockets;
	int			 fd;

	while (l < a->sockets + a->count && (l->fd == -1 || l->over || l->number != number))
		l++;
	if (a->stopped || l == a->sockets + a->count)
		return;
	/* Whoever waits in its queue has connected already, and would be reset when the last of us closes it. */
	while (!conn_set_is_full(a->conns) && (fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) != -1)
		if (conn_open(a->conns, fd, l->listener) == E_NOMEM)
			break;
	l->over = true;
	loop_io_fini(&l->io);
	fd_close(&a->reserve);
	loop_timer_arm(&a->closer, 0);
}

static void
close_all(struct accept *a)
{
	for (size_t i = 0; i < a->count; i++)
		fd_close(&a->sockets[i].fd);
	a->count = 0;
	fd_close(&a->reserve);
}

static void
on_stopped(struct loop_timer *t, void *arg)
{
	struct accept	*a = arg;

	(void)t;
	MAGIC_CHECK(a, ACCEPT_MAGIC);
	close_all(a);
}

void
accept_stop(struct accept *a)
{
	if (a->stopped)
		return;
	a->stopped = true;
	for (size_t i = 0; i < a->count; i++)
		if (a->sockets[i].fd != -1 && !a->sockets[i].over)
			loop_io_fini(&a->sockets[i].io);
	/* The loop tells the kernel at its next turn, and must still have the descriptor then: since
	 * other processes hold the same socket, closing alone would leave it watched for ever. */
	loop_timer_disarm(&a->pause);
	loop_timer_disarm(&a->closer);
	loop_timer_init(a->loop, &a->pause, on_stopped, a);
	loop_timer_arm(&a->pause, 0);
}

void
accept_free(struct accept **ap)
{
	struct accept	*a = *ap;

	*ap = NULL;
	if (a == NULL)
		return;
	for (size_t i = 0; i < a->count; i++)
		if (a->sockets[i].fd != -1 && !a->sockets[i].over)
			loop_io_fini(&a->sockets[i].io);
	loop_timer_disarm(&a->pause);
	loop_timer_disarm(&a->closer);
	close_all(a);
	a->magic = 0;
	free(a);
}
