/* SPDX-License-Identifier: Apache-2.0
 *
 * events.c - messages to a client before the answer to its request
 *
 * Process: worker.  Owns: nothing; what is given is copied to the connection's queue.
 * Trusts:  that messages were proven as JSON.  A client that does not read gets no notifications; what
 *          it must get is bounded by whoever sends it.
 */
#include "http/sse.h"
#include "worker/front/reply.h"
#include "worker/streams/events.h"
#include "worker/streams/replay.h"

bool
events_possible(const struct request *rq)
{
	const struct http_head	*h = &rq->x->head;

	if (rq->gone || (!rq->events && exchange_answered(rq->x)))
		return false;
	return rq->events || http_head_lists(h, HTTP_ACCEPT, "text/event-stream") ||
	    http_head_lists(h, HTTP_ACCEPT, "text/*");
}

/* A piece with what would end the event's line made blank: between tokens only, it is proven JSON. */
static void
give(struct request *rq, struct span s)
{
	size_t	n;

	while (s.n > 0) {
		for (n = 0; n < s.n && s.p[n] != '\n' && s.p[n] != '\r'; n++)
			;
		flow_give(&rq->x->answer, span_part(s, 0, n));
		if (n == s.n)
			return;
		flow_give(&rq->x->answer, SPAN_LIT(" "));
		s = span_part(s, n + 1, s.n);
	}
}

int
events_begin(struct request *rq)
{
	if (!events_possible(rq))
		return E_CLOSED;
	if (!rq->events) {
		replay_begin(rq);
		reply_begin_events(rq);
		request_is_stream(rq);
		rq->events = true;
	}
	return 0;
}

bool
events_are_heard(const struct request *rq)
{
	return rq->replay == NULL || replay_is_heard(rq->replay);
}

void
events_keep_alive(struct request *rq)
{
	if (rq->events && !rq->gone && rq->x->answer.credit > 0)
		flow_give(&rq->x->answer, SPAN_LIT(":\n\n"));
}

int
events_give(struct request *rq, const struct span *pieces, size_t count, bool droppable)
{
	bool	begun = rq->events;
	int	r;

	if ((r = events_begin(rq)) != 0)
		return r;
	if (begun && droppable && rq->x->answer.credit == 0)
		return E_FULL;
	flow_give(&rq->x->answer, SPAN_LIT(SSE_BEFORE));
	for (size_t i = 0; i < count; i++)
		give(rq, pieces[i]);
	flow_give(&rq->x->answer, SPAN_LIT(SSE_AFTER));
	return 0;
}

void
events_end_with(struct request *rq, struct span json)
{
	(void)!events_give(rq, &json, 1, false);
	flow_end(&rq->x->answer, FLOW_DONE);
}
