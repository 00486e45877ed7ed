/* SPDX-License-Identifier: Apache-2.0
 *
 * reply.c - what goes to an upstream and has no answer
 *
 * Process: worker.  Owns: each message until it is posted, for REPLY_MS at most.
 * Trusts:  no upstream to take them.
 */
#include <stddef.h>
#include <stdlib.h>

#include "lib/bug.h"
#include "lib/log.h"
#include "upstream/reply.h"

#define REPLY_MAGIC	0x7e917001u
#define REPLY_MS	10000
#define AGAIN_MS	10			/* when all connections are in use */
#define REPLIES_MAX	4096
#define REPLY_BYTES_MAX	(64 * 1024 * 1024)	/* of all of them */
#define REPLY_HEAD_MAX	(256 * 1024)		/* target, headers, session */

struct reply {
	uint32_t		 magic;
	struct reply		*next, *prev;
	struct upstream		*u;
	struct ask		 ask;
	struct ask_request	 request;
	bool			 waits;		/* for a connection */
	uint64_t		 until_ms;
	struct arena		 arena;
	struct upstream_target	 target;
	struct loop_timer	 timer;
	size_t			 bytes;		/* of the body */
};

static void
reply_free(struct reply *r)
{
	struct upstream	*u = r->u;

	MAGIC_CHECK(r, REPLY_MAGIC);
	*(r->prev == NULL ? &u->replies : &r->prev->next) = r->next;
	if (r->next != NULL)
		r->next->prev = r->prev;
	u->reply_count--;
	u->reply_bytes -= r->bytes;
	loop_timer_disarm(&r->timer);
	ask_fini(&r->ask);
	arena_fini(&r->arena);
	r->magic = 0;
	free(r);
}

static void
on_end(struct ask *a, int error)
{
	struct reply	*r = (struct reply *)(void *)((char *)a - offsetof(struct reply, ask));

	if (error != 0)
		log_debug(LOG_SUBJECT("server", r->target.name.p), "a message was not taken: %s", a->why);
	reply_free(r);
}

static const struct ask_ops ops = { NULL, on_end };

/* 0: it is on its way, or will be. */
static int
post(struct reply *r)
{
	uint64_t	now = loop_now_ms(r->u->loop);
	int		e = ask_start(&r->ask, &r->u->shared, &ops, &r->request);

	/* A server waits for this one, and its call holds a connection: it must not be lost for want of another. */
	r->waits = e == E_OVERLOAD && now + AGAIN_MS < r->until_ms;
	if (r->waits) {
		ask_fini(&r->ask);
		e = 0;
	}
	if (e == 0)
		loop_timer_arm(&r->timer, r->waits || now >= r->until_ms ? AGAIN_MS : r->until_ms - now);
	return e;
}

static void
on_timer(struct loop_timer *t, void *arg)
{
	struct reply	*r = arg;

	(void)t;
	if (!r->waits || post(r) != 0)
		reply_free(r);
}

/* q's session and body, and the target, are copied. */
static int
start(struct upstream *u, const struct upstream_target *target, struct ask_request q)
{
	struct span		 session = q.session, body = q.body[0];
	struct reply		*r;
	int			 e;

	if (u->reply_count >= REPLIES_MAX || body.n > REPLY_BYTES_MAX - u->reply_bytes)
		return E_OVERLOAD;
	if ((r = calloc(1, sizeof(*r))) == NULL)
		return E_NOMEM;
	r->magic = REPLY_MAGIC;
	r->u = u;
	r->bytes = body.n;
	if ((r->next = u->replies) != NULL)
		u->replies->prev = r;
	u->replies = r;
	u->reply_count++;
	u->reply_bytes += body.n;
	arena_init(&r->arena, NULL, 0, body.n + REPLY_HEAD_MAX);
	loop_timer_init(u->loop, &r->timer, on_timer, r);
	r->until_ms = loop_now_ms(u->loop) + REPLY_MS;
	q.target = &r->target;
	e = target_copy(&r->arena, target, &r->target);
	if (e == 0 && ((q.session = arena_dup(&r->arena, session)).p == NULL ||
	    (q.body[0] = arena_dup(&r->arena, body)).p == NULL))
		e = E_NOMEM;
	r->request = q;
	if (e == 0)
		e = post(r);
	if (e != 0)
		reply_free(r);
	return e;
}

int
reply_send(struct upstream *u, const struct upstream_target *target, enum mcp_version version,
    struct span session, enum mcp_method method, struct span body)
{
	return start(u, target, (struct ask_request){ .version = version, .session = session,
	    .method = method, .body = { body }, .body_count = 1 });
}

void
reply_own(struct upstream *u, const struct upstream_target *target, enum mcp_version version,
    struct span session, const struct rpc_answer *m, int code, const char *message)
{
	struct buf	b;
	int		r;

	/* Servers may ask this as often as they like; what clients answer goes first. */
	if (u->reply_count >= REPLIES_MAX / 2)
		return;
	buf_init(&b, RPC_ID_MAX + 256);
	r = buf_put_fmt(&b, "{\"jsonrpc\":\"2.0\",\"id\":%.*s,", SPAN_FMT(m->id));
	if (r == 0 && m->method == MCP_PING)
		r = buf_put_str(&b, "\"result\":{}}");
	else if (r == 0)
		r = buf_put_fmt(&b, "\"error\":{\"code\":%d,\"message\":\"%s\"}}", code, message);
	if (r == 0)
		(void)reply_send(u, target, version, session, m->method, buf_rest(&b));
	buf_fini(&b);
}

void
reply_end_session(struct upstream *u, const struct upstream_target *target, enum mcp_version version,
    struct span session)
{
	if (session.n > 0 && target->transport != TRANSPORT_SSE)
		(void)start(u, target, (struct ask_request){ .kind = ASK_DELETE, .version = version,
		    .session = session, .body = { SPAN_LIT("") } });
}

void
reply_end_all(struct upstream *u)
{
	while (u->replies != NULL)
		reply_free(u->replies);
}
