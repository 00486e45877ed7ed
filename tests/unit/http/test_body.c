/* SPDX-License-Identifier: Apache-2.0
 *
 * test_body.c - where a body ends
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

#include "http/body.h"

static void
begin(struct http_body *b, const char *head_text, enum http_role role, bool answers_head)
{
	struct http_head	h;

	http_head_init(&h, role);
	cr_assert(eq(int, http_head_parse(&h, head_text, strlen(head_text)), 0));
	http_body_init(b, &h, answers_head);
}

#define CHUNKED "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"

/* Feeds in pieces of `step`; the content is collected in `to`.  Returns the verdict, *left what
 * follows the body. */
static int
run(struct http_body *b, struct span bytes, size_t step, char *to, size_t *got, size_t *left)
{
	struct span	piece, data;
	size_t		at = 0;
	int		r = 0;

	*got = 0;
	while (r == 0 && at < bytes.n) {
		piece = span_part(bytes, at, step);
		at += piece.n;
		do {
			r = http_body_feed(b, &piece, &data);
			memcpy(to + *got, data.p, data.n);
			*got += data.n;
		} while (r == 0 && piece.n > 0);
		*left = bytes.n - at + piece.n;
	}
	return r;
}

Test(body, chunks_come_out_whole_however_they_are_split)
{
	static const char	text[] = "5\r\nhello\r\n06;a=\"b\"\r\n world\r\n1\r\n!\r\n0\r\nX: y\r\n\r\nGET";
	char			out[64];
	struct http_body	b;
	size_t			got, left;

	for (size_t step = 1; step < sizeof(text); step++) {
		begin(&b, CHUNKED, HTTP_REQUEST, false);
		cr_assert(eq(int, run(&b, span_of(text), step, out, &got, &left), E_EOF), "step %zu", step);
		cr_assert(got == 12 && memcmp(out, "hello world!", 12) == 0, "step %zu", step);
		cr_assert(eq(sz, left, 3), "step %zu", step);
		cr_assert(eq(int, http_body_close(&b), 0));
	}
}

struct row {
	int		 want;
	const char	*text;
};

static const struct row rows[] = {
	{ E_EOF, "0\r\n\r\n" },
	{ E_EOF, "00000\r\n\r\n" },
	{ E_EOF, "aF\r\n" },			/* filled up below */
	{ E_HTTP_SYNTAX, "\r\n" },
	{ E_HTTP_SYNTAX, "g\r\n" },
	{ E_HTTP_SYNTAX, " 1\r\nx\r\n" },
	{ E_HTTP_SYNTAX, "1 \r\nx\r\n" },
	{ E_HTTP_SYNTAX, "0x1\r\nx\r\n" },
	{ E_HTTP_SYNTAX, "+1\r\nx\r\n" },
	{ E_HTTP_SYNTAX, "-1\r\nx\r\n" },
	{ E_HTTP_SYNTAX, "1\nx\r\n" },
	{ E_HTTP_SYNTAX, "1\r\rx\r\n" },
	{ E_HTTP_SYNTAX, "1\r\nxy\r\n" },
	{ E_HTTP_SYNTAX, "1\r\nx\n" },
	{ E_HTTP_SYNTAX, "1\r\nx\ry" },
	{ E_HTTP_SYNTAX, "1;a\nb\r\nx\r\n" },
	{ E_HTTP_SYNTAX, "ffffffffffffffff1\r\n" },
	{ E_HTTP_SYNTAX, "0\r\n\n" },
	{ E_HTTP_SYNTAX, "0\r\n\r\r" },
	{ E_HTTP_SYNTAX, "0\r\n folded: x\r\n\r\n" },
	{ E_HTTP_SYNTAX, "0\r\nX: y\n\r\n" },
	{ E_HTTP_SYNTAX, "0\r\nX: \x01\r\n\r\n" },
};

Test(body, refuses_bad_chunks)
{
	static char		 text[512], out[512];
	struct http_body	 b;
	struct span		 s;
	size_t			 got, left;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t step = 1; step <= 64; step += 63) {
			s = span_of(rows[i].text);
			if (i == 2) {
				s = span_make(text, (size_t)sprintf(text, "%s%0175d\r\n0\r\n\r\n", rows[i].text, 7));
			}
			begin(&b, CHUNKED, HTTP_REQUEST, false);
			cr_expect(eq(int, run(&b, s, step, out, &got, &left), rows[i].want), "row %zu: %s", i,
			    rows[i].text);
		}
}

Test(body, limits_what_is_not_content)
{
	static char		 text[4 * HTTP_CHUNK_OVERHEAD_MAX], out[4 * HTTP_CHUNK_OVERHEAD_MAX];
	struct http_body	 b;
	size_t			 n, got, left;

	memset(text, 'a', sizeof(text));
	memcpy(text, "1;", 2);
	begin(&b, CHUNKED, HTTP_REQUEST, false);
	cr_expect(eq(int, run(&b, span_make(text, sizeof(text)), 999, out, &got, &left), E_HTTP_HEAD));
	memcpy(text, "0\r\n", 3);
	begin(&b, CHUNKED, HTTP_REQUEST, false);
	cr_expect(eq(int, run(&b, span_make(text, sizeof(text)), 999, out, &got, &left), E_HTTP_HEAD));
	for (n = 0; n + 6 < sizeof(text); n += 6)
		memcpy(text + n, "1\r\nx\r\n", 6);
	begin(&b, CHUNKED, HTTP_REQUEST, false);
	cr_expect(eq(int, run(&b, span_make(text, n), 999, out, &got, &left), E_HTTP_HEAD));
}

Test(body, ends_where_its_kind_says)
{
	struct http_body	b;
	char			out[16];
	size_t			got, left;

	begin(&b, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n", HTTP_REQUEST, false);
	cr_expect(eq(sz, http_body_left(&b), 3));
	cr_expect(eq(int, run(&b, SPAN_LIT("ab"), 9, out, &got, &left), 0));
	cr_expect(eq(int, http_body_close(&b), E_SHORT));
	cr_expect(eq(int, run(&b, SPAN_LIT("cd"), 9, out, &got, &left), E_EOF));
	cr_expect(got == 1 && left == 1);

	begin(&b, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", HTTP_REQUEST, false);
	cr_expect(eq(sz, http_body_left(&b), 0));
	cr_expect(eq(int, b.kind, HTTP_BODY_NONE));

	begin(&b, "HTTP/1.1 200 OK\r\n\r\n", HTTP_RESPONSE, false);
	cr_expect(eq(int, run(&b, SPAN_LIT("abc"), 1, out, &got, &left), 0));
	cr_expect(eq(int, http_body_close(&b), 0));
	cr_expect(eq(sz, got, 3));

	begin(&b, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", HTTP_RESPONSE, true);
	cr_expect(eq(int, b.kind, HTTP_BODY_NONE));
	begin(&b, "HTTP/1.1 204 No\r\n\r\n", HTTP_RESPONSE, false);
	cr_expect(eq(int, b.kind, HTTP_BODY_NONE));
}
