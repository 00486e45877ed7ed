/* SPDX-License-Identifier: Apache-2.0
 *
 * pool.c - connections to HTTP upstreams, kept while they are idle
 *
 * Process: worker.  Owns: every connection, also while it is in use.
 * Trusts:  no upstream: one that sends or ends while idle is closed.  A connection is freed at a
 * turn's end only.
 */
#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "lib/bug.h"
#include "lib/fd.h"
#include "upstream/pool.h"

#define POOL_CONN_MAGIC	0x9001c077u
#define BUCKETS		64

enum pool_state { POOL_OPENING, POOL_USED, POOL_IDLE, POOL_DEAD };

struct endpoint {
	struct endpoint		*next;
	struct pool_target	 target;
	struct pool_conn	*idle;		/* the last used first */
	size_t			 conns;		/* those that are open, or will be */
	size_t			 dead;		/* closed, and freed at the turn's end */
	size_t			 good;		/* the address that worked last */
};

struct pool_conn {
	uint32_t		 magic;
	int			 fd;
	enum pool_state		 state;
	struct pool		*pool;
	struct endpoint		*endpoint;
	struct pool_conn	*all_next, *all_prev;
	struct pool_conn	*idle_next, *flush_next;
	struct loop_io		 io;
	struct loop_timer	 timer;
	struct http_queue	 out;
	const struct pool_ops	*ops;
	void			*user;
	uint64_t		 sent, sent_before;	/* by this user, by those before */
	size_t			 tried;		/* addresses */
	bool			 to_flush, reused, write_failed, unheard, paused;
};

struct pool {
	struct pool_conn	*all;
	struct loop		*loop;
	struct block_pool	*blocks;
	struct pool_params	 params;
	struct endpoint		*buckets[BUCKETS];
	struct pool_conn	*flush;
	size_t			 conns;
	char			 scratch[64 * 1024];
};

/* ---- endpoints --------------------------------------------------------------------------------- */

static struct endpoint *
endpoint_find(struct pool *p, const struct pool_target *target)
{
	struct endpoint	**link = &p->buckets[target->key % BUCKETS], *e;

	for (; (e = *link) != NULL; link = &e->next)
		if (e->target.key == target->key)
			break;
	if (e == NULL) {
		if ((e = calloc(1, sizeof(*e))) == NULL)
			return NULL;
		*link = e;
	}
	e->target = *target;		/* a reload may have found other addresses */
	if (e->good >= target->count)
		e->good = 0;
	return e;
}

static void
endpoint_unused(struct pool *p, struct endpoint *e)
{
	struct endpoint	**link = &p->buckets[e->target.key % BUCKETS];

	if (e->conns + e->dead > 0)
		return;
	while (*link != e)
		link = &(*link)->next;
	*link = e->next;
	free(e);
}

static void
idle_remove(struct pool_conn *c)
{
	struct pool_conn	**link = &c->endpoint->idle;

	while (*link != c)
		link = &(*link)->idle_next;
	*link = c->idle_next;
}

/* ---- a connection's end ------------------------------------------------------------------------ */

static void
flush_later(struct pool_conn *c)
{
	if (c->to_flush)
		return;
	c->to_flush = true;
	c->flush_next = c->pool->flush;
	c->pool->flush = c;
}

static void
die(struct pool_conn *c)
{
	if (c->state == POOL_DEAD)
		return;
	if (c->state == POOL_IDLE)
		idle_remove(c);
	c->state = POOL_DEAD;
	c->endpoint->conns--;
	c->endpoint->dead++;
	c->user = NULL;
	loop_io_fini(&c->io);
	loop_timer_disarm(&c->timer);
	fd_close(&c->fd);
	flush_later(c);
}

static void
end(struct pool_conn *c, int error, const char *text)
{
	const struct pool_ops	*ops = c->ops;
	void			*user = c->user;
	bool			 used = c->state != POOL_IDLE && c->state != POOL_DEAD;

	die(c);
	if (used)
		ops->on_end(c, error, text, user);
}

static void
conn_free(struct pool_conn *c)
{
	struct pool	*p = c->pool;

	loop_io_fini(&c->io);
	loop_timer_disarm(&c->timer);
	fd_close(&c->fd);
	http_queue_fini(&c->out);
	*(c->all_prev == NULL ? &p->all : &c->all_prev->all_next) = c->all_next;
	if (c->all_next != NULL)
		c->all_next->all_prev = c->all_prev;
	p->conns--;
	if (c->state == POOL_DEAD)
		c->endpoint->dead--;
	else
		c->endpoint->conns--;
	endpoint_unused(p, c->endpoint);
	c->magic = 0;
	free(c);
}

/* ---- opening ----------------------------------------------------------------------------------- */

static void	on_io(struct loop_io *io, unsigned what, void *arg);

static socklen_t
sockaddr_of(const struct pool_target *t, size_t i, struct sockaddr_storage *to)
{
	const struct pool_address	*a = &t->address[i];

	memset(to, 0, sizeof(*to));
	if (a->family == AF_INET6) {
		struct sockaddr_in6	*in6 = (struct sockaddr_in6 *)to;

		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(t->port);
		memcpy(&in6->sin6_addr, a->bytes, 16);
		return sizeof(*in6);
	}
	struct sockaddr_in	*in4 = (struct sockaddr_in *)to;

	in4->sin_family = AF_INET;
	in4->sin_port = htons(t->port);
	memcpy(&in4->sin_addr, a->bytes, 4);
	return sizeof(*in4);
}

/* The next address that has not been tried; E_SERVER when there is none. */
static int
open_next(struct pool_conn *c)
{
	const struct pool_target	*t = &c->endpoint->target;
	struct sockaddr_storage		 address;
	socklen_t			 bytes;
	int				 on = 1;

	while (c->tried < t->count) {
		bytes = sockaddr_of(t, (c->endpoint->good + c->tried++) % t->count, &address);
		loop_io_fini(&c->io);
		fd_close(&c->fd);
		c->fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		if (c->fd == -1)
			continue;
		(void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		if (connect(c->fd, (struct sockaddr *)&address, bytes) == -1 && errno != EINPROGRESS)
			continue;
		loop_io_init(c->pool->loop, &c->io, c->fd, on_io, c);
		loop_io_arm(&c->io, LOOP_WRITE);
		return 0;
	}
	return E_SERVER;
}

static void
on_connected(struct pool_conn *c)
{
	struct endpoint	*e = c->endpoint;
	int		 err = 0;
	socklen_t	 bytes = sizeof(err);

	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &bytes) == -1 || err != 0) {
		if (open_next(c) != 0)
			end(c, E_SERVER, err == ECONNREFUSED ? "connection refused" : "cannot connect");
		return;
	}
	if (e->target.count > 0)
		e->good = (e->good + c->tried - 1) % e->target.count;
	c->state = POOL_USED;
	loop_timer_disarm(&c->timer);
	loop_io_arm(&c->io, LOOP_READ);
	c->ops->on_open(c, c->user);
}

static void
on_timer(struct loop_timer *t, void *arg)
{
	struct pool_conn	*c = arg;

	(void)t;
	MAGIC_CHECK(c, POOL_CONN_MAGIC);
	/* Idle long enough, or a connect that takes too long. */
	end(c, E_TIMEOUT, "connecting took too long");
}

/* ---- in use ------------------------------------------------------------------------------------ */

/*
 * The server closed.  Had it closed before any byte of this user's was there?  Then nobody can have
 * acted on them:
 * - a reset that came after the end of its stream (EPIPE) was sent because bytes came to a socket that
 *   was closed already;
 * - the end of its stream acknowledges all that had come by then.
 */
static bool
was_closed_before(const struct pool_conn *c)
{
	struct tcp_info	info = { 0 };
	socklen_t	bytes = sizeof(int);
	int		err = 0;

	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &bytes) == 0 && err == EPIPE)
		return true;
	bytes = sizeof(info);
	if (getsockopt(c->fd, IPPROTO_TCP, TCP_INFO, &info, &bytes) == -1 ||
	    bytes < offsetof(struct tcp_info, tcpi_bytes_acked) + sizeof(info.tcpi_bytes_acked))
		return false;
	/* The connection's own beginning counts as one byte. */
	return info.tcpi_bytes_acked <= c->sent_before + 1;
}

static void
on_readable(struct pool_conn *c)
{
	struct pool	*p = c->pool;
	ssize_t		 n = recv(c->fd, p->scratch, sizeof(p->scratch), 0);

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (c->state == POOL_IDLE)
		die(c);
	else if (n > 0)
		c->ops->on_bytes(c, span_make(p->scratch, (size_t)n), c->user);
	else if (n == 0) {
		c->unheard = was_closed_before(c);
		end(c, E_EOF, "the server closed the connection");
	} else
		end(c, E_CLOSED, "the server reset the connection");
}

static void
on_io(struct loop_io *io, unsigned what, void *arg)
{
	struct pool_conn	*c = arg;

	(void)io;
	MAGIC_CHECK(c, POOL_CONN_MAGIC);
	if (c->state == POOL_OPENING) {
		on_connected(c);
		return;
	}
	if ((what & LOOP_WRITE) && c->state != POOL_DEAD)
		flush_later(c);
	if ((what & LOOP_READ) && c->state != POOL_DEAD)
		on_readable(c);
}

static void
flush(struct pool_conn *c)
{
	size_t	before = c->out.bytes;
	int	r;

	if (c->state == POOL_DEAD) {
		conn_free(c);
		return;
	}
	if (c->state != POOL_USED)
		return;
	r = c->write_failed ? 0 : http_queue_write(&c->out, c->fd);
	c->sent += before - c->out.bytes;
	if (r == E_CLOSED) {
		/* Reading says what became of it: perhaps an answer came before the end. */
		http_queue_fini(&c->out);
		c->write_failed = true;
	}
	loop_io_arm(&c->io, (c->paused ? 0 : LOOP_READ) | (r == E_AGAIN ? LOOP_WRITE : 0));
}

static void
on_turn_end(void *arg)
{
	struct pool		*p = arg;
	struct pool_conn	*c, *next;

	c = p->flush;
	p->flush = NULL;
	for (; c != NULL; c = next) {
		next = c->flush_next;
		c->to_flush = false;
		flush(c);
	}
}

/* ---- for users --------------------------------------------------------------------------------- */

int
pool_acquire(struct pool *p, const struct pool_target *target, unsigned flags, const struct pool_ops *ops,
    void *user, struct pool_conn **out)
{
	const size_t		 most = POOL_CONNS_MAX + ((flags & POOL_SPARE) != 0 ? POOL_CONNS_SPARE : 0);
	struct endpoint		*e;
	struct pool_conn	*c;
	int			 r;

	*out = NULL;
	if (target->count == 0)
		return E_SERVER;
	if ((e = endpoint_find(p, target)) == NULL)
		return E_NOMEM;
	if ((flags & POOL_FRESH) == 0 && (c = e->idle) != NULL) {
		e->idle = c->idle_next;
		loop_timer_disarm(&c->timer);
		c->state = POOL_USED;
		c->reused = true;
		c->sent_before += c->sent;
		c->sent = 0;
		c->ops = ops;
		c->user = user;
		*out = c;
		return 0;
	}
	if (e->conns >= most)
		return E_OVERLOAD;
	if ((c = calloc(1, sizeof(*c))) == NULL) {
		endpoint_unused(p, e);
		return E_NOMEM;
	}
	c->magic = POOL_CONN_MAGIC;
	c->fd = -1;
	c->pool = p;
	c->endpoint = e;
	c->ops = ops;
	c->user = user;
	http_queue_init(&c->out, p->blocks);
	loop_timer_init(p->loop, &c->timer, on_timer, c);
	if ((c->all_next = p->all) != NULL)
		p->all->all_prev = c;
	p->all = c;
	e->conns++;
	p->conns++;
	if ((r = open_next(c)) != 0) {
		conn_free(c);
		return r;
	}
	loop_timer_arm(&c->timer, p->params.connect_timeout_ms);
	*out = c;
	return 0;
}

bool
pool_is_open(const struct pool_conn *c)
{
	return c->state == POOL_USED;
}

bool
pool_is_reused(const struct pool_conn *c)
{
	return c->reused;
}

void
pool_give_to(struct pool_conn *c, const struct pool_ops *ops, void *user)
{
	MAGIC_CHECK(c, POOL_CONN_MAGIC);
	c->ops = ops;
	c->user = user;
	if (c->paused)
		pool_pause(c, false);
}

struct http_queue *
pool_queue(struct pool_conn *c)
{
	return &c->out;
}

void
pool_flush(struct pool_conn *c)
{
	flush_later(c);
}

void
pool_pause(struct pool_conn *c, bool on)
{
	c->paused = on;
	flush_later(c);			/* which arms what is wanted */
}

void
pool_keep_alive(struct pool_conn *c)
{
	static const struct { int level, name, value; } rows[] = {
		{ SOL_SOCKET, SO_KEEPALIVE, 1 }, { IPPROTO_TCP, TCP_KEEPIDLE, 60 },
		{ IPPROTO_TCP, TCP_KEEPINTVL, 15 }, { IPPROTO_TCP, TCP_KEEPCNT, 4 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		(void)setsockopt(c->fd, rows[i].level, rows[i].name, &rows[i].value, sizeof(rows[i].value));
}

uint64_t
pool_sent(const struct pool_conn *c)
{
	return c->sent;
}

bool
pool_was_unheard(const struct pool_conn *c)
{
	return c->unheard;
}

void
pool_release(struct pool_conn **cp, uint64_t keep_ms)
{
	struct pool_conn	*c = *cp;
	struct pool		*p = c->pool;

	MAGIC_CHECK(c, POOL_CONN_MAGIC);
	*cp = NULL;
	if (keep_ms > p->params.idle_ms)
		keep_ms = p->params.idle_ms;
	/* A spare one that is kept would be anybody's. */
	if (c->state != POOL_USED || c->out.bytes > 0 || c->write_failed || keep_ms == 0 ||
	    c->endpoint->conns > POOL_CONNS_MAX) {
		die(c);
		return;
	}
	/* Bytes made it pause, and with them came the end: it is still armed for reading. */
	c->paused = false;
	c->state = POOL_IDLE;
	c->user = NULL;
	c->idle_next = c->endpoint->idle;
	c->endpoint->idle = c;
	loop_timer_arm(&c->timer, keep_ms);
}

void
pool_drop(struct pool_conn **cp)
{
	struct pool_conn	*c = *cp;

	*cp = NULL;
	if (c == NULL)
		return;
	MAGIC_CHECK(c, POOL_CONN_MAGIC);
	die(c);
}

int
pool_new(struct loop *l, struct block_pool *blocks, const struct pool_params *params, struct pool **out)
{
	struct pool	*p;

	*out = NULL;
	if ((p = malloc(sizeof(*p))) == NULL)
		return E_NOMEM;
	memset(p, 0, offsetof(struct pool, scratch));
	p->loop = l;
	p->blocks = blocks;
	p->params = *params;
	/* Twice: calls that are let go by what the audit's turn-end found may come after the first. */
	loop_at_turn_end(l, LOOP_RANK_FLUSH, on_turn_end, p);
	loop_at_turn_end(l, LOOP_RANK_AFTER, on_turn_end, p);
	*out = p;
	return 0;
}

void
pool_free(struct pool **pp)
{
	struct pool		*p = *pp;
	struct pool_conn	*c;

	*pp = NULL;
	if (p == NULL)
		return;
	do {
		for (c = p->all; c != NULL && c->state == POOL_DEAD; c = c->all_next)
			;
		if (c != NULL)
			end(c, E_CLOSED, "the gateway stops");
	} while (c != NULL);
	on_turn_end(p);
	BUG_ON(p->conns > 0);
	free(p);
}

void
pool_set_params(struct pool *p, const struct pool_params *params)
{
	p->params = *params;
}

struct loop *
pool_loop(struct pool *p)
{
	return p->loop;
}

struct block_pool *
pool_blocks(struct pool *p)
{
	return p->blocks;
}

size_t
pool_open_count(const struct pool *p)
{
	return p->conns;
}
