/* SPDX-License-Identifier: Apache-2.0
 *
 * c8_cache.c - results that are kept: for whom, for how long, and which never are
 */
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include "tests/integration/common.h"

#define COUNTING(name, more)	"\"" name "\":{\"command\":\"@TOOLS@/tests/counting-server\"," more "}"
#define SERVERS(tick)	"{\"mcpServers\":{" COUNTING("each", "\"tools\":{\"tick\":{" tick "}}") ","			\
	COUNTING("all", "\"isolation\":\"tenant\",\"tools\":{\"tick\":{" tick ",\"cache_shared\":true}}") ","		\
	COUNTING("modern", "\"isolation\":\"tenant\",\"args\":[\"modern\"]") "}}"
#define RULES	"{\"agents\":{\"a\":{\"allow\":{\"servers\":[\"*\"],\"tools\":{\"*\":[\"*\"]}}},"			\
	"\"b\":{\"allow\":{\"servers\":[\"*\"],\"tools\":{\"*\":[\"*\"]}}},"						\
	"\"c\":{\"allow\":{\"servers\":[\"all\"],\"tools\":{\"all\":[\"tock\"]}}}}}"

static struct gateway	g;
static struct mcp	a, b, c;

static void
begin(const char *servers, const char *conf)
{
	gateway_start(&g, &(struct gateway_setup){ .workers = 1, .servers = servers, .rules = RULES, .conf = conf });
	mcp_init(&a, g.mcp, "/servers/each/mcp", gateway_key(&g, "a"));
	mcp_init(&b, g.mcp, "/servers/each/mcp", gateway_key(&g, "b"));
	mcp_init(&c, g.mcp, "/servers/all/mcp", gateway_key(&g, "c"));
}

static void
end(void)
{
	mcp_fini(&a);
	mcp_fini(&b);
	mcp_fini(&c);
	gateway_stop(&g);
}

static struct mcp *
at(struct mcp *m, const char *server)
{
	snprintf(m->path, sizeof(m->path), "/servers/%s/mcp", server);
	return m;
}

/* The number of the call at its server; 0: there was no result. */
static unsigned
count(struct mcp *m, const char *tool, const char *arguments)
{
	struct answer	got;
	unsigned	n;

	mcp_call(m, tool, arguments, &got);
	n = (unsigned)strtoul(json_text_at(got.json, "result.content[0].text"), NULL, 10);
	answer_fini(&got);
	return n;
}

static unsigned
count_read(struct mcp *m, const char *uri)
{
	struct answer	got;
	char		params[256];
	unsigned	n;

	snprintf(params, sizeof(params), "{\"uri\":\"%s\"}", uri);
	mcp_ask_modern(m, "resources/read", params, &got);
	n = (unsigned)strtoul(json_text_at(got.json, "result.contents[0].text"), NULL, 10);
	answer_fini(&got);
	return n;
}

static void
wait_ms(long ms)
{
	nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000 }, NULL);
}

Test(cache, answers_equal_calls_of_one_caller_for_its_time, .timeout = 120)
{
	json_object	*records;

	NEEDS_JAILS();
	begin(SERVERS("\"cache\":\"2s\""), NULL);
	cr_expect(count(&a, "tick", "{\"x\":1,\"y\":\"z\"}") == 1);
	cr_expect(count(&a, "tick", "{\"x\":1,\"y\":\"z\"}") == 1);
	cr_expect(count(&a, "tick", " { \"y\" : \"\\u007a\", \"x\" : 10e-1 } ") == 1, "it means the same");
	cr_expect(count(&a, "tick", "{\"x\":2,\"y\":\"z\"}") == 2);
	cr_expect(count(&b, "tock", "{}") == 1 && count(&b, "tock", "{}") == 2, "this one is not marked");
	cr_expect(count(&b, "tick", "{\"x\":1,\"y\":\"z\"}") == 3, "its own instance, and its own results");
	wait_ms(2100);
	cr_expect(count(&a, "tick", "{\"x\":1,\"y\":\"z\"}") == 3);
	/* Each has its record. */
	records = gateway_audit(&g);
	cr_expect(audit_count(records, "object", "tick") == 6);
	cr_expect(audit_count(records, "cached", "kept") == 2);
	cr_expect(audit_count(records, "outcome", "ok") == 8);
	json_object_put(records);
	end();
}

Test(cache, shares_within_the_tenant_where_the_operator_says_so_and_decides_for_each, .timeout = 120)
{
	struct answer	got;
	json_object	*records;

	NEEDS_JAILS();
	begin(SERVERS("\"cache\":\"60s\""), NULL);
	cr_expect(count(at(&a, "all"), "tick", "{}") == 1);
	cr_expect(count(at(&b, "all"), "tick", "{}") == 1);
	mcp_call(&c, "tick", "{}", &got);
	cr_expect(strstr(got.body, "DENIED") != NULL, "it may not call it, kept or not: %s", got.body);
	answer_fini(&got);
	cr_expect(count(&c, "tock", "{}") == 2);
	/* A legacy client gets it in its own words. */
	cr_assert(mcp_initialize(&b) == 200);
	mcp_call(&b, "tick", "{}", &got);
	cr_expect(strtoul(json_text_at(got.json, "result.content[0].text"), NULL, 10) == 1, "%s", got.body);
	cr_expect(json_at(got.json, "result.resultType") == NULL, "%s", got.body);
	answer_fini(&got);
	records = gateway_audit(&g);
	cr_expect(audit_count(records, "cached", "kept") == 2);
	cr_expect(audit_count(records, "decision", "deny") == 1);
	json_object_put(records);
	end();
}

Test(cache, keeps_no_error_and_nothing_too_large_and_no_doubles, .timeout = 120)
{
	NEEDS_JAILS();
	begin(SERVERS("\"cache\":\"60s\""), "cache_memory = 64KiB\n");
	cr_expect(count(&a, "tick", "{\"fail\":true}") == 1);
	cr_expect(count(&a, "tick", "{\"fail\":true}") == 2);
	cr_expect(count(&a, "tick", "{\"bytes\":9000}") == 3);
	cr_expect(count(&a, "tick", "{\"bytes\":9000}") == 4);
	cr_expect(count(&a, "tick", "{\"bytes\":200000}") == 5);
	cr_expect(count(&a, "tick", "{\"bytes\":200000}") == 6);
	cr_expect(count(&a, "tick", "{\"bytes\":4000}") == 7);
	cr_expect(count(&a, "tick", "{\"bytes\":4000}") == 7);
	/* In the memory of sixteen such others it is not there any more. */
	for (int i = 0; i < 16; i++) {
		char	arguments[64];

		snprintf(arguments, sizeof(arguments), "{\"bytes\":4000,\"n\":%d}", i);
		cr_expect(count(&a, "tick", arguments) == 8u + (unsigned)i);
	}
	cr_expect(count(&a, "tick", "{\"bytes\":4000}") == 24);
	end();
}

Test(cache, forgets_when_the_tools_change_or_the_policy, .timeout = 120)
{
	unsigned	n = 1;

	NEEDS_JAILS();
	begin(SERVERS("\"cache\":\"60s\""), NULL);
	cr_expect(count(&a, "tick", "{}") == 1);
	cr_expect(count(&a, "tick", "{}") == 1);
	(void)count(&a, "alter", "{}");
	for (int i = 0; i < 50 && (n = count(&a, "tick", "{}")) == 1; i++)
		wait_ms(50);
	cr_expect(n == 2, "%u", n);
	cr_expect(count(&a, "tick", "{}") == 2);
	EXPECT_CTL(&g, 0, "", "reload");
	cr_expect(count(&a, "tick", "{}") == 3);
	end();
}

/* A server may answer by what its client put beside the arguments. */
Test(cache, tells_calls_apart_by_all_that_goes_to_the_server, .timeout = 120)
{
	struct answer	got;

	NEEDS_JAILS();
	begin(SERVERS("\"cache\":\"60s\""), NULL);
	a.meta = ",\"example.com/for\":{\"a\":1,\"b\":2}";
	b.meta = ",\"example.com/for\":{\"a\":1,\"b\":3}";
	cr_expect(count(at(&a, "all"), "tick", "{}") == 1);
	cr_expect(count(at(&b, "all"), "tick", "{}") == 2, "it asked for something else");
	b.meta = ",\"example.com/for\":{ \"b\": 2, \"a\": 1.0 }";
	cr_expect(count(&b, "tick", "{}") == 1, "it means the same");
	b.meta = ",\"progressToken\":7";
	cr_expect(count(&b, "tick", "{}") == 3, "without");
	b.meta = NULL;
	cr_expect(count(&b, "tick", "{}") == 3, "what is one hop's makes no difference");
	b.meta = ",\"traceparent\":\"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\"";
	cr_expect(count(&b, "tick", "{}") == 3, "nor whose trace it is of");
	mcp_ask_modern(&b, "tools/call", "{\"name\":\"tick\",\"arguments\":{},\"more\":1}", &got);
	cr_expect(strtoul(json_text_at(got.json, "result.content[0].text"), NULL, 10) == 4, "%s", got.body);
	answer_fini(&got);
	b.meta = ",\"traceparent\":\"00-for somebody else, in words of as many characters-01\"";
	cr_expect(count(&b, "tick", "{}") == 5, "which is no trace");
	end();
}

/* What is shared is shared within a tenant: another one's server of the same name is asked itself. */
Test(cache, passes_nothing_between_tenants, .timeout = 120)
{
	struct mcp	other;
	char		*out;

	NEEDS_JAILS();
	begin(SERVERS("\"cache\":\"60s\""), "tenant_uid_range = 70000-70099\n");
	gateway_write(&g, "tenants.d/acme/servers.json", "{\"mcpServers\":{" COUNTING("all",
	    "\"isolation\":\"tenant\",\"tools\":{\"tick\":{\"cache\":\"60s\",\"cache_shared\":true}}") "}}");
	gateway_write(&g, "tenants.d/acme/rules.json", RULES);
	EXPECT_CTL(&g, 0, "in force", "reload");
	cr_assert(gateway_ctl(&g, &out, false, "key", "add", "--agent", "a", "--tenant", "acme", NULL) == 0);
	out[strcspn(out, "\n")] = '\0';
	mcp_init(&other, g.mcp, "/servers/all/mcp", out);
	free(out);
	cr_expect(count(&other, "tock", "{}") == 1);
	cr_expect(count(at(&a, "all"), "tick", "{}") == 1);
	cr_expect(count(&other, "tick", "{}") == 2);
	cr_expect(count(&other, "tick", "{}") == 2);
	cr_expect(count(at(&b, "all"), "tick", "{}") == 1);
	mcp_fini(&other);
	end();
}

struct caller {
	struct mcp	 m;
	const char	*arguments;
	unsigned	 got;
	pthread_t	 thread;
};

static void *
call_it(void *arg)
{
	struct caller	*caller = arg;

	caller->got = count(&caller->m, "tick", caller->arguments);
	return NULL;
}

static void
callers_begin(struct caller *callers, size_t n, const char *arguments)
{
	for (size_t i = 0; i < n; i++) {
		mcp_init(&callers[i].m, g.mcp, "/servers/each/mcp", a.key);
		callers[i].arguments = arguments;
		callers[i].got = 0;
		cr_assert(pthread_create(&callers[i].thread, NULL, call_it, &callers[i]) == 0);
	}
}

static void
callers_end(struct caller *callers, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		pthread_join(callers[i].thread, NULL);
		mcp_fini(&callers[i].m);
	}
}

/* A request alone. */
static void
mcp_write_call(struct mcp *m, const char *arguments)
{
	char	params[256], *headers, *all, *body, text[4096];

	snprintf(params, sizeof(params), "{\"name\":\"tick\",\"arguments\":%s}", arguments);
	mcp_write(m, "77", "tools/call", params, &headers, &body);
	all = mcp_headers(m, headers);
	snprintf(text, sizeof(text), "POST %s HTTP/1.1\r\nHost: localhost\r\n%sContent-Length: %zu\r\n\r\n%s", m->path, all,
	    strlen(body), body);
	cr_assert(client_open(&m->conn, m->address) && client_send(&m->conn, text, strlen(text)));
	free(headers);
	free(all);
	free(body);
}

Test(cache, lets_equal_calls_wait_for_one, .timeout = 120)
{
	struct caller	 callers[6];
	struct mcp	 other;
	json_object	*records;

	NEEDS_JAILS();
	begin(SERVERS("\"cache\":\"60s\""), NULL);
	cr_expect(count(&a, "tock", "{}") == 1);
	callers_begin(callers, 6, "{\"ms\":1000}");
	wait_ms(300);
	/* One of those who wait goes away, and the others get their answer all the same. */
	mcp_init(&other, g.mcp, "/servers/each/mcp", a.key);
	mcp_write_call(&other, "{\"ms\":1000}");
	wait_ms(200);
	mcp_fini(&other);
	callers_end(callers, 6);
	for (int i = 0; i < 6; i++)
		cr_expect(callers[i].got == 2, "%d: %u", i, callers[i].got);
	cr_expect(count(&a, "tock", "{}") == 3);
	records = gateway_audit(&g);
	cr_expect(audit_count(records, "cached", "shared") == 5);
	cr_expect(audit_count(records, "outcome", "cancelled") == 1);
	json_object_put(records);
	end();
}

Test(cache, goes_on_when_the_first_of_equal_calls_goes_away_or_fails, .timeout = 120)
{
	struct caller	 callers[4];
	struct mcp	 first;
	json_object	*records;

	NEEDS_JAILS();
	begin(SERVERS("\"cache\":\"60s\""), NULL);
	cr_expect(count(&a, "tock", "{}") == 1);
	mcp_init(&first, g.mcp, "/servers/each/mcp", a.key);
	mcp_write_call(&first, "{\"ms\":1001}");
	wait_ms(200);
	callers_begin(callers, 4, "{\"ms\":1001}");
	wait_ms(300);
	mcp_fini(&first);
	callers_end(callers, 4);
	for (int i = 0; i < 4; i++)
		cr_expect(callers[i].got == 3, "the second in line went in its place; %d: %u", i, callers[i].got);
	/* A failure is each one's own. */
	callers_begin(callers, 4, "{\"ms\":500,\"fail\":true}");
	callers_end(callers, 4);
	for (int i = 1; i < 4; i++)
		cr_expect(callers[i].got != callers[0].got && callers[i].got > 3, "%d: %u", i, callers[i].got);
	records = gateway_audit(&g);
	cr_expect(audit_count(records, "cached", "shared") == 3);
	cr_expect(audit_count(records, "outcome", "cancelled") == 1);
	cr_expect(audit_count(records, "outcome", "error") == 4);
	json_object_put(records);
	end();
}

Test(cache, lets_nobody_wait_across_a_change_of_policy, .timeout = 120)
{
	struct caller	before[2], after[2];

	NEEDS_JAILS();
	begin(SERVERS("\"cache\":\"60s\""), NULL);
	cr_expect(count(&a, "tock", "{}") == 1);
	callers_begin(before, 2, "{\"ms\":1500}");
	wait_ms(300);
	EXPECT_CTL(&g, 0, "", "reload");
	callers_begin(after, 2, "{\"ms\":1500}");
	callers_end(before, 2);
	callers_end(after, 2);
	/* Two and two, each by one call of its own policy. */
	cr_expect(before[0].got == 2 && before[1].got == 2, "%u %u", before[0].got, before[1].got);
	cr_expect(after[0].got == 3 && after[1].got == 3, "%u %u", after[0].got, after[1].got);
	end();
}

Test(cache, lets_each_who_waits_have_its_own_deadline, .timeout = 120)
{
	struct caller	 callers[2];
	struct answer	 got;
	json_object	*records;
	time_t		 began = time(NULL);

	NEEDS_JAILS();
	begin(SERVERS("\"cache\":\"60s\""), "call_timeout = 700ms\n");
	cr_expect(count(&a, "tock", "{}") == 1);
	/* No call lives as long as its tool works: none gets an answer, and none hangs. */
	callers_begin(callers, 2, "{\"ms\":5000}");
	mcp_call(&a, "tick", "{\"ms\":5000}", &got);
	cr_expect(strstr(got.body, "TIMEOUT") != NULL, "%s", got.body);
	answer_fini(&got);
	callers_end(callers, 2);
	cr_expect(time(NULL) - began < 30);
	records = gateway_audit(&g);
	cr_expect(audit_count(records, "outcome", "timeout") == 3);
	json_object_put(records);
	end();
}

/* A failure opens the breaker: who waited is refused as one that comes then is. */
Test(cache, tells_who_waited_in_vain_when_to_come_again, .timeout = 120)
{
	struct caller	first;
	struct answer	got;

	NEEDS_JAILS();
	begin(SERVERS("\"cache\":\"60s\""), "call_timeout = 1s\nbreaker_failures = 1\nbreaker_open = 20s\n");
	cr_expect(count(&a, "tock", "{}") == 1);
	callers_begin(&first, 1, "{\"ms\":5000}");
	wait_ms(300);
	mcp_call(&a, "tick", "{\"ms\":5000}", &got);
	callers_end(&first, 1);
	cr_expect(strstr(got.body, "left alone") != NULL, "%s", got.body);
	cr_expect(json_int_at(got.json, "error.data.retry_after_ms") > 10000, "%s", got.body);
	cr_expect(strcasestr(got.head, "Retry-After: ") != NULL, "%s", got.head);
	answer_fini(&got);
	end();
}

Test(cache, keeps_resources_as_a_modern_server_says, .timeout = 120)
{
	struct answer	got;

	NEEDS_JAILS();
	begin(SERVERS("\"cache\":\"60s\""), "cache_resources = 1s\n");
	at(&a, "modern");
	at(&b, "modern");
	cr_expect(count_read(&a, "count://public/60000/x") == 1);
	cr_expect(count_read(&a, "count://public/60000/x") == 1);
	cr_expect(count_read(&b, "count://public/60000/x") == 1);
	cr_expect(count_read(&a, "count://private/60000/x") == 2);
	cr_expect(count_read(&a, "count://private/60000/x") == 2);
	cr_expect(count_read(&b, "count://private/60000/x") == 3, "what is private crosses no authorization context");
	cr_expect(count_read(&a, "count://public/0/x") == 4 && count_read(&a, "count://public/0/x") == 5);
	cr_expect(count_read(&a, "count://other/60000/x") == 6);
	cr_expect(count_read(&b, "count://other/60000/x") == 7, "another scope is private");
	mcp_ask_modern(&a, "resources/read", "{\"uri\":\"count://public/60000/x\"}", &got);
	cr_expect(json_int_at(got.json, "result.ttlMs") <= 1000 && json_int_at(got.json, "result.ttlMs") > 0, "%s", got.body);
	cr_expect(strcmp(json_text_at(got.json, "result.cacheScope"), "private") == 0, "%s", got.body);
	answer_fini(&got);
	wait_ms(1100);
	cr_expect(count_read(&a, "count://public/60000/x") == 8, "no longer than the operator lets it");
	end();
}

Test(cache, lists_anew_when_the_server_says_so, .timeout = 120)
{
	struct answer	got;
	bool		first = true, second = false;

	NEEDS_JAILS();
	begin("{\"mcpServers\":{" COUNTING("each", "\"args\":[\"modern\",\"2000\"]") "}}", NULL);
	for (int i = 0; i < 50 && !second; i++, wait_ms(100)) {
		mcp_ask_modern(&a, "tools/list", NULL, &got);
		if (i < 10)
			first &= tools_have(&got, "listed1");
		second = tools_have(&got, "listed2");
		answer_fini(&got);
	}
	cr_expect(first, "for two seconds nobody asks");
	cr_expect(second, "but then");
	end();
}

Test(cache, keeps_nothing_where_it_is_off, .timeout = 120)
{
	NEEDS_JAILS();
	begin(SERVERS("\"cache\":\"60s\""), "cache_memory = 0\n");
	cr_expect(count(&a, "tick", "{}") == 1 && count(&a, "tick", "{}") == 2);
	end();
}

Test(cache, says_how_it_does, .timeout = 120)
{
	NEEDS_JAILS();
	begin(SERVERS("\"cache\":\"60s\""), NULL);
	for (int i = 0; i < 4; i++)
		cr_expect(count(&a, "tick", "{}") == 1);
	EXPECT_CTL(&g, 0, "3 of 4 calls whose answers may be kept", "status", "mcpgw");
	end();
}

Test(cache, refuses_what_it_cannot_do, .timeout = 120)
{
	NEEDS_JAILS();
	begin(SERVERS("\"cache\":\"60s\""), NULL);
	gateway_write(&g, "servers.json", "{\"mcpServers\":{\"x\":{\"command\":\"/bin/true\",\"tools\":{"
	    "\"t\":{\"cache\":\"60s\",\"cache_shared\":true},\"u\":{\"cache\":\"sixty\"},\"v\":{\"cache_shared\":true}}}}}");
	EXPECT_CTL(&g, 1, "with \"isolation\": \"tenant\" on the server results can be shared", "reload");
	EXPECT_CTL(&g, 1, "\"sixty\": want a time from 100ms to 1d", "reload");
	EXPECT_CTL(&g, 1, "say how long, as \"cache\": \"60s\"", "reload");
	end();
}
