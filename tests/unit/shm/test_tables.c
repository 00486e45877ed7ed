/* SPDX-License-Identifier: Apache-2.0
 *
 * test_tables.c - breakers, calls in flight, metrics, gate
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>

#include "shm/breaker.h"
#include "shm/gate.h"
#include "shm/inflight.h"
#include "shm/metric.h"
#include "tests/unit/shm/regions.h"

/* ---- breaker ------------------------------------------------------------------------------------- */

#define PROFILE	UINT64_C(0x1234567)
#define OPEN_MS	10000
#define PROBE_MS 500
#define RULES(n) (&(const struct breaker_rules){ .failures = (n), .open_ms = OPEN_MS, .probe_ms = PROBE_MS })

Test(breaker, opens_after_failures_in_a_row_and_tries_again)
{
	struct region		r = region_for_test(REGION_BREAKERS, 1);
	struct breaker_ticket	t, probe;
	uint64_t		now = 1000, retry;

	for (int i = 0; i < 3; i++) {
		cr_expect(breaker_may_call(&r, PROFILE, now, RULES(4), &t, &retry));
		breaker_fail(&r, &t, now, RULES(4));
	}
	cr_expect(breaker_may_call(&r, PROFILE, now, RULES(4), &t, &retry));
	breaker_ok(&r, &t, 1000, RULES(4), 0);			/* not in a row any more */
	for (int i = 0; i < 4; i++) {
		cr_expect(breaker_may_call(&r, PROFILE, now, RULES(4), &t, &retry), "failure %d", i);
		breaker_fail(&r, &t, now, RULES(4));
	}
	cr_expect(not(breaker_may_call(&r, PROFILE, now + 1, RULES(4), &t, &retry)));
	cr_expect(eq(u64, retry, OPEN_MS - 1));
	cr_expect(eq(int, breaker_state(&r, PROFILE, now), BREAKER_OPEN));
	cr_expect(eq(u64, breaker_open_count(&r, now), 1));

	now += OPEN_MS;
	cr_expect(breaker_may_call(&r, PROFILE, now, RULES(4), &probe, &retry));
	cr_expect(probe.probe);
	cr_expect(not(breaker_may_call(&r, PROFILE, now, RULES(4), &t, &retry)), "one tries, the others wait");
	breaker_fail(&r, &probe, now, RULES(4));
	cr_expect(not(breaker_may_call(&r, PROFILE, now + 2 * OPEN_MS - 1, RULES(4), &t, &retry)), "twice as long");

	now += 2 * OPEN_MS;
	cr_expect(breaker_may_call(&r, PROFILE, now, RULES(4), &probe, &retry));
	breaker_ok(&r, &probe, 1000, RULES(4), 0);
	cr_expect(eq(int, breaker_state(&r, PROFILE, now), BREAKER_CLOSED));
	cr_expect(breaker_may_call(&r, PROFILE, now, RULES(4), &t, &retry));
	cr_expect(not(t.probe));
	region_unmap(&r);
}

/* Calls that answer or fail, one after the other; how many were let through. */
static unsigned
make_calls(struct region *r, uint64_t now, const struct breaker_rules *rules, const char *what)
{
	struct breaker_ticket	t;
	uint64_t		retry;
	unsigned		made = 0;

	for (; *what != '\0'; what++) {
		if (!breaker_may_call(r, PROFILE, now, rules, &t, &retry))
			continue;
		made++;
		if (*what == 'f')
			breaker_fail(r, &t, now, rules);
		else
			breaker_ok(r, &t, now, rules, *what == 's' ? 1000 : 1);
	}
	return made;
}

Test(breaker, opens_when_too_many_of_a_window_fail_or_are_slow)
{
	struct region			r = region_for_test(REGION_BREAKERS, 1);
	const struct breaker_rules	rules = { .failures = 100, .open_ms = OPEN_MS, .probe_ms = PROBE_MS,
		.error_percent = 50, .min_calls = 6, .window_ms = 2000, .slow_ms = 500 };
	struct breaker_view		v;

	/* Never two in a row. */
	cr_expect(eq(uint, make_calls(&r, 64000, &rules, "fofof"), 5), "too few to mean something");
	breaker_look(&r, PROFILE, 64000, &v);
	cr_expect(v.calls == 5 && v.bad == 3);
	cr_expect(eq(uint, make_calls(&r, 64000 + 2048, &rules, "fofof"), 5), "the window before is over");
	cr_expect(eq(uint, make_calls(&r, 64000 + 2048, &rules, "foo"), 1), "open");
	breaker_look(&r, PROFILE, 64000 + 2048, &v);
	cr_expect(v.state == BREAKER_OPEN && v.retry_after_ms == OPEN_MS && v.failures == 1);
	cr_expect(breaker_reset(&r, PROFILE));
	cr_expect(eq(uint, make_calls(&r, 64000 + 2048, &rules, "sososo"), 6), "slow ones count");
	cr_expect(eq(int, breaker_state(&r, PROFILE, 64000 + 2048), BREAKER_OPEN));
	cr_expect(breaker_reset(&r, PROFILE));
	cr_expect(eq(int, breaker_reset(&r, PROFILE), false));
	cr_expect(eq(uint, make_calls(&r, 64000 + 2048, RULES(4), "sososososofofofo"), 16), "where nobody asked for it, none is counted");
	region_unmap(&r);
}

Test(breaker, as_many_as_may_try_must_succeed)
{
	struct region			r = region_for_test(REGION_BREAKERS, 1);
	const struct breaker_rules	rules = { .failures = 1, .probes = 3, .open_ms = OPEN_MS, .probe_ms = PROBE_MS };
	struct breaker_ticket		t[4];
	uint64_t			now = 1000, retry, open_ms = OPEN_MS;

	cr_expect(eq(uint, make_calls(&r, now, &rules, "f"), 1));
	for (int fails = 0; fails < 7; fails++) {
		cr_expect(eq(uint, make_calls(&r, now + open_ms - 1, &rules, "o"), 0), "%d", fails);
		now += open_ms;
		for (int i = 0; i < 3; i++)
			cr_expect(breaker_may_call(&r, PROFILE, now, &rules, &t[i], &retry));
		cr_expect(not(breaker_may_call(&r, PROFILE, now, &rules, &t[3], &retry)), "three try, no more");
		breaker_ok(&r, &t[0], now, &rules, 1);
		cr_expect(not(breaker_may_call(&r, PROFILE, now, &rules, &t[3], &retry)));
		breaker_fail(&r, &t[1], now, &rules);
		breaker_ok(&r, &t[2], now, &rules, 1);
		open_ms = open_ms == BREAKER_GROWTH * OPEN_MS ? open_ms : 2 * open_ms;
	}
	now += open_ms;
	cr_expect(eq(uint, make_calls(&r, now, &rules, "oo"), 2));
	cr_expect(eq(int, breaker_state(&r, PROFILE, now), BREAKER_HALF_OPEN));
	cr_expect(eq(uint, make_calls(&r, now, &rules, "ooo"), 3));
	cr_expect(eq(int, breaker_state(&r, PROFILE, now), BREAKER_CLOSED));
	region_unmap(&r);
}

static uint64_t
open_it(struct region *r, uint64_t now)
{
	struct breaker_ticket	t;
	uint64_t		retry;

	cr_expect(breaker_may_call(r, PROFILE, now, RULES(4), &t, &retry));
	breaker_fail(r, &t, now, RULES(1));
	return now + OPEN_MS;
}

Test(breaker, lets_the_next_try_when_the_one_that_tried_died)
{
	struct region		r = region_for_test(REGION_BREAKERS, 1);
	struct breaker_ticket	dead, t;
	uint64_t		now = open_it(&r, 1000), retry;

	cr_expect(breaker_may_call(&r, PROFILE, now, RULES(4), &dead, &retry));
	cr_expect(not(breaker_may_call(&r, PROFILE, now + PROBE_MS - 1, RULES(4), &t, &retry)));
	cr_expect(breaker_may_call(&r, PROFILE, now + PROBE_MS, RULES(4), &t, &retry));
	cr_expect(t.probe);
	breaker_ok(&r, &dead, 1000, RULES(4), 0);			/* it was only slow: its word does not count any more */
	cr_expect(eq(int, breaker_state(&r, PROFILE, now + PROBE_MS), BREAKER_HALF_OPEN));
	breaker_unknown(&r, &t, now + PROBE_MS);
	cr_expect(breaker_may_call(&r, PROFILE, now + PROBE_MS, RULES(4), &t, &retry), "nothing learnt: at once");
	region_unmap(&r);
}

Test(breaker, is_not_closed_by_an_answer_from_before)
{
	struct region		r = region_for_test(REGION_BREAKERS, 1);
	struct breaker_ticket	early, t;
	uint64_t		retry;

	cr_expect(breaker_may_call(&r, PROFILE, 1000, RULES(4), &early, &retry));
	open_it(&r, 1000);
	breaker_ok(&r, &early, 1000, RULES(4), 0);
	cr_expect(not(breaker_may_call(&r, PROFILE, 1001, RULES(4), &t, &retry)));
	region_unmap(&r);
}

Test(breaker, those_of_one_window_do_not_take_each_others_slot)
{
	struct region		r = region_for_test(REGION_BREAKERS, 1);
	struct breaker_ticket	t;
	uint64_t		retry, windows = r.count / 8;

	/* One that fails now and then, between others that do well. */
	for (uint64_t now = 1000; now < 1004; now++) {
		for (uint64_t i = 1; i <= 8; i++) {
			cr_expect(breaker_may_call(&r, i * windows, now, RULES(4), &t, &retry));
			if (i == 3)
				breaker_fail(&r, &t, now, RULES(4));
			else
				breaker_ok(&r, &t, now, RULES(4), 1);
		}
	}
	cr_expect(not(breaker_may_call(&r, 3 * windows, 1004, RULES(4), &t, &retry)));
	for (uint64_t i = 1; i <= 8; i++)
		cr_expect(i == 3 || breaker_may_call(&r, i * windows, 1004, RULES(4), &t, &retry));
	/* Another one is given that of the one that was not used for longest. */
	for (uint64_t i = 1; i <= 8; i++)
		if (i != 5)
			(void)!breaker_may_call(&r, i * windows, 9000, RULES(4), &t, &retry);
	cr_expect(breaker_may_call(&r, 9 * windows, 9000, RULES(4), &t, &retry));
	breaker_fail(&r, &t, 9000, RULES(1));
	cr_expect(eq(int, breaker_state(&r, 9 * windows, 9000), BREAKER_OPEN));
	cr_expect(eq(int, breaker_state(&r, 4 * windows, 9000), BREAKER_CLOSED));
	region_unmap(&r);
}

Test(breaker, without_room_calls_are_made)
{
	struct region		r = region_for_test(REGION_BREAKERS, 1);
	struct breaker_ticket	t;
	uint64_t		retry, windows = r.count / 8;

	for (uint64_t i = 1; i <= 8; i++) {
		cr_expect(breaker_may_call(&r, i * windows, 1000, RULES(4), &t, &retry));
		breaker_fail(&r, &t, 1000, RULES(1));
	}
	cr_expect(breaker_may_call(&r, 9 * windows, 1000, RULES(4), &t, &retry));
	cr_expect(t.none);
	breaker_fail(&r, &t, 1000, RULES(1));
	cr_expect(breaker_may_call(&r, 9 * windows, 1000, RULES(4), &t, &retry));
	cr_expect(not(breaker_may_call(&r, 3 * windows, 1000, RULES(4), &t, &retry)), "the eight keep theirs");
	region_unmap(&r);
}

/* ---- in flight, metrics, gate --------------------------------------------------------------------- */

Test(inflight, sums_over_workers_and_forgets_the_dead)
{
	struct region	a, b, all;
	struct inflight	one, two;
	int		fd;

	cr_assert(eq(int, region_create(REGION_INFLIGHT, 2, &fd), 0));
	cr_assert(eq(int, region_map(fd, REGION_INFLIGHT, &a), 0));
	cr_assert(eq(int, region_map(fd, REGION_INFLIGHT, &b), 0));
	cr_assert(eq(int, region_map(fd, REGION_INFLIGHT, &all), 0));
	fd_close(&fd);
	cr_assert(eq(int, inflight_init(&one, &a, 2), E_RANGE));
	cr_assert(eq(int, inflight_init(&one, &a, 0), 0));
	cr_assert(eq(int, inflight_init(&two, &b, 1), 0));
	cr_expect(eq(int, inflight_begin(&one, 5), 0));
	cr_expect(eq(int, inflight_begin(&two, 5), 0));
	cr_expect(eq(int, inflight_begin(&two, 5 + 512), 0), "same home, other key");
	cr_expect(eq(u64, inflight_of(&all, 5), 2));
	cr_expect(eq(u64, inflight_of(&all, 5 + 512), 1));
	cr_expect(eq(u64, inflight_total(&all), 3));
	inflight_end(&two, 5);
	cr_expect(eq(u64, inflight_of(&all, 5 + 512), 1), "found behind a freed entry");
	inflight_clear(&all, 0);
	cr_expect(eq(u64, inflight_of(&all, 5), 0));
	cr_expect(eq(u64, inflight_total(&all), 1));
	inflight_end(&one, 5);			/* cleared under its feet: stays at 0 */
	cr_expect(eq(u64, inflight_total(&all), 1));
	inflight_fini(&one);
	inflight_fini(&two);
	region_unmap(&all);
}

struct seen {
	uint64_t	key, count, calls;
	unsigned	entries;
};

static void
see(uint64_t key, uint64_t count, uint64_t calls, void *arg)
{
	struct seen	*s = arg;

	if (key != s->key)
		return;
	s->count += count;
	s->calls += calls;
	s->entries++;
}

Test(inflight, counts_calls_beyond_their_end_and_their_worker)
{
	struct region	a, b;
	struct inflight	one, two;
	struct seen	s = { .key = 5 };

	region_pair(REGION_INFLIGHT, 2, &a, &b);
	cr_assert(eq(int, inflight_init(&one, &a, 0), 0));
	cr_assert(eq(int, inflight_init(&two, &b, 1), 0));
	for (int i = 0; i < 3; i++) {
		cr_assert(eq(int, inflight_begin(&one, 5), 0));
		inflight_end(&one, 5);
	}
	cr_assert(eq(int, inflight_begin(&one, 5 + 512), 0), "same home, while the other rests");
	cr_assert(eq(int, inflight_begin(&two, 5), 0));
	inflight_clear(&two.region, 0);
	inflight_each(&two.region, see, &s);
	cr_expect(eq(u64, s.calls, 4));
	cr_expect(eq(u64, s.count, 1));
	cr_expect(eq(u32, s.entries, 2));
	inflight_fini(&one);
	inflight_fini(&two);
}

Test(inflight, a_key_that_takes_anothers_entry_begins_at_none)
{
	struct region	r = region_for_test(REGION_INFLIGHT, 1);
	struct inflight	f;
	struct seen	s = { .key = 1000 };

	cr_assert(eq(int, inflight_init(&f, &r, 0), 0));
	for (uint64_t k = 1; k <= 512; k++) {
		cr_assert(eq(int, inflight_begin(&f, k), 0));
		inflight_end(&f, k);
	}
	cr_assert(eq(int, inflight_begin(&f, 1000), 0));
	inflight_each(&f.region, see, &s);
	cr_expect(eq(u64, s.calls, 1));
	cr_expect(eq(u32, s.entries, 1));
	inflight_fini(&f);
}

Test(inflight, more_keys_than_room_are_refused_and_ended_ones_make_room)
{
	struct region	r = region_for_test(REGION_INFLIGHT, 1);
	struct inflight	f;

	cr_assert(eq(int, inflight_init(&f, &r, 0), 0));
	for (uint64_t k = 1; k <= 512; k++)
		cr_assert(eq(int, inflight_begin(&f, k), 0));
	cr_expect(eq(int, inflight_begin(&f, 600), E_FULL));
	cr_expect(eq(int, inflight_begin(&f, 77), 0), "a known key needs no room");
	inflight_end(&f, 100);
	cr_expect(eq(int, inflight_begin(&f, 600), 0));
	cr_expect(eq(u64, inflight_of(&f.region, 600), 1));
	cr_expect(eq(u64, inflight_total(&f.region), 513));
	inflight_fini(&f);
}

Test(metric, tells_what_so_many_are_below)
{
	uint64_t	b[METRIC_BUCKETS] = { 0 };

	cr_expect(eq(u64, metric_quantile(b, 500), 0), "none were");
	b[1] = 100;		/* 100 to 250 us */
	cr_expect(eq(u64, metric_quantile(b, 500), 175));
	cr_expect(eq(u64, metric_quantile(b, 1000), 250));
	b[3] = 1;		/* 500 to 1000 us */
	cr_expect(eq(u64, metric_quantile(b, 990), 250));
	cr_expect(eq(u64, metric_quantile(b, 999), 1000));
	b[METRIC_BUCKETS - 1] = 1000;
	cr_expect(eq(u64, metric_quantile(b, 990), 10000000), "no bound above is known");
}

Test(metric, sums_over_workers_and_keeps_counters_of_the_dead)
{
	struct region	a, b;
	struct metrics	one, two;

	region_pair(REGION_METRICS, 2, &a, &b);
	cr_assert(eq(int, metrics_init(&one, &a, 0), 0));
	cr_assert(eq(int, metrics_init(&two, &b, 1), 0));
	metric_add(&one, METRIC_calls_total, 3);
	metric_add(&two, METRIC_calls_total, 4);
	metric_set(&one, METRIC_connections, 10);
	metric_add(&two, METRIC_connections, 5);
	metric_add(&two, METRIC_connections, -1);
	cr_expect(eq(u64, metric_sum(&one.region, METRIC_calls_total), 7));
	cr_expect(eq(u64, metric_sum(&one.region, METRIC_connections), 14));
	metric_clear_gauges(&two.region, 0);
	cr_expect(eq(u64, metric_sum(&one.region, METRIC_calls_total), 7));
	cr_expect(eq(u64, metric_sum(&one.region, METRIC_connections), 4));
	metrics_fini(&one);
	metrics_fini(&two);
}

Test(metric, is_read_whole)
{
	struct region		r = region_for_test(REGION_METRICS, 1);
	struct metrics		m;
	struct metric_value	v;

	cr_assert(eq(int, metrics_init(&m, &r, 0), 0));
	metric_add(&m, METRIC_calls_total, 3);
	metric_observe(&m, METRIC_call_duration_seconds, 100);
	metric_observe(&m, METRIC_call_duration_seconds, 101);
	metric_observe(&m, METRIC_call_duration_seconds, 60000000);
	metric_read(&m.region, METRIC_calls_total, &v);
	cr_expect(eq(u64, v.value, 3));
	metric_read(&m.region, METRIC_call_duration_seconds, &v);
	cr_expect(eq(u64, metric_bound_us(0), 100));
	cr_expect(eq(u64, v.up_to[0], 1), "a bound is its bucket's");
	cr_expect(eq(u64, v.up_to[1], 2));
	cr_expect(eq(u64, v.up_to[METRIC_BUCKETS - 2], 2));
	cr_expect(eq(u64, v.up_to[METRIC_BUCKETS - 1], 3));
	cr_expect(eq(u64, metric_bound_us(METRIC_BUCKETS - 1), 0));
	cr_expect(eq(u64, v.sum_us, 60000201));
	metrics_fini(&m);
}

Test(metric, of_the_master_has_no_place_in_a_slab)
{
	struct region		r = region_for_test(REGION_METRICS, 1);
	struct metrics		m;
	struct metric_value	v;

	cr_assert(eq(int, metrics_init(&m, &r, 0), 0));
	for (int id = 0; id < METRIC_ID_LIMIT; id++)
		if (metric_row((enum metric_id)id)->scope == METRIC_SCOPE_GLOBAL)
			metric_add(&m, (enum metric_id)id, id + 1);
	for (int id = 0; id < METRIC_ID_LIMIT; id++) {
		const struct metric_row	*row = metric_row((enum metric_id)id);

		metric_read(&m.region, (enum metric_id)id, &v);
		if (row->kind != METRIC_HISTOGRAM)
			cr_expect(eq(u64, v.value, row->scope == METRIC_SCOPE_GLOBAL ? (uint64_t)id + 1 : 0), "%s", row->name);
	}
	metrics_fini(&m);
}

Test(gate, holds_back_who_has_more_than_the_waiting)
{
	struct region	r = region_for_test(REGION_GATE, 4);

	cr_expect(gate_may_accept(&r, 0, 8), "alone");
	gate_publish(&r, 0, 100, true);
	gate_publish(&r, 1, 0, true);
	gate_publish(&r, 2, 0, true);
	cr_expect(not(gate_may_accept(&r, 0, 100)));
	cr_expect(gate_may_accept(&r, 1, 0));
	gate_publish(&r, 1, 0, false);
	gate_publish(&r, 2, 0, false);
	cr_expect(gate_may_accept(&r, 0, 100), "the others are busy");
	gate_publish(&r, 1, 90, true);
	cr_expect(gate_may_accept(&r, 0, 100), "a small difference");
	cr_expect(eq(u64, gate_connections(&r), 190));
	gate_clear(&r, 1);
	cr_expect(eq(u64, gate_connections(&r), 100));
	region_unmap(&r);
}
