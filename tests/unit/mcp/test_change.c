/* SPDX-License-Identifier: Apache-2.0
 *
 * test_change.c - tools and arguments as an operator changes them
 */
#include <criterion/criterion.h>

#include "mcp/catalogue.h"
#include "mcp/change.h"

static const struct mcp_argument	arguments[] = {
	{ SPAN_LIT("\"mode\""), SPAN_LIT("\"ro\""), true }, { SPAN_LIT("\"li\\\"mit\""), SPAN_LIT("[10]"), false },
	{ SPAN_LIT("\"deep\""), SPAN_LIT("{\"a\":1}"), true },
};
static const struct mcp_change		change = { .arguments = arguments, .count = 3 };

Test(change, sets_and_fills_in_arguments_and_leaves_the_other_bytes)
{
	static const struct { const char *given, *want; } rows[] = {
		{ "{}", "{\"mode\":\"ro\",\"li\\\"mit\":[10],\"deep\":{\"a\":1}}" },
		{ "{ }", "{ \"mode\":\"ro\",\"li\\\"mit\":[10],\"deep\":{\"a\":1}}" },
		{ "", "{\"mode\":\"ro\",\"li\\\"mit\":[10],\"deep\":{\"a\":1}}" },
		{ "{\"x\" : 1.0e2 }", "{\"x\" : 1.0e2 ,\"mode\":\"ro\",\"li\\\"mit\":[10],\"deep\":{\"a\":1}}" },
		{ "{\"mode\":\"rw\"}", "{\"mode\":\"ro\",\"li\\\"mit\":[10],\"deep\":{\"a\":1}}" },
		{ "{\"mode\":null,\"li\\\"mit\":null,\"deep\":0}", "{\"mode\":\"ro\",\"li\\\"mit\":null,\"deep\":{\"a\":1}}" },
		{ "{\"mo\\u0064e\":{\"mode\":[\"}\"]},\"li\\u0022mit\":7,\"deep\":[]}",
		    "{\"mo\\u0064e\":\"ro\",\"li\\u0022mit\":7,\"deep\":{\"a\":1}}" },
		/* whoever reads the last one, or the first, reads what was set */
		{ "{\"deep\":1,\"mode\":\"a\",\"mode\":\"b\",\"li\\\"mit\":1,\"deep\":2}",
		    "{\"deep\":{\"a\":1},\"mode\":\"ro\",\"mode\":\"ro\",\"li\\\"mit\":1,\"deep\":{\"a\":1}}" },
		{ "{\"Mode\":1,\"mode \":2,\"x\":{\"mode\":3},\"deep\":0,\"mode\":0,\"li\\\"mit\":0}",
		    "{\"Mode\":1,\"mode \":2,\"x\":{\"mode\":3},\"deep\":{\"a\":1},\"mode\":\"ro\",\"li\\\"mit\":0}" },
	};
	struct json_value	given, out;
	struct arena		a;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		given = (struct json_value){ JSON_NONE, SPAN_NONE };
		if (rows[i].given[0] != '\0')
			cr_assert(json_parse(span_of(rows[i].given), false, &given, NULL) == 0, "row %zu", i);
		arena_init(&a, NULL, 0, 1 << 20);
		cr_assert(mcp_change_arguments(&change, given, &a, &out) == 0, "row %zu", i);
		cr_expect(span_is(out.raw, rows[i].want), "row %zu: %.*s", i, SPAN_FMT(out.raw));
		arena_fini(&a);
	}
}

#define SCHEMA(properties, required) "\"inputSchema\":{\"type\":\"object\",\"properties\":{" properties "},\"required\":[" \
	required "],\"additionalProperties\":false}"

static bool
change_of(struct span tool, struct mcp_change *out, void *arg)
{
	(void)arg;
	*out = (struct mcp_change){ 0 };
	if (span_is(tool, "taken"))
		out->taken = true;
	else if (span_is(tool, "query"))
		*out = (struct mcp_change){ .name = SPAN_LIT("sql"), .description = SPAN_LIT("\"mine\""),
		    .annotations = SPAN_LIT("{\"title\":\"T\"}"), .arguments = arguments, .count = 3 };
	else
		return false;
	return true;
}

Test(change, shows_tools_otherwise_and_keeps_what_their_server_says)
{
	static const char page[] = "{\"tools\":[{\"name\":\"query\"," SCHEMA("\"mode\":{\"type\":\"string\",\"x-mcp-header\":"
	    "\"Mode\"},\"li\\\"mit\":{\"default\":1,\"type\":\"array\"},\"q\":{}", "\"q\",\"mode\",\"li\\\"mit\"")
	    "},{\"name\":\"taken\",\"inputSchema\":{\"type\":\"object\"}},{\"name\":\"own\",\"inputSchema\":{\"type\":"
	    "\"object\"},\"annotations\":{}}]}";
	const struct catalogue_item	*t;
	struct catalogue		*c;
	struct json_value		 v;
	struct span			 cursor;

	cr_assert(catalogue_new(CATALOGUE_TOOLS, SPAN_LIT("S"), SPAN_LIT("s"), &c) == 0);
	catalogue_changes(c, change_of, NULL);
	cr_assert(json_parse(span_of(page), true, &v, NULL) == 0);
	cr_assert(catalogue_page(c, v, &cursor) == 0 && catalogue_finish(c) == 0 && catalogue_count(c) == 3);
	t = catalogue_find(c, SPAN_LIT("query"));
	cr_assert(t != NULL && span_is(t->shown, "sql") && span_is(span_of(t->composed), "s__sql") && t->fills);
	cr_expect(span_is(t->object.raw, "{\"name\":\"sql\"," SCHEMA("\"li\\\"mit\":{\"type\":\"array\",\"default\":[10]},\"q\":{}",
	    "\"q\"") ",\"description\":\"mine\",\"annotations\":{\"title\":\"T\"}}"), "%.*s", SPAN_FMT(t->object.raw));
	cr_expect(json_is(json_get(t->definition, "name"), "query") && json_get(t->definition, "description").type ==
	    JSON_NONE);
	cr_expect(t->param_count == 1 && t->asked_count == 0);
	cr_expect(catalogue_find_composed(c, SPAN_LIT("s__sql")) == t && catalogue_find(c, SPAN_LIT("sql")) == NULL);
	cr_expect(catalogue_find_composed(c, SPAN_LIT("s__query")) == NULL);
	t = catalogue_find(c, SPAN_LIT("taken"));
	cr_expect(t != NULL && t->shown.n == 0 && t->composed_bytes == 0);
	t = catalogue_find(c, SPAN_LIT("own"));
	cr_expect(t != NULL && t->object.raw.p == t->definition.raw.p && !t->fills && span_is(t->shown, "own"));
	catalogue_free(&c);
}
