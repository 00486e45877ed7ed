/* SPDX-License-Identifier: Apache-2.0
 *
 * test_lines.c - lines out of a tool's stdout
 */
#include <stdio.h>
#include <stdlib.h>

#include "claim.h"
#include "ipc/link.h"
#include "sandbox/runner/lines.h"

static const struct {
	const char	*text;
	enum line_kind	 kind;
	const char	*id;
} cases[] = {
	{ "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{}}", LINE_ANSWER, "7" },
	{ "{\"result\":{\"id\":9},\"id\":7,\"jsonrpc\":\"2.0\"}\r", LINE_ANSWER, "7" },
	{ "{\"jsonrpc\":\"2.0\",\"id\":\"7\",\"error\":{\"code\":1,\"message\":\"\"}}", LINE_ANSWER, "\"7\"" },
	{ "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":1,\"message\":\"\"}}", LINE_ANSWER, "" },
	{ "{\"jsonrpc\":\"2.0\",\"id\":8,\"result\":{\"x\":\"\\u0000\"}}", LINE_ANSWER, "8" },
	{ "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{},\"error\":{}}", LINE_BAD_ANSWER, "7" },
	{ "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":[]}", LINE_BAD_ANSWER, "7" },
	{ "{\"jsonrpc\":\"2.0\",\"id\":7}", LINE_BAD_ANSWER, "7" },
	{ "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"ping\"}", LINE_REQUEST, "7" },
	{ "{\"jsonrpc\":\"2.0\",\"method\":\"x\"}", LINE_NOTIFICATION, "" },
	{ "{\"jsonrpc\":\"2.0\",\"method\":\"x\",\"id\":null}", LINE_GARBAGE, "" },
	{ "{\"jsonrpc\":\"1.0\",\"id\":7,\"result\":{}}", LINE_GARBAGE, "" },
	{ "{\"id\":7,\"result\":{}}", LINE_GARBAGE, "" },
	{ "{\"jsonrpc\":\"2.0\",\"id\":7,\"id\":8,\"result\":{}}", LINE_GARBAGE, "" },
	{ "{\"jsonrpc\":\"2.0\"}", LINE_GARBAGE, "" },
	{ "[{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{}}]", LINE_GARBAGE, "" },
	{ "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{}} x", LINE_GARBAGE, "" },
	{ "Server is listening", LINE_GARBAGE, "" },
	{ "\033[32mok\033[0m", LINE_GARBAGE, "" },
	{ "", LINE_GARBAGE, "" },
};

Test(lines, are_told_apart_whatever_the_pieces)
{
	for (size_t piece = 1; piece < 80; piece += 13) {
		struct lines	l;

		cr_assert(eq(int, lines_init(&l), 0));
		for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
			char		whole[256];
			struct span	rest, chunk;
			struct line	line;
			int		r = 0;

			snprintf(whole, sizeof(whole), "%s\n", cases[i].text);
			rest = span_of(whole);
			while (r == 0 && rest.n > 0) {
				chunk = span_part(rest, 0, piece);
				rest = span_part(rest, chunk.n, rest.n - chunk.n);
				r = lines_next(&l, &chunk, &line);
			}
			cr_assert(eq(int, r, 1), "row %zu", i);
			cr_expect(eq(int, (int)line.kind, (int)cases[i].kind), "row %zu, piece %zu", i, piece);
			claim(line.kind == LINE_GARBAGE || span_is(line.msg.id, cases[i].id), "row %zu", i);
			cr_expect(eq(sz, line.bytes, strlen(cases[i].text)), "row %zu", i);
		}
		lines_fini(&l);
	}
}

Test(lines, finds_several_in_one_chunk)
{
	struct lines	l;
	struct line	line;
	struct span	chunk = SPAN_LIT("no\n"
			    "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{\"progressToken\":5}}\n{\"json");

	cr_assert(eq(int, lines_init(&l), 0));
	cr_assert(eq(int, lines_next(&l, &chunk, &line), 1));
	cr_expect(eq(int, (int)line.kind, LINE_GARBAGE));
	cr_assert(eq(int, lines_next(&l, &chunk, &line), 1));
	cr_expect(eq(int, (int)line.kind, LINE_NOTIFICATION));
	claim(line.msg.method == MCP_NOTE_PROGRESS && span_is(line.msg.progress_token.raw, "5"));
	cr_assert(eq(int, lines_next(&l, &chunk, &line), 0));
	claim(l.bytes == 6 && !l.bad);
	lines_fini(&l);
}

Test(lines, keeps_little_of_garbage_and_refuses_a_line_without_end)
{
	struct lines	 l;
	struct line	 line;
	struct span	 chunk;
	char		*block = malloc(1 << 20);
	int		 r = 0, blocks = 0;

	cr_assert(eq(int, lines_init(&l), 0));
	memset(block, 'x', 1 << 20);
	for (int i = 0; i < 40; i++) {
		chunk = span_make(block, 1 << 20);
		cr_assert(eq(int, lines_next(&l, &chunk, &line), 0));
	}
	claim(l.bad && l.bytes == 40u << 20 && l.used < 1000);
	chunk = SPAN_LIT("\n\"");
	cr_assert(eq(int, lines_next(&l, &chunk, &line), 1));
	cr_expect(eq(int, (int)line.kind, LINE_GARBAGE));
	cr_expect(eq(int, lines_next(&l, &chunk, &line), 0));
	while (r == 0 && blocks < 40) {
		chunk = span_make(block, 1 << 20);
		r = lines_next(&l, &chunk, &line);
		blocks++;
	}
	claim(r == E_TOOBIG && blocks == LINK_LINE_MAX >> 20);
	lines_fini(&l);
	free(block);
}
