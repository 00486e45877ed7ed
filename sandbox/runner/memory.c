/* SPDX-License-Identifier: Apache-2.0
 *
 * memory.c - the ceiling on what a tenant's tools make us hold
 *
 * Process: mcpgw-runner.  Owns: who is not read for want of memory.
 * Trusts:  nothing.  Answers leave when workers take them, at the latest with their deadline.  Half a
 *          line leaves only when its other half is read, so after a while one tool that holds nothing
 *          but that is ended, to let the others finish.
 */
#include "sandbox/runner/memory.h"
#include "sandbox/runner/tool.h"

#define PATIENCE_MS	5000
#define LOOK_MS		1000

static void
memory_on_timer(struct loop_timer *timer, void *arg)
{
	struct runner	*r = arg;
	struct tool	*most = NULL;
	uint64_t	 now = loop_now_ms(r->loop);

	(void)timer;
	for (struct tool *t = r->tools; t != NULL; t = t->next)
		if (t->starved && now - t->starved_ms >= PATIENCE_MS && t->instance != NULL &&
		    t->instance->held_bytes == 0 && (most == NULL || tool_held(t) > tool_held(most)))
			most = t;
	if (most != NULL)
		tool_fail(most, LINK_END_TOO_BIG, "wrote more than there was memory for");
	if (r->starved_count > 0)
		loop_timer_arm(&r->patience, LOOK_MS);
}

void
memory_init(struct runner *r)
{
	loop_timer_init(r->loop, &r->patience, memory_on_timer, r);
}

void
memory_check(struct runner *r)
{
	struct tool	*most = NULL;

	if (r->held_bytes > RUNNER_MEMORY) {
		for (struct tool *t = r->tools; t != NULL; t = t->next)
			if (t->instance != NULL && !t->starved && tool_held(t) > 0 &&
			    (most == NULL || tool_held(t) > tool_held(most)))
				most = t;
		if (most == NULL)
			return;
		tool_starve(most, true);
		if (!r->patience.armed)
			loop_timer_arm(&r->patience, LOOK_MS);
	} else if (r->starved_count > 0 && r->held_bytes < RUNNER_MEMORY / 4 * 3) {
		for (struct tool *t = r->tools; t != NULL; t = t->next)
			if (t->starved)
				tool_starve(t, false);
	}
}
