/* SPDX-License-Identifier: Apache-2.0
 *
 * park.c - a modern client's call that waits for the client's answers
 *
 * Process: worker.
 * Owns:    what is kept for a retry; the call's own memory is its first request's, which is held.
 * Trusts:  a retry whose state was sealed here for this principal, request and round; a state counts once.
 */
#include <stdio.h>
#include <stdlib.h>

#include "lib/bug.h"
#include "lib/crypt.h"
#include "worker/call/approvals.h"
#include "worker/call/call_priv.h"
#include "worker/call/may.h"
#include "worker/forward.h"
#include "worker/front/reply.h"
#include "worker/talk/inputs.h"
#include "worker/talk/park.h"

#define PARK_MAGIC	0x9a2c0001u

struct park {
	uint32_t		 magic;
	struct park		*next;		/* in its bucket */
	struct call		*c;
	uint64_t		 number;	/* random */
	uint32_t		 round;		/* that the state given out last is of */
	bool			 waits;		/* that state was not used yet */
	bool			 ended;		/* the call is over, its answer is kept */
	int			 error;
	struct buf		 kept;
	struct loop_timer	 timer;		/* the turn's end; then until the client comes */
};

static const struct span no_text = { NULL, 0 };

static struct park **
bucket_of(struct worker *w, uint64_t number)
{
	return &w->parks[number % WORKER_PARK_BUCKETS];
}

static void
park_free(struct park *p)
{
	struct worker	*w = p->c->rq->w;
	struct park	**at = bucket_of(w, p->number);

	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
	w->park_count--;
	asking_end(&w->asking, &p->c->asking);
	loop_timer_disarm(&p->timer);
	buf_fini(&p->kept);
	p->c->park = NULL;
	p->magic = 0;
	free(p);
}

/* Nobody comes any more: the server is told, the call ends, what was kept is dropped. */
static void
expire(struct park *p)
{
	struct call	*c = p->c;
	struct request	*rq = c->rq;

	metric_add(&rq->w->metrics, METRIC_parked_expired_total, 1);
	if (p->ended) {
		park_free(p);
		request_done(rq);
		return;
	}
	p->waits = false;
	call_cancel(c);
}

static void
give(struct park *p)
{
	struct call	*c = p->c;
	struct request	*to = c->client;
	int		 r;

	if (to->gone)
		return;			/* the call is about to end by that */
	/* The first request is the call's memory, so it outlives its answer. */
	if (to == c->rq)
		request_hold(to);
	to->on_gone = NULL;
	to->on_away = NULL;
	p->round++;
	if ((r = inputs_reply_asked(c, p->round, p->number)) != 0) {
		if (to == c->rq)
			request_done(to);
		call_take_client(c, to);
		asks_end(&c->asks);
		return;
	}
	c->client = NULL;
	c->answer.rq = c->rq;
	c->notes.token = no_text;
	p->waits = true;
	loop_timer_arm(&p->timer, PARK_MS);
}

static void
on_timer(struct loop_timer *t, void *arg)
{
	struct park	*p = arg;

	(void)t;
	MAGIC_CHECK(p, PARK_MAGIC);
	if (p->c->client != NULL)
		give(p);
	else
		expire(p);
}

static int
park_new(struct call *c)
{
	struct worker	*w = c->rq->w;
	struct park	*p;
	int		 r;

	if ((p = calloc(1, sizeof(*p))) == NULL)
		return E_NOMEM;
	if ((r = crypt_random(&p->number, sizeof(p->number))) != 0) {
		free(p);
		return r;
	}
	p->magic = PARK_MAGIC;
	p->c = c;
	buf_init(&p->kept, ANSWER_MAX + 64 * 1024);
	loop_timer_init(w->loop, &p->timer, on_timer, p);
	p->next = *bucket_of(w, p->number);
	*bucket_of(w, p->number) = p;
	w->park_count++;
	metric_add(&w->metrics, METRIC_parked_total, 1);
	c->park = p;
	return 0;
}

int
park_ask(struct call *c)
{
	int	r;

	if (c->park == NULL && (r = park_new(c)) != 0)
		return r;
	/* With all that comes in this turn; what comes later waits for the retry. */
	if (c->client != NULL)
		loop_timer_arm(&c->park->timer, 0);
	return 0;
}

void
park_keep(struct call *c, int error, struct span rest)
{
	struct park	*p = c->park;

	p->ended = true;
	p->error = error;
	if (buf_put(&p->kept, rest) != 0)
		p->error = E_NOMEM;
	/* After expire() nobody comes. */
	if (!p->waits) {
		struct request *rq = c->rq;

		park_free(p);
		request_done(rq);
	}
}

/* In the next turn, so that their records are written as all others are. */
void
park_drain(struct worker *w)
{
	for (size_t i = 0; w->park_count > 0 && i < WORKER_PARK_BUCKETS; i++)
		for (struct park *p = w->parks[i]; p != NULL; p = p->next)
			if (p->waits)
				loop_timer_arm(&p->timer, 0);
}

struct request *
park_leave(struct call *c)
{
	if (c->park == NULL)
		return NULL;
	/* Before its first answer it is a request like any other. */
	struct request *keeper = c->park->round > 0 ? c->rq : NULL;

	park_free(c->park);
	return keeper;
}

/* --- the retry -------------------------------------------------------------------------------- */

static struct park *
park_find(struct worker *w, uint64_t number)
{
	struct park	*p = *bucket_of(w, number);

	while (p != NULL && p->number != number)
		p = p->next;
	return p;
}

/* What was kept, behind this request's id. */
static void
deliver(struct park *p, struct request *rq)
{
	struct request	*keeper = p->c->rq;
	struct call	*c = p->c;
	struct buf	 b;
	int		 r;

	if (p->error != 0) {
		call_reply_error(rq, c->ask.style, p->error, buf_rest(&p->kept), no_text, 0);
	} else {
		buf_init(&b, p->kept.used + rq->msg.id.n + 64);
		if ((r = buf_put_str(&b, CALL_ANSWER_BEFORE_ID)) == 0 && (r = buf_put(&b, rq->msg.id)) == 0)
			r = buf_put(&b, buf_rest(&p->kept));
		reply_message(rq, r, &b);
		buf_fini(&b);
	}
	park_free(p);
	request_done(keeper);
}

/* Policy may have changed since: does it let this call go on?  False: it was refused. */
static bool
may_go_on(struct park *p, struct request *rq)
{
	struct call		*c = p->c;
	const struct span	 server = call_server_name(c);
	struct call_ask		 ask = c->ask;
	struct approval_answer	 approval;
	struct decision		 d;

	may_call(rq, rq->config->policy, server, &c->ask, true, &d);
	if (d.allow && (!d.approval || c->rq->approved.given || !approvals_may_want(&ask)))
		return true;
	if ((ask.server = policy_server_find(rq->config->policy, rq->who.tenant, server)) == NULL) {
		reply_error(rq, E_MCP_STATE_LOST, no_text, no_text, 0);
	} else if (!d.allow) {
		call_refuse_denied(rq, &ask, &d);
	} else if (approvals_pass(rq, &ask, &approval)) {
		c->rq->approved = rq->approved;
		return true;
	} else {
		call_record_refusal(rq, &ask, &d, AUDIT_OUTCOME_REFUSED, approval.error);
		call_reply_approval(rq, &ask, &d, &approval);
	}
	return false;
}

/* The client's answers go to the server, those that it brought. */
static void
take_responses(struct call *c, struct json_value responses)
{
	struct json_value	value;
	struct asked		*q, *next;
	char			key[16];

	for (q = c->asks.first; q != NULL; q = next) {
		next = q->next;
		snprintf(key, sizeof(key), "k%u", q->key);
		value = json_get(responses, key);
		if (q->sent && value.type == JSON_OBJECT)
			asks_reply(&q, value.raw, false);
	}
}

void
park_on_retry(struct request *rq, const struct state *s, struct json_value responses)
{
	struct worker	*w = rq->w;
	struct park	*p = NULL;
	struct call	*c;

	if (s->slot == w->slot && s->incarnation == w->incarnation)
		p = park_find(w, s->number);
	else if (forward_request(rq, s->slot, s->incarnation) == 0)
		return;
	if (p == NULL) {
		reply_error(rq, E_MCP_STATE_LOST, no_text, no_text, 0);
		return;
	}
	MAGIC_CHECK(p, PARK_MAGIC);
	if (!p->waits || p->round != s->round) {
		reply_error(rq, E_MCP_STATE, no_text, no_text, 0);
		return;
	}
	c = p->c;
	p->waits = false;
	loop_timer_disarm(&p->timer);
	if (!may_go_on(p, rq)) {
		expire(p);
		return;
	}
	if (p->ended) {
		deliver(p, rq);
		return;
	}
	call_take_client(c, rq);
	take_responses(c, responses);
	/* What it left out, or what was asked meanwhile. */
	if (c->asks.open > 0)
		loop_timer_arm(&p->timer, 0);
}
