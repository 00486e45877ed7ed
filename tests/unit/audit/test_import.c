/* SPDX-License-Identifier: Apache-2.0
 *
 * test_import.c - from the spool into the store, each record exactly once
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench.h"
#include "lib/fd.h"

Test(import, makes_one_row_of_begin_and_end_while_it_is_written)
{
	struct bench		b;
	struct audit_fields	f = desk_fields("query"), g = desk_fields("drop");
	uint64_t		seq;

	bench_init(&b);
	spool_add_segment(b.d.spool, desk_segment(&b.d, 1, 1), 1);
	cr_assert(eq(int, spool_begin(b.d.spool, 5, 41, &f, &seq), 0));
	desk_turn(&b.d);
	bench_import(&b);
	cr_expect(eq(u64, desk_rows(b.db).all, 0));
	spool_end(b.d.spool, seq, 5, 41, &f);
	cr_assert(eq(int, spool_once(b.d.spool, 6, 41, &g), 0));
	desk_turn(&b.d);
	bench_import(&b);
	bench_import(&b);
	cr_expect(eq(u64, desk_rows(b.db).all, 2));
	cr_expect(eq(uint, desk_rows_of(b.db, "query"), 1));
	cr_expect(eq(uint, desk_rows_of(b.db, "drop"), 1));
	cr_expect(import_has_live(b.im));
	cr_expect(eq(uint, desk_segments(&b.d), 1), "a segment somebody holds stays");
	spool_free(&b.d.spool);
	bench_import(&b);
	cr_expect(eq(uint, desk_segments(&b.d), 0), "one that nobody holds goes");
	cr_expect(eq(u64, desk_rows(b.db).all, 2));
	bench_fini(&b);
}

Test(import, drops_what_it_has_seen_before)
{
	struct bench	b;
	char		bytes[3 * RECORD_MAX];
	size_t		n = 0;

	bench_init(&b);
	n += bench_record(bytes + n, RECORD_BEGIN, 1, 0, "query");
	n += bench_record(bytes + n, RECORD_END, 2, 1, "query");
	n += bench_record(bytes + n, RECORD_ONCE, 3, 0, "drop");
	for (int i = 0; i < 3; i++) {
		bench_segment(&b, 1, 1, span_make(bytes, n));
		bench_import(&b);
		cr_expect(eq(u64, desk_rows(b.db).all, 2));
		/* Another start of the auditor knows it too. */
		bench_close(&b);
		bench_open(&b);
	}
	cr_expect(eq(uint, desk_segments(&b.d), 0));
	bench_fini(&b);
}

Test(import, closes_the_calls_of_the_dead_and_of_nobody_else)
{
	struct bench	b;
	char		bytes[3 * RECORD_MAX];
	size_t		n = 0;
	int		held;

	bench_init(&b);
	n += bench_record(bytes + n, RECORD_BEGIN, 1, 0, "one");
	n += bench_record(bytes + n, RECORD_BEGIN, 2, 0, "two");
	n += bench_record(bytes + n, RECORD_END, 3, 1, "one");
	bench_segment(&b, 1, 1, span_make(bytes, n));
	held = desk_segment(&b.d, 2, 1);
	cr_assert(pwrite(held, bytes, n, sizeof(struct segment_head)) == (ssize_t)n);
	bench_import(&b);
	cr_expect(eq(u64, desk_rows(b.db).all, 2));
	cr_assert(eq(int, import_writer_over(b.im, 1, 1), 0));
	cr_assert(eq(int, import_writer_over(b.im, 1, 2), 0));
	bench_import(&b);
	cr_expect(eq(u64, desk_rows(b.db).unknown, 1), "the second writer still holds its segment");
	cr_assert(eq(int, import_all_over(b.im), 0));
	cr_expect(eq(u64, desk_rows(b.db).unknown, 1));
	close(held);
	bench_import(&b);
	cr_expect(eq(u64, desk_rows(b.db).unknown, 2));
	cr_expect(eq(u64, desk_rows(b.db).all, 4));
	bench_fini(&b);
}

/* Two writers in one look, each with calls open when the other one's turn comes. */
Test(import, writers_by_turns_do_not_mix_their_calls)
{
	struct bench	b;
	char		bytes[3 * RECORD_MAX];
	size_t		n = 0;

	bench_init(&b);
	n += bench_record(bytes + n, RECORD_BEGIN, 1, 0, "one");
	n += bench_record(bytes + n, RECORD_BEGIN, 2, 0, "two");
	bench_segment(&b, 1, 1, span_make(bytes, n));
	bench_segment(&b, 2, 1, span_make(bytes, n));
	n = bench_record(bytes, RECORD_END, 3, 2, "");
	bench_segment(&b, 2, 2, span_make(bytes, n));
	bench_import(&b);
	cr_expect(eq(uint, desk_rows_of(b.db, "two"), 1));
	cr_expect(eq(u64, desk_rows(b.db).all, 1));
	n += bench_record(bytes + n, RECORD_END, 4, 1, "");
	bench_segment(&b, 1, 2, span_make(bytes, n));
	bench_import(&b);
	cr_expect(eq(uint, desk_rows_of(b.db, "two"), 2));
	cr_expect(eq(uint, desk_rows_of(b.db, "one"), 1));
	cr_expect(eq(u64, desk_rows(b.db).all, 3));
	bench_fini(&b);
}

Test(import, an_end_whose_call_was_closed_is_kept)
{
	struct bench	b;
	char		bytes[RECORD_MAX];

	bench_init(&b);
	bench_segment(&b, 1, 1, span_make(bytes, bench_record(bytes, RECORD_BEGIN, 1, 0, "one")));
	bench_import(&b);
	cr_assert(eq(int, import_writer_over(b.im, 1, 1), 0));
	bench_import(&b);
	bench_segment(&b, 1, 2, span_make(bytes, bench_record(bytes, RECORD_END, 2, 1, "one")));
	bench_import(&b);
	cr_expect(eq(u64, desk_rows(b.db).unknown, 1));
	cr_expect(eq(u64, desk_rows(b.db).ok, 1));
	bench_fini(&b);
}

Test(import, a_tail_torn_at_any_byte_costs_that_record_alone)
{
	struct bench	b;
	char		bytes[2 * RECORD_MAX], object[32];
	size_t		first, n;
	uint32_t	incarnation = 0;

	bench_init(&b);
	first = bench_record(bytes, RECORD_ONCE, 1, 0, "query 00000000");
	n = first + bench_record(bytes + first, RECORD_ONCE, 2, 0, "torn");
	for (size_t cut = first; cut < n - RECORD_ALIGN; cut++) {
		snprintf(object, sizeof(object), "query %08zu", cut);
		first = bench_record(bytes, RECORD_ONCE, 1, 0, object);
		bench_record(bytes + first, RECORD_ONCE, 2, 0, "torn");
		bench_segment(&b, ++incarnation, 1, span_make(bytes, cut));
		bench_import(&b);
		cr_expect(desk_segments(&b.d) == 0, "cut at %zu", cut);
	}
	cr_expect(eq(uint, desk_rows_of(b.db, "torn"), 0));
	cr_expect(eq(u64, desk_rows(b.db).all, incarnation));
	cr_expect(eq(u64, desk_rows(b.db).marks, 0));
	bench_fini(&b);
}

Test(import, half_a_record_of_a_living_writer_is_waited_for)
{
	struct bench	b;
	char		bytes[RECORD_MAX];
	size_t		n = bench_record(bytes, RECORD_ONCE, 1, 0, "query");
	int		fd;

	bench_init(&b);
	fd = desk_segment(&b.d, 1, 1);
	for (size_t i = 0; i < n; i++) {
		cr_assert(eq(int, (int)pwrite(fd, bytes + i, 1, (off_t)(sizeof(struct segment_head) + i)), 1));
		bench_import(&b);
	}
	cr_expect(eq(u64, desk_rows(b.db).all, 1));
	cr_expect(eq(u64, desk_rows(b.db).marks, 0));
	close(fd);
	bench_fini(&b);
}

Test(import, damage_inside_costs_what_it_covers_and_is_marked)
{
	static const size_t places[] = { 0, 4, 40, 120 };

	for (size_t k = 0; k < sizeof(places) / sizeof(places[0]); k++) {
		for (int zero = 0; zero < 2; zero++) {
			struct bench b;
			char bytes[3 * RECORD_MAX];
			size_t first, second, n;

			bench_init(&b);
			first = bench_record(bytes, RECORD_ONCE, 1, 0, "one");
			second = first + bench_record(bytes + first, RECORD_ONCE, 2, 0, "two");
			n = second + bench_record(bytes + second, RECORD_ONCE, 3, 0, "three");
			if (zero)
				memset(bytes + first, 0, second - first);
			else
				bytes[first + places[k]] = (char)(bytes[first + places[k]] ^ 0x55);
			bench_segment(&b, 1, 1, span_make(bytes, n));
			bench_import(&b);
			cr_expect(eq(uint, desk_rows_of(b.db, "one"), 1));
			cr_expect(eq(uint, desk_rows_of(b.db, "two"), 0));
			cr_expect(eq(uint, desk_rows_of(b.db, "three"), 1));
			cr_expect(eq(u64, desk_rows(b.db).marks, 2), "the damage, and the gap it left");
			cr_expect(eq(uint, desk_segments(&b.d), 0));
			bench_fini(&b);
		}
	}
}

Test(import, takes_a_later_segment_only_after_the_whole_of_the_one_before)
{
	struct bench	b;
	char		bytes[RECORD_MAX];
	size_t		n;
	int		held;

	bench_init(&b);
	held = desk_segment(&b.d, 1, 1);
	bench_segment(&b, 1, 2, span_make(bytes, bench_record(bytes, RECORD_ONCE, 2, 0, "two")));
	bench_import(&b);
	cr_expect(eq(u64, desk_rows(b.db).all, 0));
	n = bench_record(bytes, RECORD_ONCE, 1, 0, "one");
	cr_assert(pwrite(held, bytes, n, sizeof(struct segment_head)) == (ssize_t)n);
	close(held);
	bench_import(&b);
	cr_expect(eq(u64, desk_rows(b.db).all, 2));
	cr_expect(eq(u64, desk_rows(b.db).marks, 0));
	bench_fini(&b);
}

/* A worker that is an enemy has its segment open to write, and the auditor reads those of all. */
Test(import, a_segment_that_its_writer_made_huge_holds_nobody_up, .timeout = 60)
{
	struct bench	b;
	char		bytes[RECORD_MAX];
	size_t		n;
	int		held;

	bench_init(&b);
	held = desk_segment(&b.d, 1, 1);
	n = bench_record(bytes, RECORD_ONCE, 1, 0, "one");
	cr_assert(pwrite(held, bytes, n, sizeof(struct segment_head)) == (ssize_t)n);
	cr_assert(pwrite(held, "\xee", 1, (off_t)(sizeof(struct segment_head) + n)) == 1);
	cr_assert(eq(int, ftruncate(held, (off_t)1 << 40), 0));
	n = bench_record(bytes, RECORD_ONCE, 2, 0, "two");
	cr_assert(pwrite(held, bytes, n, ((off_t)1 << 40) - (off_t)n) == (ssize_t)n);
	close(held);
	n = bench_record(bytes, RECORD_ONCE, 1, 0, "three");
	bench_segment(&b, 2, 1, span_make(bytes, n));
	bench_import(&b);
	cr_expect(eq(uint, desk_rows_of(b.db, "one"), 1));
	cr_expect(eq(uint, desk_rows_of(b.db, "three"), 1));
	cr_expect(eq(u64, desk_rows(b.db).all, 2));
	cr_expect(eq(uint, desk_segments(&b.d), 0));
	bench_fini(&b);
}

Test(import, rubbish_in_the_folder_changes_nothing)
{
	static const char *const names[] = { "x", "1122334455667788-1-1", "1122334455667788-1-1-x",
	    "1122334455667788-01-1-1", "zz22334455667788-1-1-1", ".1122334455667789-1-1-1" };
	struct bench	b;
	char		bytes[RECORD_MAX];

	bench_init(&b);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		close(openat(b.d.spool_fd, names[i], O_WRONLY | O_CREAT, 0600));
	cr_assert(eq(int, mkdirat(b.d.spool_fd, "1122334455667788-9-9-9", 0700), 0));
	memset(bytes, 0xee, sizeof(bytes));
	bench_segment(&b, 1, 1, span_make(bytes, sizeof(bytes)));
	bench_import(&b);
	cr_expect(eq(u64, desk_rows(b.db).all, 0));
	cr_assert(eq(int, import_tidy(b.im), 0));
	cr_expect(eq(int, faccessat(b.d.spool_fd, names[5], F_OK, 0), -1), "half-made, of an earlier boot");
	unlinkat(b.d.spool_fd, "1122334455667788-9-9-9", AT_REMOVEDIR);
	bench_fini(&b);
}

Test(import, tidy_forgets_writers_of_earlier_boots_only)
{
	struct bench		b;
	struct segment_id	w = { 0 };
	char			bytes[RECORD_MAX];
	unsigned		n = 0;

	bench_init(&b);
	bench_segment(&b, 1, 1, span_make(bytes, bench_record(bytes, RECORD_ONCE, 1, 0, "one")));
	bench_segment(&b, 2, 1, span_make(bytes, bench_record(bytes, RECORD_ONCE, 1, 0, "two")));
	bench_import(&b);
	cr_assert(eq(int, import_tidy(b.im), 0));
	cr_assert(eq(int, auditdb_begin(b.db), 0));
	while (auditdb_next_done(b.db, &w) == 0)
		n++;
	auditdb_abort(b.db);
	cr_expect(eq(uint, n, 2));
	import_free(&b.im);
	cr_assert(eq(int, import_new(b.db, b.d.spool_path, DESK_BOOT + 1, &b.im), 0));
	cr_assert(eq(int, import_tidy(b.im), 0));
	cr_assert(eq(int, auditdb_begin(b.db), 0));
	w = (struct segment_id){ 0 };
	cr_expect(eq(int, auditdb_next_done(b.db, &w), E_NOTFOUND));
	auditdb_abort(b.db);
	bench_fini(&b);
}

Test(import, a_full_disk_loses_nothing)
{
	struct bench		b;
	struct audit_fields	f = desk_large_fields();
	enum import_news	news;
	unsigned		failed = 0;

	bench_init(&b);
	spool_add_segment(b.d.spool, desk_segment(&b.d, 1, 1), 1);
	for (int i = 0; i < 1000; i++)
		cr_assert(eq(int, spool_once(b.d.spool, 1, 1, &f), 0));
	desk_turn(&b.d);
	bench_limit_files(256 * 1024);
	for (int i = 0; i < 3; i++)
		failed += import_pass(b.im, &news) == E_SYS;
	cr_expect(eq(uint, failed, 3));
	cr_expect(eq(u64, import_behind(b.im), 1000));
	cr_expect(eq(uint, desk_segments(&b.d), 1));
	bench_limit_files(RLIM_INFINITY);
	bench_import(&b);
	cr_expect(eq(u64, desk_rows(b.db).all, 1000));
	cr_expect(eq(u64, import_behind(b.im), 0));
	bench_fini(&b);
}

/* The same with a disk that is really full; only where a file system can be mounted. */
Test(import, a_full_file_system_loses_nothing)
{
	struct bench		b;
	struct audit_fields	f = desk_large_fields();
	enum import_news	news;
	char			ballast[160];
	int			fd;

	desk_init(&b.d);
	desk_spool(&b.d);
	if (unshare(CLONE_NEWNS) == -1 || mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1 ||
	    mount("tmpfs", b.d.db_path, "tmpfs", 0, "size=4m") == -1) {
		desk_fini(&b.d);
		cr_skip("needs a mount namespace");
	}
	bench_open(&b);
	spool_add_segment(b.d.spool, desk_segment(&b.d, 1, 1), 1);
	for (int i = 0; i < 1000; i++)
		cr_assert(eq(int, spool_once(b.d.spool, 1, 1, &f), 0));
	desk_turn(&b.d);
	snprintf(ballast, sizeof(ballast), "%s/ballast", b.d.db_path);
	fd = open(ballast, O_WRONLY | O_CREAT, 0600);
	cr_assert(fd != -1);
	while (write(fd, ballast, sizeof(ballast)) > 0)
		;
	for (int i = 0; i < 3; i++) {
		cr_expect(eq(int, import_pass(b.im, &news), E_SYS));
		cr_expect(eq(int, errno, ENOSPC));
	}
	cr_expect(eq(u64, import_behind(b.im), 1000));
	cr_assert(eq(int, ftruncate(fd, 0), 0));
	bench_import(&b);
	cr_expect(eq(u64, desk_rows(b.db).all, 1000));
	close(fd);
	bench_close(&b);
	umount(b.d.db_path);
	desk_fini(&b.d);
}
