/* SPDX-License-Identifier: Apache-2.0
 *
 * quotadb.c - the store: how much of a quota counts as used, in a period
 *
 * Process: mcpgw-store.  Owns: nothing.
 * Trusts:  no length: a row that is none is as if it were not there.
 */
#include "store/keydb_priv.h"
#include "store/quotadb.h"

#define VALUE_BYTES	17		/* used, ends_ms, warned */

struct putting {
	const struct quotadb_row	*rows;
	size_t				 count;
};

struct loading {
	uint64_t	 past_ms, from_ms;
	quotadb_fn	*fn;
	void		*arg;
};

static int
txn_put(struct kv_txn *t, void *arg)
{
	const struct putting	*p = arg;
	char			 value[VALUE_BYTES];
	int			 r = 0;

	for (size_t i = 0; r == 0 && i < p->count; i++) {
		kv_put_be64(value, p->rows[i].used);
		kv_put_be64(value + 8, p->rows[i].ends_ms);
		value[16] = p->rows[i].warned;
		r = kv_put(t, DB_QUOTA, p->rows[i].of, span_make(value, sizeof(value)));
	}
	return r;
}

int
quotadb_put(struct keydb *db, const struct quotadb_row *rows, size_t count)
{
	struct putting	p = { rows, count };

	for (size_t i = 0; i < count; i++)
		if (rows[i].of.n == 0 || rows[i].of.n > QUOTADB_OF_MAX)
			return E_RANGE;
	return count == 0 ? 0 : keydb_write(db, txn_put, &p);
}

/* One that is no row ended long ago. */
static struct quotadb_row
row_of(struct span of, struct span v)
{
	struct quotadb_row	row = { .of = of };

	if (v.n == VALUE_BYTES) {
		row.used = kv_get_be64(v.p);
		row.ends_ms = kv_get_be64(v.p + 8);
		row.warned = v.p[16] != 0;
	}
	return row;
}

static int
txn_load(struct kv_txn *t, void *arg)
{
	const struct loading	*l = arg;
	struct quotadb_row	 row;
	struct kv_cursor	*c;
	struct span		 k, v;
	int			 r, e = 0;

	if ((r = kv_cursor_open(t, DB_QUOTA, &c)) != 0)
		return r;
	for (r = kv_cursor_move(c, KV_FIRST, &k, &v); r == 0 && e == 0; r = kv_cursor_move(c, KV_NEXT, &k, &v)) {
		row = row_of(k, v);
		if (row.ends_ms < l->past_ms)
			e = kv_cursor_del(c);
		else if (l->fn != NULL && row.ends_ms >= l->from_ms)
			e = l->fn(&row, l->arg);
	}
	kv_cursor_close(&c);
	return e != 0 ? e : r == E_NOTFOUND ? 0 : r;
}

int
quotadb_load(struct keydb *db, uint64_t past_ms, uint64_t from_ms, quotadb_fn *fn, void *arg)
{
	struct loading	l = { past_ms, from_ms, fn, arg };

	return keydb_write(db, txn_load, &l);
}

int
quotadb_get(struct keydb *db, struct span of, struct quotadb_row *out)
{
	struct kv_txn	*t;
	struct span	 v;
	int		 r;

	if ((r = kv_begin(db->kv, false, &t)) != 0)
		return r;
	if ((r = kv_get(t, DB_QUOTA, of, &v)) == 0)
		*out = row_of(of, v);
	kv_abort(&t);
	return r;
}
