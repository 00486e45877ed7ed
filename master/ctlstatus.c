/* SPDX-License-Identifier: Apache-2.0
 *
 * ctlstatus.c - what `mcpgwctl status` is told: the master, its children, servers, rates
 *
 * Process: master.
 * Owns:    nothing.
 * Trusts:  its own books, and sums of what workers count.
 */
#include <stdio.h>
#include <unistd.h>

#include "master/ctlconn.h"
#include "master/master.h"
#include "shm/inflight.h"
#include "shm/metric.h"

static uint32_t
process_state(const struct child *c)
{
	switch (c->state) {
	case CHILD_BOOTING:
		return CTL_PROCESS_STARTING;
	case CHILD_READY:
		return CTL_PROCESS_READY;
	case CHILD_DRAINING:
	case CHILD_LEAVING:
		return CTL_PROCESS_LEAVING;
	default:
		return CTL_PROCESS_WAITING;
	}
}

static void
send_process(struct ctl_conn *c, const struct child *child)
{
	struct msg_CTL_PROCESS	p = {
		.role = child->role, .slot = child->role == ROLE_EGRESS ? 0 : child->slot, .pid = (uint32_t)child->pid,
		.state = process_state(child), .generation = child->in_force[SNAP_POLICY],
		.deaths = child->deaths,
		.tenant = child->tenant == NULL ? SPAN_NONE : span_of(child->tenant->name),
	};

	if (child->pid != 0)
		p.up_ms = loop_now_ms(c->s->m->loop) - child->born_ms;
	(void)ctl_send(c, MSG_TYPE_CTL_PROCESS, &p, NULL, 0);
}

static void
send_processes(struct ctl_conn *c)
{
	struct master	*m = c->s->m;
	struct tenant	*t;

	send_process(c, &m->store);
	send_process(c, &m->auditor);
	if (m->egress.incarnation > 0)
		send_process(c, &m->egress);
	if (m->admin.incarnation > 0)
		send_process(c, &m->admin);
	if (m->scout.incarnation > 0)
		send_process(c, &m->scout);
	for (uint32_t i = 0; i < MASTER_WORKERS_MAX; i++)
		if (m->workers[i].state != CHILD_IDLE)
			send_process(c, &m->workers[i]);
	TAILQ_FOREACH(t, &m->tenants.list, next) {
		send_process(c, &t->spawner);
		send_process(c, &t->runner);
	}
}

static void
send_master(struct ctl_conn *c)
{
	struct master		*m = c->s->m;
	struct msg_CTL_MASTER	 b = {
		.version = span_of(MCPGW_VERSION), .up_ms = loop_now_ms(m->loop) - m->start_ms,
		.generation = m->policy_generation, .since_ms = m->policy_since_ms,
		.pid = (uint32_t)getpid(), .workers = m->workers_wanted,
		.probe = m->status.probe, .probe_line = span_of(m->status.probe_line),
		.config_dir = span_of(m->where.config_dir), .holds = m->holds,
	};
	char			 rolled[128], audit[sizeof(m->audit_dir) + 512];
	struct msg_CTL_CONFINED	 confined = { .cgroup = span_of(m->cgroups.line) };

	for (uint32_t i = 0; i < MASTER_WORKERS_MAX; i++)
		b.workers_ready += m->workers[i].state == CHILD_READY;
	if (m->rollback.to != 0) {
		snprintf(rolled, sizeof(rolled), "rolled back to the policy of generation %llu; the files are not in "
		    "force: mcpgwctl diff", (unsigned long long)m->rollback.to);
		b.warning = span_of(rolled);
	}
	if (m->last_good)
		b.warning = SPAN_LIT("the configuration files do not compile; the last good policy "
		    "serves: mcpgwctl check");
	if (m->status.audit_trouble[0] != '\0') {
		snprintf(audit, sizeof(audit), "the audit is not kept up: %s; calls are refused when its room is used "
		    "up: df %s", m->status.audit_trouble, m->audit_dir);
		b.warning = span_of(audit);
	}
	confined.held = cgroups_held(&m->cgroups);
	(void)ctl_send(c, MSG_TYPE_CTL_MASTER, &b, NULL, 0);
	(void)ctl_send(c, MSG_TYPE_CTL_CONFINED, &confined, NULL, 0);
}

static void
send_servers(struct ctl_conn *c)
{
	const struct status	*s = &c->s->m->status;
	uint64_t		 now_ms = loop_now_ms(c->s->m->loop);

	for (size_t i = 0; i < s->server_count; i++) {
		const struct server_status	*one = &s->servers[i];
		struct msg_CTL_SERVER		 b = {
			.tenant = span_of(one->tenant), .name = span_of(one->name), .state = one->state,
			.instances = one->instances, .tools = one->tools,
			/* From a point of our clock to a span of anybody's. */
			.next_try_ms = one->next_try_ms > now_ms ? one->next_try_ms - now_ms : 0,
			.error = span_of(one->error),
		};

		(void)ctl_send(c, MSG_TYPE_CTL_SERVER, &b, NULL, 0);
	}
}

int
ctlstatus_snapshot(struct ctl_conn *c, enum snap_kind kind, struct span consumer)
{
	const struct snapitem	*item = snapset_find(&c->s->m->in_force, kind, consumer);
	struct msg_CTL_SNAPSHOT	 b = { .kind = kind };

	if (item == NULL)
		return E_NOTFOUND;
	b.generation = item->head.generation;
	return ctl_send(c, MSG_TYPE_CTL_SNAPSHOT, &b, &item->fd, 1);
}

static void
send_rates(struct ctl_conn *c)
{
	struct master		*m = c->s->m;
	struct msg_CTL_SINCE	 since = { .by = m->policy_by.by, .uid = m->policy_by.uid };
	const struct region	*metrics = &m->regions.metrics;
	struct msg_CTL_CACHE	 cache = {
		.hits = metric_sum(metrics, METRIC_cache_hits_total),
		.misses = metric_sum(metrics, METRIC_cache_misses_total),
		.waits = metric_sum(metrics, METRIC_cache_waits_total),
		.bytes = metric_sum(metrics, METRIC_cache_bytes),
	};
	struct rates_now	 now;
	struct msg_CTL_RATES	 rates;

	(void)ctl_send(c, MSG_TYPE_CTL_SINCE, &since, NULL, 0);
	(void)ctl_send(c, MSG_TYPE_CTL_CACHE, &cache, NULL, 0);
	if (rates_now(&m->rates, &now) != 0)
		return;
	rates = (struct msg_CTL_RATES){ .window_ms = now.window_ms, .requests = now.since.requests,
	    .calls = now.since.calls, .denied = now.since.denied, .p50_us = now.p50_us, .p99_us = now.p99_us };
	(void)ctl_send(c, MSG_TYPE_CTL_RATES, &rates, NULL, 0);
	for (size_t i = 0; i < now.since.profile_count; i++) {
		const struct rates_calls	*p = &now.since.profiles[i];
		struct msg_CTL_LOAD		 load = { .profile = p->profile, .in_flight = p->in_flight,
		    .calls = p->calls };

		if (p->in_flight > 0 || p->calls > 0)
			(void)ctl_send(c, MSG_TYPE_CTL_LOAD, &load, NULL, 0);
	}
	rates_now_fini(&now);
}

void
ctlstatus_run(struct ctl_conn *c)
{
	struct master			*m = c->s->m;
	const struct region		*metrics = &m->regions.metrics;
	struct msg_CTL_COUNTERS		 counters = {
		.requests = metric_sum(metrics, METRIC_requests_total),
		.calls = metric_sum(metrics, METRIC_calls_total),
		.denied = metric_sum(metrics, METRIC_calls_denied_total),
		.in_flight = inflight_total(&m->regions.inflight),
		.audit_behind = m->status.audit_behind,
	};

	send_master(c);
	send_processes(c);
	for (size_t i = 0; i < m->listeners.count; i++) {
		struct msg_CTL_LISTENER	l = { .kind = m->listeners.items[i].kind,
		    .address = span_of(m->listeners.items[i].address) };

		(void)ctl_send(c, MSG_TYPE_CTL_LISTENER, &l, NULL, 0);
	}
	(void)ctl_send(c, MSG_TYPE_CTL_COUNTERS, &counters, NULL, 0);
	send_rates(c);
	(void)ctlstatus_snapshot(c, SNAP_POLICY, SPAN_NONE);
	send_servers(c);
	if (m->pins.held > 0)
		(void)ctl_send(c, MSG_TYPE_CTL_PINS, &(struct msg_CTL_PINS){ .held = m->pins.held,
		    .first = span_of(m->pins.first) }, NULL, 0);
	ctl_done(c, 0);
}
