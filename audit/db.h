/* SPDX-License-Identifier: Apache-2.0
 *
 * db.h - the audit store: rows, their index by time, calls without their end, what was imported
 *
 * Databases (keys big-endian):
 *	rec	number -> struct row_head, record: one row per call, in order of import
 *	time	wall_ns of the begin, number -> nothing
 *	open	boot, slot, incarnation, seq -> a begin that waits for its end, as it was written
 *	done	boot, slot, incarnation -> the last seq imported, which drops doubles
 *	meta	"format", "chain" -> the format; number and hash of the last row
 *
 * One process writes: mcpgw-audit.  Its query form reads at the same time.
 */
#ifndef AUDIT_DB_H
#define AUDIT_DB_H

#include <stdbool.h>

#include "audit/chain.h"
#include "audit/record.h"
#include "audit/segment.h"

struct auditdb;

/* Opens the environment in this folder; the writer makes it and takes `lock` beside it.
 * E_NOTFOUND (read only: no audit yet), E_EXISTS (another writer), E_VERSION, or of kv.h. */
must_check int	auditdb_open(const char *path, bool read_only, struct auditdb **out);
void		auditdb_close(struct auditdb **db);
/* What was wrong last, for people. */
const char	*auditdb_why(const struct auditdb *db);

/* --- writing: between begin and commit.  After any error but E_EXISTS and E_AGAIN: abort, and on E_FULL grow,
 * then do it all again.  Commit may fail for want of disk; nothing has happened then. --- */
must_check int	auditdb_begin(struct auditdb *db);
must_check int	auditdb_commit(struct auditdb *db);
void		auditdb_abort(struct auditdb *db);
must_check int	auditdb_grow(struct auditdb *db);
/* Makes sure that commits so far survive the machine: before a segment is deleted. */
must_check int	auditdb_sync(struct auditdb *db);

/* One record of this writer.  0; E_EXISTS: it was imported before; E_AGAIN: others are missing before it,
 * and `gap` does not say that this is so: with it the gap gets a row. */
must_check int	auditdb_take(struct auditdb *db, const struct segment_id *from,
		    const struct record_look *rec, bool gap);
/* A row about the record itself. */
must_check int	auditdb_mark(struct auditdb *db, const struct segment_id *from, uint64_t wall_ns,
		    struct span text);
/* Rows so far, those of the open transaction included. */
uint64_t	auditdb_rows(const struct auditdb *db);
/* Gives every open call of a dead writer its row, with outcome=unknown; *closed counts them. */
must_check int	auditdb_close_orphans(struct auditdb *db, const struct segment_id *writer,
		    uint64_t *closed);
/* Writers with open calls, one after the other: 0, or E_NOTFOUND behind the last.  Start with zeroes. */
must_check int	auditdb_next_open(struct auditdb *db, struct segment_id *writer);
/* The writers in `done`, in the same way; forget drops one whose segments are all gone. */
must_check int	auditdb_next_done(struct auditdb *db, struct segment_id *writer);
must_check int	auditdb_forget(struct auditdb *db, const struct segment_id *writer);

/* --- reading, each in a transaction of its own --- */
struct auditdb_row {
	uint64_t		number;
	struct crypt_digest	before, hash;	/* of the row before, of this one */
	struct segment_id	writer;		/* its number is 0 */
	uint64_t		end_seq;	/* 0: none came */
	struct record		r;		/* wall_ns is the begin's; kind is once or mark */
	struct span		content;	/* what the hash is over */
};

/* Return true to go on.  The row is borrowed for the call. */
typedef bool auditdb_row_fn(const struct auditdb_row *row, void *arg);

/* Rows whose begin lies in [from_ns, to_ns], oldest first, or newest first. */
must_check int	auditdb_each_time(struct auditdb *db, uint64_t from_ns, uint64_t to_ns, bool newest_first,
		    auditdb_row_fn *fn, void *arg);
/* Rows from this number on. */
must_check int	auditdb_each_number(struct auditdb *db, uint64_t from, auditdb_row_fn *fn, void *arg);
/* The head of the chain as the writer noted it. */
must_check int	auditdb_head(struct auditdb *db, struct chain *out);

#endif
