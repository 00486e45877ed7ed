/* SPDX-License-Identifier: Apache-2.0
 *
 * control.c - what master and spawner say while the runner serves
 *
 * Process: mcpgw-runner.  Owns: both channels; when and how the process ends.
 * Trusts:  the master.  The spawner has this tenant's uid like us; what it says was checked by
 *          ipc/chan.
 */
#include <stdio.h>
#include <sysexits.h>

#include "ipc/heritage.h"
#include "ipc/life.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "sandbox/jail.h"
#include "sandbox/runner/control.h"
#include "sandbox/runner/memory.h"
#include "sandbox/runner/native.h"
#include "sandbox/runner/tool.h"
#include "sandbox/runner/wlink.h"

#define ORPHAN_MS	1500	/* the master is dead: gone within 2 s */
#define ORPHAN_GRACE_MS	1000
#define NO_SPAWNER_MS	30000	/* for calls that run when the spawner dies */

static void
on_leave(struct loop_timer *t, void *arg)
{
	struct runner	*r = arg;

	(void)t;
	loop_stop(r->loop);
}

static void
leave_by(struct runner *r, uint64_t within_ms)
{
	if (!r->leave.armed)
		loop_timer_arm(&r->leave, within_ms);
}

void
runner_drain(struct runner *r, uint64_t within_ms, int exit_code)
{
	if (r->draining)
		return;
	r->draining = true;
	r->exit_code = exit_code;
	leave_by(r, within_ms);
	runner_wrote(r);
}

void
control_settle(struct runner *r)
{
	if (!r->draining || r->call_count > 0)
		return;
	if (!r->leaving) {
		r->leaving = true;
		for (struct server *s = r->servers; s != NULL; s = s->next)
			for (struct instance *i = s->instances; i != NULL; i = i->next)
				instance_stop(i);
		tools_stop_all(r, UINT64_MAX);
	}
	/* The last END must be out before the links close. */
	for (struct wlink *l = r->links; l != NULL; l = l->next)
		if (!l->dead && buf_rest(&l->out).n > 0)
			return;
	if (r->tool_count == 0 || r->spawner.dead)
		loop_stop(r->loop);
}

/* --- the master ---------------------------------------------------------------------------------- */

static void
take_snapshot(struct runner *r, const struct msg_SNAPSHOT_OFFER *m, int fd)
{
	struct msg_SNAPSHOT_IN_FORCE	 in_force = { .kind = m->kind, .generation = m->generation };
	struct msg_SNAPSHOT_REFUSED	 refused = { .kind = m->kind, .generation = m->generation };
	struct snap			*snap = NULL;

	refused.error = m->kind == SNAP_PROFILE ? snap_map(fd, &snap) : E_FORMAT;
	if (refused.error == 0 && snap_head(snap)->kind != SNAP_PROFILE) {
		refused.error = E_FORMAT;
		snap_release(&snap);
	}
	if (refused.error != 0) {
		log_warn(NULL, "profile %llu refused: %s", (unsigned long long)m->generation,
		    err_text(refused.error));
		if (chan_send(&r->master, MSG_TYPE_SNAPSHOT_REFUSED, 0, &refused, NULL, 0) != 0)
			log_warn(NULL, "the master does not take messages");
		return;
	}
	snap_release(&r->profile);
	r->profile = snap;
	memory_new_profile(r);
	servers_refresh(r);
	if (chan_send(&r->master, MSG_TYPE_SNAPSHOT_IN_FORCE, 0, &in_force, NULL, 0) != 0)
		log_warn(NULL, "the master does not take messages");
}

static void
take_link(struct runner *r, const struct msg_WORKER_LINK *m, int *fd)
{
	int	res;

	if (r->draining) {
		fd_close(fd);
		return;
	}
	if ((res = wlink_new(r, m->slot, m->incarnation, fd)) != 0)
		log_warn(NULL, "link to worker %u not made: %s", m->slot, err_text(res));
}

static void
answer_log(struct runner *r, uint64_t ref, struct span name)
{
	struct msg_SERVER_LOG_IS	 is = { 0 };
	struct msg_SERVER_LOG_NONE	 none = { .why = SPAN_LIT("none of its tools has run yet") };
	const struct ring		*ring = r->rings;
	int				 fd = -1, res = E_NOTFOUND;

	while (ring != NULL && (!span_is(name, ring->name) || ring->total == 0))
		ring = ring->next;
	if (ring != NULL && (res = ring_memfd(ring, &fd, &is.bytes)) == 0)
		res = chan_send(&r->master, MSG_TYPE_SERVER_LOG_IS, ref, &is, &fd, 1);
	fd_close(&fd);
	if (res == 0)
		return;
	if (res != E_NOTFOUND)
		none.why = span_of(err_text(res));
	if (chan_send(&r->master, MSG_TYPE_SERVER_LOG_NONE, ref, &none, NULL, 0) != 0)
		log_warn(NULL, "the master does not take messages");
}

static void
answer_refused(struct runner *r, uint64_t ref, struct span name)
{
	struct msg_SERVER_REFUSED_ARE	m = { .lines = SPAN_NONE };
	struct buf			lines;

	buf_init(&lines, RUNNER_TEXT * 8);
	if (servers_refusals(r, name, &lines) == 0)
		m.lines = buf_rest(&lines);
	if (chan_send(&r->master, MSG_TYPE_SERVER_REFUSED_ARE, ref, &m, NULL, 0) != 0)
		log_warn(NULL, "the master does not take messages");
	buf_fini(&lines);
}

static void
restart(struct runner *r, uint64_t ref, struct span name)
{
	struct msg_SERVER_RESTARTED	m = { 0 };

	servers_restart(r, name, &m.stopped, &m.finishing);
	servers_tell(r);	/* first: who hears of the restart may look at once */
	runner_wrote(r);
	if (chan_send(&r->master, MSG_TYPE_SERVER_RESTARTED, ref, &m, NULL, 0) != 0)
		log_warn(NULL, "the master does not take messages");
}

static void
on_master(struct chan *c, const struct chan_msg *m, void *arg)
{
	struct runner	*r = arg;

	if (life_heard(c, m))
		return;
	switch (m->type) {
	case MSG_TYPE_WORKER_LINK:
		take_link(r, &m->body->WORKER_LINK, &m->fds[0]);
		break;
	case MSG_TYPE_SNAPSHOT_OFFER:
		take_snapshot(r, &m->body->SNAPSHOT_OFFER, m->fds[0]);
		break;
	case MSG_TYPE_DRAIN:
		runner_drain(r, m->body->DRAIN.within_ms, EX_OK);
		break;
	case MSG_TYPE_SERVER_RESTART:
		restart(r, m->ref, m->body->SERVER_RESTART.server);
		break;
	case MSG_TYPE_SERVER_REFUSED:
		answer_refused(r, m->ref, m->body->SERVER_REFUSED.server);
		break;
	case MSG_TYPE_SERVER_LOG:
		answer_log(r, m->ref, m->body->SERVER_LOG.server);
		break;
	default:
		break;
	}
}

/* The lifeline: without a master nobody watches us, so tools and workers are let go at once. */
static void
on_master_closed(struct chan *c, int why, void *arg)
{
	struct runner	*r = arg;

	(void)c;
	(void)why;
	r->draining = r->leaving = true;
	loop_timer_disarm(&r->leave);
	loop_timer_arm(&r->leave, ORPHAN_MS);
	wlinks_close(r);
	tools_stop_all(r, ORPHAN_GRACE_MS);
}

/* --- the spawner --------------------------------------------------------------------------------- */

/* What went wrong: our own haste, the server's settings, or this machine. */
static enum link_end
end_of_step(uint32_t step, int32_t error)
{
	switch (step) {
	case JAIL_STEP_REQUEST:
		return error == E_NOTFOUND ? LINK_END_STALE : LINK_END_UNAVAILABLE;
	case JAIL_STEP_STATE_FOLDER:
	case JAIL_STEP_BIND:
	case JAIL_STEP_RLIMIT:
	case JAIL_STEP_WORKDIR:
	case JAIL_STEP_EXEC:
		return LINK_END_UNAVAILABLE;
	default:
		return LINK_END_NO_JAIL;
	}
}

static void
on_spawner(struct chan *c, const struct chan_msg *m, void *arg)
{
	struct runner	*r = arg;
	enum link_end	 why;

	(void)c;
	switch (m->type) {
	case MSG_TYPE_SPAWNED:
		if (!native_spawned(r, m->ref, m->body->SPAWNED.pid, m->fds))
			tool_spawned(r, m->ref, m->body->SPAWNED.pid, m->fds);
		break;
	case MSG_TYPE_SPAWNED_WATCH:
		if (!native_watch(r, m->body->SPAWNED_WATCH.pid, m->fds))
			tool_watch(r, m->body->SPAWNED_WATCH.pid, m->fds);
		break;
	case MSG_TYPE_SPAWN_FAILED:
		why = end_of_step(m->body->SPAWN_FAILED.step, m->body->SPAWN_FAILED.error);
		if (!native_spawn_failed(r, m->ref, why, m->body->SPAWN_FAILED.error, m->body->SPAWN_FAILED.why))
			tool_spawn_failed(r, m->ref, why, m->body->SPAWN_FAILED.why);
		break;
	case MSG_TYPE_SPAWN_EXITED:
		if (!native_exited(r, m->body->SPAWN_EXITED.pid, m->body->SPAWN_EXITED.status))
			tool_exited(r, m->body->SPAWN_EXITED.pid, m->body->SPAWN_EXITED.status,
			    m->body->SPAWN_EXITED.why);
		break;
	default:
		break;
	}
}

static void
on_spawner_closed(struct chan *c, int why, void *arg)
{
	struct runner	*r = arg;

	(void)c;
	if (!r->draining)
		log_err(NULL, "the spawner is gone (%s): running calls end, then this runner", err_text(why));
	tools_spawner_gone(r);
	natives_spawner_gone(r);
	runner_drain(r, NO_SPAWNER_MS, EX_UNAVAILABLE);
}

int
control_init(struct runner *r, int spawner_fd)
{
	int	res;

	loop_timer_init(r->loop, &r->leave, on_leave, r);
	if ((res = chan_init(&r->master, r->loop, HERITAGE_CONTROL, ROLE_RUNNER, ROLE_MASTER, on_master,
	    on_master_closed, r)) != 0)
		return res;
	if ((res = chan_init(&r->spawner, r->loop, spawner_fd, ROLE_RUNNER, ROLE_SPAWNER, on_spawner,
	    on_spawner_closed, r)) != 0)
		return res;
	r->master.ready = r->spawner.ready = true;
	return 0;
}

void
control_fini(struct runner *r)
{
	chan_fini(&r->spawner);
	life_end(&r->master, r->exit_code);
}
