/* SPDX-License-Identifier: Apache-2.0
 *
 * boot.c - what a child gets before GO: who it is, then its descriptors, by role
 *
 * Process: master.
 * Owns:    nothing; descriptors are lent to the message.
 * Trusts:  nothing is read here.
 *
 * Start, reload and respawn are one path: a child always begins with what is in force now.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/fd.h"
#include "lib/log.h"
#include "lib/num.h"
#include "master/boot.h"
#include "master/master.h"

static void
send_boot(struct child *c)
{
	struct master	*m = c->m;
	struct msg_BOOT	 boot = {
		.slot = c->slot, .incarnation = c->incarnation, .boot = m->boot,
		.workers = MASTER_WORKERS_MAX,
		.flags = m->personal ? BOOT_FLAG_PERSONAL : 0,
		.tenant = c->tenant == NULL ? SPAN_NONE : span_of(c->tenant->name),
	};

	if (m->policy != NULL)
		boot.flags |= (uint32_t)(m->params.log_level + LOG_LEVEL_ERR) << BOOT_LEVEL_SHIFT;
	if (c->role == ROLE_SPAWNER)
		boot.flags |= m->fallback == JAIL_FALLBACK_YES ? BOOT_FLAG_FALLBACK :
		    m->fallback == JAIL_FALLBACK_MAY ? BOOT_FLAG_FALLBACK_MAY : 0;
	if (m->status.probe == PROBE_REDUCED)
		boot.flags |= BOOT_FLAG_REDUCED;
	(void)child_send(c, MSG_TYPE_BOOT, 0, &boot, NULL, 0);
}

static void
send_directory(struct child *c, enum dir_kind kind, const char *path)
{
	struct msg_DIRECTORY	d = { .kind = kind, .path = span_of(path) };

	(void)child_send(c, MSG_TYPE_DIRECTORY, 0, &d, NULL, 0);
}

static void
send_snapshot(struct child *c, const struct snapitem *item)
{
	struct msg_SNAPSHOT_OFFER	offer;

	if (item == NULL)
		return;
	offer = (struct msg_SNAPSHOT_OFFER){ .kind = item->head.kind,
	    .generation = item->head.generation, .length = item->head.length };
	(void)child_send(c, MSG_TYPE_SNAPSHOT_OFFER, 0, &offer, &item->fd, 1);
}

void
boot_offer(struct child *c, unsigned kinds)
{
	static const struct {
		enum snap_kind	kind;
		unsigned	roles;
		enum { FOR_ALL, FOR_WORKERS, FOR_SCOUT, FOR_TENANT } consumer;
	} wants[] = {
		/* Before their policy: a worker takes both with it. */
		{ SNAP_SECRETS,	R_WORKER,		FOR_WORKERS },
		{ SNAP_SECRETS,	R_SCOUT,		FOR_SCOUT },
		{ SNAP_POLICY,	R_WORKER | R_AUDITOR | R_EGRESS | R_ADMIN | R_SCOUT, FOR_ALL },
		{ SNAP_CATALOGUE, R_WORKER | R_SCOUT,	FOR_ALL },
		{ SNAP_KEYSETS,	R_WORKER | R_SCOUT,	FOR_ALL },
		{ SNAP_KEYS,	R_WORKER | R_ADMIN,	FOR_ALL },
		{ SNAP_PINS,	R_WORKER,		FOR_ALL },
		{ SNAP_TOKENS,	R_WORKER,		FOR_ALL },
		{ SNAP_GRANTS,	R_SCOUT,		FOR_ALL },
		{ SNAP_VAULT,	R_SCOUT | R_COMPILE,	FOR_ALL },
		{ SNAP_PROFILE,	R_SPAWNER | R_RUNNER,	FOR_TENANT },
		{ SNAP_SECRETS,	R_SPAWNER,		FOR_TENANT },
	};

	for (size_t i = 0; i < sizeof(wants) / sizeof(wants[0]); i++) {
		struct span	consumer = SPAN_NONE;

		if ((kinds & 1u << wants[i].kind) == 0 || (wants[i].roles & ROLE_BIT(c->role)) == 0)
			continue;
		if (wants[i].consumer == FOR_TENANT && c->tenant == NULL)
			continue;	/* the probe serves no tenant */
		if (wants[i].consumer == FOR_WORKERS)
			consumer = SPAN_LIT("worker");
		else if (wants[i].consumer == FOR_SCOUT)
			consumer = SPAN_LIT(SCOUT_CONSUMER);
		else if (wants[i].consumer == FOR_TENANT)
			consumer = span_of(c->tenant->name);
		send_snapshot(c, snapset_find(&c->m->in_force, wants[i].kind, consumer));
	}
}

void
boot_listen(struct child *c, const struct listener *l)
{
	struct msg_LISTEN	listen = { .kind = l->kind, .number = l->number, .address = span_of(l->address) };

	(void)child_send(c, MSG_TYPE_LISTEN, 0, &listen, &l->fd, 1);
}

static void
send_region(struct child *c, enum region_kind kind)
{
	const struct msg_REGION	region = { .kind = kind, .bytes = region_bytes(kind, c->m->regions.workers) };

	(void)child_send(c, MSG_TYPE_REGION, 0, &region, &c->m->regions.fd[kind], 1);
}

static void
send_worker(struct child *c)
{
	struct master		*m = c->m;
	struct msg_KEYRING	 ring = { .generation = m->boot };

	for (int kind = REGION_LIMITS; kind < REGION_LIMIT; kind++)
		send_region(c, (enum region_kind)kind);
	for (size_t i = 0; i < m->listeners.count; i++)
		if (m->listeners.items[i].kind != LISTEN_ADMIN)		/* mcpgw-admin's */
			boot_listen(c, &m->listeners.items[i]);
	(void)child_send(c, MSG_TYPE_KEYRING, 0, &ring, &m->keyring, 1);
	ticket_keys_send(&m->ticket_keys, c);
	workers_tell_slots(c);
}

void
boot_audit_log(struct child *c)
{
	const struct span	path = c->m->params.audit_log;
	struct msg_AUDIT_LOG	log = { 0 };
	struct stat		st;
	char			name[PATH_MAX];
	int			fd;

	if (path.n == 0 || path.n >= sizeof(name))
		return;
	snprintf(name, sizeof(name), "%.*s", SPAN_FMT(path));
	fd = open(name, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600);
	if (fd == -1 || fstat(fd, &st) == -1 || !S_ISREG(st.st_mode))
		log_err(LOG_SUBJECT("audit_log", name), "%s; nothing is written there", fd == -1 ? strerror(errno) :
		    "no regular file");
	else
		(void)child_send(c, MSG_TYPE_AUDIT_LOG, 0, &log, &fd, 1);
	fd_close(&fd);
}

void
boot_child(struct child *c)
{
	struct master	*m = c->m;
	struct msg_GO	 go = { 0 };

	send_boot(c);
	switch (c->role) {
	case ROLE_WORKER:
		send_worker(c);
		break;
	case ROLE_ADMIN:
		admin_boot(c);
		break;
	case ROLE_STORE:
		send_directory(c, DIR_STORE, m->store_dir);
		send_region(c, REGION_QUOTAS);
		(void)child_send(c, MSG_TYPE_KEYRING, 0, &(struct msg_KEYRING){ .generation = m->boot },
		    &m->grants_key, 1);
		break;
	case ROLE_AUDITOR:
		send_directory(c, DIR_AUDIT, m->audit_dir);
		send_directory(c, DIR_SPOOL, m->spool_dir);
		boot_audit_log(c);
		break;
	case ROLE_RUNNER:
	case ROLE_SPAWNER:
		if (c->tenant != NULL)
			runners_boot(c);
		break;
	case ROLE_COMPILE:
		compile_boot(c);
		break;
	case ROLE_MASTER:
	case ROLE_EGRESS:
	case ROLE_SCOUT:
	case ROLE_CTL:
	case ROLE_LIMIT:
		break;
	}
	boot_offer(c, ~0u);
	(void)child_send(c, MSG_TYPE_GO, 0, &go, NULL, 0);
}
