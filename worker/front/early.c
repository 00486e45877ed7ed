/* SPDX-License-Identifier: Apache-2.0
 *
 * early.c - calls that take long: their streams begin before there is anything to say
 *
 * Process: worker.  Owns: the timer.  One look at all calls of sessions, so that a call costs nothing for it.
 * Trusts:  nobody.
 */
#include "lib/bug.h"
#include "worker/call/call_priv.h"
#include "worker/front/early.h"
#include "worker/streams/events.h"
#include "worker/streams/replay.h"

#define LOOKS	4	/* within stream_after, at most */

/* Is it of those whose stream may begin, and has not? */
static bool
waits(const struct call *c)
{
	return c->client != NULL && !c->cancelled && c->client->version == MCP_2025_11_25 && !c->client->events &&
	    !c->answer.begun && events_possible(c->client);
}

static void
begin(struct request *rq)
{
	replay_begin(rq);
	/* Where it cannot be resumed it is of no use. */
	if (rq->replay != NULL)
		(void)!events_begin(rq);
}

static void
on_look(struct loop_timer *t, void *arg)
{
	struct worker	*w = arg;
	const uint64_t	 after_ms = w->config->params.stream_after, now_ms = loop_now_ms(w->loop);
	uint64_t	 due_ms, next_ms = 0;

	for (size_t i = 0; i < WORKER_SESSION_BUCKETS; i++)
		for (struct call *c = w->session_calls[i]; c != NULL; c = c->session_next) {
			MAGIC_CHECK(c, CALL_MAGIC);
			if (!waits(c))
				continue;
			due_ms = c->rq->x->begun_ns / 1000000 + after_ms;
			if (due_ms <= now_ms)
				begin(c->client);
			else if (next_ms == 0 || due_ms < next_ms)
				next_ms = due_ms;
		}
	if (next_ms != 0)
		loop_timer_arm(t, next_ms - now_ms > after_ms / LOOKS ? next_ms - now_ms : after_ms / LOOKS + 1);
}

void
early_watch(struct worker *w)
{
	if (!w->early.armed)
		loop_timer_arm(&w->early, w->config->params.stream_after);
}

void
early_init(struct worker *w)
{
	loop_timer_init(w->loop, &w->early, on_look, w);
}
