/* SPDX-License-Identifier: Apache-2.0
 *
 * s3_sessions.c - 1,000 abandoned client sessions leave no process, descriptor or slot
 */
#include "tests/integration/common.h"

#define SESSIONS 1000

struct counts {
	size_t	procs, fds;
};

static struct counts
count_all(const struct gateway *g)
{
	struct procs	*p = malloc(sizeof(*p));
	struct counts	 c;

	gateway_procs(g, p);
	c = (struct counts){ .procs = p->count };
	for (size_t i = 0; i < p->count; i++)
		c.fds += proc_fd_count(p->all[i].pid);
	free(p);
	return c;
}

struct wanted {
	const struct gateway	*g;
	struct counts		 most;
};

static bool
is_back(void *arg)
{
	struct wanted	*w = arg;
	struct counts	 now = count_all(w->g);

	return now.procs <= w->most.procs && now.fds <= w->most.fds;
}

/* The one that asks is a connection too. */
static bool
is_alone(void *arg)
{
	return gateway_metric(arg, "mcpgw_connections") <= 1;
}

Test(sessions, a_thousand_abandoned_ones_leave_nothing, .timeout = 180)
{
	struct gateway	g;
	struct wanted	w = { .g = &g };
	struct mcp	m;
	struct answer	a;
	char		key[256], old[512];

	NEEDS_JAILS();
	gateway_start(&g, &(struct gateway_setup){ .servers = DEMO_SERVERS, .rules = DEMO_RULES,
	    .conf = "session_idle = 2s\nidle_stop = 2s\nidle_timeout = 2s\n" });
	snprintf(key, sizeof(key), "%s", gateway_key(&g, "writer"));
	/* Some whole lives first, so that what stays by design is there: the runner, and its link to each
	 * worker. */
	for (int i = 0; i < 40; i++) {
		mcp_init(&m, g.mcp, "/servers/clock/mcp", key);
		cr_assert(mcp_initialize(&m) == 200);
		mcp_call(&m, "now", "{}", &a);
		EXPECT_STATUS(a, 200, "a call before");
		answer_fini(&a);
		snprintf(old, sizeof(old), "%s", m.session);
		mcp_fini(&m);
	}
	sleep_ms(5000);
	w.most = count_all(&g);

	for (int i = 0; i < SESSIONS; i++) {
		mcp_init(&m, g.mcp, "/servers/clock/mcp", key);
		cr_assert(mcp_initialize(&m) == 200, "session %d", i);
		if (i % 20 == 0) {
			mcp_call(&m, "now", "{}", &a);
			EXPECT_STATUS(a, 200, "session %d", i);
			answer_fini(&a);
		}
		mcp_fini(&m);			/* no DELETE: it just goes away */
	}
	cr_expect(wait_until(is_back, &w, 15000), "%zu processes and %zu descriptors, before %zu and %zu",
	    count_all(&g).procs, count_all(&g).fds, w.most.procs, w.most.fds);
	cr_expect(gateway_metric(&g, "mcpgw_sessions_created_total") == SESSIONS + 40);
	cr_expect(gateway_metric(&g, "mcpgw_sessions_refused_total") == 0);
	cr_expect(wait_until(is_alone, &g, 5000), "%g connections", gateway_metric(&g, "mcpgw_connections"));
	cr_expect(gateway_metric(&g, "mcpgw_calls_in_flight") == 0);

	mcp_init(&m, g.mcp, "/servers/clock/mcp", key);
	snprintf(m.session, sizeof(m.session), "%s", old);
	mcp_ask(&m, "ping", NULL, &a);
	EXPECT_STATUS(a, 404, "an idle session has ended");
	answer_fini(&a);
	mcp_fini(&m);
	gateway_stop(&g);
}
