/* SPDX-License-Identifier: Apache-2.0
 *
 * test_queue.c - what goes out is what was put in, and heads cannot be split
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "http/queue.h"
#include "http/write.h"

static struct span
all_of(struct http_queue *q, char *to, size_t room)
{
	struct iovec	iov[64];
	size_t		n = http_queue_iov(q, iov, 64), used = 0;

	for (size_t i = 0; i < n; i++) {
		cr_assert(iov[i].iov_len <= room - used);
		memcpy(to + used, iov[i].iov_base, iov[i].iov_len);
		used += iov[i].iov_len;
	}
	cr_assert(eq(sz, used, q->bytes));
	return span_make(to, used);
}

Test(queue, gives_back_what_was_put_in)
{
	static char		in[300000], out[300000];
	struct block_pool	pool;
	struct http_queue	q;
	size_t			put = 0, got = 0, n;
	struct iovec		iov[3];

	srandom(7);
	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (char)random();
	block_pool_init(&pool, 2);
	http_queue_init(&q, &pool);
	while (got < sizeof(in)) {
		n = (size_t)random() % 40000;
		if (n > sizeof(in) - put)
			n = sizeof(in) - put;
		cr_assert(eq(int, http_queue_put(&q, span_make(in + put, n)), 0));
		put += n;
		n = http_queue_iov(&q, iov, 3);
		for (size_t i = 0, take = (size_t)random() % 50000; i < n && take > 0; i++) {
			size_t part = iov[i].iov_len < take ? iov[i].iov_len : take;

			memcpy(out + got, iov[i].iov_base, part);
			got += part;
			take -= part;
			http_queue_drain(&q, part);
			if (part < iov[i].iov_len)
				break;
		}
		cr_assert(eq(sz, q.bytes, put - got));
	}
	cr_expect(memcmp(in, out, sizeof(in)) == 0);
	http_queue_fini(&q);
	block_pool_fini(&pool);
}

Test(queue, writes_until_the_socket_is_full_and_notices_its_end)
{
	static char		bytes[1 << 20], got[1 << 20];
	struct block_pool	pool;
	struct http_queue	q;
	int			pair[2];
	size_t			n = 0;
	ssize_t			r;

	memset(bytes, 'x', sizeof(bytes));
	cr_assert(eq(int, socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0));
	block_pool_init(&pool, 2);
	http_queue_init(&q, &pool);
	cr_assert(eq(int, http_queue_put(&q, span_make(bytes, sizeof(bytes))), 0));
	while (http_queue_write(&q, pair[0]) == E_AGAIN)
		while ((r = read(pair[1], got, sizeof(got))) > 0)
			n += (size_t)r;
	while ((r = read(pair[1], got, sizeof(got))) > 0)
		n += (size_t)r;
	cr_expect(eq(sz, n, sizeof(bytes)));
	cr_expect(eq(sz, pool.used_count, 0), "an empty queue holds nothing");
	close(pair[1]);
	cr_assert(eq(int, http_queue_put(&q, SPAN_LIT("x")), 0));
	cr_expect(eq(int, http_queue_write(&q, pair[0]), E_CLOSED));
	http_queue_fini(&q);
	block_pool_fini(&pool);
	close(pair[0]);
}

Test(write, leaves_out_fields_that_would_split_a_head)
{
	struct exchange_field	fields[] = {
		{ SPAN_LIT("X-Good"), SPAN_LIT("a b") },
		{ SPAN_LIT("X-Bad"), SPAN_LIT("a\r\nSet-Cookie: b") },
		{ SPAN_LIT("X:Bad"), SPAN_LIT("a") },
		{ SPAN_LIT("X-Nul"), SPAN_LIT("a\0b") },
	};
	struct http_out_head	h = { .status = 200, .framing = HTTP_FRAMING_LENGTH, .length = 12, .fields = fields,
	    .n = 4, .close = true };
	struct block_pool	pool;
	struct http_queue	q;
	char			text[1024];

	block_pool_init(&pool, 2);
	http_queue_init(&q, &pool);
	cr_assert(eq(int, http_write_answer(&q, &h), 0));
	cr_expect(span_is(all_of(&q, text, sizeof(text)),
	    "HTTP/1.1 200 OK\r\nX-Good: a b\r\nContent-Length: 12\r\nConnection: close\r\n\r\n"));
	http_queue_fini(&q);
	block_pool_fini(&pool);
}

Test(write, makes_requests_and_chunks)
{
	struct exchange_field	field = { SPAN_LIT("Accept"), SPAN_LIT("a/b") };
	struct http_out_head	h = { .method = SPAN_LIT("POST"), .target = SPAN_LIT("/mcp"), .host = SPAN_LIT("h:1"),
	    .framing = HTTP_FRAMING_CHUNKED, .fields = &field, .n = 1 };
	struct block_pool	pool;
	struct http_queue	q;
	char			text[1024];

	block_pool_init(&pool, 2);
	http_queue_init(&q, &pool);
	cr_assert(eq(int, http_write_request(&q, &h), 0));
	cr_assert(eq(int, http_write_chunk(&q, SPAN_LIT("0123456789abcdefX")), 0));
	cr_assert(eq(int, http_write_chunk(&q, SPAN_LIT("")), 0));
	cr_expect(span_is(all_of(&q, text, sizeof(text)),
	    "POST /mcp HTTP/1.1\r\nHost: h:1\r\nAccept: a/b\r\nTransfer-Encoding: chunked\r\n\r\n"
	    "11\r\n0123456789abcdefX\r\n"));
	http_queue_fini(&q);
	block_pool_fini(&pool);
}

Test(write, refuses_a_head_over_its_limit)
{
	static char		long_text[HTTP_BLOCK_PAYLOAD];
	struct exchange_field	field = { SPAN_LIT("X"), { long_text, sizeof(long_text) } };
	struct http_out_head	h = { .status = 200, .fields = &field, .n = 1 };
	struct block_pool	pool;
	struct http_queue	q;

	memset(long_text, 'x', sizeof(long_text));
	block_pool_init(&pool, 2);
	http_queue_init(&q, &pool);
	cr_expect(eq(int, http_write_answer(&q, &h), E_TOOBIG));
	cr_expect(eq(sz, q.bytes, 0));
	http_queue_fini(&q);
	block_pool_fini(&pool);
}

Test(write, knows_the_calendar)
{
	char		got[HTTP_DATE_BYTES], want[64];
	struct tm	tm;

	http_write_date(UINT64_C(784887151) * 1000, got);
	cr_expect(eq(str, got, (char *)"Tue, 15 Nov 1994 08:12:31 GMT"));
	/* Some 250 years in steps that hit each day of the year, leap years and centuries among them. */
	for (time_t t = 0; t < INT64_C(8000000000); t += 80000) {
		gmtime_r(&t, &tm);
		strftime(want, sizeof(want), "%a, %d %b %Y %H:%M:%S GMT", &tm);
		http_write_date((uint64_t)t * 1000 + 999, got);
		cr_assert(eq(str, got, want));
	}
}
