/* SPDX-License-Identifier: Apache-2.0
 *
 * db.c - the audit store: opening it, and its one write transaction
 *
 * Process: mcpgw-audit, and its query form (open and close only).
 * Owns:    the environment and the one write transaction.
 * Trusts:  the folder to be its own; the format is checked.
 */
#include <stdlib.h>

#include "audit/db_priv.h"
#include "lib/bug.h"

#define MAP_BYTES	(UINT64_C(1) << 30)	/* address space, not disk; grows by doubling */

static const char *const tables[DB_LIMIT] = {
	[DB_REC] = "rec", [DB_TIME] = "time", [DB_OPEN] = "open", [DB_DONE] = "done", [DB_META] = "meta",
};

void
auditdb_writer_key(const struct segment_id *w, char key[WRITER_KEY])
{
	kv_put_be64(key, w->boot);
	kv_put_be32(key + 8, w->slot);
	kv_put_be32(key + 12, w->incarnation);
}

void
auditdb_open_key(const struct segment_id *w, uint64_t seq, char key[OPEN_KEY])
{
	auditdb_writer_key(w, key);
	kv_put_be64(key + WRITER_KEY, seq);
}

int
auditdb_open(const char *path, bool read_only, struct auditdb **out)
{
	struct auditdb	*db;
	int		 r;

	*out = NULL;
	if ((db = calloc(1, sizeof(*db))) == NULL)
		return E_NOMEM;
	r = kv_open(path, tables, DB_LIMIT, MAP_BYTES, read_only ? KV_READ_ONLY : KV_LAZY_META, &db->kv);
	if (r != 0 || (r = kv_check_format(db->kv, DB_META, AUDITDB_FORMAT)) != 0)
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

int
auditdb_flush(struct auditdb *db)
{
	char		key[OPEN_KEY], value[8];
	struct span	begin;
	uint64_t	seq;
	size_t		place = 0;
	int		r;

	if (db->done_changed) {
		auditdb_writer_key(&db->done_of, key);
		kv_put_be64(value, db->done_seq);
		r = kv_put(db->txn, DB_DONE, span_make(key, WRITER_KEY), span_make(value, sizeof(value)));
		if (r != 0)
			return r;
		db->done_changed = false;
	}
	while (pending_next(&db->pending, &place, &seq, &begin)) {
		auditdb_open_key(&db->done_of, seq, key);
		if ((r = kv_put(db->txn, DB_OPEN, span_make(key, OPEN_KEY), begin)) != 0)
			return r;
	}
	pending_clear(&db->pending);
	return 0;
}

/* The last key of `time`, or zeroes, which are before every other. */
static int
last_time(struct auditdb *db, char key[TIME_KEY])
{
	struct kv_cursor	*c;
	struct span		 k, v;
	int			 r;

	memset(key, 0, TIME_KEY);
	if ((r = kv_cursor_open(db->txn, DB_TIME, &c)) != 0)
		return r;
	r = kv_cursor_move(c, KV_LAST, &k, &v);
	if (r == 0 && k.n != TIME_KEY)
		r = E_FORMAT;
	if (r == 0)
		memcpy(key, k.p, TIME_KEY);
	kv_cursor_close(&c);
	return r == E_NOTFOUND ? 0 : r;
}

int
auditdb_flush_times(struct auditdb *db)
{
	char	last[TIME_KEY], key[TIME_KEY];
	bool	behind = false;
	int	r;

	if (db->times.count == 0)
		return 0;
	if ((r = last_time(db, last)) != 0)
		return r;
	for (size_t i = 0; i < db->times.count; i++) {
		kv_put_be64(key, db->times.v[i].wall_ns);
		kv_put_be64(key + 8, db->times.v[i].number);
		behind = behind || memcmp(key, last, TIME_KEY) > 0;
		r = (behind ? kv_append : kv_put)(db->txn, DB_TIME, span_make(key, TIME_KEY),
		    span_make("", 0));
		if (r != 0)
			return r;
	}
	db->times.count = 0;
	return 0;
}

static void
forget_cached(struct auditdb *db)
{
	pending_clear(&db->pending);
	db->times.count = 0;
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
	if ((r = auditdb_flush(db)) != 0 || (r = auditdb_flush_times(db)) != 0 ||
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
