/* SPDX-License-Identifier: Apache-2.0
 *
 * test_conf.c - configuration text to a tree with positions
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "lib/conf.h"

static struct conf *
read_ok(const char *text)
{
	struct conf_error	 e;
	struct conf		*c;
	int			 r = conf_new(span_of(text), &c, &e);

	cr_assert(eq(int, r, 0), "%u:%u: %s", e.line, e.column, e.text);
	return c;
}

static const char *
path_of(const struct conf_node *n)
{
	static char	text[256];
	struct buf	b;

	buf_init(&b, 255);
	cr_assert(eq(int, conf_path(n, &b), 0));
	snprintf(text, sizeof(text), "%.*s", SPAN_FMT(buf_rest(&b)));
	buf_fini(&b);
	return text;
}

Test(conf, gives_values_positions_and_paths)
{
	static const char	 text[] =
		"// rules\n"
		"{\n"
		"\t\"agents\": {\n"
		"\t\t\"team.role\": {\"deny\": {\"tools\": {\"postgres\": [\"drop_*\", /* ä */ \"*trunc*\",],},}},\n"
		"\t\t\"ä b\": [1, true, null,], \"s\\u00e4\\\"\": -1.5e3\n"
		"\t},\n"
		"}\n";
	struct conf		*c = read_ok(text);
	const struct conf_node	*agents = conf_find(conf_top(c), "agents"), *n;

	cr_assert(agents != NULL);
	cr_expect(eq(u32, agents->count, 3));
	n = conf_find(conf_find(conf_find(conf_find(agents, "team.role"), "deny"), "tools"), "postgres");
	cr_assert(n != NULL);
	cr_expect(eq(u32, n->count, 2));
	n = n->first->next;
	cr_expect(span_is(n->text, "*trunc*"));
	cr_expect(eq(str, (char *)path_of(n), "agents.team.role.deny.tools.postgres[1]"));
	cr_expect(eq(u32, n->line, 4));
	cr_expect(eq(u32, n->column, 67));		/* in characters: the ä of the comment is one */
	n = agents->first->next;
	cr_expect(eq(str, (char *)path_of(n->first), "agents[\"ä b\"][0]"));
	cr_expect(eq(u32, n->key_column, 3));
	cr_expect(eq(u32, n->column, 10));
	cr_expect(eq(int, n->first->next->type, JSON_TRUE));
	cr_expect(eq(int, n->first->next->next->type, JSON_NULL));
	n = n->next;
	cr_expect(span_is(n->key, "sä\""));
	cr_expect(span_is(n->text, "-1.5e3"));
	cr_expect(conf_find(n, "x") == NULL);
	cr_expect(eq(str, (char *)path_of(conf_top(c)), ""));
	conf_free(&c);
}

Test(conf, says_where_and_what_is_wrong)
{
	static const struct {
		const char	*text;
		int		 error;
		unsigned	 line, column;
		const char	*says;
	} rows[] = {
		{ "", E_JSON_SYNTAX, 1, 1, "the file is empty; write {} for \"nothing\"" },
		{ "// only\n", E_JSON_SYNTAX, 2, 1, "the file is empty; write {} for \"nothing\"" },
		{ "{\"a\": [1, 2", E_JSON_SYNTAX, 1, 12, "the text ends too early: is the file whole?" },
		{ "{\"a\": \"x", E_JSON_SYNTAX, 1, 9, "the text ends too early: is the file whole?" },
		{ "{\n \"a\": 1\n \"b\": 2}", E_JSON_SYNTAX, 3, 2, "unexpected \": is a comma missing before it?" },
		{ "{\"a\" 1}", E_JSON_SYNTAX, 1, 6, "unexpected 1: is a comma missing before it?" },
		{ "[,]", E_JSON_SYNTAX, 1, 2, "unexpected ," },
		{ "[1,,]", E_JSON_SYNTAX, 1, 4, "unexpected ," },
		{ "{,}", E_JSON_SYNTAX, 1, 2, "unexpected ," },
		{ "{\"a\":,}", E_JSON_SYNTAX, 1, 6, "unexpected ," },
		{ "[1], 2", E_JSON_SYNTAX, 1, 4, "unexpected ," },
		{ "{} x", E_JSON_SYNTAX, 1, 4, "unexpected x" },
		{ "[\"a\nb\"]", E_JSON_SYNTAX, 1, 4, "the line ends inside a string: a closing \" is missing" },
		{ "[1 /* open", E_JSON_SYNTAX, 1, 4, "comment without */" },
		{ "[1 / 2]", E_JSON_SYNTAX, 1, 4, "unexpected /" },
		{ "{\"ä\": 1, \"b\": 2,\n \"ä\": 3}", E_JSON_DUPLICATE, 2, 2, "\"ä\" is given twice; first at 1:2" },
		{ "{\"a\":1,\"\\u0061\":2}", E_JSON_DUPLICATE, 1, 8, "\"a\" is given twice; first at 1:2" },
		{ "[\"\\u0000\"]", E_JSON_SYNTAX, 1, 3, "a NUL (\\u0000) is not allowed in configuration" },
		{ "{'a': 1}", E_JSON_SYNTAX, 1, 2, "unexpected '" },
		{ "[01]", E_JSON_SYNTAX, 1, 3, "unexpected 1: is a comma missing before it?" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct conf_error	 e;
		struct conf		*c;

		cr_expect(eq(int, conf_new(span_of(rows[i].text), &c, &e), rows[i].error), "row %zu", i);
		cr_expect(c == NULL);
		cr_expect(eq(u32, e.line, rows[i].line), "row %zu: %u:%u %s", i, e.line, e.column, e.text);
		cr_expect(eq(u32, e.column, rows[i].column), "row %zu: %u:%u %s", i, e.line, e.column, e.text);
		cr_expect(eq(str, e.text, (char *)rows[i].says), "row %zu", i);
	}
}

Test(conf, refuses_nul_bytes_and_too_much)
{
	struct conf_error	 e;
	struct conf		*c;
	char			*big;

	cr_expect(eq(int, conf_new(span_make("[1,\n\0]", 6), &c, &e), E_FORMAT));
	cr_expect(eq(u32, e.line, 2));
	big = calloc(1, CONF_MAX_BYTES + 1);
	cr_expect(eq(int, conf_new(span_make(big, CONF_MAX_BYTES + 1), &c, &e), E_TOOBIG));
	free(big);
}

Test(conf, finds_doubles_among_many_members)
{
	struct conf_error	 e;
	struct conf		*c;
	struct buf		 b;

	buf_init(&b, 1 << 20);
	cr_assert(eq(int, buf_put_str(&b, "{"), 0));
	for (int i = 0; i < 5000; i++)
		cr_assert(eq(int, buf_put_fmt(&b, "\"k%d\":%d,\n", i, i), 0));
	cr_assert(eq(int, conf_new(buf_rest(&b), &c, &e), E_JSON_SYNTAX));
	cr_assert(eq(int, buf_put_str(&b, "\"k4321\":0}"), 0));
	cr_expect(eq(int, conf_new(buf_rest(&b), &c, &e), E_JSON_DUPLICATE));
	cr_expect(eq(u32, e.line, 5001));
	cr_expect(eq(str, e.text, "\"k4321\" is given twice; first at 4322:1"));
	buf_fini(&b);
}

Test(conf, takes_a_byte_order_mark)
{
	struct conf	*c = read_ok("\xef\xbb\xbf{\"a\": 1}");

	cr_expect(eq(u32, conf_top(c)->first->key_column, 2));
	conf_free(&c);
}

Test(conf, reads_a_hundred_thousand_rules_quickly)
{
	struct timespec	 t0, t1;
	struct conf	*c;
	struct conf_error e;
	struct buf	 b;
	double		 ms;

	buf_init(&b, CONF_MAX_BYTES);
	cr_assert(eq(int, buf_put_str(&b, "{\"agents\":{\"a\":{\"allow\":{\"tools\":{\"s\":["), 0));
	for (int i = 0; i < 100000; i++)
		cr_assert(eq(int, buf_put_fmt(&b, "%s\"tool_number_%d\"", i > 0 ? ",\n" : "", i), 0));
	cr_assert(eq(int, buf_put_str(&b, "]}}}}}"), 0));
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t0);
	cr_assert(eq(int, conf_new(buf_rest(&b), &c, &e), 0));
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t1);
	ms = (double)(t1.tv_sec - t0.tv_sec) * 1e3 + (double)(t1.tv_nsec - t0.tv_nsec) / 1e6;
	cr_log_info("100,000 rules read in %.1f ms", ms);
	cr_expect(lt(dbl, ms, 1000.0));
	conf_free(&c);
	buf_fini(&b);
}
