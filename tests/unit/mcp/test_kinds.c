/* SPDX-License-Identifier: Apache-2.0
 *
 * test_kinds.c - lists of prompts, resources and templates: what is kept, and what each revision sees
 */
#include <criterion/criterion.h>
#include <stdio.h>

#include "mcp/write.h"

static struct catalogue	*cat;

static void
take(enum catalogue_kind kind, const char *list)
{
	struct json_value	v;
	struct span		cursor;

	cr_assert(catalogue_new(kind, SPAN_LIT("Files"), SPAN_LIT("fs"), &cat) == 0);
	cr_assert(json_parse(span_of(list), false, &v, NULL) == 0, "%s", list);
	cr_assert(catalogue_page(cat, v, &cursor) == 0 && catalogue_finish(cat) == 0);
}

Test(kinds, drop_what_makes_a_client_refuse_the_list)
{
	static const struct {
		enum catalogue_kind	 kind;
		const char		*item;
		enum catalogue_drop	 why;
	} rows[] = {
		{ CATALOGUE_PROMPTS, "{\"title\":\"no name\"}", CATALOGUE_DROP_NAME },
		{ CATALOGUE_PROMPTS, "{\"name\":\"a\",\"arguments\":{}}", CATALOGUE_DROP_ARGUMENTS },
		{ CATALOGUE_PROMPTS, "{\"name\":\"a\",\"arguments\":[{\"name\":\"x\"},{}]}", CATALOGUE_DROP_ARGUMENTS },
		{ CATALOGUE_RESOURCES, "{\"name\":\"no uri\"}", CATALOGUE_DROP_NAME },
		{ CATALOGUE_RESOURCES, "{\"uri\":\"a:b\"}", CATALOGUE_DROP_NAME },
		{ CATALOGUE_RESOURCES, "{\"uri\":\"\",\"name\":\"n\"}", CATALOGUE_DROP_NAME },
		{ CATALOGUE_RESOURCES, "{\"uri\":\"a\\nb\",\"name\":\"n\"}", CATALOGUE_DROP_NAME },
		{ CATALOGUE_TEMPLATES, "{\"uri\":\"a:b\",\"name\":\"n\"}", CATALOGUE_DROP_NAME },
		{ CATALOGUE_TEMPLATES, "7", CATALOGUE_DROP_NAME },
	};
	char	text[256];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(text, sizeof(text), "{\"%s\":[%s]}", catalogue_row(rows[i].kind)->member, rows[i].item);
		take(rows[i].kind, text);
		cr_expect(catalogue_count(cat) == 0 && catalogue_dropped(cat, rows[i].why) == 1, "row %zu", i);
		catalogue_free(&cat);
	}
}

Test(kinds, prompts_compose_and_uris_do_not)
{
	take(CATALOGUE_PROMPTS, "{\"prompts\":[{\"name\":\"greet\"},{\"name\":\"greet\"}]}");
	cr_assert(catalogue_count(cat) == 1 && catalogue_dropped(cat, CATALOGUE_DROP_DOUBLE) == 1);
	cr_expect(catalogue_find_composed(cat, SPAN_LIT("fs__greet")) == catalogue_at(cat, 0));
	catalogue_free(&cat);

	take(CATALOGUE_RESOURCES, "{\"resources\":[{\"name\":\"n\",\"uri\":\"file:///a b\"},{\"name\":\"n\",\"uri\":\"x:y\"}]}");
	cr_assert(catalogue_count(cat) == 2);
	cr_expect(catalogue_find(cat, SPAN_LIT("file:///a b")) == catalogue_at(cat, 0));
	cr_expect(catalogue_at(cat, 0)->composed_bytes == 0);
	cr_expect(catalogue_find_composed(cat, SPAN_LIT("file:///a b")) == NULL);
	catalogue_free(&cat);
}

static void
expect_list(enum mcp_version v, const char *want)
{
	struct mcp_list	l;
	struct buf	to;

	buf_init(&to, 64 * 1024);
	cr_assert(mcp_list_begin(&l, &to, SPAN_LIT("1"), v, catalogue_kind(cat)) == 0);
	for (size_t i = 0; i < catalogue_count(cat); i++)
		cr_assert(mcp_list_item(&l, catalogue_at(cat, i), true) == 0);
	cr_assert(mcp_list_end(&l, SPAN_NONE, 0, MCP_SCOPE_PRIVATE) == 0);
	cr_expect(span_is(buf_rest(&to), want), "%.*s\nnot\n%s", SPAN_FMT(buf_rest(&to)), want);
	buf_fini(&to);
}

#define HEAD	"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{"

Test(kinds, are_listed_as_each_revision_has_them)
{
	take(CATALOGUE_PROMPTS, "{\"prompts\":[{\"title\":\"T\",\"name\":\"greet\",\"icons\":[],\"arguments\":[]}]}");
	expect_list(MCP_2025_11_25, HEAD "\"prompts\":[{\"title\":\"T\",\"name\":\"fs__greet\",\"icons\":[],"
	    "\"arguments\":[]}]}}");
	expect_list(MCP_2025_06_18, HEAD "\"prompts\":[{\"title\":\"T\",\"name\":\"fs__greet\",\"arguments\":[]}]}}");
	expect_list(MCP_2025_03_26, HEAD "\"prompts\":[{\"name\":\"fs__greet\",\"arguments\":[]}]}}");
	catalogue_free(&cat);

	/* annotations of a resource are as old as the protocol, those of a tool are not. */
	take(CATALOGUE_RESOURCES, "{\"resources\":[{\"uri\":\"a:b\",\"name\":\"n\",\"title\":\"T\","
	    "\"annotations\":{\"priority\":1},\"execution\":5}]}");
	expect_list(MCP_2024_11_05, HEAD "\"resources\":[{\"uri\":\"a:b\",\"name\":\"n\","
	    "\"annotations\":{\"priority\":1},\"execution\":5}]}}");
	catalogue_free(&cat);

	take(CATALOGUE_TEMPLATES, "{\"resourceTemplates\":[{\"uriTemplate\":\"a:{b}\",\"name\":\"n\"}]}");
	expect_list(MCP_2025_11_25, HEAD "\"resourceTemplates\":[{\"uriTemplate\":\"a:{b}\",\"name\":\"n\"}]}}");
	catalogue_free(&cat);
}
