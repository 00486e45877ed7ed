/* SPDX-License-Identifier: Apache-2.0
 *
 * replay.c - event streams of legacy sessions that outlive their connections
 *
 * Process: worker.
 * Owns:    each stream from its head until what is kept of it has expired; one reference on the exchange its
 *          request is answered over, and one on the client's, while there is one.
 * Trusts:  who writes events to end each with one give; nothing of a client: an id is looked up, and the stream
 *          must be its session's, which is one principal's on one path.
 */
#include <stdio.h>
#include <stdlib.h>

#include "http/queue.h"
#include "http/sse.h"
#include "lib/bug.h"
#include "lib/crypt.h"
#include "worker/front/inner.h"
#include "worker/front/reply.h"
#include "worker/streams/kept.h"
#include "worker/streams/replay.h"

#define REPLAY_MAGIC	0x4e9a7001u
/* Parts of what one worker keeps (resume_memory): of one principal, of one stream. */
#define OWNER_PART	4
#define STREAM_PART	16

struct replay {
	uint32_t		 magic;
	struct worker		*w;
	struct kept		 kept;
	struct request		*rq;		/* whose answer it is; NULL: it was given whole */
	struct exchange		*x;		/* over which it is given; NULL soon after */
	struct exchange		*out;		/* the client's; NULL: there is none */
	uint64_t		 session;	/* hash */
	uint64_t		 last;		/* where the last event stands */
	uint64_t		 heard;		/* while there is no client: the same when it went away */
	bool			 alone;		/* the stream of the session, not of one of its requests */
	bool			 midway;	/* in an event */
	bool			 primes;	/* its client knows events without data */
	enum flow_end		 ended;		/* of the answer */
	struct loop_timer	 timer;		/* after its last word; while its client is away */
};

struct replays {
	struct worker		*w;
	struct kept_store	*kept;
	struct loop_timer	 expiry;
};

/* --- towards the client ----------------------------------------------------------------------- */

static void
pass(struct replay *r, struct span bytes)
{
	if (r->out != NULL)
		flow_give(&r->out->answer, bytes);
}

/* The lines by which an event begins that has an id. */
static struct span
next_id(struct replay *r, char line[EVENTID_CHARS + 8])
{
	const struct eventid	id = {
		r->alone, r->w->slot, r->w->incarnation, { r->kept.number[0], r->kept.number[1] }, ++r->last,
	};
	struct span		text = eventid_write(&id, line + 4);

	memcpy(line, "id: ", 4);
	line[4 + text.n] = '\n';
	return span_make(line, text.n + 5);
}

/* Something to come back with, before there is anything to say.  Older clients take it for broken JSON
 * (mcp-wire 3.3). */
static void
prime(struct replay *r)
{
	char	 line[EVENTID_CHARS + 8], wait[32];
	int	 n = snprintf(wait, sizeof(wait), "retry: %d\n", REPLAY_RETRY_MS);

	if (!r->primes)
		return;
	pass(r, next_id(r, line));
	pass(r, span_make(wait, (size_t)n));
	pass(r, SPAN_LIT("data: " SSE_AFTER));
}

/* Whoever is there has it to the end, or to where somebody else takes it over. */
static void
let_go(struct replay *r, enum flow_end why)
{
	struct exchange	*out = r->out;

	if (out == NULL)
		return;
	r->out = NULL;
	r->heard = r->last;
	flow_end(&out->answer, why);
	exchange_unref(&out);
}

/* As much may be said as the client takes; when there is none, as is kept. */
static void
credit(struct replay *r)
{
	uint64_t	due = r->out != NULL ? r->out->answer.credit : HTTP_QUEUE_HIGH;

	if (r->ended == FLOW_OPEN && r->x->answer.credit < due)
		flow_credit(&r->x->answer, (size_t)(due - r->x->answer.credit));
}

static void
out_credit(void *arg, size_t bytes)
{
	(void)bytes;
	credit(arg);
}

/* The client went away, and may come back. */
static void
out_end(void *arg, enum flow_end why)
{
	struct replay	*r = arg;

	(void)why;
	MAGIC_CHECK(r, REPLAY_MAGIC);
	r->heard = r->last;
	exchange_unref(&r->out);
	credit(r);
	if (r->ended == FLOW_OPEN)
		loop_timer_arm(&r->timer, r->w->config->params.resume_time);
}

static const struct flow_source out_source = { out_credit, out_end };

static void
attach(struct replay *r, struct exchange *out)
{
	exchange_ref(out);
	r->out = out;
	if (r->ended == FLOW_OPEN)
		loop_timer_disarm(&r->timer);
	exchange_serve(out, &out_source, r);
}

/* --- from the request: a wire ----------------------------------------------------------------- */

static int
wire_answer(void *arg, struct exchange *x, unsigned status, const struct exchange_field *fields, size_t n,
    uint64_t body_bytes)
{
	struct replay	*r = arg;

	(void)x;
	exchange_answer(r->out, status, fields, n, body_bytes);
	prime(r);
	return 0;
}

/* Up to an event's end, or all: that is never in two parts. */
static struct span
event_part(struct span bytes, bool *whole)
{
	const struct span	 after = SPAN_LIT(SSE_AFTER);
	const char		*end = memmem(bytes.p, bytes.n, after.p, after.n);

	*whole = end != NULL;
	return end == NULL ? bytes : span_part(bytes, 0, (size_t)(end - bytes.p) + after.n);
}

static void
keep(struct replay *r, struct span bytes)
{
	kept_put(&r->kept, bytes);
	pass(r, bytes);
}

static void
wire_give(void *arg, struct span bytes)
{
	struct replay	*r = arg;
	char		 line[EVENTID_CHARS + 8];
	struct span	 part;
	bool		 whole;

	for (struct span left = bytes; left.n > 0; left = span_part(left, part.n, left.n)) {
		if (!r->midway && left.p[0] == ':') {
			pass(r, left);		/* a comment, which is for whoever is on the way */
			break;
		}
		if (!r->midway) {
			part = next_id(r, line);
			kept_event_begin(&r->kept, r->last);
			keep(r, part);
			r->midway = true;
		}
		part = event_part(left, &whole);
		keep(r, part);
		if (whole) {
			kept_event_end(&r->kept);
			r->midway = false;
		}
	}
	if (r->out != NULL)
		return;
	/* The request may be in the midst of something. */
	if (!kept_has_after(&r->kept, r->heard))
		loop_timer_arm(&r->timer, 0);
	credit(r);
}

static void
wire_end(void *arg, enum flow_end why)
{
	struct replay	*r = arg;

	r->ended = why;
	r->rq->replay = NULL;
	r->rq = NULL;
	let_go(r, why);
	loop_timer_arm(&r->timer, 0);
}

static const struct exchange_wire wire = {
	.answer = wire_answer,
	.sink = { wire_give, wire_end },
};

/* --- beginning and end ------------------------------------------------------------------------ */

static void
expire(struct replays *all)
{
	const uint64_t	keep_ms = all->w->config->params.resume_time, now = loop_now_ms(all->w->loop);
	const uint64_t	next = kept_expire(all->kept, now > keep_ms ? now - keep_ms : 0);

	if (next != 0)
		loop_timer_arm(&all->expiry, next + keep_ms - now);
}

static void
on_expiry(struct loop_timer *t, void *arg)
{
	(void)t;
	expire(arg);
}

static void
replay_free(struct replay *r)
{
	BUG_ON(r->x != NULL || r->out != NULL);
	loop_timer_disarm(&r->timer);
	r->magic = 0;
	free(r);
}

static void
on_pushed_out(struct kept *k, void *arg)
{
	(void)arg;
	replay_free((struct replay *)(void *)((char *)k - offsetof(struct replay, kept)));
}

/* Its client is away, and what it missed is not kept: it is gone for good. */
static void
give_up(struct replay *r)
{
	if (r->out != NULL)
		return;
	r->rq->replay = NULL;
	exchange_wire_gone(r->x, FLOW_GONE);
	exchange_unref(&r->x);
	kept_fini(&r->kept);
	replay_free(r);
}

/* Its client is away, and may still come back; but not all that waits can wait for that. */
static void
away(struct replay *r)
{
	const uint64_t	ms = r->w->config->params.resume_time;

	if (r->rq->on_away != NULL)
		r->rq->on_away(r->rq);
	if (r->ended == FLOW_OPEN && ms > 0)
		loop_timer_arm(&r->timer, ms);
}

/* Nobody is inside the exchange. */
static void
on_timer(struct loop_timer *t, void *arg)
{
	struct replay	*r = arg;

	(void)t;
	MAGIC_CHECK(r, REPLAY_MAGIC);
	if (r->ended == FLOW_OPEN && r->out == NULL && kept_has_after(&r->kept, r->heard)) {
		away(r);
		return;
	}
	if (r->ended == FLOW_OPEN) {
		give_up(r);
		return;
	}
	exchange_wire_done(r->x);
	exchange_unref(&r->x);
	kept_end(&r->kept, loop_now_ms(r->w->loop));
	expire(r->w->replays);
}

static bool
may_resume(const struct request *rq)
{
	return !rq->modern && rq->has_session && rq->version >= MCP_2025_03_26 && !inner_is(rq->x);
}

static struct replay *
replay_new(const struct request *rq)
{
	const size_t			 bytes = rq->config->params.resume_memory;
	const struct kept_limits	 limits = { bytes, bytes / OWNER_PART, bytes / STREAM_PART, REPLAY_STREAMS,
					    REPLAY_STREAMS_EACH };
	struct kept_store		*store = rq->w->replays->kept;
	struct replay			*r;
	uint64_t			 number[2];

	if ((r = calloc(1, sizeof(*r))) == NULL)
		return NULL;
	kept_set_limits(store, &limits);
	if (crypt_random(number, sizeof(number)) != 0 || kept_begin(store, &r->kept, rq->who.hash, number) != 0) {
		free(r);
		return NULL;
	}
	r->magic = REPLAY_MAGIC;
	r->w = rq->w;
	r->session = rq->session_hash;
	r->alone = rq->x->head.method == HTTP_GET;
	r->primes = rq->version == MCP_2025_11_25;
	loop_timer_init(rq->w->loop, &r->timer, on_timer, r);
	return r;
}

void
replay_begin(struct request *rq)
{
	const struct exchange	*x = rq->x;
	struct replay		*r;

	if (rq->replay != NULL || !may_resume(rq) || (r = replay_new(rq)) == NULL)
		return;
	if (exchange_new(x->loop, x->pool, &x->head, &x->peer, x->listener, &wire, r, &r->x) != 0) {
		kept_fini(&r->kept);
		replay_free(r);
		return;
	}
	r->x->begun_ns = x->begun_ns;
	r->x->user = x->user;
	r->rq = rq;
	attach(r, rq->x);
	request_answer_over(rq, r->x);
	rq->replay = r;
}

bool
replay_is_heard(const struct replay *r)
{
	return r->out != NULL;
}

/* --- coming back ------------------------------------------------------------------------------ */

struct replay *
replay_find(const struct request *rq, const struct eventid *id)
{
	struct kept	*k = kept_find(rq->w->replays->kept, id->stream);
	struct replay	*r;

	if (k == NULL || !kept_has_after(k, id->at))
		return NULL;
	r = (struct replay *)(void *)((char *)k - offsetof(struct replay, kept));
	MAGIC_CHECK(r, REPLAY_MAGIC);
	return rq->has_session && r->session == rq->session_hash && id->at <= r->last ? r : NULL;
}

bool
replay_is_over(const struct replay *r, const struct eventid *id)
{
	MAGIC_CHECK(r, REPLAY_MAGIC);
	return r->ended != FLOW_OPEN && !kept_has_any_after(&r->kept, id->at);
}

static void
say_again(struct span event, void *arg)
{
	pass(arg, event);
}

void
replay_resume(struct replay *r, struct request *rq, uint64_t after)
{
	struct exchange	*x = rq->x;
	size_t		 n;

	MAGIC_CHECK(r, REPLAY_MAGIC);
	let_go(r, FLOW_DONE);
	reply_begin_events(rq);
	if (rq->gone) {
		request_done(rq);
		credit(r);
		if (r->ended == FLOW_OPEN)
			loop_timer_arm(&r->timer, r->w->config->params.resume_time);
		return;
	}
	attach(r, x);
	request_done(rq);
	n = kept_each_after(&r->kept, after, say_again, r);
	if (r->ended != FLOW_OPEN) {
		let_go(r, r->ended);
		return;
	}
	/* What it came with may be forgotten by a client that now hears nothing new. */
	if (n == 0)
		prime(r);
	credit(r);
	if (r->rq != NULL && r->rq->on_back != NULL)
		r->rq->on_back(r->rq);
}

/* --- all of them ------------------------------------------------------------------------------ */

size_t
replays_bytes(const struct replays *all)
{
	return kept_bytes(all->kept);
}

int
replays_new(struct worker *w, struct replays **out)
{
	struct replays	*all = calloc(1, sizeof(*all));

	if ((*out = all) == NULL)
		return E_NOMEM;
	all->w = w;
	loop_timer_init(w->loop, &all->expiry, on_expiry, all);
	return kept_store_new(on_pushed_out, all, &all->kept);
}
