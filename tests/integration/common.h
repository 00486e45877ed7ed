/* SPDX-License-Identifier: Apache-2.0
 *
 * common.h - the gateway most integration tests start: the demo servers, two agents
 */
#ifndef TESTS_INTEGRATION_COMMON_H
#define TESTS_INTEGRATION_COMMON_H

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/harness/gateway.h"
#include "tests/harness/mcp.h"

#define DEMO_SERVERS								\
	"{\"mcpServers\":{"							\
	"\"clock\":{\"command\":\"@TOOLS@/demo/mcpgw-demo-clock\"},"		\
	"\"notes\":{\"command\":\"@TOOLS@/demo/mcpgw-demo-notes\"}}}"

/* writer: all of both servers but drop_all; reader: the clock alone. */
#define DEMO_RULES								\
	"{\"agents\":{"								\
	"\"writer\":{\"allow\":{\"servers\":[\"clock\",\"notes\"],\"tools\":{\"clock\":[\"*\"],\"notes\":[\"*\"]}},"	\
	"\"deny\":{\"tools\":{\"notes\":[\"drop_all\"]}}},"			\
	"\"reader\":{\"allow\":{\"servers\":[\"clock\"],\"tools\":{\"clock\":[\"now\",\"add\"]}}}"	\
	"}}"

#define NEEDS_JAILS() do { if (!jails_possible()) cr_skip_test("no user namespaces on this machine"); } while (0)

/* Fails the test, naming what was answered. */
#define EXPECT_STATUS(a, want, ...) do {					\
	char what_[256];							\
	snprintf(what_, sizeof(what_), __VA_ARGS__);				\
	cr_expect((a).status == (want), "%s: status %d, not %d: %s", what_, (a).status, (want),	\
	    (a).body == NULL ? "(nothing)" : (a).body);				\
} while (0)

/* mcpgwctl ends with this code and prints, on stdout or stderr, what holds these words. */
#define EXPECT_CTL(g, code, want, ...) do {								\
	char	*said_;											\
	int	 code_ = gateway_ctl((g), &said_, true, __VA_ARGS__, NULL);				\
	cr_expect(code_ == (code) && strstr(said_, (want)) != NULL, "exit %d: %s (not: %s)", code_, said_, (want));	\
	free(said_);											\
} while (0)

#endif
