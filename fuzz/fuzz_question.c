/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz_question.c - questions to a name server: an answer is of bounded size, repeats the question, and is no
 *                   question itself
 */
#include <stdint.h>

#include "lib/bug.h"
#include "sandbox/egress/question.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const struct addr	a = { .family = AF_INET, .bytes = { 198, 18, 0, 1 } };
	struct span		m = span_make(data, n), answer;
	struct question		q, again;
	uint8_t			to[QUESTION_ANSWER_MAX];
	size_t			bytes;
	int			r = question_parse(m, &q);

	if (r == E_CLOSED)
		return 0;
	if (r != 0) {
		BUG_ON(question_answer(m, NULL, RCODE_FORMERR, NULL, 0, to) != 12 || n < 12);
		return 0;
	}
	BUG_ON(q.bytes > n || q.name_bytes > sizeof(q.name));
	bytes = question_answer(m, &q, RCODE_OK, &a, 5, to);
	BUG_ON(bytes != q.bytes + 16 || bytes > sizeof(to));
	answer = span_make(to, bytes);
	BUG_ON(question_parse(answer, &again) != E_CLOSED);
	BUG_ON(!span_eq(span_part(answer, 12, q.bytes - 12), span_part(m, 12, q.bytes - 12)));
	return 0;
}
