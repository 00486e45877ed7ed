/* SPDX-License-Identifier: Apache-2.0
 *
 * segment.h - reading spool segments that somebody may still be writing
 */
#ifndef AUDIT_SEGMENT_H
#define AUDIT_SEGMENT_H

#include <stdbool.h>

#include "audit/record.h"
#include "audit/seghead.h"

/* Who wrote it: from its name, which the master gave, and not from its head, which a worker can write. */
struct segment_id {
	uint64_t	boot;
	uint32_t	slot, incarnation, number;
};

must_check int	segment_id_parse(const char *name, struct segment_id *out);
/* By boot, slot, incarnation, number. */
int		segment_id_cmp(const struct segment_id *a, const struct segment_id *b);
/* Are they of one incarnation? */
static inline bool
segment_id_same_writer(const struct segment_id *a, const struct segment_id *b)
{
	return a->boot == b->boot && a->slot == b->slot && a->incarnation == b->incarnation;
}

struct segment_reader {
	int		 fd;			/* owned */
	uint64_t	 size;			/* SEGMENT_BYTES at most */
	uint64_t	 at;			/* of the next record */
	char		*window;		/* what was read from window_at on */
	size_t		 window_used, window_want;
	uint64_t	 window_at;
};

/* Opens a segment in the folder.  0, E_FORMAT (no file, or shorter than a head), E_NOMEM or E_SYS. */
must_check int	segment_open(int dirfd, const char *name, struct segment_reader *out);
void		segment_close(struct segment_reader *s);
/* May it still grow? */
bool		segment_is_live(const struct segment_reader *s);
/* Goes back (or on) to an offset that segment_next() stood at before. */
void		segment_seek(struct segment_reader *s, uint64_t at);

/* The next record; its bytes are borrowed until the next call.
 * 0; E_EOF: nothing more (yet); E_FORMAT: torn, half-written or damaged; E_VERSION; E_SYS.  Stands
 * still unless it answers 0. */
must_check int	segment_next(struct segment_reader *s, struct record_look *out);
/* Over damage to the next whole record: 0 and how many bytes were skipped, or E_EOF when there is
 * none.  Not on a segment that is live: what looks torn there may be on its way. */
must_check int	segment_skip(struct segment_reader *s, uint64_t *skipped);
/* Are there bytes behind the last record that are not zero? */
bool		segment_has_rest(struct segment_reader *s);

#endif
