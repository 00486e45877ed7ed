/* SPDX-License-Identifier: Apache-2.0
 *
 * db_priv.h - what the writing and the reading half of the audit store share
 */
#ifndef AUDIT_DB_PRIV_H
#define AUDIT_DB_PRIV_H

#include "audit/db.h"
#include "audit/pending.h"
#include "audit/times.h"
#include "lib/kv.h"

enum auditdb_table { DB_REC, DB_TIME, DB_OPEN, DB_DONE, DB_META, DB_LIMIT };

#define AUDITDB_FORMAT	1
#define WRITER_KEY	16		/* boot, slot, incarnation */
#define OPEN_KEY	24		/* and seq */
#define TIME_KEY	16		/* wall_ns, number */

/* Where a row came from; the record follows. */
struct row_head {
	uint8_t		before[CRYPT_SHA256_BYTES];
	uint64_t	boot;
	uint32_t	slot, incarnation;
	uint64_t	end_seq;
	uint64_t	spare;
};
_Static_assert(sizeof(struct row_head) == 64, "row head is 64 bytes");
_Static_assert(sizeof(struct row_head) + RECORD_MAX <= CHAIN_CONTENT_MAX, "a row fits the chain");

struct auditdb {
	struct kv	*kv;
	struct kv_txn	*txn;		/* the writer's, between begin and commit */
	struct chain	 chain;		/* as of that transaction */
	struct segment_id done_of;	/* a writer, and the last seq taken of it: not yet in `done` */
	uint64_t	 done_seq;
	bool		 done_known, done_changed;
	struct pending	 pending;	/* that writer's begins, not yet in `open` */
	struct times	 times;		/* of rows, not yet in `time` */
};

void		auditdb_writer_key(const struct segment_id *w, char key[WRITER_KEY]);
void		auditdb_open_key(const struct segment_id *w, uint64_t seq, char key[OPEN_KEY]);
/* What was kept in memory for speed, into the transaction: of the writer, and the places in time. */
must_check int	auditdb_flush(struct auditdb *db);
must_check int	auditdb_flush_times(struct auditdb *db);
/* Reads the head of the chain; zeroes when nothing was written yet. */
must_check int	auditdb_load_chain(struct kv_txn *t, struct chain *out);

#endif
