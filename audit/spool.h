/* SPDX-License-Identifier: Apache-2.0
 *
 * spool.h - the worker's side of the audit: records into preallocated segments
 *
 * Records are formatted once, into one buffer, and written by one write at the end of the loop's turn
 * (LOOP_RANK_AUDIT), before any socket is flushed: `begin` reaches the kernel before the call reaches
 * the tool, `end` before its last byte reaches the client.
 *
 * Room is promised before it is used: a call is taken only if its `begin` and the `end` of every open
 * call fit into the segments at hand.  So an `end` always fits, and a full disk refuses calls before
 * they run.
 */
#ifndef AUDIT_SPOOL_H
#define AUDIT_SPOOL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "audit/record.h"
#include "lib/loop.h"

struct spool;

struct spool_ops {
	/* Ask the master for this segment (SEGMENT_WANTED).  Answer with spool_add_segment() or
	 * spool_no_segment(); until then it is not asked for again. */
	void	(*want_segment)(uint32_t number, void *arg);
	/* The write of this turn failed, and nothing was flushed yet: records from first_seq on are not
	 * kept.  Calls begun with one of them must not be dispatched: end them as refused.  The records
	 * stay in the buffer and are tried again each second.  Called once per failed write, never with
	 * `continue`. */
	void	(*not_kept)(uint64_t first_seq, void *arg);
};

/* `ops` and `published` are borrowed until free; published (NULL: none) gets number << 32 | offset
 * after each write.  Asks for segment 1 at the end of the first turn.  0 or E_NOMEM. */
must_check int	spool_new(struct loop *l, const struct spool_ops *ops, void *arg,
		    _Atomic uint64_t *published, struct spool **out);
/* Writes what is left; closes the segments.  Only when the loop turns no more. */
void		spool_free(struct spool **s);
/* audit_on_error = continue: calls are taken whatever happens; what could not be kept is counted, and
 * a mark says so as soon as there is room. */
void		spool_set_continue(struct spool *s, bool on);

/* Takes fd (SEGMENT), asked for or not.  Numbers rise; one that is not needed is closed. */
void		spool_add_segment(struct spool *s, int fd, uint32_t number);
/* SEGMENT_NONE: asked for again after a second. */
void		spool_no_segment(struct spool *s, uint32_t number);

/* Is there room for one more call, and did the last write succeed?  Ask before any work is done for a
 * call, and answer E_AUDIT when not. */
bool		spool_may_call(const struct spool *s);
/* Opens a call: 0 and its seq (0: not recorded, only with `continue`), or E_AUDIT. */
must_check int	spool_begin(struct spool *s, uint64_t request, uint64_t generation,
		    const struct audit_fields *f, uint64_t *begin_seq);
/* Closes it; its room was promised, so this cannot fail.  Exactly once for every begin. */
void		spool_end(struct spool *s, uint64_t begin_seq, uint64_t request, uint64_t generation,
		    const struct audit_fields *f);
/* A call that was refused, or that can have no effect: 0 or E_AUDIT. */
must_check int	spool_once(struct spool *s, uint64_t request, uint64_t generation,
		    const struct audit_fields *f);

/* Has the record with this seq reached the kernel? */
bool		spool_is_kept(const struct spool *s, uint64_t seq);
/* May a call with this begin reach its tool?  It is kept, or (`continue`) need not be. */
bool		spool_may_dispatch(const struct spool *s, uint64_t begin_seq);
/* Writes now what this turn gathered: 0 or E_AUDIT.  The loop does it at each turn's end. */
int		spool_flush(struct spool *s);

struct spool_counts {
	uint64_t	records, writes, failed_writes, dropped;
	uint32_t	open;		/* calls without their end */
};
struct spool_counts spool_counts(const struct spool *s);

#endif
