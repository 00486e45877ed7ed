/* SPDX-License-Identifier: Apache-2.0
 *
 * test_spool.c - the worker's side of the audit
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "audit/segment.h"
#include "audit/spool.h"
#include "desk.h"

struct read_back {
	unsigned	begins, ends, onces, marks;
	uint64_t	last_seq;
};

/* All records of the segments 1 .. n, whose seq must rise by one. */
static struct read_back
read_back(struct desk *d, uint32_t n)
{
	struct read_back	b = { 0 };

	for (uint32_t i = 1; i <= n; i++) {
		struct segment_reader s;
		struct record_look r;
		char name[SEGMENT_NAME_MAX];
		int e;

		segment_name(DESK_BOOT, 1, 1, i, name);
		cr_assert(eq(int, segment_open(d->spool_fd, name, &s), 0));
		while ((e = segment_next(&s, &r)) == 0) {
			cr_expect(eq(u64, r.head.seq, b.last_seq + 1));
			b.last_seq = r.head.seq;
			b.begins += r.head.kind == RECORD_BEGIN;
			b.ends += r.head.kind == RECORD_END;
			b.onces += r.head.kind == RECORD_ONCE;
			b.marks += r.head.kind == RECORD_MARK;
		}
		cr_expect(eq(int, e, E_EOF));
		cr_expect(segment_has_rest(&s) == false);
		segment_close(&s);
	}
	return b;
}

Test(spool, refuses_calls_without_a_segment)
{
	struct desk		d;
	struct audit_fields	f = desk_fields("query");
	uint64_t		seq;

	desk_init(&d);
	desk_spool(&d);
	cr_expect(spool_may_call(d.spool) == false);
	cr_expect(eq(int, spool_begin(d.spool, 1, 1, &f, &seq), E_AUDIT));
	cr_expect(eq(int, spool_once(d.spool, 1, 1, &f), E_AUDIT));
	desk_turn(&d);
	cr_expect(eq(u32, d.wanted, 1));
	spool_add_segment(d.spool, desk_segment(&d, 1, 1), 1);
	cr_expect(spool_may_call(d.spool));
	cr_expect(eq(int, spool_begin(d.spool, 1, 1, &f, &seq), 0));
	cr_expect(eq(u64, seq, 1));
	desk_fini(&d);
}

Test(spool, writes_once_a_turn_and_tells_what_is_kept)
{
	struct desk		d;
	struct audit_fields	f = desk_fields("query");
	uint64_t		a, b;

	desk_init(&d);
	desk_spool(&d);
	spool_add_segment(d.spool, desk_segment(&d, 1, 1), 1);
	cr_assert(eq(int, spool_begin(d.spool, 1, 1, &f, &a), 0));
	cr_assert(eq(int, spool_begin(d.spool, 2, 1, &f, &b), 0));
	spool_end(d.spool, a, 1, 1, &f);
	cr_assert(eq(int, spool_once(d.spool, 3, 1, &f), 0));
	cr_expect(spool_is_kept(d.spool, a) == false);
	cr_expect(eq(u64, read_back(&d, 1).last_seq, 0));
	desk_turn(&d);
	cr_expect(spool_is_kept(d.spool, a));
	cr_expect(spool_is_kept(d.spool, b));
	cr_expect(eq(u64, spool_counts(d.spool).writes, 1));
	cr_expect(eq(u32, spool_counts(d.spool).open, 1));
	cr_expect(eq(u64, read_back(&d, 1).last_seq, 4));
	desk_turn(&d);
	cr_expect(eq(u64, spool_counts(d.spool).writes, 1));
	desk_fini(&d);
}

/* Until no more call is taken; then every end, as large as it can be, must find its place. */
static void
fill(struct desk *d, bool turn_often, unsigned *begun)
{
	struct audit_fields	 f = desk_large_fields();
	uint64_t		*open = NULL;

	for (*begun = 0; spool_may_call(d->spool); (*begun)++) {
		open = realloc(open, (*begun + 1) * sizeof(*open));
		cr_assert(eq(int, spool_begin(d->spool, *begun + 1, 1, &f, &open[*begun]), 0));
		if (turn_often && *begun % 7 == 0)
			desk_turn(d);
	}
	for (unsigned i = 0; i < *begun; i++) {
		spool_end(d->spool, open[i], i + 1, 1, &f);
		if (turn_often && i % 5 == 0)
			desk_turn(d);
	}
	desk_turn(d);
	free(open);
}

Test(spool, an_end_always_fits)
{
	for (int often = 0; often < 2; often++) {
		struct desk d;
		struct read_back b;
		unsigned begun;

		desk_init(&d);
		desk_spool(&d);
		spool_add_segment(d.spool, desk_segment(&d, 1, 1), 1);
		fill(&d, often, &begun);
		b = read_back(&d, 1);
		cr_expect(begun > 1000, "%u calls", begun);
		cr_expect(eq(uint, b.begins, begun));
		cr_expect(eq(uint, b.ends, begun));
		cr_expect(eq(u32, d.wanted, 2));
		desk_fini(&d);
	}
}

Test(spool, goes_on_in_the_next_segment)
{
	for (int often = 0; often < 2; often++) {
		struct desk d;
		struct read_back b;
		unsigned begun;

		desk_init(&d);
		desk_spool(&d);
		spool_add_segment(d.spool, desk_segment(&d, 1, 1), 1);
		spool_add_segment(d.spool, desk_segment(&d, 1, 2), 2);
		fill(&d, often, &begun);
		b = read_back(&d, 2);
		cr_expect(begun > 2000, "%u calls", begun);
		cr_expect(eq(uint, b.begins, begun));
		cr_expect(eq(uint, b.ends, begun));
		desk_fini(&d);
	}
}

Test(spool, random_use_over_many_segments_loses_nothing)
{
	struct desk		d;
	struct audit_fields	large = desk_large_fields(), small = desk_fields("query");
	uint64_t		open[400];
	unsigned		n = 0, begun = 0, ended = 0, onces = 0, refused = 0;
	uint32_t		given = 1;
	struct read_back	b;

	srand(7);
	desk_init(&d);
	desk_spool(&d);
	spool_add_segment(d.spool, desk_segment(&d, 1, 1), 1);
	for (int i = 0; i < 100000; i++) {
		const struct audit_fields *f = rand() % 2 == 0 ? &large : &small;
		int what = rand() % 100;

		if (what < 40 && n < 400) {
			if (spool_begin(d.spool, 1, 1, f, &open[n]) == 0)
				n++, begun++;
			else
				refused++;
		} else if (what < 80 && n > 0) {
			unsigned k = (unsigned)rand() % n;

			spool_end(d.spool, open[k], 1, 1, f);
			open[k] = open[--n];
			ended++;
		} else if (what < 90) {
			if (spool_once(d.spool, 1, 1, f) == 0)
				onces++;
		} else if (what < 99) {
			desk_turn(&d);
		} else if (d.wanted == given + 1 && rand() % 40 == 0) {
			given++;
			spool_add_segment(d.spool, desk_segment(&d, 1, given), given);
		}
	}
	while (n > 0)
		spool_end(d.spool, open[--n], 1, 1, &large), ended++;
	desk_turn(&d);
	b = read_back(&d, given);
	cr_expect(given > 3, "%u segments", given);
	cr_expect(refused > 0);
	cr_expect(eq(uint, b.begins, begun));
	cr_expect(eq(uint, b.ends, ended));
	cr_expect(eq(uint, b.onces, onces));
	desk_fini(&d);
}

Test(spool, asks_again_when_there_is_no_segment, .timeout = 20)
{
	struct desk	d;

	desk_init(&d);
	desk_spool(&d);
	desk_turn(&d);
	cr_expect(eq(u32, d.wanted, 1));
	d.wanted = 0;
	desk_turn(&d);
	cr_expect(eq(u32, d.wanted, 0));
	spool_no_segment(d.spool, 1);
	loop_turn(d.loop, true);
	cr_expect(eq(u32, d.wanted, 1));
	desk_fini(&d);
}

Test(spool, closes_a_segment_that_is_not_needed)
{
	struct desk	d;
	int		fds[4];

	desk_init(&d);
	desk_spool(&d);
	for (uint32_t i = 0; i < 3; i++)
		spool_add_segment(d.spool, fds[i] = desk_segment(&d, 1, i + 1), i + 1);
	cr_expect(eq(int, (int)lseek(fds[2], 0, SEEK_CUR), -1));
	cr_expect(lseek(fds[1], 0, SEEK_CUR) != -1);
	desk_fini(&d);
}

/* Files of this process may not pass so many bytes; a stand-in for a disk that fails. */
static void
limit_files(rlim_t bytes)
{
	struct rlimit	l;

	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &l);
	l.rlim_cur = bytes;
	cr_assert(eq(int, setrlimit(RLIMIT_FSIZE, &l), 0));
}

Test(spool, a_failed_write_refuses_calls_and_is_made_good, .timeout = 20)
{
	struct desk		d;
	struct audit_fields	f = desk_fields("query");
	uint64_t		a, b, c;
	struct read_back	back;

	desk_init(&d);
	desk_spool(&d);
	spool_add_segment(d.spool, desk_segment(&d, 1, 1), 1);
	cr_assert(eq(int, spool_begin(d.spool, 1, 1, &f, &a), 0));
	desk_turn(&d);
	limit_files(80);		/* inside the first record: the write is cut short, then fails */
	cr_assert(eq(int, spool_begin(d.spool, 2, 1, &f, &b), 0));
	spool_end(d.spool, a, 1, 1, &f);
	desk_turn(&d);
	cr_expect(eq(uint, d.not_kept_calls, 1));
	cr_expect(eq(u64, d.not_kept, b));
	cr_expect(spool_may_call(d.spool) == false);
	cr_expect(spool_may_dispatch(d.spool, a));
	cr_expect(spool_may_dispatch(d.spool, b) == false);
	cr_expect(eq(int, spool_begin(d.spool, 3, 1, &f, &c), E_AUDIT));
	spool_end(d.spool, b, 2, 1, &f);
	cr_expect(eq(u64, read_back(&d, 1).last_seq, 1));
	limit_files(RLIM_INFINITY);
	loop_turn(d.loop, true);
	cr_expect(spool_may_call(d.spool));
	back = read_back(&d, 1);
	cr_expect(eq(uint, back.begins, 2));
	cr_expect(eq(uint, back.ends, 2));
	desk_fini(&d);
}

Test(spool, with_continue_calls_go_on_and_the_gap_is_marked, .timeout = 20)
{
	struct desk		d;
	struct audit_fields	f = desk_fields("query");
	uint64_t		seq = 9;

	desk_init(&d);
	desk_spool(&d);
	spool_set_continue(d.spool, true);
	cr_expect(spool_may_call(d.spool));
	cr_assert(eq(int, spool_begin(d.spool, 1, 1, &f, &seq), 0));
	cr_expect(eq(u64, seq, 0));
	spool_end(d.spool, seq, 1, 1, &f);
	cr_assert(eq(int, spool_once(d.spool, 1, 1, &f), 0));
	desk_turn(&d);
	cr_expect(eq(u64, spool_counts(d.spool).dropped, 3));
	spool_add_segment(d.spool, desk_segment(&d, 1, 1), 1);
	desk_turn(&d);
	cr_expect(eq(uint, read_back(&d, 1).marks, 1));
	desk_turn(&d);
	cr_expect(eq(uint, read_back(&d, 1).marks, 1));
	desk_fini(&d);
}

Test(spool, with_continue_a_failed_write_holds_no_call_up, .timeout = 20)
{
	struct desk		d;
	struct audit_fields	f = desk_fields("query");
	uint64_t		a;

	desk_init(&d);
	desk_spool(&d);
	spool_set_continue(d.spool, true);
	spool_add_segment(d.spool, desk_segment(&d, 1, 1), 1);
	limit_files(80);
	cr_assert(eq(int, spool_begin(d.spool, 1, 1, &f, &a), 0));
	desk_turn(&d);
	cr_expect(spool_is_kept(d.spool, a) == false);
	cr_expect(spool_may_dispatch(d.spool, a));
	cr_expect(eq(uint, d.not_kept_calls, 0));
	cr_expect(spool_may_call(d.spool));
	spool_end(d.spool, a, 1, 1, &f);
	limit_files(RLIM_INFINITY);
	loop_turn(d.loop, true);
	cr_expect(spool_is_kept(d.spool, a), "it is made good");
	cr_expect(eq(u64, spool_counts(d.spool).dropped, 0));
	desk_fini(&d);
}
