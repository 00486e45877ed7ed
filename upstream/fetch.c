/* SPDX-License-Identifier: Apache-2.0
 *
 * fetch.c - one HTTP request to an upstream and its answer, over the pool
 *
 * Process: worker.  Owns: the connection while it runs, a block while the head is incomplete.
 * Trusts:  no byte of the upstream; what follows an answer costs the connection.
 */
#include <string.h>

#include "http/write.h"
#include "lib/bug.h"
#include "lib/num.h"
#include "upstream/drain.h"
#include "upstream/fetch.h"

#define INTERIM_MAX	8
#define PIECE_SMALL	1024	/* of a body: not larger, and it is moved to the one before */
#define KEEP_SLACK_MS	1000	/* before the server's own limit: it may close a little early */

struct fetch_in {
	struct http_head	head;
	size_t			used;
	char			bytes[HTTP_HEAD_BYTES_MAX];
};
_Static_assert(sizeof(struct fetch_in) <= HTTP_BLOCK_BYTES, "a read buffer is one block");

static const struct pool_ops conn_ops;

static void
put_away(struct fetch *f)
{
	if (f->conn != NULL)
		f->sent = f->sent || pool_sent(f->conn) >= f->request_bytes;
	block_put(pool_blocks(f->pool), f->in);
	f->in = NULL;
}

static void
end(struct fetch *f, int error, const char *why)
{
	put_away(f);
	f->why = error == 0 ? NULL : why;
	if (error == 0 && f->keep_alive && f->early)
		drain_start(f->pool, &f->conn, &f->body, f->keep_ms);
	else if (error == 0 && f->keep_alive)
		pool_release(&f->conn, f->keep_ms);
	else
		pool_drop(&f->conn);
	f->ops->on_end(f, error);
}

/* ---- the request ------------------------------------------------------------------------------- */

static int
put_request(struct fetch *f)
{
	const struct fetch_request	*q = &f->request;
	struct http_queue		*out = pool_queue(f->conn);
	struct http_out_head		 head = {
		.method = q->method, .target = q->path, .host = q->host, .fields = q->fields, .n = q->field_count,
		.framing = q->body_count > 0 ? HTTP_FRAMING_LENGTH : HTTP_FRAMING_NONE,
	};
	int				 r;

	for (size_t i = 0; i < q->body_count; i++)
		head.length += q->body[i].n;
	if ((r = http_write_request(out, &head)) != 0)
		return r;
	for (size_t i = 0; i < q->body_count; i++)
		if ((r = http_queue_put(out, q->body[i])) != 0)
			return r;
	f->request_bytes = out->bytes;
	if (q->lasting)
		pool_keep_alive(f->conn);
	pool_flush(f->conn);
	return 0;
}

static int
begin(struct fetch *f, bool fresh)
{
	unsigned	flags = (fresh ? POOL_FRESH : 0) | (f->request.spare ? POOL_SPARE : 0);
	int		r;

	f->request_bytes = UINT64_MAX;	/* nothing was sent of it */
	if ((r = pool_acquire(f->pool, f->request.target, flags, &conn_ops, f, &f->conn)) != 0)
		return r;
	if (pool_is_open(f->conn) && (r = put_request(f)) != 0)
		pool_drop(&f->conn);
	return r;
}

static void
on_open(struct pool_conn *c, void *user)
{
	struct fetch	*f = user;
	int		 r;

	(void)c;
	if ((r = put_request(f)) != 0)
		end(f, r, "no memory for the request");
}

/* ---- the answer -------------------------------------------------------------------------------- */

/* "timeout=5" of Keep-Alive: in seconds, how long the server keeps an idle connection. */
static uint64_t
keep_ms_of(const struct http_head *h)
{
	struct span	value = http_head_find(h, "keep-alive", NULL);
	const char	*at = value.n == 0 ? NULL : memmem(value.p, value.n, "timeout=", 8);
	uint64_t	seconds;
	size_t		n = 0;

	if (at == NULL)
		return UINT64_MAX;
	at += 8;
	while (at + n < value.p + value.n && at[n] >= '0' && at[n] <= '9')
		n++;
	if (num_u64(span_make(at, n), &seconds) != 0 || seconds > 86400)
		return UINT64_MAX;
	return seconds * 1000 > KEEP_SLACK_MS ? seconds * 1000 - KEEP_SLACK_MS : 0;
}

/* Small pieces of a body, moved together: each costs whoever takes it as much as a large one. */
struct run {
	char	*at;		/* in the bytes that were read, which are ours */
	size_t	 bytes;
};

/* 0, or what the one who takes it says; nothing any more when that cancelled the fetch. */
static int
take_run(struct fetch *f, struct run *run)
{
	struct span	data = span_make(run->at, run->bytes);

	run->bytes = 0;
	return data.n == 0 || f->conn == NULL ? 0 : f->ops->on_data(f, data);
}

static int
take_piece(struct fetch *f, struct run *run, struct span data)
{
	int	mine;

	if (run->bytes > 0 && data.n <= PIECE_SMALL) {
		memmove(run->at + run->bytes, data.p, data.n);
		run->bytes += data.n;
		return 0;
	}
	mine = take_run(f, run);
	*run = (struct run){ (char *)(uintptr_t)data.p, data.n };
	return mine;
}

static void
take_body(struct fetch *f, struct span in)
{
	struct run	run = { NULL, 0 };
	struct span	data;
	int		r, mine = 0;

	do {
		r = http_body_feed(&f->body, &in, &data);
		/* After enough, only the body's end is looked for. */
		if (data.n > 0 && mine == 0 && (r == 0 || r == E_EOF))
			mine = take_piece(f, &run, data);
		if (mine == 0 && (r != 0 || in.n == 0))
			mine = take_run(f, &run);
		if (f->conn == NULL)
			return;			/* cancelled meanwhile */
		if (mine != 0 && mine != E_EOF) {
			end(f, mine, "refused");
			return;
		}
		if (r != 0 && r != E_EOF) {
			end(f, E_UPSTREAM, "malformed body");
			return;
		}
	} while (r == 0 && in.n > 0);
	if (r != E_EOF && mine != E_EOF)
		return;
	f->early = r != E_EOF;
	/* Bytes that nobody asked for, or an answer before the request was out: not to be used again. */
	if (in.n > 0 || pool_queue(f->conn)->bytes > 0)
		f->keep_alive = false;
	end(f, 0, NULL);
}

static void
take_head(struct fetch *f, struct fetch_in *in, struct span rest)
{
	const struct http_head	*h = &in->head;
	int			 r;

	f->head_done = true;
	f->keep_alive = h->keep_alive;
	f->keep_ms = keep_ms_of(h);
	http_body_init(&f->body, h, span_is(f->request.method, "HEAD"));
	if (f->body.kind == HTTP_BODY_CLOSE)
		f->keep_alive = false;
	r = f->ops->on_head(f, h);
	block_put(pool_blocks(f->pool), in);
	if (f->conn == NULL)
		return;
	if (r == 0) {
		take_body(f, rest);
		return;
	}
	end(f, r, "refused");
}

/* Heads, interim ones among them, are looked at in the block; what follows the last is body. */
static void
take_head_bytes(struct fetch *f, struct span in)
{
	struct fetch_in	*whole;
	struct span	 take;
	size_t		 over;
	int		 r;

	for (;;) {
		if (f->in == NULL) {
			if ((f->in = block_get(pool_blocks(f->pool))) == NULL) {
				end(f, E_NOMEM, "out of memory");
				return;
			}
			f->in->used = 0;
			http_head_init(&f->in->head, HTTP_RESPONSE);
		}
		take = span_part(in, 0, sizeof(f->in->bytes) - f->in->used);
		memcpy(f->in->bytes + f->in->used, take.p, take.n);
		f->in->used += take.n;
		in = span_part(in, take.n, in.n);
		if ((r = http_head_parse(&f->in->head, f->in->bytes, f->in->used)) == E_AGAIN)
			return;
		if (r != 0) {
			end(f, E_UPSTREAM, "malformed answer");
			return;
		}
		/* The rest is in the caller's bytes: the head before was incomplete. */
		over = f->in->used - f->in->head.head_bytes;
		in = span_make(in.p - over, in.n + over);
		if (f->in->head.status >= 200)
			break;
		if (f->in->head.status == 101 || ++f->interim > INTERIM_MAX) {
			end(f, E_UPSTREAM, "unexpected interim answer");
			return;
		}
		block_put(pool_blocks(f->pool), f->in);
		f->in = NULL;
		if (in.n == 0)
			return;
	}
	whole = f->in;
	f->in = NULL;
	take_head(f, whole, in);
}

static void
on_bytes(struct pool_conn *c, struct span bytes, void *user)
{
	struct fetch	*f = user;

	(void)c;
	f->answered = true;
	if (f->head_done)
		take_body(f, bytes);
	else
		take_head_bytes(f, bytes);
}

static bool
may_try_again(const struct fetch *f, const struct pool_conn *c)
{
	return !f->again && !f->answered && pool_is_reused(c) &&
	    (f->request.repeatable || pool_sent(c) < f->request_bytes || pool_was_unheard(c));
}

static void
on_end(struct pool_conn *c, int error, const char *text, void *user)
{
	struct fetch	*f = user;
	bool		 again = may_try_again(f, c);

	put_away(f);
	f->conn = NULL;
	if (again) {
		f->again = true;
		f->sent = f->sent && !pool_was_unheard(c);
		if (begin(f, true) == 0)
			return;
		error = E_SERVER;
	}
	if (f->head_done && error == E_EOF && http_body_close(&f->body) == 0)
		error = 0;
	else if (f->answered || f->sent)
		error = E_UPSTREAM;
	else if (error != E_TIMEOUT)
		error = E_SERVER;
	f->why = error == 0 ? NULL : text;
	f->ops->on_end(f, error);
}

static const struct pool_ops conn_ops = { on_open, on_bytes, on_end };

/* ---- for callers ------------------------------------------------------------------------------- */

int
fetch_start(struct fetch *f, struct pool *p, const struct fetch_ops *ops, const struct fetch_request *request)
{
	BUG_ON(request->body_count > FETCH_BODY_PIECES);
	*f = (struct fetch){ .pool = p, .ops = ops, .request = *request, .keep_ms = UINT64_MAX };
	return begin(f, false);
}

bool
fetch_was_sent(const struct fetch *f)
{
	return f->sent || (f->conn != NULL && pool_sent(f->conn) >= f->request_bytes);
}

void
fetch_pause(struct fetch *f, bool on)
{
	if (f->conn != NULL)
		pool_pause(f->conn, on);
}

void
fetch_read_little(struct fetch *f)
{
	if (f->conn != NULL)
		pool_read_little(f->conn);
}

void
fetch_cancel(struct fetch *f)
{
	if (f->conn == NULL)
		return;
	put_away(f);
	pool_drop(&f->conn);
}
