/* SPDX-License-Identifier: Apache-2.0
 *
 * test_endpoint.c - where an HTTP+SSE server wants its messages
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "upstream/endpoint.h"

struct row {
	const char	*host, *path, *uri, *want;	/* NULL: refused */
};

static const struct row rows[] = {
	{ "a.example:8080", "/sse", "/message?sessionId=1", "/message?sessionId=1" },
	{ "a.example:8080", "/sse", "http://a.example:8080/message", "/message" },
	{ "a.example:8080", "/sse", "HTTP://A.Example:8080/Message", "/Message" },
	{ "a.example:8080", "/sse", "//a.example:8080/message", "/message" },
	{ "a.example", "/sse", "http://a.example:80/message", "/message" },
	{ "a.example", "/sse", "http://a.example:/message", "/message" },
	{ "a.example:8080", "/sse", "http://a.example:08080/message", "/message" },
	{ "[::1]:8080", "/sse", "http://[::1]:8080/message", "/message" },
	{ "[::1]", "/sse", "http://[::1]/message", "/message" },
	{ "a.example", "/a/b/sse?x=1", "message?y=/../2", "/a/b/message?y=/../2" },
	{ "a.example", "/a/b/sse?x=1", "./message", "/a/b/message" },
	{ "a.example", "/a/b/sse?x=1", "../message", "/a/message" },
	{ "a.example", "/a/b/sse?x=1", "../../../../message", "/message" },
	{ "a.example", "/a/b/sse?x=1", "..", "/a/" },
	{ "a.example", "/a/b/sse?x=1", ".", "/a/b/" },
	{ "a.example", "/a/b/sse?x=1", "/c/./d/../e", "/c/e" },
	{ "a.example", "/a/b/sse?x=1", "?sessionId=1", "/a/b/sse?sessionId=1" },
	{ "a.example", "/a/b/sse?x=1", "", "/a/b/sse?x=1" },
	{ "a.example", "/a/b/sse?x=1", "#here", "/a/b/sse?x=1" },
	{ "a.example", "/a/b/sse?x=1", " /message#here ", "/message" },
	{ "a.example", "/a/b/sse?x=1", "http://a.example", "/" },
	{ "a.example", "/a/b/sse?x=1", "http://a.example?y", "/?y" },
	{ "a.example", "/sse", "/a:b//c", "/a:b//c" },
	{ "a.example", "/sse", "1:2", "/1:2" },

	{ "a.example:8080", "/sse", "http://a.example/message", NULL },
	{ "a.example:8080", "/sse", "http://a.example:8081/message", NULL },
	{ "a.example:8080", "/sse", "http://b.example:8080/message", NULL },
	{ "a.example:8080", "/sse", "http://a.example.b.example:8080/message", NULL },
	{ "a.example:8080", "/sse", "//b.example/message", NULL },
	{ "a.example:8080", "/sse", "https://a.example:8080/message", NULL },
	{ "a.example:8080", "/sse", "http://me@a.example:8080/message", NULL },
	{ "a.example:8080", "/sse", "http://a.example:8080@b.example/message", NULL },
	{ "a.example:8080", "/sse", "http:/message", NULL },
	{ "a.example:8080", "/sse", "http:message", NULL },
	{ "a.example:8080", "/sse", "http:///message", NULL },
	{ "a.example:8080", "/sse", "file:///message", NULL },
	{ "a.example:8080", "/sse", "data:x", NULL },
	{ "a.example", "/sse", "http://a.example:80x/message", NULL },
	{ "a.example", "/sse", "http://a.example:65616/message", NULL },
	{ "[::1]:8080", "/sse", "http://[::1]x:8080/message", NULL },
	{ "a.example:8080", "/sse", "/\\b.example/message", NULL },
	{ "a.example:8080", "/sse", "\\\\b.example/message", NULL },
	{ "a.example:8080", "/sse", "/a b", NULL },
	{ "a.example:8080", "/sse", "/a\nHost: b", NULL },
	{ "a.example:8080", "/sse", "/a\x7f", NULL },
	{ "a.example:8080", "/sse", "/\xc3\xa9", NULL },
};

Test(endpoint, is_of_the_origin_of_its_stream)
{
	const char	*why;
	struct buf	b;
	int		r;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct upstream_target	t = { .host = span_of(rows[i].host), .path = span_of(rows[i].path) };

		buf_init(&b, ENDPOINT_MAX);
		r = endpoint_resolve(&t, span_of(rows[i].uri), &b, &why);
		cr_expect(eq(int, r, rows[i].want == NULL ? E_UPSTREAM : 0), "row %zu", i);
		if (r == 0)
			cr_expect(span_is(buf_rest(&b), rows[i].want), "row %zu: %.*s", i, SPAN_FMT(buf_rest(&b)));
		if ((why != NULL) != (r != 0))
			cr_expect(eq(int, r, 0), "row %zu: a refusal says why", i);
		buf_fini(&b);
	}
}

Test(endpoint, is_not_too_long)
{
	static char		uri[ENDPOINT_MAX + 2];
	struct upstream_target	t = { .host = SPAN_LIT("a.example"), .path = SPAN_LIT("/sse/") };
	const char		*why;
	struct buf		b;

	memset(uri, 'a', sizeof(uri));
	uri[0] = '/';
	for (size_t n = ENDPOINT_MAX - 6; n < sizeof(uri); n++)
		for (size_t from = 0; from < 2; from++) {
			buf_init(&b, ENDPOINT_MAX);
			cr_expect(eq(int, endpoint_resolve(&t, span_make(uri + from, n - from), &b, &why),
			    n - from + (from > 0 ? t.path.n : 0) > ENDPOINT_MAX ? E_UPSTREAM : 0), "%zu from %zu", n, from);
			buf_fini(&b);
		}
}

Test(endpoint, of_a_stream_with_TLS_has_TLS)
{
	static const struct { const char *host, *uri; bool well; } tls_rows[] = {
		{ "a.example", "https://a.example/message", true },
		{ "a.example", "https://a.example:443/message", true },
		{ "a.example:443", "https://a.example/message", true },
		{ "a.example:8443", "https://a.example:8443/message", true },
		{ "a.example", "/message", true },
		{ "a.example", "//a.example/message", true },
		{ "a.example", "http://a.example/message", false },
		{ "a.example", "http://a.example:443/message", false },
		{ "a.example", "https://a.example:80/message", false },
	};
	const char	*why;
	struct buf	b;

	for (size_t i = 0; i < sizeof(tls_rows) / sizeof(tls_rows[0]); i++) {
		struct upstream_target	t = { .host = span_of(tls_rows[i].host), .path = SPAN_LIT("/sse"), .pool.site = 7 };

		buf_init(&b, ENDPOINT_MAX);
		cr_expect(eq(int, endpoint_resolve(&t, span_of(tls_rows[i].uri), &b, &why), tls_rows[i].well ? 0 : E_UPSTREAM),
		    "row %zu", i);
		buf_fini(&b);
	}
}
