/* SPDX-License-Identifier: Apache-2.0
 *
 * clock.c - mcpgw-demo-clock: an example MCP server that keeps nothing
 *
 * Speaks 2026-07-28 (server/discover, no handshake) and the revisions with `initialize`.
 */
#include <math.h>
#include <stdlib.h>
#include <time.h>

#include "demo/serve.h"

#define SLEEP_MOST_MS	60000

static enum demo_outcome
tool_now(struct json_value arguments, struct demo_answer *answer)
{
	time_t		now = time(NULL);
	struct tm	tm;
	char		text[32];

	(void)arguments;
	if (gmtime_r(&now, &tm) == NULL || strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0 ||
	    buf_put_str(&answer->text, text) != 0 ||
	    buf_put_fmt(&answer->structured, "{\"utc\":\"%s\",\"unix\":%lld}", text, (long long)now) != 0)
		return demo_fail(answer, "the time is not available");
	return DEMO_DONE;
}

static bool
number_of(struct json_value v, double *out)
{
	char	text[64];

	if (v.type != JSON_NUMBER || v.raw.n >= sizeof(text))
		return false;
	memcpy(text, v.raw.p, v.raw.n);
	text[v.raw.n] = '\0';
	*out = strtod(text, NULL);
	return isfinite(*out);
}

static enum demo_outcome
tool_add(struct json_value arguments, struct demo_answer *answer)
{
	double	a, b;

	if (!number_of(json_get(arguments, "a"), &a) || !number_of(json_get(arguments, "b"), &b))
		return demo_fail(answer, "a and b must be numbers");
	if (!isfinite(a + b))
		return demo_fail(answer, "the sum is too large");
	if (buf_put_fmt(&answer->text, "%.17g", a + b) != 0 ||
	    buf_put_fmt(&answer->structured, "{\"sum\":%.17g}", a + b) != 0)
		return demo_fail(answer, "out of memory");
	return DEMO_DONE;
}

static enum demo_outcome
tool_sleep(struct json_value arguments, struct demo_answer *answer)
{
	uint64_t	ms;

	if (json_u64(json_get(arguments, "ms"), &ms) != 0 || ms > SLEEP_MOST_MS)
		return demo_fail(answer, "ms must be a whole number from 0 to %d", SLEEP_MOST_MS);
	if (buf_put_fmt(&answer->text, "slept %llu ms", (unsigned long long)ms) != 0)
		return demo_fail(answer, "out of memory");
	answer->wait_ms = (unsigned)ms;
	return DEMO_LATER;
}

static const struct demo_tool tools[] = {
	{ "now",
	    "\"title\":\"Time\",\"description\":\"The time in UTC.\","
	    "\"inputSchema\":{\"type\":\"object\",\"additionalProperties\":false},"
	    "\"outputSchema\":{\"type\":\"object\",\"properties\":{"
	    "\"utc\":{\"type\":\"string\",\"description\":\"As 2026-07-28T12:00:00Z.\"},"
	    "\"unix\":{\"type\":\"integer\",\"description\":\"Seconds since 1970.\"}},"
	    "\"required\":[\"utc\",\"unix\"]},"
	    "\"annotations\":{\"readOnlyHint\":true,\"openWorldHint\":false}", tool_now },
	{ "add",
	    "\"title\":\"Add\",\"description\":\"The sum of two numbers.\","
	    "\"inputSchema\":{\"type\":\"object\",\"properties\":{"
	    "\"a\":{\"type\":\"number\"},\"b\":{\"type\":\"number\"}},"
	    "\"required\":[\"a\",\"b\"],\"additionalProperties\":false},"
	    "\"outputSchema\":{\"type\":\"object\",\"properties\":{\"sum\":{\"type\":\"number\"}},"
	    "\"required\":[\"sum\"]},"
	    "\"annotations\":{\"readOnlyHint\":true,\"idempotentHint\":true,\"openWorldHint\":false}", tool_add },
	{ "sleep",
	    "\"title\":\"Sleep\",\"description\":\"Answers after this many milliseconds, unless it is cancelled.\","
	    "\"inputSchema\":{\"type\":\"object\",\"properties\":{"
	    "\"ms\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":60000}},"
	    "\"required\":[\"ms\"],\"additionalProperties\":false},"
	    "\"annotations\":{\"readOnlyHint\":true,\"openWorldHint\":false}", tool_sleep },
};

int
main(int argc, char **argv)
{
	static const struct demo_server	clock_server = {
		.name = "mcpgw-demo-clock", .version = MCPGW_VERSION, .modern = true,
		.instructions = "Tells the time, adds, and waits.",
		.tools = tools, .tool_count = sizeof(tools) / sizeof(tools[0]),
	};

	return demo_main(&clock_server, argc, argv);
}
