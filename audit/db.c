/* SPDX-License-Identifier: Apache-2.0
 *
 * db.c - the audit store, its writing half
 *
 * Process: mcpgw-audit, and its query form (open and close only).
 * Owns:    the environment, the one write transaction, the writer's lock.
 * Trusts:  records as far as record_decode() proved them; a worker can lie only about its own calls,
 *          because the writer is taken from the segment's name.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "audit/db_priv.h"
#include "lib/bug.h"
#include "lib/fd.h"

#define MAP_BYTES	(UINT64_C(1) << 30)	/* address space, not disk; grows by doubling */
#define WRITER_KEY	16
#define OPEN_KEY	PENDING_KEY
#define TIME_KEY	16

static const char *const tables[DB_LIMIT] = {
	[DB_REC] = "rec", [DB_TIME] = "time", [DB_OPEN] = "open", [DB_DONE] = "done", [DB_META] = "meta",
};

static void
writer_key(const struct segment_id *w, char key[WRITER_KEY])
{
	kv_put_be64(key, w->boot);
	kv_put_be32(key + 8, w->slot);
	kv_put_be32(key + 12, w->incarnation);
}

static void
writer_of_key(struct span key, struct segment_id *w)
{
	*w = (struct segment_id){ .boot = kv_get_be64(key.p), .slot = kv_get_be32(key.p + 8),
	    .incarnation = kv_get_be32(key.p + 12) };
}

/* One writer: flock and not LMDB's own lock, which would let two take turns. */
static int
lock_take(struct auditdb *db, const char *path)
{
	char	name[4096];

	if (snprintf(name, sizeof(name), "%s/lock", path) >= (int)sizeof(name))
		return E_TOOBIG;
	db->lock_fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (db->lock_fd == -1)
		return E_SYS;
	if (flock(db->lock_fd, LOCK_EX | LOCK_NB) == -1)
		return errno == EWOULDBLOCK ? E_EXISTS : E_SYS;
	return 0;
}

static int
format_check(struct auditdb *db, bool read_only)
{
	struct kv_txn	*t;
	struct span	 v;
	uint32_t	 format = AUDITDB_FORMAT;
	int		 r;

	if ((r = kv_begin(db->kv, !read_only, &t)) != 0)
		return r;
	r = kv_get(t, DB_META, SPAN_LIT("format"), &v);
	if (r == 0)
		r = v.n == sizeof(format) && memcmp(v.p, &format, sizeof(format)) == 0 ? 0 : E_VERSION;
	else if (r == E_NOTFOUND && !read_only)
		r = kv_put(t, DB_META, SPAN_LIT("format"), span_make(&format, sizeof(format)));
	if (r == 0 && !read_only)
		return kv_commit(&t);
	kv_abort(&t);
	return r;
}

int
auditdb_open(const char *path, bool read_only, struct auditdb **out)
{
	struct auditdb	*db;
	int		 r;

	*out = NULL;
	if ((db = calloc(1, sizeof(*db))) == NULL)
		return E_NOMEM;
	db->lock_fd = -1;
	if (!read_only && (r = lock_take(db, path)) != 0)
		goto fail;
	r = kv_open(path, tables, DB_LIMIT, MAP_BYTES, read_only ? KV_READ_ONLY : KV_LAZY_META, &db->kv);
	if (r != 0 || (r = format_check(db, read_only)) != 0)
		goto fail;
	*out = db;
	return 0;
 fail:
	auditdb_close(&db);
	return r;
}

void
auditdb_close(struct auditdb **dbp)
{
	struct auditdb	*db = *dbp;

	*dbp = NULL;
	if (db == NULL)
		return;
	auditdb_abort(db);
	pending_fini(&db->pending);
	kv_close(&db->kv);
	fd_close(&db->lock_fd);
	free(db);
}

const char *
auditdb_why(const struct auditdb *db)
{
	return kv_why(db->kv);
}

int
auditdb_load_chain(struct kv_txn *t, struct chain *out)
{
	struct span	v;
	int		r;

	*out = (struct chain){ .number = 0 };
	r = kv_get(t, DB_META, SPAN_LIT("chain"), &v);
	if (r == E_NOTFOUND)
		return 0;
	if (r != 0)
		return r;
	if (v.n != 8 + sizeof(out->head))
		return E_FORMAT;
	out->number = kv_get_be64(v.p);
	memcpy(&out->head, v.p + 8, sizeof(out->head));
	return 0;
}

int
auditdb_begin(struct auditdb *db)
{
	int	r;

	BUG_ON(db->txn != NULL);
	if ((r = kv_begin(db->kv, true, &db->txn)) != 0)
		return r;
	if ((r = auditdb_load_chain(db->txn, &db->chain)) != 0)
		kv_abort(&db->txn);
	return r;
}

/* What was kept in memory for speed, into the transaction. */
static int
flush(struct auditdb *db)
{
	int	r;

	if (db->done_changed) {
		char key[WRITER_KEY], value[8];

		writer_key(&db->done_of, key);
		kv_put_be64(value, db->done_seq);
		r = kv_put(db->txn, DB_DONE, span_make(key, sizeof(key)), span_make(value, sizeof(value)));
		if (r != 0)
			return r;
		db->done_changed = false;
	}
	for (size_t i = 0; i < db->pending.count; i++) {
		const struct pending_entry *e = &db->pending.v[i];

		if (e->ended)
			continue;
		r = kv_put(db->txn, DB_OPEN, span_make(e->key, sizeof(e->key)),
		    span_make(db->pending.data + e->at, e->bytes));
		if (r != 0)
			return r;
	}
	pending_clear(&db->pending);
	return 0;
}

static void
forget_cached(struct auditdb *db)
{
	pending_clear(&db->pending);
	db->done_known = db->done_changed = false;
}

int
auditdb_commit(struct auditdb *db)
{
	char	v[8 + sizeof(struct crypt_digest)];
	int	r;

	BUG_ON(db->txn == NULL);
	kv_put_be64(v, db->chain.number);
	memcpy(v + 8, &db->chain.head, sizeof(db->chain.head));
	if ((r = flush(db)) != 0 ||
	    (r = kv_put(db->txn, DB_META, SPAN_LIT("chain"), span_make(v, sizeof(v)))) != 0) {
		auditdb_abort(db);
		return r;
	}
	forget_cached(db);
	return kv_commit(&db->txn);
}

void
auditdb_abort(struct auditdb *db)
{
	forget_cached(db);
	kv_abort(&db->txn);
}

int
auditdb_grow(struct auditdb *db)
{
	BUG_ON(db->txn != NULL);
	return kv_grow(db->kv);
}

uint64_t
auditdb_rows(const struct auditdb *db)
{
	return db->chain.number;
}

int
auditdb_sync(struct auditdb *db)
{
	return kv_sync(db->kv);
}

/* The next row of the chain, and its place in time. */
static int
row_add(struct auditdb *db, const struct segment_id *from, uint64_t end_seq, const struct record *r)
{
	char			row[sizeof(struct row_head) + RECORD_MAX], number[8], at[TIME_KEY];
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
	kv_put_be64(at, r->wall_ns);
	memcpy(at + 8, number, 8);
	if ((e = kv_append(db->txn, DB_REC, span_make(number, 8), span_make(row, n))) != 0 ||
	    (e = kv_put(db->txn, DB_TIME, span_make(at, TIME_KEY), span_make("", 0))) != 0)
		return e;
	db->chain.number++;
	db->chain.head = hash;
	return 0;
}

static int
take_begin(struct auditdb *db, const struct segment_id *from, const struct record *begin, struct span raw)
{
	char	key[OPEN_KEY];

	writer_key(from, key);
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

	writer_key(from, key);
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
	if ((r = flush(db)) != 0)
		return r;
	writer_key(from, key);
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
	if ((r = flush(db)) != 0)
		return r;
	end.f.outcome = audit_outcome_word(AUDIT_OUTCOME_UNKNOWN);
	writer_key(writer, from);
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
	if ((r = flush(db)) != 0)
		return r;
	writer_key(writer, at);
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

	writer_key(writer, key);
	return kv_del(db->txn, DB_DONE, span_make(key, sizeof(key)));
}
