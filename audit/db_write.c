/* SPDX-License-Identifier: Apache-2.0
 *
 * db_write.c - the audit store, its writing half: records become rows
 *
 * Process: mcpgw-audit.
 * Owns:    nothing beyond the transaction that db.c opened.
 * Trusts:  records as far as record_check() proved them; a worker can lie only about its own calls,
 *          because the writer is taken from the segment's name.
 */
#include <stddef.h>
#include <stdio.h>

#include "audit/db_priv.h"
#include "lib/bug.h"

static void
writer_of_key(struct span key, struct segment_id *w)
{
	*w = (struct segment_id){ .boot = kv_get_be64(key.p), .slot = kv_get_be32(key.p + 8),
	    .incarnation = kv_get_be32(key.p + 12) };
}

/* A row as the chain hashes it: its key and its value, one behind the other. */
struct row_text {
	char		number[8];
	struct row_head	head;
	char		record[RECORD_MAX];
};
#define ROW_FRONT	offsetof(struct row_text, record)
_Static_assert(ROW_FRONT == 8 + sizeof(struct row_head), "nothing lies between key and value");

/* The next row of the chain, and its place in time.  The caller has put the record, `n` bytes. */
static int
row_add(struct auditdb *db, const struct segment_id *from, uint64_t end_seq, struct row_text *row, size_t n)
{
	struct record_head	record;
	int			r;

	row->head = (struct row_head){ .boot = from->boot, .slot = from->slot,
	    .incarnation = from->incarnation, .end_seq = end_seq };
	if ((r = chain_add(&db->chain, (char *)row, ROW_FRONT + n)) != 0)
		return r;
	r = kv_append(db->txn, DB_REC, span_make(row->number, sizeof(row->number)),
	    span_make(&row->head, sizeof(row->head) + n));
	if (r != 0)
		return r == E_EXISTS ? E_FORMAT : r;	/* rows behind the head of the chain */
	if (times_are_full(&db->times) && (r = auditdb_flush_times(db)) != 0)
		return r;
	memcpy(&record, row->record, sizeof(record));
	times_add(&db->times, record.wall_ns, db->chain.number);
	return 0;
}

static int
row_add_record(struct auditdb *db, const struct segment_id *from, uint64_t end_seq, const struct record *r)
{
	struct row_text	row;
	size_t		n;
	int		e;

	if ((e = record_encode(r, row.record, RECORD_MAX, &n)) != 0)
		return e;
	return row_add(db, from, end_seq, &row, n);
}

static int
take_begin(struct auditdb *db, const struct segment_id *from, const struct record_look *begin)
{
	char	key[OPEN_KEY];

	if (pending_add(&db->pending, begin) == 0)
		return 0;
	auditdb_open_key(from, begin->head.seq, key);
	return kv_put(db->txn, DB_OPEN, span_make(key, OPEN_KEY), begin->all);
}

/* The begin of a call that ends, out of `open`: copied, because the map's page may move with the first
 * write. */
static int
open_take(struct auditdb *db, const char key[OPEN_KEY], char bytes[RECORD_MAX], struct record_look *begin)
{
	struct span	v;
	int		r;

	if ((r = kv_get(db->txn, DB_OPEN, span_make(key, OPEN_KEY), &v)) != 0)
		return r;
	if (v.n > RECORD_MAX)
		return E_FORMAT;
	memcpy(bytes, v.p, v.n);
	if (record_check(span_make(bytes, v.n), begin) != 0)
		return E_FORMAT;
	return kv_del(db->txn, DB_OPEN, span_make(key, OPEN_KEY));
}

static int
take_end(struct auditdb *db, const struct segment_id *from, const struct record_look *end)
{
	char			key[OPEN_KEY], bytes[RECORD_MAX];
	struct record_look	begin;
	struct record		alone;
	struct row_text		row;
	size_t			n;
	int			r;

	if (pending_end(&db->pending, end->head.begin_seq, &begin) != 0) {
		auditdb_open_key(from, end->head.begin_seq, key);
		r = open_take(db, key, bytes, &begin);
		if (r == E_NOTFOUND) {
			/* Its begin was damaged, or closed before: what is known is still kept. */
			if ((r = record_decode(end->all, &alone, &n)) != 0)
				return r;
			alone.kind = RECORD_ONCE;
			return row_add_record(db, from, end->head.seq, &alone);
		}
		if (r != 0)
			return r;
	}
	if ((r = record_join(&begin, end, row.record, &n)) != 0)
		return r;
	return row_add(db, from, end->head.seq, &row, n);
}

static int
take_once(struct auditdb *db, const struct segment_id *from, const struct record_look *once)
{
	struct row_text	row;
	size_t		n;
	int		r;

	if ((r = record_again(once, row.record, &n)) != 0)
		return r;
	return row_add(db, from, 0, &row, n);
}

/* Makes this the writer whose last seq is known: 0 when nothing was taken of it yet. */
static int
turn_to(struct auditdb *db, const struct segment_id *from)
{
	char		key[WRITER_KEY];
	struct span	v;
	int		r;

	if ((r = auditdb_flush(db)) != 0)
		return r;
	auditdb_writer_key(from, key);
	r = kv_get(db->txn, DB_DONE, span_make(key, sizeof(key)), &v);
	if (r == 0 && v.n != 8)
		return E_FORMAT;
	if (r != 0 && r != E_NOTFOUND)
		return r;
	db->done_of = *from;
	db->done_seq = r == 0 ? kv_get_be64(v.p) : 0;
	db->done_known = true;
	return 0;
}

static int
mark_gap(struct auditdb *db, const struct segment_id *from, const struct record_look *rec)
{
	char	text[96];
	int	n = snprintf(text, sizeof(text), "records %llu to %llu are missing",
	    (unsigned long long)db->done_seq + 1, (unsigned long long)rec->head.seq - 1);

	return auditdb_mark(db, from, rec->head.wall_ns, span_make(text, (size_t)n));
}

int
auditdb_take(struct auditdb *db, const struct segment_id *from, const struct record_look *rec, bool gap)
{
	int	r;

	BUG_ON(db->txn == NULL);
	if ((!db->done_known || !segment_id_same_writer(&db->done_of, from)) && (r = turn_to(db, from)) != 0)
		return r;
	if (rec->head.seq <= db->done_seq)
		return E_EXISTS;
	if (rec->head.seq != db->done_seq + 1) {
		if (!gap)
			return E_AGAIN;
		if ((r = mark_gap(db, from, rec)) != 0)
			return r;
	}
	if (rec->head.kind == RECORD_BEGIN)
		r = take_begin(db, from, rec);
	else if (rec->head.kind == RECORD_END)
		r = take_end(db, from, rec);
	else
		r = take_once(db, from, rec);
	if (r == 0) {
		db->done_seq = rec->head.seq;
		db->done_changed = true;
	}
	return r;
}

int
auditdb_mark(struct auditdb *db, const struct segment_id *from, uint64_t wall_ns, struct span text)
{
	struct record	r = { .kind = RECORD_MARK, .wall_ns = wall_ns, .seq = 1 };

	r.f.mark = text;
	return row_add_record(db, from, 0, &r);
}

/* The first key of `table` not below `key`; copied, because what follows may write. */
static int
first_key(struct kv_txn *t, enum auditdb_table table, struct span at, char *key, size_t bytes,
    struct span *value)
{
	struct kv_cursor	*c;
	struct span		 k;
	int			 r;

	if ((r = kv_cursor_open(t, table, &c)) != 0)
		return r;
	r = kv_cursor_seek(c, at, &k, value);
	if (r == 0 && k.n != bytes)
		r = E_FORMAT;
	if (r == 0)
		memcpy(key, k.p, bytes);
	kv_cursor_close(&c);
	return r;
}

int
auditdb_close_orphans(struct auditdb *db, const struct segment_id *writer, uint64_t *closed)
{
	char		from[OPEN_KEY], key[OPEN_KEY], bytes[RECORD_MAX];
	struct record	begin, end = { .kind = RECORD_END }, row;
	struct span	v;
	size_t		took;
	int		r;

	*closed = 0;
	if ((r = auditdb_flush(db)) != 0)
		return r;
	end.f.outcome = audit_outcome_word(AUDIT_OUTCOME_UNKNOWN);
	auditdb_open_key(writer, 0, from);
	for (;;) {
		r = first_key(db->txn, DB_OPEN, span_make(from, OPEN_KEY), key, OPEN_KEY, &v);
		if (r == E_NOTFOUND || (r == 0 && memcmp(key, from, WRITER_KEY) != 0))
			return 0;
		if (r != 0)
			return r;
		if (v.n > sizeof(bytes))
			return E_FORMAT;
		memcpy(bytes, v.p, v.n);
		if (record_decode(span_make(bytes, v.n), &begin, &took) != 0)
			return E_FORMAT;
		record_merge(&begin, &end, &row);
		if ((r = kv_del(db->txn, DB_OPEN, span_make(key, OPEN_KEY))) != 0 ||
		    (r = row_add_record(db, writer, 0, &row)) != 0)
			return r;
		(*closed)++;
	}
}

/* The writer behind *writer in a table whose keys begin with one. */
static int
next_writer(struct auditdb *db, enum auditdb_table table, size_t key_bytes, struct segment_id *writer)
{
	char		at[WRITER_KEY + 8] = { 0 }, key[OPEN_KEY];
	struct span	v;
	int		r;

	BUG_ON(db->txn == NULL || key_bytes > sizeof(key));
	if ((r = auditdb_flush(db)) != 0)
		return r;
	auditdb_writer_key(writer, at);
	/* Behind every seq of this one, but not behind the very first. */
	if (writer->boot != 0 || writer->slot != 0 || writer->incarnation != 0)
		kv_put_be64(at + WRITER_KEY, UINT64_MAX);
	if ((r = first_key(db->txn, table, span_make(at, sizeof(at)), key, key_bytes, &v)) != 0)
		return r;
	writer_of_key(span_make(key, key_bytes), writer);
	return 0;
}

int
auditdb_next_open(struct auditdb *db, struct segment_id *writer)
{
	return next_writer(db, DB_OPEN, OPEN_KEY, writer);
}

int
auditdb_next_done(struct auditdb *db, struct segment_id *writer)
{
	return next_writer(db, DB_DONE, WRITER_KEY, writer);
}

int
auditdb_forget(struct auditdb *db, const struct segment_id *writer)
{
	char	key[WRITER_KEY];

	auditdb_writer_key(writer, key);
	return kv_del(db->txn, DB_DONE, span_make(key, sizeof(key)));
}
