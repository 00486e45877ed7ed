/* SPDX-License-Identifier: Apache-2.0
 *
 * stream.c - the GET stream of a legacy session: what the gateway says of its own accord (mcp-wire 3.3)
 *
 * Process: mcpgw-stdio.  Owns: nothing; the trip is the relay's.
 * Trusts:  the gateway's `retry`, up to a minute.
 */
#include "stdio/trip.h"

#define WAIT_FIRST_MS	1000
#define WAIT_MOST_MS	30000
#define RETRY_MOST_MS	60000

void
stream_start(struct relay *r)
{
	struct trip	*old = r->session.stream, *t;

	if (old != NULL && old->state == TRIP_WAITS_TIME) {
		buf_clear(&old->last_id);	/* of the session before */
		old->wait_ms = 0;
		trip_sleep(old, 0);
	}
	if (old != NULL || r->session.state != SESSION_LIVE || r->phase != RELAY_RUNS ||
	    trip_new(r, TRIP_STREAM, SPAN_NONE, SPAN_NONE, &t) != 0)
		return;
	r->session.stream = t;
	trip_go(t);
}

static void
later(struct trip *t)
{
	t->wait_ms = t->heard || t->wait_ms == 0 ? WAIT_FIRST_MS :
	    t->wait_ms < WAIT_MOST_MS / 2 ? t->wait_ms * 2 : WAIT_MOST_MS;
	trip_sleep(t, t->wait_ms);
}

void
stream_ended(struct trip *t, int err)
{
	t->again_wire = 0;
	if (t->relay->phase != RELAY_RUNS) {
		trip_done(t);
	} else if (err != 0 || t->status >= 500 || t->status == 429) {
		later(t);
	} else if (t->type == TYPE_EVENTS && t->retry_ms != 0) {
		trip_sleep(t, t->retry_ms < RETRY_MOST_MS ? t->retry_ms : RETRY_MOST_MS);
	} else if (t->type == TYPE_EVENTS) {
		later(t);
	} else if (t->status == 400 && t->last_id.used > 0) {
		buf_clear(&t->last_id);		/* the gateway does not know it any more */
		later(t);
	} else {
		trip_done(t);			/* 405: there is none.  Others will not change by asking. */
	}
}
