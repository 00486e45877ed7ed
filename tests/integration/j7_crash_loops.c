/* SPDX-License-Identifier: Apache-2.0
 *
 * j7_crash_loops.c - tools that die at their start or within each call: they are started ever less often, whoever
 *                    asks, and nobody else notices (row 27)
 */
#include "tests/integration/load.h"

#define SERVERS	"{\"mcpServers\":{"									\
	"\"clock\":{\"command\":\"@TOOLS@/demo/mcpgw-demo-clock\"},"					\
	"\"stillborn\":{\"command\":\"@TOOLS@/tests/lying-server\",\"args\":[\"%s\"]},"		\
	"\"mortal\":{\"command\":\"@TOOLS@/tests/lying-server\",\"args\":[\"dies-on-call\"]}}}"
#define RULES	"{\"agents\":{\"a\":{\"allow\":{\"servers\":[\"*\"],\"tools\":{\"*\":[\"*\"]}}},"	\
	"\"b\":{\"allow\":{\"servers\":[\"*\"],\"tools\":{\"*\":[\"*\"]}}}}}"

static void
call_the_dying(struct load *l, struct mcp *m, unsigned thread, unsigned round)
{
	struct answer	a;

	(void)round;
	snprintf(m->path, sizeof(m->path), "/servers/%s/mcp", thread % 2 == 0 ? "stillborn" : "mortal");
	mcp_call(m, "anything", "{}", &a);
	atomic_fetch_add(&l->sent, 1);
	if (a.status != 0 && json_at(a.json, "result") != NULL)
		atomic_fetch_add(&l->well, 1);
	answer_fini(&a);
}

Test(crash_loops, are_slow_whoever_calls_and_spare_the_others, .timeout = 90)
{
	struct gateway	 g;
	struct load	 l = { .fn = call_the_dying, .pause_ms = 5 };
	struct mcp	 good;
	struct answer	 a;
	struct procs	*before = malloc(sizeof(*before));
	char		 servers[1024];
	size_t		 starts, well = 0;

	NEEDS_JAILS();
	snprintf(servers, sizeof(servers), SERVERS, "dies-at-once");
	gateway_start(&g, &(struct gateway_setup){ .servers = servers, .rules = RULES });
	mcp_init(&good, g.mcp, "/servers/clock/mcp", gateway_key(&g, "b"));
	mcp_call(&good, "add", "{\"a\":1,\"b\":2}", &a);
	EXPECT_STATUS(a, 200, "before");
	answer_fini(&a);
	gateway_procs(&g, before);

	snprintf(l.address, sizeof(l.address), "%s", g.mcp);
	snprintf(l.key, sizeof(l.key), "%s", gateway_key(&g, "a"));
	load_start(&l);
	for (int i = 0; i < 250; i++) {
		mcp_call(&good, "add", "{\"a\":1,\"b\":2}", &a);
		well += strcmp(json_text_at(a.json, "result.content[0].text"), "3") == 0;
		answer_fini(&a);
		sleep_ms(20);
	}
	load_end(&l);
	cr_expect(well == 250, "%zu of 250 calls of another server went well", well);
	cr_expect(l.well == 0 && l.sent > 50, "%u of %u calls of dying tools went well", l.well, l.sent);
	/* After 0, 1, 3 and 7 seconds; of the probe nothing is said. */
	starts = gateway_logged(&g, "server stillborn: exit 1 ");
	cr_expect(starts >= 2 && starts <= 4, "the stillborn one was started %zu times in 5 s", starts);
	starts = gateway_logged(&g, "server mortal: exit 3 ");
	cr_expect(starts >= 2 && starts <= 5, "the mortal one was started %zu times in 5 s", starts);
	cr_expect(gateway_deaths(before) == 0);

	/* Mended, it is another server, and waits for nothing. */
	snprintf(servers, sizeof(servers), SERVERS, "ok");
	gateway_write(&g, "servers.json", servers);
	cr_assert(gateway_ctl(&g, NULL, true, "reload", NULL) == 0);
	snprintf(good.path, sizeof(good.path), "/servers/stillborn/mcp");
	mcp_call(&good, "anything", "{}", &a);
	cr_expect(json_at(a.json, "result") != NULL, "%s", a.body);
	answer_fini(&a);
	mcp_fini(&good);
	free(before);
	gateway_stop(&g);
}
