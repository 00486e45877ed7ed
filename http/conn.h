/* SPDX-License-Identifier: Apache-2.0
 *
 * conn.h - client connections: HTTP/1.1 on a socket, exchanges out of it
 *
 * A connection's state is the list it stands in, each list in the order of entering; since one state
 * has one time limit, the oldest are the first to run out.  An idle connection holds no buffer.
 */
#ifndef WORKER_CONN_H
#define WORKER_CONN_H

#include "http/exchange.h"
#include "lib/addr_net.h"

#define CONN_EXEMPT_MAX	64

struct conn_params {			/* parameters of the same names */
	uint64_t	head_timeout_ms, body_timeout_ms, idle_timeout_ms, write_timeout_ms, shake_timeout_ms;
	size_t		max_connections;
	size_t		max_address;	/* of one address; 0: no bound */
	size_t		write_least;	/* bytes that a client takes in each write_timeout; 0: one */
	size_t		memory;		/* unfinished handshakes and heads, unsent answers of all; 0: no bound */
	struct addr_net	exempt[CONN_EXEMPT_MAX];	/* from max_address */
	size_t		exempt_count;
};

struct conn_count {
	uint64_t	open;		/* connections now */
	uint64_t	accepted, requests, malformed, timeouts;	/* since the start */
	uint64_t	refused, shed;	/* too many of one address; closed to make room */
	uint64_t	bytes_in, bytes_out;
	uint64_t	handshakes, resumed, handshakes_failed;
};

/* An exchange's peer as an address: IPv4-mapped ones are IPv4; family 0: none, as of a unix socket. */
void		conn_address(uint16_t family, const uint8_t bytes[16], struct addr *out);

struct http_queue;
struct peer_cert;
struct tls;

/* TLS over connections, by who links it (http/tls_server.h has functions of these names and meanings). */
struct conn_tls {
	unsigned	 listeners;	/* bits: theirs begin with a handshake; 0: none, and the rest is unset */
	void		*arg;
	int		(*open)(void *arg, int fd, unsigned listener, struct tls **out);
	int		(*handshake)(struct tls *t, bool *writes);
	int		(*read)(struct tls *t, void *to, size_t room, size_t *got);
	int		(*write)(struct tls *t, struct http_queue *q);
	bool		(*has_more)(const struct tls *t);
	size_t		(*unsent)(const struct tls *t);
	bool		(*is_resumed)(const struct tls *t);
	const char	*(*why)(const struct tls *t);
	struct peer_cert *(*peer)(const struct tls *t);
	void		(*free)(struct tls **t);
};

struct conn_set;

/* All connections of this process.  on_request is called for each whole head.  E_NOMEM. */
must_check int	conn_set_new(struct loop *l, const struct conn_params *params, exchange_fn *on_request,
		    void *arg, struct conn_set **out);
/* Closes what is left; the loop must not turn afterwards. */
void		conn_set_free(struct conn_set **s);
/* For connections from now on, and their next states. */
void		conn_set_params(struct conn_set *s, const struct conn_params *params);
/* Before the first connection. */
void		conn_set_tls(struct conn_set *s, const struct conn_tls *tls);
/* No request after the running ones: idle connections close now, others after their answer. */
void		conn_set_drain(struct conn_set *s);
/* Each connection may have one more request, and is told with its answer that it is the last: no client that waits
 * for an answer before it asks again is cut off. */
void		conn_set_retire(struct conn_set *s);
bool		conn_set_is_full(const struct conn_set *s);
/* Closes up to n that nobody works for, by the end of the next turn; answers how many. */
size_t		conn_set_make_room(struct conn_set *s, size_t n);
const struct conn_count *conn_set_count(const struct conn_set *s);
/* The pool that its blocks come from, for others of this process, who must have given back theirs before
 * conn_set_free(). */
struct block_pool *conn_set_pool(struct conn_set *s);

/* Takes over an accepted, non-blocking socket; listener is its enum listen_kind.  On an error
 * (E_FULL, E_LIMITED: too many of its address, which it was told; E_NOMEM, E_SYS) fd is closed. */
must_check int	conn_open(struct conn_set *s, int fd, unsigned listener);

#endif
