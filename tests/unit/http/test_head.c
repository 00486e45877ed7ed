/* SPDX-License-Identifier: Apache-2.0
 *
 * test_head.c - what is a head, what is refused, and that it does not matter how it comes in
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "http/head.h"

static int
parse(enum http_role role, const char *text, struct http_head *h)
{
	http_head_init(h, role);
	return http_head_parse(h, text, strlen(text));
}

static const char plain[] =
    "POST /servers/files/mcp?x=1&y HTTP/1.1\r\n"
    "Host: localhost:8080\r\n"
    "Content-Type:application/json; charset=utf-8\r\n"
    "ACCEPT: application/json,\t text/event-stream;q=0.9 \r\n"
    "Mcp-Session-Id: \t v1.abc \t\r\n"
    "X-Empty:\r\n"
    "Content-Length: 12\r\n"
    "\r\n"
    "{\"jsonrpc\":1";

static void
expect_plain(const struct http_head *h)
{
	cr_expect(span_is(http_head_method(h), "POST"));
	cr_expect(eq(int, h->method, HTTP_POST));
	cr_expect(span_is(http_head_path(h), "/servers/files/mcp"));
	cr_expect(span_is(http_head_query(h), "x=1&y"));
	cr_expect(eq(int, h->minor, 1));
	cr_expect(eq(int, h->count, 6));
	cr_expect(span_is(http_head_get(h, HTTP_HOST), "localhost:8080"));
	cr_expect(span_is(http_head_get(h, HTTP_MCP_SESSION_ID), "v1.abc"));
	cr_expect(span_is(http_head_find(h, "x-empty", NULL), ""));
	cr_expect(http_head_find(h, "x-none", NULL).p == NULL);
	cr_expect(http_head_get(h, HTTP_ORIGIN).p == NULL);
	cr_expect(http_media_is(http_head_get(h, HTTP_CONTENT_TYPE), "application/json"));
	cr_expect(http_head_lists(h, HTTP_ACCEPT, "text/event-stream"));
	cr_expect(http_head_lists(h, HTTP_ACCEPT, "application/json"));
	cr_expect(not(http_head_lists(h, HTTP_ACCEPT, "text/plain")));
	cr_expect(h->has_length && h->length == 12 && !h->chunked && h->keep_alive);
	cr_expect(eq(sz, h->head_bytes, sizeof(plain) - 1 - 12));
}

Test(head, reads_a_request)
{
	struct http_head	h;

	cr_assert(eq(int, parse(HTTP_REQUEST, plain, &h), 0));
	expect_plain(&h);
}

Test(head, does_not_care_where_the_bytes_are_split)
{
	struct http_head	 h;
	const size_t		 n = sizeof(plain) - 1;
	char			*exact;

	for (size_t cut = 0; cut < n; cut++) {
		/* A copy of the exact size, so that a sanitizer sees a read over its end. */
		exact = malloc(cut + 1);
		memcpy(exact, plain, cut);
		http_head_init(&h, HTTP_REQUEST);
		if (cut < n - 12) {
			cr_assert(eq(int, http_head_parse(&h, exact, cut), E_AGAIN), "cut at %zu", cut);
			cr_assert(eq(int, http_head_parse(&h, plain, n), 0), "cut at %zu", cut);
		} else
			cr_assert(eq(int, http_head_parse(&h, exact, cut), 0), "cut at %zu", cut);
		http_head_moved(&h, plain);
		expect_plain(&h);
		free(exact);
	}
	http_head_init(&h, HTTP_REQUEST);
	for (size_t at = 0; at < n - 12; at++)
		cr_assert(eq(int, http_head_parse(&h, plain, at), E_AGAIN), "byte %zu", at);
	cr_assert(eq(int, http_head_parse(&h, plain, n - 12), 0));
	expect_plain(&h);
}

struct row {
	int		 want;
	const char	*text;
};

#define H "Host: a\r\n"
static const struct row requests[] = {
	/* accepted */
	{ 0, "GET / HTTP/1.1\r\n" H "\r\n" },
	{ 0, "GET / HTTP/1.0\r\n\r\n" },
	{ 0, "OPTIONS * HTTP/1.1\r\n" H "\r\n" },
	{ 0, "PURGE / HTTP/1.1\r\n" H "\r\n" },
	{ 0, "GET http://A:80/x HTTP/1.1\r\nHost: a:80\r\n\r\n" },
	{ 0, "GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n" },
	{ 0, "POST / HTTP/1.1\r\n" H "Transfer-Encoding: Chunked\r\n\r\n" },
	{ 0, "POST / HTTP/1.1\r\n" H "Expect: 100-continue\r\nContent-Length: 0\r\n\r\n" },
	{ 0, "GET / HTTP/1.1\r\n" H "X: \x80\xff tab\there\r\n\r\n" },
	{ 0, "GET / HTTP/1.1\r\n" H "Accept: a/b\r\nAccept: c/d\r\n\r\n" },
	{ 0, "GET / HTTP/1.1\r\n" H "Mcp-Name: a\r\nMcp-Name: b\r\n\r\n" },
	/* lines */
	{ E_HTTP_SYNTAX, "GET / HTTP/1.1\n" "Host: a\n\n" },
	{ E_HTTP_SYNTAX, "GET / HTTP/1.1\r\nHost: a\n\r\n" },
	{ E_HTTP_SYNTAX, "GET / HTTP/1.1\r\n" H "\n" },
	{ E_HTTP_SYNTAX, "GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n" },
	{ E_HTTP_SYNTAX, "GET / HTTP/1.1\r\r\n" H "\r\n" },
	{ E_HTTP_SYNTAX, "\r\nGET / HTTP/1.1\r\n" H "\r\n" },
	{ E_HTTP_SYNTAX, " GET / HTTP/1.1\r\n" H "\r\n" },
	{ E_HTTP_SYNTAX, "\x16\x03\x01\x02\x00\x01" },
	/* the request line */
	{ E_HTTP_SYNTAX, "GET\r\n" H "\r\n" },
	{ E_HTTP_SYNTAX, "GET /\r\n" H "\r\n" },
	{ E_HTTP_SYNTAX, "GET  / HTTP/1.1\r\n" H "\r\n" },
	{ E_HTTP_SYNTAX, "GET /  HTTP/1.1\r\n" H "\r\n" },
	{ E_HTTP_SYNTAX, "GET / x HTTP/1.1\r\n" H "\r\n" },
	{ E_HTTP_SYNTAX, "GET / HTTP/1.1 \r\n" H "\r\n" },
	{ E_HTTP_SYNTAX, "GET\t/ HTTP/1.1\r\n" H "\r\n" },
	{ E_HTTP_SYNTAX, "G(T / HTTP/1.1\r\n" H "\r\n" },
	{ E_HTTP_SYNTAX, "GET x HTTP/1.1\r\n" H "\r\n" },
	{ E_HTTP_SYNTAX, "GET * HTTP/1.1\r\n" H "\r\n" },
	{ E_HTTP_SYNTAX, "GET /a#b HTTP/1.1\r\n" H "\r\n" },
	{ E_HTTP_SYNTAX, "GET /\x80 HTTP/1.1\r\n" H "\r\n" },
	{ E_HTTP_SYNTAX, "GET /a\x01 HTTP/1.1\r\n" H "\r\n" },
	{ E_HTTP_SYNTAX, "GET /a\\b HTTP/1.1\r\n" H "\r\n" },
	{ E_HTTP_SYNTAX, "CONNECT a:80 HTTP/1.1\r\n" H "\r\n" },
	{ E_HTTP_SYNTAX, "GET http://a HTTP/1.1\r\n" H "\r\n" },
	{ E_HTTP_SYNTAX, "GET http://b/x HTTP/1.1\r\n" H "\r\n" },
	{ E_HTTP_SYNTAX, "GET http://u@a/x HTTP/1.1\r\n" H "\r\n" },
	{ E_HTTP_SYNTAX, "GET / http/1.1\r\n" H "\r\n" },
	{ E_HTTP_SYNTAX, "GET / HTTP/1\r\n" H "\r\n" },
	{ E_HTTP_SYNTAX, "GET / HTTP/1.11\r\n" H "\r\n" },
	{ E_HTTP_VERSION, "GET / HTTP/1.2\r\n" H "\r\n" },
	{ E_HTTP_VERSION, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" },
	{ E_HTTP_VERSION, "GET / HTTP/0.9\r\n\r\n" },
	/* fields */
	{ E_HTTP_SYNTAX, "GET / HTTP/1.1\r\nHost : a\r\n\r\n" },
	{ E_HTTP_SYNTAX, "GET / HTTP/1.1\r\n Host: a\r\n\r\n" },
	{ E_HTTP_SYNTAX, "GET / HTTP/1.1\r\n" H "X: a\r\n b\r\n\r\n" },
	{ E_HTTP_SYNTAX, "GET / HTTP/1.1\r\n" H "X: a\r\n\tContent-Length: 3\r\n\r\n" },
	{ E_HTTP_SYNTAX, "GET / HTTP/1.1\r\n" H "X\r\n\r\n" },
	{ E_HTTP_SYNTAX, "GET / HTTP/1.1\r\n" H ": x\r\n\r\n" },
	{ E_HTTP_SYNTAX, "GET / HTTP/1.1\r\n" H "X\x80: x\r\n\r\n" },
	{ E_HTTP_SYNTAX, "GET / HTTP/1.1\r\n" H "X Y: x\r\n\r\n" },
	{ E_HTTP_SYNTAX, "GET / HTTP/1.1\r\n" H "X: a\x01z\r\n\r\n" },
	{ E_HTTP_SYNTAX, "GET / HTTP/1.1\r\n" H "X: a\x7fz\r\n\r\n" },
	{ E_HTTP_SYNTAX, "GET / HTTP/1.1\r\n" H "X: a\x0bz\r\n\r\n" },
	/* Host */
	{ E_HTTP_SYNTAX, "GET / HTTP/1.1\r\n\r\n" },
	{ E_HTTP_SYNTAX, "GET / HTTP/1.1\r\n" H "host: a\r\n\r\n" },
	{ E_HTTP_SYNTAX, "GET / HTTP/1.0\r\n" H H "\r\n" },
	{ E_HTTP_SYNTAX, "GET / HTTP/1.1\r\nHost:\r\n\r\n" },
	{ E_HTTP_SYNTAX, "GET / HTTP/1.1\r\nHost: a b\r\n\r\n" },
	{ E_HTTP_SYNTAX, "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n" },
	{ E_HTTP_SYNTAX, "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n" },
	{ E_HTTP_SYNTAX, "GET / HTTP/1.1\r\nHost: a:\r\n\r\n" },
	{ E_HTTP_SYNTAX, "GET / HTTP/1.1\r\nHost: a:8o\r\n\r\n" },
	{ E_HTTP_SYNTAX, "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n" },
	/* length and coding */
	{ E_HTTP_LENGTH, "POST / HTTP/1.1\r\n" H "Content-Length: 3\r\nContent-Length: 3\r\n\r\n" },
	{ E_HTTP_LENGTH, "POST / HTTP/1.1\r\n" H "Content-Length: 3\r\ncontent-length: 4\r\n\r\n" },
	{ E_HTTP_LENGTH, "POST / HTTP/1.1\r\n" H "Content-Length: 3, 3\r\n\r\n" },
	{ E_HTTP_LENGTH, "POST / HTTP/1.1\r\n" H "Content-Length: +3\r\n\r\n" },
	{ E_HTTP_LENGTH, "POST / HTTP/1.1\r\n" H "Content-Length: -3\r\n\r\n" },
	{ E_HTTP_LENGTH, "POST / HTTP/1.1\r\n" H "Content-Length: 0x3\r\n\r\n" },
	{ E_HTTP_LENGTH, "POST / HTTP/1.1\r\n" H "Content-Length:\r\n\r\n" },
	{ E_HTTP_LENGTH, "POST / HTTP/1.1\r\n" H "Content-Length: 3 3\r\n\r\n" },
	{ E_HTTP_LENGTH, "POST / HTTP/1.1\r\n" H "Content-Length: 99999999999999999999\r\n\r\n" },
	{ E_HTTP_LENGTH, "POST / HTTP/1.1\r\n" H "Content-Length: 9223372036854775808\r\n\r\n" },
	{ E_HTTP_LENGTH, "POST / HTTP/1.1\r\n" H "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n" },
	{ E_HTTP_LENGTH, "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n" },
	{ E_HTTP_LENGTH, "POST / HTTP/1.0\r\n" H "Transfer-Encoding: chunked\r\n\r\n" },
	{ E_HTTP_CODING, "POST / HTTP/1.1\r\n" H "Transfer-Encoding: gzip, chunked\r\n\r\n" },
	{ E_HTTP_CODING, "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked, identity\r\n\r\n" },
	{ E_HTTP_CODING, "POST / HTTP/1.1\r\n" H "Transfer-Encoding: xchunked\r\n\r\n" },
	{ E_HTTP_CODING, "POST / HTTP/1.1\r\n" H "Transfer-Encoding: \"chunked\"\r\n\r\n" },
	{ E_HTTP_CODING, "POST / HTTP/1.1\r\n" H "Transfer-Encoding:\r\n\r\n" },
	{ E_HTTP_SYNTAX, "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n" },
	{ E_HTTP_SYNTAX, "POST / HTTP/1.1\r\n" H "Transfer-Encoding : chunked\r\n\r\n" },
	{ E_HTTP_SYNTAX, "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\t\r\n\r\n" },
	{ E_HTTP_SYNTAX, "POST / HTTP/1.1\r\n" H "Transfer-Encoding:\tchunked\r\n\r\n" },
	{ E_HTTP_SYNTAX, "POST / HTTP/1.1\r\n" H "Content-Length: 3 \t\r\n\r\n" },
	{ E_HTTP_SYNTAX, "POST / HTTP/1.1\r\n" H "Transfer-Encoding\x0b: chunked\r\n\r\n" },
	{ E_HTTP_SYNTAX, "POST / HTTP/1.1\r\n" H "Expect: 200-maybe\r\n\r\n" },
	{ E_HTTP_SYNTAX, "POST / HTTP/1.1\r\n" H "Content-Type: a/b\r\nContent-Type: c/d\r\n\r\n" },
};

static void
expect_rows(enum http_role role, const struct row *rows, size_t count)
{
	struct http_head	h;
	size_t			n;
	int			got;

	for (size_t i = 0; i < count; i++) {
		cr_expect(eq(int, parse(role, rows[i].text, &h), rows[i].want), "row %zu: %s", i, rows[i].text);
		/* Byte by byte the verdict is the same, only perhaps earlier. */
		http_head_init(&h, role);
		for (n = 1, got = E_AGAIN; got == E_AGAIN && n <= strlen(rows[i].text); n++)
			got = http_head_parse(&h, rows[i].text, n);
		cr_expect(eq(int, got, rows[i].want), "row %zu in single bytes: %s", i, rows[i].text);
	}
}

static const struct row to_proxies[] = {
	{ 0, "CONNECT api.docs.example:443 HTTP/1.1\r\nHost: api.docs.example\r\n\r\n" },
	{ 0, "CONNECT [2001:db8::1]:443 HTTP/1.1\r\nHost: [2001:db8::1]:443\r\n\r\n" },
	{ 0, "CONNECT a:1 HTTP/1.0\r\n\r\n" },
	{ 0, "GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n" },
	{ E_HTTP_SYNTAX, "CONNECT api.docs.example HTTP/1.1\r\nHost: a\r\n\r\n" },
	{ E_HTTP_SYNTAX, "CONNECT api.docs.example: HTTP/1.1\r\nHost: a\r\n\r\n" },
	{ E_HTTP_SYNTAX, "CONNECT [2001:db8::1] HTTP/1.1\r\nHost: a\r\n\r\n" },
	{ E_HTTP_SYNTAX, "CONNECT u@a.example:443 HTTP/1.1\r\nHost: a\r\n\r\n" },
	{ E_HTTP_SYNTAX, "CONNECT a.example:443/ HTTP/1.1\r\nHost: a\r\n\r\n" },
	{ E_HTTP_SYNTAX, "CONNECT :443 HTTP/1.1\r\nHost: a\r\n\r\n" },
	{ E_HTTP_SYNTAX, "CONNECT  HTTP/1.1\r\nHost: a\r\n\r\n" },
	{ E_HTTP_SYNTAX, "connect a:1 HTTP/1.1\r\nHost: a\r\n\r\n" },
};

Test(head, reads_connect_for_a_proxy_alone)
{
	struct http_head	h;

	expect_rows(HTTP_PROXY_REQUEST, to_proxies, sizeof(to_proxies) / sizeof(to_proxies[0]));
	cr_expect(eq(int, parse(HTTP_REQUEST, to_proxies[0].text, &h), E_HTTP_SYNTAX));
	cr_assert(eq(int, parse(HTTP_PROXY_REQUEST, to_proxies[0].text, &h), 0));
	cr_expect(span_is(http_head_part(&h, h.target.at, h.target.bytes), "api.docs.example:443"));
}

Test(head, refuses_what_two_parsers_could_read_differently)
{
	struct http_head	h;

	expect_rows(HTTP_REQUEST, requests, sizeof(requests) / sizeof(requests[0]));
	http_head_init(&h, HTTP_REQUEST);
	cr_expect(eq(int, http_head_parse(&h, "GET / HTTP/1.1\r\n" H "X: a\0b\r\n\r\n", 38), E_HTTP_SYNTAX));
}

static const struct row responses[] = {
	{ 0, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n" },
	{ 0, "HTTP/1.1 200 \r\n\r\n" },
	{ 0, "HTTP/1.1 200\r\n\r\n" },
	{ 0, "HTTP/1.0 404 Not Found at all\r\n\r\n" },
	{ E_HTTP_SYNTAX, "HTTP/1.1 20 OK\r\n\r\n" },
	{ E_HTTP_SYNTAX, "HTTP/1.1 2000\r\n\r\n" },
	{ E_HTTP_SYNTAX, "HTTP/1.1 099 OK\r\n\r\n" },
	{ E_HTTP_SYNTAX, "HTTP/1.1 600 OK\r\n\r\n" },
	{ E_HTTP_SYNTAX, "HTTP/1.1 2x0 OK\r\n\r\n" },
	{ E_HTTP_SYNTAX, "HTTP/1.1  200 OK\r\n\r\n" },
	{ E_HTTP_SYNTAX, "HTTP/1.1 200 OK\n\n" },
	{ E_HTTP_VERSION, "HTTP/2.0 200 OK\r\n\r\n" },
	{ E_HTTP_SYNTAX, "ICY 200 OK\r\n\r\n" },
	{ E_HTTP_LENGTH, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n" },
	{ E_HTTP_LENGTH, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n" },
};

Test(head, is_as_strict_with_answers)
{
	struct http_head	h;

	expect_rows(HTTP_RESPONSE, responses, sizeof(responses) / sizeof(responses[0]));
	cr_assert(eq(int, parse(HTTP_RESPONSE, "HTTP/1.1 503 Later\r\nRetry-After: 2\r\nConnection: x, Close\r\n\r\n",
	    &h), 0));
	cr_expect(h.status == 503 && !h.keep_alive && span_is(http_head_get(&h, HTTP_RETRY_AFTER), "2"));
}

Test(head, says_how_often_a_field_came)
{
	struct http_head	h;
	unsigned		times;

	cr_assert(eq(int, parse(HTTP_REQUEST, "GET / HTTP/1.1\r\n" H
	    "Authorization: a\r\nauthorization: b\r\nX-y: 1\r\nx-Y: 2\r\n\r\n", &h), 0));
	cr_expect(eq(uint, http_head_count(&h, HTTP_AUTHORIZATION), 2));
	cr_expect(eq(uint, http_head_count(&h, HTTP_ORIGIN), 0));
	cr_expect(span_is(http_head_get(&h, HTTP_AUTHORIZATION), "a"));
	cr_expect(span_is(http_head_find(&h, "x-y", &times), "1"));
	cr_expect(eq(uint, times, 2));
}

Test(head, has_limits_of_size_and_number)
{
	static char		 text[HTTP_HEAD_BYTES_MAX + 64];
	struct http_head	 h;
	size_t			 n;

	memset(text, 'a', sizeof(text));
	memcpy(text, "GET /", 5);
	http_head_init(&h, HTTP_REQUEST);
	cr_expect(eq(int, http_head_parse(&h, text, HTTP_HEAD_BYTES_MAX - 1), E_AGAIN));
	cr_expect(eq(int, http_head_parse(&h, text, sizeof(text)), E_HTTP_HEAD));

	/* Exactly as large as allowed. */
	n = (size_t)sprintf(text, "GET / HTTP/1.1\r\n" H "X: ");
	memset(text + n, 'x', HTTP_HEAD_BYTES_MAX - 4 - n);
	memcpy(text + HTTP_HEAD_BYTES_MAX - 4, "\r\n\r\n", 4);
	http_head_init(&h, HTTP_REQUEST);
	cr_expect(eq(int, http_head_parse(&h, text, sizeof(text)), 0));
	cr_expect(eq(sz, h.head_bytes, HTTP_HEAD_BYTES_MAX));

	for (size_t fields = HTTP_HEAD_FIELDS_MAX; fields <= HTTP_HEAD_FIELDS_MAX + 1; fields++) {
		n = (size_t)sprintf(text, "GET / HTTP/1.1\r\n" H);
		for (size_t i = 1; i < fields; i++)
			n += (size_t)sprintf(text + n, "X: %zu\r\n", i);
		sprintf(text + n, "\r\n");
		cr_expect(eq(int, parse(HTTP_REQUEST, text, &h), fields == HTTP_HEAD_FIELDS_MAX ? 0 : E_HTTP_HEAD));
	}
}

Test(head, finds_a_control_at_any_place_of_a_value)
{
	char	value[40];

	for (size_t at = 1; at < sizeof(value) - 1; at++)
		for (int c = 0; c < 256; c++) {
			bool	may = c == '\t' || (c >= 0x20 && c != 0x7f);

			memset(value, 'a', sizeof(value));
			value[at] = (char)c;
			cr_expect(eq(int, http_is_value(span_make(value, sizeof(value))), may), "%d at %zu", c, at);
		}
}

Test(head, knows_names_in_any_case_and_nothing_that_is_near)
{
	static const struct {
		const char	*name;
		bool		 known;
	} rows[] = {
		{ "content-encoding", true }, { "CONTENT-ENCODING", true }, { "Content-Encoding", true },
		{ "content_encoding", false }, { "content-encodinh", false }, { "bontent-encoding", false },
		{ "content-encodin", false }, { "content-encodingg", false }, { "content-encodin~", false },
	};
	char			 text[100];
	struct http_head	 h;
	int			 n;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		n = snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: a\r\n%s: gzip\r\n\r\n", rows[i].name);
		http_head_init(&h, HTTP_REQUEST);
		cr_assert(eq(int, http_head_parse(&h, text, (size_t)n), 0));
		cr_expect(eq(int, http_head_count(&h, HTTP_CONTENT_ENCODING), rows[i].known), "%s", rows[i].name);
	}
}
