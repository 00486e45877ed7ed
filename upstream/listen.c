/* SPDX-License-Identifier: Apache-2.0
 *
 * listen.c - the stream of a legacy session for messages that answer nothing
 *
 * Process: worker.  Owns: the stream's connection, a copy of where it leads.
 * Trusts:  no upstream to have such a stream, to keep it open, or to bound what it says.
 */
#include "lib/bug.h"
#include "lib/log.h"
#include "upstream/listen.h"

#define HEAD_MS		2000	/* calls wait so long for the stream's beginning */
#define AGAIN_MS_MAX	10000
#define TARGET_MAX	(256 * 1024)

static struct listen *
listen_of(struct ask *a)
{
	return (struct listen *)(void *)a;
}

static void
settle(struct listen *l)
{
	loop_timer_disarm(&l->patience);
	if (l->settled)
		return;
	l->settled = true;
	l->ops->on_settled(l);
}

static void
off(struct listen *l)
{
	BUG_ON(l->in_message);
	loop_timer_disarm(&l->again);
	loop_timer_disarm(&l->patience);
	ask_fini(&l->ask);
	if (l->joined != NULL)
		sse_session_unhear(l->joined);
	l->joined = NULL;
	l->state = LISTEN_OFF;
	l->settled = false;
}

/* ---- the stream -------------------------------------------------------------------------------- */

static void
on_open(struct ask *a)
{
	struct listen	*l = listen_of(a);

	l->state = LISTEN_OPEN;
	pause_opened(&l->pause, loop_now_ms(l->u->loop));
	if (l->ops->on_open != NULL)
		l->ops->on_open(l);
	settle(l);
}

static void
hear(struct listen *l, const struct rpc_answer *m)
{
	l->in_message = true;
	l->ops->on_message(l, m);
	l->in_message = false;
}

static void
on_message(struct ask *a, const struct rpc_answer *m)
{
	hear(listen_of(a), m);
}

static void
again_later(struct listen *l, uint64_t retry_ms)
{
	l->state = LISTEN_BROKEN;
	loop_timer_arm(&l->again, pause_next(&l->pause, loop_now_ms(l->u->loop), retry_ms));
}

/* What will be no other the next time.  A second stream is refused with 409 while the server has not seen
 * the end of the first, and credentials may be wrong for a time. */
static bool
says_none(unsigned status)
{
	switch (status) {
	case 401:
	case 403:
	case 407:
	case 408:
	case 409:
	case 425:
	case 429:
		return false;
	default:
		return status >= 200 && status < 500;
	}
}

static void
on_end(struct ask *a, int error)
{
	struct listen	*l = listen_of(a);
	bool		 opened = l->state == LISTEN_OPEN;
	unsigned	 status = a->status;
	uint64_t	 retry_ms = a->sse.retry_ms;

	log_debug(LOG_SUBJECT("server", l->target.name.p), "the session's stream ended: %s",
	    error == 0 ? "by the server" : a->why);
	/* One that is too large would be too large again. */
	if (error == E_TOOBIG)
		l->last_event[0] = '\0';
	else
		memcpy(l->last_event, a->last_event, sizeof(l->last_event));
	ask_fini(a);
	if (!opened && (status == 404 || says_none(status))) {
		off(l);
		l->ops->on_end(l, status == 404 ? LISTEN_LOST : LISTEN_NONE);
		return;
	}
	if (!l->needed) {
		off(l);
		return;
	}
	again_later(l, retry_ms);
	/* Not reached at all: nor will the call be, and it is better at saying so. */
	if (!opened && (status == 0 || l->pause.failures > 1))
		settle(l);
}

static const struct ask_ops ask_ops = { on_message, on_end, on_open };

static int
open_stream(struct listen *l)
{
	struct ask_request	 q = { .kind = ASK_STREAM, .target = &l->target, .version = l->version,
	    .session = span_of(l->session), .last_event = span_of(l->last_event) };
	int			 r;

	if ((r = ask_start(&l->ask, &l->u->shared, &ask_ops, &q)) != 0)
		ask_fini(&l->ask);
	else
		l->state = LISTEN_OPENING;
	return r;
}

static void
on_again(struct loop_timer *t, void *arg)
{
	struct listen	*l = arg;

	(void)t;
	if (!l->needed) {
		off(l);
		return;
	}
	if (open_stream(l) == 0)
		return;
	again_later(l, 0);
	settle(l);
}

static void
on_patience(struct loop_timer *t, void *arg)
{
	(void)t;
	settle(arg);
}

/* ---- for its owner ----------------------------------------------------------------------------- */

void
listen_init(struct listen *l, struct upstream *u, const struct listen_ops *ops)
{
	memset(l, 0, sizeof(*l));
	l->u = u;
	l->ops = ops;
	l->pause.most_ms = AGAIN_MS_MAX;
	arena_init(&l->arena, NULL, 0, TARGET_MAX);
	loop_timer_init(u->loop, &l->again, on_again, l);
	loop_timer_init(u->loop, &l->patience, on_patience, l);
}

void
listen_forget(struct listen *l)
{
	off(l);
	memset(&l->target, 0, sizeof(l->target));
	arena_reset(&l->arena);
}

void
listen_fini(struct listen *l)
{
	listen_forget(l);
	arena_fini(&l->arena);
}

static int
prepare(struct listen *l, const struct upstream_target *target, enum mcp_version version, struct span session)
{
	int	r;

	BUG_ON(l->state != LISTEN_OFF || session.n >= sizeof(l->session));
	listen_forget(l);
	if ((r = target_copy(&l->arena, target, &l->target)) != 0) {
		listen_forget(l);
		return r;
	}
	l->version = version;
	memcpy(l->session, session.p, session.n);
	l->session[session.n] = '\0';
	l->last_event[0] = '\0';
	l->pause = (struct pause){ .most_ms = l->pause.most_ms };
	return 0;
}

int
listen_start(struct listen *l, const struct upstream_target *target, enum mcp_version version,
    struct span session)
{
	int	r;

	if ((r = prepare(l, target, version, session)) != 0)
		return r;
	/* Streams stay open: they take no connection away from calls, which there is a most of. */
	l->target.pool.key = ~target->pool.key;
	if ((r = open_stream(l)) == 0)
		loop_timer_arm(&l->patience, HEAD_MS);
	return r;
}

static void
on_joined_message(void *arg, const struct rpc_answer *m)
{
	hear(arg, m);
}

static void
on_joined_over(void *arg)
{
	struct listen	*l = arg;

	l->joined = NULL;
	off(l);
	l->ops->on_end(l, LISTEN_OVER);
}

static const struct sse_hearer hearer = { on_joined_message, on_joined_over };

int
listen_join(struct listen *l, struct sse_session *s, enum mcp_version version)
{
	int	r;

	if ((r = prepare(l, sse_session_target(s), version, sse_session_name(s))) != 0)
		return r;
	l->joined = s;
	l->state = LISTEN_OPEN;
	l->settled = true;
	sse_session_hear(s, &hearer, l);
	return 0;
}

void
listen_stop(struct listen *l)
{
	off(l);
}

void
listen_hurry(struct listen *l)
{
	/* After the second failure it is no accident. */
	if (l->state != LISTEN_BROKEN || l->pause.failures > 1)
		return;
	loop_timer_disarm(&l->again);
	if (open_stream(l) != 0) {
		again_later(l, 0);
		return;
	}
	l->settled = false;
	loop_timer_arm(&l->patience, HEAD_MS);
}
