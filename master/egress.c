/* SPDX-License-Identifier: Apache-2.0
 *
 * egress.c - mcpgw-egress: started when a tool with a list of hosts waits, linked to each tenant's spawner
 *
 * Process: master.
 * Owns:    its place; a pair's two ends only while they are sent.
 * Trusts:  no spawner: it gets a pair a second at most.  Which hosts are reached stands in the policy, so nothing
 *          is said here but whose spawner it is.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/log.h"
#include "master/master.h"

#define AGAIN_MS	1000	/* from one pair of the same two processes to the next */
#define GIVE_UP_FAILS	2

void
egress_init(struct master *m)
{
	child_init(&m->egress, m, ROLE_EGRESS, MASTER_WORKERS_MAX, NULL);
}

static void
refuse(struct tenant *t, const char *why)
{
	struct msg_EGRESS_NONE	none = { .why = span_of(why) };

	t->egress.waiting = false;
	(void)child_send(&t->spawner, MSG_TYPE_EGRESS_NONE, 0, &none, NULL, 0);
}

/* One pair; its ends go to the two processes and to nobody else. */
static void
link_tenant(struct tenant *t)
{
	struct master		*m = t->spawner.m;
	struct msg_EGRESS_LINK	 msg = { .tenant = span_of(t->name) };
	int			 pair[2] = { -1, -1 };

	if (t->egress.spawner == t->spawner.incarnation && t->egress.egress == m->egress.incarnation &&
	    loop_now_ms(m->loop) - t->egress.made_ms < AGAIN_MS) {
		refuse(t, "mcpgw-egress: its link broke, and is made again a second after the one before");
		return;
	}
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == -1) {
		refuse(t, errno == EMFILE || errno == ENFILE ?
		    "mcpgw-egress: no link: too many open files; raise LimitNOFILE of the gateway's service" :
		    "mcpgw-egress: no link: out of memory");
		return;
	}
	t->egress = (struct egress_link){ .made_ms = loop_now_ms(m->loop), .spawner = t->spawner.incarnation,
	    .egress = m->egress.incarnation };
	if (child_send(&m->egress, MSG_TYPE_EGRESS_LINK, 0, &msg, &pair[0], 1) == 0)
		(void)child_send(&t->spawner, MSG_TYPE_EGRESS_LINK, 0, &msg, &pair[1], 1);
	else
		t->egress.waiting = true;	/* it is dead, and its end or its successor will be noticed */
	fd_close(&pair[0]);
	fd_close(&pair[1]);
}

static bool
is_installed(const struct master *m, char *why, size_t room)
{
	char	path[PATH_MAX + 64];

	snprintf(path, sizeof(path), "%s/%s", m->libexec, role_program(ROLE_EGRESS));
	if (access(path, X_OK) == 0)
		return true;
	snprintf(why, room, "%.160s: %s; install it", path, strerror(errno));
	return false;
}

void
egress_want(struct child *spawner)
{
	struct master	*m = spawner->m;
	struct tenant	*t = spawner->tenant;
	struct child	*e = &m->egress;
	char		 why[256];

	if (t == NULL)
		return;			/* the probe has no tools */
	if (m->stopping)
		refuse(t, "mcpgw-egress: the gateway is stopping");
	else if (e->state == CHILD_READY)
		link_tenant(t);
	else if (e->state == CHILD_IDLE && !is_installed(m, why, sizeof(why)))
		refuse(t, why);
	else if (e->fails >= GIVE_UP_FAILS)
		refuse(t, "mcpgw-egress dies at start; its own lines in the log say why");
	else {
		t->egress.waiting = true;
		if (e->state != CHILD_IDLE)
			return;
		e->respawn = true;
		child_start(e);
	}
}

void
egress_on_ready(struct master *m)
{
	struct tenant	*t;

	learn_tell_egress(&m->learn);
	TAILQ_FOREACH(t, &m->tenants.list, next)
		if (t->egress.waiting)
			link_tenant(t);
}

/* Its links end with it, and spawners that need one ask again. */
void
egress_on_death(struct master *m)
{
	struct tenant	*t;

	if (m->egress.fails < GIVE_UP_FAILS && m->egress.respawn)
		return;
	TAILQ_FOREACH(t, &m->tenants.list, next)
		if (t->egress.waiting)
			refuse(t, m->stopping ? "mcpgw-egress: the gateway is stopping" :
			    "mcpgw-egress dies at start; its own lines in the log say why");
}

void
egress_drain(struct master *m, uint64_t within_ms)
{
	child_drain(&m->egress, within_ms);
}
