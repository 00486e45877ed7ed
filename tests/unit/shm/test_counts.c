/* SPDX-License-Identifier: Apache-2.0
 *
 * test_counts.c - caps and quotas, counted by several processes at once
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shm/quota.h"
#include "shm/share.h"

#define PROCESSES	6
#define CAP		3
#define ROUNDS		20000
#define HARD		50000
#define AHEAD		100

/* What really happens, beside what is counted. */
struct truth {
	_Atomic uint64_t	running, most, let_in, refused, over;
};

struct place {
	struct region	 r;
	struct truth	*truth;
};

typedef void	body_fn(struct place *p, unsigned self);

static void
place_init(struct place *p, enum region_kind kind)
{
	int	fd;

	cr_assert(eq(int, region_create(kind, PROCESSES, &fd), 0));
	cr_assert(eq(int, region_map(fd, kind, &p->r), 0));
	close(fd);
	p->truth = mmap(NULL, sizeof(*p->truth), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	cr_assert(p->truth != MAP_FAILED);
}

static void
place_fini(struct place *p)
{
	region_unmap(&p->r);
	munmap(p->truth, sizeof(*p->truth));
}

static void
all_do(struct place *p, body_fn *body, pid_t pids[PROCESSES])
{
	for (unsigned i = 0; i < PROCESSES; i++)
		if ((pids[i] = fork()) == 0) {
			body(p, i);
			_exit(0);
		}
}

static void
all_wait(const pid_t pids[PROCESSES])
{
	for (unsigned i = 0; i < PROCESSES; i++)
		waitpid(pids[i], &(int){ 0 }, 0);
}

/* ---- shares -------------------------------------------------------------------------------------- */

static uint64_t
share(const struct place *p)
{
	return region_hash(&p->r, SPAN_LIT("tool\0t\0s\0hold\0"));
}

static void
run_capped(struct place *p, unsigned self)
{
	struct shares	s = { p->r, self };
	uint64_t	now, most;

	for (int i = 0; i < ROUNDS; i++) {
		if (share_take(&s, share(p), CAP) != 0) {
			atomic_fetch_add(&p->truth->refused, 1);
			sched_yield();
			continue;
		}
		now = atomic_fetch_add(&p->truth->running, 1) + 1;
		for (most = atomic_load(&p->truth->most); most < now;)
			if (atomic_compare_exchange_weak(&p->truth->most, &most, now))
				break;
		atomic_fetch_add(&p->truth->let_in, 1);
		if (i % 7 == 0)
			sched_yield();
		atomic_fetch_sub(&p->truth->running, 1);
		share_give(&s, share(p));
	}
}

Test(share, never_lets_in_more_than_its_cap_whoever_counts, .timeout = 60)
{
	struct place	p;
	pid_t		pids[PROCESSES];

	place_init(&p, REGION_SHARES);
	all_do(&p, run_capped, pids);
	all_wait(pids);
	cr_log_info("%llu let in, %llu refused, %llu at once at most", (unsigned long long)p.truth->let_in,
	    (unsigned long long)p.truth->refused, (unsigned long long)p.truth->most);
	cr_expect(p.truth->most <= CAP, "%llu at once", (unsigned long long)p.truth->most);
	cr_expect(p.truth->let_in > ROUNDS / 2, "%llu let in", (unsigned long long)p.truth->let_in);
	cr_expect(eq(u64, share_of(&p.r, share(&p)), 0));
	place_fini(&p);
}

static void
run_for_ever(struct place *p, unsigned self)
{
	for (;;)
		run_capped(p, self);
}

Test(share, of_the_dead_comes_back_when_it_is_cleared, .timeout = 60)
{
	struct place	p;
	struct shares	s;
	pid_t		pids[PROCESSES];

	place_init(&p, REGION_SHARES);
	for (int round = 0; round < 20; round++) {
		all_do(&p, run_for_ever, pids);
		usleep(3000 + (useconds_t)round * 500);
		for (unsigned i = 0; i < PROCESSES; i++)
			kill(pids[i], SIGKILL);
		all_wait(pids);
		for (uint32_t i = 0; i < PROCESSES; i++)
			share_clear(&p.r, i);
		cr_expect(eq(u64, share_of(&p.r, share(&p)), 0));
		s = (struct shares){ p.r, 0 };
		for (int i = 0; i < CAP; i++)
			cr_expect(eq(int, share_take(&s, share(&p), CAP), 0));
		cr_expect(eq(int, share_take(&s, share(&p), CAP), E_LIMITED));
		share_clear(&p.r, 0);
	}
	place_fini(&p);
}

/* More keys at once than a window has words: the next is refused, and none is forgotten. */
Test(share, refuses_what_it_cannot_count)
{
	struct place	p;
	struct shares	s;
	unsigned	full = 0, taken = 0;

	place_init(&p, REGION_SHARES);
	s = (struct shares){ p.r, 0 };
	for (uint64_t i = 1; i <= 4 * SHARE_WORDS; i++) {
		int r = share_take(&s, i << 16 | 8, 1);

		taken += r == 0;
		full += r == E_FULL;
	}
	cr_expect(eq(u32, taken, SHARE_WINDOW));
	cr_expect(eq(u32, full, 4 * SHARE_WORDS - SHARE_WINDOW));
	for (uint64_t i = 1; i <= SHARE_WINDOW; i++)
		cr_expect(eq(u64, share_of(&p.r, i << 16 | 8), 1));
	place_fini(&p);
}

/* ---- quotas -------------------------------------------------------------------------------------- */

static uint64_t
quota(const struct place *p)
{
	return quota_key(&p->r, SPAN_LIT("agent\0t\0a\0calls\0" "2026-11\0"));
}

static void
use_up(struct place *p, unsigned self)
{
	enum quota_verdict	v;
	bool			wants;

	(void)self;
	while ((v = quota_take(&p->r, quota(p), 1, HARD, AHEAD, &wants)) != QUOTA_EMPTY) {
		if (v == QUOTA_OK)
			atomic_fetch_add(&p->truth->let_in, 1);
		else
			sched_yield();
	}
}

/* Moves the mark as the store does; what was let in is never beyond what it wrote before. */
static void
move_marks(struct place *p, struct quota_slot *s)
{
	uint64_t	used;

	do {
		cr_expect(atomic_load(&p->truth->let_in) <= atomic_load(&s->mark));
		used = atomic_load(&s->used);
		atomic_store(&s->mark, used + AHEAD < HARD ? used + AHEAD : HARD);
		sched_yield();
	} while (used < HARD);
}

Test(quota, is_used_up_to_the_last_call_and_never_beyond_its_mark, .timeout = 60)
{
	struct place		 p;
	struct quota_slot	*s;
	pid_t			 pids[PROCESSES];

	place_init(&p, REGION_QUOTAS);
	s = quota_slot_make(&p.r, quota(&p), 0, UINT64_MAX, 1);
	cr_assert(s != NULL);
	all_do(&p, use_up, pids);
	move_marks(&p, s);
	all_wait(pids);
	cr_expect(eq(u64, p.truth->let_in, HARD));
	cr_expect(eq(u64, atomic_load(&s->used), HARD));
	place_fini(&p);
}

Test(quota, slot_of_another_is_taken_only_after_its_period)
{
	struct place	p;
	unsigned	n = 0;
	const uint64_t	windows = 65536 / QUOTA_WINDOW;

	place_init(&p, REGION_QUOTAS);
	for (uint64_t i = 1; i <= 2 * QUOTA_WINDOW; i++)
		n += quota_slot_make(&p.r, i * windows, 1, 1000, 999) != NULL;
	cr_expect(eq(u32, n, QUOTA_WINDOW));
	cr_expect(quota_slot_make(&p.r, 1000 * windows, 1, 1000, 1000) == NULL);
	cr_expect(quota_slot_make(&p.r, 1000 * windows, 1, 5000, 1001) != NULL);
	place_fini(&p);
}
