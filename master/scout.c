/* SPDX-License-Identifier: Apache-2.0
 *
 * scout.c - mcpgw-scout: started when there are HTTP servers; what it finds goes to the workers
 *
 * Process: master.
 * Owns:    its place.  The last catalogue stands among the snapshots in force, for workers and scouts to come.
 * Trusts:  that a catalogue is whole, after looking; what is in it is never read here.  When the scout is dead or
 *          slow nothing changes: the last one serves.
 */
#include "lib/log.h"
#include "master/boot.h"
#include "master/master.h"
#include "policy/records.h"

#define BYTES_MAX	(8 * 1024 * 1024)

void
scout_init(struct master *m)
{
	child_init(&m->scout, m, ROLE_SCOUT, 0, NULL);
}

static bool
has_work(const struct snap *policy)
{
	const struct rec_server	*s;

	for (uint64_t i = 0; (s = SNAP_AT(policy, SERVER, i)) != NULL; i++)
		if (s->kind == SERVER_HTTP && (s->flags & SERVER_FLAG_DISABLED) == 0)
			return true;
	return false;
}

void
scout_look(struct master *m)
{
	if (m->stopping || m->scout.respawn || !has_work(m->policy))
		return;
	m->scout.respawn = true;
	if (m->scout.state == CHILD_IDLE)
		child_start(&m->scout);
}

void
scout_on_catalogue(struct master *m, int *fds, const struct msg_CATALOGUE_MADE *b)
{
	const struct snapitem	*before = snapset_find(&m->in_force, SNAP_CATALOGUE, SPAN_NONE);
	struct snapset		 made;
	struct child		*c;
	int			 r;

	snapset_init(&made);
	if (b->length > BYTES_MAX)
		r = E_TOOBIG;
	else if (before != NULL && before->head.generation >= b->generation)
		r = E_UNTIMELY;
	else if ((r = snapset_take(&made, &fds[0], SNAP_CATALOGUE, SPAN_NONE, b->generation)) == 0)
		r = snapset_replace(&m->in_force, &made, 1u << SNAP_CATALOGUE);
	snapset_fini(&made);
	if (r != 0) {
		log_warn_repeat(child_subject(&m->scout), "its catalogue is dropped: %s", err_text(r));
		return;
	}
	LIST_FOREACH(c, &m->children.live, live)
		if (c->role == ROLE_WORKER && child_has_channel(c))
			boot_offer(c, 1u << SNAP_CATALOGUE);
}
