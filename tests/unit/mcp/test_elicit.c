/* SPDX-License-Identifier: Apache-2.0
 *
 * test_elicit.c - who asks stands before what is asked
 */
#include <criterion/criterion.h>

#include "mcp/elicit.h"

typedef int put_fn(struct buf *, struct json_value, struct span);

static void
expect_put(put_fn *put, const char *text, const char *want)
{
	struct json_value	v;
	struct buf		b;
	int			r;

	cr_assert(json_parse(span_of(text), false, &v, NULL) == 0, "%s", text);
	buf_init(&b, 4096);
	r = put(&b, v, SPAN_LIT("n\"1"));
	if (want == NULL)
		cr_expect(r == E_JSON_DUPLICATE, "%s: %d", text, r);
	else
		cr_expect(r == 0 && span_is(buf_rest(&b), want), "%d: %.*s is not %s", r, SPAN_FMT(buf_rest(&b)), want);
	buf_fini(&b);
}

Test(elicit, names_the_server_in_the_message_and_leaves_the_rest)
{
	static const struct { const char *text, *want; } rows[] = {
		{ "{\"message\":\"m\"}", "{\"message\":\"n\\\"1: m\"}" },
		{ "{ \"a\" : [1, 2.0],\n\"m\\u0065ssage\" : \"\\u00e9\\\" \" , \"mode\":\"url\", \"url\":\"message\"}",
		    "{ \"a\" : [1, 2.0],\n\"m\\u0065ssage\" : \"n\\\"1: \\u00e9\\\" \" , \"mode\":\"url\", \"url\":\"message\"}" },
		{ "{\"message\":\"\",\"requestedSchema\":{\"properties\":{\"message\":{\"type\":\"string\"}}}}",
		    "{\"message\":\"n\\\"1: \",\"requestedSchema\":{\"properties\":{\"message\":{\"type\":\"string\"}}}}" },
		{ "{\"message\":7,\"x\":{\"message\":\"m\"}}", "{\"message\":7,\"x\":{\"message\":\"m\"}}" },
		{ "{}", "{}" },
		{ "{\"message\":\"for you\",\"m\\u0065ssage\":\"for all\"}", NULL },
		{ "{\"message\":\"m\",\"mode\":\"form\",\"mode\":\"url\"}", NULL },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		expect_put(mcp_elicit_put, rows[i].text, rows[i].want);
}

Test(elicit, names_the_server_in_those_requests_that_are_elicitations)
{
	expect_put(mcp_elicit_put_requests, "{\"a\":{\"method\":\"elicitation/create\",\"params\":{\"message\":\"m\"}},"
	    "\"b\":{\"method\":\"sampling/createMessage\",\"params\":{\"message\":\"m\"}}, \"c\":{\"params\":{\"message\":\"x\","
	    "\"mode\":\"url\"},\"method\":\"elicitation\\/create\"},\"d\":5,\"e\":{\"method\":\"elicitation/create\"}}",
	    "{\"a\":{\"method\":\"elicitation/create\",\"params\":{\"message\":\"n\\\"1: m\"}},"
	    "\"b\":{\"method\":\"sampling/createMessage\",\"params\":{\"message\":\"m\"}}, \"c\":{\"params\":{\"message\":"
	    "\"n\\\"1: x\",\"mode\":\"url\"},\"method\":\"elicitation\\/create\"},\"d\":5,\"e\":{\"method\":"
	    "\"elicitation/create\"}}");
	expect_put(mcp_elicit_put_requests, "{\"a\":{\"method\":\"x\",\"method\":\"elicitation/create\"}}", NULL);
	expect_put(mcp_elicit_put_requests, "{\"a\":{},\"a\":{}}", NULL);
	expect_put(mcp_elicit_put_requests, "{}", "{}");
}

Test(elicit, names_the_server_in_the_urls_of_an_error)
{
	expect_put(mcp_elicit_put_data, "{\"x\":1,\"elicitations\":[{\"url\":\"u\",\"message\":\"m\"}, 5, {\"message\":\"o\"}]}",
	    "{\"x\":1,\"elicitations\":[{\"url\":\"u\",\"message\":\"n\\\"1: m\"}, 5, {\"message\":\"n\\\"1: o\"}]}");
	expect_put(mcp_elicit_put_data, "{\"elicitations\":{\"message\":\"m\"}}", "{\"elicitations\":{\"message\":\"m\"}}");
}

Test(elicit, names_the_server_where_there_is_no_message)
{
	expect_put(mcp_elicit_put_message, "\"m\"", "\"n\\\"1: m\"");
	expect_put(mcp_elicit_put_message, "null", "\"n\\\"1: \"");
}

Test(elicit, keeps_to_its_bounds)
{
	struct json_value	v = { JSON_OBJECT, SPAN_LIT("{\"message\":\"0123456789\"}") };

	for (size_t room = 0; room < v.raw.n + 3; room++) {
		struct buf	b;

		buf_init(&b, room);
		cr_expect(mcp_elicit_put(&b, v, SPAN_LIT("s")) == E_TOOBIG, "%zu", room);
		buf_fini(&b);
	}
}
