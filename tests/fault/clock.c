/* SPDX-License-Identifier: Apache-2.0
 *
 * clock.c - F13: the wall clock jumps under load: nothing fails, no bucket fills, and no process waits
 */
#include "tests/fault/inject.h"
#include "tests/fault/lies.h"
#include "tests/integration/common.h"

#define HOUR	INT64_C(3600)
#define YEAR	(365 * 24 * HOUR)

Test(clock, that_jumps_fails_no_request, .timeout = 120)
{
	static const int64_t	jumps_s[] = { HOUR, -HOUR, 1, -1, 0, 10 * YEAR, 0, -10 * YEAR, 0 };
	struct world		w = { .before = NULL };
	struct window		window = { .fault = fault_named("clock"), .places = PLACES_ALL };
	struct world_since	since = { .w = &w };
	struct lies		*lies;

	NEEDS_JAILS();
	lies_begin(&lies);
	world_start(&w, 13, NULL);
	load_start(&w.load);
	sleep_ms(1500);
	world_weigh(&w);
	for (size_t i = 0; i < sizeof(jumps_s) / sizeof(jumps_s[0]); i++) {
		since.us = window.begun = window.done = fault_now_us();
		lies->wall_ns = jumps_s[i] * INT64_C(1000000000);
		cr_expect(wait_until(world_serves_since, &since, 5000), "no answers at %lld s", (long long)jumps_s[i]);
		sleep_ms(600);
		window.over = fault_now_us();
		*log_more(&w.story.windows) = window;
	}
	world_end(&w);
}

/* --- buckets ------------------------------------------------------------------------------------- */

#define LIMITED	"{\"agents\":{\"a\":{\"allow\":{\"servers\":[\"clock\"],\"tools\":{\"clock\":[\"*\"]}}}},"		\
	"\"limits\":{\"agents\":{\"a\":{\"rate\":\"60/h\",\"burst\":5}}}}"

static unsigned
let_pass(struct mcp *m, unsigned tries)
{
	struct answer	a;
	unsigned	n = 0;

	for (unsigned i = 0; i < tries; i++) {
		mcp_call(m, "add", "{\"a\":1,\"b\":2}", &a);
		n += json_at(a.json, "result") != NULL;
		answer_fini(&a);
	}
	return n;
}

/* The audit says so, and its records are of the time that was told. */
static void
expect_marks(const struct gateway *g)
{
	json_object	*records = gateway_audit(g);
	const char	*mark;
	unsigned	 forward = 0, back = 0, early = 0;

	for (size_t i = 0; i < json_object_array_length(records); i++) {
		json_object *r = json_object_array_get_idx(records, i);

		mark = json_text_at(r, "mark");
		forward += strncmp(mark, "the clock went forward by 3", 27) == 0;
		back += strncmp(mark, "the clock went back by 3", 24) == 0;
		early += json_text_at(r, "time")[0] == '2' && strncmp(json_text_at(r, "time"), "2020", 4) < 0;
	}
	cr_expect(forward >= 2 && back >= 2, "%u jumps forward and %u back are marked", forward, back);
	cr_expect(early > 0, "no record is of ten years ago");
	json_object_put(records);
}

Test(clock, that_jumps_gives_no_bucket_back, .timeout = 60)
{
	static const int64_t	jumps_s[] = { HOUR, 10 * YEAR, -HOUR, -10 * YEAR, 0 };
	struct gateway		g;
	struct mcp		m;
	struct lies		*lies;
	unsigned		n;

	NEEDS_JAILS();
	lies_begin(&lies);
	gateway_start(&g, &(struct gateway_setup){ .servers = DEMO_SERVERS, .rules = LIMITED });
	mcp_init(&m, g.mcp, "/servers/clock/mcp", gateway_key(&g, "a"));
	n = let_pass(&m, 8);
	cr_expect(n == 5, "%u of a burst of 5", n);
	for (size_t i = 0; i < sizeof(jumps_s) / sizeof(jumps_s[0]); i++) {
		lies->wall_ns = jumps_s[i] * INT64_C(1000000000);
		n = let_pass(&m, 3);
		cr_expect(n == 0, "%u more at %lld s", n, (long long)jumps_s[i]);
	}
	expect_marks(&g);
	mcp_fini(&m);
	gateway_stop(&g);
}
