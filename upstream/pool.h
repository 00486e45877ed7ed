/* SPDX-License-Identifier: Apache-2.0
 *
 * pool.h - connections to HTTP upstreams, kept while they are idle
 *
 * A connection belongs to one user at a time.  Its user is told of bytes and of the end in handlers of
 * the loop, never inside a call to the pool; bytes are written at the turn's end, after the audit.
 */
#ifndef UPSTREAM_POOL_H
#define UPSTREAM_POOL_H

#include "http/queue.h"
#include "lib/addr.h"
#include "lib/loop.h"

#define POOL_ADDRESSES_MAX	8
#define POOL_CONNS_MAX		1024	/* to one endpoint, from one worker: a call that waits for its client has one */
#define POOL_CONNS_SPARE	32	/* beyond these, for what other requests may wait for */

struct pool_target {
	uint64_t	 key;		/* connections of one key are alike */
	uint64_t	 site;		/* with TLS: whose (upstream/sites.h); 0: without */
	struct addr	 address[POOL_ADDRESSES_MAX];
	size_t		 count;
	struct span	 host;		/* looked up when a connection is opened (upstream/sites.h); empty: addresses */
	uint16_t	 port;
};

struct pool_params {			/* parameters connect_timeout, upstream_idle */
	uint64_t	connect_timeout_ms, idle_ms;
};

struct pool;
struct pool_conn;
struct sites;

struct pool_ops {
	/* Connected: bytes may be put. */
	void	(*on_open)(struct pool_conn *c, void *user);
	/* Borrowed for the call. */
	void	(*on_bytes)(struct pool_conn *c, struct span bytes, void *user);
	/* Once, last: it could not be opened, or it is over.  E_SERVER, E_TIMEOUT (connecting), E_EOF
	 * or E_CLOSED; text is for people, static.  The connection is no longer the user's. */
	void	(*on_end)(struct pool_conn *c, int error, const char *text, void *user);
};

/* blocks and sites are borrowed and must outlive it; sites: NULL where nothing has TLS.  E_NOMEM. */
must_check int	pool_new(struct loop *l, struct block_pool *blocks, struct sites *sites,
		    const struct pool_params *params, struct pool **out);
/* Those still in use are told the end; the loop must not turn afterwards. */
void		pool_free(struct pool **p);
void		pool_set_params(struct pool *p, const struct pool_params *params);
struct loop	*pool_loop(struct pool *p);
struct block_pool *pool_blocks(struct pool *p);
size_t		pool_open_count(const struct pool *p);	/* connections, idle ones among them */

enum pool_flags {
	POOL_FRESH = 1,		/* no idle one */
	POOL_SPARE = 2,		/* one of the spare ones will do */
};

/* More may be known of hosts (sites_set_names()): whoever waits for an address goes on. */
void		pool_names_changed(struct pool *p);

/* A connection for `user`: an idle one, ready at once (pool_is_open()), or one that is being opened.
 * flags: enum pool_flags.  0, E_OVERLOAD, E_SERVER (no address) or E_NOMEM. */
must_check int	pool_acquire(struct pool *p, const struct pool_target *target, unsigned flags,
		    const struct pool_ops *ops, void *user, struct pool_conn **out);
bool		pool_is_open(const struct pool_conn *c);
bool		pool_is_reused(const struct pool_conn *c);
/* It is another user's from now on. */
void		pool_give_to(struct pool_conn *c, const struct pool_ops *ops, void *user);
/* What is to be sent; after putting, pool_flush(). */
struct http_queue *pool_queue(struct pool_conn *c);
void		pool_flush(struct pool_conn *c);
/* While it is on, what the server sends stays with the kernel, and its end is not heard. */
void		pool_pause(struct pool_conn *c, bool on);
/* This user's bytes are read in small portions from here on, so that others come between. */
void		pool_read_little(struct pool_conn *c);
/* One that is open and silent ends when its server is not there any more, within two minutes. */
void		pool_keep_alive(struct pool_conn *c);
/* Bytes that the kernel took since it was acquired. */
uint64_t	pool_sent(const struct pool_conn *c);

/* In on_end: the server had closed before anything of this user's could reach it. */
bool		pool_was_unheard(const struct pool_conn *c);

/* Done: kept idle for keep_ms at most (and the pool's own limit).  Nothing may wait to be sent. */
void		pool_release(struct pool_conn **c, uint64_t keep_ms);
/* Closed. */
void		pool_drop(struct pool_conn **c);

#endif
