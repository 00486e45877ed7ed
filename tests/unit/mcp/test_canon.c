/* SPDX-License-Identifier: Apache-2.0
 *
 * test_canon.c - what means the same has one form, and nothing else has it
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "mcp/canon.h"

static const char *
form(const char *json, const char *const *without)
{
	static char		text[4096];
	struct json_value	v;
	struct buf		b;

	buf_init(&b, sizeof(text) - 1);
	cr_assert(eq(int, json_parse(span_of(json), true, &v, NULL), 0), "%s", json);
	cr_assert(eq(int, canon_put(&b, v, without), 0), "%s", json);
	memcpy(text, b.data, b.used);
	text[b.used] = '\0';
	buf_fini(&b);
	return text;
}

Test(canon, gives_one_form_to_what_means_the_same)
{
	static const struct { const char *form, *written[6]; } rows[] = {
		{ "{\"a\":1e0,\"b\":[true,null]}", { "{\"a\":1,\"b\":[true,null]}", " { \"b\" : [ true , null ] , \"a\" : 1.0 } ",
		    "{\"\\u0061\":10e-1,\"b\":[true,null]}", "{\"b\":[true,null],\"a\":0.1E1}" } },
		{ "\"\xc3\xa9/\"", { "\"\xc3\xa9/\"", "\"\\u00e9\\/\"" } },
		{ "0", { "0", "-0", "0.000", "0e17" } },
		{ "-12e3", { "-12000", "-1.2e4", "-12e+3", "-0.0012E7" } },
		{ "9007199254740993e0", { "9007199254740993", "9007199254740993.0" } },
		{ "{}", { "{}", "{ }" } },
		{ "[]", { "[]", "[ ]" } },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t k = 0; rows[i].written[k] != NULL; k++)
			cr_expect(eq(str, (char *)form(rows[i].written[k], NULL), (char *)rows[i].form), "%s",
			    rows[i].written[k]);
}

Test(canon, tells_apart_what_differs)
{
	static const char *const pairs[][2] = {
		{ "9007199254740993", "9007199254740992" }, { "1", "\"1\"" }, { "[1,2]", "[2,1]" },
		{ "{\"a\":1}", "{\"a\":1,\"b\":null}" }, { "[[1],2]", "[1,[2]]" }, { "1e400", "1e401" },
		{ "1e00000000000000000011", "1e00000000000000000012" }, { "-1", "1" }, { "\"\"", "[]" },
		{ "{\"a\":{\"b\":1}}", "{\"a\":1,\"b\":1}" },
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		char *one = strdup(form(pairs[i][0], NULL));

		cr_expect(ne(str, one, (char *)form(pairs[i][1], NULL)), "%s and %s", pairs[i][0], pairs[i][1]);
		free(one);
	}
}

Test(canon, leaves_members_of_the_top_object_out)
{
	static const char *const without[] = { "x", "_meta", NULL };

	cr_expect(eq(str, (char *)form("{\"x\":1,\"a\":{\"x\":2},\"_meta\":{}}", without), (char *)"{\"a\":{\"x\":2e0}}"));
}

Test(canon, has_bounds)
{
	struct json_value	v;
	struct crypt_digest	d;
	struct buf		b;

	cr_assert(json_parse(SPAN_LIT("{\"abcdefghijklmnop\":\"qrstuvwxyz\"}"), true, &v, NULL) == 0);
	buf_init(&b, 10);
	cr_expect(eq(int, canon_put(&b, v, NULL), E_TOOBIG));
	buf_fini(&b);
	cr_expect(eq(int, canon_digest("w", v, NULL, 8, &d), E_TOOBIG));
	cr_expect(eq(int, canon_digest("w", v, NULL, 80, &d), 0));
}
