/* SPDX-License-Identifier: Apache-2.0
 *
 * main.c - mcpgw-runner: speaks to one tenant's tools
 *
 * Process: mcpgw-runner, the tenant's uid, no network, no files.
 * Owns:    the loop and the order of its turn.
 * Trusts:  the master.  Workers and tools are strangers to each other and to us.
 */
#include "ipc/birth.h"
#include "lib/log.h"
#include "mcp/rpc.h"
#include "sandbox/runner/boot.h"
#include "sandbox/runner/control.h"
#include "sandbox/runner/memory.h"
#include "sandbox/runner/native.h"
#include "sandbox/runner/subscribe.h"
#include "sandbox/runner/tool.h"
#include "sandbox/runner/wlink.h"

static void
on_again(struct loop_timer *t, void *arg)
{
	(void)t;
	(void)arg;
}

void
runner_wrote(struct runner *r)
{
	if (r->flushing && !r->again.armed)
		loop_timer_arm(&r->again, 0);
}

/* Who is asked first gets what is free: they take turns. */
static void
decide_places(struct runner *r)
{
	bool	kick = r->kick;

	r->natives_first = !r->natives_first;
	if (kick && r->natives_first)
		natives_kick(r);
	instances_kick(r);
	if (kick && !r->natives_first)
		natives_kick(r);
}

/* First what handlers have left to be decided, so that its words go out with this turn. */
static void
turn_decide(void *arg)
{
	struct runner	*r = arg;

	memory_check(r);
	decide_places(r);
	subs_pump(r);
}

static void
turn_flush(void *arg)
{
	struct runner	*r = arg;

	r->flushing = true;
	tools_flush(r);
	wlinks_flush(r);
}

static void
turn_settle(void *arg)
{
	struct runner	*r = arg;

	wlinks_reap(r);
	instances_reap(r);
	servers_settle(r);
	control_settle(r);
	if (r->kick)
		runner_wrote(r);
	r->flushing = false;
}

int
main(void)
{
	static struct runner	r = { .next_ref = 1, .natives_last = &r.natives };
	int			spawner_fd, res;

	birth_begin("mcpgw-runner");
	if ((res = loop_new(&r.loop)) != 0)
		fatal(71, "no event loop: %s", err_text(res));
	boot_run(&r, &spawner_fd);
	loop_timer_init(r.loop, &r.again, on_again, &r);
	memory_init(&r);
	tidings_init(&r);
	if ((res = control_init(&r, spawner_fd)) != 0)
		fatal(71, "control channels: %s", err_text(res));
	loop_at_turn_end(r.loop, LOOP_RANK_AUDIT, turn_decide, &r);
	loop_at_turn_end(r.loop, LOOP_RANK_FLUSH, turn_flush, &r);
	loop_at_turn_end(r.loop, LOOP_RANK_AFTER, turn_settle, &r);
	loop_run(r.loop);

	control_fini(&r);
	wlinks_close(&r);
	natives_free(&r);
	tools_free(&r);
	instances_free(&r);
	servers_free(&r);
	tidings_fini(&r);
	rpc_scan_free(&r.replies);
	snap_release(&r.profile);
	loop_free(&r.loop);
	return r.exit_code;
}
