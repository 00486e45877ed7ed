/* SPDX-License-Identifier: Apache-2.0
 *
 * j2_leavings.c - what one caller's tool leaves behind, says or uses up is nothing to another's
 */
#include "tests/integration/common.h"

#define SERVER(name, more) "\"" name "\":{\"command\":\"@TOOLS@/tests/leaving-server\"" more "}"
#define SERVERS	"{\"mcpServers\":{" SERVER("mine", "") "," SERVER("once", ",\"isolation\":\"call\"") ","		\
	SERVER("sessions", ",\"isolation\":\"session\"") "," SERVER("secretive", ",\"env\":{\"OWN\":\"said\"}") ","	\
	"\"clock\":{\"command\":\"@TOOLS@/demo/mcpgw-demo-clock\"}}}"
#define RULES	"{\"agents\":{\"a\":{\"allow\":{\"servers\":[\"*\"],\"tools\":{\"*\":[\"*\"]}}},"			\
	"\"b\":{\"allow\":{\"servers\":[\"*\"],\"tools\":{\"*\":[\"*\"]}}}}}"

/* The text of the answer, in a buffer of its own until the next. */
static const char *
say(struct mcp *m, const char *tool, const char *arguments)
{
	static char	text[8192];
	struct answer	a;

	mcp_call(m, tool, arguments, &a);
	snprintf(text, sizeof(text), "%s", json_text_at(a.json, "result.content[0].text"));
	if (*text == '\0')
		snprintf(text, sizeof(text), "%s", a.body == NULL ? "nothing came" : a.body);
	answer_fini(&a);
	return text;
}

static void
start(struct gateway *g, const char *conf)
{
	gateway_start(g, &(struct gateway_setup){ .servers = SERVERS, .rules = RULES, .conf = conf });
}

static void
caller(struct mcp *m, const struct gateway *g, const char *server, const char *key)
{
	char	path[64];

	snprintf(path, sizeof(path), "/servers/%s/mcp", server);
	mcp_init(m, g->mcp, path, key);
}

Test(leavings, of_one_principal_are_not_seen_by_another, .timeout = 60)
{
	struct gateway	g;
	struct mcp	a, b;
	char		key_a[256];

	NEEDS_JAILS();
	start(&g, NULL);
	snprintf(key_a, sizeof(key_a), "%s", gateway_key(&g, "a"));
	caller(&a, &g, "mine", key_a);
	caller(&b, &g, "mine", gateway_key(&g, "b"));
	cr_expect_str_eq(say(&a, "leave", "{}"), "left");
	cr_expect(strncmp(say(&a, "look", "{}"), "home tmp ", 9) == 0, "its own it sees: %s", say(&a, "look", "{}"));
	cr_expect_str_eq(say(&b, "look", "{}"), "nothing");
	mcp_fini(&a);
	mcp_fini(&b);
	gateway_stop(&g);
}

Test(leavings, of_a_call_or_a_session_are_not_seen_by_the_next, .timeout = 60)
{
	struct gateway	g;
	struct mcp	m;
	char		key[256];

	NEEDS_JAILS();
	start(&g, NULL);
	snprintf(key, sizeof(key), "%s", gateway_key(&g, "a"));
	caller(&m, &g, "once", key);
	for (int i = 0; i < 3; i++) {
		const char *seen = say(&m, "look", "{}");

		cr_expect(strcmp(seen, "nothing") == 0, "%s", seen);
		cr_expect_str_eq(say(&m, "leave", "{}"), "left");
	}
	mcp_fini(&m);
	for (int i = 0; i < 2; i++) {
		const char *seen;

		caller(&m, &g, "sessions", key);
		cr_expect(mcp_initialize(&m) == 200);
		seen = say(&m, "look", "{}");
		cr_expect(strcmp(seen, "nothing") == 0, "%s", seen);
		cr_expect_str_eq(say(&m, "leave", "{}"), "left");
		mcp_fini(&m);
	}
	gateway_stop(&g);
}

static bool
is_gone(void *arg)
{
	struct gateway	*g = arg;
	struct procs	*p = malloc(sizeof(*p));
	bool		 gone;

	gateway_procs(g, p);
	gone = procs_count(p, "leaving-server") == 0;
	free(p);
	return gone;
}

Test(leavings, daemons_end_with_their_tool, .timeout = 60)
{
	struct gateway	g;
	struct mcp	m;

	NEEDS_JAILS();
	start(&g, "idle_stop = 1s\n");
	caller(&m, &g, "mine", gateway_key(&g, "a"));
	cr_expect_str_eq(say(&m, "leave", "{}"), "left");
	/* Idle for a second, asked to stop, and killed when its time of grace is over. */
	cr_expect(wait_until(is_gone, &g, patience(&g, 15000)), "a daemon outlives its tool");
	mcp_fini(&m);
	gateway_stop(&g);
}

Test(leavings, arguments_become_no_environment, .timeout = 60)
{
	static const char *const	forbidden[] = { "LD_PRELOAD", "NODE_OPTIONS", "PYTHONPATH", "planted", "MCPGW_" };
	struct gateway			g;
	struct mcp			m;
	const char			*seen;

	NEEDS_JAILS();
	setenv("MCPGW_SECRET", "planted", 1);
	setenv("LD_BIND_NOT", "planted", 1);
	start(&g, NULL);
	caller(&m, &g, "secretive", gateway_key(&g, "a"));
	m.meta = ",\"env\":{\"LD_PRELOAD\":\"/tmp/x.so\"}";
	seen = say(&m, "environment", "{\"LD_PRELOAD\":\"/tmp/x.so\",\"env\":{\"NODE_OPTIONS\":\"--require=/tmp/x\"},"
	    "\"PYTHONPATH\":\"/tmp\",\"MCPGW_X\":\"1\"}");
	cr_expect(strstr(seen, "OWN=said") != NULL && strstr(seen, "HOME=") != NULL, "%s", seen);
	for (size_t i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); i++)
		cr_expect(strstr(seen, forbidden[i]) == NULL, "%s: %s", forbidden[i], seen);
	mcp_fini(&m);
	gateway_stop(&g);
}

Test(leavings, a_tool_that_spins_keeps_nobody_else_waiting, .timeout = 60)
{
	struct gateway	g;
	struct mcp	spinner, good;
	char		key[256];

	NEEDS_JAILS();
	gateway_start(&g, &(struct gateway_setup){ .servers = "{\"mcpServers\":{"
	    "\"mine\":{\"command\":\"@TOOLS@/tests/leaving-server\",\"timeout_ms\":1000,\"isolation\":\"call\"},"
	    "\"clock\":{\"command\":\"@TOOLS@/demo/mcpgw-demo-clock\"}}}", .rules = RULES });
	snprintf(key, sizeof(key), "%s", gateway_key(&g, "a"));
	caller(&spinner, &g, "mine", key);
	caller(&good, &g, "clock", key);
	for (int i = 0; i < 3; i++) {
		struct answer a;

		mcp_call(&spinner, "spin", "{}", &a);
		cr_expect(json_at(a.json, "error") != NULL, "%s", a.body);
		answer_fini(&a);
		cr_expect_str_eq(say(&good, "add", "{\"a\":1,\"b\":2}"), "3");
	}
	/* Who does not answer in time is ended, not left to spin. */
	cr_expect(wait_until(is_gone, &g, patience(&g, 15000)), "it spins on");
	mcp_fini(&spinner);
	mcp_fini(&good);
	gateway_stop(&g);
}
