/* SPDX-License-Identifier: Apache-2.0
 *
 * pending.h - begins of one writer in this transaction that may still find their end in it
 *
 * Most calls begin and end between two looks of the auditor; those never touch the `open` table.  A
 * writer counts its records, so the seq of a begin is its place here.
 */
#ifndef AUDIT_PENDING_H
#define AUDIT_PENDING_H

#include "audit/record.h"

struct pending_place {
	uint32_t	at;		/* into data */
	uint16_t	bytes;		/* 0: no begin, or it has ended */
	uint16_t	fields_bytes;
	bool		plain;
};

struct pending {
	uint64_t		 first;	/* seq of v[0] */
	struct pending_place	*v;
	size_t			 count, room;
	char			*data;
	size_t			 used, data_room;
};

void		pending_fini(struct pending *p);
void		pending_clear(struct pending *p);
/* Keeps a begin.  E_RANGE: its seq is not behind all others, or far behind, put it into `open`; E_NOMEM:
 * likewise. */
must_check int	pending_add(struct pending *p, const struct record_look *begin);
/* The begin with this seq, and it is here no more.  E_NOTFOUND.  Borrowed until the next add or clear. */
must_check int	pending_end(struct pending *p, uint64_t seq, struct record_look *begin);
/* Those without their end, one after the other, as they were written: false behind the last.  Start with
 * *place 0. */
bool		pending_next(const struct pending *p, size_t *place, uint64_t *seq, struct span *begin);

#endif
