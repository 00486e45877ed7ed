/* SPDX-License-Identifier: Apache-2.0
 *
 * test_handshake.c - which revision a tool speaks (mcp-wire 4.5, stdio)
 */

#include <stdio.h>

#include "claim.h"
#include "sandbox/runner/handshake.h"

static struct lines lines;

static struct line
line_of(const char *text)
{
	static char	whole[1024];
	struct line	line;
	struct span	chunk;

	snprintf(whole, sizeof(whole), "%s\n", text);
	chunk = span_of(whole);
	must(lines.scan != NULL || lines_init(&lines) == 0);
	cr_assert(eq(int, lines_next(&lines, &chunk, &line), 1));
	return line;
}

#define ANSWER "{\"jsonrpc\":\"2.0\",\"id\":1,"

Test(handshake, judges_the_answer_to_discover)
{
	static const struct {
		const char	*text;
		enum era	 era;
	} cases[] = {
		{ ANSWER "\"result\":{\"supportedVersions\":[\"2025-11-25\",\"2026-07-28\"]}}", ERA_MODERN },
		{ ANSWER "\"result\":{\"supportedVersions\":[\"2025-11-25\"]}}", ERA_LEGACY },
		{ ANSWER "\"result\":{\"supportedVersions\":[\"2099-01-01\"]}}", ERA_LEGACY },
		{ ANSWER "\"result\":{}}", ERA_LEGACY },
		{ ANSWER "\"error\":{\"code\":-32601,\"message\":\"no\"}}", ERA_LEGACY },
		{ ANSWER "\"error\":{\"code\":-32000,\"message\":\"Server not initialized\"}}", ERA_LEGACY },
		{ ANSWER "\"error\":{\"code\":-32022,\"message\":\"no\"}}", ERA_MODERN },
		{ ANSWER "\"error\":{\"code\":-32022,\"message\":\"no\",\"data\":{\"supported\":[\"2025-06-18\"]}}}",
		    ERA_LEGACY },
		{ ANSWER "\"error\":{\"code\":-32022,\"message\":\"no\",\"data\":{\"supported\":[\"2099-01-01\"]}}}",
		    ERA_FOREIGN },
		{ ANSWER "\"error\":{\"code\":-32022.0,\"message\":\"no\"}}", ERA_LEGACY },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct line	line = line_of(cases[i].text);

		cr_expect(eq(int, (int)handshake_verdict(&line), (int)cases[i].era), "row %zu", i);
	}
}

Test(handshake, judges_the_answer_to_initialize)
{
	static const struct {
		const char	*text;
		int		 r;
		bool		 modern;
		const char	*said;
	} cases[] = {
		{ ANSWER "\"result\":{\"protocolVersion\":\"2025-11-25\"}}", 0, false, "" },
		{ ANSWER "\"result\":{\"protocolVersion\":\"2024-11-05\"}}", 0, false, "" },
		{ ANSWER "\"result\":{\"protocolVersion\":\"2026-07-28\"}}", E_VERSION, false, "2026-07-28" },
		{ ANSWER "\"result\":{\"protocolVersion\":7}}", E_FORMAT, false, "?" },
		{ ANSWER "\"result\":{}}", E_FORMAT, false, "?" },
		{ ANSWER "\"error\":{\"code\":-32022,\"message\":\"too old\"}}", E_FORMAT, true, "too old" },
		{ ANSWER "\"error\":{\"code\":-32603,\"message\":\"no\"}}", E_FORMAT, false, "no" },
	};
	bool	modern;
	char	said[80];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct line	line = line_of(cases[i].text);

		cr_expect(eq(int, handshake_accept(&line, &modern, said, sizeof(said)), cases[i].r), "row %zu", i);
		claim(modern == cases[i].modern && strcmp(said, cases[i].said) == 0, "row %zu: %s", i, said);
	}
}

Test(handshake, says_lines_that_are_requests)
{
	struct buf	b;
	struct line	line;

	buf_init(&b, 4096);
	cr_assert(eq(int, handshake_put_discover(&b, 1), 0));
	cr_assert(eq(int, handshake_put_initialize(&b, 2, 511), 0));
	cr_assert(eq(int, handshake_put_initialized(&b), 0));
	cr_assert(eq(int, lines_init(&lines), 0));
	for (int i = 0; i < 3; i++) {
		struct span	rest = buf_rest(&b);

		cr_assert(eq(int, lines_next(&lines, &rest, &line), 1));
		buf_drain(&b, buf_rest(&b).n - rest.n);
		cr_expect(eq(int, (int)line.kind, i < 2 ? LINE_REQUEST : LINE_NOTIFICATION));
	}
	cr_expect(eq(sz, buf_rest(&b).n, 0));
	buf_fini(&b);
}
