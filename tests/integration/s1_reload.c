/* SPDX-License-Identifier: Apache-2.0
 *
 * s1_reload.c - 300 reloads alternating two policies under steady load
 *
 * No request fails for a client that does not retry and counts resets, and each answer follows from
 * exactly one of the two policies.
 */
#include "tests/integration/load.h"

#define RELOADS 300		/* RELOADS=1000 makes it as many */

static const char *const rules[] = {
	"{\"agents\":{\"a\":{\"allow\":{\"servers\":[\"clock\"],\"tools\":{\"clock\":[\"now\"]}},"
	"\"deny\":{\"tools\":{\"clock\":[\"add\"]}}}}}",
	"{\"agents\":{\"a\":{\"allow\":{\"servers\":[\"clock\"],\"tools\":{\"clock\":[\"add\"]}},"
	"\"deny\":{\"tools\":{\"clock\":[\"now\"]}}}}}",
};

/* A list shows what one policy allows; a call is done or refused by the other's rule. */
static void
list_or_call(struct load *l, struct mcp *m, unsigned thread, unsigned round)
{
	struct answer	a;
	bool		now, add;

	(void)thread;
	atomic_fetch_add(&l->sent, 1);
	if (round % 2 == 0) {
		mcp_ask_modern(m, "tools/list", NULL, &a);
		now = tools_have(&a, "now");
		add = tools_have(&a, "add");
		if (a.status == 0)
			atomic_fetch_add(&l->reset, 1);
		else if (a.status == 200 && now != add)
			atomic_fetch_add(now ? &l->well : &l->refused, 1);
		else
			atomic_fetch_add(&l->failed, 1);
	} else {
		mcp_call(m, "add", "{\"a\":20,\"b\":22}", &a);
		if (a.status == 0)
			atomic_fetch_add(&l->reset, 1);
		else if (strcmp(json_text_at(a.json, "result.content[0].text"), "42") == 0)
			atomic_fetch_add(&l->well, 1);
		else if (strcmp(json_text_at(a.json, "error.data.rule"), "agents.a.deny.tools.clock[0]") == 0)
			atomic_fetch_add(&l->refused, 1);
		else
			atomic_fetch_add(&l->failed, 1);
	}
	if (a.status != 200 || (json_at(a.json, "result") == NULL && json_int_at(a.json, "error.code") != 403))
		cr_log_warn("status %d: %s", a.status, a.body == NULL ? "" : a.body);
	answer_fini(&a);
}

Test(reload, three_hundred_under_load_fail_no_request, .timeout = 300)
{
	struct gateway	 g;
	struct load	 l = { .fn = list_or_call, .pause_ms = 1 };
	struct procs	*procs = malloc(sizeof(*procs));
	struct answer	 a;
	struct mcp	 m;
	const unsigned	 reloads = env_number("RELOADS", RELOADS);
	size_t		 fds[2];
	char		*out;
	int		 r;

	NEEDS_JAILS();
	gateway_start(&g, &(struct gateway_setup){ .servers = DEMO_SERVERS, .rules = rules[0] });
	snprintf(l.address, sizeof(l.address), "%s", g.mcp);
	snprintf(l.path, sizeof(l.path), "/servers/clock/mcp");
	snprintf(l.key, sizeof(l.key), "%s", gateway_key(&g, "a"));
	mcp_init(&m, l.address, l.path, l.key);		/* the tool is started once, before */
	mcp_ask_modern(&m, "tools/list", NULL, &a);
	cr_assert(tools_have(&a, "now"), "%s", a.body);
	answer_fini(&a);
	mcp_fini(&m);
	/* From the first one on there is a policy before, which the master keeps (rollback). */
	gateway_write(&g, "rules.json", rules[1]);
	cr_assert(gateway_ctl(&g, NULL, true, "reload", NULL) == 0);
	gateway_procs(&g, procs);
	fds[0] = proc_fd_count(g.pid) + proc_fd_count(procs_find(procs, "mcpgw-worker", 0)->pid);

	load_start(&l);
	for (unsigned i = 0; i < reloads; i++) {
		gateway_write(&g, "rules.json", rules[(i + 1) % 2]);
		r = gateway_ctl(&g, &out, true, "reload", NULL);
		cr_expect(r == 0, "reload %u: exit %d: %s", i, r, out);
		free(out);
	}
	load_end(&l);

	cr_log_info("%u requests, %u by one policy, %u by the other", l.sent, l.well, l.refused);
	cr_expect(l.failed == 0, "%u requests failed", l.failed);
	cr_expect(l.reset == 0, "%u requests were reset", l.reset);
	cr_expect(l.well > 100 && l.refused > 100, "too little was seen: %u and %u", l.well, l.refused);
	cr_expect(gateway_deaths(procs) == 0);
	fds[1] = proc_fd_count(g.pid) + proc_fd_count(procs_find(procs, "mcpgw-worker", 0)->pid);
	cr_expect(fds[1] <= fds[0] + LOAD_THREADS, "%zu descriptors, then %zu", fds[0], fds[1]);
	free(procs);
	gateway_stop(&g);
}

/* What stdout of the tool says was asked for after a reload is asked of a new instance only when the
 * tool's profile changed. */
Test(reload, a_changed_server_gets_a_new_instance_and_an_unchanged_keeps_its_own, .timeout = 60)
{
	struct gateway	 g;
	struct procs	*before = malloc(sizeof(*before)), *after = malloc(sizeof(*after));
	struct answer	 a;
	struct mcp	 clock, notes;
	char		*out;

	NEEDS_JAILS();
	gateway_start(&g, &(struct gateway_setup){ .servers = DEMO_SERVERS, .rules = DEMO_RULES });
	mcp_init(&clock, g.mcp, "/servers/clock/mcp", gateway_key(&g, "writer"));
	mcp_init(&notes, g.mcp, "/servers/notes/mcp", clock.key);
	mcp_call(&clock, "now", "{}", &a);
	answer_fini(&a);
	mcp_call(&notes, "list_notes", "{}", &a);
	answer_fini(&a);
	gateway_procs(&g, before);
	cr_assert(procs_find(before, "mcpgw-demo-clock", 0) != NULL && procs_find(before, "mcpgw-demo-notes", 0) != NULL);
	gateway_write(&g, "servers.json", "{\"mcpServers\":{"
	    "\"clock\":{\"command\":\"@TOOLS@/demo/mcpgw-demo-clock\",\"env\":{\"NEW\":\"1\"}},"
	    "\"notes\":{\"command\":\"@TOOLS@/demo/mcpgw-demo-notes\"}}}");
	cr_expect(gateway_ctl(&g, &out, true, "reload", NULL) == 0, "%s", out);
	free(out);
	mcp_call(&clock, "now", "{}", &a);
	cr_expect(json_at(a.json, "result") != NULL, "%s", a.body);
	answer_fini(&a);
	mcp_call(&notes, "list_notes", "{}", &a);
	answer_fini(&a);
	gateway_procs(&g, after);
	cr_expect(procs_find(after, "mcpgw-demo-notes", 0)->pid == procs_find(before, "mcpgw-demo-notes", 0)->pid);
	{
		const struct proc *old = procs_find(before, "mcpgw-demo-clock", 0);
		bool fresh = false;

		for (size_t i = 0; procs_find(after, "mcpgw-demo-clock", i) != NULL; i++)
			fresh |= procs_find(after, "mcpgw-demo-clock", i)->pid != old->pid;
		cr_expect(fresh, "the changed server runs as before");
	}
	mcp_fini(&clock);
	mcp_fini(&notes);
	free(before);
	free(after);
	gateway_stop(&g);
}
