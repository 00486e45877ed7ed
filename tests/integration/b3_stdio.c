/* SPDX-License-Identifier: Apache-2.0
 *
 * b3_stdio.c - mcpgw-stdio before a real gateway, as a client starts it
 */
#include <pwd.h>
#include <signal.h>
#include <sysexits.h>
#include <unistd.h>

#include "tests/harness/bridge.h"
#include "tests/integration/common.h"

#define HEAR_MS	20000

static const struct gateway_setup demo = {
	.conf = "anonymous_agent = writer\n", .servers = DEMO_SERVERS, .rules = DEMO_RULES,
};

/* Hears one line and looks for a text at a path. */
#define HEARS(b, path, want) do {							\
	json_object *o_ = bridge_hear((b), HEAR_MS);					\
	cr_expect(strcmp(json_text_at(o_, (path)), (want)) == 0, "%s",			\
	    o_ == NULL ? "(nothing)" : json_object_to_json_string(o_));			\
	json_object_put(o_);								\
} while (0)

static void
expect_end(struct bridge *b, int code)
{
	char	*said;
	int	 got = bridge_end(b, 10000);

	said = bridge_stderr(b);
	cr_expect(got == code, "exit %d: %s", got, said);
	free(said);
	bridge_fini(b);
}

Test(stdio, serves_a_legacy_client, .timeout = 60)
{
	struct gateway	g;
	struct bridge	b;
	json_object	*o;
	struct procs	*procs = malloc(sizeof(*procs));

	NEEDS_JAILS();
	gateway_start(&g, &demo);
	bridge_start(&b, &g, NULL, NULL);
	cr_assert(bridge_initialize(&b));
	bridge_ask(&b, "\"l-1\"", "tools/list", NULL);
	o = bridge_hear(&b, HEAR_MS);
	cr_expect(strcmp(json_text_at(o, "id"), "l-1") == 0 && json_at(o, "result.tools[0].name") != NULL, "%s",
	    json_object_to_json_string(o));
	cr_expect(strstr(json_object_to_json_string(o), "drop_all") == NULL, "a denied tool is listed");
	json_object_put(o);
	bridge_ask(&b, "18446744073709551615", "tools/call",
	    "{\"name\":\"clock__add\",\"arguments\":{\"a\":2,\"b\":40}}");
	o = bridge_hear(&b, HEAR_MS);
	cr_expect(strstr(json_object_to_json_string(o), "42") != NULL, "%s", json_object_to_json_string(o));
	json_object_put(o);
	bridge_ask(&b, "3", "tools/call", "{\"name\":\"notes__drop_all\",\"arguments\":{}}");
	o = bridge_hear(&b, HEAR_MS);
	cr_expect(json_int_at(o, "id") == 3 && json_int_at(o, "error.code") == 403, "%s",
	    json_object_to_json_string(o));
	json_object_put(o);
	bridge_say(&b, "this is no JSON");
	o = bridge_hear(&b, HEAR_MS);
	cr_expect(json_int_at(o, "error.code") == -32700 && json_at(o, "id") == NULL);
	json_object_put(o);
	procs_below(b.pid, procs);
	cr_expect(procs->count == 1, "%zu processes", procs->count);
	free(procs);
	expect_end(&b, 0);
	gateway_stop(&g);
}

Test(stdio, carries_batches_of_the_revision_that_has_them, .timeout = 60)
{
	struct gateway	g;
	struct bridge	b;
	json_object	*o;

	gateway_start(&g, &demo);
	bridge_start(&b, &g, NULL, NULL);
	bridge_ask(&b, "0", "initialize", "{\"protocolVersion\":\"2025-03-26\",\"capabilities\":{},\"clientInfo\":"
	    "{\"name\":\"t\",\"version\":\"1\"}}");
	HEARS(&b, "result.protocolVersion", "2025-03-26");
	bridge_say(&b, "[{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}]");
	bridge_say(&b, "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"},"
	    "{\"jsonrpc\":\"2.0\",\"id\":\"2\",\"method\":\"tools/dance\"}]");
	o = bridge_hear(&b, HEAR_MS);
	cr_expect(json_object_is_type(o, json_type_array) && json_object_array_length(o) == 2 &&
	    json_int_at(o, "[0].id") == 1 && json_at(o, "[0].result") != NULL &&
	    json_int_at(o, "[1].error.code") == -32601, "%s", json_object_to_json_string(o));
	json_object_put(o);
	expect_end(&b, 0);
	gateway_stop(&g);
}

Test(stdio, serves_a_modern_client_and_one_server_alone, .timeout = 60)
{
	struct gateway	g;
	struct bridge	b;
	json_object	*o;

	NEEDS_JAILS();
	gateway_start(&g, &demo);
	bridge_start(&b, &g, "--server", "notes");
	bridge_ask_modern(&b, "1", "server/discover", NULL);
	HEARS(&b, "result.resultType", "complete");
	bridge_ask_modern(&b, "2", "tools/call", "{\"name\":\"add_note\",\"arguments\":{\"text\":\"gr\\u00fcn\"}}");
	o = bridge_hear(&b, HEAR_MS);
	cr_expect(json_at(o, "result") != NULL && json_int_at(o, "id") == 2, "%s", json_object_to_json_string(o));
	json_object_put(o);
	bridge_ask_modern(&b, "3", "tools/call", "{\"name\":\"n\\u00f6\",\"arguments\":{}}");
	o = bridge_hear(&b, HEAR_MS);
	cr_expect(json_int_at(o, "error.code") == -32602, "%s", json_object_to_json_string(o));
	json_object_put(o);
	bridge_ask_modern(&b, "4", "no/such", NULL);
	o = bridge_hear(&b, HEAR_MS);
	cr_expect(json_int_at(o, "error.code") == -32601 && json_int_at(o, "id") == 4);
	json_object_put(o);
	expect_end(&b, 0);
	/* A server this agent cannot see. */
	bridge_start(&b, &g, "--server", "none");
	bridge_ask_modern(&b, "5", "tools/list", NULL);
	o = bridge_hear(&b, HEAR_MS);
	cr_expect(json_int_at(o, "id") == 5 && json_at(o, "error") != NULL);
	json_object_put(o);
	expect_end(&b, 0);
	gateway_stop(&g);
}

Test(stdio, the_kernel_says_who_calls, .timeout = 60)
{
	static const char	 form[] = "{\"peers\":{\"user:%s\":\"reader\"}," "\"agents\":{\"reader\":{\"allow\":"
				    "{\"servers\":[\"clock\"],\"tools\":{\"clock\":[\"now\"]}}},\"me\":{\"allow\":"
				    "{\"servers\":[\"clock\"],\"tools\":{\"clock\":[\"now\"]}}}}}";
	struct passwd		*pw = getpwuid(geteuid());
	struct gateway		 g;
	struct bridge		 b;
	json_object		*o;
	char			*rules;

	NEEDS_JAILS();
	if (pw == NULL)
		cr_skip_test("this user has no name");
	cr_assert(asprintf(&rules, form, pw->pw_name) > 0);
	gateway_start(&g, &(struct gateway_setup){ .servers = DEMO_SERVERS, .rules = rules });
	free(rules);
	bridge_start(&b, &g, "--view", "catalog");
	bridge_ask_modern(&b, "1", "tools/list", NULL);
	o = bridge_hear(&b, HEAR_MS);
	cr_expect(strcmp(json_text_at(o, "result.tools[0].name"), "clock__now") == 0 &&
	    json_at(o, "result.tools[1]") == NULL, "%s", json_object_to_json_string(o));
	json_object_put(o);
	expect_end(&b, 0);
	/* Nobody without being named. */
	if (geteuid() == 0) {
		gateway_write(&g, "rules.json", DEMO_RULES);
		cr_assert(gateway_ctl(&g, NULL, true, "reload", NULL) == 0);
		bridge_start(&b, &g, NULL, NULL);
		bridge_ask_modern(&b, "2", "tools/list", NULL);
		o = bridge_hear(&b, HEAR_MS);
		cr_expect(json_int_at(o, "id") == 2 && json_int_at(o, "error.code") == -32600 &&
		    strcmp(json_text_at(o, "error.data.code"), "UNAUTHENTICATED") == 0, "%s",
		    json_object_to_json_string(o));
		json_object_put(o);
		expect_end(&b, 0);
	}
	gateway_stop(&g);
}

#define AT_ONCE	25
#define BIG	(1024 * 1024)

Test(stdio, carries_many_large_calls_at_once, .timeout = 120)
{
	struct gateway	 g;
	struct bridge	 b;
	json_object	*o;
	char		*params = malloc(BIG + 200), id[16], seen[AT_ONCE] = "";
	pid_t		 writer;
	int		 at;

	NEEDS_JAILS();
	gateway_start(&g, &(struct gateway_setup){ .conf = "anonymous_agent = me\n",
	    .servers = "{\"mcpServers\":{\"echo\":{\"command\":\"@TOOLS@/tests/lying-server\",\"args\":[\"ok\"]}}}",
	    .rules = "{\"agents\":{\"me\":{\"allow\":{\"servers\":[\"*\"],\"tools\":{\"*\":[\"*\"]}}}}}" });
	bridge_start(&b, &g, NULL, NULL);
	cr_assert(bridge_initialize(&b));
	bridge_ask(&b, "\"l\"", "tools/list", NULL);
	o = bridge_hear(&b, HEAR_MS);
	at = snprintf(params, 150, "{\"name\":\"%s\",\"arguments\":{\"text\":\"",
	    json_text_at(o, "result.tools[0].name"));
	json_object_put(o);
	cr_assert((writer = fork()) != -1);
	if (writer == 0) {		/* it must not wait for what is read here */
		for (int i = 0; i < AT_ONCE; i++) {
			memset(params + at, 'a' + i, BIG);
			strcpy(params + at + BIG, "\"}}");
			snprintf(id, sizeof(id), "%d", i);
			bridge_ask(&b, id, "tools/call", params);
		}
		_exit(0);
	}
	for (int n = 0; n < AT_ONCE; n++) {
		const char *heard;
		int	    i;

		o = bridge_hear(&b, 60000);
		cr_assert(o != NULL, "after %d answers", n);
		i = json_int_at(o, "id");
		cr_assert(i >= 0 && i < AT_ONCE && seen[i]++ == 0, "id %d", i);
		heard = json_text_at(o, "result.structuredContent.heard");
		memset(params, 'a' + i, BIG);
		params[BIG] = '\0';
		cr_expect(strstr(heard, params) != NULL, "id %d: %.300s", i, json_object_to_json_string(o));
		json_object_put(o);
	}
	free(params);
	/* Larger than max_body: the gateway refuses before it has all of it. */
	params = calloc(1, 6 * BIG);
	at = sprintf(params, "{\"name\":\"x\",\"arguments\":{\"text\":\"");
	memset(params + at, 'x', 5 * BIG);
	strcpy(params + at + 5 * BIG, "\"}}");
	bridge_ask(&b, "\"large\"", "tools/call", params);
	o = bridge_hear(&b, HEAR_MS);
	cr_expect(strcmp(json_text_at(o, "id"), "large") == 0 &&
	    strcmp(json_text_at(o, "error.data.code"), "TOO_LARGE") == 0, "%s", json_object_to_json_string(o));
	json_object_put(o);
	free(params);
	expect_end(&b, 0);
	gateway_stop(&g);
}

Test(stdio, outlives_a_restart_of_the_gateway, .timeout = 90)
{
	struct gateway	g;
	struct bridge	b;
	json_object	*o;

	NEEDS_JAILS();
	gateway_start(&g, &demo);
	bridge_start(&b, &g, "--server", "notes");
	cr_assert(bridge_initialize(&b));
	bridge_ask(&b, "1", "tools/call", "{\"name\":\"add_note\",\"arguments\":{\"text\":\"before\"}}");
	HEARS(&b, "error.message", "");
	gateway_stop_keep(&g);
	/* Asked for while it is away. */
	bridge_ask(&b, "2", "tools/call", "{\"name\":\"add_note\",\"arguments\":{\"text\":\"between\"}}");
	gateway_start_again(&g);
	o = bridge_hear(&b, HEAR_MS);
	cr_expect(json_int_at(o, "id") == 2 && json_at(o, "result") != NULL, "%s", json_object_to_json_string(o));
	json_object_put(o);
	bridge_ask(&b, "3", "tools/call", "{\"name\":\"list_notes\",\"arguments\":{}}");
	o = bridge_hear(&b, HEAR_MS);
	cr_expect(json_int_at(o, "id") == 3 && strstr(json_object_to_json_string(o), "between") != NULL, "%s",
	    json_object_to_json_string(o));
	json_object_put(o);
	expect_end(&b, 0);
	gateway_stop(&g);
}

Test(stdio, says_when_there_is_no_gateway, .timeout = 60)
{
	struct gateway	g;
	struct bridge	b;
	json_object	*o;
	char		*said;

	gateway_start(&g, &(struct gateway_setup){ 0 });
	gateway_stop_keep(&g);
	bridge_start(&b, &g, NULL, NULL);
	bridge_ask(&b, "7", "initialize", "{\"protocolVersion\":\"" LEGACY_VERSION "\",\"capabilities\":{},"
	    "\"clientInfo\":{\"name\":\"test\",\"version\":\"1\"}}");
	o = bridge_hear(&b, HEAR_MS);
	cr_expect(json_int_at(o, "id") == 7 && json_int_at(o, "error.code") == -32603 &&
	    strstr(json_text_at(o, "error.message"), "Start it: mcpgwctl -c ") != NULL, "%s",
	    json_object_to_json_string(o));
	json_object_put(o);
	cr_expect(bridge_end(&b, 5000) == EX_UNAVAILABLE);
	said = bridge_stderr(&b);
	cr_expect(strncmp(said, "mcpgw-stdio: mcpgw is not running (no ", 38) == 0 && strchr(said, '\n') != NULL &&
	    strchr(said, '\n')[1] == '\0', "%s", said);
	free(said);
	bridge_fini(&b);
	gateway_remove(&g);
}

Test(stdio, ends_with_stdin_and_with_signals, .timeout = 90)
{
	static const int	signals[] = { SIGTERM, SIGINT };
	struct gateway		g;
	struct bridge		b;
	json_object		*o;

	NEEDS_JAILS();
	gateway_start(&g, &(struct gateway_setup){ .conf = "anonymous_agent = me\n",
	    .servers = "{\"mcpServers\":{\"slow\":{\"command\":\"@TOOLS@/tests/lying-server\",\"args\":[\"slow\",\"1500\"]}}}",
	    .rules = "{\"agents\":{\"me\":{\"allow\":{\"servers\":[\"*\"],\"tools\":{\"*\":[\"*\"]}}}}}" });
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		bridge_start(&b, &g, "--server", "slow");
		cr_assert(bridge_initialize(&b));
		bridge_ask(&b, "1", "tools/list", NULL);
		o = bridge_hear(&b, HEAR_MS);
		cr_expect(json_at(o, "result") != NULL);
		json_object_put(o);
		kill(b.pid, signals[i]);
		cr_expect(bridge_hear(&b, 3000) == NULL);
		expect_end(&b, 0);
	}
	/* A call is under way when stdin ends: its answer still comes. */
	bridge_start(&b, &g, "--server", "slow");
	cr_assert(bridge_initialize(&b));
	bridge_ask(&b, "1", "tools/list", NULL);
	o = bridge_hear(&b, HEAR_MS);
	bridge_ask(&b, "2", "tools/call", "{\"name\":\"anything\",\"arguments\":{}}");
	json_object_put(o);
	close(b.in);
	b.in = -1;
	o = bridge_hear(&b, HEAR_MS);
	cr_expect(json_int_at(o, "id") == 2 && json_at(o, "result.structuredContent") != NULL, "%s",
	    json_object_to_json_string(o));
	json_object_put(o);
	expect_end(&b, 0);
	gateway_stop(&g);
}
