/* SPDX-License-Identifier: Apache-2.0
 *
 * heirsnaps.c - what comes into force after an upgrade, for the workers that the master before still has
 *
 * Process: master, both of them.  Owns: nothing; of the old one, the snapshots become those in force.
 * Trusts:  the other master; a snapshot after its seals and sum.
 *
 * A key that is revoked, or a policy that is changed, counts at once for those who are served to their end, too.  Where
 * the other release reads snapshots of another form its workers are told to finish: none serves by what was before for
 * longer than a stop takes.
 */
#include <string.h>

#include "lib/log.h"
#include "master/boot.h"
#include "master/master.h"

/* What every worker gets, and so is waited for. */
#define WAITED_FOR	(1u << SNAP_POLICY | 1u << SNAP_KEYS)

/* --- the heir --------------------------------------------------------------------------------- */

static bool
send_all(struct master *m, unsigned kinds, uint64_t generation)
{
	struct chan	*c = &m->heir.chan;
	int		 r = 0;

	for (size_t i = 0; r == 0 && i < m->in_force.count; i++) {
		const struct snapitem	*item = &m->in_force.items[i];
		char			 consumer[sizeof(item->head.consumer) + 1] = "";

		if ((kinds & 1u << item->head.kind) == 0)
			continue;
		memcpy(consumer, item->head.consumer, sizeof(item->head.consumer));
		r = heir_give(c, HEIRLOOM_OFFERED, item->head.kind, item->head.generation, consumer, item->fd);
	}
	return r == 0 && heir_say(c, HEIR_FACT_OFFERED, kinds, generation, "") == 0;
}

void
heir_offer(struct master *m, unsigned kinds, uint64_t generation)
{
	struct heir	*h = &m->heir;

	if (!h->lives || !h->taken)
		return;
	if (h->format != SNAP_FORMAT)
		log_notice(NULL, "the workers of the master before, pid %ld, cannot read generation %llu; they are "
		    "told to finish", (long)h->old_pid, (unsigned long long)generation);
	else if (send_all(m, kinds, generation))
		return;
	heir_hurry(m);
}

void
heir_offer_first(struct master *m)
{
	unsigned	kinds = 1u << SNAP_KEYS;

	if (m->reload.state == RELOAD_OFFERED)
		kinds |= 1u << SNAP_POLICY | 1u << SNAP_PROFILE | 1u << SNAP_SECRETS;
	if (m->heir.format == SNAP_FORMAT || m->reload.state == RELOAD_OFFERED)
		heir_offer(m, kinds, m->generation);
}

bool
heir_has(const struct master *m, uint64_t generation)
{
	return m->heir.busy == 0 || m->heir.has >= generation;
}

/* --- the master before ------------------------------------------------------------------------ */

void
heir_take_offered(struct master *m, const struct msg_HEIRLOOM *b, int *fd)
{
	struct snapset	one;
	int		r = E_FORMAT;

	snapset_init(&one);
	if (b->number == SNAP_POLICY || b->number == SNAP_PROFILE || b->number == SNAP_SECRETS ||
	    b->number == SNAP_KEYS)
		r = snapset_take(&one, fd, b->number, b->name, b->value);
	if (r == 0)
		r = snapset_put(&m->in_force, &one);
	snapset_fini(&one);
	if (r != 0) {
		log_err(NULL, "snapshot of kind %u of the new master refused: %s; the workers finish", b->number,
		    err_text(r));
		stop_hurry(m);
	}
}

void
heir_on_offered(struct master *m, unsigned kinds, uint64_t generation)
{
	struct child	*c;

	m->upgrade.offered = generation;
	m->upgrade.offered_kinds = kinds & WAITED_FOR;
	LIST_FOREACH(c, &m->children.live, live)
		if (child_has_channel(c) && c->role != ROLE_COMPILE)
			boot_offer(c, kinds);
	heir_look(m);
}

static bool
has_all(const struct child *c, unsigned kinds)
{
	for (unsigned kind = 1; kind < SNAP_KIND_LIMIT; kind++) {
		const struct snapitem	*item = (kinds & 1u << kind) == 0 ? NULL :
		    snapset_find(&c->m->in_force, (enum snap_kind)kind, SPAN_NONE);

		if (item != NULL && c->in_force[kind] < item->head.generation)
			return false;
	}
	return true;
}

void
heir_look(struct master *m)
{
	struct upgrade	*u = &m->upgrade;

	if (u->state != UPGRADE_HANDED || u->offered == 0)
		return;
	/* One whose channel is closed already may not be gone yet. */
	for (uint32_t i = 0; i < MASTER_WORKERS_MAX; i++)
		if (m->workers[i].pid != 0 && !has_all(&m->workers[i], u->offered_kinds))
			return;
	if (u->has_chan && heir_say(&u->chan, HEIR_FACT_IN_FORCE, 0, u->offered, "") != 0)
		log_debug(NULL, "the new master does not hear what is in force here");
	u->offered = 0;
}
