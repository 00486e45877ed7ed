/* SPDX-License-Identifier: Apache-2.0
 *
 * r3_dns.c - names that are slow, refused, lost, of hundreds of addresses or never the same: a call has its deadline,
 *            nothing waits in a worker, and an endpoint that cannot be found is none
 */
#include "tests/harness/nameserver.h"
#include "tests/integration/r2_faults.h"

#define CONNECT_MS	500

static struct nameserver	names;
static struct failing		other;

static void
begin(const char *lines, const char *bad)
{
	char	servers[1024], conf[256];

	nameserver_start(&names);
	nameserver_say(&names, lines);
	failing_start(&good, "modern", "good");
	failing_start(&other, "modern", "other");
	snprintf(servers, sizeof(servers), "{\"mcpServers\":{\"good\":{\"url\":\"http://127.0.0.1:%u/mcp\"},\"bad\":{%s%u%s}}}",
	    good.port, bad, other.port, strchr(bad, '[') == NULL ? "/mcp\",\"timeout_ms\":3000" : "/mcp\"],\"timeout_ms\":3000");
	snprintf(conf, sizeof(conf), "upstream_dns = 127.0.0.1:%u\nconnect_timeout = %dms\nbreaker_failures = 1000\n"
	    "upstream_check = 0\nretry_budget = 100\n", names.port, CONNECT_MS);
	gateway_start(&g, &(struct gateway_setup){ .workers = 1, .servers = servers, .rules = FAULT_RULES, .conf = conf });
	snprintf(key, sizeof(key), "%s", gateway_key(&g, "one"));
}

static void
finish(void)
{
	gateway_stop(&g);
	nameserver_stop(&names);
	failing_stop(&good);
	failing_stop(&other);
}

Test(dns, that_fails_holds_up_nobody, .timeout = 120)
{
	static const struct { const char *lines, *want; } rows[] = {
		{ "x.test.example 0 silent\n", "" }, { "x.test.example 0 fail\n", "no name server answers" },
		{ "y.test.example 60 127.0.0.1\n", "not known" },
		{ "x.test.example 0 alias y.test.example\ny.test.example 0 alias x.test.example\n", "" },
	};
	struct fault_caller	all[FAULT_THREADS];
	struct beside		before, beside;
	unsigned		wrong, calls;
	double			longest, begun, seconds;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		begin(rows[i].lines, "\"url\":\"http://x.test.example:");
		begun = fault_now();
		fault_beside(500, &before);
		fault_run(1500, 0, all, &beside);
		seconds = (fault_now() - begun) / 1000;
		calls = fault_sum(all, &longest, &wrong);
		cr_log_info("%zu: %u calls, longest %.0f ms; beside: %zu calls, median %.2f ms, p99 %.2f ms (%.2f, %.2f); asked %zu",
		    i, calls, longest, beside.calls, beside.median, beside.p99, before.median, before.p99,
		    nameserver_asked(&names, "x.test.example"));
		cr_expect(wrong == 0);
		cr_expect(strstr(all[0].last, "\"SERVER_UNAVAILABLE\"") != NULL && strstr(all[0].last, rows[i].want) != NULL,
		    "want %s: %s", rows[i].want, all[0].last);
		cr_expect(longest < CONNECT_MS + patience(&g, 700), "%.0f ms", longest);
		cr_expect(beside.failed == 0 && beside.calls >= FAULT_LEAST);
		cr_expect(beside.p99 < before.p99 + CONNECT_MS / 2, "p99 %.1f ms beside it, %.1f before", beside.p99,
		    before.p99);
		cr_expect((double)nameserver_asked(&names, "x.test.example") < 30 * seconds, "asked %zu times in %.1f s: no storm",
		    nameserver_asked(&names, "x.test.example"), seconds);
		finish();
	}
}

Test(dns, of_hundreds_of_addresses_or_of_others_each_time_serves, .timeout = 60)
{
	struct mcp		m;
	char			said[256];
	unsigned long		memory;
	struct procs		p;

	begin("x.test.example 0 many 500\n", "\"url\":\"http://x.test.example:");
	mcp_init(&m, g.mcp, "/servers/bad/mcp", key);
	(void)fault_call(&m, "work", 1, said);
	cr_expect(strstr(said, "\"result\"") != NULL, "%s", said);
	memory = fault_memory();
	for (unsigned i = 0; i < 30; i++) {
		char	line[128];

		/* Another order, and other ones: the good one among those that refuse. */
		snprintf(line, sizeof(line), "x.test.example 0 127.0.0.%u 127.0.0.1 127.0.1.%u\n", i + 2, i + 2);
		nameserver_say(&names, line);
		sleep_ms(50);
		(void)fault_call(&m, "work", 100 + i, said);
		cr_expect(strstr(said, "\"result\"") != NULL, "%s", said);
	}
	fault_expect_memory("addresses:", memory, 4 * 1024);
	gateway_procs(&g, &p);
	cr_expect(procs_find(&p, "mcpgw-scout", 0) != NULL);
	mcp_fini(&m);
	finish();
}

Test(dns, an_endpoint_that_is_not_found_is_none, .timeout = 60)
{
	struct mcp	m;
	char		said[256];
	double		took, longest = 0;

	begin("x.test.example 0 fail\n", "\"url\":[\"http://x.test.example:80/mcp\",\"http://127.0.0.1:");
	mcp_init(&m, g.mcp, "/servers/bad/mcp", key);
	sleep_ms(patience(&g, 500));
	for (unsigned i = 0; i < 20; i++) {
		took = fault_call(&m, "work", i, said);
		longest = took > longest ? took : longest;
		cr_expect(strstr(said, "other") != NULL, "%s", said);
	}
	cr_expect(longest < patience(&g, 400), "%.0f ms", longest);
	mcp_fini(&m);
	finish();
}
