/* SPDX-License-Identifier: Apache-2.0
 *
 * r2_faults.c - a server that fails at each phase of a call: deadline and breaker hold, another one hears nothing of it
 *
 * F16 of the threat model, but for TLS (r2_faults_tls.c).
 */
#include "tests/harness/hearing.h"
#include "tests/integration/r2_faults.h"

#define DEADLINE_MS	400
#define RUN_MS		700
#define MADE_LEAST	30
#define MEMORY_MORE_KIB	(48 * 1024)

static struct failing	bad;

static const struct {
	const char	*mode;
	bool		 waits;		/* for the deadline */
	const char	*want;		/* what a call is answered */
} rows[] = {
	{ "mute", true, "\"TIMEOUT\"" }, { "half", true, "\"TIMEOUT\"" }, { "body", true, "\"TIMEOUT\"" },
	{ "drip", true, "\"TIMEOUT\"" }, { "stream", true, "" }, { "reset", false, "" }, { "resethead", false, "" },
	{ "resetbody", false, "" }, { "bighead", false, "" }, { "bigbody", false, "" }, { "wrongid", false, "another request" },
	{ "badjson", false, "not MCP" }, { "500", false, "HTTP 500" },
};

static void
begin(const char *era, const char *conf)
{
	char	servers[512];

	failing_start(&bad, era, "bad");
	failing_start(&good, era, "good");
	snprintf(servers, sizeof(servers), "{\"mcpServers\":{\"bad\":{\"url\":\"http://127.0.0.1:%u/mcp\",\"timeout_ms\":%d},"
	    "\"good\":{\"url\":\"http://127.0.0.1:%u/mcp\"}}}", bad.port, DEADLINE_MS, good.port);
	gateway_start(&g, &(struct gateway_setup){ .workers = 1, .servers = servers, .rules = FAULT_RULES, .conf = conf });
	snprintf(key, sizeof(key), "%s", gateway_key(&g, "one"));
}

static void
finish(void)
{
	gateway_stop(&g);
	failing_stop(&bad);
	failing_stop(&good);
}

static void
expect_once(unsigned first, unsigned end, const char *mode)
{
	static char	seen[200000];
	char		at[64];
	struct answer	a;
	unsigned	n;

	memset(seen, 0, sizeof(seen));
	snprintf(at, sizeof(at), "127.0.0.1:%u", bad.port);
	client_once(at, "GET", "/log", "", NULL, &a);
	for (const char *p = a.body; p != NULL && *p != '\0'; p = strchr(p, '\n') + 1)
		if (sscanf(p, "%u ", &n) == 1 && n >= first && n < end && n - first < sizeof(seen))
			cr_expect(seen[n - first]++ == 0, "%s: %u was executed again", mode, n);
	answer_fini(&a);
}

static void
each_phase(const char *era)
{
	struct fault_caller	all[FAULT_THREADS];
	struct beside		before, beside;
	unsigned long		memory;
	double			longest;
	unsigned		wrong, calls, first;

	begin(era, "breaker_failures = 1000\nupstream_check = 0\n");
	failing_mode(&bad, "ok");
	fault_run(300, 0, all, &before);
	fault_beside(1000, &before);
	memory = fault_memory();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		failing_mode(&bad, rows[i].mode);
		cr_assert(gateway_ctl(&g, NULL, false, "server", "breaker", "reset", "bad", NULL) == 0);
		first = atomic_load(&next_n);
		fault_run(RUN_MS, 0, all, &beside);
		calls = fault_sum(all, &longest, &wrong);
		cr_log_info("%s %-10s %6u calls, longest %5.0f ms; beside: %zu calls, median %.2f ms, p99 %.2f ms "
		    "(%.2f, %.2f)", era, rows[i].mode, calls, longest, beside.calls, beside.median, beside.p99, before.median,
		    before.p99);
		cr_expect(wrong == 0, "%s: %u answered", rows[i].mode, wrong);
		cr_expect(strstr(all[0].last, rows[i].want) != NULL, "%s: %s", rows[i].mode, all[0].last);
		cr_expect(longest < DEADLINE_MS + patience(&g, 700), "%s took %.0f ms", rows[i].mode, longest);
		if (rows[i].waits && strcmp(rows[i].mode, "stream") != 0)
			cr_expect(longest >= DEADLINE_MS - 50, "%s took %.0f ms", rows[i].mode, longest);
		cr_expect(beside.failed == 0 && beside.calls >= FAULT_LEAST, "%s: %zu of %zu", rows[i].mode, beside.failed, beside.calls);
		cr_expect(beside.p99 < before.p99 + DEADLINE_MS / 2, "%s: p99 %.1f ms beside it, %.1f before",
		    rows[i].mode, beside.p99, before.p99);
		expect_once(first, atomic_load(&next_n), rows[i].mode);
	}
	failing_mode(&bad, "ok");
	cr_assert(gateway_ctl(&g, NULL, false, "server", "breaker", "reset", "bad", NULL) == 0);
	fault_run(300, 0, all, &beside);
	calls = fault_sum(all, &longest, &wrong);
	cr_expect(wrong > 0, "it serves again: %s", all[0].last);
	fault_expect_memory(era, memory, MEMORY_MORE_KIB);
	finish();
}

/* One after the other: what is measured is one gateway. */
Test(faults, hold_up_no_call_longer_than_its_deadline_and_no_other_server, .timeout = 300)
{
	each_phase("modern");
	each_phase("legacy");
}

Test(faults, trip_the_breaker_and_then_cost_nothing, .timeout = 120)
{
	struct fault_caller	all[FAULT_THREADS];
	struct beside		beside;
	unsigned		wrong, calls;
	double			longest;
	size_t			made;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i += 3) {
		begin("modern", "breaker_failures = 4\nbreaker_open = 1h\nupstream_check = 0\n");
		fault_run(100, 0, all, &beside);
		failing_mode(&bad, rows[i].mode);
		made = failing_calls(&bad);
		fault_run(RUN_MS, MADE_LEAST, all, &beside);
		calls = fault_sum(all, &longest, &wrong);
		made = failing_calls(&bad) - made;
		cr_log_info("%s: %zu of %u calls went out", rows[i].mode, made, calls);
		/* Those that ran when it opened, and no more. */
		cr_expect(made >= 4 && made <= 4 + FAULT_THREADS, "%s: %zu of %u calls went out", rows[i].mode, made, calls);
		cr_expect(calls >= MADE_LEAST && strstr(all[0].last, "left alone") != NULL, "%s: %u, %s", rows[i].mode, calls,
		    all[0].last);
		finish();
	}
}

/* The one try of a breaker that is half open is another call's when its client leaves before the server said anything that
 * counts: here while the tools are listed again. */
Test(faults, a_try_whose_client_left_is_not_lost, .timeout = 60)
{
	struct hearing	 h;
	struct mcp	 m;
	char		 said[256];
	bool		 waits = false;

	begin("modern", "breaker_failures = 2\nbreaker_open = 1s\nupstream_check = 0\n");
	mcp_init(&m, g.mcp, "/servers/bad/mcp", key);
	(void)fault_call(&m, "work", 1, said);
	cr_assert(strstr(said, "\"result\"") != NULL, "%s", said);
	failing_mode(&bad, "500");
	for (unsigned i = 0; i < 3; i++)
		(void)fault_call(&m, "work", 2 + i, said);
	cr_assert(strstr(said, "left alone") != NULL, "%s", said);
	failing_mode(&bad, "relist");
	for (unsigned i = 0; !waits && i < 50; i++) {
		if (i > 0)
			hearing_fini(&h);
		sleep_ms(100);
		hearing_begin(&h, &m, "9", "tools/call", "{\"name\":\"work\",\"arguments\":{\"n\":9}}");
		waits = !hearing_begins(&h, 400);
	}
	cr_assert(waits, "no call is the try");
	hearing_fini(&h);
	failing_mode(&bad, "ok");
	/* It waits for the list, too, and then has its turn. */
	(void)fault_call(&m, "work", 11, said);
	cr_expect(strstr(said, "\"result\"") != NULL, "%s", said);
	mcp_fini(&m);
	finish();
}
