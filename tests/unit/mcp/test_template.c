/* SPDX-License-Identifier: Apache-2.0
 *
 * test_template.c - URIs and the templates they may come from
 */
#include <criterion/criterion.h>

#include "mcp/template.h"

Test(template, matches_what_it_may_have_made)
{
	static const struct { const char *t, *uri; bool want; } rows[] = {
		{ "demo://note/{id}", "demo://note/5", true },
		{ "demo://note/{id}", "demo://note/", false },
		{ "demo://note/{id}", "demo://note/5/6", false },
		{ "demo://note/{id}", "demo://note/5?x", false },
		{ "demo://note/{id}", "demo://notes/5", false },
		{ "demo://note/{id}", "xdemo://note/5", false },
		{ "demo://note/{id}/text", "demo://note/5/text", true },
		{ "demo://note/{id}/text", "demo://note//text", false },
		{ "file:///{+path}", "file:///a/b/c.txt", true },
		{ "file:///{path*}", "file:///a/b", true },
		{ "{scheme}://x/{+rest}/end", "http://x/a/end/b/end", true },
		{ "{scheme}://x/{+rest}/end", "http://x/a/end/b", false },
		{ "a:{b}{c}", "a:xy", true },
		{ "a:{b}{c}", "a:x", false },
		{ "a:{b}-{c}", "a:1-2-3", true },
		{ "a:b{/c}", "a:b", true },
		{ "a:b{/c}", "a:b/x", true },
		{ "a:b{/c}", "a:bx", false },
		{ "a:b{?q,r}", "a:b", true },
		{ "a:b{?q,r}", "a:b?q=1&r=/2", true },
		{ "a:b{?q,r}", "a:b?q=1#f", false },
		{ "a:b{?q}{#f}", "a:b?q=1#f", true },
		{ "a:{b", "a:{b", false },
		{ "a:b", "a:b", true },
		{ "a:b", "a:bc", false },
		{ "", "a", false },
		{ "{+a}", "", false },
	};
	uint32_t	steps;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		steps = TEMPLATE_STEPS;
		cr_expect(mcp_template_matches(span_of(rows[i].t), span_of(rows[i].uri), &steps) == rows[i].want,
		    "row %zu: %s, %s", i, rows[i].t, rows[i].uri);
		cr_expect(steps > TEMPLATE_STEPS - 1000);
	}
}

Test(template, spends_no_more_than_it_may)
{
	char		t[4096], uri[TEMPLATE_URI_MAX + 2];
	uint32_t	steps = TEMPLATE_STEPS;
	size_t		n = 0;

	while (n + 5 < sizeof(t))
		memcpy(t + n, "{+a}x", 5), n += 5;
	memset(uri, 'x', sizeof(uri));
	for (int i = 0; i < 1000; i++)
		(void)mcp_template_matches(span_make(t, n), span_make(uri, TEMPLATE_URI_MAX), &steps);
	cr_expect(steps == 0);
	cr_expect(!mcp_template_matches(SPAN_LIT("{+a}"), SPAN_LIT("x"), &steps));
	steps = TEMPLATE_STEPS;
	cr_expect(mcp_template_matches(SPAN_LIT("{+a}"), span_make(uri, TEMPLATE_URI_MAX), &steps));
	cr_expect(!mcp_template_matches(SPAN_LIT("{+a}"), span_make(uri, TEMPLATE_URI_MAX + 1), &steps));
}
