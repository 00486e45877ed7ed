/* SPDX-License-Identifier: Apache-2.0
 *
 * test_limit.c - token buckets: arithmetic, the table, many processes, and processes that are killed
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/fd.h"
#include "shm/limit_priv.h"

#define SECOND UINT64_C(1000000000)

static uint64_t fake_now;

static uint64_t
fake_clock(void)
{
	return fake_now;
}

static uint64_t
real_clock(void)
{
	struct timespec	ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * SECOND + (uint64_t)ts.tv_nsec;
}

static struct limits
limits_for_test(uint64_t (*clock)(void))
{
	struct limits	l;
	struct region	r;
	int		fd;

	cr_assert(eq(int, region_create(REGION_LIMITS, 1, &fd), 0));
	cr_assert(eq(int, region_map(fd, REGION_LIMITS, &r), 0));
	fd_close(&fd);
	cr_assert(eq(int, limits_init(&l, &r, 0), 0));
	l.clock_ns = clock;
	return l;
}

static enum limit_verdict
take(struct limits *l, uint64_t key, uint64_t interval, uint64_t burst, uint64_t *retry)
{
	return limit_take(l, key, interval, burst, fake_now, retry);
}

Test(limit, gives_burst_then_refuses_then_refills)
{
	struct limits	l = limits_for_test(fake_clock);
	uint64_t	key = limit_key(&l, SPAN_LIT("agent:a")), retry;

	fake_now = 100 * SECOND;
	for (int i = 0; i < 3; i++) {
		cr_expect(eq(u64, limit_left(&l, key, SECOND, 3, fake_now), (uint64_t)(3 - i)));
		cr_expect(eq(int, take(&l, key, SECOND, 3, &retry), LIMIT_OK));
		cr_expect(eq(u64, retry, 0));
	}
	cr_expect(eq(int, take(&l, key, SECOND, 3, &retry), LIMIT_EMPTY));
	cr_expect(eq(u64, retry, SECOND));
	cr_expect(eq(u64, limit_left(&l, key, SECOND, 3, fake_now), 0));

	fake_now += SECOND - 1;
	cr_expect(eq(int, take(&l, key, SECOND, 3, &retry), LIMIT_EMPTY));
	cr_expect(eq(u64, retry, 1));
	fake_now += 1;
	cr_expect(eq(int, take(&l, key, SECOND, 3, &retry), LIMIT_OK));
	cr_expect(eq(int, take(&l, key, SECOND, 3, &retry), LIMIT_EMPTY));

	fake_now += 100 * SECOND;
	cr_expect(eq(u64, limit_left(&l, key, SECOND, 3, fake_now), 3), "never more than burst");
	limits_fini(&l);
}

/* Calls of one turn have one clock, which is older than a bucket that the first of them made. */
Test(limit, gives_the_whole_burst_to_one_turn)
{
	struct limits	l = limits_for_test(fake_clock);
	uint64_t	retry, turn = 100 * SECOND;
	uint64_t	key = limit_key(&l, SPAN_LIT("agent:batch"));

	fake_now = turn + 3000000;
	for (int i = 0; i < 3; i++)
		cr_expect(eq(int, limit_take(&l, key, SECOND, 3, turn, &retry), LIMIT_OK), "token %d", i);
	cr_expect(eq(int, limit_take(&l, key, SECOND, 3, turn, &retry), LIMIT_EMPTY));
	cr_expect(eq(u64, retry, SECOND), "by the newer clock");
	limits_fini(&l);
}

Test(limit, keeps_keys_apart)
{
	struct limits	l = limits_for_test(fake_clock);
	uint64_t	retry;

	fake_now = SECOND;
	for (uint64_t k = 1; k <= 1000; k++) {
		uint64_t key = limit_key(&l, span_make(&k, sizeof(k)));

		cr_expect(eq(int, take(&l, key, SECOND, 1, &retry), LIMIT_OK));
		cr_expect(eq(int, take(&l, key, SECOND, 1, &retry), LIMIT_EMPTY));
	}
	limits_fini(&l);
}

Test(limit, full_window_refuses_until_a_bucket_is_full_again)
{
	struct limits	l = limits_for_test(fake_clock);
	uint64_t	retry, windows = l.region.count / LIMIT_WINDOW;

	fake_now = SECOND;
	for (uint64_t i = 1; i <= LIMIT_WINDOW; i++)	/* the same window, other tags */
		cr_expect(eq(int, take(&l, i << 40 | windows, SECOND * i, 1, &retry), LIMIT_OK));
	cr_expect(eq(int, take(&l, UINT64_C(9) << 40 | windows, SECOND, 1, &retry), LIMIT_FULL));
	cr_expect(eq(u64, retry, SECOND), "the first of them is full again after its second");
	fake_now += SECOND + 1;
	cr_expect(eq(int, take(&l, UINT64_C(9) << 40 | windows, SECOND, 1, &retry), LIMIT_OK));
	cr_expect(eq(int, take(&l, UINT64_C(2) << 40 | windows, SECOND * 2, 1, &retry), LIMIT_EMPTY),
	    "the others keep theirs");
	limits_fini(&l);
}

Test(limit, extreme_numbers_refuse_or_allow_but_never_wrap)
{
	static const struct {
		uint64_t		interval, burst;
		enum limit_verdict	first, second;
	} rows[] = {
		{ 0, 1, LIMIT_OK, LIMIT_EMPTY },
		{ 1, 0, LIMIT_EMPTY, LIMIT_EMPTY },
		{ UINT64_MAX, 1, LIMIT_OK, LIMIT_EMPTY },
		{ UINT64_MAX, UINT64_MAX, LIMIT_OK, LIMIT_OK },
		{ 1, UINT64_MAX, LIMIT_OK, LIMIT_OK },
	};
	struct limits	l = limits_for_test(fake_clock);
	uint64_t	retry;

	fake_now = SECOND;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t key = limit_key(&l, span_make(&i, sizeof(i)));

		cr_expect(eq(int, take(&l, key, rows[i].interval, rows[i].burst, &retry), rows[i].first),
		    "row %zu", i);
		cr_expect(eq(int, take(&l, key, rows[i].interval, rows[i].burst, &retry), rows[i].second),
		    "row %zu", i);
	}
	limits_fini(&l);
}

Test(limit, a_hostile_time_word_refuses_and_is_left_alone)
{
	struct limits		 l = limits_for_test(fake_clock);
	uint64_t		 key = UINT64_C(7) << 40, retry;
	struct limit_slot	*w = region_slot(&l.region, 0);

	fake_now = SECOND;
	cr_expect(eq(int, take(&l, key, SECOND, 5, &retry), LIMIT_OK));
	w[0].time = LIMIT_BUSY - 1;
	cr_expect(eq(int, take(&l, key, SECOND, 5, &retry), LIMIT_EMPTY));
	w[0].time = UINT64_MAX;
	cr_expect(eq(int, take(&l, key, SECOND, 5, &retry), LIMIT_CROWDED));
	cr_expect(gt(u64, retry, 0));
	limits_fini(&l);
}

Test(limit, claim_of_the_dead_is_ended_after_its_time)
{
	struct limits		 l = limits_for_test(fake_clock);
	uint64_t		 key = UINT64_C(7) << 40, retry;
	struct limit_taker	 dead;
	enum limit_at		 stops[] = {
		LIMIT_AT_CLAIM_READ, LIMIT_AT_CLAIM_CHECK, LIMIT_AT_CLAIM_OWNER, LIMIT_AT_CLAIM_TWINS,
		LIMIT_AT_CLAIM_CLOCK, LIMIT_AT_CLAIM_DONE,
	};

	for (size_t i = 0; i < sizeof(stops) / sizeof(stops[0]); i++) {
		struct limit_slot *w = region_slot(&l.region, 0);

		fake_now += 10 * SECOND;
		memset((void *)w, 0, LIMIT_WINDOW * sizeof(*w));
		for (int s = 1; s < LIMIT_WINDOW; s++)
			w[s].time = fake_now + SECOND;		/* one slot to quarrel about */
		dead = (struct limit_taker){ .window = w, .width = LIMIT_WINDOW, .tag = LIMIT_TAG(key),
		    .interval = SECOND, .room = SECOND, .claimer = 9, .now = fake_now,
		    .clock_ns = fake_clock };
		limit_taker_begin(&dead);
		while (dead.at != stops[i])
			cr_assert(not(limit_taker_step(&dead)));
		cr_expect(ne(int, take(&l, key, SECOND, 1, &retry), LIMIT_OK), "row %zu: at once", i);
		cr_expect(le(u64, retry, LIMIT_HOLD_NS + 1024), "row %zu: and soon again", i);
		fake_now += LIMIT_HOLD_NS + 1024;
		cr_expect(eq(int, take(&l, key, SECOND, 1, &retry), LIMIT_OK), "row %zu: later", i);
		cr_expect(eq(int, take(&l, key, SECOND, 1, &retry), LIMIT_EMPTY), "row %zu", i);
		/* The dead one was only slow: what it still does changes nothing. */
		while (!limit_taker_step(&dead))
			;
		cr_expect(ne(int, dead.verdict, LIMIT_OK), "row %zu: a late claimer", i);
	}
	limits_fini(&l);
}

/* ---- many processes ------------------------------------------------------------------------------- */

#define PROCESSES	8
#define KEYS		24	/* in two windows of 8: buckets are pushed out and claimed all the time */
#define RATE		UINT64_C(2000)	/* a second */
#define BURST		UINT64_C(20)
#define RUN_MS		1500

struct tally {
	_Atomic uint64_t	admitted[KEYS], crowded, begun;
};

static uint64_t
stress_key(unsigned k)
{
	return (uint64_t)(k + 1) << 40 | k % 2;
}

static void
stress_child(const struct limits *all, struct tally *tally, uint32_t claimer, unsigned seed)
{
	struct limits		l = *all;
	uint64_t		retry;

	l.claimer = claimer;
	atomic_fetch_add(&tally->begun, 1);
	for (;;) {
		unsigned k = (seed = seed * 1103515245 + 12345) / 65536 % KEYS;

		switch (limit_take(&l, stress_key(k), SECOND / RATE, BURST, real_clock(), &retry)) {
		case LIMIT_OK:
			/* Killed before this line: one admission too few is counted, never one too many. */
			atomic_fetch_add(&tally->admitted[k], 1);
			break;
		case LIMIT_CROWDED:
			atomic_fetch_add(&tally->crowded, 1);
			break;
		default:
			break;
		}
	}
}

static void
stress(bool kill_them, bool *fair)
{
	struct limits	 l = limits_for_test(real_clock);
	struct tally	*tally = mmap(NULL, sizeof(*tally), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t		 pids[PROCESSES];
	uint64_t	 begin = real_clock(), end, most, sum = 0;
	unsigned	 kills = 0;

	cr_assert(ne(ptr, tally, MAP_FAILED));
	for (unsigned i = 0; i < PROCESSES; i++)
		if ((pids[i] = fork()) == 0)
			stress_child(&l, tally, i, i * 77 + 1);
	while (real_clock() - begin < RUN_MS * UINT64_C(1000000)) {
		unsigned i = kills % PROCESSES;

		usleep(kill_them ? 1000 + kills * 131 % 3000 : 50000);
		if (!kill_them)
			continue;
		kill(pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
		kills++;
		if ((pids[i] = fork()) == 0)
			stress_child(&l, tally, i, kills * 31 + 7);
	}
	for (unsigned i = 0; i < PROCESSES; i++)
		kill(pids[i], SIGKILL);
	for (unsigned i = 0; i < PROCESSES; i++)
		waitpid(pids[i], NULL, 0);
	end = real_clock();
	most = (end - begin) / (SECOND / RATE) + BURST;
	*fair = true;
	for (unsigned k = 0; k < KEYS; k++) {
		cr_expect(le(u64, tally->admitted[k], most), "key %u", k);
		sum += tally->admitted[k];
	}
	*fair = sum > KEYS * most / 20;
	cr_log_info("%u kills, admitted %lu of at most %lu, %lu crowded", kills, (unsigned long)sum,
	    (unsigned long)(KEYS * most), (unsigned long)tally->crowded);
	munmap(tally, sizeof(*tally));
	limits_fini(&l);
}

Test(limit, eight_processes_together_stay_under_the_rate)
{
	bool	fair;

	stress(false, &fair);
	cr_expect(fair, "and the buckets do give");
}

Test(limit, eight_processes_that_are_killed_stay_under_the_rate)
{
	bool	fair;

	stress(true, &fair);
	cr_expect(fair, "and the buckets do give");
}
