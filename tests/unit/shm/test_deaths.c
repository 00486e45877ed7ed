/* SPDX-License-Identifier: Apache-2.0
 *
 * test_deaths.c - a process that dies right behind each store it makes into shared memory
 *
 * Each row's update is run by a process that is traced instruction by instruction; behind its first store it is killed,
 * in the next run behind its second, until one comes through.  Then the others must find what they can use: no less and
 * no more than one update away from the truth.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shm/breaker.h"
#include "shm/inflight.h"
#include "shm/limit_priv.h"
#include "shm/quota.h"
#include "shm/share.h"

#define BURST		3
#define INTERVAL	UINT64_C(1000000000)
#define START		(UINT64_C(100) * INTERVAL)
#define STORES_MAX	200
#define SLOTS		64	/* of thousands: all are looked at behind each instruction */
#define PROFILE		77
#define OPEN_MS		1000
#define PROBE_MS	500

struct place {
	struct region	r;
	size_t		bytes;		/* of its slots */
	int		fd;
};

struct row {
	const char	*name;
	enum region_kind kind;
	void		(*before)(struct place *p);	/* may be NULL */
	void		(*update)(struct place *p);
	/* true: whole, by whoever is left; done: nobody was killed */
	bool		(*holds)(struct place *p, bool done);
	unsigned	 stores;			/* at least so many, or it was not what is meant */
};

static uint64_t	clock_now = START;

static uint64_t
clock_ns(void)
{
	return clock_now;
}

/* ---- buckets ------------------------------------------------------------------------------------- */

static struct limits
limits_in(struct place *p, uint32_t claimer)
{
	return (struct limits){ .region = p->r, .claimer = claimer, .clock_ns = clock_ns };
}

static uint64_t
bucket(struct place *p)
{
	return region_hash(&p->r, SPAN_LIT("agent\0a\0"));
}

static bool
take(struct place *p, uint32_t claimer, uint64_t now)
{
	struct limits	l = limits_in(p, claimer);
	uint64_t	retry;

	clock_now = now;
	return limit_take(&l, bucket(p), INTERVAL, BURST, now, &retry) == LIMIT_OK;
}

/* Slots that others left, all of them past. */
static void
limit_litter(struct place *p)
{
	for (uint64_t i = 0; i < p->r.count; i++) {
		struct limit_slot	*s = region_slot(&p->r, i);

		atomic_store(&s->owner, (i + 1) << 16);
		atomic_store(&s->time, i + 1);
	}
}

static void
limit_one(struct place *p)
{
	(void)!take(p, 1, START);
}

static void
limit_there(struct place *p)
{
	(void)!take(p, 1, START - 100 * INTERVAL + 1);
}

static void
limit_and_back(struct place *p)
{
	struct limits		l = limits_in(p, 1);
	struct limit_taken	taken;
	uint64_t		retry;

	if (limit_charge(&l, bucket(p), 1, INTERVAL, BURST, START, &taken, &retry) == LIMIT_OK)
		(void)limit_give(&l, &taken);
}

/* A claim of the dead is over after the hold; then the bucket has what it had, or one less. */
static bool
limit_holds(struct place *p, bool done)
{
	unsigned	n = 0;

	while (take(p, 2, START + LIMIT_HOLD_NS + 2048))
		n++;
	return n == BURST - 1 || (!done && n == BURST);
}

static bool
limit_holds_all(struct place *p, bool done)
{
	unsigned	n = 0;

	while (take(p, 2, START + LIMIT_HOLD_NS + 2048))
		n++;
	return n == BURST || (!done && n == BURST - 1);
}

/* ---- shares -------------------------------------------------------------------------------------- */

static uint64_t
share(struct place *p)
{
	return region_hash(&p->r, SPAN_LIT("server\0s\0"));
}

static void
share_one(struct place *p)
{
	struct shares	s = { p->r, 0 };

	(void)!share_take(&s, share(p), 2);
}

static void
share_and_back(struct place *p)
{
	share_one(p);
	share_give(&(struct shares){ p->r, 0 }, share(p));
}

static bool
share_holds(struct place *p, bool done)
{
	struct shares	other = { p->r, 1 };
	bool		one = share_of(&p->r, share(p)) <= 1;

	(void)done;
	share_clear(&p->r, 0);		/* the master, which has reaped it */
	return one && share_of(&p->r, share(p)) == 0 && share_take(&other, share(p), 2) == 0 &&
	    share_take(&other, share(p), 2) == 0 && share_take(&other, share(p), 2) == E_LIMITED;
}

/* ---- quotas -------------------------------------------------------------------------------------- */

static uint64_t
quota(struct place *p)
{
	return quota_key(&p->r, SPAN_LIT("tenant\0t\0calls\0" "2026-11\0"));
}

static void
quota_before(struct place *p)
{
	struct quota_slot	*s = quota_slot_make(&p->r, quota(p), 5, UINT64_MAX, 1);

	atomic_store(&s->mark, 10);
}

static void
quota_one(struct place *p)
{
	bool	wants;

	(void)!quota_take(&p->r, quota(p), 1, 100, 5, &wants);
}

static void
quota_more(struct place *p)
{
	(void)quota_add(&p->r, quota(p), 1, 5);
}

static bool
quota_holds(struct place *p, bool done)
{
	uint64_t	used;
	bool		wants;

	return quota_read(&p->r, quota(p), &used) && (used == 6 || (!done && used == 5)) &&
	    quota_take(&p->r, quota(p), 1, 100, 5, &wants) == QUOTA_OK;
}

/* The window is full of what ended long ago. */
static void
quota_litter(struct place *p)
{
	for (uint64_t i = 0; i < p->r.count; i++) {
		struct quota_slot	*s = region_slot(&p->r, i);

		atomic_store(&s->owner, i + 1);
		atomic_store(&s->used, 99);
		atomic_store(&s->mark, 99);
	}
}

static void
quota_make(struct place *p)
{
	(void)quota_slot_make(&p->r, quota(p), 5, UINT64_MAX, 1);
}

/* The next store makes it again, and it is there once. */
static bool
quota_made(struct place *p, bool done)
{
	struct quota_slot	*s = quota_slot_make(&p->r, quota(p), 5, UINT64_MAX, 1);
	unsigned		 n = 0;

	(void)done;
	for (uint64_t i = 0; i < p->r.count; i++)
		n += atomic_load(&((struct quota_slot *)region_slot(&p->r, i))->owner) == quota(p);
	return s != NULL && n == 1 && atomic_load(&s->used) == 5 && atomic_load(&s->mark) == 5;
}

/* ---- breakers, calls in flight ------------------------------------------------------------------- */

static const struct breaker_rules	strict = { .failures = 2, .open_ms = OPEN_MS, .probe_ms = PROBE_MS };

static void
breaker_opens(struct place *p)
{
	struct breaker_ticket	t;
	uint64_t		retry;

	for (int i = 0; i < 2; i++)
		if (breaker_may_call(&p->r, PROFILE, 1000, &strict, &t, &retry))
			breaker_fail(&p->r, &t, 1000, &strict);
}

static void
breaker_tries(struct place *p)
{
	struct breaker_ticket	t;
	uint64_t		retry;

	if (breaker_may_call(&p->r, PROFILE, 1000 + OPEN_MS, &strict, &t, &retry))
		breaker_ok(&p->r, &t, 1000 + OPEN_MS, &strict, 1);
}

/* Neither open for ever nor held by the dead who tried. */
static bool
breaker_holds(struct place *p, bool done)
{
	struct breaker_ticket	t;
	uint64_t		retry, now = 1000 + 2 * OPEN_MS + PROBE_MS + 1;

	(void)done;
	if (!breaker_may_call(&p->r, PROFILE, now, &strict, &t, &retry))
		return false;
	breaker_ok(&p->r, &t, now, &strict, 1);
	return breaker_state(&p->r, PROFILE, now) == BREAKER_CLOSED &&
	    breaker_may_call(&p->r, PROFILE, now, &strict, &t, &retry);
}

static void
inflight_and_back(struct place *p)
{
	struct inflight	f = { p->r, 0 };

	if (inflight_begin(&f, 5) == 0)
		inflight_end(&f, 5);
}

static bool
inflight_holds(struct place *p, bool done)
{
	bool	one = inflight_of(&p->r, 5) <= 1 && inflight_total(&p->r) <= 1;

	inflight_clear(&p->r, 0);
	return one && (!done || inflight_of(&p->r, 5) == 0) && inflight_of(&p->r, 5) == 0 && inflight_total(&p->r) == 0;
}

/* ---- who dies when ------------------------------------------------------------------------------- */

static bool
step(pid_t pid)
{
	int	status;

	return ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) == 0 && waitpid(pid, &status, 0) == pid && WIFSTOPPED(status);
}

/* Runs it up to its n-th store, and kills it there; false: it has fewer, and came to its end. */
static bool
die_behind(struct place *p, const struct row *row, unsigned n)
{
	char	*was = malloc(p->bytes);
	pid_t	 pid;
	bool	 there;

	cr_assert(was != NULL);
	if ((pid = fork()) == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) == -1)
			_exit(77);
		raise(SIGSTOP);
		row->update(p);
		_exit(0);
	}
	cr_assert(pid > 0);
	cr_assert(waitpid(pid, &(int){ 0 }, 0) == pid);
	memcpy(was, p->r.slots, p->bytes);
	while ((there = step(pid)) && n > 0) {
		if (memcmp(was, p->r.slots, p->bytes) == 0)
			continue;
		memcpy(was, p->r.slots, p->bytes);
		if (--n == 0)
			break;
	}
	if (there) {
		kill(pid, SIGKILL);
		waitpid(pid, &(int){ 0 }, 0);
	}
	free(was);
	return there;
}

static void
try_all(const struct row *row)
{
	struct place	p;
	unsigned	n;
	bool		died = true;

	for (n = 1; died && n < STORES_MAX; n++) {
		clock_now = START;
		cr_assert(eq(int, region_create(row->kind, 2, &p.fd), 0));
		cr_assert(eq(int, region_map(p.fd, row->kind, &p.r), 0));
		p.bytes = p.r.bytes - sizeof(struct region_head);
		if (p.r.count > SLOTS) {
			p.bytes = p.bytes / p.r.count * SLOTS;
			p.r.count = SLOTS;
		}
		if (row->before != NULL)
			row->before(&p);
		died = die_behind(&p, row, n);
		cr_expect(row->holds(&p, !died), "%s: store %u%s", row->name, n, died ? "" : ", which it has not");
		region_unmap(&p.r);
		close(p.fd);
	}
	/* The last run had one more than there are. */
	cr_expect(n - 2 >= row->stores, "%s: %u stores", row->name, n - 2);
	cr_log_info("%s: killed behind each of %u stores", row->name, n - 2);
}

Test(deaths, leave_every_update_usable_behind_each_store, .timeout = 120)
{
	static const struct row	rows[] = {
		{ "a bucket begins", REGION_LIMITS, NULL, limit_one, limit_holds, 3 },
		{ "a bucket begins in another's slot", REGION_LIMITS, limit_litter, limit_one, limit_holds, 3 },
		{ "a bucket is charged", REGION_LIMITS, limit_there, limit_one, limit_holds, 1 },
		{ "a token is given back", REGION_LIMITS, limit_there, limit_and_back, limit_holds_all, 2 },
		{ "a share is taken", REGION_SHARES, NULL, share_one, share_holds, 1 },
		{ "a share is given back", REGION_SHARES, NULL, share_and_back, share_holds, 2 },
		{ "a quota is counted", REGION_QUOTAS, quota_before, quota_one, quota_holds, 1 },
		{ "a quota's time is added", REGION_QUOTAS, quota_before, quota_more, quota_holds, 1 },
		{ "a quota's slot is made", REGION_QUOTAS, NULL, quota_make, quota_made, 4 },
		{ "a quota's slot is made anew", REGION_QUOTAS, quota_litter, quota_make, quota_made, 5 },
		{ "a breaker opens", REGION_BREAKERS, NULL, breaker_opens, breaker_holds, 2 },
		{ "a breaker's one try", REGION_BREAKERS, breaker_opens, breaker_tries, breaker_holds, 2 },
		{ "a call begins and ends", REGION_INFLIGHT, NULL, inflight_and_back, inflight_holds, 5 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		try_all(&rows[i]);
}
