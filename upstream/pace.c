/* SPDX-License-Identifier: Apache-2.0
 *
 * pace.c - a stream that says more than anybody can want is read slowly
 *
 * Process: worker.  Owns: nothing.
 * Trusts:  no server to stop by itself; the kernel's buffers make it.
 */
#include "upstream/pace.h"

static void
on_timer(struct loop_timer *t, void *arg)
{
	struct pace	*p = arg;

	(void)t;
	p->count = 0;
	fetch_pause(p->fetch, false);
}

void
pace_init(struct pace *p, struct loop *l, struct fetch *f)
{
	*p = (struct pace){ .fetch = f };
	loop_timer_init(l, &p->timer, on_timer, p);
}

void
pace_event(struct pace *p, uint64_t now_ms)
{
	if (now_ms - p->since_ms >= PACE_MS) {
		p->since_ms = now_ms;
		p->count = 0;
	}
	/* What was read already is dealt with; from here on it is read in small portions. */
	if (++p->count != PACE_EVENTS)
		return;
	fetch_read_little(p->fetch);
	fetch_pause(p->fetch, true);
	loop_timer_arm(&p->timer, p->since_ms + PACE_MS - now_ms);
}

void
pace_fini(struct pace *p)
{
	loop_timer_disarm(&p->timer);
}
