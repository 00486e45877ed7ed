/* SPDX-License-Identifier: Apache-2.0
 *
 * test_roots.c - which of a client's roots a server is told of
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mcp/roots.h"

static bool
is_below_a(struct span path, void *arg)
{
	cr_expect(arg != NULL && path.n > 0 && path.p[0] == '/');
	return span_is(path, "/a b") || span_starts(path, SPAN_LIT("/a b/"));
}

typedef int put_fn(struct buf *, struct json_value, mcp_root_seen_fn *, void *);

static void
expect_put(put_fn *put, const char *text, const char *want)
{
	struct json_value	v;
	struct buf		b;
	int			r;

	cr_assert(json_parse(span_of(text), false, &v, NULL) == 0, "%s", text);
	buf_init(&b, 64 * 1024);
	r = put(&b, v, is_below_a, &b);
	cr_expect(r == 0 && span_is(buf_rest(&b), want), "%d: %.*s is not %s", r, SPAN_FMT(buf_rest(&b)), want);
	buf_fini(&b);
}

Test(roots, are_those_that_are_seen)
{
	static const struct { const char *uri; bool seen; } rows[] = {
		{ "file:///a%20b", true }, { "file:///a%20b/", true }, { "file:///a b/c", true },
		{ "FILE://LocalHost/a%20b/c%2Fd/", true }, { "file:\\/\\/\\/a%20\\u0062", true },
		{ "file:///", false }, { "file:///a%20", false }, { "file:///a%20bc", false }, { "file:///a", false },
		{ "file:///a%20b/../c", false }, { "file:///a%20b/%2e%2e/c", false }, { "file:///a%20b/.", false },
		{ "file:///a%20b//c", false }, { "file:///a%20b%00", false }, { "file:///a%20b?x", false },
		{ "file:///a%20b#x", false }, { "file:///a%20b%", false }, { "file:///a%20b%2", false },
		{ "file:///a%20b%zz", false }, { "file://other/a%20b", false }, { "file:/a%20b", false },
		{ "file://localhost.example/a%20b", false }, { "file://", false }, { "https:///a%20b", false }, { "/a b", false },
		{ "", false },
	};
	char	text[256], want[256];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(text, sizeof(text), "{\"roots\":[{\"uri\":\"%s\",\"name\":\"n\"}]}", rows[i].uri);
		snprintf(want, sizeof(want), "%s", rows[i].seen ? text : "{\"roots\":[]}");
		expect_put(mcp_roots_put, text, want);
	}
}

Test(roots, stay_as_they_are_and_so_does_the_rest)
{
	expect_put(mcp_roots_put, "{ \"x\" : [1, 2.0], \"roots\" : [ {\"uri\":\"file:///b\"}, {\"name\" : \"\\u0061\",\"uri\":\"file:///a%20b\"} ,"
	    " 5, \"file:///a b\", {\"uri\":7}, {\"uri\":\"file:///a%20b/c\",\"_meta\":{}} ], \"_meta\":{} }",
	    "{\"x\":[1, 2.0],\"roots\":[{\"name\" : \"\\u0061\",\"uri\":\"file:///a%20b\"},{\"uri\":\"file:///a%20b/c\",\"_meta\":{}}],"
	    "\"_meta\":{}}");
	expect_put(mcp_roots_put, "{\"roots\":{\"0\":{\"uri\":\"file:///b\"}}}", "{\"roots\":[]}");
	expect_put(mcp_roots_put, "{\"roots\":[],\"r\\u006fots\":[{\"uri\":\"file:///b\"}]}", "{\"roots\":[],\"r\\u006fots\":[]}");
	expect_put(mcp_roots_put, "{}", "{}");
}

Test(roots, are_found_among_other_responses)
{
	expect_put(mcp_roots_put_responses, "{\"a\":{\"action\" : \"accept\"},\"b\":{\"roots\":[{\"uri\":\"file:///b\"}]},\"c\":5, \"d\":"
	    "{\"x\":{\"roots\":[{\"uri\":\"file:///b\"}]}}}",
	    "{\"a\":{\"action\" : \"accept\"},\"b\":{\"roots\":[]},\"c\":5,\"d\":{\"x\":{\"roots\":[{\"uri\":\"file:///b\"}]}}}");
}

Test(roots, of_any_length_are_bounded)
{
	char		*text = malloc(100000);
	struct buf	 b;
	struct json_value v;

	strcpy(text, "{\"roots\":[{\"uri\":\"file:///a b/\\u0061");
	memset(text + strlen(text), 'x', 90000 - strlen(text));
	strcpy(text + 90000, "\"}]}");
	expect_put(mcp_roots_put, text, "{\"roots\":[]}");
	free(text);
	cr_assert(json_parse(SPAN_LIT("{\"roots\":[{\"uri\":\"file:///a b\"}]}"), false, &v, NULL) == 0);
	for (size_t room = 0; room < v.raw.n; room++) {
		buf_init(&b, room);
		cr_expect(mcp_roots_put(&b, v, is_below_a, &b) == E_TOOBIG, "%zu", room);
		buf_fini(&b);
	}
}
