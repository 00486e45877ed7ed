/* SPDX-License-Identifier: Apache-2.0
 *
 * test_conf_yaml.c - YAML to a tree with positions
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/conf_yaml.h"

static struct conf *
read_ok(const char *text)
{
	struct conf_error	 e;
	struct conf		*c;
	int			 r = conf_yaml_new(span_of(text), &c, &e);

	cr_assert(eq(int, r, 0), "%u:%u: %s", e.line, e.column, e.text);
	return c;
}

static const char *
json_of(const struct conf_node *n)
{
	static char	text[2048];
	struct buf	b;

	buf_init(&b, sizeof(text) - 1);
	cr_assert(eq(int, conf_put_json(n, &b), 0));
	snprintf(text, sizeof(text), "%.*s", SPAN_FMT(buf_rest(&b)));
	buf_fini(&b);
	return text;
}

Test(conf_yaml, gives_values_positions_and_paths)
{
	struct conf		*c = read_ok(
		"# tools\n"
		"description: ä thing\n"
		"tools:\n"
		"  - name: log\n"
		"    args: [log, \"--max-count={count}\", [ -- , '{path}' ]]\n"
		"  - {name: \"s\\u00e4\", timeout_ms: 1500}\n");
	const struct conf_node	*tools = conf_find(conf_top(c), "tools"), *n;
	struct buf		 path;

	cr_assert(tools != NULL);
	cr_expect(eq(u32, tools->count, 2));
	n = conf_find(tools->first, "args")->first->next;
	cr_expect(span_is(n->text, "--max-count={count}"));
	cr_expect(eq(u32, n->line, 5));
	cr_expect(eq(u32, n->column, 17));
	n = n->next->first->next;
	buf_init(&path, 200);
	cr_assert(eq(int, conf_path(n, &path), 0));
	cr_expect(span_is(buf_rest(&path), "tools[0].args[2][1]"));
	buf_fini(&path);
	n = conf_find(tools->first->next, "timeout_ms");
	cr_expect(eq(int, (int)n->type, JSON_NUMBER));
	cr_expect(eq(u32, n->key_line, 6));
	cr_expect(eq(u32, n->key_column, 23));
	cr_expect(eq(u32, n->column, 35));
	cr_expect(eq(str, (char *)json_of(conf_top(c)),
	    "{\"description\":\"ä thing\",\"tools\":[{\"name\":\"log\",\"args\":[\"log\",\"--max-count={count}\","
	    "[\"--\",\"{path}\"]]},{\"name\":\"sä\",\"timeout_ms\":1500}]}"));
	conf_free(&c);
}

Test(conf_yaml, reads_plain_words_as_the_core_schema_does)
{
	static const struct { const char *yaml, *json; } rows[] = {
		{ "a: yes", "{\"a\":\"yes\"}" },
		{ "a: no", "{\"a\":\"no\"}" },
		{ "a: off", "{\"a\":\"off\"}" },
		{ "a: True", "{\"a\":true}" },
		{ "a: \"true\"", "{\"a\":\"true\"}" },
		{ "a: ~", "{\"a\":null}" },
		{ "a:", "{\"a\":null}" },
		{ "a: ''", "{\"a\":\"\"}" },
		{ "a: -12", "{\"a\":-12}" },
		{ "a: 1.5e3", "{\"a\":1.5e3}" },
		{ "a: 1.2.3", "{\"a\":\"1.2.3\"}" },
		{ "a: 12:30", "{\"a\":\"12:30\"}" },
		{ "a: 1_000", "{\"a\":\"1_000\"}" },
		{ "a: 2020-01-01", "{\"a\":\"2020-01-01\"}" },
		{ "yes: 1", "{\"yes\":1}" },
		{ "a: |\n  x\n  y\n", "{\"a\":\"x\\ny\\n\"}" },
		{ "\xef\xbb\xbf[1]", "[1]" },
		{ "--- {}\n...\n", "{}" },
	};
	struct conf	*c;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		c = read_ok(rows[i].yaml);
		cr_expect(eq(str, (char *)json_of(conf_top(c)), (char *)rows[i].json));
		conf_free(&c);
	}
}

Test(conf_yaml, refuses_the_rest_with_a_place)
{
	static const struct { const char *text; int error; uint32_t line, column; const char *says; } rows[] = {
		{ "", E_FORMAT, 1, 1, "empty" },
		{ "# nothing\n", E_FORMAT, 1, 1, "empty" },
		{ "a: 1\nb: &x 2\n", E_FORMAT, 2, 4, "anchors" },
		{ "a: 1\nb: *x\n", E_FORMAT, 2, 4, "aliases" },
		{ "a: !!str 1\n", E_FORMAT, 1, 4, "tags" },
		{ "a: !x {}\n", E_FORMAT, 1, 4, "tags" },
		{ "&a [1]\n", E_FORMAT, 1, 1, "anchors" },
		{ "a: 1\n---\nb: 2\n", E_FORMAT, 2, 1, "document" },
		{ "a: 1\nb: 2\na: 3\n", E_JSON_DUPLICATE, 3, 1, "first at 1:1" },
		{ "a: 0x1f\n", E_FORMAT, 1, 4, "as JSON does" },
		{ "a: 0o17\n", E_FORMAT, 1, 4, "as JSON does" },
		{ "a: 007\n", E_FORMAT, 1, 4, "as JSON does" },
		{ "a: +1\n", E_FORMAT, 1, 4, "as JSON does" },
		{ "a: .5\n", E_FORMAT, 1, 4, "as JSON does" },
		{ "a: .inf\n", E_FORMAT, 1, 4, "as JSON does" },
		{ "true: 1\n", E_FORMAT, 1, 1, "quotes" },
		{ "1: 1\n", E_FORMAT, 1, 1, "quotes" },
		{ "? [a]\n: 1\n", E_FORMAT, 1, 3, "text" },
		{ "a: \"x\\0y\"\n", E_FORMAT, 1, 4, "NUL" },
		{ "a: [1\nb: 2\n", E_FORMAT, 2, 2, "" },
		{ "a:\n\t- 1\n", E_FORMAT, 2, 1, "a tab in front; YAML wants blanks there" },
		{ "a: b\n  \tc: d\n", E_FORMAT, 2, 5, "a tab in front; YAML wants blanks there" },
		{ "a: \xff\n", E_FORMAT, 1, 1, "UTF-8" },
		{ "a: \"x\n", E_FORMAT, 2, 1, "" },
	};
	struct conf_error	 e;
	struct conf		*c;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cr_expect(eq(int, conf_yaml_new(span_of(rows[i].text), &c, &e), rows[i].error), "row %zu", i);
		cr_expect(c == NULL, "row %zu", i);
		cr_expect(strstr(e.text, rows[i].says) != NULL, "row %zu: %s", i, e.text);
		cr_expect(e.line == rows[i].line && e.column == rows[i].column, "row %zu: %u:%u %s", i, e.line,
		    e.column, e.text);
	}
}

Test(conf_yaml, bounds_size_and_depth)
{
	size_t			 n = CONF_YAML_MAX + 1;
	char			*big = malloc(n);
	struct conf_error	 e;
	struct conf		*c;

	cr_assert(big != NULL);
	memset(big, ' ', n);
	cr_expect(eq(int, conf_yaml_new(span_make(big, n), &c, &e), E_TOOBIG));
	memset(big, '[', 65);
	cr_expect(eq(int, conf_yaml_new(span_make(big, 65), &c, &e), E_JSON_DEPTH));
	memset(big, '[', 64);
	memset(big + 64, ']', 64);
	cr_assert(eq(int, conf_yaml_new(span_make(big, 128), &c, &e), 0));
	conf_free(&c);
	free(big);
}
