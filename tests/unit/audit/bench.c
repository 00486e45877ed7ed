/* SPDX-License-Identifier: Apache-2.0
 *
 * bench.c - a desk with an auditor at it: store and import
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <signal.h>
#include <unistd.h>

#include "bench.h"

void
bench_open(struct bench *b)
{
	cr_assert(eq(int, auditdb_open(b->d.db_path, false, &b->db), 0));
	cr_assert(eq(int, import_new(b->db, b->d.spool_path, DESK_BOOT, &b->im), 0));
}

void
bench_init(struct bench *b)
{
	desk_init(&b->d);
	desk_spool(&b->d);
	bench_open(b);
}

void
bench_close(struct bench *b)
{
	import_free(&b->im);
	auditdb_close(&b->db);
}

void
bench_fini(struct bench *b)
{
	bench_close(b);
	desk_fini(&b->d);
}

void
bench_import(struct bench *b)
{
	cr_assert(eq(int, import_all(b->im), 0));
}

void
bench_segment(struct bench *b, uint32_t incarnation, uint32_t number, struct span bytes)
{
	int	fd = desk_segment(&b->d, incarnation, number);

	cr_assert(eq(int, (int)pwrite(fd, bytes.p, bytes.n, sizeof(struct segment_head)), (int)bytes.n));
	close(fd);
}

size_t
bench_record(char *to, enum record_kind kind, uint64_t seq, uint64_t begin_seq, const char *object)
{
	struct record	r = { .kind = kind, .seq = seq, .begin_seq = begin_seq, .request = seq,
	    .wall_ns = 1000 * seq, .f = desk_fields(object) };
	size_t		n;

	cr_assert(eq(int, record_encode(&r, to, RECORD_MAX, &n), 0));
	return n;
}

void
bench_limit_files(rlim_t bytes)
{
	struct rlimit	l;

	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &l);
	l.rlim_cur = bytes;
	cr_assert(eq(int, setrlimit(RLIMIT_FSIZE, &l), 0));
}
