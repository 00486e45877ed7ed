/* SPDX-License-Identifier: Apache-2.0
 *
 * db_read.c - the audit store, its reading half
 *
 * Process: mcpgw-audit in its query form.
 * Owns:    a read transaction for the time of one walk.
 * Trusts:  nothing in a row: it may have been edited, which is what --verify is for.
 */
#include "audit/db_priv.h"

struct walk {
	struct auditdb		*db;
	struct kv_txn		*txn;
	struct kv_cursor	*cursor;
};

static void
walk_close(struct walk *w)
{
	kv_cursor_close(&w->cursor);
	kv_abort(&w->txn);
}

static int
walk_open(struct auditdb *db, enum auditdb_table table, struct walk *w)
{
	int	r;

	*w = (struct walk){ .db = db };
	if ((r = kv_begin(db->kv, false, &w->txn)) != 0)
		return r;
	if ((r = kv_cursor_open(w->txn, table, &w->cursor)) != 0)
		walk_close(w);
	return r;
}

/* E_FORMAT when the row cannot be what we wrote. */
static int
row_make(uint64_t number, struct span value, struct auditdb_row *out)
{
	struct row_head	head;
	size_t		took;
	int		r;

	*out = (struct auditdb_row){ .number = number };
	if (value.n < sizeof(head))
		return E_FORMAT;
	memcpy(&head, value.p, sizeof(head));
	memcpy(out->before.bytes, head.before, sizeof(head.before));
	out->writer = (struct segment_id){ .boot = head.boot, .slot = head.slot,
	    .incarnation = head.incarnation };
	out->end_seq = head.end_seq;
	out->content = span_part(value, sizeof(head.before), value.n);
	if ((r = chain_hash(number, &out->before, out->content, &out->hash)) != 0)
		return r == E_TOOBIG ? E_FORMAT : r;
	r = record_decode(span_part(value, sizeof(head), value.n), &out->r, &took);
	return r == 0 && took == value.n - sizeof(head) ? 0 : E_FORMAT;
}

int
auditdb_each_number(struct auditdb *db, uint64_t from, auditdb_row_fn *fn, void *arg)
{
	struct auditdb_row	row;
	struct span		key, value;
	struct walk		w;
	char			at[8];
	int			r;

	if ((r = walk_open(db, DB_REC, &w)) != 0)
		return r;
	kv_put_be64(at, from);
	for (r = kv_cursor_seek(w.cursor, span_make(at, 8), &key, &value); r == 0;
	    r = kv_cursor_move(w.cursor, KV_NEXT, &key, &value)) {
		if (key.n != 8) {
			r = E_FORMAT;
			break;
		}
		if ((r = row_make(kv_get_be64(key.p), value, &row)) != 0 || !fn(&row, arg))
			break;
	}
	walk_close(&w);
	return r == E_NOTFOUND ? 0 : r;
}

/* Puts the cursor on the first entry of the walk. */
static int
time_start(struct walk *w, uint64_t from_ns, uint64_t to_ns, bool newest_first, struct span *key)
{
	struct span	value;
	char		at[16];
	int		r;

	kv_put_be64(at, newest_first ? to_ns : from_ns);
	kv_put_be64(at + 8, newest_first ? UINT64_MAX : 0);
	r = kv_cursor_seek(w->cursor, span_make(at, sizeof(at)), key, &value);
	if (!newest_first)
		return r;
	/* Everything wanted is before that. */
	return kv_cursor_move(w->cursor, r == E_NOTFOUND ? KV_LAST : KV_PREV, key, &value);
}

int
auditdb_each_time(struct auditdb *db, uint64_t from_ns, uint64_t to_ns, bool newest_first,
    auditdb_row_fn *fn, void *arg)
{
	struct auditdb_row	row;
	struct span		key, value;
	struct walk		w;
	int			r;

	if ((r = walk_open(db, DB_TIME, &w)) != 0)
		return r;
	for (r = time_start(&w, from_ns, to_ns, newest_first, &key); r == 0;
	    r = kv_cursor_move(w.cursor, newest_first ? KV_PREV : KV_NEXT, &key, &value)) {
		uint64_t ns;

		if (key.n != 16) {
			r = E_FORMAT;
			break;
		}
		ns = kv_get_be64(key.p);
		if (newest_first ? ns < from_ns : ns > to_ns)
			break;
		if ((r = kv_get(w.txn, DB_REC, span_part(key, 8, 8), &value)) != 0) {
			r = E_FORMAT;		/* the index names a row that is not there */
			break;
		}
		if ((r = row_make(kv_get_be64(key.p + 8), value, &row)) != 0 || !fn(&row, arg))
			break;
	}
	walk_close(&w);
	return r == E_NOTFOUND ? 0 : r;
}

int
auditdb_head(struct auditdb *db, struct chain *out)
{
	struct kv_txn	*t;
	int		 r;

	if ((r = kv_begin(db->kv, false, &t)) != 0)
		return r;
	r = auditdb_load_chain(t, out);
	kv_abort(&t);
	return r;
}
