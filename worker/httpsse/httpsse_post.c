/* SPDX-License-Identifier: Apache-2.0
 *
 * httpsse_post.c - messages of HTTP+SSE clients, each in a POST of its own
 *
 * Process: worker.  Owns: nothing.
 * Trusts:  no POST to be its stream's client's: each is identified by itself, and its message again.
 *
 * What the ladder refuses is the POST's answer, as it is elsewhere.  Everything else is accepted, whatever becomes
 * of it, and answered on the stream.
 */
#include "lib/bug.h"
#include "worker/forward.h"
#include "worker/front/cors.h"
#include "worker/front/rehead.h"
#include "worker/front/reply.h"
#include "worker/httpsse/httpsse_priv.h"

static void
answer(struct request *rq, unsigned status, struct span type, struct span challenge, struct span body)
{
	struct exchange_field	f[CORS_FIELDS + 2] = { { SPAN_LIT("Content-Type"), type } };
	size_t			n = 1 + cors_fields(rq, f + 1);

	if (challenge.n > 0)
		f[n++] = (struct exchange_field){ SPAN_LIT("WWW-Authenticate"), challenge };
	exchange_reply(rq->x, status, f, n, body);
	request_done(rq);
}

/* Was it refused before anything was done, so that the POST can say so?  A request that finds no room is told on
 * the stream, since its client tries again then and is not lost. */
static bool
is_refused(const struct httpsse_message *m)
{
	const struct inner	*in = &m->in;

	return in->ended == FLOW_DONE && in->error == 0 && !in->events &&
	    (in->status >= 500 ? m->kind != RPC_REQUEST : in->status >= 400);
}

/* Why it may not be taken now, or 0. */
static int
refusal(const struct httpsse *s, const struct request *rq)
{
	const struct http_budget	*bodies = &rq->w->bodies;

	if (httpsse_works(rq->msg.kind) && rq->w->draining)
		return E_MCP_SESSION;
	if (rq->msg.kind == RPC_REQUEST && rq->msg.method == MCP_INITIALIZE && s->initializing)
		return E_MCP_REINIT;
	if ((httpsse_works(rq->msg.kind) && s->requests >= HTTPSSE_REQUESTS_MAX) ||
	    s->messages >= HTTPSSE_MESSAGES_MAX)
		return E_OVERLOAD;
	return bodies->used + HTTP_BLOCK_BYTES > bodies->limit ? E_FULL : 0;
}

static int
begin(struct httpsse *s, struct request *rq, struct httpsse_message **out)
{
	struct http_head	head;
	struct buf		b;
	int			r;

	*out = NULL;
	if ((r = refusal(s, rq)) != 0)
		return r;
	buf_init(&b, HTTP_HEAD_BYTES_MAX);
	r = rehead_write(&b, &rq->x->head, "POST", rq->path, httpsse_session(s), rq->body.n, &head);
	if (r == 0 && (*out = httpsse_begin(s, rq, &rq->msg, &head, rq->body)) == NULL)
		r = E_NOMEM;
	buf_fini(&b);
	return r;
}

static void
take(struct httpsse *s, struct request *rq)
{
	struct httpsse_message	*m;
	int			 r;

	/* What cannot be read is refused further on. */
	(void)!request_read(rq);
	s->posted = rq;
	s->challenge = SPAN_NONE;
	r = begin(s, rq, &m);
	s->posted = NULL;
	if (r != 0) {
		reply_refuse(rq, r, NULL);
		return;
	}
	if (is_refused(m)) {
		/* The session has ended, and so does the stream that stands for it. */
		s->over |= m->in.status == 404 && httpsse_session(s).n > 0;
		answer(rq, m->in.status, SPAN_LIT("application/json"), s->challenge, inner_kept(&m->in));
		httpsse_message_end(s, m);
	} else {
		httpsse_subs_note(s, &rq->msg);
		answer(rq, 202, SPAN_LIT("text/plain"), SPAN_NONE, SPAN_LIT("Accepted"));
	}
	httpsse_wake(s);
}

void
httpsse_post(struct request *rq)
{
	struct httpsse_place	 p;
	struct httpsse		*s;
	int			 r = httpsse_find(rq, &s, &p);

	if (r == 0) {
		take(s, rq);
		return;
	}
	if (r == E_AGAIN && p.slot != rq->w->slot &&
	    (r = forward_request(rq, p.slot, p.incarnation)) == 0)
		return;
	reply_refuse(rq, r == E_FULL || r == E_TOOBIG || r == E_NOMEM ? r : E_MCP_SESSION, NULL);
}
