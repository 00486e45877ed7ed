/* SPDX-License-Identifier: Apache-2.0
 *
 * spawn.c - one SPAWN of the runner, from request to jail, and the jail's end
 *
 * Process: mcpgw-spawn.
 * Owns:    the jails' pids and one pidfd each, until they are reaped.
 * Trusts:  nothing of a request but that it names a profile in force and an instance.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ipc/wait.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "sandbox/jail.h"
#include "sandbox/spawner/leaf.h"
#include "sandbox/spawner/plan.h"
#include "sandbox/spawner/spawn.h"
#include "sandbox/spawner/state.h"

static int
spawn_failed(struct spawner *s, uint64_t ref, enum jail_step step, int error, const char *why)
{
	struct msg_SPAWN_FAILED	m = { .step = step, .error = error, .why = span_of(why) };

	return chan_send_wait(s->runner, MSG_TYPE_SPAWN_FAILED, ref, &m, NULL, 0);
}

static struct jailed *
free_place(struct spawner *s)
{
	for (size_t i = 0; i < JAILS_MAX; i++)
		if (s->jails[i].pid == 0 && !s->jails[i].leaf.made)
			return &s->jails[i];
	return NULL;
}

static int
spawn_tell(struct spawner *s, uint64_t ref, const struct jail_child *c)
{
	struct msg_SPAWNED	 spawned = { .pid = (uint32_t)c->pid };
	struct msg_SPAWNED_WATCH watch = { .pid = (uint32_t)c->pid };
	const int		 ends[4] = { c->in, c->out, c->err, c->lifeline };
	const int		 eyes[2] = { c->pidfd, c->listener != -1 ? c->listener : c->pidfd };
	int			 r;

	if ((r = chan_send_wait(s->runner, MSG_TYPE_SPAWNED, ref, &spawned, ends, 4)) != 0)
		return r;
	return chan_send_wait(s->runner, MSG_TYPE_SPAWNED_WATCH, ref, &watch, eyes, 2);
}

static int
spawn_jail(struct spawner *s, struct jail_spec *spec, const struct rec_profile *rec, struct span server,
    uint64_t ref)
{
	struct jailed		*place = free_place(s);
	struct jail_child	 c;
	int			 r;

	if (place == NULL)
		return spawn_failed(s, ref, JAIL_STEP_REQUEST, E_FULL, "too many jails");
	if (leaf_make(s, rec, place) != 0)
		return spawn_failed(s, ref, JAIL_STEP_CGROUP, errno, "its control group cannot be made");
	spec->cgroup = place->leaf.join;
	spec->cgroup_count = place->leaf.join_count;
	r = jail_start(spec, &c);
	cgroup_leaf_joined(&place->leaf);
	if (r != 0) {
		leaf_drop(s, place);
		log_warn(LOG_SUBJECT("tenant", s->tenant), "no jail for server %.*s: %s, step=%s",
		    SPAN_FMT(server), c.failure.text, jail_step_name(c.failure.step));
		return spawn_failed(s, ref, c.failure.step, c.failure.os_error, c.failure.text);
	}
	if ((r = spawn_tell(s, ref, &c)) != 0) {
		jail_child_kill(&c);
		leaf_drop(s, place);
		return r;
	}
	log_debug(LOG_SUBJECT("tenant", s->tenant), "jail for server %.*s, pid=%ld landlock=%d proc=%s",
	    SPAN_FMT(server), (long)c.pid, c.landlock_abi, c.no_proc ? "no" : "yes");
	place->pid = c.pid;
	place->pidfd = c.pidfd;
	s->jail_count++;
	c.pidfd = -1;
	jail_child_close(&c);		/* from here on the lifeline is the runner's alone */
	return 0;
}

/* What lives for one session or one call leaves nothing: its home is a tmpfs of its jail. */
static bool
keeps_state(const struct rec_profile *rec)
{
	return rec->isolation != ISOLATION_SESSION && rec->isolation != ISOLATION_CALL;
}

int
spawn_answer(struct spawner *s, const struct msg_SPAWN *m, uint64_t ref)
{
	const struct snap		*profile = swap_current(&s->snaps, SNAP_PROFILE);
	const struct rec_profile	*rec = policy_profile_find(profile, m->profile);
	struct plan			 plan = { 0 };
	int				 state = -1, r;

	if (s->draining)
		return spawn_failed(s, ref, JAIL_STEP_REQUEST, E_CLOSED, "the gateway is stopping");
	if (rec == NULL && s->profile_before != NULL) {
		profile = s->profile_before;
		rec = policy_profile_find(profile, m->profile);
	}
	if (rec == NULL || !span_eq(snap_text(profile, rec->server), m->server))
		return spawn_failed(s, ref, JAIL_STEP_REQUEST, E_NOTFOUND,
		    "its configuration changed meanwhile");
	if (keeps_state(rec) && (r = state_open(s->tenant_dir, m->server, m->instance, &state)) != 0)
		return spawn_failed(s, ref, JAIL_STEP_STATE_FOLDER, r,
		    r == E_DENIED ? "its state folder belongs to somebody else" :
		    "its state folder cannot be made");
	if ((r = plan_make(profile, rec, swap_current(&s->snaps, SNAP_SECRETS), state, &plan)) != 0)
		r = spawn_failed(s, ref, JAIL_STEP_REQUEST, r, plan.why);
	else
		r = spawn_jail(s, &plan.spec, rec, m->server, ref);
	plan_fini(&plan);
	fd_close(&state);
	return r;
}

int
spawn_reap(struct spawner *s, struct jailed *j)
{
	struct msg_SPAWN_EXITED	m = { .pid = (uint32_t)j->pid };
	int			status = 0;
	pid_t			pid;
	char			why[96] = "";

	while ((pid = waitpid(j->pid, &status, WNOHANG)) == -1 && errno == EINTR)
		;
	if (pid == 0)
		return 0;
	m.status = status;
	leaf_why(s, j, why, sizeof(why));
	m.why = span_of(why);
	fd_close(&j->pidfd);
	j->pid = 0;
	s->jail_count--;
	leaf_drop(s, j);
	return chan_send_wait(s->runner, MSG_TYPE_SPAWN_EXITED, 0, &m, NULL, 0);
}

void
spawn_kill_all(struct spawner *s)
{
	for (size_t i = 0; i < JAILS_MAX; i++)
		if (s->jails[i].pid != 0)
			syscall(SYS_pidfd_send_signal, s->jails[i].pidfd, SIGKILL, NULL, 0);
	for (size_t i = 0; i < JAILS_MAX; i++)
		if (s->jails[i].pid != 0) {
			while (waitpid(s->jails[i].pid, NULL, 0) == -1 && errno == EINTR)
				;
			fd_close(&s->jails[i].pidfd);
			s->jails[i].pid = 0;
			leaf_drop(s, &s->jails[i]);
		}
	s->jail_count = 0;
}
