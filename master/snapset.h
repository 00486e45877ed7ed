/* SPDX-License-Identifier: Apache-2.0
 *
 * snapset.h - the sealed snapshots in force, by kind and consumer
 */
#ifndef MASTER_SNAPSET_H
#define MASTER_SNAPSET_H

#include <stddef.h>

#include "lib/err.h"
#include "lib/span.h"
#include "policy/snap.h"

struct snapitem {
	struct snap_head	head;
	int			fd;	/* sealed; the set's */
};

struct snapset {
	struct snapitem	*items;
	size_t		 count, room;
};

void	snapset_init(struct snapset *s);
void	snapset_fini(struct snapset *s);

/* Verifies (seals, head, length, sum) and adds; takes *fd over in any case and leaves -1 behind.
 * E_EXISTS when kind and consumer are there already, E_FORMAT when the head is of another kind,
 * consumer or generation; what snap_check() answers; E_NOMEM. */
must_check int	snapset_take(struct snapset *s, int *fd, unsigned kind, struct span consumer,
		    uint64_t generation);
/* Room for so many more: snapset_replace() and snapset_put() with these do not fail then. */
must_check int	snapset_reserve(struct snapset *s, size_t more);
/* All of `kinds` (a set of 1 << enum snap_kind) in `in` goes, and what `from` holds of them takes
 * its place; `from` keeps the rest.  E_NOMEM changes nothing. */
must_check int	snapset_replace(struct snapset *in, struct snapset *from, unsigned kinds);

/* Each of `from` takes the place of the one of its kind and consumer, or is added; `from` is empty then.  E_NOMEM
 * changes nothing. */
must_check int	snapset_put(struct snapset *in, struct snapset *from);

/* Borrowed until the set changes; NULL when there is none. */
const struct snapitem *snapset_find(const struct snapset *s, enum snap_kind kind, struct span consumer);

#endif
