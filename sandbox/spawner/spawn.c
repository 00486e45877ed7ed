/* SPDX-License-Identifier: Apache-2.0
 *
 * spawn.c - one SPAWN of the runner, from request to jail, and the jail's end
 *
 * Process: mcpgw-spawn.
 * Owns:    the jails' pids and one pidfd each, until they are reaped.
 * Trusts:  nothing of a request but that it names a profile in force, and an instance or a tool.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ipc/wait.h"
#include "lib/clock.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "sandbox/jail.h"
#include "sandbox/spawner/egress.h"
#include "sandbox/spawner/leaf.h"
#include "sandbox/spawner/plan_priv.h"
#include "sandbox/spawner/private.h"
#include "sandbox/spawner/quota.h"
#include "sandbox/spawner/reduce.h"
#include "sandbox/spawner/spawn.h"
#include "sandbox/spawner/state.h"
#include "sandbox/strays.h"

#define STRAYS_MS	20

#define TOO_MANY_WAIT	"too many tools wait for mcpgw-egress"

int
spawn_refuse(struct spawner *s, uint64_t ref, enum jail_step step, int error, const char *why)
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

/* What a jail had besides itself. */
static void
spawn_over(struct spawner *s, struct jailed *place)
{
	leaf_drop(s, place);
	private_over(s, place);
}

/* The machine's reason is the one the probe found; it names the setting that may help. */
static const char *
failure_text(const struct spawner *s, const struct jail_failure *f)
{
	return !probe_may_run(s->probe.result) && f->step == s->probe.step ? s->probe.line : f->text;
}

static int
spawn_jail(struct spawner *s, struct jailed *place, struct jail_spec *spec, const struct rec_profile *rec,
    struct span server, uint64_t ref)
{
	struct jail_child	c;
	int			r;

	if (leaf_make(s, rec, place) != 0)
		return spawn_refuse(s, ref, JAIL_STEP_CGROUP, errno, "its control group cannot be made");
	spec->cgroup = place->leaf.join;
	spec->cgroup_count = place->leaf.join_count;
	r = jail_start(spec, &c);
	cgroup_leaf_joined(&place->leaf);
	if (r != 0) {
		log_warn(LOG_SUBJECT("tenant", s->tenant), "no jail for server %.*s: %s, step=%s",
		    SPAN_FMT(server), c.failure.text, jail_step_name(c.failure.step));
		return spawn_refuse(s, ref, c.failure.step, c.failure.os_error, failure_text(s, &c.failure));
	}
	if ((r = spawn_tell(s, ref, &c)) != 0) {
		jail_child_kill(&c);
		return r;
	}
	log_debug(LOG_SUBJECT("tenant", s->tenant), "jail for server %.*s, pid=%ld landlock=%d proc=%s",
	    SPAN_FMT(server), (long)c.pid, c.landlock_abi, c.no_proc ? "no" : "yes");
	place->pid = c.pid;
	place->pidfd = c.pidfd;
	place->profile = rec->hash;
	place->sockets = c.sockets;
	place->socket_count = c.socket_count;
	snprintf(place->server, sizeof(place->server), "%.*s", SPAN_FMT(server));
	s->jail_count++;
	c.pidfd = -1;
	c.sockets = NULL;
	c.socket_count = 0;
	jail_child_close(&c);		/* from here on the lifeline is the runner's alone */
	egress_open(s, place);
	return 0;
}

/* The profile of this hash and server, in force or just before; NULL when there is none. */
static const struct rec_profile *
profile_of(const struct spawner *s, uint64_t hash, struct span server, const struct snap **profile)
{
	const struct rec_profile	*rec;

	*profile = swap_current(&s->snaps, SNAP_PROFILE);
	rec = policy_profile_find(*profile, hash);
	if (rec == NULL && s->profile_before != NULL) {
		*profile = s->profile_before;
		rec = policy_profile_find(*profile, hash);
	}
	return rec == NULL || !span_eq(snap_text(*profile, rec->server), server) ? NULL : rec;
}

static bool
is_native(const struct rec_profile *rec)
{
	return (rec->flags & SERVER_FLAG_NATIVE) != 0;
}

/* What lives for one session or one call leaves nothing: its home is a tmpfs of its jail. */
static bool
keeps_state(const struct rec_profile *rec)
{
	return rec->isolation != ISOLATION_SESSION && rec->isolation != ISOLATION_CALL && !is_native(rec);
}

static const char *
home_path(const struct spawner *s, struct span server, uint64_t instance, char to[PATH_MAX])
{
	char	folder[STATE_NAME_MAX];

	state_name(server, folder);
	return snprintf(to, PATH_MAX, "%s/%s/%016llx", s->tenant_path, folder, (unsigned long long)instance) <
	    PATH_MAX ? to : NULL;
}

/* The folders of a jail without a root of its own, and what the plan then is; `instance`: where state is kept. */
static int
spawn_reduced(struct spawner *s, struct span server, uint64_t instance, const struct rec_profile *rec, struct plan *p,
    struct jailed *place)
{
	char			tmp[PATH_MAX], home[PATH_MAX];
	struct reduce_folders	f;

	if (private_make(s, place, tmp, keeps_state(rec) ? NULL : home) != 0 ||
	    (keeps_state(rec) && home_path(s, server, instance, home) == NULL)) {
		snprintf(p->why, sizeof(p->why), "its private folder cannot be made: %s", strerror(errno));
		return E_SYS;
	}
	f.tmp = plan_string(p, tmp);
	f.home = plan_string(p, home);
	if (f.tmp == NULL || f.home == NULL)
		return E_NOMEM;
	return reduce_plan(p, rec, &f);
}

/* A place for one more, cleared; NULL when there is none, and that was said: *r is what saying it came to. */
static struct jailed *
take_place(struct spawner *s, uint64_t ref, int *r)
{
	struct jailed	*place = free_place(s);

	*r = 0;
	if (place == NULL)
		*r = spawn_refuse(s, ref, JAIL_STEP_REQUEST, E_FULL, "too many jails");
	else
		*place = (struct jailed){ .pidfd = -1, .leaf = { .events = -1 }, .state = -1 };
	return place;
}

int
spawn_answer(struct spawner *s, const struct msg_SPAWN *m, uint64_t ref)
{
	const struct snap		*profile;
	const struct rec_profile	*rec;
	struct jailed			*place;
	struct plan			 plan = { 0 };
	char				 path[PATH_MAX], why[400] = "its state folder's path is too long";
	int				 state = -1, r;

	if (s->draining)
		return spawn_refuse(s, ref, JAIL_STEP_REQUEST, E_CLOSED, "the gateway is stopping");
	if ((rec = profile_of(s, m->profile, m->server, &profile)) == NULL || is_native(rec))
		return spawn_refuse(s, ref, JAIL_STEP_REQUEST, E_NOTFOUND,
		    "its configuration changed meanwhile");
	if (rec->net == NET_LIST && !s->reduced && !egress_ready(s)) {
		if (egress_hold(s, m, ref))
			return 0;
		return spawn_refuse(s, ref, JAIL_STEP_REQUEST, E_FULL, TOO_MANY_WAIT);
	}
	if ((place = take_place(s, ref, &r)) == NULL)
		return r;
	if (keeps_state(rec) && (r = state_open(s->tenant_dir, m->server, m->instance, &state)) != 0)
		return spawn_refuse(s, ref, JAIL_STEP_STATE_FOLDER, r,
		    r == E_DENIED ? "its state folder belongs to somebody else" :
		    "its state folder cannot be made");
	if (state != -1 && (home_path(s, m->server, m->instance, path) == NULL ||
	    quota_check(s, rec, state, path, why, sizeof(why)) != 0)) {
		r = spawn_refuse(s, ref, JAIL_STEP_STATE_FOLDER, E_FULL, why);
		fd_close(&state);
		return r;
	}
	if ((r = plan_make(profile, rec, swap_current(&s->snaps, SNAP_SECRETS), state, &plan)) != 0 ||
	    (s->reduced && (r = spawn_reduced(s, m->server, m->instance, rec, &plan, place)) != 0))
		r = spawn_refuse(s, ref, JAIL_STEP_REQUEST, r, plan.why);
	else
		r = spawn_jail(s, place, &plan.spec, rec, m->server, ref);
	if (place->pid == 0)
		spawn_over(s, place);
	else
		quota_watch(s, place, rec, state, path);
	plan_fini(&plan);
	fd_close(&state);
	return r;
}

int
spawn_native_answer(struct spawner *s, const struct msg_SPAWN_NATIVE *m, uint64_t ref)
{
	static struct slot_values	 values;	/* large; one request at a time */
	const struct snap		*profile;
	const struct rec_profile	*rec;
	struct jailed			*place;
	struct plan_tool		 tool = { .values = &values };
	struct plan			 plan = { 0 };
	int				 r;

	if (s->draining)
		return spawn_refuse(s, ref, JAIL_STEP_REQUEST, E_CLOSED, "the gateway is stopping");
	if ((rec = profile_of(s, m->profile, m->server, &profile)) != NULL && is_native(rec) &&
	    m->tool < rec->tool_count)
		tool.tool = SNAP_AT(profile, TOOL, (uint64_t)rec->tool_first + m->tool);
	if (tool.tool == NULL)
		return spawn_refuse(s, ref, JAIL_STEP_REQUEST, E_NOTFOUND,
		    "its configuration changed meanwhile");
	if (rec->net == NET_LIST && !s->reduced && !egress_ready(s)) {
		if (egress_hold_native(s, m, ref))
			return 0;
		return spawn_refuse(s, ref, JAIL_STEP_REQUEST, E_FULL, TOO_MANY_WAIT);
	}
	if ((r = slots_decode(m->values, &values)) != 0)
		return spawn_refuse(s, ref, JAIL_STEP_REQUEST, r, "malformed arguments");
	if ((place = take_place(s, ref, &r)) == NULL)
		return r;
	if ((r = plan_make_tool(profile, rec, swap_current(&s->snaps, SNAP_SECRETS), &tool, &plan)) != 0 ||
	    (s->reduced && (r = spawn_reduced(s, m->server, 0, rec, &plan, place)) != 0))
		r = spawn_refuse(s, ref, JAIL_STEP_REQUEST, r, plan.why);
	else
		r = spawn_jail(s, place, &plan.spec, rec, m->server, ref);
	if (place->pid == 0)
		spawn_over(s, place);
	plan_fini(&plan);
	return r;
}

int
spawn_reap(struct spawner *s, struct jailed *j)
{
	struct msg_SPAWN_EXITED	m = { .pid = (uint32_t)j->pid };
	int			status = 0;
	pid_t			pid;
	char			why[400] = "";

	while ((pid = waitpid(j->pid, &status, WNOHANG)) == -1 && errno == EINTR)
		;
	if (pid == 0)
		return 0;
	m.status = status;
	leaf_why(s, j, why, sizeof(why));
	if (j->why != NULL && why[0] == '\0')
		snprintf(why, sizeof(why), "%s", j->why);
	m.why = span_of(why);
	fd_close(&j->pidfd);
	egress_close(s, j);
	j->pid = 0;
	s->jail_count--;
	leaf_end(s, j);
	private_over(s, j);
	quota_unwatch(s, j);
	spawn_strays(s);
	return chan_send_wait(s->runner, MSG_TYPE_SPAWN_EXITED, 0, &m, NULL, 0);
}

static bool
is_ours(pid_t pid, const void *arg)
{
	const struct spawner	*s = arg;

	for (size_t i = 0; i < JAILS_MAX; i++)
		if (s->jails[i].pid == pid)
			return true;
	return pid == s->sweeper.pid || pid == s->quota.helper.pid;
}

void
spawn_strays(struct spawner *s)
{
	if (s->strays == -1)
		return;
	/* Killed now, reaped with the next turns. */
	s->strays_due_ms = strays_kill(s->strays, is_ours, s) > 0 ? (int64_t)clock_mono_ms() + STRAYS_MS : 0;
}

void
spawn_kill_all(struct spawner *s)
{
	int64_t	until = (int64_t)clock_mono_ms() + JAIL_END_MS;

	for (size_t i = 0; i < JAILS_MAX; i++)
		if (s->jails[i].pid != 0)
			jail_end(s->jails[i].pidfd, s->reduced);
	for (size_t i = 0; i < JAILS_MAX; i++)
		if (s->jails[i].pid != 0) {
			struct pollfd	p = { .fd = s->jails[i].pidfd, .events = POLLIN };
			int64_t		left = until - (int64_t)clock_mono_ms();

			if (s->reduced && poll(&p, 1, left > 0 ? (int)left : 0) == 0)
				jail_end(s->jails[i].pidfd, false);
			while (waitpid(s->jails[i].pid, NULL, 0) == -1 && errno == EINTR)
				;
			fd_close(&s->jails[i].pidfd);
			s->jails[i].pid = 0;
			leaf_end(s, &s->jails[i]);
			private_over(s, &s->jails[i]);
		}
	s->jail_count = 0;
	helper_kill(&s->sweeper);
	helper_kill(&s->quota.helper);
	if (s->strays != -1)
		strays_end(s->strays);
}
