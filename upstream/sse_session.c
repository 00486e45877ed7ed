/* SPDX-License-Identifier: Apache-2.0
 *
 * sse_session.c - a session over HTTP+SSE of 2024-11-05: the stream that it is
 *
 * Process: worker.  Owns: the stream's connection, copies of where it and its messages lead.
 * Trusts:  no server: events are bounded (http/sse.h) and counted, the endpoint is of its own origin, an
 *          answer goes to whom its id was given to.
 */
#include <stdio.h>
#include <stdlib.h>

#include "lib/bug.h"
#include "lib/log.h"
#include "upstream/endpoint.h"
#include "upstream/reply.h"
#include "upstream/sse_session.h"

#define SSE_SESSION_MAGIC	0x55e50001u
#define IDLE_MAX		64		/* such sessions in a worker; each has a connection */
#define TARGET_MAX		(512 * 1024)	/* two copies, headers among them */

struct sse_session {
	uint32_t		 magic;
	struct ask		 ask;		/* GET: the stream */
	struct sse_session	*next, *prev;	/* of the worker */
	struct sse_session	*idle_next, *idle_prev;
	struct upstream		*u;
	const struct sse_ops	*ops;
	void			*owner;		/* NULL: nobody's */
	const struct sse_hearer	*hearer;
	void			*arg;
	struct arena		 arena;
	struct upstream_target	 stream, messages;
	struct inbox		 inbox;
	struct loop_timer	 timer;		/* idle for so long; or over: to be freed */
	struct ask		 ping;
	struct loop_timer	 patience;	/* with it; armed: it is under way */
	char			 ping_id[UPSTREAM_ID_BYTES], ping_body[96];
	bool			 open, ready, over, idle;
	bool			 refused;	/* the stream is none of HTTP+SSE */
	bool			 in_event;
	char			 name[UPSTREAM_ID_BYTES + 4];
};

static void	look(struct sse_session *s);

/* ---- its end ----------------------------------------------------------------------------------- */

static void
idle_remove(struct sse_session *s)
{
	struct upstream	*u = s->u;

	if (!s->idle)
		return;
	*(s->idle_prev == NULL ? &u->sse_idle_first : &s->idle_prev->idle_next) = s->idle_next;
	*(s->idle_next == NULL ? &u->sse_idle_last : &s->idle_next->idle_prev) = s->idle_prev;
	s->idle = false;
	u->sse_idle_count--;
	loop_timer_disarm(&s->timer);
}

static void
session_free(struct sse_session *s)
{
	MAGIC_CHECK(s, SSE_SESSION_MAGIC);
	s->over = true;
	ask_fini(&s->ping);
	BUG_ON(s->inbox.count > 0 || s->in_event);
	idle_remove(s);
	loop_timer_disarm(&s->patience);
	loop_timer_disarm(&s->timer);
	*(s->prev == NULL ? &s->u->sse_sessions : &s->prev->next) = s->next;
	if (s->next != NULL)
		s->next->prev = s->prev;
	ask_fini(&s->ask);
	arena_fini(&s->arena);
	s->magic = 0;
	free(s);
}

/* Tells all that have to do with it.  The stream itself may be in the middle of an event. */
static void
end(struct sse_session *s, int error, const char *why)
{
	const struct sse_hearer	*hearer = s->hearer;
	struct inbox_seat	*seat;
	void			*owner;

	if (s->over)
		return;
	idle_remove(s);
	s->over = true;
	s->hearer = NULL;
	if (hearer != NULL)
		hearer->on_over(s->arg);
	/* Who hears may have had the owner let it go. */
	owner = s->owner;
	s->owner = NULL;
	if (owner != NULL)
		s->ops->on_over(owner, error, s->refused, why);
	while ((seat = inbox_first(&s->inbox)) != NULL)
		ask_lost(seat, why);
	loop_timer_arm(&s->timer, 0);
}

static void
on_timer(struct loop_timer *t, void *arg)
{
	struct sse_session	*s = arg;

	(void)t;
	MAGIC_CHECK(s, SSE_SESSION_MAGIC);
	if (s->over)
		session_free(s);
	else
		end(s, 0, "the session was not used");
}

/* Is it used?  Whenever that may have changed. */
static void
look(struct sse_session *s)
{
	struct upstream	*u = s->u;
	bool		 used = s->inbox.count > 0 || s->hearer != NULL;

	if (s->over || s->in_event)
		return;
	if (s->owner == NULL && s->inbox.count == 0) {
		end(s, 0, "the session is over");
		return;
	}
	if (used || !s->ready) {
		idle_remove(s);
		return;
	}
	if (s->idle)
		return;
	s->idle = true;
	s->idle_next = NULL;
	if ((s->idle_prev = u->sse_idle_last) == NULL)
		u->sse_idle_first = s;
	else
		u->sse_idle_last->idle_next = s;
	u->sse_idle_last = s;
	loop_timer_arm(&s->timer, u->params.session_idle_ms);
	if (++u->sse_idle_count > IDLE_MAX)
		end(u->sse_idle_first, 0, "the session was not used");
}

static void
on_inbox(struct inbox *in)
{
	look((struct sse_session *)(void *)((char *)in - offsetof(struct sse_session, inbox)));
}

/* ---- its stream -------------------------------------------------------------------------------- */

static struct sse_session *
session_of(struct ask *a)
{
	struct sse_session	*s = (struct sse_session *)(void *)((char *)a - offsetof(struct sse_session, ask));

	MAGIC_CHECK(s, SSE_SESSION_MAGIC);
	return s;
}

static int
refuse(struct sse_session *s, const char *why)
{
	s->refused = true;
	end(s, E_UPSTREAM, why);
	return E_UPSTREAM;
}

static int
take_endpoint(struct sse_session *s, const struct sse_event *e)
{
	const char	*why;
	struct buf	 path;
	int		 r;

	if (!span_is(e->type, "endpoint"))
		return refuse(s, "the server's stream does not begin with its endpoint");
	buf_init(&path, ENDPOINT_MAX);
	if ((r = endpoint_resolve(&s->stream, e->data, &path, &why)) == 0 &&
	    (s->messages.path = arena_dup(&s->arena, buf_rest(&path))).p == NULL)
		r = E_NOMEM;
	buf_fini(&path);
	if (r == E_UPSTREAM) {
		log_warn(LOG_SUBJECT("server", s->stream.name.p), "%s", why);
		return refuse(s, why);
	}
	if (r != 0) {
		end(s, r, err_text(r));
		return r;
	}
	s->open = true;
	if (s->owner != NULL)
		s->ops->on_open(s->owner);
	return 0;
}

static int
take_message(struct sse_session *s, struct span text)
{
	struct inbox_seat	*seat;
	struct rpc_answer	 m;
	int			 r;

	if ((r = rpc_answer_whole(s->u->shared.scan, text, &m)) != 0) {
		end(s, r == E_NOMEM ? r : E_UPSTREAM, "an event of the server's stream is not MCP");
		return E_UPSTREAM;
	}
	if (m.kind == RPC_RESPONSE) {
		if ((seat = inbox_find(&s->inbox, m.id)) != NULL)
			ask_take(seat, text);
	} else if (s->hearer != NULL) {
		s->hearer->on_message(s->arg, &m);
	} else if (m.kind == RPC_REQUEST) {
		reply_own(s->u, &s->messages, MCP_VERSION_NONE, SPAN_NONE, &m, -32603, "no client request to ask for");
	}
	return 0;
}

/* Everybody may be told something in here, and may do anything but free the reader of this event. */
static int
on_event(struct ask *a, const struct sse_event *e)
{
	struct sse_session	*s = session_of(a);
	int			 r = 0;

	if (s->over)
		return E_EOF;
	s->in_event = true;
	if (!s->open)
		r = take_endpoint(s, e);
	else if (span_is(e->type, "message"))
		r = take_message(s, e->data);
	s->in_event = false;
	look(s);
	return r;
}

static void
on_stream_end(struct ask *a, int error)
{
	struct sse_session	*s = session_of(a);
	bool			 answered = a->status != 0;

	if (s->over)
		return;
	if (error == 0)
		snprintf(a->why, sizeof(a->why), "the server's stream ended");
	/* A server in trouble, and one that wants another credential, may be one of HTTP+SSE. */
	s->refused = !s->open && answered && a->status < 500 && a->status != 401 && a->status != 403 &&
	    a->status != 407 && a->status != 408 && a->status != 429;
	end(s, error == 0 ? E_UPSTREAM : error, a->why);
}

static const struct ask_ops ask_ops = { .on_end = on_stream_end, .on_event = on_event };

/* ---- a sign of life ---------------------------------------------------------------------------- */

static void
on_ping_end(struct ask *a, int error)
{
	struct sse_session	*s = (struct sse_session *)(void *)((char *)a - offsetof(struct sse_session, ping));

	MAGIC_CHECK(s, SSE_SESSION_MAGIC);
	loop_timer_disarm(&s->patience);
	ask_fini(a);
	/* An error of the server's is a sign too; that there is no connection says nothing. */
	if (error == E_UPSTREAM)
		end(s, error, "the server does not know the session");
}

static const struct ask_ops ping_ops = { .on_end = on_ping_end };

static void
on_patience(struct loop_timer *t, void *arg)
{
	struct sse_session	*s = arg;

	(void)t;
	MAGIC_CHECK(s, SSE_SESSION_MAGIC);
	end(s, E_UPSTREAM, "the server's stream is silent");
}

void
sse_session_doubt(struct sse_session *s, uint64_t since_ms)
{
	struct ask_request	 q = { .target = &s->messages, .method = MCP_PING, .body_count = 1,
	    .inbox = &s->inbox };
	int			 n;

	if (s->over || s->patience.armed || s->ask.heard_ms > since_ms)
		return;
	q.id = upstream_id(s->u, s->ping_id);
	n = snprintf(s->ping_body, sizeof(s->ping_body), "{\"jsonrpc\":\"2.0\",\"id\":%s,\"method\":\"ping\"}",
	    s->ping_id);
	q.body[0] = span_make(s->ping_body, (size_t)n);
	ask_fini(&s->ping);
	if (ask_start(&s->ping, &s->u->shared, &ping_ops, &q) != 0)
		ask_fini(&s->ping);
	else
		loop_timer_arm(&s->patience, s->u->params.start_timeout_ms);
}

/* ---- for its owner ----------------------------------------------------------------------------- */

int
sse_session_open(struct upstream *u, const struct upstream_target *target, const struct sse_ops *ops, void *owner,
    struct sse_session **out)
{
	struct ask_request	 q = { .kind = ASK_STREAM };
	struct sse_session	*s;
	int			 r;

	*out = NULL;
	if ((s = calloc(1, sizeof(*s))) == NULL)
		return E_NOMEM;
	s->magic = SSE_SESSION_MAGIC;
	s->u = u;
	s->ops = ops;
	s->owner = owner;
	arena_init(&s->arena, NULL, 0, TARGET_MAX);
	inbox_init(&s->inbox, on_inbox);
	loop_timer_init(u->loop, &s->timer, on_timer, s);
	loop_timer_init(u->loop, &s->patience, on_patience, s);
	memcpy(s->name, "sse-", 4);
	(void)upstream_id(u, s->name + 4);
	if ((s->next = u->sse_sessions) != NULL)
		s->next->prev = s;
	u->sse_sessions = s;
	if ((r = target_copy(&s->arena, target, &s->stream)) == 0) {
		s->stream.transport = TRANSPORT_SSE;
		s->messages = s->stream;
		/* Streams stay open: they take no connection away from calls, which there is a most of. */
		s->stream.pool.key = ~target->pool.key;
		q.target = &s->stream;
		r = ask_start(&s->ask, &u->shared, &ask_ops, &q);
	}
	if (r != 0)
		session_free(s);
	else
		*out = s;
	return r;
}

void
sse_session_ready(struct sse_session *s)
{
	s->ready = true;
	look(s);
}

void
sse_session_let_go(struct sse_session **sp)
{
	struct sse_session	*s = *sp;

	*sp = NULL;
	if (s == NULL)
		return;
	MAGIC_CHECK(s, SSE_SESSION_MAGIC);
	s->owner = NULL;
	look(s);
}

struct span
sse_session_name(const struct sse_session *s)
{
	return span_of(s->name);
}

const struct upstream_target *
sse_session_target(const struct sse_session *s)
{
	return &s->messages;
}

struct inbox *
sse_session_inbox(struct sse_session *s)
{
	return &s->inbox;
}

void
sse_session_hear(struct sse_session *s, const struct sse_hearer *hearer, void *arg)
{
	BUG_ON(s->over || s->hearer != NULL);
	s->hearer = hearer;
	s->arg = arg;
	look(s);
}

void
sse_session_unhear(struct sse_session *s)
{
	s->hearer = NULL;
	look(s);
}

void
sse_sessions_free(struct upstream *u)
{
	while (u->sse_sessions != NULL)
		session_free(u->sse_sessions);
}
