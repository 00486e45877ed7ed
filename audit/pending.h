/* SPDX-License-Identifier: Apache-2.0
 *
 * pending.h - begins of this transaction that may still find their end in it
 *
 * Most calls begin and end between two looks of the auditor; those never touch the `open` table.
 */
#ifndef AUDIT_PENDING_H
#define AUDIT_PENDING_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/err.h"
#include "lib/span.h"

#define PENDING_KEY 24		/* the key of `open`: boot, slot, incarnation, seq, big-endian */

struct pending_entry {
	char		key[PENDING_KEY];
	uint32_t	at, bytes;	/* into data */
	bool		ended;
};

struct pending {
	struct pending_entry	*v;	/* sorted by key */
	size_t			 count, room;
	char			*data;
	size_t			 used, data_room;
};

void		pending_fini(struct pending *p);
void		pending_clear(struct pending *p);
/* Keeps a begin.  E_RANGE: its key is not behind all others, put it into `open`; E_NOMEM: likewise. */
must_check int	pending_add(struct pending *p, const char key[PENDING_KEY], struct span begin);
/* The begin with this key, and it is ended now.  E_NOTFOUND.  Borrowed until the next add or clear. */
must_check int	pending_end(struct pending *p, const char key[PENDING_KEY], struct span *begin);

#endif
