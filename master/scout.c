/* SPDX-License-Identifier: Apache-2.0
 *
 * scout.c - mcpgw-scout: started when there is something for it to do; what it finds goes to the workers
 *
 * Process: master.
 * Owns:    its place.  The last catalogue and the last key sets stand among the snapshots in force, for workers and
 *          scouts to come.
 * Trusts:  that a catalogue is whole, after looking; what is in it is never read here.  When the scout is dead or
 *          slow nothing changes: the last one serves.
 */
#include "lib/log.h"
#include "master/boot.h"
#include "master/master.h"
#include "policy/records.h"
#include "policy/renumber.h"

#define CATALOGUE_BYTES_MAX	(8 * 1024 * 1024)
#define KEYSETS_BYTES_MAX	(32 * 1024 * 1024)
#define VAULT_BYTES_MAX		(64 * 1024 * 1024)

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
	return snap_count(policy, SECTION_KEYSOURCE) + snap_count(policy, SECTION_VAULT) > 0;
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

/* Takes fds[0].  False: it was dropped. */
static bool
take_made(struct master *m, int *fds, enum snap_kind kind, uint64_t generation, uint64_t length, uint64_t most,
    const char *what)
{
	const struct snapitem	*before = snapset_find(&m->in_force, kind, SPAN_NONE);
	struct snapset		 made;
	struct child		*c;
	int			 r;

	snapset_init(&made);
	if (length > most)
		r = E_TOOBIG;
	else if (before != NULL && before->head.generation >= generation)
		r = E_UNTIMELY;
	else if ((r = snapset_take(&made, &fds[0], kind, SPAN_NONE, generation)) == 0)
		r = snapset_replace(&m->in_force, &made, 1u << kind);
	snapset_fini(&made);
	if (r != 0) {
		log_warn_repeat(child_subject(&m->scout), "%s dropped: %s", what, err_text(r));
		return false;
	}
	LIST_FOREACH(c, &m->children.live, live)
		if (c->role == ROLE_WORKER && child_has_channel(c))
			boot_offer(c, 1u << kind);
	return true;
}

void
scout_on_catalogue(struct master *m, int *fds, const struct msg_CATALOGUE_MADE *b)
{
	(void)take_made(m, fds, SNAP_CATALOGUE, b->generation, b->length, CATALOGUE_BYTES_MAX, "its catalogue is");
}

void
scout_on_keysets(struct master *m, int *fds, const struct msg_KEYSETS_MADE *b)
{
	const struct msg_STORE_KEYSETS_SAVE	 save = { 0 };
	const struct snapitem			*item;

	if (take_made(m, fds, SNAP_KEYSETS, b->generation, b->length, KEYSETS_BYTES_MAX, "its key sets are") &&
	    (item = snapset_find(&m->in_force, SNAP_KEYSETS, SPAN_NONE)) != NULL && m->store.state == CHILD_READY)
		(void)child_send(&m->store, MSG_TYPE_STORE_KEYSETS_SAVE, 0, &save, &item->fd, 1);
}

void
scout_on_vault(struct master *m, int *fds, const struct msg_VAULT_MADE *b)
{
	if (!take_made(m, fds, SNAP_VAULT, b->generation, b->length, VAULT_BYTES_MAX, "what the vault said is"))
		return;
	/* After a rollback the files are for the operator to read again. */
	if (m->rollback.to != 0) {
		log_warn(NULL, "the vault has other values; after the rollback they wait for mcpgwctl reload");
		return;
	}
	log_notice(NULL, "the vault has other values; the configuration is read again");
	reload_request(&m->reload, COMPILE_POLICY, (struct reload_by){ GENERATION_BY_VAULT, 0 }, NULL);
}

void
scout_on_loaded(struct master *m, int *fds)
{
	struct snapset	before;
	int		fd = -1, r;

	if (snapset_find(&m->in_force, SNAP_KEYSETS, SPAN_NONE) != NULL)
		return;
	snapset_init(&before);
	/* Whatever the scout makes comes later. */
	if ((r = renumber_copy(fds[0], 1, &fd)) == 0 &&
	    (r = snapset_take(&before, &fd, SNAP_KEYSETS, SPAN_NONE, 1)) == 0)
		r = snapset_replace(&m->in_force, &before, 1u << SNAP_KEYSETS);
	snapset_fini(&before);
	if (r != 0)
		log_warn(NULL, "the issuers' keys of before are not used: %s", err_text(r));
}

bool
scout_want_keys(struct master *m, const struct msg_KEYSET_WANTED *b)
{
	return m->scout.state == CHILD_READY && child_send(&m->scout, MSG_TYPE_KEYSET_WANTED, 0, b, NULL, 0) == 0;
}
