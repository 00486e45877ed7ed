/* SPDX-License-Identifier: Apache-2.0
 *
 * memory.c - the ceiling on what a tenant's tools make us hold
 *
 * Process: mcpgw-runner.  Owns: who is not read for want of memory.
 * Trusts:  nothing.
 *
 * Over the ceiling the tools that hold most are not read, one more each turn; small answers pass.
 * Whole answers leave when workers take them, at the latest with their deadline.  Half a line leaves
 * only when its other half is read, so one tool at a time, the favourite, is read in spite of the
 * ceiling.  It must finish its line soon; one that does not is ended.  With programs it is the same, but that
 * the oldest is the favourite, and that its own time bounds it (native_jail.c).
 */
#include "policy/records.h"
#include "sandbox/runner/memory.h"
#include "sandbox/runner/native.h"
#include "sandbox/runner/tool.h"

#define FINISH_MS	5000
#define LOOK_MS		500

static void
memory_on_timer(struct loop_timer *timer, void *arg)
{
	struct runner	*r = arg;

	(void)timer;
	if (r->favourite == NULL)
		return;
	if (loop_now_ms(r->loop) - r->favourite_ms >= FINISH_MS)
		tool_fail(r->favourite, LINK_END_TOO_BIG, "did not finish its line while memory was short");
	else
		loop_timer_arm(&r->patience, LOOK_MS);
}

void
memory_init(struct runner *r)
{
	loop_timer_init(r->loop, &r->patience, memory_on_timer, r);
	memory_new_profile(r);
}

void
memory_new_profile(struct runner *r)
{
	const struct rec_profile	*first = r->profile == NULL ? NULL : SNAP_AT(r->profile, PROFILE, 0);

	r->memory_max = first == NULL || first->runner_kib == 0 ? RUNNER_MEMORY : (size_t)first->runner_kib * 1024;
}

static void
read_all(struct runner *r)
{
	r->favourite = NULL;
	for (struct tool *t = r->tools; t != NULL && r->starved_count > 0; t = t->next)
		tool_starve(t, false);
}

static void
starve_most(struct runner *r)
{
	struct tool	*most = NULL;

	for (struct tool *t = r->tools; t != NULL; t = t->next)
		if (t->instance != NULL && !t->starved && t != r->favourite && tool_held(t) > MEMORY_SMALL &&
		    (most == NULL || tool_held(t) > tool_held(most)))
			most = t;
	if (most != NULL)
		tool_starve(most, true);
}

/* Who has most of its line needs least for the rest. */
static void
choose_favourite(struct runner *r)
{
	struct tool	*best = NULL;

	for (struct tool *t = r->tools; t != NULL; t = t->next)
		if (t->starved && t->lines.used > 0 && (best == NULL || t->lines.used > best->lines.used))
			best = t;
	if (best == NULL)
		return;
	r->favourite = best;
	r->favourite_ms = loop_now_ms(r->loop);
	tool_starve(best, false);
	loop_timer_arm(&r->patience, LOOK_MS);
}

void
memory_check(struct runner *r)
{
	if (r->natives_starved > 0)
		natives_feed(r);
	if (r->held_bytes <= r->memory_max / 4 * 3) {
		if (r->starved_count > 0 || r->favourite != NULL)
			read_all(r);
		return;
	}
	if (r->favourite != NULL && r->favourite->lines.used == 0)
		r->favourite = NULL;
	if (r->held_bytes > r->memory_max)
		starve_most(r);
	if (r->favourite == NULL && r->starved_count > 0 && r->held_bytes < r->memory_max + MEMORY_ABOVE)
		choose_favourite(r);
}
