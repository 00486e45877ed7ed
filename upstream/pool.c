/* SPDX-License-Identifier: Apache-2.0
 *
 * pool.c - connections to HTTP upstreams, kept while they are idle
 *
 * Process: worker.  Owns: every connection, also while it is in use.
 * Trusts:  no upstream: one that sends or ends while idle is closed.  A connection is freed at a
 * turn's end only.
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "lib/bug.h"
#include "upstream/cable.h"
#include "upstream/pool_endpoint.h"

#define POOL_CONN_MAGIC	0x9001c077u
#define LITTLE_BYTES	2048

enum pool_state { POOL_OPENING, POOL_USED, POOL_IDLE, POOL_DEAD };

struct pool_conn {
	uint32_t		 magic;
	enum pool_state		 state;
	struct cable		 cable;
	struct pool		*pool;
	struct endpoint		*endpoint;
	struct pool_conn	*all_next, *all_prev;
	struct pool_conn	*idle_next, *flush_next;
	struct loop_io		 io;
	struct loop_timer	 timer;
	struct http_queue	 out;
	const struct pool_ops	*ops;
	void			*user;
	uint64_t		 sent;		/* by this user */
	size_t			 first, tried;	/* addresses: where it began, how many */
	unsigned		 version;	/* ... of which they are */
	bool			 to_flush, reused, write_failed, unheard, paused, little;
	bool			 connected;	/* and perhaps TLS is being agreed on */
	bool			 waits;		/* for an address */
	const char		*why;		/* there is none; told soon, as nothing is within a call */
};

struct pool {
	struct pool_conn	*all;
	struct loop		*loop;
	struct block_pool	*blocks;
	struct sites		*sites;
	struct pool_params	 params;
	struct endpoints	 endpoints;
	struct pool_conn	*flush;
	size_t			 conns;
	char			 scratch[64 * 1024];
};

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
	cable_close(&c->cable);
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
	cable_close(&c->cable);
	http_queue_fini(&c->out);
	*(c->all_prev == NULL ? &p->all : &c->all_prev->all_next) = c->all_next;
	if (c->all_next != NULL)
		c->all_next->all_prev = c->all_prev;
	p->conns--;
	if (c->state == POOL_DEAD)
		c->endpoint->dead--;
	else
		c->endpoint->conns--;
	endpoint_unused(&p->endpoints, c->endpoint);
	c->magic = 0;
	free(c);
}

/* ---- opening ----------------------------------------------------------------------------------- */

static void	on_io(struct loop_io *io, unsigned what, void *arg);

/* The next address that has not been tried; E_SERVER when there is none. */
static int
open_next(struct pool_conn *c)
{
	const struct pool_target	*t = &c->endpoint->target;
	size_t				 i;

	/* Others find meanwhile which of them is good, and which there are. */
	if (c->tried == 0 || c->version != c->endpoint->version) {
		c->first = c->endpoint->good;
		c->tried = 0;
		c->version = c->endpoint->version;
	}
	while (c->tried < t->count) {
		i = (c->first + c->tried++) % t->count;
		loop_io_fini(&c->io);
		if (cable_connect(&c->cable, &t->address[i], t->port) != 0)
			continue;
		loop_io_init(c->pool->loop, &c->io, c->cable.fd, on_io, c);
		loop_io_arm(&c->io, LOOP_WRITE);
		return 0;
	}
	return E_SERVER;
}

static void
opened(struct pool_conn *c)
{
	c->state = POOL_USED;
	cable_begin(&c->cable, 0);
	loop_timer_disarm(&c->timer);
	loop_io_arm(&c->io, LOOP_READ);
	c->ops->on_open(c, c->user);
}

static void
secure(struct pool_conn *c)
{
	const char	*why = "no memory for TLS";
	bool		 writes;
	int		 r;

	if ((r = cable_secure(&c->cable, c->pool->sites, c->endpoint->target.site, &writes, &why)) == 0)
		opened(c);
	else if (r == E_AGAIN)
		loop_io_arm(&c->io, writes ? LOOP_WRITE : LOOP_READ);
	else
		end(c, E_SERVER, why);
}

static void
on_connected(struct pool_conn *c)
{
	struct endpoint	*e = c->endpoint;
	const char	*why;

	if (cable_connected(&c->cable, &why) != 0) {
		if (open_next(c) != 0)
			end(c, E_SERVER, why);
		return;
	}
	if (c->version == e->version)
		e->good = (c->first + c->tried - 1) % e->target.count;
	c->connected = true;
	if (e->target.site == 0)
		opened(c);
	else
		secure(c);
}

/* ---- in use ------------------------------------------------------------------------------------ */

/* An end that TLS has told already: no event will. */
static void
hear_end(struct pool_conn *c)
{
	if (c->state == POOL_USED && !c->paused && cable_has_ended(&c->cable))
		loop_timer_arm(&c->timer, 0);
}

static void
on_readable(struct pool_conn *c)
{
	struct pool	*p = c->pool;
	size_t		 n;
	int		 r = cable_read(&c->cable, p->scratch, c->little ? LITTLE_BYTES : sizeof(p->scratch), &n);

	if (r == E_AGAIN)
		return;
	if (c->state == POOL_IDLE)
		die(c);
	else if (r == 0) {
		c->ops->on_bytes(c, span_make(p->scratch, n), c->user);
		hear_end(c);
	} else {
		c->unheard = (r == E_EOF || c->cable.tls != NULL) && cable_was_closed_before(&c->cable);
		end(c, r, r == E_EOF ? "the server closed the connection" : c->cable.tls != NULL ?
		    "the server broke the connection off" : "the server reset the connection");
	}
}

static void
on_timer(struct loop_timer *t, void *arg)
{
	struct pool_conn	*c = arg;

	(void)t;
	MAGIC_CHECK(c, POOL_CONN_MAGIC);
	if (c->state == POOL_USED)
		on_readable(c);
	else if (c->waits)
		end(c, E_SERVER, c->why != NULL ? c->why : "the addresses of its name are not known yet");
	else
		/* Idle long enough, or a connect that takes too long. */
		end(c, E_TIMEOUT, c->connected && c->state == POOL_OPENING ? "the TLS handshake took too long" :
		    "connecting took too long");
}

static void
on_io(struct loop_io *io, unsigned what, void *arg)
{
	struct pool_conn	*c = arg;

	(void)io;
	MAGIC_CHECK(c, POOL_CONN_MAGIC);
	if (c->state == POOL_OPENING) {
		if (c->connected)
			secure(c);
		else
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
	r = c->write_failed ? 0 : cable_write(&c->cable, &c->out);
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
	if (target->count == 0 && target->host.n == 0)
		return E_SERVER;
	if ((e = endpoint_find(&p->endpoints, target->key)) == NULL)
		return E_NOMEM;
	if ((flags & POOL_FRESH) == 0 && (c = e->idle) != NULL) {
		e->idle = c->idle_next;
		loop_timer_disarm(&c->timer);
		c->state = POOL_USED;
		c->reused = true;
		cable_begin(&c->cable, c->sent);
		c->sent = 0;
		c->ops = ops;
		c->user = user;
		*out = c;
		return 0;
	}
	if (e->conns >= most)
		return E_OVERLOAD;
	if ((c = calloc(1, sizeof(*c))) == NULL) {
		endpoint_unused(&p->endpoints, e);
		return E_NOMEM;
	}
	c->magic = POOL_CONN_MAGIC;
	c->cable.fd = -1;
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
	r = endpoint_locate(p->sites, e, target, &c->why);
	if (r == E_AGAIN || c->why != NULL)
		c->waits = true;
	else if (r != 0 || (r = open_next(c)) != 0) {
		conn_free(c);
		return r;
	}
	loop_timer_arm(&c->timer, c->why != NULL ? 0 : p->params.connect_timeout_ms);
	*out = c;
	return 0;
}

void
pool_names_changed(struct pool *p)
{
	const char	*why;
	int		 r;

	for (struct pool_conn *c = p->all; c != NULL; c = c->all_next) {
		if (c->state != POOL_OPENING || !c->waits || c->why != NULL)
			continue;
		if ((r = endpoint_locate(p->sites, c->endpoint, &c->endpoint->target, &why)) == E_AGAIN)
			continue;
		if (r == 0) {
			c->waits = false;
			r = open_next(c);
		}
		if (r != 0)
			end(c, E_SERVER, why != NULL ? why : "cannot connect");
	}
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
	hear_end(c);
	flush_later(c);			/* which arms what is wanted */
}

void
pool_read_little(struct pool_conn *c)
{
	c->little = true;
}

void
pool_keep_alive(struct pool_conn *c)
{
	static const struct { int level, name, value; } rows[] = {
		{ SOL_SOCKET, SO_KEEPALIVE, 1 }, { IPPROTO_TCP, TCP_KEEPIDLE, 60 },
		{ IPPROTO_TCP, TCP_KEEPINTVL, 15 }, { IPPROTO_TCP, TCP_KEEPCNT, 4 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		(void)setsockopt(c->cable.fd, rows[i].level, rows[i].name, &rows[i].value, sizeof(rows[i].value));
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
	c->paused = c->little = false;
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
pool_new(struct loop *l, struct block_pool *blocks, struct sites *sites, const struct pool_params *params,
    struct pool **out)
{
	struct pool	*p;

	*out = NULL;
	if ((p = malloc(sizeof(*p))) == NULL)
		return E_NOMEM;
	memset(p, 0, offsetof(struct pool, scratch));
	p->loop = l;
	p->blocks = blocks;
	p->sites = sites;
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
