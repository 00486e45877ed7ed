/* SPDX-License-Identifier: Apache-2.0
 *
 * httpsse_run.c - what goes out on the stream of an HTTP+SSE client
 *
 * Process: worker.  Owns: a stream's messages while they run, and its session.
 * Trusts:  inner requests to be bounded as any client's are.  A client that does not read gets no notifications
 *          that may be dropped, and loses its stream when what it must get is too much.
 */
#include <stdlib.h>

#include "http/sse.h"
#include "lib/bug.h"
#include "lib/log.h"
#include "worker/call/answer.h"
#include "worker/front/rehead.h"
#include "worker/front/said.h"
#include "worker/httpsse/httpsse_priv.h"
#include "worker/streams/events.h"

#define RETRY_MS	500	/* until the session has its stream again */

void
httpsse_wake(struct httpsse *s)
{
	if (!s->soon.armed)
		loop_timer_arm(&s->soon, 0);
}

static struct httpsse *
stream_of(void *arg)
{
	struct httpsse	*s = arg;

	MAGIC_CHECK(s, HTTPSSE_MAGIC);
	return s;
}

static void
on_request(struct exchange *x, void *arg)
{
	request_begin(arg, x);
}

static void
on_ready(struct inner *in, void *arg)
{
	(void)in;
	httpsse_wake(stream_of(arg));
}

/* The session that initialize made stays here; what a POST is refused with is the POST's. */
static void
on_head(struct inner *in, const struct exchange_field *fields, size_t n, void *arg)
{
	struct httpsse	*s = stream_of(arg);

	(void)in;
	for (size_t i = 0; i < n; i++)
		if (span_eq_nocase(fields[i].name, SPAN_LIT("Mcp-Session-Id")) && s->session[0] == '\0' &&
		    fields[i].value.n < sizeof(s->session))
			memcpy(s->session, fields[i].value.p, fields[i].value.n);
		else if (s->posted != NULL && span_eq_nocase(fields[i].name, SPAN_LIT("WWW-Authenticate")))
			s->challenge = arena_dup(&s->posted->x->arena, fields[i].value);
}

static void
on_gone(struct request *rq)
{
	httpsse_wake(stream_of(rq->job));
}

static void
on_credit(struct request *rq, size_t bytes)
{
	(void)bytes;
	httpsse_wake(stream_of(rq->job));
}

/* ---- what is said -------------------------------------------------------------------------------- */

static bool
client_reads(const struct httpsse *s)
{
	return s->rq->x->answer.credit > 0;
}

static int
on_event(const struct sse_event *e, void *arg)
{
	struct httpsse	*s = arg;

	return events_give(s->rq, &e->data, 1, false);
}

/* Their messages alone: what else is in an event is of the inner request's own transport. */
static void
give_events(struct httpsse *s, struct inner *in)
{
	struct span		 kept = inner_kept(in);
	struct sse_reader	 reader;

	if (kept.n == 0)
		return;
	sse_reader_init(&reader, 2 * (size_t)ANSWER_MAX, on_event, s);
	/* A message that is lost would be waited for. */
	if (sse_reader_feed(&reader, kept) != 0)
		s->over = true;
	sse_reader_fini(&reader);
	inner_take(in, kept.n);
}

/* What it was answered; events went out before. */
static void
give_answer(struct httpsse *s, struct httpsse_message *m)
{
	struct span	text = SPAN_NONE;
	struct buf	own;
	bool		as_kept;

	buf_init(&own, SAID_OWN_MAX);
	if (m->kind == RPC_ARRAY)
		as_kept = m->in.ended == FLOW_DONE && m->in.status == 200 && m->in.error == 0;
	else
		as_kept = said_as_kept(&m->in, s->rq->w, m->request_id, span_make(m->id, m->id_bytes), &own);
	if (!as_kept)
		text = buf_rest(&own);
	else if (!m->in.events)
		text = inner_kept(&m->in);
	if (text.n > 0)
		(void)!events_give(s->rq, &text, 1, false);
	buf_fini(&own);
}

/* True: nothing of it is left. */
static bool
tell(struct httpsse *s, struct httpsse_message *m)
{
	struct inner	*in = &m->in;

	/* Who answers a question must not wait until it reads. */
	if (in->ended != FLOW_OPEN && !httpsse_works(m->kind))
		return true;
	if (in->ended != FLOW_OPEN)
		inner_release(in);
	if (client_reads(s)) {
		if (in->events)
			give_events(s, in);
		if (in->ended != FLOW_OPEN) {
			give_answer(s, m);
			return true;
		}
	}
	if (!in->events || client_reads(s))
		inner_credit(in);
	return false;
}

/* ---- messages ------------------------------------------------------------------------------------ */

static bool
initializes(const struct httpsse_message *m)
{
	return m->kind == RPC_REQUEST && m->method == MCP_INITIALIZE;
}

static struct httpsse_message *
message_new(const struct request *rq, const struct rpc_message *msg)
{
	struct httpsse_message	*m = calloc(1, sizeof(*m) + msg->id.n);

	if (m == NULL)
		return NULL;
	m->kind = msg->kind;
	m->method = msg->method;
	memcpy(m->request_id, rq->id_text, sizeof(m->request_id));
	if ((m->id_bytes = msg->id.n) > 0)
		memcpy(m->id, msg->id.p, m->id_bytes);
	return m;
}

struct httpsse_message *
httpsse_begin(struct httpsse *s, const struct request *rq, const struct rpc_message *msg,
    const struct http_head *head, struct span body)
{
	struct httpsse_message	*m = message_new(rq, msg), **at = &s->first;

	if (m == NULL)
		return NULL;
	while (*at != NULL)
		at = &(*at)->next;
	*at = m;
	s->messages++;
	s->requests += httpsse_works(m->kind);
	s->initializing |= initializes(m);
	rq->w->bodies.used += HTTP_BLOCK_BYTES;
	inner_begin(&m->in, rq->x, head, body, &s->how);
	if (inner_is_fed(&m->in))
		return m;
	/* The body goes with its request. */
	httpsse_message_end(s, m);
	return NULL;
}

void
httpsse_message_end(struct httpsse *s, struct httpsse_message *m)
{
	struct httpsse_message	**at = &s->first;

	while (*at != m)
		at = &(*at)->next;
	*at = m->next;
	s->messages--;
	s->requests -= httpsse_works(m->kind);
	if (initializes(m))
		s->initializing = false;
	if (m->kind == RPC_NOTIFICATION && m->method == MCP_NOTE_INITIALIZED)
		s->initialized = true;
	s->rq->w->bodies.used -= HTTP_BLOCK_BYTES;
	inner_fini(&m->in);
	free(m);
}

/* ---- the session --------------------------------------------------------------------------------- */

static void
begin_in_session(struct httpsse *s, struct inner *in, const char *method)
{
	struct request		*rq = s->rq;
	struct http_head	 head;
	struct buf		 b;

	buf_init(&b, HTTP_HEAD_BYTES_MAX);
	if (rehead_write(&b, &rq->x->head, method, rq->path, httpsse_session(s), 0, &head) == 0)
		inner_begin(in, rq->x, &head, SPAN_NONE, &s->how);
	buf_fini(&b);
}

/* A policy ends it, and so does a worker that leaves; it begins again while it may. */
static void
hear_news(struct httpsse *s)
{
	struct inner	*in = &s->news;

	if (in->magic == 0) {
		if (!s->initialized || httpsse_session(s).n == 0 || s->retry.armed || s->rq->w->draining)
			return;
		begin_in_session(s, in, "GET");
		if (in->magic == 0)
			loop_timer_arm(&s->retry, RETRY_MS);
		return;
	}
	if (!client_reads(s))
		return;
	if (in->events)
		give_events(s, in);
	if (s->again && in->status == 200) {
		s->again = false;
		httpsse_subs_again(s);
	}
	if (in->ended == FLOW_OPEN) {
		inner_credit(in);
		return;
	}
	s->again = true;
	if (in->status >= 400 && in->status < 500)
		s->over = true;
	inner_fini(in);
	loop_timer_arm(&s->retry, RETRY_MS);
}

/* ---- its turns ----------------------------------------------------------------------------------- */

/* Bytes that wait for a client that does not read. */
static size_t
held(const struct httpsse *s)
{
	size_t	bytes = buf_rest(&s->news.kept).n;

	for (const struct httpsse_message *m = s->first; m != NULL; m = m->next)
		bytes += buf_rest(&m->in.kept).n;
	return bytes;
}

static void
turn(struct httpsse *s)
{
	struct httpsse_message	*m, *next;

	for (m = s->first; m != NULL && !s->over && !s->rq->gone; m = next) {
		next = m->next;
		if (tell(s, m))
			httpsse_message_end(s, m);
	}
	if (!s->over && !s->rq->gone)
		hear_news(s);
	if (!client_reads(s) && held(s) > HTTPSSE_HELD_MAX) {
		log_info(NULL, "%s: an HTTP+SSE stream ends: its client does not read", s->rq->id_text);
		s->over = true;
	}
	if (s->over || s->rq->gone || ((s->rq->w->draining || s->rq->w->retiring) && s->first == NULL))
		httpsse_end(s);
}

static void
on_turn(struct loop_timer *t, void *arg)
{
	(void)t;
	turn(stream_of(arg));
}

void
httpsse_run_init(struct httpsse *s)
{
	struct request	*rq = s->rq;

	s->how = (struct inner_how){ on_request, rq->w, on_ready, s, &rq->w->answers, on_head };
	loop_timer_init(rq->w->loop, &s->soon, on_turn, s);
	loop_timer_init(rq->w->loop, &s->retry, on_turn, s);
	rq->job = s;
	rq->on_gone = on_gone;
	rq->on_credit = on_credit;
}

void
httpsse_run_fini(struct httpsse *s)
{
	struct inner	last = { 0 };

	inner_fini(&s->news);
	while (s->first != NULL)
		httpsse_message_end(s, s->first);
	httpsse_subs_fini(s);
	/* Nobody else has its id. */
	if (httpsse_session(s).n > 0) {
		begin_in_session(s, &last, "DELETE");
		inner_fini(&last);
	}
	loop_timer_disarm(&s->soon);
	loop_timer_disarm(&s->retry);
	s->rq->job = NULL;
	s->rq->on_gone = NULL;
	s->rq->on_credit = NULL;
}
