/* SPDX-License-Identifier: Apache-2.0
 *
 * exchange.h - one request and its answer, whatever the wire
 *
 * A wire (http/conn.c: HTTP/1.1) makes an exchange when a head is whole and valid, and calls the
 * handler.  The handler reads x->head, takes the body, and answers: whole with exchange_reply(), or
 * with exchange_answer() and then flow_give() and flow_end() on x->answer.  Nothing in an exchange
 * points into a connection.  Nothing is written to a socket before the end of the loop's turn, after
 * the audit.
 *
 * Life: x is valid until the end of the turn in which its answer ended or its client went away (the
 * source's `end` says so); with exchange_ref() until exchange_unref().  Calls after that end do nothing.
 */
#ifndef HTTP_EXCHANGE_H
#define HTTP_EXCHANGE_H

#include <sys/types.h>

#include "http/block.h"
#include "http/flow.h"
#include "http/head.h"
#include "http/peer_cert.h"
#include "lib/arena.h"
#include "lib/loop.h"

#define EXCHANGE_ARENA_MAX	(256 * 1024)
#define EXCHANGE_STREAM		UINT64_MAX	/* body_bytes: not known beforehand */

/* Who is at the other end of the connection. */
struct exchange_peer {
	uint16_t	 family;	/* AF_INET, AF_INET6 or AF_UNIX */
	uint16_t	 port;
	uint8_t		 address[16];	/* network order; IPv4 in the first four */
	uid_t		 uid;		/* AF_UNIX, as the kernel says: */
	gid_t		 gid;
	pid_t		 pid;
	const gid_t	*groups;	/* supplementary; lives as long as the exchange */
	size_t		 group_count;
	struct peer_cert *cert;		/* that it has shown over TLS; NULL: none.  Held by the exchange */
};

struct exchange_field {
	struct span	name, value;
};

struct exchange;

/* The sink and the source of a wire take the wire's argument; so does this: the head of the answer.
 * It answers 0, or E_NOMEM when the wire could not even queue it. */
struct exchange_wire {
	int			(*answer)(void *arg, struct exchange *x, unsigned status,
				    const struct exchange_field *fields, size_t n, uint64_t body_bytes);
	struct flow_sink	  sink;		/* of x->answer */
	struct flow_source	  source;	/* of x->body */
};

/* What a worker may hold of one kind, all exchanges together: of request bodies, of answers. */
struct http_budget {
	size_t	limit, used;	/* bytes */
};

/* A whole body, or why there is none.  err: 0; E_TOOBIG, E_FULL, E_NOMEM, E_CLOSED and E_HTTP_*
 * are answered already, this is for cleaning up; anything else came from the progress
 * function, and the handler answers.  The body lives as long as x. */
typedef void exchange_body_fn(struct exchange *x, int err, struct span body, void *arg);
/* Each chunk as it comes; not 0 ends the collecting with that error. */
typedef int exchange_progress_fn(struct exchange *x, struct span chunk, void *arg);
typedef void exchange_deadline_fn(struct exchange *x, void *arg);
/* A head is whole and valid. */
typedef void exchange_fn(struct exchange *x, void *arg);

struct exchange {
	uint32_t		 magic;
	uint32_t		 refs;
	struct loop		*loop;
	struct block_pool	*pool;
	struct arena		 arena;		/* goes with the exchange */
	struct http_head	 head;		/* its bytes are in the arena */
	struct exchange_peer	 peer;
	unsigned		 listener;	/* enum listen_kind of ipc/codec.h */
	uint64_t		 begun_ns;	/* monotonic: when the head's first byte was there */
	struct flow		 body;		/* from the client */
	struct flow		 answer;	/* to the client */
	unsigned		 status;	/* of the answer; 0 before it */
	bool			 rest;		/* exchange_rest() */
	void			*user;		/* the handler's */

	const struct exchange_wire *wire;	/* NULL once the wire is gone */
	void			*wire_arg;
	struct exchange_body	*collect;
	struct loop_timer	 deadline;
	exchange_deadline_fn	*on_deadline;
	void			*deadline_arg;
};

/* ---- for the handler ------------------------------------------------------------------------------ */

/* From now on `source` hears of the answer flow: credit(n) when the client took bytes and more may
 * be given; end(why) when the client went away or the answer cannot be finished. */
void		exchange_serve(struct exchange *x, const struct flow_source *source, void *arg);

/* Takes the body whole, up to `max` bytes, counted against `budget`; answers 413, 503, 408 or 400
 * itself when it cannot be had.  progress may be NULL.  done is called once, perhaps before this
 * returns; not when the handler answered before the body was whole. */
void		exchange_collect_body(struct exchange *x, size_t max, struct http_budget *budget,
		    exchange_progress_fn *progress, exchange_body_fn *done, void *arg);
/* Does the request have a body (also one of zero bytes sent in chunks)? */
bool		exchange_has_body(const struct exchange *x);

/* The answer's head.  body_bytes, or EXCHANGE_STREAM; then x->answer takes the body and must be ended
 * with flow_end().  Content-Length, Transfer-Encoding, Connection and Date are not among the fields.
 * Once per exchange; a second one is a bug of the caller.  No-op when the client is gone. */
void		exchange_answer(struct exchange *x, unsigned status, const struct exchange_field *fields,
		    size_t n, uint64_t body_bytes);
/* Head and body at once. */
void		exchange_reply(struct exchange *x, unsigned status, const struct exchange_field *fields,
		    size_t n, struct span body);
/* Status and JSON-RPC code of this error's row in tables/errors.def, in a JSON-RPC error without id
 * (mcp-wire 1.5), with at most 6 fields added; a 503 says when to come again, when they do not. */
void		exchange_refuse(struct exchange *x, int err, const struct exchange_field *fields, size_t n);
/* It is refused because there were too many: a connection with several of these in a row is not read for a moment,
 * so that who does not wait until it is told to cannot keep others from being served. */
void		exchange_rest(struct exchange *x);
bool		exchange_answered(const struct exchange *x);
/* The client is gone: whatever is given now is dropped. */
bool		exchange_is_gone(const struct exchange *x);

/* Calls fn once, in ms, unless the answer has ended by then.  Setting it again moves it; 0 ends it. */
void		exchange_set_deadline(struct exchange *x, uint64_t ms, exchange_deadline_fn *fn, void *arg);

void		exchange_ref(struct exchange *x);
void		exchange_unref(struct exchange **x);

/* ---- for wires ------------------------------------------------------------------------------------ */

/* An exchange for this head, whose bytes are copied; one reference, the wire's.  E_NOMEM. */
must_check int	exchange_new(struct loop *l, struct block_pool *pool, const struct http_head *head,
		    const struct exchange_peer *peer, unsigned listener, const struct exchange_wire *wire,
		    void *wire_arg, struct exchange **out);
/* The wire cannot go on: both flows end with this reason.  The wire's reference stays. */
void		exchange_wire_gone(struct exchange *x, enum flow_end why);
/* The answer has ended and the wire goes on without x; nobody is told. */
void		exchange_wire_done(struct exchange *x);
/* The body cannot be had: answers err (408, 400) unless answered, and tells the body's sink. */
void		exchange_body_failed(struct exchange *x, int err);

#endif
