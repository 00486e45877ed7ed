/* SPDX-License-Identifier: Apache-2.0
 *
 * steadyload.h - about 2,000 requests/s from clients of every kind, for tests in which none may fail
 */
#ifndef TESTS_INTEGRATION_STEADYLOAD_H
#define TESTS_INTEGRATION_STEADYLOAD_H

#include "tests/harness/steady.h"
#include "tests/integration/common.h"

#define STEADY_RULES "{\"agents\":{\"a\":{\"allow\":{\"servers\":[\"clock\"],\"tools\":{\"clock\":[\"*\"]}}}}}"

static inline void
steady_load(struct steady *s, const struct gateway *g)
{
	const char	*key = gateway_key(g, "a");

	steady_init(s);
	for (int i = 0; i < 4; i++)
		steady_add(s, STEADY_KEEPS, g->mcp, "/servers/clock/mcp", key, "add", 1500);
	for (int i = 0; i < 3; i++)
		steady_add(s, STEADY_SHORT, g->mcp, "/servers/clock/mcp", key, "add", 4000);
	steady_add(s, STEADY_KEEPS, g->local, "/servers/clock/mcp", key, "add", 10000);
	/* These are found idle by everything that happens. */
	for (int i = 0; i < 3; i++)
		steady_add(s, STEADY_KEEPS, g->mcp, "/servers/clock/mcp", key, "add", 200000);
	for (int i = 0; i < 2; i++)
		steady_add(s, STEADY_LEGACY, g->mcp, "/servers/clock/mcp", key, "add", 20000);
}

/* Ends the load: none of it failed, and there was some. */
static inline void
steady_check(struct steady *s, unsigned least)
{
	steady_end(s);
	cr_expect(steady_failed(s) == 0);
	cr_expect(s->well >= least, "too little was seen: %u", s->well);
}

#endif
