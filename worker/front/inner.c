/* SPDX-License-Identifier: Apache-2.0
 *
 * inner.c - a request within a request
 *
 * Process: worker.  Owns: what is kept of its answer, counted; one reference on its exchange.
 * Trusts:  the handler, as a connection does; events.c and reply.c to end each event with one give.
 */
#include "http/sse.h"
#include "lib/bug.h"
#include "worker/call/answer.h"
#include "worker/front/inner.h"

#define INNER_MAGIC	0x177e4001u
#define KEPT_MAX	(2 * (size_t)ANSWER_MAX)

static void
ready(struct inner *in)
{
	in->how->ready(in, in->how->ready_arg);
}

/* ---- the body ------------------------------------------------------------------------------------ */

static void
feed(struct inner *in)
{
	struct flow	*to = &in->x->body;
	struct span	 part;

	if (in->feeding)
		return;
	in->feeding = true;
	while (in->body.n > 0 && to->credit > 0 && to->ended == FLOW_OPEN) {
		part = span_part(in->body, 0, to->credit < in->body.n ? (size_t)to->credit : in->body.n);
		in->body = span_part(in->body, part.n, in->body.n);
		flow_give(to, part);
	}
	in->feeding = false;
	if (in->body.n == 0)
		flow_end(to, FLOW_DONE);
}

static void
wire_credit(void *arg, size_t bytes)
{
	struct inner	*in = arg;

	(void)bytes;
	feed(in);
}

/* ---- the answer ---------------------------------------------------------------------------------- */

static int
wire_answer(void *arg, struct exchange *x, unsigned status, const struct exchange_field *fields, size_t n,
    uint64_t body_bytes)
{
	struct inner	*in = arg;

	(void)x;
	(void)body_bytes;
	in->status = status;
	for (size_t i = 0; i < n; i++)
		if (span_eq_nocase(fields[i].name, SPAN_LIT("Content-Type")))
			in->events = http_media_is(fields[i].value, "text/event-stream");
	if (in->how->head != NULL)
		in->how->head(in, fields, n, in->how->ready_arg);
	return 0;
}

/* What is whole of an event stream still counts; half of anything does not. */
static void
overflow(struct inner *in, int error)
{
	in->error = error;
	in->how->budget->used -= in->kept.used - in->kept.at - in->whole;
	in->kept.used = in->kept.at + in->whole;
	if (in->whole == 0)
		buf_fini(&in->kept);
}

static void
wire_give(void *arg, struct span bytes)
{
	struct inner		*in = arg;
	struct http_budget	*budget = in->how->budget;
	const struct span	 after = SPAN_LIT(SSE_AFTER);

	in->owed += bytes.n;
	if (in->error != 0) {
		ready(in);
		return;
	}
	if (budget->used > budget->limit || bytes.n > budget->limit - budget->used) {
		overflow(in, E_OVERLOAD);
	} else if (buf_put(&in->kept, bytes) != 0) {
		overflow(in, E_NOMEM);
	} else {
		budget->used += bytes.n;
		if (in->events && bytes.n >= after.n &&
		    span_eq(span_part(bytes, bytes.n - after.n, after.n), after))
			in->whole = in->kept.used - in->kept.at;
	}
	ready(in);
}

static void
wire_end(void *arg, enum flow_end why)
{
	struct inner	*in = arg;

	in->ended = why;
	ready(in);
}

static const struct exchange_wire inner_wire = {
	.answer = wire_answer,
	.sink = { wire_give, wire_end },
	.source = { wire_credit, NULL },
};

bool
inner_is(const struct exchange *x)
{
	return x->wire == &inner_wire;
}

struct span
inner_kept(const struct inner *in)
{
	struct span	all = buf_rest(&in->kept);

	return in->events ? span_part(all, 0, in->whole) : all;
}

void
inner_take(struct inner *in, size_t n)
{
	in->how->budget->used -= n;
	buf_drain(&in->kept, n);
	if (in->events)
		in->whole -= n;
	if (in->kept.at == in->kept.used)
		buf_fini(&in->kept);
}

void
inner_credit(struct inner *in)
{
	size_t	n = in->owed;

	in->owed = 0;
	if (in->ended == FLOW_OPEN && n > 0)
		flow_credit(&in->x->answer, n);
}

/* ---- beginning and end --------------------------------------------------------------------------- */

void
inner_begin(struct inner *in, const struct exchange *outer, const struct http_head *head, struct span body,
    const struct inner_how *how)
{
	*in = (struct inner){ .magic = INNER_MAGIC, .how = how, .body = body };
	buf_init(&in->kept, KEPT_MAX);
	if (exchange_new(outer->loop, outer->pool, head != NULL ? head : &outer->head, &outer->peer,
	    outer->listener, &inner_wire, in, &in->x) != 0) {
		in->error = E_NOMEM;
		in->ended = FLOW_BROKEN;
		ready(in);
		return;
	}
	/* With a head of its own it is no part of the outer one's request, and begins now. */
	if (head == NULL)
		in->x->begun_ns = outer->begun_ns;
	in->x->head.chunked = in->x->head.expect_continue = false;
	in->x->head.has_length = true;
	in->x->head.length = body.n;
	/* The body comes when the handler has had the head, as it does from a connection. */
	in->feeding = true;
	how->handler(in->x, how->handler_arg);
	in->feeding = false;
	feed(in);
}

bool
inner_is_fed(const struct inner *in)
{
	return in->body.n == 0 || in->x == NULL || in->x->body.ended != FLOW_OPEN;
}

void
inner_release(struct inner *in)
{
	BUG_ON(in->ended == FLOW_OPEN);
	if (in->x != NULL)
		exchange_wire_done(in->x);
	exchange_unref(&in->x);
}

void
inner_fini(struct inner *in)
{
	if (in->magic == 0)
		return;
	MAGIC_CHECK(in, INNER_MAGIC);
	if (in->ended == FLOW_OPEN) {
		exchange_wire_gone(in->x, FLOW_GONE);
		exchange_unref(&in->x);
	} else {
		inner_release(in);
	}
	in->how->budget->used -= in->kept.used - in->kept.at;
	buf_fini(&in->kept);
	in->magic = 0;
}
