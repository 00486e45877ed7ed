/* SPDX-License-Identifier: Apache-2.0
 *
 * batch.c - a batch: each of its messages as a request of its own, one answer for all
 *
 * Process: worker.  Owns: the inner requests, in the arena of the outer one; what they hold is counted.
 * Trusts:  that batch_read() took the array apart.  Every message is identified, judged, limited and recorded
 *          as one that comes alone.
 *
 * All run at the same time.  The answer is an array of their responses, given when the last one is there; or,
 * from the first event of any of them on, an event stream, which they join as they come.
 */
#include "lib/bug.h"
#include "worker/front/batch.h"
#include "worker/front/inner.h"
#include "worker/front/reply.h"
#include "worker/front/said.h"
#include "worker/streams/events.h"

#define BATCH_MAGIC	0xba7c4001u
#define BEGIN_BYTES	(64 * 1024)	/* of messages that are begun in one turn */

struct batch_item {
	struct inner	 in;
	bool		 settled;	/* it has ended, and what it says is decided */
	bool		 told;
	struct buf	 own;		/* our answer, in the place of its */
};

struct batch_job {
	uint32_t		 magic;
	struct request		*rq;
	const struct batch	*batch;
	struct inner_how	 how;
	struct loop_timer	 again;
	size_t			 charged;	/* to the worker's bodies: each message's first block */
	size_t			 begun, settled, told;
	bool			 answering;	/* the head of an array is out */
	struct batch_item	 item[];
};

struct batch *
batch_of(struct request *rq)
{
	struct batch	*b = arena_alloc(&rq->x->arena, sizeof(*b));

	if (b != NULL)
		batch_read(rq->w->scan, rq->body, b);
	return b;
}

/* Handlers of a batch only note that there is something to do. */
static void
wake(struct batch_job *job)
{
	if (!job->again.armed)
		loop_timer_arm(&job->again, 0);
}

static void
on_ready(struct inner *in, void *arg)
{
	(void)in;
	wake(arg);
}

static void
on_gone(struct request *rq)
{
	wake(rq->job);
}

static void
on_credit(struct request *rq, size_t bytes)
{
	(void)bytes;
	wake(rq->job);
}

static void
on_request(struct exchange *x, void *arg)
{
	request_begin(arg, x);
}

/* Lets go of everything but the outer request. */
static void
batch_end(struct batch_job *job)
{
	struct request	*rq = job->rq;

	for (size_t i = 0; i < job->begun; i++) {
		inner_fini(&job->item[i].in);
		buf_fini(&job->item[i].own);
	}
	loop_timer_disarm(&job->again);
	rq->w->bodies.used -= job->charged;
	rq->on_gone = NULL;
	rq->on_credit = NULL;
	rq->job = NULL;
	job->magic = 0;
}

/* ---- what each of them says ---------------------------------------------------------------------- */

/* It has ended.  Events that came before stay. */
static void
settle(struct batch_job *job, size_t i)
{
	struct batch_item	*item = &job->item[i];

	item->settled = true;
	job->settled++;
	buf_init(&item->own, SAID_OWN_MAX);
	if (!said_as_kept(&item->in, job->rq->w, job->rq->id_text, job->batch->part[i].id, &item->own) &&
	    !item->in.events)
		inner_take(&item->in, inner_kept(&item->in).n);
}

/* Its response; empty when there is none, or when it went out with its events. */
static struct span
response(const struct batch_item *item)
{
	if (item->own.used > 0)
		return buf_rest(&item->own);
	return item->in.events ? SPAN_NONE : inner_kept(&item->in);
}

static void
item_told(struct batch_job *job, struct batch_item *item)
{
	inner_take(&item->in, inner_kept(&item->in).n);
	buf_fini(&item->own);
	item->told = true;
	job->told++;
}

/* ---- the answer ---------------------------------------------------------------------------------- */

static bool
client_reads(const struct batch_job *job)
{
	return job->rq->x->answer.credit > 0;
}

/* One of them has events; or the client takes nothing else. */
static bool
wants_events(const struct batch_job *job)
{
	for (size_t i = 0; i < job->begun; i++)
		if (job->item[i].in.events)
			return true;
	return job->settled == job->batch->count && job->batch->requests > 0 && reply_wants_sse(job->rq);
}

static void
tell_events(struct batch_job *job)
{
	struct request	*rq = job->rq;
	struct span	 s;

	if (events_begin(rq) != 0)
		return;
	for (size_t i = 0; i < job->begun && client_reads(job); i++) {
		struct batch_item *item = &job->item[i];

		if (item->in.events && (s = inner_kept(&item->in)).n > 0) {
			flow_give(&rq->x->answer, s);
			inner_take(&item->in, s.n);
		}
		if (!item->settled || item->told)
			continue;
		if ((s = response(item)).n > 0)
			(void)!events_give(rq, &s, 1, false);
		item_told(job, item);
	}
	if (job->told < job->batch->count)
		return;
	batch_end(job);
	flow_end(&rq->x->answer, FLOW_DONE);
	request_done(rq);
}

/* The head of the array; false: no message has a response. */
static bool
begin_array(struct batch_job *job)
{
	uint64_t	bytes = 1;
	size_t		n;

	for (size_t i = 0; i < job->batch->count; i++)
		if ((n = response(&job->item[i]).n) > 0)
			bytes += n + 1;		/* a comma or a bracket before it */
	if (bytes == 1)
		return false;
	reply_begin_stream(job->rq, bytes);
	job->answering = true;
	return true;
}

static void
tell_array(struct batch_job *job)
{
	struct request	*rq = job->rq;
	struct flow	*to = &rq->x->answer;
	struct span	 s;

	if (!job->answering && !begin_array(job)) {
		batch_end(job);
		reply_accepted(rq);
		return;
	}
	while (job->told < job->batch->count && client_reads(job)) {
		struct batch_item *item = &job->item[job->told];

		if ((s = response(item)).n > 0) {
			flow_give(to, to->given == 0 ? SPAN_LIT("[") : SPAN_LIT(","));
			flow_give(to, s);
		}
		item_told(job, item);
	}
	if (job->told < job->batch->count)
		return;
	batch_end(job);
	flow_give(to, SPAN_LIT("]"));
	flow_end(to, FLOW_DONE);
	request_done(rq);
}

/* ---- its turns ----------------------------------------------------------------------------------- */

/* Large ones do not hold the loop all at once. */
static void
begin_some(struct batch_job *job)
{
	size_t	bytes = 0;

	while (job->begun < job->batch->count && bytes < BEGIN_BYTES) {
		struct span text = job->batch->part[job->begun].text;

		inner_begin(&job->item[job->begun++].in, job->rq->x, NULL, text, &job->how);
		bytes += text.n;
	}
	if (job->begun < job->batch->count)
		wake(job);
}

/* The client is gone.  That cancels nothing (mcp-wire 3.3), not even what has not begun. */
static void
hang_up(struct batch_job *job)
{
	struct request	*rq = job->rq;

	if (job->begun < job->batch->count)
		return;
	batch_end(job);
	request_done(rq);
}

static void
credit(struct batch_job *job)
{
	for (size_t i = 0; i < job->begun; i++)
		if (!job->rq->events || client_reads(job))
			inner_credit(&job->item[i].in);
}

static void
turn(struct batch_job *job)
{
	begin_some(job);
	if (job->rq->gone) {
		hang_up(job);
		return;
	}
	for (size_t i = 0; i < job->begun; i++)
		if (!job->item[i].settled && job->item[i].in.ended != FLOW_OPEN)
			settle(job, i);
	credit(job);
	if (job->rq->events || (!job->answering && wants_events(job)))
		tell_events(job);
	else if (job->settled == job->batch->count)
		tell_array(job);
}

static void
on_again(struct loop_timer *t, void *arg)
{
	struct batch_job	*job = arg;

	(void)t;
	MAGIC_CHECK(job, BATCH_MAGIC);
	turn(job);
}

void
batch_begin(struct request *rq, const struct batch *batch)
{
	struct http_budget	*budget = &rq->w->bodies;
	const size_t		 charge = batch->count * HTTP_BLOCK_BYTES;
	struct batch_job	*job;

	if (budget->used > budget->limit || charge > budget->limit - budget->used) {
		reply_refuse(rq, E_FULL, NULL);
		return;
	}
	if ((job = arena_calloc(&rq->x->arena, sizeof(*job) + batch->count * sizeof(job->item[0]))) == NULL) {
		reply_refuse(rq, E_NOMEM, NULL);
		return;
	}
	budget->used += charge;
	job->magic = BATCH_MAGIC;
	job->rq = rq;
	job->batch = batch;
	job->charged = charge;
	job->how = (struct inner_how){ on_request, rq->w, on_ready, job, &rq->w->answers, NULL };
	loop_timer_init(rq->w->loop, &job->again, on_again, job);
	rq->job = job;
	rq->on_gone = on_gone;
	rq->on_credit = on_credit;
	turn(job);
}
