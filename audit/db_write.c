/* SPDX-License-Identifier: Apache-2.0
 *
 * db_write.c - the audit store, its writing half: records become rows
 *
 * Process: mcpgw-audit.
 * Owns:    nothing beyond the transaction that db.c opened.
 * Trusts:  records as far as record_decode() proved them; a worker can lie only about its own calls,
 *          because the writer is taken from the segment's name.
 */
#include <stdio.h>

#include "audit/db_priv.h"
#include "lib/bug.h"

static void
writer_of_key(struct span key, struct segment_id *w)
{
	*w = (struct segment_id){ .boot = kv_get_be64(key.p), .slot = kv_get_be32(key.p + 8),
	    .incarnation = kv_get_be32(key.p + 12) };
}

/* The next row of the chain, and its place in time. */
static int
row_add(struct auditdb *db, const struct segment_id *from, uint64_t end_seq, const struct record *r)
{
	char			row[sizeof(struct row_head) + RECORD_MAX], number[8];
	struct row_head		head = { .boot = from->boot, .slot = from->slot,
	    .incarnation = from->incarnation, .end_seq = end_seq };
	struct crypt_digest	hash;
	size_t			n;
	int			e;

	if ((e = record_encode(r, row + sizeof(head), RECORD_MAX, &n)) != 0)
		return e;
	memcpy(head.before, db->chain.head.bytes, sizeof(head.before));
	memcpy(row, &head, sizeof(head));
	n += sizeof(head);
	e = chain_hash(db->chain.number + 1, &db->chain.head,
	    span_make(row + sizeof(head.before), n - sizeof(head.before)), &hash);
	if (e != 0)
		return e;
	kv_put_be64(number, db->chain.number + 1);
	if ((e = kv_append(db->txn, DB_REC, span_make(number, 8), span_make(row, n))) != 0)
		return e;
	db->chain.number++;
	db->chain.head = hash;
	if (times_are_full(&db->times) && (e = auditdb_flush_times(db)) != 0)
		return e;
	times_add(&db->times, r->wall_ns, db->chain.number);
	return 0;
}

static int
take_begin(struct auditdb *db, const struct segment_id *from, const struct record *begin, struct span raw)
{
	char	key[OPEN_KEY];

	auditdb_writer_key(from, key);
	kv_put_be64(key + WRITER_KEY, begin->seq);
	if (pending_add(&db->pending, key, raw) == 0)
		return 0;
	return kv_put(db->txn, DB_OPEN, span_make(key, sizeof(key)), raw);
}

/* The begin of a call that ends: its bytes, which are the caller's, and it is open no more. */
static int
open_take(struct auditdb *db, const char key[OPEN_KEY], char bytes[RECORD_MAX], size_t *n)
{
	struct span	v;
	int		r;

	if ((r = pending_end(&db->pending, key, &v)) == 0) {
		memcpy(bytes, v.p, v.n);
		*n = v.n;
		return 0;
	}
	if ((r = kv_get(db->txn, DB_OPEN, span_make(key, OPEN_KEY), &v)) != 0)
		return r;
	if (v.n > RECORD_MAX)
		return E_FORMAT;
	/* The map's page may move with the first write. */
	memcpy(bytes, v.p, v.n);
	*n = v.n;
	return kv_del(db->txn, DB_OPEN, span_make(key, OPEN_KEY));
}

static int
take_end(struct auditdb *db, const struct segment_id *from, const struct record *end)
{
	char		key[OPEN_KEY], bytes[RECORD_MAX];
	struct record	row, begin;
	size_t		n, took;
	int		r;

	auditdb_writer_key(from, key);
	kv_put_be64(key + WRITER_KEY, end->begin_seq);
	if ((r = open_take(db, key, bytes, &n)) == E_NOTFOUND) {
		/* Its begin was damaged, or closed before: what is known is still kept. */
		row = *end;
		row.kind = RECORD_ONCE;
	} else if (r != 0) {
		return r;
	} else {
		if (record_decode(span_make(bytes, n), &begin, &took) != 0)
			return E_FORMAT;
		record_merge(&begin, end, &row);
	}
	return row_add(db, from, end->seq, &row);
}

int
auditdb_last_seq(struct auditdb *db, const struct segment_id *from, uint64_t *seq)
{
	char		key[WRITER_KEY];
	struct span	v;
	int		r;

	*seq = db->done_seq;
	if (db->done_known && segment_id_same_writer(&db->done_of, from))
		return 0;
	*seq = 0;
	if ((r = auditdb_flush(db)) != 0)
		return r;
	auditdb_writer_key(from, key);
	r = kv_get(db->txn, DB_DONE, span_make(key, sizeof(key)), &v);
	if (r == 0 && v.n != 8)
		return E_FORMAT;
	if (r != 0 && r != E_NOTFOUND)
		return r;
	*seq = r == 0 ? kv_get_be64(v.p) : 0;
	db->done_of = *from;
	db->done_seq = *seq;
	db->done_known = true;
	return 0;
}

int
auditdb_take(struct auditdb *db, const struct segment_id *from, const struct record *rec, struct span raw)
{
	uint64_t	last;
	int		r;

	BUG_ON(db->txn == NULL);
	if ((r = auditdb_last_seq(db, from, &last)) != 0)
		return r;
	if (rec->seq <= last)
		return E_EXISTS;
	if (rec->seq != last + 1) {
		char text[96];
		int n = snprintf(text, sizeof(text), "records %llu to %llu are missing",
		    (unsigned long long)last + 1, (unsigned long long)rec->seq - 1);

		if ((r = auditdb_mark(db, from, rec->wall_ns, span_make(text, (size_t)n))) != 0)
			return r;
	}
	if (rec->kind == RECORD_BEGIN)
		r = take_begin(db, from, rec, raw);
	else if (rec->kind == RECORD_END)
		r = take_end(db, from, rec);
	else
		r = row_add(db, from, 0, rec);
	if (r == 0) {
		db->done_seq = rec->seq;
		db->done_changed = true;
	}
	return r;
}

int
auditdb_mark(struct auditdb *db, const struct segment_id *from, uint64_t wall_ns, struct span text)
{
	struct record	r = { .kind = RECORD_MARK, .wall_ns = wall_ns, .seq = 1 };

	r.f.mark = text;
	return row_add(db, from, 0, &r);
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
	auditdb_writer_key(writer, from);
	kv_put_be64(from + WRITER_KEY, 0);
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
		    (r = row_add(db, writer, 0, &row)) != 0)
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
