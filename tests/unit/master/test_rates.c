/* SPDX-License-Identifier: Apache-2.0
 *
 * test_rates.c - what was done in the last minute, of counters that several workers write
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "master/rates.h"
#include "shm/inflight.h"

static struct loop	*loop;
static struct regions	 regions;
static struct inflight	 calls[2];
static struct metrics	 counters[2];
static struct rates	 rates;

static void
setup(void)
{
	struct region	r;

	cr_assert(eq(int, loop_new(&loop), 0));
	cr_assert(eq(int, regions_init(&regions, 2, NULL), 0));
	for (uint32_t i = 0; i < 2; i++) {
		cr_assert(eq(int, region_map(regions.fd[REGION_INFLIGHT], REGION_INFLIGHT, &r), 0));
		cr_assert(eq(int, inflight_init(&calls[i], &r, i), 0));
		cr_assert(eq(int, region_map(regions.fd[REGION_METRICS], REGION_METRICS, &r), 0));
		cr_assert(eq(int, metrics_init(&counters[i], &r, i), 0));
	}
}

static void
teardown(void)
{
	rates_fini(&rates);
	for (int i = 0; i < 2; i++) {
		inflight_fini(&calls[i]);
		metrics_fini(&counters[i]);
	}
	regions_fini(&regions);
	loop_free(&loop);
}

static const struct rates_calls *
profile(const struct rates_now *now, uint64_t key)
{
	for (size_t i = 0; i < now->since.profile_count; i++)
		if (now->since.profiles[i].profile == key)
			return &now->since.profiles[i];
	return NULL;
}

static void
call(int worker, uint64_t key, bool ends)
{
	cr_assert(eq(int, inflight_begin(&calls[worker], key), 0));
	if (ends)
		inflight_end(&calls[worker], key);
}

TestSuite(rates, .init = setup, .fini = teardown);

Test(rates, are_of_the_window_and_over_all_workers)
{
	struct rates_now		 now;
	const struct rates_calls	*p;

	metric_add(&counters[0], METRIC_requests_total, 100);
	call(0, 7, true);
	rates_init(&rates, loop, &regions);	/* from here on */
	metric_add(&counters[0], METRIC_requests_total, 3);
	metric_add(&counters[1], METRIC_requests_total, 4);
	metric_add(&counters[1], METRIC_calls_denied_total, 1);
	metric_observe(&counters[0], METRIC_call_duration_seconds, 200);
	call(0, 7, true);
	call(1, 7, false);
	call(1, 8, true);
	cr_assert(eq(int, rates_now(&rates, &now), 0));
	cr_expect(eq(u64, now.since.requests, 7));
	cr_expect(eq(u64, now.since.denied, 1));
	cr_expect(eq(u64, now.p50_us, 250));
	p = profile(&now, 7);
	cr_assert(p != NULL);
	cr_expect(eq(u64, p->calls, 2));
	cr_expect(eq(u64, p->in_flight, 1));
	p = profile(&now, 8);
	cr_assert(p != NULL);
	cr_expect(eq(u64, p->calls, 1));
	rates_now_fini(&now);
}

Test(rates, of_a_dead_worker_forget_what_ran_and_not_what_was_done)
{
	struct rates_now		 now;
	const struct rates_calls	*p;

	rates_init(&rates, loop, &regions);
	call(0, 7, false);
	call(1, 7, true);
	regions_clear_worker(&regions, 0);
	cr_assert(eq(int, rates_now(&rates, &now), 0));
	p = profile(&now, 7);
	cr_assert(p != NULL);
	cr_expect(eq(u64, p->calls, 2));
	cr_expect(eq(u64, p->in_flight, 0));
	cr_expect(eq(u64, now.p50_us, 0), "no call ended");
	rates_now_fini(&now);
}

Test(rates, are_never_less_than_none)
{
	struct rates_now	now;

	metric_set(&counters[0], METRIC_calls_total, 50);
	call(0, 7, true);
	rates_init(&rates, loop, &regions);
	/* A hostile worker counts backwards. */
	metric_set(&counters[0], METRIC_calls_total, 10);
	cr_assert(eq(int, rates_now(&rates, &now), 0));
	cr_expect(eq(u64, now.since.calls, 0));
	cr_expect(eq(u64, profile(&now, 7)->calls, 0));
	rates_now_fini(&now);
}
