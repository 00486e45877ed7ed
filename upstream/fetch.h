/* SPDX-License-Identifier: Apache-2.0
 *
 * fetch.h - one HTTP request to an upstream and its answer, over the pool
 *
 * A request is sent again, once and on a new connection, only when an idle connection turned out to be
 * closed before the server can have had it whole, or when the caller says that it may be repeated (P5).
 */
#ifndef UPSTREAM_FETCH_H
#define UPSTREAM_FETCH_H

#include "http/body.h"
#include "http/exchange.h"
#include "upstream/pool.h"

#define FETCH_BODY_PIECES	5

struct fetch;

struct fetch_ops {
	/* The final head (1xx never come here), then its body as it comes.  E_EOF from on_data: enough, the
	 * fetch ends well.  Any other error ends it with that; fetch_cancel() ends it silently.  The fetch itself
	 * must stay where it is until on_end. */
	int	(*on_head)(struct fetch *f, const struct http_head *h);
	int	(*on_data)(struct fetch *f, struct span bytes);
	/* Once, last.  0: the answer is whole.  E_SERVER (not reached), E_TIMEOUT (connecting),
	 * E_UPSTREAM (no proper answer), or what the functions above said. */
	void	(*on_end)(struct fetch *f, int error);
};

/* All spans are borrowed until the fetch has ended or was cancelled. */
struct fetch_request {
	const struct pool_target	*target;
	struct span			 method, path, host;
	const struct exchange_field	*fields;
	size_t				 field_count;
	struct span			 body[FETCH_BODY_PIECES];
	size_t				 body_count;	/* 0: none */
	bool				 repeatable;
	bool				 spare;		/* it may have one of the pool's spare connections */
	bool				 lasting;	/* a stream that may be silent for long: is the server there? */
};

struct fetch {			/* embedded in what asks */
	struct pool		*pool;
	const struct fetch_ops	*ops;
	struct fetch_request	 request;
	struct pool_conn	*conn;		/* NULL: not running */
	struct fetch_in		*in;		/* while the head is incomplete */
	struct http_body	 body;
	uint64_t		 request_bytes;
	uint64_t		 keep_ms;	/* the server's own limit for idle connections */
	const char		*why;		/* after an error: for people, static */
	bool			 answered;	/* a byte of an answer came */
	bool			 head_done, keep_alive, again, sent;
	bool			 early;		/* the caller had enough before the body's end */
	unsigned		 interim;
};

/* 0; or E_OVERLOAD, E_SERVER, E_TOOBIG or E_NOMEM, and on_end is not called. */
must_check int	fetch_start(struct fetch *f, struct pool *p, const struct fetch_ops *ops,
		    const struct fetch_request *request);
/* The server may have acted on the request: it was sent whole.  Holds also after the end. */
bool		fetch_was_sent(const struct fetch *f);
/* While it is on, no more of the answer is taken from the server. */
void		fetch_pause(struct fetch *f, bool on);
/* From here on the answer is taken in small portions: others come between. */
void		fetch_read_little(struct fetch *f);
/* Closes the connection; on_end is not called any more. */
void		fetch_cancel(struct fetch *f);

#endif
