/* SPDX-License-Identifier: Apache-2.0
 *
 * test_toolwords.c - what of a tool is searched, and that no tool costs much
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "mcp/toolwords.h"

static struct catalogue	*cat;

static void
tear_down(void)
{
	catalogue_free(&cat);
}

TestSuite(toolwords, .fini = tear_down);

static void
make(const char *tools)
{
	struct json_value	v;
	struct span		cursor;

	cr_assert(catalogue_new(CATALOGUE_TOOLS, SPAN_LIT("Files"), SPAN_LIT("fs"), &cat) == 0);
	cr_assert(json_parse(span_of(tools), false, &v, NULL) == 0, "%.200s", tools);
	cr_assert(catalogue_page(cat, v, &cursor) == 0 && catalogue_finish(cat) == 0);
}

static double
score(const char *query, uint32_t tool)
{
	struct rank	r;

	rank_begin(&r, span_of(query));
	for (uint32_t i = 0; i < catalogue_count(cat); i++)
		(void)rank_count(&r, *catalogue_words(cat), i);
	rank_weigh(&r);
	return rank_score(&r, *catalogue_words(cat), tool);
}

Test(toolwords, are_of_name_arguments_and_description)
{
	size_t	work = 1 << 20;

	make("{\"tools\":[{\"name\":\"read\\u005ffile\",\"title\":\"untitled\",\"description\":\"One\\nof \\u00e9tats\","
	    "\"inputSchema\":{\"type\":\"object\",\"properties\":{\"maxBytes\":{\"type\":\"integer\",\"description\":"
	    "\"inner\"},\"pa\\u0074h\":{}}}},"
	    "{\"name\":\"b\",\"description\":5,\"inputSchema\":{\"type\":\"object\",\"properties\":[1]}},"
	    "{\"name\":\"file\",\"inputSchema\":{\"type\":\"object\"}}]}");
	cr_expect(!toolwords_whole(cat));
	cr_assert(toolwords_read(cat, &work) == 0 && toolwords_whole(cat));
	cr_expect(work < 1 << 20);
	for (const char *const *q = (const char *const []){ "read", "FILE", "bytes", "max", "path", "one",
	    "\xc3\xa9tats", NULL }; *q != NULL; q++)
		cr_expect(score(*q, 0) > 0, "%s", *q);
	for (const char *const *q = (const char *const []){ "untitled", "inner", "integer", "type", "fs", NULL };
	    *q != NULL; q++)
		cr_expect(score(*q, 0) == 0, "%s", *q);
	cr_expect(score("b", 1) > 0 && score("file", 1) == 0);
	cr_expect(score("file", 2) > score("file", 0), "the shorter one");
	cr_expect(score("file", 0) > score("path", 0) / 2 && score("path", 0) > score("one", 0),
	    "an argument counts more than the description");
}

Test(toolwords, are_read_in_pieces)
{
	char	*text = malloc(1 << 20), *at = text;
	size_t	 work, turns = 0;

	at += sprintf(at, "{\"tools\":[");
	for (int i = 0; i < 1000; i++)
		at += sprintf(at, "%s{\"name\":\"t%d\",\"description\":\"%0200d\",\"inputSchema\":{\"type\":\"object\"}}",
		    i > 0 ? "," : "", i, 0);
	sprintf(at, "]}");
	make(text);
	free(text);
	while (!toolwords_whole(cat)) {
		work = 10000;
		cr_assert(toolwords_read(cat, &work) == 0 && ++turns < 1000);
	}
	cr_expect(turns > 20 && turns < 200, "%zu", turns);
	work = 10000;
	cr_expect(toolwords_read(cat, &work) == 0 && work == 10000, "nothing is read twice");
}

Test(toolwords, of_a_huge_tool_are_its_first)
{
	enum { HUGE_BYTES = 4 << 20 };
	char	*text = malloc(HUGE_BYTES + 1000), *at = text;
	size_t	 work = 1 << 20;

	at += sprintf(at, "{\"tools\":[{\"name\":\"early\",\"description\":\"first ");
	for (int i = 0; i < HUGE_BYTES / 2 / 8; i++)
		at += sprintf(at, "\\u00e9\\n");
	at += sprintf(at, " last\",\"inputSchema\":{\"type\":\"object\",\"properties\":{\"argument\":{\"enum\":[");
	for (int i = 0; i < HUGE_BYTES / 4; i++)
		at += sprintf(at, "%s1", i > 0 ? "," : "");
	sprintf(at, "]}}}}]}");
	make(text);
	free(text);
	cr_assert(catalogue_count(cat) == 1 && toolwords_read(cat, &work) == 0 && toolwords_whole(cat));
	cr_expect(work > (1 << 20) - 64 * 1024, "%zu", work);
	cr_expect(score("early", 0) > 0 && score("first", 0) > 0 && score("last", 0) == 0 &&
	    score("argument", 0) == 0);
}

Test(toolwords, stay_with_a_catalogue_that_is_held)
{
	struct catalogue	*held;
	size_t			 work = 1 << 20;

	make("{\"tools\":[{\"name\":\"one\",\"inputSchema\":{\"type\":\"object\"}}]}");
	held = catalogue_hold(cat);
	cr_assert(toolwords_read(held, &work) == 0);
	catalogue_free(&cat);
	cr_expect(cat == NULL && span_is(catalogue_at(held, 0)->name, "one") && toolwords_whole(held));
	catalogue_free(&held);
	cr_expect(held == NULL);
}
