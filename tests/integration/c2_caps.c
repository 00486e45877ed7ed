/* SPDX-License-Identifier: Apache-2.0
 *
 * c2_caps.c - how many calls run at the same time: over all workers, when they are killed, and in turn
 */
#include <signal.h>

#include "tests/harness/hearing.h"
#include "tests/harness/program.h"
#include "tests/integration/load.h"

#define MOST	3

static struct gateway	g;
static char		servers_text[256];

static void
start_listing(const char *list_ms, const char *rules, const char *conf, unsigned workers)
{
	pid_t		pid;
	unsigned	port = program_start((const char *const[]){ "holding-server", list_ms, NULL }, &pid);

	snprintf(servers_text, sizeof(servers_text), "{\"mcpServers\":{\"s\":{\"type\":\"http\",\"url\":\"http://127.0.0.1:%u/mcp\"}}}",
	    port);
	gateway_start(&g, &(struct gateway_setup){ .workers = workers, .servers = servers_text, .rules = rules, .conf = conf });
}

static void
start(const char *rules, const char *conf, unsigned workers)
{
	start_listing(NULL, rules, conf, workers);
}

static void
load_init(struct load *l, const char *agent, load_fn *fn)
{
	*l = (struct load){ .fn = fn };
	snprintf(l->address, sizeof(l->address), "%s", g.mcp);
	snprintf(l->path, sizeof(l->path), "/servers/s/mcp");
	snprintf(l->key, sizeof(l->key), "%s", gateway_key(&g, agent));
}

/* A connection for each request, so that all workers have some. */
static void
hold_once(struct load *l, struct mcp *m, unsigned thread, unsigned round)
{
	struct answer	a;

	(void)thread;
	(void)round;
	atomic_fetch_add(&l->sent, 1);
	mcp_call(m, "hold", "{\"ms\":20}", &a);
	load_count(l, &a);
	answer_fini(&a);
	client_close(&m->conn);
}

/* What the server saw at most. */
static unsigned
most_seen(const char *agent)
{
	struct answer	a;
	struct mcp	m;
	const char	*text;
	unsigned	n = 0;

	mcp_init(&m, g.mcp, "/servers/s/mcp", gateway_key(&g, agent));
	mcp_call(&m, "other", "{}", &a);
	text = json_text_at(a.json, "result.content[0].text");
	cr_expect(text != NULL && sscanf(text, "most=%u", &n) == 1, "%s", a.body);
	answer_fini(&a);
	mcp_fini(&m);
	return n;
}

#define RULES(limits)	"{\"agents\":{\"a\":{\"allow\":{\"servers\":[\"s\"],\"tools\":{\"s\":[\"*\"]}}},"		\
	"\"b\":{\"allow\":{\"servers\":[\"s\"],\"tools\":{\"s\":[\"*\"]}}}},\"limits\":{" limits "}}"

/* Twelve at once over four workers, and a worker is killed now and then: its calls' places come back. */
Test(caps, never_more_run_than_may_over_all_workers_and_kills, .timeout = 60)
{
	struct load	 l[3];
	struct procs	*procs = malloc(sizeof(*procs));
	unsigned	 well = 0, refused = 0, failed = 0;

	start(RULES("\"tools\":{\"s.hold\":{\"max_concurrent\":3}}"), NULL, 4);
	for (int i = 0; i < 3; i++) {
		load_init(&l[i], i == 0 ? "b" : "a", hold_once);
		load_start(&l[i]);
	}
	for (int i = 0; i < 4; i++) {
		sleep_ms(500);
		gateway_procs(&g, procs);
		if (procs_find(procs, "mcpgw-worker", 0) != NULL)
			kill(procs_find(procs, "mcpgw-worker", 0)->pid, SIGKILL);
	}
	sleep_ms(1000);
	for (int i = 0; i < 3; i++) {
		load_end(&l[i]);
		well += l[i].well;
		refused += l[i].refused;
		failed += l[i].failed;
	}
	cr_log_info("%u well, %u refused, %u failed", well, refused, failed);
	/* Those of a worker that was killed go on at the server until it notices: they are not the gateway's. */
	cr_expect(most_seen("a") <= MOST + 4 * MOST, "%u ran at once", most_seen("a"));
	/* Three places of 20 ms each for three seconds are 450 calls; places of the dead came back, or it were fewer. */
	cr_expect(well > 150, "%u calls", well);
	cr_expect(failed == 0, "%u failed", failed);
	free(procs);
	gateway_stop(&g);
}

Test(caps, who_waits_is_let_in_and_nobody_is_refused, .timeout = 60)
{
	struct load	l;

	start(RULES("\"servers\":{\"s\":{\"max_concurrent\":2}}"), NULL, 2);
	load_init(&l, "a", hold_once);
	load_start(&l);
	sleep_ms(1500);
	load_end(&l);
	cr_log_info("%u well", l.well);
	cr_expect(most_seen("a") == 2, "%u ran at once", most_seen("a"));
	cr_expect(l.refused == 0 && l.failed == 0, "%u refused, %u failed", l.refused, l.failed);
	cr_expect(l.well > 60, "%u calls", l.well);
	gateway_stop(&g);
}

/* Agent b's one client beside agent a's eight: in turn, so that it has its half. */
Test(caps, principals_are_let_in_in_turn, .timeout = 60)
{
	struct load	a[2], b;
	unsigned	before;
	double		share;

	start(RULES("\"servers\":{\"s\":{\"max_concurrent\":1}}"), "max_wait = 20s\n", 1);
	load_init(&b, "b", hold_once);
	for (int i = 0; i < 2; i++) {
		load_init(&a[i], "a", hold_once);
		if (i > 0)
			memcpy(a[i].key, a[0].key, sizeof(a[i].key));	/* another key is another principal */
		load_start(&a[i]);
	}
	sleep_ms(300);
	before = a[0].well + a[1].well;
	load_start(&b);
	sleep_ms(3000);
	share = (double)b.well / (double)(a[0].well + a[1].well - before + b.well);
	load_end(&b);
	for (int i = 0; i < 2; i++)
		load_end(&a[i]);
	cr_log_info("%u of b, %u of a", b.well, a[0].well + a[1].well);
	/* Twelve clients, four of them b's: a third in order of coming, a half in turn. */
	cr_expect(share > 0.40, "b had %.2f of it", share);
	gateway_stop(&g);
}

Test(caps, a_full_queue_refuses_and_says_which_limit_it_was, .timeout = 60)
{
	struct load	 l;
	struct answer	 a;
	struct mcp	 m;
	json_object	*records;

	start(RULES("\"agents\":{\"a\":{\"max_concurrent\":1}}"), "max_waiting = 0\n", 1);
	load_init(&l, "a", hold_once);
	load_start(&l);
	sleep_ms(300);
	mcp_init(&m, g.mcp, l.path, l.key);
	for (int i = 0; i < 50; i++) {
		mcp_call(&m, "other", "{}", &a);
		if (json_int_at(a.json, "error.code") == 429)
			break;
		answer_fini(&a);
	}
	load_end(&l);
	EXPECT_STATUS(a, 200, "refused");
	cr_expect(strcmp(json_text_at(a.json, "error.data.code"), "TOO_MANY_CALLS") == 0, "%s", a.body);
	cr_expect(strcmp(json_text_at(a.json, "error.data.limit"), "limits.agents.a") == 0, "%s", a.body);
	cr_expect(json_int_at(a.json, "error.data.retry_after_ms") > 0, "%s", a.body);
	cr_expect(strcasestr(a.head, "X-RateLimit-Limit: 1\r\n") != NULL, "%s", a.head);
	cr_expect(strcasestr(a.head, "Retry-After: 1\r\n") != NULL, "%s", a.head);
	answer_fini(&a);
	mcp_fini(&m);
	records = gateway_audit(&g);
	cr_expect(audit_count(records, "limit", "limits.agents.a") > 0);
	json_object_put(records);
	EXPECT_CTL(&g, 0, "1 at once", "limit", "show", "a");
	gateway_stop(&g);
}

/* One call that runs, for so long, and one that waits for it. */
static void
one_waits(struct hearing *runs, struct hearing *waits, const char *first, const char *second)
{
	struct mcp	a, b;
	char		params[64];

	mcp_init(&a, g.mcp, "/servers/s/mcp", first);
	mcp_init(&b, g.mcp, "/servers/s/mcp", second);
	snprintf(params, sizeof(params), "{\"name\":\"hold\",\"arguments\":{\"ms\":%d}}", is_sanitized(&g) ? 6000 : 3000);
	hearing_begin(runs, &a, "1", "tools/call", params);
	sleep_ms(300);
	hearing_begin(waits, &b, "2", "tools/call", "{\"name\":\"hold\",\"arguments\":{\"ms\":10}}");
	sleep_ms(300);
	mcp_fini(&a);
	mcp_fini(&b);
}

#define ONE_HOLD	"\"tools\":{\"s.hold\":{\"max_concurrent\":1}}"

/* It would wait behind another one of its principal, for whom there is no room any more. */
Test(caps, who_comes_behind_one_that_waits_is_told_which_limit_it_was, .timeout = 60)
{
	struct hearing	 runs, waits;
	struct answer	 a;
	struct mcp	 m;
	char		 key[256];

	start(RULES(ONE_HOLD), "max_waiting = 1\nmax_wait = 20s\n", 1);
	snprintf(key, sizeof(key), "%s", gateway_key(&g, "a"));
	one_waits(&runs, &waits, key, key);
	mcp_init(&m, g.mcp, "/servers/s/mcp", key);
	mcp_call(&m, "hold", "{}", &a);
	cr_expect(strcmp(json_text_at(a.json, "error.data.limit"), "limits.tools.s.hold") == 0, "%s", a.body);
	cr_expect(json_int_at(a.json, "error.data.retry_after_ms") > 0, "%s", a.body);
	cr_expect(strcasestr(a.head, "Retry-After: 1\r\n") != NULL, "%s", a.head);
	answer_fini(&a);
	hearing_fini(&waits);
	hearing_fini(&runs);
	mcp_fini(&m);
	gateway_stop(&g);
}

/* What a client says that it waits is its whole time: neither does it wait here for longer, nor is its call begun when
 * that is over. */
Test(caps, who_waits_no_longer_than_it_said, .timeout = 60)
{
	struct hearing	 runs, waits;
	struct answer	 a;
	struct mcp	 m;
	char		 key[256];
	long		 took;

	start(RULES(ONE_HOLD), "max_wait = 20s\n", 1);
	snprintf(key, sizeof(key), "%s", gateway_key(&g, "a"));
	one_waits(&runs, &waits, key, key);
	mcp_init(&m, g.mcp, "/servers/s/mcp", key);
	m.more = "Mcpgw-Timeout-Ms: 700\r\n";
	took = now_ms();
	mcp_call(&m, "hold", "{\"ms\":10}", &a);
	took = now_ms() - took;
	cr_expect(took > 650 && took < 700 + patience(&g, 800), "%ld ms", took);
	cr_expect(strcmp(json_text_at(a.json, "error.data.limit"), "limits.tools.s.hold") == 0, "%s", a.body);
	answer_fini(&a);
	hearing_fini(&waits);
	hearing_fini(&runs);
	mcp_fini(&m);
	gateway_stop(&g);
}

Test(caps, nothing_is_begun_for_who_has_waited_long_enough, .timeout = 60)
{
	struct answer	 a;
	struct mcp	 m;
	json_object	*records;

	start_listing("1500", RULES(""), NULL, 1);
	mcp_init(&m, g.mcp, "/servers/s/mcp", gateway_key(&g, "a"));
	m.more = "Mcpgw-Timeout-Ms: 1000\r\n";
	mcp_call(&m, "hold", "{\"ms\":10}", &a);
	cr_expect(strcmp(json_text_at(a.json, "error.data.code"), "TIMEOUT") == 0, "%s", a.body);
	answer_fini(&a);
	mcp_fini(&m);
	records = gateway_audit(&g);
	cr_expect(audit_count(records, "outcome", "refused") == 1 && audit_count(records, "error", "TIMEOUT") == 1, "%s",
	    json_object_to_json_string(records));
	json_object_put(records);
	gateway_stop(&g);
}

/* Whoever waited and went away, or cancelled, is gone from the queue. */
Test(caps, a_client_that_leaves_does_not_wait, .timeout = 60)
{
	struct load	l;
	struct mcp	m[20];
	char		*headers, *body, *all, *whole;
	int		n;

	start(RULES("\"servers\":{\"s\":{\"max_concurrent\":1}}"), "max_wait = 30s\n", 1);
	load_init(&l, "a", hold_once);
	for (int i = 0; i < 20; i++) {
		mcp_init(&m[i], g.mcp, l.path, l.key);
		mcp_write(&m[i], "1", "tools/call", "{\"name\":\"hold\",\"arguments\":{\"ms\":300}}", &headers, &body);
		all = mcp_headers(&m[i], headers);
		n = asprintf(&whole, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %zu\r\n%s\r\n%s", m[i].path, g.mcp,
		    strlen(body), all, body);
		cr_assert(n > 0 && client_open(&m[i].conn, g.mcp) && client_send(&m[i].conn, whole, (size_t)n));
		free(whole);
		free(all);
		free(headers);
		free(body);
	}
	sleep_ms(100);
	for (int i = 0; i < 20; i++)
		mcp_fini(&m[i]);
	/* At 300 ms each they would take six seconds. */
	load_start(&l);
	sleep_ms(1500);
	load_end(&l);
	cr_expect(l.well > 10, "%u calls", l.well);
	gateway_stop(&g);
}

/* What a principal waits for keeps it from nothing else. */
Test(caps, one_queue_does_not_hold_up_other_tools, .timeout = 60)
{
	struct load	l;
	struct answer	a;
	struct mcp	m;
	unsigned	refused = 0;

	start(RULES("\"tools\":{\"s.hold\":{\"max_concurrent\":1}},\"agents\":{\"a\":{\"max_concurrent\":100}}"), NULL, 1);
	load_init(&l, "a", hold_once);
	load_start(&l);
	sleep_ms(300);
	mcp_init(&m, g.mcp, l.path, l.key);
	for (int i = 0; i < 100; i++) {
		mcp_call(&m, "other", "{}", &a);
		refused += json_at(a.json, "result") == NULL;
		answer_fini(&a);
	}
	cr_expect(refused == 0, "%u refused", refused);
	mcp_fini(&m);
	load_end(&l);
	gateway_stop(&g);
}

/* A call that waits when a reload comes is not begun against what is in force then. */
Test(caps, what_a_reload_forbids_is_not_begun_after_the_wait, .timeout = 60)
{
	struct load	l, w;

	start(RULES("\"tools\":{\"s.hold\":{\"max_concurrent\":1}}"), "max_wait = 20s\n", 1);
	load_init(&l, "b", hold_once);
	load_init(&w, "a", hold_once);
	load_start(&l);
	load_start(&w);
	sleep_ms(500);
	gateway_write(&g, "rules.json", "{\"agents\":{\"a\":{},\"b\":{\"allow\":{\"servers\":[\"s\"],\"tools\":{\"s\":[\"*\"]}}}},"
	    "\"limits\":{\"tools\":{\"s.hold\":{\"max_concurrent\":1}}}}");
	EXPECT_CTL(&g, 0, "in force", "reload");
	{
		const unsigned	before = w.well;

		sleep_ms(500);
		/* The one that ran may have ended since. */
		cr_expect(w.well <= before + 1, "%u calls", w.well - before);
	}
	load_end(&w);
	load_end(&l);
	gateway_stop(&g);
}

Test(caps, a_revoked_key_begins_nothing_after_the_wait, .timeout = 60)
{
	struct hearing	 runs, waits;
	json_object	*o, *records;
	char		 first[256], second[256], id[13];

	start(RULES(ONE_HOLD), "max_wait = 20s\n", 1);
	snprintf(first, sizeof(first), "%s", gateway_key(&g, "b"));
	snprintf(second, sizeof(second), "%s", gateway_key(&g, "a"));
	one_waits(&runs, &waits, first, second);
	snprintf(id, sizeof(id), "%.12s", second);
	EXPECT_CTL(&g, 0, "ended", "key", "revoke", id);
	o = hearing_next(&waits, patience(&g, 10000));
	cr_expect(strcmp(json_text_at(o, "error.data.code"), "CREDENTIAL_REVOKED") == 0, "%s",
	    json_object_to_json_string(o));
	json_object_put(o);
	o = hearing_next(&runs, patience(&g, 10000));
	cr_expect(json_at(o, "result") != NULL, "%s", json_object_to_json_string(o));
	json_object_put(o);
	hearing_fini(&waits);
	hearing_fini(&runs);
	records = gateway_audit(&g);
	cr_expect(audit_count(records, "error", "CREDENTIAL_REVOKED") == 1, "%s", json_object_to_json_string(records));
	json_object_put(records);
	gateway_stop(&g);
}

Test(caps, what_a_reload_switched_off_is_not_begun_after_the_wait, .timeout = 60)
{
	struct hearing	 runs, waits;
	json_object	*o;
	char		 first[256], second[256], servers[512], *at;

	start(RULES(ONE_HOLD), "max_wait = 20s\n", 1);
	snprintf(first, sizeof(first), "%s", gateway_key(&g, "b"));
	snprintf(second, sizeof(second), "%s", gateway_key(&g, "a"));
	one_waits(&runs, &waits, first, second);
	snprintf(servers, sizeof(servers), "%s", servers_text);
	at = strstr(servers, "\"type\"");
	cr_assert(at != NULL);
	snprintf(at, sizeof(servers) - (size_t)(at - servers), "\"disabled\":true,%s", strstr(servers_text, "\"type\""));
	gateway_write(&g, "servers.json", servers);
	EXPECT_CTL(&g, 0, "in force", "reload");
	o = hearing_next(&waits, patience(&g, 10000));
	cr_expect(json_at(o, "error") != NULL && json_at(o, "result") == NULL, "%s", json_object_to_json_string(o));
	json_object_put(o);
	hearing_fini(&waits);
	hearing_fini(&runs);
	gateway_stop(&g);
}

/* Its server is at another place now: that one's tools are to be looked at first, and it does not go to where it was. */
Test(caps, who_waited_does_not_go_where_its_server_was, .timeout = 60)
{
	struct hearing	 runs, waits;
	json_object	*o;
	pid_t		 pid;
	char		 first[256], second[256], servers[256];

	start(RULES(ONE_HOLD), "max_wait = 20s\n", 1);
	snprintf(first, sizeof(first), "%s", gateway_key(&g, "b"));
	snprintf(second, sizeof(second), "%s", gateway_key(&g, "a"));
	one_waits(&runs, &waits, first, second);
	snprintf(servers, sizeof(servers), "{\"mcpServers\":{\"s\":{\"type\":\"http\",\"url\":\"http://127.0.0.1:%u/mcp\"}}}",
	    program_start((const char *const[]){ "holding-server", NULL }, &pid));
	gateway_write(&g, "servers.json", servers);
	EXPECT_CTL(&g, 0, "in force", "reload");
	o = hearing_next(&waits, patience(&g, 10000));
	cr_expect(strcmp(json_text_at(o, "error.data.code"), "TOOL_HELD") == 0, "%s", json_object_to_json_string(o));
	json_object_put(o);
	o = hearing_next(&runs, 10000);
	cr_expect(strcmp(json_text_at(o, "result.content[0].text"), "most=1") == 0, "%s",
	    json_object_to_json_string(o));
	json_object_put(o);
	hearing_fini(&waits);
	hearing_fini(&runs);
	gateway_stop(&g);
}

/* What says how many may run says so to those who wait already, too. */
Test(caps, a_reload_that_lifts_the_limit_lets_in_who_waits, .timeout = 60)
{
	struct hearing	 runs, waits;
	json_object	*o;
	char		 first[256], second[256];

	start(RULES(ONE_HOLD), "max_wait = 20s\n", 1);
	snprintf(first, sizeof(first), "%s", gateway_key(&g, "b"));
	snprintf(second, sizeof(second), "%s", gateway_key(&g, "a"));
	one_waits(&runs, &waits, first, second);
	gateway_write(&g, "rules.json", RULES("\"tools\":{\"s.hold\":{\"max_concurrent\":5}}"));
	EXPECT_CTL(&g, 0, "in force", "reload");
	o = hearing_next(&waits, patience(&g, 2000));
	cr_expect(json_at(o, "result") != NULL, "%s", json_object_to_json_string(o));
	json_object_put(o);
	cr_expect(hearing_begins(&runs, 0) == false, "it ran too shortly for this test");
	hearing_fini(&waits);
	hearing_fini(&runs);
	gateway_stop(&g);
}

/* Nor does a call that waits for its server's list. */
Test(caps, a_revoked_key_begins_nothing_once_the_list_is_there, .timeout = 60)
{
	struct hearing	 waits;
	struct mcp	 m;
	json_object	*o;
	char		 id[13];

	start_listing("1500", RULES(""), NULL, 1);
	mcp_init(&m, g.mcp, "/servers/s/mcp", gateway_key(&g, "a"));
	hearing_begin(&waits, &m, "2", "tools/call", "{\"name\":\"hold\",\"arguments\":{\"ms\":10}}");
	sleep_ms(300);
	snprintf(id, sizeof(id), "%.12s", m.key);
	EXPECT_CTL(&g, 0, "ended", "key", "revoke", id);
	o = hearing_next(&waits, patience(&g, 10000));
	cr_expect(strcmp(json_text_at(o, "error.data.code"), "CREDENTIAL_REVOKED") == 0, "%s",
	    json_object_to_json_string(o));
	json_object_put(o);
	hearing_fini(&waits);
	mcp_fini(&m);
	gateway_stop(&g);
}
