/* SPDX-License-Identifier: Apache-2.0
 *
 * leaf.c - the control group of each jail: made before it, removed after it
 *
 * Process: mcpgw-spawn.  Owns: the leaves in struct jailed.
 * Trusts:  the master for the folder, the profile for the bounds.
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "ipc/codec.h"
#include "lib/clock.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "sandbox/spawner/leaf.h"

#define UNTHROTTLED_MS	5000	/* a start that is held back takes many times as long */
#define REMOVE_MS	50
#define REMOVE_TRIES	100
#define LEFT_OVER_MAX	64	/* numbers that leaves of a spawner before may have */

int
leaf_room(struct spawner *s, unsigned kind, const char *path)
{
	static const enum cgroup_part	parts[] = { CGROUP_MEMORY, CGROUP_MEMORY, CGROUP_PIDS, CGROUP_CPU,
					    CGROUP_FREEZER };

	return cgroup_room_add(&s->cgroups, parts[kind - DIR_CGROUP], kind == DIR_CGROUP, path);
}

int
leaf_make(struct spawner *s, const struct rec_profile *rec, struct jailed *j)
{
	const struct cgroup_bounds	b = { .memory_bytes = rec->memory_bytes, .pids = rec->pids };
	int				r = E_SYS;

	j->memory_bytes = rec->memory_bytes;
	j->cpu_milli = rec->cpu_milli;
	if (!cgroup_room_any(&s->cgroups))
		return 0;
	for (int i = 0; i < LEFT_OVER_MAX; i++)
		if ((r = cgroup_leaf_make(&s->cgroups, ++s->leaf_number, &b, &j->leaf)) == 0 || errno != EEXIST)
			break;
	if (r == 0 && j->cpu_milli != 0)
		j->due_ms = (int64_t)clock_mono_ms() + UNTHROTTLED_MS;
	return r;
}

void
leaf_drop(struct spawner *s, struct jailed *j)
{
	j->due_ms = 0;
	if (cgroup_leaf_remove(&s->cgroups, &j->leaf) == 0)
		return;
	if (++j->tries < REMOVE_TRIES) {
		j->due_ms = (int64_t)clock_mono_ms() + REMOVE_MS;
		return;
	}
	/* The master removes it when it next starts a spawner for this tenant. */
	log_warn(LOG_SUBJECT("tenant", s->tenant), "control group %s is left over: %s", j->leaf.name,
	    strerror(errno));
	j->leaf.made = false;
}

void
leaf_end(struct spawner *s, struct jailed *j)
{
	/* A pid namespace takes all with it; without, somebody may still be in it. */
	if (s->reduced && cgroup_leaf_kill(&s->cgroups, &j->leaf) != 0 && j->leaf.made &&
	    ++j->tries < REMOVE_TRIES) {
		j->due_ms = (int64_t)clock_mono_ms() + REMOVE_MS;
		return;
	}
	leaf_drop(s, j);
}

void
leaf_on_event(struct spawner *s, struct jailed *j)
{
	uint64_t	count;

	/* An eventfd is emptied by reading it; so is what a file of version 2 says of itself. */
	if (s->cgroups.unified)
		(void)!lseek(j->leaf.events, 0, SEEK_SET);
	while (read(j->leaf.events, &count, sizeof(count)) > 0)
		;
	/* Version 1 tells of nothing else, and tells before it has counted. */
	j->oom = j->oom || !s->cgroups.unified || cgroup_leaf_oom(&s->cgroups, &j->leaf) > 0;
	if (j->oom)
		jail_end(j->pidfd, s->reduced);
}

/* The largest unit it is whole in, as servers.json writes it. */
static void
size_words(uint64_t bytes, char *to, size_t room)
{
	static const char *const	units[] = { "", "KiB", "MiB", "GiB" };
	unsigned			u = 0;

	while (u < 3 && bytes != 0 && bytes % 1024 == 0) {
		bytes /= 1024;
		u++;
	}
	snprintf(to, room, "%llu%s", (unsigned long long)bytes, units[u]);
}

void
leaf_why(const struct spawner *s, const struct jailed *j, char *to, size_t room)
{
	char	limit[32];

	to[0] = '\0';
	if (!j->oom && cgroup_leaf_oom(&s->cgroups, &j->leaf) == 0)
		return;
	size_words(j->memory_bytes, limit, sizeof(limit));
	snprintf(to, room, "out of memory (limit %s)", limit);
}

/* ---- later -------------------------------------------------------------------------------------- */

int64_t
leaf_due_ms(const struct spawner *s)
{
	int64_t	first = 0;

	for (size_t i = 0; i < JAILS_MAX; i++)
		if (s->jails[i].due_ms != 0 && (first == 0 || s->jails[i].due_ms < first))
			first = s->jails[i].due_ms;
	return first;
}

void
leaf_tick(struct spawner *s)
{
	int64_t	now = (int64_t)clock_mono_ms();

	for (size_t i = 0; i < JAILS_MAX; i++) {
		struct jailed *j = &s->jails[i];

		if (j->due_ms == 0 || j->due_ms > now)
			continue;
		if (j->pid == 0) {
			leaf_end(s, j);
			continue;
		}
		j->due_ms = 0;
		if (cgroup_leaf_throttle(&s->cgroups, &j->leaf, j->cpu_milli) != 0)
			log_warn(LOG_SUBJECT("tenant", s->tenant), "jail %ld: its processor time cannot be "
			    "limited: %s", (long)j->pid, strerror(errno));
	}
}

void
leaf_complain(const struct spawner *s, const struct snap *profile)
{
	const struct rec_profile	*rec;
	unsigned			 lost;

	for (uint64_t i = 0; (rec = SNAP_AT(profile, PROFILE, i)) != NULL; i++) {
		lost = rec->written;
		lost &= ~(s->cgroups.has[CGROUP_MEMORY] ? LIMIT_MEMORY : 0u);
		lost &= ~(s->cgroups.has[CGROUP_PIDS] ? LIMIT_PIDS : 0u);
		lost &= ~(s->cgroups.has[CGROUP_CPU] ? LIMIT_CPU : 0u);
		if (lost != 0)
			log_warn(LOG_SUBJECT("tenant", s->tenant), "server %.*s: its limits cannot be held without a "
			    "cgroup:%s%s%s", SPAN_FMT(snap_text(profile, rec->server)),
			    lost & LIMIT_MEMORY ? " memory" : "", lost & LIMIT_PIDS ? " pids" : "",
			    lost & LIMIT_CPU ? " cpu" : "");
	}
}
