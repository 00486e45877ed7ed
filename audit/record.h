/* SPDX-License-Identifier: Apache-2.0
 *
 * record.h - one audit record: what one step of a call leaves behind (day-one 9)
 *
 * A call that may have an effect leaves `begin` before its dispatch and `end` before its last byte; a
 * refused one leaves a single `once`.  `mark` is about the record itself: records that could not be
 * kept, a damaged segment, a clock that jumped.  Nothing here knows where records are kept.
 */
#ifndef AUDIT_RECORD_H
#define AUDIT_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/err.h"
#include "lib/span.h"

#define RECORD_FORMAT		1
#define RECORD_MAX		2048	/* bytes of any record */
#define RECORD_END_MAX		448	/* bytes of an `end` */
#define RECORD_ALIGN		8

enum record_kind {
	RECORD_BEGIN = 1,
	RECORD_END,
	RECORD_ONCE,
	RECORD_MARK,
	RECORD_KIND_LIMIT
};

/* The words of `outcome`. */
#define AUDIT_OUTCOMES(X)						\
	X(OK,		"ok")		/* an answer without error */	\
	X(ERROR,	"error")	/* the tool answered with one */	\
	X(REFUSED,	"refused")	/* never dispatched */		\
	X(UNAVAILABLE,	"unavailable")	/* no server to dispatch to */	\
	X(DIED,		"died")		/* the server went away with the call */ \
	X(TIMEOUT,	"timeout")					\
	X(CANCELLED,	"cancelled")	/* nobody waited any more */	\
	X(BAD_ANSWER,	"bad-answer")	/* the server's answer was unusable */ \
	X(UNKNOWN,	"unknown")	/* we died before we knew */

enum audit_outcome {
#define X(name, word) AUDIT_OUTCOME_##name,
	AUDIT_OUTCOMES(X)
#undef X
	AUDIT_OUTCOME_LIMIT
};

/* The word of an outcome; static storage. */
struct span	audit_outcome_word(enum audit_outcome o);

/* One member per row of tables/auditfields.def; all zero = nothing known.  Texts are borrowed. */
struct audit_fields {
#define text	struct span
#define u64	uint64_t
#define FIELD(name, id, type, max, when, doc) type name;
#include "tables/auditfields.def"
#undef FIELD
#undef u64
#undef text
};

/* As on disk; fields {u16 id, u16 bytes, data} follow, then zeroes up to a multiple of 8. */
struct record_head {
	uint32_t	bytes;		/* of the whole record; 0 = nothing was written here */
	uint32_t	crc;		/* CRC-32C of all bytes behind this word */
	uint8_t		kind;		/* enum record_kind */
	uint8_t		fields;
	uint16_t	format;
	uint32_t	spare;
	uint64_t	generation;	/* of the policy that decided */
	uint64_t	seq;		/* counts from 1 within one incarnation of a worker */
	uint64_t	begin_seq;	/* end: the seq of its begin; else 0 */
	uint64_t	wall_ns;	/* since 1970 */
	uint64_t	request;	/* audit/requestid.h; 0 = none */
};
_Static_assert(sizeof(struct record_head) == 56, "record head is 56 bytes");

struct record {
	enum record_kind	kind;
	uint64_t		generation, seq, begin_seq, wall_ns, request;
	struct audit_fields	f;
};

/* A record that was checked and not taken apart: enough to move it on. */
struct record_look {
	struct record_head	head;
	struct span		all;		/* its bytes, borrowed */
	uint32_t		fields_bytes;	/* behind the head, without the zeroes at the end */
	bool			plain;		/* just what record_encode() makes: known fields, in order */
};

/* Formats at `to`, which has `room` bytes; *bytes is what it took, a multiple of 8, at most RECORD_MAX
 * (RECORD_END_MAX for an end).  Fields a kind does not have are left out.  0, E_FULL (room), E_NOMEM. */
must_check int	record_encode(const struct record *r, char *to, size_t room, size_t *bytes);
/* Checks the record at the front of `bytes`.
 * 0; E_EOF: nothing was written here; E_SHORT: it goes on behind what was given; E_FORMAT: torn, or no
 * record; E_VERSION: whole, but of another format. */
must_check int	record_check(struct span bytes, struct record_look *out);
/* The same, and takes it apart: texts of *out point into `bytes`, *took is its length. */
must_check int	record_decode(struct span bytes, struct record *out, size_t *took);
/* The one row of a call: what its begin said, and the FINISH fields of its end.  Texts stay theirs. */
void		record_merge(const struct record *begin, const struct record *end, struct record *out);
/* That row, or a record that is one by itself, as bytes; `to` has RECORD_MAX.  Plain ones are copied
 * together and come out as record_encode() would have made them.  0, E_FULL or E_NOMEM. */
must_check int	record_join(const struct record_look *begin, const struct record_look *end, char *to,
		    size_t *bytes);
must_check int	record_again(const struct record_look *r, char *to, size_t *bytes);

#endif
