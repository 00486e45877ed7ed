/* SPDX-License-Identifier: Apache-2.0
 *
 * test_sse.c - event streams, however they are cut
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

#include "http/sse.h"

/* What was delivered, as "type|data|id;" */
struct seen {
	char	text[512];
	size_t	n;
	int	answer;
};

static int
note(const struct sse_event *e, void *arg)
{
	struct seen	*s = arg;

	s->n += (size_t)snprintf(s->text + s->n, sizeof(s->text) - s->n, "%.*s|%.*s|%.*s;", SPAN_FMT(e->type),
	    SPAN_FMT(e->data), SPAN_FMT(e->id));
	return s->answer;
}

struct row {
	const char	*stream, *want;
};

static const struct row rows[] = {
	{ "data: a\n\n", "message|a|;" },
	{ "data: a\r\n\r\n", "message|a|;" },
	{ "data: a\r\r", "message|a|;" },
	{ "\xef\xbb\xbf" "data: a\n\n", "message|a|;" },
	{ "\xef\xbb" "data: a\n\n", "" },
	{ "data:a\ndata: b\ndata:  c\n\n", "message|a\nb\n c|;" },
	{ "event: x\ndata: 1\n\ndata: 2\n\n", "x|1|;message|2|;" },
	{ ": comment\n\n:\n\ndata: a\n\n", "message|a|;" },
	{ "id: 7\ndata:\n\ndata: b\n\n", "message|b|7;" },
	{ "id: 7\n\ndata: b\nid: 8\n\n", "message|b|8;" },
	{ "id: 7\nid\ndata: b\n\n", "message|b|;" },
	{ "event: endpoint\n\ndata: b\n\n", "message|b|;" },
	{ "dat: a\nDATA: b\ndata : c\n\n", "" },
	{ "data\ndata\n\n", "message|\n|;" },
	{ "data: cut off", "" },
	{ "data: no empty line\n", "" },
	{ "\n\n\r\ndata: a\n\r\n", "message|a|;" },
};

Test(sse, reads_events_however_they_are_cut)
{
	struct sse_reader	r;
	struct seen		s;
	struct span		all;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		all = span_of(rows[i].stream);
		for (size_t cut = 0; cut <= all.n; cut++) {
			s = (struct seen){ .n = 0 };
			sse_reader_init(&r, 1024, note, &s);
			cr_expect(eq(int, sse_reader_feed(&r, span_part(all, 0, cut)), 0));
			cr_expect(eq(int, sse_reader_feed(&r, span_part(all, cut, all.n)), 0));
			cr_expect(eq(str, s.text, (char *)rows[i].want), "row %zu cut at %zu", i, cut);
			sse_reader_fini(&r);
		}
		s = (struct seen){ .n = 0 };
		sse_reader_init(&r, 1024, note, &s);
		for (size_t at = 0; at < all.n; at++)
			cr_expect(eq(int, sse_reader_feed(&r, span_part(all, at, 1)), 0));
		cr_expect(eq(str, s.text, (char *)rows[i].want), "row %zu in single bytes", i);
		sse_reader_fini(&r);
	}
}

Test(sse, believes_a_retry_of_digits_only)
{
	struct sse_reader	r;
	struct seen		s = { .n = 0 };

	sse_reader_init(&r, 64, note, &s);
	cr_expect(eq(int, sse_reader_feed(&r, SPAN_LIT("retry: 12\n\nretry: 1x\n\nretry:\n\nretry: -4\n\n")), 0));
	cr_expect(eq(u64, r.retry_ms, 12));
	sse_reader_fini(&r);
}

Test(sse, resumes_after_the_last_whole_event)
{
	struct sse_reader	r;
	struct seen		s = { .n = 0 };

	sse_reader_init(&r, 64, note, &s);
	cr_expect(eq(sz, sse_reader_last_id(&r).n, 0));
	cr_expect(eq(int, sse_reader_feed(&r, SPAN_LIT("id: 7\ndata:\n\nid: 8\ndata: cut")), 0));
	cr_expect(span_is(sse_reader_last_id(&r), "7"));
	cr_expect(eq(int, sse_reader_feed(&r, SPAN_LIT(" no more\n\n")), 0));
	cr_expect(span_is(sse_reader_last_id(&r), "8"));
	sse_reader_fini(&r);
}

Test(sse, bounds_one_event)
{
	struct sse_reader	r;
	struct seen		s = { .n = 0 };

	sse_reader_init(&r, 16, note, &s);
	cr_expect(eq(int, sse_reader_feed(&r, SPAN_LIT("data: 0123456789abcdefg\n\n")), E_TOOBIG));
	sse_reader_fini(&r);
	sse_reader_init(&r, 16, note, &s);
	cr_expect(eq(int, sse_reader_feed(&r, SPAN_LIT("data: 0123")), 0));
	cr_expect(eq(int, sse_reader_feed(&r, SPAN_LIT("456789abcdefg")), E_TOOBIG));
	sse_reader_fini(&r);
	sse_reader_init(&r, 16, note, &s);
	cr_expect(eq(int, sse_reader_feed(&r, SPAN_LIT("data: 01234567\ndata: 0123456789\n")), E_TOOBIG));
	sse_reader_fini(&r);
	/* Many small ones are fine. */
	sse_reader_init(&r, 16, note, &s);
	for (int i = 0; i < 20; i++)
		cr_expect(eq(int, sse_reader_feed(&r, SPAN_LIT("data: 0123\n\n")), 0));
	sse_reader_fini(&r);
}

Test(sse, stops_when_the_reader_has_enough)
{
	struct sse_reader	r;
	struct seen		s = { .answer = E_CLOSED };

	sse_reader_init(&r, 64, note, &s);
	cr_expect(eq(int, sse_reader_feed(&r, SPAN_LIT("data: 1\n\ndata: 2\n\n")), E_CLOSED));
	cr_expect(eq(str, s.text, (char *)"message|1|;"));
	sse_reader_fini(&r);
}

Test(sse, writes_what_it_reads)
{
	struct sse_reader	r;
	struct seen		s = { .n = 0 };
	struct buf		b;

	buf_init(&b, 256);
	cr_assert(eq(int, sse_put_message(&b, SPAN_LIT("{\"a\":\n1,\r\n\"b\":2}")), 0));
	sse_reader_init(&r, 64, note, &s);
	cr_expect(eq(int, sse_reader_feed(&r, buf_rest(&b)), 0));
	cr_expect(eq(str, s.text, (char *)"message|{\"a\": 1,  \"b\":2}|;"));
	sse_reader_fini(&r);
	buf_fini(&b);
}

Test(sse, holds_little_after_a_large_event)
{
	struct sse_reader	r;
	struct seen		s = { .n = 0 };
	static char		text[1 << 20];

	memset(text, 'x', sizeof(text));
	memcpy(text, "data: ", 6);
	sse_reader_init(&r, 2 << 20, note, &s);
	for (int i = 0; i < 2; i++) {
		cr_assert(eq(int, sse_reader_feed(&r, span_make(text, sizeof(text))), 0));
		cr_expect(sse_reader_room(&r) >= sizeof(text));
		s.n = 0;
		cr_assert(eq(int, sse_reader_feed(&r, SPAN_LIT("\n\n")), 0));
		cr_expect(le(sz, sse_reader_room(&r), 128 * 1024));
		s.n = 0;
		cr_assert(eq(int, sse_reader_feed(&r, SPAN_LIT("data: small\n\n")), 0));
		cr_expect(strcmp(s.text, "message|small|;") == 0, "%s", s.text);
	}
	sse_reader_fini(&r);
}
