/* SPDX-License-Identifier: Apache-2.0
 *
 * test_limitkeys.c - in which period a moment is, and when that ends, wherever the clock is set to
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

#include "worker/limits/limits.h"

/* Of October 2026 to January 2027, UTC, in seconds. */
#define NOV_30_2330	UINT64_C(1796081400)
#define DEC_1		UINT64_C(1796083200)
#define DAY_S		86400

struct row {
	uint64_t		at_s;
	int32_t			zone_s;
	enum quota_period	period;
	const char		*name;
	uint64_t		ends_s;
};

static const struct row rows[] = {
	{ NOV_30_2330, 0, QUOTA_DAY, "2026-11-30", DEC_1 },
	{ NOV_30_2330, 0, QUOTA_MONTH, "2026-11", DEC_1 },
	/* An hour east of it December has begun. */
	{ NOV_30_2330, 3600, QUOTA_DAY, "2026-12-01", DEC_1 - 3600 + DAY_S },
	{ NOV_30_2330, 3600, QUOTA_MONTH, "2026-12", DEC_1 - 3600 + 31 * DAY_S },
	/* And west of it, it has not, when it has in UTC. */
	{ DEC_1, -5400, QUOTA_DAY, "2026-11-30", DEC_1 + 5400 },
	{ DEC_1 - 1, 0, QUOTA_DAY, "2026-11-30", DEC_1 },
	{ DEC_1, 0, QUOTA_DAY, "2026-12-01", DEC_1 + DAY_S },
	{ DEC_1 + 31 * DAY_S - 1, 0, QUOTA_MONTH, "2026-12", DEC_1 + 31 * DAY_S },
	{ DEC_1 + 31 * DAY_S, 0, QUOTA_MONTH, "2027-01", DEC_1 + 62 * DAY_S },
	/* February of a leap year. */
	{ UINT64_C(1835308800), 0, QUOTA_MONTH, "2028-02", UINT64_C(1835481600) },
};

Test(limitkeys, periods_begin_at_midnight_in_their_zone)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct rec_quota	q = { .hard = 1, .what = QUOTA_CALLS, .period = (uint8_t)rows[i].period,
					    .zone_s = rows[i].zone_s };
		char			room[256], want[64];
		struct arena		a;
		struct span		got;
		uint64_t		ends_ms;
		int			n;

		arena_init(&a, room, sizeof(room), sizeof(room));
		got = limits_quota_content(&a, SPAN_LIT("tenant"), &q, rows[i].at_s * 1000, &ends_ms);
		n = snprintf(want, sizeof(want), "tenant%ccalls%c%s", 0, 0, rows[i].name) + 1;
		cr_expect(span_eq(got, span_make(want, (size_t)n)), "row %zu: %.*s", i, (int)got.n, got.p);
		cr_expect(eq(u64, ends_ms, rows[i].ends_s * 1000), "row %zu", i);
		arena_fini(&a);
	}
}

/* A clock that jumps and comes back finds the very quota it left: nothing is refilled, and nothing sticks. */
Test(limitkeys, a_clock_that_is_set_back_finds_the_period_it_left)
{
	const struct rec_quota	q = { .hard = 1, .what = QUOTA_TIME, .period = QUOTA_MONTH };
	const uint64_t		at[] = { NOV_30_2330, NOV_30_2330 + 10 * 365 * DAY_S, NOV_30_2330 - 3600, 3600 };
	char			room[4][256];
	struct arena		a[4];
	struct span		got[4];
	uint64_t		ends_ms;

	for (int i = 0; i < 4; i++) {
		arena_init(&a[i], room[i], sizeof(room[i]), sizeof(room[i]));
		got[i] = limits_quota_content(&a[i], SPAN_LIT("a"), &q, at[i] * 1000, &ends_ms);
		cr_expect(gt(u64, ends_ms, at[i] * 1000));
	}
	cr_expect(span_eq(got[0], got[2]));
	cr_expect(not(span_eq(got[0], got[1])));
	cr_expect(not(span_eq(got[0], got[3])));
}

/* What a crash may cost is half a percent, and never nothing: a quota that nothing is marked ahead of would refuse. */
Test(limitkeys, something_is_marked_ahead_of_each_quota)
{
	static const struct {
		struct rec_quota	q;
		uint64_t		want;
	} all[] = {
		{ { .hard = 1, .what = QUOTA_CALLS }, 1 }, { { .hard = 200000, .what = QUOTA_CALLS }, 1000 },
		{ { .hard = QUOTA_HARD_MAX, .what = QUOTA_CALLS }, 10000 },
		{ { .hard = 1, .what = QUOTA_TIME }, 1000 }, { { .hard = 36000000, .what = QUOTA_TIME }, 180000 },
		{ { .hard = 1, .what = QUOTA_BYTES }, 65536 },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		cr_expect(eq(u64, limits_ahead(&all[i].q), all[i].want), "row %zu", i);
}
