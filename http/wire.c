/* SPDX-License-Identifier: Apache-2.0
 *
 * wire.c - HTTP/1.1 as a wire of exchanges: the body in, the answer out
 *
 * Process: worker, mcpgw-admin.  Owns: nothing beside its connection.
 * Trusts:  the handler to announce lengths it keeps; when it does not, the connection is closed.
 */
#include <errno.h>

#include "http/conn_priv.h"

/* ---- the answer -------------------------------------------------------------------------------- */

/* The rest of a body that nobody wants, when it is here already, costs nothing to skip.  While it is
 * being fed the buffer's cursor is behind. */
static bool
body_is_here(const struct conn *c)
{
	return c->body_whole || (c->in != NULL && !c->feeding &&
	    http_body_left(&c->body) <= c->in->used - c->in->at);
}

static int
wire_answer(void *arg, struct exchange *x, unsigned status, const struct exchange_field *fields, size_t n,
    uint64_t body_bytes)
{
	struct conn		*c = arg;
	struct http_out_head	 head = { .status = status, .fields = fields, .n = n, .length = body_bytes };
	int			 r;

	head.framing = status == 204 || status == 304 ? HTTP_FRAMING_NONE :
	    body_bytes != EXCHANGE_STREAM ? HTTP_FRAMING_LENGTH :
	    x->head.minor == 1 ? HTTP_FRAMING_CHUNKED : HTTP_FRAMING_CLOSE;
	c->continue_due = false;
	if (!x->head.keep_alive || x->head.minor == 0 || c->set->drain || c->set->retire || !body_is_here(c))
		c->close = true;
	c->no_content = x->head.method == HTTP_HEAD || head.framing == HTTP_FRAMING_NONE;
	c->answer_left = body_bytes;
	c->framing = (uint8_t)head.framing;
	head.close = c->close;
	head.date = conn_date(c->set);
	if ((r = http_write_answer(&c->out, &head)) != 0) {
		conn_die(c, FLOW_BROKEN);
		return r;
	}
	conn_flush_later(c);
	return 0;
}

static void
wire_give(void *arg, struct span bytes)
{
	struct conn	*c = arg;
	int		 r;

	if (c->dead)
		return;
	if (c->answer_left != EXCHANGE_STREAM) {
		if (bytes.n > c->answer_left)
			bytes.n = (size_t)c->answer_left;
		c->answer_left -= bytes.n;
	}
	if (c->no_content) {
		conn_kick_later(c);	/* what is dropped is credit again */
		return;
	}
	r = c->framing == HTTP_FRAMING_CHUNKED ? http_write_chunk(&c->out, bytes) : http_queue_put(&c->out, bytes);
	if (r != 0)
		conn_die(c, FLOW_BROKEN);
	else
		conn_flush_later(c);
}

static void
wire_answer_end(void *arg, enum flow_end why)
{
	struct conn	*c = arg;

	c->answer_done = true;
	if (why != FLOW_DONE || (c->framing == HTTP_FRAMING_LENGTH && c->answer_left > 0 && !c->no_content)) {
		/* Cut: without the last chunk or the last byte the client sees that it is not whole. */
		c->close = true;
		c->body_whole = true;
	} else if (c->framing == HTTP_FRAMING_CHUNKED && !c->no_content &&
	    http_queue_put(&c->out, SPAN_LIT(HTTP_LAST_CHUNK)) != 0)
		conn_die(c, FLOW_BROKEN);
	conn_flush_later(c);
}

/* ---- the body ---------------------------------------------------------------------------------- */

static void
body_end(struct conn *c)
{
	c->body_whole = true;
	conn_move(c, CONN_BUSY);
	flow_end(&c->x->body, FLOW_DONE);
}

/* What came, through the framing, to the body's sink; *in is left at what was not taken. */
static void
feed(struct conn *c, struct span *in)
{
	struct exchange	*x = c->x;
	struct span	 part, data;
	uint64_t	 most;
	int		 r = 0;

	c->feeding = true;
	do {
		/* Content is never more than the bytes it comes in. */
		most = x->body.credit < in->n ? x->body.credit : in->n;
		part = span_part(*in, 0, (size_t)most);
		r = http_body_feed(&c->body, &part, &data);
		*in = span_part(*in, (size_t)(part.p - in->p), in->n);
		if (r != 0 && r != E_EOF)
			break;
		flow_give(&x->body, data);
	} while (r == 0 && in->n > 0 && x->body.credit > 0 && x->body.ended == FLOW_OPEN && !c->dead);
	c->feeding = false;
	if (c->dead)
		return;
	if (r == E_EOF)
		body_end(c);
	else if (r != 0) {
		c->set->count.malformed++;
		c->close = true;
		exchange_body_failed(x, r);
	}
	conn_watch(c);
}

static bool
body_wanted(const struct conn *c)
{
	return c->x != NULL && !c->dead && !c->body_whole && c->x->body.ended == FLOW_OPEN;
}

void
conn_feed(struct conn *c)
{
	struct conn_in	*in = c->in;
	struct span	 bytes;

	if (!body_wanted(c) || c->x->body.credit == 0)
		return;
	bytes = in == NULL ? SPAN_LIT("") : span_make(in->bytes + in->at, in->used - in->at);
	feed(c, &bytes);
	if (in != NULL && (in->at = in->used - bytes.n) == in->used) {
		block_put(&c->set->pool, in);
		c->in = NULL;
	}
	if (c->continue_due && body_wanted(c) && c->body.content_bytes == 0 && c->x->body.credit > 0) {
		c->continue_due = false;
		if (http_queue_put(&c->out, SPAN_LIT("HTTP/1.1 100 Continue\r\n\r\n")) != 0)
			conn_die(c, FLOW_BROKEN);
		else
			conn_flush_later(c);
	}
}

void
conn_read_body(struct conn *c)
{
	struct conn_set	*s = c->set;
	struct span	 bytes;
	size_t		 most = sizeof(s->scratch);
	ssize_t		 n;

	/* What was read before comes first. */
	if (c->in != NULL)
		conn_feed(c);
	if (!body_wanted(c) || c->x->body.credit == 0 || c->in != NULL) {
		conn_watch(c);
		return;
	}
	/* Not past the end of the body, as far as that is known, nor over the credit: then nothing
	 * but a chunked body's successor is ever left over, and that fits a block. */
	if (http_body_left(&c->body) < most)
		most = http_body_left(&c->body);
	else if (c->body.kind == HTTP_BODY_CHUNKED)
		most = HTTP_HEAD_BYTES_MAX;
	if (c->x->body.credit < most)
		most = (size_t)c->x->body.credit;
	if ((n = conn_recv(c, s->scratch, most)) == -1) {
		if (errno != EAGAIN && errno != EINTR)
			conn_die(c, FLOW_GONE);
		return;
	}
	if (n == 0) {
		conn_die(c, FLOW_GONE);
		return;
	}
	c->continue_due = false;
	s->count.bytes_in += (uint64_t)n;
	bytes = span_make(s->scratch, (size_t)n);
	feed(c, &bytes);
	if (bytes.n == 0 || c->dead)
		return;
	if ((c->in = block_get(&s->pool)) == NULL) {
		conn_die(c, FLOW_BROKEN);
		return;
	}
	c->in->at = 0;
	c->in->used = bytes.n;
	memcpy(c->in->bytes, bytes.p, bytes.n);
}

static void
wire_credit(void *arg, size_t bytes)
{
	struct conn	*c = arg;

	(void)bytes;
	if (!c->feeding && !c->beginning)
		conn_kick_later(c);
}

static void
wire_body_end(void *arg, enum flow_end why)
{
	struct conn	*c = arg;

	/* Nobody wants the rest; the answer decides what becomes of the connection. */
	(void)why;
	if (!c->dead)
		conn_kick_later(c);
}

const struct exchange_wire conn_wire = {
	.answer = wire_answer,
	.sink = { wire_give, wire_answer_end },
	.source = { wire_credit, wire_body_end },
};
