/* SPDX-License-Identifier: Apache-2.0
 *
 * admin.c - mcpgw-admin: its place, and the answers to what it asks
 *
 * Process: master.
 * Owns:    its place in the child table.
 * Trusts:  it for nothing but a question without content, which costs the same however often it comes: mcpgw-admin
 *          has one at a time.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "lib/fd.h"
#include "lib/log.h"
#include "master/admin.h"
#include "master/boot.h"
#include "master/master.h"
#include "shm/breaker.h"

#define ANSWER_MS	1000	/* a worker that has not answered a ping by then serves nobody */

void
admin_init(struct master *m)
{
	child_init(&m->admin, m, ROLE_ADMIN, 0, NULL);
}

bool
admin_is_wanted(const struct master *m)
{
	for (size_t i = 0; i < m->listeners.count; i++)
		if (m->listeners.items[i].kind == LISTEN_ADMIN)
			return true;
	return false;
}

/* The same memory by a descriptor that writes nothing.  Without /proc it is the one workers have, and mapped for
 * reading all the same. */
static int
for_reading(int fd)
{
	char	path[64];
	int	reading;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	reading = open(path, O_RDONLY | O_CLOEXEC);
	return reading != -1 ? reading : fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

void
admin_boot(struct child *c)
{
	struct master		*m = c->m;
	struct msg_REGION	 region = { .kind = REGION_METRICS,
	    .bytes = region_bytes(REGION_METRICS, m->regions.workers) };
	int			 fd = for_reading(m->regions.fd[REGION_METRICS]);

	if (fd == -1) {
		child_kill(c, "no descriptor for the metrics");
		return;
	}
	(void)child_send(c, MSG_TYPE_REGION, 0, &region, &fd, 1);
	fd_close(&fd);
	for (size_t i = 0; i < m->listeners.count; i++)
		if (m->listeners.items[i].kind == LISTEN_ADMIN)
			boot_listen(c, &m->listeners.items[i]);
}

/* Does it answer?  Asked anew, so that the next question finds one that hangs. */
static bool
worker_serves(struct child *c)
{
	uint64_t	now = loop_now_ms(c->m->loop);

	if (c->state != CHILD_READY)
		return false;
	child_ping(c);
	return c->state == CHILD_READY && now - c->pinged_ms < ANSWER_MS;
}

static void
send_roles(struct master *m)
{
	struct msg_ADMIN_ROLE	 roles[ROLE_LIMIT] = { [ROLE_MASTER] = { .processes = 1 } };
	struct child		*c;

	LIST_FOREACH(c, &m->children.live, live)
		roles[c->role].processes++;
	for (unsigned role = 0; role < ROLE_LIMIT; role++) {
		roles[role].role = role;
		roles[role].deaths = m->children.deaths[role];
		(void)child_send(&m->admin, MSG_TYPE_ADMIN_ROLE, 0, &roles[role], NULL, 0);
	}
}

static void
send_servers(struct master *m)
{
	struct msg_ADMIN_SERVERS	states[SERVER_STATE_LIMIT] = { { .state = 0 } };

	for (size_t i = 0; i < m->status.server_count; i++)
		states[m->status.servers[i].state].servers++;
	for (unsigned state = 0; state < SERVER_STATE_LIMIT; state++) {
		states[state].state = state;
		(void)child_send(&m->admin, MSG_TYPE_ADMIN_SERVERS, 0, &states[state], NULL, 0);
	}
}

void
admin_on_ask(struct master *m)
{
	struct msg_ADMIN_BREAKERS breakers = { 0 };
	struct msg_ADMIN_STATE	state = {
		.start_ms = m->boot, .up_ms = loop_now_ms(m->loop) - m->start_ms, .generation = m->policy_generation,
		.workers = m->workers_wanted, .audit_behind = m->status.audit_behind,
	};

	breakers.open = breaker_open_count(&m->regions.breakers, loop_now_ms(m->loop));
	for (uint32_t i = 0; i < MASTER_WORKERS_MAX; i++)
		state.serving += worker_serves(&m->workers[i]);
	send_roles(m);
	send_servers(m);
	(void)child_send(&m->admin, MSG_TYPE_ADMIN_BREAKERS, 0, &breakers, NULL, 0);
	(void)child_send(&m->admin, MSG_TYPE_ADMIN_STATE, 0, &state, NULL, 0);
}
