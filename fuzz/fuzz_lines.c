/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz_lines.c - what a tool may write to its stdout
 *
 * The first byte is the size of the pieces it arrives in.  Whatever the pieces, the lines are the same,
 * and what is told as an answer or request has an id within its text.
 */
#include <stdint.h>
#include <string.h>

#include "lib/bug.h"
#include "sandbox/runner/handshake.h"
#include "sandbox/runner/lines.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

struct tally {
	size_t	lines, bytes, kinds[LINE_NOTIFICATION + 1];
};

static void
look(const struct line *line, struct tally *t)
{
	const struct rpc_answer	*m = &line->msg;
	char			 text[80];
	bool			 modern;

	t->lines++;
	t->bytes += line->bytes;
	t->kinds[line->kind]++;
	if (line->kind == LINE_GARBAGE)
		return;
	BUG_ON(m->text.n > line->bytes);
	BUG_ON(m->id.n > 0 && (m->id.p < m->text.p || m->id.p + m->id.n > m->text.p + m->text.n));
	BUG_ON(line->kind == LINE_REQUEST && m->id.n == 0);
	BUG_ON(memchr(m->text.p, '\n', m->text.n) != NULL);
	BUG_ON(handshake_verdict(line) == ERA_UNKNOWN);
	if (handshake_accept(line, &modern, text, sizeof(text)) == 0)
		BUG_ON(line->kind != LINE_ANSWER || m->is_error);
	BUG_ON(strlen(text) >= sizeof(text));
}

static struct tally
run(struct span input, size_t piece)
{
	struct tally	t = { 0 };
	struct lines	l;
	struct line	line;
	struct span	chunk;

	if (lines_init(&l) != 0)
		return t;
	while (input.n > 0) {
		chunk = span_part(input, 0, piece);
		input = span_part(input, chunk.n, input.n - chunk.n);
		while (lines_next(&l, &chunk, &line) == 1)
			look(&line, &t);
	}
	lines_fini(&l);
	return t;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct tally	a, b;

	if (n < 2)
		return 0;
	a = run(span_make(data + 1, n - 1), (size_t)data[0] + 1);
	b = run(span_make(data + 1, n - 1), n);
	BUG_ON(memcmp(&a, &b, sizeof(a)) != 0);
	return 0;
}
