/* SPDX-License-Identifier: Apache-2.0
 *
 * wire.h - client connections in one process with their clients
 */
#ifndef TESTS_UNIT_WIRE_WIRE_H
#define TESTS_UNIT_WIRE_WIRE_H

#include "http/accept.h"

struct wire {
	struct loop		*loop;
	struct conn_set		*conns;
	struct accept		*accept;
	int			 port;
	struct http_budget	 budget;
	exchange_fn		*handler;
	struct exchange		*last;		/* of handlers that answer later */
	unsigned		 requests;
	enum flow_end		 gone;
	size_t			 streamed;	/* by the flood handler */
	int			 done, err;
	struct exchange_peer	 peer;
};

/* handler sees the wire as its argument. */
void	wire_start(struct wire *w, exchange_fn *handler);
void	wire_stop(struct wire *w);
/* A non-blocking client. */
int	wire_connect(struct wire *w);
/* The same over a unix socket, whose buffers are small. */
int	wire_pair(struct wire *w);
/* Turns the loop until nothing moves. */
void	wire_settle(struct wire *w);
/* Other time limits, for connections' next states; and waiting for them. */
void	wire_limits(struct wire *w, uint64_t head_ms, uint64_t body_ms, uint64_t idle_ms, uint64_t write_ms);
void	wire_params(struct wire *w, const struct conn_params *p);	/* all of them */
void	wire_timer(struct wire *w, struct loop_timer *t, uint64_t ms);	/* one that does nothing */
void	wire_later(struct wire *w, uint64_t ms);
void	wire_send(struct wire *w, int fd, const void *bytes, size_t n);
/* All that came so far, NUL behind it; *closed says whether the server closed. */
size_t	wire_receive(struct wire *w, int fd, char *to, size_t room, bool *closed);

/* Handlers. */
void	handle_hello(struct exchange *x, void *arg);	/* "hello" at once */
void	handle_echo(struct exchange *x, void *arg);	/* the body, at most 1 MiB */
void	handle_later(struct exchange *x, void *arg);	/* nothing yet: w->last */
void	handle_flood(struct exchange *x, void *arg);	/* an endless stream, as fast as credit goes */

#endif
