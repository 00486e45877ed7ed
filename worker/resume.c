/* SPDX-License-Identifier: Apache-2.0
 *
 * resume.c - the GET by which a legacy client comes back for a stream
 *
 * Process: worker; the id names the one that keeps the stream, which judges the request anew.
 * Owns:    nothing.
 * Trusts:  no id.  Whatever is wrong with one, the answer is the same.
 */
#include "worker/events.h"
#include "worker/forward.h"
#include "worker/replay.h"
#include "worker/reply.h"
#include "worker/resume.h"

static void
refuse(struct request *rq)
{
	metric_add(&rq->w->metrics, METRIC_stream_resumes_refused_total, 1);
	reply_refuse(rq, E_MCP_EVENT, NULL);
}

void
resume_lost(struct request *rq)
{
	if (http_head_count(&rq->x->head, HTTP_LAST_EVENT_ID) > 0)
		refuse(rq);
	else
		reply_refuse(rq, E_OVERLOAD, NULL);
}

bool
resume_take(struct request *rq)
{
	const struct http_head	*h = &rq->x->head;
	struct worker		*w = rq->w;
	struct eventid		 id;
	struct replay		*r;

	if (http_head_count(h, HTTP_LAST_EVENT_ID) == 0)
		return false;
	if (!events_possible(rq)) {
		reply_refuse(rq, E_HTTP_ACCEPT, NULL);
	} else if (http_head_count(h, HTTP_LAST_EVENT_ID) > 1 ||
	    eventid_parse(http_head_get(h, HTTP_LAST_EVENT_ID), &id) != 0) {
		refuse(rq);
	} else if (id.slot != w->slot) {
		if (forward_request(rq, id.slot, id.incarnation) != 0)
			refuse(rq);
	} else if (id.incarnation != w->incarnation || (r = replay_find(rq, &id)) == NULL) {
		refuse(rq);
	} else {
		metric_add(&w->metrics, METRIC_stream_resumes_total, 1);
		replay_resume(r, rq, id.at);
	}
	return true;
}
