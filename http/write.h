/* SPDX-License-Identifier: Apache-2.0
 *
 * write.h - heads and chunks of HTTP/1.1, onto a queue
 */
#ifndef HTTP_WRITE_H
#define HTTP_WRITE_H

#include "http/exchange.h"
#include "http/queue.h"

enum http_framing {
	HTTP_FRAMING_NONE,	/* the status or the method has no body: no header says a length */
	HTTP_FRAMING_LENGTH,
	HTTP_FRAMING_CHUNKED,
	HTTP_FRAMING_CLOSE,
};

struct http_out_head {
	unsigned			 status;		/* answers */
	struct span			 method, target, host;	/* requests */
	struct span			 date;			/* answers: may be empty */
	enum http_framing		 framing;
	uint64_t			 length;
	bool				 close;			/* say that the connection ends */
	const struct exchange_field	*fields;		/* those that could split a head are left out */
	size_t				 n;
};

/* 0, E_TOOBIG (the head is over 16 KiB) or E_NOMEM; then nothing was added. */
must_check int	http_write_answer(struct http_queue *q, const struct http_out_head *h);
must_check int	http_write_request(struct http_queue *q, const struct http_out_head *h);
/* 0 or E_NOMEM; after E_NOMEM the connection is of no more use. */
must_check int	http_write_chunk(struct http_queue *q, struct span bytes);
#define HTTP_LAST_CHUNK "0\r\n\r\n"

/* How an error of tables/errors.def is said over HTTP: its status, and a JSON-RPC error without id
 * (mcp-wire 1.5) in `to`. */
#define HTTP_ERROR_BYTES 512
unsigned	http_error_status(int err);
struct span	http_error_body(int err, char to[HTTP_ERROR_BYTES]);

/* "Tue, 15 Nov 1994 08:12:31 GMT" in 29 bytes and a NUL. */
#define HTTP_DATE_BYTES	30
void		http_write_date(uint64_t wall_ms, char to[HTTP_DATE_BYTES]);

#endif
