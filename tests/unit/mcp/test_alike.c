/* SPDX-License-Identifier: Apache-2.0
 *
 * test_alike.c - tools of one server whose names look the same have none in merged views
 */
#include <criterion/criterion.h>
#include <stdio.h>

#include "mcp/catalogue.h"

static struct catalogue *
catalogue_of(const char *names[], enum catalogue_kind kind)
{
	struct catalogue	*c;
	struct json_value	 v;
	struct span		 cursor;
	char			 text[4096];
	size_t			 n;

	cr_assert(catalogue_new(kind, SPAN_LIT("Files"), SPAN_LIT("fs"), &c) == 0);
	n = (size_t)snprintf(text, sizeof(text), "{\"%s\":[", kind == CATALOGUE_TOOLS ? "tools" : "prompts");
	for (size_t i = 0; names[i] != NULL; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s{\"name\":\"%s\",\"inputSchema\":{\"type\":\"object\"}}",
		    i > 0 ? "," : "", names[i]);
	snprintf(text + n, sizeof(text) - n, "]}");
	cr_assert(json_parse(span_of(text), true, &v, NULL) == 0);
	cr_assert(catalogue_page(c, v, &cursor) == 0 && catalogue_finish(c) == 0);
	return c;
}

Test(alike, names_stand_for_neither_tool)
{
	const char	*names[] = { "read_file", "write", "Read_File", "r\xd0\xb5" "ad_file", "list", "l1st", "other", NULL };
	struct catalogue *c = catalogue_of(names, CATALOGUE_TOOLS);
	const bool	 shown[] = { false, true, false, false, false, false, true };

	for (size_t i = 0; i < sizeof(shown); i++) {
		const struct catalogue_item	*t = catalogue_at(c, i);

		cr_expect((t->composed_bytes > 0) == shown[i], "%s", names[i]);
		/* Where its server is named it can be reached all the same. */
		cr_expect(catalogue_find(c, span_of(names[i])) == t, "%s", names[i]);
	}
	cr_expect(catalogue_find_composed(c, SPAN_LIT("fs__read_file")) == NULL);
	cr_expect(catalogue_find_composed(c, SPAN_LIT("fs__write")) != NULL);
	catalogue_free(&c);
}

Test(alike, names_of_prompts_are_nobodys_business)
{
	const char	*names[] = { "read", "Read", NULL };
	struct catalogue *c = catalogue_of(names, CATALOGUE_PROMPTS);

	cr_expect(catalogue_at(c, 0)->composed_bytes > 0 && catalogue_at(c, 1)->composed_bytes > 0);
	catalogue_free(&c);
}
