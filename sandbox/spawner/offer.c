/* SPDX-License-Identifier: Apache-2.0
 *
 * offer.c - snapshots the master offers
 *
 * Process: mcpgw-spawn.  Owns: the snapshots in force, and the profile before.
 * Trusts:  seals, head and sum (policy/snap.h); the master for the rest.
 */
#include <sys/mman.h>
#include <sysexits.h>

#include "ipc/heritage.h"
#include "ipc/wait.h"
#include "lib/log.h"
#include "sandbox/spawner/leaf.h"
#include "sandbox/spawner/offer.h"

/* Jails are forked from here: what they must not know is not copied into them at all. */
static void
keep_from_children(const struct snap *snap)
{
	const struct snap_head	*head = snap_head(snap);

	if (madvise((void *)(uintptr_t)head, head->length, MADV_DONTFORK) == -1)
		fatal(EX_OSERR, "cannot keep a snapshot out of jails: %m");
}

int
offer_take(struct spawner *s, const struct msg_SNAPSHOT_OFFER *m, int fd)
{
	struct msg_SNAPSHOT_IN_FORCE	yes = { .kind = m->kind, .generation = m->generation };
	struct msg_SNAPSHOT_REFUSED	no = { .kind = m->kind, .generation = m->generation };
	struct snap			*before = NULL;
	int				 r = E_UNTIMELY, sent;

	if (m->kind == SNAP_PROFILE || m->kind == SNAP_SECRETS) {
		before = swap_hold(&s->snaps, (enum snap_kind)m->kind);
		r = swap_offer(&s->snaps, fd, m->kind, m->generation, m->length);
	}
	if (r == 0) {
		keep_from_children(swap_current(&s->snaps, (enum snap_kind)m->kind));
		if (m->kind == SNAP_PROFILE)
			leaf_complain(s, swap_current(&s->snaps, SNAP_PROFILE));
		if (m->kind == SNAP_PROFILE && before != NULL) {
			snap_release(&s->profile_before);
			s->profile_before = before;
			before = NULL;
		}
		sent = chan_send_wait(HERITAGE_CONTROL, MSG_TYPE_SNAPSHOT_IN_FORCE, 0, &yes, NULL, 0);
	} else {
		log_warn(LOG_SUBJECT("tenant", s->tenant), "snapshot refused: %s, kind=%u generation=%llu",
		    err_text(r), m->kind, (unsigned long long)m->generation);
		no.error = r;
		sent = chan_send_wait(HERITAGE_CONTROL, MSG_TYPE_SNAPSHOT_REFUSED, 0, &no, NULL, 0);
	}
	snap_release(&before);
	return r != 0 ? r : sent;
}
