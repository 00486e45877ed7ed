/* SPDX-License-Identifier: Apache-2.0
 *
 * talk.c - what server and client say to each other while a call runs
 *
 * Process: worker.  Owns: the table of calls in legacy sessions.
 * Trusts:  the route for which call a message belongs to; nothing in the message.
 */
#include "lib/bug.h"
#include "lib/sum.h"
#include "worker/call/call_priv.h"
#include "worker/call/pending.h"
#include "worker/forward.h"
#include "worker/front/early.h"
#include "worker/talk/park.h"
#include "worker/talk/talk.h"

static struct call **
sessions_bucket(struct worker *w, uint64_t session_hash)
{
	return &w->session_calls[session_hash % WORKER_SESSION_BUCKETS];
}

void
talk_begin(struct call *c)
{
	struct request	*rq = c->rq;
	struct call	**bucket;

	notes_init(&c->notes, rq);
	asks_init(&c->asks, rq->w, &c->route, rq, c->ask.server);
	if (!rq->has_session)
		return;
	bucket = sessions_bucket(rq->w, rq->session_hash);
	if ((c->session_next = *bucket) != NULL)
		c->session_next->session_prev = &c->session_next;
	c->session_prev = bucket;
	*bucket = c;
	early_watch(rq->w);
}

int
talk_may_ask(struct call *c)
{
	const struct request	*rq = c->rq;
	const uint64_t		 tenant = rq->who.tenant_hash;
	const uint64_t		 keys[ASKING_LIMIT] = {
		[ASKING_PRINCIPAL] = rq->who.hash ^ tenant, [ASKING_TENANT] = tenant,
		[ASKING_SERVER] = sum64(call_server_name(c)) ^ tenant,
	};
	int			 r;

	if (c->given_up != 0)
		return c->given_up;
	if ((r = asking_begin(&rq->w->asking, &c->asking, rq->tenant, keys)) == E_WAITING)
		metric_add(&rq->w->metrics, METRIC_asking_refused_total, 1);
	return r;
}

void
talk_end(struct call *c)
{
	asks_end(&c->asks);
	/* What is kept for a retry still counts. */
	if (c->park == NULL)
		asking_end(&c->rq->w->asking, &c->asking);
	if (c->session_prev == NULL)
		return;
	if ((*c->session_prev = c->session_next) != NULL)
		c->session_next->session_prev = c->session_prev;
	c->session_prev = NULL;
}

static void
on_request(struct call *c, const struct rpc_answer *m)
{
	struct asked	*q;
	int		 r;

	cached_spoil(c);
	if (asks_take(&c->asks, m, call_server_name(c), &q) != 0)
		return;
	if ((r = talk_may_ask(c)) != 0) {
		asks_refuse(q);
		call_give_up(c, r);
	} else if (!c->rq->modern) {
		(void)!asks_send(q, c->rq);
	} else if (park_ask(c) != 0) {
		asks_refuse(q);
	}
}

/* The server takes back what it asked. */
static void
on_withdrawn(struct call *c, struct span id)
{
	struct asked	*q = asks_find(&c->asks, id);

	if (q == NULL)
		return;
	if (!c->rq->modern)
		asks_send_cancelled(q, c->rq);
	asks_drop(&q);
}

/* Progress of another token on this call's stream is nobody's.  Over the link the runner has looked already,
 * and its own number stands in the note. */
static bool
is_meant(const struct call *c, const struct rpc_answer *m)
{
	return m->method != MCP_NOTE_PROGRESS || c->route.call == NULL ||
	    span_eq(m->progress_token.raw, c->up_token);
}

void
talk_on_message(struct call *c, const struct rpc_answer *m)
{
	if (m->kind == RPC_REQUEST)
		on_request(c, m);
	else if (m->method == MCP_NOTE_CANCELLED)
		on_withdrawn(c, m->request_id.raw);
	else if (c->client != NULL && is_meant(c, m))
		notes_relay(&c->notes, c->client, m, c->asks.task_id);
}

bool
talk_cancel(struct worker *w, uint64_t session_hash, struct span id)
{
	struct call	*c;

	for (c = *sessions_bucket(w, session_hash); c != NULL; c = c->session_next)
		if (request_is_of(c->rq, session_hash, id) && !c->cancelled)
			break;
	if (c == NULL)
		return pending_cancel(w, session_hash, id);
	MAGIC_CHECK(c, CALL_MAGIC);
	c->cancelled = true;
	/* Its user may be looking at a question still. */
	for (const struct asked *q = c->asks.first; q != NULL; q = q->next)
		asks_send_cancelled(q, c->rq);
	call_cancel(c);
	return true;
}

void
talk_on_cancelled(struct request *rq)
{
	if (rq->has_session && rq->msg.request_id.raw.n > 0 &&
	    !talk_cancel(rq->w, rq->session_hash, rq->msg.request_id.raw))
		forward_cancelled(rq, rq->msg.request_id.raw);
}

void
talk_cancel_all(struct worker *w, uint64_t session_hash)
{
	while (talk_cancel(w, session_hash, SPAN_NONE))
		;
}

void
talk_on_session_end(struct request *rq)
{
	talk_cancel_all(rq->w, rq->session_hash);
	forward_cancelled(rq, SPAN_NONE);
}
