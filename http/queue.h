/* SPDX-License-Identifier: Apache-2.0
 *
 * queue.h - bytes on their way out, in blocks of the worker's pool
 *
 * Bytes are copied in, since sockets are written at the turn's end only (day-one 14).
 */
#ifndef HTTP_QUEUE_H
#define HTTP_QUEUE_H

#include <sys/uio.h>

#include "http/block.h"
#include "lib/err.h"
#include "lib/span.h"

#define HTTP_QUEUE_HIGH		(256 * 1024)	/* a source stops here */
#define HTTP_QUEUE_LOW		(64 * 1024)	/* and goes on here */

struct out_block;

struct http_queue {
	struct block_pool	*pool;
	struct out_block	*first, *last;
	size_t			 bytes;
};

void		http_queue_init(struct http_queue *q, struct block_pool *pool);
/* Drops what is in it. */
void		http_queue_fini(struct http_queue *q);
/* 0 or E_NOMEM; then nothing was added. */
must_check int	http_queue_put(struct http_queue *q, struct span bytes);
/* At most `room` bytes to write into, all in one place, then http_queue_commit(); NULL when room is
 * over HTTP_BLOCK_PAYLOAD or there is no memory. */
char		*http_queue_reserve(struct http_queue *q, size_t room);
void		http_queue_commit(struct http_queue *q, size_t bytes);

/* The front, for writev or for TLS; returns how many of `most` were set. */
size_t		http_queue_iov(const struct http_queue *q, struct iovec *iov, size_t most);
void		http_queue_drain(struct http_queue *q, size_t bytes);
/* Writes until empty (0) or the socket is full (E_AGAIN); E_CLOSED when the peer is gone. */
must_check int	http_queue_write(struct http_queue *q, int fd);

#endif
