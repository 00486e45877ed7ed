/* SPDX-License-Identifier: Apache-2.0
 *
 * runners.c - each tenant's spawner and runner (day-one 4)
 *
 * Process: master.
 * Owns:    struct tenant and its two children; the pairs between processes only while they are sent.
 * Trusts:  a worker's word for a tenant only when a profile of that tenant is in force.
 *
 * Spawner and runner live and die together: each holds descriptors of the other's tools.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/fd.h"
#include "lib/log.h"
#include "master/master.h"
#include "master/tenantuser.h"

#define BACKOFF_MS	1000
#define BACKOFF_MAX_MS	60000

void
runners_init(struct tenants *t)
{
	TAILQ_INIT(&t->list);
}

void
runners_fini(struct tenants *t)
{
	struct tenant	*one;

	while ((one = TAILQ_FIRST(&t->list)) != NULL) {
		TAILQ_REMOVE(&t->list, one, next);
		child_fini(&one->spawner);
		child_fini(&one->runner);
		fd_close(&one->peer[0]);
		fd_close(&one->peer[1]);
		free(one);
	}
}

static struct tenant *
tenant_find(struct master *m, struct span name)
{
	struct tenant	*t;

	TAILQ_FOREACH(t, &m->tenants.list, next)
		if (span_is(name, t->name))
			return t;
	/* Only what the compiler made a profile for is a tenant. */
	if (name.n == 0 || name.n >= sizeof(t->name) || memchr(name.p, '/', name.n) != NULL ||
	    snapset_find(&m->in_force, SNAP_PROFILE, name) == NULL || (t = calloc(1, sizeof(*t))) == NULL)
		return NULL;
	memcpy(t->name, name.p, name.n);
	t->peer[0] = t->peer[1] = -1;
	child_init(&t->spawner, m, ROLE_SPAWNER, 0, t);
	child_init(&t->runner, m, ROLE_RUNNER, 0, t);
	TAILQ_INSERT_TAIL(&m->tenants.list, t, next);
	return t;
}

struct child *
runners_serving(struct master *m, struct span tenant)
{
	struct tenant	*t;

	TAILQ_FOREACH(t, &m->tenants.list, next)
		if (span_is(tenant, t->name) && t->runner.state == CHILD_READY)
			return &t->runner;
	return NULL;
}

static void
refuse(struct child *worker, const char *tenant, const char *why)
{
	struct msg_RUNNER_NONE	none = { .tenant = span_of(tenant), .why = span_of(why) };

	(void)child_send(worker, MSG_TYPE_RUNNER_NONE, 0, &none, NULL, 0);
}

static void
refuse_waiting(struct tenant *t, const char *why)
{
	struct master	*m = t->runner.m;

	for (uint32_t i = 0; i < MASTER_WORKERS_MAX; i++)
		if ((t->waiting & UINT64_C(1) << i) != 0)
			refuse(&m->workers[i], t->name, why);
	t->waiting = 0;
}

static bool
tenant_is_ready(const struct tenant *t)
{
	return t->spawner.state == CHILD_READY && t->runner.state == CHILD_READY;
}

/* One stream; its ends go to the two processes and to nobody else. */
static void
link_worker(struct tenant *t, struct child *worker)
{
	struct msg_WORKER_LINK	to_runner = { .slot = worker->slot, .incarnation = worker->incarnation };
	struct msg_RUNNER_LINK	to_worker = { .tenant = span_of(t->name) };
	int			pair[2] = { -1, -1 };

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) == -1) {
		refuse(worker, t->name, "no descriptors left");
		return;
	}
	if (child_send(&t->runner, MSG_TYPE_WORKER_LINK, 0, &to_runner, &pair[0], 1) == 0)
		(void)child_send(worker, MSG_TYPE_RUNNER_LINK, 0, &to_worker, &pair[1], 1);
	else
		refuse(worker, t->name, "the runner went away");
	fd_close(&pair[0]);
	fd_close(&pair[1]);
}

static bool
tenant_has_process(const struct tenant *t)
{
	return t->spawner.state != CHILD_IDLE || t->runner.state != CHILD_IDLE;
}

static void
tenant_start(struct tenant *t)
{
	struct master	*m = t->runner.m;
	char		 name[sizeof(t->name) + 16], why[TENANTUSER_WHY_MAX];

	if (tenantuser_find(m, t->name, &t->user, why) != 0) {
		log_err(LOG_SUBJECT("tenant", t->name), "%s", why);
		t->retry_ms = loop_now_ms(m->loop) + BACKOFF_MS;
		t->user = (struct spawn_user){ false, 0, 0 };
		refuse_waiting(t, "it has no user to run as; see the log");
		return;
	}
	snprintf(name, sizeof(name), "tenants/%s", t->name);
	if (dirs_make(&m->dirs, name, &t->user, 0700, t->dir) != 0) {
		refuse_waiting(t, "its state folder cannot be made; see the log");
		return;
	}
	if (cgroups_tenant(&m->cgroups, t->name, &t->user) != 0) {
		refuse_waiting(t, "its cgroup cannot be made; see the log");
		return;
	}
	fd_close(&t->peer[0]);
	fd_close(&t->peer[1]);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, t->peer) == -1) {
		refuse_waiting(t, "no descriptors left");
		return;
	}
	child_start(&t->spawner);
	if (t->spawner.state == CHILD_IDLE) {
		t->retry_ms = loop_now_ms(m->loop) + BACKOFF_MS;
		refuse_waiting(t, "no process can be started; see the log");
		return;
	}
	child_start(&t->runner);
	if (t->runner.state == CHILD_IDLE)
		child_kill(&t->spawner, "its partner cannot be started");
}

void
runners_want(struct master *m, struct child *worker, struct span name)
{
	struct tenant	*t = tenant_find(m, name);
	uint64_t	 now = loop_now_ms(m->loop);
	char		 text[64];

	if (t == NULL) {
		snprintf(text, sizeof(text), "%.*s", SPAN_FMT(name));
		refuse(worker, text, "no such tenant");
	} else if (tenant_is_ready(t)) {
		link_worker(t, worker);
	} else if (now < t->retry_ms && !tenant_has_process(t)) {
		snprintf(text, sizeof(text), "its processes died; next try in %llu s",
		    (unsigned long long)(t->retry_ms - now) / 1000 + 1);
		refuse(worker, t->name, text);
	} else {
		t->waiting |= UINT64_C(1) << worker->slot;
		if (!tenant_has_process(t))
			tenant_start(t);
	}
}

/* Where its tools' resources are bounded.  Without, it serves with what rlimits can hold. */
static void
tell_cgroups(struct child *c)
{
	struct msg_DIRECTORY	dir = { 0 };
	char			path[PATH_MAX];

	if (cgroups_enter(&c->m->cgroups, c->tenant->name, c->pid) != 0) {
		child_kill(c, "it cannot be put into its cgroup");
		return;
	}
	for (int part = 0; part < CGROUP_PART_LIMIT; part++) {
		if (!cgroups_path(&c->m->cgroups, c->tenant->name, (enum cgroup_part)part, &dir.kind, path))
			continue;
		dir.path = span_of(path);
		(void)child_send(c, MSG_TYPE_DIRECTORY, 0, &dir, NULL, 0);
	}
}

void
runners_boot(struct child *c)
{
	struct tenant		*t = c->tenant;
	struct msg_DIRECTORY	 dir = { .kind = DIR_TENANT, .path = span_of(t->dir) };
	struct msg_PEER		 peer = { 0 };
	int			*end = &t->peer[c->role == ROLE_SPAWNER];

	(void)child_send(c, MSG_TYPE_DIRECTORY, 0, &dir, NULL, 0);
	if (c->role == ROLE_SPAWNER)
		tell_cgroups(c);
	(void)child_send(c, MSG_TYPE_PEER, 0, &peer, end, 1);
	fd_close(end);
}

void
runners_on_ready(struct child *c)
{
	struct tenant	*t = c->tenant;
	struct master	*m = c->m;
	uint64_t	 waiting = t->waiting;

	if (!tenant_is_ready(t))
		return;
	t->waiting = 0;
	log_info(LOG_SUBJECT("tenant", t->name), "runner ready, ms=%llu",
	    (unsigned long long)(loop_now_ms(m->loop) - t->spawner.born_ms));
	for (uint32_t i = 0; i < MASTER_WORKERS_MAX; i++)
		if ((waiting & UINT64_C(1) << i) != 0 && child_has_channel(&m->workers[i]))
			link_worker(t, &m->workers[i]);
}

void
runners_on_death(struct child *c)
{
	struct tenant	*t = c->tenant;
	struct child	*other = c == &t->runner ? &t->spawner : &t->runner;
	uint64_t	 now = loop_now_ms(c->m->loop);
	bool		 was_ready = c->ready_ms != 0 && other->ready_ms != 0;

	status_tenant_down(&c->m->status, t->name);
	if (c->role == ROLE_RUNNER)
		ctlsock_on_runner_death(&c->m->ctl);
	if (other->state != CHILD_IDLE) {		/* the first death of the two */
		if (other->pid != 0 && !c->m->stopping && other->state != CHILD_DRAINING)
			child_kill(other, "its partner died");
		return;
	}
	if (c->m->stopping)
		return;
	t->fails = was_ready ? 0 : t->fails + 1;
	t->retry_ms = now;
	if (t->fails > 1)
		t->retry_ms = now + (t->fails > 7 ? BACKOFF_MAX_MS :
		    (uint64_t)BACKOFF_MS << (t->fails - 2));
	if (t->waiting == 0)
		return;
	if (t->fails > 1)
		refuse_waiting(t, "its processes die at start; see the log");
	else
		tenant_start(t);
}

void
runners_look(struct master *m)
{
	struct tenant	*t;

	TAILQ_FOREACH(t, &m->tenants.list, next)
		if (tenant_has_process(t) && snapset_find(&m->in_force, SNAP_PROFILE, span_of(t->name)) == NULL) {
			child_drain(&t->runner, m->params.drain_timeout);
			child_drain(&t->spawner, m->params.drain_timeout);
		}
}

void
runners_drain(struct tenants *tenants, uint64_t within_ms)
{
	struct tenant	*t;

	TAILQ_FOREACH(t, &tenants->list, next) {
		child_drain(&t->runner, within_ms);
		child_drain(&t->spawner, within_ms);
	}
}
