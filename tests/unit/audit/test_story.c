/* SPDX-License-Identifier: Apache-2.0
 *
 * test_story.c - whole lives of workers and auditors, cut off anywhere: each call keeps its one row
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

static bool
note_begin(const struct auditdb_row *row, void *arg)
{
	unsigned char	*seen = arg;

	cr_assert(row->r.seq < 2000);
	cr_expect(span_is(row->r.f.object, "query"));
	cr_expect(eq(u64, row->r.wall_ns, 1000 * row->r.seq));
	cr_expect(eq(uint, seen[row->r.seq]++, 0));
	return true;
}

static void
check_each_begin_once(struct bench *b, unsigned calls)
{
	unsigned char	seen[2000] = { 0 };

	cr_expect(eq(u64, desk_rows(b->db).all, calls));
	cr_assert(eq(int, auditdb_each_number(b->db, 0, note_begin, seen), 0));
}

/* One writer's story, cut into segments anywhere; the auditor dies between any two of its passes, with
 * and without what it took in memory. */
Test(story, any_order_of_ends_gives_each_call_its_row, .timeout = 60)
{
	enum { CALLS = 300 };

	srand(19);
	for (uint32_t round = 1; round <= 30; round++) {
		struct bench b;
		static char bytes[4 * CALLS * 512];
		uint64_t open[CALLS], seq = 0;
		unsigned n = 0, calls = 0, orphans;
		size_t used = 0;
		uint32_t number = 0;

		bench_init(&b);
		while (calls < CALLS || n > 3) {
			if (n > 0 && (calls == CALLS || rand() % 2 == 0)) {
				unsigned k = (unsigned)rand() % n;

				used += bench_record(bytes + used, RECORD_END, ++seq, open[k], "query");
				open[k] = open[--n];
			} else {
				open[n++] = ++seq;
				calls++;
				used += bench_record(bytes + used, RECORD_BEGIN, seq, 0, "query");
			}
			if (rand() % 20 != 0)
				continue;
			bench_segment(&b, 1, ++number, span_make(bytes, used));
			used = 0;
			if (rand() % 2 == 0)
				bench_import(&b);
			if (rand() % 3 == 0) {
				bench_close(&b);
				bench_open(&b);
			}
			if (rand() % 4 == 0) {		/* begun, and never committed */
				enum import_news news;

				bench_limit_files(0);
				(void)!import_pass(b.im, &news);
				bench_limit_files(RLIM_INFINITY);
			}
		}
		orphans = n;
		bench_segment(&b, 1, ++number, span_make(bytes, used));
		bench_import(&b);
		cr_expect(eq(u64, desk_rows(b.db).ok, CALLS - orphans));
		cr_assert(eq(int, import_writer_over(b.im, 1, 1), 0));
		bench_import(&b);
		check_each_begin_once(&b, CALLS);
		cr_expect(eq(u64, desk_rows(b.db).unknown, orphans));
		cr_expect(eq(u64, desk_rows(b.db).marks, 0));
		cr_expect(eq(uint, desk_segments(&b.d), 0));
		bench_fini(&b);
	}
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

Test(story, kill_9_of_a_worker_loses_no_dispatched_call, .timeout = 120)
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
		bench_import(&b);
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
