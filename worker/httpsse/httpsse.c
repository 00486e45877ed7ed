/* SPDX-License-Identifier: Apache-2.0
 *
 * httpsse.c - streams of HTTP+SSE clients: how they begin, are found, and end
 *
 * Process: worker; a stream is kept by the one that its GET came to, and its token says which that is.
 * Owns:    the list of them; each is in the arena of its request.
 * Trusts:  a token after its seal, path, tenant and principal hold; it gives no more than its client's own
 *          credential does, which comes with every message.
 */
#include <stdlib.h>

#include "lib/bug.h"
#include "lib/crypt.h"
#include "lib/log.h"
#include "worker/front/reply.h"
#include "worker/httpsse/httpsse_priv.h"
#include "worker/streams/events.h"
#include "worker/streams/streams.h"

#define TOKEN_WORD	"httpsse"
#define TOKEN_MAX	256
#define PARAMETER	"sessionId="

/* The middle of a token. */
struct token {
	uint32_t	slot, incarnation;
	uint64_t	principal, tenant;
	char		id[HTTPSSE_ID];
};
_Static_assert(sizeof(struct token) == 40, "no padding is sealed");

/* ---- what is asked where ------------------------------------------------------------------------- */

static void
refuse(struct request *rq, int error, const char *text, const char *allow)
{
	const struct era_input		in = { .http = ERA_HTTP_OTHER };
	const struct era_verdict	v = { .act = ERA_REFUSE, .error = error,
		.http = err_row(error)->http_status, .text = text, .allow = allow, .row = "3.2" };

	reply_verdict(rq, &in, &v);
}

bool
httpsse_refuse(struct request *rq)
{
	const struct http_head	*h = &rq->x->head;

	if (rq->front == FRONT_STREAM && h->method != HTTP_GET)
		refuse(rq, E_HTTP_METHOD, "messages are POSTed to the URI that the stream's first event names", "GET");
	else if (rq->front == FRONT_MESSAGES && h->method != HTTP_POST)
		refuse(rq, E_HTTP_METHOD, "messages are POSTed here", "POST");
	else if (mcp_version_claims_modern(span_trim(http_head_get(h, HTTP_MCP_PROTOCOL_VERSION))))
		refuse(rq, E_RPC_INVALID, "MCP-Protocol-Version names a revision without this transport", NULL);
	else
		return false;
	return true;
}

/* ---- tokens -------------------------------------------------------------------------------------- */

static int
put_token(struct buf *to, const struct httpsse *s)
{
	const struct request	*rq = s->rq;
	struct token		 t = { .slot = rq->w->slot, .incarnation = rq->w->incarnation,
					.principal = rq->who.hash, .tenant = rq->who.tenant_hash };

	memcpy(t.id, s->id, sizeof(t.id));
	return sealed_seal(&rq->w->ring, TOKEN_WORD, rq->path, span_make(&t, sizeof(t)), to);
}

/* The query's parameter; our own tokens need no decoding. */
static struct span
token_of(struct span query)
{
	const struct span	 name = SPAN_LIT(PARAMETER);
	const char		*end;
	struct span		 part;

	for (; query.n > 0; query = span_part(query, part.n + 1, query.n)) {
		end = memchr(query.p, '&', query.n);
		part = span_part(query, 0, end == NULL ? query.n : (size_t)(end - query.p));
		if (span_starts(part, name))
			return span_part(part, name.n, part.n);
	}
	return SPAN_NONE;
}

int
httpsse_find(struct request *rq, struct httpsse **out, struct httpsse_place *elsewhere)
{
	struct worker	*w = rq->w;
	struct token	 t = { 0 };
	struct buf	 b;
	bool		 holds;

	*out = NULL;
	buf_init(&b, TOKEN_MAX);
	holds = sealed_open(&w->ring, TOKEN_WORD, rq->path, token_of(http_head_query(&rq->x->head)), &b) == 0 &&
	    b.used == sizeof(t);
	if (holds)
		memcpy(&t, b.data, sizeof(t));
	buf_fini(&b);
	if (!holds || t.principal != rq->who.hash || t.tenant != rq->who.tenant_hash)
		return E_MCP_SESSION;
	if (t.slot != w->slot || t.incarnation != w->incarnation) {
		*elsewhere = (struct httpsse_place){ t.slot, t.incarnation };
		return E_AGAIN;
	}
	for (struct httpsse *s = w->httpsse->first; s != NULL; s = s->next)
		if (memcmp(s->id, t.id, sizeof(t.id)) == 0 && !s->over && !s->rq->gone) {
			*out = s;
			return 0;
		}
	return E_MCP_SESSION;
}

/* ---- beginning and end --------------------------------------------------------------------------- */

/* The GET's path with another end, so that the messages' URI leads to the same view. */
static int
say_endpoint(struct httpsse *s)
{
	struct request	*rq = s->rq;
	const struct span before = SPAN_LIT(FRONT_STREAM_END), path = http_head_path(&rq->x->head);
	struct buf	 b;
	int		 r;

	buf_init(&b, HTTP_HEAD_BYTES_MAX + TOKEN_MAX);
	if ((r = buf_put_fmt(&b, "event: endpoint\ndata: %.*s" FRONT_MESSAGES_END "?" PARAMETER,
	    SPAN_FMT(span_part(path, 0, path.n - before.n)))) == 0 && (r = put_token(&b, s)) == 0 &&
	    (r = buf_put_str(&b, "\n\n")) == 0) {
		reply_begin_events(rq);
		rq->events = true;
		flow_give(&rq->x->answer, buf_rest(&b));
	}
	buf_fini(&b);
	return r;
}

/* The path says that events come; who accepts anything accepts them. */
static bool
accepts_events(const struct request *rq)
{
	const struct http_head	*h = &rq->x->head;

	return http_head_count(h, HTTP_ACCEPT) == 0 || http_head_lists(h, HTTP_ACCEPT, "*/*") ||
	    http_head_lists(h, HTTP_ACCEPT, "text/*") || http_head_lists(h, HTTP_ACCEPT, "text/event-stream");
}

static bool
has_room(const struct request *rq)
{
	const struct httpsse_set	*set = rq->w->httpsse;
	size_t				 theirs = 0;

	for (const struct httpsse *s = set->first; s != NULL; s = s->next)
		theirs += s->rq->who.hash == rq->who.hash;
	return set->count < STREAMS_MAX && theirs < STREAMS_EACH && !rq->w->draining;
}

static void
end_with_credential(struct httpsse *s)
{
	log_info(NULL, "%s: an HTTP+SSE stream ends with its client's credential", s->rq->id_text);
	s->over = true;
	httpsse_wake(s);
}

/* What is heard by a credential is heard no longer than it is good for (mcp-wire 15.3). */
static void
on_until(struct loop_timer *t, void *arg)
{
	struct httpsse	*s = arg;
	uint64_t	 now_ms = loop_wall_ms(s->rq->w->loop);

	MAGIC_CHECK(s, HTTPSSE_MAGIC);
	if (s->rq->who.ends_ms > now_ms) {
		loop_timer_arm(t, s->rq->who.ends_ms - now_ms + 1);
		return;
	}
	end_with_credential(s);
}

void
httpsse_open(struct request *rq)
{
	struct httpsse_set	*set = rq->w->httpsse;
	struct httpsse		*s;
	int			 r;

	if (!accepts_events(rq)) {
		reply_refuse(rq, E_HTTP_ACCEPT, NULL);
		return;
	}
	if (!has_room(rq)) {
		reply_refuse(rq, E_OVERLOAD, NULL);
		return;
	}
	if ((s = arena_calloc(&rq->x->arena, sizeof(*s))) == NULL) {
		reply_refuse(rq, E_NOMEM, NULL);
		return;
	}
	s->rq = rq;
	if ((r = crypt_random(s->id, sizeof(s->id))) != 0 || (r = say_endpoint(s)) != 0) {
		reply_refuse(rq, r, NULL);
		return;
	}
	s->magic = HTTPSSE_MAGIC;
	s->began_ms = loop_now_ms(rq->w->loop);
	httpsse_run_init(s);
	loop_timer_init(rq->w->loop, &s->until, on_until, s);
	if (rq->who.ends_ms != 0)
		on_until(&s->until, s);
	s->next = set->first;
	set->first = s;
	set->count++;
	if (!set->tick.armed)
		loop_timer_arm(&set->tick, STREAM_KEEP_ALIVE_MS);
}

void
httpsse_end(struct httpsse *s)
{
	struct request		*rq = s->rq;
	struct httpsse_set	*set = rq->w->httpsse;
	struct httpsse		**at = &set->first;

	MAGIC_CHECK(s, HTTPSSE_MAGIC);
	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	set->count--;
	httpsse_run_fini(s);
	loop_timer_disarm(&s->until);
	s->magic = 0;
	flow_end(&rq->x->answer, FLOW_DONE);
	request_done(rq);
}

/* ---- time, and what changes ---------------------------------------------------------------------- */

static void
on_tick(struct loop_timer *t, void *arg)
{
	struct worker	*w = arg;
	uint64_t	 now_ms = loop_now_ms(w->loop);

	for (struct httpsse *s = w->httpsse->first; s != NULL; s = s->next) {
		events_keep_alive(s->rq);
		if (httpsse_session(s).n == 0)
			s->over = now_ms - s->began_ms >= HTTPSSE_PATIENCE_MS;
		else
			s->initialized = true;	/* and if it never says so: it is to hear that its session ends */
		httpsse_wake(s);
	}
	if (w->httpsse->first != NULL)
		loop_timer_arm(t, STREAM_KEEP_ALIVE_MS);
}

size_t
httpsse_count(const struct worker *w)
{
	return w->httpsse->count;
}

void
httpsse_policy_changed(struct worker *w)
{
	/* Nothing is decided by it any more, so the old one need not stay for as long as the stream. */
	for (struct httpsse *s = w->httpsse->first; s != NULL; s = s->next)
		request_renew(s->rq);
}

void
httpsse_look(struct worker *w)
{
	for (struct httpsse *s = w->httpsse->first; s != NULL; s = s->next) {
		if (s->over)
			continue;
		if (!request_still_holds(s->rq))
			end_with_credential(s);
		else if (s->rq->who.ends_ms != 0)
			on_until(&s->until, s);
	}
}

void
httpsse_drain(struct worker *w)
{
	for (struct httpsse *s = w->httpsse->first; s != NULL; s = s->next)
		httpsse_wake(s);
}

int
httpsse_set_new(struct worker *w, struct httpsse_set **out)
{
	struct httpsse_set	*set = calloc(1, sizeof(*set));

	if ((*out = set) == NULL)
		return E_NOMEM;
	loop_timer_init(w->loop, &set->tick, on_tick, w);
	return 0;
}
