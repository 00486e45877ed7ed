/* SPDX-License-Identifier: Apache-2.0
 *
 * test_balance.c - servers at several urls, and what is said of how their calls are spread
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

#include "policy/endpoints.h"
#include "policy/policy.h"
#include "tests/unit/compiler/compile.h"

static const struct rec_server *
server(const struct compiled *c, const char *name)
{
	const struct rec_server	*s = policy_server_find(c->policy, SPAN_LIT("default"), span_of(name));

	cr_assert(s != NULL, "no %s", name);
	return s;
}

static void
compile(const char *members, struct compiled *c)
{
	char	folder[64], text[4096];

	scratch_new(folder);
	snprintf(text, sizeof(text), "{\"mcpServers\": {%s}}", members);
	scratch_write(folder, "servers.json", text, 0644);
	compile_folder(folder, false, (const char *const []){ NULL }, c);
	scratch_remove(folder);
}

Test(balance, a_server_at_several_urls_has_an_endpoint_for_each)
{
	const struct rec_endpoint	*a, *b;
	const struct rec_balance	*said;
	const struct rec_server		*s, *one;
	struct compiled			 c, again;

	compile("\"many\": {\"endpoints\": [{\"url\": \"http://127.0.0.1:8001/mcp\", \"weight\": 3},"
	    "{\"url\": \"http://some.example/\"}], \"balance\": \"hash\", \"hash_by\": \"session\","
	    "\"health\": {\"path\": \"/healthz\", \"interval_ms\": 500, \"max_ejected_percent\": 30},"
	    "\"breaker\": {\"failures\": 2, \"error_percent\": 40, \"per_tool\": true},"
	    "\"retry\": {\"attempts\": 3, \"budget_percent\": 20}, \"idempotent\": [\"get_*\", \"add\"]},"
	    "\"list\": {\"url\": [\"http://127.0.0.1:8001/mcp\", \"http://127.0.0.1:8002/mcp\"]},"
	    "\"one\": {\"url\": [\"http://127.0.0.1:8001/mcp\"]}", &c);
	cr_assert(eq(uint, c.errors + c.warnings, 0), "%s", buf_rest(&c.notes).p);
	s = server(&c, "many");
	cr_assert(eq(u32, s->endpoint_count, 2));
	a = policy_endpoint_at(c.policy, s, 0);
	b = policy_endpoint_at(c.policy, s, 1);
	cr_assert(a != NULL && b != NULL && policy_endpoint_at(c.policy, s, 2) == NULL);
	cr_expect(a->weight == 3 && b->weight == 1 && a->port == 8001 && b->port == 80);
	cr_expect(a->profile != b->profile && a->profile != s->profile);
	cr_expect(a->address_count == 1 && b->address_count == 0 && a->server == s->order);
	cr_expect(span_is(snap_text(c.policy, b->host), "some.example") && a->host.bytes == 0);
	cr_expect(span_is(snap_text(c.policy, a->url_path), "/mcp"));
	cr_expect(policy_endpoint_find(c.policy, b->profile) == b);
	cr_expect(span_is(snap_text(c.policy, s->shown), "http://127.0.0.1:8001/mcp"));
	said = policy_balance_of(c.policy, s);
	cr_assert(said != NULL);
	cr_expect(said->strategy == BALANCE_HASH && said->hash_by == HASH_BY_SESSION);
	cr_expect(said->health_ms == 500 && said->eject_percent == 30 && said->failures == 2);
	cr_expect(said->error_percent == 40 && said->flags == BALANCE_FLAG_TOOLS && said->attempts == 3);
	cr_expect(span_is(snap_text(c.policy, said->health_path), "/healthz"));
	cr_expect(policy_is_idempotent(c.policy, s, SPAN_LIT("get_time")));
	cr_expect(policy_is_idempotent(c.policy, s, SPAN_LIT("add")));
	cr_expect(policy_is_idempotent(c.policy, s, SPAN_LIT("set")) == false);
	one = server(&c, "one");
	cr_expect(one->endpoint_count == 0 && policy_balance_of(c.policy, one) == NULL && one->address_count == 1);
	cr_expect(server(&c, "list")->endpoint_count == 2);

	/* Another endpoint beside it does not make an endpoint another one. */
	compile("\"many\": {\"url\": [\"http://127.0.0.1:8009/mcp\", \"http://127.0.0.1:8001/mcp\"]}", &again);
	cr_assert(eq(uint, again.errors, 0), "%s", buf_rest(&again.notes).p);
	cr_expect(policy_endpoint_at(again.policy, server(&again, "many"), 1)->profile == a->profile);
	cr_expect(server(&again, "many")->profile != s->profile);
	compiled_fini(&c);
	compiled_fini(&again);
}

Test(balance, what_makes_no_sense_is_refused_at_its_place)
{
	static const struct { const char *members, *want; } rows[] = {
		{ "\"s\": {\"endpoints\": []}", "is empty" },
		{ "\"s\": {\"endpoints\": [{\"weight\": 1}]}", "needs a \"url\"" },
		{ "\"s\": {\"endpoints\": [{\"url\": \"http://a/\", \"weight\": 0}, \"http://b/\"]}", "from 1 to 1000" },
		{ "\"s\": {\"endpoints\": [\"http://a/\"], \"url\": \"http://a/\"}", "beside \"endpoints\"" },
		{ "\"s\": {\"endpoints\": [\"http://a/\"], \"command\": \"cat\"}", "has both" },
		{ "\"s\": {\"url\": [\"http://a/\", \"http://a/\"]}", "is there twice" },
		{ "\"s\": {\"url\": [\"http://a/\", \"https://a/\"]}", "want http://, as the first" },
		{ "\"s\": {\"url\": [\"http://a/\", \"ftp://b/\"]}", "ftp://b/" },
		{ "\"s\": {\"url\": \"http://a/\", \"balance\": \"best\"}", "want one of round_robin" },
		{ "\"s\": {\"url\": \"http://a/\", \"hash_by\": \"session\"}", "has a meaning with" },
		{ "\"s\": {\"command\": \"cat\", \"balance\": \"hash\"}", "has no meaning for a server with a command" },
		{ "\"s\": {\"url\": \"http://a/\", \"health\": {\"path\": \"x\"}}", "begins with /" },
		{ "\"s\": {\"url\": \"http://a/\", \"health\": {\"path\": \"/a b\"}}", "no blanks" },
		{ "\"s\": {\"url\": \"http://a/\", \"health\": {\"path\": \"/\u00e4\"}}", "no blanks" },
		{ "\"s\": {\"url\": \"http://a/\", \"health\": {\"often\": 1}}", "unknown key" },
		{ "\"s\": {\"url\": \"http://a/\", \"breaker\": {\"often\": 1}}", "unknown key" },
		{ "\"s\": {\"url\": \"http://a/\", \"retry\": {\"often\": 1}}", "unknown key" },
		{ "\"s\": {\"endpoints\": [{\"url\": \"http://a/\", \"often\": 1}, \"http://b/\"]}", "unknown key" },
		{ "\"s\": {\"url\": \"http://a/\", \"breaker\": {\"probes\": 8}}", "from 1 to 7" },
		{ "\"s\": {\"url\": \"http://a/\", \"retry\": 3}", "retry" },
		{ "\"s\": {\"url\": \"http://a/\", \"idempotent\": [\"a*b*\"]}", "a*b*" },
	};
	struct compiled	c;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct span	notes;

		compile(rows[i].members, &c);
		notes = buf_rest(&c.notes);
		cr_expect(gt(uint, c.errors, 0), "%s", rows[i].members);
		cr_expect(memmem(notes.p, notes.n, rows[i].want, strlen(rows[i].want)) != NULL, "want \"%s\" in:\n%.*s",
		    rows[i].want, SPAN_FMT(notes));
		compiled_fini(&c);
	}
}

/* Each number is another one, so that none can stand in another's place. */
Test(balance, each_number_comes_to_its_place, .timeout = 30)
{
	const struct rec_balance	*b;
	const struct rec_server		*s;
	struct compiled			 c;

	compile("\"all\": {\"url\": \"http://127.0.0.1:8001/mcp\", \"health\": {\"interval_ms\": 101, \"timeout_ms\": 102,"
	    "\"healthy\": 3, \"unhealthy\": 4, \"max_ejected_percent\": 5, \"slow_start_ms\": 106}, \"breaker\": {"
	    "\"failures\": 7, \"open_ms\": 108, \"probes\": 6, \"error_percent\": 9, \"min_calls\": 10, \"window_ms\": 1011,"
	    "\"slow_ms\": 12}, \"retry\": {\"attempts\": 8, \"budget_percent\": 13}, \"idempotent\": [\"get_*\"]},"
	    "\"few\": {\"url\": \"http://127.0.0.1:8002/mcp\", \"balance\": \"random\", \"breaker\": {\"per_tool\": false}}", &c);
	cr_assert(eq(uint, c.errors + c.warnings, 0), "%s", buf_rest(&c.notes).p);
	s = server(&c, "all");
	cr_expect(policy_is_idempotent(c.policy, s, SPAN_LIT("get_x")) && !policy_is_idempotent(c.policy, s, SPAN_LIT("set")));
	b = policy_balance_of(c.policy, s);
	cr_assert(b != NULL);
	cr_expect(b->health_ms == 101 && b->health_timeout_ms == 102 && b->healthy == 3 && b->unhealthy == 4);
	cr_expect(b->eject_percent == 5 && b->slow_start_ms == 106);
	cr_expect(b->failures == 7 && b->open_ms == 108 && b->probes == 6 && b->error_percent == 9);
	cr_expect(b->min_calls == 10 && b->window_ms == 1011 && b->slow_ms == 12);
	cr_expect(b->attempts == 8 && b->retry_percent == 13);
	cr_expect(b->strategy == BALANCE_ROUND_ROBIN && b->flags == 0 && b->health_path.bytes == 0);
	s = server(&c, "few");
	b = policy_balance_of(c.policy, s);
	cr_assert(b != NULL);
	cr_expect(b->strategy == BALANCE_RANDOM && b->eject_percent == 50 && b->flags == 0 && b->health_ms == 0);
	cr_expect(policy_is_idempotent(c.policy, s, SPAN_LIT("get_x")) == false);
	compiled_fini(&c);
}

Test(balance, a_server_has_so_many_endpoints_and_no_more)
{
	struct compiled	c;
	char		list[4000];
	size_t		n;

	for (int more = 0; more < 2; more++) {
		n = (size_t)snprintf(list, sizeof(list), "\"many\": {\"url\": [");
		for (int i = 0; i < ENDPOINTS_MAX + more; i++)
			n += (size_t)snprintf(list + n, sizeof(list) - n, "%s\"http://127.0.0.1:%d/mcp\"", i > 0 ? "," : "", 8000 + i);
		snprintf(list + n, sizeof(list) - n, "]}");
		compile(list, &c);
		cr_expect(c.errors == (unsigned)more, "%d more: %s", more, buf_rest(&c.notes).p);
		if (more)
			cr_expect(strstr(buf_rest(&c.notes).p, "65 urls: want at most 64") != NULL, "%s", buf_rest(&c.notes).p);
		else
			cr_expect(eq(u32, server(&c, "many")->endpoint_count, ENDPOINTS_MAX));
		compiled_fini(&c);
	}
}
