/* SPDX-License-Identifier: Apache-2.0
 *
 * drain.c - the end of an answer that nobody waits for
 *
 * Process: worker.  Owns: the connection, for DRAIN_MS at most.
 * Trusts:  no upstream to end.
 */
#include <stdlib.h>

#include "lib/bug.h"
#include "upstream/drain.h"

#define DRAIN_MAGIC	0xd7a17001u
#define DRAIN_MS	500
#define DRAIN_BYTES	(16 * 1024)

struct drain {
	uint32_t		 magic;
	struct pool_conn	*conn;
	struct http_body	 body;
	uint64_t		 keep_ms;
	size_t			 bytes;
	struct loop_timer	 timer;
};

static void
finish(struct drain *d, bool keep)
{
	loop_timer_disarm(&d->timer);
	if (keep)
		pool_release(&d->conn, d->keep_ms);
	else
		pool_drop(&d->conn);
	d->magic = 0;
	free(d);
}

static void
on_bytes(struct pool_conn *c, struct span in, void *user)
{
	struct drain	*d = user;
	struct span	 data;
	int		 r;

	(void)c;
	MAGIC_CHECK(d, DRAIN_MAGIC);
	d->bytes += in.n;
	do
		r = http_body_feed(&d->body, &in, &data);
	while (r == 0 && in.n > 0);
	if (r != 0 || d->bytes > DRAIN_BYTES)
		finish(d, r == E_EOF && in.n == 0);
}

static void
on_end(struct pool_conn *c, int error, const char *text, void *user)
{
	struct drain	*d = user;

	(void)c;
	(void)error;
	(void)text;
	d->conn = NULL;
	finish(d, false);
}

static const struct pool_ops ops = { NULL, on_bytes, on_end };

static void
on_timer(struct loop_timer *t, void *arg)
{
	struct drain	*d = arg;

	(void)t;
	MAGIC_CHECK(d, DRAIN_MAGIC);
	finish(d, false);
}

void
drain_start(struct pool *p, struct pool_conn **conn, const struct http_body *body, uint64_t keep_ms)
{
	struct drain	*d = calloc(1, sizeof(*d));

	if (d == NULL) {
		pool_drop(conn);
		return;
	}
	d->magic = DRAIN_MAGIC;
	d->conn = *conn;
	*conn = NULL;
	d->body = *body;
	d->keep_ms = keep_ms;
	pool_give_to(d->conn, &ops, d);
	loop_timer_init(pool_loop(p), &d->timer, on_timer, d);
	loop_timer_arm(&d->timer, DRAIN_MS);
}
