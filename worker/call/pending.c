/* SPDX-License-Identifier: Apache-2.0
 *
 * pending.c - a call that cannot begin yet, since its server's list is waited for
 *
 * Process: worker.  Owns: the table of those of legacy sessions.
 * Trusts:  nobody: a cancellation counts in the session of the call alone.
 */
#include "worker/call/pending.h"
#include "worker/front/reply.h"
#include "worker/limits/waitroom.h"

static struct pending **
bucket_of(struct worker *w, uint64_t session_hash)
{
	return &w->pending[session_hash % WORKER_SESSION_BUCKETS];
}

/* It waits no more. */
static void
leave(struct pending *p)
{
	if (!p->waits)
		return;
	p->waits = false;
	p->rq->on_gone = NULL;
	p->rq->job = NULL;
	if (p->prev == NULL)
		return;
	if ((*p->prev = p->next) != NULL)
		p->next->prev = p->prev;
	p->prev = NULL;
}

static void
on_lists(struct lists_wait *wait, void *arg)
{
	struct pending	*p = arg;

	leave(p);
	p->done(wait, p->arg);
}

static void
on_client_gone(struct request *rq)
{
	struct pending	*p = rq->job;

	/* That of a legacy client runs on (mcp-wire 3.3). */
	if (!rq->modern)
		return;
	leave(p);
	lists_leave(&p->wait);
	metric_add(&rq->w->metrics, METRIC_calls_abandoned_total, 1);
	p->record(p->arg);
	request_done(rq);
}

void
pending_begin(struct pending *p, struct request *rq, lists_done_fn *done, pending_record_fn *record, void *arg)
{
	*p = (struct pending){ .rq = rq, .done = done, .record = record, .arg = arg };
	lists_begin(&p->wait, on_lists, p);
}

void
pending_ready(struct pending *p)
{
	struct request	*rq = p->rq;
	struct pending	**bucket;

	p->waits = p->record != NULL && lists_waits(&p->wait);
	if (p->waits) {
		rq->job = p;
		rq->on_gone = on_client_gone;
	}
	if (p->waits && rq->has_session) {
		bucket = bucket_of(rq->w, rq->session_hash);
		if ((p->next = *bucket) != NULL)
			p->next->prev = &p->next;
		p->prev = bucket;
		*bucket = p;
	}
	lists_ready(&p->wait);
}

bool
pending_cancel(struct worker *w, uint64_t session_hash, struct span id)
{
	struct pending	*p = *bucket_of(w, session_hash);
	struct request	*rq;

	while (p != NULL && !request_is_of(p->rq, session_hash, id))
		p = p->next;
	if (p == NULL)
		return waitroom_cancel(w, session_hash, id);
	rq = p->rq;
	leave(p);
	lists_leave(&p->wait);
	p->record(p->arg);
	/* Who cancelled gets no response (2025-11-25 basic/utilities/cancellation). */
	reply_accepted(rq);
	return true;
}
