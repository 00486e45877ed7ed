/* SPDX-License-Identifier: Apache-2.0
 *
 * stop.c - the orderly end: drain, wait, kill, in the order of who needs whom
 *
 * Process: master.  Owns: nothing.  Trusts: wait(2) for who is gone.
 *
 * A worker's running call needs its runner, a tool its way out, and records need the auditor, so these leave later.
 */
#include "lib/log.h"
#include "master/master.h"
#include "master/sdnotify.h"
#include "master/stop.h"

#define LATER_MS	5000		/* for those who serve no client */
#define LOOK_MS		10

static unsigned
phase_roles(enum stop_phase p)
{
	switch (p) {
	case STOP_WORKERS:
		return R_WORKER | R_COMPILE | R_SCOUT;
	case STOP_TOOLS:
		return R_RUNNER | R_SPAWNER;
	case STOP_EGRESS:
		return R_EGRESS;
	case STOP_RECORD:
		return R_AUDITOR | R_STORE | R_ADMIN;
	case STOP_OVER:
	default:
		return 0;
	}
}

static void
phase_drain(struct master *m, enum stop_phase p)
{
	switch (p) {
	case STOP_WORKERS:
		child_drain(&m->compile.child, LATER_MS);
		child_drain(&m->scout, LATER_MS);
		for (uint32_t i = 0; i < MASTER_WORKERS_MAX; i++)
			child_drain(&m->workers[i],
			    m->options->private ? PRIVATE_DRAIN_MS : m->params.drain_timeout);
		break;
	case STOP_TOOLS:
		child_drain(&m->prober, LATER_MS);
		runners_drain(&m->tenants, LATER_MS);
		break;
	case STOP_EGRESS:
		egress_drain(m, LATER_MS);
		break;
	case STOP_RECORD:
		child_drain(&m->auditor, LATER_MS);
		child_drain(&m->store, LATER_MS);
		child_drain(&m->admin, LATER_MS);
		break;
	case STOP_OVER:
		break;
	}
}

static void
on_look(struct loop_timer *t, void *arg)
{
	struct master	*m = arg;

	/* What the workers of a master before write goes to our auditor, so that one leaves behind them. */
	while (m->stop.phase != STOP_OVER && !children_alive(m, phase_roles(m->stop.phase)) &&
	    (m->stop.phase != STOP_EGRESS || (!m->heir.lives && !upgrade_is_pending(m))))
		phase_drain(m, ++m->stop.phase);
	if (m->stop.phase == STOP_OVER)
		loop_stop(m->loop);
	else
		loop_timer_arm(t, LOOK_MS);
}

static void
begin(struct master *m)
{
	m->stopping = true;
	watch_fini(&m->watch);
	m->stop.phase = STOP_WORKERS;
	loop_timer_init(m->loop, &m->stop.look, on_look, m);
	loop_timer_arm(&m->stop.look, LOOK_MS);
}

void
stop_begin(struct master *m)
{
	if (m->stopping)
		return;
	sdnotify_send("STOPPING=1");
	upgrade_abandon(m);
	begin(m);
	heir_hurry(m);
	phase_drain(m, m->stop.phase);
}

void
stop_retire(struct master *m)
{
	if (m->stopping)
		return;
	begin(m);
	child_retire(&m->admin, m->params.drain_timeout);
	child_drain(&m->compile.child, LATER_MS);
	for (uint32_t i = 0; i < MASTER_WORKERS_MAX; i++)
		child_retire(&m->workers[i], m->params.drain_timeout);
}

void
stop_hurry(struct master *m)
{
	if (m->stopping && m->stop.phase == STOP_WORKERS)
		phase_drain(m, STOP_WORKERS);
}
