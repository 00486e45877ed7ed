/* SPDX-License-Identifier: Apache-2.0
 *
 * queue.c - bytes on their way out
 *
 * Process: worker, mcpgw-admin.  Owns: its blocks while bytes are in them.  Trusts: nobody; the peer may take
 * nothing for ever, the owner's time limits see to that.
 */
#include <errno.h>
#include <stdint.h>
#include <sys/socket.h>

#include "http/queue.h"
#include "lib/bug.h"

#define QUEUE_IOV	16

struct out_block {
	struct out_block	*next;
	uint32_t		 at, used;	/* taken, written */
	char			 data[];
};
#define OUT_ROOM	(HTTP_BLOCK_BYTES - sizeof(struct out_block))

void
http_queue_init(struct http_queue *q, struct block_pool *pool)
{
	*q = (struct http_queue){ .pool = pool };
}

static void
drop_first(struct http_queue *q)
{
	struct out_block	*b = q->first;

	q->first = b->next;
	if (q->first == NULL)
		q->last = NULL;
	block_put(q->pool, b);
}

void
http_queue_fini(struct http_queue *q)
{
	while (q->first != NULL)
		drop_first(q);
	q->bytes = 0;
}

static struct out_block *
block_new(struct http_queue *q)
{
	struct out_block	*b = block_get(q->pool);

	if (b != NULL) {
		b->next = NULL;
		b->at = b->used = 0;
	}
	return b;
}

static void
append(struct http_queue *q, struct out_block *b)
{
	if (q->last == NULL)
		q->first = b;
	else
		q->last->next = b;
	q->last = b;
}

int
http_queue_put(struct http_queue *q, struct span bytes)
{
	struct out_block	*fresh = NULL, **link = &fresh, *b;
	size_t			 tail = q->last == NULL ? 0 : OUT_ROOM - q->last->used;
	size_t			 total = bytes.n, n;

	/* All blocks first: an answer must not lose its middle. */
	for (n = tail; n < bytes.n; n += OUT_ROOM) {
		if ((b = block_new(q)) == NULL)
			goto out;
		*link = b;
		link = &b->next;
	}
	for (b = q->last; bytes.n > 0; b = q->last) {
		if (b == NULL || b->used == OUT_ROOM) {
			b = fresh;
			fresh = b->next;
			b->next = NULL;
			append(q, b);
		}
		n = OUT_ROOM - b->used < bytes.n ? OUT_ROOM - b->used : bytes.n;
		memcpy(b->data + b->used, bytes.p, n);
		b->used += (uint32_t)n;
		bytes = span_part(bytes, n, bytes.n);
	}
	q->bytes += total;
	return 0;
 out:
	while ((b = fresh) != NULL) {
		fresh = b->next;
		block_put(q->pool, b);
	}
	return E_NOMEM;
}

char *
http_queue_reserve(struct http_queue *q, size_t room)
{
	struct out_block	*b;

	if (room > HTTP_BLOCK_PAYLOAD)
		return NULL;
	if (q->last == NULL || OUT_ROOM - q->last->used < room) {
		if ((b = block_new(q)) == NULL)
			return NULL;
		append(q, b);
	}
	return q->last->data + q->last->used;
}

void
http_queue_commit(struct http_queue *q, size_t bytes)
{
	BUG_ON(bytes > OUT_ROOM - q->last->used);
	q->last->used += (uint32_t)bytes;
	q->bytes += bytes;
}

size_t
http_queue_iov(const struct http_queue *q, struct iovec *iov, size_t most)
{
	size_t	n = 0;

	for (struct out_block *b = q->first; b != NULL && n < most; b = b->next)
		if (b->used > b->at)
			iov[n++] = (struct iovec){ b->data + b->at, b->used - b->at };
	return n;
}

void
http_queue_drain(struct http_queue *q, size_t bytes)
{
	BUG_ON(bytes > q->bytes);
	q->bytes -= bytes;
	while (q->first != NULL) {
		size_t	n = q->first->used - q->first->at;

		if (bytes < n) {
			q->first->at += (uint32_t)bytes;
			return;
		}
		bytes -= n;
		drop_first(q);
	}
}

int
http_queue_write(struct http_queue *q, int fd)
{
	struct iovec	iov[QUEUE_IOV];
	struct msghdr	m = { .msg_iov = iov };
	ssize_t		n;

	while (q->bytes > 0) {
		m.msg_iovlen = http_queue_iov(q, iov, QUEUE_IOV);
		/* Mostly it is one block, which costs the kernel less to be told of. */
		n = m.msg_iovlen == 1 ? send(fd, iov[0].iov_base, iov[0].iov_len, MSG_NOSIGNAL) :
		    sendmsg(fd, &m, MSG_NOSIGNAL);
		if (n == -1) {
			if (errno == EINTR)
				continue;
			return errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS ? E_AGAIN : E_CLOSED;
		}
		http_queue_drain(q, (size_t)n);
	}
	if (q->first != NULL)
		http_queue_fini(q);	/* a block that was reserved and left empty */
	return 0;
}
