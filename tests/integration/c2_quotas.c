/* SPDX-License-Identifier: Apache-2.0
 *
 * c2_quotas.c - quotas of days and months, over restarts and kills; several limits at once; requests of one address
 */
#include <signal.h>
#include <sys/wait.h>

#include "tests/integration/common.h"

#define RULES(limits)											\
	"{\"agents\":{\"a\":{\"allow\":{\"servers\":[\"clock\"],\"tools\":{\"clock\":[\"*\"]}}},"	\
	"\"b\":{\"allow\":{\"servers\":[\"clock\"],\"tools\":{\"clock\":[\"*\"]}}}},\"limits\":{" limits "}}"

#define EXPECT_SAID(want, what) do {				\
	const char *said_ = (what);				\
	cr_expect(strcmp(said_, (want)) == 0, "%s", said_);	\
} while (0)
#define EXPECT_CALLS(want, what) do {				\
	const unsigned calls_ = (what);				\
	cr_expect(calls_ == (want), "%u calls", calls_);	\
} while (0)

static struct gateway	g;

static void
start(const char *rules, const char *conf)
{
	gateway_start(&g, &(struct gateway_setup){ .workers = 2, .servers = DEMO_SERVERS, .rules = rules, .conf = conf });
}

/* The code of what one call was refused with, "" of one that was made. */
static const char *
call(struct mcp *m, const char *tool)
{
	static char	code[64];
	struct answer	a;

	mcp_call(m, tool, strcmp(tool, "add") == 0 ? "{\"a\":1,\"b\":2}" : "{}", &a);
	EXPECT_STATUS(a, 200, "call");
	snprintf(code, sizeof(code), "%s", json_text_at(a.json, "error.data.code"));
	answer_fini(&a);
	return code;
}

static unsigned
calls_until_refused(struct mcp *m, const char *tool, unsigned most, const char *code)
{
	for (unsigned i = 0; i <= most; i++) {
		const char	*said = call(m, tool);

		if (said[0] == '\0')
			continue;
		cr_expect(strcmp(said, code) == 0, "%s", said);
		return i;
	}
	return most + 1;
}

static void
client(struct mcp *m, const char *key)
{
	mcp_init(m, g.mcp, "/servers/clock/mcp", key);
}

static unsigned
lines_with(const char *words)
{
	char		*log = gateway_log(&g);
	unsigned	 n = 0;

	for (const char *at = log; (at = strstr(at, words)) != NULL; at++)
		n++;
	free(log);
	return n;
}

static void
kill_everything(void)
{
	struct procs	*procs = malloc(sizeof(*procs));
	int		 status;

	gateway_procs(&g, procs);
	/* The master first: nobody learns of anything. */
	kill(g.pid, SIGKILL);
	for (size_t i = 0; i < procs->count; i++)
		if (procs->all[i].pid != g.pid)
			kill(procs->all[i].pid, SIGKILL);
	waitpid(g.pid, &status, 0);
	g.pid = 0;
	free(procs);
}

Test(quotas, hold_over_restarts_and_kills, .timeout = 90)
{
	char		key[256];
	struct mcp	m;
	unsigned	n;

	NEEDS_JAILS();
	start(RULES("\"agents\":{\"a\":{\"quota\":\"calls=40/month\"}}"), NULL);
	snprintf(key, sizeof(key), "%s", gateway_key(&g, "a"));
	client(&m, key);
	for (int i = 0; i < 10; i++)
		EXPECT_SAID("", call(&m, "now"));
	mcp_fini(&m);

	/* An end in order forgets nothing and invents nothing. */
	gateway_stop_keep(&g);
	gateway_start_again(&g);
	EXPECT_CTL(&g, 0, "40 calls/month      -    30", "limit", "show", "a");
	client(&m, key);
	for (int i = 0; i < 10; i++)
		EXPECT_SAID("", call(&m, "now"));
	mcp_fini(&m);

	/* Killed, all of it at once: what was used is at least what is remembered, and at most one call more (a
	 * two hundredth of the quota, or one). */
	kill_everything();
	gateway_start_again(&g);
	client(&m, key);
	n = calls_until_refused(&m, "now", 40, "QUOTA_EXCEEDED");
	cr_expect(n == 20 || n == 19, "%u calls", n);
	mcp_fini(&m);
	gateway_stop(&g);
}

/* The store ends for the new master's while workers count on. */
Test(quotas, hold_over_an_upgrade_and_a_kill, .timeout = 90)
{
	char		key[256], *out;
	struct mcp	m;
	unsigned	left = 0;
	const char	*at;

	NEEDS_JAILS();
	start(RULES("\"agents\":{\"a\":{\"quota\":\"calls=4000/day\"}}"), NULL);
	snprintf(key, sizeof(key), "%s", gateway_key(&g, "a"));
	client(&m, key);
	for (int i = 0; i < 3; i++)
		EXPECT_SAID("", call(&m, "now"));
	EXPECT_CTL(&g, 0, "Workers handed over", "upgrade");
	for (int i = 0; i < 5; i++)
		EXPECT_SAID("", call(&m, "now"));
	mcp_fini(&m);
	sleep_ms(100);
	kill_everything();
	gateway_start_again(&g);
	cr_assert(gateway_ctl(&g, &out, false, "limit", "show", "a", "--json", NULL) == 0);
	at = strstr(out, "\"left\":");
	cr_expect(at != NULL && sscanf(at, "\"left\":%u", &left) == 1 && left <= 4000 - 8 && left > 4000 - 100, "%s", out);
	free(out);
	gateway_stop(&g);
}

Test(quotas, warn_once_and_begin_anew_when_somebody_says_so, .timeout = 90)
{
	struct answer	a;
	struct mcp	m;

	NEEDS_JAILS();
	start(RULES("\"agents\":{\"a\":{\"quota\":[\"calls=10/day\"]}}"), NULL);
	client(&m, gateway_key(&g, "a"));
	EXPECT_CALLS(10, calls_until_refused(&m, "now", 12, "QUOTA_EXCEEDED"));
	sleep_ms(100);
	cr_expect(lines_with("quota: agent default a calls") == 1, "%u", lines_with("quota: agent default a calls"));
	mcp_call(&m, "now", "{}", &a);
	cr_expect(strcmp(json_text_at(a.json, "error.data.limit"), "limits.agents.a") == 0, "%s", a.body);
	cr_expect(json_int_at(a.json, "error.data.retry_after_ms") > 0, "%s", a.body);
	cr_expect(answer_header(&a, "X-RateLimit-Limit") != NULL &&
	    strcmp(answer_header(&a, "X-RateLimit-Limit"), "10") == 0, "%s", a.head);
	answer_fini(&a);
	EXPECT_CTL(&g, 75, "limit limits.agents.a; again in ", "call", "clock", "now", "--as", "a");
	EXPECT_CTL(&g, 75, ".  See: mcpgwctl limit show a\n", "call", "clock", "now", "--as", "a");
	EXPECT_CTL(&g, 75, "\"limit\":\"limits.agents.a\"", "call", "clock", "now", "--as", "a", "--json");
	EXPECT_CTL(&g, 65, "\"error\":", "call", "clok", "now", "--as", "a", "--json");
	EXPECT_CTL(&g, 77, "\"error\":", "call", "clock", "now", "--as", "nobody", "--json");
	EXPECT_CTL(&g, 0, "NEEDS YOU  agent a: 100% of this day's 10 calls (mcpgwctl limit show a)", "status");
	EXPECT_CTL(&g, 0, "agent a: 10 calls/day begins anew", "limit", "reset", "a");
	sleep_ms(200);
	EXPECT_CALLS(10, calls_until_refused(&m, "now", 12, "QUOTA_EXCEEDED"));
	EXPECT_CTL(&g, 65, "no limit of \"nobody\"; see mcpgwctl limit show", "limit", "reset", "nobody");
	mcp_fini(&m);
	gateway_stop(&g);
}

Test(quotas, count_time_and_bytes, .timeout = 90)
{
	struct mcp	m;
	char		*said;

	NEEDS_JAILS();
	start(RULES("\"agents\":{\"a\":{\"quota\":\"bytes=2KiB/day\"},\"b\":{\"quota\":\"time=1ms/day\"}}"), NULL);
	client(&m, gateway_key(&g, "a"));
	/* A request of some 250 bytes and an answer of some 150. */
	cr_expect(calls_until_refused(&m, "now", 20, "QUOTA_EXCEEDED") <= 10);
	mcp_fini(&m);
	client(&m, gateway_key(&g, "b"));
	cr_expect(calls_until_refused(&m, "now", 20, "QUOTA_EXCEEDED") <= 2);
	mcp_fini(&m);
	cr_expect(gateway_ctl(&g, &said, false, "limit", "show", "a", "--json", NULL) == 0);
	cr_expect(strstr(said, "\"what\":\"bytes\",\"period\":\"day\"") != NULL, "%s", said);
	free(said);
	gateway_stop(&g);
}

/* Agents of two tenants and a server have one name: nothing begins anew until it is said whose. */
Test(quotas, begin_anew_of_one_that_was_meant, .timeout = 60)
{
	static const char	limits[] = "{\"agents\":{\"clock\":{\"allow\":{\"servers\":[\"clock\"],\"tools\":"
				    "{\"clock\":[\"*\"]}}}},\"limits\":{\"agents\":{\"clock\":{\"rate\":\"5/d\"}}%s}}";
	char			rules[512], *said;
	struct mcp		m;

	NEEDS_JAILS();
	snprintf(rules, sizeof(rules), limits, ",\"servers\":{\"clock\":{\"rate\":\"20/d\"}},\"tools\":{\"clock.now\":"
	    "{\"max_concurrent\":7}},\"each\":[{\"by\":[\"principal\"],\"rate\":\"90/min\"}]");
	start(rules, "tenant_uid_range = 70000-70099\n");
	EXPECT_CTL(&g, 0, "Not yet in force", "tenant", "add", "acme");
	snprintf(rules, sizeof(rules), limits, "");
	gateway_write(&g, "tenants.d/acme/rules.json", rules);
	EXPECT_CTL(&g, 0, "in force", "reload");
	client(&m, gateway_key(&g, "clock"));
	EXPECT_SAID("", call(&m, "now"));
	EXPECT_SAID("", call(&m, "now"));
	cr_expect(gateway_ctl(&g, &said, true, "limit", "reset", "clock", NULL) == 65 &&
	    strstr(said, "mcpgwctl limit reset clock --of agent --tenant default\n") != NULL &&
	    strstr(said, "mcpgwctl limit reset clock --of agent --tenant acme\n") != NULL &&
	    strstr(said, "mcpgwctl limit reset clock --of server --tenant default\n") != NULL, "%s", said);
	free(said);
	EXPECT_CTL(&g, 0, "20/d     20    18", "limit", "show", "clock");
	EXPECT_CTL(&g, 0, "agent clock: 5/d begins anew", "limit", "reset", "clock", "--of", "agent", "--tenant", "acme");
	EXPECT_CTL(&g, 0, "5/d      5     3", "limit", "show", "clock", "--tenant", "default");
	EXPECT_CTL(&g, 0, "agent clock: 5/d begins anew", "limit", "reset", "clock", "--of", "agent", "--tenant", "default");
	EXPECT_CTL(&g, 0, "5/d      5     5", "limit", "show", "clock", "--of", "agent", "--tenant", "default");
	EXPECT_CTL(&g, 0, "20/d     20    18", "limit", "show", "clock", "--of", "server");
	EXPECT_CTL(&g, 65, "clock.now: a cap of calls at once", "limit", "reset", "clock.now");
	EXPECT_CTL(&g, 65, "no limit of \"clok\"; did you mean clock?", "limit", "reset", "clok");
	EXPECT_CTL(&g, 65, "no tenant \"acm\"; did you mean acme?", "limit", "show", "clock", "--tenant", "acm");
	EXPECT_CTL(&g, 64, "--of bot: want agent, server", "limit", "reset", "clock", "--of", "bot");
	EXPECT_CTL(&g, 0, "each    limits.each[0]", "limit", "show");
	mcp_fini(&m);
	gateway_stop(&g);
}

/* What the last of several refuses is taken of none. */
Test(limits_of_a_call, take_all_or_nothing, .timeout = 60)
{
	struct mcp	m;

	NEEDS_JAILS();
	start(RULES("\"agents\":{\"a\":{\"rate\":\"10/d\",\"burst\":10}},\"servers\":{\"clock\":{\"rate\":\"20/d\"}},"
	    "\"tools\":{\"clock.now\":{\"rate\":\"2/d\"}}"), "tenant_rate = 100/d\n");
	client(&m, gateway_key(&g, "a"));
	EXPECT_CALLS(2, calls_until_refused(&m, "now", 5, "RATE_LIMITED"));
	for (int i = 0; i < 30; i++)
		EXPECT_SAID("RATE_LIMITED", call(&m, "now"));
	/* Of the agent's ten two were taken, and none by what was refused. */
	EXPECT_CALLS(8, calls_until_refused(&m, "add", 12, "RATE_LIMITED"));
	EXPECT_CTL(&g, 0, "20/d     20    10", "limit", "show", "clock");
	mcp_fini(&m);
	gateway_stop(&g);
}

Test(limits_of_a_call, count_by_whatever_it_has, .timeout = 60)
{
	struct mcp	m;

	NEEDS_JAILS();
	start(RULES("\"each\":[{\"by\":[\"principal\",\"tool\"],\"rate\":\"3/d\"},"
	    "{\"by\":[\"server\"],\"agent\":\"b\",\"rate\":\"1/d\"}]"), "global_rate = 10/d\n");
	client(&m, gateway_key(&g, "a"));
	EXPECT_CALLS(3, calls_until_refused(&m, "now", 5, "RATE_LIMITED"));
	EXPECT_CALLS(3, calls_until_refused(&m, "add", 5, "RATE_LIMITED"));
	mcp_fini(&m);
	client(&m, gateway_key(&g, "b"));
	EXPECT_CALLS(1, calls_until_refused(&m, "now", 5, "RATE_LIMITED"));
	mcp_fini(&m);
	/* Another key is another principal; the gateway has ten in all. */
	client(&m, gateway_key(&g, "a"));
	EXPECT_CALLS(3, calls_until_refused(&m, "now", 5, "RATE_LIMITED"));
	EXPECT_CALLS(0, calls_until_refused(&m, "add", 5, "RATE_LIMITED"));
	mcp_fini(&m);
	gateway_stop(&g);
}

Test(limits_of_a_call, requests_of_an_address_are_refused_unread, .timeout = 60)
{
	struct answer	a;
	struct client	c;
	unsigned	refused = 0;

	start(NULL, "address_rate = 1/min\naddress_burst = 5\n");
	for (int i = 0; i < 10; i++) {
		cr_assert(client_open(&c, g.mcp));
		/* Nobody, and no JSON: 401 while it is read at all. */
		client_ask(&c, "POST", "/mcp", "Content-Type: application/json\r\n", "no json", &a);
		cr_expect(a.status == 401 || a.status == 429, "%d", a.status);
		refused += a.status == 429;
		if (a.status == 429)
			cr_expect(answer_header(&a, "Retry-After") != NULL, "%s", a.head);
		answer_fini(&a);
		client_close(&c);
	}
	cr_expect(refused == 5, "%u refused", refused);
	/* The operator and who is on the socket are not meant. */
	EXPECT_CTL(&g, 0, "workers 2/2", "status");
	gateway_stop(&g);
}

static unsigned
refused_of(const char *forwarded, unsigned n)
{
	struct answer	a;
	char		headers[256];
	unsigned	refused = 0;

	snprintf(headers, sizeof(headers), "Content-Type: application/json\r\nX-Forwarded-For: %s\r\n", forwarded);
	for (unsigned i = 0; i < n; i++) {
		client_once(g.mcp, "POST", "/mcp", headers, "no json", &a);
		cr_expect(a.status == 401 || a.status == 429, "%d", a.status);
		refused += a.status == 429;
		answer_fini(&a);
	}
	return refused;
}

Test(limits_of_a_call, requests_through_a_proxy_are_its_clients, .timeout = 60)
{
	start(NULL, "address_rate = 1/min\naddress_burst = 5\ntrusted_proxies = 127.0.0.0/8 ::1\n");
	cr_expect(refused_of("192.0.2.1", 8) == 3);
	cr_expect(refused_of("192.0.2.2", 5) == 0, "another client of the same proxy");
	cr_expect(refused_of("192.0.2.1, 192.0.2.2", 1) == 1, "who it says it is besides");
	/* Who is not known is not uncounted. */
	cr_expect(refused_of("unknown", 8) == 3);
	gateway_stop(&g);
}

Test(quotas, a_tenant_is_added_with_them, .timeout = 60)
{
	char	*said;

	start(DEMO_RULES, "tenant_uid_range = 70000-70099\n");
	EXPECT_CTL(&g, 64, "want calls=NUMBER/PERIOD", "tenant", "add", "acme", "--quota", "calls=lots");
	EXPECT_CTL(&g, 64, "such as \"bytes=5GiB/month\"", "tenant", "add", "acme", "--quota", "bytes=1GB/month");
	EXPECT_CTL(&g, 64, "--quota calls=2/day: there is one of this kind", "tenant", "add", "acme", "--quota",
	    "calls=1/day", "--quota", "calls=1/month", "--quota", "calls=2/day");
	EXPECT_CTL(&g, 0, "Not yet in force: mcpgwctl reload\n", "tenant", "add", "acme", "--quota", "calls=200000/month", "--quota",
	    "time=10h/day", "--rate", "50/s");
	EXPECT_CTL(&g, 0, "in force", "reload");
	said = gateway_file(&g, "tenants.d/acme/tenant.conf");
	cr_expect(strstr(said, "tenant_quota = calls=200000/month time=10h/day\n") != NULL, "%s", said);
	free(said);
	EXPECT_CTL(&g, 0, "200000 calls/month", "limit", "show", "acme");
	EXPECT_CTL(&g, 0, "10 h 0 min/day", "limit", "show", "acme");
	EXPECT_CTL(&g, 0, "quotas    calls=200000/month\n          time=10h/day\n", "tenant", "show", "acme");
	EXPECT_CTL(&g, 0, "\"quotas\":[\"calls=200000/month\",\"time=10h/day\"]", "tenant", "show", "acme", "--json");
	gateway_write(&g, "tenants.d/acme/tenant.conf", "tenant_quota = bytes=1GiB/day bytes=2GiB/day\n");
	EXPECT_CTL(&g, 78, "\"bytes=2GiB/day\": there is one of this kind", "check");
	gateway_write(&g, "tenants.d/acme/tenant.conf", "");
	gateway_write(&g, "rules.json", "{\"agents\":{\"a\":{}},\"limits\":{\"agents\":{\"a\":{\"quota\":"
	    "[\"time=1h/day\",\"time=2h/day\"]}}}}");
	EXPECT_CTL(&g, 78, "\"time=2h/day\": there is one of this kind", "check");
	gateway_stop(&g);
}
