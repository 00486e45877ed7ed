/* SPDX-License-Identifier: Apache-2.0
 *
 * test_question.c - questions to a name server, and answers
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "sandbox/egress/question.h"

#define HEAD	"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
#define NAME	"\3API\4docs\7example\0"

static struct question	q;

#define PARSE(bytes)	question_parse(SPAN_LIT(bytes), &q)

Test(question, reads_a_name_and_a_type)
{
	cr_assert(eq(int, PARSE(HEAD NAME "\0\x1c\0\1"), 0));
	cr_expect(span_is(span_make(q.name, q.name_bytes), "API.docs.example"));
	cr_expect(eq(int, q.type, 28));
	cr_expect(eq(sz, q.bytes, 12 + 18 + 4));
	/* What is behind is not looked at. */
	cr_expect(eq(int, PARSE(HEAD NAME "\0\1\0\1\0\0\x29"), 0));
	cr_expect(eq(int, PARSE(HEAD "\0\0\1\0\1"), 0));
	cr_expect(eq(sz, q.name_bytes, 0));
}

Test(question, refuses_what_is_malformed)
{
	cr_expect(eq(int, PARSE("\x12\x34\x01"), E_CLOSED));
	cr_expect(eq(int, PARSE("\x12\x34\x81\x00\x00\x01\x00\x00\x00\x00\x00\x00" NAME "\0\1\0\1"), E_CLOSED));
	cr_expect(eq(int, PARSE("\x12\x34\x29\x00\x00\x01\x00\x00\x00\x00\x00\x00" NAME "\0\1\0\1"), E_VERSION));
	cr_expect(eq(int, PARSE("\x12\x34\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00" NAME "\0\1\0\1"), E_FORMAT));
	cr_expect(eq(int, PARSE("\x12\x34\x01\x00\x00\x02\x00\x00\x00\x00\x00\x00" NAME "\0\1\0\1"), E_FORMAT));
	cr_expect(eq(int, PARSE(HEAD NAME "\0\1\0"), E_FORMAT));
	cr_expect(eq(int, PARSE(HEAD NAME "\0\1\0\3"), E_VERSION));	/* another class */
	cr_expect(eq(int, PARSE(HEAD "\xc0\x0c\0\1\0\1"), E_FORMAT));
	cr_expect(eq(int, PARSE(HEAD "\3API\4do"), E_FORMAT));
	cr_expect(eq(int, PARSE(HEAD "\x40" "a\0\0\1\0\1"), E_FORMAT));
	/* One label to one reader, two to another. */
	cr_expect(eq(int, PARSE(HEAD "\10a.docs.b\7example\0\0\1\0\1"), E_FORMAT));
}

/* Lengths and the root's count: 255 bytes on the wire are 253 with dots. */
Test(question, takes_names_as_long_as_names_may_be)
{
	char	m[12 + 260 + 4] = HEAD;
	size_t	n;

	for (size_t last = 61; last <= 63; last++) {
		n = 12;
		for (int i = 0; i < 4; i++) {
			size_t	bytes = i < 3 ? 63 : last;

			m[n++] = (char)bytes;
			memset(m + n, 'a', bytes);
			n += bytes;
		}
		memcpy(m + n, "\0\0\1\0\1", 5);
		n += 5;
		cr_expect(eq(int, question_parse(span_make(m, n), &q), last == 61 ? 0 : E_FORMAT));
	}
}

Test(question, answers_with_the_question_and_one_address)
{
	static const char	message[] = HEAD NAME "\0\1\0\1" "rest";
	static const char	want[] = "\x12\x34\x85\x80\x00\x01\x00\x01\x00\x00\x00\x00" NAME "\0\1\0\1"
				    "\xc0\x0c\0\1\0\1\0\0\0\5\0\4\xc6\x12\0\7";
	const struct addr	a = { .family = AF_INET, .bytes = { 198, 18, 0, 7 } };
	uint8_t			to[QUESTION_ANSWER_MAX];
	struct span		m = span_make(message, sizeof(message) - 1);

	cr_assert(eq(int, question_parse(m, &q), 0));
	cr_expect(span_eq(span_make(to, question_answer(m, &q, RCODE_OK, &a, 5, to)), span_make(want, sizeof(want) - 1)));
	cr_expect(eq(sz, question_answer(m, &q, RCODE_NXDOMAIN, NULL, 0, to), 12 + 18 + 4));
	cr_expect(eq(int, to[3] & 15, 3));
	cr_expect(eq(int, to[7], 0));
	cr_expect(eq(sz, question_answer(m, NULL, RCODE_FORMERR, NULL, 0, to), 12));
	cr_expect(eq(int, to[5], 0));
}
