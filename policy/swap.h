/* SPDX-License-Identifier: Apache-2.0
 *
 * swap.h - the snapshots in force in this process, one of each kind: hold, release, replace
 *
 * A request holds what it began with (swap_hold), so a reload never changes it half-way; the old
 * snapshot is unmapped when its last request lets go.  One thread, as everywhere.
 */
#ifndef POLICY_SWAP_H
#define POLICY_SWAP_H

#include "policy/snap.h"

struct swap {
	struct snap	*current[SNAP_KIND_LIMIT];
};

void		swap_init(struct swap *sw);
void		swap_fini(struct swap *sw);

/* Maps what the master offered and puts it in force.  The head must agree with the offer (E_FORMAT)
 * and not be older than what is in force (E_UNTIMELY).  On any error the old one stays.  fd stays
 * the caller's.  Errors of snap_map() else. */
must_check int	swap_offer(struct swap *sw, int fd, uint32_t kind, uint64_t generation, uint64_t length);
/* Puts *s in force and takes it: *s is NULL afterwards. */
void		swap_replace(struct swap *sw, struct snap **s);
/* What was held before an offer that turned out not to do is in force again, or nothing when it is NULL. */
void		swap_restore(struct swap *sw, enum snap_kind kind, struct snap **before);

/* Borrowed until the next swap_offer() or swap_replace(); NULL when there is none. */
const struct snap *swap_current(const struct swap *sw, enum snap_kind kind);
/* Yours until snap_release(); NULL when there is none. */
struct snap	*swap_hold(struct swap *sw, enum snap_kind kind);

#endif
