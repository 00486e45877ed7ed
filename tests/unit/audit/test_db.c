/* SPDX-License-Identifier: Apache-2.0
 *
 * test_db.c - the audit store: its index, its one writer, its chain
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>

#include "audit/db_priv.h"
#include "desk.h"

static const struct segment_id writer = { DESK_BOOT, 1, 1, 1 };
static const char *const all_tables[] = { "rec", "time", "open", "done", "meta" };

static int
try_take(struct auditdb *db, const struct record *r)
{
	char			bytes[RECORD_MAX];
	struct record_look	look;
	size_t			n;

	cr_assert(eq(int, record_encode(r, bytes, sizeof(bytes), &n), 0));
	cr_assert(eq(int, record_check(span_make(bytes, n), &look), 0));
	return auditdb_take(db, &writer, &look, false);
}

static void
take(struct auditdb *db, const struct record *r)
{
	cr_assert(eq(int, try_take(db, r), 0));
}

/* `n` rows whose times go up and down. */
static void
add_rows(struct auditdb *db, unsigned n)
{
	cr_assert(eq(int, auditdb_begin(db), 0));
	for (uint64_t i = 1; i <= n; i++) {
		struct record r = { .kind = RECORD_ONCE, .seq = i, .wall_ns = (i * 7) % 100 * 1000,
		    .f = desk_fields("query") };

		take(db, &r);
	}
	cr_assert(eq(int, auditdb_commit(db), 0));
}

struct seen {
	uint64_t	last_ns;
	unsigned	n, wrong;
	bool		down;
};

static bool
see(const struct auditdb_row *row, void *arg)
{
	struct seen	*s = arg;

	if (s->n > 0 && (s->down ? row->r.wall_ns > s->last_ns : row->r.wall_ns < s->last_ns))
		s->wrong++;
	s->last_ns = row->r.wall_ns;
	s->n++;
	return true;
}

Test(db, walks_in_order_of_time_both_ways)
{
	static const struct {
		uint64_t	from, to;
		unsigned	want;
	} rows[] = {
		{ 0, UINT64_MAX, 100 }, { 0, 0, 1 }, { 50000, 50000, 1 }, { 50000, 59000, 10 },
		{ 50001, 59000, 9 }, { 99000, UINT64_MAX, 1 }, { 99001, UINT64_MAX, 0 }, { 5, 4, 0 },
	};
	struct desk	d;
	struct auditdb	*db;

	desk_init(&d);
	cr_assert(eq(int, auditdb_open(d.db_path, false, &db), 0));
	add_rows(db, 100);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (int down = 0; down < 2; down++) {
			struct seen s = { .down = down };

			cr_expect(eq(int, auditdb_each_time(db, rows[i].from, rows[i].to, down, see, &s), 0));
			cr_expect(eq(uint, s.n, rows[i].want), "row %zu down %d", i, down);
			cr_expect(eq(uint, s.wrong, 0), "row %zu down %d", i, down);
		}
	}
	auditdb_close(&db);
	desk_fini(&d);
}

/* More rows than are kept for sorting, some long before those that are in the table. */
Test(db, index_of_time_takes_any_order_over_transactions)
{
	struct desk	d;
	struct auditdb	*db;
	uint64_t	seq = 0;

	srand(3);
	desk_init(&d);
	cr_assert(eq(int, auditdb_open(d.db_path, false, &db), 0));
	for (int t = 0; t < 3; t++) {
		cr_assert(eq(int, auditdb_begin(db), 0));
		for (int i = 0; i < 2 * TIMES_MAX + 100; i++) {
			struct record r = { .kind = RECORD_ONCE, .seq = ++seq };

			r.wall_ns = seq % 10 == 0 ? (uint64_t)rand() % 100000 : 10 * seq + (uint64_t)rand() % 50;
			take(db, &r);
		}
		cr_assert(eq(int, auditdb_commit(db), 0));
	}
	for (int down = 0; down < 2; down++) {
		struct seen s = { .down = down };

		cr_expect(eq(int, auditdb_each_time(db, 0, UINT64_MAX, down, see, &s), 0));
		cr_expect(eq(uint, s.n, (unsigned)seq));
		cr_expect(eq(uint, s.wrong, 0));
	}
	auditdb_close(&db);
	desk_fini(&d);
}

Test(db, has_one_writer_and_any_number_of_readers)
{
	struct desk	d;
	struct auditdb	*db, *other;

	desk_init(&d);
	cr_expect(eq(int, auditdb_open(d.db_path, true, &other), E_NOTFOUND));
	cr_assert(eq(int, auditdb_open(d.db_path, false, &db), 0));
	cr_expect(eq(int, auditdb_open(d.db_path, false, &other), E_EXISTS));
	auditdb_close(&db);
	cr_expect(eq(int, auditdb_open(d.db_path, false, &db), 0));
	auditdb_close(&db);
	desk_fini(&d);
}

Test(db, refuses_a_store_of_another_format)
{
	struct desk	d;
	struct auditdb	*db;
	struct kv	*kv;
	struct kv_txn	*t;

	desk_init(&d);
	cr_assert(eq(int, auditdb_open(d.db_path, false, &db), 0));
	auditdb_close(&db);
	cr_assert(eq(int, kv_open(d.db_path, all_tables, DB_LIMIT, 1 << 20, 0, &kv), 0));
	cr_assert(eq(int, kv_begin(kv, true, &t), 0));
	cr_assert(eq(int, kv_put(t, DB_META, SPAN_LIT("format"), SPAN_LIT("\2\0\0\0")), 0));
	cr_assert(eq(int, kv_commit(&t), 0));
	kv_close(&kv);
	cr_expect(eq(int, auditdb_open(d.db_path, false, &db), E_VERSION));
	desk_fini(&d);
}

Test(db, rows_behind_the_head_of_the_chain_are_damage)
{
	struct desk	d;
	struct auditdb	*db;
	struct kv	*kv;
	struct kv_txn	*t;
	struct record	r = { .kind = RECORD_ONCE, .seq = 11 };

	desk_init(&d);
	cr_assert(eq(int, auditdb_open(d.db_path, false, &db), 0));
	add_rows(db, 10);
	auditdb_close(&db);
	cr_assert(eq(int, kv_open(d.db_path, all_tables, DB_LIMIT, 1 << 24, 0, &kv), 0));
	cr_assert(eq(int, kv_begin(kv, true, &t), 0));
	cr_assert(eq(int, kv_del(t, DB_META, SPAN_LIT("chain")), 0));
	cr_assert(eq(int, kv_commit(&t), 0));
	kv_close(&kv);
	cr_assert(eq(int, auditdb_open(d.db_path, false, &db), 0));
	cr_assert(eq(int, auditdb_begin(db), 0));
	cr_expect(eq(int, try_take(db, &r), E_FORMAT), "not a double");
	auditdb_abort(db);
	auditdb_close(&db);
	desk_fini(&d);
}

struct check {
	struct chain	chain;
	uint64_t	bad;
};

static bool
check_row(const struct auditdb_row *row, void *arg)
{
	struct check	*c = arg;

	if (chain_follow(&c->chain, row->number, &row->before, row->content) != 0)
		c->bad = row->number;
	return c->bad == 0;
}

/* The row that does not follow; 0: none; UINT64_MAX: one cannot be read, or the end is missing. */
static uint64_t
first_bad(const char *path)
{
	struct check	c = { .bad = 0 };
	struct auditdb	*db;
	struct chain	head;

	cr_assert(eq(int, auditdb_open(path, false, &db), 0));
	if (auditdb_each_number(db, 0, check_row, &c) != 0)
		c.bad = UINT64_MAX;
	cr_assert(eq(int, auditdb_head(db, &head), 0));
	if (c.bad == 0 && c.chain.number != head.number)
		c.bad = UINT64_MAX;
	auditdb_close(&db);
	return c.bad;
}

static void
edit(struct kv_txn *t, uint64_t number)
{
	char		key[8], copy[4096];
	struct span	v;

	kv_put_be64(key, number);
	cr_assert(eq(int, kv_get(t, DB_REC, span_make(key, 8), &v), 0));
	memcpy(copy, v.p, v.n);
	/* The record's own checksum is made good again: only the chain is left to notice. */
	{
		struct record r;
		size_t took, n;
		char bytes[RECORD_MAX];

		cr_assert(eq(int, record_decode(span_part(v, 64, v.n), &r, &took), 0));
		r.f.decision = SPAN_LIT("deny");
		cr_assert(eq(int, record_encode(&r, bytes, sizeof(bytes), &n), 0));
		memcpy(copy + 64, bytes, n);
		v.n = 64 + n;
	}
	cr_assert(eq(int, kv_put(t, DB_REC, span_make(key, 8), span_make(copy, v.n)), 0));
}

static void
cut(struct kv_txn *t, uint64_t number)
{
	char	key[8];

	kv_put_be64(key, number);
	cr_assert(eq(int, kv_del(t, DB_REC, span_make(key, 8)), 0));
}

static void
swap(struct kv_txn *t, uint64_t number)
{
	char		a[8], b[8], copy_a[4096], copy_b[4096];
	struct span	va, vb;

	kv_put_be64(a, number);
	kv_put_be64(b, number + 1);
	cr_assert(eq(int, kv_get(t, DB_REC, span_make(a, 8), &va), 0));
	cr_assert(eq(int, kv_get(t, DB_REC, span_make(b, 8), &vb), 0));
	memcpy(copy_a, va.p, va.n);
	memcpy(copy_b, vb.p, vb.n);
	cr_assert(eq(int, kv_put(t, DB_REC, span_make(a, 8), span_make(copy_b, vb.n)), 0));
	cr_assert(eq(int, kv_put(t, DB_REC, span_make(b, 8), span_make(copy_a, va.n)), 0));
}

Test(db, the_chain_shows_edit_cut_and_swap)
{
	static const struct {
		void		(*harm)(struct kv_txn *, uint64_t);
		uint64_t	number, want;
	} rows[] = {
		{ NULL, 0, 0 }, { edit, 10, 11 }, { cut, 10, 11 }, { swap, 10, 10 },
		{ cut, 100, UINT64_MAX }, { cut, 1, 2 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct desk d;
		struct auditdb *db;
		struct kv *kv;
		struct kv_txn *t;

		desk_init(&d);
		cr_assert(eq(int, auditdb_open(d.db_path, false, &db), 0));
		add_rows(db, 100);
		auditdb_close(&db);
		if (rows[i].harm != NULL) {
			cr_assert(eq(int, kv_open(d.db_path, all_tables, DB_LIMIT, 1 << 24, 0, &kv), 0));
			cr_assert(eq(int, kv_begin(kv, true, &t), 0));
			rows[i].harm(t, rows[i].number);
			cr_assert(eq(int, kv_commit(&t), 0));
			kv_close(&kv);
		}
		cr_expect(eq(u64, first_bad(d.db_path), rows[i].want), "row %zu", i);
		desk_fini(&d);
	}
}
