/* SPDX-License-Identifier: Apache-2.0
 *
 * test_catalogue.c - tools/list pages of good, sloppy and lying servers
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "mcp/catalogue.h"
#include "mcp/schema.h"

#define OBJ	"\"inputSchema\":{\"type\":\"object\"}"

static struct catalogue	*cat;

static void
set_up(void)
{
	cr_assert(catalogue_new(CATALOGUE_TOOLS, SPAN_LIT("Files"), SPAN_LIT("fs"), &cat) == 0);
}

static void
tear_down(void)
{
	catalogue_free(&cat);
	cr_expect(cat == NULL);
}

TestSuite(catalogue, .init = set_up, .fini = tear_down);

static int
page(const char *text, struct span *cursor)
{
	struct json_value	v;

	cr_assert(json_parse(span_of(text), false, &v, NULL) == 0, "%s", text);
	return catalogue_page(cat, v, cursor);
}

Test(catalogue, keeps_tools_of_all_pages_in_order)
{
	const struct catalogue_item	*t;
	struct span			 cursor;

	cr_assert(page("{\"tools\":[ { \"name\" : \"read\", \"x\":[1, 2], " OBJ ", \"description\":\"a b\" } ,"
	    "{\"name\":\"wr\\u0069te.all\"," OBJ "}],\"nextCursor\":\"\"}", &cursor) == 0);
	cr_expect(span_is(cursor, "\"\""), "an empty cursor is one");
	cr_assert(page("{\"tools\":[{\"name\":\"last\"," OBJ "}]}", &cursor) == 0);
	cr_expect(cursor.n == 0);
	cr_assert(catalogue_finish(cat) == 0);
	cr_assert(catalogue_count(cat) == 3);
	t = catalogue_at(cat, 0);
	cr_expect(span_is(t->name, "read") && span_is(span_of(t->composed), "fs__read"));
	cr_expect(span_is(t->object.raw, "{\"name\":\"read\",\"x\":[1,2]," OBJ ",\"description\":\"a b\"}"));
	cr_expect(span_is(t->name_value.raw, "\"read\"") && json_is(t->description, "a b"));
	cr_expect(catalogue_find(cat, SPAN_LIT("write.all")) == catalogue_at(cat, 1));
	cr_expect(catalogue_find_composed(cat, span_of(catalogue_at(cat, 1)->composed)) == catalogue_at(cat, 1));
	cr_expect(catalogue_find_composed(cat, SPAN_LIT("fs__last")) == catalogue_at(cat, 2));
	cr_expect(catalogue_find(cat, SPAN_LIT("fs__last")) == NULL && catalogue_find(cat, SPAN_LIT("")) == NULL);
	cr_expect(catalogue_find_composed(cat, SPAN_LIT("last")) == NULL);
	cr_expect(catalogue_find_composed(cat, SPAN_LIT("")) == NULL);
	for (int i = 0; i < CATALOGUE_DROP_KINDS; i++)
		cr_expect(catalogue_dropped(cat, (enum catalogue_drop)i) == 0);
}

Test(catalogue, drops_what_no_client_can_use_and_says_why)
{
	static const struct { const char *tool; enum catalogue_drop why; } rows[] = {
		{ "5", CATALOGUE_DROP_NAME },
		{ "{" OBJ "}", CATALOGUE_DROP_NAME },
		{ "{\"name\":\"\"," OBJ "}", CATALOGUE_DROP_NAME },
		{ "{\"name\":7," OBJ "}", CATALOGUE_DROP_NAME },
		{ "{\"name\":\"a\\nb\"," OBJ "}", CATALOGUE_DROP_NAME },
		{ "{\"name\":\"a\\u007f\"," OBJ "}", CATALOGUE_DROP_NAME },
		{ "{\"name\":\"n1\"}", CATALOGUE_DROP_SCHEMA },
		{ "{\"name\":\"n2\",\"inputSchema\":null}", CATALOGUE_DROP_SCHEMA },
		{ "{\"name\":\"n3\",\"inputSchema\":[]}", CATALOGUE_DROP_SCHEMA },
		{ "{\"name\":\"n4\",\"inputSchema\":{}}", CATALOGUE_DROP_SCHEMA },
		{ "{\"name\":\"n5\",\"inputSchema\":{\"type\":\"string\"}}", CATALOGUE_DROP_SCHEMA },
		{ "{\"name\":\"n6\",\"inputSchema\":{\"type\":\"object\",\"x-mcp-header\":\"A\"}}",
		    CATALOGUE_DROP_HEADER },
		{ "{\"name\":\"good\"," OBJ "}", CATALOGUE_DROP_DOUBLE },
		{ "{\"name\":\"g\\u006fod\"," OBJ "}", CATALOGUE_DROP_DOUBLE },
		{ "{\"name\":\"n7\",\"n\\u0061me\":\"n8\"," OBJ "}", CATALOGUE_DROP_DOUBLE },
		{ "{\"name\":\"n9\",\"inputSchema\":{\"type\":\"object\",\"type\":\"string\"}}",
		    CATALOGUE_DROP_DOUBLE },
	};
	uint32_t	want[CATALOGUE_DROP_KINDS] = { 0 };
	struct span	cursor;
	char		text[512];

	cr_assert(page("{\"tools\":[{\"name\":\"good\"," OBJ "}]}", &cursor) == 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(text, sizeof(text), "{\"tools\":[%s]}", rows[i].tool);
		cr_assert(page(text, &cursor) == 0);
		want[rows[i].why]++;
		for (int k = 0; k < CATALOGUE_DROP_KINDS; k++)
			cr_expect(catalogue_dropped(cat, (enum catalogue_drop)k) == want[k], "row %zu kind %d", i, k);
	}
	cr_assert(catalogue_finish(cat) == 0);
	cr_expect(catalogue_count(cat) == 1);
	for (int i = 0; i < CATALOGUE_DROP_KINDS; i++)
		cr_expect(strlen(catalogue_drop_text((enum catalogue_drop)i)) > 0);
}

Test(catalogue, ends_a_walk_in_circles)
{
	struct span	cursor;

	cr_assert(page("{\"tools\":[],\"nextCursor\":\"a\"}", &cursor) == 0 && cursor.n > 0);
	cr_assert(page("{\"tools\":[],\"nextCursor\":\"b\"}", &cursor) == 0 && cursor.n > 0);
	cr_assert(page("{\"tools\":[],\"nextCursor\":\"a\"}", &cursor) == 0);
	cr_expect(cursor.n == 0);
	cr_expect(page("{\"tools\":[],\"nextCursor\":5}", &cursor) == 0 && cursor.n == 0);
}

Test(catalogue, refuses_a_result_without_tools)
{
	struct span	cursor;

	cr_expect(page("{}", &cursor) == E_UPSTREAM);
	cr_expect(page("{\"tools\":{}}", &cursor) == E_UPSTREAM);
}

Test(catalogue, stops_at_ten_thousand)
{
	struct span	cursor;
	char		*text = malloc(64 * 1001), name[32];
	size_t		 n;

	for (int p = 0; p <= 10; p++) {
		n = (size_t)sprintf(text, "{\"nextCursor\":\"%d\",\"tools\":[", p);
		for (int i = 0; i < 1000; i++)
			n += (size_t)sprintf(text + n, "%s{\"name\":\"t%d\"," OBJ "}", i == 0 ? "" : ",", p * 1000 + i);
		sprintf(text + n, "]}");
		cr_assert(page(text, &cursor) == 0);
		cr_expect((cursor.n > 0) == (p < 10), "page %d", p);
	}
	cr_assert(catalogue_finish(cat) == 0);
	cr_expect(catalogue_count(cat) == CATALOGUE_ITEMS_MAX);
	cr_expect(catalogue_dropped(cat, CATALOGUE_DROP_LIMIT) == 1000);
	for (int i = 0; i < 10000; i += 7) {
		snprintf(name, sizeof(name), "t%d", i);
		cr_expect(catalogue_find(cat, span_of(name)) == catalogue_at(cat, (size_t)i));
	}
	free(text);
}

Test(catalogue, estimates_tokens_as_characters_by_four)
{
	static const struct { const char *tool; uint32_t want; } rows[] = {
		/* {"type":"object"} has 17 characters */
		{ "{\"name\":\"abc\"," OBJ "}", 5 },
		{ "{\"name\":\"d\",\"description\":\"0123456789\"," OBJ "}", 7 },
		{ "{\"name\":\"e\",\"description\":\"\\u00e9\\n\\ud83d\\ude00\xe4\xb8\x96\\\\ab\",\"inputSchema\":"
		    "{ \"type\" : \"object\" }}", 6 },
	};
	struct span	cursor;
	char		text[512];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(text, sizeof(text), "{\"tools\":[%s]}", rows[i].tool);
		cr_assert(page(text, &cursor) == 0);
		cr_expect(catalogue_at(cat, i)->tokens == rows[i].want, "row %zu: %u", i, catalogue_at(cat, i)->tokens);
	}
}

Test(schema, judges_header_annotations)
{
#define P(s)	"{\"type\":\"object\",\"properties\":{\"a\":" s "}}"
#define H	"\"x-mcp-header\":\"A\""
	static const struct { const char *schema; bool ok; } rows[] = {
		{ P("{\"type\":\"string\"," H "}"), true },
		{ P("{\"type\":\"integer\"," H "}"), true },
		{ P("{" H ",\"type\":\"boolean\"}"), true },
		{ P("{\"type\":\"object\",\"properties\":{\"b\":{\"type\":\"string\"," H "}}}"), true },
		{ P("{\"type\":\"number\"," H "}"), false },
		{ P("{\"type\":[\"string\"]," H "}"), false },
		{ P("{" H "}"), false },
		{ P("{\"type\":\"string\",\"x-mcp-header\":\"\"}"), false },
		{ P("{\"type\":\"string\",\"x-mcp-header\":\"a b\"}"), false },
		{ P("{\"type\":\"string\",\"x-mcp-header\":\"a:b\"}"), false },
		{ P("{\"type\":\"string\",\"x-mcp-header\":\"\\u0041\"}"), false },
		{ P("{\"type\":\"string\",\"x-mcp-header\":5}"), false },
		{ P("{\"type\":\"string\"," H "},\"b\":{\"type\":\"string\",\"x-mcp-header\":\"a\"}"), false },
		{ "{\"type\":\"object\"," H "}", false },
		{ P("{\"type\":\"array\",\"items\":{\"type\":\"string\"," H "}}"), false },
		{ P("{\"type\":\"array\",\"prefixItems\":[{\"type\":\"string\"," H "}]}"), false },
		{ P("{\"type\":\"object\",\"additionalProperties\":{\"type\":\"string\"," H "}}"), false },
		{ P("{\"oneOf\":[{\"type\":\"string\"," H "}]}"), false },
		{ P("{\"not\":{\"type\":\"string\"," H "}}"), false },
		{ P("{\"if\":{\"properties\":{\"c\":{\"type\":\"string\"," H "}}}}"), false },
		{ "{\"type\":\"object\",\"$defs\":{\"d\":{\"type\":\"string\"," H "}}}", false },
		{ "{\"type\":\"object\",\"$defs\":{\"d\":{\"properties\":{\"e\":{\"type\":\"string\"," H "}}}}}",
		    false },
		/* a property that is called like the annotation, and data that looks like one */
		{ "{\"type\":\"object\",\"properties\":{\"x-mcp-header\":{\"type\":\"number\"}}}", true },
		{ P("{\"default\":{" H "},\"examples\":[{" H "}],\"enum\":[{" H "}],\"const\":{" H "}}"), true },
		{ "true", true },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct json_value	v;

		cr_assert(json_parse(span_of(rows[i].schema), true, &v, NULL) == 0, "row %zu", i);
		cr_expect(mcp_schema_headers(v, NULL, NULL) == (rows[i].ok ? 0 : E_FORMAT), "row %zu %s", i, rows[i].schema);
	}
}
