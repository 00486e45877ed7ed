/* SPDX-License-Identifier: Apache-2.0
 *
 * resume.c - the GET by which a legacy client comes back for a stream
 *
 * Process: worker; the id names the one that keeps the stream, which judges the request anew.
 * Owns:    nothing.
 * Trusts:  no id.  Whatever is wrong with one, the answer is the same.
 */
#include "worker/forward.h"
#include "worker/front/cors.h"
#include "worker/front/reply.h"
#include "worker/streams/events.h"
#include "worker/streams/replay.h"
#include "worker/streams/resume.h"
#include "worker/streams/subscribe.h"

static void
refuse(struct request *rq)
{
	metric_add(&rq->w->metrics, METRIC_stream_resumes_refused_total, 1);
	reply_refuse(rq, E_MCP_EVENT, NULL);
}

/* Nothing of it can be had again.  The stream of a session is one, whatever became of it; so it begins anew, and
 * since what its client missed is not known, all lists may have changed.  Clients give up one that is refused. */
static void
cannot(struct request *rq, bool alone)
{
	if (!alone) {
		refuse(rq);
		return;
	}
	metric_add(&rq->w->metrics, METRIC_stream_resumes_refused_total, 1);
	subscribe_stream(rq, true);
}

/* The client has all of it.  This status is how event streams say that there is nothing to come back for (WHATWG
 * HTML 9.2); the end of an empty one would have clients come again. */
static void
nothing_more(struct request *rq)
{
	struct exchange_field	f[CORS_FIELDS];

	exchange_reply(rq->x, 204, f, cors_fields(rq, f), SPAN_NONE);
	request_done(rq);
}

static void
resume_here(struct request *rq, const struct eventid *id)
{
	struct worker	*w = rq->w;
	struct replay	*r = id->incarnation == w->incarnation ? replay_find(rq, id) : NULL;

	if (r == NULL) {
		cannot(rq, id->alone);
		return;
	}
	metric_add(&w->metrics, METRIC_stream_resumes_total, 1);
	if (!replay_is_over(r, id))
		replay_resume(r, rq, id->at);
	else if (id->alone)
		subscribe_stream(rq, false);
	else
		nothing_more(rq);
}

void
resume_stream(struct request *rq)
{
	const struct http_head	*h = &rq->x->head;
	const unsigned		 count = http_head_count(h, HTTP_LAST_EVENT_ID);
	struct eventid		 id;

	if (!events_possible(rq))
		reply_refuse(rq, E_HTTP_ACCEPT, NULL);
	else if (count == 0)
		subscribe_stream(rq, false);
	else if (count > 1 || eventid_parse(http_head_get(h, HTTP_LAST_EVENT_ID), &id) != 0)
		refuse(rq);
	else if (id.slot == rq->w->slot)
		resume_here(rq, &id);
	else if (forward_request(rq, id.slot, id.incarnation) != 0)
		cannot(rq, id.alone);
}

void
resume_lost(struct request *rq)
{
	struct eventid	id;

	/* Another worker comes in its place, and then there is an answer. */
	if (eventid_parse(http_head_get(&rq->x->head, HTTP_LAST_EVENT_ID), &id) != 0 || id.alone)
		reply_refuse(rq, E_OVERLOAD, NULL);
	else
		refuse(rq);
}
