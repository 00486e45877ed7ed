/* SPDX-License-Identifier: Apache-2.0
 *
 * test_import.c - from the spool into the store, each record exactly once
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "audit/auditor/import.h"
#include "desk.h"
#include "lib/fd.h"

struct bench {
	struct desk	 d;
	struct auditdb	*db;
	struct import	*im;
};

static void
bench_open(struct bench *b)
{
	cr_assert(eq(int, auditdb_open(b->d.db_path, false, &b->db), 0));
	cr_assert(eq(int, import_new(b->db, b->d.spool_path, DESK_BOOT, &b->im), 0));
}

static void
bench_init(struct bench *b)
{
	desk_init(&b->d);
	desk_spool(&b->d);
	bench_open(b);
}

static void
bench_close(struct bench *b)
{
	import_free(&b->im);
	auditdb_close(&b->db);
}

static void
bench_fini(struct bench *b)
{
	bench_close(b);
	desk_fini(&b->d);
}

static void
import(struct bench *b)
{
	cr_assert(eq(int, import_all(b->im), 0));
}

/* Bytes of records 1 .. n as a worker would leave them, into a new segment without a writer. */
static void
segment_of(struct bench *b, uint32_t incarnation, uint32_t number, struct span bytes)
{
	int	fd = desk_segment(&b->d, incarnation, number);

	cr_assert(eq(int, (int)pwrite(fd, bytes.p, bytes.n, sizeof(struct segment_head)), (int)bytes.n));
	close(fd);
}

static size_t
put_record(char *to, enum record_kind kind, uint64_t seq, uint64_t begin_seq, const char *object)
{
	struct record	r = { .kind = kind, .seq = seq, .begin_seq = begin_seq, .request = seq,
	    .wall_ns = 1000 * seq, .f = desk_fields(object) };
	size_t		n;

	cr_assert(eq(int, record_encode(&r, to, RECORD_MAX, &n), 0));
	return n;
}

Test(import, makes_one_row_of_begin_and_end_while_it_is_written)
{
	struct bench		b;
	struct audit_fields	f = desk_fields("query"), g = desk_fields("drop");
	uint64_t		seq;

	bench_init(&b);
	spool_add_segment(b.d.spool, desk_segment(&b.d, 1, 1), 1);
	cr_assert(eq(int, spool_begin(b.d.spool, 5, 41, &f, &seq), 0));
	desk_turn(&b.d);
	import(&b);
	cr_expect(eq(u64, desk_rows(b.db).all, 0));
	spool_end(b.d.spool, seq, 5, 41, &f);
	cr_assert(eq(int, spool_once(b.d.spool, 6, 41, &g), 0));
	desk_turn(&b.d);
	import(&b);
	import(&b);
	cr_expect(eq(u64, desk_rows(b.db).all, 2));
	cr_expect(eq(uint, desk_rows_of(b.db, "query"), 1));
	cr_expect(eq(uint, desk_rows_of(b.db, "drop"), 1));
	cr_expect(import_has_live(b.im));
	cr_expect(eq(uint, desk_segments(&b.d), 1), "a segment somebody holds stays");
	spool_free(&b.d.spool);
	import(&b);
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
	n += put_record(bytes + n, RECORD_BEGIN, 1, 0, "query");
	n += put_record(bytes + n, RECORD_END, 2, 1, "query");
	n += put_record(bytes + n, RECORD_ONCE, 3, 0, "drop");
	for (int i = 0; i < 3; i++) {
		segment_of(&b, 1, 1, span_make(bytes, n));
		import(&b);
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
	n += put_record(bytes + n, RECORD_BEGIN, 1, 0, "one");
	n += put_record(bytes + n, RECORD_BEGIN, 2, 0, "two");
	n += put_record(bytes + n, RECORD_END, 3, 1, "one");
	segment_of(&b, 1, 1, span_make(bytes, n));
	held = desk_segment(&b.d, 2, 1);
	cr_assert(pwrite(held, bytes, n, sizeof(struct segment_head)) == (ssize_t)n);
	import(&b);
	cr_expect(eq(u64, desk_rows(b.db).all, 2));
	cr_assert(eq(int, import_writer_over(b.im, 1, 1), 0));
	cr_assert(eq(int, import_writer_over(b.im, 1, 2), 0));
	import(&b);
	cr_expect(eq(u64, desk_rows(b.db).unknown, 1), "the second writer still holds its segment");
	cr_assert(eq(int, import_all_over(b.im), 0));
	cr_expect(eq(u64, desk_rows(b.db).unknown, 1));
	close(held);
	import(&b);
	cr_expect(eq(u64, desk_rows(b.db).unknown, 2));
	cr_expect(eq(u64, desk_rows(b.db).all, 4));
	bench_fini(&b);
}

Test(import, an_end_whose_call_was_closed_is_kept)
{
	struct bench	b;
	char		bytes[RECORD_MAX];

	bench_init(&b);
	segment_of(&b, 1, 1, span_make(bytes, put_record(bytes, RECORD_BEGIN, 1, 0, "one")));
	import(&b);
	cr_assert(eq(int, import_writer_over(b.im, 1, 1), 0));
	import(&b);
	segment_of(&b, 1, 2, span_make(bytes, put_record(bytes, RECORD_END, 2, 1, "one")));
	import(&b);
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
	first = put_record(bytes, RECORD_ONCE, 1, 0, "query 00000000");
	n = first + put_record(bytes + first, RECORD_ONCE, 2, 0, "torn");
	for (size_t cut = first; cut < n - RECORD_ALIGN; cut++) {
		snprintf(object, sizeof(object), "query %08zu", cut);
		first = put_record(bytes, RECORD_ONCE, 1, 0, object);
		put_record(bytes + first, RECORD_ONCE, 2, 0, "torn");
		segment_of(&b, ++incarnation, 1, span_make(bytes, cut));
		import(&b);
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
	size_t		n = put_record(bytes, RECORD_ONCE, 1, 0, "query");
	int		fd;

	bench_init(&b);
	fd = desk_segment(&b.d, 1, 1);
	for (size_t i = 0; i < n; i++) {
		cr_assert(eq(int, (int)pwrite(fd, bytes + i, 1, (off_t)(sizeof(struct segment_head) + i)), 1));
		import(&b);
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
			first = put_record(bytes, RECORD_ONCE, 1, 0, "one");
			second = first + put_record(bytes + first, RECORD_ONCE, 2, 0, "two");
			n = second + put_record(bytes + second, RECORD_ONCE, 3, 0, "three");
			if (zero)
				memset(bytes + first, 0, second - first);
			else
				bytes[first + places[k]] = (char)(bytes[first + places[k]] ^ 0x55);
			segment_of(&b, 1, 1, span_make(bytes, n));
			import(&b);
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
	segment_of(&b, 1, 2, span_make(bytes, put_record(bytes, RECORD_ONCE, 2, 0, "two")));
	import(&b);
	cr_expect(eq(u64, desk_rows(b.db).all, 0));
	n = put_record(bytes, RECORD_ONCE, 1, 0, "one");
	cr_assert(pwrite(held, bytes, n, sizeof(struct segment_head)) == (ssize_t)n);
	close(held);
	import(&b);
	cr_expect(eq(u64, desk_rows(b.db).all, 2));
	cr_expect(eq(u64, desk_rows(b.db).marks, 0));
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
	segment_of(&b, 1, 1, span_make(bytes, sizeof(bytes)));
	import(&b);
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
	segment_of(&b, 1, 1, span_make(bytes, put_record(bytes, RECORD_ONCE, 1, 0, "one")));
	segment_of(&b, 2, 1, span_make(bytes, put_record(bytes, RECORD_ONCE, 1, 0, "two")));
	import(&b);
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

static void
limit_files(rlim_t bytes)
{
	struct rlimit	l;

	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &l);
	l.rlim_cur = bytes;
	cr_assert(eq(int, setrlimit(RLIMIT_FSIZE, &l), 0));
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
	limit_files(256 * 1024);
	for (int i = 0; i < 3; i++)
		failed += import_pass(b.im, &news) == E_SYS;
	cr_expect(eq(uint, failed, 3));
	cr_expect(eq(u64, import_behind(b.im), 1000));
	cr_expect(eq(uint, desk_segments(&b.d), 1));
	limit_files(RLIM_INFINITY);
	import(&b);
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
	import(&b);
	cr_expect(eq(u64, desk_rows(b.db).all, 1000));
	close(fd);
	bench_close(&b);
	umount(b.d.db_path);
	desk_fini(&b.d);
}

/* What a worker shares with its test: how many calls it has dispatched, the highest of them last. */
struct dispatched {
	_Atomic uint64_t	seq;
};

_Noreturn static void
worker(struct desk *d, int fd, struct dispatched *shared)
{
	struct audit_fields	f = desk_fields("query");
	uint64_t		open[8], seq, n = 0;

	desk_spool(d);
	spool_add_segment(d->spool, fd, 1);
	for (;;) {
		if (n == 8)
			spool_end(d->spool, open[--n], 1, 1, &f);
		if (spool_begin(d->spool, 1, 1, &f, &seq) != 0)
			pause();
		open[n++] = seq;
		if (seq % 3 != 0)
			continue;
		loop_turn(d->loop, false);
		if (spool_is_kept(d->spool, seq))
			atomic_store(&shared->seq, seq);	/* from here on the tool may have it */
	}
}

struct seqs {
	uint64_t	upto;
	unsigned char	seen[200000];
	unsigned	twice;
	uint32_t	incarnation;
};

static bool
note_seq(const struct auditdb_row *row, void *arg)
{
	struct seqs	*s = arg;

	if (row->writer.incarnation != s->incarnation)
		return true;
	if (row->r.seq < sizeof(s->seen) && s->seen[row->r.seq]++ != 0)
		s->twice++;
	return true;
}

/* Every begin that was dispatched has its row, exactly one, and none but ends lie between. */
static void
check_seqs(struct bench *b, uint32_t incarnation, uint64_t upto)
{
	static struct seqs	s;
	struct chain		head;
	uint64_t		missing = 0;

	memset(&s, 0, sizeof(s));
	s.incarnation = incarnation;
	cr_assert(eq(int, auditdb_head(b->db, &head), 0));
	cr_assert(eq(int, auditdb_each_number(b->db, 0, note_seq, &s), 0));
	cr_expect(eq(uint, s.twice, 0));
	cr_assert(upto < sizeof(s.seen));
	cr_expect(upto == 0 || s.seen[upto] == 1, "dispatched call %zu of %u has no record", (size_t)upto,
	    incarnation);
	/* seq 1..8 are begins; then one end comes before each begin. */
	for (uint64_t seq = 1; seq <= upto; seq++)
		missing += (seq <= 8 || seq % 2 == 0) && s.seen[seq] != 1;
	cr_expect(eq(u64, missing, 0));
}

Test(import, kill_9_of_a_worker_loses_no_dispatched_call, .timeout = 120)
{
	struct bench		 b;
	struct dispatched	*shared;
	uint64_t		 dispatched = 0;

	srand(11);
	bench_init(&b);
	spool_free(&b.d.spool);
	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (uint32_t incarnation = 1; incarnation <= 200; incarnation++) {
		int fd = desk_segment(&b.d, incarnation, 1);
		pid_t pid;

		atomic_store(&shared->seq, 0);
		if ((pid = fork()) == 0) {
			b.d.loop = NULL;
			worker(&b.d, fd, shared);
		}
		cr_assert(pid > 0);
		close(fd);
		for (int i = rand() % 3; i > 0; i--) {
			enum import_news news;

			cr_assert(eq(int, import_pass(b.im, &news), 0));
		}
		usleep((useconds_t)(rand() % 2000));
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		dispatched += atomic_load(&shared->seq);
		cr_assert(eq(int, import_writer_over(b.im, 1, incarnation), 0));
		import(&b);
		check_seqs(&b, incarnation, atomic_load(&shared->seq));
		if (incarnation % 10 == 0) {	/* a store of its own keeps the walk short */
			bench_close(&b);
			desk_fini(&b.d);
			desk_init(&b.d);
			bench_open(&b);
		}
	}
	cr_expect(dispatched > 1000, "%zu calls", (size_t)dispatched);
	bench_fini(&b);
}
