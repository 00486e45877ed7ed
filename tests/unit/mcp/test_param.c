/* SPDX-License-Identifier: Apache-2.0
 *
 * test_param.c - Mcp-Param-*: what a schema asks for, and which header says which argument (mcp-wire 5)
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "mcp/catalogue.h"
#include "mcp/param.h"

static struct arena	arena;

static void
set_up(void)
{
	arena_init(&arena, NULL, 0, 1 << 20);
}

static void
tear_down(void)
{
	arena_fini(&arena);
}

TestSuite(param, .init = set_up, .fini = tear_down);

static struct json_value
json(const char *text)
{
	struct json_value	v;

	cr_assert(json_parse(span_of(text), false, &v, NULL) == 0, "%s", text);
	return v;
}

static const struct mcp_param *
params_of(const char *schema, uint8_t *count)
{
	const struct mcp_param	*p;

	cr_assert(mcp_params_read(json(schema), &arena, &p, count) == 0, "%s", schema);
	return p;
}

Test(param, are_read_with_the_way_to_their_values)
{
	uint8_t			 n;
	const struct mcp_param	*p = params_of("{\"type\":\"object\",\"properties\":{"
	    "\"plain\":{\"type\":\"string\"},"
	    "\"region\":{\"type\":\"string\",\"x-mcp-header\":\"Region\"},"
	    "\"a\":{\"type\":\"object\",\"properties\":{\"b\\u002e\\\"\":{\"properties\":{"
	    "\"c\":{\"type\":\"integer\",\"x-mcp-header\":\"Deep\"}}},"
	    "\"d\":{\"type\":\"boolean\",\"x-mcp-header\":\"a.b\"}}}}}", &n);

	cr_assert(n == 3);
	cr_expect_str_eq(p[0].field, "Mcp-Param-Region");
	cr_expect_str_eq(p[0].path[0], "region");
	cr_expect(p[0].path[1] == NULL);
	cr_expect_str_eq(p[1].field, "Mcp-Param-Deep");
	cr_expect_str_eq(p[1].path[0], "a");
	cr_expect_str_eq(p[1].path[1], "b.\"");
	cr_expect_str_eq(p[1].path[2], "c");
	cr_expect(p[1].path[3] == NULL);
	cr_expect_str_eq(p[2].field, "Mcp-Param-a.b");
	cr_expect_str_eq(p[2].path[1], "d");
	(void)params_of("{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"}}}", &n);
	cr_expect(n == 0);
	cr_expect(mcp_params_read(json("{\"x-mcp-header\":\"A\"}"), &arena, &p, &n) == E_FORMAT && n == 0);
}

Test(param, are_kept_with_the_tool_that_has_them)
{
	struct catalogue	*c;
	struct span		 cursor;
	const struct catalogue_item *t;

	cr_assert(catalogue_new(CATALOGUE_TOOLS, SPAN_LIT("s"), SPAN_LIT("s"), &c) == 0);
	cr_assert(catalogue_page(c, json("{\"tools\":[{\"name\":\"none\",\"inputSchema\":{\"type\":\"object\"}},"
	    "{\"name\":\"one\",\"inputSchema\":{\"type\":\"object\",\"properties\":"
	    "{\"a\":{\"type\":\"string\",\"x-mcp-header\":\"A\"}}}}]}"), &cursor) == 0);
	cr_assert(catalogue_finish(c) == 0);
	cr_expect(catalogue_find(c, SPAN_LIT("none"))->param_count == 0);
	t = catalogue_find(c, SPAN_LIT("one"));
	cr_assert(t->param_count == 1);
	cr_expect_str_eq(t->params[0].field, "Mcp-Param-A");
	catalogue_free(&c);
}

/* One tool with this many annotations, each at the end of a long path. */
static size_t
put_wide(char *to, size_t room, const char *name, int number, int annotations)
{
	size_t	n = (size_t)snprintf(to, room, "{\"name\":\"%s%d\",\"inputSchema\":{\"type\":\"object\"", name, number);

	for (int d = 0; d < 25; d++)
		n += (size_t)snprintf(to + n, room - n, ",\"properties\":{\"k\":{\"type\":\"object\"");
	n += (size_t)snprintf(to + n, room - n, ",\"properties\":{");
	for (int i = 0; i < annotations; i++)
		n += (size_t)snprintf(to + n, room - n, "%s\"p%d\":{\"type\":\"string\",\"x-mcp-header\":\"H%d\"}",
		    i == 0 ? "" : ",", i, i);
	n += (size_t)snprintf(to + n, room - n, "}");
	for (int d = 0; d < 25; d++)
		n += (size_t)snprintf(to + n, room - n, "}}");
	return n + (size_t)snprintf(to + n, room - n, "}},");
}

/* What we keep of a schema can be more than its text: a tool over the bounds is dropped, not the list. */
Test(param, that_fill_the_catalogue_cost_their_tools_alone)
{
	struct catalogue	*c;
	struct span		 cursor;
	size_t			 n = 0, room = 8 << 20;
	char			*text = malloc(room);

	n += (size_t)snprintf(text, room, "{\"tools\":[");
	n += put_wide(text + n, room - n, "too_wide", 0, 33);
	for (int i = 0; i < 1200; i++)
		n += put_wide(text + n, room - n, "wide", i, 32);
	snprintf(text + n, room - n, "{\"name\":\"good\",\"inputSchema\":{\"type\":\"object\"}}]}");
	cr_assert(catalogue_new(CATALOGUE_TOOLS, SPAN_LIT("s"), SPAN_LIT("s"), &c) == 0);
	cr_assert(catalogue_page(c, json(text), &cursor) == 0);
	cr_assert(catalogue_finish(c) == 0);
	cr_expect(catalogue_dropped(c, CATALOGUE_DROP_HEADER) == 1, "33 annotations");
	cr_expect(catalogue_dropped(c, CATALOGUE_DROP_LIMIT) > 0, "the arena was full");
	cr_expect(catalogue_find(c, SPAN_LIT("wide0"))->param_count == 32);
	catalogue_free(&c);
	free(text);
}

Test(param, stand_at_one_exact_path)
{
	uint8_t			 n;
	const struct mcp_param	*p = params_of("{\"properties\":{\"a\":{\"properties\":"
	    "{\"b\":{\"type\":\"string\",\"x-mcp-header\":\"B\"}}}}}", &n);
	static const struct { const char *arguments; int error; const char *value; } rows[] = {
		{ "{\"a\":{\"b\":\"x\"}}", 0, "\"x\"" },
		{ "{\"c\":[{}],\"a\":{\"b\":[1]}}", 0, "[1]" },
		{ "{\"\\u0061\":{\"\\u0062\":\"x\"}}", 0, "\"x\"" },
		{ "{\"b\":\"x\"}", 0, NULL },
		{ "{\"a.b\":\"x\"}", 0, NULL },
		{ "{\"a\":\"b\"}", 0, NULL },
		{ "{\"a\":[{\"b\":\"x\"}]}", 0, NULL },
		{ "{\"a\":{\"b\":null}}", 0, NULL },
		{ "{\"a\":null}", 0, NULL },
		{ "{\"a\":{\"B\":\"x\"}}", 0, NULL },
		{ "{}", 0, NULL },
		/* who reads the first and who reads the last would see different calls */
		{ "{\"a\":{\"b\":\"x\",\"b\":\"y\"}}", E_RPC_PARAMS, NULL },
		{ "{\"a\":{\"b\":\"x\",\"\\u0062\":\"x\"}}", E_RPC_PARAMS, NULL },
		{ "{\"a\":{},\"a\":{\"b\":\"x\"}}", E_RPC_PARAMS, NULL },
		{ "{\"a\":{\"b\":null,\"b\":\"x\"}}", E_RPC_PARAMS, NULL },
		{ "{\"c\":1,\"c\":2,\"a\":{\"b\":\"x\"}}", 0, "\"x\"" },
	};
	struct json_value	 v;

	cr_assert(n == 1);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cr_expect(mcp_param_find(p, json(rows[i].arguments), &v) == rows[i].error, "row %zu", i);
		if (rows[i].error != 0)
			continue;
		cr_expect((v.type == JSON_NONE) == (rows[i].value == NULL), "row %zu", i);
		if (rows[i].value != NULL)
			cr_expect(span_is(v.raw, rows[i].value), "row %zu: %.*s", i, SPAN_FMT(v.raw));
	}
	cr_expect(mcp_param_find(p, (struct json_value){ JSON_NONE, SPAN_NONE }, &v) == 0 && v.type == JSON_NONE);
}

#define MAX	"9007199254740991"
#define ZEROS	"00000000000000000000"

/* What is sent for a value, and known again; NULL: no header can say it. */
static const struct { const char *value, *header; } sent[] = {
	{ "\"us-west1\"", "us-west1" },
	{ "\"us west 1\"", "us west 1" },
	{ "\"Hello, \xe4\xb8\x96\xe7\x95\x8c\"", "=?base64?SGVsbG8sIOS4lueVjA==?=" },
	{ "\"Hello, \\u4e16\\u754c\"", "=?base64?SGVsbG8sIOS4lueVjA==?=" },
	{ "\" padded \"", "=?base64?IHBhZGRlZCA=?=" },
	{ "\" us-west1\"", "=?base64?IHVzLXdlc3Qx?=" },
	{ "\"us-west1 \"", "=?base64?dXMtd2VzdDEg?=" },
	{ "\"\\tindented\"", "=?base64?CWluZGVudGVk?=" },
	{ "\"line1\\nline2\"", "=?base64?bGluZTEKbGluZTI=?=" },
	{ "\"line1\\r\\nline2\"", "=?base64?bGluZTENCmxpbmUy?=" },
	{ "\"=?base64?literal?=\"", "=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?=" },
	{ "\"=?base64?SGVsbG8=\"", "=?base64?SGVsbG8=" },
	{ "\"SGVsbG8=\"", "SGVsbG8=" },
	{ "\"x?=\"", "x?=" },
	{ "\"\"", "=?base64?" "?=" },
	{ "\"42\"", "42" },
	{ "\"true\"", "true" },
	{ "true", "true" },
	{ "false", "false" },
	{ "42", "42" },
	{ "-42", "-42" },
	{ "42.0", "42" },
	{ "42.000", "42" },
	{ "4.2e1", "42" },
	{ "4.2E+1", "42" },
	{ "420e-1", "42" },
	{ "4200", "4200" },
	{ "42e2", "4200" },
	{ "0", "0" },
	{ "-0", "0" },
	{ "0.0", "0" },
	{ "-0.0e7", "0" },
	{ "0e99999999999999999999", "0" },
	{ "0.05e2", "5" },
	{ "1000.50e2", "100050" },
	{ "1" ZEROS ZEROS "e-40", "1" },
	{ "0." ZEROS ZEROS "1e41", "1" },
	{ MAX, MAX },
	{ "-" MAX, "-" MAX },
	{ MAX ".0", MAX },
	{ "9007199254740992", NULL },
	{ "-9007199254740992", NULL },
	{ "18446744073709551617", NULL },		/* 1 with 64 bits */
	{ "184467440737095516170", NULL },
	{ "1e16", NULL },
	{ "1e400", NULL },
	{ "1e99999999999999999999", NULL },
	{ "1e-99999999999999999999", NULL },
	{ "4.2", NULL },
	{ "42.5", NULL },
	{ "42e-1", NULL },
	{ "[42]", NULL },
	{ "{}", NULL },
};

Test(param, are_sent_as_text_decimal_or_boolean)
{
	struct buf	b;
	int		r;

	buf_init(&b, 1024);
	for (size_t i = 0; i < sizeof(sent) / sizeof(sent[0]); i++) {
		struct json_value v = json(sent[i].value);

		buf_clear(&b);
		r = mcp_param_encode(&b, v, &arena);
		cr_expect(r == (sent[i].header == NULL ? E_FORMAT : 0), "row %zu %s: %d", i, sent[i].value, r);
		if (sent[i].header == NULL) {
			cr_expect(mcp_param_matches(span_of(sent[i].value), v, &arena) == E_FORMAT, "row %zu", i);
			continue;
		}
		cr_expect(span_is(buf_rest(&b), sent[i].header), "row %zu: %.*s", i, SPAN_FMT(buf_rest(&b)));
		cr_expect(mcp_param_matches(buf_rest(&b), v, &arena) == 0, "row %zu", i);
		cr_expect(mcp_param_matches(SPAN_LIT("other"), v, &arena) == E_MCP_HEADER, "row %zu", i);
	}
	buf_fini(&b);
}

static const struct { const char *header, *value; bool same; } compared[] = {
	{ "us-west1", "\"us-west1\"", true },
	{ " \tus-west1 ", "\"us-west1\"", true },
	{ "US-WEST1", "\"us-west1\"", false },
	{ "us-west1x", "\"us-west1\"", false },
	{ "", "\"us-west1\"", false },
	{ "", "\"\"", true },
	{ "=?base64?SGVsbG8=?=", "\"Hello\"", true },
	{ "=?base64?SGVsbG8?=", "\"Hello\"", false },		/* padding */
	{ "=?base64?SGVsbG9=?=", "\"Hello\"", false },		/* not canonical */
	{ "=?base64?SGVs!!!bG8=?=", "\"Hello\"", false },
	{ "=?BASE64?SGVsbG8=?=", "\"Hello\"", false },
	{ "=?base64?SGVsbG8=?=", "\"=?base64?SGVsbG8=?=\"", false },	/* a lookalike goes encoded */
	{ "SGVsbG8=", "\"SGVsbG8=\"", true },
	{ "=?base64?/w==?=", "\"\\u00ff\"", false },		/* no UTF-8 */
	{ "42", "42", true },
	{ "42", "42.0", true },
	{ "42", "4.2e1", true },
	{ "42.0", "42", true },
	{ "42.00", "42.0", true },
	{ "=?base64?NDI=?=", "42", true },
	{ "=?base64?NDIuMA==?=", "42", true },			/* 42.0 */
	{ "=?base64?NDI?=", "42", false },
	{ "0", "-0", true },
	{ "-0", "0", true },
	{ "-0.0", "0", true },
	{ "-42", "-42", true },
	{ "-42", "42", false },
	{ "43", "42", false },
	{ "42.5", "42", false },
	{ "42.", "42", false },
	{ ".42", "42", false },
	{ "+42", "42", false },
	{ "042", "42", false },
	{ "4.2e1", "42", false },
	{ "0x2a", "42", false },
	{ "4 2", "42", false },
	{ "42,42", "42", false },
	{ "-", "0", false },
	{ "", "0", false },
	{ "9007199254740993", "9007199254740991", false },
	{ "18446744073709551658", "42", false },		/* 42 with 64 bits */
	{ "42", "\"42\"", true },
	{ "42.0", "\"42\"", false },
	{ "true", "true", true },
	{ "True", "true", false },
	{ "1", "true", false },
	{ "false", "true", false },
	{ "=?base64?dHJ1ZQ==?=", "true", true },
};

Test(param, are_compared_decoded_and_numbers_by_what_they_count)
{
	for (size_t i = 0; i < sizeof(compared) / sizeof(compared[0]); i++)
		cr_expect(mcp_param_matches(span_of(compared[i].header), json(compared[i].value), &arena) ==
		    (compared[i].same ? 0 : E_MCP_HEADER), "row %zu: %s and %s", i, compared[i].header,
		    compared[i].value);
}
