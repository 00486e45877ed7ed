/* SPDX-License-Identifier: Apache-2.0
 *
 * rounds.c - a legacy client's call that a modern server answers with questions
 *
 * Process: worker.  Owns: the server's state and the client's answers between two rounds.
 * Trusts:  neither: rounds, questions and bytes are bounded, what the client cannot be asked is not asked.
 */
#include <stdlib.h>

#include "lib/bug.h"
#include "worker/call/admit.h"
#include "worker/call/call_priv.h"
#include "worker/talk/rounds.h"
#include "worker/talk/talk.h"

#define ROUNDS_MAGIC	0x40a2d501u

struct rounds {
	uint32_t		 magic;
	struct call		*c;
	unsigned		 count;
	bool			 waits, asking;
	rounds_next_fn		*next;
	struct buf		 state;		/* the server's, a raw JSON string; empty: none */
	struct buf		 responses;	/* members of inputResponses */
	struct loop_timer	 timer;
};

/* The call is made again. */
static void
call_again(struct call *c, struct span state, struct span responses)
{
	int	e;

	if ((e = call_again_with(c, state, responses)) != 0)
		call_fail(c, e, true, SPAN_NONE);
}

static void
next_round(struct rounds *r)
{
	struct buf	 whole;
	int		 e;

	loop_timer_disarm(&r->timer);
	r->waits = false;
	buf_init(&whole, r->responses.used + 16);
	if ((e = buf_put_str(&whole, "{")) == 0 && (e = buf_put(&whole, buf_rest(&r->responses))) == 0)
		e = buf_put_str(&whole, "}");
	if (e != 0)
		call_fail(r->c, e, true, SPAN_NONE);
	else
		r->next(r->c, buf_rest(&r->state), r->responses.used > 0 ? buf_rest(&whole) : SPAN_NONE);
	buf_fini(&whole);
}

/* The client answered one question. */
static void
on_reply(struct asks *a, const struct asked *q, const char *member, struct span value)
{
	struct call	*c = call_of_asks(a);
	struct rounds	*r = c->rounds;

	/* An error is no answer: the rounds stop, and so does the call (mcp-wire 14.12). */
	if (member[0] == 'e')
		r->asking = false;
	else if (buf_put_fmt(&r->responses, "%s\"%.*s\":", r->responses.used > 0 ? "," : "", SPAN_FMT(q->id)) != 0 ||
	    buf_put(&r->responses, value) != 0)
		r->asking = false;
	loop_timer_arm(&r->timer, 0);
}

/* After the turn in which an answer came, after the pause, or when the client took too long. */
static void
on_timer(struct loop_timer *t, void *arg)
{
	struct rounds	*r = arg;
	struct call	*c = r->c;

	(void)t;
	MAGIC_CHECK(r, ROUNDS_MAGIC);
	c->as_result = true;
	if (!r->asking)
		call_fail(c, E_UPSTREAM, true, SPAN_LIT("the client did not answer what the server asks"));
	else if (c->asks.open == 0) {
		c->as_result = false;
		next_round(r);
	} else if (loop_now_ms(c->rq->w->loop) >= c->until_ms)
		call_fail(c, E_TIMEOUT, true, SPAN_LIT("the client did not answer in time what the server asks"));
	else
		loop_timer_arm(&r->timer, c->until_ms - loop_now_ms(c->rq->w->loop));
}

static int
rounds_new(struct call *c)
{
	struct rounds	*r;

	if ((r = calloc(1, sizeof(*r))) == NULL)
		return E_NOMEM;
	r->magic = ROUNDS_MAGIC;
	r->c = c;
	buf_init(&r->state, 1024 * 1024);
	buf_init(&r->responses, c->rq->config->params.max_body);
	loop_timer_init(c->rq->w->loop, &r->timer, on_timer, r);
	c->rounds = r;
	c->asks.reply = on_reply;
	return 0;
}

/* All questions, each checked before the first is asked. */
static int
ask_all(struct call *c, struct json_value requests, struct span *text)
{
	struct json_iter	it;
	struct json_value	one;
	struct span		key;
	struct asked		*q, *next;
	int			r;

	json_iter_init(&it, requests);
	while (json_iter_next(&it, &key, &one)) {
		if ((r = asks_add(&c->asks, key, one, call_server_name(c))) == 0)
			continue;
		c->as_result = r == E_MCP_CAPABILITY;
		*text = r == E_MCP_CAPABILITY ? SPAN_LIT("it asks for what this client cannot be asked") :
		    SPAN_LIT("what it asks cannot be passed on");
		return r == E_MCP_CAPABILITY ? E_UPSTREAM : r;
	}
	if (c->asks.open > 0 && (r = talk_may_ask(c)) != 0)
		return r;
	for (q = c->asks.first; q != NULL; q = next) {
		next = q->next;
		if (asks_send(q, c->client) != 0)
			return E_CLOSED;
	}
	return 0;
}

/* One more round, in which nothing was asked yet. */
static int
round_new(struct call *c, rounds_next_fn *next, struct span *text)
{
	struct rounds	*r;
	int		 e;

	if (c->rounds == NULL && (e = rounds_new(c)) != 0)
		return e;
	r = c->rounds;
	if (++r->count > ROUNDS_MAX) {
		*text = SPAN_LIT("it asks again and again");
		return E_UPSTREAM;
	}
	r->next = next;
	r->waits = r->asking = true;
	buf_clear(&r->state);
	buf_clear(&r->responses);
	c->until_ms = loop_now_ms(c->rq->w->loop) + ROUNDS_LEG_MS;
	return 0;
}

int
rounds_ask(struct call *c, struct json_value requests, rounds_next_fn *next, struct span *text)
{
	int	e;

	if ((e = round_new(c, next, text)) != 0 || (e = ask_all(c, requests, text)) != 0)
		return e;
	loop_timer_arm(&c->rounds->timer, ROUNDS_LEG_MS);
	return 0;
}

int
rounds_begin(struct call *c, const struct rpc_answer *from, struct span *text)
{
	struct json_value	requests = json_get(from->result, "inputRequests");
	struct json_value	state = json_get(from->result, "requestState");
	struct rounds		*r;
	int			 e;

	if ((e = round_new(c, call_again, text)) != 0)
		return e;
	r = c->rounds;
	if ((requests.type != JSON_NONE && requests.type != JSON_OBJECT) ||
	    (state.type != JSON_NONE && state.type != JSON_STRING) ||
	    (requests.type == JSON_NONE && state.type == JSON_NONE))
		return E_UPSTREAM;
	if ((e = buf_put(&r->state, state.raw)) != 0)
		return e == E_TOOBIG ? E_UPSTREAM : e;
	if (requests.type == JSON_OBJECT && (e = ask_all(c, requests, text)) != 0)
		return e;
	loop_timer_arm(&r->timer, c->asks.open > 0 ? ROUNDS_LEG_MS : ROUNDS_PAUSE_MS);
	return 0;
}

bool
rounds_wait(const struct call *c)
{
	return c->rounds != NULL && c->rounds->waits;
}

void
rounds_fini(struct call *c)
{
	struct rounds	*r = c->rounds;

	c->rounds = NULL;
	if (r == NULL)
		return;
	loop_timer_disarm(&r->timer);
	buf_fini(&r->state);
	buf_fini(&r->responses);
	r->magic = 0;
	free(r);
}
