/* SPDX-License-Identifier: Apache-2.0
 *
 * r1_balance.c - a server at several endpoints: who is called, who is left alone, and what is sent again
 */
#include "tests/harness/failing.h"
#include "tests/integration/common.h"

#define RULES	"{\"agents\":{\"one\":{\"allow\":{\"servers\":[\"*\"],\"tools\":{\"*\":[\"*\"]}}}}}"

static struct gateway	g;
static struct failing	at[3];
static char		key[256];
static struct mcp	m;

static unsigned	workers = 1;

/* said: members of the server, each after a comma; weight: of the first endpoint. */
static void
begin_weighing(unsigned weight, const char *era, const char *said, const char *conf)
{
	char	servers[2048];

	for (unsigned i = 0; i < 3; i++)
		failing_start(&at[i], era, (const char *const []){ "A", "B", "C" }[i]);
	snprintf(servers, sizeof(servers), "{\"mcpServers\":{\"many\":{\"endpoints\":[{\"url\":\"http://127.0.0.1:%u/mcp\","
	    "\"weight\":%u},{\"url\":\"http://127.0.0.1:%u/mcp\"},\"http://127.0.0.1:%u/mcp\"]%s}}}", at[0].port, weight,
	    at[1].port, at[2].port, said);
	gateway_start(&g, &(struct gateway_setup){ .workers = workers, .servers = servers, .rules = RULES, .conf = conf });
	snprintf(key, sizeof(key), "%s", gateway_key(&g, "one"));
	mcp_init(&m, g.mcp, "/servers/many/mcp", key);
}

static void
begin(const char *era, const char *more, const char *conf)
{
	begin_weighing(1, era, more, conf);
}

static void
finish(void)
{
	mcp_fini(&m);
	gateway_stop(&g);
	for (unsigned i = 0; i < 3; i++)
		failing_stop(&at[i]);
}

/* The name of the endpoint that answered, or '-'; what was said is in `said`. */
static char	said[512];

static char
call(const char *tool, unsigned n)
{
	struct answer	a;
	char		args[32];
	const char	*text;
	char		who;

	snprintf(args, sizeof(args), "{\"n\":%u}", n);
	mcp_call(&m, tool, args, &a);
	text = json_text_at(a.json, "result.content[0].text");
	snprintf(said, sizeof(said), "%s", a.body == NULL ? "" : a.body);
	who = text[0] == '\0' || strchr("ABC", text[0]) == NULL ? '-' : text[0];
	answer_fini(&a);
	return who;
}

/* Calls with n from `first`; how many each answered, and in [3] how many nobody. */
static void
calls(const char *tool, unsigned first, unsigned count, unsigned by[4])
{
	memset(by, 0, 4 * sizeof(by[0]));
	for (unsigned i = 0; i < count; i++) {
		char	who = call(tool, first + i);

		by[who == '-' ? 3 : who - 'A']++;
		if (who == '-')
			cr_log_info("%u: %s", first + i, said);
	}
}

/* Nothing was executed twice, whatever it ended as. */
static void
expect_once(unsigned first, unsigned count)
{
	for (unsigned n = first; n < first + count; n++) {
		size_t	times = 0;

		for (unsigned i = 0; i < 3; i++)
			times += failing_calls_of(&at[i], n);
		cr_expect(times <= 1, "%u was executed %zu times", n, times);
	}
}

Test(balance, spreads_calls_as_the_strategy_says, .timeout = 120)
{
	static const struct { const char *said; unsigned weight, by[3], off; } rows[] = {
		{ "", 4, { 12, 12, 12 }, 0 },
		{ ",\"balance\":\"weighted\"", 4, { 24, 6, 6 }, 0 },
		{ ",\"balance\":\"least_connections\"", 1, { 12, 12, 12 }, 2 },
		{ ",\"balance\":\"random\"", 1, { 12, 12, 12 }, 10 },
	};
	unsigned	by[4];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		begin_weighing(rows[i].weight, "modern", rows[i].said, NULL);
		/* All are known, and nothing is under way, when it counts. */
		calls("work", 1, 6, by);
		sleep_ms(200);
		calls("work", 100, 36, by);
		for (unsigned k = 0; k < 3; k++)
			cr_expect(by[k] + rows[i].off >= rows[i].by[k] && by[k] <= rows[i].by[k] + rows[i].off + 1,
			    "%s: %u of %u", rows[i].said, by[k], rows[i].by[k]);
		cr_expect(by[0] > 0 && by[1] > 0 && by[2] > 0 && by[3] == 0);
		finish();
	}
}

Test(balance, hashes_who_asks_and_moves_nobody_else, .timeout = 60)
{
	char	who[8];

	begin("modern", ",\"balance\":\"hash\"", "breaker_failures = 1\nupstream_check = 0\n");
	for (unsigned i = 0; i < 8; i++) {
		mcp_fini(&m);
		mcp_init(&m, g.mcp, "/servers/many/mcp", gateway_key(&g, "one"));
		who[i] = call("work", i);
		for (unsigned k = 0; k < 3; k++)
			cr_expect(call("work", 100) == who[i], "%s", said);
	}
	cr_expect(memchr(who, who[0] == 'A' ? 'B' : 'A', 8) != NULL || memchr(who, 'C', 8) != NULL, "not all at one: %.8s", who);
	/* The last one's endpoint goes: another takes over, and it is still one. */
	failing_down(&at[who[7] - 'A']);
	cr_expect(call("work", 200) != '-', "%s", said);
	who[6] = call("work", 201);
	cr_expect(who[6] != '-' && who[6] != who[7]);
	cr_expect(call("work", 202) == who[6]);
	finish();
}

Test(balance, legacy_sessions_stay_where_they_are_until_that_goes, .timeout = 60)
{
	char	first, then;

	begin("legacy", "", "upstream_check = 0\n");
	first = call("work", 1);
	cr_expect(first != '-', "%s", said);
	for (unsigned i = 2; i < 12; i++)
		cr_expect(call("work", i) == first, "%s", said);
	failing_down(&at[first - 'A']);
	then = call("work", 20);
	cr_expect(then != '-' && then != first, "%s", said);
	for (unsigned i = 21; i < 30; i++)
		cr_expect(call("work", i) == then, "%s", said);
	expect_once(1, 30);
	finish();
}

Test(balance, what_did_not_leave_is_sent_to_another_endpoint_and_nothing_else, .timeout = 90)
{
	json_object	*records;
	unsigned	 by[4];

	begin("modern", ",\"idempotent\":[\"safe\"]", "breaker_failures = 1000\nupstream_check = 0\nretry_budget = 100\n");
	calls("work", 100, 6, by);
	failing_down(&at[0]);
	calls("work", 200, 12, by);
	cr_expect(by[0] == 0 && by[3] == 0, "%u failed", by[3]);
	records = gateway_audit(&g);
	cr_expect(audit_count(records, "attempts", "2") >= 3, "%zu", audit_count(records, "attempts", "2"));
	json_object_put(records);
	failing_up(&at[0]);
	failing_mode(&at[0], "reset");
	/* It was executed, perhaps: it fails. */
	calls("work", 300, 12, by);
	cr_expect(by[3] >= 3 && by[0] == 0, "%u failed", by[3]);
	/* But where the operator says that it may run twice. */
	calls("safe", 400, 12, by);
	cr_expect(by[3] == 0 && by[0] == 0, "%u failed", by[3]);
	failing_mode(&at[0], "ok");
	expect_once(100, 300);
	finish();
}

/* How many requests of 100 calls reach three endpoints that fail, with a tenth of them to spend. */
static size_t
sent_for_a_hundred(const char *more)
{
	unsigned	by[4];

	begin("modern", more, "breaker_failures = 1000\nbreaker_min_calls = 10000\nupstream_check = 0\nretry_budget = 10\n");
	calls("work", 100, 6, by);
	for (unsigned i = 0; i < 3; i++)
		failing_mode(&at[i], "500");
	calls("work", 200, 100, by);
	cr_expect(by[3] == 100);
	return failing_calls(&at[0]) + failing_calls(&at[1]) + failing_calls(&at[2]) - 6;
}

Test(balance, sends_no_more_again_than_the_budget_has, .timeout = 90)
{
	const size_t	made = sent_for_a_hundred(",\"idempotent\":[\"*\"]");

	cr_expect(made >= 115 && made <= 122, "100 calls made %zu requests", made);
	finish();
}

/* Each of them is tried, and that there is no other one then costs nothing. */
Test(balance, pays_for_what_is_sent_again_and_for_nothing_else, .timeout = 90)
{
	const size_t	made = sent_for_a_hundred(",\"idempotent\":[\"*\"],\"retry\":{\"attempts\":9}");

	cr_expect(made >= 118 && made <= 122, "100 calls made %zu requests", made);
	finish();
}

Test(balance, sends_nothing_again_where_no_budget_is, .timeout = 90)
{
	unsigned	by[4];

	begin("modern", ",\"idempotent\":[\"*\"]",
	    "breaker_failures = 1000\nbreaker_min_calls = 10000\nupstream_check = 0\nretry_budget = 0\n");
	calls("work", 100, 6, by);
	for (unsigned i = 0; i < 3; i++)
		failing_mode(&at[i], "500");
	calls("work", 200, 12, by);
	cr_expect(by[3] == 12);
	cr_expect(failing_calls(&at[0]) + failing_calls(&at[1]) + failing_calls(&at[2]) == 18);
	finish();
}

Test(balance, leaves_alone_what_fails_and_tries_it_again, .timeout = 90)
{
	unsigned	by[4];
	size_t		before;

	begin("modern", "", "breaker_failures = 2\nbreaker_open = 1s\nupstream_check = 0\n");
	calls("work", 100, 6, by);
	failing_mode(&at[1], "500");
	calls("work", 200, 30, by);
	cr_expect(by[3] == 2 && by[1] == 0, "%u failed", by[3]);
	before = failing_calls(&at[1]);
	failing_mode(&at[1], "ok");
	sleep_ms(1100);
	calls("work", 300, 12, by);
	cr_expect(by[3] == 0 && by[1] >= 3, "%u of it", by[1]);
	cr_expect(failing_calls(&at[1]) > before);
	/* All of them: then calls are refused at once. */
	for (unsigned i = 0; i < 3; i++)
		failing_mode(&at[i], "500");
	calls("work", 400, 12, by);
	cr_expect(by[3] == 12);
	cr_expect(strstr(said, "left alone") != NULL, "%s", said);
	finish();
}

Test(balance, a_tool_may_have_a_breaker_of_its_own, .timeout = 60)
{
	unsigned	by[4];

	begin("modern", ",\"breaker\":{\"failures\":2,\"per_tool\":true,\"open_ms\":60000}", "upstream_check = 0\nbreaker_failures = 100\n");
	calls("work", 100, 6, by);
	for (unsigned i = 0; i < 3; i++)
		failing_mode(&at[i], "tool");
	calls("work", 200, 4, by);
	cr_expect(by[3] == 4 && strstr(said, "left alone") != NULL, "%s", said);
	calls("safe", 300, 6, by);
	cr_expect(by[3] == 0, "%s", said);
	EXPECT_CTL(&g, 0, "open for ", "server", "breakers", "--tool", "work");
	EXPECT_CTL(&g, 65, "server many lists no tool \"wrk\"; did you mean work?; see mcpgwctl tool list many", "server",
	    "breaker", "reset", "many", "--tool", "wrk");
	EXPECT_CTL(&g, 65, "server many lists no tool \"wrk\"", "server", "breakers", "many", "--tool", "wrk");
	EXPECT_CTL(&g, 65, "no server lists a tool \"wrk\"", "server", "breakers", "--tool", "wrk");
	EXPECT_CTL(&g, 0, "many tool work: closed; it was open", "server", "breaker", "reset", "many", "--tool", "work");
	cr_expect(failing_calls(&at[0]) + failing_calls(&at[1]) + failing_calls(&at[2]) == 14);
	finish();
}

/* `server show` has this line of endpoint `at`, NULL: of the server, with these words in it; or has it not. */
struct line {
	const struct failing	*at;
	const char		*words;
	bool			 has;
};

static bool
shows(void *arg)
{
	const struct line	*want = arg;
	char			 url[64] = "state", *out, *line, *end;
	bool			 there;

	if (want->at != NULL)
		snprintf(url, sizeof(url), "http://127.0.0.1:%u/", want->at->port);
	(void)gateway_ctl(&g, &out, true, "server", "show", "many", NULL);
	if ((line = strstr(out, want->at == NULL ? url : "endpoint")) != NULL && (line = strstr(line, url)) != NULL &&
	    (end = strchr(line, '\n')) != NULL)
		*end = '\0';
	there = line != NULL && (strstr(line, want->words) != NULL) == want->has;
	free(out);
	return there;
}

#define EXPECT_LINE(at, words, has)	cr_expect(wait_until(shows, &(struct line){ at, words, has }, patience(&g, 5000)), "%s", words)

Test(balance, visits_find_what_is_out_of_order_and_calls_stay_away, .timeout = 60)
{
	unsigned	by[4];

	begin("modern", ",\"health\":{\"path\":\"/health\",\"interval_ms\":100,\"unhealthy\":2,\"healthy\":2,"
	    "\"slow_start_ms\":2000}", "breaker_failures = 1000\n");
	calls("work", 100, 6, by);
	/* It still serves calls, and says of itself that it would rather not. */
	failing_mode(&at[1], "sick");
	EXPECT_LINE(&at[1], "out of order by its visits", true);
	calls("work", 200, 12, by);
	cr_expect(by[1] == 0 && by[3] == 0, "%u of it", by[1]);
	/* All of them: better one of these than none. */
	failing_mode(&at[0], "sick");
	failing_mode(&at[2], "sick");
	EXPECT_LINE(&at[0], "out of order by its visits", true);
	EXPECT_LINE(&at[2], "out of order by its visits", true);
	EXPECT_LINE(NULL, "its health path answers that it is out of order", true);
	calls("work", 300, 6, by);
	cr_expect(by[3] == 0);
	/* One comes back: it has all calls; another one: it begins with few. */
	failing_mode(&at[0], "ok");
	EXPECT_LINE(&at[0], "out of order", false);
	EXPECT_LINE(NULL, "out of order", false);
	calls("work", 400, 6, by);
	cr_expect(by[0] == 6, "%u of it", by[0]);
	sleep_ms(2100);
	failing_mode(&at[1], "ok");
	EXPECT_LINE(&at[1], "out of order", false);
	calls("work", 500, 20, by);
	cr_expect(by[1] > 0 && by[1] < by[0] / 2, "slow start: %u beside %u", by[1], by[0]);
	finish();
}

Test(balance, breakers_are_shown_and_reset, .timeout = 60)
{
	unsigned	 by[4];
	char		 url[64], line[160], *log;

	begin("modern", "", "breaker_failures = 1\nbreaker_open = 1h\nupstream_check = 0\nretry_budget = 0\n");
	calls("work", 100, 3, by);
	for (unsigned i = 0; i < 3; i++)
		failing_mode(&at[i], "500");
	calls("work", 200, 4, by);
	cr_expect(by[3] == 4);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/mcp", at[1].port);
	snprintf(line, sizeof(line), "%s: open for ", url);
	EXPECT_CTL(&g, 0, line, "server", "show", "many");
	EXPECT_CTL(&g, 0, line, "status", "many");
	EXPECT_CTL(&g, 0, "open for ", "server", "breakers", "many");
	EXPECT_CTL(&g, 0, "\"state\":\"open\"", "server", "breakers", "--json");
	for (unsigned i = 0; i < 3; i++)
		failing_mode(&at[i], "ok");
	calls("work", 300, 2, by);
	cr_expect(by[3] == 2 && strstr(said, "left alone") != NULL);
	EXPECT_CTL(&g, 65, "no server \"manyy\"; did you mean many?", "server", "breaker", "reset", "manyy");
	EXPECT_CTL(&g, 65, "no server \"manyy\"; did you mean many?", "server", "breakers", "manyy");
	EXPECT_CTL(&g, 65, "no such breaker", "server", "breaker", "reset", "many", "--endpoint", "http://127.0.0.1:1/");
	EXPECT_CTL(&g, 0, "closed; it was open", "server", "breaker", "reset", "many", "--endpoint", url);
	calls("work", 400, 4, by);
	cr_expect(by[1] == 4, "%s", said);
	EXPECT_CTL(&g, 0, "closed; it was open", "server", "breaker", "reset", "many");
	calls("work", 500, 6, by);
	cr_expect(by[0] == 2 && by[1] == 2 && by[2] == 2);
	log = gateway_log(&g);
	cr_expect(strstr(log, "server breaker reset by uid") != NULL);
	free(log);
	finish();
}

/* On a connection of its own, so that any worker may have it. */
static char
call_anew(const char *tool, unsigned n)
{
	mcp_fini(&m);
	mcp_init(&m, g.mcp, "/servers/many/mcp", key);
	return call(tool, n);
}

Test(balance, workers_share_breakers_and_where_sessions_are, .timeout = 60)
{
	unsigned	failed = 0;
	char		first;

	workers = 4;
	begin("legacy", "", "breaker_failures = 4\nbreaker_open = 1h\nupstream_check = 0\nretry_budget = 0\n");
	first = call("work", 1);
	cr_expect(first != '-', "%s", said);
	for (unsigned i = 2; i < 40; i++)
		cr_expect(call_anew("work", i) == first, "%s", said);
	failing_mode(&at[first - 'A'], "500");
	for (unsigned i = 100; i < 140; i++)
		failed += call_anew("work", i) == '-';
	cr_expect(failed == 4, "%u failed, whichever workers they were at", failed);
	EXPECT_CTL(&g, 0, "open for ", "server", "breakers", "many");
	finish();
}

Test(balance, a_server_of_a_reload_keeps_what_stays_of_its_endpoints, .timeout = 60)
{
	char	servers[512];

	/* Each of them is called, whichever comes first. */
	begin("modern", "", "breaker_failures = 1\nbreaker_open = 1h\nupstream_check = 0\nretry_budget = 0\n");
	failing_mode(&at[0], "dead");
	for (unsigned i = 0; i < 6; i++)
		(void)call("work", i);
	snprintf(servers, sizeof(servers), "{\"mcpServers\":{\"many\":{\"url\":[\"http://127.0.0.1:%u/mcp\",\"http://127.0.0.1:%u/mcp\"]}}}",
	    at[0].port, at[2].port);
	gateway_write(&g, "servers.json", servers);
	EXPECT_CTL(&g, 0, "", "reload");
	for (unsigned i = 10; i < 20; i++)
		cr_expect(call("work", i) == 'C', "%s", said);
	/* A single one of them is a server like any other. */
	snprintf(servers, sizeof(servers), "{\"mcpServers\":{\"many\":{\"url\":[\"http://127.0.0.1:%u/mcp\"]}}}", at[0].port);
	failing_mode(&at[0], "ok");
	gateway_write(&g, "servers.json", servers);
	EXPECT_CTL(&g, 0, "", "reload");
	cr_expect(call("work", 30) == 'A', "%s", said);
	finish();
}

Test(balance, an_endpoint_that_is_down_from_the_beginning_is_not_noticed, .timeout = 60)
{
	unsigned	by[4];

	for (int legacy = 0; legacy < 2; legacy++) {
		for (unsigned round = 0; round < 4; round++) {
			begin(legacy ? "legacy" : "modern", "", "upstream_check = 0\n");
			failing_down(&at[round % 3]);
			calls("work", 1, 12, by);
			cr_expect(by[3] == 0 && by[round % 3] == 0, "%u failed", by[3]);
			finish();
		}
	}
}

static size_t
count_open(void)
{
	char	*out;
	size_t	 n = 0;

	cr_assert(gateway_ctl(&g, &out, false, "server", "breakers", "many", NULL) == 0);
	for (const char *p = out; (p = strstr(p, "open for ")) != NULL; p++)
		n++;
	free(out);
	return n;
}

Test(balance, for_a_share_of_failures_only_a_share_of_the_endpoints_is_left_alone, .timeout = 60)
{
	static const struct { unsigned percent; size_t open; } rows[] = { { 30, 0 }, { 40, 1 }, { 70, 2 } };
	unsigned	by[4];
	char		more[160];

	for (size_t i = 0; i < 3; i++) {
		snprintf(more, sizeof(more), ",\"health\":{\"max_ejected_percent\":%u},\"breaker\":{\"failures\":1000,\"min_calls\":4,"
		    "\"window_ms\":60000}", rows[i].percent);
		begin("modern", more, "upstream_check = 0\nretry_budget = 0\n");
		calls("work", 1, 6, by);
		failing_mode(&at[0], "500");
		failing_mode(&at[1], "500");
		calls("work", 100, 60, by);
		cr_expect(count_open() == rows[i].open, "%u percent: %zu of %zu", rows[i].percent, count_open(), rows[i].open);
		cr_expect((size_t)gateway_metric(&g, "mcpgw_breakers_open") == rows[i].open &&
		    (size_t)gateway_metric(&g, "mcpgw_breaker_opened_total") == rows[i].open, "%g open",
		    gateway_metric(&g, "mcpgw_breakers_open"));
		cr_expect(rows[i].open == 2 ? by[3] < 20 : by[3] >= 25, "%u percent: %u failed", rows[i].percent, by[3]);
		finish();
	}
}
