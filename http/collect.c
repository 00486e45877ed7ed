/* SPDX-License-Identifier: Apache-2.0
 *
 * collect.c - a request body held whole, in one piece, within the worker's budget
 *
 * Process: worker, mcpgw-admin.  Owns: the body's memory until the exchange ends.
 * Trusts:  no length a client announces: memory grows with what has come.
 */
#include <stdlib.h>

#include "http/exchange_priv.h"
#include "lib/bug.h"

#define COLLECT_WINDOW		(64 * 1024)	/* credit towards the wire */
#define COLLECT_ARENA_MAX	(8 * 1024)	/* a body announced this small needs no memory of its own */

struct exchange_body {
	struct http_budget	*budget;
	size_t			 max, used, room, counted;
	char			*bytes;		/* malloc'ed when counted > 0, else the arena's */
	exchange_progress_fn	*progress;
	exchange_body_fn	*done;
	void			*arg;
	bool			 finished;
};

static void
finish(struct exchange *x, int err)
{
	struct exchange_body	*c = x->collect;

	if (c->finished)
		return;
	c->finished = true;
	if (err != 0)
		flow_stop(&x->body, FLOW_CANCELLED);
	c->done(x, err, err == 0 ? span_make(c->bytes == NULL ? "" : c->bytes, c->used) : SPAN_NONE, c->arg);
}

static void
refuse(struct exchange *x, int err)
{
	if (!exchange_answered(x) && !exchange_is_gone(x))
		exchange_refuse(x, err, NULL, 0);
	finish(x, err);
}

/* Room for n more bytes: 0, E_TOOBIG, E_FULL (budget) or E_NOMEM. */
static int
grow(struct exchange_body *c, size_t n)
{
	size_t	want = c->room < COLLECT_ARENA_MAX ? COLLECT_ARENA_MAX * 2 : c->room * 2;
	char	*bytes;

	if (n > c->max - c->used)
		return E_TOOBIG;
	if (n <= c->room - c->used)
		return 0;
	while (want < c->used + n)
		want *= 2;
	if (want > c->max)
		want = c->max;
	if (want - c->counted > c->budget->limit - c->budget->used ||
	    c->budget->used > c->budget->limit)
		return E_FULL;
	if ((bytes = realloc(c->counted > 0 ? c->bytes : NULL, want)) == NULL)
		return E_NOMEM;
	if (c->counted == 0 && c->used > 0)
		memcpy(bytes, c->bytes, c->used);
	c->budget->used += want - c->counted;
	c->bytes = bytes;
	c->room = c->counted = want;
	return 0;
}

static void
on_give(void *arg, struct span bytes)
{
	struct exchange		*x = arg;
	struct exchange_body	*c = x->collect;
	int			 r;

	if (c->finished)
		return;
	if ((r = grow(c, bytes.n)) != 0) {
		refuse(x, r);
		return;
	}
	memcpy(c->bytes + c->used, bytes.p, bytes.n);
	c->used += bytes.n;
	if (c->progress != NULL && (r = c->progress(x, bytes, c->arg)) != 0) {
		finish(x, r);
		return;
	}
	flow_credit(&x->body, bytes.n);
}

static void
on_end(void *arg, enum flow_end why)
{
	struct exchange	*x = arg;

	finish(x, why == FLOW_DONE ? 0 : why == FLOW_DEADLINE ? E_HTTP_TIMEOUT : why == FLOW_BROKEN ? E_HTTP_SYNTAX :
	    E_CLOSED);
}

static const struct flow_sink collect_sink = { on_give, on_end };

void
exchange_collect_body(struct exchange *x, size_t max, struct http_budget *budget,
    exchange_progress_fn *progress, exchange_body_fn *done, void *arg)
{
	struct exchange_body	*c;

	BUG_ON(x->collect != NULL);
	if ((c = arena_calloc(&x->arena, sizeof(*c))) == NULL) {
		exchange_refuse(x, E_NOMEM, NULL, 0);
		done(x, E_NOMEM, SPAN_NONE, arg);
		return;
	}
	c->budget = budget;
	c->max = max;
	c->progress = progress;
	c->done = done;
	c->arg = arg;
	x->collect = c;
	if (x->head.has_length && x->head.length > max) {
		refuse(x, E_TOOBIG);
		return;
	}
	if (x->head.has_length && x->head.length <= COLLECT_ARENA_MAX) {
		c->bytes = arena_alloc(&x->arena, (size_t)x->head.length);
		c->room = c->bytes == NULL ? 0 : (size_t)x->head.length;
	}
	if (x->body.ended != FLOW_OPEN) {
		on_end(x, x->body.ended);
		return;
	}
	x->body.sink = &collect_sink;
	x->body.sink_arg = x;
	flow_credit(&x->body, COLLECT_WINDOW);
}

void
exchange_body_failed(struct exchange *x, int err)
{
	if (x->body.ended != FLOW_OPEN)
		return;
	if (!exchange_answered(x) && !exchange_is_gone(x))
		exchange_refuse(x, err, NULL, 0);
	flow_end(&x->body, err == E_HTTP_TIMEOUT ? FLOW_DEADLINE : FLOW_BROKEN);
}

void
exchange_collect_fini(struct exchange *x)
{
	struct exchange_body	*c = x->collect;

	if (c == NULL || c->counted == 0)
		return;
	c->budget->used -= c->counted;
	free(c->bytes);
	c->bytes = NULL;
	c->counted = 0;
}
