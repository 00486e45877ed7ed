/* SPDX-License-Identifier: Apache-2.0
 *
 * c2_limits.c - buckets hold over all workers, and when workers are killed: six times, or RUNS=n
 */
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "tests/integration/load.h"

#define RATE	200
#define BURST	50

static struct gateway	g;

static double
now_s(void)
{
	struct timespec	ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* A connection for each request: all workers get their share. */
static void
call_once(struct load *l, struct mcp *m, unsigned thread, unsigned round)
{
	struct answer	a;

	(void)thread;
	(void)round;
	atomic_fetch_add(&l->sent, 1);
	mcp_call(m, "now", "{}", &a);
	load_count(l, &a);
	answer_fini(&a);
	client_close(&m->conn);
}

/* Half a second of load with a worker killed in it; never more in it than there may be. */
static void
round_of(const struct load *l, struct procs *procs, unsigned round)
{
	const double	begin = now_s();
	const unsigned	before = l->well;
	unsigned	most, well;

	sleep_ms(250 + (int)(round * 37 % 200));
	gateway_procs(&g, procs);
	if (procs_find(procs, "mcpgw-worker", round % 8) != NULL)
		kill(procs_find(procs, "mcpgw-worker", round % 8)->pid, SIGKILL);
	sleep_ms(200);
	well = l->well - before;
	/* One of each client may be counted later than it was let in. */
	most = BURST + LOAD_THREADS + (unsigned)(RATE * (now_s() - begin));
	cr_expect(well <= most, "round %u: %u calls, at most %u", round, well, most);
}

Test(limits, sum_over_workers_and_kills_never_exceeds_rate_and_burst, .timeout = 1200)
{
	const unsigned	 rounds = env_number("RUNS", 6);
	struct load	 l = { .fn = call_once };
	struct procs	*procs = malloc(sizeof(*procs));
	struct answer	 a;
	struct mcp	 m;
	double		 begin, most;

	NEEDS_JAILS();
	gateway_start(&g, &(struct gateway_setup){ .workers = 8, .servers = DEMO_SERVERS,
	    .rules = "{\"agents\":{\"a\":{\"allow\":{\"servers\":[\"clock\"],\"tools\":{\"clock\":[\"*\"]}}}},"
	    "\"limits\":{\"agents\":{\"a\":{\"rate\":\"200/s\",\"burst\":50}}}}" });
	snprintf(l.address, sizeof(l.address), "%s", g.mcp);
	snprintf(l.path, sizeof(l.path), "/servers/clock/mcp");
	snprintf(l.key, sizeof(l.key), "%s", gateway_key(&g, "a"));
	begin = now_s();
	load_start(&l);
	for (unsigned i = 0; i < rounds; i++)
		round_of(&l, procs, i);
	load_end(&l);
	most = BURST + RATE * (now_s() - begin);
	cr_log_info("%u sent, %u well, at most %.0f, %u refused, %u reset, %u failed", l.sent, l.well, most,
	    l.refused, l.reset, l.failed);
	cr_expect(l.well <= (unsigned)most, "%u calls, at most %.0f", l.well, most);
	cr_expect(l.well > (unsigned)most / 3, "%u calls, of %.0f", l.well, most);
	cr_expect(l.refused > 0, "nothing was refused");

	/* What the refused one is told. */
	mcp_init(&m, g.mcp, l.path, l.key);
	for (int i = 0; i < 200; i++) {
		mcp_call(&m, "now", "{}", &a);
		if (json_int_at(a.json, "error.code") == 429)
			break;
		answer_fini(&a);
	}
	EXPECT_STATUS(a, 200, "refused");
	cr_expect(strcmp(json_text_at(a.json, "error.data.code"), "RATE_LIMITED") == 0, "%s", a.body);
	cr_expect(json_int_at(a.json, "error.data.retry_after_ms") >= 0 &&
	    json_at(a.json, "error.data.retry_after_ms") != NULL, "%s", a.body);
	answer_fini(&a);
	mcp_fini(&m);
	free(procs);
	gateway_stop(&g);
}
