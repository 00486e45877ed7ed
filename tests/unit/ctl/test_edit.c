/* SPDX-License-Identifier: Apache-2.0
 *
 * test_edit.c - one place of a text is changed, and no other byte
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "ctl/files/edit.h"

struct row {
	const char	*text, *want;
};

/* The node that stands behind these keys, "" ends them. */
static const struct conf_node *
node_at(const struct conf *c, const char *a, const char *b)
{
	const struct conf_node	*n = conf_top(c);

	if (*a != '\0')
		n = conf_find(n, a);
	return n != NULL && *b != '\0' ? conf_find(n, b) : n;
}

typedef int change_fn(struct span text, const struct conf_node *n, struct span with, struct buf *out);

static void
expect_all(const struct row *rows, size_t count, const char *a, const char *b, change_fn *change, const char *with)
{
	for (size_t i = 0; i < count; i++) {
		const struct conf_node	*n;
		struct conf_error	 e;
		struct conf		*c, *again;
		struct buf		 out;

		buf_init(&out, 1 << 20);
		cr_assert(eq(int, conf_new(span_of(rows[i].text), &c, &e), 0), "row %zu: %s", i, e.text);
		n = node_at(c, a, b);
		cr_assert(n != NULL, "row %zu", i);
		cr_assert(eq(int, change(span_of(rows[i].text), n, span_of(with), &out), 0));
		cr_expect(span_eq(buf_rest(&out), span_of(rows[i].want)), "row %zu:\n%.*s", i,
		    SPAN_FMT(buf_rest(&out)));
		cr_assert(eq(int, conf_new(buf_rest(&out), &again, &e), 0), "row %zu: %s", i, e.text);
		cr_expect(eq(uint, node_at(again, a, b) != NULL, 1));
		conf_free(&again);
		conf_free(&c);
		buf_fini(&out);
	}
}

Test(edit, a_value_is_replaced_whatever_it_is)
{
	static const struct row rows[] = {
		{ "{\"s\": {\"net\": \"none\"}}", "{\"s\": {\"net\": [1]}}" },
		{ "{\"s\": {\"net\":\"a\\\"]\" /* x */, \"b\": 1}}", "{\"s\": {\"net\":[1] /* x */, \"b\": 1}}" },
		{ "{\"s\": {\"net\": [ \"]\", // ]\n {\"a\": [\"}\"]}, ] , \"b\": 1}}",
		    "{\"s\": {\"net\": [1] , \"b\": 1}}" },
		{ "{\"s\": {\"net\": true}}", "{\"s\": {\"net\": [1]}}" },
		/* A byte order mark is no column. */
		{ "\xef\xbb\xbf{\"s\": {\"net\": true}}", "\xef\xbb\xbf{\"s\": {\"net\": [1]}}" },
		{ "{\"\xc3\xa4\xc3\xa4\": \"\xe2\x82\xac\", \"s\": {\"net\": 12}}",
		    "{\"\xc3\xa4\xc3\xa4\": \"\xe2\x82\xac\", \"s\": {\"net\": [1]}}" },
		{ "// \xe2\x82\xac\n{\n\t\"s\": { /* \xe2\x82\xac */ \"net\": -1.5e3\n\t} }",
		    "// \xe2\x82\xac\n{\n\t\"s\": { /* \xe2\x82\xac */ \"net\": [1]\n\t} }" },
	};

	expect_all(rows, sizeof(rows) / sizeof(rows[0]), "s", "net", edit_replace, "[1]");
}

Test(edit, a_member_is_added_as_the_others_are_laid_out)
{
	static const struct row rows[] = {
		{ "{\"s\": {}}", "{\"s\": {\"n\": 1}}" },
		{ "{\"s\": {\"a\": 1}}", "{\"s\": {\"a\": 1, \"n\": 1}}" },
		{ "{\"s\": {\"a\": 1,}}", "{\"s\": {\"a\": 1, \"n\": 1,}}" },
		{ "{\"s\": {\"a\": 1 /* one */}}", "{\"s\": {\"a\": 1, \"n\": 1 /* one */}}" },
		{ "{\n\t\"s\": {\n\t\t\"a\": 1\n\t}\n}\n", "{\n\t\"s\": {\n\t\t\"a\": 1,\n\t\t\"n\": 1\n\t}\n}\n" },
		{ "{\n\t\"s\": {\n\t\t\"a\": 1,\n\t}\n}\n", "{\n\t\"s\": {\n\t\t\"a\": 1,\n\t\t\"n\": 1,\n\t}\n}\n" },
		{ "{\n  \"s\": {\n    \"a\": 1 // why\n  }\n}", "{\n  \"s\": {\n    \"a\": 1, // why\n    \"n\": 1\n  }\n}" },
		{ "{\n  \"s\": {\n    \"a\": 1, // why\n  }\n}", "{\n  \"s\": {\n    \"a\": 1, // why\n    \"n\": 1,\n  }\n}" },
		{ "{\n  \"s\": {\n    \"b\": 2,\n    \"a\": [1,\n2] }\n}",
		    "{\n  \"s\": {\n    \"b\": 2,\n    \"a\": [1,\n2],\n    \"n\": 1 }\n}" },
		{ "{\"s\": {\"a\": 1\n// last\n}}", "{\"s\": {\"a\": 1, \"n\": 1\n// last\n}}" },
		{ "{\r\n\"s\": {\r\n  \"a\": 1\r\n}}", "{\r\n\"s\": {\r\n  \"a\": 1,\r\n  \"n\": 1\r\n}}" },
	};

	expect_all(rows, sizeof(rows) / sizeof(rows[0]), "s", "", edit_append, "\"n\": 1");
}

Test(edit, an_element_is_added_as_the_others_are_laid_out)
{
	static const struct row rows[] = {
		{ "{\"s\": {\"net\": []}}", "{\"s\": {\"net\": [\"x\"]}}" },
		{ "{\"s\": {\"net\": [\"a\"]}}", "{\"s\": {\"net\": [\"a\", \"x\"]}}" },
		{ "{\"s\": {\"net\": [\n\t\"a\",\t// ours\n\t\"b\"\n]}}",
		    "{\"s\": {\"net\": [\n\t\"a\",\t// ours\n\t\"b\",\n\t\"x\"\n]}}" },
	};

	expect_all(rows, sizeof(rows) / sizeof(rows[0]), "s", "net", edit_append, "\"x\"");
}

Test(edit, a_member_goes_with_its_comma_and_its_line)
{
	static const struct row rows[] = {
		{ "{\"s\": {\"n\": 1}}", "{\"s\": {}}" },
		{ "{\"s\": {\"n\": 1,}}", "{\"s\": {}}" },
		{ "{\"s\": {\"a\": 1, \"n\": {\"x\": [1, 2]}, \"b\": 2}}", "{\"s\": {\"a\": 1, \"b\": 2}}" },
		{ "{\"s\": {\"a\": 1, \"n\": 1}}", "{\"s\": {\"a\": 1}}" },
		{ "{\"s\": {\"a\": 1 /* one */, \"n\": 1 }}", "{\"s\": {\"a\": 1 /* one */ }}" },
		{ "{\n\t\"s\": {\n\t\t\"a\": 1,\n\t\t\"n\": [\n\t\t\t1\n\t\t] // why\n\t}\n}\n",
		    "{\n\t\"s\": {\n\t\t\"a\": 1\n\t}\n}\n" },
		{ "{\n\t\"s\": {\n\t\t\"a\": 1, // one\n\t\t\"n\": 1,\n\t}\n}\n",
		    "{\n\t\"s\": {\n\t\t\"a\": 1, // one\n\t}\n}\n" },
		{ "{\r\n\"s\": {\r\n\"a\": 1, // one\r\n\"n\": 1\r\n}}", "{\r\n\"s\": {\r\n\"a\": 1 // one\r\n}}" },
		{ "{\n  \"s\": {\n    \"n\": 1, \"a\": 1\n  }\n}", "{\n  \"s\": {\n    \"a\": 1\n  }\n}" },
		{ "{\n  \"s\": {\n    // kept\n    \"n\": 1, /* gone */\n    \"a\": 1\n  }\n}",
		    "{\n  \"s\": {\n    // kept\n    \"a\": 1\n  }\n}" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct conf_error	 e;
		struct conf		*c, *again;
		struct buf		 out;

		buf_init(&out, 1 << 20);
		cr_assert(eq(int, conf_new(span_of(rows[i].text), &c, &e), 0), "row %zu: %s", i, e.text);
		cr_assert(eq(int, edit_remove(span_of(rows[i].text), node_at(c, "s", "n"), &out), 0));
		cr_expect(span_eq(buf_rest(&out), span_of(rows[i].want)), "row %zu:\n%.*s", i,
		    SPAN_FMT(buf_rest(&out)));
		cr_assert(eq(int, conf_new(buf_rest(&out), &again, &e), 0), "row %zu: %s", i, e.text);
		cr_expect(node_at(again, "s", "n") == NULL);
		conf_free(&again);
		conf_free(&c);
		buf_fini(&out);
	}
}

Test(edit, a_place_is_made_on_the_way_to_it)
{
	static const char *const	keys[] = { "agents", "b", "tools", "s", NULL };
	static const struct row		rows[] = {
		{ "{}", "{\"agents\": {\"b\": {\"tools\": {\"s\": [1]}}}}" },
		{ "{\"agents\": {}}", "{\"agents\": {\"b\": {\"tools\": {\"s\": [1]}}}}" },
		{ "{\"agents\": {\"b\": {\"tools\": {\"x\": []}}}}", "{\"agents\": {\"b\": {\"tools\": {\"x\": [], \"s\": [1]}}}}" },
		{ "{\n  \"agents\": {\n    \"b\": {\n      \"tools\": {\n        \"s\": [\n          0\n        ]}}}}",
		    "{\n  \"agents\": {\n    \"b\": {\n      \"tools\": {\n        \"s\": [\n          0,\n          1\n"
		    "        ]}}}}" },
		{ "{\"agents\": []}", NULL },
		{ "{\"agents\": {\"b\": {\"tools\": {\"s\": {}}}}}", NULL },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct conf_error	 e;
		struct conf		*c;
		struct buf		 out;

		buf_init(&out, 1 << 20);
		cr_assert(eq(int, conf_new(span_of(rows[i].text), &c, &e), 0), "row %zu: %s", i, e.text);
		cr_expect(eq(int, edit_put(span_of(rows[i].text), c, keys, true, SPAN_LIT("1"), &out),
		    rows[i].want == NULL ? E_FORMAT : 0), "row %zu", i);
		if (rows[i].want != NULL)
			cr_expect(span_eq(buf_rest(&out), span_of(rows[i].want)), "row %zu:\n%.*s", i,
			    SPAN_FMT(buf_rest(&out)));
		conf_free(&c);
		buf_fini(&out);
	}
}
