/* SPDX-License-Identifier: Apache-2.0
 *
 * quota.c - what tools may keep: measured before each start, and again and again while they run
 *
 * Process: mcpgw-spawn; measure() its helper.  Owns: the descriptors of folders that are watched.
 * Trusts:  nothing below a state folder.  A tool can write some seconds' worth more than it may before it
 *          is ended: the bound is for who shares the disk, not for the byte.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "sandbox/spawner/quota.h"
#include "sandbox/tree.h"

#define START_WAIT_MS	5000
#define MEASURE_MS	20000		/* in the background nobody waits */
#define EVERY_MS	5000		/* between two looks at one folder, and more where there are many */
#define TENANT_EVERY_MS	30000
#define ENTRY_BYTES	16384		/* a file for each so many bytes, */
#define ENTRIES_MORE	1000		/* and some */
#define ENTRIES_MAX	1000000
#define NOBODY_MEASURED	JAILS_MAX	/* the tenant's folder as a whole */

struct measured {
	int			error;
	struct tree_usage	usage;
};

static bool
measure(int folder, const void *job, void *result)
{
	struct measured	m = { 0 };

	m.error = tree_measure(folder, job, &m.usage);
	memcpy(result, &m, sizeof(m));
	return true;
}

static struct tree_bounds
bounds_of(uint64_t bytes, unsigned time_ms)
{
	uint64_t	entries = bytes / ENTRY_BYTES + ENTRIES_MORE;

	return (struct tree_bounds){ .bytes = bytes, .time_ms = time_ms,
	    .entries = entries > ENTRIES_MAX ? ENTRIES_MAX : entries };
}

static void
size_words(uint64_t bytes, char to[32])
{
	if (bytes >= UINT64_C(1) << 30)
		snprintf(to, 32, "%.1f GiB", (double)bytes / (1 << 30));
	else
		snprintf(to, 32, "%.1f MiB", (double)bytes / (1 << 20));
}

/* True: it may not go on, and why. */
static bool
is_too_much(const struct measured *m, uint64_t bound, const char *path, const char *setting, char *why, size_t room)
{
	char	most[32], held[32];

	if (m->error == E_TOOBIG || m->error == E_DENIED) {
		snprintf(why, room, "its folder %.200s cannot be measured: %s; remove that", path,
		    m->error == E_TOOBIG ? "folders in it are too deep" : "one in it is closed to its owner");
		return true;
	}
	if (m->error != 0 || !m->usage.over)
		return false;
	size_words(bound, most);
	size_words(m->usage.bytes, held);
	snprintf(why, room, "its folder %.200s holds more than it may: %s in %" PRIu64 " files or more, of %s; "
	    "remove what is not needed, or raise %s", path, held, m->usage.entries, most, setting);
	return true;
}

#define SETTING_STATE	"\"state\" in its \"limits\" (state_quota in mcpgw.conf)"
#define SETTING_TENANT	"state_quota_tenant in mcpgw.conf"

int
quota_check(struct spawner *s, const struct rec_profile *rec, int state, const char *path, char *why, size_t room)
{
	const struct tree_bounds	b = bounds_of(rec->state_bytes, START_WAIT_MS);
	struct helper			h;
	struct measured			m;

	s->quota.tenant_bytes = rec->tenant_bytes;
	if (rec->tenant_bytes != 0 && s->quota.tenant_why[0] != '\0') {
		snprintf(why, room, "%s", s->quota.tenant_why);
		return E_FULL;
	}
	if (rec->state_bytes == 0)
		return 0;
	helper_init(&h);
	if (helper_start(&h, measure, state, &b, sizeof(m)) != 0) {
		snprintf(why, room, "its folder cannot be measured: %s", strerror(errno));
		return E_FULL;
	}
	if (!helper_wait(&h, START_WAIT_MS + 1000, &m, sizeof(m)) || m.error == E_TIMEOUT || m.error == E_SYS) {
		snprintf(why, room, "its folder %.200s cannot be measured within %d s", path, START_WAIT_MS / 1000);
		return E_FULL;
	}
	return is_too_much(&m, rec->state_bytes, path, SETTING_STATE, why, room) ? E_FULL : 0;
}

void
quota_watch(struct spawner *s, struct jailed *j, const struct rec_profile *rec, int state, const char *path)
{
	if (rec->state_bytes == 0 || state == -1 || (j->state = fcntl(state, F_DUPFD_CLOEXEC, 3)) == -1)
		return;
	j->state_bytes = rec->state_bytes;
	j->state_path = strdup(path);
	j->measure_ms = (int64_t)clock_mono_ms() + EVERY_MS;
	if (s->quota.tenant_ms == 0)
		s->quota.tenant_ms = (int64_t)clock_mono_ms();
}

void
quota_unwatch(struct spawner *s, struct jailed *j)
{
	int64_t	soon = s->quota.tenant_last_ms + EVERY_MS;

	/* What it left is counted before others start, if they can wait so long. */
	if (j->state != -1 && soon < s->quota.tenant_ms)
		s->quota.tenant_ms = soon;
	fd_close(&j->state);
	free(j->state_path);
	free(j->why);
	j->state_path = j->why = NULL;
	j->measure_ms = 0;
}

/* ---- while they run ----------------------------------------------------------------------------- */

/* Whose turn it is: the folder that waits for longest; JAILS_MAX the tenant's. */
static int64_t
next_turn(const struct spawner *s, size_t *who)
{
	int64_t	first = s->quota.tenant_bytes != 0 ? s->quota.tenant_ms : 0;

	*who = NOBODY_MEASURED;
	for (size_t i = 0; i < JAILS_MAX; i++) {
		const struct jailed *j = &s->jails[i];

		if (j->pid != 0 && j->measure_ms != 0 && (first == 0 || j->measure_ms < first)) {
			first = j->measure_ms;
			*who = i;
		}
	}
	return first;
}

int64_t
quota_due_ms(const struct spawner *s)
{
	size_t	who;

	return s->quota.helper.pid != 0 ? 0 : next_turn(s, &who);
}

void
quota_tick(struct spawner *s)
{
	int64_t			due, now = (int64_t)clock_mono_ms();
	struct tree_bounds	b;
	size_t			who;
	int			folder = s->tenant_dir;

	if (s->quota.helper.pid != 0 || (due = next_turn(s, &who)) == 0 || due > now)
		return;
	if (who == NOBODY_MEASURED) {
		b = bounds_of(s->quota.tenant_bytes, MEASURE_MS);
		s->quota.tenant_last_ms = now;
		s->quota.tenant_ms = now + TENANT_EVERY_MS;
	} else {
		b = bounds_of(s->jails[who].state_bytes, MEASURE_MS);
		folder = s->jails[who].state;
		s->jails[who].measure_ms = now + EVERY_MS;
	}
	s->quota.who = who;
	s->quota.pid = who == NOBODY_MEASURED ? 0 : s->jails[who].pid;
	if (helper_start(&s->quota.helper, measure, folder, &b, sizeof(struct measured)) != 0)
		log_warn(LOG_SUBJECT("tenant", s->tenant), "no helper to measure folders: %s", strerror(errno));
}

static void
measured_tenant(struct spawner *s, const struct measured *m)
{
	char	why[sizeof(s->quota.tenant_why)] = "";
	bool	too_much = is_too_much(m, s->quota.tenant_bytes, s->tenant_path, SETTING_TENANT, why, sizeof(why));

	if (too_much && s->quota.tenant_why[0] == '\0')
		log_warn(LOG_SUBJECT("tenant", s->tenant), "no server that keeps files starts: %s", why);
	memcpy(s->quota.tenant_why, why, sizeof(why));
}

void
quota_measured(struct spawner *s)
{
	struct measured	m;
	struct jailed	*j;

	if (!helper_take(&s->quota.helper, &m, sizeof(m)))
		return;			/* next time */
	if (s->quota.who == NOBODY_MEASURED) {
		measured_tenant(s, &m);
		return;
	}
	j = &s->jails[s->quota.who];
	if (j->pid == 0 || j->pid != s->quota.pid || !is_too_much(&m, j->state_bytes, j->state_path != NULL ?
	    j->state_path : "", SETTING_STATE, s->quota.why, sizeof(s->quota.why)))
		return;
	log_warn(LOG_SUBJECT("tenant", s->tenant), "jail %ld is ended: %s", (long)j->pid, s->quota.why);
	free(j->why);
	j->why = strdup(s->quota.why);
	jail_end(j->pidfd, s->reduced);
}
