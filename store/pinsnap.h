/* SPDX-License-Identifier: Apache-2.0
 *
 * pinsnap.h - the store's pins as snapshots
 */
#ifndef STORE_PINSNAP_H
#define STORE_PINSNAP_H

#include "store/pindb.h"

struct pinsnap {
	int		fd;		/* sealed, the caller's */
	uint64_t	generation;
	uint32_t	held;		/* tools with a definition that waits for somebody */
	char		first[192];	/* the one that waits for the shortest time: SERVER.TOOL, cut */
};

/* SNAP_PINS, for workers: no definitions, only what was decided.  0 or an error of pindb_each(). */
must_check int	pinsnap_make(struct keydb *db, struct pinsnap *out);
/* SNAP_DUMP: everything about these tools; an empty text stands for all. */
must_check int	pinsnap_dump(struct keydb *db, struct span tenant, struct span server, struct span tool, int *fd);

#endif
